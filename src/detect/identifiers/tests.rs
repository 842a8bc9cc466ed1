//! Texts with identifiers and texts that only look like it. Never asserts how they are found, only that they are.

use jiff::civil::date;

use super::{Confidence, Identifier, find_in};
use crate::extract::document::Places;

fn find(text: &str) -> Vec<Identifier> {
    let mut found = Vec::new();
    find_in(text, &Places::default(), date(2026, 1, 14), usize::MAX, &mut found);
    found
}

/// Each identifier: `upn B801200005001`, with a question mark where the confidence is low.
fn found(text: &str) -> Vec<String> {
    let show = |hit: &Identifier| {
        let sure = if hit.confidence == Confidence::High { "" } else { "?" };
        format!("{}{sure} {}", hit.kind.name(), text.get(hit.span.start..hit.span.end).unwrap())
    };
    find(text).iter().map(show).collect()
}

#[test]
fn a_checksum_alone_is_low_and_a_label_makes_it_high() {
    assert_eq!(found("9434765870"), ["nhs-number? 9434765870"]);
    assert_eq!(found("NHS no. 943 476 5870"), ["nhs-number 943 476 5870"]);
    assert_eq!(found("her NHS number\n943-476-5870"), ["nhs-number 943-476-5870"]);
    assert_eq!(found("NHS no. 943 476 5871"), [""; 0]);
    assert_eq!(found("your order 9434765870"), [""; 0]);
}

#[test]
fn a_upn_is_known_by_itself() {
    assert_eq!(found("He is B801200005001."), ["upn B801200005001"]);
    assert_eq!(found("B 8012 0000 5001"), ["upn B 8012 0000 5001"]);
    assert_eq!(found("XB801200005001"), [""; 0]);
    assert_eq!(found("B801200005001-7"), [""; 0]);
}

#[test]
fn cards_and_insurance_numbers() {
    assert_eq!(found("Visa 4111111111111111"), ["payment-card 4111111111111111"]);
    assert_eq!(found("4111 1111 1111 1111"), ["payment-card 4111 1111 1111 1111"]);
    assert_eq!(found("4111111111111111"), ["payment-card? 4111111111111111"]);
    assert_eq!(found("41111111111111112222"), [""; 0]);
    assert_eq!(found("It is QQ 12 34 56 C"), [""; 0]);
    assert_eq!(found("It is AB 12 34 56 C"), ["ni-number AB 12 34 56 C"]);
    assert_eq!(found("ab123456c"), ["ni-number? ab123456c"]);
    assert_eq!(found("UCI 681990012058G"), ["uci 681990012058G"]);
}

#[test]
fn headings_name_what_stands_in_their_column() {
    let table = "Name\tNHS number\tOrder\nAnna\t9434765870\t2983396363\nBen\t2983396339\t9434765870\n";
    assert_eq!(found(table), ["nhs-number 9434765870", "nhs-number 2983396339"]);
    assert_eq!(found("Name, NHS\nAnna, 9434765870"), ["nhs-number 9434765870"]);
}

#[test]
fn a_list_is_named_once() {
    let list = "NHS numbers:\nAnna Field 9434765870\nBen Field 2983396339\n";
    assert_eq!(found(list), ["nhs-number 9434765870", "nhs-number 2983396339"]);
}
