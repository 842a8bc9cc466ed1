//! The terms of all lists as a tree of words, each branch found by a hash. Never looks at more than the words it is given.

use std::collections::HashMap;

use crate::detect::fold::{Words, joins};
use crate::detect::list::{PREFIX_LETTERS, TERM_WORDS};
use crate::detect::words::{ListId, TermId, WordList};

/// A word of a text: its bytes there, and the hash of what it folds to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) hash: u64,
}

/// What ends at a branch: a term of a list, or a phrase that the list allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) list: ListId,
    /// The term; nothing for an allow-phrase.
    pub(super) term: Option<TermId>,
    pub(super) weight: u16,
    /// Decides between terms that take the same words: few prefixes before many, then more letters.
    pub(super) rank: (u8, u16),
}

/// The tree. Its root is branch 0 and stands for no word yet.
#[derive(Debug, Clone)]
pub(super) struct Trie {
    branches: Vec<Branch>,
    /// The words of all branches, one after the other.
    words: String,
    endings: Vec<Ending>,
    /// Open addressing: a branch stands at the first free slot after the one that its key's top bits name.
    slots: Vec<(u64, u32)>,
    shift: u32,
    lists: usize,
}

/// A word, after the words of its parents.
#[derive(Debug, Clone, Copy)]
struct Branch {
    key: u64,
    parent: u32,
    word: (u32, u32),
    kind: Kind,
    endings: (u32, u32),
    /// Which kinds of branches go on from here, as [`Kind::bit`]s.
    onward: u8,
}

/// How a branch's word is held against a text's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// The same word, or its possessive.
    Exact,
    /// A word that begins with it; found by the first three bytes.
    Short,
    /// A word that begins with it; found by the first five bytes.
    Long,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Exact, Self::Short, Self::Long];

    fn bit(self) -> u8 {
        match self {
            Self::Exact => 1,
            Self::Short => 2,
            Self::Long => 4,
        }
    }
}

/// A term or allow-phrase that ends at a word of a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) ending: Ending,
    pub(super) end: usize,
}

impl Trie {
    pub(super) fn new(lists: &[WordList]) -> Self {
        let mut builder = Builder::default();
        for (number, list) in (0..=u16::MAX).zip(lists) {
            for (term, id) in list.terms.iter().zip(0..) {
                builder.insert(&term.text, ListId(number), Some(TermId(id)), term.weight);
            }
            for phrase in &list.allowed {
                builder.insert(phrase, ListId(number), None, 0);
            }
        }
        builder.finish(lists.len())
    }

    /// How many lists it was made of.
    pub(super) fn lists(&self) -> usize {
        self.lists
    }

    /// Finds everything that begins at the first of `words` and ends within them.
    pub(super) fn follow(&self, text: &str, words: &[Word], found: &mut Vec<Found>) {
        if let Some(root) = self.branches.first() {
            self.follow_from((0, root), text, words, found);
        }
    }

    /// As deep as the longest term has words.
    fn follow_from(&self, from: (u32, &Branch), text: &str, words: &[Word], found: &mut Vec<Found>) {
        let Some((word, rest)) = words.split_first() else { return };
        let (number, branch) = from;
        let Some(written) = text.get(word.start..word.end) else { return };
        for kind in Kind::ALL.into_iter().filter(|kind| branch.onward & kind.bit() != 0) {
            let Some(hash) = head_of(written, word.hash, kind) else { continue };
            for (number, child) in self.children(number, next_key(branch.key, hash), kind) {
                if !matches(self.word(child), written, kind) {
                    continue;
                }
                let endings = self.endings.get(child.endings.0 as usize..child.endings.1 as usize);
                found.extend(
                    endings.unwrap_or_default().iter().map(|&ending| Found { ending, end: word.end }),
                );
                let gap = rest.first().and_then(|next| text.get(word.end..next.start));
                if child.onward != 0 && gap.is_some_and(joins) {
                    self.follow_from((number, child), text, rest, found);
                }
            }
        }
    }

    /// The branches of a parent under a key.
    fn children(&self, parent: u32, key: u64, kind: Kind) -> impl Iterator<Item = (u32, &Branch)> {
        let mask = self.slots.len().wrapping_sub(1);
        let first = (key >> self.shift) as usize;
        (0..self.slots.len())
            .map_while(move |step| self.slots.get((first + step) & mask).filter(|slot| slot.1 != FREE))
            .filter(move |slot| slot.0 == key)
            .filter_map(|slot| Some((slot.1, self.branches.get(slot.1 as usize)?)))
            .filter(move |(_, branch)| branch.parent == parent && branch.kind == kind)
    }

    fn word(&self, branch: &Branch) -> &str {
        self.words.get(branch.word.0 as usize..branch.word.1 as usize).unwrap_or_default()
    }
}

impl Default for Trie {
    fn default() -> Self {
        Self::new(&[])
    }
}

/// A slot without a branch: the root is nobody's child.
const FREE: u32 = 0;

/// A tree that grows.
#[derive(Default)]
struct Builder {
    known: HashMap<(u32, Kind, String), u32>,
    branches: Vec<(Branch, Vec<Ending>)>,
    words: String,
}

