//! The entries of a ZIP archive: its central directory, and the local headers where that is missing or lies. Unpacks nothing.

use memchr::memmem;

use super::super::{place, u16_at, u32_at, u64_at};
use crate::verdict::Gap;

const LOCAL: &[u8] = b"PK\x03\x04";
const CENTRAL: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
const END_64: &[u8] = b"PK\x06\x06";
const DESCRIPTOR: &[u8] = b"PK\x07\x08";

/// A number that is to be looked up in the extra field (APPNOTE 4.5.3).
const ELSEWHERE: u32 = u32::MAX;

/// Farthest from the end of the file that its end record may lie: a comment, and a little that was added behind it.
const END_WITHIN: usize = 128 << 10;

/// A file or folder of an archive.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'x> {
    pub name: &'x [u8],
    pub flags: u16,
    pub method: u16,
    /// The time of day at which the file was changed, as DOS counts it.
    pub time: u16,
    /// The checksum of the unpacked file, where it is stated.
    pub crc: Option<u32>,
    /// Size as stated, unpacked.
    pub size: u64,
    packed: u64,
    extra: &'x [u8],
    /// Where its local header begins.
    at: usize,
}

impl<'x> Entry<'x> {
    pub fn is_folder(&self) -> bool {
        self.name.ends_with(b"/") && self.size == 0
    }

    /// APPNOTE 4.4.4: bit 0; bit 13 hides the header of an encrypted directory.
    pub const fn is_encrypted(&self) -> bool {
        self.flags & 0x2001 != 0
    }

    /// Whether it is encrypted in PKWARE's old way, which is broken with a dozen known bytes: neither with AES, which
    /// is a method of its own, nor with what bit 6 calls strong.
    pub const fn is_weak(&self) -> bool {
        self.method != 99 && self.flags & 0x2040 == 0
    }

    /// How long the key of an entry in AES is: 1, 2 or 3 for 128, 192 or 256 bits (WinZip's extra field 0x9901).
    pub fn aes_strength(&self) -> Option<u8> {
        let field = extra_field(self.extra, 0x9901)?;
        (self.method == 99).then(|| field.get(4).copied())?
    }

    /// APPNOTE 4.6.9 and bit 11 of 4.4.4: the name in UTF-8.
    pub fn unicode_name(&self) -> Option<&'x [u8]> {
        if self.flags & 0x0800 != 0 {
            return Some(self.name);
        }
        extra_field(self.extra, 0x7075)?.get(5..)
    }

    /// The packed bytes, as many as there are; none where no local header lies where the directory says.
    pub fn data(&self, bytes: &'x [u8]) -> Option<&'x [u8]> {
        let header = bytes.get(self.at..).filter(|header| header.starts_with(LOCAL))?;
        let start = 30 + usize::from(u16_at(header, 26)?) + usize::from(u16_at(header, 28)?);
        let data = header.get(start..)?;
        Some(data.get(..place(self.packed)).unwrap_or(data))
    }

    fn end(&self, bytes: &[u8]) -> usize {
        let header = bytes.get(self.at..).unwrap_or_default();
        let names = u16_at(header, 26).unwrap_or(0).saturating_add(u16_at(header, 28).unwrap_or(0));
        self.at.saturating_add(30 + usize::from(names)).saturating_add(place(self.packed))
    }
}

/// What an archive says of its content.
#[derive(Debug, Default)]
pub(super) struct Directory<'x> {
    pub entries: Vec<Entry<'x>>,
    pub gaps: Vec<Gap>,
}

impl<'x> Directory<'x> {
    pub fn read(bytes: &'x [u8]) -> Self {
        let mut directory = Self::default();
        let end = End::find(bytes);
        match &end {
            Some(end) => directory.central(bytes, end),
            None => directory.gaps.push(Gap::Damaged),
        }
        directory.unlisted(bytes, end.as_ref());
        directory
    }

    /// Whether an archive ends there that begins somewhere behind the first bytes.
    pub fn lies_behind(bytes: &[u8]) -> bool {
        End::find(bytes)
            .is_some_and(|end| end.entries > 0 && end.start > 0 && entry(bytes, end.start).is_some())
    }

