//! Whether a word is the password of an entry: AES as WinZip has it, and PKWARE's old way. Shows nobody what is inside.

use std::io;

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::directory::Entry;
use super::packing;
use crate::extract::document::bytes::up_to;

/// About how many rounds of hashing an attempt takes (AE-1 and AE-2: 1,000 for each of up to four pieces of the key).
pub const ROUNDS: u64 = 8_000;
/// Largest entry that is decrypted in the old way to see whether it unpacks, in bytes.
const MOST: u64 = 8 << 20;
/// The length of the header that the old way puts before a file (APPNOTE 6.1.3).
pub(super) const HEADER: usize = 12;

/// Whether the password opens that entry, whose packed bytes these are.
pub(super) fn opens(entry: &Entry<'_>, data: &[u8], password: &str) -> bool {
    if entry.is_weak() {
        return opens_old(entry, data, password.as_bytes());
    }
    opens_aes(entry, data, password.as_bytes()).unwrap_or(false)
}

/// AES: the key's check fits, and so does the code over what is encrypted (WinZip's AE-1 and AE-2).
fn opens_aes(entry: &Entry<'_>, data: &[u8], password: &[u8]) -> Option<bool> {
    let strength = entry.aes_strength()?;
    let key_length = key_length(strength)?;
    let (salt, rest) = aes_salt(strength, data)?;
    let (check, rest) = rest.split_at_checked(2)?;
    let (sealed, code) = rest.split_at_checked(rest.len().checked_sub(10)?)?;
    let keys = derived(password, salt, key_length * 2 + 2)?;
    if keys.get(key_length * 2..)? != check {
        return Some(false);
    }
    let mut mac = Hmac::<Sha1>::new_from_slice(keys.get(key_length..key_length * 2)?).ok()?;
    mac.update(sealed);
    let sum = mac.finalize().into_bytes();
    Some(up_to(&sum, 0, 10) == code)
}

/// The salt before an entry in AES, and what follows it.
pub(super) fn aes_salt(strength: u8, data: &[u8]) -> Option<(&[u8], &[u8])> {
    data.split_at_checked(key_length(strength)? / 2)
}

/// What a password's check is with that salt.
pub(super) fn aes_check(strength: u8, salt: &[u8], password: &[u8]) -> Option<[u8; 2]> {
    let length = key_length(strength)? * 2;
    derived(password, salt, length + 2)?.get(length..)?.try_into().ok()
}

/// How many bytes the key has.
const fn key_length(strength: u8) -> Option<usize> {
    match strength {
        1 => Some(16),
        2 => Some(24),
        3 => Some(32),
        _ => None,
    }
}

/// Keys from a password (PBKDF2, RFC 8018 §5.2, with HMAC-SHA-1 and 1,000 rounds).
fn derived(password: &[u8], salt: &[u8], length: usize) -> Option<Vec<u8>> {
    let keyed = Hmac::<Sha1>::new_from_slice(password).ok()?;
    let mut keys = Vec::new();
    for number in 1_u32.. {
        let hash = |pieces: [&[u8]; 2]| {
            let mut mac = keyed.clone();
            pieces.into_iter().for_each(|piece| mac.update(piece));
            mac.finalize().into_bytes()
        };
        let mut last = hash([salt, &number.to_be_bytes()]);
        let mut sum = last;
        for _ in 1..1_000 {
            last = hash([&last, &[]]);
            sum.iter_mut().zip(last).for_each(|(byte, other)| *byte ^= other);
        }
        keys.extend_from_slice(&sum);
        if keys.len() >= length {
            break;
        }
    }
    keys.truncate(length);
    Some(keys)
}

/// The old way (APPNOTE 6.1): its header has one byte to check, and then the file must unpack to what its checksum says.
fn opens_old(entry: &Entry<'_>, data: &[u8], password: &[u8]) -> bool {
    let fits = entry.size <= MOST && data.len() as u64 <= MOST && entry.crc.is_some_and(|crc| crc != 0);
    if !fits || data.len() < HEADER {
        return false;
    }
    let mut cipher = OldCipher::new(password);
    let header: Vec<u8> = up_to(data, 0, HEADER).iter().map(|byte| cipher.decrypt(*byte)).collect();
    // The check is of the checksum, or where that was not known at first (bit 3), of the time.
    let by_checksum = entry.flags & 0x8 == 0;
    let high = entry.crc.map(|crc| {
        let [high, ..] = crc.to_be_bytes();
        high
    });
    if by_checksum && header.last().copied() != high {
        return false;
    }
    let plain: Vec<u8> =
        data.get(HEADER..).unwrap_or_default().iter().map(|byte| cipher.decrypt(*byte)).collect();
    let Ok(stream) = packing::unpacker(entry, &plain) else { return false };
    let unpacked = io::copy(&mut io::Read::take(stream, MOST + 1), &mut io::sink());
    unpacked.is_ok_and(|length| length == entry.size)
}

/// The cipher of the old way (APPNOTE 6.1.5).
pub(super) struct OldCipher([u32; 3]);

impl OldCipher {
    pub fn new(password: &[u8]) -> Self {
        let mut cipher = Self([0x1234_5678, 0x2345_6789, 0x3456_7890]);
        password.iter().for_each(|byte| cipher.take(*byte));
        cipher
    }

    pub fn decrypt(&mut self, byte: u8) -> u8 {
        let [_, _, third] = self.0;
        let mask = third | 2;
        let [_, mask, ..] = mask.wrapping_mul(mask ^ 1).to_le_bytes();
        let plain = byte ^ mask;
        self.take(plain);
        plain
    }

    fn take(&mut self, byte: u8) {
        let [first, second, third] = self.0;
        let first = summed(first, byte);
        let [low, ..] = first.to_le_bytes();
        let second = second.wrapping_add(u32::from(low)).wrapping_mul(134_775_813).wrapping_add(1);
        let [.., high] = second.to_le_bytes();
        self.0 = [first, second, summed(third, high)];
    }
}

/// One step of CRC-32, bit by bit.
fn summed(sum: u32, byte: u8) -> u32 {
    (0..8).fold(sum ^ u32::from(byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg()))
}
