//! A marking of confidentiality in a subject: the word as a mark, not as a word of a sentence. Reads that one line alone.

use std::ops::Range;

use crate::slips::distance::distance;

/// What begins the subjects of replies and forwards, in the languages of common mail programs.
const REPLIES: [&str; 10] = ["re", "fw", "fwd", "aw", "wg", "sv", "tr", "rv", "antw", "ymateb"];
/// Words that belong to a marking before or after its own word: "Private and confidential", "Confidential – staff".
const QUALIFIERS: [&str; 11] = [
    "strictly",
    "highly",
    "most",
    "very",
    "private",
    "personal",
    "and",
    "company",
    "commercially",
    "staff",
    "sensitive",
];
/// Whose confidence it is: "staff in confidence".
const IN_WHOSE: [&str; 9] = [
    "staff",
    "commercial",
    "commercially",
    "medical",
    "personnel",
    "management",
    "student",
    "pupil",
    "strictly",
];
/// Services and things that are called confidential: no mark even in capitals.
const SERVICES: [&str; 20] = [
    "waste",
    "shredding",
    "shredder",
    "shred",
    "bin",
    "bins",
    "sack",
    "sacks",
    "bag",
    "bags",
    "collection",
    "disposal",
    "destruction",
    "helpline",
    "hotline",
    "counselling",
    "advice",
    "support",
    "service",
    "services",
];
/// What denies it.
const DENIALS: [&str; 4] = ["not", "non", "longer", "un"];
/// How far a misspelt word may be from the right one, and how long it is at least.
const SLIPS: usize = 2;
const SHORTEST: usize = 10;

/// Where a subject says that the message is confidential; nothing where the word only occurs in it.
///
/// It counts where it stands by itself: at the beginning (behind `Re:`, `Fw:` and tags in brackets) or after a mark such as
/// a colon, a dash or a bracket, and before one or at the end; or in capitals among words that are not. Misspellings of
/// "confidential" with up to two slips count, so do "in confidence", `OFFICIAL-SENSITIVE`, `CONF:` and Welsh "cyfrinachol".
pub fn in_subject(subject: &str) -> Option<Range<usize>> {
    let words = words(subject);
    let line = Line { subject, words: &words, start: after_replies(subject, &words) };
    (0..words.len()).find_map(|at| line.marking_at(at))
}

/// Whether a subject is that of a reply or a forward.
pub fn is_reply(subject: &str) -> bool {
    after_replies(subject, &words(subject)) > 0
}

/// A word of the subject. One that is written letter by letter, with spaces or dots between, is one word.
struct Word {
    folded: String,
    range: Range<usize>,
    capitals: bool,
}

struct Line<'s> {
    subject: &'s str,
    words: &'s [Word],
    /// Where the subject begins behind what mail programs put in front.
    start: usize,
}

