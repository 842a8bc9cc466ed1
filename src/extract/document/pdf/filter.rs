//! Unpacks the streams of a PDF (ISO 32000-2 §7.4), within the caps. Leaves pictures as they are.

use std::borrow::Cow;

use hayro_syntax::Filter;
use hayro_syntax::object::{Dict, Object, Stream};

use super::super::reading::{Reading, Stop};
use crate::verdict::Gap;

/// Filters one after the other that are undone. Honest streams have two.
const MOST_FILTERS: usize = 6;

/// A stream's bytes, decrypted and unpacked; what comes before damage where it is damaged. Pictures
/// stay packed.
///
/// # Errors
/// When it is larger than the caps allow, or the time is over.
pub(super) fn decoded<'a>(stream: &Stream<'a>, reading: &mut Reading<'_>) -> Result<Cow<'a, [u8]>, Stop> {
    let filters = stream.filters();
    if filters.len() > MOST_FILTERS {
        return Err(Stop(Gap::ExpandsTooMuch));
    }
    let mut bytes = stream.raw_data();
    for (index, filter) in filters.iter().enumerate() {
        let parameters = parameters(stream.dict(), index);
        let undone = match filter {
            Filter::FlateDecode => {
                let out = inflated(&bytes, reading)?;
                predicted(out, parameters.as_ref())
            }
            Filter::LzwDecode => {
                let early = parameters.as_ref().and_then(|dict| dict.get::<i32>(b"EarlyChange")).unwrap_or(1);
                let out = lzw(&bytes, early != 0, reading)?;
                predicted(out, parameters.as_ref())
            }
            Filter::AsciiHexDecode => hex(&bytes),
            Filter::Ascii85Decode => ascii85(&bytes),
            Filter::RunLengthDecode => run_length(&bytes),
            Filter::Crypt => continue,
            // Pictures: what is left is a file of their kind.
            _ => break,
        };
        bytes = Cow::Owned(undone);
    }
    Ok(bytes)
}

/// The parameters of a stream's filter with that index.
fn parameters<'a>(dict: &Dict<'a>, index: usize) -> Option<Dict<'a>> {
    let parameters = dict.get::<Object<'_>>(b"DecodeParms").or_else(|| dict.get::<Object<'_>>(b"DP"))?;
    match parameters {
        Object::Array(array) => array.iter::<Object<'_>>().nth(index)?.into_dict(),
        Object::Dict(dict) if index == 0 => Some(dict),
        _ => None,
    }
}

/// RFC 1950, or RFC 1951 where its header is missing.
fn inflated(bytes: &[u8], reading: &mut Reading<'_>) -> Result<Vec<u8>, Stop> {
    let packed = bytes.len() as u64;
    let mut out = Vec::new();
    let outcome = reading.drain(&mut flate2::read::ZlibDecoder::new(bytes), packed, &mut out);
    match outcome {
        Err(Stop(Gap::Damaged)) if out.is_empty() => {
            let outcome = reading.drain(&mut flate2::read::DeflateDecoder::new(bytes), packed, &mut out);
            if outcome == Err(Stop(Gap::Damaged)) {
                reading.gap(Gap::Damaged);
                return Ok(out);
            }
            outcome?;
        }
        // Checksums are often wrong, and a stream's end often cut: what came before counts.
        Err(Stop(Gap::Damaged)) => {}
        other => other?,
    }
    Ok(out)
}

/// ISO 32000-2 §7.4.4.
fn lzw(bytes: &[u8], early: bool, reading: &mut Reading<'_>) -> Result<Vec<u8>, Stop> {
    const CLEAR: usize = 256;
    const END: usize = 257;
    let mut out: Vec<u8> = Vec::new();
    // Where in what came out each word of the table stands, from 258 on.
    let mut words: Vec<(usize, usize)> = Vec::new();
    let mut last: Option<(usize, usize)> = None;
    let (mut bits, mut held) = (0_u32, 0_u32);
    let mut counted = 0;
    for &byte in bytes {
        bits = (bits << 8) | u32::from(byte);
        held += 8;
        let size = 258 + words.len() + usize::from(early);
        let width = match size {
            0..=511 => 9,
            512..=1_023 => 10,
            1_024..=2_047 => 11,
            _ => 12,
        };
        if held < width {
            continue;
        }
        held -= width;
        let code = usize::try_from((bits >> held) & ((1 << width) - 1)).unwrap_or(END);
        let start = out.len();
        match code {
            CLEAR => {
                words.clear();
                last = None;
                continue;
            }
            END => break,
            0..=255 => out.push(u8::try_from(code).unwrap_or_default()),
            _ => {
                let Some((from, to)) = words.get(code - 258).copied().or(last) else { break };
                // The word that is being made begins as the last one did and ends with its own first byte.
                let repeats = code - 258 >= words.len();
                out.extend_from_within(from..to);
                if repeats && let Some(&first) = out.get(start) {
                    out.push(first);
                }
            }
        }
        if let Some((from, to)) = last
            && words.len() < 4_096 - 258
        {
            words.push((from, to + 1));
        }
        last = Some((start, out.len()));
        if out.len() - counted > 64 << 10 {
            reading.spend((out.len() - counted) as u64)?;
            reading.may_go_on()?;
            counted = out.len();
            if counted as u64 > reading.limits.entry_bytes {
                return Err(Stop(Gap::ExpandsTooMuch));
            }
        }
    }
    Ok(out)
}

