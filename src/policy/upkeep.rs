//! What an organisation has to keep up: names of its own in place of the made-up ones, its term dates. Advises; refuses nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use jiff::civil::Date;
use serde::Serialize;

use super::address::{AddressSet, glob};
use super::calendar::RawCalendar;
use super::disclaimer::Disclaimer;
use super::fault::{Fault, Source};
use super::left_over::{in_source, is_made_up};
use super::located::Located;

/// What the shipped `organisation.toml` is called.
const SHIPPED_NAME: &str = "Hillside Trust";
/// The group that the shipped rules for pupils go by.
const PUPILS: &str = "pupils";
/// Term dates are asked for so many days before the last of them.
const DAYS_BEFORE: i32 = 30;

/// Something that works and wants doing all the same. Serialised as `file`, `line`, `column`, `message`, `help`.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Advice(Fault);

impl Advice {
    pub(super) const fn new(fault: Fault) -> Self {
        Self(fault)
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.0.file(), self.0.line(), self.0.column(), self.0)?;
        self.0.remedy().map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
    }
}

/// What was written that may want doing some day.
#[derive(Debug, Clone)]
pub(super) struct Upkeep {
    source: Source,
    /// Where a name or domain says that all of it is still made up: it has no domain of its own.
    made_up: Option<Range<usize>>,
    /// What is still made up though the rest is somebody's own.
    left_over: Vec<Advice>,
    /// Whether it is called something else than the shipped one.
    has_its_own_name: bool,
    last_terms: Vec<LastTerm>,
}

/// What an organisation says of itself.
pub(super) struct Described<'a> {
    /// Its name.
    pub(super) name: &'a Located<String>,
    /// Its domains and those of its schools, as they are written.
    pub(super) domains: &'a [&'a Located<String>],
    /// The same, compiled.
    pub(super) ours: &'a AddressSet,
    /// Its groups.
    pub(super) groups: &'a BTreeMap<String, Vec<Located<String>>>,
}

/// The last term of a calendar.
#[derive(Debug, Clone)]
struct LastTerm {
    /// Whose calendar it is; `None` is the organisation's.
    school: Option<String>,
    place: Range<usize>,
    name: String,
    until: Date,
}

impl Upkeep {
    /// Notes what is made up, and where each calendar ends; a calendar is given with its school.
    pub(super) fn new<'a>(
        source: &Source,
        described: &Described<'_>,
        calendars: impl Iterator<Item = (Option<&'a str>, &'a RawCalendar)>,
    ) -> Self {
        let Described { name, domains, .. } = described;
        let shipped = (name.value == SHIPPED_NAME).then_some(*name);
        let has_its_own = domains.iter().any(|domain| !is_made_up(&domain.value));
        let (made_up, left_over) = match has_its_own {
            true => (None, left_over(source, shipped, described)),
            false => (shipped.or_else(|| domains.first().copied()), Vec::new()),
        };
        let last_terms = calendars.filter_map(|(school, calendar)| {
            let (place, name, until) = calendar.last_term()?;
            Some(LastTerm { school: school.map(str::to_owned), place, name: name.to_owned(), until })
        });
        Self {
            source: Source::clone(source),
            made_up: made_up.map(|written| written.span.clone()),
            left_over,
            has_its_own_name: shipped.is_none(),
            last_terms: last_terms.collect(),
        }
    }

    /// Notes a disclaimer that speaks of the made-up organisation, where the organisation is called something else.
    pub(super) fn note_disclaimer(&mut self, source: &Source, place: Range<usize>, disclaimer: &Disclaimer) {
        let speaks_of_it =
            |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").contains(SHIPPED_NAME);
        if self.has_its_own_name
            && [&disclaimer.text, &disclaimer.html].into_iter().any(|text| speaks_of_it(text))
        {
            let message =
                format!("the disclaimer \"{}\" still speaks of the made-up {SHIPPED_NAME}", disclaimer.id);
            self.left_over.push(Advice(
                Fault::new(source, place, message).help("put your own name there: it is added to your mail"),
            ));
        }
    }

    /// Advice on what is left of the made-up organisation where the rest is somebody's own.
    pub(super) fn left_over(&self) -> &[Advice] {
        &self.left_over
    }

    /// Advice where the whole organisation is still one that is made up: none of its domains is anybody's.
    pub(super) fn made_up(&self) -> Option<Advice> {
        let fault = Fault::new(&self.source, self.made_up.clone()?, "this is still the made-up organisation");
        Some(Advice(fault.help(
            "put your own name and domains in its place, then your schools, dates and people, before mail depends on it; \
             where you are only trying mailwarden out, `made-up = true` in [policy] of the configuration says that it is meant",
        )))
    }

    /// Advice on the calendars whose last term is over on that day, or will be soon. The dates of a made-up organisation are nobody's.
    pub(super) fn terms(&self, today: Date) -> Vec<Advice> {
        if self.made_up.is_some() {
            return Vec::new();
        }
        let told = self.last_terms.iter().filter_map(|term| {
            let days = (term.until - today).get_days();
            let when = match days {
                ..0 => "ended",
                0 => "ends today,",
                1..=DAYS_BEFORE => "ends",
                _ => return None,
            };
            let of = term.school.as_ref().map_or_else(String::new, |school| format!(" of \"{school}\""));
            let message = format!(
                "the last term{of}, \"{}\", {when} {}: every day after it counts as out of term",
                term.name,
                term.until.strftime("%-d %B %Y")
            );
            let fault = Fault::new(&self.source, term.place.clone(), message);
            Some(Advice(fault.help("add the terms that follow, and their holidays: rules with hours and out-of-hours answers go by them")))
        });
        told.collect()
    }
}

