//! `scan`: sweeps messages and says what would happen to each, for people or as JSON. Changes nothing anywhere.

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::Instant;

use serde::Serialize;

use super::arguments::Scan;
use super::input::{self, Input};
use super::paint::{self, Tone};
use super::policy_source::PolicySource;
use super::{CliError, Ended};
use crate::message::{Envelope, Message, Part, PartKind};
use crate::people::People;
use crate::policy::{Direction, Help, NoMemory, Place, Policy, Reveal, counted};
use crate::respond;
use crate::scan::{Means, Scanned, scan};
use crate::verdict::{Action, Coverage, Fact, PartPath, Personal, Protection, RuleMatch};
use crate::worker::Pool;

/// The version of `scan --json`; grows when a field comes, goes or changes its meaning.
const VERSION: u32 = 3;

/// Sweeps every message that the arguments name.
pub fn run(source: &PolicySource, options: &Scan) -> Result<Ended, CliError> {
    let (policy, workers) = source.policy()?;
    let people = source.people()?;
    let moment = input::moment(&options.envelope, &policy.organisation().time_zone)?;
    let mut out = io::stdout().lock();
    let reveal = Reveal::when(options.reveal);
    let mut totals = Totals::default();
    input::refuse_documents(&options.files)?;
    for file in input::files(&options.files)? {
        for message in input::messages(&file)? {
            let envelope = input::envelope(&message.raw, &options.envelope, workers.limits());
            let started = Instant::now();
            let scanned = sweep(&message, &envelope, (&policy, &people), &workers, &moment);
            let elapsed = started.elapsed();
            totals.add(scanned.verdict.action);
            let mut report =
                Report::new(&message, &envelope, &scanned, (&policy, &people), elapsed.as_micros(), reveal);
            if let Some(told) = policy.help(&envelope, &scanned.verdict, &moment) {
                report.help = help(told, respond::is_answerable(&envelope, &scanned.message), &policy);
            }
            if options.json {
                serde_json::to_writer(&mut out, &report)
                    .map_err(|error| CliError::io("standard output")(error.into()))?;
                writeln!(out).map_err(CliError::io("standard output"))?;
            } else {
                write!(out, "{}", report.for_people()).map_err(CliError::io("standard output"))?;
            }
        }
    }
    if !options.json && totals.messages > 1 {
        writeln!(out, "\n{}", totals.line()).map_err(CliError::io("standard output"))?;
    }
    Ok(Ended::Well)
}

/// One message's line of `--json`.
#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    file: &'a str,
    verdict: Action,
    actions: Vec<RecipientAction<'a>>,
    rules: &'a [RuleMatch],
    personal: &'a Personal,
    findings: Vec<Place>,
    parts: Vec<PartLine>,
    coverage: &'a Coverage,
    elapsed_us: u128,
    /// For people alone.
    #[serde(skip)]
    help: String,
}

/// What happens for one recipient.
#[derive(Serialize)]
struct RecipientAction<'a> {
    recipient: &'a str,
    direction: Option<Direction>,
    action: Action,
}

/// For people: `swearing in body of part 1, bytes 4 to 9, disguised (leet)`, then the words where they may be shown.
pub fn place(place: &Place) -> String {
    let Place { finding, words } = place;
    let mut text = format!(
        "{} in {} of part {}, bytes {} to {}",
        finding.entity, finding.zone, finding.part, finding.span.start, finding.span.end
    );
    if !finding.disguises.is_empty() {
        text += &format!(", disguised ({})", finding.disguises);
    }
    if let Some(place) = words.as_ref().and_then(|words| words.place.as_ref()) {
        text += &format!(" ({})", place.escape_debug());
    }
    if let Some(words) = words {
        text += &format!("  \"{}\"", words.text.escape_debug());
    }
    if let Some(term) = words.as_ref().and_then(|words| words.term.as_ref()) {
        text += &format!(", the term \"{}\"", term.escape_debug());
    }
    if let Some(suggestion) = words.as_ref().and_then(|words| words.suggestion.as_ref()) {
        text += &format!(", better: \"{}\"", suggestion.escape_debug());
    }
    text
}

