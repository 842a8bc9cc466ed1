//! Whether reviewers and rules fit together: categories that no rule has, rules that nobody looks at. Changes nothing.

use std::collections::BTreeSet;

use super::compile::{Build, ORGANISATION};
use super::fault::{Fault, Source, Warning, source};
use super::organisation::{Organisation, unknown};
use super::rule::Rule;
use super::rule::SAFEGUARDING;
use super::{Reviewer, School, Sources};
use crate::message::Address;
use crate::verdict::{Mode, Severity};

/// Finds reviewers of what no rule finds, and rules of what no reviewer sees.
pub(super) fn check(build: &mut Build, sources: &Sources, rules: &[Rule]) {
    let Some(organisation) = &build.organisation else { return };
    let text = |file: &str| sources.files.get(file).map_or("", String::as_str);
    let place = source(ORGANISATION, text(ORGANISATION));
    let mut warnings = Vec::new();
    for reviewer in &organisation.notices.reviewers {
        check_reviewer(reviewer, organisation, rules, &place, &mut warnings);
    }
    if organisation.notices.reviewers.is_empty() && rules.iter().any(is_for_reviewers) {
        let fault =
            Fault::new(&place, 0..0, "there is no [[reviewer]], so nobody is told of what rules find");
        warnings.push(Warning(fault.help(
            "add one with `name` and `addresses`; docs/notices.md has an example. Without one, matches stand in the log alone",
        )));
    } else {
        let mut told = BTreeSet::new();
        for rule in rules.iter().filter(|rule| is_for_reviewers(rule)) {
            let missing = unseen(rule, organisation);
            if !missing.is_empty() && told.insert((rule.category.as_str(), missing.clone())) {
                let category = &rule.category;
                let message =
                    format!("no reviewer sees what rules of category \"{category}\" find {missing}");
                let fault = Fault::new(&source(&rule.file, text(&rule.file)), rule.place.clone(), message);
                let help = format!(
                    "add a [[reviewer]] with `category = [\"{category}\"]` to organisation.toml, or one with `fallback = true`"
                );
                warnings.push(Warning(fault.help(help)));
            }
        }
    }
    build.warnings.append(&mut warnings);
}

fn check_reviewer(
    reviewer: &Reviewer,
    organisation: &Organisation,
    rules: &[Rule],
    place: &Source,
    warnings: &mut Vec<Warning>,
) {
    for category in &reviewer.categories {
        if !rules.iter().any(|rule| rule.category == category.value) {
            let known: BTreeSet<&str> = rules.iter().map(|rule| rule.category.as_str()).collect();
            let known: Vec<&str> = known.into_iter().collect();
            // No fault: whoever takes a file of rules away has not misspelt anything.
            let fault = unknown(place, category, "category", &known, "write a rule of it first");
            let message = format!("no rule has the category \"{}\"", category.value);
            warnings.push(Warning(fault.saying(message)));
        }
    }
    for (address, span) in reviewer.addresses.iter().zip(&reviewer.places) {
        if !organisation.is_ours(address) {
            let message =
                format!("\"{address}\" is outside: notices to \"{}\" leave the organisation", reviewer.name);
            let fault = Fault::new(place, span.clone(), message);
            warnings.push(Warning(
                fault.help("notices hold no content; still, name an address of one of your own domains"),
            ));
        }
    }
}

/// Whether a rule's matches are there to be looked at.
fn is_for_reviewers(rule: &Rule) -> bool {
    rule.mode == Mode::Notify || (rule.mode == Mode::Enforce && must_be_seen(rule))
}

/// Whether a match is on record also where no reviewer is named for it.
pub(super) fn must_be_seen(rule: &Rule) -> bool {
    rule.category == SAFEGUARDING || rule.severity == Severity::Gross
}

