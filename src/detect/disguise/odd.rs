//! Says of many words at once which of them may be odd, with a few bit masks for twice sixty-four bytes. May say so of words
//! that are none; never of a word by what it means.

use crate::detect::blocks::{BLOCK, Masks, moved_back, moved_on, planes};

/// The numbers of a stretch's words that may be odd, by what is odd about them.
#[derive(Debug, Default)]
pub(super) struct OddWords {
    /// Those that are odd by their own letters.
    inside: Numbers,
    /// Those that are not all of ASCII.
    foreign: Numbers,
    /// Those with symbols beside them that may stand for letters.
    symbols: Numbers,
    /// Those that may be one word with the word before.
    pieces: Numbers,
    /// Those before which symbols stand in a row.
    after_symbols: Numbers,
    /// Where these are odd, block by block.
    places: Vec<Places>,
}

impl OddWords {
    /// Finds those of a stretch that begins at a byte, given masks of the bytes that belong to words and how many words these
    /// are.
    pub(super) fn find(&mut self, text: &[u8], base: usize, words: &[u64], count: usize) {
        let all = [
            &mut self.inside,
            &mut self.foreign,
            &mut self.symbols,
            &mut self.pieces,
            &mut self.after_symbols,
        ];
        for numbers in all {
            // What stands before the first may be anything.
            numbers.begin_with_first(count);
        }
        self.find_places(text, base, words);
        let (mut begun, mut torn_before) = (0, 0);
        for places in &self.places {
            let starts = places.starts;
            let pieces = places.pieces | next_starts(places.torn, starts, &mut torn_before);
            self.pieces.add_starts(pieces, starts, begun);
            self.inside.add_all(places.inside, starts, begun);
            self.symbols.add_all(places.symbols, starts, begun);
            // Most blocks have none of these.
            if places.foreign | places.broken | places.symbols_in_a_row != 0 {
                self.foreign.add_all(places.foreign, starts, begun);
                self.pieces.add_all(places.broken, starts, begun + 1);
                self.after_symbols.add_all(places.symbols_in_a_row, starts, begun + 1);
            }
            begun += starts.count_ones() as usize;
        }
    }

    /// Reads the blocks of both halves of a stretch side by side.
    fn find_places(&mut self, text: &[u8], base: usize, words: &[u64]) {
        let half = words.len().div_ceil(2);
        let words_of = |number: usize| words.get(number).copied().unwrap_or_default();
        let text_of = |number: usize| text.get(base + number * BLOCK..).unwrap_or_default();
        // Before the second half stands the end of the first; before that, nothing.
        let ends = half.saturating_sub(1);
        let mut before =
            Signs::read([&[], text_of(ends)], Masks::new([0, words_of(ends)]), &Signs::default());
        // Those that were there are written over.
        self.places.resize(2 * half, Places::default());
        let (first_half, second_half) = self.places.split_at_mut(half);
        for (number, (first, second)) in first_half.iter_mut().zip(second_half).enumerate() {
            let [here, after] =
                [number, number + 1].map(|number| Masks::new([words_of(number), words_of(number + half)]));
            let signs = Signs::read([text_of(number), text_of(number + half)], here, &before);
            Block { signs: &signs, before: &before, after }.note(first, second);
            before = signs;
        }
    }

    pub(super) fn inside(&self) -> impl Iterator<Item = usize> {
        self.inside.iter()
    }

