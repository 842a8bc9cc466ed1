//! The labelled documents of the corpus: the right kind, the right protection, the stated text. Prints the tables of
//! docs/measured-documents.md, and fails where that page is not what it shows.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "a test may panic: that is how it fails"
)]

#[path = "support/blessed.rs"]
mod blessed;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use mailwarden::extract::document::{InProcess, Inspection, Inspector};
use mailwarden::limits::Limits;
use serde::Deserialize;

/// The least share of the documents whose kind, and whose protection, must be right.
const RIGHT: f64 = 0.99;
/// The least share of the documents that state a text in which it must be found.
const FOUND: f64 = 0.97;

/// A document of the corpus, as its `labels.csv` has it.
#[derive(Deserialize)]
struct Label {
    path: String,
    encrypted: String,
    expected_text: String,
}

impl Label {
    /// The kind that its name tells; the corpus names its files rightly.
    fn kind(&self) -> &'static str {
        let ending = self.path.rsplit_once('.').unwrap().1.to_ascii_lowercase();
        match (ending.as_str(), self.path.starts_with("cms-pgp/")) {
            ("p7m", _) => "cms",
            ("asc" | "txt", true) => "pgp",
            ("zipx", _) => "zip",
            (other, _) => {
                KINDS.iter().find(|kind| **kind == other).unwrap_or_else(|| panic!("kind {other}?"))
            }
        }
    }

    /// The protection that its label means; none where the label leaves it open.
    fn protection(&self) -> Option<&'static str> {
        match self.encrypted.as_str() {
            "yes" => Some("encrypted"),
            "partial" => Some("partly"),
            "no" if self.path.contains("signed") => Some("signed"),
            "no" | "owner-only" | "default-password" => Some("none"),
            _ => None,
        }
    }
}

/// The kinds that the corpus has.
const KINDS: [&str; 18] = [
    "pdf", "zip", "rar", "docx", "xls", "rtf", "xlsx", "doc", "html", "7z", "pptx", "odt", "ppt", "msg",
    "ods", "odp", "csv", "tar",
];

#[test]
fn labelled_documents_are_what_their_labels_say() {
    let corpus = corpus();
    let limits = Limits::default();
    let mut tables = Tables::default();
    let mut reader = csv::Reader::from_path(corpus.join("labels.csv")).unwrap();
    for label in reader.deserialize() {
        let label: Label = label.unwrap();
        let bytes = fs::read(corpus.join(&label.path)).unwrap();
        let name = label.path.rsplit('/').next().unwrap();
        // A panic costs a document, as it does in the worker; it counts as wrong.
        let inspection = std::panic::catch_unwind(|| InProcess(&limits).inspect(Some(name), &bytes));
        tables.take(&label, inspection.ok());
    }
    println!("{}", tables.details());
    let page = tables.page();
    println!("{page}");
    assert!(tables.documents > 200, "only {} documents", tables.documents);
    assert!(tables.panics.is_empty(), "panicked on {:?}", tables.panics);
    blessed::blessed(Path::new("docs/measured-documents.md"), &page);
    assert!(tables.kind.share() >= RIGHT, "kinds: {:.3}", tables.kind.share());
    assert!(tables.protection.share() >= RIGHT, "protection: {:.3}", tables.protection.share());
    assert!(tables.text.share() >= FOUND, "texts: {:.3}", tables.text.share());
}

/// How many are right of how many.
#[derive(Default)]
struct Score {
    right: usize,
    all: usize,
    wrong: Vec<String>,
    /// How often which label came out as what.
    pairs: BTreeMap<(String, String), usize>,
}

impl Score {
    fn count(&mut self, path: &str, wanted: &str, found: &str) {
        self.all += 1;
        self.right += usize::from(wanted == found);
        *self.pairs.entry((wanted.to_owned(), found.to_owned())).or_default() += 1;
        if wanted != found {
            self.wrong.push(format!("{path}: {wanted} taken for {found}"));
        }
    }

