//! What is left of an encrypted document when all of its content is taken away: enough to see whether a password opens it.
//! Never holds what the document says, and no password can be read out of one.
//!
//! A lock outlives its document: a password that comes by itself, later, is tried on it.

use serde::{Deserialize, Serialize};

use super::reading::Reading;
use super::{archive, ole, pdf};
use crate::limits::Limits;

/// Most bytes of one lock; a document whose lock would be larger leaves none.
const MOST_BYTES: usize = 8 << 10;
/// Most locks of one attachment, and of one message.
pub const MOST_LOCKS: usize = 4;
/// Most bytes that a lock takes in whatever form it is written.
pub const MOST_WRITTEN: usize = MOST_BYTES + 64;
/// Most rounds of hashing that are spent on trying words on locks for one message: about a second.
const EFFORT: u64 = 3_200_000;

/// What a password is tried on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lock {
    /// The stream `EncryptionInfo` of an encrypted package of Office ([MS-OFFCRYPTO] 2.3.4): salts and verifiers.
    Package(Vec<u8>),
    /// The encryption header of a document of Office 97 to 2003 ([MS-OFFCRYPTO] 2.3.5.1, 2.3.6.1): salt and verifier.
    Binary(Vec<u8>),
    /// A PDF of nothing but the encryption dictionary and the identifier of the one that it stands for.
    Pdf(Vec<u8>),
    /// Entries of a zip archive that are encrypted with AES: salt and check of each.
    ZipAes(Vec<archive::AesStart>),
    /// Entries of a zip archive that are encrypted in PKWARE's old way, which has no other check than how they begin.
    ZipOld(Vec<archive::OldStart>),
}

/// A lock that a word opened, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// The lock.
    pub lock: u32,
    /// The word.
    pub word: u32,
}

impl Lock {
    /// Whether it is as small as a lock is.
    pub fn is_small(&self) -> bool {
        let bytes = match self {
            Self::Package(bytes) | Self::Binary(bytes) | Self::Pdf(bytes) => bytes.len(),
            Self::ZipAes(starts) => starts.iter().map(|start| start.salt.len() + 8).sum(),
            Self::ZipOld(starts) => starts.iter().map(|start| start.bytes.len() + 8).sum(),
        };
        bytes <= MOST_BYTES
    }

    /// About how many rounds of hashing an attempt takes, counted in those of Office's length.
    fn rounds(&self) -> u64 {
        match self {
            Self::Package(info) => ole::rounds(info),
            Self::Binary(_) => 1,
            Self::Pdf(_) => pdf::ROUNDS,
            Self::ZipAes(starts) => archive::AES_ROUNDS * starts.len() as u64,
            Self::ZipOld(_) => 100,
        }
    }

    fn opens_with(&self, password: &str, reading: &Reading<'_>) -> bool {
        match self {
            Self::Package(info) => ole::opens_package(info, password, reading),
            Self::Binary(header) => ole::opens_binary(header, password),
            Self::Pdf(bytes) => pdf::opens(bytes, password),
            Self::ZipAes(starts) => {
                !starts.is_empty() && starts.iter().all(|start| start.fits(password.as_bytes()))
            }
            Self::ZipOld(starts) => archive::opens_old(starts, password.as_bytes()),
        }
    }
}

/// Tries words on locks, the first words on all locks first, as long as time and effort last: which of them open which.
pub fn try_locks(
    locks: &[Lock],
    words: &[String],
    limits: &Limits,
    expired: &dyn Fn() -> bool,
) -> Vec<Opened> {
    let reading = Reading::new(limits, expired);
    let mut effort = EFFORT;
    let mut opened: Vec<Opened> = Vec::new();
    for (word, text) in (0_u32..).zip(words) {
        for (number, lock) in (0_u32..).zip(locks) {
            if opened.iter().any(|known| known.lock == number) {
                continue;
            }
            let Some(left) = effort.checked_sub(lock.rounds().max(1)) else { continue };
            if expired() {
                return opened;
            }
            effort = left;
            if lock.opens_with(text, &reading) {
                opened.push(Opened { lock: number, word });
            }
        }
    }
    opened
}
