//! A message of any bytes: it never panics, its parts lie inside one another, and each zone of a part has one text.

#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use mailwarden::extract::Extraction;
use mailwarden::limits::Limits;
use mailwarden::message::Message;

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
    assert!(!message.parts.is_empty() && message.parts.len() <= limits.mime_parts);
    for part in &message.parts {
        assert!(part.header.end <= part.body.start && part.body.end <= data.len());
        assert_eq!(&data[part.body.clone()], part.raw);
        if let Some(parent) = part.parent.map(|parent| &message.parts[parent]) {
            assert!(parent.body.start <= part.header.start && part.body.end <= parent.body.end);
        }
        let _ = part.decoded();
    }
    let extraction = Extraction::read(&message, &limits);
    let mut places = BTreeSet::new();
    for text in &extraction.texts {
        assert!(places.insert((&text.part, text.zone)), "a zone of a part has more than one text");
        assert!(!text.text.contains(['\r', '\0']));
    }
    let bytes: usize = extraction.texts.iter().map(|text| text.text.len()).sum();
    assert!(bytes <= limits.text_bytes, "more text than the cap");
});
