//! What is written in a policy's files: a value with its place, a day, a time of day, a size. Reads them; judges nothing.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use jiff::civil::{Date, DateTime, Time};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, Error as _};
use toml::value::Datetime;

use crate::verdict::{Kind, KindGroup};

/// A value and the bytes of the file in which it is written.
#[derive(Debug, Clone)]
pub(super) struct Located<T> {
    /// The bytes.
    pub(super) span: Range<usize>,
    /// The value.
    pub(super) value: T,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Located<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = toml::Spanned::<T>::deserialize(deserializer)?;
        Ok(Self { span: spanned.span(), value: spanned.into_inner() })
    }
}

impl<T: JsonSchema> JsonSchema for Located<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A day, written as a TOML date: `2026-02-16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Day(pub(super) Date);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wanted = || D::Error::custom("expected a day, such as 2026-02-16, without quotation marks");
        let written = Datetime::deserialize(deserializer).map_err(|_| wanted())?;
        match (written.date, written.time) {
            (Some(date), None) => civil_date(date).map(Self).ok_or_else(wanted),
            _ => Err(wanted()),
        }
    }
}

impl JsonSchema for Day {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Day".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string", "format": "date" })
    }
}

/// A moment on the organisation's own clock, written as a TOML local date-time: `2026-01-14T22:30:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment(pub(super) DateTime);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wanted = || {
            D::Error::custom(
                "expected a moment on the organisation's clock, such as 2026-01-14T22:30:00, without quotation marks",
            )
        };
        let written = Datetime::deserialize(deserializer).map_err(|_| wanted())?;
        let (Some(date), Some(time), None) = (written.date, written.time, written.offset) else {
            return Err(wanted());
        };
        let date = civil_date(date).ok_or_else(wanted)?;
        let second = i8::try_from(time.second.unwrap_or(0)).map_err(|_| wanted())?;
        let time = civil_time(time.hour, time.minute, second).ok_or_else(wanted)?;
        Ok(Self(date.to_datetime(time)))
    }
}

impl JsonSchema for Moment {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Moment".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// Kinds of file, written by the name of a kind or of a group of kinds. Where both have the name, the group is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kinds(pub(super) Vec<Kind>);

impl Kinds {
    fn of(name: &str) -> Option<Self> {
        let of_group = |group: &KindGroup| {
            let kinds = Kind::ALL.iter().copied();
            Self(kinds.filter(|kind| kind.group() == *group).collect())
        };
        let group = KindGroup::ALL.iter().find(|group| group.name() == name).map(of_group);
        group.or_else(|| Kind::ALL.iter().find(|kind| kind.name() == name).map(|kind| Self(vec![*kind])))
    }

    fn names() -> Vec<&'static str> {
        let mut names: Vec<_> = KindGroup::ALL.iter().map(|group| group.name()).collect();
        names.extend(Kind::ALL.iter().map(|kind| kind.name()));
        names.sort_unstable();
        names.dedup();
        names
    }
}

impl<'de> Deserialize<'de> for Kinds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<'_, str>::deserialize(deserializer)?;
        Self::of(&name).ok_or_else(|| {
            let names = Self::names().join("`, `");
            D::Error::custom(format!("unknown kind of file `{name}`, expected one of `{names}`"))
        })
    }
}

impl JsonSchema for Kinds {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Kinds".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string", "enum": Self::names() })
    }
}

/// Hours of a day, written `08:00-17:30`. The end is exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    /// The first minute.
    pub from: Time,
    /// The first minute that is out of hours again.
    pub until: Time,
}

impl Hours {
    /// Whether that time of day lies within.
    pub fn contains(&self, time: Time) -> bool {
        self.from <= time && time < self.until
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:02}:{:02}-{:02}:{:02}",
            self.from.hour(),
            self.from.minute(),
            self.until.hour(),
            self.until.minute()
        )
    }
}

impl<'de> Deserialize<'de> for Hours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let hours = text.split_once('-').and_then(|(from, until)| {
            Some(Self { from: time_of_day(from.trim())?, until: time_of_day(until.trim())? })
        });
        match hours {
            Some(hours) if hours.from < hours.until => Ok(hours),
            _ => Err(D::Error::custom("expected hours such as \"08:00-17:30\", the earlier time first")),
        }
    }
}

impl JsonSchema for Hours {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Hours".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$" })
    }
}

/// A number of bytes: a number, or a text such as `"10 MB"`. 1 kB is 1,000 bytes, as mail programs count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ByteSize(pub(super) u64);

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = ByteSize;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size, such as 500000 or \"10 MB\" (kB, MB, GB)")
            }
            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<ByteSize, E> {
                u64::try_from(value)
                    .map(ByteSize)
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Signed(value), &self))
            }
            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<ByteSize, E> {
                Ok(ByteSize(value))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ByteSize, E> {
                byte_size(text)
                    .map(ByteSize)
                    .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for ByteSize {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "ByteSize".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "anyOf": [
            { "type": "integer", "minimum": 0 },
            { "type": "string", "pattern": "^[0-9]+ ?([kMG]B|bytes)?$" },
        ] })
    }
}

fn byte_size(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let factor: u64 = match unit.trim() {
        "" | "bytes" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// A time of day, written `08:00`.
pub(super) fn time_of_day(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hour) || !digits(minute) {
        return None;
    }
    civil_time(hour.parse().ok()?, minute.parse().ok()?, 0)
}

fn civil_time(hour: u8, minute: u8, second: i8) -> Option<Time> {
    Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, second, 0).ok()
}

fn civil_date(date: toml::value::Date) -> Option<Date> {
    let year = i16::try_from(date.year).ok()?;
    Date::new(year, i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?).ok()
}
