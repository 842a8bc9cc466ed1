//! Groups of digits and letters, and what parts them: the written form that identifiers are read from. Judges nothing.

use std::ops::Range;

/// Most groups that are read as one cluster; what follows begins another.
const MOST_GROUPS: usize = 512;
/// Longest group that can belong to an identifier; an IBAN has 34 characters.
pub(super) const LONGEST: usize = 34;
/// Most letters of a group without a digit that can belong to an identifier.
const LETTERS: usize = 4;
/// Most characters between two groups of an identifier.
const GAP: usize = 6;

/// What a group is made of. All of it is ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Digits,
    Letters,
    Mixed,
}

/// What stands before a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    /// Something that ends numbers, or nothing.
    Wide,
    Space,
    Dash,
    Dot,
    Slash,
    /// A slash with a space beside it.
    Bar,
    Bracket,
    Line,
}

impl Gap {
    /// Whether people write it inside a number.
    pub(super) const fn joins(self) -> bool {
        matches!(self, Self::Space | Self::Dash | Self::Dot | Self::Line)
    }

    /// Whether what it parts is hardly two numbers.
    pub(super) const fn is_tight(self) -> bool {
        matches!(self, Self::Dash | Self::Dot | Self::Slash)
    }
}

/// A run of digits and letters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) class: Class,
    /// What parts it from the group before.
    pub(super) gap: Gap,
}

impl Group {
    pub(super) const fn len(&self) -> usize {
        self.end - self.start
    }
}

/// The first digit or `@` at or after a place.
pub(super) fn next(text: &str, from: usize) -> Option<usize> {
    let wanted = |byte: &u8| byte.is_ascii_digit() || *byte == b'@';
    let mut start = from;
    for block in text.as_bytes().get(from..)?.chunks(64) {
        // Asked of the whole block without a branch, so that the machine looks at many bytes at once.
        if block.iter().fold(false, |any, byte| any | wanted(byte)) {
            return block.iter().position(wanted).map(|at| start + at);
        }
        start += block.len();
    }
    None
}

/// Reads groups from around the digit at `digit` until something ends them; nothing before `floor` and after `ceiling` is
/// looked at. Returns where to go on.
pub(super) fn cluster(text: &str, digit: usize, bounds: Range<usize>, groups: &mut Vec<Group>) -> usize {
    groups.clear();
    let mut at = start_of_group(text, digit, bounds.start);
    if let Some(short) = short_letters_before(text, at, bounds.start) {
        at = short;
    }
    let mut gap = Gap::Wide;
    while let Some((end, class)) = group(text, at, bounds.end) {
        if end - at > LONGEST || (class == Class::Letters && end - at > LETTERS) {
            return end;
        }
        groups.push(Group { start: at, end, class, gap });
        let (next_gap, next) = gap_after(text, end, bounds.end);
        if next_gap == Gap::Wide || groups.len() >= MOST_GROUPS {
            return end;
        }
        (gap, at) = (next_gap, next);
    }
    groups.last().map_or(digit + 1, |last| last.end.max(digit + 1))
}

/// The run of letters and digits at a place. One with letters beyond ASCII is no group.
fn group(text: &str, from: usize, ceiling: usize) -> Option<(usize, Class)> {
    let rest = text.get(from..ceiling)?;
    let (mut digits, mut letters) = (0, 0);
    for byte in rest.bytes() {
        if byte.is_ascii_digit() {
            digits += 1;
        } else if byte.is_ascii_alphabetic() {
            letters += 1;
        } else {
            break;
        }
    }
    let class = match (digits, letters) {
        (0, 0) => return None,
        (_, 0) => Class::Digits,
        (0, _) => Class::Letters,
        _ => Class::Mixed,
    };
    let end = from + digits + letters;
    let foreign = text.get(end..ceiling)?.chars().next().is_some_and(char::is_alphanumeric);
    (!foreign).then_some((end, class))
}

