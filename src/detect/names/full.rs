//! People on the roll named by first and family name, in every order and way in which names are written. Knows no stranger.

use super::block::{Block, Marked};
use super::surroundings::{self, Named};
use super::tokens::{Case, Gap};
use super::{NameForm, NameHit, TextKind, Who, initials};
use crate::people::{FullName, WordHash, given_name_count};
use crate::verdict::Span;

/// Most words between the beginnings of a first and a family name.
const REACH: usize = 6;
/// What stands before a family name that is not the beginning of "Bennett, Oliver".
pub(super) const TITLES: [&str; 14] = [
    "mr",
    "mrs",
    "miss",
    "ms",
    "mx",
    "dr",
    "doctor",
    "prof",
    "professor",
    "rev",
    "sir",
    "dame",
    "lady",
    "cllr",
];
/// Small words within names: van, de.
const PARTICLES: [&str; 22] = [
    "al", "ap", "bin", "bint", "binti", "da", "de", "del", "den", "der", "di", "dos", "du", "el", "ibn",
    "la", "le", "ten", "ter", "van", "von", "née",
];

/// Appends the names of people on the roll.
pub(super) fn find(block: &Block<'_>, hits: &mut Vec<NameHit>) {
    let mut at = 0;
    while let Some(marked) = block.at(at) {
        let word = marked.word;
        let found = if word.begins_given { forward(block, at) } else { None };
        let found = found.or_else(|| if word.begins_family { reverse(block, at) } else { None });
        match found {
            Some(found) => {
                let before = hits.len();
                siblings(block, &found, hits);
                hits.get_mut(before..).unwrap_or_default().reverse();
                hits.push(found.hit(block));
                at = found.end;
            }
            None => at += 1,
        }
    }
}

/// A full name in the tokens of a block.
struct Found {
    start: usize,
    end: usize,
    /// The tokens of the family name.
    family: std::ops::Range<usize>,
    given: std::ops::Range<usize>,
    people: Vec<u32>,
}

impl Found {
    fn hit(&self, block: &Block<'_>) -> NameHit {
        let token = |at: usize| block.at(at).map(|marked| marked.token);
        let start = token(self.start).map_or(0, |token| token.start);
        let end = token(self.end.saturating_sub(1)).map_or(0, |token| token.end);
        NameHit {
            span: Span { start, end },
            form: NameForm::Full,
            who: Who::OnRoll(self.people.clone()),
            addressed: false,
            initials: initials::of(block, self.given.clone(), self.family.clone()),
        }
    }
}

/// `Oliver James Bennett`, beginning at a word.
fn forward(block: &Block<'_>, start: usize) -> Option<Found> {
    let given = block.at(start)?;
    if is_joined(block, start) && block.before(start).is_some_and(Marked::is_capital) {
        return None;
    }
    let mut longest = None;
    for at in start + 1..=start + REACH {
        let Some(marked) = block.at(at).filter(|_| may_go_on(block, at)) else { break };
        if marked.word.begins_family {
            let names = block.index().full_names(given.hash, marked.hash);
            longest = best(block, names, start, at).or(longest);
        }
    }
    longest
}

/// The longest of the names that stand there.
fn best(block: &Block<'_>, names: &[FullName], start: usize, at: usize) -> Option<Found> {
    let mut found: Option<Found> = None;
    for name in names {
        let given = start..start + name.given.len();
        let family = at..at + name.family.len();
        if found.as_ref().is_some_and(|found| (&found.given, &found.family) != (&given, &family)) {
            // Names of the same words are one name of several people; shorter ones are somebody else's.
            continue;
        }
        let stands = given.end <= at
            && is_form(block, block.index().form(name.given), start)
            && is_form(block, block.index().form(name.family), at)
            && (given.end..at).all(|between| may_stand_between(block, between, name.person));
        if !stands {
            continue;
        }
        match &mut found {
            Some(found) => found.people.push(name.person),
            None => {
                let named = Named { start, end: family.end, given: given.clone(), family: family.clone() };
                if !surroundings::allow(block, &named) || is_cut_short(block, family.end) {
                    continue;
                }
                let people = vec![name.person];
                found = Some(Found { start, end: family.end, family, given, people });
            }
        }
    }
    if let Some(found) = &mut found {
        found.people.dedup();
    }
    found
}

