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

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop_assert_eq, proptest};

    use super::*;

    fn replace(name: &str, nth: u32, value: &str) -> HeaderEdit {
        HeaderEdit::Replace { name: name.to_owned(), nth, value: value.as_bytes().to_vec() }
    }

    fn remove(name: &str, nth: u32) -> HeaderEdit {
        HeaderEdit::Remove { name: name.to_owned(), nth }
    }

    fn add(name: &str, value: &str) -> HeaderEdit {
        HeaderEdit::Add { name: name.to_owned(), value: value.as_bytes().to_vec() }
    }

    #[test]
    fn fields_are_counted_before_any_change() {
        let raw = b"A: 1\r\na: 2\r\nB: x\r\nA: 3\r\n\r\nbody";
        let header = vec![
            remove("a", 1),
            replace("A", 2, " two\r\n more"),
            add("Z", " z"),
            remove("A", 3),
            remove("C", 1),
        ];
        let out = apply(raw, &Edits { header, body: Vec::new() });
        assert_eq!(String::from_utf8(out).unwrap(), "a: two\r\n more\r\nB: x\r\nZ: z\r\n\r\nbody");
    }

    #[test]
    fn what_is_not_there_is_added_or_let_be() {
        let raw = b"A: 1\nB: 2";
        let body = vec![Splice { range: 9..9, with: b"text\n".to_vec() }];
        let out = apply(raw, &Edits { header: vec![replace("C", 1, " 3"), remove("B", 2)], body });
        assert_eq!(String::from_utf8(out).unwrap(), "A: 1\nB: 2\nC: 3\n\ntext\n");
        assert_eq!(apply(b"", &Edits { header: vec![add("A", " 1")], body: Vec::new() }), b"A: 1\r\n");
    }

    #[test]
    fn splices_that_fit_nowhere_are_left_out() {
        let splice = |range: Range<usize>, with: &str| Splice { range, with: with.as_bytes().to_vec() };
        let body = vec![splice(8..9, "x"), splice(8..8, "lost"), splice(11..11, "y"), splice(11..99, "lost")];
        assert_eq!(apply(b"A: 1\r\n\r\nabc", &Edits { header: Vec::new(), body }), b"A: 1\r\n\r\nxbcy");
    }

    fn fields() -> impl Strategy<Value = Vec<(String, String)>> {
        proptest::collection::vec(("[A-C]{1,2}", " [ -~]{0,12}(\r\n [a-z]{1,8})?"), 0..8)
    }

    proptest! {
        #[test]
        fn bytes_that_no_edit_mentions_stay(
            fields in fields(),
            body in proptest::collection::vec(any::<u8>(), 0..60),
            marks in proptest::collection::vec((0_usize..60, 0_usize..5, "[a-z]{0,5}"), 0..4),
            gone in proptest::collection::vec(("[A-C]{1,2}", 1_u32..4), 0..4),
        ) {
            let header: String = fields.iter().map(|(name, value)| format!("{name}:{value}\r\n")).collect();
            let raw = [header.as_bytes(), b"\r\n", &body].concat();
            let start = header.len() + 2;
            let mut splices: Vec<Splice> = Vec::new();
            let mut expected_body = Vec::new();
            let mut at = 0;
            let mut marks = marks;
            marks.sort();
            for (from, length, with) in marks {
                let (from, to) = (from.min(body.len()), (from + length).min(body.len()));
                if from < at {
                    continue;
                }
                expected_body.extend_from_slice(&body[at..from]);
                expected_body.extend_from_slice(with.as_bytes());
                splices.push(Splice { range: start + from..start + to, with: with.into_bytes() });
                at = to;
            }
            expected_body.extend_from_slice(&body[at..]);
            let mut expected = String::new();
            for (index, (name, value)) in fields.iter().enumerate() {
                let nth = fields[..=index].iter().filter(|(other, _)| other == name).count();
                if !gone.iter().any(|(other, number)| other == name && *number as usize == nth) {
                    expected.push_str(&format!("{name}:{value}\r\n"));
                }
            }
            let header = gone.into_iter().map(|(name, nth)| HeaderEdit::Remove { name, nth }).collect();
            let out = apply(&raw, &Edits { header, body: splices });
            prop_assert_eq!(out, [expected.as_bytes(), b"\r\n", &expected_body].concat());
        }
    }
}
