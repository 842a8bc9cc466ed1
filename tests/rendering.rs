//! Answers as people see them: on a phone and on a desktop, light and dark, checked by axe. Pictures lie in target/rendering.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic: that is how it fails"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mail_parser::MessageParser;
use mailwarden::message::Address;
use mailwarden::policy::Policy;
use mailwarden::respond::{Entry, Letter, LetterContext, Untold, entry};
use mailwarden::verdict::RuleId;
use serde_json::Value;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// An answer with everything in it, one of the longest of the shipped guidance, one of a hold that can be confirmed, and advice;
/// letters to an approver and to senders, notices to reviewers.
fn pages() -> Vec<(&'static str, String)> {
    let written = |name: &str| {
        let message = fs::read(Path::new(ROOT).join(format!("fixtures/answers/{name}.eml"))).unwrap();
        MessageParser::new().parse(&message).unwrap().body_html(0).unwrap().into_owned()
    };
    let preview = |rule: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_mailwarden"))
            .current_dir(ROOT)
            .args(["guidance", "preview", rule, "--html", "--policy", "rules"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    vec![
        ("returned", written("returned")),
        ("notice", written("notice")),
        ("digest", written("digest")),
        ("sensitive-to-many", preview("sensitive-to-many")),
        ("first-confidential-mail", preview("first-confidential-mail")),
        ("confidential-unmarked", preview("confidential-unmarked")),
        ("out-of-hours", preview("out-of-hours")),
        ("monitoring-notice", preview("monitoring-notice")),
    ]
    .into_iter()
    .chain(letters())
    .collect()
}

fn letters() -> [(&'static str, String); 3] {
    let sources = mailwarden::config::read_policy(&Path::new(ROOT).join("rules")).unwrap();
    let policy = Policy::compile(&sources).unwrap();
    let at = "2026-12-04T01:49:00+00:00[Europe/London]".parse().unwrap();
    let rules = ["pupil-named-in-plain-attachment", "confidential-in-body"].map(|id| RuleId(id.to_owned()));
    let entry = entry(
        &policy,
        None,
        &Entry {
            reference: "K7QF-2M9P",
            received: &at,
            recipients: &["somebody.with.a.long.name@a-long-domain.example".to_owned()],
            recipient_count: 12,
            rules: &rules,
        },
    );
    let code = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let why = "The parents asked for it by telephone this morning, and the clinic has no other way.";
    let untold: Vec<Untold> =
        (0..3).map(|_| Untold { entry: entry.clone(), code: Some(code.to_owned()) }).collect();
    let address = "confirm@oakfield.example";
    let request = Letter::Request {
        sender: "ana@oakfield.example",
        why,
        entry: &entry,
        reply_to: "confirm+0123456789ABCDEFGHJKMNPQRSTVWXYZ@oakfield.example",
        address,
        code,
        until: &at,
    };
    let approved = Letter::Approved { by: "head@oakfield.example", why };
    let summary = Letter::Summary { entries: &untold, address: Some(address) };
    [("request", request), ("approved", approved), ("summary", summary)].map(|(name, letter)| {
        let reference = if name == "summary" { "" } else { "K7QF-2M9P" };
        let written = mailwarden::respond::letter(&LetterContext {
            policy: &policy,
            from: "mailwarden@oakfield.example",
            to: &[Address::parse(b"ana@oakfield.example").unwrap()],
            contact: "the office (office@oakfield.example)",
            name: "XY12-34ZW",
            reference,
            answers: None,
            letter,
            at: &at,
        });
        (name, MessageParser::new().parse(&written).unwrap().body_html(0).unwrap().into_owned())
    })
}

fn rendered(name: &str, page: &str, device: &str, colours: &str) -> Value {
    let folder = Path::new(ROOT).join("target/rendering");
    fs::create_dir_all(&folder).unwrap();
    let axe = folder.join("node_modules/axe-core/axe.min.js");
    assert!(axe.exists(), "axe-core is not there; run: make test-tools");
    let file: PathBuf = folder.join(format!("{name}-{device}-{colours}.html"));
    fs::write(&file, page).unwrap();
    let output = Command::new(Path::new(ROOT).join("scripts/render"))
        .args([&file, Path::new(device), Path::new(colours), &axe, &file.with_extension("png")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn answers_read_well_on_every_screen_and_axe_finds_nothing() {
    for (name, page) in pages() {
        for (device, width) in [("phone", 390), ("desktop", 1280)] {
            for colours in ["light", "dark"] {
                let told = rendered(name, &page, device, colours);
                let what = format!("{name}, {device}, {colours}: {told}");
                assert_eq!(told["violations"], serde_json::json!([]), "{what}");
                assert_eq!(told["undecided"], serde_json::json!([]), "{what}");
                assert!(told["passes"].as_u64().unwrap() > 10, "{what}");
                assert_eq!(told["window"], width, "{what}");
                assert!(told["width"].as_u64().unwrap() <= width, "it scrolls sideways: {what}");
                assert_eq!(told["dark"], colours == "dark", "{what}");
            }
        }
    }
}

/// Axe is really asked: what it must find, it finds.
#[test]
fn a_page_that_is_hard_to_read_is_found_out() {
    let page = "<!DOCTYPE html><html><head><title>x</title></head><body><main><h1>x</h1>\
        <p style=\"color:#bbb;background:#fff;width:900px\">faint</p><img src=\"x\"></main></body></html>";
    let told = rendered("bad", page, "phone", "light");
    let found: Vec<&str> =
        told["violations"].as_array().unwrap().iter().filter_map(|one| one["id"].as_str()).collect();
    for id in ["color-contrast", "html-has-lang", "image-alt"] {
        assert!(found.contains(&id), "{id} is not among {found:?}");
    }
    assert!(told["width"].as_u64().unwrap() > 390, "{told}");
}
