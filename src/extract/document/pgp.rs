//! Reads OpenPGP (RFC 9580), armoured or not: what is sealed, signed, or a key. Opens what needs no key; never decrypts.

use std::borrow::Cow;

use memchr::memmem;

use super::Place;
use super::kind::openpgp;
use super::reading::{Outcome, Reading, Stop};
use crate::message::base64;
use crate::message::charset;
use crate::verdict::{Gap, Kind, Protection};

/// Armoured blocks of one file that are read.
const MOST_BLOCKS: usize = 100;
/// Packets of one block that are read.
const MOST_PACKETS: usize = 1_000;
/// Nesting of compressed packets that is followed. Honest messages have one level.
const DEEPEST: usize = 4;

/// Reads an OpenPGP file.
pub(super) fn read(bytes: &[u8], reading: &mut Reading<'_>) -> Outcome {
    let mut found = Found::default();
    let outcome = if memmem::find(bytes, BEGIN).is_some() {
        armoured(bytes, &mut found, reading)
    } else {
        packets(bytes, 0, &mut found, reading)
    };
    found.tell(reading);
    outcome
}

/// What the blocks and packets were.
#[derive(Default)]
struct Found {
    encrypted: bool,
    signed: bool,
    secret_key: bool,
    /// Text that anybody can read.
    clear: bool,
    /// Anything that makes sense.
    any: bool,
}

impl Found {
    fn tell(&self, reading: &mut Reading<'_>) {
        reading.kind(if self.secret_key { Kind::Key } else { Kind::Pgp });
        if self.encrypted {
            reading.protection(if self.clear { Protection::Partly } else { Protection::Encrypted });
        } else if self.signed {
            reading.protection(Protection::Signed);
        } else if !self.any {
            reading.protection(Protection::Unknown);
            reading.gap(Gap::Damaged);
        }
    }
}

const BEGIN: &[u8] = b"-----BEGIN PGP ";
const END: &[u8] = b"-----END PGP ";

/// A text with armoured blocks in it (RFC 9580 §6.2): the text around them is read, and what they hold.
fn armoured(bytes: &[u8], found: &mut Found, reading: &mut Reading<'_>) -> Outcome {
    let mut rest = bytes;
    let mut blocks = 0;
    while let Some(begin) = line_that_starts(rest, BEGIN) {
        if blocks >= MOST_BLOCKS {
            return Err(Stop(Gap::TooManyParts));
        }
        blocks += 1;
        clear_text(rest.get(..begin).unwrap_or_default(), found, reading)?;
        rest = rest.get(begin..).unwrap_or_default();
        rest = block(rest, found, reading)?;
    }
    clear_text(rest, found, reading)
}

/// Reads one block; what follows it.
fn block<'b>(block: &'b [u8], found: &mut Found, reading: &mut Reading<'_>) -> Result<&'b [u8], Stop> {
    let label = block.get(BEGIN.len()..).unwrap_or_default();
    if label.starts_with(b"SIGNED MESSAGE") {
        // RFC 9580 §7: text as it is, up to its signature.
        let text = block.get(header_length(block)..).unwrap_or_default();
        let end = line_that_starts(text, BEGIN).unwrap_or(text.len());
        let (text, rest) = text.split_at_checked(end).unwrap_or((text, &[]));
        found.signed = true;
        found.any = true;
        let unescaped: Vec<&[u8]> =
            lines(text).map(|line| line.strip_prefix(b"- ").unwrap_or(line)).collect();
        clear_text(&unescaped.concat(), found, reading)?;
        return Ok(rest);
    }
    let end = line_that_starts(block, END);
    let (inside, rest) = block.split_at_checked(end.unwrap_or(block.len())).unwrap_or((block, &[]));
    let rest = rest.get(lines(rest).next().map_or(0, <[u8]>::len)..).unwrap_or_default();
    let body = inside.get(header_length(inside)..).unwrap_or_default();
    // The checksum's line begins with `=` (RFC 9580 §6.1).
    let checksum = line_that_starts(body, b"=").unwrap_or(body.len());
    let cap = usize::try_from(reading.limits.entry_bytes).unwrap_or(usize::MAX);
    let decoded = base64(body.get(..checksum).unwrap_or(body), cap);
    // The label is what mail programs go by; what is cut or broken behind it is still what it says it is.
    found.any = true;
    match label {
        _ if label.starts_with(b"PRIVATE KEY") => found.secret_key = true,
        _ if label.starts_with(b"MESSAGE") && !shows_packets(&decoded.bytes) => found.encrypted = true,
        _ => {}
    }
    if end.is_none() || decoded.damaged {
        reading.gap(Gap::Damaged);
    }
    packets(&decoded.bytes, 0, found, reading)?;
    Ok(rest)
}

fn shows_packets(bytes: &[u8]) -> bool {
    openpgp::packet(bytes).is_some()
}

/// The length of a block's first line and headers, the empty line after them included.
fn header_length(block: &[u8]) -> usize {
    let mut length = 0;
    for (index, line) in lines(block).enumerate() {
        let is_header = index == 0 || memmem::find(line, b": ").is_some();
        if line.trim_ascii().is_empty() {
            return length + line.len();
        }
        if !is_header {
            return length;
        }
        length += line.len();
    }
    length
}

