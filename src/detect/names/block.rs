//! A stretch of a text as tokens with what the roll knows of each. Texts of any length cost a block's memory.

use std::ops::Range;

use super::tokens::{Case, Gap, Token, Tokens};
use super::{TextKind, Wanted};
use crate::people::{NameIndex, Roll, Word, WordHash};

/// About how many bytes are looked at at once; blocks end where a paragraph does, where there is one.
const BLOCK: usize = 8 << 10;

/// Words of a text, and what the roll knows of them.
pub(super) struct Block<'t> {
    pub(super) text: &'t str,
    pub(super) kind: TextKind,
    pub(super) roll: &'t Roll,
    pub(super) tokens: Vec<Marked>,
    has_names: bool,
    has_capitals: bool,
}

/// A word and what the roll knows of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marked {
    pub(super) token: Token,
    /// The word by which it is looked up: without a plural's `s` where nobody is called so with it.
    pub(super) hash: WordHash,
    pub(super) word: Word,
    pub(super) cut: bool,
}

impl<'t> Block<'t> {
    pub(super) fn new(text: &'t str, kind: TextKind, roll: &'t Roll) -> Self {
        Self { text, kind, roll, tokens: Vec::new(), has_names: false, has_capitals: false }
    }

    pub(super) fn index(&self) -> &'t NameIndex {
        self.roll.names()
    }

    /// Reads a stretch of the text in place of the one before.
    pub(super) fn read(&mut self, range: Range<usize>, all: bool) {
        self.tokens.clear();
        (self.has_names, self.has_capitals) = (false, all);
        let offset = range.start;
        let index = self.roll.names();
        for mut token in Tokens::new(self.text.get(range).unwrap_or_default()) {
            token.start += offset;
            token.end += offset;
            let marked = mark(index, token);
            self.has_names |= marked.word.begins_given || marked.word.only.is_some();
            self.tokens.push(marked);
        }
    }

    /// Whether there may be a name here.
    pub(super) fn has_names(&self, wanted: Wanted) -> bool {
        self.has_names || (wanted.strangers && self.has_capitals)
    }

    pub(super) fn at(&self, index: usize) -> Option<&Marked> {
        self.tokens.get(index)
    }

    pub(super) fn before(&self, index: usize) -> Option<&Marked> {
        self.tokens.get(index.checked_sub(1)?)
    }

    /// Whether a word stands where a sentence or a line begins.
    pub(super) fn begins_sentence(&self, index: usize) -> bool {
        const BEGINS: Gap =
            Gap::START.with(Gap::BLANK).with(Gap::DOT).with(Gap::END).with(Gap::LINE).with(Gap::QUOTE);
        self.at(index).is_some_and(|marked| marked.token.gap.has(BEGINS))
    }

    /// The word, in lower case.
    pub(super) fn lower(&self, index: usize) -> String {
        let token = self.at(index).map(|marked| marked.token);
        let text = token.and_then(|token| self.text.get(token.start..token.end));
        text.unwrap_or_default().to_lowercase()
    }

    /// Whether a word is one of some, in any case.
    pub(super) fn is_any(&self, index: usize, words: &[&str]) -> bool {
        let token = self.at(index).map(|marked| marked.token);
        let text = token.and_then(|token| self.text.get(token.start..token.end));
        text.is_some_and(|text| words.iter().any(|word| text.eq_ignore_ascii_case(word)))
    }

    /// Gaps across which a name goes on in this kind of text.
    pub(super) fn spaces(&self) -> Gap {
        let running = Gap::SPACE.with(Gap::LINE).with(Gap::UNDERSCORE);
        match self.kind {
            TextKind::Running => running,
            TextKind::Document => running.with(Gap::TAB),
            TextKind::FileName => running.with(Gap::HYPHEN).with(Gap::DOT),
        }
    }
}

impl Marked {
    pub(super) fn is_capital(&self) -> bool {
        matches!(self.token.case, Case::Capital | Case::Upper)
    }

    pub(super) fn is_initial(&self) -> bool {
        self.token.letters == 1 && self.token.case == Case::Capital
    }
}

fn mark(index: &NameIndex, token: Token) -> Marked {
    let plain = Marked { token, hash: token.hash, word: Word::default(), cut: false };
    if let Some(word) = index.word(token.hash) {
        return Marked { word, ..plain };
    }
    let Some(shorter) = token.without_s else { return plain };
    match index.word(shorter) {
        // The `s` of a possessive whose apostrophe was forgotten stands in running text, after a family name.
        Some(word) if word.begins_family => Marked { word, hash: shorter, cut: true, ..plain },
        _ => plain,
    }
}

/// The stretches of a text that are looked at one after the other.
pub(super) fn blocks(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
        let length = length(rest);
        let range = start..start + length;
        start += length;
        Some(range)
    })
}

/// How much of a text makes a block: up to the end of a paragraph, a line, or a word.
fn length(rest: &str) -> usize {
    if rest.len() <= BLOCK + BLOCK / 4 {
        return rest.len();
    }
    let mut most = BLOCK;
    while !rest.is_char_boundary(most) {
        most += 1;
    }
    let head = rest.get(..most).unwrap_or(rest);
    let after = |at: usize, mark: &str| (at > 0).then_some(at + mark.len());
    ["\n\n", "\n", ". ", " "]
        .iter()
        .find_map(|mark| head.rfind(mark).and_then(|at| after(at, mark)))
        .unwrap_or(most)
}
