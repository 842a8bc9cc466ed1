//! The parts of a ZIP package by their names. Knows nothing of what they mean.

use std::collections::HashMap;
use std::io::Cursor;

use zip::ZipArchive;

use super::reading::{Reading, Stop};
use crate::verdict::Gap;

/// A package: a ZIP archive whose entries have fixed names.
pub(super) struct Package<'b> {
    archive: ZipArchive<Cursor<&'b [u8]>>,
    /// Part names are compared without regard to case (ECMA-376-2 §6.2.2.3); some programs write backslashes.
    index: HashMap<String, usize>,
    /// The names in the order of the archive's directory.
    names: Vec<String>,
}

impl<'b> Package<'b> {
    /// Opens the package's directory; none where there is none that can be read, or one longer than `most` entries.
    pub fn open(bytes: &'b [u8], most: usize) -> Option<Self> {
        let archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
        if archive.len() > most {
            return None;
        }
        let names: Vec<String> = (0..archive.len())
            .map(|index| archive.name_for_index(index).and_then(Result::ok).unwrap_or_default())
            .map(|name| name.replace('\\', "/").trim_start_matches('/').to_owned())
            .collect();
        let index = names.iter().enumerate().map(|(index, name)| (name.to_ascii_lowercase(), index));
        let index = index.collect();
        Some(Self { archive, index, names })
    }

    /// All names, in the order of the directory.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether there is a part of that name.
    pub fn has(&self, name: &str) -> bool {
        self.index.contains_key(&name.to_ascii_lowercase())
    }

    /// A part, unpacked; none where there is no such part.
    ///
    /// # Errors
    /// When it is encrypted, damaged or too large.
    pub fn part(&mut self, reading: &mut Reading<'_>, name: &str) -> Result<Option<Vec<u8>>, Stop> {
        let Some(&index) = self.index.get(&name.to_ascii_lowercase()) else { return Ok(None) };
        if self.archive.by_index_data(index).is_ok_and(|entry| entry.encrypted()) {
            return Err(Stop(Gap::Encrypted));
        }
        let mut entry = self.archive.by_index(index).map_err(|_| Stop(Gap::Damaged))?;
        let packed = entry.compressed_size();
        reading.unpack(&mut entry, packed).map(Some)
    }

    /// A part that the document can be read without: where it cannot be read, that is a gap.
    ///
    /// # Errors
    /// When nothing more can be read: time or room is over.
    pub fn optional(&mut self, reading: &mut Reading<'_>, name: &str) -> Result<Option<Vec<u8>>, Stop> {
        match self.part(reading, name) {
            Ok(part) => Ok(part),
            Err(Stop(gap @ (Gap::Damaged | Gap::Encrypted))) => {
                reading.gap(gap);
                Ok(None)
            }
            Err(stop) => Err(stop),
        }
    }
}
