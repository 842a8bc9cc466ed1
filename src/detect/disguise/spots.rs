//! Notices, a few instructions a word, where a disguise may stand. May notice what is none; never reads the word itself.

use super::glyph::class;
use super::vocabulary::{Vocabulary, has_odd_double};

/// A stretch of text to look at, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether the words beside it matter.
    pub(super) wide: bool,
}

/// A word of a text as the sweep cuts it: its bytes, and its first sixteen in lower case with zeros after its end.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::detect) struct Run {
    pub(in crate::detect) start: usize,
    pub(in crate::detect) end: usize,
    pub(in crate::detect) first: u64,
    pub(in crate::detect) second: u64,
}

impl Run {
    fn length(&self) -> usize {
        self.end - self.start
    }
}

/// Notices spots, word after word.
#[derive(Debug, Default)]
pub(super) struct Notice {
    before: Run,
    /// Which words may be odd. They wait here, so that the loop over all words has no branch that is hard to foresee.
    odd: Vec<u16>,
}

impl Notice {
    /// Looks at the next words of a text, so many of them.
    #[inline(always)]
    pub(super) fn words(
        &mut self,
        text: &[u8],
        vocabulary: &Vocabulary,
        (count, run_at): (usize, impl Fn(usize) -> Run),
        spots: &mut Vec<Spot>,
    ) {
        if self.odd.len() <= count {
            self.odd.resize(count + 1, 0);
        }
        let mut odd_count = 0;
        let mut end = self.before.end;
        let mut torn_before = is_torn(&self.before);
        for number in 0..count {
            let run = run_at(number);
            let torn = is_torn(&run);
            let odd = torn | torn_before | is_odd_inside(&run) | is_odd_outside(text, &run, end);
            if let Some(slot) = self.odd.get_mut(odd_count) {
                *slot = number as u16;
            }
            odd_count += usize::from(odd);
            (end, torn_before) = (run.end, torn);
        }
        for number in self.odd.get(..odd_count).unwrap_or_default() {
            let number = usize::from(*number);
            let before = number.checked_sub(1).map_or(self.before, &run_at);
            look(text, vocabulary, &before, &run_at(number), spots);
        }
        self.before = count.checked_sub(1).map_or(self.before, run_at);
    }
}

/// Looks at a word that may be odd, and at the word before it.
fn look(text: &[u8], vocabulary: &Vocabulary, before: &Run, run: &Run, spots: &mut Vec<Spot>) {
    let Run { start, end, .. } = *run;
    let left = byte(text, start.wrapping_sub(1));
    let inside_address = left == b'@' && byte(text, start.wrapping_sub(2)).is_ascii_alphanumeric();
    let before_word = kind(left) & SYMBOL != 0 && !inside_address;
    // A symbol beside digits is a price or a telephone number.
    let letters = (run.first | run.second) & 0x4040_4040_4040_4040 != 0;
    let symbol = letters && (before_word || has_symbol_after(text, run));
    if symbol && may_start(vocabulary, run, before_word) || is_disguise(text, vocabulary, run) {
        spots.push(Spot { start, end, wide: false });
    }
    if before.end == 0 {
        return;
    }
    let gap = start - before.end;
    if gap <= FAR && may_be_one(text, vocabulary, before, run) {
        spots.push(Spot { start: before.start, end, wide: true });
    }
    // A word of symbols alone.
    if gap >= 4 {
        let between = text.get(before.end..start).unwrap_or_default();
        let symbols = |three: &[u8]| three.iter().all(|byte| kind(*byte) & SYMBOL != 0);
        if between.len() < 100 && between.windows(3).any(symbols) {
            spots.push(Spot { start: before.end, end: start, wide: false });
        }
    }
}

/// Farthest that two pieces of one word stand apart, in bytes: a hyphen, a line break and a quotation mark or two.
const FAR: usize = 8;

