//! Reads the values of Content-Type and Content-Disposition, parameters included (RFC 2045 §5.1, RFC 2231).

use std::borrow::Cow;

use smallvec::SmallVec;

use super::{charset, transfer, words};
use crate::verdict::Gap;

/// Parameters of one field that are kept: no honest field has as many.
const MAX_PARAMETERS: usize = 100;

/// A value such as `text/plain; charset=utf-8`. What is written plainly is borrowed from the field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Value<'x> {
    /// What stands before the first parameter, in lower case.
    pub main: Cow<'x, str>,
    parameters: SmallVec<[Parameter<'x>; 2]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Parameter<'x> {
    /// In lower case, without the marks of RFC 2231.
    name: Cow<'x, str>,
    /// The segment's number (RFC 2231 §3); `None` for a plain parameter.
    segment: Option<u32>,
    /// Whether the value is percent-encoded (§4).
    extended: bool,
    quoted: bool,
    value: Cow<'x, [u8]>,
}

impl<'x> Value<'x> {
    /// Reads a value. What is broken is read as programs do: a name without `=` is dropped, a value without quotes
    /// goes on to the next `;`.
    pub(crate) fn parse(raw: &'x [u8]) -> Self {
        let mut reader = Reader { rest: raw };
        let main = first_word(lower(reader.token(b";")));
        let mut parameters = SmallVec::new();
        while parameters.len() < MAX_PARAMETERS && !reader.rest.is_empty() {
            reader.skip_separators();
            let name = reader.token(b"=;");
            if reader.rest.first() == Some(&b'=') {
                reader.rest = reader.rest.get(1..).unwrap_or_default();
                let (value, quoted) = reader.value();
                parameters.extend(Parameter::new(name, value, quoted));
            }
        }
        Self { main, parameters }
    }

    /// A parameter's value as a token: the first word where it isn't quoted, trailing space removed (RFC 2046
    /// §5.1.1 for boundaries).
    pub(crate) fn token(&self, name: &str) -> Option<Cow<'x, [u8]>> {
        let (value, _) = self.joined(name)?;
        let quoted = self.parameters.iter().any(|one| one.name == name && one.quoted);
        let ends = |byte: &u8| !quoted && byte.is_ascii_whitespace();
        let token = |value: &[u8]| value.split(ends).next().unwrap_or_default().trim_ascii_end().len();
        let length = token(&value);
        Some(shortened(value, length)).filter(|value| !value.is_empty())
    }

    /// A parameter's value as text in lower case, such as a character set.
    pub(crate) fn lower(&self, name: &str) -> Option<Cow<'x, str>> {
        self.token(name).map(|value| lower(trimmed(value)))
    }

    /// A parameter's value as text for people, such as a file name.
    pub(crate) fn text(&self, name: &str) -> Option<(String, Option<Gap>)> {
        let (value, label) = self.joined(name)?;
        let (text, gap) = match label {
            None => words::decode_name(&value),
            Some(label) => {
                let decoded = charset::decode(&value, Some(label.as_str()).filter(|label| !label.is_empty()));
                let mut text = String::new();
                words::push_line(&decoded.text, &mut text);
                (text.trim().to_owned(), decoded.gap)
            }
        };
        (!text.is_empty()).then_some((text, gap))
    }

    /// The whole value and, where it came percent-encoded, its character set. The encoded form wins over the plain
    /// one beside it, which is for programs that don't know it.
    fn joined(&self, name: &str) -> Option<(Cow<'x, [u8]>, Option<String>)> {
        let mut segments: Vec<&Parameter<'_>> =
            self.parameters.iter().filter(|one| one.name == name && one.segment.is_some()).collect();
        if segments.is_empty() {
            return self.parameters.iter().find(|one| one.name == name).map(|one| (one.value.clone(), None));
        }
        segments.sort_by_key(|one| one.segment);
        let mut label = None;
        let mut whole = Vec::new();
        for (index, one) in segments.into_iter().enumerate() {
            let mut value = &*one.value;
            if one.extended && index == 0 {
                let mut fields = value.splitn(3, |&byte| byte == b'\'');
                if let (Some(set), Some(_), Some(text)) = (fields.next(), fields.next(), fields.next()) {
                    label = Some(String::from_utf8_lossy(set).into_owned());
                    value = text;
                }
            }
            if one.extended {
                percent_decode(value, &mut whole);
            } else {
                whole.extend_from_slice(value);
            }
        }
        Some((Cow::Owned(whole), label))
    }
}

impl<'x> Parameter<'x> {
    fn new(name: Cow<'x, [u8]>, value: Cow<'x, [u8]>, quoted: bool) -> Option<Self> {
        let name = lower(name);
        let (base, marks) = match name.split_once('*') {
            Some((base, marks)) => (Cow::Owned(base.to_owned()), Some(marks)),
            None => (name.clone(), None),
        };
        if base.is_empty() {
            return None;
        }
        let (segment, extended) = match marks {
            None => (None, false),
            Some("") => (Some(0), true),
            Some(marks) => {
                let digits = marks.strip_suffix('*').unwrap_or(marks);
                (Some(digits.parse().ok()?), marks.ends_with('*'))
            }
        };
        Some(Self { name: base, segment, extended, quoted, value })
    }
}

