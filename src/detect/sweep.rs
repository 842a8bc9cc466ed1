//! Walks a text's words fast, and stops only at those where a term may begin. Never decides that one does.
//!
//! Most words of a mail begin no term, so the walk is built around saying so in a few nanoseconds: sixty-four bytes at
//! a time become a bit mask of word bytes, each word is hashed from two eight-byte loads, and one bit of a table that
//! fits the processor's cache answers whether it, or it with the next word, begins anything. Plain ASCII words of up to
//! sixteen letters take this way; all others are folded character by character, which finds the same words.

use std::cell::Cell;
use std::ops::ControlFlow;

use crate::detect::blocks::{BLOCK, mask};
use crate::detect::disguise::{Run, Stretch};
use crate::detect::filter::{Filter, HUGE, LARGE, MEDIUM, SMALL, Size};
use crate::detect::fold::Words;
use crate::detect::list::TERM_WORDS;
use crate::detect::trie::{Word, hash_halves, hash_word, head};

/// Words that are held before they are looked at: few enough for the processor's nearest cache. A mail's words seldom fill more.
const WORDS: usize = 256;

thread_local! {
    /// Used again for a thread's next text: to make it anew is to clear 20 kB, be the text a line.
    static WORKBENCH: Cell<Option<Box<Workbench>>> = const { Cell::new(None) };
}

/// What a walk works on. What an earlier walk left there, no other looks at.
struct Workbench {
    chunk: Chunk,
    words: [Word; WORDS],
    /// One more than there are words.
    candidates: [Candidate; WORDS + 1],
    folded: String,
}

impl Default for Workbench {
    fn default() -> Self {
        let (words, candidates) = ([Word::default(); WORDS], [Candidate::default(); WORDS + 1]);
        Self { chunk: Chunk::new(), words, candidates, folded: String::new() }
    }
}

/// A walk through one text.
pub(super) struct Sweep<'w, V> {
    filter: &'w Filter,
    text: &'w str,
    visitor: V,
    words: &'w mut [Word; WORDS],
    /// How many of `words` are words of the text by now.
    count: usize,
    candidates: &'w mut [Candidate; WORDS + 1],
    candidate_count: usize,
    /// The hash of the last word.
    hash: u64,
    /// Whether the last word may begin a term by itself.
    begins: bool,
    folded: &'w mut String,
}

/// What a walk calls.
pub(super) trait Visitor {
    /// With the words from one on at which a term may begin, as many as a term may have; in their order, until it breaks.
    fn visit(&mut self, words: &[Word]) -> ControlFlow<()>;
    /// With each stretch of text before the words in it.
    fn see(&mut self, stretch: Stretch<'_, impl Fn(usize) -> Run>);
    /// When no word before a byte will be visited any more.
    fn pass(&mut self, byte: usize) -> ControlFlow<()>;
}

impl<'w, V: Visitor> Sweep<'w, V> {
    /// Walks a text, until the visitor breaks.
    pub(super) fn run(filter: &Filter, text: &str, visitor: V) -> ControlFlow<()> {
        let mut workbench = WORKBENCH.take().unwrap_or_default();
        let walked = Sweep::walk(filter, text, visitor, &mut workbench);
        WORKBENCH.set(Some(workbench));
        walked
    }

    fn walk(filter: &'w Filter, text: &'w str, visitor: V, workbench: &'w mut Workbench) -> ControlFlow<()> {
        let Workbench { chunk, words, candidates, folded } = workbench;
        let (count, candidate_count, hash, begins) = (0, 0, 0, false);
        let mut sweep =
            Self { filter, text, visitor, words, count, candidates, candidate_count, hash, begins, folded };
        let mut at = 0;
        while let Some(rest) = text.as_bytes().get(at..).filter(|rest| !rest.is_empty()) {
            match chunk.cut(rest) {
                Some(cut) => {
                    sweep.take(chunk, at)?;
                    at += cut;
                }
                None => {
                    let run = rest.iter().position(|byte| !is_word_byte(*byte)).unwrap_or(rest.len());
                    sweep.take_folded(at, at + run)?;
                    at += run;
                }
            }
        }
        sweep.add_candidate(sweep.begins);
        sweep.look(0)?;
        sweep.visitor.pass(usize::MAX)
    }

