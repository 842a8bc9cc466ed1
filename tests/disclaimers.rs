//! Puts a disclaimer into every message of `fixtures/disclaimers` and compares the outcome, byte by byte and by a second parser.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may panic: that is how it fails"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use mailwarden::limits::Limits;
use mailwarden::message::Message;
use mailwarden::policy::{Direction, Disclaimer, Fallback, Placement};
use mailwarden::respond::disclaimer::{Barrier, Insertion, insert, wrap};
use mailwarden::respond::{Edits, apply};
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use serde::Deserialize;

const FOLDER: &str = "fixtures/disclaimers";

#[derive(Deserialize)]
struct Listing {
    disclaimers: BTreeMap<String, Form>,
    cases: BTreeMap<String, Case>,
}

#[derive(Deserialize)]
struct Form {
    text: String,
    html: String,
}

#[derive(Deserialize)]
struct Case {
    disclaimer: String,
    placement: Placement,
    fallback: Fallback,
    expect: String,
    #[serde(default)]
    carries: Vec<String>,
}

fn listing() -> Listing {
    let listing: Listing =
        serde_json::from_str(&fs::read_to_string(format!("{FOLDER}/cases.json")).unwrap()).unwrap();
    assert!(listing.cases.len() >= 60, "only {} cases: run make.py", listing.cases.len());
    listing
}

impl Listing {
    fn disclaimer(&self, case: &Case) -> Disclaimer {
        let form = &self.disclaimers[&case.disclaimer];
        Disclaimer {
            id: case.disclaimer.clone(),
            schools: Vec::new(),
            directions: vec![Direction::Outbound],
            text: form.text.clone(),
            html: form.html.clone(),
            placement: case.placement,
            fallback: case.fallback,
        }
    }
}

fn read(name: &str) -> Vec<u8> {
    fs::read(format!("{FOLDER}/{name}.eml"))
        .unwrap_or_else(|error| panic!("{name}.eml: {error}: run make.py"))
}

/// What became of a message, as `cases.json` words it, and the edits.
fn outcome(raw: &[u8], disclaimer: &Disclaimer) -> (String, Option<Edits>) {
    let message = Message::parse(raw, &Limits::default());
    match insert(&message, disclaimer) {
        Insertion::Edits(edits) => ("inserted".to_owned(), Some(edits)),
        Insertion::Present => ("present".to_owned(), None),
        Insertion::Barred(barrier) if disclaimer.fallback == Fallback::Wrap => {
            ("wrapped".to_owned(), wrap(&message, disclaimer, barrier, "4XYZ"))
        }
        Insertion::Barred(barrier) => (format!("barred-{}", name(barrier)), None),
    }
}

fn name(barrier: Barrier) -> &'static str {
    match barrier {
        Barrier::Signed => "signed",
        Barrier::Encrypted => "encrypted",
        Barrier::Calendar => "calendar",
        Barrier::Partial => "partial",
        Barrier::Report => "report",
        Barrier::Damaged => "damaged",
        Barrier::UnknownCharset => "unknown-charset",
        Barrier::NoText => "no-text",
    }
}

#[test]
fn every_message_comes_out_as_expected() {
    let listing = listing();
    let bless = std::env::var_os("MAILWARDEN_BLESS").is_some();
    let mut faults = Vec::new();
    for (name, case) in &listing.cases {
        let raw = read(name);
        let (found, edits) = outcome(&raw, &listing.disclaimer(case));
        if found != case.expect {
            faults.push(format!("{name}: {found}, {} was expected", case.expect));
            continue;
        }
        let expected = PathBuf::from(format!("{FOLDER}/{name}.out.eml"));
        let Some(edits) = edits else {
            assert!(!expected.exists(), "{} is left over: delete it", expected.display());
            continue;
        };
        let out = apply(&raw, &edits);
        faults.extend(changed_beyond(&raw, &edits, &out).map(|fault| format!("{name}: {fault}")));
        if bless {
            fs::write(&expected, &out).unwrap();
        } else if fs::read(&expected).ok().as_deref() != Some(out.as_slice()) {
            faults.push(format!("{name}: differs from {}: see MAILWARDEN_BLESS=1", expected.display()));
        }
    }
    for entry in fs::read_dir(FOLDER).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let name = file.trim_end_matches(".eml").trim_end_matches(".out");
        if file.ends_with(".eml") && !listing.cases.contains_key(name) {
            faults.push(format!("{file}: no case is named {name}: delete it"));
        }
    }
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), listing.cases.len(), faults.join("\n"));
}

