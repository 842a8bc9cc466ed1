//! Reads the files of word lists and points at each fault in them. Never guesses what a faulty line meant.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use crate::detect::fold::{Class, Words, fold, is_invisible, joins};
use crate::detect::switches::{Forms, Switch};
use crate::detect::words::{ListFault, Term, WordIndex, WordList};
use crate::verdict::Span;

/// What a term may count for.
const WEIGHTS: RangeInclusive<u16> = 1..=1000;
/// Longest term or allow-phrase, in characters.
const TERM_CHARACTERS: usize = 100;
/// Most words of a term or allow-phrase.
pub(super) const TERM_WORDS: usize = 8;
/// Fewest letters before the `*` of a prefix.
pub(super) const PREFIX_LETTERS: usize = 3;

/// Reads a list; see docs/word-lists.md for the format.
pub(super) fn parse(name: &str, source: &str) -> Result<WordList, Vec<ListFault>> {
    let mut reader = Reader {
        source,
        list: WordList { name: name.to_owned(), ..WordList::default() },
        may_be_empty: false,
        seen: HashMap::new(),
        allowed: Vec::new(),
        faults: Vec::new(),
    };
    let mut start = if source.starts_with('\u{FEFF}') { '\u{FEFF}'.len_utf8() } else { 0 };
    for (number, line) in source.get(start..).unwrap_or_default().split('\n').enumerate() {
        if let Err(fault) = reader.line(Piece { text: line, start, line: number + 1, line_start: start }) {
            reader.faults.push(fault);
        }
        start += line.len() + 1;
    }
    reader.finish()
}

/// A stretch of the file, with its place.
#[derive(Debug, Clone, Copy)]
struct Piece<'s> {
    text: &'s str,
    start: usize,
    line: usize,
    line_start: usize,
}

impl<'s> Piece<'s> {
    /// The bytes from `from` up to `to` of this piece, without blank space around them.
    fn trimmed(self, from: usize, to: usize) -> Self {
        let text = self.text.get(from..to).unwrap_or_default();
        let leading = text.len() - text.trim_start().len();
        Self { text: text.trim(), start: self.start + from + leading, ..self }
    }

    fn piece(self, from: usize, to: usize) -> Self {
        Self { text: self.text.get(from..to).unwrap_or_default(), start: self.start + from, ..self }
    }

    fn split(self, at: usize, separator: usize) -> (Self, Self) {
        (self.trimmed(0, at), self.trimmed(at + separator, self.text.len()))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Term,
    Allowed,
}

struct Reader<'s> {
    source: &'s str,
    list: WordList,
    may_be_empty: bool,
    /// Each term or phrase as it folds, with the line that it stands on and what it is there.
    seen: HashMap<String, (usize, Kind)>,
    allowed: Vec<Piece<'s>>,
    faults: Vec<ListFault>,
}

impl<'s> Reader<'s> {
    fn line(&mut self, line: Piece<'s>) -> Result<(), ListFault> {
        let content = line.trimmed(0, comment_start(line.text));
        if content.text.is_empty() {
            return Ok(());
        }
        if content.text.starts_with('@') {
            return self.switch(content);
        }
        if content.text.starts_with('!') {
            let phrase = content.trimmed(1, content.text.len());
            if let Some(at) = phrase.text.find('=') {
                let weight = phrase.trimmed(at, phrase.text.len());
                return Err(self.fault(weight, "an allow-phrase has no weight", "leave the weight out"));
            }
            self.words(phrase, Kind::Allowed)?;
            self.allowed.push(phrase);
            self.list.allowed.push(phrase.text.to_owned());
            return Ok(());
        }
        let (term, weight) = match content.text.find('=') {
            Some(at) => {
                let (term, weight) = content.split(at, 1);
                (term, self.weight(weight, content)?)
            }
            None => (content, 1),
        };
        self.words(term, Kind::Term)?;
        self.list.terms.push(Term { text: term.text.to_owned(), weight, line: term.line });
        Ok(())
    }

