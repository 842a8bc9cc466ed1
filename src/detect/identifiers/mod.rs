//! Identifiers of people in texts: numbers with their check digits, dates of birth, addresses. Finds; never judges.

mod addresses;
mod banking;
mod checks;
mod columns;
mod dates;
mod groups;
mod iban;
mod kind;
mod labels;
mod numbers;
mod phones;
#[cfg(test)]
mod tests;

pub use kind::{Confidence, IdentifierKind, Kinds};

use std::cell::OnceCell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use jiff::civil::Date;

use crate::extract::Text;
use crate::extract::document::Places;
use crate::verdict::Span;
use banking::Half;
use columns::Columns;
use groups::Group;
use labels::{Labels, Said};

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

/// A date that can be one of birth, which nothing around it calls so, nor anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnsaidDate {
    /// As it would be if it were one; never sure.
    pub identifier: Identifier,
    /// The age of somebody who was born then, in years.
    pub age: i16,
}

/// How far behind an identifier another of its kind may stand to be the next of a list, in bytes.
const CHAIN: usize = 60;

/// Finds the identifiers of a text, appending to `found` in the order of their places, at most until it holds `cap`.
/// Returns whether that cap cut it short. `today` is the day by which ages are judged.
pub fn find(text: &Text, today: Date, cap: usize, found: &mut Vec<Identifier>) -> bool {
    find_in(&text.text, &text.places, today, cap, found)
}

/// As [`find`], with the dates, at most as many, that would be dates of birth if they belonged to somebody.
pub fn find_with_dates(
    text: &Text,
    today: Date,
    cap: usize,
    found: &mut Vec<Identifier>,
    dates: &mut Vec<UnsaidDate>,
) -> bool {
    read(&text.text, &text.places, today, cap, found, dates)
}

/// As [`find`], in a text with its places.
pub fn find_in(text: &str, places: &Places, today: Date, cap: usize, found: &mut Vec<Identifier>) -> bool {
    read(text, places, today, cap, found, &mut Vec::new())
}

fn read(
    text: &str,
    places: &Places,
    today: Date,
    cap: usize,
    found: &mut Vec<Identifier>,
    dates: &mut Vec<UnsaidDate>,
) -> bool {
    let Some(first) = groups::next(text, 0) else { return false };
    let reader = Reader {
        text,
        today,
        columns: Columns::new(text, places),
        labels: OnceCell::new(),
        listed: Vec::new(),
        cell: 0..0,
        token: Token::default(),
        sort_code: None,
        account: None,
        last: 0,
        found,
        dates,
    };
    reader.read(first, cap)
}

/// One walk through a text.
struct Reader<'t, 'f> {
    text: &'t str,
    today: Date,
    columns: Columns<'t>,
    /// Read when the first number asks.
    labels: OnceCell<Labels>,
    /// For each kind that was named so far, the end of the last one: the next may belong to the same list.
    listed: Vec<(IdentifierKind, usize)>,
    /// How far the cell reaches in which the walk is.
    cell: Range<usize>,
    /// What stands between white space where the walk is.
    token: Token,
    /// A sort code whose account number may follow, and the other way about.
    sort_code: Option<Half>,
    account: Option<Half>,
    /// Where the last sure identifier ended.
    last: usize,
    found: &'f mut Vec<Identifier>,
    dates: &'f mut Vec<UnsaidDate>,
}

impl Reader<'_, '_> {
    fn read(mut self, first: usize, cap: usize) -> bool {
        let mut groups = Vec::new();
        let mut at = Some(first);
        let mut floor = 0;
        while let Some(place) = at {
            if self.found.len() > cap {
                break;
            }
            self.cell = self.columns.cell(place);
            let bounds = self.cell.start.max(floor)..self.cell.end;
            floor = self.token(place, bounds, &mut groups).max(place + 1);
            at = groups::next(self.text, floor);
        }
        let cut = self.found.len() > cap;
        self.found.truncate(cap);
        self.dates.truncate(cap);
        cut
    }

