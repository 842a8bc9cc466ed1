//! Patterns written in rules, found in texts. Compiled once at load; linear time whatever the input.

use regex_automata::meta::{Config, Regex};
use regex_automata::{Anchored, Input, Match, MatchKind, PatternID, PatternSet};
use regex_syntax::hir::{Hir, HirKind, Repetition};

use crate::verdict::Span;

/// A pattern's number in a [`PatternIndex`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PatternId(pub u16);

/// A stretch of text that a pattern matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatternHit {
    /// The pattern.
    pub pattern: PatternId,
    /// Where.
    pub span: Span,
}

/// Why a pattern cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PatternError {
    /// Not a regular expression, or one that is too large.
    #[error("pattern does not compile: {0}")]
    Syntax(String),
    /// It matches the empty text, so it would match everywhere.
    #[error("pattern matches empty text")]
    MatchesEmpty,
}

/// Most memory that one compiled pattern may take, in bytes.
const PATTERN_BYTES: usize = 4 << 20;
/// Longest stretch, in bytes, in which each place is tried by itself.
const STRETCH_BYTES: usize = 256;

/// All patterns of a policy.
///
/// Patterns that ask for word boundaries (`\b`) are slow engines' work as soon as a text has a letter beyond ASCII. So a
/// set of all patterns without their boundaries, which a fast engine answers in one walk, says first which patterns
/// can match at all; a pattern's own form without boundaries says where; and only there is the pattern itself tried.
#[derive(Debug, Clone, Default)]
pub struct PatternIndex {
    patterns: Vec<Pattern>,
    /// Which patterns can match; nothing when there are too few for it to pay, or it would be too large.
    set: Option<Regex>,
}

impl PatternIndex {
    /// Checks one pattern by itself, so that its fault can be shown where it stands.
    ///
    /// # Errors
    /// When it does not compile or matches empty text.
    pub fn check(pattern: &str) -> Result<(), PatternError> {
        Pattern::new(pattern).map(drop)
    }

    /// Compiles patterns; the pattern at index `n` gets `PatternId(n)`. They match as written: `(?i)` at the start makes
    /// one blind to capitals.
    ///
    /// # Errors
    /// The first that [`PatternIndex::check`] would refuse.
    pub fn new(patterns: &[String]) -> Result<Self, PatternError> {
        let patterns: Vec<Pattern> =
            patterns.iter().map(|pattern| Pattern::new(pattern)).collect::<Result<_, _>>()?;
        let loose: Vec<&Hir> = patterns.iter().map(|pattern| &pattern.loose_form).collect();
        let config =
            Config::new().match_kind(MatchKind::All).nfa_size_limit(Some(loose.len() * PATTERN_BYTES));
        let set = match loose.len() {
            0 | 1 => None,
            _ => Regex::builder().configure(config).build_many_from_hir(&loose).ok(),
        };
        Ok(Self { patterns, set })
    }

    /// Finds every pattern in a text, appending to `hits` in the order of their starts, at most until it holds `cap`.
    /// Returns whether that cap cut it short.
    pub fn find(&self, text: &str, cap: usize, hits: &mut Vec<PatternHit>) -> bool {
        let before = hits.len();
        let mut possible = PatternSet::new(self.patterns.len());
        if let Some(set) = &self.set {
            set.which_overlapping_matches(&Input::new(text), &mut possible);
        }
        let mut cut = false;
        for (pattern, number) in self.patterns.iter().zip(0..=u16::MAX) {
            if self.set.is_some() && !possible.contains(PatternID::must(number.into())) {
                continue;
            }
            let mut at = 0;
            while let Some(span) = pattern.find(text, at) {
                cut |= hits.len() >= cap;
                if cut {
                    break;
                }
                at = span.end;
                hits.push(PatternHit { pattern: PatternId(number), span });
            }
        }
        hits.get_mut(before..).unwrap_or_default().sort_by_key(|hit| (hit.span.start, hit.pattern));
        cut
    }
}

#[derive(Debug, Clone)]
struct Pattern {
    exact: Regex,
    /// The pattern without its boundaries, where these would slow it down.
    loose: Option<Regex>,
    loose_form: Hir,
}

impl Pattern {
    fn new(pattern: &str) -> Result<Self, PatternError> {
        let form = regex_syntax::parse(pattern).map_err(|error| PatternError::Syntax(error.to_string()))?;
        if form.properties().minimum_len() == Some(0) {
            return Err(PatternError::MatchesEmpty);
        }
        let loose_form = without_looks(&form);
        let slow = form.properties().look_set().contains_word_unicode();
        Ok(Self {
            exact: compile(&form)?,
            loose: slow.then(|| compile(&loose_form)).transpose()?,
            loose_form,
        })
    }

