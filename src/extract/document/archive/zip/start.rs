//! How encrypted entries begin: what a password can be tried on when the rest of the archive is gone. Unpacks a few bytes to
//! see whether they make sense; keeps and shows none of them.

use flate2::{Decompress, FlushDecompress, Status};
use serde::{Deserialize, Serialize};

use super::directory::Entry;
use super::password::{HEADER, OldCipher, aes_check, aes_salt};
use crate::extract::document::Lock;
use crate::extract::document::bytes::up_to;

/// Most entries whose beginnings are kept: together they let hardly a wrong word pass.
const MOST_ENTRIES: usize = 3;
/// How much of an entry is kept that is encrypted in the old way, the twelve bytes of its header included.
const SAMPLE: usize = 256;

/// The beginning of an entry in AES: one word in 65,536 fits by chance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AesStart {
    /// 1, 2 or 3 for keys of 128, 192 or 256 bits.
    pub strength: u8,
    /// The salt.
    pub salt: Vec<u8>,
    /// What the key's check must be.
    pub check: [u8; 2],
}

/// The beginning of an entry in PKWARE's old way: one word in 256 fits its check by chance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldStart {
    /// What the last byte of the header must be (APPNOTE 6.1.6).
    pub check: u8,
    /// Whether what follows is deflated, which hardly any bytes are by chance.
    pub is_deflated: bool,
    /// The header and what follows it, encrypted.
    pub bytes: Vec<u8>,
}

impl AesStart {
    /// Whether that is its password, as far as its check tells.
    pub fn fits(&self, password: &[u8]) -> bool {
        aes_check(self.strength, &self.salt, password) == Some(self.check)
    }
}

/// Whether that is the password of all of them, as far as that can be told: of one that is not deflated it cannot.
pub fn opens_old(starts: &[OldStart], password: &[u8]) -> bool {
    let tells = starts.len() > 1 || starts.iter().any(|start| start.is_deflated);
    tells && starts.iter().all(|start| fits(start, password))
}

fn fits(start: &OldStart, password: &[u8]) -> bool {
    let mut cipher = OldCipher::new(password);
    let plain: Vec<u8> = start.bytes.iter().map(|byte| cipher.decrypt(*byte)).collect();
    let Some((header, packed)) = plain.split_at_checked(HEADER) else { return false };
    header.last() == Some(&start.check) && (!start.is_deflated || makes_sense(packed))
}

/// Whether bytes can be the beginning of what is deflated (RFC 1951).
fn makes_sense(packed: &[u8]) -> bool {
    let mut stream = Decompress::new(false);
    let mut out = [0; 1 << 10];
    loop {
        let (taken, made) = (stream.total_in(), stream.total_out());
        let rest = usize::try_from(taken).ok().and_then(|taken| packed.get(taken..)).unwrap_or_default();
        match stream.decompress(rest, &mut out, FlushDecompress::None) {
            Ok(Status::StreamEnd) => return true,
            Err(_) => return false,
            Ok(_) if (stream.total_in(), stream.total_out()) == (taken, made) => return true,
            Ok(_) => {}
        }
    }
}

/// What a password of an archive with these entries can be tried on: on the first few that are encrypted as the first is.
pub(super) fn lock(bytes: &[u8], entries: &[Entry<'_>]) -> Option<Lock> {
    let mut sealed = entries.iter().filter(|entry| entry.is_encrypted() && !entry.is_folder()).peekable();
    if sealed.peek()?.is_weak() {
        let starts: Vec<OldStart> = sealed.filter_map(|entry| old(bytes, entry)).take(MOST_ENTRIES).collect();
        return (!starts.is_empty()).then_some(Lock::ZipOld(starts));
    }
    let starts: Vec<AesStart> = sealed.filter_map(|entry| aes(bytes, entry)).take(MOST_ENTRIES).collect();
    (!starts.is_empty()).then_some(Lock::ZipAes(starts))
}

fn aes(bytes: &[u8], entry: &Entry<'_>) -> Option<AesStart> {
    let strength = entry.aes_strength()?;
    let (salt, rest) = aes_salt(strength, entry.data(bytes)?)?;
    Some(AesStart { strength, salt: salt.to_vec(), check: rest.get(..2)?.try_into().ok()? })
}

fn old(bytes: &[u8], entry: &Entry<'_>) -> Option<OldStart> {
    let data = entry.data(bytes).filter(|data| entry.is_weak() && data.len() > HEADER)?;
    // The check is of the checksum, or where that was not known at first (bit 3), of the time.
    let [checksum, ..] = entry.crc?.to_be_bytes();
    let [time, _] = entry.time.to_be_bytes();
    let check = if entry.flags & 0x8 == 0 { checksum } else { time };
    Some(OldStart { check, is_deflated: entry.method == 8, bytes: up_to(data, 0, SAMPLE).to_vec() })
}
