//! Tells the packages that are ZIP archives inside: Office, OpenDocument, books, programs. Leaves plain archives alone.

use memchr::memmem;

use super::ooxml;
use super::opendocument;
use super::parts::Package;
use super::reading::{Outcome, Reading};
use super::xml::{self, Node, Xml};
use crate::verdict::{Gap, Kind, Protection};

/// What came of a look into an archive.
pub(super) enum Looked {
    /// It was a document, and was read.
    Read(Outcome),
    /// It is an archive of entries, whatever it is called.
    Archive(Kind),
}

/// Looks into a ZIP archive, and reads it where it is a document.
pub(super) fn read(bytes: &[u8], reading: &mut Reading<'_>) -> Looked {
    let Some(mut package) = Package::open(bytes, reading.limits.document_entries) else {
        let kind = kind_of_pieces(bytes);
        if kind != Kind::Zip {
            reading.gap(Gap::Damaged);
        }
        return Looked::Archive(kind);
    };
    if package.has("[Content_Types].xml")
        && let Some(outcome) = ooxml::read(&mut package, reading)
    {
        return Looked::Read(outcome);
    }
    let media = media_type(&mut package, reading).unwrap_or_default();
    if media.starts_with("application/epub") {
        reading.kind(Kind::Epub);
        return Looked::Read(book(&mut package, reading));
    }
    if let Some(kind) = opendocument::kind_of(&media) {
        reading.kind(kind);
        return Looked::Read(opendocument::read(&mut package, kind, reading));
    }
    let holds = |ending: &str| package.names().iter().any(|name| name.ends_with(ending));
    if package.has("AndroidManifest.xml") && (holds(".dex") || package.has("resources.arsc")) {
        return Looked::Archive(Kind::Apk);
    }
    if package.has("META-INF/MANIFEST.MF") && (holds(".class") || holds(".jar")) {
        return Looked::Archive(Kind::Jar);
    }
    // An archive may say of its entries what a document's manifest does.
    if !opendocument::encrypted_parts(&mut package, reading).is_empty() {
        reading.protection(Protection::Partly);
    }
    Looked::Archive(Kind::Zip)
}

/// The kind of a package whose directory is lost, by the names of the entries that are left.
fn kind_of_pieces(bytes: &[u8]) -> Kind {
    const MAIN: [(&[u8], Kind); 3] = [
        (b"word/document.xml", Kind::Docx),
        (b"xl/workbook.xml", Kind::Xlsx),
        (b"ppt/presentation.xml", Kind::Pptx),
    ];
    // A local header is 30 bytes long before the entry's name (APPNOTE 4.3.7).
    let is_entry = |name: &[u8]| {
        memmem::find_iter(bytes, name)
            .filter_map(|at| bytes.get(at.checked_sub(30)?..at))
            .any(|header| header.starts_with(b"PK\x03\x04"))
    };
    MAIN.into_iter().find(|(name, _)| is_entry(name)).map_or(Kind::Zip, |(_, kind)| kind)
}

/// What the package says of itself, in the entry `mimetype` or in its manifest (ODF 1.3 part 2 §3.3, §4.8).
fn media_type(package: &mut Package<'_>, reading: &mut Reading<'_>) -> Option<String> {
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
fn book(package: &mut Package<'_>, reading: &mut Reading<'_>) -> Outcome {
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
