//! People who are not on the roll, by what their names look like: first names, titles, and what they are to somebody. Guesses.

use std::ops::Range;

use super::block::{Block, Marked};
use super::full::TITLES;
use super::surroundings::{VERBS, is_named_after};
use super::tokens::{Case, Gap};
use super::{NameForm, NameHit, Who, initials};
use crate::people::{WordHash, given_name_count, is_also_a_place, is_also_a_word};
use crate::verdict::Span;

/// What somebody is to somebody else.
const RELATIONS: [&str; 42] = [
    "mum",
    "mother",
    "mummy",
    "mam",
    "mom",
    "dad",
    "daddy",
    "father",
    "parent",
    "parents",
    "carer",
    "carers",
    "guardian",
    "stepmum",
    "stepdad",
    "stepmother",
    "stepfather",
    "sister",
    "brother",
    "sibling",
    "siblings",
    "son",
    "daughter",
    "twin",
    "nan",
    "nana",
    "gran",
    "granny",
    "grandma",
    "grandmother",
    "grandad",
    "granddad",
    "grandfather",
    "grandparents",
    "aunt",
    "auntie",
    "aunty",
    "uncle",
    "cousin",
    "wife",
    "husband",
    "nephew",
];
/// What stands with capitals and is no part of a name.
const NO_NAMES: [&str; 111] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "english",
    "maths",
    "science",
    "french",
    "spanish",
    "german",
    "history",
    "geography",
    "year",
    "class",
    "form",
    "group",
    "school",
    "academy",
    "college",
    "i",
    "the",
    "a",
    "an",
    "this",
    "that",
    "these",
    "those",
    "it",
    "he",
    "she",
    "we",
    "you",
    "they",
    "my",
    "our",
    "your",
    "his",
    "her",
    "its",
    "their",
    "is",
    "was",
    "are",
    "and",
    "or",
    "but",
    "if",
    "as",
    "at",
    "in",
    "on",
    "of",
    "for",
    "from",
    "to",
    "with",
    "by",
    "so",
    "no",
    "not",
    "all",
    "any",
    "please",
    "thanks",
    "thank",
    "regards",
    "dear",
    "hi",
    "hello",
    "mr",
    "mrs",
    "miss",
    "ms",
    "dr",
    "sir",
    "re",
    "fw",
    "fwd",
    "also",
    "when",
    "what",
    "who",
    "where",
    "why",
    "how",
    "there",
    "here",
    "street",
    "road",
    "lane",
    "county",
    "city",
    "university",
    "council",
    "bank",
    "inc",
];
/// Least babies of a name for it to be taken for one where it stands alone.
const OFTEN: u32 = 300;

/// Appends names of strangers; `from` is the first of the block's hits.
pub(super) fn find(block: &Block<'_>, from: usize, hits: &mut Vec<NameHit>) {
    let known: Vec<Span> = hits.get(from..).unwrap_or_default().iter().map(|hit| hit.span).collect();
    let mut at = 0;
    while block.at(at).is_some() {
        let found = titled(block, at).or_else(|| full(block, at)).or_else(|| alone(block, at));
        let Some((form, name)) = found else {
            at += 1;
            continue;
        };
        let hit = hit(block, form, &name);
        if !known.iter().any(|span| span.start < hit.span.end && hit.span.start < span.end) {
            hits.push(hit);
        }
        at = name.end;
    }
    hits.get_mut(from..).unwrap_or_default().sort_by_key(|hit| hit.span);
}

fn hit(block: &Block<'_>, form: NameForm, name: &Range<usize>) -> NameHit {
    let last = name.end.saturating_sub(1);
    let edge = |at: usize| block.at(at).map(|marked| marked.token);
    let span = Span {
        start: edge(name.start).map_or(0, |token| token.start),
        end: edge(last).map_or(0, |token| token.end),
    };
    let hash = name.clone().filter_map(|at| block.at(at)).fold(WordHash::EMPTY, |hash, marked| {
        marked.token.hash.bits().to_le_bytes().into_iter().fold(hash, WordHash::byte)
    });
    NameHit {
        span,
        form,
        who: Who::Stranger(hash.bits()),
        addressed: false,
        initials: initials::of(block, name.start..name.start + 1, last.max(name.start + 1)..name.end),
    }
}

/// `Mrs Okafor`, `Dr J. Smith`: the title belongs to the name.
fn titled(block: &Block<'_>, at: usize) -> Option<(NameForm, Range<usize>)> {
    let title = block.at(at)?;
    if !block.is_any(at, &TITLES) || !title.is_capital() {
        return None;
    }
    let end = capitals(block, at + 1, Gap::SPACE.with(Gap::DOT), 3);
    let family = block.at(end.checked_sub(1)?)?;
    (end > at + 1 && family.token.letters > 1).then_some((NameForm::Titled, at..end))
}

