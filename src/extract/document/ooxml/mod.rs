//! Office Open XML (ECMA-376): which program's document it is, and the parts that its relationships lead to.

mod binary;
mod drawing;
mod properties;
mod relations;
mod sheet;
mod slides;
mod tags;
mod word;
mod workbook;

use self::relations::Relations;
use super::Place;
use super::parts::Package;
use super::reading::{Outcome, Reading};
use super::xml::{self, Node, Xml};
use crate::verdict::{Fact, Gap, Kind, Protection};

pub(super) use self::workbook::margin_text;

/// Reads a package with content types; none where it is no document of Office.
pub(super) fn read(package: &Package<'_>, reading: &mut Reading<'_>) -> Option<Outcome> {
    let top = relations::of(package, reading, "").ok()?;
    let main = top
        .iter()
        .find(|relation| relation.is("officeDocument") || relation.is("visio/2010/relationships/document"));
    let main = main.map(|relation| relation.target.clone()).or_else(|| {
        let usual = ["word/document.xml", "xl/workbook.xml", "ppt/presentation.xml"];
        usual.into_iter().find(|name| package.has(name)).map(str::to_owned)
    })?;
    let content_type = content_type(package, reading, &main).unwrap_or_default();
    let plain = kind_of(&content_type, &main)?;
    let has_macros = package.names().iter().any(|name| name.to_ascii_lowercase().ends_with("vbaproject.bin"));
    if has_macros {
        reading.fact(Fact::Macros);
    }
    let kind = match plain {
        Kind::Docx if has_macros => Kind::Docm,
        Kind::Xlsx if has_macros => Kind::Xlsm,
        Kind::Pptx if has_macros => Kind::Pptm,
        plain => plain,
    };
    reading.kind(kind);
    if !package.is_whole() {
        reading.gap(Gap::Damaged);
    }
    if top.iter().any(|relation| relation.is("digital-signature/origin")) {
        reading.protection(Protection::Signed);
    }
    Some(document(package, reading, kind, &main, &top))
}

fn document(
    package: &Package<'_>,
    reading: &mut Reading<'_>,
    kind: Kind,
    main: &str,
    top: &Relations,
) -> Outcome {
    match kind {
        Kind::Docx | Kind::Docm => word::read(package, reading, main)?,
        Kind::Xlsx | Kind::Xlsm => workbook::read(package, reading, main)?,
        Kind::Xlsb => binary::read(package, reading, main)?,
        Kind::Pptx | Kind::Pptm => slides::read(package, reading, main)?,
        // What the drawings say is not read.
        _ => reading.gap(Gap::Unsupported),
    }
    properties::read(package, reading, top)?;
    files(package, reading)
}

/// The kind by the type of the main part (ECMA-376-1 §11 to §13); by its name where types are missing.
fn kind_of(content_type: &str, main: &str) -> Option<Kind> {
    let content_type = content_type.to_ascii_lowercase();
    let has = |word: &str| content_type.contains(word);
    let kind = if has("sheet.binary") {
        Kind::Xlsb
    } else if has("wordprocessingml") {
        Kind::Docx
    } else if has("spreadsheetml") {
        Kind::Xlsx
    } else if has("presentationml") {
        Kind::Pptx
    } else if has("ms-word") {
        Kind::Docm
    } else if has("ms-excel") {
        Kind::Xlsm
    } else if has("ms-powerpoint") {
        Kind::Pptm
    } else if has("ms-visio") {
        Kind::Visio
    } else {
        match main.split('/').next()? {
            "word" => Kind::Docx,
            "xl" => Kind::Xlsx,
            "ppt" => Kind::Pptx,
            _ => return None,
        }
    };
    Some(kind)
}

/// The type of a part (ECMA-376-2 §7.2.3).
fn content_type(package: &Package<'_>, reading: &mut Reading<'_>, part: &str) -> Option<String> {
    let types = package.part(reading, "[Content_Types].xml").ok()??;
    let text = xml::text_of(&types);
    let mut xml = Xml::new(&text);
    let mut by_ending = None;
    while let Ok(Some(node)) = xml.next(reading) {
        let Node::Open(element) = node else { continue };
        let is_part = |name: String| name.trim_start_matches('/').eq_ignore_ascii_case(part);
        let is_ending =
            |ending: String| part.rsplit('.').next().is_some_and(|own| own.eq_ignore_ascii_case(&ending));
        if element.attribute("PartName").is_some_and(is_part) {
            return element.attribute("ContentType");
        }
        if element.attribute("Extension").is_some_and(is_ending) {
            by_ending = element.attribute("ContentType");
        }
    }
    by_ending
}

/// Opens the files that are embedded in the document.
fn files(package: &Package<'_>, reading: &mut Reading<'_>) -> Outcome {
    let embedded: Vec<String> = package
        .names()
        .iter()
        .filter(|name| name.contains("/embeddings/") && !name.ends_with('/'))
        .cloned()
        .collect();
    for name in embedded {
        if let Some(bytes) = package.optional(reading, &name)? {
            reading.open(Some(&name), &bytes)?;
        }
    }
    Ok(())
}

/// Notes where a part's relationships lead outside the document: links, templates, linked objects.
fn outside(relations: &Relations, reading: &mut Reading<'_>) -> Outcome {
    for relation in relations.iter().filter(|relation| relation.is_external) {
        reading.text(Place::Properties, &relation.target)?;
    }
    Ok(())
}
