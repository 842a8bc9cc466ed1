//! Attachments that an example declares, and the inspector that finds them so. Real files go to the real readers.

use super::raw::{RawAttached, RawFile};
use crate::extract::document::{InProcess, Inspection, Inspector, Item, Mark, Place, kind_of_name};
use crate::limits::Limits;
use crate::verdict::{Kind, Protection};

/// How the content of a declared attachment begins: as something that takes an inspector. Its number follows.
const MARKER: &[u8] = b"PK\x03\x04 mailwarden example ";
/// The size of a file that says none.
const USUAL_SIZE: u64 = 20_000;

/// What the attachments of an example are found to be.
#[derive(Debug, Clone, Default)]
pub(super) struct Declared(Vec<Inspection>);

impl Declared {
    pub(super) fn new(attachments: &[RawAttached]) -> Self {
        Self(attachments.iter().map(inspection).collect())
    }

    /// The bytes that stand for the attachment of that number.
    pub(super) fn content(number: usize) -> Vec<u8> {
        [MARKER, number.to_string().as_bytes()].concat()
    }
}

impl Inspector for Declared {
    fn inspect(&self, name: Option<&str>, bytes: &[u8]) -> Inspection {
        let number =
            bytes.strip_prefix(MARKER).and_then(|number| std::str::from_utf8(number.trim_ascii()).ok());
        let declared = number.and_then(|number| self.0.get(number.parse::<usize>().ok()?));
        declared.cloned().unwrap_or_else(|| InProcess(&Limits::default()).inspect(name, bytes))
    }
}

impl RawAttached {
    /// The file's name.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::File(file) => &file.name,
        }
    }
}

fn inspection(attached: &RawAttached) -> Inspection {
    let mut inspection = Inspection::default();
    add(attached, None, &mut inspection);
    let ways = inspection.items.iter().map(|item| item.entry.clone().unwrap_or_default());
    inspection.places.entries = ways.collect();
    inspection
}

/// Adds a file, and then the files inside it.
fn add(attached: &RawAttached, outer: Option<&str>, to: &mut Inspection) {
    let RawFile { name, kind, protection, fact, coverage, size, text, inside } = match attached {
        RawAttached::File(file) => file.clone(),
        RawAttached::Name(name) => plain(name),
    };
    let kind = kind.or_else(|| kind_of_name(&name)).unwrap_or(Kind::Unknown);
    let mut item = Item::new(kind, Some(&name), size.map_or(USUAL_SIZE, |size| size.0));
    item.entry = outer.map(|outer| format!("{outer}{name}"));
    item.protection = protection.unwrap_or(Protection::None);
    fact.into_iter().for_each(|fact| item.note(fact));
    let index = u32::try_from(to.items.len()).unwrap_or(u32::MAX);
    to.gaps.extend(coverage.into_iter().map(|gap| (gap, index)));
    if !text.is_empty() {
        let start = u32::try_from(to.text.len()).unwrap_or(u32::MAX);
        to.places.marks.push(Mark { start, item: index, place: Place::Body });
        to.text.push_str(&text);
        to.text.push('\n');
    }
    let way = item.entry.as_ref().map_or_else(String::new, |entry| format!("{entry}/"));
    to.items.push(item);
    for file in &inside {
        add(file, Some(&way), to);
    }
}

fn plain(name: &str) -> RawFile {
    RawFile {
        name: name.to_owned(),
        kind: None,
        protection: None,
        fact: Vec::new(),
        coverage: Vec::new(),
        size: None,
        text: String::new(),
        inside: Vec::new(),
    }
}
