//! A policy made of any text: it is refused with faults inside its files, or it decides, and its explanation agrees.
//!
//! The text is cut into files at lines of the form `=== path`.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use mailwarden::extract::Extraction;
use mailwarden::extract::document::InProcess;
use mailwarden::limits::Limits;
use mailwarden::message::{Address, Envelope, Message, Origin};
use mailwarden::people::People;
use mailwarden::policy::{Case, Fault, NoMemory, Outcome, Policy, Reveal, SentApart, Sources};
use miette::GraphicalReportHandler;

const MAIL: &[u8] = b"From: teacher@oakfield.example\r\nSubject: Exclusion 1234\r\nX-Flag: yes\r\n\r\n\
    Oliver's behaviour, damn it.\r\n\r\n> exclusion\r\n";

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let sources = sources(text);
    match Policy::compile(&sources) {
        Err(faults) => {
            assert!(!faults.0.is_empty(), "refused without a fault");
            faults.0.iter().for_each(|fault| placed(fault, &sources));
        }
        Ok(policy) => {
            policy.warnings().iter().for_each(|warning| placed(&warning.0, &sources));
            policy.check_examples().iter().for_each(|example| placed(&example.fault, &sources));
            decide(&policy);
        }
    }
});

/// A fault stands inside its file, says what is wrong, and can be shown.
fn placed(fault: &Fault, sources: &Sources) {
    assert!(!fault.message().is_empty());
    let file = sources.files.get(fault.file()).map_or("", String::as_str);
    let lines = file.split('\n').count();
    assert!((1..=lines).contains(&fault.line()), "{}: line {} of {lines}", fault.file(), fault.line());
    let line = file.split('\n').nth(fault.line() - 1).unwrap_or_default();
    let columns = line.chars().count() + 1;
    assert!(
        (1..=columns).contains(&fault.column()),
        "{}: column {} of {columns}",
        fault.file(),
        fault.column()
    );
    let mut shown = String::new();
    GraphicalReportHandler::new().render_report(&mut shown, fault).expect("a fault that cannot be shown");
    // At a line's end the column shown is one more, and after a bare CR the line.
    let place = format!("{}:{}:", fault.file(), fault.line());
    let bare = file.replace("\r\n", "").contains('\r');
    assert!(bare || shown.contains(&place), "not shown at {place}\n{shown}");
}

fn decide(policy: &Policy) {
    let limits = Limits::default();
    let address = |text: &str| Address::parse(text.as_bytes());
    let envelope = Envelope {
        queue_id: None,
        origin: Origin::Smtp,
        client: None,
        authenticated: None,
        sender: address("teacher@oakfield.example"),
        recipients: ["head@oakfield.example", "parent@elsewhere.example", "x@beechwood.example"]
            .into_iter()
            .filter_map(address)
            .collect(),
    };
    let message = Message::parse(MAIL, &limits);
    let extraction = Extraction::read(&message, &limits, &InProcess(&limits));
    let now = "2026-01-14T10:00:00+00:00[UTC]".parse().expect("a moment");
    let case = Case {
        envelope: &envelope,
        message: &message,
        extraction: &extraction,
        people: &People::default(),
        memory: &NoMemory,
        apart: &SentApart::default(),
        limits: &limits,
        now: &now,
        expired: &|| false,
    };
    let verdict = policy.decide(&case);
    let explanation = policy.explain(&case, Reveal::Nothing);
    assert_eq!(verdict, explanation.verdict);
    for rule in &explanation.rules {
        let matched = verdict.rules.iter().any(|found| found.rule == rule.rule);
        assert_eq!(matched, rule.outcome == Outcome::Matched, "the explanation of {} disagrees", rule.rule);
    }
}

fn sources(text: &str) -> Sources {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let mut path = "organisation.toml".to_owned();
    for line in text.split_inclusive('\n') {
        match line.strip_prefix("=== ") {
            Some(next) => path = next.trim_end().to_owned(),
            None => files.entry(path.clone()).or_default().push_str(line),
        }
    }
    Sources { files }
}
