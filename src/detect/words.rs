//! Terms of word lists in texts. Compiled once at load; finds whole words in linear time.

use std::ops::ControlFlow;

use crate::detect::choice::Choice;
use crate::detect::disguise::{Disguised, Run, Search, Stretch};
use crate::detect::filter::Filter;
use crate::detect::list;
use crate::detect::sweep::{Sweep, Visitor};
use crate::detect::switches::{Disguises, Forms};
use crate::detect::trie::{Found, Trie, Word};
use crate::verdict::Span;
pub use crate::verdict::TermId;

/// A list's number in a [`WordIndex`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListId(pub u16);

/// A term that stands in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WordHit {
    /// The list.
    pub list: ListId,
    /// The term.
    pub term: TermId,
    /// What it counts for.
    pub weight: u16,
    /// Where.
    pub span: Span,
    /// The disguises that it stands in; none where it is written plainly.
    pub by: Disguises,
}

/// A word list as it was written: terms with weights, and phrases that are allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WordList {
    /// The list's name: its file's name without the ending.
    pub name: String,
    /// The terms, in their order.
    pub terms: Vec<Term>,
    /// Phrases inside which no term of this list counts.
    pub allowed: Vec<String>,
    /// In which forms its terms are found.
    pub forms: Forms,
    /// The disguises in which its terms are found.
    pub disguises: Disguises,
}

/// A term of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The words, as written.
    pub text: String,
    /// What it counts for; 1 where the list says nothing.
    pub weight: u16,
    /// The line that it stands on, from 1.
    pub line: usize,
}

/// A fault in a list, at its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {what}")]
pub struct ListFault {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The byte offsets of the faulty text in the file.
    pub span: Span,
    /// What is wrong, in lower case.
    pub what: String,
    /// What to do.
    pub help: Option<String>,
}

impl WordList {
    /// Reads a list's file. `docs/word-lists.md` has the format.
    ///
    /// # Errors
    /// Every fault in it, with its place, in the order of the lines.
    pub fn parse(name: &str, source: &str) -> Result<Self, Vec<ListFault>> {
        list::parse(name, source)
    }
}

/// All lists of a policy, compiled into one index that is walked once for each text.
///
/// A term is found where its words stand, whole and in their order, with nothing but blank space, a line break or a
/// hyphen between them; capitals, accents, widths and invisible characters make no difference, and a word's
/// possessive counts as the word. Of a list's terms that overlap, the heaviest counts, of equally heavy ones the one that
/// begins first, and of those that begin together the longest. What stands inside a list's allow-phrase does not count for that list.
#[derive(Debug, Clone)]
pub struct WordIndex {
    trie: Trie,
    filter: Filter,
    /// What is seen through, where any list asks for it.
    disguised: Option<Disguised>,
}

impl WordIndex {
    /// Compiles lists; the list at index `n` gets `ListId(n)`.
    pub fn new(lists: &[WordList]) -> Self {
        let trie = Trie::new(lists);
        let disguised = Disguised::new(&trie, lists.iter().map(|list| list.disguises).collect());
        Self { filter: Filter::new(&trie.beginnings()), trie, disguised }
    }

    /// Finds every term of every list in a text, appending to `hits` in the order of their starts, at most until
    /// `hits` holds `cap`. Returns whether that cap cut it short.
    pub fn find(&self, text: &str, cap: usize, hits: &mut Vec<WordHit>) -> bool {
        let search = self.disguised.as_ref().map(|disguised| disguised.search(&self.trie, text));
        let choice = Choice::new(self.trie.lists(), cap, hits);
        let mut finder = Finder { trie: &self.trie, text, search, choice, found: Vec::new() };
        let sweep = Sweep::run(&self.filter, text, &mut finder);
        let cut = finder.choice.finish();
        sweep.is_break() || cut || finder.search.is_some_and(|search| search.skipped())
    }
}

impl Default for WordIndex {
    fn default() -> Self {
        Self::new(&[])
    }
}

/// Takes what the sweep comes upon, and what stands there in disguise, in one order.
struct Finder<'f> {
    trie: &'f Trie,
    text: &'f str,
    search: Option<Search<'f>>,
    choice: Choice<'f>,
    found: Vec<Found>,
}