/// ISO 32000-2 §7.4.2.
pub(super) fn hex(bytes: &[u8]) -> Vec<u8> {
    let mut digits =
        bytes.iter().take_while(|byte| **byte != b'>').filter_map(|&byte| char::from(byte).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len() / 2);
    while let Some(high) = digits.next() {
        let low = digits.next().unwrap_or(0);
        out.push(u8::try_from(high * 16 + low).unwrap_or_default());
    }
    out
}

/// ISO 32000-2 §7.4.3.
fn ascii85(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let (mut group, mut count) = (0_u32, 0_usize);
    for &byte in bytes {
        match byte {
            b'~' => break,
            b'z' if count == 0 => out.extend_from_slice(&[0; 4]),
            b'!'..=b'u' => {
                group = group.wrapping_mul(85).wrapping_add(u32::from(byte - b'!'));
                count += 1;
                if count == 5 {
                    out.extend_from_slice(&group.to_be_bytes());
                    (group, count) = (0, 0);
                }
            }
            _ => {}
        }
    }
    if count > 1 {
        for _ in count..5 {
            group = group.wrapping_mul(85).wrapping_add(84);
        }
        out.extend(group.to_be_bytes().iter().take(count - 1));
    }
    out
}

/// ISO 32000-2 §7.4.5. At most 64 times what it is packed in.
fn run_length(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&length, after)) = rest.split_first() {
        match length {
            128 => break,
            0..=127 => {
                let (copied, after) = after.split_at_checked(usize::from(length) + 1).unwrap_or((after, &[]));
                out.extend_from_slice(copied);
                rest = after;
            }
            129.. => {
                let Some((&repeated, after)) = after.split_first() else { break };
                out.resize(out.len() + 257 - usize::from(length), repeated);
                rest = after;
            }
        }
    }
    out
}

/// Undoes PNG's filters (ISO 32000-2 §7.4.4.4). TIFF's is for pictures alone.
fn predicted(bytes: Vec<u8>, parameters: Option<&Dict<'_>>) -> Vec<u8> {
    let number = |key: &[u8], otherwise: usize| {
        parameters
            .and_then(|dict| dict.get::<u32>(key))
            .and_then(|it| usize::try_from(it).ok())
            .unwrap_or(otherwise)
    };
    if number(b"Predictor", 1) < 10 {
        return bytes;
    }
    let bits = number(b"Colors", 1).saturating_mul(number(b"BitsPerComponent", 8));
    let row = bits.saturating_mul(number(b"Columns", 1)).div_ceil(8);
    let step = bits.div_ceil(8).max(1);
    if row == 0 || row > bytes.len() {
        return bytes;
    }
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len());
    for line in bytes.chunks(row + 1) {
        let Some((&kind, line)) = line.split_first() else { break };
        let start = out.len();
        for (index, &byte) in line.iter().enumerate() {
            let at = |back: Option<usize>| back.and_then(|at| out.get(at)).copied().unwrap_or(0);
            let left = if index >= step { at((start + index).checked_sub(step)) } else { 0 };
            let up = at((start + index).checked_sub(row));
            let corner = if index >= step { at((start + index).checked_sub(row + step)) } else { 0 };
            let guess = match kind {
                1 => left,
                2 => up,
                3 => u8::try_from(u16::midpoint(u16::from(left), u16::from(up))).unwrap_or(0),
                4 => paeth(left, up, corner),
                _ => 0,
            };
            out.push(byte.wrapping_add(guess));
        }
    }
    out
}

/// PNG (ISO 15948) §9.4.
fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let guess = i16::from(left) + i16::from(up) - i16::from(corner);
    let far = |from: u8| (guess - i16::from(from)).abs();
    if far(left) <= far(up) && far(left) <= far(corner) {
        left
    } else if far(up) <= far(corner) {
        up
    } else {
        corner
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    #[test]
    fn text_in_letters_is_undone() {
        assert_eq!(hex(b"48 65 6C6c6f7>"), b"Hellop");
        assert_eq!(ascii85(b"87cURD]i,\"Ebo80~>"), b"Hello World!");
        assert_eq!(run_length(b"\x01ab\xfec\x80zz"), b"abccc");
    }

    #[test]
    fn lzw_is_undone() {
        // The example of ISO 32000-2 §7.4.4.2.
        let limits = Limits::default();
        let mut reading = Reading::new(&limits, &|| false);
        let packed = [0x80, 0x0b, 0x60, 0x50, 0x22, 0x0c, 0x0c, 0x85, 0x01];
        assert_eq!(lzw(&packed, true, &mut reading).unwrap(), [45, 45, 45, 45, 45, 65, 45, 45, 45, 66]);
    }
}
