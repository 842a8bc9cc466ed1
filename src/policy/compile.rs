//! From a policy's files to a compiled policy: every name resolved, every pattern and list indexed, every fault shown.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::condition::{PartyId, Zones};
use super::disclaimer::{Disclaimer, RawDisclaimer};
use super::doubt::Doubts;
use super::fault::{Fault, Faults, Source, Warning, source};
use super::guidance::Guidance;
use super::located::Located;
use super::organisation::{Organisation, RawOrganisation, unknown};
use super::party::Party;
use super::raw::RawRule;
use super::rule::Rule;
use super::rule_compile::RuleCompiler;
use super::{NamesPlan, Policy, Sources, example_people, monitoring, notices_check, out_of_hours, read};
use crate::detect::pattern::PatternIndex;
use crate::detect::words::{ListId, WordIndex, WordList};
use crate::people::People;
use crate::slips::Certainty;
use crate::verdict::Mode;

pub(super) const ORGANISATION: &str = "organisation.toml";
/// Domains, schools and groups that are made up for examples.
const EXAMPLE_ORGANISATION: &str = "example-organisation.toml";
const DISCLAIMERS: &str = "disclaimers.toml";
/// What the names of lists of sensitive topics begin with.
const TOPIC: &str = "topic-";

/// What is gathered while a policy is compiled.
#[derive(Default)]
pub(super) struct Build {
    pub(super) faults: Vec<Fault>,
    pub(super) warnings: Vec<Warning>,
    /// `None` where it has faults, so that no rule is blamed for them.
    pub(super) organisation: Option<Organisation>,
    /// The organisation that examples are judged in, where that is another.
    example_organisation: Option<Organisation>,
    pub(super) lists: Vec<ListFile>,
    pub(super) guidance: Guidance,
    pub(super) used_guidance: BTreeSet<String>,
    pub(super) patterns: Vec<String>,
    pub(super) parties: Vec<Party>,
    pub(super) doubts: Doubts,
    pub(super) asks_apart: bool,
    pub(super) party_ids: BTreeMap<Vec<String>, PartyId>,
    pub(super) word_zones: Zones,
    pub(super) pattern_zones: Zones,
    pub(super) identifier_zones: Zones,
    topics: Vec<(ListId, String)>,
    pub(super) names: NamesPlan,
    example_people: People,
}

/// A word list and what is known of it.
pub(super) struct ListFile {
    pub(super) list: WordList,
    source: Source,
    used: bool,
    /// Its file has faults, so nothing more is said of it.
    pub(super) broken: bool,
}

impl Build {
    /// The organisation that examples are judged in.
    pub(super) fn examples_organisation(&self) -> Option<&Organisation> {
        self.example_organisation.as_ref().or(self.organisation.as_ref())
    }

    /// The lists that say how confidential a message is, which count as used from now on.
    pub(super) fn topics(&mut self) -> &[(ListId, String)] {
        if self.topics.is_empty() {
            let lists = self.lists.iter_mut().zip(0..=u16::MAX);
            for (file, number) in lists.filter(|(file, _)| file.list.name.starts_with(TOPIC)) {
                file.used = true;
                self.topics.push((ListId(number), file.list.name.clone()));
            }
        }
        &self.topics
    }

    /// The list of that name, which counts as used from now on.
    pub(super) fn list(&mut self, source: &Source, name: &Located<String>) -> Option<ListId> {
        let found = self.lists.iter().position(|file| file.list.name == name.value);
        let Some(index) = found else {
            let known: Vec<&str> = self.lists.iter().map(|file| file.list.name.as_str()).collect();
            let otherwise = format!("add lists/{}.txt with one term a line", name.value);
            self.faults.push(unknown(source, name, "word list", &known, &otherwise));
            return None;
        };
        if let Some(file) = self.lists.get_mut(index) {
            file.used = true;
        }
        u16::try_from(index).ok().map(ListId)
    }
}

impl Policy {
    /// Compiles a policy. All that a message will need is made here: patterns, word index, globs, modes.
    ///
    /// # Errors
    /// Every fault that was found, in the order of files and lines.
    pub fn compile(sources: &Sources) -> Result<Self, Faults> {
        let mut build = Build::default();
        let organisation = read_organisation(&mut build, sources);
        build.organisation = organisation;
        build.example_organisation = read_example_organisation(&mut build, sources);
        read_lists(&mut build, sources);
        build.guidance = Guidance::compile(sources, &mut build.faults, &mut build.warnings);
        let disclaimers = read_disclaimers(&mut build, sources);
        build.example_people = example_people::read(&mut build, sources);
        let before = build.faults.len();
        let rules = read_rules(&mut build, sources);
        // A rule that could not be read may be the one that is missed here.
        if build.faults.len() == before {
            check_overrides(&mut build, sources, &rules);
            let text = sources.files.get(ORGANISATION).map_or("", String::as_str);
            let organisation = source(ORGANISATION, text);
            out_of_hours::check(&mut build, &organisation, &rules);
            monitoring::check(&mut build, &organisation);
            check_unused(&mut build, sources);
            notices_check::check(&mut build, sources, &rules);
        }
        finish(build, sources, disclaimers, rules)
    }
}

