//! The organisation's policy: rule files in, one compiled policy out, and its decision on a message.

mod disclaimer;
mod rule;

pub use disclaimer::{Disclaimer, Fallback, Placement};
pub use rule::{Then, ThenHeader};

/// Where a recipient stands to the sender.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From outside to one of ours.
    Inbound,
    /// From one of ours to outside.
    Outbound,
    /// From one of ours to one of ours.
    Internal,
}
