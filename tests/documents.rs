//! Small files of every kind and protection, each with what must be found in it, side by side under fixtures/documents.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "a test may panic: that is how it fails"
)]

use std::fs;
use std::path::{Path, PathBuf};

use mailwarden::extract::document::{InProcess, Inspection, Inspector};
use mailwarden::limits::Limits;
use mailwarden::verdict::{Fact, Gap, Kind, Protection};
use serde::Deserialize;

/// What must be found in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    kind: Kind,
    protection: Protection,
    #[serde(default)]
    facts: Vec<Fact>,
    #[serde(default)]
    gaps: Vec<Gap>,
    /// All files inside it, in their order; not looked at where left out.
    entries: Option<Vec<Entry>>,
    /// Texts that must be there.
    #[serde(default)]
    texts: Vec<Wording>,
    /// Texts that must not be there.
    #[serde(default)]
    absent: Vec<String>,
}

/// A file inside.
#[derive(Deserialize, PartialEq, Debug)]
#[serde(deny_unknown_fields)]
struct Entry {
    entry: String,
    kind: Kind,
    protection: Protection,
}

/// A piece of text and where it stands; white space counts as one space.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wording {
    place: Option<String>,
    contains: String,
}

#[test]
fn every_document_is_what_it_is_expected_to_be() {
    let limits = Limits::default();
    let mut wrong = Vec::new();
    let files = expectations(Path::new("fixtures/documents"));
    assert!(!files.is_empty(), "found no *.expected.json under fixtures/documents");
    for file in &files {
        let expected: Expected = serde_json::from_slice(&fs::read(file).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let document = PathBuf::from(file.to_str().unwrap().strip_suffix(".expected.json").unwrap());
        let bytes = fs::read(&document).unwrap_or_else(|error| panic!("{}: {error}", document.display()));
        let name = document.file_name().unwrap().to_str().unwrap();
        let inspection = InProcess(&limits).inspect(Some(name), &bytes);
        let faults = faults(&expected, &inspection);
        if !faults.is_empty() {
            wrong.push(format!("{}:\n    {}", document.display(), faults.join("\n    ")));
        }
    }
    assert!(wrong.is_empty(), "{} of {} files:\n{}", wrong.len(), files.len(), wrong.join("\n"));
}

#[test]
fn every_document_has_its_expectation() {
    let mut without = Vec::new();
    for file in files_below(Path::new("fixtures/documents")) {
        let path = file.to_str().unwrap();
        let is_script = file.file_stem().is_some_and(|stem| stem == "make");
        let aside = path.ends_with(".expected.json") || path.ends_with("README.md") || is_script;
        if !aside && !Path::new(&format!("{path}.expected.json")).exists() {
            without.push(path.to_owned());
        }
    }
    assert!(without.is_empty(), "no expected.json beside {without:?}");
}

/// What of a file is not as expected, in words.
fn faults(expected: &Expected, inspection: &Inspection) -> Vec<String> {
    let mut faults = Vec::new();
    let mut differ = |what: &str, wanted: String, found: String| {
        if wanted != found {
            faults.push(format!("{what}: expected {wanted}, found {found}"));
        }
    };
    let item = inspection.items.first().unwrap();
    differ("kind", expected.kind.to_string(), item.kind.to_string());
    differ("protection", expected.protection.to_string(), item.protection.to_string());
    let (mut facts, mut gaps) = (expected.facts.clone(), expected.gaps.clone());
    facts.sort_unstable();
    gaps.sort_unstable();
    let mut found: Vec<Gap> = inspection.gaps.iter().map(|(gap, _)| *gap).collect();
    found.dedup();
    differ("facts", format!("{facts:?}"), format!("{:?}", item.facts));
    differ("gaps", format!("{gaps:?}"), format!("{found:?}"));
    if let Some(entries) = &expected.entries {
        let inside = inspection.items.iter().skip(1).map(|item| Entry {
            entry: item.entry.clone().unwrap_or_default(),
            kind: item.kind,
            protection: item.protection,
        });
        differ("entries", format!("{entries:#?}"), format!("{:#?}", inside.collect::<Vec<_>>()));
    }
    for wording in &expected.texts {
        if !stands(wording, inspection) {
            let whole: String = inspection.text.chars().take(2_000).collect();
            faults.push(format!(
                "\"{}\" is not found at {:?}; places {:?}, text:\n{whole}",
                wording.contains,
                wording.place,
                stretches(inspection).iter().map(|(place, _)| place.clone()).collect::<Vec<_>>()
            ));
        }
    }
    for text in &expected.absent {
        if collapsed(&inspection.text).contains(&collapsed(text)) {
            faults.push(format!("\"{text}\" should not be there"));
        }
    }
    faults
}

/// Whether the wording stands within one stretch of its place, or in stretches of that place that follow each other.
fn stands(wording: &Wording, inspection: &Inspection) -> bool {
    let here: Vec<String> = stretches(inspection)
        .into_iter()
        .filter(|(place, _)| *place == wording.place)
        .map(|(_, text)| text)
        .collect();
    collapsed(&here.join("\n")).contains(&collapsed(&wording.contains))
}

/// The stretches of an inspection's text, each with its place in words.
fn stretches(inspection: &Inspection) -> Vec<(Option<String>, String)> {
    let starts: Vec<usize> = inspection.places.marks.iter().map(|mark| mark.start as usize).collect();
    let ends = starts.iter().skip(1).copied().chain([inspection.text.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| (inspection.places.at(*start), inspection.text[*start..end].to_owned()))
        .collect()
}

fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn expectations(folder: &Path) -> Vec<PathBuf> {
    files_below(folder)
        .into_iter()
        .filter(|file| file.to_str().unwrap().ends_with(".expected.json"))
        .collect()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}
