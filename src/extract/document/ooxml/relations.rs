//! The relationships of a part (ECMA-376-2 §6.5). Never follows one outside the package.

use crate::extract::document::parts::Package;
use crate::extract::document::reading::{Reading, Stop};
use crate::extract::document::xml::{self, Node, Xml};

/// A relationship.
pub(super) struct Relation {
    /// Its id, which the part's XML refers to.
    pub id: String,
    /// What it is: the end of an address.
    kind: String,
    /// The part that it leads to, by its full name; where it leads outside, as it is written.
    pub target: String,
    /// Whether it leads outside the package.
    pub is_external: bool,
}

impl Relation {
    /// Whether it is of that kind. The front of the address differs between the editions of the standard.
    pub fn is(&self, kind: &str) -> bool {
        self.kind.strip_suffix(kind).is_some_and(|front| front.ends_with('/'))
    }
}

/// A part's relationships, in the order in which they are written.
pub(super) type Relations = Vec<Relation>;

/// The relationships of a part; of the package itself for the empty name.
///
/// # Errors
/// When nothing more can be read.
pub(super) fn of(package: &Package<'_>, reading: &mut Reading<'_>, part: &str) -> Result<Relations, Stop> {
    let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
    let slash = if folder.is_empty() { "" } else { "/" };
    let path = format!("{folder}{slash}_rels/{name}.rels");
    let Some(bytes) = package.optional(reading, &path)? else { return Ok(Vec::new()) };
    let text = xml::text_of(&bytes);
    let mut xml = Xml::new(&text);
    let mut relations = Vec::new();
    while let Some(node) = xml.next(reading)? {
        let Node::Open(element) = node else { continue };
        let (Some(id), Some(target)) = (element.attribute("Id"), element.attribute("Target")) else {
            continue;
        };
        let is_external = element.attribute("TargetMode").as_deref() == Some("External");
        let target = if is_external { target } else { resolved(folder, &target) };
        relations.push(Relation {
            id,
            kind: element.attribute("Type").unwrap_or_default(),
            target,
            is_external,
        });
    }
    Ok(relations)
}

/// The part that a relationship with that id leads to.
pub(super) fn target<'r>(relations: &'r [Relation], id: &str) -> Option<&'r str> {
    let found = relations.iter().find(|relation| relation.id == id && !relation.is_external);
    found.map(|relation| relation.target.as_str())
}

/// The parts inside the package that relationships of a kind lead to.
pub(super) fn targets(relations: &[Relation], kind: &str) -> Vec<String> {
    let inside = relations.iter().filter(|relation| relation.is(kind) && !relation.is_external);
    inside.map(|relation| relation.target.clone()).collect()
}

/// A part's name, from one that is relative to a folder.
fn resolved(folder: &str, target: &str) -> String {
    let target = target.replace('\\', "/");
    let whole = match target.strip_prefix('/') {
        Some(absolute) => absolute.to_owned(),
        None => format!("{folder}/{target}"),
    };
    let mut steps: Vec<&str> = Vec::new();
    for step in whole.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    steps.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_resolved_against_their_folder() {
        assert_eq!(resolved("xl/worksheets", "../comments1.xml"), "xl/comments1.xml");
        assert_eq!(resolved("word", "/word/header1.xml"), "word/header1.xml");
        assert_eq!(resolved("", "../../word/./document.xml"), "word/document.xml");
    }
}
