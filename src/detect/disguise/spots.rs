//! Notices, a few instructions a word, where a disguise may stand. May notice what is none; never reads the word itself.

use std::cell::Cell;

use super::glyph::class;
use super::odd::{OddWords, most_numbers};
use super::vocabulary::{Vocabulary, has_odd_double};

/// A stretch of text to look at, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether the words beside it matter.
    pub(super) wide: bool,
}

/// The bytes of a word as the sweep cuts it.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::detect) struct Run {
    pub(in crate::detect) start: usize,
    pub(in crate::detect) end: usize,
}

impl Run {
    fn length(&self) -> usize {
        self.end - self.start
    }
}

/// A stretch of text as the sweep cuts it.
pub(in crate::detect) struct Stretch<'m, R: Fn(usize) -> Run> {
    /// The byte at which it begins.
    pub(in crate::detect) base: usize,
    /// For each sixty-four bytes, which of them belong to words.
    pub(in crate::detect) words: &'m [u64],
    /// How many words it has that are no part of the next stretch, and each of them.
    pub(in crate::detect) count: usize,
    pub(in crate::detect) run_at: R,
}

thread_local! {
    /// One that was put away, for a thread's next text: its lists take 50 kB.
    static PUT_AWAY: Cell<Notice> = Cell::default();
}

/// Notices spots, word after word.
#[derive(Debug, Default)]
pub(super) struct Notice {
    before: Run,
    odd: OddWords,
    /// The numbers of words that are worth a look, and room for more.
    worth: Vec<usize>,
}

impl Notice {
    /// One that has noticed nothing, with the room that an earlier one had.
    pub(super) fn again() -> Self {
        Self { before: Run::default(), ..PUT_AWAY.take() }
    }

    /// Keeps its room for the next.
    pub(super) fn put_away(self) {
        PUT_AWAY.set(self);
    }

    /// Looks at the next words of a text.
    pub(super) fn words(
        &mut self,
        text: &[u8],
        vocabulary: &Vocabulary,
        stretch: &Stretch<'_, impl Fn(usize) -> Run>,
        spots: &mut Vec<Spot>,
    ) {
        let Stretch { base, words, count, run_at } = stretch;
        self.odd.find(text, *base, words, *count);
        let known = spots.len();
        let before = |number: usize| number.checked_sub(1).map_or(self.before, run_at);
        let mut found = |start: usize, end: usize, wide: bool| spots.push(Spot { start, end, wide });
        let worth = keep(&mut self.worth, *count, self.odd.inside(), |number| {
            may_open(text, vocabulary, &run_at(number))
        });
        for run in worth.iter().copied().map(run_at).filter(|run| is_disguise(text, vocabulary, run)) {
            found(run.start, run.end, false);
        }
        for run in self.odd.foreign().map(run_at).filter(|run| has_foreign_disguise(text, vocabulary, run)) {
            found(run.start, run.end, false);
        }
        let worth = keep(&mut self.worth, *count, self.odd.symbols(), |number| {
            may_have_symbols_beside(text, &run_at(number))
        });
        for run in worth.iter().copied().map(run_at).filter(|run| may_have_symbols(text, vocabulary, run)) {
            found(run.start, run.end, false);
        }
        let worth = keep(&mut self.worth, *count, self.odd.pieces(), |number| {
            may_open_together(text, vocabulary, &before(number), &run_at(number))
        });
        for (before, run) in worth.iter().map(|number| (before(*number), run_at(*number))) {
            if may_be_one(text, vocabulary, &before, &run) {
                found(before.start, run.end, true);
            }
        }
        for (before, run) in self.odd.after_symbols().map(|number| (before(number), run_at(number))) {
            if is_symbol_word(text.get(before.end..run.start).unwrap_or_default()) {
                found(before.end, run.start, false);
            }
        }
        spots
            .get_mut(known..)
            .unwrap_or_default()
            .sort_unstable_by_key(|spot| (spot.start, spot.end, spot.wide));
        spots.dedup();
        self.before = count.checked_sub(1).map_or(self.before, run_at);
    }
}

/// Keeps of some numbers below a count those that are worth a look.
///
/// Few are, and which is hard to foresee, for the processor too: so each is written down, and the next is written over it unless
/// it is worth one.
#[inline(always)]
fn keep(
    kept: &mut Vec<usize>,
    count: usize,
    numbers: impl Iterator<Item = usize>,
    is_worth: impl Fn(usize) -> bool,
) -> &[usize] {
    kept.resize(kept.len().max(most_numbers(count)), 0);
    let mut worth = 0;
    for number in numbers {
        if let Some(slot) = kept.get_mut(worth) {
            *slot = number;
        }
        worth += usize::from(is_worth(number));
    }
    kept.get(..worth).unwrap_or_default()
}

