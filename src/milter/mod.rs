//! The milter protocol adapter: hands each message to a [`Gate`] and answers the MTA. It decides nothing about mail.
//!
//! [`frame`], [`command`], [`session`] (the protocol's state machine), [`answer`], [`edits`] and [`reply`] do no I/O;
//! [`listener`] and [`connection`] are the thin loop around them.

pub mod answer;
pub mod command;
mod connection;
pub mod edits;
pub mod frame;
pub mod listener;
mod memory;
pub mod negotiate;
pub mod reply;
pub mod session;
pub mod spool;

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::unix::AsyncFd;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinSet;

use crate::limits::Limits;
use crate::message::Envelope;
use crate::respond::Edits;

pub use listener::{ListenAddress, ListenError, Listener};
pub use reply::{EnhancedCode, ReplyText};
pub use spool::Spooled;

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
    /// It is polled on the thread that serves all connections, in a runtime of that thread's own: work of more than a
    /// few milliseconds belongs into `tokio::task::spawn_blocking` (`block_in_place` does not work there). Do not wait
    /// in it for the MTA to take another message: that one may wait for this one's memory. While it is pending the MTA is told every few seconds that work goes on.
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
/// All connections are served on one thread of their own, with its own runtime: the wire takes a few hundredths of a
/// millisecond a message, far less than the MTA itself, and handing a connection from thread to thread costs more than
/// serving it.
///
/// # Errors
/// When the thread cannot be started or a listener cannot be used. What goes wrong on one connection ends that
/// connection alone.
pub async fn serve<G: Gate>(
    listeners: Vec<Listener>,
    gate: Arc<G>,
    limits: Arc<Limits>,
    spool_directory: PathBuf,
    shutdown: watch::Receiver<bool>,
) -> io::Result<()> {
    let resting = Arc::clone(&gate);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_park(move || resting.at_rest())
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_name("milter-blocking")
        .build()?;
    let most = limits.connections.clamp(1, Semaphore::MAX_PERMITS);
    let server = Arc::new(Server {
        gate,
        spools: Arc::new(Spools::new(spool_directory, &limits)),
        limits,
        places: Arc::new(Semaphore::new(most)),
        connections: AtomicU64::new(0),
    });
    let (ended, end) = oneshot::channel();
    let thread = std::thread::Builder::new().name("milter".to_owned()).spawn(move || {
        let _ = ended.send(runtime.block_on(serve_all(listeners, server, most, shutdown)));
    })?;
    match end.await {
        Ok(result) => {
            let _ = thread.join();
            result
        }
        Err(_) => Err(io::Error::other("the milter thread panicked")),
    }
}

/// Most threads that read files back, and that a gate may use by `spawn_blocking`.
const BLOCKING_THREADS: usize = 32;

/// How long memory waits for another message at least; twice this at most.
const MEMORY_KEPT_FOR: Duration = Duration::from_secs(10);

/// What all connections share.
struct Server<G> {
    gate: Arc<G>,
    limits: Arc<Limits>,
    spools: Arc<Spools>,
    /// One for each connection that may be open.
    places: Arc<Semaphore>,
    /// How many connections there have been.
    connections: AtomicU64,
}

async fn serve_all<G: Gate>(
    listeners: Vec<Listener>,
    server: Arc<Server<G>>,
    most: usize,
    shutdown: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut accepting = JoinSet::new();
    for listener in listeners {
        accepting.spawn(accept_all(listener.into_accepting()?, Arc::clone(&server), shutdown.clone()));
    }
    // Ends with the runtime that it runs in.
    tokio::spawn(release_memory(Arc::clone(&server.spools)));
    while accepting.join_next().await.is_some() {}
    // Each connection holds one place: all of them are free when the last has ended.
    let _ = server.places.acquire_many(u32::try_from(most).unwrap_or(u32::MAX)).await;
    Ok(())
}

/// Gives back, now and then, the memory that messages have not needed for a while.
async fn release_memory(spools: Arc<Spools>) {
    let mut ticks = tokio::time::interval(MEMORY_KEPT_FOR);
    loop {
        ticks.tick().await;
        spools.release_unneeded();
    }
}

/// Accepts connections until the server is to stop, and closes the listener.
async fn accept_all<G: Gate>(
    listener: AsyncFd<Listener>,
    server: Arc<Server<G>>,
    mut shutdown: watch::Receiver<bool>,
) {
    let mut stop = pin!({
        let mut shutdown = shutdown.clone();
        async move {
            let _ = shutdown.wait_for(|stop| *stop).await;
        }
    });
    loop {
        // Past the cap, one connection waits here and the others in the listener's queue.
        let accepting = async {
            let stream = listener::accept(&listener).await;
            (Arc::clone(&server.places).acquire_owned().await.ok(), stream)
        };
        let (place, stream) = tokio::select! {
            biased;
            () = stop.as_mut() => return,
            next = accepting => next,
        };
        match stream {
            Ok(stream) => {
                let number = server.connections.fetch_add(1, Ordering::Relaxed) + 1;
                // Not within another future, which would have room for this one twice and copy it at each connection.
                tokio::spawn(connection::run(stream, number, place, Arc::clone(&server), shutdown.clone()));
            }
            Err(error) => {
                drop(place);
                tracing::warn!(%error, "cannot accept a milter connection");
                // Out of file descriptors, most likely: give connections time to end.
                let pause = Duration::from_millis(200);
                let _ = tokio::time::timeout(pause, shutdown.wait_for(|stop| *stop)).await;
            }
        }
    }
}
