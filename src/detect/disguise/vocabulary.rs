//! The words of terms that lists want found in disguise, and whether some characters are one of them. Sees no text.

use std::collections::{HashMap, HashSet};

use super::glyph::{CLASSES, Glyph, class};
use crate::detect::filter::three_bits;
use crate::detect::switches::{Disguise, Disguises};

/// Most characters of a disguised word.
pub(super) const LETTERS: usize = 24;
/// How many letters at a word's start are looked up before the rest is read.
const OPENING: usize = 4;
/// Blocks of 64 bits for these: eight kibibytes, which the processor's nearest cache has room for.
const OPENINGS: usize = 1024;
/// Fewest letters of a word that is looked for in disguise.
const SHORTEST: usize = 3;

/// Words that are looked for in disguise.
#[derive(Debug, Clone, Default)]
pub(super) struct Vocabulary {
    words: Vec<Entry>,
    /// Whole words by the hash of their classes, each run of one class taken once.
    whole: HashMap<u32, Vec<u32>>,
    /// Beginnings of words (`bull*`) likewise.
    beginnings: HashMap<u32, Vec<u32>>,
    /// A bit for each hash of `beginnings`.
    begun: Vec<u64>,
    /// Whole words by their first letter and their length; beginnings, which fit many lengths, by their first letter and 0.
    initials: HashMap<(u8, usize), Vec<u32>>,
    /// For each two classes, the classes that follow them at the start of a word; bit 0 stands for none or any.
    starts: Vec<u32>,
    /// Three bits for each hash of `whole`.
    seen: Vec<u64>,
    /// Three bits for each four classes that a word may begin with, be any of its letters doubled.
    openings: Vec<u64>,
    /// Three bits for each hash of what a word begins with, all of it among them.
    stems: Vec<u64>,
}

#[derive(Debug, Clone)]
struct Entry {
    letters: Vec<u8>,
    beginning: bool,
}

/// A word that some characters were read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Match<'v> {
    pub(super) word: &'v str,
    pub(super) by: Disguises,
}

