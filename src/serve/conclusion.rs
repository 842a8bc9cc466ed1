//! From a judgement to the answer that Postfix hears. What is held or returned is in the store before it is said.

use tracing::{error, info};

use super::advice;
use super::confirm::approvers;
use super::gate::{Failure, Judgement};
use super::notices::{self, KeptAs};
use super::out_of_hours;
use super::state::Filter;
use crate::message::{Address, Message};
use crate::milter::{EnhancedCode, Outcome, ReplyText};
use crate::policy::{Override, Place};
use crate::records::{Answer, Asks, KeptAction, KeptMessage, NewConfirmation, RecordsError, Reference};
use crate::respond::{self, AnswerContext, Delivery};
use crate::verdict::{Mode, RuleId};

/// Keeps what must be kept, then says what becomes of the message.
pub async fn conclude(filter: &Filter, judgement: Box<Judgement>) -> Result<Outcome, Failure> {
    out_of_hours::help(filter, &judgement).await?;
    let response = &judgement.response;
    let kept = !(response.held.is_empty() && response.returned.is_empty());
    let noted = judgement.policy.may_notify(&judgement.verdict);
    if kept || noted {
        // Boxed, as it is rare: every connection makes room for what a message may wait for in here.
        Box::pin(record(filter, &judgement, kept, noted)).await?;
    }
    if !response.advises.is_empty()
        && let Err(failure) = Box::pin(advice::advise(filter, &judgement)).await
    {
        // The message is delivered whatever becomes of the advice.
        error!(%failure, "a sender is not advised now");
    }
    if let Some(apart) = &filter.memory.apart {
        let Judgement { envelope, policy, kept, response, at, .. } = &*judgement;
        apart.note(policy, envelope, kept, response, *at);
    }
    if let Delivery::Accept { remove, .. } = &judgement.response.delivery {
        let Judgement { envelope, policy, at, .. } = &*judgement;
        let delivered =
            envelope.recipients.iter().enumerate().filter(|(index, _)| remove.binary_search(index).is_err());
        filter.memory.note(policy.organisation(), envelope, delivered.map(|(_, recipient)| recipient), *at);
    }
    Ok(match judgement.response.delivery {
        Delivery::Accept { remove, add } => Outcome::Accept { remove, add, edits: judgement.response.edits },
        Delivery::Discard => Outcome::Discard,
        Delivery::Reject(text) => Outcome::Reject(ReplyText::new(EnhancedCode::POLICY, text)),
    })
}

/// A message that is kept, for some of its recipients.
struct Stopped<'a> {
    reference: &'a Reference,
    outcome: respond::Outcome,
    recipients: &'a [usize],
    /// Whether the sender is told.
    told: bool,
    may_override: Override,
}

/// Keeps what is held or returned, and notes what reviewers are to see.
async fn record(filter: &Filter, judgement: &Judgement, kept: bool, noted: bool) -> Result<(), Failure> {
    let mut names = KeptAs::default();
    if kept {
        names = keep_all(filter, judgement).await?;
        filter.outbox.notify_one();
    }
    if noted {
        notices::record(filter, judgement, &names).await?;
    }
    Ok(())
}

async fn keep_all(filter: &Filter, judgement: &Judgement) -> Result<KeptAs, Failure> {
    let response = &judgement.response;
    let mut kept = KeptAs::default();
    if !response.held.is_empty() {
        let stopped = Stopped {
            reference: &judgement.reference,
            outcome: respond::Outcome::Held,
            recipients: &response.held,
            told: response.tells_of_hold,
            may_override: response.held_override,
        };
        kept.held = Some(keep(filter, judgement, &stopped).await?);
    }
    if !response.returned.is_empty() {
        // What is held for some and returned to others is two entries of the record, each with its own name.
        let second = Reference::random()?;
        let stopped = Stopped {
            reference: if response.held.is_empty() { &judgement.reference } else { &second },
            outcome: respond::Outcome::Returned,
            recipients: &response.returned,
            told: true,
            may_override: response.returned_override,
        };
        kept.returned = Some(keep(filter, judgement, &stopped).await?);
    }
    Ok(kept)
}

