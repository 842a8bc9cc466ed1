//! The worker that empties the outbox: one process at a time, each entry recorded before the next. Never composes mail.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::{error, info, warn};

use super::submit::{Data, Envelope8Bit, Reply, Session, SubmitError};
use crate::records::{Outcome, PASS_HEADER, RecordsError, Retry, Store, Submission, SubmissionRecipient};

/// Where the worker reads the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How the outbox is worked.
#[derive(Clone)]
pub struct OutboxSettings {
    /// The MTA, as host and port. Its mail from here must come past the gate, or a broken connection may double mail.
    pub server: String,
    /// This machine's name for EHLO.
    pub hello: String,
    /// How often to look for what is due, beside being woken.
    pub interval: Duration,
    /// When to try again.
    pub retry: Retry,
    /// How long a submission that is under way may go on after shutdown was asked for.
    pub grace: Duration,
    /// Where the time is read.
    pub clock: Clock,
}

impl Default for OutboxSettings {
    /// The MTA on port 25 of this machine, every half minute, ten seconds of grace.
    fn default() -> Self {
        Self {
            server: "127.0.0.1:25".to_owned(),
            hello: "localhost".to_owned(),
            interval: Duration::from_secs(30),
            retry: Retry::default(),
            grace: Duration::from_secs(10),
            clock: Arc::new(Timestamp::now),
        }
    }
}

impl std::fmt::Debug for OutboxSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutboxSettings").field("server", &self.server).finish_non_exhaustive()
    }
}

/// The worker of the outbox.
#[derive(Debug)]
pub struct Outbox {
    store: Store,
    settings: OutboxSettings,
}

impl Outbox {
    /// A worker for that store.
    pub const fn new(store: Store, settings: OutboxSettings) -> Self {
        Self { store, settings }
    }