    fn central(&mut self, bytes: &'x [u8], end: &End) {
        let mut at = end.start;
        while let Some((entry, next)) = entry(bytes, at) {
            self.entries.push(Entry { at: entry.at.saturating_add(end.shift), ..entry });
            at = next;
        }
        if end.is_part {
            self.gaps.push(Gap::Unsupported);
        } else if (self.entries.len() as u64) < end.entries {
            self.gaps.push(Gap::Damaged);
        }
    }

    /// Adds what lies between the listed entries: some programs read an archive from its front and find it.
    fn unlisted(&mut self, bytes: &'x [u8], end: Option<&End>) {
        let mut listed: Vec<(usize, usize)> =
            self.entries.iter().map(|entry| (entry.at, entry.end(bytes))).collect();
        listed.sort_unstable();
        let central = end.map_or(bytes.len(), |end| end.start);
        let mut from = 0;
        for (start, end) in listed.into_iter().chain([(central, central)]) {
            self.walk(bytes, from, start);
            from = from.max(end);
        }
        // Behind the end record may be the rest of an archive in which this one lies.
        if let Some(end) = end {
            self.walk(bytes, end.finish, bytes.len());
        }
    }

    /// Goes from local header to local header.
    fn walk(&mut self, bytes: &'x [u8], mut from: usize, to: usize) {
        while let Some(gap) = bytes.get(from..to.max(from)) {
            let Some(found) = memmem::find(gap, LOCAL) else { return };
            let at = from + found;
            let Some(entry) = local(bytes, at) else {
                self.gaps.push(Gap::Damaged);
                from = at + LOCAL.len();
                continue;
            };
            from = entry.end(bytes).max(at + LOCAL.len());
            self.entries.push(entry);
        }
    }
}

/// The record at the end, which says where the central directory is.
struct End {
    /// Where the central directory begins.
    start: usize,
    /// Where the record ends, its comment included.
    finish: usize,
    /// What is to be added to the places that it states, because something stands before the archive.
    shift: usize,
    entries: u64,
    /// Whether this is a part of an archive in several.
    is_part: bool,
}

impl End {
    /// The last end record that a central directory lies before; an empty archive has none.
    fn find(bytes: &[u8]) -> Option<Self> {
        let from = bytes.len().saturating_sub(END_WITHIN);
        let tail = bytes.get(from..)?;
        let mut until = tail.len();
        // Comments may have the signature too, but not many times.
        for _ in 0..64 {
            let at = memmem::rfind(tail.get(..until)?, END)?;
            if let Some(end) = Self::at(bytes, from + at) {
                return Some(end);
            }
            until = at;
        }
        None
    }

    fn at(bytes: &[u8], at: usize) -> Option<Self> {
        let record = bytes.get(at..)?;
        let (disk, entries) = (u16_at(record, 4)?, u64::from(u16_at(record, 10)?));
        let (size, offset) = (u64::from(u32_at(record, 12)?), u64::from(u32_at(record, 16)?));
        let finish = at.saturating_add(22 + usize::from(u16_at(record, 20)?));
        let is_part = disk != 0 && disk != u16::MAX;
        let short = Self { start: 0, finish, shift: 0, entries, is_part }.placed(bytes, at, size, offset);
        let long = || {
            // APPNOTE 4.3.14: the long record, and its locator of 20 bytes between the two.
            let at = memmem::rfind(bytes.get(..at)?, END_64)?;
            let record = bytes.get(at..)?;
            let entries = u64_at(record, 32)?;
            Self { start: 0, finish, shift: 0, entries, is_part }.placed(
                bytes,
                at,
                u64_at(record, 40)?,
                u64_at(record, 48)?,
            )
        };
        let is_long = size == u64::from(ELSEWHERE) || offset == u64::from(ELSEWHERE) || entries == 0xffff;
        if is_long { long().or(short) } else { short }
    }

