//! Conditions, compiled: what they look for is parsed, numbered and indexed. Never evaluated here.

use std::fmt;

use globset::GlobSet;

use super::Direction;
use super::apart::Aparts;
use super::doubt::Doubts;
use super::raw::{InOut, Presence, RawProtection, Weekday, YesNo};
use super::when_from::FromName;
use super::when_marking::{MarkingTest, Receipt};
use super::when_names::Whose;
use super::when_recipients::RecipientsTest;
use super::when_secrets::SecretsTest;
use crate::detect::identifiers::{Confidence, Kinds};
use crate::detect::names::NameForm;
use crate::detect::pattern::{PatternId, PatternIndex};
use crate::detect::words::ListId;
use crate::message::Origin;
use crate::people::Role;
use crate::verdict::{Fact, Gap, Kind, Protection, Zone};

/// A condition of a rule.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    /// What is tested.
    pub(super) test: Test,
    /// Whether the answer can differ between a message's recipients.
    pub(super) per_recipient: bool,
}

/// What a condition tests.
#[derive(Debug, Clone)]
pub(super) enum Test {
    Direction(Vec<Direction>),
    Sender(PartyId),
    FromName(FromName),
    Recipient(PartyId),
    Doubt(Doubts),
    Apart(Aparts),
    Recipients(RecipientsTest),
    Header(HeaderTest),
    Marking(MarkingTest),
    Receipt(Receipt),
    Words(WordsTest),
    Pattern(PatternTest),
    Identifiers(IdentifiersTest),
    Confidentiality(ConfidentialityTest),
    Names(NamesTest),
    Secrets(SecretsTest),
    Attachment(AttachmentTest),
    Coverage(Vec<Gap>),
    Schedule {
        hours: Option<InOut>,
        term: Option<InOut>,
        days: Option<Vec<Weekday>>,
    },
    Authenticated(YesNo),
    Origin(Vec<Origin>),
    Size {
        at_least: u64,
        at_most: u64,
    },
    Protection(Vec<RawProtection>),
    /// One of these groups must hold.
    Any(Vec<Vec<Condition>>),
    /// All of these groups must hold.
    All(Vec<Vec<Condition>>),
    /// This group must not hold as a whole.
    Not(Vec<Condition>),
}

impl Test {
    /// The key that rule files write.
    pub(super) const fn key(&self) -> &'static str {
        match self {
            Self::Direction(_) => "direction",
            Self::Sender(_) => "sender",
            Self::FromName(_) => "from-name",
            Self::Recipient(_) => "recipient",
            Self::Doubt(_) => "doubt",
            Self::Apart(_) => "apart",
            Self::Recipients(_) => "recipients",
            Self::Header(_) => "header",
            Self::Marking(_) => "marking",
            Self::Receipt(_) => "receipt",
            Self::Words(_) => "words",
            Self::Pattern(_) => "pattern",
            Self::Identifiers(_) => "identifiers",
            Self::Confidentiality(_) => "confidentiality",
            Self::Names(_) => "names",
            Self::Secrets(_) => "secrets",
            Self::Attachment(_) => "attachment",
            Self::Coverage(_) => "coverage",
            Self::Schedule { .. } => "schedule",
            Self::Authenticated(_) => "authenticated",
            Self::Origin(_) => "origin",
            Self::Size { .. } => "size",
            Self::Protection(_) => "protection",
            Self::Any(_) => "any",
            Self::All(_) => "all",
            Self::Not(_) => "not",
        }
    }

    pub(super) fn groups(&self) -> &[Vec<Condition>] {
        match self {
            Self::Any(groups) | Self::All(groups) => groups,
            Self::Not(group) => std::slice::from_ref(group),
            _ => &[],
        }
    }

    /// Whether the answer can differ between recipients. The calendar is that of a school, so the schedule can.
    pub(super) fn is_per_recipient(&self) -> bool {
        matches!(
            self,
            Self::Direction(_)
                | Self::Recipient(_)
                | Self::Doubt(_)
                | Self::Apart(_)
                | Self::Schedule { .. }
                | Self::Names(_)
        ) || self.groups().iter().flatten().any(|condition| condition.per_recipient)
    }

    /// Cheap tests come first, so that most rules are done before any text is looked at.
    pub(super) fn cost(&self) -> u8 {
        match self {
            Self::Words(_) | Self::Secrets(_) => 3,
            Self::Pattern(_) | Self::Identifiers(_) | Self::Confidentiality(_) | Self::Names(_) => 4,
            Self::Coverage(_)
            | Self::FromName(_)
            | Self::Attachment(_)
            | Self::Header(_)
            | Self::Marking(_) => 2,
            Self::Any(_) | Self::All(_) | Self::Not(_) => {
                self.groups().iter().flatten().map(|condition| condition.test.cost()).max().unwrap_or(0)
            }
            _ => 1,
        }
    }
}

/// The number of a party in [`super::Policy`]'s table: equal parties of several rules are tested once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct PartyId(pub(super) usize);

/// Some zones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Zones(u8);

impl Zones {
    pub(super) fn of(zones: &[Zone]) -> Self {
        Self(zones.iter().fold(0, |mask, zone| mask | Self::bit(*zone)))
    }

    pub(super) fn contains(self, zone: Zone) -> bool {
        self.0 & Self::bit(zone) != 0
    }

    pub(super) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn bit(zone: Zone) -> u8 {
        let at = Zone::ALL.iter().position(|other| *other == zone).unwrap_or(0);
        1_u8.checked_shl(u32::try_from(at).unwrap_or(0)).unwrap_or(0)
    }
}

