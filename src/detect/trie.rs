//! The terms of all lists as a tree of words, each branch found by a hash. Never looks at more than the words it is given.

use std::collections::HashMap;

use crate::detect::contraction::without_apostrophes;
use crate::detect::filter::{Beginning, Rarer};
use crate::detect::fold::{Words, joins};
use crate::detect::inflect::forms;
use crate::detect::list::{PREFIX_LETTERS, TERM_WORDS};
use crate::detect::switches::{Disguises, Forms};
use crate::detect::words::{ListId, TermId, WordList};

/// A word of a text: its bytes there, and what finds it in the tree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) start: usize,
    pub(super) end: usize,
    /// The hash of what it folds to.
    pub(super) hash: u64,
    /// The first eight bytes of what it folds to, with zeros after its end.
    pub(super) head: u64,
}

impl Word {
    /// What a branch of a kind would be found by for this word.
    #[inline(always)]
    pub(super) fn key(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Exact => self.hash,
            // Any multiplier will do that is not the same for two kinds.
            Kind::Prefix3 => (self.head & 0xFF_FFFF).wrapping_mul(0xA24B_AED4_963E_E407),
            Kind::Prefix5 => (self.head & 0xFF_FFFF_FFFF).wrapping_mul(0x9FB2_1C65_1E98_DF25),
            Kind::Prefix7 => (self.head & 0xFF_FFFF_FFFF_FFFF).wrapping_mul(0xC13F_A9A9_02A6_328F),
        }
    }

    /// A word that stands in no text.
    fn of(folded: &str) -> Self {
        Self { start: 0, end: 0, hash: hash_word(folded), head: head(folded) }
    }
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
    /// Open addressing: a branch stands at the first free slot after the one that its key's top bits name, with the
    /// lower half of its key.
    slots: Vec<(u32, u32)>,
    shift: u32,
    /// Two bits for each key, in a block that its top bits choose: says of most keys that no branch has them, from
    /// memory small enough to stay in a cache.
    keys: Vec<u64>,
    keys_shift: u32,
    lists: usize,
}

/// A word, after the words of its parents; in a cache line of its own.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Branch {
    key: u64,
    parent: u32,
    word: (u32, u32),
    kind: Kind,
    /// Whether the word has up to eight letters, and is not a possessive, and stands for itself alone.
    short: bool,
    /// What ends here first. It stands here because most branches have just one, and memory is what a visit waits for.
    ending: Option<Ending>,
    /// All that ends here, the first too.
    endings: (u32, u32),
    /// Which kinds of branches go on from here, as [`Kind::bit`]s.
    onward: u8,
}

impl Branch {
    /// Whether the same key says that a text's word is this branch's, so that the letters need not be compared: of
    /// plain words of up to eight letters no two have the same hash, since an odd factor loses nothing; but a word and
    /// its possessive have.
    fn is_told_by_key(&self, written: &str) -> bool {
        self.short && written.len() <= 8 && written.is_ascii()
    }
}

/// How a branch's word is held against a text's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// The same word, or its possessive.
    Exact,
    /// A word that begins with it; found by the first three bytes.
    Prefix3,
    /// A word that begins with it; found by the first five bytes.
    Prefix5,
    /// A word that begins with it; found by the first seven bytes.
    Prefix7,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Exact, Self::Prefix3, Self::Prefix5, Self::Prefix7];

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A term or allow-phrase that ends at a word of a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) ending: Ending,
    pub(super) end: usize,
    /// The disguises of its words.
    pub(super) by: Disguises,
}

