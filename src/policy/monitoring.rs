//! The notice that mail is monitored: who is to have it, in which text, how often. Keeps no record and sends nothing.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, Zoned};
use schemars::JsonSchema;
use serde::Deserialize;

use super::calendar::Calendar;
use super::compile::Build;
use super::fault::{Fault, Source};
use super::length::Length;
use super::located::Located;
use super::organisation::unknown;
use super::{Policy, answers};
use crate::message::Address;
use crate::people::{Person, Role, Roll};

/// How many are told in a minute, where the policy says nothing.
const USUALLY_EACH_MINUTE: u16 = 5;
/// How long after a mail server refused a notice it is tried again: a new member of staff may get a mailbox a few days late.
const AGAIN_AFTER_REFUSAL: SignedDuration = SignedDuration::from_hours(24);

/// Who is told that mail is monitored, and how.
#[derive(Debug, Clone)]
pub struct MonitoringNotice {
    /// Those of these roles on the roll are told.
    pub roles: Vec<Role>,
    /// After what time they are told again; `None` where once is enough.
    pub every: Option<Length>,
    /// How many are told in a minute at most.
    pub each_minute: u16,
    /// Whom readers may ask, in place of whom the configuration names.
    pub contact: Option<String>,
    guidance: Located<String>,
}

/// Those who are to be told, by the roll.
#[derive(Debug, Default)]
pub struct ToBeTold<'r> {
    /// By address, in the addresses' order: two people who share one are told once.
    pub people: BTreeMap<String, Reader<'r>>,
    /// Those without an address at one of the organisation's domains: nobody tells them by mail.
    pub without_address: Vec<&'r Person>,
}

/// Somebody who is to be told.
#[derive(Debug)]
pub struct Reader<'r> {
    /// Where.
    pub address: Address,
    /// Who.
    pub person: &'r Person,
}

/// When an address was told last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastTold {
    /// When the notice went into the outbox.
    pub at: Timestamp,
    /// Whether a mail server refused it for good.
    pub refused: bool,
}

/// Why somebody is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Occasion {
    /// They never were.
    New,
    /// The time since is over.
    Again,
    /// A mail server refused the last one.
    Refused,
    /// Somebody asked for it.
    Asked,
}

impl Occasion {
    const ALL: [Self; 4] = [Self::New, Self::Again, Self::Refused, Self::Asked];

    /// Its name as `--json` and the record write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Again => "again",
            Self::Refused => "refused",
            Self::Asked => "asked",
        }
    }

    /// The occasion of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

/// That somebody is to be told now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Why.
    pub occasion: Occasion,
    /// Whoever was told since then is not told again on this occasion.
    pub since: Timestamp,
}

impl MonitoringNotice {
    /// The name of the text.
    pub fn guidance(&self) -> &str {
        &self.guidance.value
    }

    /// Whether somebody is to be told now, who was told last as said.
    pub fn due(&self, last: Option<LastTold>, now: &Zoned) -> Option<Due> {
        let Some(last) = last else {
            return Some(Due { occasion: Occasion::New, since: Timestamp::MIN });
        };
        let again = self.every.map(|every| (Occasion::Again, every.before(now)));
        let a_day_ago = now.timestamp().saturating_sub(AGAIN_AFTER_REFUSAL).unwrap_or(Timestamp::MIN);
        let refused = last.refused.then_some((Occasion::Refused, a_day_ago));
        let (occasion, since) = refused.or(again)?;
        (last.at <= since).then_some(Due { occasion, since })
    }

    /// When somebody is told again who was told then.
    pub fn next(&self, last: Timestamp, now: &Zoned) -> Option<Timestamp> {
        Some(self.every?.after(&last.to_zoned(now.time_zone().clone())))
    }
}

impl Policy {
    /// Those whom a notice goes to, of a roll.
    pub fn to_be_told<'r>(&self, notice: &MonitoringNotice, roll: &'r Roll) -> ToBeTold<'r> {
        let mut told = ToBeTold::default();
        for person in roll.people().iter().filter(|person| notice.roles.contains(&person.role)) {
            let addresses = person.addresses.iter().filter_map(|one| Address::parse(one.as_bytes()));
            match addresses.into_iter().find(|address| self.organisation().is_ours(address)) {
                Some(address) => {
                    told.people
                        .entry(address.folded().to_owned())
                        .or_insert_with(|| Reader { address, person });
                }
                None => told.without_address.push(person),
            }
        }
        told
    }

    /// Whether it is a time to write to somebody of that address: in the working hours of their school, where it names any.
    pub fn is_at_work(&self, address: &Address, now: &Zoned) -> bool {
        self.calendar_for(address).is_none_or(|calendar| calendar.in_hours(now.datetime()))
    }

    /// When it will be such a time; `None` where it is one now.
    pub fn at_work_from(&self, address: &Address, now: &Zoned) -> Option<Zoned> {
        let calendar = self.calendar_for(address).filter(|calendar| !calendar.in_hours(now.datetime()))?;
        calendar.next_in_hours(now.datetime())?.to_zoned(now.time_zone().clone()).ok()
    }

    /// The calendar that somebody of that address works by, where it names working hours.
    fn calendar_for(&self, address: &Address) -> Option<&Calendar> {
        let organisation = self.organisation();
        Some(organisation.calendar_of(organisation.school_index(address)))
            .filter(|calendar| calendar.has_hours())
    }
}

