//! `notices`: lists what reviewers are told of, looks one up, notes it as done. A look goes on record first; content is never shown.

use std::io::{self, Write};

use jiff::Timestamp;
use serde_json::json;

use super::arguments::{Decide, Notices, NoticesCommand};
use super::held::{parse, person, refused, runtime};
use super::paint::{self, Tone};
use super::policy_source::PolicySource;
use super::{CliError, Ended};
use crate::records::{Fate, NoticeRecord, NoticeSummary, Store, Telling};

/// Carries out a `notices` command.
pub fn run(source: &PolicySource, options: &Notices) -> Result<Ended, CliError> {
    let config = source.config()?;
    runtime()?.block_on(async {
        let store = Store::open_existing(&config.store_directory).await.map_err(refused)?;
        let text = match &options.command {
            NoticesCommand::List { all, json } => list(&store, *all, *json).await?,
            NoticesCommand::Show(look) => show(&store, source, look).await?,
            NoticesCommand::Done(done) => end(&store, done).await?,
        };
        store.close().await;
        io::stdout().write_all(text.as_bytes()).map_err(CliError::io("standard output"))?;
        Ok(Ended::Well)
    })
}

async fn list(store: &Store, all: bool, as_json: bool) -> Result<String, CliError> {
    let notices = store.notices(all).await.map_err(refused)?;
    if as_json {
        return notices.iter().map(as_line).collect();
    }
    if notices.is_empty() {
        return Ok("nothing waits to be seen to\n".to_owned());
    }
    let heading = ["reference", "found", "school", "urgency", "told", "done"];
    Ok(paint::narrow_table(&heading, notices.iter().map(row).collect()))
}

fn as_line(value: &impl serde::Serialize) -> Result<String, CliError> {
    let line = serde_json::to_string(value).map_err(|error| CliError::Failed(error.to_string()))?;
    Ok(line + "\n")
}

fn row(notice: &NoticeSummary) -> Vec<String> {
    let urgency = notice.told.iter().map(|told| told.urgency).min().map_or("", |urgency| urgency.name());
    let told: Vec<String> =
        notice.told.iter().map(|one| format!("{} ({})", one.reviewer, state(one))).collect();
    vec![
        notice.reference.to_string(),
        paint::moment(notice.found_at),
        notice.school.clone().unwrap_or_default(),
        urgency.to_owned(),
        if told.is_empty() { paint::paint("nobody", Tone::Bad) } else { told.join(", ") },
        notice
            .ended
            .as_ref()
            .map(|ended| format!("{} by {}", paint::moment(ended.at), ended.by))
            .unwrap_or_default(),
    ]
}

/// How it stands with telling somebody.
fn state(told: &Telling) -> String {
    match (told.told_at, told.state.as_str()) {
        (None, _) => format!("from {}", paint::moment(told.due_at)),
        (Some(_), "waiting") => "on its way".to_owned(),
        (Some(_), "failed") => "the mail server refused it".to_owned(),
        (Some(at), _) => paint::moment(at),
    }
}

async fn show(store: &Store, source: &PolicySource, look: &Decide) -> Result<String, CliError> {
    let (reference, by) = (parse(&look.reference)?, person(look.by.as_deref())?);
    let notice = store.read_notice(&reference, &by, &look.why, Timestamp::now()).await.map_err(refused)?;
    if look.json {
        return as_line(&notice);
    }
    let whole = |words: &[&str]| source.command(words, Some(&by));
    Ok(for_people(&notice) + &where_it_is(&notice, whole) + "\n")
}

fn for_people(notice: &NoticeRecord) -> String {
    let summary = &notice.summary;
    let mut rows: Vec<[String; 2]> = Vec::new();
    let mut add = |name: &str, value: String| rows.push([name.to_owned(), value]);
    add("found", paint::moment(summary.found_at));
    add("school", summary.school.clone().unwrap_or_else(|| "none of them".to_owned()));
    add("from", notice.sender.clone().unwrap_or_else(|| "<>".to_owned()));
    add("login", notice.login.clone().unwrap_or_else(|| "none".to_owned()));
    for to in &notice.recipients {
        let kept = to.kept.as_ref().map(|kept| format!(" as {kept}")).unwrap_or_default();
        add("to", format!("{} ({}, {}{kept})", to.address, to.direction, to.fate.name()));
    }
    for rule in &notice.rules {
        let severity = format!("{:?}", rule.severity).to_lowercase();
        add("rule", format!("{} ({}, {severity}, {})", rule.rule, rule.category, rule.mode.name()));
    }
    add("message", notice.message_id.clone().unwrap_or_else(|| "without a Message-ID".to_owned()));
    add("queue id", notice.queue_id.clone().unwrap_or_default());
    for told in &summary.told {
        add("told", format!("{}, {}: {}", told.reviewer, told.addresses.join(", "), state(told)));
    }
    if summary.told.is_empty() {
        add("told", paint::paint("nobody is left who may be told", Tone::Bad));
    }
    for address in &notice.left_out {
        add("not told", format!("{address}, whom the message concerns"));
    }
    for reading in &notice.readings {
        add("looked", format!("{} by {}: {}", paint::moment(reading.at), reading.by, reading.why));
    }
    if let Some(ended) = &summary.ended {
        add("done", format!("{} by {}: {}", paint::moment(ended.at), ended.by, ended.why));
    }
    paint::table(&[summary.reference.as_str(), ""], rows.into_iter().map(Vec::from).collect()) + "\n"
}

/// Where the message itself can be read, with the whole command for it.
fn where_it_is(notice: &NoticeRecord, whole: impl Fn(&[&str]) -> String) -> String {
    match notice.recipients.iter().find_map(|to| to.kept.as_ref()) {
        Some(kept) => {
            format!("The message is kept: {}", whole(&["held", "show", kept.as_str(), "--reveal"]))
        }
        None if notice.recipients.iter().any(|to| to.fate == Fate::Delivered) => {
            "mailwarden has no copy of it: it was delivered, and is found in the mailbox by its Message-ID."
                .to_owned()
        }
        None => "mailwarden has no copy of it: it was refused before it was taken.".to_owned(),
    }
}

async fn end(store: &Store, done: &Decide) -> Result<String, CliError> {
    let (reference, by) = (parse(&done.reference)?, person(done.by.as_deref())?);
    store.end_notice(&reference, &by, &done.why, Timestamp::now()).await.map_err(refused)?;
    Ok(match done.json {
        true => format!("{}\n", json!({ "reference": reference.as_str(), "state": "done", "by": by })),
        false => format!("{}  {reference}  noted, with who and how\n", paint::paint("done", Tone::Good)),
    })
}
