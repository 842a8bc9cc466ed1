//! Policies in fixtures: good ones whose examples hold, bad ones with the faults that they must show.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "a test may panic: that is how it fails"
)]

#[path = "support/blessed.rs"]
mod blessed;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use blessed::blessed;
use mailwarden::policy::{Policy, Sources};
use mailwarden::verdict::Mode;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop, prop_assert, prop_oneof, proptest};
use serde_json::Value;

#[test]
fn good_policies_compile_and_their_examples_hold() {
    for folder in folders("fixtures/policies/good").into_iter().chain([PathBuf::from("rules")]) {
        let policy = Policy::compile(&sources(&folder)).unwrap_or_else(|faults| {
            panic!("{}: {:?}", folder.display(), miette::Report::new(faults));
        });
        assert!(!policy.rules().is_empty(), "{} has no rule", folder.display());
        let faults: String = policy.check_examples().iter().map(|fault| rendered(fault)).collect();
        assert!(faults.is_empty(), "{}: {faults}", folder.display());
    }
}

/// The first thing that a school does with the shipped rules: it puts itself into `organisation.toml`.
#[test]
fn the_shipped_examples_hold_whoever_the_organisation_is() {
    let mut files = sources(Path::new("rules"));
    let ours = files.files.get_mut("organisation.toml").unwrap();
    for (made_up, own) in [
        ("hillside-trust.example", "fenland.test"),
        ("oakfield.example", "eastgate.test"),
        ("beechwood.example", "westgate.test"),
        ("\"oakfield\"", "\"eastgate\""),
        ("\"beechwood\"", "\"westgate\""),
    ] {
        assert!(ours.contains(made_up), "organisation.toml has no {made_up}");
        *ours = ours.replace(made_up, own);
    }
    *ours = ours
        .replace(".example\"", ".test\"")
        .replace("\"08:00-", "\"07:15-")
        .replace("2026", "2028")
        .replace("2025", "2027");
    let policy = Policy::compile(&files).unwrap_or_else(|faults| panic!("{:?}", miette::Report::new(faults)));
    let faults: String = policy.check_examples().iter().map(|fault| rendered(fault)).collect();
    assert!(faults.is_empty(), "{faults}");
}

#[test]
fn every_shipped_rule_has_two_examples_either_way() {
    let mut counted = 0;
    for (path, text) in sources(Path::new("rules")).files.iter().filter(|(path, _)| path.ends_with(".toml")) {
        let file: toml::Table = text.parse().unwrap();
        for rule in file.get("rule").and_then(toml::Value::as_array).into_iter().flatten() {
            let examples = rule.get("example").and_then(toml::Value::as_array);
            for expect in ["match", "no-match"] {
                let with = |example: &&toml::Value| example["expect"].as_str() == Some(expect);
                let count = examples.into_iter().flatten().filter(with).count();
                assert!(count >= 2, "{path}: {} has {count} examples of {expect}", rule["id"]);
            }
            counted += 1;
        }
    }
    assert!(counted > 50, "found only {counted} rules");
}

#[test]
fn bad_policies_show_every_fault_at_its_place() {
    for folder in folders("fixtures/policies/bad") {
        let shown = match Policy::compile(&sources(&folder)) {
            Err(faults) => rendered(&faults),
            Ok(policy) => {
                let examples = policy.check_examples();
                assert!(!examples.is_empty(), "{}: nothing is wrong with it", folder.display());
                examples.iter().map(|fault| rendered(fault)).collect()
            }
        };
        blessed(Path::new(&format!("{}.txt", folder.display())), &shown);
    }
}

fn rendered(diagnostic: &dyn miette::Diagnostic) -> String {
    let mut out = String::new();
    miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::unicode_nocolor())
        .with_width(100)
        .with_links(false)
        .render_report(&mut out, diagnostic)
        .unwrap();
    let lines: Vec<&str> = out.lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