/// Whether what follows a word may be one of its letters.
fn has_symbol_after(text: &[u8], run: &Run) -> bool {
    let (after, next) = (byte(text, run.end), byte(text, run.end + 1));
    let goes_on = kind(after) & LETTER != 0 && kind(next) & BLANK == 0;
    match after {
        // One alone is part of a name; two hide letters.
        b'_' => next == b'_',
        // With more on both sides it is an address.
        b'@' => {
            let rest = text.get(run.end + 1..run.end + 4).unwrap_or_default();
            goes_on && (run.length() < 3 || !rest.iter().all(u8::is_ascii_alphanumeric))
        }
        _ => goes_on,
    }
}

/// Whether a word by itself may be one of the vocabulary in disguise.
fn is_disguise(text: &[u8], vocabulary: &Vocabulary, run: &Run) -> bool {
    if !is_odd_inside(run) {
        return false;
    }
    let letters = text.get(run.start..run.end).unwrap_or_default();
    if !letters.is_ascii() {
        return has_look_alike(letters) && may_start(vocabulary, run, false)
            || letters.iter().any(u8::is_ascii_digit) && may_start(vocabulary, run, false);
    }
    let plain = letters.iter().all(u8::is_ascii_alphabetic);
    let number = !letters.iter().any(u8::is_ascii_alphabetic);
    !number && (!plain || has_odd_double(letters)) && vocabulary.may_be_other(letters)
}

/// Whether bytes beyond ASCII are more than accents and typographic marks. A letter's first byte tells its block: 0xC3 to 0xC9
/// are Latin, 0xE2 0x80 is punctuation.
fn has_look_alike(letters: &[u8]) -> bool {
    letters.windows(2).any(|pair| match *pair {
        [0xC2, sign] => matches!(sign, 0xA1..=0xA3 | 0xA7),
        [0xE2, 0x80] => false,
        [0xC3..=0xC9 | 0xCC | 0xCD, _] => false,
        [first, _] => first >= 0xC0,
        _ => false,
    })
}

/// Whether two words may be pieces of one: torn apart by a space or a line's end, or with a mark between.
fn may_be_one(text: &[u8], vocabulary: &Vocabulary, before: &Run, run: &Run) -> bool {
    let pieces =
        [text.get(before.start..before.end), text.get(run.start..run.end)].map(Option::unwrap_or_default);
    let [first, second] = pieces;
    let torn = is_torn(before) || is_torn(run);
    let gap = text.get(before.end..run.start).unwrap_or_default();
    let marked = is_marked(gap);
    let blank = gap.iter().all(|byte| kind(*byte) & BLANK != 0 || *byte == b'>' || *byte >= 0x80);
    match (first, second) {
        ([one], [two]) => {
            one.is_ascii_alphanumeric()
                && two.is_ascii_alphanumeric()
                && vocabulary.may_start(class(*one), class(*two), 0)
        }
        _ if !(marked || torn && blank) => false,
        _ if !torn && first.len() + second.len() < 6 => false,
        _ if first.is_ascii() && second.is_ascii() => vocabulary.may_know(first, second),
        _ => may_start(vocabulary, before, false),
    }
}

/// Whether a mark, or a hyphen and a line's end, is all that stands between two words.
fn is_marked(gap: &[u8]) -> bool {
    match gap {
        [b'-', rest @ ..] => rest.first().is_none_or(|next| matches!(next, b'\r' | b'\n')),
        [first, ..] => {
            gap.len() < 4 && kind(*first) & MARK != 0 && gap.iter().all(|byte| kind(*byte) & BLANK == 0)
        }
        [] => false,
    }
}

/// Whether a word of the vocabulary may begin with a word's first three letters, as far as they tell.
fn may_start(vocabulary: &Vocabulary, run: &Run, symbol: bool) -> bool {
    // A symbol before the word may be its first letter.
    if symbol {
        return true;
    }
    let [one, two, three, ..] = run.first.to_le_bytes().map(class);
    match () {
        () if one == 0 => true,
        () if one == two || two == 0 => vocabulary.may_start(one, 0, 0),
        () if two == three || three == 0 => vocabulary.may_start(one, two, 0),
        () => vocabulary.may_start(one, two, three),
    }
}

