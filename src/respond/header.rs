//! Header fields by offset, and values that are safe to put into a header. It does not know what fields mean.

use std::ops::Range;

use crate::message::read_header;

/// The fields of a header, of a message or of a part, as offsets.
#[derive(Debug, Clone)]
pub(super) struct HeaderLines {
    pub fields: Vec<FieldRange>,
    /// Where the fields end: the blank line, or the first line that is none, starts here.
    pub end: usize,
    /// Where the body starts.
    pub body_start: usize,
}

/// Where a field lies. A line that is no field is here as one without a name.
#[derive(Debug, Clone)]
pub(super) struct FieldRange {
    pub name: Range<usize>,
    pub value: Range<usize>,
    /// All of it, with its line end.
    pub range: Range<usize>,
}

impl HeaderLines {
    /// Reads the header that starts a stretch, by the rules by which the message itself was read.
    pub fn read(raw: &[u8], within: Range<usize>) -> Self {
        let mut fields = Vec::new();
        let read = raw.get(..within.end).unwrap_or(raw);
        let end = read_header(
            read,
            within.start,
            |_| false,
            |field| {
                let start = field.range.start;
                let value = if field.name.is_empty() { start } else { start + field.name.len() + 1 };
                fields.push(FieldRange {
                    name: start..start + field.name.trim_ascii_end().len(),
                    value: value..value + field.value.len(),
                    range: field.range,
                });
            },
        );
        Self { fields, end: end.end, body_start: end.body }
    }

    /// The index of the `nth` field of that name, from 1.
    pub fn nth(&self, raw: &[u8], name: &str, nth: u32) -> Option<usize> {
        let skip = usize::try_from(nth).ok()?.checked_sub(1)?;
        self.named(raw, name).nth(skip).map(|(index, _)| index)
    }

    /// The fields of that name, with their index.
    pub fn named<'h>(
        &'h self,
        raw: &'h [u8],
        name: &'h str,
    ) -> impl Iterator<Item = (usize, &'h FieldRange)> + 'h {
        self.fields.iter().enumerate().filter(move |(_, field)| {
            raw.get(field.name.clone()).is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes()))
        })
    }

    /// The line end that the header uses.
    pub fn line_end(&self, raw: &[u8]) -> &'static [u8] {
        line_end_of(raw.get(..self.body_start).unwrap_or_default())
    }
}

/// The line end that a text uses, by its first one; CRLF where it has none.
pub(super) fn line_end_of(text: &[u8]) -> &'static [u8] {
    match text.iter().position(|byte| *byte == b'\n') {
        Some(at) if at == 0 || text.get(at - 1) != Some(&b'\r') => b"\n",
        _ => b"\r\n",
    }
}

/// A parameter of a structured field such as Content-Type (RFC 2045 §5.1), by its offsets in the value.
#[derive(Debug, Clone)]
pub(super) struct Parameter {
    /// In lower case.
    pub name: String,
    pub value: String,
    /// From the first byte of the name to the last of the value.
    pub range: Range<usize>,
}

/// The parameters of a structured field's value. Comments and quoted strings are understood.
pub(super) fn parameters(value: &[u8]) -> Vec<Parameter> {
    let mut found = Vec::new();
    let mut start = None;
    for end in separators(value) {
        if let Some(from) = start {
            found.extend(parameter(value, from..end));
        }
        start = Some(end + 1);
    }
    found
}

/// The offsets of the semicolons outside of quotes and comments, and the end.
fn separators(value: &[u8]) -> Vec<usize> {
    let (mut quoted, mut comment, mut escaped) = (false, 0_u32, false);
    let mut found = Vec::new();
    for (at, byte) in value.iter().enumerate() {
        if escaped {
            escaped = false;
            continue;
        }
        match byte {
            b'\\' if quoted || comment > 0 => escaped = true,
            b'"' if comment == 0 => quoted = !quoted,
            b'(' if !quoted => comment += 1,
            b')' if !quoted => comment = comment.saturating_sub(1),
            b';' if !quoted && comment == 0 => found.push(at),
            _ => {}
        }
    }
    found.push(value.len());
    found
}

fn parameter(value: &[u8], range: Range<usize>) -> Option<Parameter> {
    let text = value.get(range.clone())?;
    let equals = text.iter().position(|byte| *byte == b'=')?;
    let (name, _) = text.split_at_checked(equals)?;
    let after = text.get(equals + 1..)?;
    let lead = text.len() - text.trim_ascii_start().len();
    let gap = after.len() - after.trim_ascii_start().len();
    let trimmed = after.trim_ascii();
    let (length, unquoted) = match trimmed.strip_prefix(b"\"") {
        Some(inside) => {
            let close = closing_quote(inside);
            (close.map_or(trimmed.len(), |at| at + 2), inside.get(..close.unwrap_or(inside.len()))?)
        }
        None => {
            let end = trimmed.iter().position(|byte| byte.is_ascii_whitespace() || *byte == b'(');
            let token = trimmed.get(..end.unwrap_or(trimmed.len()))?;
            (token.len(), token)
        }
    };
    Some(Parameter {
        name: String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase(),
        value: String::from_utf8_lossy(unquoted).replace('\\', ""),
        range: range.start + lead..range.start + equals + 1 + gap + length,
    })
}

fn closing_quote(inside: &[u8]) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in inside.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at),
            _ => {}
        }
    }
    None
}

