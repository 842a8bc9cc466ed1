//! A rule as the policy holds it once it is checked. Never the form in which it was written.

use std::ops::Range;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::condition::Condition;
use super::example::Example;
use crate::verdict::{Action, Mode, RuleId, Severity};

/// Whether the senders of what a rule of that category notices are never told so: it may be somebody who needs help, or who
/// must not be warned.
pub fn is_safeguarding(category: &str) -> bool {
    category == SAFEGUARDING
}

/// The category of rules on safeguarding.
pub(super) const SAFEGUARDING: &str = "safeguarding";

/// A rule: all of its conditions must hold, none of its exceptions may.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its id.
    pub id: RuleId,
    /// What it finds, for people.
    pub title: String,
    /// The clause of the organisation's policy that it carries out.
    pub clause: Option<String>,
    /// Its category for reports.
    pub category: String,
    /// How grave a breach is.
    pub severity: Severity,
    /// Its mode where no school says otherwise.
    pub mode: Mode,
    /// The ids of the schools for which it runs; empty means all.
    pub schools: Vec<String>,
    /// The first day on which it runs.
    pub from: Option<Date>,
    /// The last day on which it runs.
    pub until: Option<Date>,
    /// What happens when it matches.
    pub then: Then,
    /// The file that it stands in, relative to the policy's folder.
    pub file: String,
    pub(super) when: Vec<Condition>,
    pub(super) unless: Vec<Condition>,
    pub(super) examples: Vec<Example>,
    /// Where its category is written.
    pub(super) place: Range<usize>,
}

impl Rule {
    /// Whether it runs on that day.
    pub fn runs_on(&self, day: Date) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day <= until)
    }
}

/// What a rule does when it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Then {
    /// The action, for each recipient for whom the rule matches.
    pub action: Action,
    /// What the sender may do about a message that is held or returned.
    pub may_override: Override,
    /// Whether the sender is told where the message is held.
    pub tells_sender: bool,
    /// Whether the sender is advised where the message is delivered.
    pub advises: bool,
    /// The name of the guidance text, which lies under `guidance/` in the policy's folder.
    pub guidance: Option<String>,
    /// What one of ours is told at the SMTP door when the action is `reject`; several lines are allowed.
    pub reply: Option<String>,
    /// What everybody else is told there; neutral words where it is left out.
    pub reply_outside: Option<String>,
    /// What is put in front of the subject, once (`tag`, `mark`).
    pub subject_prefix: Option<String>,
    /// Whether the recipients' mail programs are asked for a receipt, where the sender did not (`tag`, `mark`).
    pub receipt: Receipt,
    /// Header fields that are added (`tag`, `mark`).
    pub headers: Vec<ThenHeader>,
    /// Addresses that get a copy.
    pub copy_to: Vec<String>,
}

/// What a rule does about a receipt for reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Receipt {
    /// Nothing.
    #[default]
    AsItIs,
    /// One is asked for.
    Request,
}

/// A header field that a rule adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThenHeader {
    /// The field's name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// What a sender may do about a message that is held or returned. The order is that of strictness: the strictest wins.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Override {
    /// Have it sent as it is, by giving a reason.
    Justify,
    /// Ask somebody who may decide, by giving a reason.
    Request,
    /// Nothing but write it anew.
    #[default]
    Never,
}

impl Override {
    /// Its name as rules and `--json` write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Justify => "justify",
            Self::Request => "request",
            Self::Never => "never",
        }
    }
}
