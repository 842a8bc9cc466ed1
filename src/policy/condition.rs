//! Conditions, compiled: what they look for is parsed, numbered and indexed. Never evaluated here.

use globset::GlobSet;

use super::Direction;
use super::raw::{InOut, Presence, RawProtection, Weekday, Which, YesNo};
use crate::detect::pattern::{PatternId, PatternIndex};
use crate::detect::words::ListId;
use crate::message::Origin;
use crate::verdict::{Gap, Zone};

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
    Recipient(PartyId),
    Recipients {
        which: Which,
        at_least: usize,
        at_most: usize,
    },
    Header(HeaderTest),
    Words(WordsTest),
    Pattern(PatternTest),
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
            Self::Recipient(_) => "recipient",
            Self::Recipients { .. } => "recipients",
            Self::Header(_) => "header",
            Self::Words(_) => "words",
            Self::Pattern(_) => "pattern",
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
        matches!(self, Self::Direction(_) | Self::Recipient(_) | Self::Schedule { .. })
            || self.groups().iter().flatten().any(|condition| condition.per_recipient)
    }

    /// Cheap tests come first, so that most rules are done before any text is looked at.
    pub(super) fn cost(&self) -> u8 {
        match self {
            Self::Words(_) => 3,
            Self::Pattern(_) => 4,
            Self::Coverage(_) | Self::Attachment(_) | Self::Header(_) => 2,
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

/// Terms of a list.
#[derive(Debug, Clone)]
pub(super) struct WordsTest {
    pub(super) list: ListId,
    pub(super) name: String,
    pub(super) zones: Zones,
    /// The sum of the weights of the different terms.
    pub(super) threshold: u64,
    /// The number of different terms.
    pub(super) at_least: usize,
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

/// Attachments.
#[derive(Debug, Clone)]
pub(super) struct AttachmentTest {
    pub(super) names: Option<GlobSet>,
    pub(super) types: Option<GlobSet>,
    pub(super) size: Option<(u64, u64)>,
    pub(super) count: (usize, usize),
}
