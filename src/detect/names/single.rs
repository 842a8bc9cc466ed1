//! People on the roll named by one rare name alone. Needs a capital, and nobody else's name beside it.

use super::block::{Block, Marked};
use super::full::TITLES;
use super::tokens::Gap;
use super::{NameForm, NameHit, Who};
use crate::verdict::Span;

/// Appends rare names that stand alone; `from` is the first of the block's hits.
pub(super) fn find(block: &Block<'_>, from: usize, hits: &mut Vec<NameHit>) {
    let before = hits.len();
    let mut singles = Vec::new();
    for (at, marked) in block.tokens.iter().enumerate() {
        let Some(person) = marked.word.only.filter(|_| !marked.cut && marked.is_capital()) else { continue };
        let span = Span { start: marked.token.start, end: marked.token.end };
        let known = hits.get(from..before).unwrap_or_default();
        let inside = known.iter().any(|hit| hit.span.start < span.end && span.start < hit.span.end);
        if inside || has_another_name(block, at) {
            continue;
        }
        let letter = block.text.get(span.start..span.end).and_then(|word| word.chars().next());
        let initials = letter.map(|letter| format!("{}.", letter.to_uppercase())).unwrap_or_default();
        let who = Who::OnRoll(vec![person]);
        singles.push(NameHit { span, form: NameForm::Single, who, addressed: false, initials });
    }
    hits.append(&mut singles);
    hits.get_mut(from..).unwrap_or_default().sort_by_key(|hit| hit.span);
}

/// Whether another name or a title stands beside it, so that it is part of somebody else's.
fn has_another_name(block: &Block<'_>, at: usize) -> bool {
    let beside = |other: usize, gap: Gap| {
        block.at(other).is_some_and(|marked: &Marked| {
            gap.is_only(Gap::SPACE.with(Gap::HYPHEN)) && marked.is_capital() && !block.begins_sentence(other)
        })
    };
    let own = block.at(at).map(|marked| marked.token.gap).unwrap_or_default();
    let next = block.at(at + 1).map(|marked| marked.token.gap).unwrap_or_default();
    let possessive = block.at(at).is_some_and(|marked| marked.token.possessive);
    let titled = at.checked_sub(1).is_some_and(|before| block.is_any(before, &TITLES));
    titled
        || at.checked_sub(1).is_some_and(|before| beside(before, own))
        || (!possessive && beside(at + 1, next))
}
