//! Files that are text: which characters they have, and what a person reads in them. Runs nothing.

mod json;
mod lines;
mod page;
mod payload;
mod table;

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};

use super::kind::unmarked_wide;
use super::reading::{Outcome, Reading};
use super::{Place, kind};
use crate::extract::decoded::declared_charset;
use crate::message::charset;
use crate::verdict::{Gap, Kind};

/// Reads a text of that kind. Much too large ones are read as far as text is swept.
pub(super) fn read(kind: Kind, bytes: &[u8], reading: &mut Reading<'_>) -> Outcome {
    // UTF-16 has two bytes for each one that is swept; pages bring pictures.
    let most = reading.limits.part_text_bytes.saturating_mul(2);
    let read = bytes.get(..most).unwrap_or(bytes);
    let text = decoded(kind, read, reading);
    match kind {
        Kind::Html => page::html(&text, reading)?,
        Kind::Xml => page::xml(&text, reading)?,
        Kind::Svg => page::svg(&text, reading)?,
        Kind::Csv => table::read(&text, reading)?,
        Kind::Json => reading.text(Place::Body, &json::unescaped(&text))?,
        Kind::Calendar | Kind::Vcard => lines::read(&text, reading)?,
        _ => reading.text(Place::Body, &text)?,
    }
    if read.len() < bytes.len() {
        reading.gap(Gap::TooMuchText);
    }
    Ok(())
}

/// The text of the bytes: by their mark, by what they declare of themselves, as UTF-8 or as windows-1252.
fn decoded<'x>(kind: Kind, bytes: &'x [u8], reading: &mut Reading<'_>) -> Cow<'x, str> {
    let declared = match kind {
        Kind::Html => declared_charset(bytes, b"charset="),
        Kind::Xml | Kind::Svg => declared_charset(bytes, b"encoding="),
        _ => None,
    };
    let wide = unmarked_wide(bytes).map(|encoding| encoding.name().to_owned());
    // HTML §13.2.3.2: who can read a declaration of UTF-16 byte by byte knows that it is wrong.
    let is_wide = |label: &String| {
        Encoding::for_label(label.as_bytes()).is_some_and(|it| it == UTF_16LE || it == UTF_16BE)
    };
    let label = wide.or(declared.filter(|label| !is_wide(label)));
    let decoded = charset::decode(bytes, label.as_deref());
    if let Some(gap) = decoded.gap {
        reading.gap(gap);
    }
    decoded.text
}

/// The byte between the values of a table.
fn separator(text: &str) -> Option<u8> {
    let head = text.as_bytes().get(..kind::HEAD).unwrap_or(text.as_bytes());
    let extent = if head.len() < text.len() { kind::Extent::Cut } else { kind::Extent::Whole };
    kind::separator(head, extent)
}

#[cfg(test)]
mod tests;
