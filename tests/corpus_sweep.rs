//! The shipped policy over labelled texts and ordinary mail of the corpus: what it must find, and leave alone.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic: that is how it fails"
)]

#[path = "support/lists.rs"]
mod lists;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Of the hateful texts whose offence lies in their words, the least share that must be found.
const RECALL: f64 = 0.9;
/// Of a thousand ordinary messages, the most that misuse rules of grade serious or gross may touch.
const FALSE_ALARMS: f64 = 3.0;
/// The largest share of the hateful texts that may be left to a reader, so that what is missed isn't called judgement.
const FOR_A_READER: f64 = 0.2;
/// The largest share of the mail that may be called anything but ordinary.
const NOT_ORDINARY: f64 = 0.025;

#[test]
fn offence_that_lies_in_its_words_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let labelled = labelled(folder.path());
    for (set, name, least, for_a_reader) in [
        ("hate.jsonl", "hate-speech", 150.0, FOR_A_READER),
        ("hate.jsonl", "offensive-language", 150.0, FOR_A_READER),
        // Of the words, more are plain words as well.
        ("words.jsonl", "blocked-word", 400.0, 0.25),
    ] {
        let outcome = evaluate(&labelled.join(set), &[]);
        let label = label(&outcome, name);
        let (labelled, judged) = (number(&label["labelled"]), number(&label["needs_reader"]["labelled"]));
        let all = labelled + judged;
        assert!(all >= least, "{name}: only {labelled} texts and {judged} for a reader");
        assert!(judged <= for_a_reader * all, "{name}: {judged} of {all} for a reader");
        let recall = number(&label["recall"]);
        assert!(recall >= RECALL, "{name}: recall {recall}; missed: {}", ids(&label["worst_misses"]));
    }
}

#[test]
fn ordinary_mail_is_left_alone_whichever_way_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let labelled = labelled(folder.path());
    let pupil = ["--from", "somebody@pupils.oakfield.example"];
    let mut wrong = Vec::new();
    for (set, least) in [("mail.jsonl", 170.0), ("lists.jsonl", 1_700.0)] {
        for way in [
            &["--direction", "outbound"][..],
            &["--direction", "internal"],
            &["--direction", "inbound"],
            &pupil,
        ] {
            let outcome = evaluate(&labelled.join(set), way);
            let (ordinary, others) = (number(&outcome["ordinary"]), number(&outcome["labelled"]));
            assert!(ordinary >= least, "{set}: only {ordinary} ordinary messages");
            assert!(others <= NOT_ORDINARY * ordinary, "{set}: {others} messages are called something else");
            let touched = outcome["touched"].as_array().unwrap();
            let misuse = touched.iter().find(|one| one["group"] == "misuse").unwrap();
            let alarms = number(&misuse["serious_or_gross"]["per_thousand"]);
            if alarms > FALSE_ALARMS {
                let shown = ids(&label(&outcome, "misuse")["worst_false_alarms"]);
                wrong.push(format!("{set}, {way:?}: {alarms} per 1,000: {shown}"));
            }
        }
    }
    assert!(wrong.is_empty(), "more than {FALSE_ALARMS} per 1,000:\n{}", wrong.join("\n"));
}

#[test]
fn the_manual_tells_the_figures_of_this_policy() {
    let output = Command::new("scripts/measure")
        .arg(corpus())
        .arg(lists::lists())
        .arg("--check")
        .env("MAILWARDEN", env!("CARGO_BIN_EXE_mailwarden"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", told(&output));
}

/// The corpus as `evaluate` reads it, made anew: it is never committed.
fn labelled(folder: &Path) -> PathBuf {
    let output = Command::new("scripts/labelled-corpus")
        .arg(corpus())
        .arg(lists::lists())
        .arg(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", told(&output));
    folder.to_owned()
}

fn evaluate(set: &Path, options: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_mailwarden"))
        .args(["evaluate", "--policy", "rules", "--json", "--worst", "1000"])
        .args(options)
        .arg(set)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", told(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn label<'v>(outcome: &'v Value, name: &str) -> &'v Value {
    let mut labels = outcome["labels"].as_array().unwrap().iter();
    labels.find(|one| one["label"] == name).unwrap_or_else(|| panic!("no {name} in {outcome}"))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no figure"))
}

/// The examples by id: no word of the corpus stands in a test's output.
fn ids(examples: &Value) -> String {
    let all: Vec<&str> =
        examples.as_array().unwrap().iter().filter_map(|example| example["id"].as_str()).collect();
    all.join(" ")
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn corpus() -> PathBuf {
    let corpus = std::env::var_os("MAILWARDEN_CORPUS")
        .map_or_else(|| PathBuf::from("../shared/corpus"), PathBuf::from);
    assert!(corpus.join("hate").is_dir(), "{} is no corpus; `make corpus` names it", corpus.display());
    corpus
}
