//! The words of terms that lists want found in disguise, and whether some characters are one of them. Sees no text.

use std::collections::HashMap;

use super::glyph::{Glyph, class};
use crate::detect::switches::{Disguise, Disguises};

/// Most characters of a disguised word.
pub(super) const LETTERS: usize = 24;
/// How many classes at a word's start are looked up before the rest is read.
const OPENING: usize = 4;
/// Blocks of 64 bits for these: four kibibytes, which the processor's nearest cache has room for.
const OPENINGS: usize = 512;
/// Fewest letters of a word that is looked for in disguise.
const SHORTEST: usize = 3;

/// Words that are looked for in disguise.
#[derive(Debug, Clone, Default)]
pub(super) struct Vocabulary {
    words: Vec<Entry>,
    /// Whole words by the hash of their classes, each run of one class taken once.
    whole: HashMap<u64, Vec<u32>>,
    /// Beginnings of words (`bull*`) likewise.
    beginnings: HashMap<u64, Vec<u32>>,
    /// Which lengths in classes beginnings have, one bit each.
    lengths: u32,
    /// Whole words by their first letter and their length; beginnings, which fit many lengths, by their first letter and 0.
    initials: HashMap<(u8, usize), Vec<u32>>,
    /// For each two classes, the classes that follow them at the start of a word; bit 0 stands for none or any.
    starts: Vec<u32>,
    /// Three bits for each hash of `whole` and `beginnings`.
    seen: Vec<u64>,
    /// A bit for each hash of a word's first classes, of which words that have no more are left out.
    openings: Vec<u64>,
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
        let hashes: Vec<u64> = vocabulary.whole.keys().chain(vocabulary.beginnings.keys()).copied().collect();
        let blocks = (hashes.len() / 4).next_power_of_two().max(1 << 6);
        vocabulary.seen = vec![0; blocks];
        for hash in hashes {
            if let Some(block) = vocabulary.seen.get_mut(hash as usize & (blocks - 1)) {
                *block |= bits(hash);
            }
        }
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
            self.lengths |= 1 << classes.len().min(31);
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

    /// A word with fewer classes opens nothing; a beginning with fewer goes on with any.
    fn add_openings(&mut self, classes: &[u8], beginning: bool) {
        if let Some(opening) = classes.get(..OPENING) {
            let hash = hash_of(opening);
            if let Some(bits) = self.openings.get_mut(opening_block(hash)) {
                *bits |= 1 << (hash >> 58);
            }
        } else if beginning {
            for next in (1..32).filter(|next| classes.last() != Some(next)) {
                self.add_openings(&[classes, &[next]].concat(), beginning);
            }
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
        let (mut hash, mut count, mut last) = (0, 0_u32, 0);
        for class in glyphs.iter().map(Glyph::class) {
            if class == last {
                continue;
            }
            (hash, count, last) = (step(hash, class), count + 1, class);
            if self.lengths >> count.min(31) & 1 != 0 && self.knows(hash) {
                self.verify(self.beginnings.get(&hash), glyphs, matches);
            }
        }
        if self.knows(hash) {
            self.verify(self.whole.get(&hash), glyphs, matches);
        }
    }

    /// Whether two pieces of plain letters and digits may be one word together, or begin with one that reaches into the
    /// second; both up to any apostrophe.
    pub(super) fn may_know(&self, first: &[u8], second: &[u8]) -> bool {
        let (mut hash, mut count, mut last) = (0, 0_u32, 0);
        let letters = first.iter().chain(second).map(|byte| class(*byte));
        for (at, class) in letters.take_while(|class| *class != 0).enumerate() {
            if class != last {
                (hash, count, last) = (step(hash, class), count + 1, class);
                if count == OPENING as u32 && !self.may_open(hash) {
                    return false;
                }
                if at >= first.len()
                    && self.lengths >> count.min(31) & 1 != 0
                    && self.knows(hash)
                    && self.beginnings.contains_key(&hash)
                {
                    return true;
                }
            }
        }
        self.knows(hash) && self.whole.contains_key(&hash)
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
        let (mut hash, mut count, mut last) = (0, 0_u32, 0);
        for class in bytes.iter().map(|byte| class(*byte)) {
            if class != last {
                (hash, count, last) = (step(hash, class), count + 1, class);
                if count == OPENING as u32 && !self.may_open(hash) {
                    return false;
                }
                if self.lengths >> count.min(31) & 1 != 0
                    && self.knows(hash)
                    && other(self.beginnings.get(&hash))
                {
                    return true;
                }
            }
        }
        self.knows(hash) && other(self.whole.get(&hash))
    }

    /// Whether a word may begin with the classes of a hash, [`OPENING`] of them.
    #[inline(always)]
    fn may_open(&self, hash: u64) -> bool {
        self.openings.get(opening_block(hash)).is_some_and(|bits| bits >> (hash >> 58) & 1 != 0)
    }

    /// Whether letters may be the first four of a word. Says so where they are not enough to tell: one is no letter or digit, or
    /// two of one class stand together.
    #[inline(always)]
    pub(super) fn may_open_with(&self, letters: [u8; OPENING]) -> bool {
        let classes @ [one, two, three, four] = letters.map(class);
        let unclear = (one == two) | (two == three) | (three == four) | classes.contains(&0);
        unclear | self.may_open(hash_of(&classes))
    }

    fn knows(&self, hash: u64) -> bool {
        let block = self.seen.get(hash as usize & (self.seen.len().wrapping_sub(1)));
        block.is_some_and(|block| block & bits(hash) == bits(hash))
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

/// Which of [`OPENINGS`] has a hash's bit.
#[inline(always)]
fn opening_block(hash: u64) -> usize {
    (hash >> 40) as usize % OPENINGS
}

/// Three bits that stand for a hash in its block.
fn bits(hash: u64) -> u64 {
    1 << (hash >> 58) | 1 << (hash >> 52 & 63) | 1 << (hash >> 46 & 63)
}

#[inline(always)]
fn hash_of(classes: &[u8]) -> u64 {
    classes.iter().fold(0, |hash, class| step(hash, *class))
}

#[inline(always)]
fn step(hash: u64, class: u8) -> u64 {
    (hash.rotate_left(7) ^ u64::from(class)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
