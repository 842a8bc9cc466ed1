//! Lengths of time as a policy writes them, such as `12 hours` or `6 months`. Counts on the calendar; never reads the clock.

use std::borrow::Cow;
use std::fmt;

use jiff::{Span, Timestamp, Zoned};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, Error as _};

/// A length of time: an hour or more, at most twenty years.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    number: i16,
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Hour,
    Day,
    Week,
    Month,
    Year,
}

impl Unit {
    /// Each with its name and the most there may be of it.
    const ALL: [(Self, &str, i16); 5] = [
        (Self::Hour, "hour", 8_760),
        (Self::Day, "day", 3_650),
        (Self::Week, "week", 520),
        (Self::Month, "month", 240),
        (Self::Year, "year", 20),
    ];
}

impl Length {
    /// So many hours.
    pub const fn hours(number: i16) -> Self {
        Self { number, unit: Unit::Hour }
    }

    /// The length that a text tells: a number and a unit.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, unit) = text.trim().split_once(' ')?;
        let number: i16 = number.parse().ok()?;
        let name = unit.trim_start().strip_suffix('s').unwrap_or(unit.trim_start());
        let (unit, _, most) = Unit::ALL.into_iter().find(|(_, known, _)| *known == name)?;
        (1..=most).contains(&number).then_some(Self { number, unit })
    }

    /// The moment that lies so far before another, on that one's calendar.
    pub fn before(self, now: &Zoned) -> Timestamp {
        now.checked_sub(self.span()).map_or(Timestamp::MIN, |moment| moment.timestamp())
    }

    /// The moment that lies so far after another, on that one's calendar.
    pub fn after(self, then: &Zoned) -> Timestamp {
        then.checked_add(self.span()).map_or(Timestamp::MAX, |moment| moment.timestamp())
    }

    fn span(self) -> Span {
        match self.unit {
            Unit::Hour => Span::new().hours(self.number),
            Unit::Day => Span::new().days(self.number),
            Unit::Week => Span::new().weeks(self.number),
            Unit::Month => Span::new().months(self.number),
            Unit::Year => Span::new().years(self.number),
        }
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Unit::ALL.iter().find(|(unit, ..)| *unit == self.unit).map_or("", |(_, name, _)| name);
        write!(f, "{} {name}{}", self.number, if self.number == 1 { "" } else { "s" })
    }
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom("expected a length of time, such as \"12 hours\", \"30 days\" or \"6 months\"")
        })
    }
}

impl JsonSchema for Length {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Length".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[1-9][0-9]* (hour|day|week|month|year)s?$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_a_number_and_a_unit() {
        let now: Zoned = "2026-08-31T12:00[Europe/London]".parse().unwrap();
        for (text, wanted) in [
            ("12 hours", "2026-08-30T23:00:00Z"),
            ("1 day", "2026-08-30T11:00:00Z"),
            ("2 weeks", "2026-08-17T11:00:00Z"),
            // The last day of February, and no longer summer time.
            ("6 months", "2026-02-28T12:00:00Z"),
            ("1 year", "2025-08-31T11:00:00Z"),
        ] {
            let length = Length::parse(text).unwrap();
            assert_eq!(length.before(&now).to_string(), wanted, "{text}");
            assert_eq!(length.to_string(), text);
        }
        assert_eq!(Length::parse("6 months").unwrap().after(&now).to_string(), "2027-02-28T12:00:00Z");
        for text in ["", "12", "hours", "0 hours", "-1 days", "six months", "6 moons", "21 years", "1.5 days"]
        {
            assert!(Length::parse(text).is_none(), "{text}");
        }
    }
}