/// What is still made up in an organisation that has domains of its own.
fn left_over(source: &Source, shipped: Option<&Located<String>>, described: &Described<'_>) -> Vec<Advice> {
    let name = shipped.map(|name| {
        let fault =
            Fault::new(source, name.span.clone(), "this is still the name of the made-up organisation");
        Advice(fault.help("put your own there"))
    });
    let mut advice: Vec<Advice> = name.into_iter().chain(in_source(source)).collect();
    advice.extend(described.groups.get(PUPILS).and_then(|entries| no_pupil(source, entries, described.ours)));
    advice
}

/// Advice where none of the pupils lies at one of the organisation's domains.
fn no_pupil(source: &Source, entries: &[Located<String>], ours: &AddressSet) -> Option<Advice> {
    if entries.iter().any(|entry| may_be_at(&entry.value, ours)) {
        return None;
    }
    let place = entries.first().map_or(0..0, |entry| entry.span.clone());
    let message = format!("no pupil of yours is in the group `{PUPILS}`: rules for pupils meet nobody");
    Some(Advice(Fault::new(source, place, message).help(
        "write there your pupils' addresses, or the domain where they have them if nobody else has any there, and see that it is one of `domains` too",
    )))
}

/// Whether an address, a domain or a glob of either can mean somebody at one of these domains.
fn may_be_at(entry: &str, domains: &AddressSet) -> bool {
    let folded = entry.to_lowercase();
    let domain = folded.rsplit_once('@').map_or(folded.as_str(), |(_, domain)| domain);
    domains.contains_domain(domain)
        || glob(domain).is_ok_and(|glob| {
            let glob = glob.compile_matcher();
            domains.plain_domains().any(|ours| glob.is_match(ours))
        })
}

#[cfg(test)]
mod tests {
    use super::super::{Policy, Sources};

    /// What is told on that day of an organisation with that name, domain and calendars.
    fn told(name: &str, domain: &str, more: &str, day: &str) -> Vec<String> {
        let text = format!("name = \"{name}\"\ndomains = [\"{domain}\"]\n{more}");
        let files = [("organisation.toml".to_owned(), text)].into();
        let policy = Policy::compile(&Sources { files }).unwrap();
        let now = format!("{day}T12:00:00Z").parse().unwrap();
        let advice = policy.made_up().into_iter().chain(policy.left_over()).chain(policy.terms_ending(now));
        advice.map(|advice| advice.to_string()).collect()
    }

    const TERMS: &str = "[[calendar.term]]\nname = \"Summer\"\nfrom = 2026-04-13\nuntil = 2026-07-21\n\
        [[calendar.term]]\nname = \"Spring\"\nfrom = 2026-01-05\nuntil = 2026-03-27\n";

    #[test]
    fn what_is_still_made_up_is_told_at_its_place_and_its_dates_are_not() {
        for (name, domain, place) in [
            ("Hillside Trust", "hillside.example", "organisation.toml:1:8: this is still the made-up"),
            ("Oak Trust", "Oak.EXAMPLE", "organisation.toml:2:12: this is still the made-up"),
        ] {
            let told = told(name, domain, TERMS, "2027-01-01");
            assert!(matches!(&told[..], [only] if only.starts_with(place)), "{told:?}");
        }
        assert_eq!(told("Oak Trust", "oak.sch.uk", "", "2027-01-01"), [""; 0]);
    }