    /// Takes the words of a chunk that stands at `base` in the text.
    fn take(&mut self, chunk: &Chunk, base: usize) -> ControlFlow<()> {
        let mut runs = chunk.runs();
        let run_at = |number: usize| {
            let [start, end] = runs.get(number).copied().unwrap_or_default();
            Run { start: base + usize::from(start & !MARK), end: base + usize::from(end) }
        };
        self.visitor.see(Stretch { base, words: chunk.words(), count: runs.len(), run_at });
        while !runs.is_empty() {
            let plain = match self.filter.size() {
                Size::Small => self.take_plain::<SMALL>(chunk, runs, base),
                Size::Medium => self.take_plain::<MEDIUM>(chunk, runs, base),
                Size::Large => self.take_plain::<LARGE>(chunk, runs, base),
                Size::Huge => self.take_plain::<HUGE>(chunk, runs, base),
            };
            runs = runs.get(plain..).unwrap_or_default();
            if self.count == self.words.len() {
                self.look(TERM_WORDS)?;
            } else if let Some((&[start, end], rest)) = runs.split_first() {
                self.take_special(chunk, [start & !MARK, end], base)?;
                runs = rest;
            }
        }
        ControlFlow::Continue(())
    }

    /// Takes plain words until there is another or no room is left, and tells how many it took.
    #[inline(never)]
    fn take_plain<const SIZE: usize>(&mut self, chunk: &Chunk, runs: &[[u16; 2]], base: usize) -> usize {
        let Some(near) = self.filter.near::<SIZE>() else { return 0 };
        let (mut hash, mut begins) = (self.hash, self.begins);
        let (mut index, mut candidate_count) = (self.count, self.candidate_count);
        let room = self.words.get_mut(index..).unwrap_or_default();
        for (word, &[start, end]) in room.iter_mut().zip(runs) {
            // A marked start makes this larger than any length.
            let length = end.wrapping_sub(start);
            if length > PLAIN {
                break;
            }
            let (first, second) = chunk.halves(start, length);
            let previous = hash;
            hash = hash_halves(first, second);
            let found = begins | near.pair_begins(previous, hash);
            if let Some(candidate) = self.candidates.get_mut(candidate_count) {
                *candidate = Candidate::new(index, begins);
            }
            candidate_count += usize::from(found);
            begins = near.begins(hash, first);
            *word =
                Word { start: base + usize::from(start), end: base + usize::from(end), hash, head: first };
            index += 1;
        }
        let taken = index - self.count;
        (self.hash, self.begins) = (hash, begins);
        (self.count, self.candidate_count) = (index, candidate_count);
        taken
    }

    /// Takes a run that is marked or long. One with nothing but an apostrophe in it is still a plain word.
    #[inline(never)]
    fn take_special(&mut self, chunk: &Chunk, [start, end]: [u16; 2], base: usize) -> ControlFlow<()> {
        let length = end - start;
        let (from, to) = (base + usize::from(start), base + usize::from(end));
        let (first, second) = chunk.halves(start, length);
        if length > PLAIN || (first | second) & 0x8080_8080_8080_8080 != 0 {
            return self.take_folded(from, to);
        }
        let possessive = length > 2 && chunk.load(usize::from(end - 2)).to_le_bytes().starts_with(b"'s");
        let stem = if possessive { length - 2 } else { length };
        let (stem_first, stem_second) = chunk.halves(start, stem);
        let hash = hash_halves(stem_first, stem_second);
        self.push(Word { start: from, end: to, hash, head: first })
    }

    /// Takes a run of bytes that is no plain word: accents, typographic marks and invisible characters among letters,
    /// which may make one word of it, several or none.
    fn take_folded(&mut self, from: usize, to: usize) -> ControlFlow<()> {
        let run = self.text.get(from..to).unwrap_or_default();
        let mut words = Words::reusing(run, std::mem::take(self.folded));
        while let Some((start, end)) = words.advance() {
            let hash = hash_word(words.folded());
            self.push(Word { start: from + start, end: from + end, hash, head: head(words.folded()) })?;
        }
        *self.folded = words.into_buffer();
        ControlFlow::Continue(())
    }

    /// Adds a word, which tells of the word before it whether the two begin a term.
    fn push(&mut self, word: Word) -> ControlFlow<()> {
        let found = self.begins | self.filter.pair_begins(self.hash, word.hash);
        self.add_candidate(found);
        (self.hash, self.begins) = (word.hash, self.filter.begins(&word));
        if let Some(slot) = self.words.get_mut(self.count) {
            *slot = word;
            self.count += 1;
        }
        if self.count == self.words.len() { self.look(TERM_WORDS) } else { ControlFlow::Continue(()) }
    }

    /// Makes the last word a candidate.
    fn add_candidate(&mut self, found: bool) {
        if let Some(candidate) = self.candidates.get_mut(self.candidate_count) {
            *candidate = Candidate::new(self.count, self.begins);
        }
        self.candidate_count += usize::from(found);
    }

