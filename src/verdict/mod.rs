//! What a sweep found and what is to happen: plain data that every room above can read. It holds no message content.

mod file;
mod urgency;

pub use file::{Fact, Kind, KindGroup, Protection};
pub use urgency::Urgency;

use std::fmt;

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// Where in a message a text stood. Rules name the zones that they look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Zone {
    /// The decoded Subject.
    Subject,
    /// What the sender wrote now.
    Body,
    /// What was quoted from earlier mail.
    Quoted,
    /// The sender's signature block.
    Signature,
    /// The text of an attachment or of an attached message.
    Attachment,
    /// The name of an attachment.
    Filename,
    /// The other header fields, decoded.
    Header,
}

impl Zone {
    /// All zones, in the order in which they are shown.
    pub const ALL: [Self; 7] = [
        Self::Subject,
        Self::Body,
        Self::Quoted,
        Self::Signature,
        Self::Attachment,
        Self::Filename,
        Self::Header,
    ];

    /// The zone's name as rules and `--json` write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Body => "body",
            Self::Quoted => "quoted",
            Self::Signature => "signature",
            Self::Attachment => "attachment",
            Self::Filename => "filename",
            Self::Header => "header",
        }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A part's place in the MIME tree, numbered as IMAP does (RFC 3501 §6.4.5): `1.2` is the second part of the
/// first. The message itself, with its header, is `0`; the only part of a message that is no multipart is `1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct PartPath(SmallVec<[u16; 8]>);

impl PartPath {
    /// The message itself.
    pub fn root() -> Self {
        Self(SmallVec::new())
    }

    /// The path of this part's child with that number, counted from 1.
    pub fn child(&self, number: u16) -> Self {
        let mut path = self.0.clone();
        path.push(number);
        Self(path)
    }

    /// How deep the part lies; the message itself is at 0.
    pub fn depth(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for PartPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("0");
        }
        for (index, number) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            write!(f, "{number}")?;
        }
        Ok(())
    }
}

impl Serialize for PartPath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A stretch of a text, in UTF-8 bytes of the text that `show` prints for that zone and part; `end` is exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// Why something in a message could not be inspected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Gap {
    /// The MIME structure or an encoding is broken; what could be read was read.
    Damaged,
    /// A character set that nobody knows; the bytes were read as windows-1252.
    UnknownCharset,
    /// Larger than the caps in `limits`.
    TooLarge,
    /// Nested deeper than the cap.
    TooDeep,
    /// More parts than the cap.
    TooManyParts,
    /// More text than the cap.
    TooMuchText,
    /// More hits than the cap: at least these were found.
    TooManyHits,
    /// Encrypted.
    Encrypted,
    /// What is inside unpacks to more than the caps allow.
    ExpandsTooMuch,
    /// The time for the sweep ran out.
    OutOfTime,
    /// Reading it took more memory than the cap.
    OutOfMemory,
    /// The reader of documents failed on it.
    ReaderFailed,
    /// Packed or written in a way that no reader here takes, or a part of a set.
    Unsupported,
}

impl Gap {
    /// The gap's name as rules and `--json` write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Damaged => "damaged",
            Self::UnknownCharset => "unknown-charset",
            Self::TooLarge => "too-large",
            Self::TooDeep => "too-deep",
            Self::TooManyParts => "too-many-parts",
            Self::TooMuchText => "too-much-text",
            Self::TooManyHits => "too-many-hits",
            Self::Encrypted => "encrypted",
            Self::ExpandsTooMuch => "expands-too-much",
            Self::OutOfTime => "out-of-time",
            Self::OutOfMemory => "out-of-memory",
            Self::ReaderFailed => "reader-failed",
            Self::Unsupported => "unsupported",
        }
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How much of a message was inspected. Empty means all of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Coverage {
    /// What was not inspected, and where; ordered, without duplicates.
    pub gaps: Vec<CoverageGap>,
}

/// One thing that was not inspected.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct CoverageGap {
    /// Why.
    pub gap: Gap,
    /// The part that it concerns.
    pub part: PartPath,
}

impl Coverage {
    /// Notes a gap, once.
    pub fn note(&mut self, gap: Gap, part: PartPath) {
        let entry = CoverageGap { gap, part };
        if let Err(index) = self.gaps.binary_search(&entry) {
            self.gaps.insert(index, entry);
        }
    }

    /// Whether all of the message was inspected.
    pub const fn is_complete(&self) -> bool {
        self.gaps.is_empty()
    }
}

/// What happens to a message for a recipient. The order is the precedence: the strongest wins.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Delivered, as it is or with the disclaimer.
    #[default]
    Pass,
    /// Delivered with a header that says what was found, and a prefix to the subject where the rule has one.
    Tag,
    /// Delivered with its marking put right: subject and headers as the rule says.
    Mark,
    /// Kept in the store until somebody releases or deletes it.
    Hold,
    /// Not delivered; the sender is told why, with the original attached.
    Return,
    /// Refused at the SMTP door, with a text.
    Reject,
}

impl Action {
    /// The action's name as rules and `--json` write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Tag => "tag",
            Self::Mark => "mark",
            Self::Hold => "hold",
            Self::Return => "return",
            Self::Reject => "reject",
        }
    }

    /// Whether the recipient gets the message now.
    pub const fn delivers(self) -> bool {
        matches!(self, Self::Pass | Self::Tag | Self::Mark)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How much a rule's match counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Recorded, nothing else: for trying a rule out.
    Observe,
    /// Recorded, and reviewers are told. The message goes its way.
    Notify,
    /// The rule's action is carried out.
    Enforce,
}

