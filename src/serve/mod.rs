//! The running filter: listeners, policy, store and outbox wired together; reload, shutdown, drain. Decides nothing itself.

pub mod control;
pub mod log;
pub mod monitoring;

mod advice;
mod apart;
mod conclusion;
mod confirm;
mod gate;
mod letters;
mod looks;
mod memory;
mod notices;
mod out_of_hours;
mod readiness;
mod released;
mod roll;
mod state;
mod trial;
mod unoffered;

use std::future::Future;
use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tracing::{error, info};

use crate::config::{Config, ConfigError};
use crate::milter::{ListenError, Listener};
use crate::notify::{Outbox, OutboxSettings};
use crate::people::file::RollError;
use crate::policy::{Faults, counted};
use crate::records::{RecordsError, Store};
use crate::worker::StartError;
use apart::RememberedApart;
use gate::FilterGate;
use memory::Remembered;
use roll::RollInForce;
use state::Filter;

pub use unoffered::{unoffered, upkeep};

/// Why the filter cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The policy's folder cannot be read.
    #[error("{0}; run `mailwarden check` to see where")]
    Config(#[from] ConfigError),
    /// The policy has faults.
    #[error(
        "the policy in {directory} has {} and is not taken up; run `mailwarden check {directory}` to see them",
        counted(*number, "fault")
    )]
    Policy {
        /// The policy's folder.
        directory: String,
        /// How many faults.
        number: usize,
    },
    /// A rule's examples fail.
    #[error(
        "the policy in {directory} is not taken up, since what its rules do differs from what they say in {}; run `mailwarden check {directory}` to see it",
        counted(*number, "example")
    )]
    Examples {
        /// The policy's folder.
        directory: String,
        /// How many examples.
        number: usize,
    },
    /// The roll cannot be read.
    #[error(transparent)]
    Roll(#[from] RollError),
    /// The store cannot be opened.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// A milter socket cannot be listened on.
    #[error(transparent)]
    Listener(#[from] ListenError),
    /// The control socket cannot be listened on.
    #[error(
        "control socket {path}: {source}; is another mailwarden running, or may its user not write there?"
    )]
    Control {
        /// The socket.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// Documents cannot be read.
    #[error(transparent)]
    Workers(#[from] StartError),
    /// A listener failed.
    #[error("listening failed: {0}")]
    Io(#[from] io::Error),
}

impl ServeError {
    fn policy(config: &Config, faults: &Faults) -> Self {
        Self::Policy { directory: config.policy_directory.display().to_string(), number: faults.0.len() }
    }
}

/// Runs the filter until `shutdown` resolves, then lets messages in progress finish. Each `reloads` makes it read the
/// policy and the roll again.
///
/// # Errors
/// When it cannot start: nothing is listened on then.
pub async fn run(
    config: Config,
    mut reloads: mpsc::Receiver<()>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let policy = state::load_policy(&config)?;
    let roll = RollInForce::start(config.roll.clone())?;
    let store = Store::open(&config.store_directory).await?;
    let days = config.memory.days;
    let known = store.acquaintances(days, Timestamp::now()).await?;
    let (apart, apart_notes) = RememberedApart::new(store.sent_apart(Timestamp::now()).await?);
    let (memory, notes) = Remembered::new(known, apart, config.memory);
    let mut listeners = Vec::new();
    for address in &config.listen {
        listeners.push(Listener::bind(address, Some(config.socket_mode))?);
    }
    let control = control::bind(&config.control_socket)?;
    let (stop, stopped) = watch::channel(false);
    let settings = OutboxSettings { server: config.smtp.to_string(), ..OutboxSettings::default() };
    let wake = Arc::new(Notify::new());
    let filter = Arc::new(Filter::new(config, policy, roll, store.clone(), memory, Arc::clone(&wake)));

    filter.workers.start()?;

    let mut tasks = tokio::task::JoinSet::new();
    let limits = Arc::new(filter.config.limits.clone());
    for listener in &listeners {
        info!(address = %listener.address(), "listening");
    }
    let gate = Arc::new(FilterGate(Arc::clone(&filter)));
    let spool = filter.config.spool_directory.clone();
    tasks.spawn(crate::milter::serve(listeners, gate, limits, spool, stopped.clone()));
    let mut outbox_stopped = stopped.clone();
    let outbox_shutdown = async move {
        let _ = outbox_stopped.changed().await;
    };
    let outbox = tokio::spawn(Outbox::run(store.clone(), settings, wake, outbox_shutdown));
    let summaries = tokio::spawn(Arc::clone(&filter).summarise(stopped.clone()));
    let notices = tokio::spawn(Arc::clone(&filter).tell_reviewers(stopped.clone()));
    let monitoring = tokio::spawn(Arc::clone(&filter).tell_of_monitoring(stopped.clone()));
    let control_task = tokio::spawn(control::serve(control, Arc::clone(&filter), stopped.clone()));
    let (finish, finished) = oneshot::channel();
    let memory_task = tokio::spawn(memory::write_down(store.clone(), days, notes, finished));
    let (finish_apart, finished) = oneshot::channel();
    let apart_task = tokio::spawn(apart::write_down(store.clone(), apart_notes, finished));
    readiness::announce(readiness::State::Ready);
    let (policy, people) = (filter.policy(), filter.roll.people().roll().len());
    info!(rules = policy.rules().len(), policy = %policy.fingerprint(), people, "mailwarden is ready");
    drop(policy);

    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(()) = reloads.recv() => filter.reload_and_log().await,
            Some(ended) = tasks.join_next() => {
                error!("a listener ended: {ended:?}");
                break;
            }
        }
    }
    readiness::announce(readiness::State::Stopping);
    info!("stopping: messages in progress finish first");
    let _ = stop.send(true);
    while tasks.join_next().await.is_some() {}
    let _ = (finish.send(()), finish_apart.send(()));
    let _ = tokio::join!(outbox, summaries, notices, monitoring, control_task, memory_task, apart_task);
    control::remove(&filter.config.control_socket);
    store.close().await;
    info!("stopped");
    Ok(())
}