#[test]
fn a_second_time_changes_nothing() {
    let listing = listing();
    let mut tried = 0;
    for (name, case) in listing.cases.iter().filter(|(_, case)| case.expect == "inserted") {
        let disclaimer = listing.disclaimer(case);
        let raw = read(name);
        let (_, Some(edits)) = outcome(&raw, &disclaimer) else { continue };
        let (found, again) = outcome(&apply(&raw, &edits), &disclaimer);
        assert_eq!((found.as_str(), again), ("present", None), "{name}");
        tried += 1;
    }
    assert!(tried >= 60, "only {tried} messages took the disclaimer");
}

#[test]
fn an_independent_parser_finds_it_once_and_all_else_unchanged() {
    let listing = listing();
    let folder = tempfile::tempdir().unwrap();
    let mut pairs = Vec::new();
    for (name, case) in &listing.cases {
        let raw = read(name);
        let (_, Some(edits)) = outcome(&raw, &listing.disclaimer(case)) else { continue };
        let after = folder.path().join(name);
        fs::write(&after, apply(&raw, &edits)).unwrap();
        pairs.push(serde_json::json!({
            "before": format!("{FOLDER}/{name}.eml"), "after": after, "disclaimer": case.disclaimer,
            "wrapped": case.expect == "wrapped", "carries": case.carries,
        }));
    }
    assert!(pairs.len() >= 60, "only {} messages changed", pairs.len());
    let results = reread(&serde_json::json!({ "disclaimers": forms(&listing), "pairs": pairs }));
    assert_eq!(results.len(), pairs.len());
    let faults: Vec<String> = results
        .iter()
        .filter(|result| !result["faults"].as_array().unwrap().is_empty())
        .map(|result| format!("{}: {}", result["pair"], result["faults"]))
        .collect();
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), pairs.len(), faults.join("\n"));
}

fn forms(listing: &Listing) -> BTreeMap<&str, serde_json::Value> {
    let form = |form: &Form| serde_json::json!({ "text": form.text, "html": form.html });
    listing.disclaimers.iter().map(|(id, written)| (id.as_str(), form(written))).collect()
}

/// Has Python read the pairs.
fn reread(request: &serde_json::Value) -> Vec<serde_json::Value> {
    let mut python = Command::new("python3")
        .arg(Path::new("tests/reread.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is needed for the second opinion on messages: install it (Debian: python3)");
    python.stdin.take().unwrap().write_all(request.to_string().as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "tests/reread.py failed");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What differs between a message and its edited form beyond what the edits name. Worked out without [`apply`]'s code:
/// the body is cut at the splices, the header into lines.
fn changed_beyond(raw: &[u8], edits: &Edits, out: &[u8]) -> Option<String> {
    let (header, body) = split(raw);
    let (new_header, new_body) = split(out);
    let offset = raw.len() - body.len();
    let (mut at, mut new_at) = (offset, 0);
    for splice in &edits.body {
        let kept = &raw[at..splice.range.start];
        if new_body.get(new_at..new_at + kept.len()) != Some(kept) {
            return Some(format!("the bytes from {at} to {} changed", splice.range.start));
        }
        new_at += kept.len();
        if new_body.get(new_at..new_at + splice.with.len()) != Some(&splice.with) {
            return Some(format!("the splice at {} is not there", splice.range.start));
        }
        (at, new_at) = (splice.range.end, new_at + splice.with.len());
    }
    if raw[at..] != new_body[new_at..] {
        return Some(format!("the bytes from {at} changed"));
    }
    let about_mime = |line: &&[u8]| {
        let lower = line.to_ascii_lowercase();
        lower.starts_with(b"content-") || lower.starts_with(b"mime-version:")
    };
    let other = |header: &[u8]| -> Vec<Vec<u8>> {
        fields(header).iter().copied().filter(|field| !about_mime(field)).map(<[u8]>::to_vec).collect()
    };
    (other(header) != other(new_header)).then(|| "a field of the header changed".to_owned())
}

fn split(raw: &[u8]) -> (&[u8], &[u8]) {
    let blank = |end: &[u8]| raw.windows(end.len()).position(|window| window == end).map(|at| at + end.len());
    match blank(b"\r\n\r\n").into_iter().chain(blank(b"\n\n")).min() {
        Some(at) => raw.split_at(at),
        None => (raw, b""),
    }
}

fn fields(header: &[u8]) -> Vec<&[u8]> {
    let mut starts: Vec<usize> = vec![0];
    for (at, pair) in header.windows(2).enumerate() {
        if pair[0] == b'\n' && !matches!(pair[1], b' ' | b'\t') {
            starts.push(at + 1);
        }
    }
    starts.push(header.len());
    starts.windows(2).map(|pair| &header[pair[0]..pair[1]]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the damage, the edits are in order and within the body, and all bytes beside them stay.
    #[test]
    fn damaged_messages_keep_their_bytes(
        pick in any::<usize>(),
        wounds in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>(), 0_usize..4), 0..8),
        unicode in any::<bool>(),
        before_quote in any::<bool>(),
    ) {
        let (messages, listing) = corpus();
        let mut raw = messages[pick % messages.len()].clone();
        for (place, byte, kind) in wounds {
            if raw.is_empty() {
                break;
            }
            let at = place.index(raw.len());
            match kind {
                0 => raw[at] = byte,
                1 => raw.insert(at, byte),
                2 => { raw.remove(at); }
                _ => raw.truncate(at.max(200)),
            }
        }
        let form = &listing.disclaimers[if unicode { "welsh" } else { "plain" }];
        let disclaimer = Disclaimer {
            id: "any".to_owned(),
            schools: Vec::new(),
            directions: Vec::new(),
            text: form.text.clone(),
            html: form.html.clone(),
            placement: if before_quote { Placement::BeforeQuote } else { Placement::End },
            fallback: Fallback::Wrap,
        };
        let message = Message::parse(&raw, &Limits::default());
        let (found, edits) = outcome(&raw, &disclaimer);
        if let Some(edits) = edits {
            let mut from = message.body_start;
            for splice in &edits.body {
                prop_assert!(splice.range.start >= from && splice.range.end >= splice.range.start);
                from = splice.range.end;
            }
            prop_assert!(from <= raw.len());
            let body = edits.body_of(&raw, message.body_start);
            let mut at = 0;
            let mut from = message.body_start;
            for splice in &edits.body {
                let length = splice.range.start - from;
                prop_assert_eq!(&raw[from..splice.range.start], &body[at..at + length]);
                at += length + splice.with.len();
                from = splice.range.end;
            }
            prop_assert_eq!(&raw[from..], &body[at..]);
            let out = apply(&raw, &edits);
            prop_assert!(out.ends_with(&body), "{} {}", raw.escape_ascii(), message.body_start);
            if found == "inserted" {
                prop_assert_eq!(outcome(&out, &disclaimer).0, "present", "{}", out.escape_ascii());
            }
        }
    }
}

fn corpus() -> &'static (Vec<Vec<u8>>, Listing) {
    static CORPUS: std::sync::OnceLock<(Vec<Vec<u8>>, Listing)> = std::sync::OnceLock::new();
    CORPUS.get_or_init(|| {
        let listing = listing();
        (listing.cases.keys().map(|name| read(name)).collect(), listing)
    })
}

