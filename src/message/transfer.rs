//! Undoes transfer encodings, however broken (RFC 2045 §6.7, §6.8). Decodes what can be; never refuses.

use memchr::{memchr, memchr_iter, memchr2, memchr2_iter};

/// Bytes decoded, and whether something on the way was not as the encoding has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Decoded {
    pub bytes: Vec<u8>,
    /// A character outside the alphabet, a cut group, a broken escape: passed over or kept as it stood.
    pub damaged: bool,
    /// `cap` was reached before the end.
    pub cut: bool,
}

/// Undoes base64. Foreign characters are passed over (§6.8 demands it), and what follows padding is read too, since
/// some programs do. Stops at `cap` bytes.
pub(crate) fn base64(raw: &[u8], cap: usize) -> Decoded {
    let room = (raw.len() / 4 * 3 + 3).min(cap.saturating_add(3));
    let mut out = Decoded { bytes: Vec::with_capacity(room), ..Decoded::default() };
    let mut group: u32 = 0;
    let mut filled: u32 = 0;
    let mut rest = raw;
    while !rest.is_empty() && out.bytes.len() < cap {
        if filled == 0 {
            rest = whole_groups(rest, cap, &mut out.bytes);
        }
        let Some((&byte, after)) = rest.split_first() else { break };
        rest = after;
        match value(byte) {
            Some(six) => {
                group = (group << 6) | u32::from(six);
                filled += 1;
                if filled == 4 {
                    push_group(group, 3, &mut out.bytes);
                    (group, filled) = (0, 0);
                }
            }
            None if byte == b'=' => {
                out.damaged |= filled == 1;
                finish_group(&mut group, &mut filled, &mut out.bytes);
            }
            None => out.damaged |= !byte.is_ascii_whitespace(),
        }
    }
    out.damaged |= filled == 1;
    finish_group(&mut group, &mut filled, &mut out.bytes);
    out.cut = !rest.is_empty() && out.bytes.len() >= cap && rest.iter().any(|&byte| value(byte).is_some());
    out.bytes.truncate(cap);
    out
}

/// How many bytes a sound body in base64 stands for: what is no line's end and no padding counts as a letter.
pub(crate) fn base64_size(raw: &[u8]) -> usize {
    let raw = raw.trim_ascii_end();
    let letters = raw.strip_suffix(b"==").or_else(|| raw.strip_suffix(b"=")).unwrap_or(raw);
    let feeds = memchr_iter(b'\n', letters).count();
    let returns = memchr_iter(b'\r', letters).count();
    (letters.len() - feeds - returns) * 3 / 4
}

/// The letters of the base64 alphabet, without what stands between them.
pub(crate) fn without_foreign(raw: &[u8]) -> Vec<u8> {
    let mut letters = Vec::with_capacity(raw.len());
    for stretch in raw.chunks(4 << 10) {
        let is_expected = |byte: u8| is_letter(byte) | (byte == b'\r') | (byte == b'\n');
        // Without a way out before the end, so that many bytes are looked at together.
        if !stretch.iter().fold(true, |all, &byte| all & is_expected(byte)) {
            letters.extend(stretch.iter().copied().filter(|&byte| is_letter(byte)));
            continue;
        }
        let mut from = 0;
        for end in memchr2_iter(b'\r', b'\n', stretch) {
            letters.extend_from_slice(stretch.get(from..end).unwrap_or_default());
            from = end + 1;
        }
        letters.extend_from_slice(stretch.get(from..).unwrap_or_default());
    }
    letters
}

const fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() | (byte == b'+') | (byte == b'/')
}