    /// Works the outbox until `shutdown`: at once, when woken, and at intervals. While another process works it, this
    /// one waits for its turn. Faults of the store are logged and tried again; nothing ends it but `shutdown`.
    pub async fn run(
        store: Store,
        settings: OutboxSettings,
        wake: Arc<Notify>,
        shutdown: impl Future<Output = ()>,
    ) {
        let outbox = Self::new(store, settings);
        let mut shutdown = pin!(shutdown);
        let mut ticks = interval(outbox.settings.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut lock = None;
        let mut tidied = None;
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => return,
                _ = ticks.tick() => {}
                () = wake.notified() => {}
            }
            if lock.is_none() {
                lock = outbox.take_over().await;
            }
            if lock.is_none() {
                continue;
            }
            outbox.tidy_daily(&mut tidied).await;
            let stop = AtomicBool::new(false);
            let mut work = pin!(outbox.work(&stop));
            tokio::select! {
                () = &mut work => {}
                () = &mut shutdown => {
                    stop.store(true, Ordering::Relaxed);
                    if timeout(outbox.settings.grace, work).await.is_err() {
                        warn!("a submission was cut off by the shutdown; it is settled at the next start");
                    }
                    return;
                }
            }
        }
    }

    /// Takes the lock, and settles what the process before left.
    async fn take_over(&self) -> Option<std::fs::File> {
        let taken = async {
            let Some(lock) = self.store.lock_outbox().await? else { return Ok(None) };
            let now = self.now();
            let forgotten = self.store.forget_unanswered().await?;
            let settled = self.store.resume(&self.settings.retry, now).await?;
            self.store.settle_answered()?;
            if forgotten > 0 {
                warn!(
                    forgotten,
                    "the mail server never heard that it may take these submissions; they are made anew"
                );
            }
            if settled > 0 {
                warn!(settled, "submissions were under way when mailwarden ended; they are settled now");
            }
            Ok::<_, RecordsError>(Some(lock))
        };
        taken.await.unwrap_or_else(|error| {
            error!(%error, "cannot work the outbox yet");
            None
        })
    }

    /// Removes the files of messages that were never promised, once a day.
    async fn tidy_daily(&self, last: &mut Option<Timestamp>) {
        let now = self.now();
        if last.is_some_and(|last| now.duration_since(last) < SignedDuration::from_hours(24)) {
            return;
        }
        *last = Some(now);
        match self.store.tidy(now).await {
            Ok(0) => {}
            Ok(messages) => {
                info!(messages, "removed the files of messages that were never promised, or deleted")
            }
            Err(error) => error!(%error, "cannot tidy the store"),
        }
    }

    async fn work(&self, stop: &AtomicBool) {
        if let Err(error) = self.submit_due(stop).await {
            error!(%error, "cannot work the outbox now");
        }
    }

    /// Submits all that is due, one after the other, until `stop` says so. The caller holds the outbox's lock
    /// ([`Store::lock_outbox`]). Returns how many entries were tried; where the MTA cannot be reached, the others are
    /// left for later.
    ///
    /// # Errors
    /// Where the store does not answer. What was under way is settled before the next one.
    pub async fn submit_due(&self, stop: &AtomicBool) -> Result<usize, RecordsError> {
        self.store.resume(&self.settings.retry, self.now()).await?;
        let mut tried = 0;
        loop {
            let due = self.store.due(self.now()).await?;
            if due.is_empty() {
                return Ok(tried);
            }
            for submission in due {
                let reached = self.attempt(&submission).await?;
                tried += 1;
                if !reached || stop.load(Ordering::Relaxed) {
                    return Ok(tried);
                }
            }
        }
    }

    /// One attempt at one entry, recorded. `false` where the MTA takes no mail at all now.
    async fn attempt(&self, submission: &Submission) -> Result<bool, RecordsError> {
        let mut waiting: Vec<&SubmissionRecipient> = submission.recipients.iter().collect();
        let mut reached = true;
        match Session::open(&self.settings.server, &self.settings.hello).await {
            Ok(session) => {
                if let Some(problem) = self.converse(session, submission, &mut waiting).await? {
                    self.settle_all(submission, &waiting, &Outcome::Deferred(problem.to_string())).await?;
                }
            }
            Err(problem) => {
                reached = false;
                self.settle_all(submission, &waiting, &Outcome::Deferred(problem.to_string())).await?;
            }
        }
        self.store.finish(submission, &self.settings.retry, self.now()).await?;
        Ok(reached)
    }

    /// Sends the message in as many envelopes as the MTA wants. What is settled leaves `waiting`; a problem that
    /// ended the conversation concerns the rest.
    async fn converse(
        &self,
        mut session: Session,
        submission: &Submission,
        waiting: &mut Vec<&SubmissionRecipient>,
    ) -> Result<Option<SubmitError>, RecordsError> {
        while !waiting.is_empty() {
            let accepted = match self.envelope(&mut session, submission, waiting).await? {
                Ok(accepted) if accepted.is_empty() => break,
                Ok(accepted) => accepted,
                Err(problem) => return Ok(Some(problem)),
            };
            let pass = self.store.make_pass(submission, &accepted, self.now()).await?;
            let first = format!("{PASS_HEADER}: {}\r\n", pass.text());
            let data = Data {
                first: first.as_bytes(),
                content: &submission.content,
                digest: &submission.content_digest,
            };
            let (outcome, broken) = match session.data(&data).await {
                Ok(reply) => (outcome_of(&reply), None),
                Err(problem @ SubmitError::Content(_)) => {
                    (Outcome::Refused(problem.to_string()), Some(problem))
                }
                Err(problem) => (Outcome::Unheard(problem.to_string()), Some(problem)),
            };
            let seen = self.store.settle(submission, &pass, &outcome, self.now()).await?;
            self.tell(submission, accepted.len(), &outcome, seen);
            waiting.retain(|recipient| accepted.binary_search(&recipient.position).is_err());
            if broken.is_some() {
                return Ok(broken);
            }
            if outcome != Outcome::Sent {
                break;
            }
        }
        session.quit().await;
        Ok(None)
    }

    /// MAIL and RCPT: returns the positions of those whom the MTA takes in this envelope. Whoever it refuses, or
    /// cannot take now, is settled; whoever is too many for one envelope (RFC 5321 §4.5.3.1.10) stays for the next.
    async fn envelope(
        &self,
        session: &mut Session,
        submission: &Submission,
        waiting: &mut Vec<&SubmissionRecipient>,
    ) -> Result<Result<Vec<i64>, SubmitError>, RecordsError> {
        let utf8 = |raw: &[u8]| !raw.is_ascii() && str::from_utf8(raw).is_ok();
        let needs = Envelope8Bit {
            content: submission.eight_bit,
            addresses: submission.sender.as_deref().is_some_and(utf8)
                || waiting.iter().any(|one| utf8(&one.address)),
        };
        match session.mail(submission.sender.as_deref(), needs).await {
            Ok(reply) if reply.is_positive() => {}
            Ok(reply) => {
                self.settle_all(submission, waiting, &outcome_of(&reply)).await?;
                waiting.clear();
                return Ok(Ok(Vec::new()));
            }
            Err(problem) => return Ok(Err(problem)),
        }
        let (mut accepted, mut settled) = (Vec::new(), Vec::new());
        for recipient in waiting.iter() {
            match session.rcpt(&recipient.address).await {
                Ok(reply) if reply.is_positive() => accepted.push(recipient.position),
                Ok(reply) if reply.code == 452 && !accepted.is_empty() => {}
                Ok(reply) => settled.push((recipient.position, outcome_of(&reply))),
                Err(problem) => return Ok(Err(problem)),
            }
        }
        self.store.settle_recipients(submission, &settled).await?;
        waiting.retain(|recipient| {
            settled.binary_search_by_key(&recipient.position, |(position, _)| *position).is_err()
        });
        Ok(Ok(accepted))
    }

    async fn settle_all(
        &self,
        submission: &Submission,
        recipients: &[&SubmissionRecipient],
        outcome: &Outcome,
    ) -> Result<(), RecordsError> {
        let outcomes: Vec<_> = recipients.iter().map(|one| (one.position, outcome.clone())).collect();
        self.store.settle_recipients(submission, &outcomes).await
    }

    /// One line a submission.
    fn tell(&self, submission: &Submission, recipients: usize, outcome: &Outcome, seen: bool) {
        let (reference, kind) = (&submission.reference, submission.kind.name());
        let (what, answer) = match outcome {
            Outcome::Sent if seen => ("submitted", ""),
            Outcome::Sent => {
                ("taken by a mail server that did not ask the gate; its port needs the milter", "")
            }
            Outcome::Refused(answer) => ("refused by the mail server", answer.as_str()),
            Outcome::Deferred(answer) => ("not taken now, tried again later", answer.as_str()),
            Outcome::Unheard(answer) if seen => ("went through the gate, receipt not heard", answer.as_str()),
            Outcome::Unheard(answer) => ("the connection broke, tried again later", answer.as_str()),
        };
        if matches!((outcome, seen), (Outcome::Sent, true)) {
            info!(%reference, kind, recipients, what, "submission");
        } else {
            warn!(%reference, kind, recipients, what, answer, server = self.settings.server, "submission");
        }
    }

    fn now(&self) -> Timestamp {
        (self.settings.clock)()
    }
}

fn outcome_of(reply: &Reply) -> Outcome {
    if reply.is_positive() {
        Outcome::Sent
    } else if reply.is_permanent() {
        Outcome::Refused(reply.to_string())
    } else {
        Outcome::Deferred(reply.to_string())
    }
}
