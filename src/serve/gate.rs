//! One message's way through the filter: own mail let by, sweep, record, answer. What must be kept is kept first.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tracing::{error, info, warn};

use super::apart::keepsakes;
use super::state::Filter;
use super::{conclusion, log};
use crate::config::OnFailure;
use crate::extract::{bytes_of_text, wants_inspector};
use crate::message::{Envelope, Message, QueueId};
use crate::milter::{EnhancedCode, Gate, Outcome, ReplyText, Spooled, Transaction};
use crate::people::People;
use crate::policy::{Place, Policy, Reveal};
use crate::records::{Keepsake, OutboxKind, PASS_HEADER, RecordsError, Redeemed, Reference};
use crate::respond::{self, Context, Edits, RespondError, Response};
use crate::scan::{Means, Scanned, scan};
use crate::verdict::Verdict;

/// Messages with more than so many bytes to read, and those with documents, are swept away from the connections' thread, a
/// few at a time. Attachments without text don't count.
const LARGE: usize = 256 << 10;

/// What the client hears when the filter fails: it may try again, and learns nothing else.
const UNAVAILABLE: &str = "The mail filter cannot look at this message just now. Please try again later.";

/// What the outbox hears, and puts beside the message that is held again, where a release came back changed.
const CHANGED: &str = "This released message was changed on its way from mailwarden's outbox to the filter. \
    Let no other filter or rewriting stand between them.";

/// The gate that Postfix's messages come to.
pub struct FilterGate(pub Arc<Filter>);

impl Gate for FilterGate {
    async fn judge(&self, transaction: Transaction) -> Outcome {
        let filter = &self.0;
        let Transaction { envelope, message } = transaction;
        let failure = match filter.judge(Arc::clone(&envelope), message).await {
            Ok(outcome) => return outcome,
            Err(failure) => failure,
        };
        filter.counters.count_failure();
        let queue_id = envelope.queue_id.as_ref().map(|id| id.0.as_str()).unwrap_or_default();
        error!(queue_id, on_failure = ?filter.config.on_failure, "not judged: {failure}");
        match filter.config.on_failure {
            OnFailure::Tempfail => {
                Outcome::TemporaryFailure(ReplyText::new(EnhancedCode::SYSTEM, UNAVAILABLE))
            }
            OnFailure::Accept => Outcome::accept(),
        }
    }

    fn answered(&self, envelope: &Envelope) {
        let Some(queue_id) = &envelope.queue_id else { return };
        let mut passing = self.0.passing();
        if let Some(index) = passing.iter().position(|(known, _)| known == queue_id) {
            self.0.store.note_answered(&passing.swap_remove(index).1);
        }
    }

    fn at_rest(&self) {
        log::rest();
    }
}

/// Why a message could not be judged. Decided on in one place: [`FilterGate::judge`].
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A fault of ours in the sweep.
    #[error(
        "the sweep failed and was stopped; `mailwarden scan` on the message shows whether it does so again"
    )]
    Panicked,
    /// The message cannot be changed as the policy asks.
    #[error(transparent)]
    Respond(#[from] RespondError),
    /// The store failed.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// Why a message is swept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// It is on its way to its recipients.
    Delivery,
    /// Its sender wants to know what would happen to it.
    Trial,
    /// Somebody decided that it goes, and it is to look as what no rule stops: the kept message's name, and when it came.
    Release(Reference, Timestamp),
}

/// What the sweep of one message comes to, without any borrow of it.
pub struct Judgement {
    /// Its envelope.
    pub envelope: Arc<Envelope>,
    /// The message.
    pub message: Spooled,
    /// The policy that it was judged by.
    pub policy: Arc<Policy>,
    /// The decision.
    pub verdict: Verdict,
    /// What was found, in words, where the message is kept: its sender is told, and nobody else without a reason.
    pub found: Vec<Place>,
    /// What is done about it.
    pub response: Response,
    /// What of it is remembered for a day.
    pub kept: Vec<Keepsake>,
    /// The message's name, should anybody ask.
    pub reference: Reference,
    /// When it came.
    pub at: Timestamp,
}