/// Real mail: no panic, every byte beside the edits stays, and the second parser agrees.
#[cfg(feature = "corpus")]
#[test]
fn real_mail_keeps_its_bytes() {
    let corpus = std::env::var("MAILWARDEN_CORPUS")
        .expect("MAILWARDEN_CORPUS names the folder of real mail: make corpus");
    let listing = listing();
    let folder = tempfile::tempdir().unwrap();
    let mut pairs = Vec::new();
    for (number, path) in messages(Path::new(&corpus)).into_iter().enumerate() {
        // Its inner boundary is the outer one's end: here the two parsers read different trees, each with good reason.
        if path.ends_with("mail-parser-malformed/005.eml") {
            continue;
        }
        let raw = fs::read(&path).unwrap();
        for (disclaimer, placement) in [("welsh", Placement::End), ("plain", Placement::BeforeQuote)] {
            let case = Case {
                disclaimer: disclaimer.to_owned(),
                placement,
                fallback: Fallback::Skip,
                expect: String::new(),
                carries: Vec::new(),
            };
            let (_, Some(edits)) = outcome(&raw, &listing.disclaimer(&case)) else { continue };
            let out = apply(&raw, &edits);
            let (found, _) = outcome(&out, &listing.disclaimer(&case));
            assert_eq!(found, "present", "{} a second time", path.display());
            let after = folder.path().join(format!("{number}-{disclaimer}"));
            fs::write(&after, out).unwrap();
            pairs.push(serde_json::json!({
                "before": path, "after": after, "disclaimer": disclaimer, "wrapped": false, "carries": null,
            }));
        }
    }
    assert!(pairs.len() > 300, "only {} messages took the disclaimer", pairs.len());
    let results = reread(&serde_json::json!({ "disclaimers": forms(&listing), "pairs": pairs }));
    let faults: Vec<String> = results
        .iter()
        .filter(|result| !result["faults"].as_array().unwrap().is_empty())
        .map(|result| format!("{}: {}", result["pair"], result["faults"]))
        .collect();
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), pairs.len(), faults.join("\n"));
}

#[cfg(feature = "corpus")]
fn messages(corpus: &Path) -> Vec<PathBuf> {
    let mut folders = vec![corpus.join("mime"), corpus.join("email")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_data = path
                .extension()
                .is_some_and(|ending| ["csv", "jsonl", "tnef", "dat"].iter().any(|e| ending == *e));
            if path.is_dir() {
                folders.push(path);
            } else if !is_data {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