#[test]
fn the_shipped_rules_are_complete() {
    let policy = Policy::compile(&sources(Path::new("rules"))).unwrap();
    let warnings: Vec<String> = policy.warnings().iter().map(|warning| rendered(warning)).collect();
    assert!(warnings.is_empty(), "{}", warnings.concat());
    for rule in policy.rules() {
        assert!(rule.clause.is_some(), "{} names no clause", rule.id);
    }
    for action in ["pass", "tag", "mark", "hold", "return", "reject"] {
        assert!(
            policy.rules().iter().any(|rule| rule.then.action.name() == action),
            "no rule shows {action}"
        );
    }
    for rule in policy.rules().iter().filter(|rule| rule.category == "safeguarding") {
        assert!(rule.then.action.delivers(), "{} would stop a cry for help", rule.id);
        assert_ne!(rule.mode, Mode::Enforce, "{}", rule.id);
    }
    assert!(!policy.disclaimers().is_empty());
}

#[test]
fn every_key_is_documented() {
    let manual = fs::read_to_string("docs/rules.md").unwrap();
    for schema in [Policy::schema(), Policy::organisation_schema(), Policy::disclaimers_schema()] {
        let mut keys = BTreeSet::new();
        collect_keys(&serde_json::to_value(&schema).unwrap(), &mut keys);
        assert!(keys.len() > 9, "found only the keys {keys:?}");
        for key in keys {
            let shown =
                [format!("`{key}`"), format!("`{key} ="), format!("`[[{key}]]`"), format!("\"{key}\"")];
            assert!(shown.iter().any(|shown| manual.contains(shown)), "docs/rules.md has no `{key}`");
        }
    }
}

/// The names of all keys and choices that a schema allows.
fn collect_keys(schema: &Value, keys: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            for name in ["const", "enum"] {
                let choices = map.get(name).into_iter().flat_map(|choices| match choices {
                    Value::Array(choices) => choices.clone(),
                    single => vec![single.clone()],
                });
                keys.extend(choices.filter_map(|choice| choice.as_str().map(str::to_owned)));
            }
            if let Some(Value::Object(properties)) = map.get("properties") {
                keys.extend(properties.keys().cloned());
            }
            map.values().for_each(|value| collect_keys(value, keys));
        }
        Value::Array(values) => values.iter().for_each(|value| collect_keys(value, keys)),
        _ => {}
    }
}

#[test]
fn a_key_that_nobody_knows_is_refused_in_every_table() {
    let mut tried = 0;
    for folder in folders("fixtures/policies/good").into_iter().chain([PathBuf::from("rules")]) {
        let whole = sources(&folder);
        for (name, text) in whole.files.iter().filter(|(name, _)| name.ends_with(".toml")) {
            // The shipped rules have hundreds of tables, all of the same few kinds, and lists that take long to compile.
            let step = if folder.ends_with("rules") { 40 } else { 1 };
            for spoilt in with_bogus_keys(text).into_iter().step_by(step) {
                tried += 1;
                let mut files = whole.files.clone();
                files.insert(name.clone(), spoilt.clone());
                assert!(Policy::compile(&Sources { files }).is_err(), "{name} was accepted:\n{spoilt}");
            }
        }
    }
    assert!(tried > 80, "only {tried} tables were tried");
}

/// The text with a bogus key in each of its tables, one after another.
fn with_bogus_keys(text: &str) -> Vec<String> {
    let mut places = vec![(0, "bogus-key = 1\n")];
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with('[') {
            places.push((start + line.len(), "bogus-key = 1\n"));
        }
        let braces = line.match_indices("{ ").filter(|(at, _)| {
            let before = line[..*at].trim_end();
            before.ends_with(['=', '[', ',']) && !line.starts_with('#')
        });
        places.extend(braces.map(|(at, _)| (start + at + 2, "bogus-key = 1, ")));
        start += line.len();
    }
    places.iter().map(|(at, key)| format!("{}{key}{}", &text[..*at], &text[*at..])).collect()
}

