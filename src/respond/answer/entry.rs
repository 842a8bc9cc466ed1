//! The middle form: a message as it stands in a list or a digest. It holds no word of the message, not even its subject.

use std::fmt::Write as _;

use jiff::Zoned;

use crate::message::Address;
use crate::policy::{Policy, counted};
use crate::verdict::RuleId;

/// A message in a list.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Its reference.
    pub reference: &'a str,
    /// When it came, on the reader's clock.
    pub received: &'a Zoned,
    /// Whom it concerns.
    pub recipients: &'a [String],
    /// How many they are; `recipients` may be the first of them.
    pub recipient_count: u64,
    /// The rules that acted.
    pub rules: &'a [RuleId],
}

/// How many recipients are named.
const NAMED: usize = 2;

/// The entry in the reader's language, in one line: time, recipients, rules with their clauses, reference.
pub fn entry(policy: &Policy, reader: Option<&Address>, entry: &Entry<'_>) -> String {
    let language = policy.organisation().language_of(reader);
    let mut out = policy.guidance().phrases(&language).moment(entry.received);
    let named: Vec<&str> = entry.recipients.iter().take(NAMED).map(String::as_str).collect();
    if !named.is_empty() {
        let _ = write!(out, ", {}", named.join(", "));
    }
    let all = usize::try_from(entry.recipient_count).unwrap_or(usize::MAX);
    match all.saturating_sub(named.len()) {
        0 => {}
        _ if named.is_empty() => out += &format!(", {}", counted(all, "recipient")),
        more => out += &format!(" and {}", counted(more, "more recipient")),
    }
    let rules = entry.rules.iter().filter_map(|id| policy.rule(id)).map(|rule| match &rule.clause {
        Some(clause) => format!("{} ({clause})", rule.title),
        None => rule.title.clone(),
    });
    let rules: Vec<String> = rules.collect();
    if !rules.is_empty() {
        let _ = write!(out, ": {}", rules.join("; "));
    }
    let _ = write!(out, ". {}", entry.reference);
    out
}
