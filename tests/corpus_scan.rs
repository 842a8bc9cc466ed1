//! The corpus through the program, with the shipped policy: a verdict for each message, in under 50 milliseconds.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic: that is how it fails"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The longest that a message's sweep may take, in microseconds.
const LONGEST: u64 = 50_000;

#[test]
fn every_message_gets_its_verdict_in_time() {
    let mut fastest: BTreeMap<String, u64> = BTreeMap::new();
    // The best of three, since other work on the machine can hold a single one up.
    for _ in 0..3 {
        for line in scan(&[corpus("mime"), corpus("email")]) {
            let (file, elapsed) = (line["file"].as_str().unwrap(), line["elapsed_us"].as_u64().unwrap());
            assert!(line["verdict"].is_string(), "{line}");
            let best = fastest.entry(file.to_owned()).or_insert(elapsed);
            *best = elapsed.min(*best);
        }
    }
    assert!(fastest.len() > 400, "only {} messages were scanned", fastest.len());
    let slow: Vec<_> = fastest.iter().filter(|(_, elapsed)| **elapsed > LONGEST).collect();
    assert!(slow.is_empty(), "too slow: {slow:?}");
}

/// What `scan --json` says of those folders.
fn scan(folders: &[PathBuf]) -> Vec<Value> {
    let output = Command::new(env!("CARGO_BIN_EXE_mailwarden"))
        .args(["scan", "--json", "--policy", "rules"])
        .args(folders)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::Deserializer::from_slice(&output.stdout).into_iter().map(Result::unwrap).collect()
}

fn corpus(folder: &str) -> PathBuf {
    let corpus = std::env::var_os("MAILWARDEN_CORPUS")
        .map_or_else(|| PathBuf::from("../shared/corpus"), PathBuf::from);
    let folder = Path::new(&corpus).join(folder);
    assert!(folder.is_dir(), "{} is no folder; `make corpus` names it", folder.display());
    folder
}
