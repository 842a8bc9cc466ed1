//! Notices, a few instructions a word, where a disguise may stand. May notice what is none; never reads the word itself.

use super::glyph::class;
use super::vocabulary::Vocabulary;

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
    /// Words that may be odd, each with the word before it. They wait here, so that the loop over all words has no branch that
    /// is hard to foresee.
    odd: Vec<(Run, Run)>,
}

impl Notice {
    /// Looks at the next words of a text.
    #[inline(always)]
    pub(super) fn words(
        &mut self,
        text: &[u8],
        vocabulary: &Vocabulary,
        runs: impl ExactSizeIterator<Item = Run>,
        spots: &mut Vec<Spot>,
    ) {
        let most = runs.len() + 1;
        if self.odd.len() < most {
            self.odd.resize(most, (Run::default(), Run::default()));
        }
        let mut count = 0;
        let mut before = self.before;
        let mut torn_before = is_torn(&before);
        for run in runs {
            let torn = is_torn(&run);
            let odd = torn | torn_before | is_odd_inside(&run) | is_odd_outside(text, &run, &before);
            if let Some(slot) = self.odd.get_mut(count) {
                *slot = (before, run);
            }
            count += usize::from(odd);
            (before, torn_before) = (run, torn);
        }
        self.before = before;
        for (before, run) in self.odd.get(..count).unwrap_or_default() {
            look(text, vocabulary, before, run, spots);
        }
    }
}

/// Looks at a word that may be odd, and at the word before it.
fn look(text: &[u8], vocabulary: &Vocabulary, before: &Run, run: &Run, spots: &mut Vec<Spot>) {
    let Run { start, end, .. } = *run;
    let (left, after, next) = (byte(text, start.wrapping_sub(1)), byte(text, end), byte(text, end + 1));
    let broken = after == b'-' && matches!(next, b'\n' | b'\r');
    let marked = kind(after) & MARK != 0 && (broken || kind(next) & BLANK == 0);
    let open = marked || kind(left) & SYMBOL != 0;
    if (open || is_odd_inside(run)) && may_start(vocabulary, run, None, open, kind(left) & SYMBOL != 0) {
        spots.push(Spot { start, end, wide: broken });
    }
    if before.end == 0 {
        return;
    }
    let gap = start - before.end;
    // Two words that might be one, by way of a space or a line's end.
    if gap <= FAR
        && (is_torn(before) || is_torn(run))
        && may_start(vocabulary, before, Some(run), false, false)
    {
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

/// Whether a word of the vocabulary may begin with a word's first three letters; or, where the word is shorter and goes on in
/// the next, with its letters and the next one's.
fn may_start(vocabulary: &Vocabulary, run: &Run, next: Option<&Run>, open: bool, before: bool) -> bool {
    // A symbol before the word may be its first letter.
    if before {
        return true;
    }
    let mut letters = run.first;
    let mut known = run.length();
    if let (Some(next), true) = (next, known < 3) {
        letters |= next.first << (8 * known);
        known += next.length();
    }
    let [one, two, three, ..] = letters.to_le_bytes().map(class);
    // Letters beyond ASCII may be anything, and so may what follows a mark or a doubled letter.
    match () {
        () if one == 0 => true,
        () if one == two || two == 0 || known < 2 => vocabulary.may_start(one, 0, 0),
        () if two == three || three == 0 || known < 3 || open && run.length() < 3 => {
            vocabulary.may_start(one, two, 0)
        }
        () => vocabulary.may_start(one, two, three),
    }
}

/// A digit beside a letter, bytes beyond ASCII, or a letter twice.
#[inline(always)]
fn is_odd_inside(run: &Run) -> bool {
    let (length, first, second) = (run.length(), run.first, run.second);
    let (one, two) = (mask(length), mask(length.saturating_sub(8)));
    // Letters have bit 6, digits and the apostrophe don't.
    let digits = (!first & one | !second & two) & 0x4040_4040_4040_4040 != 0;
    let letters = (first | second) & 0x4040_4040_4040_4040 != 0;
    let foreign = (first | second) & 0x8080_8080_8080_8080 != 0;
    let pairs = has_zero((first ^ first >> 8) | !mask(length.saturating_sub(1)))
        | has_zero((second ^ second >> 8) | !mask(length.saturating_sub(9)));
    foreign | pairs | digits & letters
}

/// A mark between two letters, a symbol at the word's start, or much between it and the word before.
#[inline(always)]
fn is_odd_outside(text: &[u8], run: &Run, before: &Run) -> bool {
    let (left, after, next) = (
        kind(byte(text, run.start.wrapping_sub(1))),
        kind(byte(text, run.end)),
        kind(byte(text, run.end + 1)),
    );
    let marked = after & MARK != 0 && (next & BLANK == 0 || after & HYPHEN != 0);
    marked | (left & SYMBOL != 0) | (run.start.wrapping_sub(before.end) >= 5)
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
const HYPHEN: u8 = 64;

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
        (b"-", HYPHEN),
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
