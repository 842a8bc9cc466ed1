//! Reviewers as `organisation.toml` names them, and when they are told of what. Decides on no message.

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::civil::Time;
use jiff::{Timestamp, ToSpan, Zoned};
use schemars::JsonSchema;
use serde::Deserialize;

use super::address::AddressSet;
use super::answers;
use super::calendar::Calendar;
use super::fault::{Fault, Source};
use super::located::{Located, time_of_day};
use super::organisation::unknown;
use crate::message::Address;
use crate::verdict::Severity;

/// The group whose mail nobody is told of, where `[notices]` names none.
const PROTECTED: &str = "protected-channels";
/// How many letters a reviewer gets at once in an hour, where `[notices]` does not say.
const LETTERS_AN_HOUR: u32 = 20;
/// How many days are looked through for a working day; after so many, any day does.
const MOST_DAYS: i32 = 30;

/// Who is told of what rules found, and when.
#[derive(Debug, Clone)]
pub struct Notices {
    /// The reviewers, in their order.
    pub reviewers: Vec<Reviewer>,
    /// How many letters a reviewer gets at once in an hour; what is beyond is told together.
    pub letters_an_hour: u32,
    /// The times at which digests go out, ascending; at least one.
    times: Vec<Time>,
    days: DigestDays,
    /// Those whose mail nobody is told of.
    protected: Vec<AddressSet>,
}

/// Somebody who looks at what rules found.
#[derive(Debug, Clone)]
pub struct Reviewer {
    /// What they are called: a role.
    pub name: String,
    /// Where notices go.
    pub addresses: Vec<Address>,
    /// Whether they are told only where none of the others is left.
    pub fallback: bool,
    /// The ids of schools; empty means all, and mail of no school too.
    pub(super) schools: Vec<String>,
    /// Empty means all.
    pub(super) categories: Vec<Located<String>>,
    /// Empty means all.
    pub(super) severities: Vec<Severity>,
    /// The grades of which they are told at once, beside safeguarding.
    pub(super) at_once: Vec<Severity>,
    /// Whose mail they look at; empty means everybody's.
    pub(super) from: Vec<AddressSet>,
    /// Whose mail they don't look at.
    pub(super) not_from: Vec<AddressSet>,
    /// Where each address is written.
    pub(super) places: Vec<Range<usize>>,
}

/// On which days digests go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum DigestDays {
    /// On days of the week with working hours that are no holiday.
    #[default]
    Working,
    /// On every day.
    Every,
}

/// `[notices]` in `organisation.toml`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct RawNotices {
    /// The times of day at which digests go out, on the organisation's clock: `["08:00", "15:30"]`; `08:00` where left out.
    digest: Option<Vec<Located<String>>>,
    /// `working` (also where left out): days of the week with working hours that are no holiday. `every`: every day.
    days: DigestDays,
    /// How many letters a reviewer gets at once in an hour; beyond them, one letter tells of several. 20 where left out.
    letters_an_hour: Option<Located<u32>>,
    /// Groups whose mail nobody is told of; `protected-channels` where left out and there is such a group.
    protected: Option<Vec<Located<String>>>,
}

/// `[[reviewer]]` in `organisation.toml`: who is told of what rules found.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawReviewer {
    /// What they are called, by their role: `Designated safeguarding lead`.
    name: Located<String>,
    /// Where notices go. Whoever the message concerns is left out.
    addresses: Vec<Located<String>>,
    /// The schools whose mail they look at; all, and mail of no school, where left out.
    #[serde(default)]
    school: Vec<Located<String>>,
    /// The categories of rules; all where left out.
    #[serde(default)]
    category: Vec<Located<String>>,
    /// The grades of rules; all where left out.
    #[serde(default)]
    severity: Vec<Severity>,
    /// The grades of which they are told at once, beside safeguarding; `gross` where left out.
    at_once: Option<Vec<Severity>>,
    /// Groups whose mail they look at; everybody's where left out.
    #[serde(default)]
    from: Vec<Located<String>>,
    /// Groups whose mail they don't look at.
    #[serde(default)]
    not_from: Vec<Located<String>>,
    /// Told only where none of the other reviewers is left; of several, the first.
    #[serde(default)]
    fallback: bool,
}

