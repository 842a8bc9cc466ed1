//! Messages in fixtures, in LF and in CRLF, with the parts, texts and gaps that they must give; and any bytes at all.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic: that is how it fails"
)]

use std::fs;
use std::path::{Path, PathBuf};

use mailwarden::extract::Extraction;
use mailwarden::extract::document::InProcess;
use mailwarden::limits::Limits;
use mailwarden::message::{Message, PartKind};
use mailwarden::verdict::{Gap, Zone};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop, prop_oneof, proptest};
use serde_json::{Value, json};

#[test]
fn fixtures_give_their_parts_and_texts() {
    let bless = std::env::var_os("MAILWARDEN_BLESS").is_some();
    let cases = cases();
    assert!(cases.len() >= 60, "found only {} cases: the test looks in the wrong place", cases.len());
    let mut wrong = Vec::new();
    for path in cases {
        let raw = fs::read(&path).unwrap();
        let seen = [seen(&raw), seen(&with_crlf(&raw))];
        assert_eq!(seen[0], seen[1], "{}: LF and CRLF differ", path.display());
        let expected_path = path.with_extension("json");
        if bless {
            fs::write(&expected_path, serde_json::to_string_pretty(&seen[0]).unwrap() + "\n").unwrap();
        }
        let expected = fs::read_to_string(&expected_path).unwrap_or_default();
        let expected: Value = serde_json::from_str(&expected).unwrap_or(Value::Null);
        if expected != seen[0] {
            let (expected, seen) = (format!("{expected:#}"), format!("{:#}", seen[0]));
            let changes = similar::TextDiff::from_lines(&expected, &seen).unified_diff().to_string();
            wrong.push(format!("{}\n{changes}", path.display()));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} cases differ (MAILWARDEN_BLESS=1 accepts):\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn caps_are_kept_and_said() {
    let generous = Limits::default();
    let raw = b"Subject: 1234567890\n\n1234567890\n";
    let gaps = |limits: &Limits, raw: &[u8]| {
        let extraction = Extraction::read(&Message::parse(raw, limits), limits, &InProcess(limits));
        let bytes: usize = extraction.texts.iter().map(|text| text.text.len()).sum();
        (extraction.coverage.gaps.iter().map(|entry| entry.gap).collect::<Vec<_>>(), bytes)
    };
    assert_eq!(gaps(&generous, raw), (vec![], 20));
    assert_eq!(gaps(&Limits { text_bytes: 14, ..generous.clone() }, raw), (vec![Gap::TooMuchText], 14));
    assert_eq!(gaps(&Limits { part_text_bytes: 4, ..generous.clone() }, raw), (vec![Gap::TooMuchText], 14));
    assert_eq!(gaps(&Limits { message_bytes: 25, ..generous.clone() }, raw), (vec![Gap::TooLarge], 14));
    assert_eq!(gaps(&Limits { header_bytes: 10, ..generous.clone() }, raw), (vec![Gap::TooLarge], 10));
    assert_eq!(gaps(&Limits { header_fields: 0, ..generous.clone() }, raw), (vec![Gap::TooLarge], 10));
    let mut parts = b"Content-Type: multipart/mixed; boundary=b\n".to_vec();
    parts.extend(b"\n--b\n\nx".repeat(50));
    let (found, _) = gaps(&Limits { mime_parts: 10, ..generous }, &parts);
    assert!(found.contains(&Gap::TooManyParts), "{found:?}");
}

/// Shapes that cost a careless reader more than their size: the test ends, and quickly.
#[test]
fn hostile_shapes_cost_what_their_size_costs() {
    let limits = Limits::default();
    let delimiters =
        [b"Content-Type: multipart/mixed; boundary=b\n\n".to_vec(), b"--b\n".repeat(200_000)].concat();
    let mut nested = Vec::new();
    for level in 0..2_000 {
        nested.extend(format!("Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n").bytes());
    }
    let html = |body: Vec<u8>| [b"Content-Type: text/html\n\n".to_vec(), body].concat();
    let shapes = [
        delimiters,
        nested,
        b"\n--".repeat(300_000),
        b"Content-Type: message/rfc822\n\n".repeat(30_000),
        [b"Subject: ".to_vec(), b"=?utf-8?Q?=".repeat(50_000)].concat(),
        [b"Subject: ".to_vec(), b"=?".repeat(200_000)].concat(),
        [b"Content-Type: text/plain".to_vec(), b"; a*0=b".repeat(100_000)].concat(),
        html(b"<div>".repeat(200_000)),
        html([b"<b>".repeat(600), b"</i>".repeat(200_000)].concat()),
        html(b"<blockquote>x".repeat(50_000)),
        html(b"&".repeat(500_000)),
        html(b"<!--[if mso]><p>".repeat(50_000)),
        [b"\n".to_vec(), b"From:\n".repeat(100_000)].concat(),
        [b"\n".to_vec(), b"On 2026\n".repeat(100_000)].concat(),
        [b"Content-Type: text/plain; format=flowed\n\n".to_vec(), b"> \n>> \n".repeat(100_000)].concat(),
    ];
    for raw in shapes {
        let message = Message::parse(&raw, &limits);
        let extraction = Extraction::read(&message, &limits, &InProcess(&limits));
        assert!(extraction.texts.len() <= message.parts.len() * 4 + 2);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read(raw in prop::collection::vec(any::<u8>(), 0..2_000)) {
        hold_invariants(&raw);
    }

    #[test]
    fn pieces_of_mail_in_any_order_are_read(pieces in prop::collection::vec(piece(), 0..60)) {
        hold_invariants(&pieces.concat());
    }

    #[test]
    fn mutated_fixtures_are_read(
        index in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..8, piece()), 1..6),
    ) {
        let cases = cases();
        let mut raw = fs::read(index.get(&cases)).unwrap();
        for (place, removed, piece) in edits {
            let at = place.index(raw.len() + 1);
            let end = (at + removed).min(raw.len());
            raw.splice(at..end, piece);
        }
        hold_invariants(&raw);
        hold_invariants(&with_crlf(&raw));
    }
}

/// What holds for any bytes.
fn hold_invariants(raw: &[u8]) {
    let limits = Limits::default();
    let message = Message::parse(raw, &limits);
    assert!(!message.parts.is_empty());
    assert!(message.body_start <= raw.len());
    let mut at = 0;
    for field in &message.header {
        assert!(field.range.start >= at && field.range.end > field.range.start);
        at = field.range.end;
    }
    assert!(at <= message.body_start);
    for (index, part) in message.parts.iter().enumerate() {
        assert!(part.header.start <= part.header.end && part.header.end <= part.body.start);
        assert!(part.body.start <= part.body.end && part.body.end <= raw.len());
        assert_eq!(&raw[part.body.clone()], part.raw);
        assert_eq!(part.parent.is_none(), index == 0);
        assert!(part.parent.is_none_or(|parent| parent < index));
        if let Some(parent) = part.parent.map(|parent| &message.parts[parent]) {
            assert!(parent.body.start <= part.header.start && part.body.end <= parent.body.end);
            assert!(matches!(parent.kind, PartKind::Container | PartKind::Message));
        }
        let _ = part.decoded();
    }
    let extraction = Extraction::read(&message, &limits, &InProcess(&limits));
    let mut places: Vec<_> = extraction.texts.iter().map(|text| (text.part.clone(), text.zone)).collect();
    assert!(extraction.texts.iter().all(|text| !text.text.is_empty() && !text.text.contains(['\r', '\0'])));
    places.sort();
    places.dedup();
    assert_eq!(places.len(), extraction.texts.len(), "a zone of a part has more than one text");
}

/// Pieces that the readers look for, and bytes that they don't expect.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: [&[u8]; 40] = [
        b"\n",
        b"\r\n",
        b"\n\n",
        b"\r",
        b"\0",
        b" ",
        b"--",
        b"--b1",
        b"\n--b1\n",
        b"\n--b1--\n",
        b"-- \n",
        b"> ",
        b"Content-Type: ",
        b"text/html",
        b"text/plain",
        b"multipart/mixed; boundary=b1\n\n",
        b"message/rfc822\n\n",
        b"Content-Transfer-Encoding: base64\n",
        b"Content-Disposition: attachment; filename*0*=",
        b"Subject: ",
        b"=?utf-8?B?",
        b"?=",
        b"=?utf-7?Q?+",
        b"=",
        b"=\n",
        b"<div hidden>",
        b"</div>",
        b"<!--",
        b"-->",
        b"<style>",
        b"&#x",
        b"&amp",
        b"On 2 Mar 2026, at 09:15 wrote:\n",
        b"From:\nSent:\nTo:\n",
        b"\xff\xfe",
        b"\xc3",
        b"utf-16",
        b"\"",
        b";",
        b"charset=",
    ];
    prop_oneof![
        4 => prop::sample::select(PIECES.to_vec()).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..8),
        1 => Just(b"words of a message ".to_vec()),
    ]
}