    fn switch(&mut self, content: Piece<'s>) -> Result<(), ListFault> {
        let switch = Switch::parse(content.text.get(1..).unwrap_or_default());
        match switch.map_err(|(what, help)| self.fault(content, &what, &help))? {
            Switch::Inflections => self.list.forms = Forms::Inflected,
            Switch::Disguises(disguises) => self.list.disguises = self.list.disguises.and(disguises),
            Switch::Empty => self.may_be_empty = true,
        }
        Ok(())
    }

    fn weight(&self, weight: Piece<'s>, content: Piece<'s>) -> Result<u16, ListFault> {
        let help = "write the term, an equals sign and a whole number from 1 to 1000, as in `term = 5`";
        if weight.text.is_empty() {
            return Err(self.fault(content, "no weight after the equals sign", help));
        }
        match weight.text.parse::<u16>() {
            Ok(number) if WEIGHTS.contains(&number) => Ok(number),
            _ if weight.text.bytes().all(|digit| digit.is_ascii_digit()) => {
                Err(self.fault(weight, "the weight is out of range", help))
            }
            _ => Err(self.fault(weight, "the weight is not a whole number", help)),
        }
    }

    /// Checks the words of a term or phrase.
    fn words(&mut self, phrase: Piece<'s>, kind: Kind) -> Result<(), ListFault> {
        self.letters(phrase)?;
        let mut key = String::new();
        let mut words = Words::of(phrase.text);
        let (mut count, mut after) = (0, 0);
        while let Some((start, end)) = words.advance() {
            let gap = phrase.text.get(after..start).unwrap_or_default();
            if count > 0 && !joins(gap.trim_start_matches('*')) {
                let help = "put one space or one hyphen between two words: the term is found with either";
                return Err(self.fault(
                    phrase.piece(after, start),
                    "keeps the words apart in every text",
                    help,
                ));
            }
            count += 1;
            after = end;
            key.push_str(words.folded());
            if phrase.text.as_bytes().get(end) == Some(&b'*') {
                key.push('*');
                if words.folded().chars().count() < PREFIX_LETTERS {
                    let help = "write at least three letters before the `*`, so that it does not match half the language";
                    return Err(self.fault(phrase.piece(start, end + 1), "the prefix is too short", help));
                }
            }
            key.push(' ');
        }
        if count == 0 {
            let help = "write the words to find, or put `#` before a comment";
            return Err(self.fault(phrase, "no letter or digit in it", help));
        }
        if count > TERM_WORDS || phrase.text.chars().count() > TERM_CHARACTERS {
            let help = format!("shorten it to at most {TERM_WORDS} words and {TERM_CHARACTERS} characters");
            return Err(self.fault(phrase, "too long", &help));
        }
        if let Some((line, other)) = self.seen.insert(key, (phrase.line, kind)) {
            let (what, help) = if other == kind {
                let help = "remove one of the two; capitals, accents and hyphens make no difference";
                (format!("repeats line {line}"), help)
            } else {
                let help = "remove one of the two, or allow a longer phrase around the term";
                (format!("line {line} has the same words, once as a term and once as an allow-phrase"), help)
            };
            return Err(self.fault(phrase, &what, help));
        }
        Ok(())
    }

