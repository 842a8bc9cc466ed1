//! Images of discs (ECMA-119, with Joliet's names). Copies nothing; images of UDF alone are not read.

use std::collections::HashSet;

use super::super::reading::{Outcome, Reading, Stop};
use super::{place, u32_at};
use crate::verdict::Gap;

const SECTOR: usize = 2_048;

/// Longest file name and folders that are followed; a folder in itself is not.
const DEEPEST: usize = 32;

/// Opens every file in the image.
pub(in crate::extract::document) fn read(bytes: &[u8], reading: &mut Reading<'_>) -> Outcome {
    let Some(volume) = Volume::find(bytes) else {
        return Err(Stop(if bytes.get(32_769..32_774) == Some(b"BEA01") {
            Gap::Unsupported
        } else {
            Gap::Damaged
        }));
    };
    let mut walk = Walk { bytes, wide: volume.wide, seen: HashSet::new() };
    walk.folder(volume.root, "", 0, reading)
}

/// Where an image's files are listed, and how their names are written.
struct Volume {
    root: Extent,
    wide: Wide,
}

/// Whether names are in UCS-2, as Joliet has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wide {
    Yes,
    No,
}

/// A stretch of the image: its first sector and its length in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Extent {
    sector: u32,
    length: u32,
}

impl Extent {
    /// ECMA-119 §9.1: numbers stand twice, low byte first and high byte first.
    fn of_record(record: &[u8]) -> Option<Self> {
        Some(Self { sector: u32_at(record, 2)?, length: u32_at(record, 10)? })
    }

    /// Its bytes, as many as there are.
    fn of(self, bytes: &[u8]) -> &[u8] {
        let start = place(u64::from(self.sector)).saturating_mul(SECTOR);
        let rest = bytes.get(start..).unwrap_or_default();
        rest.get(..place(u64::from(self.length))).unwrap_or(rest)
    }
}

impl Volume {
    /// The descriptors stand from sector 16 on; Joliet's is the better one (ECMA-119 §8, Joliet §3).
    fn find(bytes: &[u8]) -> Option<Self> {
        let mut found = None;
        for sector in bytes.get(16 * SECTOR..)?.chunks(SECTOR).take(64) {
            if sector.get(1..6) != Some(b"CD001") {
                break;
            }
            let root = sector.get(156..190).and_then(Extent::of_record);
            let is_joliet = matches!(sector.get(88..91), Some(b"%/@" | b"%/C" | b"%/E"));
            match (sector.first(), root) {
                (Some(2), Some(root)) if is_joliet => return Some(Self { root, wide: Wide::Yes }),
                (Some(1), Some(root)) => found = Some(Self { root, wide: Wide::No }),
                (Some(255), _) => break,
                _ => {}
            }
        }
        found
    }
}

struct Walk<'x> {
    bytes: &'x [u8],
    wide: Wide,
    /// Folders that were gone through: one that lists itself is gone through once.
    seen: HashSet<Extent>,
}

impl Walk<'_> {
    fn folder(&mut self, extent: Extent, path: &str, depth: usize, reading: &mut Reading<'_>) -> Outcome {
        if !self.seen.insert(extent) {
            return Ok(());
        }
        if depth > DEEPEST {
            return Err(Stop(Gap::TooDeep));
        }
        let records = extent.of(self.bytes);
        if (records.len() as u64) < u64::from(extent.length) {
            reading.gap(Gap::Damaged);
        }
        for sector in records.chunks(SECTOR) {
            let mut rest = sector;
            // A record does not cross into the next sector; a length of nought is padding.
            while let Some(length) =
                rest.first().map(|length| usize::from(*length)).filter(|length| *length >= 34)
            {
                let Some((record, next)) = rest.split_at_checked(length) else { break };
                rest = next;
                self.record(record, path, depth, reading)?;
            }
        }
        Ok(())
    }

    fn record(&mut self, record: &[u8], path: &str, depth: usize, reading: &mut Reading<'_>) -> Outcome {
        reading.may_go_on()?;
        let name_length = usize::from(record.get(32).copied().unwrap_or_default());
        let (Some(extent), Some(name)) = (Extent::of_record(record), record.get(33..33 + name_length)) else {
            reading.gap(Gap::Damaged);
            return Ok(());
        };
        // The folder itself and the one above it.
        if matches!(name, [0 | 1]) {
            return Ok(());
        }
        let name = self.name(name);
        let path = if path.is_empty() { name } else { format!("{path}/{name}") };
        if record.get(25).is_some_and(|flags| flags & 2 != 0) {
            return self.folder(extent, &path, depth + 1, reading);
        }
        let data = extent.of(self.bytes);
        let cut = (data.len() as u64) < u64::from(extent.length);
        // Several files may lie on one place, as entries of a bomb do.
        reading.spend(data.len() as u64)?;
        reading.open_some(Some(&path), data, u64::from(extent.length), cut.then_some(Gap::Damaged))
    }

    /// A name without the version that follows it after a semicolon.
    fn name(&self, name: &[u8]) -> String {
        let text = match self.wide {
            Wide::Yes => encoding_rs::UTF_16BE.decode_without_bom_handling(name).0,
            Wide::No => String::from_utf8_lossy(name),
        };
        let name = text.split(';').next().unwrap_or_default();
        name.trim_end_matches('.').to_owned()
    }
}
