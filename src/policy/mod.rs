//! The organisation's policy: rule files in, one compiled policy out, and its decision on a message.

mod acquaintance;
mod address;
mod answers;
mod apart;
mod calendar;
mod compile;
mod condition;
mod decide;
mod declared;
mod disclaimer;
mod doubt;
mod evaluate;
mod example;
mod example_people;
mod explain;
mod fault;
mod guidance;
mod left_over;
mod length;
mod lint;
mod located;
mod monitoring;
mod network;
mod notices;
mod notices_check;
mod notified;
mod organisation;
mod out_of_hours;
mod party;
mod phrases;
mod place;
mod raw;
mod raw_personal;
mod read;
mod recipients;
mod rule;
mod rule_answer;
mod rule_compile;
mod shown_example;
mod sweep;
mod sweep_dates;
mod sweep_names;
mod sweep_personal;
mod tests;
mod upkeep;
mod when;
mod when_from;
mod when_marking;
mod when_names;
mod when_personal;
mod when_recipients;
mod when_secrets;
mod when_words;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub use acquaintance::{Acquaintance, Memory, NoMemory};
pub use address::{AddressSet, EntryError};
pub use answers::{Answers, Proof};
pub use apart::{SentApart, SentBefore};
pub use calendar::{Calendar, Period};
pub use disclaimer::{Disclaimer, Fallback, Placement};
pub use example::ExampleFault;
pub use explain::{ConditionExplanation, Explanation, Held, Outcome, RuleExplanation};
pub use fault::{Fault, Faults, Warning};
pub use guidance::{Guidance, Language, Told};
pub use left_over::left_over;
pub use length::Length;
pub use located::Hours;
pub use monitoring::{Due, LastTold, MonitoringNotice, Occasion, Reader, ToBeTold};
pub use notices::{Notices, Reviewer};
pub use notified::{Notice, Noticed, Notified};
pub use organisation::{Organisation, School};
pub use out_of_hours::{Contacts, Help, OutOfHours};
pub use phrases::{Phrases, alternatives, counted, filled, named_of};
pub use place::{FoundWords, Place, Reveal};
pub use rule::{Override, Receipt, Rule, Then, ThenHeader, is_safeguarding};
pub use shown_example::ShownExample;
pub use upkeep::Advice;

use crate::detect::names::Wanted;
use crate::detect::pattern::PatternIndex;
use crate::detect::words::{ListId, WordIndex};
use crate::extract::Extraction;
use crate::limits::Limits;
use crate::message::{Address, Envelope, Message};
use crate::people::People;
use crate::verdict::{Mode, RuleId, Verdict};
use condition::Zones;
use doubt::Doubts;
use party::Party;

/// Where a recipient stands to the sender.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From outside to one of ours.
    Inbound,
    /// From one of ours to outside.
    Outbound,
    /// From one of ours to one of ours.
    Internal,
}

impl Direction {
    /// The direction's name as rules and `--json` write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
            Self::Internal => "internal",
        }
    }
}

/// A policy's files as they were read: `organisation.toml`, `disclaimers.toml`, `example-people.toml`, `lists/*.txt`,
/// `guidance/`, the files that disclaimers name, and rule files, which are all other `*.toml`. Whatever else is there is passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// The texts, by their paths relative to the policy's folder, with `/` between folders.
    pub files: BTreeMap<String, String>,
}

/// What a policy decides on: one message with all that is known of it.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// Who sends it to whom.
    pub envelope: &'a Envelope,
    /// Its structure.
    pub message: &'a Message<'a>,
    /// Its texts.
    pub extraction: &'a Extraction,
    /// The roll.
    pub people: &'a People,
    /// What remembers who wrote to whom.
    pub memory: &'a dyn Memory,
    /// What of it belongs to what its recipients got before: [`Policy::sent_apart`].
    pub apart: &'a SentApart,
    /// The caps in force.
    pub limits: &'a Limits,
    /// The moment by which schedules are judged.
    pub now: &'a jiff::Zoned,
    /// Whether the time for this message is over. What is not swept by then is in the verdict's coverage.
    pub expired: &'a dyn Fn() -> bool,
}

/// A compiled policy. Cheap to share, never changed: a reload makes another one.
#[derive(Debug, Clone)]
pub struct Policy {
    organisation: Organisation,
    disclaimers: Vec<Disclaimer>,
    rules: Vec<Rule>,
    guidance: Guidance,
    warnings: Vec<Warning>,
    parties: Vec<Party>,
    /// Those about recipients that some rule asks for.
    doubts: Doubts,
    /// Whether some rule asks what was sent before.
    asks_apart: bool,
    /// For each party, whether the answer is the same for all addresses of a domain.
    domain_only: Vec<bool>,
    words: WordIndex,
    /// The terms of each list, for those who may know which of them was found.
    terms: BTreeMap<String, Vec<String>>,
    word_zones: Zones,
    patterns: PatternIndex,
    has_patterns: bool,
    pattern_zones: Zones,
    identifier_zones: Zones,
    /// The lists that say how confidential a message is, where a rule asks.
    topics: Vec<(ListId, String)>,
    names: NamesPlan,
    /// For no school and then for each school, the mode of each rule.
    modes: Vec<Vec<Option<Mode>>>,
    /// The made-up people whom examples are judged with.
    example_people: People,
    /// The organisation that examples are judged in, where that is another.
    example_organisation: Option<Organisation>,
    fingerprint: String,
}

