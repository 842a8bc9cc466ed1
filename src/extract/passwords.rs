//! Passwords that a text tells: "the password is …", and what else in it looks like one. Finds places; keeps no word.

use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};

/// What a password is called.
const NAMES: [&str; 10] = [
    "password",
    "pass word",
    "passcode",
    "pass code",
    "passphrase",
    "pass phrase",
    "pass-phrase",
    "pwd",
    "cyfrinair",
    "pin",
];
/// Words that stand behind "the password is" and are none.
const NO_PASSWORDS: [&str; 44] = [
    "above",
    "again",
    "attached",
    "available",
    "below",
    "blank",
    "called",
    "changed",
    "confidential",
    "correct",
    "different",
    "empty",
    "enclosed",
    "expired",
    "expiring",
    "following",
    "forgotten",
    "here",
    "hidden",
    "incorrect",
    "invalid",
    "known",
    "mandatory",
    "missing",
    "needed",
    "none",
    "okay",
    "optional",
    "protected",
    "redacted",
    "removed",
    "required",
    "reset",
    "same",
    "secret",
    "secure",
    "sent",
    "separate",
    "separately",
    "telephone",
    "text",
    "unchanged",
    "unknown",
    "wrong",
];
/// How far behind its name a password's sign may stand, in bytes: "the password for the attached file is".
const SIGN_WITHIN: usize = 48;
/// How much text behind a sign is looked at, in bytes.
const NEAR: usize = 200;
/// How far back it is looked whether a name stands in a link.
const LINK_WITHIN: usize = 300;
/// Most names in one text that are looked at: a message that has more is no letter.
const MOST_NAMES: usize = 10_000;
/// Longest word that is taken for a password, in bytes.
const LONGEST: usize = 64;
/// Shortest word that is.
const SHORTEST: usize = 4;

/// How a text says that what follows is the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// A colon or the like.
    Mark,
    /// "is", "was", "yw".
    Word,
}

/// Where a text tells a password: the places of the passwords themselves, in order.
pub fn told(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (name, sign, at) in signs(text) {
        let Some(value) = value_at(text, at) else { continue };
        let again = found.last().is_some_and(|last| last.end > value.word.start);
        if !again && is_told(text, name, sign, &value) {
            found.push(value.word);
        }
    }
    found
}

/// Words of texts that may be a password, each once, those first that a phrase points at; at most so many.
pub(super) fn candidates(texts: &[&str], most: usize) -> Vec<String> {
    let mut found = pointed_at(texts, most);
    for text in texts {
        for word in text.split_whitespace().map(trimmed).filter(|word| is_odd(word)) {
            add(&mut found, word, most);
            // The mark may be the sentence's.
            add(&mut found, word.trim_end_matches(['!', '?']), most);
        }
    }
    found
}

/// Words of texts that a phrase points at as a password, each once; at most so many.
pub(super) fn pointed_at(texts: &[&str], most: usize) -> Vec<String> {
    let mut found = Vec::new();
    for text in texts {
        for (_, _, at) in signs(text) {
            let rest = line_from(text, at);
            if let Some(value) = value_at(text, at) {
                add(&mut found, text.get(value.word.clone()).unwrap_or_default(), most);
                // Its own end may be what was taken for the sentence's.
                add(&mut found, rest.split_whitespace().next().unwrap_or_default(), most);
            }
            add(&mut found, rest.trim().trim_end_matches('.'), most);
        }
    }
    found
}

fn add(found: &mut Vec<String>, word: &str, most: usize) {
    let fits = (SHORTEST - 1..=LONGEST).contains(&word.len()) && !word.contains("://");
    if fits && found.len() < most && !found.iter().any(|known| known == word) {
        found.push(word.to_owned());
    }
}

/// What is called a password in a text, and where what follows its sign begins.
fn signs(text: &str) -> impl Iterator<Item = (&'static str, Sign, usize)> + '_ {
    let hits = names().into_iter().flat_map(move |names| names.find_iter(text)).take(MOST_NAMES);
    hits.filter_map(move |hit| {
        let name = NAMES.get(hit.pattern().as_usize())?;
        let before = text.get(..hit.start())?.chars().next_back();
        if before.is_some_and(char::is_alphanumeric) || is_in_link(text, hit.start()) {
            return None;
        }
        let rest = text.get(hit.end()..)?;
        let rest = rest.strip_prefix('s').unwrap_or(rest);
        if rest.starts_with(|next: char| next.is_alphanumeric() || next == '_') {
            return None;
        }
        let start = text.len() - rest.len();
        let (sign, length) = sign_in(rest)?;
        Some((*name, sign, start + length))
    })
}

/// What finds the names; it can always be built, since they are known here.
fn names() -> Option<&'static AhoCorasick> {
    static SEARCH: OnceLock<Option<AhoCorasick>> = OnceLock::new();
    let build = || {
        let mut builder = AhoCorasick::builder();
        builder.ascii_case_insensitive(true).match_kind(MatchKind::LeftmostLongest).build(NAMES).ok()
    };
    SEARCH.get_or_init(build).as_ref()
}

