//! `evaluate` as its users meet it: figures that are right, and no figure where they would deceive.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic: that is how it fails"
)]

#[path = "support/blessed.rs"]
mod blessed;

use std::fs;
use std::path::Path;
use std::process::Command;

use blessed::blessed;
use serde_json::Value;

const POLICY: &str = "fixtures/evaluate/policy";
const SET: &str = "fixtures/evaluate/set.jsonl";
const FOLDER: &str = "fixtures/evaluate/folder";

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn evaluate(arguments: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_mailwarden"))
        .args(["evaluate", "--policy", POLICY])
        .args(arguments)
        .env_remove("MAILWARDEN_CONFIG")
        .output()
        .expect("mailwarden runs");
    Ran {
        code: output.status.code().expect("no signal"),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

fn measured(arguments: &[&str]) -> Value {
    let ran = evaluate(&[arguments, &["--json"]].concat());
    assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.err);
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("not JSON ({error}): {}", ran.out))
}

fn label<'v>(outcome: &'v Value, name: &str) -> &'v Value {
    let mut labels = outcome["labels"].as_array().unwrap().iter();
    labels.find(|one| one["label"] == name).unwrap_or_else(|| panic!("no {name} in {outcome:#}"))
}

#[test]
fn figures_are_what_was_accepted() {
    for (name, arguments) in [
        ("set.txt", &[SET][..]),
        ("set.json", &[SET, "--json"]),
        ("folder.revealed.txt", &[FOLDER, "--group", "offensive=swearing,discrimination", "--reveal"]),
        ("ordinary.txt", &["--ordinary", "fixtures/evaluate/folder/ordinary"]),
    ] {
        let ran = evaluate(arguments);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{name}");
        let mut shown = ran.out;
        if name.ends_with(".json") {
            let mut outcome: Value = serde_json::from_str(&shown).unwrap();
            assert!(outcome["policy"].as_str().is_some_and(|policy| policy.len() >= 8), "{outcome:#}");
            outcome["policy"] = "whichever it is".into();
            shown = serde_json::to_string_pretty(&outcome).unwrap() + "\n";
        }
        blessed(&Path::new("fixtures/evaluate").join(name), &shown);
    }
}

/// The counts of the set by hand, so that accepting an output cannot accept a wrong one.
#[test]
fn counts_are_those_of_the_set() {
    let outcome = measured(&[SET]);
    let (messages, labelled, ordinary) = (&outcome["messages"], &outcome["labelled"], &outcome["ordinary"]);
    assert_eq!((messages, labelled, ordinary), (&17.into(), &9.into(), &6.into()));
    for (name, labelled, right, wrong, undecided, judged) in [
        ("swearing", 5, 4, 2, 1, 0),
        ("double-meanings", 1, 1, 0, 1, 0),
        ("discrimination", 2, 2, 1, 0, 2),
        ("gambling", 1, 1, 1, 0, 0),
        ("offensive", 8, 6, 2, 0, 2),
    ] {
        let one = label(&outcome, name);
        let found = ["labelled", "right", "wrong", "undecided"].map(|key| one[key].as_u64().unwrap());
        assert_eq!(found, [labelled, right, wrong, undecided], "{name}: labelled, right, wrong, undecided");
        assert_eq!(one["missed"], labelled - right, "{name}");
        assert_eq!(one["needs_reader"]["labelled"], judged, "{name}: for a reader");
    }
    assert_eq!(label(&outcome, "discrimination")["needs_reader"]["found"], 1);
    // Two are of the broader label, and don't tell.
    assert_eq!(label(&outcome, "swearing")["others"], 17 - 5 - 2);
    assert_eq!(label(&outcome, "offensive")["others"], 17 - 8 - 2, "two for a reader");
    // Three of six ordinary messages: a furnace, the dinosaurs and lunch; what is quoted is not the sender's doing.
    let any = outcome["touched"].as_array().unwrap().iter().find(|one| one["group"].is_null()).unwrap();
    let touched = ["gross", "serious_or_gross", "any"].map(|grade| any[grade]["messages"].as_u64().unwrap());
    assert_eq!(touched, [1, 2, 3]);
}

