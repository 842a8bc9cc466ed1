//! `held`: lists, shows, releases and deletes messages that wait for a decision. Never shows content without a reason.

use std::io::{self, Write};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::arguments::{Decide, Held, HeldCommand};
use super::paint::{self, Tone};
use super::policy_source::PolicySource;
use super::{CliError, Ended};
use crate::config::Config;
use crate::records::{
    Decision, HeldFilter, HeldMessage, HeldState, HeldSummary, RecordsError, Reference, Store,
};
use crate::serve::control::{self, Request};

/// Carries out a `held` command.
pub fn run(source: &PolicySource, options: &Held) -> Result<Ended, CliError> {
    let config = source.config()?;
    runtime()?.block_on(async {
        let store = Store::open_existing(&config.store_directory).await.map_err(refused)?;
        let text = match &options.command {
            HeldCommand::List { all, json } => list(&store, *all, *json).await?,
            HeldCommand::Show { reference, content: false, reveal: false, json, .. } => {
                show(&store, reference, *json).await?
            }
            HeldCommand::Show { reference, reveal, why, by, json, .. } => {
                let (why, by) = (why.as_deref().unwrap_or_default(), person(by.as_deref())?);
                let reading = Reader { store: &store, reference: parse(reference)?, by, why };
                match reveal {
                    false => return reading.content().await,
                    true => reading.found(*json).await?,
                }
            }
            HeldCommand::Release(decide) => release(&store, &config, decide).await?,
            HeldCommand::Delete(decide) => delete(&store, decide).await?,
        };
        store.close().await;
        io::stdout().write_all(text.as_bytes()).map_err(CliError::io("standard output"))?;
        Ok(Ended::Well)
    })
}

async fn list(store: &Store, all: bool, as_json: bool) -> Result<String, CliError> {
    let mut filter = HeldFilter::default();
    if all {
        filter.states = HeldState::ALL.to_vec();
    }
    let messages = store.list(&filter).await.map_err(refused)?;
    if as_json {
        let lines: Result<Vec<String>, _> = messages.iter().map(serde_json::to_string).collect();
        let lines = lines.map_err(|error| CliError::Failed(error.to_string()))?;
        return Ok(lines.into_iter().map(|line| line + "\n").collect());
    }
    if messages.is_empty() {
        return Ok("nothing waits for a decision\n".to_owned());
    }
    let heading = ["reference", "state", "received", "from", "to", "rules", ""];
    Ok(paint::table(&heading, messages.iter().map(row).collect()))
}

fn row(message: &HeldSummary) -> Vec<String> {
    let more = message.recipient_count.saturating_sub(1);
    let first = message.recipients.first().cloned().unwrap_or_default();
    let rules: Vec<&str> = message.rules.iter().map(|rule| rule.0.as_str()).collect();
    vec![
        message.reference.to_string(),
        message.state.to_string(),
        paint::moment(message.received_at),
        message.sender.clone().unwrap_or_else(|| "<>".to_owned()),
        if more > 0 { format!("{first} and {more} more") } else { first },
        rules.join(" "),
        message.note.clone().unwrap_or_default(),
    ]
}

async fn show(store: &Store, reference: &str, as_json: bool) -> Result<String, CliError> {
    let message = store.find(&parse(reference)?).await.map_err(refused)?;
    if as_json {
        return Ok(
            serde_json::to_string(&message).map_err(|error| CliError::Failed(error.to_string()))? + "\n"
        );
    }
    Ok(for_people(&message))
}

fn for_people(message: &HeldMessage) -> String {
    let summary = &message.summary;
    let rules: Vec<&str> = summary.rules.iter().map(|rule| rule.0.as_str()).collect();
    let mut rows = vec![
        vec!["state".to_owned(), summary.state.to_string()],
        vec!["received".to_owned(), paint::moment(summary.received_at)],
        vec!["from".to_owned(), summary.sender.clone().unwrap_or_else(|| "<>".to_owned())],
        vec!["login".to_owned(), message.authenticated.clone().unwrap_or_else(|| "none".to_owned())],
        vec!["bytes".to_owned(), summary.size.to_string()],
        vec!["rules".to_owned(), rules.join(", ")],
        vec!["queue id".to_owned(), summary.queue_id.clone().unwrap_or_default()],
    ];
    rows.extend(summary.note.iter().map(|note| vec!["note".to_owned(), note.clone()]));
    rows.extend(summary.same_as.iter().map(|same| vec!["same as".to_owned(), same.to_string()]));
    for delivery in &message.deliveries {
        let answer = delivery.answer.as_deref().map(|answer| format!(": {answer}")).unwrap_or_default();
        rows.push(vec!["to".to_owned(), format!("{} ({}{answer})", delivery.address, delivery.state.name())]);
    }
    for decided in &message.decisions {
        let what = format!("{:?}", decided.decision).to_lowercase();
        rows.push(vec![what, format!("{} by {}: {}", paint::moment(decided.at), decided.by, decided.why)]);
    }
    for reading in &message.readings {
        rows.push(vec![
            "read".to_owned(),
            format!("{} by {}: {}", paint::moment(reading.at), reading.by, reading.why),
        ]);
    }
    paint::table(&[summary.reference.as_str(), ""], rows)
}

