//! What a file is, how it is protected and what it says. Reads bytes alone; never opens anything outside them.
//!
//! Whoever adds a reader: a file of its own beside these, one line in `reading.rs`' table. A reader gets the bytes of
//! one file and a [`Reading`] that it tells what it finds; the caps are the `Reading`'s business, and so is what
//! happens to files inside the file.

mod archive;
mod bytes;
mod cms;
mod kind;
mod lock;
mod mail;
mod mapi;
mod name;
mod numbers;
mod ole;
mod ooxml;
mod opendocument;
mod package;
mod parts;
mod pdf;
mod pgp;
mod plain;
mod reading;
mod rtf;
mod tnef;
mod xml;

pub use kind::{SNIFFED, sniff};
pub use lock::{Lock, MOST_LOCKS, MOST_WRITTEN, Opened, try_locks};
pub use name::facts_of_name;
pub(crate) use name::kind_of_name;
pub use reading::{Reading, Stop};

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::Limits;
use crate::verdict::{Fact, Gap, Kind, Protection};

/// Reads files that nobody has vouched for. The filter's own stands behind a sandbox in another process; what reads in
/// this process is [`inspect`] alone, for tests and for the worker itself.
pub trait Inspector: Sync {
    /// Inspects a file; `name` is the one that it came under. Never fails: what cannot be read is in the inspection's gaps.
    fn inspect(&self, name: Option<&str>, bytes: &[u8]) -> Inspection;

    /// Inspects a file as [`Self::inspect`] does; where it is encrypted, these words are tried on it. An inspector that
    /// tries none says what it says without.
    fn inspect_with(&self, name: Option<&str>, bytes: &[u8], passwords: &[String]) -> Inspection {
        let _ = passwords;
        self.inspect(name, bytes)
    }

    /// Tries words on locks: which of them open which. An inspector that tries none opens none.
    fn try_locks(&self, locks: &[Lock], words: &[String]) -> Vec<Opened> {
        let _ = (locks, words);
        Vec::new()
    }
}

/// Reads in this process, without a sandbox: for tests, fuzzing and benches, never for mail that came from somebody.
#[derive(Debug)]
pub struct InProcess<'l>(pub &'l Limits);

impl Inspector for InProcess<'_> {
    fn inspect(&self, name: Option<&str>, bytes: &[u8]) -> Inspection {
        self.inspect_with(name, bytes, &[])
    }

    fn inspect_with(&self, name: Option<&str>, bytes: &[u8], passwords: &[String]) -> Inspection {
        inspect_with(name, bytes, passwords, self.0, &|| false)
    }

    fn try_locks(&self, locks: &[Lock], words: &[String]) -> Vec<Opened> {
        try_locks(locks, words, self.0, &|| false)
    }
}

/// Inspects a file and all files inside it, within the caps. `expired` says when the time is over.
pub fn inspect(name: Option<&str>, bytes: &[u8], limits: &Limits, expired: &dyn Fn() -> bool) -> Inspection {
    inspect_with(name, bytes, &[], limits, expired)
}

/// Inspects a file as [`inspect`] does, and tries these words on what is encrypted in it.
pub fn inspect_with(
    name: Option<&str>,
    bytes: &[u8],
    passwords: &[String],
    limits: &Limits,
    expired: &dyn Fn() -> bool,
) -> Inspection {
    let kind = match sniff(bytes) {
        // Some mail begins with no field that is known, or with the line that parts messages in an mbox.
        Kind::Text | Kind::Unknown | Kind::Mbox if name.is_some_and(is_named_as_mail) => Kind::Eml,
        kind => kind,
    };
    Reading::new(limits, expired).trying(passwords).whole(name, kind, bytes)
}

/// Whether a name is that of a message.
pub(super) fn is_named_as_mail(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, ending)| ending.eq_ignore_ascii_case("eml"))
}

