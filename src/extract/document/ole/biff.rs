//! The records that Excel's old files are made of, and the strings in them ([MS-XLS] 2.1.4, 2.5.293). Knows no workbook.

use std::borrow::Cow;

use super::properties::code_page;
use crate::extract::document::bytes::{size_at, u8_at, u16_at, up_to, utf16};
use crate::message::charset;

/// The types of records that matter here ([MS-XLS] 2.3).
pub(super) mod record {
    pub const FORMULA: u16 = 0x0006;
    pub const EOF: u16 = 0x000a;
    pub const HEADER: u16 = 0x0014;
    pub const FOOTER: u16 = 0x0015;
    pub const NAME: u16 = 0x0018;
    pub const NOTE: u16 = 0x001c;
    pub const DATE_MODE: u16 = 0x0022;
    pub const FILE_PASS: u16 = 0x002f;
    pub const CONTINUE: u16 = 0x003c;
    pub const CODE_PAGE: u16 = 0x0042;
    pub const OBJECT: u16 = 0x005d;
    pub const COLUMNS: u16 = 0x007d;
    pub const BOUND_SHEET: u16 = 0x0085;
    pub const MUL_RK: u16 = 0x00bd;
    pub const RSTRING: u16 = 0x00d6;
    pub const XF: u16 = 0x00e0;
    pub const SST: u16 = 0x00fc;
    pub const LABEL_SST: u16 = 0x00fd;
    pub const TEXT_OBJECT: u16 = 0x01b6;
    pub const LINK: u16 = 0x01b8;
    pub const NUMBER: u16 = 0x0203;
    pub const LABEL: u16 = 0x0204;
    pub const STRING: u16 = 0x0207;
    pub const ROW: u16 = 0x0208;
    pub const RK: u16 = 0x027e;
    pub const FORMAT: u16 = 0x041e;
    pub const BOF: u16 = 0x0809;
    pub const SERIES_TEXT: u16 = 0x100d;
}

/// The version of the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Version {
    /// Excel 5 and 95: strings in a code page.
    Biff5,
    /// Excel 97 to 2003: strings in Unicode.
    #[default]
    Biff8,
}

/// A record: its type, where in the stream it begins, and what is in it.
pub(super) struct Record<'s> {
    pub kind: u16,
    pub at: u32,
    pub bytes: &'s [u8],
}

/// The records of a stream, one after the other.
pub(super) struct Records<'s> {
    stream: &'s [u8],
    at: usize,
    /// Whether the stream ended within a record.
    pub is_cut: bool,
}

impl<'s> Records<'s> {
    pub fn new(stream: &'s [u8]) -> Self {
        Self { stream, at: 0, is_cut: false }
    }

    /// The next record; none at the end.
    pub fn next(&mut self) -> Option<Record<'s>> {
        let kind = u16_at(self.stream, self.at)?;
        let length = usize::from(u16_at(self.stream, self.at + 2)?);
        let at = u32::try_from(self.at).ok()?;
        let bytes = up_to(self.stream, self.at + 4, length);
        self.is_cut |= bytes.len() < length;
        self.at += 4 + length;
        Some(Record { kind, at, bytes })
    }

    /// The next record's bytes where it continues the one before.
    pub fn continued(&mut self) -> Option<&'s [u8]> {
        if u16_at(self.stream, self.at) != Some(record::CONTINUE) {
            return None;
        }
        self.next().map(|record| record.bytes)
    }
}

/// Strings in a record and those that continue it.
pub(super) struct Strings<'s> {
    segments: &'s [&'s [u8]],
    at: usize,
}

impl<'s> Strings<'s> {
    /// From a byte of the first segment on.
    pub fn new(segments: &'s [&'s [u8]], at: usize) -> Self {
        Self { segments, at }
    }

    /// A string of the shared table ([MS-XLS] 2.5.293): what it says, without its formatting and its phonetics.
    pub fn rich(&mut self) -> Option<String> {
        self.move_on();
        let header = self.rest()?;
        let count = usize::from(u16_at(header, 0)?);
        let flags = u8_at(header, 2)?;
        let mut at = 3;
        let mut skip = 0_usize;
        if flags & 8 != 0 {
            skip = 4 * usize::from(u16_at(header, at)?);
            at += 2;
        }
        if flags & 4 != 0 {
            skip = skip.checked_add(size_at(header, at)?)?;
            at += 4;
        }
        self.at += at;
        let text = self.unicode(count, flags)?;
        self.skip(skip);
        Some(text)
    }

    /// That many letters: of the code page, or Unicode with a byte of flags before them.
    pub fn letters(&mut self, count: usize, version: Version, page: u16) -> Option<String> {
        match version {
            Version::Biff5 => {
                let bytes = up_to(self.rest()?, 0, count);
                let page = if page == 32_768 { 10_000 } else { page };
                Some(charset::decode(bytes, Some(&code_page(page))).text.into_owned())
            }
            Version::Biff8 => {
                let flags = u8_at(self.rest()?, 0)?;
                self.at += 1;
                self.unicode(count, flags)
            }
        }
    }

    /// Unicode letters; each segment after the first begins with new flags where it continues letters.
    fn unicode(&mut self, count: usize, flags: u8) -> Option<String> {
        let mut text = String::new();
        let mut is_wide = flags & 1 != 0;
        let mut left = count;
        loop {
            let width = if is_wide { 2 } else { 1 };
            let bytes = up_to(self.rest().unwrap_or_default(), 0, left.saturating_mul(width));
            let piece: Cow<'_, str> = if is_wide {
                utf16(bytes).into()
            } else {
                bytes.iter().map(|&byte| char::from(byte)).collect()
            };
            text.push_str(&piece);
            self.at += bytes.len();
            left -= (bytes.len() / width).min(left);
            if left == 0 {
                return Some(text);
            }
            let (_, others) = self.segments.split_first()?;
            self.segments = others;
            is_wide = u8_at(others.first()?, 0)? & 1 != 0;
            self.at = 1;
        }
    }

    fn skip(&mut self, mut bytes: usize) {
        while let Some(rest) = self.rest().filter(|rest| rest.len() < bytes) {
            bytes -= rest.len();
            self.at += rest.len();
            if self.segments.len() < 2 {
                return;
            }
            self.move_on();
        }
        self.at += bytes;
    }

    /// To the next segment where this one is at its end.
    fn move_on(&mut self) {
        while self.rest().is_none_or(<[u8]>::is_empty) {
            let Some((_, others)) = self.segments.split_first() else { return };
            self.segments = others;
            self.at = 0;
        }
    }

    fn rest(&self) -> Option<&'s [u8]> {
        self.segments.first().and_then(|segment| segment.get(self.at..))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_that_is_continued_changes_its_width() {
        let (first, second): (&[u8], &[u8]) = (b"\x05\0\0abc", b"\x01d\0e\0\x01\0\0x");
        let segments = [first, second];
        let mut strings = Strings::new(&segments, 0);
        assert_eq!(strings.rich().as_deref(), Some("abcde"));
        assert_eq!(strings.rich().as_deref(), Some("x"));
        assert_eq!(strings.rich(), None);
    }
}
