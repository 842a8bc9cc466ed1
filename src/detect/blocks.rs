//! Bit masks over sixty-four bytes of text. Knows bytes alone, no characters.

use wide::u8x16;

/// Bytes that a mask stands for.
pub(super) const BLOCK: usize = 64;

/// A bit for each byte, set where `holds`.
#[inline(always)]
pub(super) fn mask(block: &[u8; BLOCK], holds: impl Fn(u8) -> bool) -> u64 {
    let flags = block.map(|byte| if holds(byte) { u8::MAX } else { 0 });
    let (sixteens, _) = flags.as_chunks();
    sixteens.iter().rev().fold(0, |mask, sixteen| mask << 16 | u64::from(u8x16::new(*sixteen).to_bitmask()))
}

/// A mask moved on by some bits, with what comes in from the block before; fewer than a block has, and not none.
#[inline(always)]
pub(super) fn moved_on(mask: u64, before: u64, by: u32) -> u64 {
    mask << by | before >> (u64::BITS - by)
}

/// A mask moved back by some bits, with what comes in from the block after; fewer than a block has, and not none.
#[inline(always)]
pub(super) fn moved_back(mask: u64, after: u64, by: u32) -> u64 {
    mask >> by | after << (u64::BITS - by)
}
