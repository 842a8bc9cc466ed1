//! Terms that people disguise, in a text: notices where a disguise may stand, reads it, and follows the terms that it may be
//! part of. Finds no term that stands there as it is written.

mod glyph;
mod neighbours;
mod odd;
mod pieces;
mod spots;
#[cfg(test)]
mod tests;
mod vocabulary;

pub(super) use spots::{Run, Stretch};

use std::ops::Range;

use crate::detect::fold::{Words, joins};
use crate::detect::list::TERM_WORDS;
use crate::detect::switches::Disguises;
use crate::detect::trie::{Found, Trie};
use neighbours::Neighbours;
use pieces::{Pieces, Reading};
use spots::{Notice, Spot};
use vocabulary::{LETTERS, Vocabulary};

/// What lists want seen through, compiled once.
#[derive(Debug, Clone)]
pub(super) struct Disguised {
    vocabulary: Vocabulary,
    neighbours: Neighbours,
    /// For each list, the disguises that it asks for.
    lists: Vec<Disguises>,
}

impl Disguised {
    /// Nothing where no list asks for anything.
    pub(super) fn new(trie: &Trie, lists: Vec<Disguises>) -> Option<Self> {
        let asks = |list: usize| lists.get(list).is_some_and(|disguises| !disguises.is_empty());
        let vocabulary = Vocabulary::new(trie.words_of(asks).into_iter());
        (!vocabulary.is_empty()).then(|| Self { vocabulary, neighbours: Neighbours::new(trie), lists })
    }

    /// A search of one text.
    pub(super) fn search<'s>(&'s self, trie: &'s Trie, text: &'s str) -> Search<'s> {
        Search {
            disguised: self,
            trie,
            text,
            spots: Vec::new(),
            notice: Notice::again(),
            looked_at: 0,
            skipped: false,
            pieces: Pieces::of(text),
            readings: Vec::new(),
            found: Vec::new(),
        }
    }
}

/// A term that stands in a text in disguise, and where it begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unmasked {
    pub(super) start: usize,
    pub(super) found: Found,
}

/// A search of one text, fed with its words in their order.
pub(super) struct Search<'s> {
    disguised: &'s Disguised,
    trie: &'s Trie,
    text: &'s str,
    spots: Vec<Spot>,
    notice: Notice,
    /// How many spots were looked at so far.
    looked_at: usize,
    skipped: bool,
    pieces: Pieces<'s>,
    /// The last words that were read, which may yet be part of a phrase.
    readings: Vec<Reading<'s>>,
    /// What was found and not yet taken, in the order of the starts.
    found: Vec<Unmasked>,
}

/// Most spots of one text that are looked at for each kibibyte of it: ordinary mail has a dozen, and mail that has more than
/// this says nothing that a person could read.
const SPOTS_PER_KIBIBYTE: usize = 200;

impl Drop for Search<'_> {
    fn drop(&mut self) {
        std::mem::take(&mut self.notice).put_away();
    }
}