/// Inspects a text of that kind, which brings no files of its own: safe in any process.
pub(crate) fn read_text(kind: Kind, name: Option<&str>, bytes: &[u8], limits: &Limits) -> Inspection {
    Reading::new(limits, &|| false).whole(name, kind, bytes)
}

/// What was found out about a file and the files inside it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspection {
    /// The file itself, then what is inside it, depth first.
    pub items: Vec<Item>,
    /// All text, in the order of the items; the stretches of [`Self::places`] end with a line break each.
    pub text: String,
    /// Where in the file the stretches of the text stood.
    pub places: Places,
    /// What could not be read, with the item's index; ordered, without duplicates.
    pub gaps: Vec<(Gap, u32)>,
    /// What passwords can be tried on later, of the files that are encrypted: at most [`MOST_LOCKS`].
    pub locks: Vec<Lock>,
}

impl Inspection {
    /// The inspection of a file of which nothing but one gap is known.
    pub fn failed(kind: Kind, name: Option<&str>, size: u64, gap: Gap) -> Self {
        let mut item = Item::new(kind, name, size);
        item.protection = Protection::Unknown;
        Self { items: vec![item], gaps: vec![(gap, 0)], ..Self::default() }
    }
}

/// A file: an attachment, or an entry inside one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The way to it inside the attachment, such as `letters.zip/anna.docx`; none for the attachment itself.
    pub entry: Option<String>,
    /// The name that it came under, without folders.
    pub name: Option<String>,
    /// What it is, by its content.
    pub kind: Kind,
    /// How it is protected.
    pub protection: Protection,
    /// What else is known of it; ordered, without duplicates.
    pub facts: Vec<Fact>,
    /// Its size in bytes; for an entry that was not unpacked the size that its archive states. `None` for an attachment
    /// whose part can tell it: counting takes time, and few rules ask.
    pub size: Option<u64>,
}

impl Item {
    /// An attachment of which only that is known.
    pub fn new(kind: Kind, name: Option<&str>, size: impl Into<Option<u64>>) -> Self {
        let facts = name.map(|name| facts_of_name(name, kind)).unwrap_or_default();
        let (name, size) = (name.map(reading::shown), size.into());
        Self { entry: None, name, kind, protection: Protection::None, facts, size }
    }

    /// Notes a fact, once.
    pub fn note(&mut self, fact: Fact) {
        if let Err(index) = self.facts.binary_search(&fact) {
            self.facts.insert(index, fact);
        }
    }
}

/// Where in its file a piece of text stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Place {
    /// In the running text.
    Body,
    /// On a page, counted from 1.
    Page(u32),
    /// On a slide, counted from 1.
    Slide(u32),
    /// In the notes to a slide.
    SlideNotes(u32),
    /// In a cell: the index of the sheet's name in [`Places::sheets`], row and column counted from 0.
    Cell {
        /// The sheet.
        sheet: u32,
        /// The row.
        row: u32,
        /// The column.
        column: u32,
    },
    /// Elsewhere on a sheet: drawings, headers.
    Sheet(u32),
    /// In a header or footer.
    Margin,
    /// In a footnote or endnote.
    Footnote,
    /// In a comment.
    Comment,
    /// In text that was deleted with changes tracked.
    Deleted,
    /// In text that programs do not show.
    Hidden,
    /// In the document's properties.
    Properties,
    /// In a form's fields or an annotation.
    Form,
    /// In a message's subject.
    Subject,
    /// In a message's other header fields.
    MailHeader,
}

/// Where the stretches of a text stood.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Places {
    /// Where each stretch begins, in order; it goes on to the next one's beginning.
    pub marks: Vec<Mark>,
    /// The items' ways, by their index; empty for the attachment itself.
    pub entries: Vec<String>,
    /// The names of the sheets that cells refer to.
    pub sheets: Vec<String>,
}

/// The beginning of a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Its first byte in the text.
    pub start: u32,
    /// The index of its item.
    pub item: u32,
    /// Where in the item it stood.
    pub place: Place,
}

