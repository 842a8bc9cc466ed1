//! Any text: identifiers lie in it, in the order of their places, and a cap cuts their row short, no more.
//!
//! The first byte is the cap; the rest is the text.

#![no_main]

use jiff::civil::date;
use libfuzzer_sys::fuzz_target;
use mailwarden::detect::identifiers::find_in;
use mailwarden::extract::document::Places;

fuzz_target!(|data: &[u8]| {
    let [cap, text @ ..] = data else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let today = date(2026, 1, 14);
    let mut found = Vec::new();
    assert!(!find_in(text, &Places::default(), today, usize::MAX, &mut found));
    for identifier in &found {
        let stretch = text.get(identifier.span.start..identifier.span.end).unwrap();
        assert!(!stretch.trim().is_empty(), "{identifier:?}");
    }
    let cap = usize::from(*cap);
    let mut some = Vec::new();
    find_in(text, &Places::default(), today, cap, &mut some);
    assert!(some.len() <= cap && some == found[..some.len()]);
});