impl Search<'_> {
    /// Looks at the next words.
    #[inline(always)]
    pub(super) fn notice(&mut self, stretch: Stretch<'_, impl Fn(usize) -> Run>) {
        self.notice.words(self.text.as_bytes(), &self.disguised.vocabulary, &stretch, &mut self.spots);
    }

    /// Whether something was left out, because the text has more spots than any text that people write.
    pub(super) fn skipped(&self) -> bool {
        self.skipped
    }

    /// Reads what was noticed so far, and gives what begins before a byte, in order.
    pub(super) fn up_to(&mut self, limit: usize) -> Vec<Unmasked> {
        self.read_spots();
        let count = self.found.partition_point(|one| one.start < limit);
        self.found.drain(..count).collect()
    }

    /// Whether there is anything to read or to take.
    #[inline(always)]
    pub(super) fn is_idle(&self) -> bool {
        self.spots.is_empty() && self.found.is_empty()
    }

    fn read_spots(&mut self) {
        if self.spots.is_empty() {
            return;
        }
        let mut spots = std::mem::take(&mut self.spots);
        self.looked_at += spots.len();
        let most = SPOTS_PER_KIBIBYTE * (1 + self.text.len() / 1024);
        if self.looked_at > most {
            self.skipped = true;
            spots.clear();
            return;
        }
        let windows: Vec<(usize, usize)> = spots.iter().map(|spot| self.window(spot)).collect();
        let known = self.readings.len();
        for window in windows.chunk_by(|one, next| next.0 <= one.1) {
            let from = window.iter().map(|window| window.0).min().unwrap_or_default();
            let to = window.iter().map(|window| window.1).max().unwrap_or_default();
            self.pieces.take(from, to);
            self.pieces.readings(&self.disguised.vocabulary, &mut self.readings);
        }
        let readings = std::mem::take(&mut self.readings);
        if readings.len() > known {
            for near in readings.chunk_by(|one, next| next.start < one.end + PHRASE) {
                if self.disguised.neighbours.may_count(self.text, near) {
                    self.follow_all(near);
                }
            }
        }
        let last = windows.last().map_or(0, |window| window.1);
        self.readings = readings.into_iter().filter(|one| one.end + PHRASE > last).collect();
        spots.clear();
        self.spots = spots;
        self.found.sort_by_key(|one| one.start);
    }

    /// The bytes around a spot that must be read: its token, and those beside it where they matter.
    fn window(&self, spot: &Spot) -> (usize, usize) {
        let (mut from, mut to) = (self.token_start(spot.start), self.token_end(spot.end));
        if spot.wide {
            // Two tokens on either side, and as many more as are single letters.
            for number in 0..LETTERS {
                let (blank, before) = (self.blank_start(from), from);
                from = self.token_start(blank);
                if from == before || number > 0 && blank - from > SINGLE {
                    break;
                }
            }
            for number in 0..LETTERS {
                let (blank, before) = (self.blank_end(to), to);
                to = self.token_end(blank);
                if to == before || number > 0 && to - blank > SINGLE {
                    break;
                }
            }
        }
        (from, to)
    }

    /// Where the token around a word's start begins; at the word itself where that is too far to tell, so that no word is
    /// taken to begin in the middle of another.
    fn token_start(&self, at: usize) -> usize {
        let bytes = self.text.as_bytes().get(at.saturating_sub(TOKEN)..at).unwrap_or_default();
        let token = bytes.iter().rev().take_while(|byte| !byte.is_ascii_whitespace()).count();
        if token < TOKEN { at - token } else { at }
    }

    fn token_end(&self, at: usize) -> usize {
        let bytes = self.text.as_bytes().get(at..).unwrap_or_default();
        let token = bytes.iter().take(TOKEN).take_while(|byte| !byte.is_ascii_whitespace()).count();
        if token < TOKEN { at + token } else { at }
    }

    fn blank_start(&self, at: usize) -> usize {
        let bytes = self.text.as_bytes().get(at.saturating_sub(BLANK)..at).unwrap_or_default();
        at - bytes.iter().rev().take_while(|byte| byte.is_ascii_whitespace() || **byte == b'>').count()
    }

    fn blank_end(&self, at: usize) -> usize {
        let bytes = self.text.as_bytes().get(at..).unwrap_or_default();
        at + bytes.iter().take(BLANK).take_while(|byte| byte.is_ascii_whitespace() || **byte == b'>').count()
    }

    /// Follows the terms that some readings, near each other, are part of.
    fn follow_all(&mut self, readings: &[Reading<'_>]) {
        let phrases = Phrases::new(self.text, readings);
        // What begins after the last reading has no disguise in it.
        let last = readings.iter().map(|one| one.start).max().unwrap_or_default();
        let mut paths = Vec::new();
        for (number, _) in phrases.words.iter().enumerate().take_while(|(_, word)| word.start <= last) {
            self.follow(&phrases, number, &mut paths);
        }
    }

    /// Follows the terms that begin at a word, plain or in disguise; `paths` is room for it.
    fn follow(&mut self, phrases: &Phrases, first: usize, paths: &mut Vec<(usize, u32, Disguises)>) {
        paths.clear();
        paths.push((first, Trie::ROOT, Disguises::NONE));
        let Some(start) = phrases.words.get(first).map(|word| word.start) else { return };
        let (mut steps, mut onward) = (0, Vec::new());
        while let Some((number, node, by)) = paths.pop() {
            let Some(word) = phrases.words.get(number) else { continue };
            let by = by.and(word.by);
            steps += 1;
            if steps > STEPS {
                break;
            }
            onward.clear();
            self.trie.step(node, phrases.folded(word), &mut onward);
            for node in &onward {
                if !by.is_empty() {
                    let counts = |list: u16| {
                        self.disguised.lists.get(usize::from(list)).is_some_and(|list| list.contain(by))
                    };
                    let endings = self.trie.endings_of(*node).iter().filter(|ending| counts(ending.list.0));
                    let found =
                        endings.map(|&ending| Unmasked { start, found: Found { ending, end: word.end, by } });
                    self.found.extend(found);
                }
                if self.trie.goes_on(*node) {
                    paths.extend(phrases.after(self.text, word).map(|next| (next, *node, by)));
                }
            }
        }
    }
}

