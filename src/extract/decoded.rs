//! From a message's bytes to text: header fields in words, a part's text in Unicode. Never says where it belongs.

use std::borrow::Cow;

use memchr::{memchr2, memmem};

use super::flowed::{self, SoftSpace};
use crate::message::{Field, Message, Part, Value, charset, decode_words};
use crate::verdict::Gap;

/// The fields that are text for people: what they read, and what senders write themselves.
const HEADER_FIELDS: [&str; 8] =
    ["from", "to", "cc", "reply-to", "sender", "comments", "keywords", "organization"];

/// Room for what those fields of most messages say, in bytes.
const FIELDS_ROOM: usize = 256;

/// A header in words.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct HeaderText {
    /// The subject, its line ended.
    pub subject: String,
    /// The other fields that people read, `name: value`, a line each.
    pub fields: String,
    /// What could not be read of them.
    pub gaps: Vec<Gap>,
}

/// Reads a header.
pub(super) fn header(fields: &[Field<'_>]) -> HeaderText {
    let mut text = HeaderText { fields: String::with_capacity(FIELDS_ROOM), ..HeaderText::default() };
    for field in fields {
        let out = if field.is_named("subject") {
            &mut text.subject
        } else if let Some(name) = HEADER_FIELDS.iter().find(|name| field.is_named(name)) {
            text.fields.push_str(name);
            text.fields.push_str(": ");
            &mut text.fields
        } else {
            continue;
        };
        let words = decode_words(field.value);
        text.gaps.extend(words.gap);
        out.reserve(words.text.len() + 1);
        out.push_str(&words.text);
        out.push('\n');
    }
    text
}

/// The text of a part's bytes, its soft line breaks undone, and what of it nobody knows.
pub(super) fn text<'b>(
    message: &Message<'_>,
    part: &Part<'_>,
    bytes: &'b [u8],
) -> (Cow<'b, str>, Option<Gap>) {
    let is_html = part.content_type == "text/html";
    let asks_page = is_html && part.charset.is_none();
    let in_page = asks_page.then(|| declared_charset(bytes, b"charset=")).flatten();
    let decoded = charset::decode(bytes, part.charset.as_deref().or(in_page.as_deref()));
    if !part.flowed || is_html {
        return (decoded.text, decoded.gap);
    }
    let fields = message.fields_of(part);
    let declared = fields.iter().find(|field| field.is_named("content-type"));
    let delsp = declared.and_then(|field| Value::parse(field.value).lower("delsp"));
    let soft = if delsp.as_deref() == Some("yes") { SoftSpace::Deleted } else { SoftSpace::Kept };
    (Cow::Owned(flowed::unwrap(&decoded.text, soft)), decoded.gap)
}

/// The character set that a page (`charset=`) or XML (`encoding=`) declares of itself, where nothing else does.
pub(super) fn declared_charset(bytes: &[u8], key: &[u8]) -> Option<String> {
    let head = bytes.get(..1_024).unwrap_or(bytes);
    let at = memmem::find(head, key)? + key.len();
    let value = head.get(at..)?.trim_ascii_start();
    let name: String = value
        .iter()
        .skip_while(|byte| matches!(byte, b'"' | b'\''))
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':' | b'.'))
        .map(|&byte| char::from(byte))
        .collect();
    Some(name).filter(|name| !name.is_empty())
}

/// The text with its lines ended by LF, and without NUL.
pub(super) fn clean(text: Cow<'_, str>) -> String {
    if memchr2(b'\r', b'\0', text.as_bytes()).is_none() {
        return text.into_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\0' => {}
            '\r' if characters.peek() == Some(&'\n') => {}
            '\r' => out.push('\n'),
            other => out.push(other),
        }
    }
    out
}
