//! Patterns written in rules, found in texts. Compiled once at load; linear time whatever the input.

use regex::{Regex, RegexBuilder};

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

/// All patterns of a policy.
#[derive(Debug, Clone, Default)]
pub struct PatternIndex {
    patterns: Vec<Regex>,
}

impl PatternIndex {
    /// Checks one pattern by itself, so that its fault can be shown where it stands.
    ///
    /// # Errors
    /// When it does not compile or matches empty text.
    pub fn check(pattern: &str) -> Result<(), PatternError> {
        compile(pattern).map(drop)
    }

    /// Compiles patterns; the pattern at index `n` gets `PatternId(n)`. They match as written: `(?i)` at the start makes
    /// one blind to capitals.
    ///
    /// # Errors
    /// The first that [`PatternIndex::check`] would refuse.
    pub fn new(patterns: &[String]) -> Result<Self, PatternError> {
        Ok(Self { patterns: patterns.iter().map(|pattern| compile(pattern)).collect::<Result<_, _>>()? })
    }

    /// Finds every pattern in a text, appending to `hits` in the order of their starts, at most until it holds `cap`.
    /// Returns whether that cap cut it short.
    pub fn find(&self, text: &str, cap: usize, hits: &mut Vec<PatternHit>) -> bool {
        let before = hits.len();
        let mut cut = false;
        for (pattern, number) in self.patterns.iter().zip(0..=u16::MAX) {
            for found in pattern.find_iter(text) {
                cut = hits.len() >= cap;
                if cut {
                    break;
                }
                let span = Span { start: found.start(), end: found.end() };
                hits.push(PatternHit { pattern: PatternId(number), span });
            }
        }
        hits.get_mut(before..).unwrap_or_default().sort_by_key(|hit| (hit.span.start, hit.pattern));
        cut
    }
}

fn compile(pattern: &str) -> Result<Regex, PatternError> {
    let regex = RegexBuilder::new(pattern).size_limit(PATTERN_BYTES).build();
    let regex = regex.map_err(|error| PatternError::Syntax(error.to_string()))?;
    if regex.is_match("") {
        return Err(PatternError::MatchesEmpty);
    }
    Ok(regex)
}
