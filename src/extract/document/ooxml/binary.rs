//! Excel's binary workbook ([MS-XLSB]): strings and numbers of its sheets. Never looks at formats or formulas.

use super::relations;
use crate::extract::document::Place;
use crate::extract::document::bytes::{f64_at, size_at, slice_at, u8_at, u32_at, utf16};
use crate::extract::document::numbers::NumberFormat;
use crate::extract::document::parts::Package;
use crate::extract::document::reading::{Outcome, Reading};
use crate::verdict::Fact;

/// The types of records that matter here ([MS-XLSB] 2.3.2).
mod record {
    pub const ROW: u32 = 0;
    pub const CELL_RK: u32 = 2;
    pub const CELL_REAL: u32 = 5;
    pub const CELL_STRING: u32 = 6;
    pub const CELL_SHARED: u32 = 7;
    pub const FORMULA_STRING: u32 = 8;
    pub const FORMULA_NUMBER: u32 = 9;
    pub const SHARED: u32 = 19;
    pub const SHEET: u32 = 156;
}

/// Reads a binary workbook.
pub(super) fn read(package: &Package<'_>, reading: &mut Reading<'_>, main: &str) -> Outcome {
    let relations = relations::of(package, reading, main)?;
    super::outside(&relations, reading)?;
    let mut strings = Vec::new();
    for part in relations::targets(&relations, "sharedStrings") {
        let bytes = package.optional(reading, &part)?.unwrap_or_default();
        let shared = records(&bytes).filter(|(kind, _)| *kind == record::SHARED);
        strings =
            shared.map(|(_, bytes)| string(bytes, 1).map(|(text, _)| text).unwrap_or_default()).collect();
    }
    let workbook = package.optional(reading, main)?.unwrap_or_default();
    for (_, sheet) in records(&workbook).filter(|(kind, _)| *kind == record::SHEET) {
        let Some((relation, at)) = string(sheet, 8) else { continue };
        let name = string(sheet, at).map(|(name, _)| name).unwrap_or_default();
        if u32_at(sheet, 0).is_some_and(|state| state != 0) {
            reading.fact(Fact::HiddenContent);
        }
        let number = reading.sheet(&name);
        reading.text(Place::Sheet(number), &name)?;
        let part = relations::target(&relations, &relation).unwrap_or_default();
        if let Some(bytes) = package.optional(reading, part)? {
            cells(&bytes, number, &strings, reading)?;
        }
    }
    Ok(())
}

fn cells(bytes: &[u8], sheet: u32, strings: &[String], reading: &mut Reading<'_>) -> Outcome {
    let mut row = 0;
    let mut seen = 0_u32;
    for (kind, cell) in records(bytes) {
        seen = seen.wrapping_add(1);
        if seen.is_multiple_of(4096) {
            reading.may_go_on()?;
        }
        let number = |number: Option<f64>| number.map(|number| NumberFormat::General.show(number, false));
        let text = match kind {
            record::ROW => {
                row = u32_at(cell, 0).unwrap_or(row);
                continue;
            }
            record::CELL_STRING | record::FORMULA_STRING => string(cell, 8).map(|(text, _)| text),
            record::CELL_SHARED => size_at(cell, 8).and_then(|index| strings.get(index).cloned()),
            record::CELL_REAL | record::FORMULA_NUMBER => number(f64_at(cell, 8)),
            record::CELL_RK => number(u32_at(cell, 8).map(crate::extract::document::numbers::rk)),
            _ => continue,
        };
        let place = Place::Cell { sheet, row, column: u32_at(cell, 0).unwrap_or(0) };
        reading.text(place, &text.unwrap_or_default())?;
    }
    Ok(())
}

/// The records: types and lengths are written in groups of seven bits ([MS-XLSB] 2.1.4).
fn records(bytes: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let kind = groups(bytes, &mut at, 2)?;
        let length = usize::try_from(groups(bytes, &mut at, 4)?).ok()?;
        let record = slice_at(bytes, at, length)?;
        at += length;
        Some((kind, record))
    })
}

fn groups(bytes: &[u8], at: &mut usize, most: u32) -> Option<u32> {
    let mut number = 0;
    for group in 0..most {
        let byte = u8_at(bytes, *at)?;
        *at += 1;
        number |= u32::from(byte & 0x7f) << (7 * group);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some(number)
}

/// The string there, and where the next thing begins; one that is not there has the length 0xFFFFFFFF.
fn string(bytes: &[u8], at: usize) -> Option<(String, usize)> {
    let length = u32_at(bytes, at)?;
    if length == u32::MAX {
        return Some((String::new(), at + 4));
    }
    let length = usize::try_from(length).ok()?.checked_mul(2)?;
    Some((utf16(slice_at(bytes, at + 4, length)?), at + 4 + length))
}
