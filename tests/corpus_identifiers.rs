//! Identifiers over the corpus: labelled sentences, published numbers, random numbers and ordinary mail. Prints the tables
//! of docs/measured-identifiers.md, and fails where that page is not what it shows.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "a test may panic: that is how it fails"
)]

#[path = "support/blessed.rs"]
mod blessed;
#[path = "support/lists.rs"]
mod lists;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::civil::{Date, date};
use mailwarden::detect::identifiers::{Confidence, Identifier, IdentifierKind, find_in};
use mailwarden::extract::document::Places;
use serde::Deserialize;
use serde_json::Value;

const TODAY: Date = date(2026, 1, 14);
/// How many random numbers of each length are tried.
const RANDOM: u64 = 100_000;
/// What the table calls the mail that `scripts/install-mail` fetched.
const FETCHED: &str = "lists";
/// Most false alarms of any rule that is enforced, in 1,000 ordinary messages.
const FALSE_ALARMS: f64 = 1.0;

#[test]
fn identifiers_are_found_as_the_page_says() {
    let sentences = sentences();
    let published = published();
    let random = random();
    let mail = ordinary_mail();
    let page = format!(
        "# What mailwarden makes of identifiers\n\n\
        Made by `MAILWARDEN_BLESS=1 make corpus` from a corpus that lies beside the clone and is never committed, and from random\n\
        numbers; `make corpus` fails where this page is not what it shows. Identifiers of UK schools that the corpus lacks are in\n\
        [fixtures/identifiers](../fixtures/identifiers): made-up people's, each of which must be found, and nothing else.\n\n\
        ## Labelled sentences\n\n{sentences}\n## Published numbers\n\n{published}\n## Random numbers\n\n{random}\n\
        ## Ordinary mail\n\n{}",
        mail.table
    );
    println!("{page}");
    blessed::blessed(Path::new("docs/measured-identifiers.md"), &page);
    assert!(mail.messages > 4_000, "only {} messages", mail.messages);
    assert!(mail.worst <= FALSE_ALARMS, "a rule has {} false alarms in 1,000 messages", mail.worst);
}

#[derive(Deserialize)]
struct Sentence {
    text: String,
    spans: Vec<Labelled>,
}

#[derive(Deserialize)]
struct Labelled {
    /// In characters.
    start: usize,
    end: usize,
    label: String,
}

/// What was found of a label.
#[derive(Default)]
struct Score {
    labelled: usize,
    found: usize,
    wrong: usize,
}

/// The 400 labelled sentences: each label's recall, and the precision of the kinds that it means.
fn sentences() -> String {
    const LABELS: [(&str, &[IdentifierKind]); 4] = [
        ("CREDIT_CARD", &[IdentifierKind::PaymentCard]),
        ("IBAN_CODE", &[IdentifierKind::Iban]),
        ("EMAIL_ADDRESS", &[IdentifierKind::EmailAddress]),
        ("PHONE_NUMBER", &[IdentifierKind::Phone, IdentifierKind::Mobile]),
    ];
    let mut scores: [Score; 4] = Default::default();
    let mut others: BTreeMap<&str, usize> = BTreeMap::new();
    let sentences = lines("pii/presidio_generated.jsonl");
    let number = sentences.len();
    for line in sentences {
        let sentence: Sentence = serde_json::from_str(&line).unwrap();
        let byte =
            |at: usize| sentence.text.char_indices().nth(at).map_or(sentence.text.len(), |(byte, _)| byte);
        let found = sure(&sentence.text);
        let mut counted = BTreeSet::new();
        for ((label, kinds), score) in LABELS.iter().zip(&mut scores) {
            let labelled = sentence.spans.iter().filter(|span| span.label == *label);
            let labelled: Vec<(usize, usize)> =
                labelled.map(|span| (byte(span.start), byte(span.end))).collect();
            let hits: Vec<&Identifier> = found.iter().filter(|found| kinds.contains(&found.kind)).collect();
            let meets =
                |hit: &Identifier, (start, end): (usize, usize)| hit.span.start < end && start < hit.span.end;
            score.labelled += labelled.len();
            score.found += labelled.iter().filter(|place| hits.iter().any(|hit| meets(hit, **place))).count();
            score.wrong += hits.iter().filter(|hit| !labelled.iter().any(|place| meets(hit, *place))).count();
            counted.extend(hits.iter().map(|hit| hit.span.start));
        }
        for hit in found.iter().filter(|hit| !counted.contains(&hit.span.start)) {
            *others.entry(hit.kind.name()).or_default() += 1;
        }
    }
    let mut text = format!(
        "{number} generated sentences (presidio-research), of no particular country. Found is what is found with confidence `high`.\n\
        Its telephone numbers are of all countries; only British ones are looked for.\n\n\
        | label | labelled | found | missed | wrong | precision | recall |\n| --- | --- | --- | --- | --- | --- | --- |\n"
    );
    for ((label, _), score) in LABELS.iter().zip(&scores) {
        let Score { labelled, found, wrong } = score;
        let precision = share(*found, found + wrong);
        let recall = share(*found, *labelled);
        writeln!(
            text,
            "| {label} | {labelled} | {found} | {} | {wrong} | {precision} | {recall} |",
            labelled - found
        )
        .unwrap();
    }
    let others: Vec<String> = others.iter().map(|(kind, number)| format!("{number} {kind}")).collect();
    let others = if others.is_empty() { "nothing".to_owned() } else { others.join(", ") };
    writeln!(text, "\nOf kinds that nothing is labelled as, {others} was found.").unwrap();
    text
}

