//! Says of many words at once which of them may be odd, with a few bit masks for sixty-four bytes. May say so of words that
//! are none; never of a word by what it means.

use crate::detect::blocks::{BLOCK, mask, moved_back, moved_on};

/// The words of a stretch of text that may be odd: a bit for each, by its number.
#[derive(Debug, Default)]
pub(super) struct OddWords {
    /// Those that are odd by their own letters.
    inside: Vec<u64>,
    /// Those that are odd by what stands beside them.
    beside: Vec<u64>,
}

/// A word that may be odd.
pub(super) struct OddWord {
    pub(super) number: usize,
    pub(super) inside: bool,
    pub(super) beside: bool,
}

impl OddWords {
    /// Finds those of a stretch that begins at a byte, given masks of the bytes that belong to words and how many words these
    /// are.
    pub(super) fn find(&mut self, text: &[u8], base: usize, words: &[u64], count: usize) {
        for bits in [&mut self.inside, &mut self.beside] {
            bits.clear();
            bits.resize(count / BLOCK + 1, 0);
        }
        // What stands before the first may be anything.
        add(&mut self.beside, 0);
        let mut before = Signs { marks: mark_bits(text, base), ..Signs::default() };
        let mut begun = 0;
        for (number, &here) in words.iter().enumerate() {
            let after = words.get(number + 1).copied().unwrap_or_default();
            let signs = Signs::read(text, base + number * BLOCK, here, before.words);
            let block = Block { signs: &signs, before: &before, after };
            let torn = block.torn();
            add_all(&mut self.inside, block.inside(), signs.starts, begun);
            add_all(&mut self.beside, block.beside() | torn, signs.starts, begun);
            add_all(&mut self.beside, block.before_next() | torn, signs.starts, begun + 1);
            begun += signs.starts.count_ones() as usize;
            before = signs;
        }
    }

    /// Them, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = OddWord> {
        let both = self.inside.iter().zip(&self.beside).enumerate();
        both.flat_map(|(block, (&inside, &beside))| {
            Bits(inside | beside).map(move |bit| OddWord {
                number: block * BLOCK + bit as usize,
                inside: inside >> bit & 1 != 0,
                beside: beside >> bit & 1 != 0,
            })
        })
    }
}

/// Adds the last word that begins at or before each place; `begun` is how many begin before the block, or one more to add the
/// word after.
#[inline(always)]
fn add_all(odd: &mut [u64], places: u64, starts: u64, begun: usize) {
    for place in Bits(places) {
        let up_to = u64::MAX >> (63 - place);
        add(odd, (begun + (starts & up_to).count_ones() as usize).wrapping_sub(1));
    }
}

fn add(odd: &mut [u64], number: usize) {
    if let Some(bits) = odd.get_mut(number / BLOCK) {
        *bits |= 1 << (number % BLOCK);
    }
}

/// The places of a mask's bits.
struct Bits(u64);

impl Iterator for Bits {
    type Item = u32;

    #[inline(always)]
    fn next(&mut self) -> Option<u32> {
        let place = self.0.trailing_zeros();
        self.0 &= self.0.wrapping_sub(1);
        (place < u64::BITS).then_some(place)
    }
}

/// Masks of what the bytes of a block are.
#[derive(Default)]
struct Signs {
    /// Parts of words, and where these begin.
    words: u64,
    starts: u64,
    /// Neither blank nor part of a word.
    marks: u64,
    blanks: u64,
    hyphens: u64,
    /// Marks that may stand for a letter, and a few more.
    symbols: u64,
    digits: u64,
    foreign: u64,
    /// Letters and apostrophes.
    letters: u64,
    /// The same letter as the byte before.
    twice: u64,
    a_or_i: u64,
    e_or_o: u64,
    u_or_y: u64,
    /// What English doubles at a word's end: kiss, full, stuff, buzz.
    doubled_last: u64,
}

impl Signs {
    /// Reads a block of a text, given which of its bytes and of those before it belong to words.
    #[inline(always)]
    fn read(text: &[u8], at: usize, words: u64, words_before: u64) -> Self {
        let rest = text.get(at..).unwrap_or_default();
        let padded = padded(rest);
        let block = rest.first_chunk().unwrap_or(&padded);
        let shifted = shifted(text, at, block);
        let mut same = [0; BLOCK];
        for ((same, one), before) in same.iter_mut().zip(block).zip(&shifted) {
            *same = (one ^ before) | 0x20;
        }
        let blanks = mask(block, is_blank);
        let digits = mask(block, |byte| byte.wrapping_sub(b'0') < 10);
        let foreign = mask(block, |byte| byte >= 0x80);
        let letters = words & !digits & !foreign;
        Self {
            words,
            starts: words & !moved_on(words, words_before, 1),
            marks: !words & !blanks,
            blanks,
            hyphens: mask(block, |byte| byte == b'-'),
            symbols: !words & !blanks & mask(block, |byte| !(b','..b'@').contains(&byte)),
            digits,
            foreign,
            letters,
            twice: letters & mask(&same, |same| same == 0x20),
            a_or_i: mask(block, |byte| matches!(byte | 0x20, b'a' | b'i')),
            e_or_o: mask(block, |byte| matches!(byte | 0x20, b'e' | b'o')),
            u_or_y: mask(block, |byte| matches!(byte | 0x20, b'u' | b'y')),
            doubled_last: mask(block, |byte| matches!(byte | 0x20, b's' | b'l' | b'f' | b'z')),
        }
    }
}

