//! A disclaimer in one part: which bytes change for it, and what the part must then declare. Every other byte stays.

use std::borrow::Cow;
use std::ops::Range;

use super::target::{Barrier, inline_pgp};
use super::text::Lines;
use super::words::Words;
use super::{html, text};
use crate::message::{Message, Part, PartKind, TransferEncoding, Value};
use crate::policy::Disclaimer;
use crate::respond::charset::Charset;
use crate::respond::header::{HeaderLines, line_end_of, parameters, with_charset};
use crate::respond::transfer::{
    LineEnds, base64_offset, decode_base64, decode_quoted_printable, encode_base64, encode_quoted_printable,
    quoted_printable_offset,
};
use crate::respond::{Edits, HeaderEdit, Splice};

/// The disclaimer's words in both of its forms; either may have come back in a reply.
pub(super) struct Wanted<'d> {
    pub disclaimer: &'d Disclaimer,
    pub text: Words,
    pub html: Words,
}

impl<'d> Wanted<'d> {
    pub fn new(disclaimer: &'d Disclaimer) -> Self {
        Self { disclaimer, text: Words::of_text(&disclaimer.text), html: Words::of_html(&disclaimer.html) }
    }
}

/// A part whose text can be read.
struct Opened<'m, 'x> {
    part: &'m Part<'x>,
    bytes: Cow<'x, [u8]>,
    charset: Charset,
    /// The line end of the text.
    line_end: &'static [u8],
    /// The line end of the encoded body.
    raw_line_end: &'static [u8],
}

/// What changes in a part.
struct Change {
    splice: Splice,
    /// The character set that the part must declare, where it changes.
    charset: Option<&'static str>,
    /// The transfer encoding that the part must declare, where it changes.
    encoding: Option<&'static str>,
}

/// The edits that put the disclaimer into a part; none where it stands there already.
pub(super) fn edits(message: &Message<'_>, part: &Part<'_>, wanted: &Wanted<'_>) -> Result<Edits, Barrier> {
    let opened = open(message, part)?;
    let decoded = opened.charset.decode(&opened.bytes);
    if let Some(barrier) = inline_pgp(&decoded) {
        return Err(barrier);
    }
    let is_html = part.kind == PartKind::DisplayedHtml;
    let present = if is_html { Words::of_html(&decoded) } else { Words::of_text(&decoded) };
    if present.hold(&wanted.text) || present.hold(&wanted.html) {
        return Ok(Edits::default());
    }
    let change = if is_html {
        in_html(&opened, &decoded, wanted.disclaimer)?
    } else {
        in_text(message, &opened, &decoded, wanted.disclaimer)?
    };
    let mut edits = Edits { header: Vec::new(), body: vec![change.splice] };
    if change.charset.is_some() || change.encoding.is_some() {
        edits.extend(declare(message, part, change.charset, change.encoding)?);
    }
    Ok(edits)
}

fn open<'m, 'x>(message: &Message<'x>, part: &'m Part<'x>) -> Result<Opened<'m, 'x>, Barrier> {
    let raw = part.raw;
    let bytes = match part.encoding {
        TransferEncoding::SevenBit | TransferEncoding::EightBit | TransferEncoding::Binary => {
            Cow::Borrowed(raw)
        }
        TransferEncoding::QuotedPrintable => Cow::Owned(decode_quoted_printable(raw)),
        TransferEncoding::Base64 => Cow::Owned(decode_base64(raw).ok_or(Barrier::Damaged)?),
        TransferEncoding::Unknown => return Err(Barrier::Damaged),
    };
    let charset = Charset::of(part.charset.as_deref(), &bytes);
    if charset == Charset::Unknown {
        return Err(Barrier::UnknownCharset);
    }
    let header = message.raw.get(..message.body_start).unwrap_or_default();
    let raw_line_end = line_end_of(if raw.contains(&b'\n') { raw } else { header });
    // Within base64 and in UTF-16 the text has its own line ends; else the body's are the text's.
    let line_end = match (part.encoding, charset) {
        (_, Charset::Utf16(_)) => line_end_of(charset.decode(&bytes).as_bytes()),
        (TransferEncoding::Base64, _) => line_end_of(&bytes),
        _ => raw_line_end,
    };
    Ok(Opened { part, bytes, charset, line_end, raw_line_end })
}