impl Places {
    /// Where the text at that byte stood, in words for people, such as `letters.zip/anna.docx, page 2`; none for the
    /// running text of the attachment itself.
    pub fn at(&self, byte: usize) -> Option<String> {
        let after =
            self.marks.partition_point(|mark| usize::try_from(mark.start).is_ok_and(|start| start <= byte));
        let mark = self.marks.get(after.checked_sub(1)?)?;
        let entry = usize::try_from(mark.item).ok().and_then(|item| self.entries.get(item));
        let entry = entry.map(String::as_str).unwrap_or_default();
        let place = Named { place: mark.place, sheets: &self.sheets }.to_string();
        match (entry.is_empty(), place.is_empty()) {
            (true, true) => None,
            (true, false) => Some(place),
            (false, true) => Some(entry.to_owned()),
            (false, false) => Some(format!("{entry}, {place}")),
        }
    }
}

/// A place, written for people. The running text is nothing.
struct Named<'p> {
    place: Place,
    sheets: &'p [String],
}

impl Named<'_> {
    fn sheet(&self, index: u32) -> &str {
        usize::try_from(index).ok().and_then(|index| self.sheets.get(index)).map_or("", String::as_str)
    }
}

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Body => Ok(()),
            Place::Page(number) => write!(f, "page {number}"),
            Place::Slide(number) => write!(f, "slide {number}"),
            Place::SlideNotes(number) => write!(f, "notes to slide {number}"),
            Place::Cell { sheet, row, column } => {
                let name = self.sheet(sheet);
                // A file of values has one sheet, without a name.
                if !name.is_empty() {
                    write!(f, "sheet {name}, ")?;
                }
                write!(f, "cell {}{}", Letters(column), row.saturating_add(1))
            }
            Place::Sheet(sheet) => write!(f, "sheet {}", self.sheet(sheet)),
            Place::Margin => f.write_str("header or footer"),
            Place::Footnote => f.write_str("footnote"),
            Place::Comment => f.write_str("comment"),
            Place::Deleted => f.write_str("deleted text"),
            Place::Hidden => f.write_str("hidden text"),
            Place::Properties => f.write_str("properties"),
            Place::Form => f.write_str("form or annotation"),
            Place::Subject => f.write_str("subject"),
            Place::MailHeader => f.write_str("header"),
        }
    }
}

/// A column as spreadsheets name it: 0 is `A`, 26 is `AA`.
struct Letters(u32);

impl fmt::Display for Letters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut name = Vec::new();
        let mut left = u64::from(self.0) + 1;
        while left > 0 {
            let digit = u8::try_from((left - 1) % 26).unwrap_or(0);
            name.push(char::from(b'A' + digit));
            left = (left - 1) / 26;
        }
        f.write_str(&name.iter().rev().collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_named_as_in_spreadsheets() {
        let named: Vec<String> =
            [0, 25, 26, 701, 702].iter().map(|column| Letters(*column).to_string()).collect();
        assert_eq!(named, ["A", "Z", "AA", "ZZ", "AAA"]);
    }

    #[test]
    fn a_place_is_told_from_a_byte() {
        let mark = |start, item, place| Mark { start, item, place };
        let places = Places {
            marks: vec![
                mark(0, 0, Place::Body),
                mark(10, 0, Place::Page(2)),
                mark(20, 1, Place::Cell { sheet: 0, row: 3, column: 1 }),
            ],
            entries: vec![String::new(), "a.zip/pupils.xlsx".to_owned()],
            sheets: vec!["Year 7".to_owned()],
        };
        assert_eq!(places.at(9), None);
        assert_eq!(places.at(10).as_deref(), Some("page 2"));
        assert_eq!(places.at(25).as_deref(), Some("a.zip/pupils.xlsx, sheet Year 7, cell B4"));
    }
}