fn start_of_group(text: &str, digit: usize, floor: usize) -> usize {
    let before = text.get(floor..digit).unwrap_or_default();
    let run = before.bytes().rev().take_while(u8::is_ascii_alphanumeric).count();
    digit - run
}

/// One or two capitals with a space before a number, as in `QQ 12 34 56 C`.
fn short_letters_before(text: &str, at: usize, floor: usize) -> Option<usize> {
    let before = text.get(floor..at)?.strip_suffix([' ', '-', '\u{A0}'])?;
    let letters = before.bytes().rev().take_while(u8::is_ascii_uppercase).count();
    let start = before.len() - letters;
    let bounded = before.get(..start)?.chars().next_back().is_none_or(|c| !c.is_alphanumeric());
    ((1..=2).contains(&letters) && bounded).then_some(floor + start)
}

/// What follows a group, and where the next one begins.
fn gap_after(text: &str, end: usize, ceiling: usize) -> (Gap, usize) {
    let (mut spaces, mut dashes, mut dots, mut slashes, mut brackets, mut lines) = (0, 0, 0, 0, 0, 0);
    let mut next = end;
    let mut last = ' ';
    for (count, c) in text.get(end..ceiling).unwrap_or_default().chars().enumerate() {
        match c {
            ' ' | '\u{A0}' | '\u{2007}' | '\u{2009}' | '\u{202F}' => spaces += 1,
            '-' | '\u{2010}' | '\u{2011}' | '\u{2012}' | '\u{2013}' | '\u{2212}' => dashes += 1,
            '.' => dots += 1,
            '/' => slashes += 1,
            '(' | ')' => brackets += 1,
            '\n' => lines += 1,
            '\r' | '\u{AD}' | '\u{200B}' => {}
            _ if c.is_ascii_alphanumeric() => break,
            _ => return (Gap::Wide, next),
        }
        if count >= GAP {
            return (Gap::Wide, next);
        }
        last = c;
        next += c.len_utf8();
    }
    let gap = match (spaces, dashes, dots, slashes, brackets, lines) {
        _ if next >= ceiling => Gap::Wide,
        (1 | 2, 0, 0, 0, 0, 0) => Gap::Space,
        (0..=2, 1, 0, 0, 0, 0) => Gap::Dash,
        (0, 0, 1, 0, 0, 0) => Gap::Dot,
        (0, 0, 0, 1, 0, 0) => Gap::Slash,
        (1 | 2, 0, 0, 1, 0, 0) => Gap::Bar,
        (_, 0, 0, 0, 1 | 2, 0) => Gap::Bracket,
        (_, 0 | 1, 0, 0, 0, 1) if last == '\n' || last == ' ' => Gap::Line,
        _ => Gap::Wide,
    };
    (gap, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(&str, Class, Gap)> {
        let mut groups = Vec::new();
        let digit = next(text, 0).unwrap();
        cluster(text, digit, 0..text.len(), &mut groups);
        groups.iter().map(|group| (&text[group.start..group.end], group.class, group.gap)).collect()
    }

    #[test]
    fn groups_are_parted_by_what_people_put_into_numbers() {
        assert_eq!(
            read("see QQ 12\u{A0}34-56 . C"),
            [
                ("QQ", Class::Letters, Gap::Wide),
                ("12", Class::Digits, Gap::Space),
                ("34", Class::Digits, Gap::Space),
                ("56", Class::Digits, Gap::Dash),
            ]
        );
        assert_eq!(
            read("(01632) 960\n001, or else"),
            [
                ("01632", Class::Digits, Gap::Wide),
                ("960", Class::Digits, Gap::Bracket),
                ("001", Class::Digits, Gap::Line)
            ]
        );
        assert_eq!(read("a 1é 2"), []);
    }

    #[test]
    fn the_first_digit_or_at_is_found_wherever_it_stands() {
        for at in [0, 1, 63, 64, 65, 200] {
            let text = format!("{}7{}", "x".repeat(at), "y".repeat(100));
            assert_eq!(next(&text, 0), Some(at));
        }
        assert_eq!(next("no such thing", 0), None);
    }
}
