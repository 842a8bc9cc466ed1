//! A rule as the policy holds it once it is checked. Never the form in which it was written.

use crate::verdict::Action;

/// What a rule does when it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Then {
    /// The action, for each recipient for whom the rule matches.
    pub action: Action,
    /// The name of the guidance text, which lies under `guidance/` in the policy's folder.
    pub guidance: Option<String>,
    /// What the sender is told at the SMTP door when the action is `reject`; several lines are allowed.
    pub reply: Option<String>,
    /// What is put in front of the subject, once (`tag`, `mark`).
    pub subject_prefix: Option<String>,
    /// Header fields that are added (`tag`, `mark`).
    pub headers: Vec<ThenHeader>,
    /// Addresses that get a copy.
    pub copy_to: Vec<String>,
}

/// A header field that a rule adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThenHeader {
    /// The field's name.
    pub name: String,
    /// Its value.
    pub value: String,
}