    /// Reads what stands around a digit or an `@`; returns where to go on.
    fn token(&mut self, place: usize, bounds: Range<usize>, groups: &mut Vec<Group>) -> usize {
        if place >= self.token.end {
            self.token = Token::around(self.text, place, &bounds);
        }
        if self.token.is_link {
            return self.token.end;
        }
        if let Some(at) = self.token.at_sign(self.text, place) {
            let domain = self.text.as_bytes().get(at + 1..).unwrap_or_default();
            let allowed = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
            let end = at + 1 + domain.iter().take_while(allowed).count();
            return self.email_address(at).unwrap_or(end);
        }
        let next = groups::cluster(self.text, place, bounds, groups);
        let mut index = 0;
        while index < groups.len() {
            index = self.number(groups, index).max(index + 1);
        }
        next
    }

    /// What the heading and the words around a stretch say of it, with regard to a kind.
    fn named(&mut self, kind: IdentifierKind, at: Range<usize>) -> Named {
        let said = self.columns.heading(at.start).unwrap_or_else(|| {
            let mut bounds = self.columns.beside(self.cell.clone());
            // What stands before the last identifier is that one's label.
            bounds.start = bounds.start.max(self.last).min(at.start);
            let labels = self.labels.get_or_init(|| Labels::read(self.text));
            labels.around(self.text, &at, &bounds)
        });
        match said {
            Said::These(kinds) if kinds.contain(kind) => Named::Yes,
            Said::These(_) => Named::SomethingElse,
            Said::Other => Named::No,
            Said::Nothing => {
                let listed = self
                    .listed
                    .iter()
                    .any(|(known, end)| *known == kind && self.continues(kind, *end, at.start));
                if listed { Named::Yes } else { Named::Unsaid }
            }
        }
    }

    /// Whether what stands at `start` can be the next of a list whose last one ended at `end`. What has no check of its own
    /// must stand on the next line, or right behind.
    fn continues(&self, kind: IdentifierKind, end: usize, start: usize) -> bool {
        let between = self.text.get(end..start).filter(|between| between.len() <= CHAIN);
        let Some(between) = between else { return false };
        let lines = between.matches('\n').count();
        match kind {
            IdentifierKind::TeacherReference
            | IdentifierKind::CandidateNumber
            | IdentifierKind::DateOfBirth => lines == 1 || between.len() <= 5,
            _ => lines <= 2,
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
        if confidence == Confidence::High {
            self.last = at.end;
        }
        self.found.push(identifier(kind, confidence, at, value));
    }
}

fn identifier(kind: IdentifierKind, confidence: Confidence, at: Range<usize>, value: &[u8]) -> Identifier {
    let mut hash = DefaultHasher::new();
    value.hash(&mut hash);
    let span = Span { start: at.start, end: at.end };
    Identifier { kind, confidence, span, value: hash.finish() }
}

/// A stretch without white space.
#[derive(Debug, Default)]
struct Token {
    end: usize,
    /// Whether it is a link, whose numbers mean nothing to people.
    is_link: bool,
    has_at: bool,
}

impl Token {
    fn around(text: &str, place: usize, bounds: &Range<usize>) -> Self {
        let bytes = text.as_bytes();
        let before = bytes.get(bounds.start..place).unwrap_or_default();
        let start = place - before.iter().rev().take_while(|byte| !byte.is_ascii_whitespace()).count();
        let behind = bytes.get(place..bounds.end).unwrap_or_default();
        let end = place + behind.iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
        let token = text.get(start..end).unwrap_or_default();
        let is_link = token.contains("://") || token.contains("www.") || token.contains("cid:");
        Self { end, is_link, has_at: token.contains('@') }
    }

    /// The `@` of the email address that the place is in or before.
    fn at_sign(&self, text: &str, place: usize) -> Option<usize> {
        if !self.has_at {
            return None;
        }
        let local = |byte: &&u8| byte.is_ascii_alphanumeric() || b"._%+-'$!#&*=/?^`{|}~".contains(byte);
        let rest = text.as_bytes().get(place..self.end)?;
        let at = place + rest.iter().take(64).take_while(local).count();
        (text.as_bytes().get(at) == Some(&b'@')).then_some(at)
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