impl Filter {
    /// Own mail on its way past the gate.
    fn passing(&self) -> MutexGuard<'_, Vec<(QueueId, Vec<u8>)>> {
        self.passing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn judge(self: &Arc<Self>, envelope: Arc<Envelope>, message: Spooled) -> Result<Outcome, Failure> {
        let header = message.bytes().get(..message.body_start()).unwrap_or_default();
        if conclusion::contains_ignoring_case(header, PASS_HEADER.as_bytes()) {
            // What is rare is kept apart: every connection makes room for what a message may wait for in here.
            if let Some(outcome) = Box::pin(self.own_mail(&envelope, &message)).await? {
                return Ok(outcome);
            }
        }
        if self.is_confirmation(&envelope) {
            return Box::pin(self.confirmation(&envelope, &message)).await;
        }
        if self.is_trial(&envelope) {
            return Box::pin(self.trial(envelope, message)).await;
        }
        let started = Instant::now();
        let judgement = match self.sweep_here(&envelope, &message, started)? {
            Some(judgement) => judgement,
            None => Box::pin(self.sweep_aside(envelope, message, Purpose::Delivery)).await?,
        };
        note(&judgement, started.elapsed());
        self.counters.count(judgement.verdict.action);
        conclusion::conclude(self, judgement).await
    }

    /// Released mail and answers come past the gate once more, and bear a pass that says so.
    async fn own_mail(
        self: &Arc<Self>,
        envelope: &Envelope,
        message: &Spooled,
    ) -> Result<Option<Outcome>, RecordsError> {
        let header = message.bytes().get(..message.body_start()).unwrap_or_default();
        let parsed = Message::parse(header, &self.config.limits);
        let Some(field) = parsed.fields(PASS_HEADER).next() else { return Ok(None) };
        let (sender, recipients) = (envelope.sender.as_ref(), &envelope.recipients);
        // A pass that is spent counts as delivered: what takes a while comes before.
        let released = match self.store.purpose_of_pass(field.value, Timestamp::now()).await? {
            Some((reference, OutboxKind::Release)) => self.released(&reference, envelope, message).await,
            _ => None,
        };
        let redeemed =
            self.store.redeem(field.value, message.bytes(), sender, recipients, Timestamp::now()).await?;
        let queue_id = envelope.queue_id.as_ref().map(|id| id.0.as_str()).unwrap_or_default();
        match redeemed {
            Redeemed::Valid { reference, kind } => {
                info!(queue_id, %reference, ?kind, "own mail passes");
                self.counters.count_own();
                if let Some(queue_id) = &envelope.queue_id {
                    self.passing().push((queue_id.clone(), field.value.to_vec()));
                }
                if kind == OutboxKind::Release {
                    let (policy, now) = (self.policy(), Timestamp::now());
                    self.memory.note(policy.organisation(), envelope, envelope.recipients.iter(), now);
                }
                // Not the pass alone: held mail has what somebody had put into it as well.
                let bare = || (Edits { header: respond::remove_own(&parsed), body: Vec::new() }, Vec::new());
                let (edits, add) = released.unwrap_or_else(bare);
                Ok(Some(Outcome::Accept { remove: Vec::new(), add, edits }))
            }
            Redeemed::Withdrawn => {
                Ok(Some(Outcome::TemporaryFailure(ReplyText::new(EnhancedCode::SYSTEM, UNAVAILABLE))))
            }
            Redeemed::Changed(reference) => {
                warn!(queue_id, %reference, "own mail was changed between the outbox and the gate: refused");
                Ok(Some(Outcome::Reject(ReplyText::new(EnhancedCode::POLICY, CHANGED))))
            }
            Redeemed::Invalid(refusal) => {
                warn!(queue_id, why = refusal.name(), "a pass that is not good: swept like any mail");
                Ok(None)
            }
        }
    }

    /// Sweeps a message at once, on the connections' thread, unless that may take a while.
    fn sweep_here(
        &self,
        envelope: &Arc<Envelope>,
        message: &Spooled,
        started: Instant,
    ) -> Result<Option<Box<Judgement>>, Failure> {
        // Its parts must be found quickly, and then not much may be left to read.
        if message.bytes().len() > LARGE && message.dashes().is_none() {
            return Ok(None);
        }
        guarded(|| {
            let parsed = Message::parse_knowing(message.bytes(), message.dashes(), &self.config.limits);
            let apart = self.memory.apart.as_ref();
            let waits = || apart.is_some_and(|apart| apart.has_document(&self.policy(), envelope));
            match wants_inspector(&parsed) || bytes_of_text(&parsed) > LARGE || waits() {
                true => Ok(None),
                false => self.sweep(envelope, message, parsed, Purpose::Delivery, started).map(Some),
            }
        })
    }