/// `Vera M. Holloway`: a first name, or a word that somebody's relation comes before, and family names.
fn full(block: &Block<'_>, at: usize) -> Option<(NameForm, Range<usize>)> {
    let first = block.at(at)?;
    if !is_name_like(block, at) || follows_name(block, at) {
        return None;
    }
    let babies = given_name_count(first.token.hash);
    let end = capitals(block, at + 1, Gap::SPACE, 3);
    let last = block.at(end.checked_sub(1)?)?;
    let initial = (at + 1..end).any(|at| block.at(at).is_some_and(Marked::is_initial));
    if end == at + 1 || last.token.letters == 1 {
        return None;
    }
    let word = is_also_a_word(first.token.hash);
    let likely = match word {
        // A word that begins a sentence, or stands before another word, is mostly none; a verb always is there.
        true => {
            let verb = block.begins_sentence(at) && block.is_any(at, &VERBS);
            babies > 0 && !verb && !is_also_a_word(last.token.hash)
        }
        false => babies > 0 || (initial && !block.begins_sentence(at)),
    };
    let named = at..end;
    (likely && !is_named_after(block, &named)).then_some((NameForm::Full, named))
}

/// A name alone: beside what somebody is to somebody, and otherwise where it is a common first name.
fn alone(block: &Block<'_>, at: usize) -> Option<(NameForm, Range<usize>)> {
    let marked = block.at(at)?;
    if !is_name_like(block, at) {
        return None;
    }
    let babies = given_name_count(marked.token.hash);
    let word = is_also_a_word(marked.token.hash);
    let related = babies > 0 && is_related(block, at);
    if related && !(word && block.begins_sentence(at)) {
        return Some((NameForm::Related, at..at + 1));
    }
    let beside = follows_name(block, at) || capitals(block, at + 1, Gap::SPACE.with(Gap::HYPHEN), 1) > at + 1;
    (babies >= OFTEN
        && !word
        && !is_also_a_place(marked.token.hash)
        && !beside
        && marked.token.case != Case::Upper)
        .then_some((NameForm::Single, at..at + 1))
}

/// `mum of Zara`, `Zara's mum`, `my son Zara`.
fn is_related(block: &Block<'_>, at: usize) -> bool {
    let spaced = |at: usize| block.at(at).is_some_and(|marked| marked.token.gap.is_only(Gap::SPACE));
    let relation = |at: Option<usize>| at.is_some_and(|at| block.is_any(at, &RELATIONS));
    let possessive = block.at(at).is_some_and(|marked| marked.token.possessive);
    let of = at.checked_sub(1).filter(|before| spaced(at) && block.is_any(*before, &["of", "to"]));
    (possessive && spaced(at + 1) && relation(Some(at + 1)))
        || (spaced(at) && relation(at.checked_sub(1)))
        || of.is_some_and(|of| spaced(of) && relation(of.checked_sub(1)))
}

/// How far capitals go on that may belong to a name, at most so many words.
fn capitals(block: &Block<'_>, from: usize, first: Gap, most: usize) -> usize {
    let mut at = from;
    while at < from + most {
        let Some(marked) = block.at(at) else { return at };
        let before = block.before(at);
        if before.is_some_and(|before| before.token.possessive) {
            return at;
        }
        let mut gaps = if at == from { first } else { Gap::SPACE.with(Gap::HYPHEN) };
        if before.is_some_and(Marked::is_initial) {
            gaps = gaps.with(Gap::DOT);
        }
        if !marked.token.gap.is_only(gaps) || !is_name_like(block, at) && !marked.is_initial() {
            return at;
        }
        at += 1;
    }
    at
}

/// Whether a word has a name's capital and is none of the words that have one for other reasons.
fn is_name_like(block: &Block<'_>, at: usize) -> bool {
    block
        .at(at)
        .is_some_and(|marked| marked.is_capital() && marked.token.letters > 1 && !block.is_any(at, &NO_NAMES))
}

/// Whether it goes on from a capital before it, so that a name does not begin here.
fn follows_name(block: &Block<'_>, at: usize) -> bool {
    let joined = block.at(at).is_some_and(|marked| marked.token.gap.is_only(Gap::SPACE.with(Gap::HYPHEN)));
    joined
        && at
            .checked_sub(1)
            .is_some_and(|before| is_name_like(block, before) && !block.begins_sentence(before))
}
