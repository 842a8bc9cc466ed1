//! Word: the document, its margins, notes, comments and changes. Never applies a style.

use super::drawing::{self, Placeholders};
use super::relations::{self, Relation};
use crate::extract::document::Place;
use crate::extract::document::ole::field_target;
use crate::extract::document::parts::Package;
use crate::extract::document::reading::{Outcome, Reading};
use crate::extract::document::xml::{self, Element, Node, Xml};
use crate::verdict::Fact;

/// The parts that hold text, by the kind of their relationship, and where their text is.
const STORIES: [(&str, Place); 6] = [
    ("header", Place::Margin),
    ("footer", Place::Margin),
    ("footnotes", Place::Footnote),
    ("endnotes", Place::Footnote),
    ("comments", Place::Comment),
    ("glossaryDocument", Place::Hidden),
];

/// Reads a document, its main part first.
pub(super) fn read(package: &Package<'_>, reading: &mut Reading<'_>, main: &str) -> Outcome {
    part(package, reading, main, Place::Body)?;
    let relations = relations::of(package, reading, main)?;
    for (kind, place) in STORIES {
        for target in relations::targets(&relations, kind) {
            part(package, reading, &target, place)?;
        }
    }
    Ok(())
}

/// Reads a part that is written in Word's own language, and what it refers to.
fn part(package: &Package<'_>, reading: &mut Reading<'_>, name: &str, place: Place) -> Outcome {
    let Some(bytes) = package.optional(reading, name)? else { return Ok(()) };
    story(&xml::text_of(&bytes), place, reading)?;
    let relations = relations::of(package, reading, name)?;
    super::outside(&relations, reading)?;
    for kind in ["chart", "diagramData"] {
        for target in relations::targets(&relations, kind) {
            if let Some(bytes) = package.optional(reading, &target)? {
                drawing::read(&bytes, place, Placeholders::Read, reading)?;
            }
        }
    }
    // What another program put in as a whole: HTML, RTF, mail (ECMA-376-1 §11.3.1).
    for relation in relations.iter().filter(|relation| relation.is("aFChunk")) {
        chunk(package, reading, relation)?;
    }
    // What a template was attached by is in a part of its own.
    for settings in relations::targets(&relations, "settings") {
        let relations = relations::of(package, reading, &settings)?;
        super::outside(&relations, reading)?;
    }
    Ok(())
}

fn chunk(package: &Package<'_>, reading: &mut Reading<'_>, relation: &Relation) -> Outcome {
    match package.optional(reading, &relation.target)? {
        Some(bytes) if !relation.is_external => reading.open(Some(&relation.target), &bytes),
        _ => Ok(()),
    }
}

/// Reads the text of one part.
pub(super) fn story(text: &str, place: Place, reading: &mut Reading<'_>) -> Outcome {
    let mut xml = Xml::new(text);
    let mut story = Story { place, paragraphs: vec![Paragraph::default()], ..Story::default() };
    while let Some(node) = xml.next(reading)? {
        match node {
            Node::Open(element) => story.open(&element, reading)?,
            Node::Text(text) => story.text(&text, reading),
            Node::Close(end) => story.close(end.name(), reading)?,
        }
    }
    story.end_paragraph(reading)
}

/// A paragraph as far as it was read.
#[derive(Default)]
struct Paragraph {
    shown: String,
    deleted: String,
    hidden: String,
}

/// What the text of an element is.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Text {
    /// Nothing that is read.
    #[default]
    None,
    Shown,
    Deleted,
    /// The instruction of a field.
    Instruction,
}

struct Story {
    place: Place,
    /// The paragraph, and those around it: text boxes stand in paragraphs.
    paragraphs: Vec<Paragraph>,
    /// The rows of tables that the text is in.
    rows: Vec<String>,
    text: Text,
    is_hidden: bool,
    is_run: bool,
    /// How many elements of deletions, of alternatives that are left out, the text is in.
    deletions: usize,
    alternatives: usize,
    instruction: String,
}

impl Default for Story {
    fn default() -> Self {
        Self {
            place: Place::Body,
            paragraphs: Vec::new(),
            rows: Vec::new(),
            text: Text::None,
            is_hidden: false,
            is_run: false,
            deletions: 0,
            alternatives: 0,
            instruction: String::new(),
        }
    }
}