/// Whether a word of the vocabulary may begin with a word's first letters; found without a branch.
#[inline(always)]
fn may_open(text: &[u8], vocabulary: &Vocabulary, run: &Run) -> bool {
    let four = text.get(run.start..run.start + 4).and_then(|four| four.try_into().ok());
    four.is_none_or(|four| (run.length() < 4) | vocabulary.may_open_with(four))
}

/// Whether a word of the vocabulary may begin with two pieces, as far as their first letters tell; found without a branch.
#[inline(always)]
fn may_open_together(text: &[u8], vocabulary: &Vocabulary, before: &Run, run: &Run) -> bool {
    let eight = |at: usize| text.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
    let (Some(first), Some(second)) = (eight(before.start), eight(run.start)) else { return true };
    let (length, together) = (8 * before.length().min(4), before.length() + run.length());
    let [one, two, three, four, ..] = (first & ((1 << length) - 1) | second << length).to_le_bytes();
    let opens = (together < 4) | vocabulary.may_open_with([one, two, three, four]);
    opens & (run.start.wrapping_sub(before.end) <= FAR)
}

/// Whether [`may_have_symbols`] may hold.
#[inline(always)]
fn may_have_symbols_beside(text: &[u8], run: &Run) -> bool {
    let [before_last, last] = [2, 1].map(|back| byte(text, run.start.wrapping_sub(back)));
    let rest @ [next, after, ..] = [0, 1, 2, 3].map(|on| byte(text, run.end + on));
    let is_letter = |byte: u8| kind(byte) & (VOWEL | LONE) != 0;
    let [_, second, third, fourth] = rest.map(is_letter);
    let address = (next == b'@') & (run.length() > 2) & second & third & fourth;
    let goes_on = (kind(next) & LETTER != 0) & (kind(after) & BLANK == 0) & !address;
    let twice = (next == after) & (kind(next) & DOUBLED != 0);
    let follows = (kind(last) & SYMBOL != 0) & !before_last.is_ascii_alphabetic();
    goes_on | twice | follows
}

/// Whether what stands between two words may be a word of symbols alone: three letters at least.
fn is_symbol_word(between: &[u8]) -> bool {
    let symbols = |three: &[u8]| three.iter().all(|byte| kind(*byte) & SYMBOL != 0);
    let letters = || between.iter().filter(|byte| class(**byte) != 0).count();
    (4..100).contains(&between.len()) && letters() >= 3 && between.windows(3).any(symbols)
}

/// Whether a word may be one of the vocabulary with the symbols before it, or with those after it.
fn may_have_symbols(text: &[u8], vocabulary: &Vocabulary, run: &Run) -> bool {
    let after = has_symbol_after(text, run);
    if !after && kind(byte(text, run.start.wrapping_sub(1))) & SYMBOL == 0 {
        return false;
    }
    // A symbol beside digits is a price or a telephone number.
    if !text.get(run.start..run.end).unwrap_or_default().iter().any(u8::is_ascii_alphabetic) {
        return false;
    }
    if after && may_start(vocabulary, text, run) && may_begin_with(text, vocabulary, run) {
        return true;
    }
    let before = text.get(run.start.saturating_sub(SYMBOLS)..run.start).unwrap_or_default();
    let signs =
        before.iter().rev().take_while(|byte| class(**byte) != 0 && !byte.is_ascii_alphabetic()).count();
    // What stands between two words is looked at with the first of them, unless that is an address's.
    let start = run.start - signs;
    signs > 0
        && !byte(text, start.wrapping_sub(1)).is_ascii_alphabetic()
        && vocabulary.may_begin([0, 1, 2].map(|place| class(byte(text, start + place))))
        && may_begin_with(text, vocabulary, &Run { start, end: run.end })
}

/// Whether a word of the vocabulary may begin with all that a run has. After a mark a run may be the middle of a word.
fn may_begin_with(text: &[u8], vocabulary: &Vocabulary, run: &Run) -> bool {
    let first = run.start == 0 || kind(byte(text, run.start - 1)) & BLANK != 0;
    !first || vocabulary.may_begin_with(text.get(run.start..run.end).unwrap_or_default())
}

/// Most symbols and digits that stand for a word's first letters.
const SYMBOLS: usize = 8;

/// Farthest that two pieces of one word stand apart, in bytes: a hyphen, a line break and a quotation mark or two.
const FAR: usize = 8;

