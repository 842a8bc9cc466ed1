//! `serve`: runs the filter until a signal ends it. Sets up logging and signals; everything else is `crate::serve`'s.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::policy_source::PolicySource;
use super::{CliError, Ended};
use crate::serve;

/// Most threads that read files back, sweep what is large, and reload.
const BLOCKING_THREADS: usize = 32;

/// Runs until SIGTERM or SIGINT; SIGHUP reloads the policy and the roll.
pub fn run(source: &PolicySource) -> Result<Ended, CliError> {
    let config = source.config()?;
    serve::log::begin();
    // A panic's message may quote what it stumbled over, which may be somebody's mail: the place alone is told.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a fault of mailwarden's own: the message at hand gets a temporary failure");
    }));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()
        .map_err(CliError::io("the runtime does not start"))?;
    runtime.block_on(async {
        let (reload, reloads) = mpsc::channel(1);
        let mut hangup = signal(SignalKind::hangup()).map_err(CliError::io("SIGHUP"))?;
        let mut terminate = signal(SignalKind::terminate()).map_err(CliError::io("SIGTERM"))?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(CliError::io("SIGINT"))?;
        tokio::spawn(async move {
            // A reload that is waiting already will see the newest files: no queue is needed.
            while hangup.recv().await.is_some() {
                let _ = reload.try_send(());
            }
        });
        let shutdown = async move {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        };
        serve::run(config, reloads, shutdown).await.map_err(|error| CliError::Failed(error.to_string()))
    })?;
    Ok(Ended::Well)
}
