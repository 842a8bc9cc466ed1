//! From a verdict to what is done with a message: who gets it, how it is changed, what the sender hears. Pure.

use super::disclaimer::{Barrier, Insertion, insert, wrap};
use super::fate::{Fates, choose_disclaimer, fates, is_answerable};
use super::mark::{self, Tag};
use super::{Edits, mark::remove_own};
use crate::message::{Envelope, Message};
use crate::policy::{Direction, Disclaimer, Fallback, Policy, Rule, Then};
use crate::verdict::{Action, Mode, RuleId, RuleMatch, Verdict};

/// What a response is worked out from.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Who sends the message to whom.
    pub envelope: &'a Envelope,
    /// The message.
    pub message: &'a Message<'a>,
    /// What the policy decided on it.
    pub verdict: &'a Verdict,
    /// That policy.
    pub policy: &'a Policy,
    /// The message's short reference number, by which people ask about it. A sender must not foresee it.
    pub reference: &'a str,
}

/// What is to be done with a message. What is held or returned must be stored before the MTA hears of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The changes for those who get the message.
    pub edits: Edits,
    /// What the MTA hears.
    pub delivery: Delivery,
    /// For whom the message is held, as indices into the envelope's recipients.
    pub held: Vec<usize>,
    /// For whom it is returned.
    pub returned: Vec<usize>,
}

/// What the MTA hears of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// It goes on.
    Accept {
        /// Those to whom it does not go, as indices into the envelope's recipients.
        remove: Vec<usize>,
    },
    /// It goes to nobody; what is held or returned is in the store.
    Discard,
    /// It is refused, with this text; lines are ended by `\n`.
    Reject(String),
}

/// Why no response could be worked out. Each of these is a fault of the program's own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RespondError {
    /// The verdict was reached under another policy.
    #[error("the verdict names the rule `{0}`, which the policy does not have: decide anew with this policy")]
    UnknownRule(RuleId),
    /// The verdict was reached for another envelope.
    #[error(
        "the verdict is for {verdict} recipients, the envelope has {envelope}: decide anew for this envelope"
    )]
    Recipients {
        /// How many the verdict has.
        verdict: usize,
        /// How many the envelope has.
        envelope: usize,
    },
}

/// Works out what is to be done.
///
/// # Errors
/// When the verdict fits neither the policy nor the envelope.
pub fn respond(context: &Context<'_>) -> Result<Response, RespondError> {
    let Context { envelope, message, verdict, policy, .. } = context;
    if verdict.recipients.len() != envelope.recipients.len() {
        let (verdict, envelope) = (verdict.recipients.len(), envelope.recipients.len());
        return Err(RespondError::Recipients { verdict, envelope });
    }
    let ours = policy.organisation().sender_is_ours(envelope);
    let answerable = ours && is_answerable(envelope, message);
    let mut fates = fates(&verdict.recipients, answerable);
    if fates.rejected {
        return Ok(refusal(refusal_text(context)?));
    }
    if fates.delivered.is_empty() {
        return Ok(settled(fates, Edits::default()));
    }
    let mut edits = Edits { header: remove_own(message), body: Vec::new() };
    edits.extend(marks(context, &fates.delivered)?);
    match disclaimed(context, &fates.delivered, ours) {
        Disclaimed::Edits(added) => edits.extend(added),
        Disclaimed::Refused(barrier) => {
            // A refusal of the whole would lose what is held or returned for others.
            if fates.held.is_empty() && fates.returned.is_empty() {
                return Ok(refusal(disclaimer_refusal(barrier, context.reference)));
            }
            let refused = std::mem::take(&mut fates.delivered);
            let stopped = if answerable { &mut fates.returned } else { &mut fates.held };
            stopped.extend(refused);
            stopped.sort_unstable();
            edits = Edits::default();
        }
    }
    Ok(settled(fates, edits))
}

fn refusal(text: String) -> Response {
    Response {
        edits: Edits::default(),
        delivery: Delivery::Reject(text),
        held: Vec::new(),
        returned: Vec::new(),
    }
}

fn settled(fates: Fates, edits: Edits) -> Response {
    let Fates { delivered, held, returned, .. } = fates;
    let delivery = if delivered.is_empty() {
        Delivery::Discard
    } else {
        let mut remove: Vec<usize> = held.iter().chain(&returned).copied().collect();
        remove.sort_unstable();
        Delivery::Accept { remove }
    };
    Response { edits, delivery, held, returned }
}

