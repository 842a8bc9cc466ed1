//! Splits a header into its fields, byte for byte. Decodes nothing, and never fails on what isn't a header.

use std::ops::Range;

use memchr::memchr;

use super::Field;

/// Where a header ended, and whether it was sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeaderEnd {
    /// Where the header's last line ended.
    pub end: usize,
    /// Where the body starts.
    pub body: usize,
    /// `false` where a line was no field, or the blank line was missing.
    pub sound: bool,
}

/// Reads the header that starts at `start`, up to its blank line (RFC 5322 §2.1), and gives each field to `each`.
///
/// A line that is neither field nor continuation, with a field on the next line, is given as a field without a
/// name: most mail programs pass over it. With anything else on the next line it starts the body, as Postfix has
/// it. `stop` says of a line whether it is a delimiter of an enclosing multipart: such a header was cut short.
pub(crate) fn read<'x>(
    raw: &'x [u8],
    start: usize,
    stop: impl Fn(&[u8]) -> bool,
    mut each: impl FnMut(Field<'x>),
) -> HeaderEnd {
    let mut open: Option<Open> = None;
    let mut sound = true;
    let mut at = start;
    while let Some(line) = line_at(raw, at) {
        let text = trim_end(raw, &line);
        let content = raw.get(text.clone()).unwrap_or_default();
        if content.is_empty() {
            flush(raw, open.take(), &mut each);
            return HeaderEnd { end: line.start, body: line.end, sound };
        }
        if content.starts_with(b"--") && stop(content) {
            flush(raw, open.take(), &mut each);
            return HeaderEnd { end: line.start, body: line.start, sound: false };
        }
        if let Some(name) = name_length(content) {
            flush(raw, open.take(), &mut each);
            open = Some(Open { range: line.clone(), name: name + at, text_end: text.end });
        } else if let Some(field) = open.as_mut().filter(|_| is_space(content.first())) {
            field.range.end = line.end;
            field.text_end = text.end;
        } else if passes_over(raw, start, &line) {
            // An mbox separator is no damage: files that people keep have one.
            sound &= at == start && content.starts_with(b"From ");
            flush(raw, open.take(), &mut each);
            each(Field { name: b"", value: content, range: line.clone() });
        } else {
            flush(raw, open.take(), &mut each);
            return HeaderEnd { end: line.start, body: line.start, sound: false };
        }
        at = line.end;
    }
    flush(raw, open, &mut each);
    HeaderEnd { end: raw.len(), body: raw.len(), sound }
}

/// A field whose last line may be still to come.
struct Open {
    range: Range<usize>,
    name: usize,
    text_end: usize,
}

fn flush<'x>(raw: &'x [u8], open: Option<Open>, each: &mut impl FnMut(Field<'x>)) {
    let Some(Open { range, name, text_end }) = open else { return };
    each(Field {
        name: raw.get(range.start..name).unwrap_or_default(),
        value: raw.get(name + 1..text_end).unwrap_or_default(),
        range,
    });
}

/// The line at `at`, its end included; `None` at the end.
pub(super) fn line_at(raw: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = raw.get(at..).filter(|rest| !rest.is_empty())?;
    Some(at..memchr(b'\n', rest).map_or(raw.len(), |end| at + end + 1))
}

/// The line without its end.
fn trim_end(raw: &[u8], line: &Range<usize>) -> Range<usize> {
    let bytes = raw.get(line.clone()).unwrap_or_default();
    let bytes = bytes.strip_suffix(b"\n").map_or(bytes, |cut| cut.strip_suffix(b"\r").unwrap_or(cut));
    line.start..line.start + bytes.len()
}

/// How long the field's name is, where the line starts a field: printable US-ASCII without space (RFC 5322
/// §2.2), and space before the colon as obsolete syntax allows it (§4.5).
fn name_length(line: &[u8]) -> Option<usize> {
    let colon = memchr(b':', line)?;
    let name = line.get(..colon)?.trim_ascii_end();
    (!name.is_empty() && name.iter().all(|byte| (33..127).contains(byte))).then_some(colon)
}

fn is_space(byte: Option<&u8>) -> bool {
    matches!(byte, Some(b' ' | b'\t'))
}

/// Whether a line that is no field still lies inside the header: the next one is a field.
fn passes_over(raw: &[u8], start: usize, line: &Range<usize>) -> bool {
    let next = line_at(raw, line.end).and_then(|next| raw.get(trim_end(raw, &next)));
    let first = raw.get(line.clone()).unwrap_or_default();
    let is_field = next.is_some_and(|next| name_length(next).is_some());
    // A delimiter whose blank line is missing, or is a space: the parts begin here.
    if first.starts_with(b"--") {
        return false;
    }
    is_field || (line.start == start && first.starts_with(b"From ") && next.is_some_and(<[u8]>::is_empty))
}