impl Story {
    fn open(&mut self, element: &Element<'_>, reading: &mut Reading<'_>) -> Outcome {
        let name = element.name();
        // The same content, once more for old programs.
        if name == "Fallback" {
            self.alternatives += 1;
        }
        if self.alternatives > 0 {
            return Ok(());
        }
        match name {
            "p" => self.paragraphs.push(Paragraph::default()),
            "r" => {
                self.is_run = true;
                self.is_hidden = false;
            }
            "pPr" => self.is_run = false,
            "vanish" if self.is_run => self.is_hidden = element.is_switch_on(),
            "t" => self.text = if self.deletions > 0 { Text::Deleted } else { Text::Shown },
            "delText" => self.text = Text::Deleted,
            "instrText" => self.text = Text::Instruction,
            "tab" | "ptab" if self.is_run => self.letter('\t'),
            "br" | "cr" if self.is_run => self.letter('\n'),
            "noBreakHyphen" => self.letter('-'),
            "fldChar" => return self.field(element.attribute("fldCharType").as_deref(), reading),
            "fldSimple" => {
                let instruction = element.attribute("instr").unwrap_or_default();
                return Self::target(&instruction, reading);
            }
            "ins" => reading.fact(Fact::TrackedChanges),
            "del" | "moveFrom" => {
                reading.fact(Fact::TrackedChanges);
                self.deletions += 1;
            }
            "tr" => self.rows.push(String::new()),
            "comment" => {
                reading.fact(Fact::Comments);
                let author = element.attribute("author").unwrap_or_default();
                return reading.text(self.place, &author);
            }
            // What a picture or a shape is described as to those who cannot see it.
            "docPr" => {
                let text = element.attribute("descr").unwrap_or_default();
                return reading.text(self.place, &text);
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &str, reading: &mut Reading<'_>) -> Outcome {
        if name == "Fallback" {
            self.alternatives = self.alternatives.saturating_sub(1);
        }
        if self.alternatives > 0 {
            return Ok(());
        }
        match name {
            "p" => return self.end_paragraph(reading),
            "r" => {
                self.is_run = false;
                self.is_hidden = false;
            }
            "t" | "delText" | "instrText" => self.text = Text::None,
            "del" | "moveFrom" => self.deletions = self.deletions.saturating_sub(1),
            "tc" => {
                if let Some(row) = self.rows.last_mut() {
                    let length = row.trim_end_matches('\n').len();
                    row.truncate(length);
                    row.push('\t');
                }
            }
            "tr" => {
                let row = self.rows.pop().unwrap_or_default();
                return self.line(&row, reading);
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str, reading: &mut Reading<'_>) {
        if self.alternatives > 0 {
            return;
        }
        let is_hidden = self.is_hidden && !text.trim().is_empty();
        let Some(paragraph) = self.paragraphs.last_mut() else { return };
        match self.text {
            Text::None => {}
            Text::Instruction => self.instruction.push_str(text),
            Text::Deleted => paragraph.deleted.push_str(text),
            Text::Shown if is_hidden => {
                reading.fact(Fact::HiddenContent);
                paragraph.hidden.push_str(text);
            }
            Text::Shown => paragraph.shown.push_str(text),
        }
    }

    fn letter(&mut self, letter: char) {
        let is_deleted = self.deletions > 0;
        if let Some(paragraph) = self.paragraphs.last_mut() {
            let out = if is_deleted { &mut paragraph.deleted } else { &mut paragraph.shown };
            out.push(letter);
        }
    }

    /// The beginning, middle or end of a field: its instruction is between the first two.
    fn field(&mut self, kind: Option<&str>, reading: &mut Reading<'_>) -> Outcome {
        if kind == Some("begin") {
            self.instruction.clear();
            return Ok(());
        }
        let instruction = std::mem::take(&mut self.instruction);
        Self::target(&instruction, reading)
    }

    fn target(instruction: &str, reading: &mut Reading<'_>) -> Outcome {
        let target = field_target(instruction);
        reading.text(Place::Properties, target.as_deref().unwrap_or_default())
    }

    fn end_paragraph(&mut self, reading: &mut Reading<'_>) -> Outcome {
        let Some(paragraph) = self.paragraphs.pop() else { return Ok(()) };
        self.line(&paragraph.shown, reading)?;
        reading.text(Place::Deleted, &paragraph.deleted)?;
        reading.text(Place::Hidden, &paragraph.hidden)
    }

    /// A line of text: of its own, or of the cell that it is in.
    fn line(&mut self, line: &str, reading: &mut Reading<'_>) -> Outcome {
        match self.rows.last_mut() {
            Some(row) => {
                row.push_str(line.trim_end());
                row.push('\n');
                Ok(())
            }
            None => reading.text(self.place, line),
        }
    }
}
