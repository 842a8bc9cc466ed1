//! Finds the content of an opaquely signed CMS message (RFC 5652 §5), which is readable. Verifies nothing.

/// The content type of signed data (RFC 5652 §5.1), as a DER object identifier's content.
const SIGNED_DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";

const OBJECT_IDENTIFIER: u8 = 0x06;
const OCTETS: u8 = 0x04;
const OCTETS_IN_PIECES: u8 = 0x24;
const SEQUENCE: u8 = 0x30;
const EXPLICIT_0: u8 = 0xa0;

/// Nesting that is followed. Honest messages need seven levels.
const DEEPEST: usize = 16;

/// What was signed; `None` where this is no signed message that carries its content, or it is broken.
pub(super) fn signed_content(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut info = Elements(element(bytes, 0)?.content_of(SEQUENCE)?);
    if info.next()?.content_of(OBJECT_IDENTIFIER)? != SIGNED_DATA {
        return None;
    }
    let data = element(info.next()?.content_of(EXPLICIT_0)?, 0)?.content_of(SEQUENCE)?;
    // The version and the digest algorithms come first.
    let mut encapsulated = Elements(Elements(data).nth(2)?.content_of(SEQUENCE)?);
    encapsulated.next()?.content_of(OBJECT_IDENTIFIER)?;
    let content = element(encapsulated.next()?.content_of(EXPLICIT_0)?, 0)?;
    let mut out = Vec::with_capacity(content.content.len());
    gather(&content, &mut out, 0)?;
    Some(out)
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
        return Some(Element { tag, content, rest: inner.get(2..).unwrap_or_default() });
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
    let (content, rest) = rest.split_at_checked(length).unwrap_or((rest, &[]));
    Some(Element { tag, content, rest })
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

    #[test]
    fn content_is_found_whole_or_in_pieces() {
        let whole = message(&wrap(OCTETS, b"hello"), SIGNED_DATA);
        assert_eq!(signed_content(&whole).unwrap(), b"hello");
        let pieces =
            [b"\x24\x80".to_vec(), wrap(OCTETS, b"hel"), wrap(OCTETS, b"lo"), b"\0\0".to_vec()].concat();
        assert_eq!(signed_content(&message(&pieces, SIGNED_DATA)).unwrap(), b"hello");
        let enveloped = message(&wrap(OCTETS, b"hello"), b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03");
        assert_eq!(signed_content(&enveloped), None);
    }

    #[test]
    fn broken_bytes_give_nothing() {
        let whole = message(&wrap(OCTETS, b"hello"), SIGNED_DATA);
        for end in 0..whole.len() - 6 {
            assert_eq!(signed_content(&whole[..end]), None);
        }
        assert_eq!(signed_content(&[0x30, 0x80].repeat(1_000)), None);
    }
}