    /// Checks a phrase character by character.
    fn letters(&self, phrase: Piece<'s>) -> Result<(), ListFault> {
        let mut folded = String::new();
        let mut previous = Class::Other;
        for (at, letter) in phrase.text.char_indices() {
            let class = fold(letter, &mut folded);
            let here = phrase.piece(at, at + letter.len_utf8());
            if is_invisible(letter) || (letter.is_control() && letter != '\t') {
                let what = format!("invisible character U+{:04X}", u32::from(letter));
                return Err(self.fault(
                    here,
                    &what,
                    "delete it; retyping the line removes what cannot be seen",
                ));
            }
            if letter == '*' {
                let rest = phrase.text.get(at + 1..).unwrap_or_default();
                let ends = rest.chars().next().is_none_or(|next| next.is_whitespace() || next == '-');
                if !ends || !matches!(previous, Class::Word | Class::Mark) {
                    let help = "put it right after the last letter of a word: `bull*` finds bully, bullies and bullying";
                    return Err(self.fault(here, "`*` that does not end a word", help));
                }
            } else if class == Class::Other || letter == '_' {
                let what = format!("`{letter}` cannot stand in a term");
                let help = "terms are made of letters, digits, spaces, hyphens and apostrophes; \
                            for anything else use a pattern in a rule";
                return Err(self.fault(here, &what, help));
            }
            previous = class;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<WordList, Vec<ListFault>> {
        if self.faults.is_empty() && self.list.terms.is_empty() && !self.may_be_empty {
            let file = Piece { text: "", start: 0, line: 1, line_start: 0 };
            self.faults.push(self.fault(
                file,
                "the list has no term",
                "write one term a line; `@empty` says that it is meant to be empty",
            ));
        }
        if self.faults.is_empty() && !self.allowed.is_empty() {
            self.check_allowed();
        }
        self.faults.sort_by_key(|fault| fault.span.start);
        if self.faults.is_empty() { Ok(self.list) } else { Err(self.faults) }
    }

    /// An allow-phrase in which no term stands allows nothing.
    fn check_allowed(&mut self) {
        let terms = WordList { allowed: Vec::new(), ..self.list.clone() };
        let index = WordIndex::new(&[terms]);
        let mut hits = Vec::new();
        for phrase in std::mem::take(&mut self.allowed) {
            hits.clear();
            index.find(phrase.text, usize::MAX, &mut hits);
            // What a prefix stands for is open, so it may well hold a term that the words as written do not.
            if hits.is_empty() && !phrase.text.contains('*') {
                let help = "no term of this list stands in it as a whole word, so it changes nothing: remove it, or add the term";
                self.faults.push(self.fault(phrase, "the allow-phrase allows nothing", help));
            }
        }
    }

    fn fault(&self, at: Piece<'_>, what: &str, help: &str) -> ListFault {
        let before = self.source.get(at.line_start..at.start).unwrap_or_default();
        ListFault {
            line: at.line,
            column: before.chars().count() + 1,
            span: Span { start: at.start, end: at.start + at.text.len() },
            what: what.to_owned(),
            help: Some(help.to_owned()),
        }
    }
}

/// Where a line's comment begins: at a `#` that opens the line or follows blank space.
fn comment_start(line: &str) -> usize {
    let mut blank = true;
    for (at, letter) in line.char_indices() {
        if letter == '#' && blank {
            return at;
        }
        blank = letter.is_whitespace();
    }
    line.len()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    /// Every list under `fixtures/lists` against what is written beside it. `MAILWARDEN_BLESS=1` writes it anew.
    #[test]
    fn lists_read_as_written_beside_them() {
        let mut cases = 0;
        for folder in ["fixtures/lists/good", "fixtures/lists/faulty"] {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_none_or(|ending| ending != "txt") {
                    continue;
                }
                cases += 1;
                let source = fs::read_to_string(&path).unwrap();
                let read = parse("case", &source);
                assert_eq!(read.is_ok(), folder.ends_with("good"), "{}: {read:?}", path.display());
                let expected = path.with_extension("expected");
                assert_same(&expected, &describe(&source, read));
            }
        }
        assert!(cases >= 10, "found only {cases} lists");
    }

    fn assert_same(expected: &PathBuf, found: &str) {
        if std::env::var_os("MAILWARDEN_BLESS").is_some() {
            fs::write(expected, found).unwrap();
        }
        let wanted = fs::read_to_string(expected).unwrap_or_default();
        assert_eq!(wanted, found, "{} (MAILWARDEN_BLESS=1 accepts it)", expected.display());
    }

    fn describe(source: &str, read: Result<WordList, Vec<ListFault>>) -> String {
        let mut text = String::new();
        match read {
            Ok(list) => {
                for term in &list.terms {
                    writeln!(text, "line {}: {} = {}", term.line, term.text, term.weight).unwrap();
                }
                for phrase in &list.allowed {
                    writeln!(text, "! {phrase}").unwrap();
                }
                if list.forms == Forms::Inflected {
                    text.push_str("with inflections\n");
                }
                if !list.disguises.is_empty() {
                    writeln!(text, "also disguised: {}", list.disguises).unwrap();
                }
            }
            Err(faults) => {
                for fault in faults {
                    let marked = source.get(fault.span.start..fault.span.end).unwrap();
                    writeln!(text, "{fault}\n  at {:?}\n  {}", marked, fault.help.as_deref().unwrap())
                        .unwrap();
                }
            }
        }
        text
    }
}