/// Somebody who reads what a message says, and why.
struct Reader<'a> {
    store: &'a Store,
    reference: Reference,
    by: String,
    why: &'a str,
}

impl Reader<'_> {
    /// Writes the message itself, once the reading is on the record.
    async fn content(&self) -> Result<Ended, CliError> {
        let Self { store, reference, by, why } = self;
        let bytes = store.read(reference, by, why, Timestamp::now()).await.map_err(refused)?;
        io::stdout().write_all(&bytes).map_err(CliError::io("standard output"))?;
        Ok(Ended::Well)
    }

    /// What was found, in words, once the reading is on the record.
    async fn found(&self, as_json: bool) -> Result<String, CliError> {
        let Self { store, reference, by, why } = self;
        let bytes = store.read_found(reference, by, why, Timestamp::now()).await.map_err(refused)?;
        let damaged =
            |error| CliError::Failed(format!("what was found in {reference} cannot be read: {error}"));
        let found: Vec<Value> = match bytes.as_slice() {
            [] => Vec::new(),
            bytes => serde_json::from_slice(bytes).map_err(damaged)?,
        };
        if as_json {
            return Ok(found.iter().map(|place| format!("{place}\n")).collect());
        }
        let column = |place: &Value, name: &str| match place.get(name) {
            Some(Value::String(text)) => text.escape_debug().to_string(),
            Some(Value::Array(names)) => {
                names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
            }
            _ => String::new(),
        };
        let names = ["rule", "entity", "zone", "part", "text", "term", "disguises"];
        let row = |place: &Value| names.iter().map(|name| column(place, name)).collect();
        Ok(paint::table(&names, found.iter().map(row).collect()))
    }
}

async fn release(store: &Store, config: &Config, decide: &Decide) -> Result<String, CliError> {
    let reference = decided(store, Decision::Release, decide).await?;
    // A filter that is not running sends it when it starts: the outbox is on the disk.
    let woken = control::ask(&config.control_socket, Request::Flush).is_ok();
    let note = match woken {
        true => "on its way to Postfix",
        false => "will be sent when `mailwarden serve` runs",
    };
    Ok(told(&reference, "released", note, decide.json))
}

async fn delete(store: &Store, decide: &Decide) -> Result<String, CliError> {
    let reference = decided(store, Decision::Delete, decide).await?;
    Ok(told(&reference, "deleted", "its content is gone, the record of it stays", decide.json))
}

async fn decided(store: &Store, decision: Decision, decide: &Decide) -> Result<Reference, CliError> {
    let reference = parse(&decide.reference)?;
    let by = person(decide.by.as_deref())?;
    store.decide(&reference, decision, &by, &decide.why, Timestamp::now()).await.map_err(refused)?;
    Ok(reference)
}

fn told(reference: &Reference, what: &str, note: &str, as_json: bool) -> String {
    match as_json {
        true => format!("{}\n", json!({ "reference": reference.as_str(), "state": what, "note": note })),
        false => format!("{}  {reference}  {note}\n", paint::paint(what, Tone::Good)),
    }
}

/// What runs the store's work.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(CliError::io("the runtime does not start"))
}

/// Who acts: as said, else the login behind `sudo`, else the login.
pub(super) fn person(said: Option<&str>) -> Result<String, CliError> {
    let login = || std::env::var("SUDO_USER").or_else(|_| std::env::var("USER")).ok();
    said.map(str::to_owned).or_else(login).filter(|name| !name.trim().is_empty()).ok_or_else(|| {
        CliError::Usage("nobody is logged in by name: say who you are, such as --by j.hart".to_owned())
    })
}

pub(super) fn parse(reference: &str) -> Result<Reference, CliError> {
    reference.parse().map_err(|error: RecordsError| CliError::Usage(error.to_string()))
}

/// What the record refuses is a fault of what was asked; all else is a failure.
pub(super) fn refused(error: RecordsError) -> CliError {
    match error {
        RecordsError::Unknown(_)
        | RecordsError::UnknownNotice(_)
        | RecordsError::Settled { .. }
        | RecordsError::NotHeld { .. }
        | RecordsError::Unsaid(_) => CliError::Faults(error.to_string()),
        other => CliError::Failed(other.to_string()),
    }
}
