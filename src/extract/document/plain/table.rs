//! Comma-separated values and their relatives, as cells. Keeps no table.

use super::super::Place;
use super::super::reading::{Outcome, Reading};
use super::separator;

/// Most cells that are located one by one; what follows is located by its row's first cell.
const MOST_CELLS: u32 = 100_000;

/// Reads a table. What it is separated by is told by its beginning, or by Excel's `sep=` before it.
pub(super) fn read(text: &str, reading: &mut Reading<'_>) -> Outcome {
    let (text, stated) = match text.get(..4).filter(|sep| sep.eq_ignore_ascii_case("sep=")) {
        Some(_) => {
            let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
            (rest, line.as_bytes().get(4).copied())
        }
        None => (text, None),
    };
    let separator = stated.or_else(|| separator(text)).unwrap_or(b',');
    let cells = Cells { text, at: 0, separator, row: u32::from(stated.is_some()), column: 0 };
    let sheet = reading.sheet("");
    let mut number: u32 = 0;
    for cell in cells {
        number = number.saturating_add(1);
        if number.is_multiple_of(4_096) {
            reading.may_go_on()?;
        }
        let column = if number < MOST_CELLS { cell.column } else { 0 };
        reading.text(Place::Cell { sheet, row: cell.row, column }, &cell.value)?;
    }
    Ok(())
}

/// A value and where it stands.
struct Cell {
    row: u32,
    column: u32,
    value: String,
}

/// The cells of a text (RFC 4180): one in quotation marks may hold separators, line ends, and quotation marks doubled.
struct Cells<'x> {
    text: &'x str,
    at: usize,
    separator: u8,
    row: u32,
    column: u32,
}

impl Iterator for Cells<'_> {
    type Item = Cell;

    fn next(&mut self) -> Option<Cell> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let (value, used) = if rest.starts_with('"') { quoted(rest) } else { (String::new(), 0) };
        let tail = rest.get(used..).unwrap_or_default();
        let end = memchr::memchr2(self.separator, b'\n', tail.as_bytes()).unwrap_or(tail.len());
        let plain = tail.get(..end).unwrap_or_default().trim_end_matches('\r');
        let cell = Cell { row: self.row, column: self.column, value: value + plain };
        if tail.as_bytes().get(end) == Some(&b'\n') {
            self.row = self.row.saturating_add(1);
            self.column = 0;
        } else {
            self.column = self.column.saturating_add(1);
        }
        self.at += used + end + 1;
        Some(cell)
    }
}

/// The value in quotation marks that a text begins with, and how many bytes it takes. One without an end is all there is.
fn quoted(text: &str) -> (String, usize) {
    let mut value = String::new();
    let mut at = 1;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let Some(end) = memchr::memchr(b'"', rest.as_bytes()) else {
            value.push_str(rest);
            return (value, text.len());
        };
        value.push_str(rest.get(..end).unwrap_or_default());
        at += end + 1;
        if text.as_bytes().get(at) != Some(&b'"') {
            return (value, at);
        }
        value.push('"');
        at += 1;
    }
}