    /// With its place in the file: right before the end record, or where it is stated.
    fn placed(self, bytes: &[u8], at: usize, size: u64, offset: u64) -> Option<Self> {
        let is_central = |start: usize| bytes.get(start..).is_some_and(|it| it.starts_with(CENTRAL));
        let (before, stated) = (at.checked_sub(place(size)), place(offset));
        match before {
            Some(start) if is_central(start) => {
                Some(Self { start, shift: start.saturating_sub(stated), ..self })
            }
            _ if is_central(stated) => Some(Self { start: stated, shift: 0, ..self }),
            _ if self.entries == 0 => Some(Self { start: at, shift: 0, ..self }),
            _ if self.is_part => Some(Self { start: at, shift: 0, ..self }),
            _ => None,
        }
    }
}

/// An entry of the central directory, and where the next one begins.
fn entry(bytes: &[u8], at: usize) -> Option<(Entry<'_>, usize)> {
    let header = bytes.get(at..).filter(|header| header.starts_with(CENTRAL))?;
    let name_end = 46 + usize::from(u16_at(header, 28)?);
    let extra_end = name_end + usize::from(u16_at(header, 30)?);
    let next = extra_end + usize::from(u16_at(header, 32)?);
    let extra = header.get(name_end..extra_end)?;
    let mut long = LongNumbers(extra_field(extra, 0x0001).unwrap_or_default());
    let entry = Entry {
        name: header.get(46..name_end)?,
        flags: u16_at(header, 8)?,
        method: u16_at(header, 10)?,
        time: u16_at(header, 12)?,
        crc: u32_at(header, 16),
        size: long.number(u32_at(header, 24)?),
        packed: long.number(u32_at(header, 20)?),
        at: place(long.number(u32_at(header, 42)?)),
        extra,
    };
    Some((entry, at.saturating_add(next)))
}

/// An entry by its local header alone.
fn local(bytes: &[u8], at: usize) -> Option<Entry<'_>> {
    let header = bytes.get(at..)?;
    let name_end = 30 + usize::from(u16_at(header, 26)?);
    let extra_end = name_end + usize::from(u16_at(header, 28)?);
    let extra = header.get(name_end..extra_end)?;
    let mut long = LongNumbers(extra_field(extra, 0x0001).unwrap_or_default());
    let flags = u16_at(header, 6)?;
    let (size, packed) = (long.number(u32_at(header, 22)?), long.number(u32_at(header, 18)?));
    // APPNOTE 4.4.4, bit 3: sizes and checksum follow the data.
    let is_known = flags & 8 == 0 || packed > 0;
    Some(Entry {
        name: header.get(30..name_end)?,
        flags,
        method: u16_at(header, 8)?,
        time: u16_at(header, 10)?,
        crc: u32_at(header, 14).filter(|_| is_known),
        size,
        packed: if is_known { packed } else { until_next(header.get(extra_end..)?) },
        extra,
        at,
    })
}

/// How much data there is before its descriptor, the next header or the end.
fn until_next(data: &[u8]) -> u64 {
    let next = memmem::find_iter(data, b"PK").find(|at| {
        let record = data.get(*at..).unwrap_or_default();
        let is_descriptor =
            || record.starts_with(DESCRIPTOR) && u32_at(record, 8).map(u64::from) == Some(*at as u64);
        record.starts_with(LOCAL) || record.starts_with(CENTRAL) || is_descriptor()
    });
    next.unwrap_or(data.len()) as u64
}

/// The numbers of the extra field for long archives, which has those in their order that did not fit.
struct LongNumbers<'x>(&'x [u8]);

impl LongNumbers<'_> {
    fn number(&mut self, short: u32) -> u64 {
        if short != ELSEWHERE {
            return u64::from(short);
        }
        let long = u64_at(self.0, 0);
        self.0 = self.0.get(8..).unwrap_or_default();
        long.unwrap_or(u64::from(short))
    }
}

/// The content of an extra field by its number.
fn extra_field(mut extra: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let (number, length) = (u16_at(extra, 0)?, usize::from(u16_at(extra, 2)?));
        let content = extra.get(4..)?;
        if number == wanted {
            return content.get(..length);
        }
        extra = content.get(length..)?;
    }
}
