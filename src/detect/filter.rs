//! Says in a few instructions that no term begins at a word. May say wrongly that one does; never wrongly that none does.

use crate::detect::trie::{Kind, Word, next_key};

/// What a term begins with.
#[derive(Debug, Clone, Copy)]
pub(super) enum Beginning {
    /// This word, whatever follows.
    Word(u64),
    /// A word that begins with a prefix: the prefix's first eight bytes, and what its branch is found by.
    Prefix { head: u64, key: u64 },
    /// These two words, whatever follows.
    Pair(u64, u64),
    /// These three words, noticed by the rarer pair of them: the first two or the last two.
    Triple([u64; 3], Rarer),
}

/// Which pair of three words is the rarer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rarer {
    First,
    Last,
}

/// The beginnings of all terms, in sets small enough for the processor's caches.
///
/// Half of all phrases begin with a common word, and many with two. So a word is asked about alone and with the word
/// before it, and only where that says yes, about the word after the two, or before them.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    /// Words and pairs of words, three bits each (a Bloom filter in blocks).
    near: Vec<u64>,
    /// The first five bytes of words that begin with prefixes, and the first seven, one bit each.
    heads: Vec<u64>,
    /// Words again, by other bits: were a very common word taken for another by `near` alone, each of its places would be
    /// visited. Then what prefixes are found by, pairs that end a term, and the first three words of terms that have more; three bits
    /// each.
    far: Vec<u64>,
    size: Size,
}

/// How many blocks the sets of words have: enough for a dozen bits for each beginning, and no more, since what a cache holds is
/// what a long list costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    Small,
    Medium,
    Large,
    Huge,
}

pub(super) const SMALL: usize = 1 << 9;
pub(super) const MEDIUM: usize = 1 << 12;
pub(super) const LARGE: usize = 1 << 14;
pub(super) const HUGE: usize = 1 << 17;

impl Filter {
    pub(super) fn new(beginnings: &[Beginning]) -> Self {
        let heads = beginnings.iter().map(|beginning| match beginning {
            Beginning::Prefix { head, .. } => heads_of(*head).len(),
            _ => 0,
        });
        let heads = (heads.sum::<usize>() / 4).next_power_of_two().clamp(SMALL, LARGE);
        let (size, blocks) = match beginnings.len() / 5 {
            wanted if wanted <= SMALL => (Size::Small, SMALL),
            wanted if wanted <= MEDIUM => (Size::Medium, MEDIUM),
            wanted if wanted <= LARGE => (Size::Large, LARGE),
            _ => (Size::Huge, HUGE),
        };
        let mut filter = Self { near: vec![0; blocks], heads: vec![0; heads], far: vec![0; blocks], size };
        for beginning in beginnings {
            filter.add(*beginning);
        }
        filter
    }

    fn add(&mut self, beginning: Beginning) {
        match beginning {
            Beginning::Word(hash) => {
                let again = next_key(AGAIN, hash);
                add(&mut self.near, hash, three_bits(hash));
                add(&mut self.far, again, three_bits(again));
            }
            Beginning::Pair(first, second) => {
                let pair = next_key(first, second);
                let again = next_key(AGAIN, pair);
                add(&mut self.near, pair, three_bits(pair));
                add(&mut self.far, again, three_bits(again));
            }
            Beginning::Triple([first, second, third], rarer) => {
                let pair = match rarer {
                    Rarer::First => next_key(first, second),
                    Rarer::Last => next_key(second, third),
                };
                let triple = next_key(next_key(first, second), third);
                add(&mut self.near, pair, three_bits(pair));
                add(&mut self.far, triple, three_bits(triple));
            }
            Beginning::Prefix { head, key } => {
                add(&mut self.far, key, three_bits(key));
                let long = head >> 48 != 0;
                for head in heads_of(head) {
                    let bits = if long { head_bits(head) } else { head_bits(head) | ANY_SEVEN };
                    add(&mut self.heads, hash_head(head), bits);
                }
            }
        }
    }

    pub(super) fn size(&self) -> Size {
        self.size
    }