impl Line<'_> {
    fn marking_at(&self, at: usize) -> Option<Range<usize>> {
        let word = self.words.get(at)?;
        let next = self.words.get(at + 1);
        let follows = |text: &str| next.is_some_and(|next| next.folded == text);
        if is_confidential(&word.folded) {
            return self.confidential(at);
        }
        match word.folded.as_str() {
            "conf" if word.capitals => self.set_off(at, at, &[]),
            "in" if follows("confidence") => {
                self.set_off(at, at + 1, &IN_WHOSE).or_else(|| self.shouted(at, at + 1))
            }
            "official" if follows("sensitive") => {
                let hyphen = self.between(at).is_some_and(|between| between.contains(['-', '–', '—', ':']));
                match hyphen {
                    true => Some(self.range(at, at + 1)),
                    false => self.set_off(at, at + 1, &[]).or_else(|| self.shouted(at, at + 1)),
                }
            }
            _ => None,
        }
    }

    fn confidential(&self, at: usize) -> Option<Range<usize>> {
        let qualifier = |index: &usize| {
            let word = self.words.get(*index).map(|word| word.folded.as_str());
            word.is_some_and(|word| QUALIFIERS.contains(&word)) && self.joined(*index)
        };
        let first = (0..at).rev().take_while(qualifier).last().unwrap_or(at);
        let said = |wanted: &str| {
            self.words.get(first..at).unwrap_or_default().iter().any(|word| word.folded == wanted)
        };
        // "Private and confidential" and "strictly confidential" are hardly ever anything but a marking.
        if (said("private") || said("strictly")) && self.begins(first) {
            return Some(self.range(first, at));
        }
        self.set_off(first, at, &[]).or_else(|| self.shouted(first, at))
    }

    /// The words, where they stand by themselves; one of `owners` may stand before them.
    fn set_off(&self, first: usize, last: usize, owners: &[&str]) -> Option<Range<usize>> {
        let owned = first.checked_sub(1).filter(|before| {
            self.words.get(*before).is_some_and(|word| owners.contains(&word.folded.as_str()))
        });
        let begins = self.begins(first) || owned.is_some_and(|owner| self.begins(owner));
        (begins && self.ends(last)).then(|| self.range(owned.unwrap_or(first), last))
    }

    /// The words, where they are in capitals and the subject as a whole is not.
    fn shouted(&self, first: usize, last: usize) -> Option<Range<usize>> {
        let own = self.words.get(first..=last)?;
        let elsewhere = self.words.iter().any(|word| {
            word.range.start >= self.start && word.range.len() > 1 && word.folded != "re" && !word.capitals
        });
        let denied = first
            .checked_sub(1)
            .and_then(|before| self.words.get(before))
            .is_some_and(|word| DENIALS.contains(&word.folded.as_str()));
        let service = self.words.get(last + 1).is_some_and(|word| SERVICES.contains(&word.folded.as_str()));
        (own.iter().all(|word| word.capitals) && elsewhere && !denied && !service)
            .then(|| self.range(first, last))
    }

    /// Whether nothing, or a mark that sets apart, stands before that word.
    fn begins(&self, at: usize) -> bool {
        let Some(word) = self.words.get(at) else { return false };
        let before = self.subject.get(self.start..word.range.start).unwrap_or_default();
        let Some(mark) = before.trim_end().chars().next_back() else { return true };
        // A hyphen inside a word joins: "non-confidential".
        let joins = mark == '-'
            && before.ends_with('-')
            && before.trim_end_matches('-').ends_with(char::is_alphanumeric);
        sets_apart(mark) && !joins
    }

    /// Whether nothing, or a mark that sets apart, stands behind that word.
    fn ends(&self, at: usize) -> bool {
        let Some(word) = self.words.get(at) else { return false };
        let after = self.subject.get(word.range.end..).unwrap_or_default();
        let Some(mark) = after.trim_start().chars().next() else { return true };
        let joins = mark == '-'
            && after.trim_start_matches('-').starts_with(char::is_alphanumeric)
            && after.starts_with('-');
        sets_apart(mark) && !joins
    }

    /// Whether that word and the next belong together: nothing but space, a comma, an ampersand or a stroke between.
    fn joined(&self, at: usize) -> bool {
        self.between(at)
            .is_some_and(|between| between.chars().all(|c| c.is_whitespace() || ",&/+-".contains(c)))
    }

    fn between(&self, at: usize) -> Option<&str> {
        let (one, next) = (self.words.get(at)?, self.words.get(at + 1)?);
        self.subject.get(one.range.end..next.range.start)
    }

    fn range(&self, first: usize, last: usize) -> Range<usize> {
        let start = self.words.get(first).map_or(0, |word| word.range.start);
        start..self.words.get(last).map_or(start, |word| word.range.end)
    }
}

/// Whether it is the word, or a misspelling of it.
fn is_confidential(folded: &str) -> bool {
    if folded == "confidential" || folded == "cyfrinachol" {
        return true;
    }
    // Confidentially and confidentiality are words of their own.
    let other = folded.ends_with("lly") || folded.ends_with("aly") || folded.ends_with("ty");
    let length = folded.chars().count();
    folded.starts_with('c')
        && !other
        && (SHORTEST..=SHORTEST + 2 * SLIPS).contains(&length)
        && distance(folded, "confidential") <= SLIPS
}