async fn keep(filter: &Filter, judgement: &Judgement, stopped: &Stopped<'_>) -> Result<Reference, Failure> {
    let Judgement { envelope, verdict, .. } = judgement;
    let Stopped { reference, recipients: concerned, .. } = *stopped;
    let confirmation = offered(filter, judgement, stopped)?;
    let answer = match stopped.told {
        true => answer(filter, judgement, stopped, confirmation.as_ref())?,
        false => None,
    };
    let answer = answer.as_deref().zip(envelope.sender.as_ref());
    let answer = answer.map(|(content, recipient)| Answer { recipient, content });
    let (action, what) = match stopped.outcome {
        respond::Outcome::Returned => (KeptAction::Return { answer }, "returned"),
        _ => (KeptAction::Hold { answer }, "held"),
    };
    let recipients: Vec<&Address> =
        concerned.iter().filter_map(|index| envelope.recipients.get(*index)).collect();
    let rules: Vec<RuleId> = acting(judgement, stopped).cloned().collect();
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
            confirmation: confirmation.as_ref(),
            share: filter.config.share,
            received_at: judgement.at,
        })
        .await?;
    let queue_id = envelope.queue_id.as_ref().map(|id| id.0.as_str()).unwrap_or_default();
    info!(queue_id, reference = %kept.reference(), what, "kept");
    Ok(kept.reference().clone())
}

/// The rules that led to it: not those that watch, nor those that concern other recipients alone.
fn acting<'j>(judgement: &'j Judgement, stopped: &Stopped<'j>) -> impl Iterator<Item = &'j RuleId> {
    let concerned = stopped.recipients;
    let acting = judgement.verdict.rules.iter().filter(move |found| {
        found.mode == Mode::Enforce
            && !found.action.delivers()
            && found.recipients.iter().any(|index| concerned.contains(index))
    });
    acting.map(|found| &found.rule)
}

/// What was found, in words, as `scan --json --reveal` tells it; empty where no words were.
fn words(found: &[Place]) -> Result<Vec<u8>, RecordsError> {
    let worded: Vec<&Place> = found.iter().filter(|place| place.words.is_some()).collect();
    if worded.is_empty() {
        return Ok(Vec::new());
    }
    serde_json::to_vec(&worded).map_err(RecordsError::Verdict)
}

/// The code that lets the sender have it sent all the same, where the rules allow it and replies can come back.
fn offered(
    filter: &Filter,
    judgement: &Judgement,
    stopped: &Stopped<'_>,
) -> Result<Option<NewConfirmation>, Failure> {
    let asks = match stopped.may_override {
        Override::Justify => Asks::Justify,
        Override::Request => Asks::Request,
        Override::Never => return Ok(None),
    };
    let sender = judgement.envelope.sender.as_ref();
    let Some(sender) = sender.filter(|_| stopped.told && filter.config.confirm.is_some()) else {
        return Ok(None);
    };
    // What nobody decides on, or the sender alone, is not offered.
    let nobody = || approvers(&judgement.policy, sender.folded(), acting(judgement, stopped)).is_empty();
    if asks == Asks::Request && nobody() {
        return Ok(None);
    }
    let login = judgement.envelope.authenticated.clone();
    Ok(Some(filter.store.new_confirmation(asks, vec![sender.clone()], login, judgement.at)?))
}

/// What the sender of a message is told that is held or returned; nobody where there is no sender.
fn answer(
    filter: &Filter,
    judgement: &Judgement,
    stopped: &Stopped<'_>,
    code: Option<&NewConfirmation>,
) -> Result<Option<Vec<u8>>, Failure> {
    if judgement.envelope.sender.is_none() {
        return Ok(None);
    }
    let message = Message::parse(judgement.message.bytes(), &filter.config.limits);
    let zone = &judgement.policy.organisation().time_zone;
    let address = filter.config.confirm.as_ref();
    let tagged = address.zip(code).map(|(address, code)| address.tagged(code.code())).unwrap_or_default();
    let plain = address.map(ToString::to_string).unwrap_or_default();
    let until = code.map_or(judgement.at, |code| code.expires).to_zoned(zone.clone());
    let confirmation = code.map(|code| respond::Confirmation {
        may: stopped.may_override,
        reply_to: &tagged,
        address: &plain,
        code: code.code(),
        until: &until,
    });
    Ok(Some(respond::answer(&AnswerContext {
        envelope: &judgement.envelope,
        message: &message,
        verdict: &judgement.verdict,
        policy: &judgement.policy,
        found: &judgement.found,
        reference: stopped.reference.as_str(),
        outcome: stopped.outcome,
        recipients: stopped.recipients,
        from: &filter.config.answers_from,
        contact: &filter.config.contact,
        confirmation,
        at: &judgement.at.to_zoned(zone.clone()),
    })?))
}

/// Whether `needle` stands in `header`, whatever its case: a test that nearly every message fails at once.
pub fn contains_ignoring_case(header: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else { return true };
    memchr::memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), header)
        .filter_map(|at| header.get(at..at + needle.len()))
        .any(|stretch| stretch.eq_ignore_ascii_case(needle))
}