fn in_html(opened: &Opened<'_, '_>, decoded: &str, disclaimer: &Disclaimer) -> Result<Change, Barrier> {
    let at = html::place(decoded, disclaimer.placement).ok_or(Barrier::Damaged)?;
    let at = after_mark(decoded, at);
    let line_end = std::str::from_utf8(opened.line_end).unwrap_or("\r\n");
    let words = html::insertion(decoded, at, &disclaimer.html, line_end);
    let native = opened
        .charset
        .encode(&words)
        .filter(|bytes| bytes.is_ascii() || opened.takes_eight_bits() && !opened.charset.undeclared_utf8());
    let bytes = match native {
        Some(bytes) => bytes,
        None => opened.charset.encode(&html::with_references(&words)).ok_or(Barrier::UnknownCharset)?,
    };
    let offset = opened.charset.offset(&opened.bytes, decoded, at);
    opened.check_read(decoded, at, offset, &bytes)?;
    Ok(Change { splice: opened.splice(offset, &bytes), charset: None, encoding: None })
}

fn in_text(
    message: &Message<'_>,
    opened: &Opened<'_, '_>,
    decoded: &str,
    disclaimer: &Disclaimer,
) -> Result<Change, Barrier> {
    let at = after_mark(decoded, text::place(decoded, disclaimer.placement));
    let line_end = std::str::from_utf8(opened.line_end).unwrap_or("\r\n");
    let words = text::insertion(decoded, at, &disclaimer.text, opened.lines(message), line_end);
    let offset = opened.charset.offset(&opened.bytes, decoded, at);
    let native = opened.charset.encode(&words);
    if let Some(bytes) = &native {
        opened.check_read(decoded, at, offset, bytes)?;
    }
    match native {
        Some(bytes) if bytes.is_ascii() || opened.takes_eight_bits() => {
            let undeclared = !words.is_ascii() && opened.charset.undeclared_utf8();
            let charset = undeclared.then_some("utf-8");
            Ok(Change { splice: opened.splice(offset, &bytes), charset, encoding: None })
        }
        // The set can say it, seven bits cannot: the set stays, the encoding changes.
        Some(bytes) => {
            let whole = spliced(&opened.bytes, offset..offset, &bytes);
            Ok(opened.replaced(&whole, None))
        }
        None if opened.is_plain_ascii() && opened.part.encoding != TransferEncoding::SevenBit => {
            let splice = opened.splice(offset, words.as_bytes());
            Ok(Change { splice, charset: Some("utf-8"), encoding: None })
        }
        // What cannot be read cannot be converted without loss.
        None if decoded.contains(char::REPLACEMENT_CHARACTER) => Err(Barrier::UnknownCharset),
        None => {
            let whole = spliced(decoded.as_bytes(), at..at, words.as_bytes());
            Ok(opened.replaced(&whole, Some("utf-8")))
        }
    }
}

/// Nothing goes before a byte order mark.
fn after_mark(decoded: &str, at: usize) -> usize {
    if decoded.starts_with('\u{feff}') { at.max('\u{feff}'.len_utf8()) } else { at }
}

fn spliced(bytes: &[u8], range: Range<usize>, with: &[u8]) -> Vec<u8> {
    let before = bytes.get(..range.start).unwrap_or_default();
    let after = bytes.get(range.end..).unwrap_or_default();
    [before, with, after].concat()
}

impl Opened<'_, '_> {
    /// Whether bytes beyond ASCII can stand in the body as it is encoded now.
    fn takes_eight_bits(&self) -> bool {
        self.part.encoding != TransferEncoding::SevenBit || !self.part.raw.is_ascii()
    }