/// Whether what stands there belongs to a link: `https://…?pwd=…` is how meetings are entered.
fn is_in_link(text: &str, at: usize) -> bool {
    let from = (at.saturating_sub(LINK_WITHIN)..=at).find(|from| text.is_char_boundary(*from)).unwrap_or(at);
    let before = text.get(from..at).unwrap_or_default();
    before.rsplit(char::is_whitespace).next().is_some_and(|word| word.contains("://"))
}

/// The text from there on, as far as it is looked at.
fn near(text: &str, at: usize) -> &str {
    let end = at.saturating_add(NEAR).min(text.len());
    let end = (at..=end).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(at);
    text.get(at..end).unwrap_or_default()
}

/// The sign behind a name, within the sentence, and where it ends.
fn sign_in(rest: &str) -> Option<(Sign, usize)> {
    let mut words = 0;
    let mut word_start = None;
    for (at, letter) in rest.char_indices().take_while(|(at, _)| *at <= SIGN_WITHIN) {
        if letter.is_alphanumeric() {
            word_start = word_start.or(Some(at));
            continue;
        }
        if let Some(start) = word_start.take() {
            words += 1;
            let word = rest.get(start..at).unwrap_or_default();
            if letter == ' ' && ["is", "was", "are", "yw"].iter().any(|sign| word.eq_ignore_ascii_case(sign))
            {
                return Some((Sign::Word, at));
            }
        }
        match letter {
            ':' | '=' => return Some((Sign::Mark, at + 1)),
            '–' | '—' | '-' if words == 0 && rest.get(at + letter.len_utf8()..)?.starts_with(' ') => {
                return Some((Sign::Mark, at + letter.len_utf8()));
            }
            // A full stop within a word is a file's name.
            '.' if rest.get(at + 1..)?.starts_with(char::is_alphanumeric) => {}
            '.' | '?' | '!' | '\n' | ';' => return None,
            _ => {}
        }
    }
    None
}

/// A word that stands where a password would.
struct Value {
    word: Range<usize>,
    is_quoted: bool,
    /// Whether nothing else stands on its line behind it.
    ends_line: bool,
    /// Whether its sentence ends with it.
    ends_sentence: bool,
}

/// The word behind a sign: on the same line, or where that ends there, on the next one that has any.
fn value_at(text: &str, at: usize) -> Option<Value> {
    let rest = near(text, at);
    let skipped = rest.find(|letter: char| !letter.is_whitespace())?;
    // No more than one empty line between.
    if rest.get(..skipped)?.matches('\n').count() > 2 {
        return None;
    }
    let start = at + skipped;
    let rest = rest.get(skipped..)?;
    let first = rest.chars().next()?;
    if let Some((_, close)) = QUOTES.iter().find(|(open, _)| *open == first) {
        let inner = rest.get(first.len_utf8()..)?;
        let line = inner.split('\n').next().unwrap_or_default();
        let length = line.find(*close).filter(|length| (1..=LONGEST).contains(length));
        if let Some(length) = length {
            let word = start + first.len_utf8()..start + first.len_utf8() + length;
            return Some(Value { word, is_quoted: true, ends_line: false, ends_sentence: false });
        }
    }
    let token = rest.split(char::is_whitespace).next()?;
    let lead = token.len() - token.trim_start_matches(|letter| "\"'“‘*<[(".contains(letter)).len();
    let word = trimmed(token);
    let behind = rest.get(token.len()..)?;
    let line = behind.split('\n').next().unwrap_or_default();
    let ends_line = line.trim().is_empty();
    let ends_sentence = ends_line || token.ends_with(['.', '!', ',', ';', ')']);
    let word = start + lead..start + lead + word.len();
    (!word.is_empty()).then_some(Value { word, is_quoted: false, ends_line, ends_sentence })
}