    pub(super) fn foreign(&self) -> impl Iterator<Item = usize> {
        self.foreign.iter()
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

/// What is odd in a block, and where.
#[derive(Debug, Clone, Copy, Default)]
struct Places {
    /// Where its words begin.
    starts: u64,
    inside: u64,
    foreign: u64,
    symbols: u64,
    pieces: u64,
    torn: u64,
    broken: u64,
    symbols_in_a_row: u64,
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

/// How many numbers of a kind there may be of so many words: each is added twice at most.
pub(super) fn most_numbers(words: usize) -> usize {
    2 * (words + 2)
}

/// Numbers of words.
#[derive(Debug, Default)]
struct Numbers {
    /// Them, and room for more.
    slots: Vec<usize>,
    taken: usize,
    /// How many words there are.
    count: usize,
}

impl Numbers {
    /// Takes all out but the first, and makes room for those below a count.
    fn begin_with_first(&mut self, count: usize) {
        // What was written before is written over.
        self.slots.resize(self.slots.len().max(most_numbers(count)), 0);
        if let Some(first) = self.slots.first_mut() {
            *first = 0;
        }
        (self.taken, self.count) = (1, count);
    }

    /// Adds the last word that begins at or before each place; `begun` is how many begin before the block, or one more to add the
    /// word after.
    #[inline(always)]
    fn add_all(&mut self, places: u64, starts: u64, begun: usize) {
        let mut left = places;
        while left != 0 {
            let number = last_number(left, starts, begun);
            left &= left - 1;
            let last = self.taken.checked_sub(1).and_then(|last| self.slots.get(last)).copied();
            if let Some(slot) = self.slots.get_mut(self.taken).filter(|_| last != Some(number)) {
                *slot = number;
                self.taken += 1;
            }
        }
    }

    /// Adds the words that begin at some places; `begun` is how many begin before the block.
    ///
    /// How many there are is hard to foresee, for the processor too. So two are written whatever their number, and what is written
    /// beyond it is written over by the next.
    #[inline(always)]
    fn add_starts(&mut self, places: u64, starts: u64, begun: usize) {
        let mut left = places;
        loop {
            for _ in 0..2 {
                if let Some(slot) = self.slots.get_mut(self.taken) {
                    *slot = last_number(left, starts, begun);
                }
                self.taken += usize::from(left != 0);
                left &= left.wrapping_sub(1);
            }
            if left == 0 {
                return;
            }
        }
    }

    fn iter(&self) -> impl Iterator<Item = usize> {
        let taken = self.slots.get(..self.taken).unwrap_or(&self.slots);
        taken.iter().copied().filter(|number| *number < self.count)
    }
}

/// The number of the last word that begins at or before the first place.
#[inline(always)]
fn last_number(places: u64, starts: u64, begun: usize) -> usize {
    let up_to = places ^ places.wrapping_sub(1);
    (begun + (starts & up_to).count_ones() as usize).wrapping_sub(1)
}

/// Masks of what the bytes of two blocks are.
#[derive(Default)]
struct Signs {
    /// For each bit of a byte, the lowest first, where it is set.
    planes: [Masks; 8],
    /// Parts of words, and where these begin.
    words: Masks,
    starts: Masks,
    /// Neither blank nor part of a word.
    marks: Masks,
    blanks: Masks,
    hyphens: Masks,
    /// Marks that may stand for a letter within a word, and a few more.
    symbols: Masks,
    /// Those that may stand for one at its start, and a few more.
    first_symbols: Masks,
    /// Dots and hyphens, two of which stand for letters of a short word.
    dots: Masks,
    /// & and all marks from 0x40 on, two of which stand for letters.
    pairs: Masks,
    at_signs: Masks,
    digits: Masks,
    foreign: Masks,
    /// Letters and apostrophes.
    letters: Masks,
    /// Letters without apostrophes.
    alphabetic: Masks,
    /// The same as the byte before, but for its case.
    same: Masks,
    /// The same letter as the byte before.
    twice: Masks,
    a_or_i: Masks,
    e_or_o: Masks,
    u_or_y: Masks,
    /// What English doubles at a word's end: kiss, full, stuff, buzz.
    doubled_last: Masks,
}

impl Signs {
    /// Reads two blocks, each from the beginning of a text, given which of their bytes belong to words, and the blocks before.
    ///
    /// All of it is worked out from the planes of the bytes' bits: a hundred and twenty-eight bytes take as many operations as
    /// one would.
    #[inline(always)]
    fn read(texts: [&[u8]; 2], words: Masks, before: &Self) -> Self {
        let [first, second] = texts;
        let mut planes = [Masks::default(); 8];
        for (plane, halves) in planes.iter_mut().zip(planes_of(first).into_iter().zip(planes_of(second))) {
            *plane = Masks::new(halves.into());
        }
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
        let changed = [0, 1, 2, 3, 4, 6, 7].iter().fold(Masks::default(), |changed, &bit| {
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
            dots: row & p3 & p2 & (p1 ^ p0),
            pairs: row & p2 & !p3 & p1 & !p0 | marks & p6,
            at_signs: marks & p6 & !(p0 | p1 | p2 | p3 | p4 | p5),
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

/// The planes of a text's first block.
#[inline(always)]
fn planes_of(text: &[u8]) -> [u64; 8] {
    match text.first_chunk() {
        Some(block) => planes(block),
        None => planes(&padded(text)),
    }
}

/// A text that is shorter than a block, and blanks.
fn padded(rest: &[u8]) -> [u8; BLOCK] {
    let mut padded = [b' '; BLOCK];
    for (to, from) in padded.iter_mut().zip(rest) {
        *to = *from;
    }
    padded
}

/// Two blocks with what stands around them.
struct Block<'s> {
    signs: &'s Signs,
    before: &'s Signs,
    /// The bytes of the next blocks that belong to words.
    after: Masks,
}

/// The last bit of a block: what follows it is not known, and taken for whatever is odd.
const LAST: Masks = Masks::new([1 << 63; 2]);

impl Block<'_> {
    /// Writes down what is odd in each of them.
    #[inline(always)]
    fn note(&self, first: &mut Places, second: &mut Places) {
        let all = [
            self.signs.starts,
            self.inside(),
            self.foreign(),
            self.symbols_beside(),
            self.joined() | self.torn(),
            self.torn(),
            self.broken(),
            self.symbols_in_a_row(),
        ];
        let all = all.map(|masks| masks.to_array());
        [*first, *second] = [0, 1].map(|block| {
            let [starts, inside, foreign, symbols, pieces, torn, broken, symbols_in_a_row] =
                all.map(|[first, second]| if block == 0 { first } else { second });
            Places { starts, inside, foreign, symbols, pieces, torn, broken, symbols_in_a_row }
        });
    }

    /// Places within words that are odd by their letters: a digit beside a letter, and a letter doubled as English words don't
    /// have it.
    #[inline(always)]
    fn inside(&self) -> Masks {
        let (&Signs { digits, letters, .. }, before) = (self.signs, self.before);
        let mixed =
            digits & moved_on(letters, before.letters, 1) | letters & moved_on(digits, before.digits, 1);
        mixed | self.doubled()
    }

    /// Where bytes beyond ASCII begin.
    #[inline(always)]
    fn foreign(&self) -> Masks {
        self.signs.foreign & !(self.signs.foreign << 1_u32)
    }

    #[inline(always)]
    fn doubled(&self) -> Masks {
        let &Signs { words, twice, a_or_i, e_or_o, u_or_y, doubled_last, starts, .. } = self.signs;
        let opens = moved_on(starts, self.before.starts, 1);
        let goes_on = moved_back(words, self.after, 1);
        let before_vowel = (a_or_i | e_or_o | u_or_y) >> 1_u32;
        let odd_next = goes_on & !before_vowel | !goes_on & !doubled_last;
        twice & (moved_on(twice, self.before.twice, 1) | !e_or_o & (a_or_i | u_or_y | opens | odd_next))
    }

    /// Where a word begins that is a letter other than a and i, or two or three letters without a vowel.
    #[inline(always)]
    fn torn(&self) -> Masks {
        let &Signs { words, starts, letters, a_or_i, e_or_o, u_or_y, .. } = self.signs;
        let consonants = letters & !(a_or_i | e_or_o | u_or_y);
        let [second, third] = [1_u32, 2].map(|by| consonants >> by | !(Masks::MAX >> by));
        let [one, two, three] = [1, 2, 3].map(|by| !moved_back(words, self.after, by));
        starts & (letters & !a_or_i & one | consonants & second & !one & (two | third & three))
    }

    /// Where a word begins after another and one to three marks.
    #[inline(always)]
    fn joined(&self) -> Masks {
        let (&Signs { words, starts, marks, digits, .. }, before) = (self.signs, self.before);
        let [word2, word3, word4] = [2, 3, 4].map(|by| moved_on(words, before.words, by));
        let [mark1, mark2, mark3] = [1, 2, 3].map(|by| moved_on(marks, before.marks, by));
        // Not of two numbers.
        let numbers = digits & moved_on(digits, before.digits, 2);
        starts & mark1 & !numbers & (word2 | mark2 & (word3 | mark3 & word4))
    }

    /// A hyphen after a word, and a blank after it: where a line ends, the next word may go on with the last.
    #[inline(always)]
    fn broken(&self) -> Masks {
        let (&Signs { words, blanks, hyphens, .. }, before) = (self.signs, self.before);
        hyphens & moved_on(words, before.words, 1) & (blanks >> 1_u32 | LAST)
    }

    /// Symbols, or the same mark twice, after a word; and where a word begins after a symbol that no word stands before.
    #[inline(always)]
    fn symbols_beside(&self) -> Masks {
        let (&Signs { words, starts, blanks, symbols, dots, pairs, .. }, before) = (self.signs, self.before);
        let [word1, word2, word3, word4] = [1, 2, 3, 4].map(|by| moved_on(words, before.words, by));
        let three = word2 & word3;
        // After more letters dots and hyphens are an ellipsis or a dash.
        let twice = (pairs | dots & !(three & word4)) & (self.signs.same >> 1_u32 | LAST);
        let [one_on, two_on, three_on] = [1_u32, 2, 3].map(|by| self.signs.alphabetic >> by);
        let addresses = self.signs.at_signs & three & one_on & two_on & three_on;
        let after = symbols & !(blanks >> 1_u32 | addresses) | twice;
        let symbol = moved_on(self.signs.first_symbols, before.first_symbols, 1);
        let joined = moved_on(self.signs.alphabetic, before.alphabetic, 2);
        after & word1 | starts & symbol & !joined
    }

    /// The third of symbols in a row.
    #[inline(always)]
    fn symbols_in_a_row(&self) -> Masks {
        let (here, before) = (self.signs.first_symbols, self.before.first_symbols);
        let three = here & moved_on(here, before, 1) & moved_on(here, before, 2);
        three & !(three << 1_u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_blank(byte: u8) -> bool {
        byte == b' ' || byte.wrapping_sub(b'\t') < 5
    }

    /// What the planes say of each byte is what the byte is.
    #[test]
    fn the_planes_tell_every_byte() {
        for value in 0..=255_u8 {
            let other = value ^ 0x20;
            let text: Vec<u8> = [[value, other], [b'.', b';']].concat().repeat(16);
            let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80;
            let mask = |holds: &dyn Fn(u8) -> bool| {
                Masks::splat(text.iter().rev().fold(0, |mask, byte| mask << 1 | u64::from(holds(*byte))))
            };
            let words = mask(&is_word);
            let signs = Signs::read([&text, &text], words, &Signs::default());
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
            assert_eq!(signs.dots, mask(&|byte| b".-".contains(&byte)), "{value}");
            let pair = |byte: u8| byte == b'&' || mark(byte) && byte >= b'@';
            assert_eq!(signs.pairs, mask(&pair), "{value}");
            assert_eq!(signs.at_signs, mask(&|byte| byte == b'@'), "{value}");
            assert_eq!(signs.alphabetic, mask(&|byte| byte.is_ascii_alphabetic()), "{value}");
            let twice = mask(&|byte| byte == other && byte.is_ascii_alphabetic());
            assert_eq!(signs.twice, twice, "{value}");
        }
    }
}
