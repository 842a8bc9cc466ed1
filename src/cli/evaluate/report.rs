//! The outcome for people: tables, then the worst examples. Counts stand beside every figure; computes none.

use std::fmt::Write;

use super::metrics::Figure;
use super::outcome::{Example, Match, Measured, Outcome, Rate, Touched};
use crate::cli::paint::{self, Tone};
use crate::cli::scan;
use crate::policy::counted;

/// The whole report.
pub fn for_people(outcome: &Outcome) -> String {
    let mut text = opening(outcome);
    let quiet = |one: &&Measured| one.labelled + one.wrong + one.undecided + one.needs_reader.labelled == 0;
    let shown: Vec<&Measured> = outcome.labels.iter().filter(|one| !quiet(one)).collect();
    if !shown.is_empty() {
        text += &format!("\n{}", figures(&shown, outcome.ordinary));
    }
    text += &notes(outcome, &shown);
    if outcome.ordinary > 0 {
        let heading = ["ordinary messages touched", "gross", "serious or gross", "any grade"];
        let rows = outcome.touched.iter().map(|one| touched(one, outcome.ordinary)).collect();
        text += &format!("\n{}", paint::table(&heading, rows));
    }
    for one in shown {
        text += &examples(one, "false alarms", &one.worst_false_alarms, one.wrong);
        text += &examples(one, "missed", &one.worst_misses, one.missed);
    }
    text
}

fn opening(outcome: &Outcome) -> String {
    let mut text = format!(
        "{}: {} labelled, {} ordinary",
        counted(outcome.messages, "message"),
        outcome.labelled,
        outcome.ordinary
    );
    if outcome.needs_reader > 0 {
        text += &format!(", {} that only a reader can judge", outcome.needs_reader);
    }
    text += "\n";
    if outcome.incomplete > 0 {
        text += &format!("{} could not be inspected to the end\n", counted(outcome.incomplete, "message"));
    }
    text
}

fn figures(shown: &[&Measured], ordinary: usize) -> String {
    let heading =
        ["label", "labelled", "right", "missed", "wrong", "precision", "recall", "F1", "false alarms"];
    let row = |one: &&Measured| {
        vec![
            one.label.clone(),
            one.labelled.to_string(),
            one.right.to_string(),
            one.missed.to_string(),
            one.wrong.to_string(),
            figure(one.precision),
            figure(one.recall),
            figure(one.f1),
            rate(&one.false_alarms, ordinary),
        ]
    };
    paint::table(&heading, shown.iter().map(row).collect())
}

/// What the table doesn't count, so that nobody takes it for counted.
fn notes(outcome: &Outcome, shown: &[&Measured]) -> String {
    let mut text = String::new();
    for one in shown {
        if !one.of.is_empty() {
            let _ = writeln!(text, "{}: any of {}", one.label, one.of.join(", "));
        }
        if one.undecided > 0 {
            let broader = "of a broader label: neither right nor wrong";
            let _ = writeln!(
                text,
                "{}: also found in {} {broader}",
                one.label,
                counted(one.undecided, "message")
            );
        }
        if one.needs_reader.labelled > 0 {
            let judged = &one.needs_reader;
            let _ = writeln!(
                text,
                "{}: found {} of {} that only a reader can judge; they count in no figure",
                one.label, judged.found, judged.labelled
            );
        }
    }
    let quiet = outcome.labels.len() - shown.len();
    if quiet > 0 {
        let labels = if quiet == 1 { "1 label".to_owned() } else { format!("{quiet} labels") };
        let _ = writeln!(text, "{labels} that no message bears, and where nothing was found: left out");
    }
    text
}

fn touched(one: &Touched, ordinary: usize) -> Vec<String> {
    vec![
        one.group.clone().unwrap_or_else(|| "by any rule".to_owned()),
        rate(&one.gross, ordinary),
        rate(&one.serious_or_gross, ordinary),
        rate(&one.any, ordinary),
    ]
}

fn examples(one: &Measured, what: &str, shown: &[Example], all: usize) -> String {
    if shown.is_empty() {
        return String::new();
    }
    let heading = paint::paint(format!("{}, {what}: {} of {all}", one.label, shown.len()), Tone::Strong);
    let mut text = format!("\n{heading}\n");
    for example in shown {
        let (id, place) = (example.id.escape_debug(), example.place.escape_debug());
        let begins = example.opening.as_ref().map(|words| format!("  \"{}\"", words.escape_debug()));
        let _ = writeln!(text, "  {id}  {}{}", paint::paint(place, Tone::Quiet), begins.unwrap_or_default());
        for matched in &example.rules {
            text += &places(matched);
        }
    }
    text
}

fn places(matched: &Match) -> String {
    let mut text = String::new();
    if matched.findings.is_empty() {
        let _ = writeln!(text, "    {}", matched.rule);
    }
    for hit in &matched.findings {
        let _ = writeln!(text, "    {}: {}", matched.rule, scan::place(hit));
    }
    if matched.number > matched.findings.len() {
        let _ = writeln!(text, "    {}: and {} more", matched.rule, matched.number - matched.findings.len());
    }
    text
}

fn figure(figure: Option<Figure>) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| format!("{:.3}", figure.0))
}

/// `5.6 per 1,000 (1 of 180)`.
fn rate(rate: &Rate, ordinary: usize) -> String {
    match rate.per_thousand {
        Some(figure) => format!("{:.1} per 1,000 ({} of {ordinary})", figure.0, rate.messages),
        None => "-".to_owned(),
    }
}