#[test]
fn words_of_messages_are_shown_on_request_alone() {
    for arguments in [&[SET][..], &[SET, "--json"]] {
        let quiet = evaluate(arguments).out.to_lowercase();
        let loud = evaluate(&[arguments, &["--reveal"]].concat()).out.to_lowercase();
        for words in ["she throws like a girl", "ten to one", "\"blast"] {
            assert!(!quiet.contains(words), "{words} in {quiet}");
            assert!(loud.replace('\\', "").contains(words), "{words} not in {loud}");
        }
    }
}

#[test]
fn worst_examples_are_as_many_as_asked_for_and_the_gravest_first() {
    let all = measured(&[SET]);
    assert_eq!(label(&all, "offensive")["worst_false_alarms"][0]["id"], "dinosaurs");
    assert_eq!(label(&all, "offensive")["worst_misses"].as_array().unwrap().len(), 2);
    let one = measured(&[SET, "--worst", "1"]);
    assert_eq!(label(&one, "offensive")["worst_misses"].as_array().unwrap().len(), 1);
    assert_eq!(label(&one, "offensive")["missed"], 2, "the counts stay");
}

#[test]
fn direction_and_addresses_decide_which_rules_see_a_message() {
    let recall = |arguments: &[&str]| label(&measured(arguments), "swearing")["right"].clone();
    // The policy's rule for swearing is for mail that leaves and mail that stays.
    assert_eq!(recall(&[SET, "--direction", "internal"]), 4);
    assert_eq!(recall(&[SET, "--direction", "inbound"]), 0);
    assert_eq!(recall(&[SET, "--from", "a@elsewhere.example", "--to", "b@oakfield.example"]), 0);
}

