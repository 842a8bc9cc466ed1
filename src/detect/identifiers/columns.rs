//! Tables: which heading stands above a place, and how far its cell reaches. Reads headings, never the cells' values.

use std::collections::HashMap;
use std::ops::Range;

use super::labels::{Said, heading};
use crate::extract::document::{Mark, Place, Places};

/// How many rows of a sheet may stand above and among its headings.
const HEADING_ROWS: u32 = 30;
/// Most columns of a line that has them.
const MOST_COLUMNS: usize = 256;

/// The tables of one text, walked once from its beginning to its end.
pub(super) struct Columns<'t> {
    text: &'t str,
    marks: &'t [Mark],
    /// The mark that the walk has come to.
    mark: usize,
    /// The heading of each column of each sheet so far.
    sheets: HashMap<(u32, u32, u32), Said>,
    /// The line that the walk has come to: its first byte, and where the next begins.
    line: Range<usize>,
    /// The headings of the columns of the lines so far, and what parts them.
    headings: Option<(char, Vec<Option<Said>>)>,
}

impl<'t> Columns<'t> {
    pub(super) fn new(text: &'t str, places: &'t Places) -> Self {
        let is_sheet = places.marks.iter().any(|mark| matches!(mark.place, Place::Cell { .. }));
        let marks = if is_sheet { places.marks.as_slice() } else { &[] };
        Self { text, marks, mark: 0, sheets: HashMap::new(), line: 0..0, headings: None }
    }

    /// How far the cell at a place reaches; all of the text where it is no sheet's. Places must not go back.
    pub(super) fn cell(&mut self, at: usize) -> Range<usize> {
        self.go_to(at);
        if self.marks.is_empty() {
            return 0..self.text.len();
        }
        self.reach(self.mark)
    }

    /// A cell with the cell before it in its row, where a label may stand.
    pub(super) fn beside(&self, cell: Range<usize>) -> Range<usize> {
        let row = |mark: &Mark| match mark.place {
            Place::Cell { sheet, row, .. } => Some((mark.item, sheet, row)),
            _ => None,
        };
        let left = self.mark.checked_sub(1).and_then(|left| self.marks.get(left));
        let here = self.marks.get(self.mark);
        match (left, here) {
            (Some(left), Some(here)) if row(left).is_some() && row(left) == row(here) => {
                offset(left.start)..cell.end
            }
            _ => cell,
        }
    }

    /// What the heading above a place says; nothing where there is none. Places must not go back.
    pub(super) fn heading(&mut self, at: usize) -> Option<Said> {
        self.go_to(at);
        if let Some(mark) = self.marks.get(self.mark) {
            let Place::Cell { sheet, column, .. } = mark.place else { return None };
            return self.sheets.get(&(mark.item, sheet, column)).copied();
        }
        let (separator, headings) = self.headings.as_ref()?;
        let before = self.text.get(self.line.start..at)?;
        *headings.get(before.matches(*separator).count())?
    }

    fn go_to(&mut self, at: usize) {
        if self.marks.is_empty() {
            while self.line.end <= at && self.line.end < self.text.len() {
                self.next_line();
            }
            return;
        }
        while self.marks.get(self.mark + 1).is_some_and(|next| offset(next.start) <= at) {
            self.read_heading();
            self.mark += 1;
        }
    }

    fn read_heading(&mut self) {
        let Some(mark) = self.marks.get(self.mark) else { return };
        let Place::Cell { sheet, row, column } = mark.place else { return };
        if row >= HEADING_ROWS {
            return;
        }
        let cell = self.text.get(self.reach(self.mark)).unwrap_or_default();
        if let Some(said) = heading(cell.trim_end()) {
            self.sheets.insert((mark.item, sheet, column), said);
        }
    }

    /// From a mark to the next one.
    fn reach(&self, mark: usize) -> Range<usize> {
        let start = self.marks.get(mark).map_or(0, |mark| offset(mark.start));
        let end = self.marks.get(mark + 1).map_or(self.text.len(), |next| offset(next.start));
        start..end
    }

    fn next_line(&mut self) {
        let start = self.line.end;
        let rest = self.text.get(start..).unwrap_or_default();
        let end = rest.find('\n').map_or(self.text.len(), |at| start + at + 1);
        self.line = start..end;
        let line = self.text.get(start..end).unwrap_or_default().trim_end();
        let Some(separator) = ['\t', '|', ';', ','].into_iter().find(|separator| line.contains(*separator))
        else {
            // A line without columns ends the table.
            self.headings = None;
            return;
        };
        if self.headings.as_ref().is_some_and(|(known, _)| line.contains(*known)) && has_digit(line) {
            return;
        }
        // Commas are everywhere: a line of headings has nothing but short cells, and no full stop.
        let prose = separator == ',' && (line.contains(". ") || line.split(',').any(|cell| cell.len() > 40));
        let read = || line.split(separator).take(MOST_COLUMNS).map(heading).collect::<Vec<_>>();
        let headings = if prose || has_digit(line) { Vec::new() } else { read() };
        if headings.iter().any(Option::is_some) {
            self.headings = Some((separator, headings));
        }
    }
}

fn has_digit(line: &str) -> bool {
    line.bytes().any(|byte| byte.is_ascii_digit())
}

fn offset(start: u32) -> usize {
    usize::try_from(start).unwrap_or(usize::MAX)
}
