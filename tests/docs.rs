//! Holds the manual to the program: every setting, cap, rule key and command is described, and nothing that is gone.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may panic: that is how it fails"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use mailwarden::verdict::{Fact, Kind, KindGroup};
use serde_json::Value;

#[test]
fn every_setting_is_described_in_its_table_with_its_default() {
    let schema = schema("config");
    let manual = tables(&manual("configuration.md"));
    let mut seen = 0;
    for (section, settings) in sections(&schema) {
        let described = manual.get(&section).unwrap_or_else(|| panic!("no table for [{section}]"));
        let known: BTreeSet<&str> = settings.keys().map(String::as_str).collect();
        let told: BTreeSet<&str> = described.keys().map(String::as_str).collect();
        assert_eq!(known, told, "[{section}]: what the program knows, and what the manual describes");
        for (name, default) in settings.iter().filter(|(_, default)| default.is_number()) {
            assert_eq!(
                described[name].trim_matches('`'),
                default.to_string(),
                "[{section}] {name}: its default"
            );
            seen += 1;
        }
    }
    assert!(seen > 10, "found only {seen} settings with a default: the test looks in the wrong place");
}

#[test]
fn every_rule_key_is_described() {
    for (what, least) in [("rules", 40), ("organisation", 8), ("disclaimers", 8), ("example-people", 12)] {
        let mut names = BTreeSet::new();
        property_names(&schema(what), &mut names);
        assert!(names.len() >= least, "{what}: found only {names:?}");
        let manual = manual("rules.md");
        let missing: Vec<&String> = names.iter().filter(|name| !describes(&manual, name)).collect();
        assert!(
            missing.is_empty(),
            "docs/rules.md does not describe {missing:?} of `mailwarden schema {what}`"
        );
    }
}

#[test]
fn every_command_is_described() {
    let help = run(&["--help"]);
    let commands: Vec<&str> = help
        .split_once("Commands:\n")
        .unwrap()
        .1
        .lines()
        .take_while(|line| line.starts_with("  "))
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    assert!(commands.len() > 8, "found only {commands:?}");
    let manual = manual("command-line.md");
    for command in commands {
        assert!(manual.contains(&format!("`{command}")), "docs/command-line.md does not describe {command}");
    }
}

/// Whether a code span of the manual's text is that key, its table, or gives it a value. Fenced examples do not count.
fn describes(manual: &str, key: &str) -> bool {
    let mut fenced = false;
    manual.lines().any(|line| {
        fenced ^= line.starts_with("```");
        !fenced
            && line.split('`').skip(1).step_by(2).any(|span| {
                let assigned = format!("{key} = ");
                span == key
                    || span == format!("[[{key}]]")
                    || span.starts_with(&assigned)
                    || span.contains(&format!(" {assigned}"))
            })
    })
}

fn manual(name: &str) -> String {
    fs::read_to_string(format!("docs/{name}")).unwrap_or_else(|error| panic!("docs/{name}: {error}"))
}

fn schema(what: &str) -> Value {
    serde_json::from_str(&run(&["schema", what])).unwrap()
}

fn run(arguments: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_mailwarden")).args(arguments).env("NO_COLOR", "1").output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The configuration's sections, each with its settings and their defaults. What stands above all sections is in "".
fn sections(schema: &Value) -> BTreeMap<String, BTreeMap<String, Value>> {
    let mut found = BTreeMap::new();
    for (name, property) in schema["properties"].as_object().unwrap() {
        let target = resolve(schema, property);
        match target["properties"].as_object() {
            Some(settings) => {
                let with_defaults = settings.iter().map(|(name, one)| (name.clone(), one["default"].clone()));
                found.insert(name.clone(), with_defaults.collect());
            }
            None => {
                found.entry(String::new()).or_insert_with(BTreeMap::new).insert(name.clone(), Value::Null);
            }
        }
    }
    found
}

#[test]
fn every_kind_and_fact_of_files_is_described() {
    let manual = fs::read_to_string("docs/rules.md").unwrap();
    for group in KindGroup::ALL {
        let kinds = Kind::ALL.iter().filter(|kind| kind.group() == group);
        let names: Vec<String> = kinds.map(|kind| format!("`{kind}`")).collect();
        let row = manual.lines().find(|line| line.starts_with(&format!("| `{}` |", group.name())));
        let row = row.unwrap_or_else(|| panic!("docs/rules.md has no row for the group {}", group.name()));
        assert!(
            row.ends_with(&format!("| {} |", names.join(", "))),
            "{row}\nshould list {}",
            names.join(", ")
        );
    }
    for fact in Fact::ALL {
        assert!(manual.contains(&format!("\n| `{fact}` |")), "docs/rules.md has no row for the fact {fact}");
    }
}

fn resolve<'s>(schema: &'s Value, property: &'s Value) -> &'s Value {
    let reference = property["$ref"].as_str().or_else(|| property["allOf"][0]["$ref"].as_str());
    reference.and_then(|path| schema.pointer(path.trim_start_matches('#'))).unwrap_or(property)
}

/// The names of all properties, however deep.
fn property_names(schema: &Value, names: &mut BTreeSet<String>) {
    match schema {
        Value::Object(object) => {
            if let Some(properties) = object.get("properties").and_then(Value::as_object) {
                names.extend(properties.keys().cloned());
            }
            object.values().for_each(|value| property_names(value, names));
        }
        Value::Array(values) => values.iter().for_each(|value| property_names(value, names)),
        _ => {}
    }
}

/// The tables of a manual: by section, each first cell in backquotes with its row's last cell. Headings look like
/// ``## `[milter]`: how Postfix reaches the filter``.
fn tables(manual: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let mut section = String::new();
    for line in manual.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            section = heading.split(['[', ']']).nth(1).unwrap_or(heading).to_owned();
        }
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if let Some(name) = cells[0].strip_prefix('`').and_then(|cell| cell.strip_suffix('`')) {
            let rows: &mut BTreeMap<String, String> = found.entry(section.clone()).or_default();
            rows.insert(name.to_owned(), (*cells.last().unwrap()).to_owned());
        }
    }
    found
}
