//! Encrypted workbooks of Excel 5 to 2003 ([MS-XLS] 2.2.10): found, and opened where Excel's own password does it, or one of the message's.

use super::biff::{Records, record};
use super::crypto::{BlockKeys, DEFAULT_PASSWORD, is_weak};
use super::lock_of;
use crate::extract::document::bytes::{u16_at, up_to};
use crate::extract::document::reading::Reading;

/// What became of a workbook's stream.
pub(super) enum Unlocked {
    /// It is not encrypted.
    Plain,
    /// The default password opened it.
    ByDefault { stream: Vec<u8>, is_weak: bool },
    /// A password that stands in the message opened it.
    ByMessage { stream: Vec<u8>, is_weak: bool },
    /// It is encrypted with another password.
    No { is_weak: bool },
}

/// How many bytes one key of RC4 is good for ([MS-XLS] 2.2.10).
const BLOCK: usize = 1024;
/// Obfuscation with the default password: its key, its verifier, and the mask that they come to ([MS-OFFCRYPTO] 2.3.7).
const DEFAULT_KEY: u16 = 0xb359;
const DEFAULT_VERIFIER: u16 = 0x9a0a;
const DEFAULT_MASK: [u8; 16] =
    [0x87, 0x6b, 0x9a, 0xe2, 0x1e, 0xe3, 0x05, 0x62, 0x1e, 0x69, 0x96, 0x60, 0x98, 0x6e, 0x94, 0x04];

/// Finds out whether a stream is encrypted, and decrypts it with the default password, or with one of the message's.
pub(super) fn unlock(stream: &[u8], reading: &mut Reading<'_>) -> Unlocked {
    let mut records = Records::new(stream);
    let mut pass = None;
    // The record comes before all that is encrypted; nothing but a few records of the file's beginning is before it.
    for _ in 0..16 {
        match records.next() {
            Some(next) if next.kind == record::FILE_PASS => {
                pass = Some(next.bytes);
                break;
            }
            Some(_) => {}
            None => break,
        }
    }
    let Some(pass) = pass else { return Unlocked::Plain };
    // Excel 5 writes key and verifier alone; Excel 97 a type before them.
    if pass.len() <= 4 || u16_at(pass, 0) == Some(0) {
        let at = if pass.len() <= 4 { 0 } else { 2 };
        let is_default =
            u16_at(pass, at) == Some(DEFAULT_KEY) && u16_at(pass, at + 2) == Some(DEFAULT_VERIFIER);
        if !is_default {
            return Unlocked::No { is_weak: true };
        }
        return Unlocked::ByDefault { stream: without_mask(stream), is_weak: true };
    }
    let header = pass.get(2..).unwrap_or_default();
    let is_weak = is_weak(header);
    if let Some(keys) = BlockKeys::by(header, DEFAULT_PASSWORD) {
        return Unlocked::ByDefault { stream: decrypted(stream, &keys), is_weak };
    }
    reading.lock(lock_of(header));
    match reading.try_passwords(1, |password, _| BlockKeys::by(header, password)) {
        Some(keys) => Unlocked::ByMessage { stream: decrypted(stream, &keys), is_weak },
        None => Unlocked::No { is_weak },
    }
}

/// How many bytes at a record's beginning are not encrypted: all, of those that are needed to find one's way.
fn plain_bytes(kind: u16, length: usize) -> usize {
    match kind {
        // BOF, FilePass, UsrExcl, FileLock, InterfaceHdr, RRDInfo and RRDHead.
        record::BOF | record::FILE_PASS | 0x0194 | 0x0195 | 0x00e1 | 0x0196 | 0x0138 => length,
        record::BOUND_SHEET => 4,
        _ => 0,
    }
}

fn decrypted(stream: &[u8], keys: &BlockKeys) -> Vec<u8> {
    let mut all = stream.to_vec();
    for (number, block) in (0_u32..).zip(all.chunks_mut(BLOCK)) {
        keys.cipher(number).apply(block);
    }
    with_data(stream, |at, _, bytes| {
        bytes.copy_from_slice(up_to(&all, at, bytes.len()));
    })
}

fn without_mask(stream: &[u8]) -> Vec<u8> {
    with_data(stream, |at, end, bytes| {
        // `end` stands for the record's length in the index ([MS-OFFCRYPTO] 2.3.7.3, [MS-XLS] 2.2.10).
        for (index, byte) in (at.wrapping_add(end)..).zip(bytes) {
            let mask = DEFAULT_MASK.get(index % 16).copied().unwrap_or(0);
            *byte = (*byte ^ mask).rotate_right(5);
        }
    })
}

/// A copy of the stream whose records' encrypted bytes were changed: the closure gets where they stand, the whole
/// record's length, and the bytes.
fn with_data(stream: &[u8], change: impl Fn(usize, usize, &mut [u8])) -> Vec<u8> {
    let mut out = stream.to_vec();
    let mut records = Records::new(stream);
    while let Some(next) = records.next() {
        let plain = plain_bytes(next.kind, next.bytes.len()).min(next.bytes.len());
        let Ok(start) = usize::try_from(next.at).map(|at| at + 4) else { break };
        let range = start + plain..start + next.bytes.len();
        if let Some(bytes) = out.get_mut(range) {
            change(start + plain, next.bytes.len(), bytes);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn obfuscation_with_the_default_password_is_undone() {
        // A LABEL of five letters, its bytes obfuscated as msoffcrypto-tool (MIT) undoes it.
        let limits = crate::limits::Limits::default();
        let mut reading = Reading::new(&limits, &|| false);
        let masked = b"\x87\x6b\x9a\xe2\x1e\xe3\xa5\x62\x1e\xa1\xd8\xcc\xb7\x42";
        let mut stream = b"\x09\x08\x10\0\0\x06\x05\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
        stream.extend_from_slice(b"\x2f\0\x06\0\0\0\x59\xb3\x0a\x9a\x04\x02\x0e\0");
        stream.extend_from_slice(masked);
        let Unlocked::ByDefault { stream, is_weak: true } = unlock(&stream, &mut reading) else {
            panic!("not opened")
        };
        assert!(stream.ends_with(b"\x05\0\0Freya"));
        let other = b"\x09\x08\0\0\x2f\0\x06\0\0\0\x59\xb4\x0a\x9a";
        assert!(matches!(unlock(other, &mut reading), Unlocked::No { is_weak: true }));
    }
}
