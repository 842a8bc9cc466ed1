//! The index by which names are found in texts: words, and pairs of a first and a family name. Made once a roll; reads no text.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::fold::{WordHash, is_apostrophe};
use super::{Names, Person, Role, given_name_count, is_also_a_place, is_also_a_word, name_words};

/// The people of a roll by the words that name them.
#[derive(Default)]
pub struct NameIndex {
    /// A few bits of each word, so that most words of a text are known to be nobody's by one look.
    filter: Vec<u64>,
    words: HashMap<WordHash, Word, BuildHasherDefault<Mixed>>,
    /// By the words that a first and a family name begin with: where their full names stand in `full`.
    pairs: HashMap<WordHash, (u32, u32), BuildHasherDefault<Mixed>>,
    full: Vec<FullName>,
    /// The words of all forms, one after the other.
    arena: Vec<WordHash>,
    /// For each person, what may stand between the two names: all first and middle names.
    between: Vec<Form>,
    /// For each person, whether a middle name is known.
    has_middle: Vec<bool>,
    /// How many people of a role have those two initials.
    initials: HashMap<(Role, Initials), u32>,
}

/// Two initials in capitals: of a first and a family name.
pub type Initials = [char; 2];

/// What is known of a word that is part of somebody's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Word {
    /// It begins a first name of somebody.
    pub begins_given: bool,
    /// It begins a family name of somebody.
    pub begins_family: bool,
    /// It is also a word of the language, or a place.
    pub is_a_word: bool,
    /// The only pupil or member of staff of that name, where it is rare in the country too.
    pub only: Option<u32>,
}

/// A way to write somebody's full name.
#[derive(Debug, Clone, Copy)]
pub struct FullName {
    /// Whose, as an index into the roll's people.
    pub person: u32,
    /// The first name.
    pub given: Form,
    /// The family name.
    pub family: Form,
}

/// Some words of [`NameIndex::form`], one after the other.
#[derive(Debug, Clone, Copy, Default)]
pub struct Form {
    start: u32,
    length: u8,
}

impl Form {
    /// How many words.
    pub const fn len(self) -> usize {
        self.length as usize
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.length == 0
    }
}

/// Most people of whom a given name is thought to be rare enough to tell who is meant: of two years' babies in England and Wales.
const RARE: u32 = 300;
/// Words within family names that are no half of one.
const PARTICLES: [&str; 26] = [
    "al", "ap", "bin", "bint", "da", "de", "del", "den", "der", "di", "dos", "du", "el", "ibn", "la", "le",
    "mac", "mc", "o", "of", "san", "st", "ten", "ter", "van", "von",
];

impl NameIndex {
    pub(super) fn new(people: &[Person]) -> Self {
        let mut index = Self::default();
        let mut full: Vec<(WordHash, FullName)> = Vec::with_capacity(people.len() * 2);
        for (person, number) in people.iter().zip(0_u32..) {
            index.add(person, number, &mut full);
        }
        full.sort_by_key(|(pair, name)| {
            let length = usize::MAX - name.given.len() - name.family.len();
            (*pair, length, name.person)
        });
        for same in full.chunk_by(|(one, _), (next, _)| one == next) {
            let start = u32::try_from(index.full.len()).unwrap_or(u32::MAX);
            index.full.extend(same.iter().map(|(_, name)| *name));
            let end = u32::try_from(index.full.len()).unwrap_or(u32::MAX);
            index.pairs.extend(same.first().map(|(pair, _)| (*pair, (start, end))));
        }
        index.mark_single(people);
        index.fill_filter();
        index
    }

    /// Whether a word can be anybody's: sometimes yes for one that is nobody's.
    pub fn may_know(&self, word: WordHash) -> bool {
        let bits = word.bits();
        let at = usize::try_from(bits >> 6).unwrap_or_default() & self.filter.len().wrapping_sub(1);
        self.filter.get(at).is_some_and(|block| block >> (bits & 63) & 1 == 1)
    }

    /// What is known of a word; nothing for one that is no part of anybody's first or family name.
    pub fn word(&self, word: WordHash) -> Option<Word> {
        self.may_know(word).then(|| self.words.get(&word).copied()).flatten()
    }

    /// The full names whose first and family name begin with those words, the longest first.
    pub fn full_names(&self, given: WordHash, family: WordHash) -> &[FullName] {
        let range = self.pairs.get(&pair(given, family)).copied();
        range.and_then(|(start, end)| self.full.get(start as usize..end as usize)).unwrap_or_default()
    }

