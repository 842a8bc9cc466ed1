//! How soon somebody is told of what was found. Decides nothing.

use serde::Serialize;

/// How soon a reviewer is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Urgency {
    /// In a letter of its own, now.
    AtOnce,
    /// In the next digest.
    Digest,
}

impl Urgency {
    /// Its name as `--json` and the database write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AtOnce => "at-once",
            Self::Digest => "digest",
        }
    }

    /// The urgency of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::AtOnce, Self::Digest].into_iter().find(|urgency| urgency.name() == name)
    }
}
