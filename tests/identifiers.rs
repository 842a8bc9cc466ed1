//! Texts with identifiers of made-up people and what must be found in them, and what must hold of any text.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::string_slice,
    reason = "a test may panic: that is how it fails"
)]

use std::fs;

use jiff::civil::{Date, date};
use mailwarden::detect::identifiers::{Confidence, Identifier, IdentifierKind, find_in};
use mailwarden::extract::document::Places;
use proptest::prelude::*;
use serde::Deserialize;

const TODAY: Date = date(2026, 1, 14);

/// A text and all that is an identifier in it.
#[derive(Deserialize)]
struct Case {
    text: String,
    found: Vec<Expected>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Expected {
    kind: IdentifierKind,
    text: String,
    confidence: Confidence,
}

fn find(text: &str) -> Vec<Identifier> {
    let mut found = Vec::new();
    find_in(text, &Places::default(), TODAY, usize::MAX, &mut found);
    found
}

#[test]
fn every_fixture_is_found_and_nothing_else() {
    let cases = fs::read_to_string("fixtures/identifiers/cases.jsonl").unwrap();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for line in cases.lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        // What is not sure is no disclosure; the measured page counts it.
        let found: Vec<Expected> = find(&case.text)
            .iter()
            .filter(|found| found.confidence == Confidence::High)
            .map(|found| Expected {
                kind: found.kind,
                text: case.text[found.span.start..found.span.end].to_owned(),
                confidence: found.confidence,
            })
            .collect();
        seen += case.found.len();
        if found != case.found {
            wrong.push(format!("{:?}\n  found    {found:?}\n  expected {:?}", case.text, case.found));
        }
    }
    assert!(seen > 60, "only {seen} identifiers: the test looks in the wrong place");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What identifiers and the texts around them are made of.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[0-9]{1,12}",
        2 => "[A-Z]{1,3}[0-9]{1,9}[A-Z]?",
        2 => prop::sample::select(vec![
            " ", "-", ".", "/", "\n", "\n\n", "\t", ", ", "(", ")", "+44", "@", "a.b@c.example", "://", "\u{a0}", "é", "£",
        ]).prop_map(str::to_owned),
        2 => prop::sample::select(vec![
            "NHS ", "UPN", "DOB: ", "born ", "sort code ", "account ", "tel ", "order ", "Lane ", "card ", "March ",
            "B801200005001", "9434765870", "07700 900123", "4111 1111 1111 1111", "GB82WEST12345698765432", "OX1 1AA",
        ]).prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever the text, what is found lies in it in order, overlaps only where one number passes two checks, is the same
    /// whatever far text stands before, and has no more than the cap.
    #[test]
    fn what_is_found_lies_in_the_text(pieces in prop::collection::vec(piece(), 0..24), cap in 0_usize..6) {
        let text = pieces.concat();
        let found = find(&text);
        for identifier in &found {
            let stretch = text.get(identifier.span.start..identifier.span.end);
            prop_assert!(stretch.is_some_and(|stretch| !stretch.trim().is_empty()), "{text:?}: {identifier:?}");
        }
        let mut some = Vec::new();
        let cut = find_in(&text, &Places::default(), TODAY, cap, &mut some);
        prop_assert!(some.len() <= cap, "{some:?}");
        prop_assert_eq!(&some, &found[..some.len()]);
        prop_assert!(cut || some.len() == found.len());
        let paragraph = "A paragraph that says nothing at all. ".repeat(4) + "\n\n";
        let behind = find(&(paragraph.clone() + &text));
        let moved: Vec<(usize, u64)> =
            behind.iter().map(|found| (found.span.start - paragraph.len(), found.value)).collect();
        let alone: Vec<(usize, u64)> = found.iter().map(|found| (found.span.start, found.value)).collect();
        prop_assert_eq!(moved, alone, "{:?}", text);
    }
}