/// `Bennett, Oliver James`, and `BENNETT Oliver`, beginning at a word.
fn reverse(block: &Block<'_>, start: usize) -> Option<Found> {
    let family = block.at(start)?;
    if family.cut || family.token.possessive || begins_otherwise(block, start) {
        return None;
    }
    for at in start + 1..=start + 3 {
        let marked = block.at(at)?;
        if marked.word.begins_given && is_reversing(block, start, at) {
            let names = block.index().full_names(marked.hash, family.hash);
            let found = best_reversed(block, names, start, at);
            if found.is_some() {
                return found;
            }
        }
        if !marked.token.gap.is_only(within()) {
            return None;
        }
    }
    None
}

fn best_reversed(block: &Block<'_>, names: &[FullName], start: usize, at: usize) -> Option<Found> {
    let mut found: Option<Found> = None;
    for name in names {
        let given = at..at + name.given.len();
        let family = start..start + name.family.len();
        if found.as_ref().is_some_and(|found| (&found.given, &found.family) != (&given, &family)) {
            continue;
        }
        let stands = family.end == at
            && is_form(block, block.index().form(name.given), at)
            && is_form(block, block.index().form(name.family), start);
        if !stands {
            continue;
        }
        if let Some(found) = &mut found {
            found.people.push(name.person);
            continue;
        }
        // Further names: Bennett, Oliver James.
        let mut end = given.end;
        while end < given.end + 3 && may_go_on(block, end) && is_own(block, end, name.person) {
            end += 1;
        }
        let named = Named { start, end, given: given.clone(), family: family.clone() };
        if is_somebody_elses(block, end, at) || !surroundings::allow(block, &named) {
            continue;
        }
        found = Some(Found { start, end, family, given, people: vec![name.person] });
    }
    found
}

/// Oliver in `Oliver and Ruby Bennett`, Oliver and Ruby in `Oliver, Ruby and Noah Bennett`: found from behind.
fn siblings(block: &Block<'_>, last: &Found, hits: &mut Vec<NameHit>) {
    const COMMA: Gap = Gap::COMMA.with(Gap::SPACE);
    let Some(family) = block.at(last.family.start).filter(|_| last.given.start < last.family.start) else {
        return;
    };
    let mut next = last.start;
    for _ in 0..10 {
        let Some(gap) = block.at(next).map(|marked| marked.token.gap) else { return };
        let and = next.checked_sub(1).filter(|at| block.is_any(*at, &["and"]));
        let at = match and {
            Some(and) if gap.is_only(Gap::SPACE) => and.checked_sub(1),
            _ if gap.has(Gap::AMPERSAND) && gap.is_only(Gap::SPACE.with(Gap::AMPERSAND)) => {
                next.checked_sub(1)
            }
            // A comma stands between the first of them; after the last comma comes an "and".
            _ if gap.has(Gap::COMMA) && gap.is_only(COMMA) && next < last.start => next.checked_sub(1),
            _ => return,
        };
        let Some((at, marked)) = at.and_then(|at| Some((at, block.at(at)?))) else { return };
        let names = block.index().full_names(marked.hash, family.hash);
        let people: Vec<u32> =
            names.iter().filter(|name| name.given.len() == 1).map(|name| name.person).collect();
        if people.is_empty() || !marked.is_capital() || marked.token.possessive {
            return;
        }
        let alone = Found { start: at, end: at + 1, family: last.family.clone(), given: at..at + 1, people };
        hits.push(alone.hit(block));
        next = at;
    }
}

/// Whether the words of a form stand there, with nothing but what joins a name between them.
fn is_form(block: &Block<'_>, form: &[WordHash], at: usize) -> bool {
    form.iter().zip(at..).all(|(word, index)| {
        block.at(index).is_some_and(|marked| {
            let is_last = index + 1 == at + form.len();
            let same = marked.token.hash == *word
                || (is_last && marked.token.without_s == Some(*word) && marked.is_capital());
            same && (index == at || marked.token.gap.is_only(within().with(block.spaces())))
                && (is_last || !marked.token.possessive)
        })
    })
}

/// What stands between the words of one name.
const fn within() -> Gap {
    Gap::SPACE.with(Gap::HYPHEN).with(Gap::DOT).with(Gap::QUOTE).with(Gap::LINE)
}

/// Whether a name may go on at a word, by what stands before it.
fn may_go_on(block: &Block<'_>, at: usize) -> bool {
    let Some(gap) = block.at(at).map(|marked| marked.token.gap) else { return false };
    let Some(before) = block.before(at) else { return false };
    if before.token.possessive || gap.has(Gap::BLANK) || (gap.is_dash() && block.kind != TextKind::FileName) {
        return false;
    }
    let mut allowed = block.spaces().with(Gap::HYPHEN).with(Gap::QUOTE);
    if before.is_initial() {
        allowed = allowed.with(Gap::DOT);
    }
    gap.is_only(allowed)
}

