//! Tells the packages that are ZIP archives inside: Office, OpenDocument, books, programs. Leaves plain archives alone.

use super::ooxml;
use super::opendocument;
use super::parts::Package;
use super::reading::{Outcome, Reading};
use super::xml::{self, Node, Xml};
use crate::verdict::Kind;

/// What came of a look into an archive.
pub(super) enum Looked {
    /// It was a document, and was read.
    Read(Outcome),
    /// It is an archive of entries, whatever it is called; `is_sealed` where its manifest says that some are encrypted.
    Archive { kind: Kind, is_sealed: bool },
}

/// Looks into a ZIP archive, and reads it where it is a document.
pub(super) fn read(bytes: &[u8], reading: &mut Reading<'_>) -> Looked {
    let Some(package) = Package::open(bytes, reading.limits.document_entries) else {
        return Looked::Archive { kind: Kind::Zip, is_sealed: false };
    };
    // Where the directory is lost, so may be the types.
    if (package.has("[Content_Types].xml") || !package.is_whole())
        && let Some(outcome) = ooxml::read(&package, reading)
    {
        return Looked::Read(outcome);
    }
    let media = media_type(&package, reading).unwrap_or_default();
    if media.starts_with("application/epub") {
        reading.kind(Kind::Epub);
        return Looked::Read(book(&package, reading));
    }
    // ODF 1.3 part 2 §3.2 asks for a manifest; without it and without content, a type alone makes no document.
    let holds_document =
        package.has("META-INF/manifest.xml") || package.has("content.xml") || !package.is_whole();
    if let Some(kind) = opendocument::kind_of(&media).filter(|_| holds_document) {
        reading.kind(kind);
        return Looked::Read(opendocument::read(&package, kind, reading));
    }
    let holds = |ending: &str| package.names().iter().any(|name| name.ends_with(ending));
    if package.has("AndroidManifest.xml") && (holds(".dex") || package.has("resources.arsc")) {
        return archive(Kind::Apk);
    }
    if package.has("META-INF/MANIFEST.MF") && (holds(".class") || holds(".jar")) {
        return archive(Kind::Jar);
    }
    // An archive may say of its entries what a document's manifest does.
    let is_sealed = !opendocument::encrypted_parts(&package, reading).is_empty();
    Looked::Archive { kind: Kind::Zip, is_sealed }
}

fn archive(kind: Kind) -> Looked {
    Looked::Archive { kind, is_sealed: false }
}

/// What the package says of itself, in the entry `mimetype` or in its manifest (ODF 1.3 part 2 §3.3, §4.8).
fn media_type(package: &Package<'_>, reading: &mut Reading<'_>) -> Option<String> {
    if let Ok(Some(media)) = package.part(reading, "mimetype") {
        return String::from_utf8(media).ok().map(|media| media.trim().to_owned());
    }
    let manifest = package.part(reading, "META-INF/manifest.xml").ok()??;
    let text = xml::text_of(&manifest);
    let mut xml = Xml::new(&text);
    while let Ok(Some(node)) = xml.next(reading) {
        if let Node::Open(entry) = node
            && entry.attribute("full-path").as_deref() == Some("/")
        {
            return entry.attribute("media-type");
        }
    }
    None
}

/// A book: its pages are files of their own.
fn book(package: &Package<'_>, reading: &mut Reading<'_>) -> Outcome {
    let pages: Vec<String> = package
        .names()
        .iter()
        .filter(|name| [".xhtml", ".html", ".htm"].iter().any(|ending| name.ends_with(ending)))
        .cloned()
        .collect();
    for page in pages {
        if let Some(bytes) = package.optional(reading, &page)? {
            reading.open(Some(&page), &bytes)?;
        }
    }
    Ok(())
}
