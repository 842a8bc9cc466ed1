//! Reads CMS messages (RFC 5652) as S/MIME sends them, and stores of keys. Verifies nothing, decrypts nothing.

use std::borrow::Cow;

use memchr::memmem;

use super::reading::{Outcome, Reading, Stop};
use crate::message::base64;
use crate::verdict::{Gap, Kind, Protection};

/// What the content types begin with: PKCS #7's arc (RFC 5652 §14).
const PKCS7: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07";
/// `id-ct-authEnvelopedData` (RFC 5083 §2) and `id-ct-compressedData` (RFC 3274 §1.1).
const AUTH_ENVELOPED: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17";
const COMPRESSED: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x09";

const OBJECT_IDENTIFIER: u8 = 0x06;
const OCTETS: u8 = 0x04;
const OCTETS_IN_PIECES: u8 = 0x24;
const SEQUENCE: u8 = 0x30;
const EXPLICIT_0: u8 = 0xa0;

/// Nesting that is followed. Honest messages need seven levels.
const DEEPEST: usize = 16;

/// Reads a CMS message, in DER, BER or PEM: what was signed is opened.
pub(super) fn read(bytes: &[u8], reading: &mut Reading<'_>) -> Outcome {
    let bytes = from_pem(bytes, reading);
    if element(&bytes, 0).is_some_and(|whole| whole.is_cut) {
        reading.gap(Gap::Damaged);
    }
    match info(&bytes) {
        Some((Content::Signed, data)) => match signed_content(data) {
            Signed::Content(content) => {
                reading.protection(Protection::Signed);
                open(&content, reading)
            }
            // The signature of something else, or certificates alone.
            Signed::Detached => Ok(()),
            Signed::Broken => {
                reading.protection(Protection::Signed);
                Err(Stop(Gap::Damaged))
            }
        },
        Some((Content::Encrypted, _)) => {
            reading.protection(Protection::Encrypted);
            Ok(())
        }
        Some((Content::Compressed, data)) => {
            let packed = encapsulated(data, 2).and_then(Result::ok).ok_or(Stop(Gap::Damaged))?;
            let size = packed.len() as u64;
            let content = reading.unpack(&mut flate2::read::ZlibDecoder::new(&*packed), size)?;
            open(&content, reading)
        }
        Some((Content::Plain, data)) => match element(data, 0).and_then(|element| octets(&element)) {
            Some(content) => open(&content, reading),
            None => Err(Stop(Gap::Damaged)),
        },
        None => {
            reading.protection(Protection::Unknown);
            Err(Stop(Gap::Damaged))
        }
    }
}

/// What was signed is a part of mail without more of a header than what says its type, or a file.
fn open(content: &[u8], reading: &mut Reading<'_>) -> Outcome {
    let is_part = content.get(..8).is_some_and(|head| head.eq_ignore_ascii_case(b"content-"));
    if is_part {
        reading.open_as(Some("message.eml"), Kind::Eml, content)
    } else {
        reading.open(Some("content"), content)
    }
}

/// What a content type says of what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Plain,
    Signed,
    Encrypted,
    Compressed,
}

/// The content type and the content (RFC 5652 §3).
fn info(bytes: &[u8]) -> Option<(Content, &[u8])> {
    let mut info = Elements(element(bytes, 0)?.content_of(SEQUENCE)?);
    let kind = info.next()?.content_of(OBJECT_IDENTIFIER)?;
    let content = match kind.strip_prefix(PKCS7) {
        Some([1]) => Content::Plain,
        Some([2]) => Content::Signed,
        // Enveloped, both, and encrypted.
        Some([3 | 4 | 6]) => Content::Encrypted,
        _ if kind == AUTH_ENVELOPED => Content::Encrypted,
        _ if kind == COMPRESSED => Content::Compressed,
        _ => return None,
    };
    // What is encrypted needs no more to be known; the rest must be there.
    let data = info.next().and_then(|data| data.content_of(EXPLICIT_0));
    match (content, data) {
        (_, Some(data)) => Some((content, data)),
        (Content::Encrypted, None) => Some((content, &[])),
        _ => None,
    }
}

/// What a signed message carries.
enum Signed {
    Content(Vec<u8>),
    Detached,
    Broken,
}

/// RFC 5652 §5.1: the version and the digest algorithms come first.
fn signed_content(data: &[u8]) -> Signed {
    match encapsulated(data, 2) {
        Some(Ok(content)) => Signed::Content(content),
        Some(Err(NoContent)) => Signed::Detached,
        None => Signed::Broken,
    }
}

/// Encapsulated content that is left out (RFC 5652 §5.2).
struct NoContent;

/// The encapsulated content, which is the element with that index.
fn encapsulated(data: &[u8], index: usize) -> Option<Result<Vec<u8>, NoContent>> {
    let data = element(data, 0)?.content_of(SEQUENCE)?;
    let mut encapsulated = Elements(Elements(data).nth(index)?.content_of(SEQUENCE)?);
    encapsulated.next()?.content_of(OBJECT_IDENTIFIER)?;
    let Some(content) = encapsulated.next() else { return Some(Err(NoContent)) };
    octets(&element(content.content_of(EXPLICIT_0)?, 0)?).map(Ok)
}

fn octets(element: &Element<'_>) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(element.content.len());
    gather(element, &mut out, 0)?;
    Some(out)
}

