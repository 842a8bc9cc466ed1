//! PowerPoint: slides in their order, with notes, comments, charts and diagrams. Never looks at pictures.

use super::drawing::{self, Placeholders};
use super::relations::{self, Relations};
use crate::extract::document::Place;
use crate::extract::document::parts::Package;
use crate::extract::document::reading::{Outcome, Reading, Stop};
use crate::extract::document::xml::{self, Node, Xml};
use crate::verdict::Fact;

/// Reads a presentation, whose main part lists the slides.
pub(super) fn read(package: &Package<'_>, reading: &mut Reading<'_>, main: &str) -> Outcome {
    let relations = relations::of(package, reading, main)?;
    super::outside(&relations, reading)?;
    let bytes = package.optional(reading, main)?.unwrap_or_default();
    let mut slides = listed(&xml::text_of(&bytes), &relations, reading)?;
    // Slides that the list leaves out are still in the file.
    for slide in relations::targets(&relations, "slide") {
        if !slides.contains(&slide) {
            slides.push(slide);
        }
    }
    for (number, name) in (1..).zip(&slides) {
        slide(package, reading, name, number)?;
    }
    for master in relations::targets(&relations, "slideMaster") {
        margin(package, reading, &master)?;
        let layouts = relations::of(package, reading, &master)?;
        for layout in relations::targets(&layouts, "slideLayout") {
            margin(package, reading, &layout)?;
        }
    }
    Ok(())
}

/// The slides in the order in which they are shown (ECMA-376-1 §19.2.1.34).
fn listed(text: &str, relations: &Relations, reading: &mut Reading<'_>) -> Result<Vec<String>, Stop> {
    let mut xml = Xml::new(text);
    let mut slides = Vec::new();
    while let Some(node) = xml.next(reading)? {
        if let Node::Open(element) = node
            && element.name() == "sldId"
            && let Some(id) = element.relation()
        {
            slides.extend(relations::target(relations, &id).map(str::to_owned));
        }
    }
    Ok(slides)
}

fn slide(package: &Package<'_>, reading: &mut Reading<'_>, name: &str, number: u32) -> Outcome {
    let place = Place::Slide(number);
    let Some(bytes) = package.optional(reading, name)? else { return Ok(()) };
    if is_hidden(&bytes, reading) {
        reading.fact(Fact::HiddenContent);
    }
    drawing::read(&bytes, place, Placeholders::Read, reading)?;
    let relations = relations::of(package, reading, name)?;
    super::outside(&relations, reading)?;
    for relation in relations.iter().filter(|relation| !relation.is_external) {
        let place = if relation.is("notesSlide") {
            Place::SlideNotes(number)
        } else if relation.is("comments") {
            reading.fact(Fact::Comments);
            Place::Comment
        } else if relation.is("chart") || relation.is("diagramData") {
            place
        } else {
            continue;
        };
        if let Some(bytes) = package.optional(reading, &relation.target)? {
            drawing::read(&bytes, place, Placeholders::Read, reading)?;
        }
    }
    Ok(())
}

/// What masters and layouts say of their own, on every slide.
fn margin(package: &Package<'_>, reading: &mut Reading<'_>, name: &str) -> Outcome {
    match package.optional(reading, name)? {
        Some(bytes) => drawing::read(&bytes, Place::Margin, Placeholders::LeftOut, reading),
        None => Ok(()),
    }
}

/// Whether a slide is not shown: its first element says so.
fn is_hidden(bytes: &[u8], reading: &mut Reading<'_>) -> bool {
    let text = xml::text_of(bytes);
    let mut xml = Xml::new(&text);
    while let Ok(Some(node)) = xml.next(reading) {
        if let Node::Open(element) = node {
            return element.attribute("show").is_some_and(|value| matches!(value.as_str(), "0" | "false"));
        }
    }
    false
}
