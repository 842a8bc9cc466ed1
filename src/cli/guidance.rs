//! `guidance`: shows what the sender of a message would read, before anybody does. Sends nothing.

use std::io::{self, Write};

use jiff::Zoned;

use super::arguments::{Guidance, GuidanceCommand, GuidancePreview};
use super::policy_source::{PolicySource, load_policy};
use super::{CliError, Ended};
use crate::limits::Limits;
use crate::message::{Address, Envelope, Message};
use crate::policy::{Direction, Override, Policy, Rule, ShownExample, is_safeguarding};
use crate::respond::{self, AnswerContext, Cause, Context, Entry, Guided, Outcome};
use crate::verdict::{Action, Coverage, Mode, RuleId, RuleMatch, Verdict};

/// The reference that a preview bears.
const REFERENCE: &str = "K7QF-2M9P";
/// The code that a preview bears.
const CODE: &str = "EXAMPLE0CODE0EXAMPLE0CODE0EXAMPL";
/// What stands above a preview.
const NOTE: &str = "A preview, which nobody gets. The message, its recipients and what was found in it are made up: they are an example of the rule's.";

/// Carries out a `guidance` command.
pub fn run(source: &PolicySource, options: &Guidance) -> Result<Ended, CliError> {
    let GuidanceCommand::Preview(options) = &options.command;
    let policy = load_policy(&source.policy_directory(None)?)?;
    let (contact, confirm) = match &source.config {
        Some(_) => {
            let config = source.config()?;
            (config.contact, config.confirm.as_ref().map(ToString::to_string))
        }
        None => ("it-support@oakfield.example".to_owned(), Some("confirm@oakfield.example".to_owned())),
    };
    let rule = policy.rule(&RuleId(options.rule.clone()));
    let text = match rule {
        Some(rule) => preview(&policy, rule, options, (&contact, confirm))?,
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
    let (help, notice) = (&organisation.out_of_hours, &organisation.monitoring_notice);
    let (guidance, reply_to, contact) = match (options.rule.as_str(), help, notice) {
        ("out-of-hours", Some(plan), _) => (plan.guidance(), organisation.help_reply_to(Some(to)), contact),
        ("monitoring-notice", _, Some(notice)) => {
            (notice.guidance(), None, notice.contact.as_deref().unwrap_or(contact))
        }
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
        cause: Cause::OwnAccord,
        at: &at,
    });
    let shown = shown.ok_or_else(|| CliError::Failed(format!("\"{guidance}\" cannot be filled in")))?;
    Ok(if options.html { shown.html } else { shown.text })
}

/// What a preview stands on: an example of the rule's, or a plain message where it has none.
struct Previewed<'a> {
    policy: &'a Policy,
    rule: &'a Rule,
    example: ShownExample,
    contact: &'a str,
    /// Where replies that confirm go, if anywhere.
    confirm: Option<String>,
    at: Zoned,
}

fn preview(
    policy: &Policy,
    rule: &Rule,
    options: &GuidancePreview,
    (contact, confirm): (&str, Option<String>),
) -> Result<String, CliError> {
    let named = options.from.as_deref().and_then(|from| Address::parse(from.as_bytes()));
    let example = policy.shown_example(&rule.id);
    let silence = silence(policy, rule, example.as_ref());
    if let Some(why) = &silence
        && (!options.anyway || is_safeguarding(&rule.category))
    {
        let told = format!("the rule \"{}\" sends its sender nothing: {why}", rule.id);
        return match options.html {
            true => Err(CliError::Faults(told)),
            false => Ok(format!("{told}\n")),
        };
    }
    let mut example = example.unwrap_or_else(|| plain(policy));
    // People of examples are nobody's colleagues: whoever is meant chooses the language.
    let ours = |sender: &Address| policy.organisation().is_ours(sender);
    if named.is_some() || !example.envelope.sender.as_ref().is_some_and(ours) {
        example.envelope.sender = policy.usual_envelope(Direction::Outbound, named, Vec::new()).sender;
    }
    let at = Zoned::now().with_time_zone(policy.organisation().time_zone.clone());
    Previewed { policy, rule, example, contact, confirm, at }.forms(options.html)
}

