//! Compound files ([MS-CFB]): storages and streams. Reads damaged ones as far as they go; never loops over a chain.

use crate::extract::document::bytes::{size_at, slice_at, u8_at, u16_at, u32_at, u64_at, up_to, utf16};
use crate::extract::document::reading::{Reading, Stop};
use crate::verdict::Gap;

/// The eight bytes that a compound file begins with ([MS-CFB] 2.2).
pub(super) const MAGIC: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// The largest number of a sector; those above mean the end of a chain and the like ([MS-CFB] 2.1).
const LAST_SECTOR: u32 = 0xFFFF_FFFA;
/// The number that means "no entry" in the directory ([MS-CFB] 2.6.1).
const NO_ENTRY: u32 = 0xFFFF_FFFF;
/// The size of a directory entry ([MS-CFB] 2.6.1).
const ENTRY: usize = 128;
/// The size of a sector of the mini stream ([MS-CFB] 2.2).
const MINI_SECTOR: usize = 64;
/// The number of the root storage.
pub(super) const ROOT: usize = 0;

/// A compound file, its directory read.
pub(super) struct Compound<'b> {
    bytes: &'b [u8],
    sector: usize,
    fat: Vec<u32>,
    mini_fat: Vec<u32>,
    mini_cutoff: u64,
    mini_stream: Vec<u8>,
    entries: Vec<Entry>,
}

/// A storage or a stream.
pub(super) struct Entry {
    /// Its name.
    pub name: String,
    /// Whether it is a storage, or the root, rather than a stream.
    pub is_storage: bool,
    /// The class of a storage.
    pub class: [u8; 16],
    /// The size of a stream as it is stated.
    pub size: u64,
    start: u32,
    left: u32,
    right: u32,
    child: u32,
}

impl<'b> Compound<'b> {
    /// Reads header, allocation table and directory; none where the file is no compound file or breaks off before them.
    pub fn open(bytes: &'b [u8]) -> Option<Self> {
        if !bytes.starts_with(MAGIC) {
            return None;
        }
        let shift = u16_at(bytes, 30).filter(|shift| (7..=16).contains(shift))?;
        let sector = 1_usize.checked_shl(u32::from(shift))?;
        let mut file = Self {
            bytes,
            sector,
            fat: Vec::new(),
            mini_fat: Vec::new(),
            mini_cutoff: u64::from(u32_at(bytes, 56)?),
            mini_stream: Vec::new(),
            entries: Vec::new(),
        };
        file.fat = file.read_fat();
        let directory = file.chain(u32_at(bytes, 48)?, u64::MAX);
        file.entries = directory.chunks_exact(ENTRY).filter_map(|entry| entry_of(entry, shift)).collect();
        file.mini_fat = numbers(&file.chain(u32_at(bytes, 60)?, u64::MAX));
        let root = file.entries.first()?;
        // Some programs state too small a size for the root: its chain is what counts.
        file.mini_stream = file.chain(root.start, u64::MAX);
        Some(file)
    }

    /// An entry by its number.
    pub fn entry(&self, number: usize) -> Option<&Entry> {
        self.entries.get(number)
    }

    /// The numbers of what is in a storage, in the order of its tree.
    pub fn children(&self, storage: usize) -> Vec<usize> {
        let mut found = Vec::new();
        let mut seen = vec![false; self.entries.len()];
        let mut waiting = vec![self.entries.get(storage).map_or(NO_ENTRY, |entry| entry.child)];
        while let Some(number) = waiting.pop() {
            let Ok(number) = usize::try_from(number) else { continue };
            let (Some(entry), Some(mark)) = (self.entries.get(number), seen.get_mut(number)) else {
                continue;
            };
            if number == ROOT || std::mem::replace(mark, true) {
                continue;
            }
            found.push(number);
            waiting.extend([entry.right, entry.left]);
        }
        found.sort_unstable();
        found
    }

    /// What has that name in a storage; names are compared without regard to case ([MS-CFB] 2.6.4).
    pub fn child(&self, storage: usize, name: &str) -> Option<usize> {
        self.children(storage)
            .into_iter()
            .find(|&number| self.entry(number).is_some_and(|entry| entry.name.eq_ignore_ascii_case(name)))
    }

    /// The bytes of a stream, as far as they are there.
    ///
    /// # Errors
    /// When it is larger than the caps allow, or there is nothing of it.
    pub fn stream(&self, number: usize, reading: &mut Reading<'_>) -> Result<Vec<u8>, Stop> {
        let entry = self.entries.get(number).filter(|entry| !entry.is_storage).ok_or(Stop(Gap::Damaged))?;
        reading.may_go_on()?;
        let bytes = if entry.size < self.mini_cutoff {
            self.mini_chain(entry.start, entry.size)
        } else {
            self.chain(entry.start, entry.size)
        };
        reading.spend(bytes.len() as u64)?;
        if (bytes.len() as u64) < entry.size {
            reading.gap(Gap::Damaged);
        }
        Ok(bytes)
    }

