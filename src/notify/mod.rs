//! Outgoing mail: works the outbox and submits it to the MTA. Never decides what is sent.

mod outbox;
mod submit;

pub use outbox::{Clock, Outbox, OutboxSettings};
pub use submit::{Data, Envelope8Bit, Reply, Session, SubmitError};
