//! The text of one part of an OpenDocument: paragraphs, cells, notes, comments and changes. Never applies a style
//! other than those that hide.

use std::collections::HashSet;

use crate::extract::document::Place;
use crate::extract::document::reading::{Outcome, Reading, Stop};
use crate::extract::document::xml::{Element, Node, Xml};
use crate::verdict::Fact;

/// How the text of a part is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// As running text.
    Text,
    /// In the cells of sheets.
    Sheets,
    /// On slides.
    Slides,
    /// In headers, footers and masters.
    Margins,
}

/// The most columns that a spreadsheet has; cells that are repeated further are none.
const MOST_COLUMNS: u32 = 1 << 14;

/// Reads a part.
pub(super) fn read(text: &str, layout: Layout, reading: &mut Reading<'_>) -> Outcome {
    let mut xml = Xml::new(text);
    let place = if layout == Layout::Margins { Place::Margin } else { Place::Body };
    let mut content = Content {
        layout,
        places: vec![place],
        paragraphs: Vec::new(),
        elements: Vec::new(),
        rows: Vec::new(),
        hiding: HashSet::new(),
        style: String::new(),
        skipped: 0,
        sheet: 0,
        row: 0,
        column: 0,
        next_row: 0,
        next_column: 0,
        slide: 0,
    };
    while let Some(node) = xml.next(reading)? {
        match node {
            Node::Open(element) => content.open(&element, reading)?,
            Node::Text(text) => content.text(&text),
            Node::Close(_) => content.close(reading)?,
        }
    }
    Ok(())
}

/// What the end of an element brings back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Nothing,
    /// A paragraph is over.
    Paragraph,
    /// The place is that from before.
    Place,
    /// The place is that from before, and the paragraph goes on that the element stood in.
    Aside,
    Cell,
    Row,
    /// Text is read again.
    Skipped,
}

struct Content {
    layout: Layout,
    /// The place of the text, and those around it.
    places: Vec<Place>,
    /// The paragraph, and those around it: notes and frames stand in paragraphs.
    paragraphs: Vec<String>,
    elements: Vec<End>,
    /// The rows of tables in running text.
    rows: Vec<String>,
    /// The styles that hide what has them.
    hiding: HashSet<String>,
    /// The style that is being defined.
    style: String,
    skipped: usize,
    sheet: u32,
    row: u32,
    column: u32,
    next_row: u32,
    next_column: u32,
    slide: u32,
}

impl Content {
    fn open(&mut self, element: &Element<'_>, reading: &mut Reading<'_>) -> Outcome {
        let end = self.begin(element, reading)?;
        self.elements.push(end);
        Ok(())
    }

    fn begin(&mut self, element: &Element<'_>, reading: &mut Reading<'_>) -> Result<End, Stop> {
        let name = element.name();
        let end = match name {
            "p" | "h" => {
                self.paragraphs.push(String::new());
                End::Paragraph
            }
            // Spaces are counted, not written (ODF 1.3 part 3 §6.1.3).
            "s" => {
                let count = element.attribute("c").and_then(|count| count.parse::<usize>().ok());
                self.text(&" ".repeat(count.unwrap_or(1).min(100)));
                End::Nothing
            }
            "tab" => self.letter('\t'),
            "line-break" => self.letter('\n'),
            "a" => {
                let target = element.attribute("href").unwrap_or_default();
                reading.text(Place::Properties, &target)?;
                End::Nothing
            }
            "annotation" => {
                reading.fact(Fact::Comments);
                self.aside(Place::Comment)
            }
            // Who wrote a comment is a line of its own; who changed what is not of the text.
            "creator" if self.places.last() == Some(&Place::Comment) => {
                self.paragraphs.push(String::new());
                End::Paragraph
            }
            "note-body" => self.aside(Place::Footnote),
            "note-citation" | "creator" | "date" | "date-string" | "change-info" | "ruby-text" => self.skip(),
            "deletion" => {
                reading.fact(Fact::TrackedChanges);
                self.aside(Place::Deleted)
            }
            "insertion" | "cell-content-change" => {
                reading.fact(Fact::TrackedChanges);
                End::Nothing
            }
            "section" if element.attribute("display").is_some_and(|display| display == "none") => {
                reading.fact(Fact::HiddenContent);
                self.aside(Place::Hidden)
            }
            _ if self.layout == Layout::Sheets => return self.begin_of_sheet(element, reading),
            _ => return self.begin_of_layout(element, reading),
        };
        Ok(end)
    }

