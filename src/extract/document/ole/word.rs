//! Word 6 to 2003 ([MS-DOC]): text by the piece table. Never looks at formatting, so deleted and hidden text is text.

use encoding_rs::WINDOWS_1252;

use super::compound::Compound;
use super::crypto::{self, BlockKeys};
use super::lock_of;
use crate::extract::document::Place;
use crate::extract::document::bytes::{size_at, slice_at, u8_at, u16_at, u32_at, up_to, utf16};
use crate::extract::document::reading::{Outcome, Reading, Stop};
use crate::verdict::{Fact, Gap, Protection};

/// The flags of the FIB at 0x0A ([MS-DOC] 2.5.2).
const ENCRYPTED: u16 = 0x0100;
const OTHER_TABLE: u16 = 0x0200;
const OBFUSCATED: u16 = 0x8000;
/// The first version of the format with a table stream: Word 97 ([MS-DOC] 2.5.1).
const WORD_97: u16 = 0xC1;

/// Reads the document in a storage.
pub(super) fn read(file: &Compound<'_>, storage: usize, reading: &mut Reading<'_>) -> Outcome {
    let fib = file.named(storage, "WordDocument", reading)?.unwrap_or_default();
    let (Some(version), Some(flags)) = (u16_at(&fib, 2), u16_at(&fib, 10)) else {
        reading.protection(Protection::Unknown);
        return Err(Stop(Gap::Damaged));
    };
    let table_name = if flags & OTHER_TABLE == 0 { "0Table" } else { "1Table" };
    let table = if version < WORD_97 { None } else { file.named(storage, table_name, reading)? };
    if flags & ENCRYPTED != 0 {
        let header = table.as_deref().unwrap_or_default();
        if version < WORD_97 || flags & OBFUSCATED != 0 || crypto::is_weak(header) {
            reading.fact(Fact::WeakEncryption);
        }
        reading.lock(lock_of(header));
        // It is not decrypted; whether a password of the message would do it is told.
        reading.try_passwords(1, |password, _| BlockKeys::by(header, password));
        reading.protection(Protection::Encrypted);
        return Ok(());
    }
    match table {
        Some(table) => word_97(&fib, &table, reading),
        None if version < WORD_97 => word_6(&fib, reading),
        None => Err(Stop(Gap::Damaged)),
    }
}

/// The stretches of a document's text, in the order in which the text has them ([MS-DOC] 2.4.1): where the FIB says how
/// many characters each has, and where they stand.
const STRETCHES: [(usize, Place); 8] = [
    (0x4c, Place::Body),
    (0x50, Place::Footnote),
    (0x54, Place::Margin),
    (0x58, Place::Hidden),
    (0x5c, Place::Comment),
    (0x60, Place::Footnote),
    (0x64, Place::Body),
    (0x68, Place::Margin),
];

fn word_97(fib: &[u8], table: &[u8], reading: &mut Reading<'_>) -> Outcome {
    let stretch = |at: usize| slice_at(table, size_at(fib, at)?, size_at(fib, at.checked_add(4)?)?);
    // fcClx, and below fcGrpXstAtnOwners ([MS-DOC] 2.5.6): entries of the array at 0x9A.
    let pieces = stretch(0x9a + 33 * 8).and_then(pieces).ok_or(Stop(Gap::Damaged))?;
    let mut text = Pieces { fib, pieces: &pieces, at: 0 };
    for (count, place) in STRETCHES {
        let letters = text.take(size_at(fib, count).unwrap_or(0), reading)?;
        if place == Place::Comment && !letters.is_empty() {
            reading.fact(Fact::Comments);
            for author in strings(stretch(0x9a + 36 * 8).unwrap_or_default()) {
                reading.text(place, &author)?;
            }
        }
        running_text(&letters, place, reading)?;
    }
    Ok(())
}

/// Word 6 and 95: the text is a stretch of the file, in pieces where the document was saved fast.
fn word_6(fib: &[u8], reading: &mut Reading<'_>) -> Outcome {
    const COMPLEX: u16 = 0x0004;
    let clx = (|| slice_at(fib, size_at(fib, 0x160)?, size_at(fib, 0x164)?))();
    let pieces = clx.filter(|_| u16_at(fib, 10).is_some_and(|flags| flags & COMPLEX != 0)).and_then(pieces);
    let letters: Vec<u16> = match pieces {
        Some(mut pieces) => {
            // Word 6 knows single bytes alone, and has no bit that says so.
            pieces.iter_mut().for_each(|piece| piece.is_wide = false);
            let all = pieces.last().map_or(0, |piece| piece.end);
            Pieces { fib, pieces: &pieces, at: 0 }.take(all, reading)?
        }
        None => {
            let (start, end) = size_at(fib, 0x18).zip(size_at(fib, 0x1c)).ok_or(Stop(Gap::Damaged))?;
            narrow(up_to(fib, start, end.saturating_sub(start))).encode_utf16().collect()
        }
    };
    running_text(&letters, Place::Body, reading)
}

