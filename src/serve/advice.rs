//! Advice to senders about mail that is delivered: once for each rule in a set time. It never delays mail, nor stops any.

use tracing::info;

use super::gate::{Failure, Judgement};
use super::state::Filter;
use crate::message::Message;
use crate::records::{AdviceBounds, NewLetter, Reference};
use crate::respond::{self, AnswerContext};
use crate::verdict::RuleId;

/// Tells the sender of a message that goes out what to do next time, about the rules that are due.
pub async fn advise(filter: &Filter, judgement: &Judgement) -> Result<(), Failure> {
    let Judgement { envelope, policy, response, at, .. } = judgement;
    let Some(sender) = &envelope.sender else { return Ok(()) };
    let bounds = AdviceBounds { again_after: filter.config.advise_again_after, share: filter.config.share };
    let rules: Vec<&RuleId> = response.advises.iter().collect();
    let due = filter.store.due_advice(sender, &rules, bounds, *at).await?;
    if due.is_empty() {
        return Ok(());
    }
    // What other rules noticed is not the sender's to know: a rule on safeguarding lets the message go too.
    let mut verdict = judgement.verdict.clone();
    verdict.rules.retain(|found| due.contains(&&found.rule));
    let stopped = |index: &usize| response.held.contains(index) || response.returned.contains(index);
    let mut concerned: Vec<usize> = verdict.rules.iter().flat_map(|found| found.recipients.clone()).collect();
    concerned.sort_unstable();
    concerned.dedup();
    concerned.retain(|index| !stopped(index));
    let name = Reference::random()?;
    let content = respond::answer(&AnswerContext {
        envelope,
        message: &Message::parse(judgement.message.bytes(), &filter.config.limits),
        verdict: &verdict,
        policy,
        found: &judgement.found,
        reference: judgement.reference.as_str(),
        outcome: respond::Outcome::Delivered,
        recipients: &concerned,
        from: &filter.config.answers_from,
        contact: &filter.config.contact,
        confirmation: None,
        at: &at.to_zoned(policy.organisation().time_zone.clone()),
    })?;
    let recipients = [sender.clone()];
    let letter = NewLetter { reference: &name, recipients: &recipients, content: &content };
    if filter.store.advise(sender, &due, &letter, bounds, *at).await? {
        info!(reference = %judgement.reference, letter = %name, rules = due.len(), "the sender is advised");
        filter.outbox.notify_one();
    }
    Ok(())
}