#[test]
fn the_recipes_of_the_manual_compile() {
    let manual = fs::read_to_string("docs/rules.md").unwrap();
    let mut tried = 0;
    for block in manual.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()) {
        let mut files = sources(Path::new("rules")).files;
        files.retain(|name, _| name == "organisation.toml" || name.starts_with("guidance/"));
        let name = if block.starts_with("name ") {
            "organisation.toml"
        } else if block.starts_with("[[disclaimer]]") {
            "disclaimers.toml"
        } else if block.starts_with("[[person]]") {
            "example-people.toml"
        } else {
            "recipe.toml"
        };
        let mut text = block.to_owned();
        // organisation.toml says what is done about that category.
        let safeguarding = PLAIN_RULE.replace("ID", "safeguarding").replace("\"test\"", "\"safeguarding\"");
        files.insert("safeguarding.toml".to_owned(), safeguarding);
        if name == "organisation.toml" {
            files.insert("chain.toml".to_owned(), PLAIN_RULE.replace("ID", "chain-letter"));
        } else if text.starts_with("[rule.if]") {
            let head = PLAIN_RULE.split("[rule.if]").next().unwrap().replace("ID", "recipe");
            text = head + &text;
            if !text.contains("[rule.then]") {
                text += "[rule.then]\naction = \"tag\"\n";
            }
        }
        if text.contains("confidentiality") {
            files.insert(
                "lists/topic-care.txt".to_owned(),
                "case conference = 4\ncare order = 5\nEHCP = 3\nCAMHS = 3\n".to_owned(),
            );
        }
        for list in ["complaints", "names", "sensitive-topics", "asking-for-help"] {
            if text.contains(&format!("\"{list}\"")) {
                files.insert(format!("lists/{list}.txt"), "case conference = 4\ncare order = 5\n".to_owned());
            }
        }
        files.insert(name.to_owned(), text.clone());
        tried += 1;
        let policy = Policy::compile(&Sources { files })
            .unwrap_or_else(|faults| panic!("{text}\n{:?}", miette::Report::new(faults)));
        let faults: String = policy.check_examples().iter().map(|fault| rendered(fault)).collect();
        assert!(faults.is_empty(), "{faults}");
    }
    assert!(tried > 8, "only {tried} recipes were found");
}

const PLAIN_RULE: &str = r#"
[[rule]]
id = "ID"
title = "A rule"
category = "test"
severity = "mild"
mode = "enforce"
[rule.if]
direction = ["outbound"]
[rule.then]
action = "tag"
"#;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// Whatever becomes of a rule file, it is either accepted or refused with faults that can be shown.
    #[test]
    fn a_spoilt_file_is_refused_with_faults_that_can_be_shown(
        which in 0_usize..3,
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..40, snippet()), 1..4),
    ) {
        let mut files = sources(Path::new("fixtures/policies/good/wide")).files;
        let name = ["organisation.toml", "rules.toml", "disclaimers.toml"][which];
        let mut text: Vec<char> = files[name].chars().collect();
        for (at, length, with) in cuts {
            let start = at.index(text.len().max(1)).min(text.len());
            let end = (start + length).min(text.len());
            text.splice(start..end, with.chars());
        }
        let text: String = text.into_iter().collect();
        files.insert(name.to_owned(), text);
        match Policy::compile(&Sources { files: files.clone() }) {
            Ok(policy) => prop_assert!(policy.fingerprint().len() == 12),
            Err(faults) => {
                prop_assert!(!faults.0.is_empty());
                for fault in &faults.0 {
                    let lines = files.get(fault.file()).map_or(1, |text| text.matches('\n').count() + 1);
                    prop_assert!((1..=lines).contains(&fault.line()), "{fault:?}");
                    prop_assert!(!rendered(fault).is_empty());
                }
            }
        }
    }
}

fn snippet() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[\\[\\]{}=,.#'\" \\-\n0-9a-zé\u{0}]{0,12}",
        Just("[[rule]]\n".to_owned()),
        Just("not = { not = { not = {} } }\n".to_owned()),
        Just("from = 9999-12-31\n".to_owned()),
        Just("18446744073709551616".to_owned()),
        Just("-1".to_owned()),
    ]
}

/// The folders within a folder, of which there must be some.
fn folders(folder: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    assert!(!found.is_empty(), "{folder} holds no case");
    found.sort();
    found
}

/// All files below a folder.
fn sources(folder: &Path) -> Sources {
    fn walk(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, files);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
                files.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut files = BTreeMap::new();
    walk(folder, folder, &mut files);
    Sources { files }
}