/// Whether what follows a word may be one of its letters.
fn has_symbol_after(text: &[u8], run: &Run) -> bool {
    let (after, next) = (byte(text, run.end), byte(text, run.end + 1));
    let goes_on = kind(after) & LETTER != 0 && kind(next) & BLANK == 0;
    match after {
        // One alone is part of a name or joins two; two hide letters.
        b'_' | b'&' | b'~' => next == after,
        // After more than a few letters they are a dash or an ellipsis.
        b'-' => next == after && run.length() < 4,
        b'.' => next == after && run.length() < 4 && !ends_with_dots(text, run),
        // With more on both sides it is an address.
        b'@' => {
            let rest = text.get(run.end + 1..run.end + 4).unwrap_or_default();
            goes_on && (run.length() < 3 || !rest.iter().all(u8::is_ascii_alphanumeric))
        }
        _ => goes_on,
    }
}

/// Whether the dots after a word are all that stands before a blank.
fn ends_with_dots(text: &[u8], run: &Run) -> bool {
    let after = text.get(run.end..).unwrap_or_default();
    after.iter().find(|byte| **byte != b'.').is_none_or(|byte| !byte.is_ascii_alphanumeric())
}

/// Whether a word of ASCII by itself may be one of the vocabulary in disguise.
fn is_disguise(text: &[u8], vocabulary: &Vocabulary, run: &Run) -> bool {
    let letters = stem(text, run);
    let plain = letters.iter().all(u8::is_ascii_alphabetic);
    let number = !letters.iter().any(u8::is_ascii_alphabetic);
    !number && letters.is_ascii() && (!plain || has_odd_double(letters)) && vocabulary.may_be_other(letters)
}

/// Whether a word that is not all of ASCII may be one of the vocabulary in disguise, or have one between typographic marks.
fn has_foreign_disguise(text: &[u8], vocabulary: &Vocabulary, run: &Run) -> bool {
    let parts =
        text.get(run.start..run.end).and_then(|word| std::str::from_utf8(word).ok()).unwrap_or_default();
    parts.split(|letter| letter == '\'' || is_mark(letter)).map(str::as_bytes).any(|part| {
        let odd = || has_look_alike(part) || part.iter().any(u8::is_ascii_digit) || has_odd_double(part);
        vocabulary.may_begin([0, 1, 2].map(|place| class(byte(part, place)))) && odd()
    })
}

/// Whether a character beyond ASCII parts words to the eye: a blank, a quotation mark, a dash, an ellipsis.
fn is_mark(letter: char) -> bool {
    matches!(letter,
        '\u{A0}' | '\u{AB}' | '\u{B7}' | '\u{BB}' | '\u{2000}'..='\u{200A}' | '\u{2010}'..='\u{201F}'
        | '\u{2023}'..='\u{2029}' | '\u{202F}'..='\u{205E}')
}

/// A word without what it has from an apostrophe on.
fn stem<'t>(text: &'t [u8], run: &Run) -> &'t [u8] {
    let letters = text.get(run.start..run.end).unwrap_or_default();
    letters.split(|letter| *letter == b'\'').next().unwrap_or_default()
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
    if before.end == 0 || run.start - before.end > FAR {
        return false;
    }
    if before.length() == 1 && run.length() == 1 {
        return may_start_spaced(text, vocabulary, before, run);
    }
    let [first, second] = [before, run].map(|run| text.get(run.start..run.end).unwrap_or_default());
    if first.len() + second.len() < 3 || !vocabulary.may_know(first, second) {
        return false;
    }
    let gap = text.get(before.end..run.start).unwrap_or_default();
    let torn = is_torn(first) || is_torn(second);
    let marked = || is_marked(gap) && (torn || first.len() + second.len() > 5);
    let blank = || gap.iter().all(|byte| kind(*byte) & BLANK != 0 || *byte == b'>' || *byte >= 0x80);
    torn && blank() || marked()
}

