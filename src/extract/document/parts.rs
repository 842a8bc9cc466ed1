//! The parts of a ZIP package by their names. Knows nothing of what they mean.

use std::collections::HashMap;

use super::archive::zip::Entries;
use super::reading::{Reading, Stop};
use crate::verdict::Gap;

/// A package: a ZIP archive whose entries have fixed names.
pub(super) struct Package<'b> {
    entries: Entries<'b>,
    /// Part names are compared without regard to case (ECMA-376-2 §6.2.2.3); some programs write backslashes.
    index: HashMap<String, usize>,
    /// The names in the order of the archive's directory.
    names: Vec<String>,
}

impl<'b> Package<'b> {
    /// Opens the package's directory, or what is left of it; none where there are more than `most` entries.
    pub fn open(bytes: &'b [u8], most: usize) -> Option<Self> {
        let entries = Entries::read(bytes);
        let names: Vec<String> =
            entries.names().map(|name| name.replace('\\', "/").trim_start_matches('/').to_owned()).collect();
        if names.len() > most {
            return None;
        }
        let mut index = HashMap::new();
        for (number, name) in names.iter().enumerate() {
            // Of several of one name the first is what programs read.
            index.entry(name.to_ascii_lowercase()).or_insert(number);
        }
        Some(Self { entries, index, names })
    }

    /// Whether the directory is whole.
    pub fn is_whole(&self) -> bool {
        self.entries.is_whole()
    }

    /// All names, in the order of the directory.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether there is a part of that name.
    pub fn has(&self, name: &str) -> bool {
        self.index.contains_key(&name.to_ascii_lowercase())
    }

    /// A part, unpacked as far as it is whole; none where there is no such part.
    ///
    /// # Errors
    /// When it is encrypted or too large.
    pub fn part(&self, reading: &mut Reading<'_>, name: &str) -> Result<Option<Vec<u8>>, Stop> {
        let number = self.index.get(&name.to_ascii_lowercase());
        number.map(|&number| self.entries.unpack(number, reading)).transpose()
    }

    /// A part that the document can be read without: where it cannot be read, that is a gap.
    ///
    /// # Errors
    /// When nothing more can be read: time or room is over.
    pub fn optional(&self, reading: &mut Reading<'_>, name: &str) -> Result<Option<Vec<u8>>, Stop> {
        match self.part(reading, name) {
            Ok(part) => Ok(part),
            Err(Stop(gap @ (Gap::Damaged | Gap::Encrypted | Gap::Unsupported))) => {
                reading.gap(gap);
                Ok(None)
            }
            Err(stop) => Err(stop),
        }
    }
}
