//! Says of many words at once which of them may be odd, with a few bit masks for sixty-four bytes. May say so of words that
//! are none; never of a word by what it means.

use crate::detect::blocks::{BLOCK, moved_back, moved_on, planes};

/// The words of a stretch of text that may be odd, by what is odd about them: a bit for each word, by its number.
#[derive(Debug, Default)]
pub(super) struct OddWords {
    /// Those that are odd by their own letters.
    inside: Numbers,
    /// Those with symbols beside them that may stand for letters.
    symbols: Numbers,
    /// Those that may be one word with the word before.
    pieces: Numbers,
    /// Those before which symbols stand in a row.
    after_symbols: Numbers,
}

impl OddWords {
    /// Finds those of a stretch that begins at a byte, given masks of the bytes that belong to words and how many words these
    /// are.
    pub(super) fn find(&mut self, text: &[u8], base: usize, words: &[u64], count: usize) {
        for numbers in [&mut self.inside, &mut self.symbols, &mut self.pieces, &mut self.after_symbols] {
            numbers.clear(count);
            // What stands before the first may be anything.
            numbers.add(0);
        }
        let last = base.checked_sub(1).and_then(|at| text.get(at)).copied().unwrap_or(b' ');
        let mut before =
            Signs { marks: mark_bits(text, base), planes: planes(&[last; BLOCK]), ..Signs::default() };
        let (mut begun, mut torn_before) = (0, 0);
        for (number, &here) in words.iter().enumerate() {
            let after = words.get(number + 1).copied().unwrap_or_default();
            let signs = Signs::read(text, base + number * BLOCK, here, &before);
            let block = Block { signs: &signs, before: &before, after };
            let torn = block.torn();
            let next_to_torn = next_starts(torn, signs.starts, &mut torn_before);
            self.inside.add_all(block.inside(), signs.starts, begun);
            self.symbols.add_all(block.symbols_beside(), signs.starts, begun);
            self.pieces.add_all(block.joined() | torn | next_to_torn, signs.starts, begun);
            self.pieces.add_all(block.broken(), signs.starts, begun + 1);
            self.after_symbols.add_all(block.symbols_in_a_row(), signs.starts, begun + 1);
            begun += signs.starts.count_ones() as usize;
            before = signs;
        }
    }

    pub(super) fn inside(&self) -> impl Iterator<Item = usize> {
        self.inside.iter()
    }

    pub(super) fn symbols(&self) -> impl Iterator<Item = usize> {
        self.symbols.iter()
    }

    pub(super) fn pieces(&self) -> impl Iterator<Item = usize> {
        self.pieces.iter()
    }

    pub(super) fn after_symbols(&self) -> impl Iterator<Item = usize> {
        self.after_symbols.iter()
    }
}

/// Where the word after each of some begins, given where all begin; one that begins in the next block is carried there.
///
/// A bit that is added to a row of ones runs through them to the first zero, which is the next word's beginning.
#[inline(always)]
fn next_starts(some: u64, starts: u64, carry: &mut u64) -> u64 {
    let (sum, beyond) = (!starts).overflowing_add(some << 1 | *carry);
    *carry = u64::from(beyond) | some >> 63;
    sum & starts
}

/// Numbers of words, in order.
#[derive(Debug, Default)]
struct Numbers {
    bits: Vec<u64>,
    count: usize,
}

impl Numbers {
    /// Takes all out, and makes room for those below a count.
    fn clear(&mut self, count: usize) {
        self.bits.clear();
        self.bits.resize(count / BLOCK + 1, 0);
        self.count = count;
    }

    #[inline(always)]
    fn add(&mut self, number: usize) {
        if let Some(bits) = self.bits.get_mut(number / BLOCK) {
            *bits |= 1 << (number % BLOCK);
        }
    }

    /// Adds the last word that begins at or before each place; `begun` is how many begin before the block, or one more to add the
    /// word after.
    #[inline(always)]
    fn add_all(&mut self, places: u64, starts: u64, begun: usize) {
        for place in Bits(places) {
            let up_to = u64::MAX >> (63 - place);
            self.add((begun + (starts & up_to).count_ones() as usize).wrapping_sub(1));
        }
    }