#[derive(Deserialize)]
struct Published {
    kind: String,
    value: String,
    valid: bool,
}

/// The published numbers, each with its label before it and by itself.
fn published() -> String {
    const KINDS: [(&str, &str, Option<IdentifierKind>); 5] = [
        ("nhs_number", "NHS number: ", Some(IdentifierKind::NhsNumber)),
        ("iban", "IBAN: ", Some(IdentifierKind::Iban)),
        ("uk_sort_code_account", "Sort code and account: ", Some(IdentifierKind::BankAccount)),
        ("uk_postcode", "Postcode: ", Some(IdentifierKind::Address)),
        ("uk_utr", "UTR: ", None),
    ];
    let all: Vec<Published> = lines("pii/uk_identifier_vectors.jsonl")
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut text = String::from(
        "Valid and invalid numbers from the tests of other programs. `high` with the label before it, `low` or `high` by itself. The invalid\n\
        accounts fail the banks' own weight table, which is not looked at; a taxpayer's reference (UTR) is none of the kinds.\n\n\
        | kind | valid | found with its label | found alone, high | found alone, low | invalid | of these found with the label |\n\
        | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for (name, label, kind) in KINDS {
        let is_found = |text: &str, confidence: Confidence| {
            let found = find(text);
            found
                .iter()
                .any(|found| kind.is_none_or(|kind| found.kind == kind) && found.confidence == confidence)
        };
        let of = |valid: bool| all.iter().filter(move |one| one.kind == name && one.valid == valid);
        let labelled = |one: &&Published| is_found(&format!("{label}{}", one.value), Confidence::High);
        let alone = |confidence| of(true).filter(|one| is_found(&one.value, confidence)).count();
        writeln!(
            text,
            "| {name} | {} | {} | {} | {} | {} | {} |",
            of(true).count(),
            of(true).filter(labelled).count(),
            alone(Confidence::High),
            alone(Confidence::Low),
            of(false).count(),
            of(false).filter(labelled).count()
        )
        .unwrap();
    }
    text
}

/// Random digits in a sentence that says nothing of them.
fn random() -> String {
    let mut dice = 0x2545_F491_4F6C_DD1D_u64;
    let mut text = format!(
        "{RANDOM} random numbers of each length, in a sentence that does not say what they are. The columns count those that are taken for some\n\
        identifier.\n\n| digits | high | low | kinds at low |\n| --- | --- | --- | --- |\n"
    );
    for digits in 4..=19 {
        let (mut high, mut low) = (0, 0);
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for _ in 0..RANDOM {
            let number: String = (0..digits).map(|_| char::from(b'0' + die(&mut dice, 10))).collect();
            let found = find(&format!("There are {number} of them."));
            high += usize::from(found.iter().any(|found| found.confidence == Confidence::High));
            low += usize::from(found.iter().any(|found| found.confidence == Confidence::Low));
            for found in &found {
                *kinds.entry(found.kind.name()).or_default() += 1;
            }
        }
        let kinds: Vec<String> = kinds.iter().map(|(kind, number)| format!("{number} {kind}")).collect();
        writeln!(text, "| {digits} | {high} | {low} | {} |", kinds.join(", ")).unwrap();
        assert_eq!(high, 0, "{digits} random digits are taken for an identifier");
    }
    text
}

/// A number below `sides`: xorshift, seeded, so that every run has the same.
fn die(state: &mut u64, sides: u64) -> u8 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    u8::try_from((*state >> 11) % sides).unwrap()
}

