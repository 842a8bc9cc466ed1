//! Working hours, terms and holidays. Answers for a moment that is passed in; never reads the clock.

use std::ops::Range;

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Weekday};
use schemars::JsonSchema;
use serde::Deserialize;

use super::fault::{Fault, Source};
use super::located::{Day, Hours, Located};

/// When an organisation or a school works.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calendar {
    hours: [Option<Hours>; 7],
    /// The terms, in their order.
    pub terms: Vec<Period>,
    /// Half terms, bank holidays and closures within terms.
    pub holidays: Vec<Period>,
}

/// Some days, the last one included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// Its name, such as `Autumn 2025`.
    pub name: String,
    /// The first day.
    pub from: Date,
    /// The last day.
    pub until: Date,
}

impl Period {
    /// Whether that day is one of them.
    pub fn contains(&self, day: Date) -> bool {
        self.from <= day && day <= self.until
    }
}

impl Calendar {
    /// The working hours of a day of the week; `None` where nobody works.
    pub fn hours(&self, day: Weekday) -> Option<Hours> {
        let index = usize::try_from(day.to_monday_zero_offset()).ok()?;
        self.hours.get(index).copied().flatten()
    }

    /// Whether any day of the week has working hours.
    pub fn has_hours(&self) -> bool {
        self.hours.iter().any(Option::is_some)
    }

    /// Whether somebody works on that day: its day of the week has working hours, and it is no holiday. Terms play no part, so
    /// that a calendar which nobody kept up does not make every day a day off.
    pub fn is_working_day(&self, day: Date) -> bool {
        self.hours(day.weekday()).is_some() && !self.holidays.iter().any(|period| period.contains(day))
    }

    /// Whether a moment on the organisation's clock lies in the working hours of its day of the week. Terms and
    /// holidays play no part.
    pub fn in_hours(&self, moment: DateTime) -> bool {
        self.hours(moment.weekday()).is_some_and(|hours| hours.contains(moment.time()))
    }

    /// The first moment from that one on that lies in working hours; `None` where no day has any.
    pub fn next_in_hours(&self, moment: DateTime) -> Option<DateTime> {
        let days = (0..=7).filter_map(|ahead| moment.date().checked_add(ahead.days()).ok());
        let opens = days.filter_map(|day| {
            let hours = self.hours(day.weekday())?;
            Some((day.to_datetime(hours.from), day.to_datetime(hours.until)))
        });
        opens
            .map(|(from, until)| (from.max(moment), until))
            .find(|(from, until)| from < until)
            .map(|(from, _)| from)
    }

    /// Whether a day lies in a term and in no holiday.
    pub fn in_term(&self, day: Date) -> bool {
        let among = |periods: &[Period]| periods.iter().any(|period| period.contains(day));
        among(&self.terms) && !among(&self.holidays)
    }

    /// Whether somebody is there at that moment: in working hours, on a day of a term (where any is given) and of no holiday.
    pub fn is_open(&self, moment: DateTime) -> bool {
        let day = moment.date();
        let in_holiday = self.holidays.iter().any(|period| period.contains(day));
        self.in_hours(moment) && !in_holiday && (self.terms.is_empty() || self.in_term(day))
    }
}

/// A calendar as it is written.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawCalendar {
    /// The working hours of each day of the week, such as `monday = "08:00-17:30"`.
    #[serde(default)]
    hours: RawHours,
    /// The terms.
    #[serde(default)]
    term: Vec<Located<RawPeriod>>,
    /// Half terms, bank holidays and closures.
    #[serde(default)]
    holiday: Vec<Located<RawPeriod>>,
}

/// The working hours of each day. A day that is left out has none.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawHours {
    monday: Option<Hours>,
    tuesday: Option<Hours>,
    wednesday: Option<Hours>,
    thursday: Option<Hours>,
    friday: Option<Hours>,
    saturday: Option<Hours>,
    sunday: Option<Hours>,
}

/// Some days.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawPeriod {
    /// Its name.
    name: String,
    /// The first day.
    from: Day,
    /// The last day.
    until: Day,
}

impl RawCalendar {
    /// The term that ends last: its place, its name and its last day.
    pub(super) fn last_term(&self) -> Option<(Range<usize>, &str, Date)> {
        let last = self.term.iter().max_by_key(|term| term.value.until.0)?;
        Some((last.span.clone(), &last.value.name, last.value.until.0))
    }

    pub(super) fn compile(&self, source: &Source, faults: &mut Vec<Fault>) -> Calendar {
        let hours = &self.hours;
        Calendar {
            hours: [
                hours.monday,
                hours.tuesday,
                hours.wednesday,
                hours.thursday,
                hours.friday,
                hours.saturday,
                hours.sunday,
            ],
            terms: periods(&self.term, source, faults),
            holidays: periods(&self.holiday, source, faults),
        }
    }
}

fn periods(raw: &[Located<RawPeriod>], source: &Source, faults: &mut Vec<Fault>) -> Vec<Period> {
    let mut periods = Vec::new();
    for Located { span, value } in raw {
        let (from, until) = (value.from.0, value.until.0);
        if from > until {
            let message = format!("\"{}\" ends before it begins", value.name);
            faults.push(Fault::new(source, span.clone(), message).help("swap `from` and `until`"));
        }
        periods.push(Period { name: value.name.clone(), from, until });
    }
    periods.sort_by_key(|period| period.from);
    periods
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_working_hours_are_today_tomorrow_or_after_the_weekend() {
        let mut calendar = Calendar::default();
        assert_eq!(calendar.next_in_hours("2026-11-27T06:00".parse().unwrap()), None);
        let [from, until] = ["08:00", "17:00"].map(|time| time.parse().unwrap());
        calendar.hours.iter_mut().take(5).for_each(|day| *day = Some(Hours { from, until }));
        // A Thursday, then a Friday.
        for (now, next) in [
            ("2026-11-26T06:00", "2026-11-26T08:00"),
            ("2026-11-26T16:59", "2026-11-26T16:59"),
            ("2026-11-26T17:00", "2026-11-27T08:00"),
            ("2026-11-27T17:00", "2026-11-30T08:00"),
        ] {
            assert_eq!(calendar.next_in_hours(now.parse().unwrap()), Some(next.parse().unwrap()), "{now}");
        }
    }
}
