//! The shortest form: what is said at the SMTP door, in a few lines. Outsiders learn nothing of what matched.

use crate::policy::filled;
use crate::respond::disclaimer::Barrier;
use crate::respond::plan::{Context, RespondError, enforced};
use crate::verdict::Action;

/// Who hears a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// One of ours, and known to be.
    Ours,
    /// Anybody else: a stranger's server, or somebody who uses one of our addresses.
    Outsider,
}

/// What the sender of a refused message hears: of ours, the words of the first rule that refuses it, the rule and its
/// clause, whom to ask with which reference; of others, words that disclose nothing, unless the rule has some for them.
pub fn refusal(context: &Context<'_>, listener: Listener) -> Result<String, RespondError> {
    let everyone: Vec<usize> = (0..context.envelope.recipients.len()).collect();
    let rules = enforced(context, &everyone)?;
    let refusing =
        rules.into_iter().filter(|(found, _)| found.action == Action::Reject).map(|(_, rule)| rule);
    let refusing: Vec<_> = refusing.collect();
    let organisation = context.policy.organisation();
    let language = organisation.language_of(context.envelope.sender.as_ref());
    let phrases = context.policy.guidance().phrases(&language);
    let written =
        |reply: Option<&str>| reply.map(str::trim).filter(|reply| !reply.is_empty()).map(str::to_owned);
    let ask = filled(&phrases.ask, &[("contact", context.contact), ("reference", context.reference)]);
    let mut lines = Vec::new();
    match listener {
        Listener::Ours => {
            let reply = refusing.iter().find_map(|rule| written(rule.then.reply.as_deref()));
            lines.push(reply.unwrap_or_else(|| format!("{}.", phrases.not_delivered)));
            lines.extend(refusing.first().map(|rule| match &rule.clause {
                Some(clause) => format!("{} ({clause})", rule.title),
                None => rule.title.clone(),
            }));
            lines.push(ask);
        }
        Listener::Outsider => {
            let reply = refusing.iter().find_map(|rule| written(rule.then.reply_outside.as_deref()));
            let neutral =
                || format!("This message was refused under the mail policy of {}.", organisation.name);
            lines.push(reply.unwrap_or_else(neutral));
            lines.push(format!("Reference: {}", context.reference));
        }
    }
    Ok(lines.join("\n"))
}

/// What the sender hears of a message that cannot carry the disclaimer.
pub fn disclaimer_refusal(barrier: Barrier, reference: &str) -> String {
    let why = barrier.reason();
    format!(
        "This message was refused: it cannot carry the disclaimer that it needs, because {why}.\nReference: {reference}"
    )
}
