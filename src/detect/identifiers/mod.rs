//! Identifiers of people in texts: numbers with their check digits, dates of birth, addresses. Finds; never judges.

mod checks;
mod columns;
mod groups;
mod kind;
mod labels;
mod numbers;
#[cfg(test)]
mod tests;

pub use kind::{Confidence, IdentifierKind, Kinds};

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use jiff::civil::Date;

use crate::extract::Text;
use crate::extract::document::Places;
use crate::verdict::Span;
use columns::Columns;
use groups::Group;
use labels::Said;

/// An identifier in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identifier {
    /// What it is.
    pub kind: IdentifierKind,
    /// How sure that is.
    pub confidence: Confidence,
    /// Where it stands.
    pub span: Span,
    /// A hash of it without what is only its written form: equal for the same identifier, written either way.
    pub value: u64,
}

/// How far behind an identifier another of its kind may stand to be the next of a list, in bytes.
const CHAIN: usize = 60;

/// Finds the identifiers of a text, appending to `found` in the order of their places, at most until it holds `cap`.
/// Returns whether that cap cut it short. `today` is the day by which ages are judged.
pub fn find(text: &Text, today: Date, cap: usize, found: &mut Vec<Identifier>) -> bool {
    find_in(&text.text, &text.places, today, cap, found)
}

/// As [`find`], in a text with its places.
pub fn find_in(text: &str, places: &Places, today: Date, cap: usize, found: &mut Vec<Identifier>) -> bool {
    let Some(first) = groups::next(text, 0) else { return false };
    let reader =
        Reader { text, today, columns: Columns::new(text, places), listed: Vec::new(), cell: 0..0, found };
    reader.read(first, cap)
}

/// One walk through a text.
struct Reader<'t, 'f> {
    text: &'t str,
    #[expect(dead_code, reason = "ages are judged by it as soon as dates of birth are read")]
    today: Date,
    columns: Columns<'t>,
    /// For each kind that was named so far, the end of the last one: the next may belong to the same list.
    listed: Vec<(IdentifierKind, usize)>,
    /// How far the cell reaches in which the walk is.
    cell: Range<usize>,
    found: &'f mut Vec<Identifier>,
}

impl Reader<'_, '_> {
    fn read(mut self, first: usize, cap: usize) -> bool {
        let mut groups = Vec::new();
        let mut at = Some(first);
        let mut floor = 0;
        while let Some(place) = at {
            if self.found.len() >= cap {
                self.found.truncate(cap);
                return true;
            }
            self.cell = self.columns.cell(place);
            let bounds = self.cell.start.max(floor)..self.cell.end;
            floor = self.token(place, bounds, &mut groups).max(place + 1);
            at = groups::next(self.text, floor);
        }
        false
    }

    /// Reads what stands around a digit or an `@`; returns where to go on.
    fn token(&mut self, place: usize, bounds: Range<usize>, groups: &mut Vec<Group>) -> usize {
        if self.text.as_bytes().get(place) == Some(&b'@') {
            return place + 1;
        }
        let next = groups::cluster(self.text, place, bounds, groups);
        let mut index = 0;
        while index < groups.len() {
            index = self.number(groups, index).max(index + 1);
        }
        next
    }

    /// What the heading and the words around a stretch say of it, with regard to a kind.
    fn named(&self, kind: IdentifierKind, at: Range<usize>) -> Named {
        let said = self
            .columns
            .heading(at.start)
            .unwrap_or_else(|| labels::around(self.text, at.clone(), self.columns.beside(self.cell.clone())));
        match said {
            Said::These(kinds) if kinds.contain(kind) => Named::Yes,
            Said::These(_) => Named::SomethingElse,
            Said::Other => Named::No,
            Said::Nothing => {
                let listed = self
                    .listed
                    .iter()
                    .any(|(known, end)| *known == kind && *end <= at.start && at.start - end <= CHAIN);
                if listed { Named::Yes } else { Named::Unsaid }
            }
        }
    }

    fn push(
        &mut self,
        kind: IdentifierKind,
        named: Named,
        confidence: Confidence,
        found: (Range<usize>, &[u8]),
    ) {
        let (at, value) = found;
        if named == Named::Yes {
            self.listed.retain(|(known, _)| *known != kind);
            self.listed.push((kind, at.end));
        }
        let mut hash = DefaultHasher::new();
        value.hash(&mut hash);
        let span = Span { start: at.start, end: at.end };
        self.found.push(Identifier { kind, confidence, span, value: hash.finish() });
    }
}

/// Whether the words around a number, or its column's heading, name it so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    Yes,
    /// They name another kind of identifier.
    SomethingElse,
    /// They name something that is no identifier, such as an order.
    No,
    Unsaid,
}
