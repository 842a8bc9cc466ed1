//! Archives: each reader lists its entries, tells how they are protected, and hands the readable ones on. Writes no file.

pub(super) mod cab;
pub(super) mod iso;
pub(super) mod rar;
pub(super) mod seven_zip;
pub(super) mod stream;
pub(super) mod tar;
pub(super) mod zip;
mod zstandard;

pub use self::zip::{AES_ROUNDS, AesStart, OldStart, opens_old};

use super::bytes::{u16_at, u32_at, u64_at};
use super::reading::{Outcome, Reading};
use crate::verdict::{Gap, Kind, Protection};

/// Largest dictionary that a packed stream may ask for, in bytes: more than any packer takes without being told.
const DICTIONARY: u32 = 128 << 20;

/// How many of an archive's files are encrypted, and how many are not.
#[derive(Debug, Default)]
struct Tally {
    encrypted: usize,
    plain: usize,
}

impl Tally {
    /// An archive's protection, which is that of its files.
    const fn protection(&self) -> Protection {
        match (self.encrypted, self.plain) {
            (0, _) => Protection::None,
            (_, 0) => Protection::Encrypted,
            _ => Protection::Partly,
        }
    }
}

/// Notes a file that is encrypted.
fn encrypted(reading: &mut Reading<'_>, path: &str, size: u64) -> Outcome {
    reading.unopened(Some(path), Kind::Unknown, Protection::Encrypted, size, Gap::Encrypted)
}

/// A number out of a file as a place in it; past every end where it is larger than any.
fn place(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