impl Finder<'_> {
    /// Takes what stands in disguise before a byte.
    fn take_disguised(&mut self, limit: usize) -> ControlFlow<()> {
        let Some(search) = self.search.as_mut().filter(|search| !search.is_idle()) else {
            return ControlFlow::Continue(());
        };
        let unmasked = search.up_to(limit);
        for same in unmasked.chunk_by(|one, next| one.start == next.start) {
            let mut found: Vec<Found> = same.iter().map(|one| one.found).collect();
            self.choice.take(same.first().map_or(0, |one| one.start), &mut found)?;
        }
        ControlFlow::Continue(())
    }
}

impl Visitor for &mut Finder<'_> {
    fn visit(&mut self, words: &[Word]) -> ControlFlow<()> {
        let start = words.first().map_or(0, |word| word.start);
        self.take_disguised(start)?;
        self.found.clear();
        self.trie.follow(self.text, words, &mut self.found);
        if let Some(search) = self.search.as_mut().filter(|search| !search.is_idle()) {
            self.found.extend(search.up_to(start + 1).iter().map(|one| one.found));
        }
        self.choice.take(start, &mut self.found)
    }

    #[inline(always)]
    fn see(&mut self, stretch: Stretch<'_, impl Fn(usize) -> Run>) {
        if let Some(search) = &mut self.search {
            search.notice(stretch);
        }
    }

    fn pass(&mut self, byte: usize) -> ControlFlow<()> {
        self.take_disguised(byte)
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::collections::HashMap;

    use proptest::prelude::{ProptestConfig, Strategy, any, prop, prop_assert_eq, prop_oneof, proptest};

    use super::*;
    use crate::detect::contraction::bare;
    use crate::detect::fold::{Words, joins};

    fn list(source: &str) -> WordList {
        WordList::parse("test", source).unwrap()
    }

    /// The texts of the hits of some lists, each with its list and weight.
    fn found<'t>(lists: &[WordList], text: &'t str) -> Vec<(u16, u16, &'t str)> {
        let mut hits = Vec::new();
        assert!(!WordIndex::new(lists).find(text, usize::MAX, &mut hits));
        hits.iter()
            .map(|hit| (hit.list.0, hit.weight, text.get(hit.span.start..hit.span.end).unwrap()))
            .collect()
    }

    fn texts<'t>(source: &str, text: &'t str) -> Vec<&'t str> {
        found(&[list(source)], text).into_iter().map(|(_, _, text)| text).collect()
    }

    #[test]
    fn whole_words_count_in_any_shape() {
        assert_eq!(
            texts("donkey", "A donkey, DONKEY’s; donkeys Dönkey donkey_ride."),
            ["donkey", "DONKEY’s", "Dönkey", "donkey"]
        );
        assert_eq!(texts("hell", "he'll shell hell"), ["hell"]);
        assert_eq!(texts("won't", "wont won’t won't"), ["won’t", "won't"]);
    }

    #[test]
    fn a_phrase_reaches_over_blank_space_and_hyphens_alone() {
        let text = "red kite, Red\r\n\tKite. red-kite red. kite red, kite red\u{a0}kites red kite's";
        assert_eq!(texts("red kite", text), ["red kite", "Red\r\n\tKite", "red-kite", "red kite's"]);
        assert_eq!(texts("red-kite", text), ["red kite", "Red\r\n\tKite", "red-kite", "red kite's"]);
        assert_eq!(texts("parents' evening", "the parents’ evening"), ["parents’ evening"]);
    }

    #[test]
    fn a_prefix_takes_the_rest_of_the_word() {
        assert_eq!(texts("bull*", "bull bully Bullying's bul ébull"), ["bull", "bully", "Bullying's"]);
        assert_eq!(texts("was* clothes*", "washing the clothes, wash clothesline"), ["wash clothesline"]);
        assert_eq!(texts("bull*\n! bullseye", "bullseye bully"), ["bully"]);
    }

    #[test]
    fn the_longest_term_counts_and_the_more_definite() {
        let source = "red\nred kite\nkite\nred kite nest\nbull* = 6\nbully = 7\nbull* pen = 8";
        let hits = found(&[list(source)], "red kite nests, red kite kite bully bullet bully pen");
        let expected = [
            (0, 1, "red kite"),
            (0, 1, "red kite"),
            (0, 1, "kite"),
            (0, 7, "bully"),
            (0, 6, "bullet"),
            (0, 8, "bully pen"),
        ];
        assert_eq!(hits, expected);
    }

    #[test]
    fn of_terms_that_overlap_the_heavier_counts() {
        let source = "big red = 2\nred kite = 5\nkite nest = 3\nold nest site = 4\nsite = 5\nold\nshort";
        let hits = |text| found(&[list(source)], text);
        assert_eq!(hits("big red kite nest"), [(0, 5, "red kite")]);
        assert_eq!(hits("big red, kite nest"), [(0, 2, "big red"), (0, 3, "kite nest")]);
        // Where the heavier one leaves room, the lighter ones that it does not touch count too.
        assert_eq!(hits("old nest site"), [(0, 1, "old"), (0, 5, "site")]);
        // Of the same words the more definite term counts, be it the lighter one.
        assert_eq!(
            found(&[list("bull* = 5\nbullion = 1")], "bullion bulls"),
            [(0, 1, "bullion"), (0, 5, "bulls")]
        );
        // A long run of terms that overlap is settled as a whole.
        let run = "red kite ".repeat(2_000);
        let hits = found(&[list("red kite = 1\nkite red = 2")], &run);
        assert_eq!(hits.iter().filter(|hit| hit.1 == 2).count(), 1_999);
        assert_eq!(hits.len(), 1_999);
    }

    #[test]
    fn a_contraction_is_found_without_its_apostrophe_too() {
        assert_eq!(
            texts("don't tell", "Don't tell, don’t tell, dont tell, do not tell"),
            ["Don't tell", "don’t tell", "dont tell"]
        );
        assert_eq!(texts("dont tell", "don't tell, dont tell"), ["dont tell"]);
        assert_eq!(texts("they know\n! i'm sure they know", "Im sure they know. They know."), ["They know"]);
        // What would be another word stays apart.
        for (term, text) in [
            ("we're", "were"),
            ("he'll", "hell"),
            ("she'll", "shell"),
            ("i'll", "ill"),
            ("can't", "cant"),
            ("won't", "wont"),
            ("it's", "its"),
            ("she'd", "shed"),
            ("mum's", "mums"),
        ] {
            assert!(texts(term, text).is_empty(), "{term}");
        }
        // Written as a term of its own, it keeps its own weight.
        assert_eq!(found(&[list("don't = 5\ndont = 2")], "dont don't"), [(0, 2, "dont"), (0, 5, "don't")]);
    }

    #[test]
    fn an_allowed_phrase_silences_its_own_list() {
        let lists = [list("united\ntown = 3\n! scunthorpe united"), list("united")];
        let hits = found(&lists, "Scunthorpe  United beat united town");
        assert_eq!(hits, [(1, 1, "United"), (0, 1, "united"), (1, 1, "united"), (0, 3, "town")]);
    }

    #[test]
    fn a_disguised_allow_phrase_excuses_no_term_of_the_same_words() {
        let source = "@disguises all\nmuppet\nshow\n! muppett\n! muppet show";
        assert_eq!(texts(source, "Muppett, muppettt, the Muppet Show, a muppet"), ["muppettt", "muppet"]);
    }

    #[test]
    fn inflections_are_found_where_a_list_asks() {
        let source = "kick\nkick off\nbully = 5\nbullies = 2";
        let text = "kicked, bullying bullies, kicks off kick offs kicked offs";
        assert_eq!(texts(source, text), ["bullies", "kick"]);
        let hits = found(&[list(&format!("@inflections\n{source}"))], text);
        let expected = [
            (0, 1, "kicked"),
            (0, 5, "bullying"),
            (0, 2, "bullies"),
            (0, 1, "kicks off"),
            (0, 1, "kick offs"),
            (0, 1, "kicked"),
        ];
        assert_eq!(hits, expected);
    }

    #[test]
    fn no_word_is_lost_where_the_text_is_cut() {
        let lists = [list("don't = 2\ndon = 3\nred kite\nélan\nred's\nenvironmentalists")];
        let tail = "don't red kite's ''red's' élan’s, environmentalists' red\u{200b}\nkite";
        for before in ["", "x"] {
            for blank in 1_900..2_060 {
                let text = before.to_owned() + &" ".repeat(blank) + tail;
                let mut hits = Vec::new();
                WordIndex::new(&lists).find(&text, usize::MAX, &mut hits);
                assert_eq!(hits.len(), 6, "{hits:?}");
                assert_eq!(hits, slowly(&lists, &text), "after {blank} blanks");
            }
        }
    }

    #[test]
    fn the_cap_counts_what_was_there_before() {
        let index = WordIndex::new(&[list("red")]);
        let mut hits = Vec::new();
        assert!(!index.find("red red", 2, &mut hits));
        assert!(!index.find("blue", 2, &mut hits));
        assert!(index.find("red", 2, &mut hits));
        assert_eq!(hits.len(), 2);
    }

    /// What [`WordIndex::find`] must find, done the slow and obvious way: every term is tried at every word.
    fn slowly(lists: &[WordList], text: &str) -> Vec<WordHit> {
        let cut = |text: &str| {
            let mut words = Words::of(text);
            let mut all = Vec::new();
            while let Some(span) = words.advance() {
                all.push((span.0, span.1, words.folded().to_owned()));
            }
            all
        };
        let words = cut(text);
        let phrases =
            lists.iter().flat_map(|list| list.allowed.iter().chain(list.terms.iter().map(|term| &term.text)));
        let phrases: HashMap<&str, _> = phrases.map(|phrase| (phrase.as_str(), cut(phrase))).collect();
        // How far a phrase reaches from a word, and how many of its apostrophes are not there.
        let reach = |phrase: &str, at: usize| -> Option<(usize, usize)> {
            let phrase_words = &phrases[phrase];
            let taken = words.get(at..at + phrase_words.len())?;
            let mut forgiven = 0;
            let same = taken.iter().zip(phrase_words).all(|((_, _, word), (_, end, wanted))| {
                let starred = phrase.get(*end..).unwrap().starts_with('*');
                let is = |wanted: &str| word == wanted || *word == format!("{wanted}'s");
                let plain = is(wanted) || starred && word.starts_with(wanted);
                let bare = !plain && !starred && bare(wanted).is_some_and(|bare| is(&bare));
                forgiven += usize::from(bare);
                plain || bare
            });
            let together = taken.windows(2).all(|pair| joins(text.get(pair[0].1..pair[1].0).unwrap()));
            (same && together && forgiven <= 3).then(|| (taken.last().unwrap().1, forgiven))
        };
        let mut hits = Vec::new();
        for (number, list) in (0..).zip(lists) {
            // Of the terms that take the same words, the more definite one stands for all.
            let mut candidates = HashMap::new();
            for (at, &(start, ..)) in words.iter().enumerate() {
                for (id, term) in (0..).zip(&list.terms) {
                    let Some((end, forgiven)) = reach(&term.text, at) else { continue };
                    let stars = term.text.matches('*').count();
                    let letters: usize =
                        phrases[term.text.as_str()].iter().map(|(_, _, word)| word.len()).sum();
                    let allowed = list.allowed.iter().any(|phrase| {
                        (at.saturating_sub(phrase.len())..=at)
                            .any(|earlier| reach(phrase, earlier).is_some_and(|(reached, _)| reached >= end))
                    });
                    let rank = (Reverse(stars), letters - forgiven, Reverse(forgiven), Reverse(id));
                    let best = candidates.entry((start, end)).or_insert((rank, id, term.weight));
                    if rank > best.0 {
                        *best = (rank, id, term.weight);
                    }
                    if allowed {
                        candidates.remove(&(start, end));
                    }
                }
            }
            let mut candidates: Vec<_> = candidates.into_iter().collect();
            candidates
                .sort_by_key(|((start, end), (_, _, weight))| (Reverse(*weight), *start, Reverse(*end)));
            let mut taken: Vec<(usize, usize)> = Vec::new();
            for ((start, end), (_, id, weight)) in candidates {
                if taken.iter().all(|other| end <= other.0 || other.1 <= start) {
                    taken.push((start, end));
                    hits.push(WordHit {
                        list: ListId(number),
                        term: TermId(id),
                        weight,
                        span: Span { start, end },
                        by: Disguises::NONE,
                    });
                }
            }
        }
        hits.sort_by_key(|hit| (hit.span.start, hit.list));
        hits
    }

    /// Few words, so that terms meet; in shapes that fold alike.
    fn word() -> impl Strategy<Value = String> {
        let words = [
            "red",
            "kite",
            "redk",
            "red's",
            "kites",
            "a",
            "é",
            "É",
            "RED",
            "ré\u{ad}d",
            "environmentally",
            "environmentall",
            "counterrevolutionary",
            "counterrevolutionery",
            "straße",
            "ﬁne",
            "fine's",
            "don’t",
            "dont",
            "ｋite",
        ];
        prop_oneof![8 => prop::sample::select(words.to_vec()).prop_map(str::to_owned), 1 => "[a-c]{1,3}"]
    }

    fn phrase() -> impl Strategy<Value = String> {
        let starred = (word(), prop::bool::weighted(0.2)).prop_map(|(word, star)| {
            let fits = star && word.chars().count() >= 3;
            if fits { word + "*" } else { word }
        });
        prop::collection::vec(starred, 1..4).prop_map(|words| words.join(" "))
    }

    fn lists() -> impl Strategy<Value = Vec<WordList>> {
        let term = (phrase(), 1..5_u16).prop_map(|(text, weight)| Term { text, weight, line: 1 });
        let list = (prop::collection::vec(term, 1..12), prop::collection::vec(phrase(), 0..4));
        let list = list.prop_map(|(terms, allowed)| WordList {
            name: "test".to_owned(),
            terms,
            allowed,
            ..WordList::default()
        });
        prop::collection::vec(list, 1..3)
    }

    fn text() -> impl Strategy<Value = String> {
        let gaps = [
            " ", " ", " ", " ", "  ", "\r\n", "-", "_", ". ", ", ", "'", "' ", "‘", "’", "\u{200b}",
            "\u{301}", "“", "\u{a0}", "\n> ",
        ];
        let piece = prop_oneof![
            6 => word(),
            6 => prop::sample::select(gaps.to_vec()).prop_map(str::to_owned),
            1 => any::<char>().prop_map(String::from),
        ];
        prop::collection::vec(piece, 0..120).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(250))]

        #[test]
        fn finds_what_the_slow_way_finds(lists in lists(), text in text()) {
            let mut hits = Vec::new();
            let cut = WordIndex::new(&lists).find(&text, usize::MAX, &mut hits);
            prop_assert_eq!(cut, false);
            prop_assert_eq!(hits, slowly(&lists, &text));
        }

        #[test]
        fn finds_it_anywhere_in_a_long_text(
            lists in lists(),
            filler in prop::sample::select(vec!["x", " ", "a ", "é", "'", "red kite ", "don't ", "ab’c "]),
            times in 0_usize..2_500,
            text in text(),
        ) {
            let text = filler.repeat(times) + &text;
            let mut hits = Vec::new();
            WordIndex::new(&lists).find(&text, usize::MAX, &mut hits);
            prop_assert_eq!(hits, slowly(&lists, &text));
        }

        #[test]
        fn a_cap_keeps_the_first(mut lists in lists(), text in text(), cap in 0_usize..6) {
            // A heavier term that begins beyond the cap would have its say.
            lists.iter_mut().flat_map(|list| &mut list.terms).for_each(|term| term.weight = 1);
            let index = WordIndex::new(&lists);
            let (mut all, mut some) = (Vec::new(), Vec::new());
            index.find(&text, usize::MAX, &mut all);
            let cut = index.find(&text, cap, &mut some);
            prop_assert_eq!(cut, all.len() > cap);
            all.truncate(cap);
            prop_assert_eq!(some, all);
        }

        #[test]
        fn no_source_of_a_list_panics(source in "(\\PC|[\n\r\t #!=*'-]){0,80}") {
            let _ = WordList::parse("test", &source);
        }
    }
}