/// A digit beside a letter, bytes beyond ASCII, or a letter twice.
#[inline(always)]
fn is_odd_inside(run: &Run) -> bool {
    let (length, first, second) = (run.length(), run.first, run.second);
    let (one, two) = (mask(length), mask(length.saturating_sub(8)));
    // Letters have bit 6; digits don't, and have bit 4, which the apostrophe has not.
    let digits = (!first & first << 2 & one | !second & second << 2 & two) & 0x4040_4040_4040_4040 != 0;
    let letters = (first | second) & 0x4040_4040_4040_4040 != 0;
    let foreign = (first | second) & 0x8080_8080_8080_8080 != 0;
    let pairs = has_zero((first ^ first >> 8) | !mask(length.saturating_sub(1)))
        | has_zero((second ^ second >> 8) | !mask(length.saturating_sub(9)));
    foreign | pairs | digits & letters
}

/// A mark between it and the word before, a symbol beside it, or much between the two.
#[inline(always)]
fn is_odd_outside(text: &[u8], run: &Run, before: usize) -> bool {
    let (left, after, next) = (
        kind(byte(text, run.start.wrapping_sub(1))),
        kind(byte(text, run.end)),
        kind(byte(text, run.end + 1)),
    );
    let gap = run.start.wrapping_sub(before);
    let marked = (left & MARK != 0) & (gap < 4) | (after & LETTER != 0) & (next & BLANK == 0);
    let broken = (gap > 1) & (gap <= FAR) & (byte(text, before) == b'-');
    marked | broken | (left & SYMBOL != 0) | (gap >= 5)
}

/// A single letter other than a and i, or two or three letters without a vowel.
#[inline(always)]
fn is_torn(run: &Run) -> bool {
    let [one, two, three, ..] = run.first.to_le_bytes();
    let kinds = kind(one) | kind(two) | kind(three);
    let consonants = kinds & (VOWEL | DIGIT) == 0;
    let length = run.length();
    (length == 1) & (kind(one) & LONE != 0) | (length == 2 || length == 3) & consonants
}

/// The lowest so many bytes.
#[inline(always)]
fn mask(length: usize) -> u64 {
    if length >= 8 { u64::MAX } else { (1 << (8 * length)) - 1 }
}

#[inline(always)]
fn has_zero(bytes: u64) -> bool {
    bytes.wrapping_sub(0x0101_0101_0101_0101) & !bytes & 0x8080_8080_8080_8080 != 0
}

#[inline(always)]
fn byte(text: &[u8], at: usize) -> u8 {
    text.get(at).copied().unwrap_or(b' ')
}

#[inline(always)]
fn kind(byte: u8) -> u8 {
    KINDS.get(usize::from(byte)).copied().unwrap_or_default()
}

/// May stand between the letters of a disguised word, or for one of them.
const MARK: u8 = 1;
/// May stand for a letter at a word's start, or for a whole word.
const SYMBOL: u8 = 2;
const BLANK: u8 = 4;
const VOWEL: u8 = 8;
/// A digit, or no letter at all.
const DIGIT: u8 = 16;
/// A single letter that is no word.
const LONE: u8 = 32;
/// May stand for a letter within a word.
const LETTER: u8 = 64;

#[allow(
    clippy::indexing_slicing,
    reason = "a table that the compiler works out: a wrong index does not compile"
)]
static KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let sets: [(&[u8], u8); 7] = [
        (b"!#$%&'()*+,-./:;=@\\^_`|~<>\"", MARK),
        (b"!#$+@|*", SYMBOL),
        (b" \t\r\n\x0B\x0C", BLANK),
        (b"aeiouy", VOWEL),
        (b"0123456789'", DIGIT),
        (b"bcdefghjklmnopqrstuvwxyz", LONE),
        (b"!#$%(*+@^_|", LETTER),
    ];
    let mut set = 0;
    while set < sets.len() {
        let mut at = 0;
        while at < sets[set].0.len() {
            kinds[sets[set].0[at] as usize] |= sets[set].1;
            at += 1;
        }
        set += 1;
    }
    let mut foreign = 128;
    while foreign < 256 {
        kinds[foreign] |= DIGIT;
        foreign += 1;
    }
    kinds
};