/// The text in lower case.
fn lower(text: Cow<'_, [u8]>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => match String::from_utf8_lossy(text) {
            text if text.bytes().any(|byte| byte.is_ascii_uppercase()) => {
                Cow::Owned(text.to_ascii_lowercase())
            }
            text => text,
        },
        Cow::Owned(text) => Cow::Owned(String::from_utf8_lossy(&text).to_ascii_lowercase()),
    }
}

/// What stands before the first space of a text.
fn first_word(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.split_whitespace().next().unwrap_or_default()),
        Cow::Owned(text) => Cow::Owned(text.split_whitespace().next().unwrap_or_default().to_owned()),
    }
}

/// The first bytes of a value, so many.
fn shortened(value: Cow<'_, [u8]>, length: usize) -> Cow<'_, [u8]> {
    match value {
        Cow::Borrowed(value) => Cow::Borrowed(value.get(..length).unwrap_or(value)),
        Cow::Owned(mut value) => {
            value.truncate(length);
            Cow::Owned(value)
        }
    }
}

/// A value without outer space.
fn trimmed(value: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    match value {
        Cow::Borrowed(value) => Cow::Borrowed(value.trim_ascii()),
        Cow::Owned(value) => Cow::Owned(value.trim_ascii().to_vec()),
    }
}

struct Reader<'x> {
    rest: &'x [u8],
}

impl<'x> Reader<'x> {
    fn skip_separators(&mut self) {
        let start = self.rest.iter().position(|byte| !matches!(byte, b';' | b' ' | b'\t' | b'\r' | b'\n'));
        self.rest = start.and_then(|start| self.rest.get(start..)).unwrap_or_default();
    }

    /// What stands before one of `ends`, without comments (RFC 5322 §3.2.2) and outer space.
    fn token(&mut self, ends: &[u8]) -> Cow<'x, [u8]> {
        let stops = |byte: &u8| *byte == b'(' || ends.contains(byte);
        let plain = self.rest.iter().position(stops).unwrap_or(self.rest.len());
        let (before, after) = self.rest.split_at(plain);
        if after.first() != Some(&b'(') {
            self.rest = after;
            return Cow::Borrowed(before.trim_ascii());
        }
        let mut out = Vec::new();
        let mut depth = 0u32;
        while let Some((&byte, after)) = self.rest.split_first() {
            match byte {
                b'(' => depth += 1,
                b')' if depth > 0 => depth -= 1,
                _ if depth > 0 => {}
                _ if ends.contains(&byte) => break,
                _ => out.push(byte),
            }
            self.rest = after;
        }
        Cow::Owned(out.trim_ascii().to_vec())
    }

    fn value(&mut self) -> (Cow<'x, [u8]>, bool) {
        let start = self.rest.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(self.rest.len());
        self.rest = self.rest.get(start..).unwrap_or_default();
        match self.rest.split_first() {
            Some((b'"', after)) => {
                self.rest = after;
                (self.quoted(), true)
            }
            _ => (self.unquoted(), false),
        }
    }

    /// A quoted string (RFC 5322 §3.2.4), without its quotes; one that isn't closed ends with the value.
    fn quoted(&mut self) -> Cow<'x, [u8]> {
        let stops = |byte: &u8| matches!(byte, b'"' | b'\\' | b'\r' | b'\n');
        let plain = self.rest.iter().position(stops).unwrap_or(self.rest.len());
        if let Some((value, [b'"', after @ ..])) = self.rest.split_at_checked(plain) {
            self.rest = after;
            return Cow::Borrowed(value);
        }
        let mut out = Vec::new();
        while let Some((&byte, after)) = self.rest.split_first() {
            self.rest = after;
            match (byte, after) {
                (b'"', _) => break,
                // Windows programs write paths with bare backslashes: only quotes and backslashes are escaped.
                (b'\\', [escaped @ (b'"' | b'\\'), rest @ ..]) => {
                    out.push(*escaped);
                    self.rest = rest;
                }
                (b'\r' | b'\n', _) => {}
                _ => out.push(byte),
            }
        }
        Cow::Owned(out)
    }

    /// A value without quotes. Programs write file names with spaces so; the next `;` ends it.
    fn unquoted(&mut self) -> Cow<'x, [u8]> {
        let end = self.rest.iter().position(|&byte| byte == b';').unwrap_or(self.rest.len());
        let (value, after) = self.rest.split_at(end);
        self.rest = after;
        let value = value.trim_ascii();
        if !value.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
            return Cow::Borrowed(value);
        }
        Cow::Owned(value.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect())
    }
}

fn percent_decode(value: &[u8], out: &mut Vec<u8>) {
    let mut rest = value;
    while let Some((&byte, after)) = rest.split_first() {
        rest = match (byte, after) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                out.push(transfer::hex(*high) << 4 | transfer::hex(*low));
                after
            }
            _ => {
                out.push(byte);
                after
            }
        };
    }
}
