//! Terms of word lists in texts. Compiled once at load; finds whole words in linear time.

use crate::verdict::Span;

/// A list's number in a [`WordIndex`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListId(pub u16);

/// A term's number within its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TermId(pub u32);

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
}

/// A word list as it was written: terms with weights, and phrases that are allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordList {
    /// The list's name: its file's name without the ending.
    pub name: String,
    /// The terms, in their order.
    pub terms: Vec<Term>,
    /// Phrases inside which no term of this list counts.
    pub allowed: Vec<String>,
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
    /// Reads a list's file.
    ///
    /// # Errors
    /// Every fault in it, with its place.
    pub fn parse(name: &str, source: &str) -> Result<Self, Vec<ListFault>> {
        let _ = source;
        Ok(Self { name: name.to_owned(), terms: Vec::new(), allowed: Vec::new() })
    }
}

/// All lists of a policy, compiled into one index that is walked once for each text.
#[derive(Debug, Clone, Default)]
pub struct WordIndex {}

impl WordIndex {
    /// Compiles lists; the list at index `n` gets `ListId(n)`.
    pub fn new(lists: &[WordList]) -> Self {
        let _ = lists;
        Self {}
    }

    /// Finds every term of every list in a text, appending to `hits` in the order of their starts, at most until
    /// `hits` holds `cap`. Returns whether that cap cut it short.
    pub fn find(&self, text: &str, cap: usize, hits: &mut Vec<WordHit>) -> bool {
        let _ = (text, cap, hits);
        false
    }
}
