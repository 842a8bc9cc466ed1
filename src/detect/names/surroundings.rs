//! Whether what stands around a name, and how it is written, leaves it a person's: "will young people", "Oliver Bennett House".

use std::ops::Range;

use super::TextKind;
use super::block::{Block, Marked};
use super::tokens::{Case, Gap};
use crate::people::is_also_a_word;

/// A name in the tokens of a block.
pub(super) struct Named {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) given: Range<usize>,
    pub(super) family: Range<usize>,
}

/// What streets, houses, schools, prizes and firms are called.
const NAMED_AFTER: [&str; 70] = [
    "academy",
    "arena",
    "avenue",
    "award",
    "awards",
    "block",
    "bridge",
    "building",
    "bursary",
    "campus",
    "centre",
    "center",
    "chapel",
    "charity",
    "church",
    "clinic",
    "close",
    "college",
    "cottage",
    "court",
    "crescent",
    "cup",
    "drive",
    "farm",
    "field",
    "fields",
    "foundation",
    "fund",
    "gallery",
    "garden",
    "gardens",
    "hall",
    "hospital",
    "hotel",
    "house",
    "infants",
    "institute",
    "juniors",
    "lane",
    "lecture",
    "library",
    "limited",
    "lodge",
    "ltd",
    "medal",
    "memorial",
    "museum",
    "park",
    "pavilion",
    "place",
    "plc",
    "primary",
    "prize",
    "road",
    "scholarship",
    "school",
    "shield",
    "solicitors",
    "sons",
    "square",
    "stadium",
    "street",
    "studio",
    "suite",
    "surgery",
    "terrace",
    "theatre",
    "trophy",
    "trust",
    "way",
];
/// What follows words that are no name: "young people", "brown paper", "May half term".
const GOES_ON: [&str; 44] = [
    "people",
    "person",
    "persons",
    "men",
    "women",
    "carer",
    "carers",
    "children",
    "child",
    "adult",
    "adults",
    "learner",
    "learners",
    "leader",
    "leaders",
    "reader",
    "readers",
    "writer",
    "writers",
    "minds",
    "enterprise",
    "offender",
    "offenders",
    "paper",
    "envelope",
    "envelopes",
    "box",
    "boxes",
    "bag",
    "bags",
    "bread",
    "rice",
    "board",
    "boards",
    "half",
    "term",
    "day",
    "days",
    "bank",
    "holiday",
    "garden",
    "beans",
    "sauce",
    "squash",
];
/// Names that are verbs, and so begin sentences.
pub(super) const VERBS: [&str; 22] = [
    "bill", "carry", "chase", "drew", "frank", "grace", "grant", "hope", "jack", "mark", "may", "nick",
    "pat", "peg", "pick", "rob", "sue", "skip", "tuck", "wade", "will", "rose",
];
/// What follows a subject that is a person.
const VERB_FOLLOWS: [&str; 66] = [
    "is", "was", "has", "had", "will", "would", "can", "could", "should", "may", "might", "must", "did",
    "does", "didn", "isn", "wasn", "hasn", "won", "and", "or", "but", "to", "in", "on", "at", "from", "for",
    "with", "who", "whose", "as", "by", "of", "about", "after", "before", "needs", "wants", "says", "said",
    "seems", "goes", "went", "left", "came", "got", "told", "hit", "kept", "made", "took", "saw", "ran",
    "sat", "wrote", "threw", "felt", "lost", "broke", "hurt", "became", "began", "gets", "attends", "be",
];

/// Whether the name may be a person's.
pub(super) fn allow(block: &Block<'_>, named: &Named) -> bool {
    if !is_written_as_a_name(block, named) || is_named_after(block, &(named.start..named.end)) {
        return false;
    }
    let words = is_words(block, &named.given) && is_words(block, &named.family);
    !(words && is_a_phrase(block, named))
}

