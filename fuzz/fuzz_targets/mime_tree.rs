//! A message of any bytes: it never panics, its parts lie inside one another and beside their siblings, each zone of a
//! part has one text, the caps hold, and the kind of line end does not change the tree.

#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use mailwarden::extract::Extraction;
use mailwarden::extract::document::InProcess;
use mailwarden::limits::Limits;
use mailwarden::message::{Message, Part, PartKind};

fuzz_target!(|data: &[u8]| {
    // Small caps, so that short inputs reach them.
    let limits = Limits {
        mime_depth: 6,
        mime_parts: 40,
        text_bytes: 4_000,
        part_text_bytes: 2_000,
        ..Limits::default()
    };
    let message = Message::parse(data, &limits);
    let mut at = 0;
    for field in &message.header {
        assert!(
            field.range.start >= at && field.range.end <= message.body_start,
            "a field lies outside the header"
        );
        at = field.range.end;
    }
    nested(&message, &limits);
    if !data.contains(&b'\r') {
        let wired = wired(data);
        assert_eq!(tree(&message), tree(&Message::parse(&wired, &limits)), "CRLF makes another tree");
    }
    let extraction = Extraction::read(&message, &limits, &InProcess(&limits));
    let mut places = BTreeSet::new();
    for text in &extraction.texts {
        assert!(places.insert((&text.part, text.zone)), "a zone of a part has more than one text");
        assert!(!text.text.contains(['\r', '\0']));
    }
    let bytes: usize = extraction.texts.iter().map(|text| text.text.len()).sum();
    assert!(bytes <= limits.text_bytes, "more text than the cap");
});

/// Each part lies within its parent's body and after its sibling, no deeper than the cap, and decodes to no more.
fn nested(message: &Message<'_>, limits: &Limits) {
    assert!(!message.parts.is_empty() && message.parts.len() <= limits.mime_parts);
    let mut ends = vec![0; message.parts.len()];
    let mut depths = vec![0; message.parts.len()];
    for (index, part) in message.parts.iter().enumerate() {
        assert!(part.header.start <= part.header.end && part.header.end <= part.body.start);
        assert_eq!(&message.raw[part.body.clone()], part.raw);
        assert_eq!(part.parent.is_none(), index == 0, "a part without a parent");
        if let Some(parent) = part.parent {
            let container = &message.parts[parent];
            assert!(parent < index, "a parent after its child");
            assert!(matches!(container.kind, PartKind::Container | PartKind::Message));
            assert!(container.body.start <= part.header.start && part.body.end <= container.body.end);
            assert!(ends[parent] <= part.header.start, "two parts of one container overlap");
            ends[parent] = part.body.end;
            depths[index] = depths[parent] + 1;
            assert!(depths[index] <= limits.mime_depth + 1, "deeper than the cap");
        }
        assert!(part.decoded().len() <= part.raw.len(), "more than there was to decode");
    }
}

/// What of the tree does not depend on how lines end.
fn tree(message: &Message<'_>) -> Vec<String> {
    let describe = |part: &Part<'_>| {
        // Protection is left out: it is looked for in so many bytes, and CR are some of them.
        let place = (&part.path, part.parent, part.kind);
        let declared = (&part.content_type, &part.charset, part.flowed, part.disposition, part.encoding);
        format!("{place:?} {declared:?} {:?}", part.filename)
    };
    message.parts.iter().map(describe).collect()
}

/// The bytes with CRLF for LF.
fn wired(data: &[u8]) -> Vec<u8> {
    data.split(|byte| *byte == b'\n').collect::<Vec<_>>().join(&b"\r\n"[..])
}