/// `[monitoring-notice]` in `organisation.toml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawMonitoringNotice {
    /// The text, by its name in `guidance/`.
    guidance: Located<String>,
    /// Who is told, by their role on the roll; `staff` where left out.
    role: Option<Located<Vec<Role>>>,
    /// After what time they are told again, such as `6 months`; once, when they join, where left out.
    every: Option<Length>,
    /// How many are told in a minute at most; 5 where left out.
    each_minute: Option<Located<u16>>,
    /// Whom readers may ask, such as `the data protection lead, dpo@oakfield.example`; `contact` of the configuration where left out.
    contact: Option<Located<String>>,
}

impl RawMonitoringNotice {
    pub(super) fn compile(self, source: &Source, faults: &mut Vec<Fault>) -> MonitoringNotice {
        if let Some(role) = self.role.as_ref().filter(|role| role.value.is_empty()) {
            let fault = Fault::new(source, role.span.clone(), "nobody is told");
            faults.push(fault.help("name roles, such as [\"staff\", \"governor\"], or delete the table"));
        }
        if let Some(role) = self.role.as_ref().filter(|role| role.value.contains(&Role::Parent)) {
            let message = "parents have no address at one of your domains, so none would be told";
            let fault = Fault::new(source, role.span.clone(), message);
            faults.push(fault.help("tell them by the disclaimer and by letter"));
        }
        if let Some(number) = self.each_minute.as_ref().filter(|number| !(1..=1_000).contains(&number.value))
        {
            let fault = Fault::new(source, number.span.clone(), "a number from 1 to 1,000 is needed");
            faults.push(fault.help("5 a minute are 300 an hour"));
        }
        MonitoringNotice {
            roles: self.role.map_or_else(|| vec![Role::Staff], |role| role.value),
            every: self.every,
            each_minute: self.each_minute.map_or(USUALLY_EACH_MINUTE, |number| number.value),
            contact: answers::text(self.contact, source, faults),
            guidance: self.guidance,
        }
    }
}

/// What can be wrong with it once texts are known.
pub(super) fn check(build: &mut Build, source: &Source) {
    let organisation = build.organisation.as_ref();
    let Some(notice) = organisation.and_then(|organisation| organisation.monitoring_notice.as_ref()) else {
        return;
    };
    let name = notice.guidance.clone();
    if !build.guidance.has(&name.value) {
        let texts: Vec<&str> = build.guidance.names().collect();
        let otherwise = format!("add guidance/{}.md", name.value);
        let fault = unknown(source, &name, "guidance", &texts, &otherwise);
        build.faults.push(fault);
    }
    build.used_guidance.insert(name.value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(every: Option<&str>) -> MonitoringNotice {
        MonitoringNotice {
            roles: vec![Role::Staff],
            every: every.and_then(Length::parse),
            each_minute: 5,
            contact: None,
            guidance: Located { span: 0..0, value: "monitoring".to_owned() },
        }
    }

    fn occasion(notice: &MonitoringNotice, last: Option<(&str, bool)>) -> Option<Occasion> {
        let now = "2026-07-01T09:00[Europe/London]".parse().unwrap();
        let last = last.map(|(at, refused)| LastTold { at: at.parse().unwrap(), refused });
        notice.due(last, &now).map(|due| due.occasion)
    }

    #[test]
    fn whoever_was_never_told_or_not_for_that_long_is_told() {
        let (twice_a_year, once) = (notice(Some("6 months")), notice(None));
        assert_eq!(occasion(&twice_a_year, None), Some(Occasion::New));
        assert_eq!(occasion(&once, None), Some(Occasion::New));
        assert_eq!(occasion(&once, Some(("2019-01-01T09:00Z", false))), None);
        assert_eq!(occasion(&twice_a_year, Some(("2026-01-01T09:00Z", false))), Some(Occasion::Again));
        assert_eq!(occasion(&twice_a_year, Some(("2026-01-01T09:01Z", false))), None);
        // By summer time it is eight o'clock in the zone of the times above.
        assert_eq!(occasion(&twice_a_year, Some(("2026-06-30T07:59Z", true))), Some(Occasion::Refused));
        assert_eq!(occasion(&once, Some(("2026-06-30T07:59Z", true))), Some(Occasion::Refused));
        assert_eq!(occasion(&once, Some(("2026-06-30T08:01Z", true))), None);
    }
}