/// Longest token that is read whole, in bytes.
const TOKEN: usize = 64;
/// Farthest that blank space is passed over, in bytes.
const BLANK: usize = 8;
/// Longest token that may be a letter and a mark, in bytes.
const SINGLE: usize = 4;
/// How far around a window the words of a phrase are looked for, in bytes.
const PHRASE: usize = 100;
/// Most steps that the terms from one word are followed.
const STEPS: usize = 500;

/// A word as the tree takes it.
struct PhraseWord {
    start: usize,
    end: usize,
    /// Its place among the letters.
    letters: Range<usize>,
    by: Disguises,
}

/// The words around some readings, plain and in disguise, in the order of their starts.
struct Phrases {
    words: Vec<PhraseWord>,
    /// What they fold to, one after another.
    letters: String,
}

impl Phrases {
    fn new(text: &str, readings: &[Reading<'_>]) -> Self {
        let blank = |at: usize| at == 0 || text.as_bytes().get(at).is_none_or(u8::is_ascii_whitespace);
        let from = readings.iter().map(|one| one.start).min().unwrap_or_default();
        let to = readings.iter().map(|one| one.end).max().unwrap_or_default();
        let from = (from.saturating_sub(PHRASE)..from).find(|at| blank(*at)).unwrap_or(from);
        let to = (to..=(to + PHRASE).min(text.len())).rev().find(|at| blank(*at)).unwrap_or(to);
        let mut phrases = Self { words: Vec::new(), letters: String::new() };
        for one in readings {
            phrases.push(one.start, one.end, one.word, one.by);
        }
        let mut plain = Words::of(text.get(from..to).unwrap_or_default());
        while let Some((start, end)) = plain.advance() {
            phrases.push(from + start, from + end, plain.folded(), Disguises::NONE);
        }
        phrases.words.sort_by_key(|word| (word.start, word.end, word.by.count()));
        phrases
    }

    fn push(&mut self, start: usize, end: usize, folded: &str, by: Disguises) {
        let first = self.letters.len();
        self.letters.push_str(folded);
        self.words.push(PhraseWord { start, end, letters: first..self.letters.len(), by });
    }

    fn folded(&self, word: &PhraseWord) -> &str {
        self.letters.get(word.letters.clone()).unwrap_or_default()
    }

    /// The words that may come next in a phrase.
    fn after(&self, text: &str, word: &PhraseWord) -> impl Iterator<Item = usize> {
        let first = self.words.partition_point(|next| next.start < word.end);
        let joined = self
            .words
            .iter()
            .enumerate()
            .skip(first)
            .take_while(|(_, next)| text.get(word.end..next.start).is_some_and(joins));
        joined.map(|(number, _)| number).take(TERM_WORDS * 2)
    }
}
