//! Reads PDF (ISO 32000-2): protection, text by page, forms, properties, files inside. Never runs a script, never draws.
//!
//! The crate below knows the syntax: objects, cross-reference tables and their repair, decryption. What a page says is
//! read here: its streams are unpacked within the caps, its operators followed, its letters joined to lines.

mod content;
mod encoding;
mod extras;
mod filter;
mod font;
mod lines;
mod lock;
mod open;
mod strings;
mod tokens;

pub(super) use self::lock::{ROUNDS, opens};

use hayro_syntax::Pdf;
use memchr::memmem;

use self::content::Pages;
use self::open::Opened;
use super::reading::{Outcome, Reading, Stop};
use crate::verdict::{Fact, Gap, Protection};

/// How far into a file its header is looked for (ISO 32000-2 annex J.3.4).
const HEADER_WITHIN: usize = 1_024;
/// How far from the end the last `startxref` stands in a file that is whole.
const END_WITHIN: usize = 2_048;

/// Reads a PDF.
pub(super) fn read(bytes: &[u8], reading: &mut Reading<'_>) -> Outcome {
    let bytes = from_header(bytes);
    let (pdf, sealed) = match open::open(bytes, reading)? {
        Opened::Plain(pdf) => (pdf, Sealed::Nothing),
        Opened::EmptyPassword(pdf) => {
            reading.fact(Fact::OwnerPasswordOnly);
            (pdf, Sealed::Nothing)
        }
        Opened::ByMessage(pdf) => {
            reading.opened(Protection::Encrypted);
            (pdf, Sealed::Nothing)
        }
        Opened::SealedFiles(pdf) => (pdf, Sealed::Files),
        Opened::Locked { weak } => {
            reading.protection(Protection::Encrypted);
            if weak {
                reading.fact(Fact::WeakEncryption);
            }
            return Ok(());
        }
        Opened::Broken => {
            reading.protection(Protection::Unknown);
            return Err(Stop(Gap::Damaged));
        }
    };
    if !is_whole(bytes) {
        reading.gap(Gap::Damaged);
    }
    document(&pdf, bytes, sealed, reading)
}

/// What cannot be read in a document that can be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sealed {
    Nothing,
    /// The files attached to it (ISO 32000-2 §7.6.6).
    Files,
}

/// Reads a document that is open. Text that is too much for one page ends the text, not the rest.
fn document(pdf: &Pdf, bytes: &[u8], sealed: Sealed, reading: &mut Reading<'_>) -> Outcome {
    let found = extras::find(pdf, bytes, reading)?;
    if found.script {
        reading.fact(Fact::ScriptPayload);
    }
    if !found.properties.is_empty() {
        reading.text(super::Place::Properties, &found.properties)?;
    }
    let mut pages = Pages::default();
    let filled_in = collapsed(&found.form);
    for (index, page) in pdf.pages().iter().enumerate() {
        reading.may_go_on()?;
        let number = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
        pages.read(page, number, reading)?;
        let notes = extras::notes(page.raw());
        let shown = pages.appearances(page, [&filled_in, &collapsed(&notes)], reading)?;
        reading.text(super::Place::Form, &(notes + &shown))?;
    }
    if !found.form.is_empty() {
        reading.text(super::Place::Form, &found.form)?;
    }
    extras::files(&found.files, sealed, reading)
}

/// Some of a text, white space as one space, to see whether it is said again.
fn collapsed(text: &str) -> String {
    const MOST: usize = 10_000;
    let mut out = String::new();
    for word in text.split_whitespace().take(MOST) {
        out.push_str(word);
        out.push(' ');
    }
    out
}

/// The file from its header on: what stands before it is no part of it, and its offsets count from there.
fn from_header(bytes: &[u8]) -> &[u8] {
    let head = bytes.get(..HEADER_WITHIN).unwrap_or(bytes);
    memmem::find(head, b"%PDF-").and_then(|at| bytes.get(at..)).unwrap_or(bytes)
}

/// Whether the file goes to its end.
fn is_whole(bytes: &[u8]) -> bool {
    let tail = bytes.get(bytes.len().saturating_sub(END_WITHIN)..).unwrap_or(bytes);
    memmem::rfind(tail, b"startxref").is_some()
}