/// Why a rule's sender hears nothing of it, as it stands.
fn silence(policy: &Policy, rule: &Rule, example: Option<&ShownExample>) -> Option<String> {
    if is_safeguarding(&rule.category) && rule.then.action != Action::Reject {
        return Some("nobody is told what a rule on safeguarding noticed".to_owned());
    }
    let schools = policy.organisation().schools.iter().map(|school| Some(school.id.as_str()));
    let mut in_force =
        std::iter::once(None).chain(schools).filter_map(|school| policy.effective(school)).flatten();
    if !in_force.any(|one| one.rule == rule.id && one.mode == Some(Mode::Enforce)) {
        return Some(format!("its mode is `{}`, which only records a match", rule.mode.name()));
    }
    if rule.then.action.delivers() && !rule.then.advises {
        return Some(
            "it lets the message go, and does not say `notify-sender = \"yes\"`; whoever tries a message out at the check \
             address reads its guidance"
                .to_owned(),
        );
    }
    if rule.then.action == Action::Hold && !rule.then.tells_sender {
        return Some("it says `notify-sender = \"no\"`".to_owned());
    }
    let outside = example.is_some_and(|example| !example.from_ours) && rule.then.action != Action::Reject;
    outside.then(|| "its examples come from outside, and nobody outside is answered".to_owned())
}

/// A message for a rule without examples.
fn plain(policy: &Policy) -> ShownExample {
    let envelope = policy.usual_envelope(Direction::Outbound, None, Vec::new());
    let raw = Policy::plain_message(&envelope, "A subject", "A message.");
    ShownExample { envelope, raw, recipients: vec![0], found: Vec::new(), from_ours: true }
}

impl Previewed<'_> {
    fn forms(&self, html: bool) -> Result<String, CliError> {
        let Self { policy, rule, example, contact, at, .. } = self;
        let message = Message::parse(&example.raw, &Limits::default());
        let verdict = verdict(rule, example);
        let context = Context {
            envelope: &example.envelope,
            message: &message,
            verdict: &verdict,
            policy,
            reference: REFERENCE,
            contact,
        };
        let shown = self.answer(&context)?;
        if html {
            return Ok(shown.html);
        }
        let mut text = String::new();
        if rule.then.action == Action::Reject {
            let reply = respond::refusal_text(&context).map_err(failed)?;
            text += &format!(
                "=== At the SMTP door ===\n\n{reply}\n\n=== Where it is refused for some recipients alone ===\n\n"
            );
        }
        text += &shown.text;
        let entry =
            respond::entry(policy, example.envelope.sender.as_ref(), &entry(&example.envelope, rule, at));
        text += &format!("\n=== In a list ===\n\n{entry}\n");
        Ok(text)
    }

    fn answer(&self, context: &Context<'_>) -> Result<respond::Preview, CliError> {
        let until = self.at.saturating_add(jiff::Span::new().days(7));
        let reply_to = self.confirm.as_deref().unwrap_or_default().replacen('@', &format!("+{CODE}@"), 1);
        let confirmation = self.confirm.as_deref().map(|address| respond::Confirmation {
            may: self.rule.then.may_override,
            reply_to: &reply_to,
            address,
            code: CODE,
            until: &until,
        });
        let outcome = match self.rule.then.action {
            Action::Return | Action::Reject => Outcome::Returned,
            Action::Hold => Outcome::Held,
            Action::Pass | Action::Tag | Action::Mark => Outcome::Delivered,
        };
        let answer = AnswerContext {
            envelope: context.envelope,
            message: context.message,
            verdict: context.verdict,
            policy: context.policy,
            found: &self.example.found,
            reference: context.reference,
            outcome,
            recipients: &self.example.recipients,
            from: "mailwarden",
            contact: context.contact,
            confirmation: confirmation.filter(|how| how.may != Override::Never),
            at: &self.at,
        };
        respond::preview(&answer, Some(NOTE)).map_err(failed)
    }
}

fn failed(error: respond::RespondError) -> CliError {
    CliError::Failed(error.to_string())
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
fn verdict(rule: &Rule, example: &ShownExample) -> Verdict {
    let action = rule.then.action;
    let recipients = example.recipients.clone();
    let of = |index: usize| if recipients.contains(&index) { action } else { Action::Pass };
    let found =
        RuleMatch { rule: rule.id.clone(), mode: Mode::Enforce, action, recipients: recipients.clone() };
    Verdict {
        action,
        recipients: (0..example.envelope.recipients.len()).map(of).collect(),
        rules: vec![found],
        findings: Vec::new(),
        personal: crate::verdict::Personal::default(),
        coverage: Coverage::default(),
        elapsed: None,
    }
}
