//! Mail of pupils that may ask for help when nobody is there: whose, about what, and what is told then. Writes no answer.

use std::collections::BTreeMap;

use jiff::Zoned;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::address::AddressSet;
use super::answers::{Proof, address};
use super::compile::Build;
use super::fault::{Fault, Source};
use super::length::Length;
use super::located::Located;
use super::organisation::{Organisation, unknown};
use super::rule::Rule;
use super::{Calendar, Policy};
use crate::message::{Address, Envelope};
use crate::slips::choose;
use crate::verdict::{Mode, Verdict};

/// How often one pupil is answered, where the policy says nothing.
const USUALLY: Length = Length::hours(12);

/// How mail is answered that may ask for help while nobody is there.
#[derive(Debug, Clone)]
pub struct OutOfHours {
    /// A pupil is answered at most once in that time.
    pub at_most_every: Length,
    from: Vec<AddressSet>,
    categories: Vec<Located<String>>,
    guidance: Located<String>,
}

/// Whether the sender of a message that may ask for help is told who can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Help {
    /// They are told.
    Sent,
    /// They are not: somebody is there, who may read it.
    SomebodyIsThere,
    /// They are not: the address may be forged.
    NotProven,
}

/// Whom a pupil may turn to, beside the national lines, which stand in the text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contacts {
    /// In words, such as `Oakfield's line, until ten at night: 01632 960123`.
    pub emergency: Vec<String>,
    /// Where a reply goes.
    pub reply_to: Option<Address>,
}

impl OutOfHours {
    /// The name of the text.
    pub fn guidance(&self) -> &str {
        &self.guidance.value
    }

    /// Whether the sender is one of those who are answered.
    fn is_from(&self, sender: &Address) -> bool {
        self.from.iter().any(|group| group.contains(Some(sender)))
    }
}

impl Policy {
    /// Whether the sender is a pupil, as `[out-of-hours]` knows them: nobody who may need help is left with a trial.
    pub fn is_from_pupil(&self, sender: &Address) -> bool {
        self.organisation().out_of_hours.as_ref().is_some_and(|plan| plan.is_from(sender))
    }

    /// How a message is answered that may ask for help while nobody is there; `None` where it is no such message, or its
    /// sender is not proven. Whether a person wrote it is the caller's to know. Whoever it goes to: a friend outside can be told too.
    pub fn help_out_of_hours(
        &self,
        envelope: &Envelope,
        verdict: &Verdict,
        now: &Zoned,
    ) -> Option<&OutOfHours> {
        let plan = self.organisation().out_of_hours.as_ref()?;
        (self.help(envelope, verdict, now)? == Help::Sent).then_some(plan)
    }

    /// Whether the sender of a message that may ask for help is told who can help, or why not; `None` where it is no such message.
    pub fn help(&self, envelope: &Envelope, verdict: &Verdict, now: &Zoned) -> Option<Help> {
        let organisation = self.organisation();
        let plan = organisation.out_of_hours.as_ref()?;
        let sender = envelope.sender.as_ref().filter(|sender| plan.is_from(sender))?;
        let asked = verdict.rules.iter().filter(|found| found.mode != Mode::Observe).any(|found| {
            let category = self.rule(&found.rule).map(|rule| rule.category.as_str());
            plan.categories.iter().any(|known| Some(known.value.as_str()) == category)
        });
        let is_open = || organisation.calendar_of(organisation.school_index(sender)).is_open(now.datetime());
        let is_proven =
            || organisation.sender_is_ours(envelope) && organisation.answers.proof(envelope) != Proof::None;
        match asked {
            false => None,
            true if is_open() => Some(Help::SomebodyIsThere),
            true if !is_proven() => Some(Help::NotProven),
            true => Some(Help::Sent),
        }
    }
}

/// `[out-of-hours]` in `organisation.toml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawOutOfHours {
    /// The groups whose mail is answered: the pupils.
    from: Vec<Located<String>>,
    /// The categories of rules that it must have matched, in mode `notify` or `enforce`.
    categories: Vec<Located<String>>,
    /// The text, by its name in `guidance/`.
    guidance: Located<String>,
    /// A pupil is answered at most once in that time; `12 hours` where left out.
    at_most_every: Option<Length>,
    /// Whom they may turn to beside the national lines, a line each; a school's own come in their place.
    #[serde(default)]
    emergency: Vec<Located<String>>,
    /// Where a reply goes; a school's own comes in its place.
    reply_to: Option<Located<String>>,
}

/// `out-of-hours` of a `[[school]]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawContacts {
    /// Whom its pupils may turn to, in place of the organisation's lines.
    #[serde(default)]
    emergency: Vec<Located<String>>,
    /// Where a reply of theirs goes, in place of the organisation's address.
    reply_to: Option<Located<String>>,
}

