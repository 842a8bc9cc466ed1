//! Bit masks over sixty-four bytes of text. Knows bytes alone, no characters.

use wide::{u8x16, u64x2};

/// Bytes that a mask stands for.
pub(super) const BLOCK: usize = 64;

/// A bit for each byte, set where `holds`.
#[inline(always)]
pub(super) fn mask(block: &[u8; BLOCK], holds: impl Fn(u8) -> bool) -> u64 {
    let flags = block.map(|byte| if holds(byte) { u8::MAX } else { 0 });
    let (sixteens, _) = flags.as_chunks();
    sixteens.iter().rev().fold(0, |mask, sixteen| mask << 16 | u64::from(u8x16::new(*sixteen).to_bitmask()))
}

/// For each bit of a byte, the lowest first, the bytes in which it is set.
#[inline(always)]
pub(super) fn planes(block: &[u8; BLOCK]) -> [u64; 8] {
    let mut planes = [0; 8];
    let (sixteens, _) = block.as_chunks();
    for sixteen in sixteens.iter().rev() {
        let mut bytes = u8x16::new(*sixteen);
        for plane in planes.iter_mut().rev() {
            // What is asked for is each byte's highest bit; to add a byte to itself moves the next one there.
            *plane = *plane << 16 | u64::from(bytes.to_bitmask());
            bytes += bytes;
        }
    }
    planes
}

/// Masks of two blocks that are looked at together.
pub(super) type Masks = u64x2;

/// Masks moved on by some bits, with what comes in from the blocks before; fewer than a block has, and not none.
#[inline(always)]
pub(super) fn moved_on(masks: Masks, before: Masks, by: u32) -> Masks {
    masks << by | before >> (u64::BITS - by)
}

/// Masks moved back by some bits, with what comes in from the blocks after; fewer than a block has, and not none.
#[inline(always)]
pub(super) fn moved_back(masks: Masks, after: Masks, by: u32) -> Masks {
    masks >> by | after << (u64::BITS - by)
}