/// Where nobody sees what a rule finds, in words; empty where somebody does everywhere.
fn unseen(rule: &Rule, organisation: &Organisation) -> String {
    let seen = |school: Option<&School>| {
        let school = school.map(|school| school.id.as_str());
        organisation.notices.reviewers.iter().any(|reviewer| match must_be_seen(rule) {
            true => reviewer.sees(rule, school),
            // Who asks for the graver ones alone means it.
            false => reviewer.is_for(rule, school),
        })
    };
    let runs = |school: &&School| {
        let meant = rule.schools.is_empty() || rule.schools.contains(&school.id);
        let off = school
            .overrides
            .get(&rule.id.0)
            .is_some_and(|mode| mode.value.mode().is_none_or(|mode| mode == Mode::Observe));
        meant && !off
    };
    let mut missing: Vec<String> = organisation
        .schools
        .iter()
        .filter(runs)
        .filter(|school| !seen(Some(school)))
        .map(|school| format!("at \"{}\"", school.id))
        .collect();
    let nowhere = Address::parse(format!("x@{}", organisation.first_domain_of(None)).as_bytes());
    let has_others = nowhere.is_some_and(|address| organisation.school_of(&address).is_none());
    if has_others && rule.schools.is_empty() && !seen(None) {
        missing.push(if organisation.schools.is_empty() {
            "anywhere".to_owned()
        } else {
            "in mail of no school".to_owned()
        });
    }
    missing.join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{Policy, Sources};

    /// The warnings about reviewers that a policy of these rules gives, each with its place.
    fn warnings(organisation: &str, rules: &[(&str, &str, &str)]) -> Vec<String> {
        let rule = |(category, severity, mode): &(&str, &str, &str)| {
            format!(
                "[[rule]]\nid = \"{category}-{severity}\"\ntitle = \"x\"\ncategory = \"{category}\"\nseverity = \"{severity}\"\n\
                 mode = \"{mode}\"\nif.direction = [\"inbound\"]\nthen = {{ action = \"pass\" }}\n"
            )
        };
        let schools = "name = \"Trust\"\ndomains = [\"trust.example\"]\n\
            [[school]]\nid = \"oak\"\nname = \"Oak\"\ndomains = [\"oak.example\"]\n\
            [[school]]\nid = \"ash\"\nname = \"Ash\"\ndomains = [\"ash.example\"]\n";
        let files = BTreeMap::from([
            ("organisation.toml".to_owned(), format!("{schools}{organisation}")),
            ("rules.toml".to_owned(), rules.iter().map(rule).collect()),
        ]);
        let policy = Policy::compile(&Sources { files }).unwrap();
        let told = policy.warnings().iter().map(|warning| &warning.0);
        told.filter(|fault| {
            ["reviewer", "category", "outside"].iter().any(|word| fault.message().contains(word))
        })
        .map(|fault| format!("{}:{}:{} {}", fault.file(), fault.line(), fault.column(), fault.message()))
        .collect()
    }

    fn reviewer(keys: &str) -> String {
        format!("[[reviewer]]\nname = \"R\"\naddresses = [\"r@trust.example\"]\n{keys}\n")
    }

    #[test]
    fn what_nobody_sees_is_told_where_it_stands() {
        let help = ("safeguarding", "serious", "notify");
        assert_eq!(warnings("", &[("test", "mild", "observe")]), Vec::<String>::new());
        let none = warnings("", &[help]);
        assert_eq!(
            none,
            ["organisation.toml:1:1 there is no [[reviewer]], so nobody is told of what rules find"]
        );
        assert_eq!(warnings(&reviewer(""), &[help, ("test", "mild", "notify")]), Vec::<String>::new());
        let oak = reviewer("school = [\"oak\"]\ncategory = [\"safeguarding\"]");
        let unseen = "rules.toml:4:12 no reviewer sees what rules of category \"safeguarding\" find";
        assert_eq!(warnings(&oak, &[help]), [format!("{unseen} at \"ash\", in mail of no school")]);
        let fallback = "[[reviewer]]\nname = \"F\"\naddresses = [\"f@trust.example\"]\nfallback = true\n";
        assert_eq!(warnings(&format!("{oak}{fallback}"), &[help]), Vec::<String>::new());
    }

    #[test]
    fn a_grade_may_be_left_out_where_it_is_neither_gross_nor_safeguarding() {
        let serious = reviewer("severity = [\"serious\"]");
        assert_eq!(
            warnings(&serious, &[("test", "mild", "notify"), ("test", "gross", "observe")]),
            Vec::<String>::new()
        );
        let gross = "rules.toml:4:12 no reviewer sees what rules of category \"test\" find";
        assert!(warnings(&serious, &[("test", "gross", "enforce")])[0].starts_with(gross));
    }

    #[test]
    fn a_category_of_no_rule_and_an_address_outside_are_told() {
        let odd = "[[reviewer]]\nname = \"R\"\naddresses = [\"r@free.example\"]\ncategory = [\"safegarding\", \"test\"]\n";
        let told = warnings(odd, &[("test", "mild", "notify"), ("safeguarding", "mild", "observe")]);
        assert_eq!(
            told,
            [
                "organisation.toml:14:13 no rule has the category \"safegarding\"",
                "organisation.toml:13:14 \"r@free.example\" is outside: notices to \"R\" leave the organisation",
            ]
        );
    }
}