/// For people: whether the sender of a message that may ask for help would be told who can help at that moment.
pub fn help(help: Help, person: bool, policy: &Policy) -> String {
    let plan = policy.organisation().out_of_hours.as_ref();
    let often = plan.map(|plan| plan.at_most_every.to_string()).unwrap_or_default();
    let (told, tone) = match help {
        Help::SomebodyIsThere => ("in hours: the sender is not told who can help, since somebody is there".to_owned(), Tone::Quiet),
        Help::NotProven | Help::Sent if !person => {
            ("out of hours: nobody is told who can help, since no person wrote it".to_owned(), Tone::Quiet)
        }
        Help::NotProven => (
            "out of hours: the sender is not told who can help, since the address is not proven (--authenticated LOGIN says that it is)"
                .to_owned(),
            Tone::Note,
        ),
        Help::Sent => (format!("out of hours: the sender is told who can help, once in {often}"), Tone::Note),
    };
    format!("  {}\n", paint::paint(told, tone))
}

/// A part, or a file inside one, and what is known of it.
#[derive(Serialize)]
pub struct PartLine {
    path: PartPath,
    /// The way to a file inside the part's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<String>,
    filename: Option<String>,
    /// What it is by its content; for what is no file, its declared type.
    kind: String,
    /// What it is declared to be.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    protection: Protection,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    facts: Vec<Fact>,
    size: u64,
    /// Of the part and all files inside it together.
    text_bytes: usize,
}

/// The parts of a message and the files inside them, as `scan` and `show` list them.
pub fn part_lines(scanned: &Scanned<'_>) -> Vec<PartLine> {
    let mut lines = Vec::new();
    for part in &scanned.message.parts {
        let texts = scanned.extraction.texts.iter().filter(|text| text.part == part.path);
        let files = scanned.extraction.files.iter().filter(|file| file.part == part.path);
        let line = lines.len();
        // A multipart inside a message has that message's path: the files of the path are the message's.
        let files = files.filter(|_| part.kind != PartKind::Container);
        lines.extend(files.map(|file| PartLine {
            path: part.path.clone(),
            entry: file.item.entry.clone(),
            filename: file.item.name.clone(),
            kind: file.item.kind.name().to_owned(),
            content_type: file.item.entry.is_none().then(|| part.content_type.to_string()),
            protection: file.item.protection,
            facts: file.item.facts.clone(),
            size: file.size(&scanned.message),
            text_bytes: 0,
        }));
        if lines.len() == line {
            lines.push(plain_line(part));
        }
        if let Some(own) = lines.get_mut(line) {
            own.text_bytes = texts.map(|text| text.text.len()).sum();
        }
    }
    lines
}

/// The line of a part that is no file.
fn plain_line(part: &Part<'_>) -> PartLine {
    PartLine {
        path: part.path.clone(),
        entry: None,
        filename: part.filename.clone(),
        kind: part.content_type.to_string(),
        content_type: Some(part.content_type.to_string()),
        protection: part.protection,
        facts: Vec::new(),
        size: part.decoded_size(),
        text_bytes: 0,
    }
}

impl PartLine {
    /// The part as a row of a table: path, kind, protection, size, text, name, facts.
    pub fn row(&self) -> Vec<String> {
        let name = self.entry.as_deref().or(self.filename.as_deref()).unwrap_or_default();
        let facts: Vec<&str> = self.facts.iter().map(|fact| fact.name()).collect();
        vec![
            self.path.to_string(),
            self.kind.clone(),
            self.protection.to_string(),
            self.size.to_string(),
            self.text_bytes.to_string(),
            name.escape_debug().to_string(),
            facts.join(", "),
        ]
    }
}