    /// The sets that each word is held against; nothing when they have another size.
    #[inline(always)]
    pub(super) fn near<const SIZE: usize>(&self) -> Option<Near<'_, SIZE>> {
        Some(Near { blocks: self.near.first_chunk()?, heads: &self.heads })
    }

    /// [`Near::begins`] for a word with any letters.
    pub(super) fn begins(&self, word: &Word) -> bool {
        let head = hash_head(word.head);
        holds(&self.near, word.hash, three_bits(word.hash))
            || holds(&self.heads, head, head_bits(word.head))
            || self.begins_with_prefix(word)
    }

    /// Whether a word may begin a term by itself, where [`Near::begins`] said that it may.
    pub(super) fn begins_indeed(&self, word: &Word) -> bool {
        let again = next_key(AGAIN, word.hash);
        let alone = holds(&self.near, word.hash, three_bits(word.hash));
        alone && holds(&self.far, again, three_bits(again)) || self.begins_with_prefix(word)
    }

    fn begins_with_prefix(&self, word: &Word) -> bool {
        let keys = [Kind::Prefix3, Kind::Prefix5, Kind::Prefix7].map(|kind| word.key(kind));
        keys.iter().any(|key| holds(&self.far, *key, three_bits(*key)))
    }

    /// Whether two words may begin a term together.
    pub(super) fn pair_begins(&self, first: u64, second: u64) -> bool {
        let pair = next_key(first, second);
        holds(&self.near, pair, three_bits(pair))
    }

    /// Whether the first two or three words of these may begin a term, where [`Near::pair_begins`] said that the two
    /// may.
    pub(super) fn goes_on(&self, words: &[Word]) -> bool {
        let [first, second, rest @ ..] = words else { return false };
        let pair = next_key(first.hash, second.hash);
        let triple = next_key(pair, rest.first().map_or(0, |third| third.hash));
        let again = next_key(AGAIN, pair);
        holds(&self.far, triple, three_bits(triple)) | holds(&self.far, again, three_bits(again))
    }

    /// Whether the first three of these words may begin a term, where [`Near::pair_begins`] said that the last two of
    /// them are noticed.
    pub(super) fn triple_begins(&self, words: &[Word]) -> bool {
        let [first, second, third, ..] = words else { return false };
        let triple = next_key(next_key(first.hash, second.hash), third.hash);
        holds(&self.far, triple, three_bits(triple))
    }
}

/// Makes of a hash another, so that what is taken for another in one set is not in the next.
const AGAIN: u64 = 0x2545_F491_4F6C_DD1D;

/// The sets that each word is held against, of a size that the compiler knows.
#[derive(Clone, Copy)]
pub(super) struct Near<'f, const SIZE: usize> {
    blocks: &'f [u64; SIZE],
    heads: &'f [u64],
}

impl<const SIZE: usize> Near<'_, SIZE> {
    /// Whether a plain word may begin a term by itself, given its hash and its first eight bytes.
    #[inline(always)]
    pub(super) fn begins(self, hash: u64, head: u64) -> bool {
        // A long list has so many prefixes that five bytes say little; with a short one they say enough.
        let bits = if SIZE < MEDIUM { five_bit(head) } else { head_bits(head) };
        holds(self.blocks, hash, three_bits(hash)) | holds(self.heads, hash_head(head), bits)
    }

    /// [`Filter::pair_begins`].
    #[inline(always)]
    pub(super) fn pair_begins(self, first: u64, second: u64) -> bool {
        let pair = next_key(first, second);
        holds(self.blocks, pair, three_bits(pair))
    }
}

/// Whether a hash's bits are all set in its block, which its highest bits choose.
#[inline(always)]
fn holds(blocks: &[u64], hash: u64, bits: u64) -> bool {
    blocks.get(block_of(hash, blocks.len())).is_some_and(|block| block & bits == bits)
}

fn add(blocks: &mut [u64], hash: u64, bits: u64) {
    let at = block_of(hash, blocks.len());
    if let Some(block) = blocks.get_mut(at) {
        *block |= bits;
    }
}

#[inline(always)]
fn block_of(hash: u64, blocks: usize) -> usize {
    (hash >> (u64::BITS - blocks.trailing_zeros())) as usize
}

/// The first five bytes that a plain word may have that begins with a prefix of at least three.
fn heads_of(prefix: u64) -> Vec<u64> {
    let mut heads = vec![prefix];
    for place in [24, 32] {
        let next = (b'a'..=b'z').chain(b'0'..=b'9').chain([0]).map(|next| u64::from(next) << place);
        heads = heads
            .into_iter()
            .flat_map(|head| {
                let open = head >> place == 0;
                next.clone().filter(move |next| open || *next == 0).map(move |next| head | next)
            })
            .collect();
    }
    heads
}

/// The hash of a word's first five bytes.
#[inline(always)]
fn hash_head(head: u64) -> u64 {
    (head << 24).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// One bit that stands for a word's first five bytes in their block.
#[inline(always)]
fn five_bit(head: u64) -> u64 {
    1 << (hash_head(head) >> 40 & 31)
}

/// The same, and one for its first seven.
#[inline(always)]
fn head_bits(head: u64) -> u64 {
    let seven = (head << 8).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    five_bit(head) | 1 << 32 << (seven >> 59)
}

/// The bits of any seven bytes that begin with the five of a shorter prefix.
const ANY_SEVEN: u64 = 0xFFFF_FFFF_0000_0000;

/// Three bits that stand for a hash in its block.
#[inline(always)]
pub(super) fn three_bits(hash: u64) -> u64 {
    THREE_BITS.get((hash >> 32 & 0xFF) as usize).copied().unwrap_or_default()
}

#[allow(
    clippy::indexing_slicing,
    reason = "a table that the compiler works out: a wrong index does not compile"
)]
static THREE_BITS: [u64; 256] = {
    let mut all = [0; 256];
    let (mut at, mut state) = (0, 1_u64);
    while at < all.len() {
        let mut bits = 0_u64;
        while bits.count_ones() < 3 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            bits |= 1 << (state >> 58);
        }
        all[at] = bits;
        at += 1;
    }
    all
};
