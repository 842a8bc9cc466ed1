//! From a judgement to the answer that Postfix hears. What is held or returned is in the store before it is said.

use tracing::info;

use super::gate::{Failure, Judgement};
use super::state::Filter;
use crate::message::{Address, Message};
use crate::milter::{EnhancedCode, Outcome, ReplyText};
use crate::policy::Place;
use crate::records::{Answer, KeptAction, KeptMessage, RecordsError, Reference};
use crate::respond::{self, AnswerContext, Delivery};
use crate::verdict::{Mode, RuleId};

/// Keeps what must be kept, then says what becomes of the message.
pub async fn conclude(filter: &Filter, judgement: Box<Judgement>) -> Result<Outcome, Failure> {
    let reference = &judgement.reference;
    if !judgement.response.held.is_empty() {
        let concerned = &judgement.response.held;
        let answer = match judgement.response.tells_of_hold {
            true => answer(filter, &judgement, reference, respond::Outcome::Held, concerned)?,
            false => None,
        };
        let answer = addressed(&judgement, answer.as_deref());
        // Boxed, as it is rare: every connection makes room for what a message may wait for in here.
        Box::pin(keep(filter, &judgement, reference, concerned, KeptAction::Hold { answer })).await?;
    }
    if !judgement.response.returned.is_empty() {
        // What is held for some and returned to others is two entries of the record, each with its own name.
        let second = if judgement.response.held.is_empty() { reference } else { &Reference::random()? };
        let concerned = &judgement.response.returned;
        let answer = answer(filter, &judgement, second, respond::Outcome::Returned, concerned)?;
        let action = KeptAction::Return { answer: addressed(&judgement, answer.as_deref()) };
        Box::pin(keep(filter, &judgement, second, concerned, action)).await?;
    }
    filter.outbox.notify_one();
    if let Delivery::Accept { remove, .. } = &judgement.response.delivery {
        let Judgement { envelope, policy, at, .. } = &*judgement;
        let delivered = envelope.recipients.iter().enumerate().filter(|(index, _)| !remove.contains(index));
        filter.memory.note(policy.organisation(), envelope, delivered.map(|(_, recipient)| recipient), *at);
    }
    Ok(match judgement.response.delivery {
        Delivery::Accept { remove, add } => Outcome::Accept { remove, add, edits: judgement.response.edits },
        Delivery::Discard => Outcome::Discard,
        Delivery::Reject(text) => Outcome::Reject(ReplyText::new(EnhancedCode::POLICY, text)),
    })
}

async fn keep(
    filter: &Filter,
    judgement: &Judgement,
    reference: &Reference,
    concerned: &[usize],
    action: KeptAction<'_>,
) -> Result<(), Failure> {
    let Judgement { envelope, verdict, .. } = judgement;
    let what = match action {
        KeptAction::Hold { .. } => "held",
        KeptAction::Return { .. } => "returned",
    };
    let recipients: Vec<&Address> =
        concerned.iter().filter_map(|index| envelope.recipients.get(*index)).collect();
    // Only the rules that led to it: not those that watch, nor those that concern other recipients alone.
    let acting = verdict.rules.iter().filter(|found| {
        found.mode == Mode::Enforce
            && !found.action.delivers()
            && found.recipients.iter().any(|index| concerned.contains(index))
    });
    let rules: Vec<RuleId> = acting.map(|found| found.rule.clone()).collect();
    let found = words(&judgement.found)?;
    let kept = filter
        .store
        .keep(&KeptMessage {
            reference,
            action,
            content: judgement.message.bytes(),
            envelope,
            recipients: &recipients,
            rules: &rules,
            verdict,
            found: &found,
            received_at: judgement.at,
        })
        .await?;
    let queue_id = envelope.queue_id.as_ref().map(|id| id.0.as_str()).unwrap_or_default();
    info!(queue_id, reference = %kept.reference(), what, "kept");
    Ok(())
}

/// What was found, in words, as `scan --json --reveal` tells it; empty where no words were.
fn words(found: &[Place]) -> Result<Vec<u8>, RecordsError> {
    let worded: Vec<&Place> = found.iter().filter(|place| place.words.is_some()).collect();
    if worded.is_empty() {
        return Ok(Vec::new());
    }
    serde_json::to_vec(&worded).map_err(RecordsError::Verdict)
}

/// An answer with whom it goes to.
fn addressed<'a>(judgement: &'a Judgement, content: Option<&'a [u8]>) -> Option<Answer<'a>> {
    let answer = content.zip(judgement.envelope.sender.as_ref());
    answer.map(|(content, recipient)| Answer { recipient, content })
}

/// What the sender of a message is told that is held or returned; nobody where there is no sender.
fn answer(
    filter: &Filter,
    judgement: &Judgement,
    reference: &Reference,
    outcome: respond::Outcome,
    recipients: &[usize],
) -> Result<Option<Vec<u8>>, Failure> {
    if judgement.envelope.sender.is_none() {
        return Ok(None);
    }
    let limits = &filter.config.limits;
    let message = Message::parse(judgement.message.bytes(), limits);
    Ok(Some(respond::answer(&AnswerContext {
        envelope: &judgement.envelope,
        message: &message,
        verdict: &judgement.verdict,
        policy: &judgement.policy,
        found: &judgement.found,
        reference: reference.as_str(),
        outcome,
        recipients,
        from: &filter.config.answers_from,
        contact: &filter.config.contact,
        confirmation: None,
        at: &judgement.at.to_zoned(judgement.policy.organisation().time_zone.clone()),
    })?))
}

/// Whether `needle` stands in `header`, whatever its case: a test that nearly every message fails at once.
pub fn contains_ignoring_case(header: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else { return true };
    memchr::memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), header)
        .filter_map(|at| header.get(at..at + needle.len()))
        .any(|stretch| stretch.eq_ignore_ascii_case(needle))
}