    /// Sweeps a message on a thread of its own, when its turn comes.
    pub async fn sweep_aside(
        self: &Arc<Self>,
        envelope: Arc<Envelope>,
        message: Spooled,
        purpose: Purpose,
    ) -> Result<Box<Judgement>, Failure> {
        let turns = if message.bytes().len() > LARGE { &self.large } else { &self.with_documents };
        // Nobody closes the semaphore; if somebody did, the message would be swept all the same.
        let _turn = turns.acquire().await;
        let filter = Arc::clone(self);
        let sweep = move || {
            guarded(|| {
                let parsed = Message::parse_knowing(message.bytes(), message.dashes(), &filter.config.limits);
                filter.sweep(&envelope, &message, parsed, purpose, Instant::now())
            })
        };
        tokio::task::spawn_blocking(sweep).await.map_err(|_| Failure::Panicked)?
    }

    /// Sweeps a message and works out what to do about it: pure but for the clock, and the workers that read documents.
    fn sweep(
        &self,
        envelope: &Arc<Envelope>,
        message: &Spooled,
        parsed: Message<'_>,
        purpose: Purpose,
        started: Instant,
    ) -> Result<Box<Judgement>, Failure> {
        let (policy, people) = (self.policy(), self.roll.people());
        let (reference, at) = match &purpose {
            Purpose::Release(reference, received) => (reference.clone(), *received),
            Purpose::Delivery | Purpose::Trial => (Reference::random()?, Timestamp::now()),
        };
        let now = at.to_zoned(policy.organisation().time_zone.clone());
        let limits = &self.config.limits;
        let patience = Duration::from_millis(limits.scan_milliseconds);
        let expired = || started.elapsed() > patience;
        let inspector = &self.workers.before(started + patience);
        let means =
            Means { policy: &policy, people: &people, memory: &self.memory.at(at), limits, inspector };
        let scanned = scan(envelope, parsed, means, &now, &expired);
        let context = Context {
            envelope,
            message: &scanned.message,
            verdict: &scanned.verdict,
            policy: &policy,
            reference: reference.as_str(),
            contact: &self.config.contact,
        };
        let response = match &purpose {
            Purpose::Release(..) => respond::let_go(&context)?,
            Purpose::Delivery | Purpose::Trial => respond::respond(&context)?,
        };
        let told = purpose == Purpose::Trial
            || !(response.held.is_empty() && response.returned.is_empty() && response.advises.is_empty());
        let found = if told { found(&policy, &people, &scanned) } else { Vec::new() };
        let kept = match self.memory.apart.is_some() {
            true => keepsakes(&policy, envelope, &scanned.extraction),
            false => Vec::new(),
        };
        let verdict = scanned.verdict;
        let (envelope, message) = (Arc::clone(envelope), message.clone());
        Ok(Box::new(Judgement { envelope, message, policy, verdict, found, response, kept, reference, at }))
    }
}

/// Does it; a panic costs the message at hand and no more.
fn guarded<T>(sweep: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(sweep)).unwrap_or(Err(Failure::Panicked))
}

/// What was found, and its words where there are any.
fn found(policy: &Policy, people: &People, scanned: &Scanned<'_>) -> Vec<Place> {
    let findings = scanned.verdict.findings.iter();
    findings.map(|finding| policy.place(finding, &scanned.extraction, people, Reveal::Words)).collect()
}

/// One line a message: ids, counts and places, no words.
fn note(judgement: &Judgement, elapsed: Duration) {
    let Judgement { envelope, verdict, reference, .. } = judgement;
    let queue_id = envelope.queue_id.as_ref().map(|id| id.0.as_str()).unwrap_or_default();
    let rules: Vec<&str> = verdict.rules.iter().map(|found| found.rule.0.as_str()).collect();
    info!(
        queue_id,
        action = verdict.action.name(),
        rules = rules.join(" "),
        recipients = envelope.recipients.len(),
        findings = verdict.findings.len(),
        gaps = verdict.coverage.gaps.len(),
        %reference,
        microseconds = elapsed.as_micros() as u64,
        "verdict reached"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn future_bytes<'g, F: Future>(_: impl FnOnce(&'g FilterGate, Transaction) -> F) -> usize {
        size_of::<F>()
    }

    /// Each connection has room for it and is copied when it is accepted, whether or not a message ever waits.
    #[test]
    fn judging_takes_little_room() {
        let bytes = future_bytes(|gate, transaction| gate.judge(transaction));
        assert!(bytes < 1_500, "{bytes} bytes: box what is seldom waited for");
    }
}