impl Vocabulary {
    /// Of words as they fold, and whether each is a beginning.
    pub(super) fn new<'w>(words: impl Iterator<Item = (&'w str, bool)>) -> Self {
        let mut vocabulary =
            Self { starts: vec![0; 32 * 32], openings: vec![0; OPENINGS], ..Self::default() };
        for (word, beginning) in words {
            vocabulary.add(word, beginning);
        }
        vocabulary.seen = blocks(vocabulary.whole.keys(), vocabulary.whole.len() / 4, bits);
        let stems: HashSet<u32> = vocabulary.words.iter().flat_map(Entry::stems).collect();
        vocabulary.stems = blocks(stems.iter(), stems.len() / 8, bits);
        vocabulary.begun = blocks(vocabulary.beginnings.keys(), vocabulary.beginnings.len(), begun_bit);
        vocabulary
    }

    fn add(&mut self, word: &str, beginning: bool) {
        let plain = word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let letters = word.bytes().any(|byte| byte.is_ascii_lowercase());
        if !plain || !letters || !(SHORTEST..=LETTERS).contains(&word.len()) {
            return;
        }
        let number = self.words.len() as u32;
        self.words.push(Entry { letters: word.as_bytes().to_vec(), beginning });
        let initial = word.as_bytes().first().copied().unwrap_or_default();
        let length = if beginning { 0 } else { word.len() };
        self.initials.entry((initial, length)).or_default().push(number);
        let classes = squeezed(word.bytes().map(class));
        self.add_start(&classes);
        self.add_openings(&classes, beginning);
        let hash = hash_of(&classes);
        if beginning {
            self.beginnings.entry(hash).or_default().push(number);
        } else {
            self.whole.entry(hash).or_default().push(number);
        }
    }

    /// A word of one or two classes may go on in any way, since it is doubled letters that are squeezed out.
    fn add_start(&mut self, classes: &[u8]) {
        let at = |place: usize| classes.get(place).copied().unwrap_or_default();
        let (one, two, three) = (at(0), at(1), at(2));
        for (first, second, third) in [(one, two, three), (one, two, 0), (one, 0, 0)] {
            if let Some(starts) = self.starts.get_mut(start_of(first, second)) {
                *starts |= 1 << third;
            }
        }
    }

    /// Each way to write the word's first classes with some of them doubled; a beginning may go on with any.
    fn add_openings(&mut self, classes: &[u8], beginning: bool) {
        let mut openings: Vec<(usize, Vec<u8>)> = vec![(0, Vec::new())];
        while let Some((taken, opening)) = openings.pop() {
            if let Ok(four) = <[u8; OPENING]>::try_from(opening.as_slice()) {
                let (block, bits) = opening_bits(u32::from_le_bytes(four));
                if let Some(block) = self.openings.get_mut(block) {
                    *block |= bits;
                }
                continue;
            }
            let same = opening.last().copied();
            let onward = match classes.get(taken) {
                Some(next) => *next..next + 1,
                None if beginning => 1..CLASSES,
                None => 0..0,
            };
            let next = onward.filter(|class| Some(*class) != same).map(|class| (taken + 1, class));
            let ways = same.map(|class| (taken, class)).into_iter().chain(next);
            openings.extend(ways.map(|(taken, class)| (taken, [opening.as_slice(), &[class]].concat())));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether a word may begin with these classes; a class of 0 says nothing.
    #[inline(always)]
    fn may_start(&self, first: u8, second: u8, third: u8) -> bool {
        let starts = |second| self.starts.get(start_of(first, second)).copied().unwrap_or_default();
        starts(second) >> (third & 31) & 1 != 0
    }

    /// Whether a word may begin with these classes, where a class more than once stands for any number of it, and 0 for any
    /// class and any after it.
    pub(super) fn may_begin(&self, classes: [u8; 3]) -> bool {
        match classes {
            [0, ..] => true,
            [one, two, _] if one == two || two == 0 => self.may_start(one, 0, 0),
            [one, two, three] if two == three => self.may_start(one, two, 0),
            [one, two, three] => self.may_start(one, two, three),
        }
    }

    /// The words that some glyphs are read as, the disguise told by which.
    pub(super) fn read<'v>(&'v self, glyphs: &[Glyph], matches: &mut Vec<Match<'v>>) {
        if glyphs.len() > LETTERS {
            return;
        }
        let mut hash = Hash::default();
        for class in glyphs.iter().map(Glyph::class) {
            if hash.add(class) && self.may_have_begun(hash) {
                self.verify(self.beginnings.get(&hash.sum), glyphs, matches);
            }
        }
        if self.knows(hash) {
            self.verify(self.whole.get(&hash.sum), glyphs, matches);
        }
    }

    /// Whether two pieces may be one word together, or begin with one that reaches into the second; both up to any apostrophe.
    /// Says so where one has a character beyond ASCII. Found with hardly a branch, since most may not be.
    pub(super) fn may_know(&self, first: &[u8], second: &[u8]) -> bool {
        let foreign = || !first.is_ascii() || !second.is_ascii();
        let mut start = Hash::default();
        for class in first.iter().map(|byte| class(*byte)) {
            if class == 0 {
                return foreign() || self.is_whole(start);
            }
            start.add(class);
        }
        if !self.may_go_on(start) {
            return false;
        }
        let (mut hash, mut begun) = (start, false);
        for class in second.iter().map(|byte| class(*byte)) {
            if class == 0 {
                if foreign() {
                    return true;
                }
                break;
            }
            hash.add(class);
            begun |= self.may_have_begun(hash);
        }
        begun && self.is_begun(start, second) || self.is_whole(hash)
    }

    fn is_begun(&self, mut hash: Hash, onward: &[u8]) -> bool {
        let mut classes = onward.iter().map(|byte| class(*byte)).take_while(|class| *class != 0);
        classes.any(|class| hash.add(class) && self.beginnings.contains_key(&hash.sum))
    }

    fn is_whole(&self, hash: Hash) -> bool {
        self.knows(hash) && self.whole.contains_key(&hash.sum)
    }

    /// Whether some plain letters and digits may be a word, or begin with one, that is written otherwise.
    pub(super) fn may_be_other(&self, bytes: &[u8]) -> bool {
        let same = |number: &u32| {
            self.words.get(*number as usize).is_none_or(|entry| {
                let whole = entry.beginning || entry.letters.len() == bytes.len();
                whole
                    && bytes
                        .get(..entry.letters.len())
                        .is_some_and(|start| start.eq_ignore_ascii_case(&entry.letters))
            })
        };
        let other = |numbers: Option<&Vec<u32>>| numbers.into_iter().flatten().any(|number| !same(number));
        let mut hash = Hash::default();
        for class in bytes.iter().map(|byte| class(*byte)) {
            if hash.add(class) && self.may_have_begun(hash) && other(self.beginnings.get(&hash.sum)) {
                return true;
            }
        }
        self.knows(hash) && other(self.whole.get(&hash.sum))
    }

    /// Whether some letters may be the first four of a word, found without a branch. Says so where one is no letter or digit.
    #[inline(always)]
    pub(super) fn may_open_with(&self, letters: [u8; OPENING]) -> bool {
        let classes = u32::from_le_bytes(letters.map(class));
        // What is taken from a class of 0 sets its highest bit.
        let unclear = classes.wrapping_sub(0x0101_0101) & 0x8080_8080 != 0;
        let (block, bits) = opening_bits(classes);
        unclear | self.openings.get(block).is_some_and(|block| block & bits == bits)
    }

    /// Whether a word may begin with some letters, or with fewer of them where it is a beginning. Says so where one is no letter
    /// or digit.
    pub(super) fn may_begin_with(&self, letters: &[u8]) -> bool {
        let mut hash = Hash::default();
        for class in letters.iter().map(|byte| class(*byte)) {
            if class == 0 || hash.add(class) && self.may_have_begun(hash) {
                return true;
            }
        }
        self.may_go_on(hash)
    }

    /// Whether a word may begin with what has a hash.
    fn may_go_on(&self, hash: Hash) -> bool {
        holds(&self.stems, hash.sum, bits(hash.sum))
    }

    #[inline(always)]
    fn may_have_begun(&self, hash: Hash) -> bool {
        holds(&self.begun, hash.sum, begun_bit(hash.sum))
    }

    fn knows(&self, hash: Hash) -> bool {
        holds(&self.seen, hash.sum, bits(hash.sum))
    }

    fn verify<'v>(&'v self, numbers: Option<&Vec<u32>>, glyphs: &[Glyph], matches: &mut Vec<Match<'v>>) {
        for entry in numbers.into_iter().flatten().filter_map(|number| self.words.get(*number as usize)) {
            if let Some(by) = align(&entry.letters, glyphs, entry.beginning) {
                matches.extend(entry.found(by));
            }
        }
    }

    /// The words that a pattern is read as, in which `None` is a masked letter.
    pub(super) fn unmask<'v>(&'v self, pattern: &[Option<Glyph>], matches: &mut Vec<Match<'v>>) {
        let Some(Some(first)) = pattern.first() else { return };
        let [initial, _] = first.letters;
        let fitting = [pattern.len(), 0].map(|length| self.initials.get(&(initial, length)));
        let numbers = fitting.into_iter().flatten().flatten();
        for entry in numbers.filter_map(|number| self.words.get(*number as usize)) {
            if let Some(by) = entry.unmask(pattern) {
                matches.extend(entry.found(by));
            }
        }
    }
}