    #[test]
    fn what_is_left_of_the_made_up_organisation_is_told_once_a_domain_is_its_own() {
        let groups = |pupils: &str| format!("[groups]\npupils = [{pupils}]\n");
        let school = "[[school]]\nid = \"ash\"\nname = \"Ash\"\ndomains = [\"ash.example\"]\n";
        let pupils = "organisation.toml:4:11: no pupil of yours is in the group `pupils`";
        let left =
            "organisation.toml:4:11: `groups.pupils` still has what is made up: \"pupils.ash.example\"";
        let nobody = "organisation.toml:1:1: no pupil of yours is in the group `pupils`";
        for (name, domain, more, wanted) in [
            ("Oak Trust", "oak.sch.uk", groups("\"oak.sch.uk\""), vec![]),
            ("Oak Trust", "oak.sch.uk", groups("\"s??@OAK.sch.uk\""), vec![]),
            ("Oak Trust", "*.oak.sch.uk", groups("\"pupils.oak.sch.uk\""), vec![]),
            ("Oak Trust", "pupils.oak.sch.uk", groups("\"other.com\", \"*.oak.sch.uk\""), vec![]),
            ("Oak Trust", "*.oak.sch.uk", groups("\"*.oak.sch.uk\""), vec![]),
            ("Oak Trust", "oak.sch.uk", groups(""), vec![nobody]),
            ("Oak Trust", "oak.sch.uk", groups("\"pupils.oak.sch.uk\""), vec![pupils]),
            ("Oak Trust", "oak.sch.uk", groups("\"pupils.ash.example\""), vec![left, pupils]),
            (
                "Hillside Trust",
                "oak.sch.uk",
                school.to_owned(),
                vec![
                    "organisation.toml:1:8: this is still the name",
                    "organisation.toml:6:12: `school.domains` still has what is made up: \"ash.example\"",
                ],
            ),
            (
                "Oak Trust",
                "oak.example",
                groups("\"pupils.ash.example\""),
                vec!["organisation.toml:2:12: this is still"],
            ),
        ] {
            let told = told(name, domain, &more, "2027-01-01");
            let each = told.iter().zip(&wanted).all(|(told, wanted)| told.starts_with(wanted));
            assert!(told.len() == wanted.len() && each, "{domain} {more}: {told:?}");
        }
    }

    #[test]
    fn a_disclaimer_with_the_made_up_name_is_told_where_the_organisation_has_another() {
        let text = |text: &str| format!("[[disclaimer]]\nid = \"ours\"\ntext = \"\"\"\n{text}\n\"\"\"\n");
        for (name, disclaimer, told_of) in [
            ("Oak Trust", text("This comes from Hillside\nTrust."), true),
            ("Oak Trust", text("This comes from Oak Trust, on a hillside."), false),
            ("Oak Trust", text("Oak Trust\"\"\"\nhtml = \"\"\"<p>Hillside Trust</p>"), true),
            ("Hillside Trust", text("This comes from Hillside Trust."), false),
        ] {
            let organisation = format!("name = \"{name}\"\ndomains = [\"oak.example\"]\n");
            let files =
                [("organisation.toml".to_owned(), organisation), ("disclaimers.toml".to_owned(), disclaimer)];
            let policy = Policy::compile(&Sources { files: files.into() }).unwrap();
            let told: Vec<String> = policy.left_over().iter().map(ToString::to_string).collect();
            let place =
                "disclaimers.toml:1:1: the disclaimer \"ours\" still speaks of the made-up Hillside Trust";
            assert_eq!(
                told.iter().filter(|told| told.starts_with(place)).count(),
                usize::from(told_of),
                "{told:?}"
            );
            assert_eq!(told.len(), usize::from(told_of), "{told:?}");
        }
    }

    #[test]
    fn terms_are_asked_for_from_thirty_days_before_the_last_ends() {
        for (day, told_then) in [
            ("2026-06-20", None),
            ("2026-06-21", Some("ends 21 July 2026")),
            ("2026-07-21", Some("ends today, 21 July 2026")),
            ("2026-07-22", Some("ended 21 July 2026")),
        ] {
            let told = told("Oak Trust", "oak.sch.uk", TERMS, day);
            match told_then {
                None => assert!(told.is_empty(), "{day}: {told:?}"),
                Some(text) => {
                    let place = "organisation.toml:3:1: the last term, \"Summer\"";
                    assert!(
                        told.len() == 1 && told[0].starts_with(place) && told[0].contains(text),
                        "{told:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_school_with_a_calendar_of_its_own_is_told_by_its_name() {
        let school = "[[school]]\nid = \"ash\"\nname = \"Ash School\"\ndomains = [\"ash.sch.uk\"]\n\
            [[school.calendar.term]]\nname = \"Spring\"\nfrom = 2026-01-05\nuntil = 2026-03-27\n";
        let told = told("Oak Trust", "oak.sch.uk", &format!("{TERMS}{school}"), "2026-05-01");
        assert!(
            matches!(&told[..], [only] if only.contains("of \"Ash School\", \"Spring\", ended 27 March")),
            "{told:?}"
        );
    }
}