/// What a fixture's expected result states.
fn seen(raw: &[u8]) -> Value {
    let limits = Limits::default();
    let message = Message::parse(raw, &limits);
    let extraction = Extraction::read(&message, &limits, &InProcess(&limits));
    let parts: Vec<Value> = message
        .parts
        .iter()
        .map(|part| {
            let mut value = json!({ "path": part.path, "kind": part.kind, "type": part.content_type });
            if let Some(filename) = &part.filename {
                value["filename"] = json!(filename);
            }
            if json!(part.protection) != json!("none") {
                value["protection"] = json!(part.protection);
            }
            value
        })
        .collect();
    let texts: Vec<Value> = extraction
        .texts
        .iter()
        // The header's text is of interest where the header is: elsewhere it is the same each time.
        .filter(|text| text.zone != Zone::Header || !text.text.starts_with("from: Priya Shah"))
        .map(|text| {
            let mut value = json!({ "zone": text.zone, "part": text.part, "text": text.text });
            let places =
                text.places.marks.iter().map(|mark| (mark.start, text.places.at(mark.start as usize)));
            let places: Vec<Value> =
                places.map(|(start, place)| json!({ "start": start, "place": place })).collect();
            if places.iter().any(|place| !place["place"].is_null()) {
                value["places"] = json!(places);
            }
            if let Some(alternative) = text.alternative {
                value["alternative"] = json!(alternative);
            }
            value
        })
        .collect();
    json!({ "parts": parts, "texts": texts, "coverage": extraction.coverage })
}

fn with_crlf(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len() + raw.len() / 40);
    let mut last = 0;
    for &byte in raw {
        if byte == b'\n' && last != b'\r' {
            out.push(b'\r');
        }
        out.push(byte);
        last = byte;
    }
    out
}

fn cases() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for topic in fs::read_dir("fixtures/messages").unwrap() {
        let topic = topic.unwrap().path();
        if topic.is_dir() {
            found.extend(files(&topic));
        }
    }
    found.sort();
    found
}

fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "eml"))
}