impl Entry {
    /// The hashes of what it begins with.
    fn stems(&self) -> impl Iterator<Item = u32> {
        self.letters.iter().scan(Hash::default(), |hash, letter| {
            hash.add(class(*letter));
            Some(hash.sum)
        })
    }

    fn found(&self, by: Disguises) -> Option<Match<'_>> {
        Some(Match { word: std::str::from_utf8(&self.letters).ok()?, by })
    }

    fn unmask(&self, pattern: &[Option<Glyph>]) -> Option<Disguises> {
        let (same, rest) = pattern.split_at_checked(self.letters.len())?;
        if !rest.is_empty() && !self.beginning {
            return None;
        }
        let mut by = Disguises::NONE;
        let mut masked = 0;
        for (glyph, letter) in same.iter().zip(&self.letters) {
            match glyph {
                None => masked += 1,
                Some(glyph) => by = glyph.stands_for(*letter)?.map_or(by, |disguise| by.with(disguise)),
            }
        }
        // Of three letters only the vowel may be hidden: `a*b` is a sum.
        let three = self.letters.len() > 3
            || same
                .iter()
                .zip(&self.letters)
                .all(|(glyph, letter)| glyph.is_some() || b"aeiou".contains(letter));
        // What hides more than it shows fits many words.
        let hidden = 2 * masked > self.letters.len();
        (masked > 0 && three).then(|| by.with(if hidden { Disguise::Hidden } else { Disguise::Masked }))
    }
}