fn finish(
    mut build: Build,
    sources: &Sources,
    disclaimers: Vec<Disclaimer>,
    rules: Vec<Rule>,
) -> Result<Policy, Faults> {
    // Lists and patterns are numbered in 16 bits.
    for (count, what) in [(build.lists.len(), "word lists"), (build.patterns.len(), "patterns")] {
        if count > usize::from(u16::MAX) {
            let fault = Fault::new(&source("", ""), 0..0, format!("the policy has {count} {what}"));
            build.faults.push(fault.help("put them together; 65,535 is the most"));
        }
    }
    if build.faults.is_empty()
        && let Some(organisation) = build.organisation.take()
    {
        match PatternIndex::new(&build.patterns) {
            Ok(patterns) => return Ok(assemble(build, organisation, patterns, sources, disclaimers, rules)),
            Err(error) => {
                let fault = Fault::new(&source("", ""), 0..0, format!("patterns: {error}"));
                build.faults.push(fault.help("make the largest of them smaller"));
            }
        }
    }
    build.faults.sort_by(|a, b| (a.file(), a.line(), a.column()).cmp(&(b.file(), b.line(), b.column())));
    Err(Faults(build.faults))
}

fn assemble(
    build: Build,
    organisation: Organisation,
    patterns: PatternIndex,
    sources: &Sources,
    disclaimers: Vec<Disclaimer>,
    rules: Vec<Rule>,
) -> Policy {
    let lists: Vec<WordList> = build.lists.into_iter().map(|file| file.list).collect();
    let words = WordIndex::new(&lists);
    let terms = lists
        .into_iter()
        .map(|list| (list.name, list.terms.into_iter().map(|term| term.text).collect()))
        .collect();
    let modes = modes(&organisation, &rules);
    let domain_only = build.parties.iter().map(|party| party.is_domain_only(&organisation)).collect();
    Policy {
        organisation,
        disclaimers,
        rules,
        guidance: build.guidance,
        warnings: build.warnings,
        parties: build.parties,
        doubts: build.doubts,
        asks_apart: build.asks_apart,
        domain_only,
        words,
        terms,
        word_zones: build.word_zones,
        patterns,
        has_patterns: !build.patterns.is_empty(),
        pattern_zones: build.pattern_zones,
        identifier_zones: build.identifier_zones,
        topics: build.topics,
        names: build.names,
        modes,
        example_people: build.example_people,
        example_organisation: build.example_organisation,
        fingerprint: fingerprint(sources),
    }
}

/// For no school and then for each school: the mode of each rule, `None` where it does not run.
fn modes(organisation: &Organisation, rules: &[Rule]) -> Vec<Vec<Option<Mode>>> {
    let of = |school: Option<&super::School>| {
        rules
            .iter()
            .map(|rule| {
                let meant =
                    rule.schools.is_empty() || school.is_some_and(|school| rule.schools.contains(&school.id));
                let overridden = school.and_then(|school| school.overrides.get(&rule.id.0));
                match overridden {
                    _ if !meant => None,
                    Some(mode) => mode.value.mode(),
                    None => Some(rule.mode),
                }
            })
            .collect()
    };
    std::iter::once(None).chain(organisation.schools.iter().map(Some)).map(of).collect()
}

fn read_organisation(build: &mut Build, sources: &Sources) -> Option<Organisation> {
    let Some(text) = sources.files.get(ORGANISATION) else {
        let nowhere = source(ORGANISATION, "");
        let fault = Fault::new(&nowhere, 0..0, "the policy has no organisation.toml");
        build.faults.push(fault.help("add one with `name` and `domains`; docs/rules.md has an example"));
        return None;
    };
    let source = source(ORGANISATION, text);
    let raw: RawOrganisation = read::file(&source, &mut build.faults)?;
    Some(raw.compile(&source, &mut build.faults))
}

/// The organisation with the domains, schools and groups that are made up for examples, where the policy has any: so the
/// examples of the shipped rules hold whoever uses them.
fn read_example_organisation(build: &mut Build, sources: &Sources) -> Option<Organisation> {
    let text = sources.files.get(EXAMPLE_ORGANISATION)?;
    let ours = sources.files.get(ORGANISATION)?;
    let made_up = source(EXAMPLE_ORGANISATION, text);
    let raw: RawOrganisation = read::file(&made_up, &mut build.faults)?;
    raw.compile(&made_up, &mut build.faults);
    // Both together have no fault that is not told of one of them.
    let mut told = Vec::new();
    let ours: RawOrganisation = read::file(&source(ORGANISATION, ours), &mut told)?;
    let raw: RawOrganisation = read::file(&made_up, &mut told)?;
    Some(ours.with_examples(raw).compile(&made_up, &mut told))
}

