//! OpenDocument (ODF 1.3): protection by its manifest, then text, margins and properties. Never decrypts.

mod content;

use super::Place;
use super::parts::Package;
use super::reading::{Outcome, Reading};
use super::xml::{self, Node, Xml};
use crate::verdict::{Fact, Gap, Kind, Protection};

use self::content::Layout;

/// The part that a document's text is in.
const CONTENT: &str = "content.xml";
/// The part that holds all of a document that LibreOffice 24.2 or later encrypted.
const WHOLE: &str = "encrypted-package";
/// Parts of a library of macros that say nothing of a macro.
const LISTS: [&str; 4] = ["script-lc.xml", "dialog-lc.xml", "script-lb.xml", "dialog-lb.xml"];
/// Properties that say nothing of people or subjects.
const DULL: [&str; 9] = [
    "creation-date",
    "date",
    "document-statistic",
    "editing-cycles",
    "editing-duration",
    "generator",
    "language",
    "print-date",
    "template",
];

/// The kind that a media type names; none where it is not OpenDocument, or its forerunner's.
pub(super) fn kind_of(media: &str) -> Option<Kind> {
    let rest = media
        .strip_prefix("application/vnd.oasis.opendocument.")
        .or_else(|| media.strip_prefix("application/vnd.sun.xml."))?;
    let name = rest.split(['-', '.', ';']).next().unwrap_or_default();
    Some(match name {
        "text" | "writer" => Kind::Odt,
        "spreadsheet" | "calc" => Kind::Ods,
        "presentation" | "impress" => Kind::Odp,
        _ => Kind::OpenDocument,
    })
}

/// Reads a document.
pub(super) fn read(package: &Package<'_>, kind: Kind, reading: &mut Reading<'_>) -> Outcome {
    if !package.is_whole() {
        reading.gap(Gap::Damaged);
    }
    let is_macro = |name: &String| {
        let file = name.rsplit('/').next().unwrap_or_default();
        (name.starts_with("Basic/") || name.starts_with("Scripts/"))
            && !file.is_empty()
            && !LISTS.contains(&file)
    };
    if package.names().iter().any(is_macro) {
        reading.fact(Fact::Macros);
    }
    if package.has("META-INF/documentsignatures.xml") {
        reading.protection(Protection::Signed);
    }
    let sealed = encrypted_parts(package, reading);
    if sealed.iter().any(|part| part == CONTENT || part == WHOLE) {
        reading.protection(Protection::Encrypted);
        return Ok(());
    }
    if !sealed.is_empty() {
        reading.protection(Protection::Partly);
    }
    let layout = match kind {
        Kind::Ods => Layout::Sheets,
        Kind::Odp => Layout::Slides,
        _ => Layout::Text,
    };
    text(package, CONTENT, layout, &sealed, reading)?;
    text(package, "styles.xml", Layout::Margins, &sealed, reading)?;
    properties(package, &sealed, reading)?;
    objects(package, &sealed, reading)
}

/// The parts that the manifest says are encrypted (ODF 1.3 part 2 §4.4).
pub(super) fn encrypted_parts(package: &Package<'_>, reading: &mut Reading<'_>) -> Vec<String> {
    let Ok(Some(manifest)) = package.part(reading, "META-INF/manifest.xml") else { return Vec::new() };
    let text = xml::text_of(&manifest);
    let mut xml = Xml::new(&text);
    let mut part = String::new();
    let mut sealed = Vec::new();
    while let Ok(Some(node)) = xml.next(reading) {
        let Node::Open(element) = node else { continue };
        match element.name() {
            "file-entry" => part = element.attribute("full-path").unwrap_or_default(),
            "encryption-data" => sealed.push(part.clone()),
            _ => {}
        }
    }
    sealed
}

fn text(
    package: &Package<'_>,
    part: &str,
    layout: Layout,
    sealed: &[String],
    reading: &mut Reading<'_>,
) -> Outcome {
    if sealed.iter().any(|name| name == part) {
        return Ok(());
    }
    match package.optional(reading, part)? {
        Some(bytes) => content::read(&xml::text_of(&bytes), layout, reading),
        None => {
            if part == CONTENT {
                reading.gap(Gap::Damaged);
            }
            Ok(())
        }
    }
}

/// The properties: title, author, keywords, and what users add (ODF 1.3 part 3 §4.3).
fn properties(package: &Package<'_>, sealed: &[String], reading: &mut Reading<'_>) -> Outcome {
    const META: &str = "meta.xml";
    if sealed.iter().any(|name| name == META) {
        return Ok(());
    }
    let bytes = package.optional(reading, META)?.unwrap_or_default();
    let text = xml::text_of(&bytes);
    let mut xml = Xml::new(&text);
    let mut value = String::new();
    while let Some(node) = xml.next(reading)? {
        match node {
            Node::Open(element) => {
                value.clear();
                if element.name() == "user-defined" {
                    value = element.attribute("name").map(|name| format!("{name}: ")).unwrap_or_default();
                }
            }
            Node::Text(text) => value.push_str(&text),
            Node::Close(end) => {
                if !DULL.contains(&end.name()) && !value.trim().ends_with(':') {
                    reading.text(Place::Properties, value.trim())?;
                }
                value.clear();
            }
        }
    }
    Ok(())
}

/// The objects in the document: documents of their own in folders, and files of other programs.
fn objects(package: &Package<'_>, sealed: &[String], reading: &mut Reading<'_>) -> Outcome {
    for name in package.names().to_vec() {
        if sealed.contains(&name) {
            continue;
        }
        let is_inner = name.strip_suffix(CONTENT).is_some_and(|folder| folder.ends_with('/'));
        if is_inner {
            text(package, &name, Layout::Text, sealed, reading)?;
        } else if name.starts_with("Object ")
            && !name.contains('/')
            && let Some(bytes) = package.optional(reading, &name)?
        {
            reading.open(Some(&name), &bytes)?;
        }
    }
    Ok(())
}
