//! Document properties: title, author, keywords and what an organisation adds. Never counts or dates.

use super::relations::{self, Relations};
use crate::extract::document::Place;
use crate::extract::document::parts::Package;
use crate::extract::document::reading::{Outcome, Reading};
use crate::extract::document::xml::{self, Node, Xml};

/// The kinds of relationships that lead to properties; the thumbnail aside, all of a package that is no document.
const KINDS: [&str; 3] = ["core-properties", "extended-properties", "custom-properties"];
/// Properties that say nothing of people or subjects.
const DULL: [&str; 23] = [
    "AppVersion",
    "Application",
    "Characters",
    "CharactersWithSpaces",
    "DocSecurity",
    "HLinks",
    "HeadingPairs",
    "HiddenSlides",
    "HyperlinksChanged",
    "Lines",
    "LinksUpToDate",
    "MMClips",
    "Notes",
    "Pages",
    "Paragraphs",
    "PresentationFormat",
    "ScaleCrop",
    "SharedDoc",
    "Slides",
    "TitlesOfParts",
    "TotalTime",
    "Words",
    "Template",
];
/// The same, of Dublin Core and of the package.
const DULL_CORE: [&str; 6] = ["created", "modified", "lastPrinted", "revision", "version", "language"];

/// Reads the properties that the package's relationships lead to.
pub(super) fn read(package: &Package<'_>, reading: &mut Reading<'_>, top: &Relations) -> Outcome {
    for part in KINDS.iter().flat_map(|kind| relations::targets(top, kind)) {
        let Some(bytes) = package.optional(reading, &part)? else { continue };
        values(&xml::text_of(&bytes), reading)?;
    }
    Ok(())
}

fn values(text: &str, reading: &mut Reading<'_>) -> Outcome {
    let mut xml = Xml::new(text);
    let mut value = String::new();
    // Within a property that says nothing, all is left out.
    let mut dull = 0_usize;
    while let Some(node) = xml.next(reading)? {
        match node {
            Node::Open(element) => {
                let name = element.name();
                if dull > 0 || DULL.contains(&name) || DULL_CORE.contains(&name) {
                    dull += 1;
                }
                if dull == 0 && name == "property" {
                    reading.text(Place::Properties, &element.attribute("name").unwrap_or_default())?;
                }
                value.clear();
            }
            Node::Text(text) if dull == 0 => value.push_str(&text),
            Node::Text(_) => {}
            Node::Close(_) => {
                reading.text(Place::Properties, value.trim())?;
                value.clear();
                dull = dull.saturating_sub(1);
            }
        }
    }
    Ok(())
}