    /// The words of a form.
    pub fn form(&self, form: Form) -> &[WordHash] {
        let start = form.start as usize;
        self.arena.get(start..start + form.len()).unwrap_or_default()
    }

    /// All first and middle names of a person: what may stand between the first and the family name.
    pub fn between(&self, person: u32) -> &[WordHash] {
        self.between.get(person as usize).map_or(&[], |form| self.form(*form))
    }

    /// Whether somebody of the same role has those initials, besides the person.
    pub fn shares_initials(&self, person: &Person, initials: Initials) -> bool {
        let all = self.initials.get(&(person.role, initials)).copied().unwrap_or_default();
        let own = u32::from(initials_of(&person.names).contains(&initials));
        all > own
    }

    /// Whether a middle name of the person is known.
    pub fn has_middle(&self, person: u32) -> bool {
        self.has_middle.get(person as usize).copied().unwrap_or_default()
    }

    fn add(&mut self, person: &Person, number: u32, full: &mut Vec<(WordHash, FullName)>) {
        let names = &person.names;
        let given = self.store_all(given_forms(names));
        let family = self.store_all(family_forms(names));
        for form in &given {
            self.mark(*form, |word| word.begins_given = true);
        }
        for form in &family {
            self.mark(*form, |word| word.begins_family = true);
        }
        for given in &given {
            for family in &family {
                let first = |form: Form| self.form(form).first().copied();
                if let (Some(one), Some(other)) = (first(*given), first(*family)) {
                    full.push((
                        pair(one, other),
                        FullName { person: number, given: *given, family: *family },
                    ));
                }
            }
        }
        let own = [Some(&names.given), Some(&names.middle), names.preferred_given.as_ref()];
        let words = own.into_iter().flatten().flat_map(|name| name_words(name)).collect();
        let between = self.store(words);
        self.between.push(between);
        self.has_middle.push(!names.middle.trim().is_empty());
        for initials in initials_of(names) {
            *self.initials.entry((person.role, initials)).or_default() += 1;
        }
    }

    fn store_all(&mut self, forms: Vec<Vec<String>>) -> Vec<Form> {
        forms.into_iter().map(|words| self.store(words)).filter(|form| !form.is_empty()).collect()
    }

    fn store(&mut self, words: Vec<String>) -> Form {
        let start = u32::try_from(self.arena.len()).unwrap_or(u32::MAX);
        let length = u8::try_from(words.len()).unwrap_or(0);
        self.arena.extend(words.iter().take(length.into()).map(|word| WordHash::of(word)));
        Form { start, length }
    }

    fn mark(&mut self, form: Form, set: impl Fn(&mut Word)) {
        if let Some(first) = self.form(form).first().copied() {
            let new = || Word { is_a_word: is_also_a_word(first), ..Word::default() };
            set(self.words.entry(first).or_insert_with(new));
        }
    }

    /// Notes which words are the name of one pupil or member of staff alone. Parents have the names of their children.
    fn mark_single(&mut self, people: &[Person]) {
        let mut bearers: HashMap<WordHash, Option<u32>, BuildHasherDefault<Mixed>> = HashMap::default();
        for (person, number) in people.iter().zip(0_u32..) {
            for word in single_names(&person.names) {
                let bearer = bearers.entry(word).or_insert(Some(number));
                let is_same = |known: u32| {
                    let other = people.get(known as usize);
                    known == number || other.is_some_and(|other| is_family(other, person))
                };
                match *bearer {
                    Some(known) if is_same(known) => {
                        if person.role != Role::Parent {
                            *bearer = Some(number);
                        }
                    }
                    _ => *bearer = None,
                }
            }
        }
        for (word, bearer) in bearers {
            let Some(number) = bearer else { continue };
            let known = self.words.get_mut(&word).filter(|known| !known.is_a_word && !is_also_a_place(word));
            if let Some(known) = known.filter(|_| given_name_count(word) < RARE) {
                let counts = people.get(number as usize).is_some_and(|person| person.role != Role::Parent);
                known.only = counts.then_some(number);
            }
        }
    }

