//! Real and damaged mail from the corpus: read without a panic, in time, and as its facts say. Holds none of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic: that is how it fails"
)]

#[path = "support/blessed.rs"]
mod blessed;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mailwarden::extract::Extraction;
use mailwarden::extract::document::{InProcess, Inspection, inspect};
use mailwarden::limits::Limits;
use mailwarden::message::{Message, Part, PartKind};
use mailwarden::verdict::{Kind, Protection};
use serde_json::Value;

/// Messages that CPython's `email` and we read differently, and why ours stands.
const DIFFERENT_PARTS: &[(&str, &str)] = &[
    (
        "chatmail-misc/gmail_ndn_group.eml",
        "the fields of a message/delivery-status are no parts: they are read as its text",
    ),
    (
        "chatmail-misc/posteo_ndn.eml",
        "the fields of a message/delivery-status are no parts: they are read as its text",
    ),
    (
        "cpython-email/msg_15.eml",
        "two multiparts with one boundary: after the inner one's end the outer goes on",
    ),
    (
        "cpython-email/msg_16.eml",
        "the fields of a message/delivery-status are no parts: they are read as its text",
    ),
    (
        "cpython-email/msg_36.eml",
        "what follows an external body's fields is a phantom (RFC 2046 §5.2.3), and no part",
    ),
    ("cpython-email/msg_37.eml", "two delimiters in a row have an empty part between them"),
    ("cpython-email/msg_39.eml", "multiparts with one boundary: after the inner one's end the outer goes on"),
    (
        "cpython-email/msg_43.eml",
        "the fields of a message/delivery-status are no parts: they are read as its text",
    ),
    ("mail-parser-malformed/000.eml", "two delimiters in a row have an empty part between them"),
    ("mail-parser-malformed/005.eml", "boundaries that end in dashes: we find a part more"),
    (
        "mail-parser-malformed/017.eml",
        "the `;` before the boundary is missing: the type ends at the white space",
    ),
    ("mail-parser-malformed/019.eml", "a broken line among fields: we pass over it and find the parts"),
    (
        "mail-parser-rfc/001.eml",
        "what follows an external body's fields is a phantom (RFC 2046 §5.2.3), and no part",
    ),
    (
        "mail-parser-rfc/008.eml",
        "a message in base64 has no parts in the message's bytes: its text is read apart",
    ),
    ("mail-parser-thirdparty/009.eml", "a fragment of a message is no message"),
    ("mail-parser-thirdparty/012.eml", "a boundary folded inside its quotes: unfolded, it delimits"),
];

/// Messages whose attachment names differ from the labels', and why ours stand.
const DIFFERENT_NAMES: &[(&str, &str)] =
    &[("cpython-email/msg_15.eml", "two multiparts with one boundary: the labels miss the outer one's file")];

#[test]
fn every_message_is_read_in_time() {
    let limits = Limits::default();
    let mut slow = Vec::new();
    let files = messages();
    assert!(files.len() > 400, "only {} messages under {}", files.len(), corpus().display());
    for path in files {
        let raw = fs::read(&path).unwrap();
        let best = (0..3)
            .map(|_| {
                let start = Instant::now();
                let message = Message::parse(&raw, &limits);
                let extraction = Extraction::read(&message, &limits, &InProcess(&limits));
                assert!(!message.parts.is_empty(), "{}", path.display());
                assert!(extraction.texts.iter().all(|text| !text.text.is_empty()), "{}", path.display());
                start.elapsed()
            })
            .min()
            .unwrap();
        for part in &message_parts(&raw) {
            assert!(part.1 <= part.2 && part.2 <= raw.len(), "{}: {}", path.display(), part.0);
        }
        if best > Duration::from_millis(50) && !cfg!(debug_assertions) {
            slow.push(format!("{}: {best:?}", path.display()));
        }
    }
    assert!(slow.is_empty(), "over 50 ms: {slow:#?}");
}

