//! Sweeps labelled messages, on all cores, and keeps which rules matched and where. Judges no match.

use std::panic::resume_unwind;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use indicatif::ProgressBar;
use jiff::Zoned;

use super::labelled::{Case, Content};
use super::labels::Label;
use crate::cli::{CliError, input};
use crate::message::Message;
use crate::people::People;
use crate::policy::{NoMemory, Place, Policy, Reveal};
use crate::scan::{Means, Scanned, scan};
use crate::verdict::{Finding, Zone};
use crate::worker::Pool;

/// How many places of a rule's match are kept: enough to see why.
const HITS: usize = 3;
/// How many characters of a missed message are shown.
const OPENING: usize = 160;

/// What every sweep needs.
pub struct Ground<'a> {
    /// The policy that is measured.
    pub policy: &'a Policy,
    /// The roll.
    pub people: &'a People,
    /// What reads documents, and the caps in force.
    pub workers: &'a Pool,
    /// When the messages come.
    pub moment: &'a Zoned,
    /// Whether words of messages may be kept.
    pub reveal: bool,
}

/// What a message turned out to be.
pub struct Swept {
    /// Its name.
    pub id: String,
    /// Where it stands.
    pub place: String,
    /// What it truly is.
    pub labels: Vec<Label>,
    /// Whether only a reader can tell.
    pub needs_reader: bool,
    /// The rules that matched.
    pub found: Vec<Found>,
    /// Whether all of it was inspected.
    pub complete: bool,
    /// How it begins, where that may be shown.
    pub opening: Option<String>,
}

/// A rule that matched.
pub struct Found {
    /// Its index in the policy.
    pub rule: usize,
    /// The first of the places where it found something.
    pub hits: Vec<Place>,
    /// How many there were.
    pub number: usize,
}

/// Sweeps all cases; the results stand in their order.
pub fn sweep_all(cases: &[Case], ground: &Ground<'_>, bar: &ProgressBar) -> Result<Vec<Swept>, CliError> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(case) = cases.get(index) else { return Ok(done) };
            done.push((index, sweep(case, ground)?));
            bar.inc(1);
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(cases.len());
    let mut all = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut all: Vec<(usize, Vec<Swept>)> = Vec::new();
        for worker in workers {
            let done: Result<_, CliError> = worker.join().unwrap_or_else(|panic| resume_unwind(panic));
            all.append(&mut done?);
        }
        Ok::<_, CliError>(all)
    })?;
    all.sort_by_key(|(index, _)| *index);
    Ok(all.into_iter().flat_map(|(_, swept)| swept).collect())
}

fn sweep(case: &Case, ground: &Ground<'_>) -> Result<Vec<Swept>, CliError> {
    match &case.content {
        Content::Raw(raw) => Ok(vec![one(case, raw, "", ground)]),
        Content::One(file) => {
            let messages = input::messages(file)?;
            let [message] = messages.as_slice() else {
                return Err(CliError::Faults(format!(
                    "{}: its file holds {} messages; a line labels one",
                    case.place,
                    messages.len()
                )));
            };
            readable(file, &message.raw)?;
            Ok(vec![one(case, &message.raw, "", ground)])
        }
        Content::All(file) => {
            let mut swept = Vec::new();
            for message in input::messages(file)? {
                readable(file, &message.raw)?;
                // `#3` for the third message of an mbox.
                let number = message.name.strip_prefix(&case.place).unwrap_or_default();
                swept.push(one(case, &message.raw, number, ground));
            }
            Ok(swept)
        }
    }
}

/// Nothing can be found in an empty file, so it would count as a miss, or as ordinary, without being either.
fn readable(file: &Path, raw: &[u8]) -> Result<(), CliError> {
    match raw.trim_ascii().is_empty() {
        true => Err(CliError::Faults(format!("{}: is empty; take it away", file.display()))),
        false => Ok(()),
    }
}

fn one(case: &Case, raw: &[u8], number: &str, ground: &Ground<'_>) -> Swept {
    let limits = ground.workers.limits();
    let means = Means {
        policy: ground.policy,
        people: ground.people,
        memory: &NoMemory,
        limits,
        inspector: ground.workers,
    };
    let scanned = scan(&case.envelope, Message::parse(raw, limits), means, ground.moment, &|| false);
    Swept {
        id: format!("{}{number}", case.id),
        place: format!("{}{number}", case.place),
        labels: case.labels.clone(),
        needs_reader: case.needs_reader,
        found: found(&scanned, ground),
        complete: scanned.verdict.coverage.is_complete(),
        opening: opening(&scanned).filter(|_| ground.reveal),
    }
}

fn found(scanned: &Scanned<'_>, ground: &Ground<'_>) -> Vec<Found> {
    let reveal = Reveal::when(ground.reveal);
    let mut found: Vec<Found> = Vec::new();
    for (index, rule) in ground.policy.rules().iter().enumerate() {
        // Whatever the rule's mode: what is measured is what it finds, not what it does.
        if !scanned.verdict.rules.iter().any(|matched| matched.rule == rule.id) {
            continue;
        }
        let findings: Vec<_> =
            scanned.verdict.findings.iter().filter(|finding| finding.rule == rule.id).collect();
        let hit =
            |finding: &&Finding| ground.policy.place(finding, &scanned.extraction, ground.people, reveal);
        let hits = findings.iter().take(HITS).map(hit).collect();
        found.push(Found { rule: index, hits, number: findings.len() });
    }
    found
}

/// How a message begins: its own text, else its subject.
fn opening(scanned: &Scanned<'_>) -> Option<String> {
    let texts = &scanned.extraction.texts;
    let zone = |zone| texts.iter().find(|text| text.zone == zone && !text.text.trim().is_empty());
    let text = zone(Zone::Body).or_else(|| zone(Zone::Subject))?;
    let words: Vec<&str> = text.text.split_whitespace().collect();
    Some(words.join(" ").chars().take(OPENING).collect())
}