    #[inline(always)]
    fn iter(&self) -> impl Iterator<Item = usize> {
        let all = self.bits.iter().enumerate();
        let all = all.flat_map(|(block, &bits)| Bits(bits).map(move |bit| block * BLOCK + bit as usize));
        all.take_while(|number| *number < self.count)
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
    /// For each bit of a byte, the lowest first, where it is set.
    planes: [u64; 8],
    /// Parts of words, and where these begin.
    words: u64,
    starts: u64,
    /// Neither blank nor part of a word.
    marks: u64,
    blanks: u64,
    hyphens: u64,
    /// Marks that may stand for a letter within a word, and a few more.
    symbols: u64,
    /// Those that may stand for one at its start, and a few more.
    first_symbols: u64,
    digits: u64,
    foreign: u64,
    /// Letters and apostrophes.
    letters: u64,
    /// Letters without apostrophes.
    alphabetic: u64,
    /// The same as the byte before, but for its case.
    same: u64,
    /// The same letter as the byte before.
    twice: u64,
    a_or_i: u64,
    e_or_o: u64,
    u_or_y: u64,
    /// What English doubles at a word's end: kiss, full, stuff, buzz.
    doubled_last: u64,
}

impl Signs {
    /// Reads a block of a text, given which of its bytes belong to words, and the block before.
    ///
    /// All of it is worked out from the planes of the bytes' bits: sixty-four bytes take as many operations as one would.
    #[inline(always)]
    fn read(text: &[u8], at: usize, words: u64, before: &Self) -> Self {
        let rest = text.get(at..).unwrap_or_default();
        let padded = padded(rest);
        let planes = planes(rest.first_chunk().unwrap_or(&padded));
        let [p0, p1, p2, p3, p4, p5, p6, foreign] = planes;
        let ascii = !foreign;
        // 0x30 to 0x39; a blank is 0x20 or 0x09 to 0x0D.
        let digits = ascii & !p6 & p5 & p4 & !(p3 & (p2 | p1));
        let low = ascii & !p6 & !p4;
        let controls = low & !p5 & p3 & !(p2 & p1) & (p2 | p1 | p0);
        let blanks = controls | low & p5 & !p3 & !p2 & !p1 & !p0;
        let marks = !words & !blanks;
        // In the row of 0x20 these are ! # $ % ( * +, and all marks from 0x40 on are taken for symbols.
        let row = ascii & !p6 & p5 & !p4;
        let symbols = row & (!p2 & (p3 & (p1 | !p0) | !p3 & p0) | p2 & !p3 & !p1) | marks & p6;
        let letter = ascii & p6;
        // By the last five bits: a 00001, e 00101, i 01001, o 01111, u 10101, y 11001; s 10011, l 01100, f 00110, z 11010.
        let a_or_i = letter & !p4 & !p2 & !p1 & p0;
        let e_or_o = letter & !p4 & p2 & p0 & !(p3 ^ p1);
        let u_or_y = letter & p4 & !p1 & p0 & (p3 ^ p2);
        let s_or_z = letter & p4 & !p2 & p1 & (p3 ^ p0);
        let l_or_f = letter & !p4 & p2 & !p0 & (p3 ^ p1);
        let letters = words & !digits & !foreign;
        // A capital and a small letter differ in bit 5 alone.
        let changed = [0, 1, 2, 3, 4, 6, 7].iter().fold(0, |changed, &bit| {
            let [here, last] =
                [&planes, &before.planes].map(|planes| planes.get(bit).copied().unwrap_or_default());
            changed | here ^ moved_on(here, last, 1)
        });
        Self {
            planes,
            words,
            starts: words & !moved_on(words, before.words, 1),
            marks,
            blanks,
            // 0x2D
            hyphens: ascii & !p6 & p5 & !p4 & p3 & p2 & !p1 & p0,
            symbols,
            // Without (.
            first_symbols: symbols & !(row & p3 & !p1),
            digits,
            foreign,
            letters,
            alphabetic: letters & p6,
            same: !changed,
            twice: letters & !changed,
            a_or_i,
            e_or_o,
            u_or_y,
            doubled_last: s_or_z | l_or_f,
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

    /// Where a word begins after another and one to three marks.
    #[inline(always)]
    fn joined(&self) -> u64 {
        let (&Signs { words, starts, marks, digits, .. }, before) = (self.signs, self.before);
        let [word2, word3, word4] = [2, 3, 4].map(|by| moved_on(words, before.words, by));
        let [mark1, mark2, mark3] = [1, 2, 3].map(|by| moved_on(marks, before.marks, by));
        // Not of two numbers.
        let numbers = digits & moved_on(digits, before.digits, 2);
        starts & mark1 & !numbers & (word2 | mark2 & (word3 | mark3 & word4))
    }

    /// A hyphen after a word, and a blank after it: where a line ends, the next word may go on with the last.
    #[inline(always)]
    fn broken(&self) -> u64 {
        let (&Signs { words, blanks, hyphens, .. }, before) = (self.signs, self.before);
        hyphens & moved_on(words, before.words, 1) & (blanks >> 1 | LAST)
    }

    /// Symbols, or the same mark twice, after a word; and where a word begins after a symbol that no word stands before.
    #[inline(always)]
    fn symbols_beside(&self) -> u64 {
        let (&Signs { words, starts, marks, blanks, symbols, same, .. }, before) = (self.signs, self.before);
        let after = symbols & !(blanks >> 1) | marks & ((marks & same) >> 1 | LAST);
        let symbol = moved_on(self.signs.first_symbols, before.first_symbols, 1);
        let joined = moved_on(self.signs.alphabetic, before.alphabetic, 2);
        after & moved_on(words, before.words, 1) | starts & symbol & !joined
    }

    /// The third of symbols in a row.
    #[inline(always)]
    fn symbols_in_a_row(&self) -> u64 {
        let (here, before) = (self.signs.first_symbols, self.before.first_symbols);
        let three = here & moved_on(here, before, 1) & moved_on(here, before, 2);
        three & !(three << 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the planes say of each byte is what the byte is.
    #[test]
    fn the_planes_tell_every_byte() {
        for value in 0..=255_u8 {
            let other = value ^ 0x20;
            let text: Vec<u8> = [[value, other], [b'.', b';']].concat().repeat(16);
            let block: &[u8; BLOCK] = text.as_slice().try_into().unwrap();
            let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80;
            let mask = |holds: &dyn Fn(u8) -> bool| {
                block.iter().rev().fold(0, |mask, byte| mask << 1 | u64::from(holds(*byte)))
            };
            let words = mask(&is_word);
            let signs = Signs::read(block, 0, words, &Signs::default());
            let among = |set: &'static [u8]| mask(&move |byte| set.contains(&byte.to_ascii_lowercase()));
            assert_eq!(signs.blanks, mask(&is_blank), "{value}");
            assert_eq!(signs.digits, mask(&|byte| byte.is_ascii_digit()), "{value}");
            assert_eq!(signs.foreign, mask(&|byte| byte >= 0x80), "{value}");
            assert_eq!(signs.hyphens, among(b"-"), "{value}");
            assert_eq!(signs.a_or_i & words, among(b"ai"), "{value}");
            assert_eq!(signs.e_or_o & words, among(b"eo"), "{value}");
            assert_eq!(signs.u_or_y & words, among(b"uy"), "{value}");
            assert_eq!(signs.doubled_last & words, among(b"slfz"), "{value}");
            let mark = |byte: u8| byte.is_ascii() && !is_word(byte) && !is_blank(byte);
            let symbol = |byte: u8| b"!#$%(*+".contains(&byte) || mark(byte) && byte >= b'@';
            assert_eq!(signs.symbols, mask(&symbol), "{value}");
            assert_eq!(signs.first_symbols, mask(&|byte| symbol(byte) && byte != b'('), "{value}");
            assert_eq!(signs.alphabetic, mask(&|byte| byte.is_ascii_alphabetic()), "{value}");
            let twice = mask(&|byte| byte == other && byte.is_ascii_alphabetic());
            assert_eq!(signs.twice, twice, "{value}");
        }
    }
}