    /// Looks at the candidates among all words but the last `keep`, then drops all words but those.
    fn look(&mut self, keep: usize) -> ControlFlow<()> {
        let done = self.count.saturating_sub(keep);
        // The word before the first that is kept may yet begin a term.
        let dropped = done.saturating_sub(1);
        let (mut kept, mut visited) = (0, None);
        for number in 0..self.candidate_count {
            let Some(&candidate) = self.candidates.get(number) else { break };
            let at = candidate.at();
            // Before the first word there is none to be a candidate, though a filter may take it for one.
            let words = self.words.get(at..self.count).unwrap_or_default();
            let Some(first) = words.first() else { continue };
            if at >= done {
                if let Some(slot) = self.candidates.get_mut(kept) {
                    *slot = Candidate(candidate.0 - 2 * dropped);
                    kept += 1;
                }
                continue;
            }
            let before = at.checked_sub(1).filter(|before| visited != Some(*before));
            let earlier = before.and_then(|before| self.words.get(before..self.count));
            let pair = words.get(1).is_some_and(|second| self.filter.pair_begins(first.hash, second.hash));
            if let Some(earlier) = earlier.filter(|words| pair && self.filter.triple_begins(words)) {
                self.visitor.visit(earlier)?;
            }
            if candidate.alone() && self.filter.begins_indeed(first) || pair && self.filter.goes_on(words) {
                visited = Some(at);
                self.visitor.visit(words)?;
            }
        }
        if let Some(first) = self.words.get(done) {
            self.visitor.pass(first.start)?;
        }
        self.candidate_count = kept;
        self.words.copy_within(dropped..self.count, 0);
        self.count -= dropped;
        ControlFlow::Continue(())
    }
}

/// The index of a word at which a term may begin, twice; and one more where one may with this word alone.
#[derive(Debug, Clone, Copy, Default)]
struct Candidate(usize);

impl Candidate {
    /// The word before one.
    #[inline(always)]
    fn new(before: usize, alone: bool) -> Self {
        Self((2 * before).wrapping_sub(2) | usize::from(alone))
    }

    fn at(self) -> usize {
        self.0 / 2
    }

    fn alone(self) -> bool {
        self.0 % 2 == 1
    }
}

/// Longest word that is hashed without folding it letter by letter, in bytes.
const PLAIN: u16 = 16;
/// Set in the start of a run that has an apostrophe or bytes beyond ASCII.
const MARK: u16 = 0x8000;
/// Bytes that are cut into words at a time.
const CHUNK: usize = 32 * BLOCK;
/// Two bounds for each byte are more than there can be; a power of two lets the compiler see that none is missed.
const BOUNDS: usize = 2 * CHUNK;
/// One more than a chunk fills, for what is left of a text at its end.
const BLOCKS: usize = CHUNK / BLOCK + 1;

/// A stretch of text with its letters in lower case, and where its words begin and end.
struct Chunk {
    /// The folded bytes, and room to load eight at the end.
    bytes: [u8; CHUNK + BLOCK],
    /// Start, end, start, end … of the runs of word bytes.
    bounds: [u16; BOUNDS],
    count: usize,
    /// For each block, which of its bytes are word bytes.
    words: [u64; BLOCKS],
    block_count: usize,
}

impl Chunk {
    fn new() -> Self {
        Self { bytes: [0; CHUNK + BLOCK], bounds: [0; BOUNDS], count: 0, words: [0; BLOCKS], block_count: 0 }
    }

    /// Cuts the beginning of a text and tells how much of it was taken; nothing when one run fills the chunk.
    fn cut(&mut self, text: &[u8]) -> Option<usize> {
        self.count = 0;
        let taken = text.get(..CHUNK).unwrap_or(text);
        let (blocks, rest) = taken.as_chunks::<BLOCK>();
        let mut carry = Carry::default();
        for (number, block) in blocks.iter().enumerate() {
            let next = taken.get((number + 1) * BLOCK).is_some_and(|byte| is_letter_byte(*byte));
            self.cut_block(block, number, next, &mut carry);
        }
        let mut last = [0; BLOCK];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        self.cut_block(&last, blocks.len(), false, &mut carry);
        self.block_count = taken.len().div_ceil(BLOCK);
        if taken.len() == text.len() {
            return Some(taken.len());
        }
        // A word that reaches the end may go on, by way of an apostrophe too: it is left for the next chunk.
        match self.runs().last() {
            Some(&[start, end]) if usize::from(end) + 1 >= CHUNK => {
                self.count -= 2;
                Some(usize::from(start & !MARK)).filter(|start| *start > 0)
            }
            _ => Some(CHUNK),
        }
    }

    fn runs(&self) -> &[[u16; 2]] {
        self.bounds.get(..self.count).unwrap_or_default().as_chunks().0
    }

