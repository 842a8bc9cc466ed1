//! The disclaimers that a policy asks for (D1). How they get into a message is `respond`'s work.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Direction;

/// A disclaimer, for some schools and directions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclaimer {
    /// Its id, unique in the policy.
    pub id: String,
    /// The schools whose mail carries it; empty means all of the organisation.
    pub schools: Vec<String>,
    /// The directions in which mail carries it.
    pub directions: Vec<Direction>,
    /// The text form, lines ended by `\n`.
    pub text: String,
    /// The HTML form, a fragment; derived from the text where none was written.
    pub html: String,
    /// Where it stands.
    pub placement: Placement,
    /// What happens to mail that cannot take it.
    pub fallback: Fallback,
}

/// Where a disclaimer stands in a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// After what the sender wrote, before the quoted mail.
    BeforeQuote,
    /// At the end of the text.
    #[default]
    End,
}

/// What happens to mail that cannot take a disclaimer: signed, encrypted, a calendar invitation, or damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fallback {
    /// It goes without.
    #[default]
    Skip,
    /// It goes as an attachment of a new message that carries the disclaimer.
    Wrap,
    /// It is refused.
    Reject,
}
