//! Holds the code to the house's rules: who may import whom, an opening line in each file, no file too long.
#![allow(clippy::unwrap_used, clippy::string_slice, reason = "a test may panic: that is how it fails")]

use std::fs;
use std::path::{Path, PathBuf};

/// Each room and the rooms that it may import (DESIGN: "downward only").
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("limits", &[]),
    ("verdict", &[]),
    ("slips", &[]),
    ("message", &["limits", "verdict"]),
    ("extract", &["limits", "verdict", "message"]),
    ("worker", &["limits", "verdict", "extract"]),
    ("people", &["slips"]),
    ("detect", &["limits", "verdict", "slips", "message", "extract", "people"]),
    ("policy", &["limits", "verdict", "slips", "message", "extract", "detect", "people"]),
    ("scan", &["limits", "verdict", "message", "extract", "detect", "policy", "people"]),
    ("respond", &["limits", "verdict", "message", "policy"]),
    ("records", &["verdict", "message"]),
    ("milter", &["limits", "verdict", "message", "respond"]),
    ("notify", &["verdict", "message", "respond", "records"]),
    ("config", &["limits", "slips", "message", "policy", "records", "milter", "worker"]),
    ("serve", &["*"]),
    ("cli", &["*"]),
];

#[test]
fn rooms_import_downward_only() {
    let mut seen = 0;
    for (room, allowed) in MAY_IMPORT {
        for file in room_files(room) {
            let source = fs::read_to_string(&file).unwrap();
            for (number, line) in source.lines().enumerate() {
                for target in imports(line) {
                    seen += 1;
                    let fine = target == *room || allowed.contains(&"*") || allowed.contains(&target);
                    assert!(fine, "{}:{}: {room} may not import {target}", file.display(), number + 1);
                }
            }
        }
    }
    assert!(seen > 0, "found no `crate::` path at all: the test looks in the wrong place");
}

#[test]
fn every_room_is_listed() {
    let listed: Vec<&str> = MAY_IMPORT.iter().map(|(room, _)| *room).collect();
    for entry in fs::read_dir("src").unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if stem != "lib" && stem != "main" {
            assert!(listed.contains(&stem.as_str()), "src/{stem} is in no row of MAY_IMPORT");
        }
    }
}

/// `1 fault(s)` is how a program talks; `policy::counted` knows better.
#[test]
fn no_number_is_told_with_a_bracketed_s() {
    for file in rust_files(Path::new("src")) {
        let source = fs::read_to_string(&file).unwrap();
        for (number, line) in source.lines().enumerate() {
            let told = line.split("(s)").next().filter(|before| *before != line && before.contains('"'));
            let word = told.is_some_and(|before| before.ends_with(|c: char| c.is_ascii_lowercase()));
            let call = line.contains("(s);") || line.contains("(s))");
            assert!(!word || call, "{}:{}: a plural in brackets", file.display(), number + 1);
        }
    }
}

#[test]
fn every_file_opens_with_its_job_and_stays_short() {
    let files = rust_files(Path::new("src"));
    assert!(files.len() > 10, "found only {} source files", files.len());
    for file in files {
        let source = fs::read_to_string(&file).unwrap();
        // A file of tests alone may be as long as its cases.
        if file.file_name().is_some_and(|name| name == "tests.rs") {
            continue;
        }
        assert!(
            source.starts_with("//! "),
            "{} does not open with one line that says its job",
            file.display()
        );
        let before_tests = source.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
        assert!(
            before_tests <= 550,
            "{} has {before_tests} lines before its tests; split it",
            file.display()
        );
        assert!(!source.contains("prelude::*"), "{} has a prelude glob", file.display());
    }
}

/// The rooms that a line's `crate::` paths name.
fn imports(line: &str) -> Vec<&str> {
    if line.trim_start().starts_with("//") {
        return Vec::new();
    }
    line.match_indices("crate::")
        .map(|(at, found)| &line[at + found.len()..])
        .map(|rest| rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or(""))
        .filter(|name| !name.is_empty())
        .collect()
}

fn room_files(room: &str) -> Vec<PathBuf> {
    let mut files = rust_files(&Path::new("src").join(room));
    files.extend([PathBuf::from(format!("src/{room}.rs"))].into_iter().filter(|file| file.exists()));
    files
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files
}
