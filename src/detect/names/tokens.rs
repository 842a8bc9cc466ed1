//! Words of a text as names are made of them, with what stands between. Knows nobody.

use crate::people::{WordHash, is_apostrophe};

/// A word: letters, with apostrophes between them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    /// Where it begins.
    pub(super) start: usize,
    /// Where it ends, without an `'s`.
    pub(super) end: usize,
    /// The word as it stands, without apostrophes and an `'s`.
    pub(super) hash: WordHash,
    /// Without the `s` that it ends in, for one whose apostrophe was forgotten.
    pub(super) without_s: Option<WordHash>,
    /// What stands before it.
    pub(super) gap: Gap,
    pub(super) case: Case,
    /// How many letters.
    pub(super) letters: u32,
    /// Whether an `'s` follows, or the apostrophe alone.
    pub(super) possessive: bool,
}

/// How a word is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    /// No capital at all.
    Lower,
    /// A capital at the beginning.
    Capital,
    /// Two capitals or more, and nothing else.
    Upper,
    /// Capitals within alone.
    Mixed,
}

/// What stands between two words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Gap(u16);

impl Gap {
    pub(super) const SPACE: Self = Self(1);
    pub(super) const LINE: Self = Self(2);
    /// An empty line.
    pub(super) const BLANK: Self = Self(4);
    pub(super) const COMMA: Self = Self(8);
    pub(super) const HYPHEN: Self = Self(16);
    pub(super) const DOT: Self = Self(32);
    pub(super) const UNDERSCORE: Self = Self(64);
    pub(super) const TAB: Self = Self(128);
    /// Quotation marks and brackets.
    pub(super) const QUOTE: Self = Self(256);
    pub(super) const AMPERSAND: Self = Self(512);
    pub(super) const SLASH: Self = Self(1024);
    /// The end of a sentence but for a dot; a colon.
    pub(super) const END: Self = Self(2048);
    /// A dot or apostrophe that belongs to the word before: `St.`, `James'`.
    pub(super) const OTHER: Self = Self(4096);
    pub(super) const START: Self = Self(8192);

    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether there is something, and nothing but these.
    pub(super) const fn is_only(self, others: Self) -> bool {
        self.0 != 0 && self.0 & !others.0 == 0
    }

    /// Whether it is a dash: a hyphen with space beside it.
    pub(super) const fn is_dash(self) -> bool {
        self.has(Self::HYPHEN) && self.has(Self::SPACE)
    }

    fn of(letter: char) -> Self {
        match letter {
            ' ' | '\u{A0}' | '\u{2009}' | '\u{202F}' | '\r' => Self::SPACE,
            '\n' => Self::LINE,
            '\t' => Self::TAB,
            ',' => Self::COMMA,
            '-' | '\u{2010}' | '\u{2011}' => Self::HYPHEN,
            '.' => Self::DOT,
            '_' => Self::UNDERSCORE,
            '"' | '\u{201C}' | '\u{201D}' | '(' | ')' | '[' | ']' | '*' => Self::QUOTE,
            '&' | '+' => Self::AMPERSAND,
            '/' => Self::SLASH,
            '!' | '?' | ':' | ';' | '\u{2022}' => Self::END,
            letter if is_apostrophe(letter) => Self::QUOTE,
            letter if letter.is_whitespace() => Self::SPACE,
            // What nobody sees: soft hyphens, joiners, marks of direction.
            '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}' => Self(0),
            _ => Self::OTHER,
        }
    }
}

/// The words of a text, one after the other.
pub(super) struct Tokens<'t> {
    text: &'t str,
    at: usize,
    started: bool,
}

impl<'t> Tokens<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self { text, at: 0, started: false }
    }

    /// What stands between here and the next word.
    fn gap(&mut self) -> Gap {
        let mut gap = if self.started { Gap(0) } else { Gap::START };
        self.started = true;
        let bytes = self.text.as_bytes();
        // Mostly a single space.
        if bytes.get(self.at) == Some(&b' ') && bytes.get(self.at + 1).is_some_and(u8::is_ascii_alphabetic) {
            self.at += 1;
            return gap.with(Gap::SPACE);
        }
        for letter in self.text.get(self.at..).unwrap_or_default().chars() {
            if letter.is_alphabetic() {
                break;
            }
            let one = Gap::of(letter);
            if one == Gap::LINE && gap.has(Gap::LINE) {
                gap = gap.with(Gap::BLANK);
            }
            gap = gap.with(one);
            self.at += letter.len_utf8();
        }
        gap
    }
}

