//! The answer to a pupil whose mail may ask for help when nobody is there: once in a set time. The mail itself is let be.

use tracing::{error, info};

use super::gate::{Failure, Judgement};
use super::state::Filter;
use crate::message::Message;
use crate::policy::OutOfHours;
use crate::records::{NewLetter, OutOfHoursMessage, Reference};
use crate::respond::{self, Cause, Guided};

/// Tells a pupil who can help now, where the mail may ask for that and nobody is there. The answer is in the outbox when this
/// returns. The text says nothing of the message: neither that a rule matched nor what was written.
pub async fn help(filter: &Filter, judgement: &Judgement) -> Result<(), Failure> {
    let Judgement { envelope, policy, verdict, at, .. } = judgement;
    let now = at.to_zoned(policy.organisation().time_zone.clone());
    let Some(plan) = policy.help_out_of_hours(envelope, verdict, &now) else { return Ok(()) };
    // What concerns few messages is kept apart: every connection makes room for what a message may wait for here.
    Box::pin(answer(filter, judgement, plan, &now)).await
}

async fn answer(
    filter: &Filter,
    judgement: &Judgement,
    plan: &OutOfHours,
    now: &jiff::Zoned,
) -> Result<(), Failure> {
    let Judgement { envelope, policy, at, .. } = judgement;
    let Some(sender) = &envelope.sender else { return Ok(()) };
    let bytes = judgement.message.bytes();
    let message = Message::parse(bytes, &filter.config.limits);
    if !respond::is_answerable(envelope, &message) {
        return Ok(());
    }
    let since = plan.at_most_every.before(now);
    let known = OutOfHoursMessage::new(sender, envelope, bytes);
    if !filter.store.awaits_help(&known, since).await? {
        return Ok(());
    }
    let name = Reference::random()?;
    let content = respond::guided(&Guided {
        policy,
        guidance: plan.guidance(),
        from: &filter.config.answers_from,
        to: sender,
        contact: &filter.config.contact,
        name: name.as_str(),
        reply_to: policy.organisation().help_reply_to(Some(sender)),
        cause: Cause::Message(respond::message_id(&message).as_deref()),
        at: now,
    });
    let queue_id = envelope.queue_id.as_ref().map(|id| id.0.as_str()).unwrap_or_default();
    let Some(content) = content else {
        // The mail goes on: it must not wait for a text.
        error!(queue_id, guidance = plan.guidance(), "the text for pupils out of hours cannot be filled in");
        return Ok(());
    };
    let letter = NewLetter { reference: &name, recipients: std::slice::from_ref(sender), content: &content };
    if filter.store.answer_out_of_hours(&known, &letter, since, *at).await? {
        filter.outbox.notify_one();
        info!(queue_id, letter = %name, "answered out of hours");
    }
    Ok(())
}