/// Whether a word may stand between somebody's first and family name: the person's own, an initial, a nickname in quotation
/// marks; where no middle name is known, any other first name.
fn may_stand_between(block: &Block<'_>, at: usize, person: u32) -> bool {
    if is_own(block, at, person) || block.is_any(at, &PARTICLES) || block.is_any(at, &["I"]) {
        return true;
    }
    let Some(marked) = block.at(at) else { return false };
    let quoted = marked.token.gap.has(Gap::QUOTE)
        && block.at(at + 1).is_some_and(|next| next.token.gap.has(Gap::QUOTE));
    let other = !block.index().has_middle(person)
        && given_name_count(marked.token.hash) > 0
        && marked.token.gap.is_only(block.spaces());
    marked.is_capital() && (quoted || other)
}

/// Whether a word is one of a person's first or middle names, or an initial.
fn is_own(block: &Block<'_>, at: usize, person: u32) -> bool {
    block.at(at).is_some_and(|marked| {
        (marked.is_initial() && !block.is_any(at, &["I"]))
            || block.index().between(person).contains(&marked.token.hash)
    })
}

fn is_joined(block: &Block<'_>, at: usize) -> bool {
    block.kind != TextKind::FileName
        && block.at(at).is_some_and(|marked| marked.token.gap.is_only(Gap::HYPHEN))
}

/// Whether the family name goes on after a hyphen to become somebody else's: `Bennett-Khan`.
fn is_cut_short(block: &Block<'_>, end: usize) -> bool {
    is_joined(block, end) && block.at(end).is_some_and(Marked::is_capital)
}

/// Whether what stands before a family name says that no name in reverse begins there: `Mrs Bennett, Oliver`.
fn begins_otherwise(block: &Block<'_>, start: usize) -> bool {
    const LEADS: [&str; 20] = [
        "re",
        "for",
        "from",
        "about",
        "regarding",
        "concerning",
        "pupil",
        "student",
        "name",
        "child",
        "case",
        "of",
        "and",
        "or",
        "with",
        "by",
        "class",
        "see",
        "to",
        "subject",
    ];
    let Some(gap) = block.at(start).map(|marked| marked.token.gap) else { return true };
    let Some(before) = start.checked_sub(1) else { return false };
    if gap.is_only(Gap::SPACE.with(Gap::DOT)) && block.is_any(before, &TITLES) {
        return true;
    }
    // Oliver and Bennett of `Grace Bennett, Oliver` belong apart.
    let Some(first) = block.at(before).filter(|first| first.is_capital() && !gap.is_dash()) else {
        return false;
    };
    let given = first.word.begins_given || given_name_count(first.token.hash) > 0 || first.is_initial();
    gap.is_only(Gap::SPACE.with(Gap::HYPHEN))
        && (given || !block.begins_sentence(before))
        && !block.is_any(before, &LEADS)
}

/// Whether what stands between a family and a first name turns them round.
fn is_reversing(block: &Block<'_>, start: usize, at: usize) -> bool {
    let (Some(given), Some(family)) = (block.at(at), block.at(start)) else { return false };
    let gap = given.token.gap;
    let comma = gap.has(Gap::COMMA) && gap.is_only(block.spaces().with(Gap::COMMA));
    let shouted = family.token.case == Case::Upper
        && given.token.case == Case::Capital
        && gap.is_only(Gap::SPACE.with(Gap::TAB));
    let cell = block.kind == TextKind::Document
        && gap.is_only(Gap::LINE.with(Gap::TAB))
        && family.is_capital()
        && given.is_capital();
    let file = block.kind == TextKind::FileName && gap.is_only(block.spaces()) && family.is_capital();
    comma || shouted || cell || file
}

/// Whether the first name that stands after `Bennett,` belongs to what follows it: `Bennett, Oliver Smith`.
fn is_somebody_elses(block: &Block<'_>, end: usize, given: usize) -> bool {
    let (Some(next), Some(given)) = (block.at(end), block.at(given)) else { return false };
    next.token.gap.is_only(Gap::SPACE)
        && next.is_capital()
        && !given.token.possessive
        && next.word.begins_family
        && !block.index().full_names(given.hash, next.hash).is_empty()
}
