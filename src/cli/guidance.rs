//! `guidance`: shows what the sender of a message would read, before anybody does. Sends nothing.

use std::io::{self, Write};

use jiff::Zoned;

use super::arguments::{Guidance, GuidanceCommand, GuidancePreview};
use super::policy_source::{PolicySource, load_policy};
use super::{CliError, Ended};
use crate::limits::Limits;
use crate::message::{Address, Envelope, Message};
use crate::policy::{Direction, Policy, Rule};
use crate::respond::{self, AnswerContext, Context, Entry, Guided, Outcome};
use crate::verdict::{Action, Coverage, Mode, RuleId, RuleMatch, Verdict};

/// The reference that a preview bears.
const REFERENCE: &str = "K7QF-2M9P";

/// Carries out a `guidance` command.
pub fn run(source: &PolicySource, options: &Guidance) -> Result<Ended, CliError> {
    let GuidanceCommand::Preview(options) = &options.command;
    let policy = load_policy(&source.policy_directory(None)?)?;
    let contact = match &source.config {
        Some(_) => source.config()?.contact,
        None => "it-support@oakfield.example".to_owned(),
    };
    let rule = policy.rule(&RuleId(options.rule.clone()));
    let text = match rule {
        Some(rule) => preview(&policy, rule, options, &contact)?,
        None => letter(&policy, options, &contact)?,
    };
    io::stdout().write_all(text.as_bytes()).map_err(CliError::io("standard output"))?;
    Ok(Ended::Well)
}

/// A letter that belongs to no rule: the name of its table in `organisation.toml` stands in place of a rule's id.
fn letter(policy: &Policy, options: &GuidancePreview, contact: &str) -> Result<String, CliError> {
    let organisation = policy.organisation();
    let from = options.from.as_deref().and_then(|from| Address::parse(from.as_bytes()));
    let envelope = policy.usual_envelope(Direction::Internal, from, Vec::new());
    let unknown = || {
        let what = "no rule has the id, and organisation.toml no letter of the name";
        let help = "`mailwarden check --effective` lists rules";
        CliError::Usage(format!("{what} \"{}\"; {help}", options.rule))
    };
    let to = envelope.sender.as_ref().ok_or_else(unknown)?;
    let (guidance, reply_to) = match (options.rule.as_str(), &organisation.out_of_hours) {
        ("out-of-hours", Some(plan)) => (plan.guidance(), organisation.help_reply_to(Some(to))),
        _ => return Err(unknown()),
    };
    let at = Zoned::now().with_time_zone(organisation.time_zone.clone());
    let shown = respond::guided_preview(&Guided {
        policy,
        guidance,
        from: "mailwarden",
        to,
        contact,
        name: REFERENCE,
        reply_to,
        answers: None,
        at: &at,
    });
    let shown = shown.ok_or_else(|| CliError::Failed(format!("\"{guidance}\" cannot be filled in")))?;
    Ok(if options.html { shown.html } else { shown.text })
}

fn preview(
    policy: &Policy,
    rule: &Rule,
    options: &GuidancePreview,
    contact: &str,
) -> Result<String, CliError> {
    let from = options.from.as_deref().and_then(|from| Address::parse(from.as_bytes()));
    let envelope = policy.usual_envelope(Direction::Outbound, from, Vec::new());
    let raw = Policy::plain_message(&envelope, "A subject", "A message.");
    let message = Message::parse(&raw, &Limits::default());
    let verdict = verdict(rule);
    let outcome = match rule.then.action {
        Action::Return | Action::Reject => Outcome::Returned,
        Action::Hold => Outcome::Held,
        Action::Pass | Action::Tag | Action::Mark => Outcome::Delivered,
    };
    let at = Zoned::now().with_time_zone(policy.organisation().time_zone.clone());
    let failed = |error: respond::RespondError| CliError::Failed(error.to_string());
    let shown = respond::preview(&AnswerContext {
        envelope: &envelope,
        message: &message,
        verdict: &verdict,
        policy,
        found: &[],
        reference: REFERENCE,
        outcome,
        recipients: &[0],
        from: "mailwarden",
        contact,
        confirmation: None,
        at: &at,
    })
    .map_err(failed)?;
    if options.html {
        return Ok(shown.html);
    }
    let mut text = String::new();
    if rule.then.action == Action::Reject {
        let context = Context {
            envelope: &envelope,
            message: &message,
            verdict: &verdict,
            policy,
            reference: REFERENCE,
            contact,
        };
        let reply = respond::refusal_text(&context).map_err(failed)?;
        text += &format!(
            "=== At the SMTP door ===\n\n{reply}\n\n=== Where it is refused for some recipients alone ===\n\n"
        );
    }
    text += &shown.text;
    text += &format!("\n=== In a list ===\n\n{}\n", respond::entry(policy, &entry(&envelope, rule, &at)));
    Ok(text)
}

fn entry<'a>(envelope: &'a Envelope, rule: &'a Rule, received: &'a Zoned) -> Entry<'a> {
    Entry {
        reference: REFERENCE,
        received,
        recipients: &[],
        recipient_count: u64::try_from(envelope.recipients.len()).unwrap_or(u64::MAX),
        rules: std::slice::from_ref(&rule.id),
    }
}

/// The verdict on a message that this rule alone acts on.
fn verdict(rule: &Rule) -> Verdict {
    let action = rule.then.action;
    let found = RuleMatch { rule: rule.id.clone(), mode: Mode::Enforce, action, recipients: vec![0] };
    Verdict {
        action,
        recipients: vec![action],
        rules: vec![found],
        findings: Vec::new(),
        personal: crate::verdict::Personal::default(),
        coverage: Coverage::default(),
        elapsed: None,
    }
}
