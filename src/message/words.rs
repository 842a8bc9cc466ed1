//! Header values to text: unfolds and decodes encoded words (RFC 2047), as liberally as mail programs do.

use std::borrow::Cow;

use memchr::{memchr_iter, memmem};

use super::{charset, transfer};
use crate::verdict::Gap;

/// A header value as people read it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Words<'x> {
    /// Borrowed where nothing had to be changed.
    pub text: Cow<'x, str>,
    pub gap: Option<Gap>,
}

/// Decodes a header value: folds become spaces, encoded words text, wherever they stand; adjacent words are joined
/// before their bytes are decoded, so that a character split between two of them is whole (§5 forbids the split, and
/// programs do it). Raw 8-bit bytes are UTF-8 or windows-1252. What is broken stays as it stood.
pub(crate) fn decode(value: &[u8]) -> Words<'_> {
    if let Some(text) = plain(value) {
        return Words { text: Cow::Borrowed(text), gap: None };
    }
    let mut out = Decoding { text: String::with_capacity(value.len()), gap: None };
    let mut pending = Pending::default();
    let mut rest = value;
    while let Some(at) = memmem::find(rest, b"=?") {
        let (plain, from) = rest.split_at(at);
        let Some(word) = Word::parse(from) else {
            let (marker, after) = from.split_at(2);
            out.plain(plain, &mut pending);
            out.plain(marker, &mut pending);
            rest = after;
            continue;
        };
        // White space between adjacent words is no text (§6.2).
        if pending.label.is_none() || !plain.trim_ascii().is_empty() {
            out.plain(plain, &mut pending);
        }
        out.word(&word, &mut pending);
        rest = word.after;
    }
    out.plain(rest, &mut pending);
    out.flush(&mut pending);
    let trimmed = out.text.trim();
    if trimmed.len() != out.text.len() {
        out.text = trimmed.to_owned();
    }
    Words { text: Cow::Owned(out.text), gap: out.gap }
}

/// A value that says what it says: no encoded words, no folds but at its ends, nothing but UTF-8.
fn plain(value: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let is_plain = !text.bytes().any(|byte| byte.is_ascii_control()) && !may_have_words(text.as_bytes());
    is_plain.then_some(text)
}

/// Whether encoded words may begin in a value.
fn may_have_words(value: &[u8]) -> bool {
    memchr_iter(b'=', value).any(|at| value.get(at + 1) == Some(&b'?'))
}

/// A value on its way to words.
struct Decoding {
    text: String,
    gap: Option<Gap>,
}

/// The bytes of adjacent encoded words in one character set.
#[derive(Default)]
struct Pending<'x> {
    label: Option<&'x str>,
    bytes: Vec<u8>,
}

/// One encoded word.
struct Word<'x> {
    label: &'x str,
    bytes: Vec<u8>,
    damaged: bool,
    after: &'x [u8],
}

impl<'x> Word<'x> {
    /// Reads the word at the start of `from`, which begins with `=?`.
    fn parse(from: &'x [u8]) -> Option<Self> {
        let rest = from.strip_prefix(b"=?")?;
        let (label, rest) = split(rest, b"?")?;
        let label = std::str::from_utf8(label).ok().filter(|label| label.len() <= 80 && label.is_ascii())?;
        let (encoding, rest) = split(rest, b"?")?;
        let (text, after) = split(rest, b"?=")?;
        let decoded = match encoding {
            b"b" | b"B" => transfer::base64(text, usize::MAX),
            b"q" | b"Q" => {
                let spaced: Vec<u8> =
                    text.iter().map(|&byte| if byte == b'_' { b' ' } else { byte }).collect();
                transfer::quoted_printable(&spaced, usize::MAX)
            }
            _ => return None,
        };
        // RFC 2231 §5: a language may follow the character set.
        let label = label.split_once('*').map_or(label, |(label, _)| label);
        Some(Self { label, bytes: decoded.bytes, damaged: decoded.damaged, after })
    }
}

impl Decoding {
    fn word<'x>(&mut self, word: &Word<'x>, pending: &mut Pending<'x>) {
        if pending.label.is_some_and(|label| !label.eq_ignore_ascii_case(word.label)) {
            self.flush(pending);
        }
        pending.label = Some(word.label);
        pending.bytes.extend_from_slice(&word.bytes);
        if word.damaged {
            self.gap.get_or_insert(Gap::Damaged);
        }
    }

    fn flush(&mut self, pending: &mut Pending<'_>) {
        let Some(label) = pending.label.take() else { return };
        let decoded = charset::decode(&pending.bytes, Some(label));
        self.gap = self.gap.or(decoded.gap);
        push_line(&decoded.text, &mut self.text);
        pending.bytes.clear();
    }

    fn plain(&mut self, bytes: &[u8], pending: &mut Pending<'_>) {
        if !bytes.is_empty() {
            self.flush(pending);
            push_line(&charset::undeclared(bytes).text, &mut self.text);
        }
    }
}

/// Adds text on one line: line ends of folds go, other control characters become spaces, NUL goes.
pub(super) fn push_line(text: &str, out: &mut String) {
    if !text.bytes().any(|byte| byte.is_ascii_control()) {
        out.push_str(text);
        return;
    }
    let mut kept = text.chars().peekable();
    while let Some(character) = kept.next() {
        match character {
            '\0' => {}
            '\r' | '\n' if kept.peek().is_none_or(|next| matches!(next, ' ' | '\t' | '\n')) => {}
            other if other.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
}

/// Decodes what may be text in any form: a parameter's value or a name.
pub(super) fn decode_name(value: &[u8]) -> (String, Option<Gap>) {
    if may_have_words(value) {
        let words = decode(value);
        return (words.text.into_owned(), words.gap);
    }
    let mut text = String::with_capacity(value.len());
    push_line(&charset::undeclared(value).text, &mut text);
    (text.trim().to_owned(), None)
}

/// A value decoded, borrowed where nothing had to be changed.
pub(super) fn text(value: &[u8]) -> Cow<'_, str> {
    decode(value).text
}

fn split<'x>(bytes: &'x [u8], by: &[u8]) -> Option<(&'x [u8], &'x [u8])> {
    let at = memmem::find(bytes, by)?;
    Some((bytes.get(..at)?, bytes.get(at + by.len()..)?))
}