/// The enforced rules that matched for any of these recipients, with what they do.
pub(super) fn enforced<'a>(
    context: &Context<'a>,
    recipients: &[usize],
) -> Result<Vec<(&'a RuleMatch, &'a Rule)>, RespondError> {
    let concerns = |found: &&RuleMatch| {
        found.mode == Mode::Enforce && found.recipients.iter().any(|recipient| recipients.contains(recipient))
    };
    context
        .verdict
        .rules
        .iter()
        .filter(concerns)
        .map(|found| {
            let rule = context.policy.rule(&found.rule);
            rule.map(|rule| (found, rule)).ok_or_else(|| RespondError::UnknownRule(found.rule.clone()))
        })
        .collect()
}

/// The edits of all rules that tag or mark the message for those who get it.
fn marks(context: &Context<'_>, delivered: &[usize]) -> Result<Edits, RespondError> {
    let marking: Vec<(&RuleMatch, &Rule)> = enforced(context, delivered)?
        .into_iter()
        .filter(|(found, _)| matches!(found.action, Action::Tag | Action::Mark))
        .collect();
    let Some(action) = marking.iter().map(|(found, _)| found.action).max() else {
        return Ok(Edits::default());
    };
    let thens: Vec<&Then> = marking.iter().map(|(_, rule)| &rule.then).collect();
    let rules = marking.iter().map(|(found, _)| &found.rule).collect();
    Ok(mark::edits(context.message, &thens, &Tag { action, reference: context.reference, rules }))
}

enum Disclaimed {
    Edits(Edits),
    Refused(Barrier),
}

/// The disclaimer's edits, or what its fallback makes of a message that cannot take it.
fn disclaimed(context: &Context<'_>, delivered: &[usize], ours: bool) -> Disclaimed {
    let none = Disclaimed::Edits(Edits::default());
    if context.policy.disclaimers().is_empty() {
        return none;
    }
    let Some(disclaimer) = wanted_disclaimer(context, delivered, ours) else { return none };
    let barrier = match insert(context.message, disclaimer) {
        Insertion::Edits(edits) => return Disclaimed::Edits(edits),
        Insertion::Present => return none,
        Insertion::Barred(barrier) => barrier,
    };
    match disclaimer.fallback {
        // A bounce or a receipt is no correspondence: it goes as it is, whatever the fallback.
        _ if barrier == Barrier::Report => none,
        Fallback::Skip => none,
        Fallback::Wrap => {
            let wrapped = wrap(context.message, disclaimer, barrier, context.reference);
            Disclaimed::Edits(wrapped.unwrap_or_default())
        }
        Fallback::Reject => Disclaimed::Refused(barrier),
    }
}

fn wanted_disclaimer<'a>(context: &Context<'a>, delivered: &[usize], ours: bool) -> Option<&'a Disclaimer> {
    let all = context.policy.directions(context.envelope);
    let mut directions: Vec<Direction> = Vec::new();
    for direction in delivered.iter().filter_map(|recipient| all.get(*recipient)) {
        // What strangers send through us to strangers is not our correspondence.
        if (ours || *direction == Direction::Inbound) && !directions.contains(direction) {
            directions.push(*direction);
        }
    }
    let sender = context.envelope.sender.as_ref();
    let school = sender.and_then(|sender| context.policy.school_of(sender)).map(|school| school.id.as_str());
    choose_disclaimer(context.policy.disclaimers(), school, &directions)
}

/// What the sender of a refused message hears: the words of the first rule that has some, else neutral ones that
/// disclose nothing of what matched; and the reference.
fn refusal_text(context: &Context<'_>) -> Result<String, RespondError> {
    let everyone: Vec<usize> = (0..context.envelope.recipients.len()).collect();
    let rules = enforced(context, &everyone)?;
    let reply = rules
        .iter()
        .filter(|(found, _)| found.action == Action::Reject)
        .find_map(|(_, rule)| rule.then.reply.as_deref())
        .map(str::trim_end)
        .filter(|reply| !reply.is_empty());
    let words = reply.unwrap_or("This message was refused under the organisation's mail policy.");
    Ok(format!("{words}\nReference: {}", context.reference))
}

fn disclaimer_refusal(barrier: Barrier, reference: &str) -> String {
    let why = barrier.reason();
    format!(
        "This message was refused: it cannot carry the disclaimer that it needs, because {why}.\nReference: {reference}"
    )
}