/// Undoes quoted-printable. A broken escape stays as it stood. Stops at `cap` bytes.
pub(crate) fn quoted_printable(raw: &[u8], cap: usize) -> Decoded {
    let mut out = Decoded { bytes: Vec::with_capacity(raw.len().min(cap)), ..Decoded::default() };
    let mut rest = raw;
    while let Some(at) = memchr(b'=', rest) {
        if out.bytes.len() >= cap {
            break;
        }
        let (plain, escape) = rest.split_at(at);
        out.bytes.extend_from_slice(plain);
        rest = match escape {
            [_, high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                out.bytes.push(hex(*high) << 4 | hex(*low));
                after
            }
            [_, after @ ..] => soft_break(after).unwrap_or_else(|| {
                out.damaged = true;
                out.bytes.push(b'=');
                after
            }),
            [] => escape,
        };
    }
    out.bytes.extend_from_slice(rest);
    out.cut = out.bytes.len() > cap;
    out.bytes.truncate(cap);
    out
}

/// What follows a soft line break: `=`, padding that transport added, and the line's end (§6.7 rule 5).
fn soft_break(after: &[u8]) -> Option<&[u8]> {
    let end = after.iter().position(|byte| !matches!(byte, b' ' | b'\t'));
    match end.map_or(&[][..], |end| after.get(end..).unwrap_or_default()) {
        [b'\r', b'\n', rest @ ..] | [b'\n', rest @ ..] => Some(rest),
        [] | [b'\r'] => Some(&[]),
        _ => None,
    }
}

pub(crate) const fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => 0,
    }
}

/// Decodes the whole groups of four at the start, which is nearly all of a sound body, and gives back the rest.
fn whole_groups<'x>(raw: &'x [u8], cap: usize, out: &mut Vec<u8>) -> &'x [u8] {
    let end = memchr2(b'\n', b'=', raw).unwrap_or(raw.len());
    let mut done = 0;
    let (groups, _) = raw.get(..end).unwrap_or_default().as_chunks::<4>();
    for &[a, b, c, d] in groups {
        let [a, b, c, d] = [lookup(a), lookup(b), lookup(c), lookup(d)];
        if (a | b | c | d) & 0x80 != 0 || out.len() >= cap {
            break;
        }
        let bits = u32::from(a) << 18 | u32::from(b) << 12 | u32::from(c) << 6 | u32::from(d);
        let [_, bytes @ ..] = bits.to_be_bytes();
        out.extend_from_slice(&bytes);
        done += 4;
    }
    raw.get(done..).unwrap_or_default()
}

fn push_group(bits: u32, count: usize, out: &mut Vec<u8>) {
    let [_, bytes @ ..] = bits.to_be_bytes();
    out.extend(bytes.into_iter().take(count));
}

fn finish_group(group: &mut u32, filled: &mut u32, out: &mut Vec<u8>) {
    match *filled {
        2 => push_group(*group << 12, 1, out),
        3 => push_group(*group << 6, 2, out),
        _ => {}
    }
    (*group, *filled) = (0, 0);
}

fn value(byte: u8) -> Option<u8> {
    Some(lookup(byte)).filter(|value| value & 0x80 == 0)
}

fn lookup(byte: u8) -> u8 {
    VALUES.get(usize::from(byte)).copied().unwrap_or(0xff)
}

/// The value of each byte in the base64 alphabet; 0xff for those outside it.
const VALUES: [u8; 256] = {
    let mut table = [0xff; 256];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut index: u8 = 0;
    while index < 64 {
        #[allow(clippy::indexing_slicing, reason = "evaluated at compile time, where an error cannot ship")]
        {
            table[alphabet[index as usize] as usize] = index;
        }
        index += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop, prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn letters_are_told_from_all_other_bytes() {
        for byte in 0..=u8::MAX {
            assert_eq!(is_letter(byte), value(byte).is_some(), "{byte}");
        }
    }

    proptest! {
        #[test]
        fn what_stands_between_letters_is_left_out_wherever_it_stands(
            pieces in prop::collection::vec(
                prop::sample::select(vec!["AZaz09+/", "Q\r\n", "\r\n", "\r", "\n", "=", " x", "\u{e9}"]),
                0..3_000,
            ),
        ) {
            let raw = pieces.concat().into_bytes();
            let letters: Vec<u8> = raw.iter().copied().filter(|byte| value(*byte).is_some()).collect();
            prop_assert_eq!(without_foreign(&raw), letters);
        }
    }
}