/// How glyphs stand for a word's letters: each for one, and more of the same for a letter that is doubled; nothing where
/// they do not.
fn align(letters: &[u8], glyphs: &[Glyph], beginning: bool) -> Option<Disguises> {
    let mut state = Alignment { letters, glyphs, beginning, steps: 0 };
    state.from(0, 0, Disguises::NONE)
}

/// Most steps of one alignment. Only glyphs that stand for two letters each make it try more than one way.
const STEPS: usize = 200;

struct Alignment<'a> {
    letters: &'a [u8],
    glyphs: &'a [Glyph],
    beginning: bool,
    steps: usize,
}

impl Alignment<'_> {
    /// From a letter and a glyph on; as deep as the word is long.
    fn from(&mut self, letter: usize, glyph: usize, by: Disguises) -> Option<Disguises> {
        self.steps += 1;
        let Some(&wanted) = self.letters.get(letter) else {
            return (self.beginning || glyph == self.glyphs.len()).then_some(by);
        };
        if self.steps > STEPS {
            return None;
        }
        let needed = self.letters.iter().skip(letter).take_while(|next| **next == wanted).count();
        let alike = |glyph: &Glyph| glyph.stands_for(wanted);
        let there = self.glyphs.iter().skip(glyph).map_while(alike).collect::<Vec<_>>();
        for taken in needed..=there.len() {
            let by = there.iter().take(taken).flatten().fold(by, |by, disguise| by.with(*disguise));
            let by = if taken > needed { by.with(Disguise::Doubled) } else { by };
            let odd = taken == needed || self.is_odd(letter, needed, taken);
            let found = if odd { self.from(letter + needed, glyph + taken, by) } else { None };
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// [`is_odd_double`] of the letters that stand for one of the word's.
    fn is_odd(&self, letter: usize, needed: usize, taken: usize) -> bool {
        let wanted = self.letters.get(letter).copied().unwrap_or_default();
        let next = self.letters.get(letter + needed).copied();
        let ends = next.is_none() && (self.letters.len() < 4 || self.beginning);
        is_odd_double(wanted, letter == 0, next, taken) && (!ends || taken > 2 || b"aiu".contains(&wanted))
    }
}

/// Whether no English word doubles its letter so: loose is no lose, and a rapper no raper; but nobody writes three of a
/// letter, or two of a, i or u, or doubles a consonant before another.
fn is_odd_double(letter: u8, opens: bool, next: Option<u8>, times: usize) -> bool {
    match letter {
        _ if times >= 3 => true,
        b'a' | b'i' | b'u' => true,
        b'e' | b'o' => false,
        _ if opens => true,
        _ => match next {
            Some(next) => !b"aeiouy".contains(&next),
            // Kiss, full, stuff and buzz end so.
            None => !b"slfz".contains(&letter),
        },
    }
}

/// Whether a plain word has a letter doubled as no English word has it.
pub(super) fn has_odd_double(word: &[u8]) -> bool {
    let mut at = 0;
    for run in word.chunk_by(|one, next| one.eq_ignore_ascii_case(next)) {
        let (letter, next) = (run.first().map_or(0, u8::to_ascii_lowercase), word.get(at + run.len()));
        if run.len() > 1 && is_odd_double(letter, at == 0, next.map(u8::to_ascii_lowercase), run.len()) {
            return true;
        }
        at += run.len();
    }
    false
}

/// Where what follows two classes is kept.
#[inline(always)]
fn start_of(first: u8, second: u8) -> usize {
    usize::from(first & 31) << 5 | usize::from(second & 31)
}

/// Each run of one class once.
fn squeezed(classes: impl Iterator<Item = u8>) -> Vec<u8> {
    let mut squeezed: Vec<u8> = classes.collect();
    squeezed.dedup();
    squeezed
}

/// Which of [`OPENINGS`] has the three bits of four classes, and which they are.
#[inline(always)]
fn opening_bits(classes: u32) -> (usize, u64) {
    let hash = u64::from(classes).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((hash >> 54) as usize % OPENINGS, three_bits(hash))
}

/// Some blocks, a power of two, in which bits stand for hashes.
fn blocks<'h>(hashes: impl Iterator<Item = &'h u32>, count: usize, bits: impl Fn(u32) -> u64) -> Vec<u64> {
    let mut blocks = vec![0; count.next_power_of_two().max(1 << 4)];
    let last = blocks.len() - 1;
    for hash in hashes {
        if let Some(block) = blocks.get_mut(*hash as usize & last) {
            *block |= bits(*hash);
        }
    }
    blocks
}

