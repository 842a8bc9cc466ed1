//! What an organisation has to keep up: names of its own in place of the made-up ones, its term dates. Advises; refuses nothing.

use std::fmt;
use std::ops::Range;

use jiff::civil::Date;
use serde::Serialize;

use super::calendar::RawCalendar;
use super::fault::{Fault, Source};
use super::located::Located;

/// What the shipped `organisation.toml` is called.
const SHIPPED_NAME: &str = "Hillside Trust";
/// What no real domain ends in (RFC 2606 §2).
const MADE_UP_ENDING: &str = ".example";
/// Term dates are asked for so many days before the last of them.
const DAYS_BEFORE: i32 = 30;

/// Something that works and wants doing all the same. Serialised as `file`, `line`, `column`, `message`, `help`.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Advice(Fault);

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
    made_up: Option<Range<usize>>,
    last_terms: Vec<LastTerm>,
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
        name: &Located<String>,
        domains: &[&Located<String>],
        calendars: impl Iterator<Item = (Option<&'a str>, &'a RawCalendar)>,
    ) -> Self {
        let shipped = (name.value == SHIPPED_NAME).then_some(name);
        let ends = |domain: &&&Located<String>| domain.value.to_lowercase().ends_with(MADE_UP_ENDING);
        let made_up = shipped.or_else(|| domains.iter().find(ends).copied());
        let last_terms = calendars.filter_map(|(school, calendar)| {
            let (place, name, until) = calendar.last_term()?;
            Some(LastTerm { school: school.map(str::to_owned), place, name: name.to_owned(), until })
        });
        Self {
            source: Source::clone(source),
            made_up: made_up.map(|written| written.span.clone()),
            last_terms: last_terms.collect(),
        }
    }

    /// Advice where the organisation is still one that is made up, by its name or a domain.
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

#[cfg(test)]
mod tests {
    use super::super::{Policy, Sources};

    /// What is told on that day of an organisation with that name, domain and calendars.
    fn told(name: &str, domain: &str, more: &str, day: &str) -> Vec<String> {
        let text = format!("name = \"{name}\"\ndomains = [\"{domain}\"]\n{more}");
        let files = [("organisation.toml".to_owned(), text)].into();
        let policy = Policy::compile(&Sources { files }).unwrap();
        let now = format!("{day}T12:00:00Z").parse().unwrap();
        let advice = policy.made_up().into_iter().chain(policy.terms_ending(now));
        advice.map(|advice| advice.to_string()).collect()
    }

    const TERMS: &str = "[[calendar.term]]\nname = \"Summer\"\nfrom = 2026-04-13\nuntil = 2026-07-21\n\
        [[calendar.term]]\nname = \"Spring\"\nfrom = 2026-01-05\nuntil = 2026-03-27\n";

    #[test]
    fn what_is_still_made_up_is_told_at_its_place_and_its_dates_are_not() {
        for (name, domain, place) in [
            ("Hillside Trust", "hillside.sch.uk", "organisation.toml:1:8: this is still the made-up"),
            ("Oak Trust", "Oak.EXAMPLE", "organisation.toml:2:12: this is still the made-up"),
        ] {
            let told = told(name, domain, TERMS, "2027-01-01");
            assert!(matches!(&told[..], [only] if only.starts_with(place)), "{told:?}");
        }
        assert_eq!(told("Oak Trust", "oak.sch.uk", "", "2027-01-01"), [""; 0]);
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