impl Builder {
    fn insert(&mut self, phrase: &str, list: ListId, term: Option<TermId>, weight: u16) {
        let mut at = self.root();
        let (mut prefixes, mut letters, mut depth) = (0, 0, 0);
        let mut words = Words::of(phrase);
        while let Some((_, end)) = words.advance() {
            let folded = words.folded();
            let starred =
                phrase.as_bytes().get(end) == Some(&b'*') && folded.chars().count() >= PREFIX_LETTERS;
            let kind = match folded.len() {
                _ if !starred => Kind::Exact,
                5.. => Kind::Long,
                _ => Kind::Short,
            };
            prefixes += u8::from(starred);
            letters += u16::try_from(folded.len()).unwrap_or(u16::MAX);
            depth += 1;
            if depth > TERM_WORDS {
                return;
            }
            at = self.child(at, kind, folded);
        }
        let ending = Ending { list, term, weight, rank: (u8::MAX - prefixes, letters) };
        if let (1.., Some((_, endings))) = (depth, self.branches.get_mut(at as usize)) {
            let again =
                endings.iter().any(|other| other.list == list && other.term.is_some() == term.is_some());
            if !again {
                endings.push(ending);
            }
        }
    }

    fn root(&mut self) -> u32 {
        if self.branches.is_empty() {
            self.push(Branch {
                key: 0,
                parent: 0,
                word: (0, 0),
                kind: Kind::Exact,
                endings: (0, 0),
                onward: 0,
            });
        }
        0
    }

    fn child(&mut self, parent: u32, kind: Kind, folded: &str) -> u32 {
        if let Some(child) = self.known.get(&(parent, kind, folded.to_owned())) {
            return *child;
        }
        let Some((branch, _)) = self.branches.get_mut(parent as usize) else { return parent };
        branch.onward |= kind.bit();
        let key = next_key(branch.key, hash_head(folded, kind).unwrap_or_default());
        let start = self.words.len() as u32;
        self.words.push_str(folded);
        let word = (start, self.words.len() as u32);
        let child = self.push(Branch { key, parent, word, kind, endings: (0, 0), onward: 0 });
        self.known.insert((parent, kind, folded.to_owned()), child);
        child
    }

    fn push(&mut self, branch: Branch) -> u32 {
        self.branches.push((branch, Vec::new()));
        (self.branches.len() - 1) as u32
    }

    fn finish(mut self, lists: usize) -> Trie {
        self.root();
        let slots = (self.branches.len() * 2).next_power_of_two();
        let mut trie = Trie {
            branches: Vec::with_capacity(self.branches.len()),
            words: self.words,
            endings: Vec::new(),
            slots: vec![(0, FREE); slots],
            shift: 64 - slots.trailing_zeros(),
            lists,
        };
        for (number, (mut branch, endings)) in (0_u32..).zip(self.branches) {
            let start = trie.endings.len() as u32;
            trie.endings.extend(endings);
            branch.endings = (start, trie.endings.len() as u32);
            trie.branches.push(branch);
            if number != 0 {
                let first = (branch.key >> trie.shift) as usize;
                let free = (0..slots).map(|step| (first + step) & (slots - 1));
                let free =
                    free.into_iter().find(|slot| trie.slots.get(*slot).is_some_and(|slot| slot.1 == FREE));
                if let Some(slot) = free.and_then(|slot| trie.slots.get_mut(slot)) {
                    *slot = (branch.key, number);
                }
            }
        }
        trie
    }
}

/// The hash under which a word of a text would stand as a branch of this kind.
fn head_of(written: &str, hash: u64, kind: Kind) -> Option<u64> {
    match kind {
        Kind::Exact => Some(hash),
        _ => with_folded(written, |folded| hash_head(folded, kind)),
    }
}

/// Whether a branch's word stands for a word as it was written.
fn matches(word: &str, written: &str, kind: Kind) -> bool {
    with_folded(written, |folded| match kind {
        Kind::Exact => folded == word || folded.strip_suffix("'s") == Some(word),
        Kind::Short | Kind::Long => folded.starts_with(word),
    })
}

fn with_folded<T>(written: &str, then: impl FnOnce(&str) -> T) -> T {
    let mut words = Words::of(written);
    words.advance();
    then(words.folded())
}

/// A hash that depends on every bit of a word of up to sixteen bytes: its first eight, its last eight (those again,
/// for a word of at most eight) and its length.
#[inline(always)]
pub(super) fn hash_ends(first: u64, last: u64, length: u64) -> u64 {
    let mixed = first.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ last.rotate_left(32);
    mixed.wrapping_add(length).wrapping_mul(0xD6E8_FEB8_6659_FD93)
}

/// The hash of a folded word; a possessive hashes as the word itself.
pub(super) fn hash_word(folded: &str) -> u64 {
    let bytes = folded.strip_suffix("'s").unwrap_or(folded).as_bytes();
    let length = bytes.len() as u64;
    if bytes.len() <= 16 {
        return hash_ends(
            eight_bytes(bytes),
            eight_bytes(bytes.get(bytes.len().saturating_sub(8)..).unwrap_or(bytes)),
            length,
        );
    }
    bytes.chunks(8).fold(length, |hash, chunk| hash_ends(eight_bytes(chunk), hash, length))
}

/// The key of the branch for the next word.
#[inline(always)]
pub(super) fn next_key(key: u64, word: u64) -> u64 {
    (key.rotate_left(23) ^ word).wrapping_mul(0xA076_1D64_78BD_642F)
}

/// The hash by which a prefix is found: of the word's first bytes. Nothing when the word is shorter.
pub(super) fn hash_head(folded: &str, kind: Kind) -> Option<u64> {
    let (length, salt) = match kind {
        Kind::Exact => return Some(hash_word(folded)),
        Kind::Short => (3, SHORT_SALT),
        Kind::Long => (5, LONG_SALT),
    };
    folded.as_bytes().get(..length).map(|head| hash_prefix(eight_bytes(head), salt))
}

/// The hash of a prefix's first bytes.
#[inline(always)]
pub(super) fn hash_prefix(head: u64, salt: u64) -> u64 {
    (head ^ salt).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

pub(super) const SHORT_SALT: u64 = 0x5348_4F52_5400_0000;
pub(super) const LONG_SALT: u64 = 0x4C4F_4E47_0000_0000;

fn eight_bytes(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}
