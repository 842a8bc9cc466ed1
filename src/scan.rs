//! The pure pipeline: a message and a policy in, a verdict out. Never touches a file, a socket or a clock.

use jiff::Zoned;

use crate::extract::Extraction;
use crate::extract::document::Inspector;
use crate::limits::Limits;
use crate::message::{Envelope, Message};
use crate::people::People;
use crate::policy::{Case, Memory, Policy};
use crate::verdict::Verdict;

/// What messages are judged with: the same for many of them.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The roll.
    pub people: &'a People,
    /// What remembers who wrote to whom.
    pub memory: &'a dyn Memory,
    /// The caps.
    pub limits: &'a Limits,
    /// What reads attachments.
    pub inspector: &'a dyn Inspector,
}

/// A message with all that was read out of it and decided on it.
#[derive(Debug)]
pub struct Scanned<'x> {
    /// Its structure.
    pub message: Message<'x>,
    /// Its texts.
    pub extraction: Extraction,
    /// The decision.
    pub verdict: Verdict,
}

/// Sweeps a message. `expired` says when its time is over; what was not looked at by then is in the verdict's
/// coverage.
pub fn scan<'x>(
    envelope: &Envelope,
    message: Message<'x>,
    means: Means<'_>,
    now: &Zoned,
    expired: &dyn Fn() -> bool,
) -> Scanned<'x> {
    let Means { policy, people, memory, limits, inspector } = means;
    let extraction = Extraction::read(&message, limits, inspector);
    let apart = &policy.sent_apart(envelope, &extraction, memory, inspector);
    let case = Case {
        envelope,
        message: &message,
        extraction: &extraction,
        people,
        memory,
        apart,
        limits,
        now,
        expired,
    };
    let verdict = policy.decide(&case);
    Scanned { message, extraction, verdict }
}