    fn words(&self) -> &[u64] {
        self.words.get(..self.block_count).unwrap_or_default()
    }

    /// Bytes that are not ASCII count as word bytes.
    #[inline(always)]
    fn cut_block(&mut self, block: &[u8; BLOCK], number: usize, next: bool, carry: &mut Carry) {
        let base = number * BLOCK % BOUNDS;
        if let Some(folded) = self.bytes.get_mut(base..base + BLOCK) {
            for (to, from) in folded.iter_mut().zip(block) {
                // Bit 5 makes a letter small, and digits and the apostrophe have it already.
                *to = *from | 0x20;
            }
        }
        let letters = mask(block, is_letter_byte);
        let (mut words, mut special) = (letters, 0);
        if block.iter().fold(0, |any, byte| any | u8::from(is_special_byte(*byte))) != 0 {
            let apostrophes = mask(block, |byte| byte == b'\'');
            let inner = apostrophes & (letters << 1 | carry.letter) & (letters >> 1 | u64::from(next) << 63);
            words |= inner;
            special = mask(block, |byte| byte >= 0x80) | inner;
        }
        if let Some(slot) = self.words.get_mut(number) {
            *slot = words;
        }
        let turns = words ^ (words << 1 | carry.word);
        *carry = Carry { letter: letters >> 63, word: words >> 63 };
        let before = self.count;
        self.append_bounds(turns, base as u16);
        self.mark_runs(turns, special & !(special << 1), before);
    }

    /// Appends the places of a mask's bits.
    ///
    /// How many there are is hard to foresee, for the processor too. So two dozen are written whatever their number,
    /// and what is written beyond it is written over by the next.
    #[inline(always)]
    fn append_bounds(&mut self, mask: u64, base: u16) {
        let total = mask.count_ones() as usize;
        let mut left = mask;
        let mut written = 0;
        while written < total.max(1) {
            if let Some(bounds) = self
                .bounds
                .get_mut((self.count + written) % BOUNDS..)
                .and_then(|rest| rest.first_chunk_mut::<24>())
            {
                for bound in bounds {
                    *bound = base | left.trailing_zeros() as u16;
                    left &= left.wrapping_sub(1);
                }
            }
            written += 24;
        }
        self.count += total;
    }

    /// Marks the runs that some bits stand in, given the turns of the block and how many bounds there were before it.
    #[inline(always)]
    fn mark_runs(&mut self, turns: u64, bits: u64, before: usize) {
        let mut left = bits;
        while left != 0 {
            let up_to = left ^ (left - 1);
            let start = before + (turns & up_to).count_ones() as usize;
            if let Some(bound) = self.bounds.get_mut(start.wrapping_sub(1) % BOUNDS) {
                *bound |= MARK;
            }
            left &= left - 1;
        }
    }

    /// A plain word's first eight bytes and its next eight, with zeros after its end.
    #[inline(always)]
    fn halves(&self, start: u16, length: u16) -> (u64, u64) {
        let start = usize::from(start) % CHUNK;
        let masks = HALVES.get(usize::from(length) % 32).copied().unwrap_or_default();
        (self.load(start) & masks.0, self.load(start + 8) & masks.1)
    }

    #[inline(always)]
    fn load(&self, at: usize) -> u64 {
        self.bytes.get(at..at + 8).and_then(|eight| eight.try_into().ok()).map_or(0, u64::from_le_bytes)
    }
}

/// One where the byte before the block at hand is a letter byte, and where it belongs to a word.
#[derive(Default)]
struct Carry {
    letter: u64,
    word: u64,
}

/// For each length, masks of so many of the lowest bytes of sixteen.
#[allow(
    clippy::indexing_slicing,
    reason = "a table that the compiler works out: a wrong index does not compile"
)]
static HALVES: [(u64, u64); 32] = {
    let mut masks = [(u64::MAX, u64::MAX); 32];
    let mut length = 0;
    while length < 8 {
        let mask = (1 << (8 * length)) - 1;
        masks[length] = (mask, 0);
        masks[length + 8].1 = mask;
        length += 1;
    }
    masks
};

/// A letter, a digit, or any byte beyond ASCII.
#[inline(always)]
fn is_letter_byte(byte: u8) -> bool {
    (byte | 0x20).wrapping_sub(b'a') < 26 || byte.wrapping_sub(b'0') < 10 || byte >= 0x80
}

/// An apostrophe, or any byte beyond ASCII.
#[inline(always)]
fn is_special_byte(byte: u8) -> bool {
    byte == b'\'' || byte >= 0x80
}

fn is_word_byte(byte: u8) -> bool {
    is_letter_byte(byte) || byte == b'\''
}
