//! Says whether a word can be part of a term where it stands, by itself or with the words beside it. May say so of one that
//! cannot; never follows a term.

use std::collections::HashSet;

use super::pieces::Reading;
use crate::detect::fold::{Words, joins};
use crate::detect::trie::{Trie, hash_word, next_key};

/// Which words are terms by themselves, and which stand side by side in one.
#[derive(Debug, Clone, Default)]
pub(super) struct Neighbours {
    /// The hashes of words that are terms or allow-phrases.
    alone: HashSet<u64>,
    /// The keys of two words that follow one another.
    pairs: HashSet<u64>,
    /// What stands for every word that begins so; nothing is said of such words.
    beginnings: HashSet<String>,
}

impl Neighbours {
    pub(super) fn new(trie: &Trie) -> Self {
        let mut neighbours = Self::default();
        for step in trie.steps() {
            match step.before {
                Some(before) => {
                    neighbours.pairs.insert(pair(before, step.word));
                }
                None if step.ends => {
                    neighbours.alone.insert(hash_word(step.word));
                }
                None => {}
            }
            if step.is_beginning {
                neighbours.beginnings.insert(step.word.to_owned());
            }
        }
        neighbours
    }

    /// Whether any of some readings, near each other, can be part of a term or allow-phrase.
    pub(super) fn may_count(&self, text: &str, readings: &[Reading<'_>]) -> bool {
        let plain = |one: &Reading<'_>| {
            self.is_open(one.word)
                || self.alone.contains(&hash_word(one.word))
                || word_before(text, one.start).is_none_or(|before| self.follow(&before, one.word))
                || word_after(text, one.end).is_none_or(|after| self.follow(one.word, &after))
        };
        let disguised = |one: &Reading<'_>| {
            let mut after = readings.iter().filter(|next| next.start >= one.end);
            after.any(|next| self.follow(one.word, next.word))
        };
        readings.len() > MANY || readings.iter().any(|one| plain(one) || disguised(one))
    }

    /// Whether two words may follow one another in a term; an empty one stands for none.
    fn follow(&self, before: &str, after: &str) -> bool {
        self.is_open(before) || self.is_open(after) || self.pairs.contains(&pair(before, after))
    }

    fn is_open(&self, word: &str) -> bool {
        let mut starts = (1..=word.len()).filter_map(|length| word.get(..length));
        !self.beginnings.is_empty() && starts.any(|start| self.beginnings.contains(start))
    }
}

/// Most readings that are held against each other.
const MANY: usize = 8;
/// How far the word before is looked for, in bytes.
const FAR: usize = 64;

fn pair(before: &str, after: &str) -> u64 {
    next_key(hash_word(before), hash_word(after))
}

/// The plain word that stands before a place in a phrase, and is empty where none does; nothing where that is too far to tell.
fn word_before(text: &str, at: usize) -> Option<String> {
    let bytes = text.as_bytes();
    let is_blank = |byte: &u8| byte.is_ascii_whitespace();
    let near = bytes.get(at.saturating_sub(FAR)..at).unwrap_or_default();
    // The last token that has a letter, and what follows it.
    let gap = near.iter().rev().take_while(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric()).count();
    let token = near.iter().rev().skip(gap).take_while(|byte| !is_blank(byte)).count();
    if gap + token == near.len() && near.len() < at {
        return None;
    }
    let from = at - gap - token;
    let mut words = Words::of(text.get(from..at)?);
    let mut last: Option<(usize, String)> = None;
    while let Some((_, end)) = words.advance() {
        last = Some((from + end, words.folded().to_owned()));
    }
    match last {
        Some((end, word)) if text.get(end..at).is_some_and(joins) => Some(word),
        // Only what cannot be seen or stands between words was found.
        None if from > 0 => None,
        _ => Some(String::new()),
    }
}

/// The plain word that stands after a place in a phrase, and is empty where none does; nothing where that is too far to tell.
fn word_after(text: &str, at: usize) -> Option<String> {
    let to = text.floor_char_boundary(at + FAR);
    let mut words = Words::of(text.get(at..to)?);
    let Some((start, end)) = words.advance() else {
        return (to == text.len()).then(String::new);
    };
    let joined = text.get(at..at + start).is_some_and(joins);
    match (joined, at + end == to && to < text.len()) {
        (true, true) => None,
        (true, false) => Some(words.folded().to_owned()),
        (false, _) => Some(String::new()),
    }
}
