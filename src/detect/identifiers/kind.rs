//! The kinds of identifiers, what rules call them, and how sure a find is. Finds nothing itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A kind of identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IdentifierKind {
    /// Unique pupil number, temporary ones included.
    Upn,
    /// Unique learner number.
    Uln,
    /// Unique candidate identifier of the exam boards.
    Uci,
    /// NHS number.
    NhsNumber,
    /// National Insurance number.
    NiNumber,
    /// Teacher reference number.
    TeacherReference,
    /// Candidate number in an exam.
    CandidateNumber,
    /// Date of birth.
    DateOfBirth,
    /// Payment card.
    PaymentCard,
    /// Sort code with account number.
    BankAccount,
    /// International bank account number.
    Iban,
    /// Postcode with a house number or a street.
    Address,
    /// UK telephone number that is not a mobile's.
    Phone,
    /// UK mobile number.
    Mobile,
    /// Email address.
    EmailAddress,
}

impl IdentifierKind {
    /// All kinds, in the order in which they are shown.
    pub const ALL: [Self; 15] = [
        Self::Upn,
        Self::Uln,
        Self::Uci,
        Self::NhsNumber,
        Self::NiNumber,
        Self::TeacherReference,
        Self::CandidateNumber,
        Self::DateOfBirth,
        Self::PaymentCard,
        Self::BankAccount,
        Self::Iban,
        Self::Address,
        Self::Phone,
        Self::Mobile,
        Self::EmailAddress,
    ];

    /// The kind's name as rules and `--json` write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Upn => "upn",
            Self::Uln => "uln",
            Self::Uci => "uci",
            Self::NhsNumber => "nhs-number",
            Self::NiNumber => "ni-number",
            Self::TeacherReference => "teacher-reference",
            Self::CandidateNumber => "candidate-number",
            Self::DateOfBirth => "date-of-birth",
            Self::PaymentCard => "payment-card",
            Self::BankAccount => "bank-account",
            Self::Iban => "iban",
            Self::Address => "address",
            Self::Phone => "phone",
            Self::Mobile => "mobile",
            Self::EmailAddress => "email-address",
        }
    }

    /// What one of them adds to a message's confidentiality: who has it knows a person (2), where to reach one (1), or
    /// no more than every letterhead says (0).
    pub const fn points(self) -> u64 {
        match self {
            Self::EmailAddress | Self::Phone => 0,
            Self::Address | Self::Mobile | Self::CandidateNumber => 1,
            _ => 2,
        }
    }

    /// The kind with that number in [`Self::ALL`].
    pub fn numbered(number: u16) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// How sure it is that an identifier is one.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// Its shape and its check digits are right; so are those of some numbers that are none.
    Low,
    /// Beside that, words near it or the heading of its column say what it is, or its shape is hardly anything else's.
    #[default]
    High,
}

/// Some of the kinds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Kinds(u16);

impl Kinds {
    /// Every kind.
    pub const ALL: Self = Self((1 << IdentifierKind::ALL.len()) - 1);

    /// These kinds.
    pub fn of(kinds: &[IdentifierKind]) -> Self {
        kinds.iter().fold(Self::default(), |all, kind| all.with(*kind))
    }

    /// These and one more.
    #[must_use]
    pub const fn with(self, kind: IdentifierKind) -> Self {
        Self(self.0 | 1 << kind as u16)
    }

    /// These and those.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether a kind is among them.
    pub const fn contain(self, kind: IdentifierKind) -> bool {
        self.0 & (1 << kind as u16) != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}
