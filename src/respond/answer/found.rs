//! What was found in a message, as its sender is shown it: names as they stand, strong words masked. Finds nothing.

use std::collections::HashMap;

use super::AnswerContext;
use super::content::MOST_LISTED;
use crate::policy::{FoundWords, Phrases, Place, filled, is_safeguarding};
use crate::verdict::{Detector, Finding, Zone};

/// The lines that say what was found.
pub(super) struct Found {
    pub(super) lines: Vec<String>,
    /// Whether words in them are masked.
    pub(super) masked: bool,
}

/// Longest stretch of words that is shown, in characters.
const LONGEST: usize = 80;
/// Categories whose listed words are matters of work, not of misuse.
const PLAIN_CATEGORIES: [&str; 4] = ["confidential", "contact", "names", "pupils"];

/// What the rules that stopped the message found in it, each place and words once.
pub(super) fn found(context: &AnswerContext<'_>, phrases: &Phrases) -> Found {
    let acting = |finding: &Finding| {
        !is_safeguarding(&finding.category)
            && context.verdict.rules.iter().any(|rule| {
                rule.rule == finding.rule
                    && context.is_due_to(rule)
                    && rule.mode == crate::verdict::Mode::Enforce
                    && rule.recipients.iter().any(|index| context.recipients.contains(index))
            })
    };
    let mut found = Found { lines: Vec::new(), masked: false };
    let mut more = 0_usize;
    for (place, openness) in merged(context.found.iter().filter(|place| acting(&place.finding))) {
        let Some(line) = line(context, phrases, place, openness, &mut found.masked) else { continue };
        if found.lines.contains(&line) {
            continue;
        }
        if found.lines.len() < MOST_LISTED {
            found.lines.push(line);
        } else {
            more += 1;
        }
    }
    if more > 0 {
        found.lines.push(filled(&phrases.more, &[("number", &more.to_string())]));
    }
    found
}

/// Each place once, however many rules noticed the words there, in the order in which they were first noticed: with the most
/// open way that any of them allows, unless one holds a secret there; and as the finding that suggests other words, if any.
fn merged<'a>(places: impl Iterator<Item = &'a Place>) -> Vec<(&'a Place, Openness)> {
    let mut merged: Vec<(&Place, Openness)> = Vec::new();
    let mut known = HashMap::new();
    for place in places {
        let openness = openness(&place.finding);
        let Finding { part, zone, span, .. } = &place.finding;
        // A place without words may stand for all of an attachment: its line tells whether it is the same.
        let first = place.words.as_ref().map(|_| *known.entry((part, zone, span)).or_insert(merged.len()));
        match first.and_then(|index| merged.get_mut(index)) {
            Some((shown, most)) => {
                *most = openness.max(*most);
                if suggestion(shown).is_none() && suggestion(place).is_some() {
                    *shown = place;
                }
            }
            None => merged.push((place, openness)),
        }
    }
    merged
}

fn suggestion(place: &Place) -> Option<&str> {
    place.words.as_ref()?.suggestion.as_deref()
}

fn line(
    context: &AnswerContext<'_>,
    phrases: &Phrases,
    place: &Place,
    openness: Openness,
    masked: &mut bool,
) -> Option<String> {
    // What was found of a recipient has a place in the header, and no words there.
    let Some(words) = place.words.as_ref().filter(|words| !words.text.trim().is_empty()) else {
        // An attachment is named whatever of it was found; a place without words says nothing otherwise.
        let tells = matches!(place.finding.detector, Detector::Attachment | Detector::Coverage);
        return file_name(context, &place.finding)
            .filter(|_| tells)
            .map(|file| filled(&phrases.in_file, &[("file", &file)]));
    };
    let shown = match openness {
        Openness::Plain => shortened(&words.text),
        Openness::Masked | Openness::Secret => {
            *masked = true;
            mask(&shortened(&words.text))
        }
    };
    let at = place_in_words(context, phrases, &place.finding, words);
    let line = filled(&phrases.words, &[("place", &at), ("words", &shown)]);
    Some(match words.suggestion.as_deref() {
        Some(better) => filled(&phrases.instead, &[("found", &line), ("suggestion", better)]),
        None => line,
    })
}

/// How openly words are shown; of several findings in one place, the greatest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Openness {
    /// Words of misuse: mail is read in company, on telephones and on boards.
    Masked,
    /// Names, addresses and markings, and words of work, as they stand.
    Plain,
    /// Numbers and passwords: masked whatever else they are.
    Secret,
}

fn openness(finding: &Finding) -> Openness {
    match finding.detector {
        Detector::Names | Detector::Recipient | Detector::Marking | Detector::Header => Openness::Plain,
        Detector::Words if PLAIN_CATEGORIES.contains(&finding.category.as_str()) => Openness::Plain,
        Detector::Words | Detector::Attachment | Detector::Coverage => Openness::Masked,
        Detector::Pattern | Detector::Identifier | Detector::Secrets => Openness::Secret,
    }
}

fn place_in_words(
    context: &AnswerContext<'_>,
    phrases: &Phrases,
    finding: &Finding,
    words: &FoundWords,
) -> String {
    let plain = match finding.zone {
        Zone::Subject => &phrases.in_subject,
        Zone::Body => &phrases.in_body,
        Zone::Quoted => &phrases.in_quoted,
        Zone::Signature => &phrases.in_signature,
        Zone::Filename => &phrases.in_file_name,
        Zone::Header => &phrases.in_header,
        Zone::Attachment => {
            return match (file_name(context, finding), &words.place) {
                (Some(file), Some(place)) => {
                    filled(&phrases.in_file, &[("file", &format!("{file} ({place})"))])
                }
                (Some(file), None) => filled(&phrases.in_file, &[("file", &file)]),
                (None, Some(place)) => format!("{} ({place})", phrases.in_attachment),
                (None, None) => phrases.in_attachment.clone(),
            };
        }
    };
    plain.clone()
}

fn file_name(context: &AnswerContext<'_>, finding: &Finding) -> Option<String> {
    let part = context.message.parts.iter().find(|part| part.path == finding.part)?;
    part.filename.as_deref().map(shortened)
}

/// On one line, and not too long.
fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|c| !c.is_control()).collect();
    if line.chars().count() <= LONGEST {
        return line;
    }
    line.chars().take(LONGEST).chain(['…']).collect()
}

/// The first and last letter of each word, with stars between: the sender knows it, a passer-by does not.
fn mask(text: &str) -> String {
    let word = |word: &str| {
        let count = word.chars().count();
        word.chars()
            .enumerate()
            .map(|(index, c)| match index {
                0 if count > 1 => c,
                index if index + 1 == count && count > 3 => c,
                _ => '*',
            })
            .collect::<String>()
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_masked_but_for_their_ends() {
        for (word, masked) in [("bother", "b****r"), ("oh my hat", "o* m* h**"), ("é", "*"), ("", "")] {
            assert_eq!(mask(word), masked);
        }
    }

    #[test]
    fn what_is_shown_stays_on_one_short_line() {
        assert_eq!(shortened("one\r\n  two\u{7}"), "one two");
        assert_eq!(shortened(&"x".repeat(200)).chars().count(), LONGEST + 1);
    }
}
