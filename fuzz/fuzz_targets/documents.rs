//! A file of any bytes is inspected: no panic, text and files within the caps, and nothing goes on after the time is over.

#![no_main]

use std::cell::Cell;

use libfuzzer_sys::fuzz_target;
use mailwarden::extract::document::inspect_with;
use mailwarden::limits::Limits;

/// How often an inspection may ask whether the time is over before it is.
const ASKED: u64 = 5_000;

fuzz_target!(|data: &[u8]| {
    let limits = Limits {
        entry_bytes: 4 << 20,
        expanded_bytes: 16 << 20,
        expansion_free_bytes: 1 << 20,
        part_text_bytes: 1 << 20,
        document_entries: 500,
        ..Limits::default()
    };
    let passwords = ["conker".to_owned()];
    let asked = Cell::new(0);
    let expired = || {
        asked.set(asked.get() + 1);
        asked.get() > ASKED
    };
    let found = inspect_with(Some("letter.pdf"), data, &passwords, &limits, &expired);
    assert!(asked.get() < ASKED + 100, "went on after the time was over");
    assert!(!found.items.is_empty() && found.items.len() <= limits.document_entries, "{} items", found.items.len());
    assert!(found.text.len() <= limits.part_text_bytes + found.places.marks.len() + 1, "too much text");
    assert!(!found.text.contains(['\r', '\0']), "line ends of other systems");
    let bytes = usize::try_from;
    assert!(found.places.marks.is_sorted_by_key(|mark| mark.start), "marks out of order");
    assert!(found.places.marks.iter().all(|mark| found.text.is_char_boundary(bytes(mark.start).unwrap())));
    assert!(found.gaps.iter().all(|(_, item)| bytes(*item).unwrap() < found.items.len()), "a gap of no item");
});
