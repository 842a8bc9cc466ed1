//! The disclaimer put into any bytes: it never panics, its edits are in order, and every byte beside them stays.
//!
//! The first byte chooses the disclaimer, its place and the fallback; the rest is the message.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mailwarden::limits::Limits;
use mailwarden::message::Message;
use mailwarden::policy::{Direction, Disclaimer, Fallback, Placement};
use mailwarden::respond::disclaimer::{Insertion, insert, wrap};
use mailwarden::respond::{Edits, apply};

fuzz_target!(|data: &[u8]| {
    let [choice, raw @ ..] = data else { return };
    let disclaimer = disclaimer(*choice);
    let message = Message::parse(raw, &Limits::default());
    let edits = match insert(&message, &disclaimer) {
        Insertion::Edits(edits) => edits,
        Insertion::Present => return,
        Insertion::Barred(barrier) => match wrap(&message, &disclaimer, barrier, "4XYZ") {
            Some(edits) => edits,
            None => return,
        },
    };
    holds(&message, &edits);
    let out = apply(raw, &edits);
    assert!(out.ends_with(&edits.body_of(raw, message.body_start)), "the body is not what the edits make of it");
});

/// The stretches between the splices stand in the new body, in their order.
fn holds(message: &Message<'_>, edits: &Edits) {
    let body = edits.body_of(message.raw, message.body_start);
    let (mut from, mut at) = (message.body_start, 0);
    for splice in &edits.body {
        assert!(splice.range.start >= from && splice.range.end >= splice.range.start, "splices out of order");
        let kept = &message.raw[from..splice.range.start];
        assert_eq!(kept, &body[at..at + kept.len()]);
        at += kept.len() + splice.with.len();
        from = splice.range.end;
    }
    assert_eq!(&message.raw[from..], &body[at..]);
}

fn disclaimer(choice: u8) -> Disclaimer {
    let words = match choice & 3 {
        0 => "Oakfield School is part of Hillside Trust.",
        1 => "Oakfield School’s mail – “confidential”.",
        2 => "Ysgol Oakfield: darllenwch ŵyl y dŷ.",
        _ => "a",
    };
    let words = if choice & 4 == 0 { words.to_owned() } else { [words; 8].join(" ") };
    Disclaimer {
        id: "standard".to_owned(),
        schools: Vec::new(),
        directions: vec![Direction::Outbound],
        text: format!("{words}\n"),
        html: format!("<p>{words}</p>\n"),
        placement: if choice & 8 == 0 { Placement::End } else { Placement::BeforeQuote },
        fallback: Fallback::Wrap,
    }
}
