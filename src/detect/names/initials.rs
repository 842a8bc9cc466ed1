//! What may stand in place of names: initials, with the class where two people share them. Changes no message.

use std::ops::Range;

use super::block::Block;
use super::tokens::Gap;
use super::{NameForm, NameHit, TextKind, Wanted, Who, find};
use crate::people::{Person, Role, Roll};
use crate::verdict::Span;

/// Longest text about a name that is suggested anew, in bytes each way.
const AROUND: usize = 300;
/// Most names that are replaced in one sentence.
const MOST: usize = 200;

/// The initials of the words of a name: `O.B.`, `R.O-L.`.
pub(super) fn of(block: &Block<'_>, given: Range<usize>, family: Range<usize>) -> String {
    let letter = |at: usize| {
        let token = block.at(at).map(|marked| marked.token);
        let text = token.and_then(|token| block.text.get(token.start..token.end));
        text.and_then(|text| text.chars().next()).map(|letter| letter.to_uppercase().to_string())
    };
    let mut text = letter(given.start).unwrap_or_default();
    text.push('.');
    let small = |at: usize| family.len() > 1 && block.at(at).is_some_and(|marked| marked.token.letters <= 3);
    let mut joined = false;
    for at in family.clone().filter(|at| !small(*at) || family.len() == 1) {
        let hyphen = block.at(at).is_some_and(|marked| marked.token.gap.is_only(Gap::HYPHEN));
        if joined {
            text.push(if hyphen { '-' } else { '.' });
        }
        text += &letter(at).unwrap_or_default();
        joined = true;
    }
    text.push('.');
    text
}

/// The sentence in which something stands, with initials in place of the full names of people of that role. `None` where the
/// roll names nobody there.
pub fn suggestion(text: &str, kind: TextKind, at: Span, roll: &Roll, role: Role) -> Option<String> {
    let sentence = sentence(text, at);
    let own = text.get(sentence.start..sentence.end)?;
    let mut hits = Vec::new();
    find(own, kind, roll, Wanted { full: true, ..Wanted::default() }, MOST, &mut hits);
    let mut out = String::with_capacity(own.len());
    let (mut copied, mut any) = (0, false);
    for hit in hits.iter().filter(|hit| hit.form == NameForm::Full && !hit.addressed) {
        let Some(people) = of_role(hit, roll, role) else { continue };
        any = true;
        out += own.get(copied..hit.span.start).unwrap_or_default();
        out += &hit.initials;
        copied = hit.span.end;
        match class(hit, &people, roll) {
            Some(class) => out += &format!(" ({class})"),
            // A sentence's full stop is that of the initials.
            None if own.get(copied..).is_some_and(|rest| rest.starts_with('.')) => copied += 1,
            None => {}
        }
    }
    out += own.get(copied..).unwrap_or_default();
    any.then(|| out.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn of_role<'r>(hit: &NameHit, roll: &'r Roll, role: Role) -> Option<Vec<&'r Person>> {
    let Who::OnRoll(numbers) = &hit.who else { return None };
    let people = numbers.iter().filter_map(|number| roll.numbered(*number));
    let people: Vec<&Person> = people.filter(|person| person.role == role).collect();
    (!people.is_empty()).then_some(people)
}

/// The class of the person meant, where somebody else has the same initials and the class tells the two apart.
fn class(hit: &NameHit, people: &[&Person], roll: &Roll) -> Option<String> {
    let [person] = people else { return None };
    let own = person.class.clone().or_else(|| person.year.as_ref().map(|year| format!("Year {year}")))?;
    let mut letters = hit.initials.chars().filter(|letter| letter.is_alphabetic());
    let initials = [letters.next()?, letters.next()?];
    roll.names().shares_initials(person, initials).then_some(own)
}

/// The sentence around a place, or as much of it as is not too long.
fn sentence(text: &str, at: Span) -> Span {
    let mut least = at.start.saturating_sub(AROUND);
    let mut most = at.end.saturating_add(AROUND).min(text.len());
    while !text.is_char_boundary(least) {
        least += 1;
    }
    while !text.is_char_boundary(most) {
        most -= 1;
    }
    let before = text.get(least..at.start).unwrap_or_default();
    let start = ["\n\n", ". ", "! ", "? ", ".\n", "!\n", "?\n"]
        .iter()
        .filter_map(|end| last_end(before, end))
        .max()
        .map_or(least, |found| least + found);
    let after = text.get(at.end..most).unwrap_or_default();
    let end = ["\n\n", ". ", "! ", "? ", ".\n", "!\n", "?\n"]
        .iter()
        .filter_map(|end| after.find(end).map(|found| found + 1))
        .min()
        .map_or(most, |found| at.end + found);
    Span { start, end }
}

/// Where a sentence ends in a text for the last time; a dot after a title or an initial ends none.
fn last_end(text: &str, mark: &str) -> Option<usize> {
    const ABBREVIATED: [&str; 8] = ["mr", "mrs", "ms", "dr", "st", "prof", "rev", "miss"];
    let mut rest = text;
    loop {
        let at = rest.rfind(mark)?;
        let word = rest.get(..at)?.rsplit(|letter: char| !letter.is_alphabetic()).next().unwrap_or_default();
        let abbreviated = mark.starts_with('.')
            && (word.chars().count() == 1
                || ABBREVIATED.iter().any(|known| word.eq_ignore_ascii_case(known)));
        if !abbreviated {
            return Some(at + mark.len());
        }
        rest = rest.get(..at)?;
    }
}
