//! The whole sweep, from bytes to verdict, over lists of 100 to 50,000 terms; each run asserts what it found.
//!
//! `cargo bench --bench pipeline`; the counters give microseconds a message and bytes a second.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a bench may panic: that is how it fails"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use divan::Bencher;
use divan::counter::BytesCount;
use mailwarden::extract::document::InProcess;
use mailwarden::limits::Limits;
use mailwarden::message::{Address, Envelope, Message, Origin};
use mailwarden::people::People;
use mailwarden::policy::{NoMemory, Policy, Sources};
use mailwarden::scan::{Means, scan};
use mailwarden::verdict::Action;

const LISTS: [usize; 4] = [100, 1_000, 10_000, 50_000];

fn main() {
    divan::main();
}

/// A plain text message of 2 kB, as most mail is.
#[divan::bench(args = LISTS)]
fn text_2_kb(bencher: Bencher<'_, '_>, terms: usize) {
    sweep(bencher, terms, &plain(2_000));
}

/// A text and an HTML form of it, 20 kB together.
#[divan::bench(args = LISTS)]
fn alternative_20_kb(bencher: Bencher<'_, '_>, terms: usize) {
    sweep(bencher, terms, &alternative(7_000));
}

/// A short text and an attachment: 520 kB, the average of a school's mix.
#[divan::bench(args = LISTS)]
fn attachment_520_kb(bencher: Bencher<'_, '_>, terms: usize) {
    sweep(bencher, terms, &with_attachment(3_000, 380_000));
}

fn sweep(bencher: Bencher<'_, '_>, terms: usize, raw: &[u8]) {
    let policy = policy(terms);
    let envelope = Envelope {
        queue_id: None,
        origin: Origin::Smtp,
        client: None,
        authenticated: None,
        sender: Address::parse(b"j.hart@oakfield.example"),
        recipients: Address::parse(b"clerk@council.example").into_iter().collect(),
    };
    let now = "2026-01-14T10:00[Europe/London]".parse().expect("a moment");
    let (people, limits) = (People::default(), Limits::default());
    bencher.counter(BytesCount::of_slice(raw)).bench_local(|| {
        let means = Means {
            policy: &policy,
            people: &people,
            memory: &NoMemory,
            limits: &limits,
            inspector: &InProcess(&limits),
        };
        let scanned = scan(&envelope, Message::parse(raw, &limits), means, &now, &|| false);
        assert_eq!(scanned.verdict.action, Action::Tag, "the term that was put there is not found");
        assert_eq!(scanned.verdict.findings.len(), 1);
    });
}

/// A policy of one list of so many made-up terms, and ten rules.
fn policy(terms: usize) -> Policy {
    let mut list: String = (0..terms - 1).map(|number| made_up(number) + "\n").collect();
    list.push_str("blue folder of the governors\n");
    let mut rules = String::new();
    for number in 0..10 {
        let action = if number == 0 { "tag" } else { "hold" };
        let zones = if number == 0 { r#"["subject", "body"]"# } else { r#"["filename"]"# };
        let _ = write!(
            rules,
            "[[rule]]\nid = \"rule-{number}\"\ntitle = \"A rule\"\ncategory = \"confidential\"\nseverity = \"mild\"\n\
             mode = \"enforce\"\n[rule.if]\ndirection = [\"outbound\"]\nwords = {{ list = \"terms\", in = {zones} }}\n\
             [rule.then]\naction = \"{action}\"\n\n"
        );
    }
    let organisation = "name = \"Oakfield School\"\ndomains = [\"oakfield.example\"]\n".to_owned();
    let files = [("organisation.toml", organisation), ("rules.toml", rules), ("lists/terms.txt", list)];
    let files: BTreeMap<String, String> =
        files.into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
    Policy::compile(&Sources { files }).unwrap_or_else(|faults| panic!("{faults}"))
}

/// The term of that number: one to three words that no English text has.
fn made_up(number: usize) -> String {
    const SYLLABLES: [&str; 16] = [
        "bra", "cle", "dro", "fli", "gru", "pla", "ske", "tro", "vli", "zun", "mok", "nar", "pel", "quo",
        "rix", "syl",
    ];
    let mut rest = number;
    let mut word = String::new();
    for _ in 0..5 {
        word.push_str(SYLLABLES[rest % 16]);
        rest /= 16;
    }
    match number % 5 {
        0 => format!("{word} plan"),
        1 => format!("the {word} case"),
        _ => word,
    }
}

const HEADER: &str = "From: Jo Hart <j.hart@oakfield.example>\r\nTo: clerk@council.example\r\nSubject: Minutes of Tuesday\r\n\
    Date: Wed, 14 Jan 2026 10:00:00 +0000\r\nMessage-ID: <1@oakfield.example>\r\nMIME-Version: 1.0\r\n";

/// English prose of about so many bytes, with the term once.
fn prose(bytes: usize) -> String {
    const LINE: &str = "Thank you for the minutes of the meeting on Tuesday; I have read them and have two small changes,\r\n\
        both on the second page, where the date of the trip is wrong and the name of the coach firm is missing.\r\n";
    let mut text = LINE.repeat(bytes / LINE.len());
    text.push_str("Please bring the blue folder of the governors.\r\n");
    text
}

fn plain(bytes: usize) -> Vec<u8> {
    format!("{HEADER}Content-Type: text/plain; charset=utf-8\r\n\r\n{}", prose(bytes - 400)).into_bytes()
}

fn alternative(bytes: usize) -> Vec<u8> {
    let text = prose(bytes);
    let html = text.replace("\r\n", "</span></p>\r\n<p class=MsoNormal><span style='font-size:11.0pt'>");
    format!(
        "{HEADER}Content-Type: multipart/alternative; boundary=cut\r\n\r\n--cut\r\nContent-Type: text/plain\r\n\r\n{text}\r\n\
         --cut\r\nContent-Type: text/html\r\n\r\n<html><body><p>{html}</p></body></html>\r\n--cut--\r\n"
    )
    .into_bytes()
}

fn with_attachment(text: usize, attached: usize) -> Vec<u8> {
    let line = "JVBERi0xLjQKJcOkw7zDtsOfCjIgMCBvYmoKPDwvTGVuZ3RoIDMgMCBSL0ZpbHRlci9GbGF0ZURl\r\n";
    let encoded = line.repeat(attached / 57);
    format!(
        "{HEADER}Content-Type: multipart/mixed; boundary=cut\r\n\r\n--cut\r\nContent-Type: text/plain\r\n\r\n{}\r\n--cut\r\n\
         Content-Type: application/pdf; name=minutes.pdf\r\nContent-Disposition: attachment; filename=minutes.pdf\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{encoded}\r\n--cut--\r\n",
        prose(text)
    )
    .into_bytes()
}
