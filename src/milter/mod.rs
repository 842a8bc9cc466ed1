//! The milter protocol adapter: hands each message to a [`Gate`] and answers the MTA. It decides nothing about mail.
//!
//! [`frame`], [`command`], [`session`] (the protocol's state machine), [`answer`], [`edits`] and [`reply`] do no I/O;
//! [`listener`], [`reactor`], [`stream`] and [`connection`] are the thin loop around them.

pub mod answer;
pub mod command;
mod connection;
pub mod edits;
pub mod frame;
pub mod listener;
mod memory;
pub mod negotiate;
mod reactor;
pub mod reply;
pub mod session;
pub mod spool;
mod stream;

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

use crate::limits::Limits;
use crate::message::Envelope;
use crate::respond::Edits;

pub use listener::{ListenAddress, ListenError, Listener};
pub use reply::{EnhancedCode, ReplyText};
pub use spool::Spooled;

use reactor::{Observer, OtherThreads, Reactor};
use spool::Spools;

/// One message as the MTA handed it over, ready to be judged.
#[derive(Debug, Clone)]
pub struct Transaction {
    /// Who sends it to whom, and how it came.
    pub envelope: Arc<Envelope>,
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
        /// Addresses that get a copy; none of them is among the envelope's recipients.
        add: Vec<String>,
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
        Self::Accept { remove: Vec::new(), add: Vec::new(), edits: Edits::default() }
    }
}

/// Judges messages. One gate serves all connections at once.
pub trait Gate: Send + Sync + 'static {
    /// Decides on one message. When it panics, the MTA is told of a temporary failure, and the process lives on.
    ///
    /// It is polled on the thread that serves all connections, within the runtime that [`serve`] was called in: work of more
    /// than a few milliseconds belongs into `tokio::task::spawn_blocking`. Do not wait in it for the MTA to take another
    /// message: that one may wait for this one's memory. While it is pending the MTA is told every few seconds that work goes on.
    fn judge(&self, transaction: Transaction) -> impl Future<Output = Outcome> + Send;

    /// Hears that the answer on a message has been written to the MTA, at once after it was. It must not wait for anything.
    fn answered(&self, _envelope: &Envelope) {}

    /// Hears that the thread that serves all connections has nothing more to do just now.
    fn at_rest(&self) {}
}

/// Serves connections to all the listeners until `shutdown` is true or its sender is gone, then drains: accepts no
/// more, closes idle connections, lets messages in progress finish, and returns when the last connection has ended.
/// The limits hold for all of them together.
///
/// All connections are served on one thread of their own, by a loop of its own ([`reactor`]): the wire takes a few hundredths
/// of a millisecond a message, far less than the MTA itself, and handing a connection from thread to thread costs more
/// than serving it.
///
/// # Errors
/// When the thread cannot be started or a listener cannot be used. What goes wrong on one connection ends that
/// connection alone.
pub async fn serve<G: Gate>(
    listeners: Vec<Listener>,
    gate: Arc<G>,
    limits: Arc<Limits>,
    spool_directory: PathBuf,
    mut shutdown: watch::Receiver<bool>,
) -> io::Result<()> {
    let other_threads = OtherThreads::new()?;
    // Also when this is given up before its end.
    let stop = StopOnDrop(Arc::clone(&other_threads));
    let most = limits.connections.max(1);
    let server = Arc::new(Server {
        gate,
        spools: Arc::new(Spools::new(spool_directory, &limits)),
        limits,
        connections: AtomicU64::new(0),
    });
    let (ended, mut end) = oneshot::channel();
    let runtime = Handle::current();
    let thread = std::thread::Builder::new().name("milter".to_owned()).spawn(move || {
        let _within = runtime.enter();
        let run = Reactor::new(listeners, most, other_threads).and_then(|reactor| {
            reactor.run(|slot| connection::serve_slot(slot, Arc::clone(&server)), &*server)
        });
        let _ = ended.send(run);
    })?;
    let early = tokio::select! {
        ended = &mut end => Some(ended),
        _ = shutdown.wait_for(|stop| *stop) => None,
    };
    drop(stop);
    let ended = match early {
        Some(ended) => ended,
        None => end.await,
    };
    match ended {
        Ok(result) => {
            let _ = thread.join();
            result
        }
        Err(_) => Err(io::Error::other("the milter thread panicked")),
    }
}

struct StopOnDrop(Arc<OtherThreads>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Ticks for which memory waits for another message at least; twice this at most.
const MEMORY_KEPT_TICKS: u64 = 10;

/// What all connections share.
struct Server<G> {
    gate: Arc<G>,
    limits: Arc<Limits>,
    spools: Arc<Spools>,
    /// How many connections there have been.
    connections: AtomicU64,
}

impl<G> Server<G> {
    /// The number of a connection that begins, from 1.
    fn next_connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed) + 1
    }
}

impl<G: Gate> Observer for Server<G> {
    fn at_rest(&self) {
        self.gate.at_rest();
    }

    fn ticked(&self, ticks: u64) {
        if ticks.is_multiple_of(MEMORY_KEPT_TICKS) {
            self.spools.release_unneeded();
        }
    }
}