/// Whether a word of the vocabulary may begin with two letters that stand apart and what comes after them: one letter more
/// at least, and not far.
fn may_start_spaced(text: &[u8], vocabulary: &Vocabulary, before: &Run, run: &Run) -> bool {
    let after = text.get(run.end..).unwrap_or_default().iter().take(FAR + 1);
    let third = after.copied().find(|byte| class(*byte) != 0 || *byte >= 0x80);
    let [one, two, three] = [byte(text, before.start), byte(text, run.start), third.unwrap_or_default()];
    // A number says nothing, and neither do two of a digit.
    let number = one.is_ascii_digit() && two.is_ascii_digit() && (one == two || three.is_ascii_digit());
    third.is_some() && !number && vocabulary.may_begin([one, two, three].map(class))
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
fn may_start(vocabulary: &Vocabulary, text: &[u8], run: &Run) -> bool {
    let letters = text.get(run.start..run.end).unwrap_or_default();
    vocabulary.may_begin([0, 1, 2].map(|place| class(byte(letters, place))))
}

/// A single letter other than a and i, or two or three letters without a vowel.
fn is_torn(letters: &[u8]) -> bool {
    match letters {
        [one] => kind(*one) & LONE != 0,
        letters @ ([_, _] | [_, _, _]) => letters.iter().all(|letter| kind(*letter) & (VOWEL | DIGIT) == 0),
        _ => false,
    }
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
/// Stands for letters where it is doubled.
const DOUBLED: u8 = 128;

#[allow(
    clippy::indexing_slicing,
    reason = "a table that the compiler works out: a wrong index does not compile"
)]
static KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let sets: [(&[u8], u8); 8] = [
        (b"!#$%&'()*+,-./:;=@\\^_`|~<>\"", MARK),
        (b"!#$+@|*", SYMBOL),
        (b" \t\r\n\x0B\x0C", BLANK),
        (b"aeiouyAEIOUY", VOWEL),
        (b"0123456789'", DIGIT),
        (b"bcdefghjklmnopqrstuvwxyzBCDEFGHJKLMNOPQRSTUVWXYZ", LONE),
        (b"!#$%(*+@^_|", LETTER),
        (b"_&~-.", DOUBLED),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts of what disguises are made of, the same at every run.
    fn text(seed: u64, length: usize) -> String {
        let signs: Vec<char> = "aeioutwkssllppnr01$@!*-.+_&~ \n  ".chars().collect();
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            signs[(state >> 59) as usize]
        };
        (0..length).map(|_| next()).collect()
    }

    /// What is noticed when every word is looked at is noticed when only those are that the masks call odd.
    #[test]
    fn the_masks_miss_no_word_that_is_worth_a_look() {
        let words = ["twit", "kiss", "plonker", "asset", "pillow", "ass", "kill", "spell", "wall"];
        let beginnings = [("pst", true), ("lk", true), ("tw", true), ("slop", true)];
        let vocabulary = Vocabulary::new(words.into_iter().map(|word| (word, false)).chain(beginnings));
        let mut noticed = 0;
        for seed in 0..400 {
            let text = text(seed, 150 + seed as usize);
            let bytes = text.as_bytes();
            let mut masks = vec![0_u64; bytes.len().div_ceil(64)];
            let mut runs: Vec<Run> = Vec::new();
            for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| byte.is_ascii_alphanumeric()) {
                masks[at / 64] |= 1 << (at % 64);
                match runs.last_mut().filter(|run| run.end == at) {
                    Some(run) => run.end = at + 1,
                    None => runs.push(Run { start: at, end: at + 1 }),
                }
            }
            let stretch =
                Stretch { base: 0, words: &masks, count: runs.len(), run_at: |number| runs[number] };
            let mut spots = Vec::new();
            Notice::default().words(bytes, &vocabulary, &stretch, &mut spots);
            let (mut all, mut before) = (Vec::new(), Run::default());
            for run in &runs {
                if may_start(&vocabulary, bytes, run) && is_disguise(bytes, &vocabulary, run) {
                    all.push(Spot { start: run.start, end: run.end, wide: false });
                }
                if may_have_symbols_beside(bytes, run) && may_have_symbols(bytes, &vocabulary, run) {
                    all.push(Spot { start: run.start, end: run.end, wide: false });
                }
                if may_be_one(bytes, &vocabulary, &before, run) {
                    all.push(Spot { start: before.start, end: run.end, wide: true });
                }
                if before.end > 0 && is_symbol_word(&bytes[before.end..run.start]) {
                    all.push(Spot { start: before.end, end: run.start, wide: false });
                }
                before = *run;
            }
            // Left out are numbers that a mark joins, and a beside i, which are words by themselves.
            let tells = |byte: &u8| byte.is_ascii_alphabetic() && !b"ai".contains(byte);
            all.retain(|spot| !spot.wide || bytes[spot.start..spot.end].iter().any(tells));
            for spot in &all {
                assert!(spots.contains(spot), "{:?} of {text:?}", &text[spot.start..spot.end]);
            }
            noticed += all.len();
        }
        assert!(noticed > 2_000, "only {noticed}");
    }
}
