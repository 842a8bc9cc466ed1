//! ZIP archives (PKWARE's APPNOTE 6.3.10): the files that the directory lists, and those that it does not. Of encrypted ones it sees whether a password opens them.

mod directory;
mod packing;
mod password;
mod start;

pub use self::password::ROUNDS as AES_ROUNDS;
pub use self::start::{AesStart, OldStart, opens_old};

use std::io::Read;

use super::{Tally, encrypted};
use crate::extract::document::reading::{Outcome, Reading, Stop};
use crate::message::charset;
use crate::verdict::{Fact, Gap};
use directory::{Directory, Entry};

/// Reads an archive. Damaged ones are read as far as their entries' own headers go.
pub(in crate::extract::document) fn read(bytes: &[u8], reading: &mut Reading<'_>) -> Outcome {
    let directory = Directory::read(bytes);
    for gap in &directory.gaps {
        reading.gap(*gap);
    }
    let mut tally = Tally::default();
    let outcome = directory.entries.iter().try_for_each(|entry| {
        if entry.is_folder() { Ok(()) } else { file(bytes, entry, &mut tally, reading) }
    });
    if tally.encrypted > 0
        && let Some(lock) = start::lock(bytes, &directory.entries)
    {
        reading.lock(lock);
    }
    reading.protection(tally.protection());
    outcome
}

/// Whether an archive lies behind something else. What it lies behind is said by the file's beginning.
pub(in crate::extract::document) fn lies_behind(bytes: &[u8]) -> bool {
    Directory::lies_behind(bytes)
}

/// The entries of an archive, each for itself: for packages, whose entries have meanings.
pub(in crate::extract::document) struct Entries<'x> {
    bytes: &'x [u8],
    directory: Directory<'x>,
}

impl<'x> Entries<'x> {
    /// Reads the directory, or what is left of it.
    pub fn read(bytes: &'x [u8]) -> Self {
        Self { bytes, directory: Directory::read(bytes) }
    }

    /// Whether the directory is whole.
    pub fn is_whole(&self) -> bool {
        self.directory.gaps.is_empty()
    }

    /// The names, in the order of the directory.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.directory.entries.iter().map(name)
    }

    /// Unpacks an entry by its number, as far as it is whole; damage is a gap.
    ///
    /// # Errors
    /// When it is encrypted, larger than the caps allow, or packed in a way that is not read.
    pub fn unpack(&self, number: usize, reading: &mut Reading<'_>) -> Result<Vec<u8>, Stop> {
        let entry = self.directory.entries.get(number).ok_or(Stop(Gap::Damaged))?;
        let data = entry.data(self.bytes).ok_or(Stop(Gap::Damaged))?;
        if entry.is_encrypted() && !is_plain_after_all(entry, data, reading)? {
            return Err(Stop(Gap::Encrypted));
        }
        let mut stream = packing::unpacker(entry, data).map_err(Stop)?;
        reading.unpack_undamaged(&mut stream, data.len() as u64)
    }
}

fn file(bytes: &[u8], entry: &Entry<'_>, tally: &mut Tally, reading: &mut Reading<'_>) -> Outcome {
    let name = name(entry);
    let Some(data) = entry.data(bytes) else {
        tally.plain += usize::from(!entry.is_encrypted());
        tally.encrypted += usize::from(entry.is_encrypted());
        return reading.open_some(Some(&name), &[], entry.size, Some(Gap::Damaged));
    };
    if entry.is_encrypted() && !is_plain_after_all(entry, data, reading)? {
        tally.encrypted += 1;
        if entry.is_weak() {
            reading.fact(Fact::WeakEncryption);
        }
        // One password is for all, as far as programs ask for one.
        if tally.encrypted == 1 {
            let rounds = password::ROUNDS + data.len() as u64 / 20;
            reading.try_passwords(rounds, |word, _| password::opens(entry, data, word).then_some(()));
        }
        return encrypted(reading, &name, entry.size);
    }
    tally.plain += 1;
    match packing::unpacker(entry, data) {
        Ok(mut stream) => reading.open_packed(Some(&name), &mut stream, data.len() as u64, entry.size),
        Err(gap) => reading.open_some(Some(&name), &[], entry.size, Some(gap)),
    }
}

/// Whether the flag of encryption lies: what is there unpacks to what the checksum says.
fn is_plain_after_all(entry: &Entry<'_>, data: &[u8], reading: &mut Reading<'_>) -> Result<bool, Stop> {
    // ZipCrypto puts twelve bytes before a stored file.
    let stored_elsewise = entry.method == 0 && entry.size != data.len() as u64;
    if entry.crc.is_none_or(|crc| crc == 0) || stored_elsewise {
        return Ok(false);
    }
    let Ok(mut stream) = packing::unpacker(entry, data) else { return Ok(false) };
    match reading.unpack(&mut stream, data.len() as u64) {
        Ok(_) => Ok(true),
        Err(Stop(Gap::Damaged)) => Ok(false),
        Err(stop) => reading.spend(0).map(|()| false).map_err(|_| stop),
    }
}

/// An entry's name. Without a flag it is in the code page of whoever made it: in Britain mostly 850, which has ASCII
/// where ASCII is.
fn name(entry: &Entry<'_>) -> String {
    let (bytes, label) = match entry.unicode_name() {
        Some(name) => (name, "utf-8"),
        None if std::str::from_utf8(entry.name).is_ok() => (entry.name, "utf-8"),
        None => (entry.name, "cp850"),
    };
    let text = charset::decode(bytes, Some(label)).text;
    let name = text.trim_end_matches('\n');
    if name.is_empty() { "(no name)".to_owned() } else { name.to_owned() }
}

/// A stream whose end is an error where its checksum is not the one that was stated.
struct Checked<R> {
    inner: R,
    sum: flate2::Crc,
    stated: Option<u32>,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.sum.update(buffer.get(..read).unwrap_or_default());
        if read == 0 && !buffer.is_empty() && self.stated.is_some_and(|stated| stated != self.sum.sum()) {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        Ok(read)
    }
}
