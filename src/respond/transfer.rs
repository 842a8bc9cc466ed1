//! Transfer encodings (RFC 2045 §6) both ways, with the place in the encoded text of each decoded byte. Bytes alone.

use memchr::memchr;

/// Undoes quoted-printable as mail programs do: damage stays as it stands.
pub(super) fn decode_quoted_printable(raw: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(raw.len());
    walk_quoted_printable(raw, usize::MAX, |token| bytes.extend_from_slice(token));
    bytes
}

/// Where in the encoded text the decoded byte with that offset starts; after a soft line break that stands there.
pub(super) fn quoted_printable_offset(raw: &[u8], decoded: usize) -> usize {
    let at = walk_quoted_printable(raw, decoded, |_| {});
    let rest = raw.get(at..).unwrap_or_default();
    [&b"=\r\n"[..], b"=\n"].iter().find(|soft| rest.starts_with(soft)).map_or(at, |soft| at + soft.len())
}

/// Gives each decoded piece to `put`, until `stop` bytes are decoded; says where in the encoded text that is.
fn walk_quoted_printable(raw: &[u8], stop: usize, mut put: impl FnMut(&[u8])) -> usize {
    let (mut at, mut decoded) = (0, 0);
    while at < raw.len() {
        let rest = raw.get(at..).unwrap_or_default();
        let length = memchr(b'\n', rest).map_or(rest.len(), |newline| newline + 1);
        let line = rest.get(..length).unwrap_or(rest);
        let line_end = if line.ends_with(b"\r\n") { 2 } else { usize::from(line.ends_with(b"\n")) };
        // White space at the end of a line was added in transport and does not count (RFC 2045 §6.7 rule 3).
        let text = line.get(..length - line_end).unwrap_or_default();
        let text = text.trim_ascii_end();
        let mut inside = 0;
        let mut soft = false;
        while decoded < stop && inside < text.len() {
            let rest = text.get(inside..).unwrap_or_default();
            let run = memchr(b'=', rest).unwrap_or(rest.len()).min(stop - decoded);
            if run > 0 {
                put(rest.get(..run).unwrap_or_default());
                inside += run;
                decoded += run;
                continue;
            }
            match (rest.get(1).and_then(hex), rest.get(2).and_then(hex)) {
                (Some(high), Some(low)) => {
                    put(&[high << 4 | low]);
                    inside += 3;
                }
                _ if rest.len() == 1 => {
                    soft = true;
                    break;
                }
                _ => {
                    put(b"=");
                    inside += 1;
                }
            }
            decoded += 1;
        }
        if decoded >= stop {
            return at + inside;
        }
        if !soft {
            put(line.get(length - line_end..).unwrap_or_default());
            decoded += line_end;
        }
        at += length;
    }
    raw.len()
}

fn hex(byte: &u8) -> Option<u8> {
    char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// What a line end in the bytes means to quoted-printable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineEnds {
    /// A line break of the text.
    Breaks,
    /// Bytes like others.
    Bytes,
}

/// Bytes in quoted-printable, from the start of a line, no line over 76 columns. Lines end with `line_end`, and where
/// it stands in text it is a line break; other control characters are encoded.
pub(super) fn encode_quoted_printable(text: &[u8], line_end: &[u8], meaning: LineEnds) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 8 + 16);
    let mut column = 0;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let rest = text.get(at..).unwrap_or_default();
        if meaning == LineEnds::Breaks && rest.starts_with(line_end) {
            out.extend_from_slice(line_end);
            at += line_end.len();
            column = 0;
            continue;
        }
        let after = rest.get(1..).unwrap_or_default();
        let breaks = meaning == LineEnds::Breaks && after.starts_with(line_end);
        let at_line_end = after.is_empty() || breaks;
        let literal = match byte {
            b' ' | b'\t' => !at_line_end,
            b'=' => false,
            byte => byte.is_ascii_graphic(),
        };
        let width = if literal { 1 } else { 3 };
        // One column stays free for the soft line break, except where the line ends here anyway.
        if column + width > if at_line_end { 76 } else { 75 } {
            out.push(b'=');
            out.extend_from_slice(line_end);
            column = 0;
        }
        if literal {
            out.push(*byte);
        } else {
            out.extend_from_slice(format!("={byte:02X}").as_bytes());
        }
        column += width;
        at += 1;
    }
    out
}

/// Undoes base64. `None` where it is damaged: a foreign character, padding before the end, a lost character. White
/// space is passed over, and missing padding is forgiven.
pub(super) fn decode_base64(raw: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(raw.len() / 4 * 3 + 3);
    let (mut group, mut count, mut padding) = (0_u32, 0_u32, 0_u32);
    for byte in raw {
        match sextet(*byte) {
            Some(value) if padding == 0 => {
                group = group << 6 | value;
                count += 1;
                if count == 4 {
                    bytes.extend_from_slice(group.to_be_bytes().get(1..)?);
                    (group, count) = (0, 0);
                }
            }
            Some(_) => return None,
            None if *byte == b'=' && (count + padding) % 4 >= 2 => padding += 1,
            None if byte.is_ascii_whitespace() => {}
            None => return None,
        }
    }
    match count {
        0 => {}
        2 => bytes.extend_from_slice((group << 12).to_be_bytes().get(1..2)?),
        3 => bytes.extend_from_slice((group << 6).to_be_bytes().get(1..3)?),
        _ => return None,
    }
    Some(bytes)
}

/// Where in the encoded text that many characters of the alphabet have gone by.
pub(super) fn base64_offset(raw: &[u8], characters: usize) -> usize {
    if characters == 0 {
        return 0;
    }
    let significant = raw.iter().enumerate().filter(|(_, byte)| !byte.is_ascii_whitespace());
    significant.map(|(at, _)| at + 1).nth(characters - 1).unwrap_or(raw.len())
}