/// A Content-Type's value that declares that charset, everything else in it as it was.
pub(super) fn with_charset(value: &[u8], charset: &str) -> Vec<u8> {
    if value.trim_ascii().is_empty() {
        return format!(" text/plain; charset={charset}").into_bytes();
    }
    let declared: Vec<Parameter> = parameters(value)
        .into_iter()
        .filter(|parameter| parameter.name == "charset" || parameter.name.starts_with("charset*"))
        .collect();
    let mut out = Vec::with_capacity(value.len() + 24);
    if declared.is_empty() {
        let kept = value.trim_ascii_end();
        out.extend_from_slice(kept);
        let last_line = kept.rsplit(|byte| *byte == b'\n').next().map_or(0, <[u8]>::len);
        let semicolon = if kept.ends_with(b";") { "" } else { ";" };
        // "Content-Type:" stands before the first line, RFC 5322 §2.1.1 asks for 78 columns.
        let gap = if last_line + charset.len() > 52 { "\r\n\t" } else { " " };
        out.extend_from_slice(format!("{semicolon}{gap}charset={charset}").as_bytes());
        return out;
    }
    let mut done = 0;
    for parameter in declared {
        out.extend_from_slice(value.get(done..parameter.range.start).unwrap_or_default());
        out.extend_from_slice(format!("charset={charset}").as_bytes());
        done = parameter.range.end;
    }
    out.extend_from_slice(value.get(done..).unwrap_or_default());
    out
}

/// A text as the value of an unstructured field: printable ASCII as it is, else encoded words (RFC 2047 §2). Control
/// characters become spaces, so that no text can start another field.
pub(super) fn unstructured(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.is_ascii() && !clean.contains("=?") { clean } else { encoded_words(&clean) }
}

/// A text as encoded words of at most 75 characters each, folded between them (RFC 2047 §2 and §4.2).
pub(super) fn encoded_words(text: &str) -> String {
    const LEAD: &str = "=?utf-8?Q?";
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    for c in text.chars() {
        let mut encoded = String::new();
        match c {
            ' ' => encoded.push('_'),
            'a'..='z' | 'A'..='Z' | '0'..='9' | '!' | '*' | '+' | '-' | '/' => encoded.push(c),
            _ => {
                let mut buffer = [0; 4];
                for byte in c.encode_utf8(&mut buffer).bytes() {
                    encoded.push_str(&format!("={byte:02X}"));
                }
            }
        }
        if LEAD.len() + word.len() + encoded.len() + 2 > 75 {
            words.push(std::mem::take(&mut word));
        }
        word.push_str(&encoded);
    }
    words.push(word);
    words.iter().map(|word| format!("{LEAD}{word}?=")).collect::<Vec<_>>().join("\r\n ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_where_they_lie() {
        let raw = b"From x\r\nA: one\r\n two\r\nB :three\nno field\r\nC:\r\n\r\nD: body\r\n";
        let header = HeaderLines::read(raw, 0..raw.len());
        let found: Vec<(&[u8], &[u8])> =
            header.fields.iter().map(|field| (&raw[field.name.clone()], &raw[field.value.clone()])).collect();
        let expected: [(&[u8], &[u8]); 5] =
            [(b"", b"From x"), (b"A", b" one\r\n two"), (b"B", b"three"), (b"", b"no field"), (b"C", b"")];
        assert_eq!(found, expected);
        assert_eq!(&raw[header.end..header.body_start], b"\r\n");
        assert_eq!(header.nth(raw, "b", 1), Some(2));
        assert_eq!(header.nth(raw, "b", 2), None);
        assert_eq!(header.nth(raw, "b", 0), None);
    }

    #[test]
    fn a_charset_is_declared_and_nothing_else_changed() {
        for (value, expected) in [
            (" text/plain", " text/plain; charset=utf-8"),
            (" text/plain; charset=us-ascii", " text/plain; charset=utf-8"),
            (
                " text/plain;\r\n\tcharset=\"us-ascii\"; format=flowed",
                " text/plain;\r\n\tcharset=utf-8; format=flowed",
            ),
            (" text/plain; CHARSET = ascii (odd)", " text/plain; charset=utf-8 (odd)"),
            (
                " text/plain; x=\"a;charset=b\"; charset*0=us; charset*1=ascii",
                " text/plain; x=\"a;charset=b\"; charset=utf-8; charset=utf-8",
            ),
            (" text/plain;", " text/plain; charset=utf-8"),
            ("", " text/plain; charset=utf-8"),
            (
                " text/plain; (charset=x); name=\"\\\"\"",
                " text/plain; (charset=x); name=\"\\\"\"; charset=utf-8",
            ),
        ] {
            assert_eq!(
                String::from_utf8(with_charset(value.as_bytes(), "utf-8")).unwrap(),
                expected,
                "{value}"
            );
        }
    }

    #[test]
    fn no_text_starts_another_field() {
        assert_eq!(unstructured("plain [text]"), "plain [text]");
        assert_eq!(unstructured("a\r\nBcc: x"), "a  Bcc: x");
        assert_eq!(unstructured("=?utf-8?Q?x?="), "=?utf-8?Q?=3D=3Futf-8=3FQ=3Fx=3F=3D?=");
        let long = unstructured(&"é ".repeat(80));
        assert!(
            long.split("\r\n ").count() > 3 && long.split("\r\n ").all(|word| word.len() <= 75),
            "{long}"
        );
    }
}
