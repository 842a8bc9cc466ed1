//! Measures how well people who are on no roll are guessed, on labelled sentences of the corpus. Holds none of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may panic: that is how it fails"
)]

#[path = "support/manual.rs"]
mod manual;
#[path = "support/school.rs"]
#[expect(dead_code, reason = "its sentences are for another test")]
mod school;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use mailwarden::detect::names::{NameForm, NameHit, TextKind, Wanted, find};
use mailwarden::extract::Extraction;
use mailwarden::extract::document::InProcess;
use mailwarden::limits::Limits;
use mailwarden::message::Message;
use mailwarden::people::Roll;
use mailwarden::verdict::Zone;
use serde_json::Value;

#[derive(Default)]
struct Count {
    right: usize,
    of: usize,
}

impl Count {
    fn add(&mut self, right: bool) {
        self.of += 1;
        self.right += usize::from(right);
    }
}

#[test]
fn people_who_are_on_no_roll_are_guessed() {
    let file = corpus().join("names/uner_ewt_dev.jsonl");
    let sentences: Vec<Value> =
        fs::read_to_string(file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(sentences.len(), 320);
    // Precision by how a name was found, recall by how it is labelled; with single names and without.
    let mut found: BTreeMap<&str, Count> = BTreeMap::new();
    let mut labelled: BTreeMap<&str, [Count; 2]> = BTreeMap::new();
    let mut clean = [0, 0];
    for sentence in &sentences {
        let text = sentence["text"].as_str().unwrap();
        let spans: Vec<(usize, usize)> =
            sentence["spans"].as_array().unwrap().iter().map(|span| bytes(text, span)).collect();
        let mut hits = Vec::new();
        find(
            text,
            TextKind::Running,
            &Roll::default(),
            Wanted { strangers: true, ..Wanted::default() },
            100,
            &mut hits,
        );
        let meet = |hit: &NameHit, span: &(usize, usize)| hit.span.start < span.1 && span.0 < hit.span.end;
        for hit in &hits {
            let right = spans.iter().any(|span| meet(hit, span));
            found.entry(hit.form.name()).or_default().add(right);
            if std::env::var_os("SHOW_NAMES").is_some() && !right {
                println!("{}: {:?} in {text:?}", hit.form.name(), &text[hit.span.start..hit.span.end]);
            }
        }
        for span in &spans {
            let by = |hit: &&NameHit| meet(hit, span);
            let [with, without] = labelled.entry(kind(&text[span.0..span.1])).or_default();
            with.add(hits.iter().any(|hit| by(&hit)));
            without.add(hits.iter().filter(|hit| hit.form != NameForm::Single).any(|hit| by(&hit)));
            if std::env::var_os("SHOW_NAMES").is_some() && !hits.iter().any(|hit| by(&hit)) {
                println!("missed: {:?} in {text:?}", &text[span.0..span.1]);
            }
        }
        if spans.is_empty() {
            clean[0] += 1;
            clean[1] += usize::from(hits.iter().any(|hit| hit.form != NameForm::Single));
        }
    }
    let mut table = "| found as | names | right | precision |\n|---|---|---|---|\n".to_owned();
    for (form, Count { right, of }) in &found {
        writeln!(table, "| {form} | {of} | {right} | {:.2} |", share(*right, *of)).unwrap();
    }
    table += "\n| labelled as a person | names | found | recall | found without `single` | recall |\n|---|---|---|---|---|---|\n";
    for (kind, [with, without]) in &labelled {
        let (of, all, some) = (with.of, with.right, without.right);
        writeln!(
            table,
            "| {kind} | {of} | {all} | {:.2} | {some} | {:.2} |",
            share(all, of),
            share(some, of)
        )
        .unwrap();
    }
    let [of, wrong] = clean;
    writeln!(table, "\nOf {of} sentences in which no person is labelled, something was found in {wrong} (without `single`).").unwrap();
    manual::hold("docs/measured-names.md", "strangers", &table);
}

/// Whom a school's roll finds in the mail of others: all of them by chance.
#[test]
fn a_roll_finds_hardly_anybody_in_the_mail_of_others() {
    let roll = school::roll(&mut school::Dice(2_026));
    let (mut messages, mut touched, mut names) = (0, 0, 0);
    for folder in ["email/enron", "email/ham"] {
        for file in fs::read_dir(corpus().join(folder)).unwrap() {
            let raw = fs::read(file.unwrap().path()).unwrap();
            let limits = Limits::default();
            let extraction = Extraction::read(&Message::parse(&raw, &limits), &limits, &InProcess(&limits));
            let zones = [Zone::Subject, Zone::Body];
            let mut hits = Vec::new();
            for text in extraction.texts.iter().filter(|text| zones.contains(&text.zone)) {
                let full = Wanted { full: true, ..Wanted::default() };
                find(&text.text, TextKind::Running, &roll, full, 1_000, &mut hits);
            }
            messages += 1;
            touched += usize::from(!hits.is_empty());
            names += hits.len();
        }
    }
    assert_eq!(messages, 180);
    let told = format!(
        "The same school's roll, held against the subjects and bodies of {messages} ordinary messages of other people: {names} names in \
         {touched} messages, all of them namesakes or chance."
    );
    manual::hold("docs/measured-names.md", "others", &told);
}

fn corpus() -> PathBuf {
    std::env::var_os("MAILWARDEN_CORPUS").expect("MAILWARDEN_CORPUS, as `make corpus` sets it").into()
}

fn kind(name: &str) -> &'static str {
    match (name.split_whitespace().count(), name.chars().any(char::is_uppercase)) {
        (_, false) => "without capitals",
        (1, true) => "one word",
        (_, true) => "two words and more",
    }
}

fn share(some: usize, of: usize) -> f64 {
    some as f64 / of.max(1) as f64
}

/// A label's place in bytes; the corpus counts characters.
fn bytes(text: &str, span: &Value) -> (usize, usize) {
    let at = |key: &str| {
        let characters = usize::try_from(span[key].as_u64().unwrap()).unwrap();
        text.char_indices().nth(characters).map_or(text.len(), |(byte, _)| byte)
    };
    (at("start"), at("end"))
}