/// A word of a term or allow-phrase, as it follows the one before.
pub(super) struct Step<'t> {
    /// The word before; nothing for the first.
    pub(super) before: Option<&'t str>,
    pub(super) word: &'t str,
    /// Whether it stands for every word that begins so.
    pub(super) is_beginning: bool,
    /// Whether something ends with it.
    pub(super) ends: bool,
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
            // After the terms as written, which come first where a form of another is the same.
            let terms =
                list.terms.iter().zip(0..).map(|(term, id)| (&term.text, Some(TermId(id)), term.weight));
            for (text, term, weight) in terms.chain(list.allowed.iter().map(|text| (text, None, 0))) {
                for phrase in apostrophes_forgiven(text) {
                    builder.insert(&phrase, ListId(number), term, weight);
                }
            }
            if list.forms == Forms::Inflected {
                for (term, id) in list.terms.iter().zip(0..) {
                    for phrase in inflected(&term.text) {
                        builder.insert(&phrase, ListId(number), Some(TermId(id)), term.weight);
                    }
                }
            }
        }
        builder.finish(lists.len())
    }

    /// What terms and allow-phrases begin with.
    pub(super) fn beginnings(&self) -> Vec<Beginning> {
        let mut beginnings = Vec::new();
        // What many terms have is common in texts too.
        let mut terms: HashMap<u64, u32> = HashMap::new();
        for branch in &self.branches {
            *terms.entry(Word::of(self.word(branch)).hash).or_default() += 1;
        }
        let common = |word: u64| terms.get(&word).copied().unwrap_or_default();
        for branch in self.branches.iter().skip(1) {
            let alone = branch.endings.0 < branch.endings.1 || branch.onward & !Kind::Exact.bit() != 0;
            match *self.path(branch).as_slice() {
                [(kind, key)] if kind != Kind::Exact => {
                    beginnings.push(Beginning::Prefix { head: head(self.word(branch)), key });
                }
                [(Kind::Exact, first)] if alone => beginnings.push(Beginning::Word(first)),
                [(Kind::Exact, first), (Kind::Exact, second)] if alone => {
                    beginnings.push(Beginning::Pair(first, second));
                }
                [(Kind::Exact, first), (Kind::Exact, second), (Kind::Exact, third)] => {
                    let rarer = if common(third) < common(first) { Rarer::Last } else { Rarer::First };
                    beginnings.push(Beginning::Triple([first, second, third], rarer));
                }
                _ => {}
            }
        }
        beginnings
    }

    /// Where every term begins.
    pub(super) const ROOT: u32 = 0;

    /// The branches that a folded word leads to from another.
    pub(super) fn step(&self, from: u32, folded: &str, branches: &mut Vec<u32>) {
        let Some(parent) = self.branches.get(from as usize) else { return };
        let word = Word::of(folded);
        for kind in Kind::ALL.into_iter().filter(|kind| parent.onward & kind.bit() != 0) {
            let children = self.children(from, next_key(parent.key, word.key(kind)), kind);
            let same = children.filter(|(_, child)| compare(self.word(child), folded, kind));
            branches.extend(same.map(|(number, _)| number));
        }
    }

    /// What ends at a branch.
    pub(super) fn endings_of(&self, branch: u32) -> &[Ending] {
        self.branches.get(branch as usize).map_or(&[], |branch| self.endings(branch))
    }

    /// Whether terms go on from a branch.
    pub(super) fn goes_on(&self, branch: u32) -> bool {
        self.branches.get(branch as usize).is_some_and(|branch| branch.onward != 0)
    }

    /// The words of all terms of some lists, without those of allow-phrases alone, and whether each is a beginning of words.
    pub(super) fn words_of(&self, list: impl Fn(usize) -> bool) -> Vec<(&str, bool)> {
        let mut wanted = vec![false; self.branches.len()];
        for (number, branch) in self.branches.iter().enumerate() {
            let wanted_here = |ending: &Ending| ending.term.is_some() && list(usize::from(ending.list.0));
            if !self.endings(branch).iter().any(wanted_here) {
                continue;
            }
            let mut at = number;
            while let Some(slot) = wanted.get_mut(at).filter(|slot| !**slot && at != 0) {
                *slot = true;
                at = self.branches.get(at).map_or(0, |branch| branch.parent as usize);
            }
        }
        let branches = self.branches.iter().zip(wanted).filter(|(_, wanted)| *wanted);
        let mut words: Vec<(&str, bool)> =
            branches.map(|(branch, _)| (self.word(branch), branch.kind != Kind::Exact)).collect();
        words.sort_unstable();
        words.dedup();
        words
    }

    /// Each word that stands in a term or allow-phrase, with the word before it there, and whether one ends with it.
    pub(super) fn steps(&self) -> impl Iterator<Item = Step<'_>> {
        self.branches.iter().skip(1).map(|branch| Step {
            before: self
                .branches
                .get(branch.parent as usize)
                .filter(|_| branch.parent != 0)
                .map(|parent| self.word(parent)),
            word: self.word(branch),
            is_beginning: branch.kind != Kind::Exact,
            ends: !self.endings(branch).is_empty(),
        })
    }

    /// The words from the root to a branch, each as it is found.
    fn path(&self, branch: &Branch) -> Vec<(Kind, u64)> {
        let mut path = Vec::new();
        let mut at = Some(branch);
        while let Some(branch) = at {
            path.push((branch.kind, Word::of(self.word(branch)).key(branch.kind)));
            at = self.branches.get(branch.parent as usize).filter(|_| branch.parent != 0);
        }
        path.reverse();
        path
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
            for (number, child) in self.children(number, next_key(branch.key, word.key(kind)), kind) {
                if !child.is_told_by_key(written) && !matches(self.word(child), written, kind) {
                    continue;
                }
                found.extend(self.endings(child).iter().map(|&ending| Found {
                    ending,
                    end: word.end,
                    by: Disguises::NONE,
                }));
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
        let block = self.keys.get((key >> self.keys_shift) as usize);
        let known = block.is_some_and(|block| block & key_bits(key) == key_bits(key));
        (0..if known { self.slots.len() } else { 0 })
            .map_while(move |step| self.slots.get((first + step) & mask).filter(|slot| slot.1 != FREE))
            .filter(move |slot| slot.0 == key as u32)
            .filter_map(|slot| Some((slot.1, self.branches.get(slot.1 as usize)?)))
            .filter(move |(_, branch)| branch.key == key && branch.parent == parent && branch.kind == kind)
    }

    fn endings<'b>(&'b self, branch: &'b Branch) -> &'b [Ending] {
        match (branch.endings, &branch.ending) {
            ((start, end), Some(ending)) if end - start == 1 => std::slice::from_ref(ending),
            ((start, end), _) => self.endings.get(start as usize..end as usize).unwrap_or_default(),
        }
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

/// A term with each of its words in each of its forms, one word at a time.
fn inflected(phrase: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut words = Words::of(phrase);
    while let Some((start, end)) = words.advance() {
        let (before, after) = (phrase.get(..start), phrase.get(end..));
        if let (Some(before), Some(after)) = (before, after.filter(|after| !after.starts_with('*'))) {
            all.extend(forms(words.folded()).into_iter().map(|form| [before, &form, after].concat()));
        }
    }
    all
}

/// A term with its contractions written without their apostrophes, in every way; nothing where it has none.
fn apostrophes_forgiven(phrase: &str) -> Vec<String> {
    if !phrase.contains(['\'', '’']) {
        return Vec::new();
    }
    let mut all = Vec::new();
    let mut words = Words::of(phrase);
    while let Some((_, end)) = words.advance() {
        let star = if phrase.as_bytes().get(end) == Some(&b'*') { "*" } else { "" };
        all.push(format!("{}{star}", words.folded()));
    }
    without_apostrophes(&all)
}

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
                ..5 => Kind::Prefix3,
                5..7 => Kind::Prefix5,
                7.. => Kind::Prefix7,
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
                short: false,
                ending: None,
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
        let key = next_key(branch.key, Word::of(folded).key(kind));
        let start = self.words.len() as u32;
        self.words.push_str(folded);
        let word = (start, self.words.len() as u32);
        let short = kind == Kind::Exact && folded.len() <= 8 && !folded.ends_with("'s");
        let child =
            self.push(Branch { key, parent, word, kind, short, ending: None, endings: (0, 0), onward: 0 });
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
        let blocks = (self.branches.len() / 4).next_power_of_two().max(2);
        let mut trie = Trie {
            branches: Vec::with_capacity(self.branches.len()),
            words: self.words,
            endings: Vec::new(),
            slots: vec![(0, FREE); slots],
            shift: 64 - slots.trailing_zeros(),
            keys: vec![0; blocks],
            keys_shift: 64 - blocks.trailing_zeros(),
            lists,
        };
        for (number, (mut branch, endings)) in (0_u32..).zip(self.branches) {
            let start = trie.endings.len() as u32;
            branch.ending = endings.first().copied();
            trie.endings.extend(endings);
            branch.endings = (start, trie.endings.len() as u32);
            trie.branches.push(branch);
            if number != 0 {
                let first = (branch.key >> trie.shift) as usize;
                let free = (0..slots).map(|step| (first + step) & (slots - 1));
                let free =
                    free.into_iter().find(|slot| trie.slots.get(*slot).is_some_and(|slot| slot.1 == FREE));
                if let Some(slot) = free.and_then(|slot| trie.slots.get_mut(slot)) {
                    *slot = (branch.key as u32, number);
                }
                if let Some(block) = trie.keys.get_mut((branch.key >> trie.keys_shift) as usize) {
                    *block |= key_bits(branch.key);
                }
            }
        }
        trie
    }
}

