//! Whether a text is a table of values, and what parts them. Counts; never keeps a value.

use super::Extent;

/// Most rows that are looked at.
const MOST_ROWS: usize = 64;

/// Whether the text is comma-, semicolon-, tab- or bar-separated values (RFC 4180 and its relatives).
pub(super) fn is_table(text: &[u8], extent: Extent) -> bool {
    separator(text, extent).is_some()
}

/// The byte between the values of a table; none where the text is no table.
pub(in crate::extract::document) fn separator(text: &[u8], extent: Extent) -> Option<u8> {
    [b'\t', b';', b',', b'|'].into_iter().find(|separator| is_regular(text, *separator, extent))
}

/// Whether nearly all rows have the same number of values, two at least.
fn is_regular(text: &[u8], separator: u8, extent: Extent) -> bool {
    let rows = rows(text, separator, extent);
    let mut counts: Vec<usize> = rows.iter().map(|row| row.values).collect();
    counts.sort_unstable();
    let Some(&usual) = counts.get(counts.len() / 2) else { return false };
    let same = counts.iter().filter(|count| **count == usual).count();
    let spaced: usize = rows.iter().map(|row| row.spaced).sum();
    let separators: usize = rows.iter().map(|row| row.values.saturating_sub(1)).sum();
    // In prose and programs a space or a line's end follows a comma or a semicolon; two columns could be chance.
    let is_prose = separator != b'\t' && spaced.saturating_mul(2) > separators;
    let least_rows = match usual {
        0 | 1 => return false,
        2 if separator == b',' => 3,
        _ => 2,
    };
    rows.len() >= least_rows && same.saturating_mul(10) >= rows.len().saturating_mul(9) && !is_prose
}

/// What a row is told by.
struct Row {
    values: usize,
    /// Separators with a space or a line end after them.
    spaced: usize,
}

/// The rows that are whole. A value in quotation marks may have separators and line ends.
fn rows(text: &[u8], separator: u8, extent: Extent) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut row = Row { values: 1, spaced: 0 };
    let mut quoted = false;
    let mut empty = true;
    let mut begins = true;
    for (at, &byte) in text.iter().enumerate() {
        if rows.len() >= MOST_ROWS {
            return rows;
        }
        match byte {
            // A quotation mark after another one, inside a value, stands for one.
            b'"' if begins || quoted || at.checked_sub(1).and_then(|at| text.get(at)) == Some(&b'"') => {
                quoted = !quoted;
                begins = false;
                empty = false;
            }
            b'\n' if !quoted => {
                if !empty {
                    rows.push(row);
                }
                row = Row { values: 1, spaced: 0 };
                empty = true;
                begins = true;
            }
            _ if byte == separator && !quoted => {
                row.values += 1;
                row.spaced += usize::from(matches!(text.get(at + 1), Some(b' ' | b'\r' | b'\n')));
                empty = false;
                begins = true;
            }
            b'\r' => {}
            _ => {
                empty &= byte == b' ';
                begins &= byte == b' ';
            }
        }
    }
    if !empty && extent == Extent::Whole && !quoted {
        rows.push(row);
    }
    rows
}