impl RawContacts {
    pub(super) fn compile(self, source: &Source, faults: &mut Vec<Fault>) -> Contacts {
        let reply_to = self.reply_to.and_then(|raw| address(&raw, source, faults));
        for line in &self.emergency {
            if line.value.trim().is_empty() || line.value.chars().any(char::is_control) {
                let fault =
                    Fault::new(source, line.span.clone(), "the line is empty or has control characters");
                faults.push(fault.help("say who it is and how to reach them, on one line"));
            }
        }
        Contacts { emergency: self.emergency.into_iter().map(|line| line.value).collect(), reply_to }
    }
}

impl RawOutOfHours {
    /// The plan, and the contacts of those who have no school or whose school has none of its own.
    pub(super) fn compile(
        self,
        groups: &BTreeMap<String, AddressSet>,
        source: &Source,
        faults: &mut Vec<Fault>,
    ) -> (OutOfHours, Contacts) {
        let mut from = Vec::new();
        for name in &self.from {
            match groups.get(&name.value) {
                Some(group) => from.push(group.clone()),
                None => {
                    let known: Vec<&str> = groups.keys().map(String::as_str).collect();
                    faults.push(unknown(source, name, "group", &known, "add it to [groups]"));
                }
            }
        }
        let contacts =
            RawContacts { emergency: self.emergency, reply_to: self.reply_to }.compile(source, faults);
        for (is_empty, what) in [(self.from.is_empty(), "from"), (self.categories.is_empty(), "categories")] {
            if is_empty {
                let fault =
                    Fault::new(source, self.guidance.span.clone(), format!("[out-of-hours] has no {what}"));
                faults.push(fault.help(
                    "write from = [\"pupils\"], a group, and categories = [\"safeguarding\"]; or delete the table",
                ));
            }
        }
        let plan = OutOfHours {
            at_most_every: self.at_most_every.unwrap_or(USUALLY),
            from,
            categories: self.categories,
            guidance: self.guidance,
        };
        (plan, contacts)
    }
}

/// What can be wrong with it once calendars, texts and rules are known.
pub(super) fn check(build: &mut Build, source: &Source, rules: &[Rule]) {
    let Some(organisation) = &build.organisation else { return };
    let Some(plan) = &organisation.out_of_hours else { return };
    let mut faults = Vec::new();
    let texts: Vec<&str> = build.guidance.names().collect();
    if !build.guidance.has(&plan.guidance.value) {
        let otherwise = format!("add guidance/{}.md", plan.guidance.value);
        faults.push(unknown(source, &plan.guidance, "guidance", &texts, &otherwise));
    }
    for category in &plan.categories {
        let mut known: Vec<&str> = rules.iter().map(|rule| rule.category.as_str()).collect();
        known.sort_unstable();
        known.dedup();
        if !known.contains(&category.value.as_str()) {
            let message =
                format!("no rule has the category \"{}\", so nothing would be answered", category.value);
            let fault = Fault::new(source, category.span.clone(), message);
            faults.push(fault.help(choose(&category.value, &known, "there are")));
        }
    }
    for whose in without_hours(organisation) {
        let message = format!("{whose} has no working hours, so nobody knows when it is closed");
        let fault = Fault::new(source, plan.guidance.span.clone(), message);
        faults.push(
            fault.help("add [calendar.hours], with the hours of each day on which somebody reads mail"),
        );
    }
    build.used_guidance.insert(plan.guidance.value.clone());
    build.faults.append(&mut faults);
}