impl Mode {
    /// The mode's name as rules and `--json` write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Notify => "notify",
            Self::Enforce => "enforce",
        }
    }
}

/// How grave a breach is, as acceptable-use policies grade it (A4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Put right with a word.
    Mild,
    /// A breach that counts.
    Serious,
    /// Gross misconduct.
    Gross,
}

/// A rule's id: stable across renames of its title and moves between files.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RuleId(pub String);

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Which detector found something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Detector {
    /// A term of a word list.
    Words,
    /// A pattern written in a rule.
    Pattern,
    /// An identifier of a person.
    Identifier,
    /// Names of people.
    Names,
    /// A header test.
    Header,
    /// A marking of confidentiality.
    Marking,
    /// A recipient who may not be meant.
    Recipient,
    /// A password, a key, or a link that opens something by itself.
    Secrets,
    /// An attachment test.
    Attachment,
    /// What could not be inspected.
    Coverage,
}

/// A way to write a word so that people still read it and a plain search does not find it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Disguise {
    /// Letters of other alphabets that look the same.
    LookAlikes,
    /// Digits and symbols for letters.
    Leet,
    /// Stars or the like for some of the letters, at most half of them.
    Masked,
    /// Stars or the like for more than half of the letters.
    Hidden,
    /// Letters more often than the word has them.
    Doubled,
    /// Single letters with spaces, dots or other marks between them.
    Spaced,
    /// Two pieces, with a space, a mark or a line's end between them.
    Split,
}

impl Disguise {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 7] =
        [Self::LookAlikes, Self::Leet, Self::Masked, Self::Hidden, Self::Doubled, Self::Spaced, Self::Split];

    /// What lists call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::LookAlikes => "look-alikes",
            Self::Leet => "leet",
            Self::Masked => "masked",
            Self::Hidden => "hidden",
            Self::Doubled => "doubled",
            Self::Spaced => "spaced",
            Self::Split => "split",
        }
    }

    /// The disguise of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|disguise| disguise.name() == name)
    }
}

/// Some of the disguises.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Disguises(u8);

impl Disguises {
    /// None of them: the word as it is.
    pub const NONE: Self = Self(0);
    /// Each of them.
    pub const ALL: Self = Self((1 << Disguise::ALL.len()) - 1);

    /// These and one more.
    #[must_use]
    pub fn with(self, disguise: Disguise) -> Self {
        Self(self.0 | 1 << disguise as u8)
    }

    /// These and those.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// These but one.
    #[must_use]
    pub fn without(self, disguise: Disguise) -> Self {
        Self(self.0 & !(1 << disguise as u8))
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many.
    pub fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether all of `others` are among these.
    pub fn contain(self, others: Self) -> bool {
        others.0 & !self.0 == 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Disguise> {
        Disguise::ALL.into_iter().filter(move |disguise| self.contain(Self::NONE.with(*disguise)))
    }
}

impl fmt::Display for Disguises {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Disguise::name).collect();
        formatter.write_str(&names.join(", "))
    }
}

impl Serialize for Disguises {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Disguise::name))
    }
}

/// A term's number within its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TermId(pub u32);

/// One thing that a rule found, and where. It carries no words of the message: `zone`, `part` and `span` say
/// where they stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule that matched.
    pub rule: RuleId,
    /// The rule's category, such as `confidential`.
    pub category: String,
    /// The rule's grade.
    pub severity: Severity,
    /// What found it.
    pub detector: Detector,
    /// What was looked for: the list's or pattern's name. Never the message's own words.
    pub entity: String,
    /// Where.
    pub zone: Zone,
    /// In which part.
    pub part: PartPath,
    /// The first and last byte in that zone's text.
    #[serde(flatten)]
    pub span: Span,
    /// The disguises in which a list's term stood there; none where it is written plainly.
    pub disguises: Disguises,
    /// Which term of the list. Its words would tell what the message said: `Policy::term` has them for whoever may see
    /// content, and they are written nowhere by themselves.
    #[serde(skip)]
    pub term: Option<TermId>,
}

/// A rule that matched, for some or all recipients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleMatch {
    /// The rule.
    pub rule: RuleId,
    /// Its mode for this message's school.
    pub mode: Mode,
    /// What it asks for; carried out in mode `enforce` alone.
    pub action: Action,
    /// For which recipients, as indices into the envelope's recipients.
    pub recipients: Vec<usize>,
}

/// Personal data in a message, counted in the zones where rules look. Nothing where no rule came to ask.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Personal {
    /// How many different identifiers of each kind there surely are, the kinds of which there are any.
    pub identifiers: Vec<IdentifierCount>,
    /// How confidential the message is, in points: 5 are confidential by themselves. `None` where no rule asked.
    pub confidentiality: Option<u64>,
}

/// How many identifiers of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct IdentifierCount {
    /// The kind's name, as rules write it.
    pub kind: &'static str,
    /// How many different ones.
    pub different: usize,
}

/// What is to happen with a message, and why. The default is that of a message without recipients: nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Verdict {
    /// The strongest action over all recipients.
    pub action: Action,
    /// The action for each recipient, in the envelope's order.
    pub recipients: Vec<Action>,
    /// The rules that matched, in the policy's order.
    pub rules: Vec<RuleMatch>,
    /// What they found.
    pub findings: Vec<Finding>,
    /// Which personal data it holds, and how confidential that makes it.
    pub personal: Personal,
    /// What could not be inspected.
    pub coverage: Coverage,
    /// How long the sweep took, where it was timed.
    #[serde(skip)]
    pub elapsed: Option<SignedDuration>,
}
