//! Dates of birth: real dates, written as the British write them, that words, a heading or a name call a birth.

use std::ops::Range;

use jiff::civil::Date;

use super::groups::{Class, Gap, Group};
use super::kind::{Confidence, IdentifierKind as Kind};
use super::{Named, Reader, UnsaidDate, identifier};

/// The age of somebody whose date of birth it can be, in years.
const AGES: Range<i16> = 2..101;
const MONTHS: [&str; 12] = [
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
];

impl Reader<'_, '_> {
    pub(super) fn date_of_birth(&mut self, groups: &[Group], index: usize) -> Option<usize> {
        let (date, span) = self.numeric(groups, index).or_else(|| self.worded(groups, index))?;
        let age = self.today.year() - date.year();
        if !AGES.contains(&age) || date > self.today {
            return None;
        }
        let value = date.to_string();
        match self.named(Kind::DateOfBirth, span.clone()) {
            Named::Yes => {}
            Named::Unsaid => {
                let identifier = identifier(Kind::DateOfBirth, Confidence::Low, span, value.as_bytes());
                self.dates.push(UnsaidDate { identifier, age });
                return None;
            }
            Named::SomethingElse | Named::No => return None,
        }
        let next = groups.iter().position(|group| group.start >= span.end).unwrap_or(groups.len());
        self.push(Kind::DateOfBirth, Named::Yes, Confidence::High, (span, value.as_bytes()));
        Some(next.max(index + 1))
    }

    /// `12/03/2010`, `12.3.10`, `2010-03-12`.
    fn numeric(&self, groups: &[Group], index: usize) -> Option<(Date, Range<usize>)> {
        let [first, second, third, ..] = groups.get(index..)? else { return None };
        let parted =
            |group: &Group| matches!(group.gap, Gap::Slash | Gap::Bar | Gap::Dash | Gap::Dot | Gap::Space);
        let digits =
            [first, second, third].iter().all(|group| group.class == Class::Digits && group.len() <= 4);
        if !digits || !parted(second) || second.gap != third.gap || first.gap.is_tight() {
            return None;
        }
        let follows = groups.get(index + 3).is_some_and(|group| group.gap.is_tight());
        let value = |group: &Group| self.text.get(group.start..group.end)?.parse::<i16>().ok();
        let (day, month, year) = match (first.len(), third.len()) {
            (4, 1 | 2) => (third, second, self.year(first)?),
            (1 | 2, 2 | 4) => (first, second, self.year(third)?),
            _ => return None,
        };
        let date = real(year, value(month)?, value(day)?)?;
        (!follows).then_some((date, first.start..third.end))
    }

    /// `12 March 2010`, `12th of March, 2010`, `March 12, 2010`.
    fn worded(&self, groups: &[Group], index: usize) -> Option<(Date, Range<usize>)> {
        let group = groups.get(index)?;
        let text = self.text.get(group.start..group.end)?;
        let day: i16 = text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).parse().ok()?;
        let behind = self.text.get(group.end..)?;
        let behind = behind.get(..40).unwrap_or_else(|| behind.split('\n').next().unwrap_or_default());
        let mut words = Words { text: behind, at: 0 };
        let mut word = words.next()?;
        if word.eq_ignore_ascii_case("of") {
            word = words.next()?;
        }
        let Some(month) = month(word) else { return self.month_first(group, day, behind) };
        let year = words.next()?;
        let end = group.end + words.at;
        let date = real(self.year_of(year)?, month, day)?;
        Some((date, group.start..end))
    }

    fn month_first(&self, group: &Group, day: i16, behind: &str) -> Option<(Date, Range<usize>)> {
        let before = self.text.get(..group.start)?.trim_end();
        let letters = before.bytes().rev().take_while(u8::is_ascii_alphabetic).take(12).count();
        let start = before.len() - letters;
        let month = month(before.get(start..)?)?;
        let mut words = Words { text: behind, at: 0 };
        let year = words.next()?;
        Some((real(self.year_of(year)?, month, day)?, start..group.end + words.at))
    }

    fn year(&self, group: &Group) -> Option<i16> {
        self.year_of(self.text.get(group.start..group.end)?)
    }

    /// Two digits are the last year that ends so.
    fn year_of(&self, written: &str) -> Option<i16> {
        let year: i16 = written.parse().ok()?;
        match written.len() {
            4 => Some(year),
            2 => {
                let century = self.today.year() / 100 * 100;
                Some(if century + year > self.today.year() { century + year - 100 } else { century + year })
            }
            _ => None,
        }
    }
}

/// Words and numbers, each where the last one ended.
struct Words<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Words<'t> {
    fn next(&mut self) -> Option<&'t str> {
        let rest = self.text.get(self.at..)?;
        let start = rest.find(|c: char| c.is_ascii_alphanumeric()).filter(|start| *start <= 3)?;
        let word = rest.get(start..)?;
        let length = word.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(word.len());
        self.at += start + length;
        word.get(..length)
    }
}

fn month(word: &str) -> Option<i16> {
    let named = |name: &&str| {
        let begins = name.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        begins && (word.len() == name.len() || (3..=4).contains(&word.len()))
    };
    let number = MONTHS.iter().position(named)?;
    i16::try_from(number + 1).ok()
}

fn real(year: i16, month: i16, day: i16) -> Option<Date> {
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}