struct Mail {
    table: String,
    messages: usize,
    /// The false alarms of the worst rule that is enforced, in 1,000 messages.
    worst: f64,
}

/// The shipped rules about identifiers over mail that people wrote in their work.
fn ordinary_mail() -> Mail {
    let rules = fs::read_to_string("rules/identifiers.toml").unwrap();
    let rules: Vec<&str> = rules
        .lines()
        .filter_map(|line| line.strip_prefix("id "))
        .filter_map(|line| line.split('"').nth(1))
        .collect();
    let mut text = String::from(
        "As staff would send it to outside. Business mail (Enron), technical mailing lists (ham) and unwanted mail (spam), the fixtures\n\
        of MIME readers (mime), and SpamAssassin's mail that is none (lists and newsletters of 2002, which `make corpus` fetches).\n\
        A match of a rule is counted as a false alarm unless somebody looked and it was none.\n\n\
        | mail | messages | with an identifier, by kind | rules that match |\n| --- | --- | --- | --- |\n",
    );
    let (mut messages, mut alarms) = (0, BTreeMap::new());
    for folder in ["email/enron", "email/ham", "email/spam", "mime", FETCHED] {
        let ordinary = ["email/enron", "email/ham", FETCHED].contains(&folder);
        let reports = scan(&if folder == FETCHED { lists::lists() } else { corpus(folder) });
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        let mut matched: BTreeMap<String, usize> = BTreeMap::new();
        for report in &reports {
            for count in report["personal"]["identifiers"].as_array().unwrap() {
                *kinds.entry(count["kind"].as_str().unwrap().to_owned()).or_default() += 1;
            }
            for rule in report["rules"].as_array().unwrap() {
                let id = rule["rule"].as_str().unwrap();
                if rules.contains(&id) {
                    *matched.entry(id.to_owned()).or_default() += 1;
                    if ordinary && rule["mode"] == "enforce" {
                        *alarms.entry(id.to_owned()).or_default() += 1;
                    }
                }
            }
        }
        if ordinary {
            messages += reports.len();
        }
        writeln!(text, "| {folder} | {} | {} | {} |", reports.len(), listed(&kinds), listed(&matched))
            .unwrap();
    }
    let most = alarms.values().copied().max().unwrap_or(0_usize);
    let worst = 1_000.0 * most as f64 / messages.max(1) as f64;
    writeln!(
        text,
        "\nFalse alarms of the worst enforced rule in the {messages} ordinary messages (enron, ham, lists): {most}, that is {worst:.2} in\n\
        1,000; no alarm at all in as many would leave up to {:.2} in 1,000 (95 %).",
        1_000.0 * 3.0 / messages.max(1) as f64
    )
    .unwrap();
    Mail { table: text, messages, worst }
}

fn listed(counts: &BTreeMap<String, usize>) -> String {
    let counts: Vec<String> = counts.iter().map(|(name, number)| format!("{number} {name}")).collect();
    if counts.is_empty() { "none".to_owned() } else { counts.join(", ") }
}

/// What `scan --json` says of a folder, as staff's mail to outside.
fn scan(folder: &Path) -> Vec<Value> {
    let output = Command::new(env!("CARGO_BIN_EXE_mailwarden"))
        .args(["scan", "--json", "--policy", "rules", "--at", "2026-01-14T10:00:00"])
        .args(["--from", "staff@oakfield.example", "--to", "somebody@outside.example"])
        .arg(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::Deserializer::from_slice(&output.stdout).into_iter().map(Result::unwrap).collect()
}

fn find(text: &str) -> Vec<Identifier> {
    let mut found = Vec::new();
    find_in(text, &Places::default(), TODAY, usize::MAX, &mut found);
    found
}

fn sure(text: &str) -> Vec<Identifier> {
    find(text).into_iter().filter(|found| found.confidence == Confidence::High).collect()
}

fn share(part: usize, all: usize) -> String {
    if all == 0 { "-".to_owned() } else { format!("{:.3}", part as f64 / all as f64) }
}

fn lines(file: &str) -> Vec<String> {
    let text = fs::read_to_string(corpus(file)).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn corpus(name: &str) -> PathBuf {
    let corpus = std::env::var_os("MAILWARDEN_CORPUS")
        .map_or_else(|| PathBuf::from("../shared/corpus"), PathBuf::from);
    let path = corpus.join(name);
    assert!(path.exists(), "{} is not there; `make corpus` names it", path.display());
    path
}
