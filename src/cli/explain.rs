//! `explain`: why a message fares as it does, rule by rule, for people. Decides nothing: the policy says it.

use std::io::{self, Write};

use super::arguments::Explain;
use super::paint::{self, Tone, paint};
use super::policy_source::PolicySource;
use super::{CliError, Ended, input, scan};
use crate::extract::Extraction;
use crate::message::{Envelope, Message};
use crate::policy::{
    Case, ConditionExplanation, Explanation, Held, NoMemory, Outcome, Phrases, Reveal, RuleExplanation,
    SentApart, counted,
};
use crate::respond;
use crate::verdict::Mode;

/// Explains each message of a file.
pub fn run(source: &PolicySource, options: &Explain) -> Result<Ended, CliError> {
    let (policy, workers) = source.policy()?;
    let limits = workers.limits();
    let moment = input::moment(&options.envelope, &policy.organisation().time_zone)?;
    let people = source.people()?;
    let mut out = io::stdout().lock();
    input::refuse_documents(std::slice::from_ref(&options.file))?;
    for file in input::messages(&options.file)? {
        let envelope = input::envelope(&file.raw, &options.envelope, limits);
        let message = Message::parse(&file.raw, limits);
        let extraction = Extraction::read(&message, limits, &workers);
        let case = Case {
            envelope: &envelope,
            message: &message,
            extraction: &extraction,
            people: &people,
            memory: &NoMemory,
            apart: &SentApart::default(),
            limits,
            now: &moment,
            expired: &|| false,
        };
        let explanation = policy.explain(&case, Reveal::when(options.reveal));
        let text = if options.json {
            serde_json::to_string(&explanation).map_err(|error| CliError::Failed(error.to_string()))? + "\n"
        } else {
            let person = respond::is_answerable(&envelope, &message);
            let help =
                explanation.out_of_hours.map(|help| scan::help(help, person, &policy)).unwrap_or_default();
            let at = Phrases::english().moment(&moment);
            for_people((&file.name, &at), &envelope, &explanation, &help, options.all)
        };
        out.write_all(text.as_bytes()).map_err(CliError::io("standard output"))?;
    }
    Ok(Ended::Well)
}

fn for_people(
    (file, at): (&str, &str),
    envelope: &Envelope,
    explanation: &Explanation,
    help: &str,
    all: bool,
) -> String {
    let sender = envelope.sender.as_ref().map_or("<>", |sender| sender.folded());
    let mut text = format!("{}\n  from {sender}, {at}\n", paint(file, Tone::Strong));
    let actions =
        envelope.recipients.iter().zip(&explanation.directions).zip(&explanation.verdict.recipients);
    for ((recipient, direction), action) in actions {
        text += &format!("  to   {recipient} ({}): {}\n", direction.name(), paint::action(*action));
    }
    text += help;
    let mut shown: Vec<&RuleExplanation> =
        explanation.rules.iter().filter(|rule| all || worth_a_look(rule)).collect();
    // What decided comes first; within that, the order of the files.
    shown.sort_by_key(|rule| match rule.outcome {
        Outcome::Matched => 0,
        Outcome::Cancelled => 1,
        Outcome::NotMatched | Outcome::NotHere | Outcome::NotToday => 2,
    });
    text.extend(shown.iter().map(|rule| rule_for_people(rule)));
    let hidden = explanation.rules.len() - shown.len();
    if hidden > 0 {
        let told = format!("{} not near to matching; --all shows them", counted(hidden, "more rule"));
        text += &format!("\n{}\n", paint(told, Tone::Quiet));
    }
    text
}

/// A rule that matched, was cancelled, or lacked one condition alone while another held that not every message meets.
fn worth_a_look(rule: &RuleExplanation) -> bool {
    let telling =
        |condition: &ConditionExplanation| condition.held != Held::No && condition.condition != "direction";
    let lacking = rule.conditions.iter().filter(|condition| condition.held == Held::No).count();
    match rule.outcome {
        Outcome::Matched | Outcome::Cancelled => true,
        Outcome::NotMatched => lacking == 1 && rule.conditions.iter().any(telling),
        Outcome::NotHere | Outcome::NotToday => false,
    }
}

fn rule_for_people(rule: &RuleExplanation) -> String {
    let (outcome, tone) = match rule.outcome {
        Outcome::Matched => ("matched", Tone::Bad),
        Outcome::NotMatched => ("did not match", Tone::Quiet),
        Outcome::Cancelled => ("cancelled by an exception", Tone::Good),
        Outcome::NotHere => ("does not run at this school", Tone::Quiet),
        Outcome::NotToday => ("does not run on this day", Tone::Quiet),
    };
    let mode = rule.mode.map_or("off", Mode::name);
    let heading = paint(&rule.rule, Tone::Strong);
    let mut text = format!(
        "\n{heading}  {}\n  {} ({mode}, asks for {})\n",
        rule.title,
        paint(outcome, tone),
        rule.action
    );
    for condition in &rule.conditions {
        text += &condition_for_people(condition, "if", 2);
    }
    for exception in &rule.exceptions {
        text += &condition_for_people(exception, "unless", 2);
    }
    text
}

fn condition_for_people(condition: &ConditionExplanation, role: &str, indent: usize) -> String {
    let (sign, tone) = match condition.held {
        Held::Yes => ("yes", Tone::Good),
        Held::ForSome => ("for some", Tone::Note),
        Held::No => ("no", Tone::Quiet),
    };
    let name = format!("{role} {}", condition.condition);
    let sign = paint(format!("{sign:<8}"), tone);
    let mut text = format!("{:indent$}{sign} {name:<22} {}\n", "", condition.why);
    for place in &condition.places {
        text += &format!("{:indent$}{:<8} {}\n", "", "", paint(scan::place(place), Tone::Quiet));
    }
    for inner in &condition.inner {
        text += &condition_for_people(inner, "", indent + 2);
    }
    text
}
