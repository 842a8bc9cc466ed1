//! The cells of a sheet, each where it stands. Never keeps a sheet in memory.

use std::borrow::Cow;

use crate::extract::document::Place;
use crate::extract::document::numbers::NumberFormat;
use crate::extract::document::reading::{Outcome, Reading};
use crate::verdict::{Fact, Gap};

use super::tags::{self, Tag, Tags};

/// What cells refer to.
#[derive(Default)]
pub(super) struct Cells {
    /// The shared strings.
    pub strings: Vec<String>,
    /// The number format of each style.
    pub styles: Vec<NumberFormat>,
    /// Whether days are counted from 1904.
    pub is_1904: bool,
}

/// What a cell holds (ECMA-376-1 §18.18.11).
#[derive(Clone, Copy, Default)]
enum Holds {
    #[default]
    Number,
    Shared,
    /// Text of its own, or a formula's.
    Text,
    Truth,
    /// An error: nothing that anyone wrote.
    Error,
}

/// Reads a sheet.
pub(super) fn read(text: &str, sheet: u32, cells: &Cells, reading: &mut Reading<'_>) -> Outcome {
    // A row or a cell that does not say where it is is the next one; the first comes after none.
    let mut cell = Cell { sheet, row: u32::MAX, ..Cell::default() };
    let mut tags = Tags::new(text);
    let mut seen = 0_u32;
    while let Some((before, tag)) = tags.next() {
        seen = seen.wrapping_add(1);
        if seen.is_multiple_of(4096) {
            reading.may_go_on()?;
        }
        if cell.is_value {
            cell.value.push_str(&tags::unescaped(before));
        }
        match tag {
            Tag::Open { name, attributes, is_empty } => {
                cell.open(name, attributes, reading);
                if is_empty {
                    cell.close(name, cells, reading)?;
                }
            }
            Tag::Close(name) => cell.close(name, cells, reading)?,
            Tag::Verbatim(text) if cell.is_value => cell.value.push_str(text),
            Tag::Verbatim(_) => {}
        }
    }
    if tags.is_cut {
        reading.gap(Gap::Damaged);
    }
    Ok(())
}

fn is_margin(name: &str) -> bool {
    matches!(name, "oddHeader" | "evenHeader" | "firstHeader" | "oddFooter" | "evenFooter" | "firstFooter")
}

/// The cell under way.
#[derive(Default)]
struct Cell {
    sheet: u32,
    row: u32,
    column: u32,
    holds: Holds,
    style: usize,
    value: String,
    is_value: bool,
    is_phonetic: bool,
}

impl Cell {
    fn open(&mut self, name: &str, attributes: &str, reading: &mut Reading<'_>) {
        match name {
            "c" => self.begin(attributes),
            "v" => self.is_value = true,
            "t" => self.is_value = !self.is_phonetic,
            "rPh" => self.is_phonetic = true,
            "row" => {
                self.row = match attribute(attributes, "r").and_then(|row| row.parse::<u32>().ok()) {
                    Some(row) => row.saturating_sub(1),
                    None => self.row.wrapping_add(1),
                };
                self.column = u32::MAX;
                if is_hidden(attributes) {
                    reading.fact(Fact::HiddenContent);
                }
            }
            "col" if is_hidden(attributes) => reading.fact(Fact::HiddenContent),
            name if is_margin(name) => {
                self.is_value = true;
                self.value.clear();
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str, cells: &Cells, reading: &mut Reading<'_>) -> Outcome {
        match name {
            "v" | "t" => self.is_value = false,
            "rPh" => self.is_phonetic = false,
            "c" => return self.end(cells, reading),
            name if is_margin(name) => {
                self.is_value = false;
                reading.text(Place::Margin, &super::margin_text(&self.value))?;
                self.value.clear();
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, attributes: &str) {
        self.value.clear();
        self.holds = Holds::Number;
        self.style = 0;
        let mut named = None;
        for (name, value) in tags::attributes(attributes) {
            match name {
                "r" => named = reference(value),
                "s" => self.style = value.parse().unwrap_or(0),
                "t" => {
                    self.holds = match value {
                        "s" => Holds::Shared,
                        "str" | "inlineStr" | "d" => Holds::Text,
                        "b" => Holds::Truth,
                        "e" => Holds::Error,
                        _ => Holds::Number,
                    }
                }
                _ => {}
            }
        }
        // Where a cell does not say where it is, it is the next one.
        (self.column, self.row) = named.unwrap_or((self.column.wrapping_add(1), self.row));
    }

    fn end(&mut self, cells: &Cells, reading: &mut Reading<'_>) -> Outcome {
        let place = Place::Cell { sheet: self.sheet, row: self.row, column: self.column };
        let value = self.value.trim();
        let shown: Cow<'_, str> = match self.holds {
            Holds::Text => self.value.as_str().into(),
            Holds::Shared => {
                let index = value.parse::<usize>().ok();
                index.and_then(|index| cells.strings.get(index)).map_or("", String::as_str).into()
            }
            Holds::Truth => (if value == "1" { "TRUE" } else { "" }).into(),
            Holds::Error => "".into(),
            Holds::Number => match cells.styles.get(self.style) {
                // Short numbers are as they are written: all their digits are shown.
                None | Some(NumberFormat::General) if value.len() <= 15 && !value.contains(['E', 'e']) => {
                    value.into()
                }
                format => {
                    let format = format.unwrap_or(&NumberFormat::General);
                    value
                        .parse::<f64>()
                        .map_or(value.into(), |number| format.show(number, cells.is_1904).into())
                }
            },
        };
        reading.text(place, &shown)
    }
}

/// The value of an attribute of that name.
fn attribute<'x>(attributes: &'x str, wanted: &str) -> Option<&'x str> {
    tags::attributes(attributes).find(|(name, _)| *name == wanted).map(|(_, value)| value)
}

fn is_hidden(attributes: &str) -> bool {
    attribute(attributes, "hidden").is_some_and(|value| matches!(value, "1" | "true" | "on"))
}

/// Column and row of a reference such as `B4`, counted from 0.
fn reference(name: &str) -> Option<(u32, u32)> {
    let letters = name.bytes().take_while(u8::is_ascii_alphabetic);
    let column = letters.clone().try_fold(0_u32, |column, letter| {
        let digit = u32::from(letter.to_ascii_uppercase() - b'A') + 1;
        column.checked_mul(26)?.checked_add(digit)
    });
    let row = name.get(letters.count()..)?.parse::<u32>().ok()?;
    Some((column?.checked_sub(1)?, row.checked_sub(1)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read() {
        assert_eq!(reference("A1"), Some((0, 0)));
        assert_eq!(reference("AA10"), Some((26, 9)));
        assert_eq!(reference("10"), None);
        assert_eq!(reference("A0"), None);
        assert_eq!(reference("ZZZZZZZZZ1"), None);
    }
}