/// A piece of the text: from which character to which, and where in the file it begins.
struct Piece {
    start: usize,
    end: usize,
    offset: usize,
    is_wide: bool,
}

/// The pieces that a Clx lists ([MS-DOC] 2.9.38).
fn pieces(clx: &[u8]) -> Option<Vec<Piece>> {
    let mut at = 0;
    // Properties come first, each with its length.
    while u8_at(clx, at)? == 1 {
        at += 3 + usize::from(u16_at(clx, at + 1)?);
    }
    let list = slice_at(clx, at.checked_add(5)?, size_at(clx, at.checked_add(1)?)?)?;
    let count = list.len().checked_sub(4)? / 12;
    let piece = |index: usize| {
        let descriptor = 4 * (count + 1) + 8 * index;
        let offset = u32_at(list, descriptor + 2)?;
        let is_wide = offset & 0x4000_0000 == 0;
        let offset = usize::try_from(offset & 0x3fff_ffff).ok()?;
        Some(Piece {
            start: size_at(list, 4 * index)?,
            end: size_at(list, 4 * index + 4)?,
            offset: if is_wide { offset } else { offset / 2 },
            is_wide,
        })
    };
    Some((0..count).filter_map(piece).collect())
}

/// The text, read from its beginning on.
struct Pieces<'d> {
    fib: &'d [u8],
    pieces: &'d [Piece],
    at: usize,
}

impl Pieces<'_> {
    /// The next characters, in UTF-16. Pieces that overlap in the file are counted as unpacked bytes are.
    fn take(&mut self, count: usize, reading: &mut Reading<'_>) -> Result<Vec<u16>, Stop> {
        let (from, to) = (self.at, self.at.saturating_add(count));
        self.at = to;
        let mut letters = Vec::new();
        for piece in self.pieces {
            let (start, end) = (piece.start.max(from), piece.end.min(to));
            if start >= end {
                continue;
            }
            let width = if piece.is_wide { 2 } else { 1 };
            let at = piece.offset.saturating_add((start - piece.start).saturating_mul(width));
            let bytes = up_to(self.fib, at, (end - start).saturating_mul(width));
            reading.spend(bytes.len() as u64)?;
            if piece.is_wide {
                letters.extend(bytes.chunks_exact(2).filter_map(|pair| u16_at(pair, 0)));
            } else {
                letters.extend(narrow(bytes).encode_utf16());
            }
        }
        Ok(letters)
    }
}

fn narrow(bytes: &[u8]) -> String {
    WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned()
}

/// Adds a stretch of text, its control characters read ([MS-DOC] 2.4.1): paragraphs by line, cells by tab, of fields
/// the result. Where a field leads is among the properties.
fn running_text(letters: &[u16], place: Place, reading: &mut Reading<'_>) -> Outcome {
    let mut text = String::new();
    // For each field that is open: its instruction, and whether its result has begun.
    let mut fields: Vec<(String, bool)> = Vec::new();
    let mut targets = Vec::new();
    let mut was_cell = false;
    for letter in char::decode_utf16(letters.iter().copied()) {
        let letter = letter.unwrap_or(char::REPLACEMENT_CHARACTER);
        let is_cell = letter == '\u{7}';
        match letter {
            '\u{13}' => fields.push((String::new(), false)),
            '\u{14}' => {
                if let Some(field) = fields.last_mut() {
                    field.1 = true;
                }
            }
            '\u{15}' => targets.extend(fields.pop().and_then(|field| target_of(&field.0))),
            letter => {
                let out = fields.iter_mut().find(|field| !field.1).map_or(&mut text, |field| &mut field.0);
                match letter {
                    // A row ends with an empty cell.
                    '\u{7}' if was_cell => out.push('\n'),
                    '\u{7}' => out.push('\t'),
                    '\r' | '\u{b}' | '\u{c}' | '\u{e}' => out.push('\n'),
                    '\u{1e}' => out.push('-'),
                    '\t' => out.push('\t'),
                    letter if letter < ' ' => {}
                    letter => out.push(letter),
                }
            }
        }
        was_cell = is_cell && !was_cell;
    }
    reading.text(place, &text)?;
    for target in targets {
        reading.text(Place::Properties, &target)?;
    }
    Ok(())
}

/// Where a field leads, by its instruction: `HYPERLINK "mailto:…"`.
pub(in crate::extract::document) fn target_of(instruction: &str) -> Option<String> {
    let rest = instruction.trim().strip_prefix("HYPERLINK")?;
    let quoted = rest.split('"').nth(1).or_else(|| rest.split_whitespace().next())?;
    Some(quoted.to_owned()).filter(|target| !target.is_empty() && !target.starts_with('\\'))
}

/// Strings with their lengths before them, one after the other ([MS-DOC] 2.9.347).
fn strings(mut bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    while let Some(length) = u16_at(bytes, 0).map(|length| 2 * usize::from(length)) {
        found.push(utf16(up_to(bytes, 2, length)));
        bytes = bytes.get(2 + length..).unwrap_or_default();
    }
    found
}