    fn fill_filter(&mut self) {
        // 16 bits for each word, in one bit of which it is noted: of 16 words that are nobody's one needs a second look.
        let blocks = (self.words.len() / 4).next_power_of_two();
        let mut filter = vec![0_u64; if self.words.is_empty() { 0 } else { blocks }];
        for word in self.words.keys() {
            let at = usize::try_from(word.bits() >> 6).unwrap_or_default() & (blocks - 1);
            if let Some(block) = filter.get_mut(at) {
                *block |= 1 << (word.bits() & 63);
            }
        }
        self.filter = filter;
    }
}

/// Whether one of two is a parent of the other.
fn is_family(one: &Person, other: &Person) -> bool {
    let is_parent = |parent: &Person, child: &Person| {
        parent.role == Role::Parent && child.role == Role::Pupil && parent.pupils.contains(&child.id)
    };
    is_parent(one, other) || is_parent(other, one)
}

/// The initials by which somebody may be meant: of the first name and of the preferred one, each once.
fn initials_of(names: &Names) -> Vec<Initials> {
    let first = |name: &str| {
        let letter = name.chars().find(|letter| letter.is_alphabetic())?;
        letter.to_uppercase().next()
    };
    let family = first(names.preferred_family.as_ref().unwrap_or(&names.family));
    let given = [first(&names.given), names.preferred_given.as_deref().and_then(first)];
    let both = given.into_iter().filter_map(|given| Some([given?, family?]));
    let mut all: Vec<Initials> = both.collect();
    all.dedup();
    all
}

fn pair(given: WordHash, family: WordHash) -> WordHash {
    family.bits().to_le_bytes().into_iter().fold(given.byte(0), WordHash::byte)
}

/// The ways to write a first name: all of its words, all as one, the first alone; and those of the preferred one.
fn given_forms(names: &Names) -> Vec<Vec<String>> {
    let mut forms = Vec::new();
    for name in std::iter::once(&names.given).chain(&names.preferred_given) {
        let words = name_words(name);
        if words.len() > 1 {
            push(&mut forms, vec![words.concat()]);
            push(&mut forms, words.iter().take(1).cloned().collect());
        }
        push(&mut forms, words);
    }
    // An initial alone is nobody's first name.
    forms.retain(|words| words.first().is_some_and(|word| word.chars().nth(1).is_some()));
    forms
}

/// The ways to write a family name: all of its words, all as one, each half; and those of preferred and former ones.
fn family_forms(names: &Names) -> Vec<Vec<String>> {
    let mut forms = Vec::new();
    let all = std::iter::once(&names.family).chain(&names.preferred_family).chain(&names.former_family);
    for name in all {
        let words = name_words(name);
        if words.len() > 1 {
            push(&mut forms, vec![words.concat()]);
            let halves = words.iter().enumerate().filter(|(_, word)| !PARTICLES.contains(&word.as_str()));
            for (at, half) in halves {
                push(&mut forms, vec![half.clone()]);
                push(&mut forms, words.iter().skip(at).cloned().collect());
                push(&mut forms, words.iter().take(at + 1).cloned().collect());
            }
        }
        // O Neill, Mc Donald.
        let apart: String =
            name.chars().map(|letter| if is_apostrophe(letter) { ' ' } else { letter }).collect();
        let apart = name_words(&apart);
        if apart.len() != words.len() {
            push(&mut forms, apart);
        } else if let ([word], Some(rest)) =
            (words.as_slice(), words.first().and_then(|word| word.strip_prefix("mc")))
            && word.len() > 4
        {
            push(&mut forms, vec!["mc".to_owned(), rest.to_owned()]);
        }
        push(&mut forms, words);
    }
    forms
}

fn push(forms: &mut Vec<Vec<String>>, words: Vec<String>) {
    if !words.is_empty() && !forms.contains(&words) {
        forms.push(words);
    }
}

/// The words by each of which alone somebody may be known: the first names, and family names of one word.
fn single_names(names: &Names) -> Vec<WordHash> {
    let mut words = Vec::new();
    let all = [&names.given].into_iter().chain(&names.preferred_given).chain(std::iter::once(&names.family));
    for name in all.chain(&names.preferred_family).chain(&names.former_family) {
        let own = name_words(name);
        if let [word] = own.as_slice() {
            words.push(WordHash::of(word));
        } else {
            let long = own.iter().filter(|word| !PARTICLES.contains(&word.as_str()));
            words.extend(long.map(|word| WordHash::of(word)));
        }
    }
    words.sort_unstable();
    words.dedup();
    words
}

/// Takes a [`WordHash`], which is mixed already, as it is.
#[derive(Debug, Clone, Copy, Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        // The table takes the upper bits too.
        self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}
