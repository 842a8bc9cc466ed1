//! What a file is, by its first bytes. Never looks into what it holds: the readers do, and may know better.

mod image;
mod magic;
mod markup;
pub(super) mod openpgp;
mod script;
mod table;
mod words;

pub(super) use table::separator;

use std::borrow::Cow;

use crate::verdict::Kind;

/// Bytes from a file's beginning that [`sniff`] looks at; what it says of those alone it says of the whole file, save
/// for an image of a disc, which tells what it is at byte 32,769.
pub(super) const HEAD: usize = 8 << 10;

/// The bytes from a file's beginning that [`sniff`] wants: of no more does it depend.
pub const SNIFFED: usize = 32_774;

/// The kind of a file by its content. Packages are told apart by their readers: here they are `zip` or `office`.
///
/// It wants the first [`HEAD`] bytes (and 32,774 for a disc's image), allocates little, and takes microseconds.
/// An empty file is text: there is nothing in it.
pub fn sniff(bytes: &[u8]) -> Kind {
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    if let Some(kind) = magic::kind(head).or_else(|| image::kind(head)) {
        return kind;
    }
    if is_disc(bytes) {
        return Kind::Iso;
    }
    let whole = if head.len() == bytes.len() { Extent::Whole } else { Extent::Cut };
    match readable(head) {
        Some(text) => words::kind(&text, whole),
        None if openpgp::is_packets(head) => Kind::Pgp,
        // A message may carry bytes of any kind behind its header.
        None => {
            let header = head.split(|byte| *byte == 0).next().unwrap_or_default();
            words::mail(header).unwrap_or(Kind::Unknown)
        }
    }
}

/// Whether what is looked at is all of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    Whole,
    Cut,
}

/// ECMA-119 §8.1 puts the first volume descriptor at sector 16; ECMA-167 §2/9.1 puts `BEA01` there.
fn is_disc(bytes: &[u8]) -> bool {
    bytes.get(32_769..32_774).is_some_and(|magic| magic == b"CD001" || magic == b"BEA01")
}

/// The bytes as text with ASCII where ASCII is meant; none where they are no text.
fn readable(head: &[u8]) -> Option<Cow<'_, [u8]>> {
    if let Some(text) = wide(head) {
        return Some(Cow::Owned(text));
    }
    let marked = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let text = without_padding(marked);
    let odd = text.iter().filter(|&&byte| is_control(byte)).count();
    let is_text = !text.contains(&0) && odd.saturating_mul(100) <= text.len();
    // Noughts alone are no text.
    (is_text && text.is_empty() == marked.is_empty()).then_some(Cow::Borrowed(text))
}

/// Controls that no text has: not tab, line ends, form feed, backspace, escape.
fn is_control(byte: u8) -> bool {
    matches!(byte, 0..=7 | 0x0e..=0x1a | 0x1c..=0x1f | 0x7f)
}

/// UTF-16 text as UTF-8, with or without a byte-order mark; none where it is not UTF-16.
fn wide(head: &[u8]) -> Option<Vec<u8>> {
    let (encoding, text) = match head {
        [0xff, 0xfe, 0, 0, ..] => return None,
        [0xff, 0xfe, text @ ..] => (encoding_rs::UTF_16LE, text),
        [0xfe, 0xff, text @ ..] => (encoding_rs::UTF_16BE, text),
        text => (unmarked_wide(text)?, text),
    };
    let even = text.get(..text.len() & !1).unwrap_or(text);
    let decoded = encoding.decode_without_bom_handling(even).0;
    let odd = decoded.chars().filter(|&letter| letter == '\u{fffd}' || is_odd(letter)).count();
    (odd.saturating_mul(50) <= decoded.chars().count()).then(|| decoded.into_owned().into_bytes())
}

fn is_odd(letter: char) -> bool {
    u8::try_from(letter).is_ok_and(is_control)
}

/// The byte order of UTF-16 without a mark: nearly all of it is ASCII, so that every other byte is nought.
pub(super) fn unmarked_wide(text: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let (pairs, _) = text.as_chunks::<2>();
    let pairs = pairs.get(..pairs.len().min(512))?;
    let printable = |byte: u8| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t');
    let little = pairs.iter().filter(|[low, high]| *high == 0 && printable(*low)).count();
    let big = pairs.iter().filter(|[high, low]| *high == 0 && printable(*low)).count();
    let most = |count: usize| pairs.len() >= 4 && count.saturating_mul(10) >= pairs.len().saturating_mul(9);
    if most(little) {
        Some(encoding_rs::UTF_16LE)
    } else if most(big) {
        Some(encoding_rs::UTF_16BE)
    } else {
        None
    }
}

/// Bytes without the end-of-file mark of DOS, and without the padding of tapes and old mainframes.
fn without_padding(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| !matches!(byte, 0 | 0x1a)).map_or(0, |last| last + 1);
    text.get(..end).unwrap_or(text)
}

#[cfg(test)]
mod tests;
