//! What the running filter holds: the policy and roll in force, the store, counters; and how the first two are replaced.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::{Notify, Semaphore};
use tracing::{error, info, warn};

use super::ServeError;
use super::memory::Remembered;
use super::roll::RollInForce;
use super::unoffered::{unoffered, upkeep};
use crate::config::{self, Config};
use crate::message::QueueId;
use crate::policy::{Policy, counted};
use crate::records::Store;
use crate::verdict::Action;
use crate::worker::Pool;

/// Large messages that are swept at once; each may need several times its size in memory.
const LARGE_AT_ONCE: usize = 2;

/// The running filter.
pub struct Filter {
    /// Its configuration; changes need a restart.
    pub config: Config,
    /// The store.
    pub store: Store,
    /// The roll.
    pub roll: RollInForce,
    /// Who wrote to whom.
    pub memory: Remembered,
    /// Wakes the outbox.
    pub outbox: Arc<Notify>,
    /// Own mail on its way past the gate: its queue id, and its pass.
    pub passing: Mutex<Vec<(QueueId, Vec<u8>)>>,
    /// Wakes whoever writes summaries.
    pub summaries: Notify,
    /// Wakes whoever tells reviewers.
    pub notices: Notify,
    /// Wakes whoever tells people that mail is monitored.
    pub monitoring: Notify,
    /// Permits for large messages.
    pub large: Semaphore,
    /// Permits for other messages with documents: one for each worker, so that none waits for a worker while its own time
    /// runs.
    pub with_documents: Semaphore,
    /// What reads documents.
    pub workers: Pool,
    /// What was done since the start.
    pub counters: Counters,
    policy: ArcSwap<Policy>,
    reloaded: ArcSwap<Timestamp>,
    started: Timestamp,
}

/// Messages since the start, by what became of them.
#[derive(Debug, Default)]
pub struct Counters {
    actions: [AtomicU64; 6],
    failures: AtomicU64,
    passed_by_token: AtomicU64,
}

impl Counters {
    /// Counts a message.
    pub fn count(&self, action: Action) {
        if let Some(counter) = self.actions.get(action as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a message on which the filter failed.
    pub fn count_failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a message of mailwarden's own that came through.
    pub fn count_own(&self) {
        self.passed_by_token.fetch_add(1, Ordering::Relaxed);
    }

    fn of(&self, action: Action) -> u64 {
        self.actions.get(action as usize).map_or(0, |counter| counter.load(Ordering::Relaxed))
    }
}

impl Filter {
    /// Puts it together.
    pub fn new(
        config: Config,
        policy: Policy,
        roll: RollInForce,
        store: Store,
        memory: Remembered,
        outbox: Arc<Notify>,
    ) -> Self {
        Self {
            store,
            roll,
            memory,
            outbox,
            passing: Mutex::default(),
            summaries: Notify::new(),
            notices: Notify::new(),
            monitoring: Notify::new(),
            large: Semaphore::new(LARGE_AT_ONCE),
            with_documents: Semaphore::new(config.workers.workers),
            workers: Pool::new(config.workers.clone()),
            config,
            counters: Counters::default(),
            policy: ArcSwap::from_pointee(policy),
            reloaded: ArcSwap::from_pointee(Timestamp::now()),
            started: Timestamp::now(),
        }
    }

    /// The policy in force. A message keeps the one that it started with.
    pub fn policy(&self) -> Arc<Policy> {
        self.policy.load_full()
    }

    /// Reads policy and roll again, beside the threads that serve mail, and takes up each that has no fault; of the
    /// other, the old one stays.
    ///
    /// # Errors
    /// What was not taken up and why; then also what was.
    pub async fn reload(self: &Arc<Self>) -> Result<String, String> {
        let filter = Arc::clone(self);
        let reloaded = tokio::task::spawn_blocking(move || [filter.reload_policy(), filter.reload_roll()]);
        let outcomes = reloaded.await.map_err(|error| ServeError::Io(error.into()).to_string())?;
        // Somebody may have joined, or the notice may be new.
        self.monitoring.notify_one();
        let good = outcomes.iter().all(Result::is_ok);
        let told: Vec<String> =
            outcomes.into_iter().flat_map(|outcome| outcome.unwrap_or_else(Some)).collect();
        if good { Ok(format!("reloaded: {}", told.join("; "))) } else { Err(told.join("; ")) }
    }

    fn reload_policy(&self) -> Result<Option<String>, String> {
        let policy = load_policy(&self.config)
            .map_err(|error| format!("the last good policy stays in force: {error}"))?;
        let text = format!("{}, policy {}", counted(policy.rules().len(), "rule"), policy.fingerprint());
        self.policy.store(Arc::new(policy));
        self.reloaded.store(Arc::new(Timestamp::now()));
        Ok(Some(text))
    }

    fn reload_roll(&self) -> Result<Option<String>, String> {
        let number =
            self.roll.reload().map_err(|error| format!("the last good roll stays in force: {error}"))?;
        Ok(number.map(|number| format!("{} on the roll", counted(number, "person"))))
    }

    /// As [`Filter::reload`], with the outcome in the log.
    pub async fn reload_and_log(self: &Arc<Self>) {
        match self.reload().await {
            Ok(text) => info!("{text}"),
            Err(text) => error!("{text}"),
        }
    }

    /// How it is, for `status`: counts and times, no content.
    pub async fn status(&self) -> serde_json::Value {
        let policy = self.policy();
        let mut status = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "started": self.started.to_string(),
            "listening": self.config.listen.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            "policy": self.config.policy_directory.display().to_string(),
            "policy_fingerprint": policy.fingerprint(),
            "policy_loaded": self.reloaded.load().to_string(),
            "rules": policy.rules().len(),
            "people": self.roll.people().roll().len(),
        });
        let Some(fields) = status.as_object_mut() else { return status };
        for action in [Action::Pass, Action::Tag, Action::Mark, Action::Hold, Action::Return, Action::Reject]
        {
            fields.insert(format!("messages_{action}"), self.counters.of(action).into());
        }
        fields
            .insert("messages_own".to_owned(), self.counters.passed_by_token.load(Ordering::Relaxed).into());
        fields.insert("failures".to_owned(), self.counters.failures.load(Ordering::Relaxed).into());
        fields
            .insert("documents".to_owned(), serde_json::to_value(self.workers.status()).unwrap_or_default());
        match self.store.check().await {
            Ok(check) => fields.insert("store".to_owned(), serde_json::to_value(check).unwrap_or_default()),
            Err(error) => fields.insert("store".to_owned(), error.to_string().into()),
        };
        if let Ok(notices) = self.store.notice_status().await {
            fields.insert("notices".to_owned(), serde_json::to_value(notices).unwrap_or_default());
        }
        status
    }
}

/// Reads, compiles and proves the policy that the configuration names.
pub fn load_policy(config: &Config) -> Result<Policy, ServeError> {
    let sources = config::read_policy(&config.policy_directory)?;
    let policy = Policy::compile(&sources).map_err(|faults| ServeError::policy(config, &faults))?;
    match policy.check_examples().len() {
        0 => {
            if let Some(text) = unoffered(config, &policy) {
                warn!("{text}");
            }
            for advice in upkeep(config, &policy, Timestamp::now()) {
                warn!("{advice}");
            }
            Ok(policy)
        }
        number => {
            Err(ServeError::Examples { directory: config.policy_directory.display().to_string(), number })
        }
    }
}
