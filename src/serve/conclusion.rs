//! From a judgement to the answer that Postfix hears. What is held or returned is in the store before it is said.

use jiff::tz::TimeZone;
use tracing::info;

use super::gate::{Failure, Judgement};
use super::state::Filter;
use crate::message::{Address, Message};
use crate::milter::{EnhancedCode, Outcome, ReplyText};
use crate::records::{Answer, KeptAction, KeptMessage, Reference};
use crate::respond::{self, AnswerContext, Delivery};
use crate::verdict::{Mode, RuleId};

/// Keeps what must be kept, then says what becomes of the message.
pub async fn conclude(filter: &Filter, judgement: Box<Judgement>) -> Result<Outcome, Failure> {
    let reference = &judgement.reference;
    if !judgement.response.held.is_empty() {
        // Boxed, as it is rare: every connection makes room for what a message may wait for in here.
        Box::pin(keep(filter, &judgement, reference, &judgement.response.held, KeptAction::Hold)).await?;
    }
    if !judgement.response.returned.is_empty() {
        // What is held for some and returned to others is two entries of the record, each with its own name.
        let second = if judgement.response.held.is_empty() { reference } else { &Reference::random()? };
        let answer = answer(filter, &judgement, second)?;
        let answer = answer.as_deref().zip(judgement.envelope.sender.as_ref());
        let answer = answer.map(|(content, recipient)| Answer { recipient, content });
        let action = KeptAction::Return { answer };
        Box::pin(keep(filter, &judgement, second, &judgement.response.returned, action)).await?;
        filter.outbox.notify_one();
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
        KeptAction::Hold => "held",
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
            found: &judgement.found,
            received_at: judgement.at,
        })
        .await?;
    let queue_id = envelope.queue_id.as_ref().map(|id| id.0.as_str()).unwrap_or_default();
    info!(queue_id, reference = %kept.reference(), what, "kept");
    Ok(())
}

/// What the sender of a returned message is told; nobody where there is no sender.
fn answer(filter: &Filter, judgement: &Judgement, reference: &Reference) -> Result<Option<Vec<u8>>, Failure> {
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
        reference: reference.as_str(),
        recipients: &judgement.response.returned,
        from: &filter.config.answers_from,
        contact: &filter.config.contact,
        at: &judgement.at.to_zoned(TimeZone::UTC),
    })?))
}

/// Whether `needle` stands in `header`, whatever its case: a test that nearly every message fails at once.
pub fn contains_ignoring_case(header: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else { return true };
    memchr::memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), header)
        .filter_map(|at| header.get(at..at + needle.len()))
        .any(|stretch| stretch.eq_ignore_ascii_case(needle))
}