    /// The bytes of the stream of that name in a storage; none where there is no such stream.
    ///
    /// # Errors
    /// As [`Self::stream`].
    pub fn named(
        &self,
        storage: usize,
        name: &str,
        reading: &mut Reading<'_>,
    ) -> Result<Option<Vec<u8>>, Stop> {
        let stream = self.child(storage, name);
        let stream = stream.filter(|&number| self.entry(number).is_some_and(|entry| !entry.is_storage));
        stream.map(|number| self.stream(number, reading)).transpose()
    }

    /// A sector of the file, shorter at its end.
    fn sector(&self, number: u32) -> Option<&'b [u8]> {
        let at = usize::try_from(number).ok()?.checked_add(1)?.checked_mul(self.sector)?;
        Some(up_to(self.bytes, at, self.sector)).filter(|sector| !sector.is_empty())
    }

    /// The allocation table: the sectors that the header names, then those that the sectors of the DIFAT name.
    fn read_fat(&self) -> Vec<u32> {
        let most = self.bytes.len() / self.sector + 1;
        let mut sectors: Vec<u32> = (0..109).filter_map(|index| u32_at(self.bytes, 76 + 4 * index)).collect();
        let mut next = u32_at(self.bytes, 68).unwrap_or(NO_ENTRY);
        let mut steps = 0;
        while next < LAST_SECTOR && steps < most {
            let Some(sector) = self.sector(next) else { break };
            let mut listed = numbers(sector);
            next = listed.pop().unwrap_or(NO_ENTRY);
            sectors.append(&mut listed);
            steps += 1;
        }
        let sectors = sectors.into_iter().filter(|&number| number <= LAST_SECTOR).take(most);
        sectors.filter_map(|number| self.sector(number)).flat_map(numbers).collect()
    }

    /// The bytes of a chain of sectors, at most `size` and never more than the file has sectors.
    fn chain(&self, start: u32, size: u64) -> Vec<u8> {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        let mut next = start;
        for _ in 0..=self.bytes.len() / self.sector {
            if next > LAST_SECTOR || bytes.len() >= size {
                break;
            }
            let Some(sector) = self.sector(next) else { break };
            bytes.extend_from_slice(up_to(sector, 0, size - bytes.len()));
            let entry = usize::try_from(next).ok().and_then(|number| self.fat.get(number));
            next = entry.copied().unwrap_or(NO_ENTRY);
        }
        bytes
    }

    fn mini_chain(&self, start: u32, size: u64) -> Vec<u8> {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        let mut next = start;
        for _ in 0..=self.mini_stream.len() / MINI_SECTOR {
            let Ok(number) = usize::try_from(next) else { break };
            if next > LAST_SECTOR || bytes.len() >= size {
                break;
            }
            let sector = up_to(&self.mini_stream, number.saturating_mul(MINI_SECTOR), MINI_SECTOR);
            bytes.extend_from_slice(up_to(sector, 0, size - bytes.len()));
            next = self.mini_fat.get(number).copied().unwrap_or(NO_ENTRY);
        }
        bytes
    }
}

/// One entry of the directory ([MS-CFB] 2.6.1).
fn entry_of(bytes: &[u8], sector_shift: u16) -> Option<Entry> {
    let length = usize::from(u16_at(bytes, 64)?).clamp(2, 64);
    let kind = u8_at(bytes, 66)?;
    // Files of 512-byte sectors may have rubbish in the upper half of the size.
    let size = if sector_shift == 9 { u64::from(u32_at(bytes, 120)?) } else { u64_at(bytes, 120)? };
    Some(Entry {
        name: utf16(slice_at(bytes, 0, length - 2)?),
        is_storage: matches!(kind, 1 | 5),
        class: slice_at(bytes, 80, 16)?.try_into().ok()?,
        size,
        start: u32_at(bytes, 116)?,
        left: u32_at(bytes, 68)?,
        right: u32_at(bytes, 72)?,
        child: u32_at(bytes, 76)?,
    })
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    (0..bytes.len() / 4).filter_map(|index| u32_at(bytes, 4 * index)).collect()
}

/// The length-prefixed stretch at the front of bytes, and what follows it.
pub(super) fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = size_at(bytes, 0)?;
    Some((slice_at(bytes, 4, length)?, bytes.get(length.checked_add(4)?..)?))
}
