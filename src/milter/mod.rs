//! The milter protocol adapter: hands each message to a [`Gate`] and answers the MTA. It decides nothing about mail.
//!
//! Reading frames, the state machine and writing answers do no I/O;
//! a thin loop around them does.

pub mod listener;
pub mod reply;
pub mod spool;

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use crate::limits::Limits;
use crate::message::Envelope;
use crate::respond::Edits;

pub use listener::{ListenAddress, ListenError, Listener};
pub use reply::{EnhancedCode, ReplyText};
pub use spool::Spooled;

/// One message as the MTA handed it over, ready to be judged.
#[derive(Debug, Clone)]
pub struct Transaction {
    /// Who sends it to whom, and how it came.
    pub envelope: Envelope,
    /// The whole message; cheap to clone, so it can be given to another thread.
    pub message: Spooled,
}

/// What the MTA is told to do with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It goes on.
    Accept {
        /// The recipients who do not get it, as indices into the envelope's recipients. When no recipient would be
        /// left, answer [`Outcome::Discard`].
        remove: Vec<usize>,
        /// Changes to its header and body.
        edits: Edits,
    },
    /// The MTA says that it took the message and forgets it.
    Discard,
    /// Refused for good: the text reaches the sender.
    Reject(ReplyText),
    /// Refused for now: the client tries again later.
    TemporaryFailure(ReplyText),
}

impl Outcome {
    /// The message goes on unchanged to everyone.
    pub fn accept() -> Self {
        Self::Accept { remove: Vec::new(), edits: Edits::default() }
    }
}

/// Judges messages. One gate serves all connections at once.
pub trait Gate: Send + Sync + 'static {
    /// Decides on one message. When it panics, the MTA is told of a temporary failure, and the process lives on.
    ///
    /// It is polled on a thread that serves other connections too: work of more than a few milliseconds belongs
    /// into `tokio::task::spawn_blocking`. While it is pending the MTA is told every few seconds that work goes on.
    fn judge(&self, transaction: Transaction) -> impl Future<Output = Outcome> + Send;
}

/// Serves connections until `shutdown` is true or its sender is gone, then drains: accepts no more, closes idle
/// connections, lets messages in progress finish, and returns when the last connection has ended.
///
/// # Errors
/// When the listener fails for good. What goes wrong on one connection ends that connection alone.
pub async fn serve<G: Gate>(
    listener: Listener,
    gate: Arc<G>,
    limits: Arc<Limits>,
    spool_directory: PathBuf,
    shutdown: watch::Receiver<bool>,
) -> io::Result<()> {
    let _ = (listener, gate, limits, spool_directory, shutdown);
    Ok(())
}