/// The organisation, and schools with a calendar of their own, whose calendar has no hours.
fn without_hours(organisation: &Organisation) -> Vec<String> {
    let lacks = |calendar: &Calendar| !calendar.has_hours();
    let own = organisation
        .schools
        .iter()
        .filter(|school| school.calendar.as_ref().is_some_and(lacks))
        .map(|school| format!("the calendar of school \"{}\"", school.id));
    let whole = lacks(&organisation.calendar).then(|| "the organisation's calendar".to_owned());
    whole.into_iter().chain(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Client, Origin};
    use crate::policy::Sources;
    use crate::verdict::{Action, Coverage, Personal, RuleMatch};

    const ORGANISATION: &str = r#"
        name = "Hillside Trust"
        domains = ["hillside-trust.example"]
        groups.pupils = ["pupils.oakfield.example", "pupils.beechwood.example"]
        [calendar]
        hours = { wednesday = "08:00-17:00" }
        holiday = [{ name = "Snow", from = 2026-01-21, until = 2026-01-21 }]
        [out-of-hours]
        from = ["pupils"]
        categories = ["safeguarding"]
        guidance = "help"
        emergency = ["the trust's line"]
        reply-to = "dsl@hillside-trust.example"
        [[school]]
        id = "oakfield"
        name = "Oakfield School"
        domains = ["oakfield.example", "pupils.oakfield.example"]
        [[school]]
        id = "beechwood"
        name = "Beechwood Academy"
        domains = ["pupils.beechwood.example"]
        out-of-hours = { emergency = ["Beechwood's line"] }
        [school.calendar]
        hours = { wednesday = "08:00-15:00" }
        term = [{ name = "Spring", from = 2026-01-05, until = 2026-01-20 }]
    "#;
    const RULES: &str = r#"
        [[rule]]
        id = "help"
        title = "Help"
        category = "safeguarding"
        severity = "serious"
        mode = "notify"
        if.size = { at-least = 1 }
        then = { action = "pass" }
        [[rule]]
        id = "other"
        title = "Other"
        category = "language"
        severity = "mild"
        mode = "notify"
        if.size = { at-least = 1 }
        then = { action = "pass" }
    "#;

    fn policy() -> Policy {
        let files = [
            ("organisation.toml", ORGANISATION),
            ("rules.toml", RULES),
            ("guidance/help.md", "# Closed\n\nRing somebody.\n"),
        ];
        let files = files.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        Policy::compile(&Sources { files }).unwrap_or_else(|faults| panic!("{faults:?}"))
    }

    fn answered(policy: &Policy, sender: &str, rule: &str, mode: Mode, at: &str) -> bool {
        let envelope = Envelope {
            queue_id: None,
            origin: Origin::Smtp,
            client: Some(Client { address: None, name: "home".to_owned() }),
            authenticated: Some("sam".to_owned()),
            sender: Address::parse(sender.as_bytes()),
            recipients: Vec::new(),
        };
        let rule = crate::verdict::RuleId(rule.to_owned());
        let verdict = Verdict {
            action: Action::Pass,
            recipients: Vec::new(),
            rules: vec![RuleMatch { rule, mode, action: Action::Pass, recipients: Vec::new() }],
            findings: Vec::new(),
            personal: Personal::default(),
            coverage: Coverage::default(),
            elapsed: None,
        };
        let now = format!("{at}[Europe/London]").parse().unwrap();
        policy.help_out_of_hours(&envelope, &verdict, &now).is_some()
    }

    #[test]
    fn hours_terms_and_holidays_of_the_pupils_school_say_when() {
        let policy = policy();
        for (school, at, wanted) in [
            ("oakfield", "2026-01-14T10:00", false),
            ("oakfield", "2026-01-14T16:59", false),
            ("oakfield", "2026-01-14T17:00", true),
            ("oakfield", "2026-01-15T10:00", true),
            ("oakfield", "2026-01-21T10:00", true),
            ("oakfield", "2026-01-28T10:00", false),
            ("beechwood", "2026-01-14T10:00", false),
            ("beechwood", "2026-01-14T16:59", true),
            ("beechwood", "2026-01-28T10:00", true),
        ] {
            let sender = format!("sam@pupils.{school}.example");
            assert_eq!(answered(&policy, &sender, "help", Mode::Notify, at), wanted, "{school} at {at}");
        }
    }

    #[test]
    fn only_pupils_only_of_those_categories_and_not_of_a_rule_on_trial() {
        let policy = policy();
        let sam = "sam@pupils.oakfield.example";
        for (sender, rule, mode, wanted) in [
            (sam, "help", Mode::Enforce, true),
            (sam, "help", Mode::Observe, false),
            (sam, "other", Mode::Notify, false),
            ("tutor@oakfield.example", "help", Mode::Notify, false),
            ("<>", "help", Mode::Notify, false),
        ] {
            assert_eq!(
                answered(&policy, sender, rule, mode, "2026-01-14T22:00"),
                wanted,
                "{sender}, {rule}, {mode:?}"
            );
        }
    }

    #[test]
    fn a_schools_own_lines_come_in_place_of_the_organisations() {
        let policy = policy();
        let of = |address: &str| {
            let address = Address::parse(address.as_bytes());
            let reply_to = policy.organisation().help_reply_to(address.as_ref()).unwrap().to_string();
            (policy.organisation().emergency_of(address.as_ref()).join(";"), reply_to)
        };
        let dsl = || "dsl@hillside-trust.example".to_owned();
        assert_eq!(of("sam@pupils.oakfield.example"), ("the trust's line".to_owned(), dsl()));
        assert_eq!(of("sam@pupils.beechwood.example"), ("Beechwood's line".to_owned(), dsl()));
    }
}