#[test]
fn parts_are_those_that_python_sees() {
    let facts = fs::read_to_string(corpus().join("mime/facts.jsonl")).unwrap();
    let mut wrong = Vec::new();
    let mut compared = 0;
    for line in facts.lines() {
        let fact: Value = serde_json::from_str(line).unwrap();
        let name = fact["path"].as_str().unwrap();
        let raw = fs::read(corpus().join("mime").join(name)).unwrap();
        let message = Message::parse(&raw, &Limits::default());
        let theirs: Vec<String> = fact["parts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|part| part["type"].as_str().unwrap().to_owned())
            .collect();
        let ours: Vec<String> = message.parts.iter().map(|part| part.content_type.to_string()).collect();
        let excepted = DIFFERENT_PARTS.iter().any(|(excepted, _)| *excepted == name);
        compared += 1;
        if (ours == theirs) == excepted {
            let defects = fact["defects"].to_string();
            wrong.push(format!(
                "{name}\n  theirs {theirs:?}\n  ours   {ours:?}\n  excepted {excepted} {defects}"
            ));
        }
    }
    assert!(compared > 200, "compared only {compared}");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn names_and_protection_are_as_labelled() {
    let mut wrong = Vec::new();
    let mut compared = 0;
    for row in table(&corpus().join("mime/labels.csv")).into_iter().filter(|row| row["kind"] == "message") {
        let name = &row["path"];
        let raw = fs::read(corpus().join("mime").join(name)).unwrap();
        let message = Message::parse(&raw, &Limits::default());
        compared += 1;
        let labelled = row["protection"].as_str();
        if !protection_fits(labelled, &message) {
            let ours: Vec<_> =
                message.parts.iter().map(|part| (&part.content_type, part.protection)).collect();
            wrong.push(format!("{name}: labelled {labelled}, ours {ours:?}"));
        }
        let theirs: Vec<&str> =
            row["attachment_names"].split(" | ").map(str::trim).filter(|name| !name.is_empty()).collect();
        let ours: Vec<&str> = message.parts.iter().filter_map(|part| part.filename.as_deref()).collect();
        // The labels have names as they came; ours are decoded.
        let encoded = theirs.iter().any(|name| name.contains("=?"));
        let theirs =
            if encoded && ours.iter().all(|name| !name.contains("=?")) { ours.clone() } else { theirs };
        let excepted = DIFFERENT_NAMES.iter().any(|(excepted, _)| excepted == name);
        if (theirs == ours) == excepted {
            wrong.push(format!("{name}: excepted {excepted}\n  theirs {theirs:?}\n  ours   {ours:?}"));
        }
    }
    for row in table(&corpus().join("email/labels.csv")) {
        let raw = fs::read(corpus().join("email").join(&row["path"])).unwrap();
        let message = Message::parse(&raw, &Limits::default());
        compared += 1;
        let parts: usize = row["n_parts"].parse().unwrap();
        if parts != message.parts.len() || !protection_fits(&row["protection"], &message) {
            let ours: Vec<_> =
                message.parts.iter().map(|part| (&part.content_type, part.protection)).collect();
            wrong.push(format!("{}: labelled {parts} {}, ours {ours:?}", row["path"], row["protection"]));
        }
    }
    assert!(compared > 400, "compared only {compared}");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// The least share of messages, and of attachments that state it, whose kind and protection must be right.
const RIGHT: f64 = 0.99;

#[test]
fn messages_and_attachments_are_as_labelled_when_they_are_read_as_files() {
    let limits = Limits::default();
    let mut table_of = Tables::default();
    for row in table(&corpus().join("mime/labels.csv")) {
        let name = &row["path"];
        let raw = fs::read(corpus().join("mime").join(name)).unwrap();
        // Some of the corpus begin with no field that is known: a message's name says what they are.
        let is_message = row["kind"] == "message";
        let inspection =
            inspect(Some(if is_message { "message.eml" } else { "winmail.dat" }), &raw, &limits, &|| false);
        let label = format!("{}, {}", row["kind"], row["protection"]);
        let fits = if is_message {
            inspection_fits(&row["protection"], &inspection)
        } else {
            inspection.items[0].kind == Kind::Tnef && inspection.items[0].protection == Protection::None
        };
        table_of.messages.count(name, &label, &found_in(&inspection), fits);
        let message = Message::parse(&raw, &limits);
        let extraction = Extraction::read(&message, &limits, &InProcess(&limits));
        for stated in row["attachment_protection"].split(" | ").filter(|stated| !stated.is_empty()) {
            let (file, stated) = stated.rsplit_once('=').unwrap();
            let (kind, encrypted) = stated.split_once(':').unwrap();
            let label = format!("{kind}, {}", if encrypted == "yes" { "encrypted" } else { "none" });
            let found = extraction.files.iter().find(|it| it.item.name.as_deref() == Some(file));
            let found = found.map_or_else(
                || "nothing".to_owned(),
                |found| format!("{}, {}", found.item.kind, found.item.protection),
            );
            table_of.attachments.count(&format!("{name}, {file}"), &label, &found, label == found);
        }
    }
    let page = table_of.page();
    println!("{page}");
    let (all, right) = (table_of.messages.all() + table_of.attachments.all(), table_of.right());
    assert!(all > 240, "compared only {all}");
    blessed::blessed(Path::new("docs/measured-messages.md"), &page);
    let share = right as f64 / all as f64;
    assert!(share >= RIGHT, "{share:.3}");
}

/// What labels were found as.
#[derive(Default)]
struct Confusion {
    /// How often a label came out as what, and how often that was right.
    pairs: BTreeMap<(String, String), (usize, usize)>,
    wrong: Vec<String>,
}

impl Confusion {
    fn count(&mut self, what: &str, label: &str, found: &str, fits: bool) {
        let (all, right) = self.pairs.entry((label.to_owned(), found.to_owned())).or_default();
        *all += 1;
        *right += usize::from(fits);
        if !fits {
            self.wrong.push(format!("- `{what}`: {label}; found {found}\n"));
        }
    }

    fn all(&self) -> usize {
        self.pairs.values().map(|(all, _)| all).sum()
    }

    fn right(&self) -> usize {
        self.pairs.values().map(|(_, right)| right).sum()
    }

    fn table(&self, what: &str) -> String {
        let mut text =
            format!("| {what} by its label | found as | how many | right |\n| --- | --- | --- | --- |\n");
        for ((label, found), (all, right)) in &self.pairs {
            text.push_str(&format!("| {label} | {found} | {all} | {right} |\n"));
        }
        text
    }
}

#[derive(Default)]
struct Tables {
    messages: Confusion,
    attachments: Confusion,
}

impl Tables {
    fn right(&self) -> usize {
        self.messages.right() + self.attachments.right()
    }

    fn page(&self) -> String {
        let row = |what: &str, it: &Confusion| {
            let share = it.right() as f64 / it.all().max(1) as f64;
            format!("| {what} | {} | {} | {share:.3} |\n", it.right(), it.all())
        };
        let wrong = [self.messages.wrong.concat(), self.attachments.wrong.concat()].concat();
        format!(
            "# What mailwarden makes of messages\n\n\
            Made by `MAILWARDEN_BLESS=1 make corpus` from labelled messages that lie beside the clone and are never \
            committed;\n`make corpus` fails where this page is not what it shows. Each is read as a file, and what its \
            attachments are is\ncompared where the label states it. [measured-documents.md](measured-documents.md) has \
            the documents.\n\n\
            | kind and protection of | right | of | share |\n| --- | --- | --- | --- |\n{}{}\n{}\n{}\n## Wrong\n\n{}",
            row("messages", &self.messages),
            row("attachments that are labelled", &self.attachments),
            self.messages.table("message"),
            self.attachments.table("attachment"),
            if wrong.is_empty() { "None.\n" } else { &wrong }
        )
    }
}

/// The kind and protection of a file, and the protection of what is inside where that is another.
fn found_in(inspection: &Inspection) -> String {
    let own = &inspection.items[0];
    let mut inside: Vec<String> = inspection.items[1..]
        .iter()
        .filter(|item| !matches!(item.protection, Protection::None) && item.protection != own.protection)
        .map(|item| format!("{} {}", item.protection, item.kind))
        .collect();
    inside.sort();
    inside.dedup();
    let inside = if inside.is_empty() { String::new() } else { format!("; inside: {}", inside.join(", ")) };
    format!("{}, {}{inside}", own.kind, own.protection)
}

/// Whether what is found in a message's file is what its label says.
fn inspection_fits(label: &str, inspection: &Inspection) -> bool {
    let own = &inspection.items[0];
    let sealed = inspection.items.iter().any(|item| item.protection == Protection::Encrypted);
    let is_mail = matches!(own.kind, Kind::Eml | Kind::Mbox);
    is_mail
        && match label {
            "none" => matches!(own.protection, Protection::None) && !sealed,
            "pgp-mime-encrypted" | "smime-enveloped" | "pgp-inline-encrypted" => {
                own.protection == Protection::Encrypted
            }
            "pgp-inline-encrypted-partial" => {
                matches!(own.protection, Protection::Encrypted | Protection::Partly)
            }
            "contains-encrypted-part" => sealed,
            "smime-opaque-signed" | "smime-clear-signed" | "signed-only" => {
                own.protection == Protection::Signed && !sealed
            }
            "contains-signed-part" => {
                inspection.items.iter().any(|item| item.protection == Protection::Signed) && !sealed
            }
            // What is inside a document is compared by its name.
            other if other.starts_with("none (") => own.protection == Protection::None,
            other => panic!("no such label: {other}"),
        }
}

/// Whether what the parts say is what the label says of the whole message.
fn protection_fits(label: &str, message: &Message<'_>) -> bool {
    let has = |wanted: &dyn Fn(&Part<'_>) -> bool| message.parts.iter().any(wanted);
    let encrypted = has(&|part| part.protection == Protection::Encrypted);
    let signed = has(&|part| part.protection == Protection::Signed);
    match label {
        "none" => !encrypted && !signed,
        "pgp-mime-encrypted"
        | "contains-encrypted-part"
        | "smime-enveloped"
        | "pgp-inline-encrypted"
        | "pgp-inline-encrypted-partial" => encrypted,
        "smime-opaque-signed" | "smime-clear-signed" | "signed-only" | "contains-signed-part" => {
            signed && !encrypted
        }
        // What is inside a document is for the readers of documents to say.
        other if other.starts_with("none (") => !encrypted,
        other => panic!("no such label: {other}"),
    }
}

fn message_parts(raw: &[u8]) -> Vec<(String, usize, usize)> {
    let message = Message::parse(raw, &Limits::default());
    let leaf = |part: &&Part<'_>| part.kind != PartKind::Container;
    message
        .parts
        .iter()
        .filter(leaf)
        .map(|part| (part.path.to_string(), part.body.start, part.body.end))
        .collect()
}

fn corpus() -> PathBuf {
    let folder =
        std::env::var_os("MAILWARDEN_CORPUS").map_or_else(|| "../shared/corpus".into(), PathBuf::from);
    assert!(folder.is_dir(), "no corpus at {}: set MAILWARDEN_CORPUS", folder.display());
    folder
}

fn messages() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![corpus().join("mime"), corpus().join("email")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "eml") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The rows of a CSV file by their column names (RFC 4180).
fn table(path: &Path) -> Vec<BTreeMap<String, String>> {
    let text = fs::read_to_string(path).unwrap();
    let mut rows = vec![vec![String::new()]];
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                rows.last_mut().unwrap().last_mut().unwrap().push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => rows.last_mut().unwrap().push(String::new()),
            '\n' if !quoted => rows.push(vec![String::new()]),
            '\r' if !quoted => {}
            other => rows.last_mut().unwrap().last_mut().unwrap().push(other),
        }
    }
    let mut rows = rows.into_iter();
    let names = rows.next().unwrap();
    rows.filter(|row| row.len() == names.len()).map(|row| names.iter().cloned().zip(row).collect()).collect()
}
