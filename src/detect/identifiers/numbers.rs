//! Numbers with a shape of their own, from groups of digits and letters. Dates, telephones and addresses are not its job.

use std::ops::Range;

use super::groups::{Class, Gap, Group, LONGEST};
use super::kind::{Confidence, IdentifierKind as Kind};
use super::{Named, Reader, checks};

/// The characters of some groups, in capitals.
pub(super) struct Joined {
    bytes: [u8; LONGEST],
    length: usize,
    /// The index of the first group behind them.
    pub(super) next: usize,
    pub(super) span: Range<usize>,
}

impl Joined {
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl Reader<'_, '_> {
    /// Reads a number that begins with that group; returns the group to go on with.
    pub(super) fn number(&mut self, groups: &[Group], index: usize) -> usize {
        let Some(first) = groups.get(index) else { return index + 1 };
        let next = match first.class {
            Class::Digits => self
                .telephone(groups, index)
                .or_else(|| self.date_of_birth(groups, index))
                .or_else(|| self.card(groups, index))
                .or_else(|| self.uci(groups, index))
                .or_else(|| self.ten_digits(groups, index))
                .or_else(|| self.bank_account(groups, index))
                .or_else(|| self.teacher_reference(groups, index))
                .or_else(|| self.candidate_number(groups, index)),
            Class::Letters | Class::Mixed => self
                .iban(groups, index)
                .or_else(|| self.upn(groups, index))
                .or_else(|| self.uci(groups, index))
                .or_else(|| self.ni(groups, index))
                .or_else(|| self.address(groups, index))
                .or_else(|| self.date_of_birth(groups, index))
                .or_else(|| self.teacher_reference(groups, index)),
        };
        next.unwrap_or(index + 1)
    }

    fn upn(&mut self, groups: &[Group], index: usize) -> Option<usize> {
        let number = join(self.text, groups, index, 13)?;
        if !checks::upn(number.bytes()) || !self.stands_alone(groups, index, &number) {
            return None;
        }
        let named = self.named(Kind::Upn, number.span.clone());
        let confidence = match named {
            Named::No => return None,
            Named::Yes => Confidence::High,
            _ if is_authority(number.bytes().get(1..4)?) => Confidence::High,
            _ => Confidence::Low,
        };
        self.push(Kind::Upn, named, confidence, (number.span.clone(), number.bytes()));
        Some(number.next)
    }

    fn uci(&mut self, groups: &[Group], index: usize) -> Option<usize> {
        let number = join(self.text, groups, index, 13)?;
        let (here, abroad) = (checks::uci(number.bytes()), checks::uci_abroad(number.bytes()));
        if !(here || abroad) || !self.stands_alone(groups, index, &number) {
            return None;
        }
        let named = self.named(Kind::Uci, number.span.clone());
        let confidence = match named {
            Named::No => return None,
            Named::Yes => Confidence::High,
            // Nothing is checked of it: without its label it is any code.
            _ if abroad => return None,
            _ => Confidence::Low,
        };
        self.push(Kind::Uci, named, confidence, (number.span.clone(), number.bytes()));
        Some(number.next)
    }

    /// There is no check digit, but hardly anything else is written in pairs, or has those letters before and behind.
    fn ni(&mut self, groups: &[Group], index: usize) -> Option<usize> {
        let number = join(self.text, groups, index, 9)?;
        if !checks::ni(number.bytes()) || !self.stands_alone(groups, index, &number) {
            return None;
        }
        let named = self.named(Kind::NiNumber, number.span.clone());
        let written = self.text.get(number.span.clone()).unwrap_or_default();
        let capitals = !written.bytes().any(|byte| byte.is_ascii_lowercase());
        let confidence = match named {
            Named::No => return None,
            Named::Yes => Confidence::High,
            _ if capitals => Confidence::High,
            _ => Confidence::Low,
        };
        self.push(Kind::NiNumber, named, confidence, (number.span.clone(), number.bytes()));
        Some(number.next)
    }

    /// One number of 16 digits in forty has a card's first digits and check digit, so a label or the groups of four must tell.
    fn card(&mut self, groups: &[Group], index: usize) -> Option<usize> {
        let first = groups.get(index)?;
        // A card begins with 2 to 6, and hardly anybody writes its digits in pairs.
        if first.len() < 4
            || !self.text.as_bytes().get(first.start).is_some_and(|digit| (b'2'..=b'6').contains(digit))
        {
            return None;
        }
        let number = (13..=19).rev().find_map(|length| {
            let number = join(self.text, groups, index, length)?;
            (is_card(number.bytes()) && checks::luhn(number.bytes())).then_some(number)
        })?;
        if !self.stands_alone(groups, index, &number) {
            return None;
        }
        let written = groups.get(index..number.next)?;
        let usual: [&[usize]; 4] = [&[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4], &[4, 4, 4, 4, 3]];
        let in_groups = usual.iter().any(|lengths| written_as(written, lengths));
        let named = self.named(Kind::PaymentCard, number.span.clone());
        let confidence = match named {
            Named::Yes => Confidence::High,
            Named::Unsaid if in_groups => Confidence::High,
            Named::Unsaid if written.len() == 1 => Confidence::Low,
            _ => return None,
        };
        self.push(Kind::PaymentCard, named, confidence, (number.span.clone(), number.bytes()));
        Some(number.next)
    }

    /// One number in eleven passes the check of the NHS, and one in eleven that of learners: a label must tell.
    fn ten_digits(&mut self, groups: &[Group], index: usize) -> Option<usize> {
        let number = join(self.text, groups, index, 10)?;
        let digits = number.bytes();
        let written = groups.get(index..number.next)?;
        let usual = written.len() == 1 || written_as(written, &[3, 3, 4]);
        let mut found = None;
        for (kind, passes) in [(Kind::NhsNumber, checks::nhs(digits)), (Kind::Uln, checks::uln(digits))] {
            if !passes || !self.stands_alone(groups, index, &number) {
                continue;
            }
            let named = self.named(kind, number.span.clone());
            let confidence = match named {
                Named::Yes => Confidence::High,
                Named::Unsaid if usual && self.is_by_itself(groups, index, &number) => Confidence::Low,
                _ => continue,
            };
            self.push(kind, named, confidence, (number.span.clone(), digits));
            found = Some(number.next);
        }
        found
    }

    /// Seven digits, also as `12/34567` or `RP12/34567`: nothing but its label tells it.
    fn teacher_reference(&mut self, groups: &[Group], index: usize) -> Option<usize> {
        let first = groups.get(index)?;
        let whole = self.text.get(first.start..first.end)?;
        let digits = whole.strip_prefix("RP").unwrap_or(whole);
        let second = groups.get(index + 1).filter(|group| {
            group.len() == 5 && group.class == Class::Digits && matches!(group.gap, Gap::Slash | Gap::Space)
        });
        let (value, end, next) = match (second, digits.len()) {
            (_, 7) => (digits.to_owned(), first.end, index + 1),
            (Some(second), 2) => {
                (format!("{digits}{}", self.text.get(second.start..second.end)?), second.end, index + 2)
            }
            _ => return None,
        };
        let alone = !first.gap.is_tight() && !groups.get(next).is_some_and(|group| group.gap.is_tight());
        let span = first.start..end;
        if !alone
            || !value.bytes().all(|byte| byte.is_ascii_digit())
            || self.named(Kind::TeacherReference, span.clone()) != Named::Yes
        {
            return None;
        }
        self.push(Kind::TeacherReference, Named::Yes, Confidence::High, (span, value.as_bytes()));
        Some(next)
    }

    /// Four digits: nothing but its label tells it.
    fn candidate_number(&mut self, groups: &[Group], index: usize) -> Option<usize> {
        let number = join(self.text, groups, index, 4).filter(|number| number.next == index + 1)?;
        if !self.stands_alone(groups, index, &number)
            || self.named(Kind::CandidateNumber, number.span.clone()) != Named::Yes
        {
            return None;
        }
        self.push(Kind::CandidateNumber, Named::Yes, Confidence::High, (number.span.clone(), number.bytes()));
        Some(number.next)
    }

    /// Whether a number is no piece of something longer that is written without a space.
    pub(super) fn stands_alone(&self, groups: &[Group], index: usize, number: &Joined) -> bool {
        let tight = |at: usize| groups.get(at).is_some_and(|group| group.gap.is_tight());
        let before = self.text.get(..number.span.start).and_then(|text| text.chars().next_back());
        let after = self.text.get(number.span.end..).and_then(|text| text.chars().next());
        let held = |c: char| c.is_alphanumeric() || "_@=\\*#$£€&%".contains(c);
        !(tight(index) || tight(number.next))
            && before.is_none_or(|c| !held(c) && !"/.-+".contains(c))
            && after.is_none_or(|c| !held(c))
    }

    /// Whether no digits stand beside a number that is itself written in groups.
    fn is_by_itself(&self, groups: &[Group], index: usize, number: &Joined) -> bool {
        let digits = |group: Option<&Group>| group.is_some_and(|group| group.class == Class::Digits);
        let before = index.checked_sub(1).and_then(|before| groups.get(before));
        let joined = groups.get(index).is_some_and(|group| group.gap == Gap::Space) && digits(before);
        let behind = groups.get(number.next).filter(|group| group.gap == Gap::Space);
        number.next == index + 1 || !(joined || digits(behind))
    }
}

/// The groups from `index` on that have `length` characters together, parted by what people put into numbers.
pub(super) fn join(text: &str, groups: &[Group], index: usize, length: usize) -> Option<Joined> {
    let first = groups.get(index)?;
    let mut joined = Joined { bytes: [0; LONGEST], length: 0, next: index, span: first.start..first.end };
    for group in groups.get(index..)? {
        if joined.length >= length || (joined.next > index && !group.gap.joins()) {
            break;
        }
        let end = joined.length + group.len();
        let place = joined.bytes.get_mut(joined.length..end)?;
        place.copy_from_slice(text.as_bytes().get(group.start..group.end)?);
        place.make_ascii_uppercase();
        joined.length = end;
        joined.next += 1;
        joined.span.end = group.end;
    }
    (joined.length == length).then_some(joined)
}

/// Whether some groups have those lengths.
pub(super) fn written_as(groups: &[Group], lengths: &[usize]) -> bool {
    groups.len() == lengths.len() && groups.iter().zip(lengths).all(|(group, length)| group.len() == *length)
}

/// Whether digits begin as a payment card's do, and are as many (ISO/IEC 7812; the schemes' published ranges).
fn is_card(digits: &[u8]) -> bool {
    let prefix = |length: usize| {
        let digits = digits.get(..length).unwrap_or_default();
        digits.iter().fold(0_u32, |sum, digit| sum * 10 + u32::from(digit.saturating_sub(b'0')))
    };
    match digits.len() {
        13 | 19 => prefix(1) == 4,
        14 => matches!(prefix(3), 300..=305) || matches!(prefix(2), 36 | 38 | 39),
        15 => matches!(prefix(2), 34 | 37),
        16 => {
            matches!(prefix(1), 4)
                || matches!(prefix(2), 51..=55 | 65 | 35)
                || matches!(prefix(3), 644..=649)
                || matches!(prefix(4), 2221..=2720 | 6011 | 6759 | 5018 | 5020 | 5038 | 6304)
        }
        _ => false,
    }
}

/// Whether three digits are a local authority's code in England or Wales (Department for Education; Welsh Government).
fn is_authority(code: &[u8]) -> bool {
    let number = code.iter().fold(0, |sum, digit| sum * 10 + u32::from(digit.saturating_sub(b'0')));
    matches!(number,
        201..=213 | 301..=320 | 330..=336 | 340..=344 | 350..=359 | 370..=373 | 380..=384 | 390..=394 | 420
        | 660..=681 | 800..=896 | 908 | 909 | 916 | 919 | 921 | 925..=943)
}
