//! The shipped lists over innocent sentences and over disguised words. Terms stand in the fixtures and lists alone.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic: that is how it fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mailwarden::detect::switches::{Disguise, Disguises};
use mailwarden::detect::words::{WordHit, WordIndex, WordList};
use serde_json::Value;

/// Of the disguised words, the least share that must be found.
const FOUND: f64 = 0.95;

#[test]
fn innocent_sentences_set_nothing_off() {
    let source = fs::read_to_string("fixtures/sweep/innocent.txt").unwrap();
    let sentences: Vec<&str> =
        source.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert!(sentences.len() >= 60, "only {} sentences", sentences.len());
    let folder = tempfile::tempdir().unwrap();
    for from in ["teacher@oakfield.example", "sam@pupils.oakfield.example"] {
        let mut set = String::new();
        for (number, text) in sentences.iter().enumerate() {
            let case = serde_json::json!({"id": number.to_string(), "text": text, "labels": [], "from": from,
                "to": "colleague@oakfield.example"});
            set.push_str(&format!("{case}\n"));
        }
        let path = folder.path().join("innocent.jsonl");
        fs::write(&path, set).unwrap();
        let touched = false_alarms(&path);
        assert!(touched.is_empty(), "from {from}: {touched:?}");
    }
}

/// The ids of the texts that any rule matches.
fn false_alarms(set: &Path) -> Vec<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_mailwarden"))
        .args(["evaluate", "--policy", "rules", "--ordinary", "--json", "--worst", "1000"])
        .arg(set)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(outcome["ordinary"].as_u64().unwrap() >= 60, "{outcome}");
    let labels = outcome["labels"].as_array().unwrap();
    assert!(labels.len() > 10, "{outcome}");
    let alarms = labels.iter().flat_map(|label| label["worst_false_alarms"].as_array().unwrap());
    alarms.map(|alarm| alarm["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn disguised_words_are_found() {
    let (lists, index) = shipped();
    let source = fs::read_to_string("fixtures/sweep/disguised.tsv").unwrap();
    let mut found: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut missed = Vec::new();
    for (number, line) in
        (1..).zip(source.lines()).filter(|(_, line)| !line.starts_with('#') && !line.is_empty())
    {
        let [text, term, kind] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("line {number}") };
        let mut hits = Vec::new();
        index.find(&text.replace("\\n", "\n"), usize::MAX, &mut hits);
        let is_it = |hit: &WordHit| is_term(&lists, hit, term);
        let (all, seen) = found.entry(kind).or_default();
        *all += 1;
        if hits.iter().any(is_it) {
            *seen += 1;
        } else {
            missed.push(format!("line {number} ({kind})"));
        }
    }
    let (all, seen) = found.values().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    assert!(all >= 120, "only {all} disguised words");
    println!("{seen} of {all} found: {found:?}; missed {missed:?}");
    assert!(seen as f64 >= FOUND * all as f64, "{seen} of {all}: {found:?}; missed {missed:?}");
}

/// What the fixtures hold is disguised: with the switches off hardly any of it is found.
#[test]
fn plain_matching_finds_few_of_them() {
    let (mut lists, _) = shipped();
    for list in &mut lists {
        list.disguises = Default::default();
    }
    let index = WordIndex::new(&lists);
    let source = fs::read_to_string("fixtures/sweep/disguised.tsv").unwrap();
    let kinds = ["invisible", "accents", "width", "ligature"];
    let lines = source.lines().filter_map(|line| line.split('\t').collect::<Vec<_>>().try_into().ok());
    let (mut all, mut found) = (0, 0);
    for [text, term, _] in lines.filter(|[_, _, kind]: &[&str; 3]| !kinds.contains(kind)) {
        let mut hits = Vec::new();
        index.find(&text.replace("\\n", "\n"), usize::MAX, &mut hits);
        all += 1;
        let is_it = |hit: &WordHit| is_term(&lists, hit, term);
        found += usize::from(hits.iter().any(is_it));
    }
    assert!(all > 100 && found * 5 < all, "{found} of {all} without any switch");
}

/// Whether a hit is a term, or one that begins with it, since lists say in their own way which forms of a word they want. A
/// masked word may be any of several, so of one any term of the same list will do.
fn is_term(lists: &[WordList], hit: &WordHit, term: &str) -> bool {
    let terms = &lists[usize::from(hit.list.0)].terms;
    let begins = |text: &str| text.starts_with(term.trim_end_matches('*'));
    let masked = [Disguise::Masked, Disguise::Hidden].map(|one| hit.by.contain(Disguises::NONE.with(one)));
    begins(&terms[hit.term.0 as usize].text)
        || masked.contains(&true) && terms.iter().any(|other| begins(&other.text))
}

fn shipped() -> (Vec<WordList>, WordIndex) {
    let entries = fs::read_dir("rules/lists").unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "txt")).collect();
    files.sort();
    let read = |path: &PathBuf| WordList::parse("shipped", &fs::read_to_string(path).unwrap()).unwrap();
    let lists: Vec<WordList> = files.iter().map(read).collect();
    assert!(lists.len() > 20);
    let index = WordIndex::new(&lists);
    (lists, index)
}
