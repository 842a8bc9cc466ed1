//! Who wrote what to whom before, as a message is judged. A question to whoever remembers; kept nowhere here.

use super::SentBefore;
use crate::message::Address;

/// Whether a sender has written to somebody before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acquaintance {
    /// Mail from the one to the other was delivered before.
    Known,
    /// None was.
    New,
    /// Nobody remembers.
    Untold,
}

/// What remembers who wrote to whom.
pub trait Memory {
    /// Whether that sender has written to that recipient before.
    fn acquaintance(&self, sender: &Address, recipient: &Address) -> Acquaintance;

    /// The passwords, and what passwords can be tried on, that the sender sent to that recipient within a day; nothing
    /// where nobody remembers.
    fn sent_before(&self, sender: &Address, recipient: &Address) -> SentBefore {
        let _ = (sender, recipient);
        SentBefore::default()
    }
}

/// No memory: what commands judge mail with that do not serve.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoMemory;

impl Memory for NoMemory {
    fn acquaintance(&self, _: &Address, _: &Address) -> Acquaintance {
        Acquaintance::Untold
    }
}
