//! The roll: who is who. Data that `detect` and `policy` read; never read from a message.

/// Everybody that the organisation knows. Empty until a roll is imported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct People {}
