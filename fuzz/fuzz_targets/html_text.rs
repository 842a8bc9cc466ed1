//! A page of any bytes, as the only part of a message: it never panics, its texts are no longer than browsers' are, and
//! what stands before it is not lost, whatever it says.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mailwarden::extract::Extraction;
use mailwarden::extract::document::InProcess;
use mailwarden::limits::Limits;
use mailwarden::message::Message;

fuzz_target!(|data: &[u8]| {
    let extraction = extraction(&[data]);
    let bytes: usize = extraction.texts.iter().map(|text| text.text.len()).sum();
    // A broken byte becomes three, a character reference at most three for each of its own, and lines are ended.
    assert!(bytes <= data.len() * 4 + 8, "text out of nothing");
    assert!(extraction.texts.iter().all(|text| !text.text.is_empty() && !text.text.contains(['\r', '\0'])));
    // Hidden or quoted it may be, by a style sheet or a script for instance; but it is swept.
    let after = self::extraction(&[b"<p>Oakfield first", data]);
    assert!(
        after.texts.iter().any(|text| text.text.contains("Oakfield first")),
        "the page hid what was before it"
    );
});

/// What is read out of a page.
fn extraction(page: &[&[u8]]) -> Extraction {
    let raw = [b"Content-Type: text/html; charset=utf-8\n\n", &*page.concat()].concat();
    let limits = Limits::default();
    Extraction::read(&Message::parse(&raw, &limits), &limits, &InProcess(&limits))
}
