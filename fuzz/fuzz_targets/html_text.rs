//! A page of any bytes, as the only part of a message: it never panics, and its texts are no longer than browsers' are.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mailwarden::extract::Extraction;
use mailwarden::limits::Limits;
use mailwarden::message::Message;

fuzz_target!(|data: &[u8]| {
    let raw = [b"Content-Type: text/html; charset=utf-8\n\n", data].concat();
    let limits = Limits::default();
    let extraction = Extraction::read(&Message::parse(&raw, &limits), &limits);
    let bytes: usize = extraction.texts.iter().map(|text| text.text.len()).sum();
    // A broken byte becomes three, a character reference at most three for each of its own, and lines are ended.
    assert!(bytes <= data.len() * 4 + 8, "text out of nothing");
    assert!(extraction.texts.iter().all(|text| !text.text.is_empty() && !text.text.contains(['\r', '\0'])));
});