impl Notices {
    /// When the digest goes out that tells of something found now.
    pub fn next_digest(&self, calendar: &Calendar, now: &Zoned) -> Timestamp {
        let works = |day: jiff::civil::Date| match self.days {
            DigestDays::Every => true,
            DigestDays::Working => !calendar.has_hours() || calendar.is_working_day(day),
        };
        let mut any = None;
        for ahead in 0..=MOST_DAYS {
            let Ok(day) = now.date().checked_add(ahead.days()) else { break };
            for time in &self.times {
                // A time that the clocks leap over is the moment after the leap.
                let Ok(at) = day.to_datetime(*time).to_zoned(now.time_zone().clone()) else { continue };
                if at.timestamp() <= now.timestamp() {
                    continue;
                }
                if works(day) {
                    return at.timestamp();
                }
                any.get_or_insert(at.timestamp());
            }
        }
        any.unwrap_or(now.timestamp())
    }

    /// Whether nobody is told of mail with that address.
    pub(super) fn protects(&self, address: Option<&Address>) -> bool {
        self.protected.iter().any(|group| group.contains(address))
    }
}

/// What reviewers are compiled with.
pub(super) struct Around<'a> {
    pub(super) schools: &'a [&'a str],
    pub(super) groups: &'a BTreeMap<String, AddressSet>,
    pub(super) source: &'a Source,
}

impl Around<'_> {
    fn groups(&self, names: &[Located<String>], faults: &mut Vec<Fault>) -> Vec<AddressSet> {
        let mut found = Vec::new();
        for name in names {
            match self.groups.get(&name.value) {
                Some(group) => found.push(group.clone()),
                None => {
                    let known: Vec<&str> = self.groups.keys().map(String::as_str).collect();
                    faults.push(unknown(self.source, name, "group", &known, "add it to [groups]"));
                }
            }
        }
        found
    }
}

impl RawNotices {
    pub(super) fn compile(
        self,
        reviewers: Vec<Located<RawReviewer>>,
        around: &Around<'_>,
        faults: &mut Vec<Fault>,
    ) -> Notices {
        let source = around.source;
        let mut times: Vec<Time> = Vec::new();
        for raw in self.digest.iter().flatten() {
            match time_of_day(&raw.value) {
                Some(time) => times.push(time),
                None => {
                    let message = format!("\"{}\" is no time of day", raw.value);
                    let fault = Fault::new(source, raw.span.clone(), message);
                    faults.push(fault.help("write hours and minutes, such as \"08:00\" or \"15:30\""));
                }
            }
        }
        if times.is_empty() {
            times.push(Time::constant(8, 0, 0, 0));
        }
        times.sort_unstable();
        times.dedup();
        if let Some(raw) = self.letters_an_hour.as_ref().filter(|raw| raw.value == 0) {
            let fault =
                Fault::new(source, raw.span.clone(), "with 0 letters an hour, nobody is told at once");
            faults.push(fault.help("allow at least 1, or leave the key out for 20"));
        }
        let protected = match &self.protected {
            Some(names) => around.groups(names, faults),
            None => around.groups.get(PROTECTED).cloned().into_iter().collect(),
        };
        let mut compiled: Vec<Reviewer> = Vec::new();
        for Located { value, .. } in reviewers {
            let span = value.name.span.clone();
            let reviewer = value.compile(around, faults);
            let same = |other: &&Reviewer| other.name == reviewer.name && other.schools == reviewer.schools;
            if compiled.iter().any(|other| same(&other)) {
                let message = format!("there are two reviewers \"{}\" for the same schools", reviewer.name);
                faults.push(Fault::new(source, span, message).help("give one of them another name"));
            }
            compiled.push(reviewer);
        }
        Notices {
            reviewers: compiled,
            letters_an_hour: self.letters_an_hour.map_or(LETTERS_AN_HOUR, |raw| raw.value),
            times,
            days: self.days,
            protected,
        }
    }
}

