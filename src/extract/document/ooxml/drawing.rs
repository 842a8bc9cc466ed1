//! Text in drawings, charts, diagrams and slides (DrawingML): paragraphs by line, cells by tab. Never looks at shapes.

use crate::extract::document::Place;
use crate::extract::document::reading::{Outcome, Reading};
use crate::extract::document::xml::{self, Node, Xml};

/// Whether the text of placeholders counts: on masters and layouts it is "Click to edit".
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Placeholders {
    Read,
    LeftOut,
}

/// Reads all text of a part.
pub(super) fn read(
    bytes: &[u8],
    place: Place,
    placeholders: Placeholders,
    reading: &mut Reading<'_>,
) -> Outcome {
    let text = xml::text_of(bytes);
    let mut xml = Xml::new(&text);
    let mut drawing = Drawing { place, placeholders, ..Drawing::default() };
    while let Some(node) = xml.next(reading)? {
        match node {
            Node::Open(element) => {
                if element.name() == "ph" {
                    drawing.is_placeholder = true;
                }
                drawing.open(element.name());
            }
            Node::Text(text) if drawing.is_text => drawing.line.push_str(&text),
            Node::Text(_) => {}
            Node::Close(end) => drawing.close(end.name(), reading)?,
        }
    }
    Ok(())
}

struct Drawing {
    place: Place,
    placeholders: Placeholders,
    /// The paragraph, or the row of a table, as far as it was read.
    line: String,
    /// Whether the text that comes is to be read.
    is_text: bool,
    is_placeholder: bool,
    /// How many rows of tables the text is in.
    rows: usize,
    /// Whether a chart's labels are being read.
    is_cache: bool,
}

impl Default for Drawing {
    fn default() -> Self {
        Self {
            place: Place::Body,
            placeholders: Placeholders::Read,
            line: String::new(),
            is_text: false,
            is_placeholder: false,
            rows: 0,
            is_cache: false,
        }
    }
}

impl Drawing {
    fn open(&mut self, name: &str) {
        match name {
            // `text` is that of a comment.
            "t" | "text" => self.is_text = true,
            // The points of a chart: its labels, and its numbers.
            "strCache" | "numCache" | "lvl" => self.is_cache = true,
            "v" => self.is_text = self.is_cache,
            "br" => self.line.push('\n'),
            "tr" => self.rows += 1,
            "sp" => self.is_placeholder = false,
            _ => {}
        }
    }

    fn close(&mut self, name: &str, reading: &mut Reading<'_>) -> Outcome {
        match name {
            "t" => self.is_text = false,
            "text" => {
                self.is_text = false;
                return self.end_line(reading);
            }
            "v" => {
                self.is_text = false;
                self.line.push('\t');
            }
            "strCache" | "numCache" => {
                self.is_cache = false;
                return self.end_line(reading);
            }
            "p" if self.rows > 0 => self.line.push(' '),
            "p" => return self.end_line(reading),
            "tc" => {
                let length = self.line.trim_end_matches(' ').len();
                self.line.truncate(length);
                self.line.push('\t');
            }
            "tr" => {
                self.rows = self.rows.saturating_sub(1);
                if self.rows == 0 {
                    return self.end_line(reading);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn end_line(&mut self, reading: &mut Reading<'_>) -> Outcome {
        let is_wanted = !self.is_placeholder || self.placeholders == Placeholders::Read;
        let outcome = if is_wanted { reading.text(self.place, &self.line) } else { Ok(()) };
        self.line.clear();
        outcome
    }
}