    /// The first match that begins at or after a place, as a search of the whole text would find it.
    fn find(&self, text: &str, from: usize) -> Option<Span> {
        let Some(loose) = &self.loose else {
            return span_of(self.exact.search(&Input::new(text).range(from..)));
        };
        let mut at = from;
        loop {
            // A match begins within a loose match: at its place the loose pattern matches too, so that the search for
            // that one cannot have passed it.
            let stretch = span_of(loose.search(&Input::new(text).range(at..)))?;
            if stretch.end - stretch.start > STRETCH_BYTES {
                return span_of(self.exact.search(&Input::new(text).range(stretch.start..)));
            }
            let places = (stretch.start..stretch.end).filter(|place| text.is_char_boundary(*place));
            let found = places
                .filter_map(|place| {
                    span_of(self.exact.search(&Input::new(text).range(place..).anchored(Anchored::Yes)))
                })
                .next();
            if found.is_some() {
                return found;
            }
            at = stretch.end;
        }
    }
}

fn compile(form: &Hir) -> Result<Regex, PatternError> {
    let config = Config::new().nfa_size_limit(Some(PATTERN_BYTES));
    let regex = Regex::builder().configure(config).build_from_hir(form);
    regex.map_err(|error| match error.size_limit() {
        Some(limit) => PatternError::Syntax(format!("it needs more than {limit} bytes of memory")),
        None => PatternError::Syntax(error.to_string()),
    })
}

fn span_of(found: Option<Match>) -> Option<Span> {
    found.map(|found| Span { start: found.start(), end: found.end() })
}

/// The pattern without what it says of its surroundings (`\b`, `^`, `$`): it matches wherever the pattern does, and
/// elsewhere too.
fn without_looks(form: &Hir) -> Hir {
    match form.kind() {
        HirKind::Look(_) => Hir::empty(),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(without_looks).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(without_looks).collect()),
        HirKind::Capture(capture) => without_looks(&capture.sub),
        HirKind::Repetition(repetition) => Hir::repetition(Repetition {
            sub: Box::new(without_looks(&repetition.sub)),
            ..repetition.clone()
        }),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) => form.clone(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop, prop_assert_eq, proptest};

    use super::*;

    fn index(patterns: &[&str]) -> PatternIndex {
        PatternIndex::new(&patterns.iter().map(|pattern| (*pattern).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    fn found<'t>(patterns: &[&str], text: &'t str) -> Vec<(u16, &'t str)> {
        let mut hits = Vec::new();
        assert!(!index(patterns).find(text, usize::MAX, &mut hits));
        hits.iter().map(|hit| (hit.pattern.0, text.get(hit.span.start..hit.span.end).unwrap())).collect()
    }

    #[test]
    fn patterns_match_as_written_in_the_order_of_the_text() {
        let text = "Résumé: Red kite 12-34-56, red kite 112-34-56";
        assert_eq!(
            found(&[r"\b\d{2}-\d{2}-\d{2}\b", r"(?i)red", "red"], text),
            [(1, "Red"), (0, "12-34-56"), (1, "red"), (2, "red")]
        );
        assert_eq!(found(&[r"\bsum"], "résumé sum"), [(0, "sum")]);
        assert_eq!(found(&[r"^R\w+", r"\w+$"], "Rés umé"), [(0, "Rés"), (1, "umé")]);
    }

    #[test]
    fn a_pattern_that_says_nothing_is_refused() {
        for pattern in ["", "x*", r"\b", "^$", "(a|)", "a{0}"] {
            assert!(matches!(PatternIndex::check(pattern), Err(PatternError::MatchesEmpty)), "{pattern:?}");
        }
        for pattern in ["(", "[z-a]", r"\p{Nonsense}", r"(?:\w{100}){100}{100}", r"(a)\1", "(?=a)b"] {
            assert!(matches!(PatternIndex::check(pattern), Err(PatternError::Syntax(_))), "{pattern:?}");
        }
    }

    #[test]
    fn the_cap_counts_what_was_there_before() {
        let index = index(&["a", "b"]);
        let mut hits = Vec::new();
        assert!(!index.find("ab", 2, &mut hits));
        assert!(!index.find("c", 2, &mut hits));
        assert!(index.find("b", 2, &mut hits));
        assert_eq!(hits.len(), 2);
    }

    proptest! {
        #[test]
        fn finds_what_the_plain_expression_finds(
            patterns in prop::collection::vec(prop::sample::select(vec![
                r"\ba", r"a\b", r"\ba+\b", r"\Ba", r"(?:\ba|é\b)b*", r"\b\w{2,3}\b", r"a.{0,5}\bb", "ab?", "^a", r"\bé+", r"\S+\b",
            ]), 1..4),
            text in "[abé \n]{0,40}", times in 1_usize..20,
        ) {
            let text = text.repeat(times);
            let mut hits = Vec::new();
            index(&patterns).find(&text, usize::MAX, &mut hits);
            let mut expected = Vec::new();
            for (number, pattern) in (0..).zip(&patterns) {
                for found in regex::Regex::new(pattern).unwrap().find_iter(&text) {
                    let span = Span { start: found.start(), end: found.end() };
                    expected.push(PatternHit { pattern: PatternId(number), span });
                }
            }
            expected.sort_by_key(|hit| (hit.span.start, hit.pattern));
            prop_assert_eq!(hits, expected);
        }
    }
}