/// A word that is being read.
struct Reading {
    hash: WordHash,
    /// Before the last letter, and before the last apostrophe.
    before_last: WordHash,
    before_apostrophe: Option<(WordHash, usize)>,
    letters: u32,
    since_apostrophe: u32,
    capitals: u32,
    begins_capital: bool,
    last: char,
}

impl Reading {
    fn letter(&mut self, letter: char) {
        if self.letters == 0 {
            self.begins_capital = letter.is_uppercase();
        }
        self.before_last = self.hash;
        self.hash = self.hash.letter(letter);
        self.letters += 1;
        self.since_apostrophe += 1;
        self.capitals += u32::from(letter.is_uppercase());
        self.last = letter;
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let gap = self.gap();
        let start = self.at;
        let rest = self.text.get(start..).filter(|rest| !rest.is_empty())?;
        let mut word = Reading {
            hash: WordHash::EMPTY,
            before_last: WordHash::EMPTY,
            before_apostrophe: None,
            letters: 0,
            since_apostrophe: 0,
            capitals: 0,
            begins_capital: false,
            last: ' ',
        };
        let mut end = start + rest.len();
        let mut letters = rest.char_indices().peekable();
        while let Some((at, letter)) = letters.next() {
            if letter.is_ascii_alphabetic() || (!letter.is_ascii() && is_letter(letter)) {
                word.letter(letter);
            } else if is_apostrophe(letter) && letters.peek().is_some_and(|(_, next)| next.is_alphabetic()) {
                word.before_apostrophe = Some((word.hash, start + at));
                word.since_apostrophe = 0;
            } else {
                end = start + at;
                break;
            }
        }
        self.at = end;
        Some(token(&word, start, end, gap))
    }
}

fn token(word: &Reading, start: usize, end: usize, gap: Gap) -> Token {
    let is_s = matches!(word.last, 's' | 'S');
    let possessive = word.before_apostrophe.filter(|_| is_s && word.since_apostrophe == 1);
    let (hash, end, letters) = match possessive {
        Some((hash, end)) => (hash, end, word.letters - 1),
        None => (word.hash, end, word.letters),
    };
    let own_capitals =
        word.capitals.saturating_sub(u32::from(possessive.is_some() && word.last.is_uppercase()));
    let case = match own_capitals {
        0 => Case::Lower,
        count if count == letters && count > 1 => Case::Upper,
        _ if word.begins_capital => Case::Capital,
        _ => Case::Mixed,
    };
    let without_s = (is_s && possessive.is_none() && letters > 3).then_some(word.before_last);
    Token { start, end, hash, without_s, gap, case, letters, possessive: possessive.is_some() }
}

/// Whether a character is a letter of a word, or a mark upon one.
fn is_letter(letter: char) -> bool {
    letter.is_alphabetic()
        || unicode_normalization::char::is_combining_mark(letter)
        || matches!(letter, '\u{AD}' | '\u{200B}'..='\u{200D}' | '\u{2060}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_apart_with_their_apostrophes_and_what_stands_between() {
        let text = "O’Neill's J.R. van-Dyck,\n\nZOË’S e\u{301}té";
        let shown: Vec<_> = Tokens::new(text)
            .map(|token| (&text[token.start..token.end], token.case, token.possessive))
            .collect();
        assert_eq!(
            shown,
            [
                ("O’Neill", Case::Capital, true),
                ("J", Case::Capital, false),
                ("R", Case::Capital, false),
                ("van", Case::Lower, false),
                ("Dyck", Case::Capital, false),
                ("ZOË", Case::Upper, true),
                ("e\u{301}té", Case::Lower, false),
            ]
        );
        let hashes: Vec<_> = Tokens::new(text).map(|token| token.hash).collect();
        for (at, word) in [(0, "oneill"), (5, "zoe"), (6, "ete")] {
            assert_eq!(hashes[at], WordHash::of(word), "{word}");
        }
        let gaps: Vec<_> = Tokens::new(text).map(|token| token.gap).collect();
        assert!(gaps[0].is_only(Gap::START) && gaps[1].is_only(Gap::SPACE) && gaps[2].is_only(Gap::DOT));
        assert!(gaps[5].has(Gap::BLANK) && gaps[5].has(Gap::COMMA));
    }

    #[test]
    fn a_forgotten_apostrophe_is_seen_through() {
        let token = Tokens::new("Bennetts").next().unwrap();
        assert_eq!(token.without_s, Some(WordHash::of("bennett")));
        assert_eq!(token.hash, WordHash::of("bennetts"));
    }
}