/// The first bytes of a text that is shorter than a block, and blanks.
#[inline(always)]
fn padded(rest: &[u8]) -> [u8; BLOCK] {
    let mut padded = [b' '; BLOCK];
    if rest.len() < BLOCK {
        for (to, from) in padded.iter_mut().zip(rest) {
            *to = *from;
        }
    }
    padded
}

/// A block's bytes with the one before them, and without the last.
#[inline(always)]
fn shifted(text: &[u8], at: usize, block: &[u8; BLOCK]) -> [u8; BLOCK] {
    if let Some(shifted) = at.checked_sub(1).and_then(|at| text.get(at..)?.first_chunk()) {
        return *shifted;
    }
    let mut shifted = [text.get(at.wrapping_sub(1)).copied().unwrap_or(b' '); BLOCK];
    for (to, from) in shifted.iter_mut().skip(1).zip(block) {
        *to = *from;
    }
    shifted
}

#[inline(always)]
fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte.wrapping_sub(b'\t') < 5
}

/// Where the two bytes before a place are marks, as the last bits of a block.
fn mark_bits(text: &[u8], at: usize) -> u64 {
    let is_mark = |back| {
        let byte = text.get(at.wrapping_sub(back)).copied().unwrap_or(b' ');
        u64::from(byte.is_ascii() && !byte.is_ascii_alphanumeric() && !is_blank(byte))
    };
    is_mark(1) << 63 | is_mark(2) << 62
}

/// A block with what stands around it.
struct Block<'s> {
    signs: &'s Signs,
    before: &'s Signs,
    /// The bytes of the next block that belong to words.
    after: u64,
}

/// The last bit of a block: what follows it is not known, and taken for whatever is odd.
const LAST: u64 = 1 << 63;

impl Block<'_> {
    /// Places within words that are odd by their letters: bytes beyond ASCII, a digit beside a letter, and a letter doubled
    /// as English words don't have it.
    #[inline(always)]
    fn inside(&self) -> u64 {
        let (&Signs { foreign, digits, letters, .. }, before) = (self.signs, self.before);
        let mixed =
            digits & moved_on(letters, before.letters, 1) | letters & moved_on(digits, before.digits, 1);
        foreign & !(foreign << 1) | mixed | self.doubled()
    }

    #[inline(always)]
    fn doubled(&self) -> u64 {
        let &Signs { words, twice, a_or_i, e_or_o, u_or_y, doubled_last, starts, .. } = self.signs;
        let opens = moved_on(starts, self.before.starts, 1);
        let goes_on = moved_back(words, self.after, 1);
        let before_vowel = (a_or_i | e_or_o | u_or_y) >> 1;
        let odd_next = goes_on & !before_vowel | !goes_on & !doubled_last;
        twice & (moved_on(twice, self.before.twice, 1) | !e_or_o & (a_or_i | u_or_y | opens | odd_next))
    }

    /// Where a word begins that is a letter other than a and i, or two or three letters without a vowel.
    #[inline(always)]
    fn torn(&self) -> u64 {
        let &Signs { words, starts, letters, a_or_i, e_or_o, u_or_y, .. } = self.signs;
        let consonants = letters & !(a_or_i | e_or_o | u_or_y);
        let [second, third] = [1, 2].map(|by| consonants >> by | !(u64::MAX >> by));
        let [one, two, three] = [1, 2, 3].map(|by| !moved_back(words, self.after, by));
        starts & (letters & !a_or_i & one | consonants & second & !one & (two | third & three))
    }

    /// Where a word begins after a symbol, or after another word and a few marks; and symbols, or two marks, after words.
    #[inline(always)]
    fn beside(&self) -> u64 {
        let (&Signs { words, starts, marks, blanks, symbols, .. }, before) = (self.signs, self.before);
        let [word1, word2, word3, word4] = [1, 2, 3, 4].map(|by| moved_on(words, before.words, by));
        let [mark1, mark2, mark3] = [1, 2, 3].map(|by| moved_on(marks, before.marks, by));
        // Not of two numbers.
        let numbers = self.signs.digits & moved_on(self.signs.digits, before.digits, 2);
        let joined = mark1 & !numbers & (word2 | mark2 & (word3 | mark3 & word4));
        let symbol = moved_on(symbols, before.symbols, 1);
        let after = symbols & !(blanks >> 1) | marks & (marks >> 1 | LAST);
        starts & (joined | symbol) | after & word1 & !words
    }

    /// Places between words where the next one may go on with the last, by way of a hyphen and a line's end, or where
    /// symbols stand by themselves.
    #[inline(always)]
    fn before_next(&self) -> u64 {
        let (&Signs { words, marks, blanks, hyphens, .. }, before) = (self.signs, self.before);
        let broken = hyphens & moved_on(words, before.words, 1) & (blanks >> 1 | LAST);
        let three = marks & moved_on(marks, before.marks, 1) & moved_on(marks, before.marks, 2);
        broken | three & !(three << 1)
    }
}