/// Whether bits are all set in a hash's block.
#[inline(always)]
fn holds(blocks: &[u64], hash: u32, bits: u64) -> bool {
    let block = blocks.get(hash as usize & blocks.len().wrapping_sub(1));
    block.is_some_and(|block| block & bits == bits)
}

/// Three bits that stand for a hash in its block.
fn bits(hash: u32) -> u64 {
    1 << (hash >> 26) | 1 << (hash >> 20 & 63) | 1 << (hash >> 14 & 63)
}

/// The bit of a beginning's hash.
#[inline(always)]
fn begun_bit(hash: u32) -> u64 {
    1 << (hash >> 26)
}

/// The hash of classes, each run of one class taken once: a sum of what stands for each two that follow one another, which is
/// nothing for two of the same, so that no branch asks.
#[derive(Debug, Clone, Copy, Default)]
struct Hash {
    sum: u32,
    last: u8,
}

impl Hash {
    /// Takes the next class, and tells whether it is another than the last.
    #[inline(always)]
    fn add(&mut self, class: u8) -> bool {
        let pair = start_of(self.last, class);
        self.sum = self.sum.wrapping_add(PAIRS.get(pair).copied().unwrap_or_default());
        let is_other = class != self.last;
        self.last = class;
        is_other
    }
}

fn hash_of(classes: &[u8]) -> u32 {
    let mut hash = Hash::default();
    for class in classes {
        hash.add(*class);
    }
    hash.sum
}

/// A number that looks random for each two classes, and zero for two of the same (SplitMix64).
#[allow(
    clippy::indexing_slicing,
    reason = "a table that the compiler works out: a wrong index does not compile"
)]
static PAIRS: [u32; 1 << 10] = {
    let mut pairs = [0; 1 << 10];
    let (mut at, mut state) = (0, 0_u64);
    while at < pairs.len() {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut value = state;
        value = (value ^ value >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        value = (value ^ value >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        if at >> 5 != at & 31 {
            pairs[at] = (value >> 32) as u32;
        }
        at += 1;
    }
    pairs
};