/// Which names some rule asks for, and where.
#[derive(Debug, Clone, Copy, Default)]
struct NamesPlan {
    zones: Zones,
    wanted: Wanted,
}

/// How a rule runs at a school.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct EffectiveRule {
    /// The rule.
    pub rule: RuleId,
    /// Its mode there; `None` where it does not run.
    pub mode: Option<Mode>,
    /// Whether the school overrides what the rule's file says.
    pub overridden: bool,
}

impl Policy {
    /// The same policy in the organisation that its examples are judged in, where that is another.
    fn among_examples(&self) -> Option<Self> {
        let organisation = self.example_organisation.clone()?;
        let domain_only = self.parties.iter().map(|party| party.is_domain_only(&organisation)).collect();
        Some(Self { organisation, domain_only, ..self.clone() })
    }

    /// Runs every rule's examples through the same steps as mail. Empty where all turn out as expected.
    pub fn check_examples(&self) -> Vec<ExampleFault> {
        example::check(self)
    }

    /// The envelope of a message that goes in that direction, made as those of rules' examples are: between people whom
    /// no rule knows, where `from` and `to` name none.
    pub fn usual_envelope(&self, direction: Direction, from: Option<Address>, to: Vec<Address>) -> Envelope {
        example::usual_envelope(&self.organisation, direction, from, to)
    }

    /// A message of plain text in that envelope, made as those of rules' examples are.
    pub fn plain_message(envelope: &Envelope, subject: &str, body: &str) -> Vec<u8> {
        example::plain_message(envelope, subject, body)
    }

    /// What works in this policy, but is hardly meant.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Advice where the organisation is still the made-up one that ships.
    pub fn made_up(&self) -> Option<Advice> {
        self.organisation.upkeep.made_up()
    }

    /// Advice on what is left of the made-up organisation in one that has domains of its own.
    pub fn left_over(&self) -> Vec<Advice> {
        self.organisation.upkeep.left_over().to_vec()
    }

    /// Advice on calendars whose last term is over at that moment, or will be within 30 days.
    pub fn terms_ending(&self, now: Timestamp) -> Vec<Advice> {
        self.organisation.upkeep.terms(now.to_zoned(self.organisation.time_zone.clone()).date())
    }

    /// The rule with that id.
    pub fn rule(&self, id: &RuleId) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == *id)
    }

    /// The rules, by file and in the order in which they stand there.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The organisation.
    pub fn organisation(&self) -> &Organisation {
        &self.organisation
    }

    /// The disclaimers, in their order.
    pub fn disclaimers(&self) -> &[Disclaimer] {
        &self.disclaimers
    }

    /// The direction of each recipient, in the envelope's order.
    pub fn directions(&self, envelope: &Envelope) -> Vec<Direction> {
        let from_us = self.organisation.sender_is_ours(envelope);
        envelope.recipients.iter().map(|to| self.organisation.direction(from_us, to)).collect()
    }

    /// The school of an address.
    pub fn school_of(&self, address: &Address) -> Option<&School> {
        self.organisation.school_of(address)
    }

    /// The guidance texts.
    pub const fn guidance(&self) -> &Guidance {
        &self.guidance
    }

    /// Decides on a message.
    pub fn decide(&self, case: &Case<'_>) -> Verdict {
        decide::decide(self, case)
    }

    /// Decides on a message and says why. Slower than [`Policy::decide`]: for people.
    pub fn explain(&self, case: &Case<'_>, reveal: Reveal) -> Explanation {
        explain::explain(self, case, reveal)
    }

    /// How every rule runs at a school; `None` is for mail that belongs to no school. `None` for an unknown school.
    pub fn effective(&self, school: Option<&str>) -> Option<Vec<EffectiveRule>> {
        let index = match school {
            None => None,
            Some(id) => Some(self.organisation.schools.iter().position(|school| school.id == id)?),
        };
        let overrides = index.and_then(|index| self.organisation.schools.get(index)).map(|s| &s.overrides);
        let rules = self.rules.iter().enumerate().map(|(number, rule)| EffectiveRule {
            rule: rule.id.clone(),
            mode: self.mode(index, number),
            overridden: overrides.is_some_and(|overrides| overrides.contains_key(&rule.id.0)),
        });
        Some(rules.collect())
    }

    /// A short hash of all files, to tell which policy is in force.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The JSON Schema of rule files, for editors.
    pub fn schema() -> schemars::Schema {
        schemars::schema_for!(raw::RawRuleFile)
    }

    /// The JSON Schema of `organisation.toml`.
    pub fn organisation_schema() -> schemars::Schema {
        schemars::schema_for!(organisation::RawOrganisation)
    }

    /// The JSON Schema of `disclaimers.toml`.
    pub fn disclaimers_schema() -> schemars::Schema {
        schemars::schema_for!(disclaimer::RawDisclaimerFile)
    }

    /// The JSON Schema of `example-people.toml`.
    pub fn example_people_schema() -> schemars::Schema {
        schemars::schema_for!(example_people::RawExamplePeople)
    }

    /// The mode of the rule at that index; `None` where it does not run.
    fn mode(&self, school: Option<usize>, rule: usize) -> Option<Mode> {
        let row = school.map_or(0, |school| school + 1);
        self.modes.get(row).and_then(|modes| modes.get(rule)).copied().flatten()
    }
}
