//! Measures what a decision costs, and what loading a policy costs. Every measurement states what it must find first.
//!
//! `cargo bench --bench policy`. The message of 2 kB is plain English; a hundred rules look at it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "a bench may panic: that is how it fails"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use divan::Bencher;
use jiff::Zoned;
use mailwarden::extract::document::Places;
use mailwarden::extract::{Extraction, Text};
use mailwarden::limits::Limits;
use mailwarden::message::{Address, Envelope, Message, Origin};
use mailwarden::people::People;
use mailwarden::policy::{Case, NoMemory, Policy, SentApart, Sources};
use mailwarden::verdict::{Action, Coverage, PartPath, Zone};

fn main() {
    divan::main();
}

/// 100 rules: 60 over word lists, 15 patterns, 15 on recipients, 10 on headers, and lists with so many terms in all.
fn sources(terms: usize) -> Sources {
    const LISTS: usize = 10;
    let mut rules = String::new();
    let mut rule = |id: &str, conditions: &str, action: &str| {
        let _ = writeln!(
            rules,
            "[[rule]]\nid = \"{id}\"\ntitle = \"t\"\ncategory = \"c\"\nseverity = \"mild\"\nmode = \"enforce\"\n\
             [rule.if]\n{conditions}\n[rule.then]\naction = \"{action}\"\n"
        );
    };
    for number in 0..60 {
        let list = number % LISTS;
        let direction = ["inbound", "outbound", "internal"][number % 3];
        let threshold = 2 + number % 4;
        let conditions = format!(
            "direction = [\"{direction}\"]\nwords = {{ list = \"list-{list}\", threshold = {threshold} }}"
        );
        rule(&format!("words-{number}"), &conditions, "hold");
    }
    for number in 0..15 {
        let conditions = format!("pattern = {{ matches = '\\bREF-{number:02}[0-9]{{6}}\\b' }}");
        rule(&format!("pattern-{number}"), &conditions, "tag");
    }
    for number in 0..15 {
        let conditions = format!(
            "recipient = {{ domain = [\"d{number}.example\"], address = [\"a*@d{number}.example\"] }}"
        );
        rule(&format!("recipient-{number}"), &conditions, "tag");
    }
    for number in 0..10 {
        let conditions = format!("header = {{ name = \"X-Flag-{number}\", contains = [\"yes\"] }}");
        rule(&format!("header-{number}"), &conditions, "tag");
    }
    let mut files = BTreeMap::from([
        ("organisation.toml".to_owned(), "name = \"T\"\ndomains = [\"oakfield.example\"]".to_owned()),
        ("rules.toml".to_owned(), rules),
    ]);
    for list in 0..LISTS {
        let mut text = String::from("zebra crossing = 4\n");
        for term in 0..terms / LISTS {
            let _ = writeln!(text, "{} {} = 2", word(term * 7 + list), word(term * 13 + 5));
        }
        files.insert(format!("lists/list-{list}.txt"), text);
    }
    Sources { files }
}

/// A made-up word for each number.
fn word(mut number: usize) -> String {
    let mut word = String::from("q");
    for _ in 0..6 {
        word.push(char::from(b'a' + u8::try_from(number % 26).unwrap()));
        number = number / 26 + 3;
    }
    word
}

fn policy(terms: usize) -> Policy {
    Policy::compile(&sources(terms)).unwrap()
}

fn english(bytes: usize) -> String {
    const SENTENCE: &str = "The head of year would like to meet the parents on Thursday after school, \
                            to talk about the trip to the museum and who pays for the coach. ";
    SENTENCE.repeat(bytes / SENTENCE.len() + 1)[..bytes].to_owned()
}

struct Mail {
    envelope: Envelope,
    extraction: Extraction,
    now: Zoned,
    limits: Limits,
}

fn mail(body: String, recipients: usize) -> Mail {
    let address = |text: String| Address::parse(text.as_bytes()).unwrap();
    let text = |zone, part, text| Text { zone, part, places: Places::default(), alternative: None, text };
    Mail {
        envelope: Envelope {
            queue_id: None,
            origin: Origin::Smtp,
            client: None,
            authenticated: None,
            sender: Some(address("teacher@oakfield.example".to_owned())),
            recipients: (0..recipients)
                .map(|number| address(format!("parent{number}@d{}.example", number % 40)))
                .collect(),
        },
        extraction: Extraction {
            files: Vec::new(),
            texts: vec![
                text(Zone::Subject, PartPath::root(), "The trip on Thursday".to_owned()),
                text(Zone::Body, PartPath::root().child(1), body),
            ],
            coverage: Coverage::default(),
            locks: Vec::new(),
        },
        now: "2026-01-14T10:00:00+00:00[Europe/London]".parse().unwrap(),
        limits: Limits::default(),
    }
}

/// Decides once more for each round, and requires that action and number of matching rules.
fn decides(bencher: Bencher<'_, '_>, policy: &Policy, mail: &Mail, action: Action, rules: usize) {
    let message = Message {
        raw: b"",
        header: Vec::new(),
        body_start: 0,
        parts: Vec::new(),
        coverage: Coverage::default(),
    };
    let people = People::default();
    let case = Case {
        envelope: &mail.envelope,
        message: &message,
        extraction: &mail.extraction,
        people: &people,
        memory: &NoMemory,
        apart: &SentApart::default(),
        limits: &mail.limits,
        now: &mail.now,
        expired: &|| false,
    };
    bencher.bench_local(|| {
        let verdict = policy.decide(&case);
        assert_eq!((verdict.action, verdict.rules.len()), (action, rules));
        verdict
    });
}

#[divan::bench(args = [100, 1_000, 10_000, 50_000])]
fn nothing_found_in_2_kb(bencher: Bencher<'_, '_>, terms: usize) {
    decides(bencher, &policy(terms), &mail(english(2_000), 1), Action::Pass, 0);
}

#[divan::bench(args = [1_000])]
fn fifteen_rules_found_in_2_kb(bencher: Bencher<'_, '_>, terms: usize) {
    let body = english(1_980) + "the zebra crossing";
    decides(bencher, &policy(terms), &mail(body, 1), Action::Hold, 15);
}

#[divan::bench(args = [10, 1_000])]
fn many_recipients(bencher: Bencher<'_, '_>, recipients: usize) {
    let body = english(1_980) + "the zebra crossing";
    decides(bencher, &policy(1_000), &mail(body, recipients), Action::Hold, 15);
}

#[divan::bench(args = [100, 1_000, 10_000, 50_000], sample_count = 10)]
fn load(bencher: Bencher<'_, '_>, terms: usize) {
    let sources = sources(terms);
    bencher.bench_local(|| {
        let policy = Policy::compile(&sources).unwrap();
        assert_eq!(policy.rules().len(), 100);
        policy
    });
}

#[divan::bench(sample_count = 10)]
fn check_the_shipped_policy(bencher: Bencher<'_, '_>) {
    let files = walk(std::path::Path::new("rules"), "");
    let sources = Sources { files };
    bencher.bench_local(|| {
        let policy = Policy::compile(&sources).unwrap();
        assert!(policy.rules().len() > 10);
        policy.check_examples()
    });
}

fn walk(folder: &std::path::Path, prefix: &str) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            files.extend(walk(&path, &format!("{name}/")));
        } else {
            files.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
    files
}