/// Something for each zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct ByZone<T>([T; Zone::ALL.len()]);

impl<T: Copy + Default> ByZone<T> {
    pub(super) fn all(value: T) -> Self {
        Self([value; Zone::ALL.len()])
    }

    pub(super) fn at(&self, zone: Zone) -> T {
        self.iter().find(|(other, _)| *other == zone).map(|(_, value)| value).unwrap_or_default()
    }

    pub(super) fn set(&mut self, zone: Zone, value: T) {
        for (other, slot) in Zone::ALL.into_iter().zip(&mut self.0) {
            if other == zone {
                *slot = value;
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Zone, T)> {
        Zone::ALL.into_iter().zip(self.0)
    }
}

/// A weight in hundredths, since a zone's factor may have two decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Weight(pub(super) u64);

impl Weight {
    /// A weight as a list or a rule writes it.
    pub(super) const fn whole(weight: u64) -> Self {
        Self(weight.saturating_mul(100))
    }

    /// The whole points in it.
    pub(super) const fn whole_points(self) -> u64 {
        self.0 / 100
    }

    /// Times a factor in hundredths.
    pub(super) const fn times(self, factor: u16) -> Self {
        Self((self.0 / 100).saturating_mul(factor as u64))
    }
}

impl std::iter::Sum for Weight {
    fn sum<I: Iterator<Item = Self>>(weights: I) -> Self {
        Self(weights.fold(0, |sum, weight| sum.saturating_add(weight.0)))
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = format!("{}.{:02}", self.0 / 100, self.0 % 100);
        f.write_str(number.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// What the terms that were found must weigh together. One of these must be reached, where there are any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Thresholds {
    /// In all zones that are looked at.
    pub(super) message: Option<Weight>,
    /// In a zone by itself.
    pub(super) zones: ByZone<Option<Weight>>,
}

impl Thresholds {
    pub(super) fn of_zones(&self) -> impl Iterator<Item = (Zone, Weight)> {
        self.zones.iter().filter_map(|(zone, weight)| Some((zone, weight?)))
    }
}

/// Different terms of one list that stand close together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Together {
    pub(super) at_least: usize,
    /// The most characters from the end of the first to the beginning of the last.
    pub(super) within: usize,
}

/// Terms of a list.
#[derive(Debug, Clone)]
pub(super) struct WordsTest {
    pub(super) list: ListId,
    pub(super) name: String,
    pub(super) zones: Zones,
    pub(super) thresholds: Thresholds,
    /// What a term's weight is multiplied by in each zone, in hundredths.
    pub(super) factors: ByZone<u16>,
    /// The number of different terms.
    pub(super) at_least: usize,
    pub(super) together: Option<Together>,
    pub(super) near: Option<NearTest>,
}

/// A pattern.
#[derive(Debug, Clone)]
pub(super) struct PatternTest {
    pub(super) pattern: PatternId,
    /// What findings call it; the rule's id where it has no name.
    pub(super) name: String,
    pub(super) zones: Zones,
    /// The number of different matching texts.
    pub(super) at_least: usize,
    pub(super) near: Option<NearTest>,
}

/// Identifiers of people.
#[derive(Debug, Clone)]
pub(super) struct IdentifiersTest {
    pub(super) kinds: Kinds,
    pub(super) zones: Zones,
    /// The number of different ones, of all kinds together.
    pub(super) at_least: usize,
    /// The number of different ones of one kind.
    pub(super) of_one_kind: usize,
    pub(super) confidence: Confidence,
    pub(super) near: Option<NearTest>,
}

impl IdentifiersTest {
    /// All that are surely identifiers, in some zones.
    pub(super) const fn all_in(zones: Zones) -> Self {
        Self {
            kinds: Kinds::ALL,
            zones,
            at_least: 1,
            of_one_kind: 1,
            confidence: Confidence::High,
            near: None,
        }
    }
}

/// How confidential a message is.
#[derive(Debug, Clone)]
pub(super) struct ConfidentialityTest {
    pub(super) at_least: u64,
    pub(super) zones: Zones,
}

/// People who are named.
#[derive(Debug, Clone)]
pub(super) struct NamesTest {
    /// Any role where there is none.
    pub(super) roles: Option<Vec<Role>>,
    pub(super) forms: Vec<NameForm>,
    /// Whether people on the roll are meant, or others.
    pub(super) on_roll: bool,
    pub(super) zones: Zones,
    /// Whose names count.
    pub(super) of: Vec<Whose>,
    /// The number of different people.
    pub(super) at_least: usize,
    pub(super) near: Option<NearTest>,
}

/// A list, a term of which must stand near.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct NearTest {
    pub(super) list: ListId,
    /// The most characters that may lie between.
    pub(super) within: usize,
}

/// A header field.
#[derive(Debug, Clone)]
pub(super) struct HeaderTest {
    /// In lower case.
    pub(super) name: String,
    pub(super) is: Presence,
    /// In lower case; empty means any value.
    pub(super) contains: Vec<String>,
    pub(super) matches: Option<Box<PatternIndex>>,
}

/// Attachments and the files inside them.
#[derive(Debug, Clone)]
pub(super) struct AttachmentTest {
    pub(super) names: Option<GlobSet>,
    pub(super) types: Option<GlobSet>,
    pub(super) kinds: Option<Vec<Kind>>,
    pub(super) protections: Option<Vec<Protection>>,
    pub(super) facts: Option<Vec<Fact>>,
    pub(super) gaps: Option<Vec<Gap>>,
    pub(super) inside: Option<YesNo>,
    pub(super) size: Option<(u64, u64)>,
    pub(super) count: (usize, usize),
}