/// Two bits that stand for a key in its block.
#[inline(always)]
fn key_bits(key: u64) -> u64 {
    1 << (key >> 32 & 63) | 1 << (key >> 26 & 63)
}

/// Whether a branch's word stands for a word as it was written.
fn matches(word: &str, written: &str, kind: Kind) -> bool {
    if written.is_ascii() {
        compare(word, written, kind)
    } else {
        with_folded(written, |folded| compare(word, folded, kind))
    }
}

fn with_folded<T>(written: &str, then: impl FnOnce(&str) -> T) -> T {
    let mut words = Words::of(written);
    words.advance();
    then(words.folded())
}

#[inline(always)]
fn compare(word: &str, written: &str, kind: Kind) -> bool {
    let (word, written) = (word.as_bytes(), written.as_bytes());
    let Some((same, rest)) = written.split_at_checked(word.len()) else { return false };
    let ends = kind != Kind::Exact || rest.is_empty() || rest.eq_ignore_ascii_case(b"'s");
    ends && same.eq_ignore_ascii_case(word)
}

/// The hash of a folded word. Of up to sixteen bytes it is that of the first eight and the rest; a possessive hashes as
/// the word itself.
pub(super) fn hash_word(folded: &str) -> u64 {
    let bytes = folded.strip_suffix("'s").unwrap_or(folded).as_bytes();
    let halves =
        |sixteen: &[u8]| hash_halves(eight_bytes(sixteen), eight_bytes(sixteen.get(8..).unwrap_or_default()));
    let mut pieces = bytes.chunks(16).map(halves);
    let first = pieces.next().unwrap_or_default();
    pieces.fold(first, next_key)
}

/// The hash of a word's first eight bytes and its next eight, with zeros after its end.
#[inline(always)]
pub(super) fn hash_halves(first: u64, second: u64) -> u64 {
    first.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ second.wrapping_mul(0xD6E8_FEB8_6659_FD93)
}

/// The key of the branch for the next word.
#[inline(always)]
pub(super) fn next_key(key: u64, word: u64) -> u64 {
    (key.rotate_left(23) ^ word).wrapping_mul(0xA076_1D64_78BD_642F)
}

/// The first eight bytes of a folded word, with zeros after its end.
pub(super) fn head(folded: &str) -> u64 {
    eight_bytes(folded.as_bytes())
}

fn eight_bytes(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}
