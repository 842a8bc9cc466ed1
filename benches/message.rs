//! What it costs to read a message: structure and texts. Each case states what must be found.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a bench may panic: that is how it fails"
)]

use divan::counter::BytesCount;
use divan::{Bencher, black_box};

use mailwarden::extract::Extraction;
use mailwarden::extract::document::InProcess;
use mailwarden::limits::Limits;
use mailwarden::message::Message;
use mailwarden::verdict::Zone;

fn main() {
    divan::main();
}

const SENTENCE: &str = "Please bring the consent form for the museum trip to the office by Friday morning. ";
const HEADER: &str = "Received: from mail.oakfield.example (mail.oakfield.example [192.0.2.7])\r\n\tby mx.example \
    with ESMTPS id 4dHxyz0Qz9z1B\r\n\tfor <office@beechwood.example>; Mon, 2 Mar 2026 09:15:00 +0000 (GMT)\r\n\
    From: Priya Shah <p.shah@oakfield.example>\r\nTo: Office <office@beechwood.example>\r\n\
    Subject: =?utf-8?q?Museum_trip_=E2=80=93_year_5?=\r\nDate: Mon, 2 Mar 2026 09:14:58 +0000\r\n\
    Message-ID: <a1@oakfield.example>\r\nMIME-Version: 1.0\r\n";

#[derive(Clone, Copy, Debug)]
enum Case {
    /// 2 kB of plain text.
    Small,
    /// Plain text and the same in 50 kB of HTML.
    Html,
    /// 520 kB: text, HTML, and two files in base64.
    Files,
    /// 200 kB of text in base64.
    EncodedText,
}

fn sentences(count: usize) -> String {
    let mut text = String::new();
    for _ in 0..count {
        text.push_str(SENTENCE);
        text.push_str("\r\n");
    }
    text
}

fn page(paragraphs: usize) -> String {
    let mut html = String::from("<html><head><style>p { margin: 0 }</style></head><body>\r\n");
    for _ in 0..paragraphs {
        html.push_str(
            "<p class=\"MsoNormal\"><span style=\"font-size:11.0pt;font-family:Calibri;color:#1F497D\">",
        );
        html.push_str(SENTENCE);
        html.push_str(
            "<a href=\"https://oakfield.example/trips?id=5\">Trips &amp; visits</a></span></p>\r\n",
        );
    }
    html.push_str("</body></html>\r\n");
    html
}

fn base64(bytes: usize) -> String {
    let mut text = String::new();
    let line = "VGhpcyBpcyBhIGZpbGUgb2YgYSBzY2hvb2wsIGFuZCBub2JvZHkgcmVhZHMgaXQgaGVyZS4h";
    while text.len() < bytes {
        text.push_str(line);
        text.push_str("\r\n");
    }
    text
}

impl Case {
    fn message(self) -> String {
        match self {
            Self::Small => {
                format!("{HEADER}Content-Type: text/plain; charset=utf-8\r\n\r\n{}", sentences(16))
            }
            Self::EncodedText => format!(
                "{HEADER}Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
                base64(200 << 10)
            ),
            Self::Html => alternative(200, ""),
            Self::Files => {
                let file = |name: &str| {
                    let body = base64(240 << 10);
                    format!(
                        "--outer\r\nContent-Type: application/pdf; name=\"{name}\"\r\n\
                         Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment\r\n\r\n{body}"
                    )
                };
                alternative(40, &format!("{}{}", file("trip.pdf"), file("form.pdf")))
            }
        }
    }

    /// The number of parts, and how often the word of interest stands in the body.
    fn expected(self) -> (usize, usize) {
        match self {
            Self::Small => (1, 16),
            Self::Html => (4, 400),
            Self::Files => (6, 80),
            Self::EncodedText => (1, 0),
        }
    }
}

fn alternative(paragraphs: usize, files: &str) -> String {
    format!(
        "{HEADER}Content-Type: multipart/mixed; boundary=outer\r\n\r\n--outer\r\n\
         Content-Type: multipart/alternative; boundary=inner\r\n\r\n--inner\r\nContent-Type: text/plain\r\n\r\n{}\
         --inner\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{}--inner--\r\n{files}--outer--\r\n",
        sentences(paragraphs),
        page(paragraphs)
    )
}

#[divan::bench(args = [Case::Small, Case::Html, Case::Files, Case::EncodedText])]
fn parse_and_extract(bencher: Bencher<'_, '_>, case: Case) {
    let raw = case.message();
    let limits = Limits::default();
    let (parts, words) = case.expected();
    bencher.counter(BytesCount::new(raw.len())).bench_local(|| {
        let message = Message::parse(black_box(raw.as_bytes()), &limits);
        let extraction = Extraction::read(&message, &limits, &InProcess(&limits));
        assert_eq!(message.parts.len(), parts);
        extraction
    });
    let message = Message::parse(raw.as_bytes(), &limits);
    let extraction = Extraction::read(&message, &limits, &InProcess(&limits));
    let bodies = extraction.texts.iter().filter(|text| text.zone == Zone::Body);
    assert_eq!(bodies.map(|text| text.text.matches("museum trip").count()).sum::<usize>(), words);
    assert!(extraction.coverage.is_complete());
}

#[divan::bench(args = [Case::Small, Case::Html, Case::Files, Case::EncodedText])]
fn parse_alone(bencher: Bencher<'_, '_>, case: Case) {
    let raw = case.message();
    let limits = Limits::default();
    bencher.counter(BytesCount::new(raw.len())).bench_local(|| {
        let message = Message::parse(black_box(raw.as_bytes()), &limits);
        assert_eq!(message.parts.len(), case.expected().0);
    });
}

/// What the library that reads everything at once costs: the reason for a walk of our own.
#[divan::bench(args = [Case::Small, Case::Html, Case::Files, Case::EncodedText])]
fn mail_parser(bencher: Bencher<'_, '_>, case: Case) {
    let raw = case.message();
    bencher.counter(BytesCount::new(raw.len())).bench_local(|| {
        let message = mail_parser::MessageParser::default().parse(black_box(raw.as_bytes())).unwrap();
        assert_eq!(message.parts.len(), case.expected().0);
    });
}