const QUOTES: [(char, char); 6] = [('"', '"'), ('\'', '\''), ('“', '”'), ('‘', '’'), ('«', '»'), ('`', '`')];

/// A word without what surrounds it in a sentence.
fn trimmed(token: &str) -> &str {
    token
        .trim_start_matches(|letter| "\"'“‘*<[(".contains(letter))
        .trim_end_matches(|letter| ".,;:\"'”’*>])".contains(letter))
}

/// Whether that is a password and not a word of the sentence.
fn is_told(text: &str, name: &str, sign: Sign, value: &Value) -> bool {
    let word = text.get(value.word.clone()).unwrap_or_default();
    let letters = word.chars().count();
    if name == "pin" {
        return (4..=8).contains(&letters) && word.bytes().all(|byte| byte.is_ascii_digit());
    }
    let is_address = word.contains("://") || word.starts_with("www.") || is_mail_address(word);
    if !(SHORTEST..=LONGEST).contains(&letters) || is_address || !word.chars().any(char::is_alphanumeric) {
        return false;
    }
    let folded = word.to_lowercase();
    if NO_PASSWORDS.contains(&folded.as_str()) {
        return false;
    }
    let plain = word.chars().all(char::is_alphabetic);
    let names_itself = word.starts_with(char::is_uppercase);
    value.is_quoted
        || is_odd(word)
        || word.bytes().all(|byte| byte.is_ascii_digit())
        || match sign {
            Sign::Mark => value.ends_line && (plain || word.contains('-')),
            Sign::Word => plain && names_itself && value.ends_sentence,
        }
}

/// Whether a word is none of any language: digits among letters, capitals within, or signs that no word has.
fn is_odd(word: &str) -> bool {
    if word.contains("://") || is_mail_address(word) || word.starts_with("www.") || word.len() > LONGEST {
        return false;
    }
    let has = |is: &dyn Fn(char) -> bool| word.chars().any(is);
    let (digit, letter) = (has(&|c| c.is_ascii_digit()), has(&char::is_alphabetic));
    let sign = has(&|c| "!#$%^&*+=?@~_|\\".contains(c));
    let inner_capital =
        word.chars().zip(word.chars().skip(1)).any(|(a, b)| a.is_lowercase() && b.is_uppercase());
    word.chars().count() >= SHORTEST && letter && (digit || sign || inner_capital)
}

fn is_mail_address(word: &str) -> bool {
    word.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
}

/// The rest of the line from there; where that is empty, the next line.
fn line_from(text: &str, at: usize) -> &str {
    let mut lines = near(text, at).split('\n');
    let first = lines.next().unwrap_or_default();
    if first.trim().is_empty() { lines.next().unwrap_or_default() } else { first }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_told_or_not_as_the_table_says() {
        let (mut secret, mut innocent) = (0, 0);
        for line in include_str!("../../fixtures/secrets/passwords.txt").lines() {
            let Some((wanted, text)) = line.split_once('|').filter(|_| !line.starts_with('#')) else {
                continue;
            };
            let text = text.trim().replace("\\n", "\n");
            let found: Vec<&str> = told(&text).into_iter().map(|range| &text[range]).collect();
            let wanted = wanted.trim();
            assert_eq!(found.join(" "), wanted, "{text}");
            if wanted.is_empty() { innocent += 1 } else { secret += 1 }
        }
        assert!(secret >= 30 && innocent >= 40, "{secret} and {innocent}");
    }

    #[test]
    fn odd_texts_do_no_harm() {
        for text in [
            "",
            "password",
            "password:",
            "password is",
            "pwd: \u{feff}",
            "password: “",
            "PIN: ٣٤٥٦",
            "password:ß",
        ] {
            assert!(told(text).is_empty(), "{text}");
        }
        let long = "pwd:".repeat(500_000);
        assert!(told(&long).len() <= MOST_NAMES);
        assert!(candidates(&[&long], 5).len() <= 5);
    }

    #[test]
    fn what_a_phrase_points_at_comes_first() {
        let text = "It opens with Heron-27!\nThe password for the file is blue heron lake.\nRoom B12x";
        assert_eq!(candidates(&[text], 9), ["blue", "blue heron lake", "Heron-27!", "Heron-27", "B12x"]);
        assert_eq!(candidates(&[text], 2).len(), 2);
        assert_eq!(candidates(&["", "Kind regards"], 9), [""; 0]);
    }
}