const fn sextet(byte: u8) -> Option<u32> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    } as u32)
}

/// Bytes in base64, lines of 76 columns, the first continued at `column`. No line end after the last line.
pub(super) fn encode_base64(bytes: &[u8], mut column: usize, line_end: &[u8]) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::with_capacity(bytes.len().div_ceil(3) * 4 + bytes.len() / 24 + 4);
    for chunk in bytes.chunks(3) {
        let mut group = [0_u8; 4];
        for (slot, byte) in group.iter_mut().skip(1).zip(chunk) {
            *slot = *byte;
        }
        let group = u32::from_be_bytes(group);
        for index in 0..4_usize {
            if column >= 76 {
                out.extend_from_slice(line_end);
                column = 0;
            }
            let shift = 18 - 6 * index;
            let value = usize::try_from(group >> shift & 63).unwrap_or(0);
            out.push(if index > chunk.len() { b'=' } else { ALPHABET.get(value).copied().unwrap_or(b'A') });
            column += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn columns(encoded: &[u8]) -> usize {
        encoded.split(|byte| *byte == b'\n').map(|line| line.trim_ascii_end().len()).max().unwrap_or(0)
    }

    #[test]
    fn quoted_printable_is_read_as_mail_programs_read_it() {
        for (raw, bytes) in [
            (&b"caf=C3=A9\r\n"[..], &b"caf\xc3\xa9\r\n"[..]),
            (b"soft=\r\nbreak", b"softbreak"),
            (b"soft= \t\r\nbreak", b"softbreak"),
            (b"white  \r\nspace\t", b"white\r\nspace"),
            (b"=zz =4", b"=zz =4"),
            (b"ends=", b"ends"),
            (b"lf=3d\nlf", b"lf=\nlf"),
            (b"", b""),
        ] {
            assert_eq!(decode_quoted_printable(raw), bytes, "{raw:?}");
        }
    }

    #[test]
    fn a_place_in_quoted_printable_lies_behind_a_soft_break() {
        let raw = b"a=3Db=\r\nc\r\nd";
        let offsets: Vec<usize> = (0..6).map(|decoded| quoted_printable_offset(raw, decoded)).collect();
        assert_eq!(offsets, [0, 1, 4, 8, 9, 11]);
    }

    #[test]
    fn damaged_base64_is_not_guessed_at() {
        for (raw, bytes) in [
            (&b"TWFu"[..], Some(&b"Man"[..])),
            (b"TW\r\nE=\r\n", Some(b"Ma")),
            (b"TWE", Some(b"Ma")),
            (b"TQ==", Some(b"M")),
            (b"", Some(b"")),
            (b"T", None),
            (b"TQ==TQ==", None),
            (b"TWFu=", None),
            (b"TW-u", None),
        ] {
            assert_eq!(decode_base64(raw).as_deref(), bytes, "{raw:?}");
        }
    }

    proptest! {
        #[test]
        fn text_survives_quoted_printable(text in "([ -~é\t\0\r]{0,90}\r\n){0,4}[ -~é\t ]{0,90}") {
            let encoded = encode_quoted_printable(text.as_bytes(), b"\r\n", LineEnds::Breaks);
            prop_assert!(columns(&encoded) <= 76);
            prop_assert!(encoded.is_ascii());
            prop_assert_eq!(decode_quoted_printable(&encoded), text.as_bytes());
            let encoded = encode_quoted_printable(text.as_bytes(), b"\r\n", LineEnds::Bytes);
            prop_assert!(columns(&encoded) <= 76);
            prop_assert_eq!(decode_quoted_printable(&encoded), text.as_bytes());
        }

        #[test]
        fn bytes_survive_base64(bytes in proptest::collection::vec(any::<u8>(), 0..400), column in 0_usize..80) {
            let encoded = encode_base64(&bytes, column, b"\r\n");
            prop_assert!(columns(&encoded) <= 76);
            prop_assert_eq!(decode_base64(&encoded), Some(bytes));
        }

        /// What stands before and after the place decodes to what stands before and after it.
        #[test]
        fn a_place_in_quoted_printable_parts_what_it_should(
            raw in "(=[0-9A-F]{2}|=\r\n|[a-z=]|[ \t]|\r\n|\n){0,30}",
            place in any::<proptest::sample::Index>(),
        ) {
            let raw = raw.as_bytes();
            let decoded = decode_quoted_printable(raw);
            let at = place.index(decoded.len() + 1);
            let before = &raw[..quoted_printable_offset(raw, at)];
            // A line end is decoded as a whole, white space before one is not decoded at all, and an equals sign that
            // stands for itself only does so while something follows it.
            let inside_line_end = decoded[..at].ends_with(b"\r");
            if !inside_line_end && !before.ends_with(b" ") && !before.ends_with(b"\t") && !before.ends_with(b"=") {
                prop_assert_eq!(decode_quoted_printable(before), &decoded[..at]);
            }
        }

        #[test]
        fn no_bytes_upset_the_decoders(raw in proptest::collection::vec(any::<u8>(), 0..200), at in 0_usize..300) {
            prop_assert!(decode_quoted_printable(&raw).len() <= raw.len());
            prop_assert!(quoted_printable_offset(&raw, at) <= raw.len());
            prop_assert!(base64_offset(&raw, at) <= raw.len());
            let decoded = decode_base64(&raw);
            prop_assert!(decoded.is_none_or(|decoded| decoded.len() <= raw.len()));
        }
    }
}