    fn share(&self) -> f64 {
        self.right as f64 / self.all.max(1) as f64
    }

    fn table(&self, what: &str) -> String {
        let mut text = format!("| {what} by its label | found as | documents |\n| --- | --- | --- |\n");
        for ((wanted, found), number) in &self.pairs {
            let found = if wanted == found { "the same" } else { found };
            writeln!(text, "| {wanted} | {found} | {number} |").unwrap();
        }
        text
    }
}

#[derive(Default)]
struct Tables {
    documents: usize,
    kind: Score,
    protection: Score,
    text: Score,
    panics: Vec<String>,
}

impl Tables {
    fn take(&mut self, label: &Label, inspection: Option<Inspection>) {
        self.documents += 1;
        let Some(inspection) = inspection else {
            self.panics.push(label.path.clone());
            return;
        };
        let item = inspection.items.first().unwrap();
        // An encrypted office package does not tell from outside which program made it.
        let kind = match item.kind.name() {
            "office" if item.protection.name() == "encrypted" => label.kind(),
            other => other,
        };
        if label.encrypted != "unknown" || label.kind() == kind {
            self.kind.count(&label.path, label.kind(), kind);
        }
        if let Some(wanted) = label.protection() {
            self.protection.count(&label.path, wanted, item.protection.name());
        }
        let readable = matches!(label.protection(), Some("none" | "partly" | "signed"));
        if !label.expected_text.is_empty() && readable {
            // Cells are pieces of their own, so what parts them in the file is white space in the text.
            let expected = match label.kind() {
                "csv" => label.expected_text.replace(',', " "),
                _ => label.expected_text.clone(),
            };
            let found = collapsed(&inspection.text).contains(&collapsed(&expected));
            self.text.count(
                &label.path,
                "stated text",
                if found { "stated text" } else { "nothing like it" },
            );
        }
    }

    fn details(&self) -> String {
        let mut text = String::new();
        for (what, score) in [("kind", &self.kind), ("protection", &self.protection), ("text", &self.text)] {
            for wrong in &score.wrong {
                writeln!(text, "{what}: {wrong}").unwrap();
            }
        }
        text
    }

    fn page(&self) -> String {
        format!(
            "# What mailwarden makes of documents\n\n\
            Made by `MAILWARDEN_BLESS=1 make corpus` from {} labelled documents that lie beside the clone and are never \
            committed;\n`make corpus` fails where this page is not what it shows. Of damaged and fuzzed documents the \
            protection is not\nlabelled, and the kind counts only where it can be told. An encrypted Office package does \
            not say which program made\nit, and counts as right. Texts are compared with white space collapsed; in CSV \
            a separator is white space.\n\n\
            | what | right | of | share |\n| --- | --- | --- | --- |\n{}{}{}\n{}\n{}\n## Wrong or not found\n\n{}",
            self.documents,
            row("kind", &self.kind),
            row("protection", &self.protection),
            row("stated text found", &self.text),
            self.kind.table("kind"),
            self.protection.table("protection"),
            self.wrong()
        )
    }

    fn wrong(&self) -> String {
        let all = [("kind", &self.kind), ("protection", &self.protection), ("text", &self.text)];
        let mut text = String::new();
        for (what, score) in all {
            for wrong in &score.wrong {
                writeln!(text, "- {what} of `{}`", wrong.replacen(": ", "`: `", 1)).unwrap();
            }
        }
        if text.is_empty() { "None.\n".to_owned() } else { text }
    }
}

fn row(what: &str, score: &Score) -> String {
    format!("| {what} | {} | {} | {:.3} |\n", score.right, score.all, score.share())
}

fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn corpus() -> PathBuf {
    let corpus = std::env::var_os("MAILWARDEN_CORPUS")
        .map_or_else(|| PathBuf::from("../shared/corpus"), PathBuf::from);
    let folder = corpus.join("documents");
    assert!(folder.is_dir(), "{} is no folder; `make corpus` names it", folder.display());
    folder
}
