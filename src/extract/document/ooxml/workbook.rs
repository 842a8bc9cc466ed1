//! Excel: the workbook, its shared strings and styles, and what belongs to each sheet. Never computes a formula.

use std::collections::HashMap;

use super::drawing::{self, Placeholders};
use super::relations::{self, Relations};
use super::sheet::{self, Cells};
use crate::extract::document::Place;
use crate::extract::document::numbers::NumberFormat;
use crate::extract::document::parts::Package;
use crate::extract::document::reading::{Outcome, Reading, Stop};
use crate::extract::document::xml::{self, Node, Xml};
use crate::verdict::Fact;

/// Reads a workbook, whose main part lists the sheets.
pub(super) fn read(package: &Package<'_>, reading: &mut Reading<'_>, main: &str) -> Outcome {
    let relations = relations::of(package, reading, main)?;
    super::outside(&relations, reading)?;
    let mut cells = Cells::default();
    for part in relations::targets(&relations, "sharedStrings") {
        let bytes = package.optional(reading, &part)?.unwrap_or_default();
        cells.strings = shared_strings(&xml::text_of(&bytes), reading)?;
    }
    for part in relations::targets(&relations, "styles") {
        let bytes = package.optional(reading, &part)?.unwrap_or_default();
        cells.styles = styles(&xml::text_of(&bytes), reading)?;
    }
    let people = people(package, reading, &relations)?;
    let bytes = package.optional(reading, main)?.unwrap_or_default();
    let sheets = sheets(&xml::text_of(&bytes), &mut cells, reading)?;
    for Sheet { name, relation } in sheets {
        let number = reading.sheet(&name);
        reading.text(Place::Sheet(number), &name)?;
        if let Some(part) = relations::target(&relations, &relation) {
            one_sheet(package, reading, part, number, &cells, &people)?;
        }
    }
    Ok(())
}

/// A sheet as the workbook lists it.
struct Sheet {
    name: String,
    relation: String,
}

/// The sheets in their order; defined names go into the properties (ECMA-376-1 §18.2).
fn sheets(text: &str, cells: &mut Cells, reading: &mut Reading<'_>) -> Result<Vec<Sheet>, Stop> {
    let mut xml = Xml::new(text);
    let mut sheets = Vec::new();
    while let Some(node) = xml.next(reading)? {
        let Node::Open(element) = node else { continue };
        match element.name() {
            "workbookPr" => cells.is_1904 = element.is_on("date1904"),
            "sheet" => {
                if element
                    .attribute("state")
                    .is_some_and(|state| state.to_ascii_lowercase().contains("hidden"))
                {
                    reading.fact(Fact::HiddenContent);
                }
                let name = element.attribute("name").unwrap_or_default();
                sheets.push(Sheet { name, relation: element.relation().unwrap_or_default() });
            }
            "definedName" => {
                let name = element.attribute("name").unwrap_or_default();
                if !name.starts_with("_xlnm.") {
                    reading.text(Place::Properties, &name)?;
                }
            }
            _ => {}
        }
    }
    Ok(sheets)
}

/// The strings that cells refer to (ECMA-376-1 §18.4), without phonetics.
fn shared_strings(text: &str, reading: &mut Reading<'_>) -> Result<Vec<String>, Stop> {
    let mut xml = Xml::new(text);
    let mut strings = Vec::new();
    let mut string = String::new();
    let (mut is_text, mut is_phonetic) = (false, false);
    while let Some(node) = xml.next(reading)? {
        match node {
            Node::Open(element) => match element.name() {
                "si" => string.clear(),
                "t" => is_text = !is_phonetic,
                "rPh" => is_phonetic = true,
                _ => {}
            },
            Node::Text(text) if is_text => string.push_str(&text),
            Node::Text(_) => {}
            Node::Close(end) => match end.name() {
                "si" => strings.push(std::mem::take(&mut string)),
                "t" => is_text = false,
                "rPh" => is_phonetic = false,
                _ => {}
            },
        }
    }
    Ok(strings)
}

/// The number format of each style of cells (ECMA-376-1 §18.8).
fn styles(text: &str, reading: &mut Reading<'_>) -> Result<Vec<NumberFormat>, Stop> {
    let mut xml = Xml::new(text);
    let mut formats: HashMap<u32, NumberFormat> = HashMap::new();
    let mut styles = Vec::new();
    let mut is_of_cells = false;
    while let Some(node) = xml.next(reading)? {
        match node {
            Node::Open(element) => {
                let number = |name: &str| element.attribute(name).and_then(|value| value.parse::<u32>().ok());
                match element.name() {
                    "numFmt" => {
                        let code = element.attribute("formatCode").unwrap_or_default();
                        formats.insert(number("numFmtId").unwrap_or(0), NumberFormat::of_code(&code));
                    }
                    "cellXfs" => is_of_cells = true,
                    "xf" if is_of_cells => {
                        let id = number("numFmtId").unwrap_or(0);
                        let known = formats.get(&id).cloned();
                        styles.push(known.unwrap_or_else(|| NumberFormat::built_in(id)));
                    }
                    _ => {}
                }
            }
            Node::Close(end) if end.name() == "cellXfs" => is_of_cells = false,
            _ => {}
        }
    }
    Ok(styles)
}

