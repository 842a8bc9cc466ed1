//! Changes to a message as data, and their application. Never changes a byte that no edit mentions.

use std::ops::Range;

use super::header::HeaderLines;

/// Changes to a message. Offsets are those of the message before any change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edits {
    /// Changes to the header, to be applied in their order.
    pub header: Vec<HeaderEdit>,
    /// Changes to the body: ascending, without overlap, all at or after the body's start.
    pub body: Vec<Splice>,
}

/// A change to the header. Values are what follows the colon, leading space included, folds as CRLF and space,
/// without the final line end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderEdit {
    /// Adds a field at the end of the header.
    Add {
        /// The field's name.
        name: String,
        /// What follows the colon.
        value: Vec<u8>,
    },
    /// Gives the `nth` field of that name (from 1) another value.
    Replace {
        /// The field's name.
        name: String,
        /// Which of the fields of that name, from 1.
        nth: u32,
        /// What follows the colon.
        value: Vec<u8>,
    },
    /// Removes the `nth` field of that name (from 1), counted before any removal.
    Remove {
        /// The field's name.
        name: String,
        /// Which of the fields of that name, from 1.
        nth: u32,
    },
}

/// A stretch of the message that is replaced; an empty range inserts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Splice {
    /// What is replaced, as offsets in the whole message.
    pub range: Range<usize>,
    /// What stands there afterwards.
    pub with: Vec<u8>,
}

impl Edits {
    /// Whether the message stays as it is.
    pub const fn is_empty(&self) -> bool {
        self.header.is_empty() && self.body.is_empty()
    }

    /// Adds the other's changes after these. Body changes are brought into ascending order.
    pub fn extend(&mut self, other: Self) {
        self.header.extend(other.header);
        self.body.extend(other.body);
        self.body.sort_by_key(|splice| splice.range.start);
    }

    /// The body with its changes, as an MTA takes it when a filter replaces the body; `body_start` is where the body
    /// starts in `raw`. A splice that overlaps the one before it, or lies outside the body, is left out.
    pub fn body_of(&self, raw: &[u8], body_start: usize) -> Vec<u8> {
        let grown: usize = self.body.iter().map(|splice| splice.with.len()).sum();
        let mut out = Vec::with_capacity(raw.len().saturating_sub(body_start) + grown);
        let mut done = body_start;
        for splice in &self.body {
            let Some(kept) = raw.get(done..splice.range.start) else { continue };
            if splice.range.end < splice.range.start || splice.range.end > raw.len() {
                continue;
            }
            out.extend_from_slice(kept);
            out.extend_from_slice(&splice.with);
            done = splice.range.end;
        }
        out.extend_from_slice(raw.get(done..).unwrap_or_default());
        out
    }
}

/// The message as an MTA makes it of these edits. Each `nth` is counted in the message before any change; where there
/// is no such field, `Replace` adds one and `Remove` does nothing, as Postfix has it.
pub fn apply(raw: &[u8], edits: &Edits) -> Vec<u8> {
    let header = HeaderLines::read(raw, 0..raw.len());
    let line_end = header.line_end(raw);
    let mut fields: Vec<Option<Vec<u8>>> =
        header.fields.iter().map(|field| raw.get(field.range.clone()).map(<[u8]>::to_vec)).collect();
    let mut added: Vec<Vec<u8>> = Vec::new();
    for edit in &edits.header {
        match edit {
            HeaderEdit::Add { name, value } => added.push(field_line(name.as_bytes(), value, line_end)),
            HeaderEdit::Replace { name, nth, value } => match header.nth(raw, name, *nth) {
                Some(index) => {
                    let kept = header.fields.get(index).and_then(|field| raw.get(field.name.clone()));
                    if let Some(slot) = fields.get_mut(index) {
                        *slot = Some(field_line(kept.unwrap_or(name.as_bytes()), value, line_end));
                    }
                }
                None => added.push(field_line(name.as_bytes(), value, line_end)),
            },
            HeaderEdit::Remove { name, nth } => {
                if let Some(slot) = header.nth(raw, name, *nth).and_then(|index| fields.get_mut(index)) {
                    *slot = None;
                }
            }
        }
    }
    let mut out = Vec::with_capacity(raw.len() + 1024);
    for field in fields.iter().flatten().chain(&added) {
        if !out.is_empty() && !out.ends_with(b"\n") {
            out.extend_from_slice(line_end);
        }
        out.extend_from_slice(field);
    }
    let body = edits.body_of(raw, header.body_start);
    let separator = raw.get(header.end..header.body_start).unwrap_or_default();
    if separator.is_empty() && !body.is_empty() {
        if !out.is_empty() && !out.ends_with(b"\n") {
            out.extend_from_slice(line_end);
        }
        out.extend_from_slice(line_end);
    }
    out.extend_from_slice(separator);
    out.extend_from_slice(&body);
    out
}

fn field_line(name: &[u8], value: &[u8], line_end: &[u8]) -> Vec<u8> {
    let mut line = Vec::with_capacity(name.len() + value.len() + 3);
    line.extend_from_slice(name);
    line.push(b':');
    line.extend_from_slice(value);
    line.extend_from_slice(line_end);
    line
}