/// Names that are also words need their capitals, and two of them no line's end between.
fn is_written_as_a_name(block: &Block<'_>, named: &Named) -> bool {
    let both = || named.given.clone().chain(named.family.clone());
    // The small words of a longer family name are mostly written small: van der Berg.
    let particle = |marked: &Marked| named.family.len() > 1 && marked.token.letters <= 3;
    let is_small =
        |at: usize| block.at(at).is_some_and(|marked| marked.token.case == Case::Lower && !particle(marked));
    if both().any(|at| is_small(at) && is_a_word(block, at)) {
        return false;
    }
    let within = || (named.start..named.end).filter_map(|at| block.at(at));
    let forgotten = both().any(is_small) && within().any(|marked| marked.cut);
    let broken = block.kind == TextKind::Running
        && within().skip(1).any(|marked| marked.token.gap.has(Gap::LINE))
        && both().all(|at| is_a_word(block, at));
    !forgotten && !broken
}

fn is_words(block: &Block<'_>, range: &Range<usize>) -> bool {
    range.clone().all(|at| is_a_word(block, at))
}

fn is_a_word(block: &Block<'_>, at: usize) -> bool {
    block.at(at).is_some_and(|marked| {
        marked.word.is_a_word || is_also_a_word(marked.hash) || is_also_a_word(marked.token.hash)
    })
}

/// Whether a street, a house, a prize or a firm is called by the name.
pub(super) fn is_named_after(block: &Block<'_>, named: &Range<usize>) -> bool {
    let last = named.end.checked_sub(1).and_then(|at| block.at(at));
    let Some(next) = block.at(named.end).filter(|next| next.token.gap.is_only(Gap::SPACE)) else {
        return is_saint(block, named);
    };
    if last.is_some_and(|last| last.token.possessive) {
        return false;
    }
    let begins_with_the = named.start.checked_sub(1).is_some_and(|at| block.is_any(at, &["the", "a", "our"]))
        && block.at(named.start).is_some_and(|first| first.token.gap.is_only(Gap::SPACE));
    // Behind another word too: Oliver Bennett Junior School.
    let further = next.is_capital()
        && block.is_any(named.end + 1, &NAMED_AFTER)
        && block.at(named.end + 1).is_some_and(|one| one.is_capital() && one.token.gap.is_only(Gap::SPACE));
    (block.is_any(named.end, &NAMED_AFTER) && (next.is_capital() || begins_with_the))
        || further
        || is_saint(block, named)
}

fn is_saint(block: &Block<'_>, named: &Range<usize>) -> bool {
    let first = block.at(named.start).map(|first| first.token.gap);
    first.is_some_and(|gap| gap.is_only(Gap::SPACE.with(Gap::DOT)))
        && named.start.checked_sub(1).is_some_and(|at| block.is_any(at, &["st", "saint"]))
}

/// Whether two names that are both words make a phrase with what stands around them.
fn is_a_phrase(block: &Block<'_>, named: &Named) -> bool {
    if named.end - named.start > named.given.len() + named.family.len() {
        // A middle name or an initial stands between: nobody writes so but of a person.
        return false;
    }
    let follows = |at: usize| block.at(at).filter(|next| next.token.gap.is_only(Gap::SPACE));
    let last = named.end.checked_sub(1).and_then(|at| block.at(at));
    if last.is_some_and(|last| last.token.possessive) {
        return false;
    }
    let Some(next) = follows(named.end) else { return is_shouted_phrase(block, named) };
    if block.is_any(named.end, &GOES_ON) {
        return true;
    }
    if next.is_capital() && next.token.letters > 1 && !block.is_any(named.end, &VERB_FOLLOWS) {
        return true;
    }
    let verb = named.given.len() == 1 && block.is_any(named.given.start, &VERBS);
    let is_done = block.lower(named.end).ends_with("ed");
    verb && named.given.start == named.start
        && block.begins_sentence(named.start)
        && !is_done
        && !block.is_any(named.end, &VERB_FOLLOWS)
}

/// In a line of capitals, capitals say nothing.
fn is_shouted_phrase(block: &Block<'_>, named: &Named) -> bool {
    let upper = |at: usize| block.at(at).is_some_and(|marked| marked.token.case == Case::Upper);
    let before = named.start.checked_sub(1).is_some_and(upper)
        && block.at(named.start).is_some_and(|first| first.token.gap.is_only(Gap::SPACE));
    upper(named.start) && before
}