/// The names of those who comment in threads, by their ids.
fn people(
    package: &Package<'_>,
    reading: &mut Reading<'_>,
    relations: &Relations,
) -> Result<HashMap<String, String>, Stop> {
    let mut people = HashMap::new();
    for part in relations::targets(relations, "person") {
        let bytes = package.optional(reading, &part)?.unwrap_or_default();
        let text = xml::text_of(&bytes);
        let mut xml = Xml::new(&text);
        while let Some(node) = xml.next(reading)? {
            if let Node::Open(element) = node
                && let Some(id) = element.attribute("id")
            {
                people.insert(id, element.attribute("displayName").unwrap_or_default());
            }
        }
    }
    Ok(people)
}

fn one_sheet(
    package: &Package<'_>,
    reading: &mut Reading<'_>,
    part: &str,
    number: u32,
    cells: &Cells,
    people: &HashMap<String, String>,
) -> Outcome {
    let Some(bytes) = package.optional(reading, part)? else { return Ok(()) };
    sheet::read(&xml::text_of(&bytes), number, cells, reading)?;
    drop(bytes);
    let relations = relations::of(package, reading, part)?;
    super::outside(&relations, reading)?;
    for relation in relations.iter().filter(|relation| !relation.is_external) {
        if relation.is("comments") || relation.is("threadedComment") {
            if let Some(bytes) = package.optional(reading, &relation.target)? {
                reading.fact(Fact::Comments);
                comments(&xml::text_of(&bytes), people, reading)?;
            }
        } else if relation.is("drawing") {
            drawings(package, reading, &relation.target, number)?;
        } else if relation.is("chart") {
            chart(package, reading, &relation.target, number)?;
        }
    }
    Ok(())
}

/// A sheet's drawings, and the charts and diagrams among them.
fn drawings(package: &Package<'_>, reading: &mut Reading<'_>, part: &str, number: u32) -> Outcome {
    chart(package, reading, part, number)?;
    let relations = relations::of(package, reading, part)?;
    super::outside(&relations, reading)?;
    for kind in ["chart", "diagramData"] {
        for target in relations::targets(&relations, kind) {
            chart(package, reading, &target, number)?;
        }
    }
    Ok(())
}

fn chart(package: &Package<'_>, reading: &mut Reading<'_>, part: &str, number: u32) -> Outcome {
    match package.optional(reading, part)? {
        Some(bytes) => drawing::read(&bytes, Place::Sheet(number), Placeholders::Read, reading),
        None => Ok(()),
    }
}

/// Comments, and those in threads (ECMA-376-1 §18.7, [MS-XLSX] 2.6.205), each with who wrote it.
fn comments(text: &str, people: &HashMap<String, String>, reading: &mut Reading<'_>) -> Outcome {
    let mut xml = Xml::new(text);
    let mut authors: Vec<String> = Vec::new();
    let mut comment = String::new();
    let (mut is_text, mut is_author) = (false, false);
    while let Some(node) = xml.next(reading)? {
        match node {
            Node::Open(element) => match element.name() {
                "author" => {
                    is_author = true;
                    authors.push(String::new());
                }
                "comment" | "threadedComment" => {
                    let number = element.attribute("authorId").and_then(|id| id.parse::<usize>().ok());
                    let author = number.and_then(|number| authors.get(number).cloned());
                    let person = element.attribute("personId").and_then(|id| people.get(&id).cloned());
                    reading.text(Place::Comment, &author.or(person).unwrap_or_default())?;
                    comment.clear();
                }
                "t" => is_text = true,
                "text" => is_text = element.attribute("xml").is_none(),
                _ => {}
            },
            Node::Text(text) if is_author => {
                if let Some(author) = authors.last_mut() {
                    author.push_str(&text);
                }
            }
            Node::Text(text) if is_text => comment.push_str(&text),
            Node::Text(_) => {}
            Node::Close(end) => match end.name() {
                "author" => is_author = false,
                "t" | "text" => is_text = false,
                "comment" | "threadedComment" => reading.text(Place::Comment, comment.trim())?,
                _ => {}
            },
        }
    }
    Ok(())
}

/// The text of a sheet's header or footer, without the codes for its parts, fonts and fields (ECMA-376-1 §18.3.1.46).
pub(in crate::extract::document) fn margin_text(code: &str) -> String {
    let mut shown = String::new();
    let mut letters = code.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '&' {
            shown.push(letter);
            continue;
        }
        match letters.next() {
            Some('&') => shown.push('&'),
            Some('L' | 'C' | 'R') if !shown.is_empty() => shown.push('\n'),
            // A font's name, and a colour.
            Some('"') => letters.by_ref().take_while(|&letter| letter != '"').for_each(drop),
            Some('K') => letters.by_ref().take(6).for_each(drop),
            Some(size) if size.is_ascii_digit() => while letters.next_if(char::is_ascii_digit).is_some() {},
            _ => {}
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_are_read_without_their_codes() {
        let code = "&L&\"Arial,Bold\"&12Year 7 &Kff0000list&CPage &P of &N&RA && B";
        assert_eq!(margin_text(code), "Year 7 list\nPage  of \nA & B");
    }
}