fn read_lists(build: &mut Build, sources: &Sources) {
    for (path, text) in &sources.files {
        let Some(name) = path.strip_prefix("lists/").and_then(|file| file.strip_suffix(".txt")) else {
            continue;
        };
        let source = source(path, text);
        let (list, broken) = match WordList::parse(name, text) {
            Ok(list) => (list, false),
            Err(faults) => {
                build.faults.extend(faults.into_iter().map(|fault| {
                    Fault::new(&source, fault.span.start..fault.span.end, fault.what).help_if(fault.help)
                }));
                (WordList { name: name.to_owned(), ..WordList::default() }, true)
            }
        };
        build.lists.push(ListFile { list, source, used: false, broken });
    }
}

fn read_disclaimers(build: &mut Build, sources: &Sources) -> Vec<Disclaimer> {
    let Some(text) = sources.files.get(DISCLAIMERS) else { return Vec::new() };
    let source = source(DISCLAIMERS, text);
    let mut disclaimers: Vec<Disclaimer> = Vec::new();
    for Located { span, value } in read::tables::<RawDisclaimer>(&source, "disclaimer", &mut build.faults) {
        let made = value.compile(&source, &sources.files, build.organisation.as_ref(), &mut build.faults);
        let Some(disclaimer) = made else { continue };
        if let Some(organisation) = &mut build.organisation {
            organisation.upkeep.note_disclaimer(&source, span.clone(), &disclaimer);
        }
        if disclaimers.iter().any(|other| other.id == disclaimer.id) {
            let message = format!("there are two disclaimers \"{}\"", disclaimer.id);
            build.faults.push(Fault::new(&source, span, message).help("give one of them another id"));
        }
        disclaimers.push(disclaimer);
    }
    disclaimers
}

fn read_rules(build: &mut Build, sources: &Sources) -> Vec<Rule> {
    let mut rules = Vec::new();
    let mut places: BTreeMap<String, String> = BTreeMap::new();
    for (path, text) in &sources.files {
        if !path.ends_with(".toml")
            || [ORGANISATION, EXAMPLE_ORGANISATION, DISCLAIMERS, example_people::FILE]
                .contains(&path.as_str())
            || path.starts_with("guidance/")
        {
            continue;
        }
        let source = source(path, text);
        for (Located { span, value }, certainty) in
            read::tables_and_guesses::<RawRule>(&source, "rule", &mut build.faults)
        {
            let told = build.faults.len();
            if certainty == Certainty::Guessed {
                RuleCompiler::new(build, &source, &value).compile(span);
                let found = build.faults.split_off(told);
                build.faults.extend(found.into_iter().filter(Fault::is_of_a_written_name));
                continue;
            }
            let id = value.id.clone();
            let place = format!("{path}:{}", Fault::new(&source, id.span.clone(), "").line());
            if let Some(first) = places.insert(id.value.clone(), place) {
                let fault = Fault::new(&source, id.span, format!("there are two rules \"{}\"", id.value));
                build.faults.push(fault.help(format!("the other one is at {first}; give one another id")));
            }
            rules.push(RuleCompiler::new(build, &source, &value).compile(span));
        }
    }
    rules
}

/// Schools can only override rules that there are.
fn check_overrides(build: &mut Build, sources: &Sources, rules: &[Rule]) {
    let Some(organisation) = &build.organisation else { return };
    let text = sources.files.get(ORGANISATION).map_or("", String::as_str);
    let source = source(ORGANISATION, text);
    let ids: Vec<&str> = rules.iter().map(|rule| rule.id.0.as_str()).collect();
    for school in &organisation.schools {
        for (rule, place) in school.overrides.iter().filter(|(rule, _)| !ids.contains(&rule.as_str())) {
            let name = Located { span: place.span.clone(), value: rule.clone() };
            build.faults.push(unknown(&source, &name, "rule", &ids, "write a rule first"));
        }
    }
}

fn check_unused(build: &mut Build, sources: &Sources) {
    for file in build.lists.iter().filter(|file| !file.used) {
        let fault = Fault::new(&file.source, 0..0, format!("no rule uses the list \"{}\"", file.list.name));
        build.faults.push(fault.help("name it in a rule's `words` or `near`, or delete the file"));
    }
    for name in build.guidance.names().filter(|name| !build.used_guidance.contains(*name)) {
        let file = format!("guidance/{name}.md");
        let source = source(&file, sources.files.get(&file).map_or("", String::as_str));
        let fault = Fault::new(&source, 0..0, format!("no rule uses the guidance \"{name}\""));
        build.warnings.push(Warning(fault.help("name it in a rule's `then`, or delete the file")));
    }
}

/// The first 12 hexadecimal digits of a hash over all files and their names.
fn fingerprint(sources: &Sources) -> String {
    let mut hash = Sha256::new();
    for (path, text) in &sources.files {
        for piece in [path, text] {
            hash.update(u64::try_from(piece.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(piece.as_bytes());
        }
    }
    hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