/// The bytes of a PEM text (RFC 7468); those of anything else as they are.
fn from_pem<'b>(bytes: &'b [u8], reading: &Reading<'_>) -> Cow<'b, [u8]> {
    const BEGIN: &[u8] = b"-----BEGIN ";
    let Some(begin) = memmem::find(bytes, BEGIN) else { return Cow::Borrowed(bytes) };
    if bytes.first() == Some(&SEQUENCE) {
        return Cow::Borrowed(bytes);
    }
    let block = bytes.get(begin..).unwrap_or_default();
    let body = memchr::memchr(b'\n', block).and_then(|end| block.get(end..)).unwrap_or_default();
    let end = memmem::find(body, b"-----END ").unwrap_or(body.len());
    let cap = usize::try_from(reading.limits.entry_bytes).unwrap_or(usize::MAX);
    Cow::Owned(base64(body.get(..end).unwrap_or(body), cap).bytes)
}

/// An octet string's bytes, whole or in pieces.
fn gather(element: &Element<'_>, out: &mut Vec<u8>, depth: usize) -> Option<()> {
    match element.tag {
        OCTETS => out.extend_from_slice(element.content),
        OCTETS_IN_PIECES if depth < DEEPEST => {
            for piece in Elements(element.content) {
                gather(&piece, out, depth + 1)?;
            }
        }
        _ => return None,
    }
    Some(())
}

/// One element of BER (X.690 §8.1).
struct Element<'x> {
    tag: u8,
    content: &'x [u8],
    rest: &'x [u8],
    /// It says that it is longer than the bytes.
    is_cut: bool,
}

impl<'x> Element<'x> {
    fn content_of(&self, tag: u8) -> Option<&'x [u8]> {
        (self.tag == tag).then_some(self.content)
    }
}

/// The elements that stand side by side.
struct Elements<'x>(&'x [u8]);

impl<'x> Iterator for Elements<'x> {
    type Item = Element<'x>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = element(self.0, 0)?;
        self.0 = next.rest;
        Some(next)
    }
}

/// The element at the start. One that says that it is longer than the bytes goes to their end: they may be cut.
fn element(bytes: &[u8], depth: usize) -> Option<Element<'_>> {
    let (&tag, rest) = bytes.split_first()?;
    let (&length, rest) = rest.split_first()?;
    if tag & 0x1f == 0x1f || tag == 0 || depth > DEEPEST {
        return None;
    }
    if length == 0x80 {
        // Indefinite: up to two zero bytes (X.690 §8.1.3.6).
        let mut inner = rest;
        while !inner.starts_with(b"\0\0") && !inner.is_empty() {
            inner = element(inner, depth + 1)?.rest;
        }
        let content = rest.get(..rest.len() - inner.len())?;
        let is_cut = inner.is_empty();
        return Some(Element { tag, content, rest: inner.get(2..).unwrap_or_default(), is_cut });
    }
    let (length, rest) = if length < 0x80 {
        (usize::from(length), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
        let digits = digits.iter().try_fold(0_usize, |sum, &digit| {
            sum.checked_mul(256).and_then(|sum| sum.checked_add(usize::from(digit)))
        });
        (digits?, rest)
    };
    let is_cut = length > rest.len();
    let (content, rest) = rest.split_at_checked(length).unwrap_or((rest, &[]));
    Some(Element { tag, content, rest, is_cut })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, u8::try_from(content.len()).unwrap()], content].concat()
    }

    fn message(content: &[u8], kind: &[u8]) -> Vec<u8> {
        let encapsulated = [wrap(OBJECT_IDENTIFIER, b"\x2a"), wrap(EXPLICIT_0, content)].concat();
        let data = [wrap(2, b"\x01"), wrap(0x31, b""), wrap(SEQUENCE, &encapsulated)].concat();
        let info = [wrap(OBJECT_IDENTIFIER, kind), wrap(EXPLICIT_0, &wrap(SEQUENCE, &data))].concat();
        wrap(SEQUENCE, &info)
    }

    fn content(bytes: &[u8]) -> Option<Vec<u8>> {
        let (Content::Signed, data) = info(bytes)? else { return None };
        match signed_content(data) {
            Signed::Content(content) => Some(content),
            Signed::Detached | Signed::Broken => None,
        }
    }

    fn kind(number: u8) -> Vec<u8> {
        [PKCS7, &[number]].concat()
    }

    #[test]
    fn content_is_found_whole_or_in_pieces() {
        let whole = message(&wrap(OCTETS, b"hello"), &kind(2));
        assert_eq!(content(&whole).unwrap(), b"hello");
        let pieces =
            [b"\x24\x80".to_vec(), wrap(OCTETS, b"hel"), wrap(OCTETS, b"lo"), b"\0\0".to_vec()].concat();
        assert_eq!(content(&message(&pieces, &kind(2))).unwrap(), b"hello");
        assert_eq!(content(&message(&wrap(OCTETS, b"hello"), &kind(3))), None);
    }

    #[test]
    fn broken_bytes_give_nothing() {
        let whole = message(&wrap(OCTETS, b"hello"), &kind(2));
        for end in 0..whole.len() - 6 {
            assert_eq!(content(&whole[..end]), None);
        }
        assert_eq!(content(&[0x30, 0x80].repeat(1_000)), None);
    }
}