    /// Refuses where damage before the place would swallow the words: half a character, or a shift not undone.
    fn check_read(&self, decoded: &str, at: usize, offset: usize, with: &[u8]) -> Result<(), Barrier> {
        if self.charset.is_self_synchronising() {
            return Ok(());
        }
        let bytes = spliced(&self.bytes, offset..offset, with);
        let meant = self.charset.decode(with);
        let read = self.charset.decode(&bytes);
        let (before, after) = decoded.split_at_checked(at).ok_or(Barrier::Damaged)?;
        let whole = read.strip_prefix(before).and_then(|rest| rest.strip_prefix(&*meant)) == Some(after);
        if whole { Ok(()) } else { Err(Barrier::Damaged) }
    }

    /// Whether the bytes mean the same in UTF-8.
    fn is_plain_ascii(&self) -> bool {
        let shifts =
            matches!(self.charset, Charset::Legacy { encoding, .. } if encoding == encoding_rs::ISO_2022_JP);
        self.bytes.is_ascii() && !shifts && !matches!(self.charset, Charset::Utf16(_))
    }

    fn lines(&self, message: &Message<'_>) -> Lines {
        if self.part.flowed {
            let header = HeaderLines::read(message.raw, self.part.header.clone());
            let del_sp = header.named(message.raw, "content-type").any(|(_, field)| {
                let value = message.raw.get(field.value.clone()).unwrap_or_default();
                parameters(value).iter().any(|p| p.name == "delsp" && p.value.eq_ignore_ascii_case("yes"))
            });
            return Lines::Flowed { del_sp };
        }
        match self.part.encoding {
            TransferEncoding::QuotedPrintable | TransferEncoding::Base64 => Lines::AsWritten,
            _ => Lines::Broken,
        }
    }

    /// The change to the encoded body that puts these bytes at that offset of the decoded one.
    fn splice(&self, offset: usize, bytes: &[u8]) -> Splice {
        let (range, with) = match self.part.encoding {
            TransferEncoding::QuotedPrintable => self.quoted_printable_splice(offset, bytes),
            TransferEncoding::Base64 => self.base64_splice(offset, bytes),
            _ => (offset..offset, bytes.to_vec()),
        };
        let start = self.part.body.start;
        Splice { range: start + range.start..start + range.end, with }
    }

    fn quoted_printable_splice(&self, offset: usize, bytes: &[u8]) -> (Range<usize>, Vec<u8>) {
        let raw = self.part.raw;
        let line_end = self.raw_line_end;
        let at = if offset == self.bytes.len() { raw.len() } else { quoted_printable_offset(raw, offset) };
        let before = raw.get(..at).unwrap_or_default();
        let wide = matches!(self.charset, Charset::Utf16(_));
        let meaning = if wide { LineEnds::Bytes } else { LineEnds::Breaks };
        let breaks = !wide && bytes.starts_with(line_end);
        let mut with = Vec::with_capacity(bytes.len() * 2);
        let mut from = at;
        if before.ends_with(b"=") && at < raw.len() {
            // Damaged: an equals sign that stands for itself, and would not any more before a line break.
            from -= 1;
            with.extend_from_slice(b"=3D=");
            with.extend_from_slice(line_end);
        } else if before.ends_with(b"=") {
            // The text ended within a soft line break.
            with.extend_from_slice(line_end);
        } else if !before.is_empty() && !before.ends_with(b"\n") {
            // White space before a line break would be lost; other text must not make the line too long.
            let white = before.ends_with(b" ") || before.ends_with(b"\t");
            if !breaks || white && at < raw.len() {
                with.push(b'=');
                with.extend_from_slice(line_end);
            }
        }
        with.extend_from_slice(&encode_quoted_printable(bytes, line_end, meaning));
        if at < raw.len() && !with.ends_with(b"\n") {
            with.push(b'=');
            with.extend_from_slice(line_end);
        }
        (from..at, with)
    }