    /// Tables, slides, and the styles that hide them.
    fn begin_of_layout(&mut self, element: &Element<'_>, reading: &mut Reading<'_>) -> Result<End, Stop> {
        let end = match element.name() {
            "style" => {
                self.style = element.attribute("name").unwrap_or_default();
                End::Nothing
            }
            "table-properties" | "drawing-page-properties" => {
                let off = |name: &str, value: &str| element.attribute(name).as_deref() == Some(value);
                if off("display", "false") || off("visibility", "hidden") {
                    self.hiding.insert(self.style.clone());
                }
                End::Nothing
            }
            "text-properties" if element.attribute("display").as_deref() == Some("none") => {
                self.hiding.insert(self.style.clone());
                End::Nothing
            }
            "span" if self.is_hiding(element) => {
                reading.fact(Fact::HiddenContent);
                self.aside(Place::Hidden)
            }
            "table-row" => {
                self.rows.push(String::new());
                End::Row
            }
            "table-cell" | "covered-table-cell" => End::Cell,
            "page" if self.layout == Layout::Slides => {
                self.slide = self.slide.saturating_add(1);
                if self.is_hiding(element) {
                    reading.fact(Fact::HiddenContent);
                }
                self.places.push(Place::Slide(self.slide));
                End::Place
            }
            "notes" if self.layout == Layout::Slides => {
                self.places.push(Place::SlideNotes(self.slide));
                End::Place
            }
            _ => End::Nothing,
        };
        Ok(end)
    }

    /// A sheet's table, rows and cells: cells and rows are written once and counted.
    fn begin_of_sheet(&mut self, element: &Element<'_>, reading: &mut Reading<'_>) -> Result<End, Stop> {
        let end = match element.name() {
            "table" => {
                if self.is_hiding(element) {
                    reading.fact(Fact::HiddenContent);
                }
                let name = element.attribute("name").unwrap_or_default();
                self.sheet = reading.sheet(&name);
                reading.text(Place::Sheet(self.sheet), &name)?;
                (self.row, self.next_row) = (0, 0);
                self.places.push(Place::Sheet(self.sheet));
                End::Place
            }
            "table-row" => {
                self.row = self.next_row;
                self.next_row = self.row.saturating_add(repeated(element, "number-rows-repeated"));
                self.next_column = 0;
                note_collapsed(element, reading);
                End::Nothing
            }
            "table-column" => {
                note_collapsed(element, reading);
                End::Nothing
            }
            "table-cell" | "covered-table-cell" => {
                self.column = self.next_column;
                self.next_column = self
                    .column
                    .saturating_add(repeated(element, "number-columns-repeated"))
                    .min(MOST_COLUMNS);
                self.places.push(Place::Cell { sheet: self.sheet, row: self.row, column: self.column });
                End::Place
            }
            _ => return self.begin_of_layout(element, reading),
        };
        Ok(end)
    }

    fn is_hiding(&self, element: &Element<'_>) -> bool {
        element.attribute("style-name").is_some_and(|name| self.hiding.contains(&name))
    }

    fn close(&mut self, reading: &mut Reading<'_>) -> Outcome {
        match self.elements.pop() {
            None | Some(End::Nothing) => {}
            Some(End::Paragraph) => {
                let paragraph = self.paragraphs.pop().unwrap_or_default();
                return self.line(&paragraph, reading);
            }
            Some(End::Place) => self.leave(),
            Some(End::Aside) => {
                let rest = self.paragraphs.pop().unwrap_or_default();
                self.line(&rest, reading)?;
                self.leave();
            }
            Some(End::Skipped) => {
                self.skipped = self.skipped.saturating_sub(1);
                self.paragraphs.pop();
            }
            Some(End::Cell) => {
                if let Some(row) = self.rows.last_mut() {
                    row.push('\t');
                }
            }
            Some(End::Row) => {
                let row = self.rows.pop().unwrap_or_default();
                return self.line(&row, reading);
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if self.skipped > 0 {
            return;
        }
        if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.push_str(text);
        }
    }

    fn letter(&mut self, letter: char) -> End {
        if let Some(paragraph) = self.paragraphs.last_mut().filter(|_| self.skipped == 0) {
            paragraph.push(letter);
        }
        End::Nothing
    }

    /// What stands in a paragraph and is not of it.
    fn aside(&mut self, place: Place) -> End {
        self.places.push(place);
        self.paragraphs.push(String::new());
        End::Aside
    }

    fn skip(&mut self) -> End {
        self.skipped += 1;
        self.paragraphs.push(String::new());
        End::Skipped
    }

    fn leave(&mut self) {
        if self.places.len() > 1 {
            self.places.pop();
        }
    }

    /// A line of text: of the row that it is in, where that is a table's in running text.
    fn line(&mut self, line: &str, reading: &mut Reading<'_>) -> Outcome {
        let place = self.places.last().copied().unwrap_or(Place::Body);
        let is_aside = matches!(place, Place::Comment | Place::Footnote | Place::Deleted | Place::Hidden);
        match self.rows.last_mut() {
            Some(row) if !is_aside => {
                if !row.is_empty() && !row.ends_with('\t') {
                    row.push('\n');
                }
                row.push_str(line.trim_end());
                Ok(())
            }
            _ => reading.text(place, line),
        }
    }
}

fn repeated(element: &Element<'_>, name: &str) -> u32 {
    element.attribute(name).and_then(|count| count.parse::<u32>().ok()).unwrap_or(1).max(1)
}

fn note_collapsed(element: &Element<'_>, reading: &mut Reading<'_>) {
    if element.attribute("visibility").is_some_and(|value| value == "collapse") {
        reading.fact(Fact::HiddenContent);
    }
}