/// The lines of a text, with their ends.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n')
}

/// Where a line begins with that.
fn line_that_starts(text: &[u8], with: &[u8]) -> Option<usize> {
    memmem::find_iter(text, with)
        .find(|at| at.checked_sub(1).is_none_or(|before| matches!(text.get(before), Some(b'\n' | b'\r'))))
}

fn clear_text(text: &[u8], found: &mut Found, reading: &mut Reading<'_>) -> Outcome {
    if text.trim_ascii().is_empty() {
        return Ok(());
    }
    found.clear = true;
    let decoded = charset::decode(text, None);
    reading.text(Place::Body, &decoded.text)
}

/// Goes through packets, one after the other.
fn packets(bytes: &[u8], depth: usize, found: &mut Found, reading: &mut Reading<'_>) -> Outcome {
    let mut rest = bytes;
    for _ in 0..MOST_PACKETS {
        reading.may_go_on()?;
        let Some(packet) = openpgp::packet(rest) else { break };
        let (body, after) = whole_body(rest, &packet);
        found.any = true;
        match packet.tag {
            // Session keys, and data that is encrypted, with or without proof against changes.
            1 | 3 | 9 | 18 | 20 => {
                found.encrypted = true;
                return Ok(());
            }
            2 if depth > 0 || !after.is_empty() => {}
            4 => found.signed = true,
            5 | 7 => found.secret_key = true,
            8 if depth < DEEPEST => packets(&unpacked(&body, reading)?, depth + 1, found, reading)?,
            8 => return Err(Stop(Gap::TooDeep)),
            11 => literal(&body, found, reading)?,
            // Whose key it is (§5.12).
            13 => reading.text(Place::Properties, &String::from_utf8_lossy(&body))?,
            _ => {}
        }
        rest = after;
    }
    if !rest.is_empty() && !found.any {
        return Err(Stop(Gap::Damaged));
    }
    Ok(())
}

/// A packet's body, pieces joined, and what follows it (RFC 9580 §4.2).
fn whole_body<'b>(bytes: &'b [u8], packet: &openpgp::Packet<'b>) -> (Cow<'b, [u8]>, &'b [u8]) {
    if let Some(end) = packet.end {
        let header = bytes.len() - packet.body.len();
        let length = end.saturating_sub(header);
        let (body, rest) = packet.body.split_at_checked(length).unwrap_or((packet.body, &[]));
        return (Cow::Borrowed(body), rest);
    }
    let is_new = bytes.first().is_some_and(|first| first & 0x40 != 0);
    let first_length = bytes.get(1).copied();
    if !is_new {
        return (Cow::Borrowed(packet.body), &[]);
    }
    let mut body = Vec::new();
    let mut rest = packet.body;
    let mut length = first_length;
    // Each piece says how long it is, as a power of two, but for the last (§4.2.1.4).
    while let Some(octet @ 224..=254) = length {
        let (piece, after) = rest.split_at_checked(1 << (octet & 0x1f)).unwrap_or((rest, &[]));
        body.extend_from_slice(piece);
        length = after.first().copied();
        rest = after.get(1..).unwrap_or_default();
    }
    let last = match (length, rest) {
        (Some(short @ 0..=191), _) => Some((usize::from(short), 0)),
        (Some(high @ 192..=223), [low, ..]) => {
            Some(((usize::from(high) - 192) * 256 + usize::from(*low) + 192, 1))
        }
        (Some(255), [a, b, c, d, ..]) => {
            usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).ok().map(|length| (length, 4))
        }
        _ => None,
    };
    if let Some((length, octets)) = last {
        let (piece, after) =
            rest.get(octets..).and_then(|rest| rest.split_at_checked(length)).unwrap_or((rest, &[]));
        body.extend_from_slice(piece);
        rest = after;
    }
    (Cow::Owned(body), rest)
}

/// What a compressed packet holds (RFC 9580 §5.6).
fn unpacked(body: &[u8], reading: &mut Reading<'_>) -> Result<Vec<u8>, Stop> {
    let Some((algorithm, packed)) = body.split_first() else { return Err(Stop(Gap::Damaged)) };
    let size = packed.len() as u64;
    match algorithm {
        0 => Ok(packed.to_vec()),
        1 => reading.unpack(&mut flate2::read::DeflateDecoder::new(packed), size),
        2 => reading.unpack(&mut flate2::read::ZlibDecoder::new(packed), size),
        3 => reading.unpack(&mut bzip2::read::BzDecoder::new(packed), size),
        _ => Err(Stop(Gap::Damaged)),
    }
}

/// A literal packet: format, name, time, content (RFC 9580 §5.9).
fn literal(body: &[u8], found: &mut Found, reading: &mut Reading<'_>) -> Outcome {
    let Some((name, content)) = body.get(1..).and_then(|rest| {
        let (length, rest) = rest.split_first()?;
        let (name, rest) = rest.split_at_checked(usize::from(*length))?;
        Some((name, rest.get(4..)?))
    }) else {
        return Err(Stop(Gap::Damaged));
    };
    found.clear = true;
    let name = String::from_utf8_lossy(name);
    let name = Some(&*name).filter(|name| !name.is_empty() && *name != "_CONSOLE");
    reading.open(Some(name.unwrap_or("content")), content)
}
