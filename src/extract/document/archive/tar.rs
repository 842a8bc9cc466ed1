//! tar archives (POSIX.1-2017 ustar and pax, and GNU's long names). Copies nothing: entries lie in the archive as they are.

use std::borrow::Cow;

use super::super::reading::{Outcome, Reading, Stop};
use super::place;
use crate::verdict::Gap;

const BLOCK: usize = 512;

/// Opens every file in the archive.
pub(in crate::extract::document) fn read(bytes: &[u8], reading: &mut Reading<'_>) -> Outcome {
    let mut at = 0;
    // What headers before an entry's own say of it, where that has no room.
    let mut long = Long::default();
    // Empty blocks end an archive (ustar); one without any was cut between two files.
    let mut has_end = false;
    while let Some(header) = bytes.get(at..).and_then(|rest| rest.get(..BLOCK)) {
        reading.may_go_on()?;
        at += BLOCK;
        if header.iter().all(|byte| *byte == 0) {
            has_end = true;
            continue;
        }
        let header = Header(header);
        let Some(size) = header.is_sound().then(|| header.size()).flatten() else {
            // Behind the two empty blocks of the end there may be anything.
            let is_over = bytes
                .get(at.saturating_sub(2 * BLOCK)..at - BLOCK)
                .is_some_and(|it| it.iter().all(|byte| *byte == 0));
            return if is_over { Ok(()) } else { Err(Stop(Gap::Damaged)) };
        };
        if header.class() == b'S' {
            at = past_map_of_holes(bytes, at, header.0);
        }
        // Links, devices and folders have no content, whatever they state.
        let size = if matches!(header.class(), b'1'..=b'6') { 0 } else { long.size.take().unwrap_or(size) };
        let rest = bytes.get(at..).unwrap_or_default();
        let data = rest.get(..place(size));
        let is_cut = data.is_none();
        let data = data.unwrap_or(rest);
        match header.class() {
            b'L' => long.name = Some(text(data).into_owned()),
            b'x' => long.pax(data),
            b'0' | b'7' | 0 | b'S' => {
                let name = long.name.take().unwrap_or_else(|| header.name());
                if !(name.ends_with('/') && data.is_empty()) {
                    reading.open_some(Some(&name), data, size, is_cut.then_some(Gap::Damaged))?;
                }
            }
            // The names of links, and what holds for all entries.
            b'K' | b'g' => {}
            _ => long = Long::default(),
        }
        if is_cut {
            return Err(Stop(Gap::Damaged));
        }
        at = at.saturating_add(place(size).div_ceil(BLOCK).saturating_mul(BLOCK));
    }
    if !has_end || bytes.get(at..).is_some_and(|rest| !rest.iter().all(|byte| *byte == 0)) {
        return Err(Stop(Gap::Damaged));
    }
    Ok(())
}

/// Where a file with holes begins: GNU's header says whether blocks of its map follow, and each block whether another does.
fn past_map_of_holes(bytes: &[u8], mut at: usize, header: &[u8]) -> usize {
    let mut more = header.get(482).is_some_and(|flag| *flag != 0);
    while more {
        let Some(block) = bytes.get(at..at.saturating_add(BLOCK)) else { break };
        more = block.get(504).is_some_and(|flag| *flag != 0);
        at += BLOCK;
    }
    at
}

/// An entry's header.
struct Header<'x>(&'x [u8]);

impl Header<'_> {
    fn field(&self, from: usize, to: usize) -> &[u8] {
        self.0.get(from..to).unwrap_or_default()
    }

    fn class(&self) -> u8 {
        self.0.get(156).copied().unwrap_or_default()
    }

    /// Whether the checksum is right: the sum of all bytes, its own read as spaces. Old programs on some machines took
    /// bytes for signed.
    fn is_sound(&self) -> bool {
        let own = self.field(148, 156);
        let sum = |value: fn(&u8) -> i64| {
            let all: i64 = self.0.iter().map(value).sum();
            all - own.iter().map(value).sum::<i64>() + 8 * i64::from(b' ')
        };
        let stated = octal(own).and_then(|stated| i64::try_from(stated).ok());
        stated.is_some_and(|stated| {
            stated == sum(|byte| i64::from(*byte)) || stated == sum(|byte| i64::from(byte.cast_signed()))
        })
    }

    /// The size in octal digits, or where it does not fit so in bytes, marked by the first bit.
    fn size(&self) -> Option<u64> {
        let field = self.field(124, 136);
        match field {
            [0x80, number @ ..] => {
                let (high, low) = number.split_at_checked(3)?;
                high.iter()
                    .all(|byte| *byte == 0)
                    .then(|| u64::from_be_bytes(*low.first_chunk().unwrap_or(&[0; 8])))
            }
            _ => octal(field),
        }
    }

    fn name(&self) -> String {
        let name = text(self.field(0, 100));
        // Only POSIX's format has a prefix there; GNU's has times.
        let prefix =
            if self.field(257, 263) == b"ustar\0" { text(self.field(345, 500)) } else { Cow::Borrowed("") };
        if prefix.is_empty() { name.into_owned() } else { format!("{prefix}/{name}") }
    }
}

fn octal(field: &[u8]) -> Option<u64> {
    let digits = field.iter().skip_while(|byte| **byte == b' ').take_while(|byte| !matches!(byte, b' ' | 0));
    let mut number: u64 = 0;
    for digit in digits {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 8)?;
        number = number.checked_mul(8)?.checked_add(u64::from(digit))?;
    }
    Some(number)
}

/// The text up to the first NUL.
fn text(field: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(field.split(|byte| *byte == 0).next().unwrap_or_default())
}

/// What the headers before an entry's own say of it.
#[derive(Debug, Default)]
struct Long {
    name: Option<String>,
    size: Option<u64>,
}

impl Long {
    /// A pax header: records of length, space, `key=value` and line end. One that makes no sense ends it.
    fn pax(&mut self, data: &[u8]) {
        let mut rest = data;
        while let Some((record, next)) = record(rest) {
            let record = String::from_utf8_lossy(record);
            match record.trim_end_matches('\n').split_once('=') {
                Some(("path", path)) => self.name = Some(path.to_owned()),
                Some(("size", size)) => self.size = size.parse().ok(),
                _ => {}
            }
            rest = next;
        }
    }
}

/// The first record of a pax header, and what follows it.
fn record(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = memchr::memchr(b' ', data)?;
    let length: usize = std::str::from_utf8(data.get(..space)?).ok()?.parse().ok()?;
    Some((data.get(space + 1..length)?, data.get(length..)?))
}