impl RawReviewer {
    fn compile(self, around: &Around<'_>, faults: &mut Vec<Fault>) -> Reviewer {
        let source = around.source;
        if self.name.value.trim().is_empty() || self.name.value.chars().any(char::is_control) {
            let fault = Fault::new(source, self.name.span.clone(), "the reviewer has no name");
            faults.push(fault.help("write their role, such as \"Designated safeguarding lead\""));
        }
        if self.addresses.is_empty() {
            let message = format!("\"{}\" has no address, so nobody would be told", self.name.value);
            let fault = Fault::new(source, self.name.span.clone(), message);
            faults.push(fault.help("add `addresses = [\"dsl@oakfield.example\"]`"));
        }
        for school in self.school.iter().filter(|school| !around.schools.contains(&school.value.as_str())) {
            faults.push(unknown(source, school, "school", around.schools, "add a [[school]]"));
        }
        let addresses = answers::addresses(&self.addresses, source, faults);
        Reviewer {
            places: addresses.iter().map(|address| address.span.clone()).collect(),
            addresses: addresses.into_iter().map(|address| address.value).collect(),
            schools: self.school.into_iter().map(|school| school.value).collect(),
            categories: self.category,
            severities: self.severity,
            at_once: self.at_once.unwrap_or_else(|| vec![Severity::Gross]),
            from: around.groups(&self.from, faults),
            not_from: around.groups(&self.not_from, faults),
            fallback: self.fallback,
            name: self.name.value,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::{Policy, Sources};
    use super::*;

    /// When the digest goes out after each moment, on London's clock.
    fn digests(notices: &str, moments: &[&str]) -> Vec<String> {
        let calendar = "name = \"Oak\"\ndomains = [\"oak.example\"]\n[calendar.hours]\nmonday = \"08:00-17:00\"\ntuesday = \"08:00-17:00\"\n\
            wednesday = \"08:00-17:00\"\nthursday = \"08:00-17:00\"\nfriday = \"08:00-16:00\"\n\
            [[calendar.holiday]]\nname = \"Half term\"\nfrom = 2026-10-26\nuntil = 2026-10-30\n";
        let files = BTreeMap::from([("organisation.toml".to_owned(), format!("{calendar}{notices}"))]);
        let policy = Policy::compile(&Sources { files }).unwrap();
        let organisation = policy.organisation();
        let next = |moment: &&str| {
            let now = moment
                .parse::<jiff::civil::DateTime>()
                .unwrap()
                .to_zoned(organisation.time_zone.clone())
                .unwrap();
            let next = organisation.notices.next_digest(&organisation.calendar, &now);
            next.to_zoned(organisation.time_zone.clone()).strftime("%a %F %H:%M").to_string()
        };
        moments.iter().map(next).collect()
    }

    #[test]
    fn digests_go_out_at_their_times_on_working_days() {
        let twice = "[notices]\ndigest = [\"15:30\", \"08:00\"]\n";
        assert_eq!(
            digests(
                twice,
                &[
                    "2026-11-25T07:59",
                    "2026-11-25T08:00",
                    "2026-11-25T15:29:59",
                    "2026-11-25T15:30",
                    "2026-11-27T16:00",
                    "2026-10-23T20:00"
                ]
            ),
            [
                "Wed 2026-11-25 08:00",
                "Wed 2026-11-25 15:30",
                "Wed 2026-11-25 15:30",
                "Thu 2026-11-26 08:00",
                "Mon 2026-11-30 08:00",
                "Mon 2026-11-02 08:00"
            ]
        );
        let every = "[notices]\ndays = \"every\"\n";
        assert_eq!(
            digests(every, &["2026-11-27T16:00", "2026-10-23T07:00"]),
            ["Sat 2026-11-28 08:00", "Fri 2026-10-23 08:00"]
        );
    }

    #[test]
    fn clocks_that_change_lose_no_digest() {
        // In London they leap from 01:00 to 02:00 on 29 March 2026, and back from 02:00 to 01:00 on 25 October.
        let night = "[notices]\ndigest = [\"01:30\"]\ndays = \"every\"\n";
        assert_eq!(
            digests(night, &["2026-03-28T12:00", "2026-03-29T12:00", "2026-10-24T12:00", "2026-10-25T12:00"]),
            ["Sun 2026-03-29 02:30", "Mon 2026-03-30 01:30", "Sun 2026-10-25 01:30", "Mon 2026-10-26 01:30"]
        );
    }

    #[test]
    fn a_calendar_without_working_days_holds_nothing_back() {
        let calendar = Calendar::default();
        let files = BTreeMap::from([(
            "organisation.toml".to_owned(),
            "name = \"Oak\"\ndomains = [\"oak.example\"]\n".to_owned(),
        )]);
        let policy = Policy::compile(&Sources { files }).unwrap();
        let now = date(2026, 11, 28).at(12, 0, 0, 0).in_tz("Europe/London").unwrap();
        let next = policy.organisation().notices.next_digest(&calendar, &now);
        assert_eq!(next.to_string(), "2026-11-29T08:00:00Z");
    }
}