impl<'a> Report<'a> {
    fn new(
        message: &'a Input,
        envelope: &'a Envelope,
        scanned: &'a Scanned<'_>,
        (policy, people): (&Policy, &People),
        elapsed_us: u128,
        reveal: Reveal,
    ) -> Self {
        let directions = policy.directions(envelope);
        let actions = envelope.recipients.iter().enumerate().zip(&scanned.verdict.recipients);
        Self {
            version: VERSION,
            file: &message.name,
            verdict: scanned.verdict.action,
            actions: actions
                .map(|((index, recipient), action)| RecipientAction {
                    recipient: recipient.folded(),
                    direction: directions.get(index).copied(),
                    action: *action,
                })
                .collect(),
            rules: &scanned.verdict.rules,
            personal: &scanned.verdict.personal,
            findings: scanned
                .verdict
                .findings
                .iter()
                .map(|finding| policy.place(finding, &scanned.extraction, people, reveal))
                .collect(),
            parts: part_lines(scanned),
            coverage: &scanned.verdict.coverage,
            elapsed_us,
            help: String::new(),
        }
    }

    fn for_people(&self) -> String {
        let rules: Vec<String> =
            self.rules.iter().map(|found| format!("{} ({})", found.rule, found.mode.name())).collect();
        let mut text = format!(
            "{}  {}  {}\n",
            paint::action(self.verdict),
            self.file,
            paint::paint(rules.join(", "), Tone::Quiet)
        );
        for (place, rules) in self.places() {
            text += &format!("        {place}  {}\n", paint::paint(rules.join(", "), Tone::Quiet));
        }
        if let Some(counts) = counts(self.personal) {
            text += &format!("        {counts}\n");
        }
        if !self.help.is_empty() {
            text += &format!("      {}", self.help);
        }
        for gap in &self.coverage.gaps {
            text += &format!("        not inspected: part {}: {}\n", gap.part, gap.gap.name());
        }
        text
    }
}

impl Report<'_> {
    /// Each place once, as it is told, with the rules that noticed it; in the order of the findings.
    fn places(&self) -> Vec<(String, Vec<&str>)> {
        let mut places: Vec<(String, Vec<&str>)> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        for found in &self.findings {
            let (told, rule) = (place(found), found.finding.rule.0.as_str());
            let at = *known.entry(told.clone()).or_insert(places.len());
            match places.get_mut(at) {
                Some((_, rules)) if rules.contains(&rule) => {}
                Some((_, rules)) => rules.push(rule),
                None => places.push((told, vec![rule])),
            }
        }
        places
    }
}

/// `12 upn, 12 date-of-birth; confidentiality 14`; nothing where there is nothing to say.
fn counts(personal: &Personal) -> Option<String> {
    let kinds = personal.identifiers.iter().map(|count| format!("{} {}", count.different, count.kind));
    let kinds = kinds.collect::<Vec<_>>().join(", ");
    let points = personal.confidentiality.filter(|points| *points > 0);
    let points = points.map(|points| format!("confidentiality {points}"));
    let said: Vec<String> = (!kinds.is_empty()).then_some(kinds).into_iter().chain(points).collect();
    (!said.is_empty()).then(|| said.join("; "))
}

/// How many messages met which action.
#[derive(Default)]
struct Totals {
    messages: usize,
    actions: std::collections::BTreeMap<Action, usize>,
}

impl Totals {
    fn add(&mut self, action: Action) {
        self.messages += 1;
        *self.actions.entry(action).or_default() += 1;
    }

    fn line(&self) -> String {
        let parts: Vec<String> =
            self.actions.iter().map(|(action, number)| format!("{action} {number}")).collect();
        format!("{}: {}", counted(self.messages, "message"), parts.join(", "))
    }
}

/// Sweeps one message as `scan` does, for commands that need no report.
pub fn sweep<'x>(
    message: &'x Input,
    envelope: &Envelope,
    (policy, people): (&Policy, &People),
    workers: &Pool,
    moment: &jiff::Zoned,
) -> Scanned<'x> {
    let limits = workers.limits();
    let means = Means { policy, people, memory: &NoMemory, limits, inspector: workers };
    scan(envelope, Message::parse(&message.raw, limits), means, moment, &|| false)
}
