//! Measures what a response costs: the disclaimer put in, found to be there, and a mark. Each asserts what it did first.
//!
//! `cargo bench --bench respond`. The messages: 2 kB of plain text, 2 kB of text and HTML, and 500 kB of which the most is
//! an attachment; one with 500 kB of quoted text in quoted-printable, which is the worst that a thread brings.
#![allow(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench may panic: that is how it fails"
)]

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use mailwarden::limits::Limits;
use mailwarden::message::Message;
use mailwarden::policy::{Direction, Disclaimer, Fallback, Placement};
use mailwarden::respond::disclaimer::{Insertion, insert};
use mailwarden::respond::{Edits, apply};

fn main() {
    divan::main();
}

const SHAPES: [&str; 4] = ["text-2kB", "alternative-2kB", "attachment-500kB", "thread-500kB"];

const SENTENCE: &str = "The minutes of the meeting are below, and we meet again on Friday at noon. ";

fn text(bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 128);
    while text.len() < bytes {
        text.push_str(SENTENCE);
        text.push_str("\r\n");
    }
    text
}

fn page(bytes: usize) -> String {
    let paragraph = format!("<p class=\"MsoNormal\">{SENTENCE}<o:p>&nbsp;</o:p></p>\r\n");
    format!("<html><body>\r\n{}</body></html>\r\n", paragraph.repeat(bytes / paragraph.len() + 1))
}

fn message(shape: &str) -> Vec<u8> {
    let head = "From: Ana <ana@oakfield.example>\r\nTo: Bo <bo@beechwood.example>\r\nSubject: the minutes\r\n\
        Date: Tue, 3 Mar 2026 09:15:00 +0000\r\nMessage-ID: <1@oakfield.example>\r\nMIME-Version: 1.0\r\n";
    let alternative = |bytes: usize| {
        format!(
            "Content-Type: multipart/alternative; boundary=\"alt\"\r\n\r\n--alt\r\nContent-Type: text/plain; charset=utf-8\r\n\
             \r\n{}\r\n--alt\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{}\r\n--alt--\r\n",
            text(bytes / 2),
            page(bytes / 2)
        )
    };
    let content = match shape {
        "text-2kB" => format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{}", text(1_800)),
        "alternative-2kB" => alternative(1_600),
        "attachment-500kB" => format!(
            "Content-Type: multipart/mixed; boundary=\"mix\"\r\n\r\n--mix\r\n{}\r\n--mix\r\nContent-Type: application/pdf\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n{}\r\n--mix--\r\n",
            alternative(3_000),
            format!("{}\r\n", "QUJD".repeat(19)).repeat(6_400)
        ),
        _ => format!(
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nYes.\r\n\r\nBo wrote:\r\n{}",
            format!("> {}=\r\n=E2=80=93 caf=C3=A9\r\n", &SENTENCE[..60]).repeat(5_800)
        ),
    };
    format!("{head}{content}").into_bytes()
}

fn disclaimer() -> Disclaimer {
    let words = "This message and what is attached to it are meant for the person to whom it is addressed. If it reached \
        you in error, please delete it and tell the sender – Hillside Trust keeps a record of its mail.";
    Disclaimer {
        id: "standard".to_owned(),
        schools: Vec::new(),
        directions: vec![Direction::Outbound],
        text: format!("{words}\n"),
        html: format!("<p>{words}</p>\n"),
        placement: Placement::BeforeQuote,
        fallback: Fallback::Skip,
    }
}

fn inserted(message: &Message<'_>) -> Edits {
    match insert(message, &disclaimer()) {
        Insertion::Edits(edits) => edits,
        other => panic!("{other:?}"),
    }
}

/// The disclaimer's edits of a message whose structure is read.
#[divan::bench(args = SHAPES)]
fn put_in(bencher: Bencher<'_, '_>, shape: &str) {
    let raw = message(shape);
    let (message, disclaimer) = (Message::parse(&raw, &Limits::default()), disclaimer());
    let parts = if shape.starts_with('t') { 1 } else { 2 };
    assert!(inserted(&message).body.len() >= parts);
    bencher.counter(BytesCount::new(raw.len())).bench_local(|| insert(black_box(&message), &disclaimer));
}

/// The same for a message in which the disclaimer stands already.
#[divan::bench(args = SHAPES)]
fn find_present(bencher: Bencher<'_, '_>, shape: &str) {
    let raw = message(shape);
    let raw = apply(&raw, &inserted(&Message::parse(&raw, &Limits::default())));
    let (message, disclaimer) = (Message::parse(&raw, &Limits::default()), disclaimer());
    assert_eq!(insert(&message, &disclaimer), Insertion::Present);
    bencher.counter(BytesCount::new(raw.len())).bench_local(|| insert(black_box(&message), &disclaimer));
}

/// The edited message in one piece, as `backtest` and the tests want it; the MTA gets the edits themselves.
#[divan::bench(args = SHAPES)]
fn apply_edits(bencher: Bencher<'_, '_>, shape: &str) {
    let raw = message(shape);
    let edits = inserted(&Message::parse(&raw, &Limits::default()));
    assert!(apply(&raw, &edits).len() > raw.len() + 100);
    bencher.counter(BytesCount::new(raw.len())).bench_local(|| apply(black_box(&raw), &edits));
}