#[test]
fn every_fault_of_a_labelled_file_is_told_with_its_line_and_column() {
    let ran = evaluate(&["fixtures/evaluate/faults.jsonl"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    blessed(Path::new("fixtures/evaluate/faults.txt"), &ran.err);
    // Each line but the one that is fine has its fault; the twenty-first is counted alone.
    assert!(ran.err.contains("\nand 1 more\n"), "{}", ran.err);
    let lines: Vec<usize> = ran
        .err
        .lines()
        .filter_map(|line| {
            line.strip_prefix("fixtures/evaluate/faults.jsonl:")?.split(':').next()?.parse().ok()
        })
        .collect();
    let faulty = (1..=21).filter(|line| *line != 11).collect::<Vec<_>>();
    assert_eq!(lines, faulty);
}

#[test]
fn what_would_deceive_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let mail = "From: a@b.example\n\nBlast.\n";
    let line = "{\"text\": \"x\", \"labels\": []}\n";
    let empty = write("empty.jsonl", "\n");
    let plain = write("plain.jsonl", line);
    let reader =
        write("reader.jsonl", "{\"text\": \"x\", \"labels\": [\"swearing\"], \"judgement\": true}\n");
    let labelled = write("labelled.jsonl", "{\"text\": \"x\", \"labels\": [\"swearing\"]}\n");
    let mbox = write("mbox.jsonl", "{\"file\": \"two.mbox\", \"labels\": [\"swearing\"]}\n");
    write("two.mbox", &format!("From a Mon\n{mail}\nFrom b Tue\n{mail}"));
    let latin = folder.path().join("latin.jsonl");
    fs::write(&latin, b"{\"text\": \"caf\xE9\", \"labels\": []}\n").unwrap();
    let bare = write("bare.eml", mail);
    for file in ["slip/swaering/a.eml", "loose/ordinary/a.eml", "loose/b.eml", "void/ordinary/a.eml"] {
        write(file, mail);
    }
    write("void/swearing/.keep", "");
    write("hollow/swearing/a.eml", "");
    write("mixed/swearing/a.jsonl", line);
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    for (arguments, code, told) in [
        (vec![empty], 1, "no message there"),
        (vec![plain], 1, "--ordinary"),
        (vec![reader], 1, "no message bears a label"),
        (vec![labelled.clone(), "--ordinary".to_owned()], 1, "leave out the one or the other"),
        (vec![mbox], 1, "holds 2 messages"),
        (vec![at("latin.jsonl")], 1, "latin.jsonl:1:1: is no UTF-8"),
        (vec![bare], 2, "bears no labels"),
        (vec![at("slip")], 1, "swaering: unknown label"),
        (vec![at("loose")], 1, "b.eml: bears no label"),
        (vec![at("void")], 1, "holds no mail"),
        (vec![at("hollow")], 1, "is empty"),
        (vec![at("mixed")], 1, "name a .jsonl file by itself"),
        (vec![at("nowhere.jsonl")], 3, "nowhere.jsonl"),
        (vec![at("nowhere")], 3, "nowhere"),
        (vec![labelled.clone(), "--group".to_owned(), "rude".to_owned()], 2, "write it as"),
        (vec![labelled.clone(), "--group".to_owned(), "rude=rudeness".to_owned()], 2, "unknown label"),
        (vec![labelled.clone(), "--from".to_owned(), "nobody".to_owned()], 2, "no address"),
        (vec![labelled, "--at".to_owned(), "noon".to_owned()], 2, "--at noon"),
        (vec![], 2, "required"),
    ] {
        let ran = evaluate(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(told), "{arguments:?} does not tell \"{told}\": {}", ran.err);
        assert!(!ran.err.contains("Blast"), "words of a message in {}", ran.err);
    }
}

#[test]
fn every_key_that_is_read_or_written_is_described() {
    let manual = fs::read_to_string("docs/command-line.md").unwrap();
    let manual = manual.split_once("## `evaluate`").expect("a section on evaluate").1;
    let mut keys = Vec::new();
    written(&measured(&[SET, FOLDER, "--reveal"]), &mut keys);
    // The reader of labelled files names what it knows where it is given what it doesn't.
    let faults = fs::read_to_string("fixtures/evaluate/faults.txt").unwrap();
    let read = faults.split_once("expected one of ").unwrap().1.split(';').next().unwrap();
    keys.extend(read.split(", ").map(|key| key.trim_matches('`').to_owned()));
    assert!(keys.len() > 50, "found only {keys:?}");
    // The keys of a finding are those of `scan`.
    let findings = ["detector", "entity", "zone", "part", "start", "end", "disguises"];
    let missing: Vec<_> = keys
        .iter()
        .filter(|key| !findings.contains(&key.as_str()) && !manual.contains(&format!("`{key}`")))
        .collect();
    assert!(missing.is_empty(), "docs/command-line.md does not describe {missing:?}");
}

/// What `scripts/labelled-corpus` and `make measured` look for. A category that nobody sorted would be in no figure.
#[test]
fn every_category_of_the_shipped_policy_is_sorted() {
    let sorted: Vec<(String, String)> = fs::read_to_string("fixtures/evaluate/categories.txt")
        .unwrap()
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let parts: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(parts.len(), 2, "a category and its kind: {line}");
            (parts[0].to_owned(), parts[1].to_owned())
        })
        .collect();
    assert!(sorted.iter().all(|(_, kind)| ["offensive", "misuse", "other"].contains(&kind.as_str())));
    let line = "{\"text\": \"x\", \"labels\": [\"swearing\"]}\n";
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("set.jsonl");
    fs::write(&set, line).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_mailwarden"))
        .args(["evaluate", "--policy", "rules", "--json", set.to_str().unwrap()])
        .output()
        .unwrap();
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
    let categories = outcome["labels"].as_array().unwrap().iter().filter(|one| one["kind"] == "category");
    let missing: Vec<_> =
        categories.filter(|one| !sorted.iter().any(|(name, _)| one["label"] == name.as_str())).collect();
    let missing: Vec<_> = missing.iter().map(|one| &one["label"]).collect();
    assert!(missing.is_empty(), "fixtures/evaluate/categories.txt does not sort {missing:?}");
}

/// The keys of all objects, however deep.
fn written(value: &Value, keys: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            keys.extend(object.keys().cloned());
            object.values().for_each(|value| written(value, keys));
        }
        Value::Array(values) => values.iter().for_each(|value| written(value, keys)),
        _ => {}
    }
}