fn sets_apart(mark: char) -> bool {
    // What mail programs and people put around a marking; not the question mark, which asks whether it is one.
    ":;-–—|/\\()[]{}<>*\"'“”‘’«»,.!~_#=+•·".contains(mark)
}

/// Where the subject begins behind `Re:`, `Fwd:` and the like. Tags in brackets set apart by themselves.
fn after_replies(subject: &str, words: &[Word]) -> usize {
    let mut start = 0;
    for word in words {
        let before = subject.get(start..word.range.start).unwrap_or_default();
        let after = subject.get(word.range.end..).unwrap_or_default();
        // Some programs count: `Re[2]:`, `Re (2):`.
        let counted = after.trim_start_matches(|c: char| c.is_ascii_digit() || " [()]".contains(c));
        if !before.trim().is_empty() || !REPLIES.contains(&word.folded.as_str()) || !counted.starts_with(':')
        {
            break;
        }
        start = subject.len() - counted.len() + 1;
    }
    start
}

fn words(subject: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut start = None;
    for (at, letter) in subject.char_indices().chain([(subject.len(), ' ')]) {
        match (letter.is_alphanumeric(), start) {
            (true, None) => start = Some(at),
            (false, Some(first)) => {
                words.push(word(subject, first..at));
                start = None;
            }
            _ => {}
        }
    }
    join_letters(subject, words)
}

fn word(subject: &str, range: Range<usize>) -> Word {
    let text = subject.get(range.clone()).unwrap_or_default();
    Word { folded: text.to_lowercase(), capitals: !text.chars().any(char::is_lowercase), range }
}

/// Letters with single marks between them are one word: `C O N F I D E N T I A L`.
fn join_letters(subject: &str, words: Vec<Word>) -> Vec<Word> {
    let mut joined: Vec<Word> = Vec::new();
    let mut run: Vec<Word> = Vec::new();
    let single = |word: &Word| word.folded.chars().count() == 1;
    let end_run = |run: &mut Vec<Word>, joined: &mut Vec<Word>| {
        let letters: String = run.iter().map(|word| word.folded.as_str()).collect();
        match (run.first(), run.last()) {
            (Some(first), Some(last)) if run.len() >= SHORTEST => {
                let range = first.range.start..last.range.end;
                joined.push(Word { folded: letters, ..word(subject, range) });
                run.clear();
            }
            _ => joined.append(run),
        }
    };
    for word in words {
        let adjacent = run.last().is_none_or(|last| word.range.start == last.range.end + 1);
        if !single(&word) || !adjacent {
            end_run(&mut run, &mut joined);
        }
        if single(&word) { run.push(word) } else { joined.push(word) }
    }
    end_run(&mut run, &mut joined);
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_marked_or_not_as_the_table_says() {
        let (mut marked, mut innocent) = (0, 0);
        for line in include_str!("../../../fixtures/markings/subjects.txt").lines() {
            let Some((wanted, subject)) = line.split_once('|').filter(|_| !line.starts_with('#')) else {
                continue;
            };
            let (wanted, subject) = (wanted.trim(), subject.strip_prefix(' ').unwrap());
            let found = in_subject(subject).map_or("", |range| &subject[range]);
            assert_eq!(found, wanted, "{subject}");
            if wanted.is_empty() { innocent += 1 } else { marked += 1 }
        }
        assert!(marked >= 50 && innocent >= 40, "{marked} and {innocent}");
    }

    #[test]
    fn replies_and_forwards_are_known_by_their_beginning() {
        for subject in ["Re: a", "RE: FW: a", "Fwd: a", "Re[2]: a", " aw: a"] {
            assert!(is_reply(subject), "{subject}");
        }
        for subject in ["Regarding: a", "a Re: b", "Reading: a", "Re", ""] {
            assert!(!is_reply(subject), "{subject}");
        }
    }

    #[test]
    fn odd_subjects_do_no_harm() {
        for subject in
            ["", " ", "::::", "ß", "C", "\u{0}", "Re:", "Re: Re: Re:", "cccccccccccc", "Ｃonfidential:"]
        {
            assert_eq!(in_subject(subject), None, "{subject}");
        }
        let long = "confidential ".repeat(10_000);
        assert_eq!(in_subject(&long), None);
    }
}