    /// From the last full group of three bytes before the place, to the end of the data.
    fn base64_splice(&self, offset: usize, bytes: &[u8]) -> (Range<usize>, Vec<u8>) {
        let raw = self.part.raw;
        let line_end = self.raw_line_end;
        let groups = offset / 3;
        let from = base64_offset(raw, groups * 4);
        let end =
            raw.iter().rposition(|byte| !byte.is_ascii_whitespace()).map_or(from, |last| last + 1).max(from);
        let before = raw.get(..from).unwrap_or_default();
        let column =
            before.len() - before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        let tail = self.bytes.get(groups * 3..).unwrap_or_default();
        let rest = spliced(tail, offset - groups * 3..offset - groups * 3, bytes);
        let mut with = encode_base64(&rest, column, line_end);
        if raw.is_empty() {
            // The delimiter may follow at once: the only line end before it was the header's.
            with.extend_from_slice(line_end);
        }
        (from..end, with)
    }

    /// The body anew, where its character set or its transfer encoding must change.
    fn replaced(&self, bytes: &[u8], charset: Option<&'static str>) -> Change {
        let line_end = self.raw_line_end;
        let quoted = || encode_quoted_printable(bytes, line_end, LineEnds::Breaks);
        let (with, encoding) = match self.part.encoding {
            TransferEncoding::Base64 => {
                let mut with = encode_base64(bytes, 0, line_end);
                if self.part.raw.ends_with(b"\n") {
                    with.extend_from_slice(line_end);
                }
                (with, None)
            }
            TransferEncoding::QuotedPrintable => (quoted(), None),
            TransferEncoding::EightBit | TransferEncoding::Binary | TransferEncoding::Unknown => {
                (bytes.to_vec(), None)
            }
            TransferEncoding::SevenBit => (quoted(), Some("quoted-printable")),
        };
        Change { splice: Splice { range: self.part.body.clone(), with }, charset, encoding }
    }
}

/// The edits that make a part declare its new character set and encoding.
fn declare(
    message: &Message<'_>,
    part: &Part<'_>,
    charset: Option<&str>,
    encoding: Option<&str>,
) -> Result<Edits, Barrier> {
    let raw = message.raw;
    let header = HeaderLines::read(raw, part.header.start..part.body.start);
    let old = |name: &'static str| header.named(raw, name).next().map(|(_, field)| field);
    let mut values: Vec<(&'static str, Vec<u8>)> = Vec::new();
    if let Some(charset) = charset {
        let declared = old("content-type").and_then(|field| raw.get(field.value.clone())).unwrap_or_default();
        let value = with_charset(declared, charset);
        // A declaration that is damaged may be read otherwise than it was edited.
        if Value::parse(&value).lower("charset").as_deref() != Some(charset) {
            return Err(Barrier::Damaged);
        }
        values.push(("Content-Type", value));
    }
    if let Some(encoding) = encoding {
        values.push(("Content-Transfer-Encoding", format!(" {encoding}").into_bytes()));
    }
    let mut edits = Edits::default();
    if part.parent.is_none() {
        if old("mime-version").is_none() {
            edits.header.push(HeaderEdit::Add { name: "MIME-Version".to_owned(), value: b" 1.0".to_vec() });
        }
        edits.header.extend(values.into_iter().map(|(name, value)| match old(name) {
            Some(_) => HeaderEdit::Replace { name: name.to_owned(), nth: 1, value },
            None => HeaderEdit::Add { name: name.to_owned(), value },
        }));
        return Ok(edits);
    }
    let line_end = header.line_end(raw);
    // A header that does not end in a blank line has no place for another field.
    let closed = raw.get(header.end..header.body_start).is_some_and(|blank| blank.ends_with(b"\n"));
    let mut added = Vec::new();
    for (name, value) in values {
        match old(name) {
            Some(field) => {
                let with = if line_end == b"\n" { without_returns(value) } else { value };
                edits.body.push(Splice { range: field.value.clone(), with });
            }
            None if !closed => return Err(Barrier::Damaged),
            None => added.extend_from_slice(&[name.as_bytes(), b":", &value, line_end].concat()),
        }
    }
    if !added.is_empty() {
        edits.body.push(Splice { range: header.end..header.end, with: added });
    }
    Ok(edits)
}

/// A value's folds in the message's own line end, where that is a bare LF.
fn without_returns(mut value: Vec<u8>) -> Vec<u8> {
    value.retain(|byte| *byte != b'\r');
    value
}
