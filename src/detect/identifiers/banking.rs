//! Bank details: IBANs, and sort codes with account numbers. Without the banks' weight tables, only words can tell the latter.

use std::ops::Range;

use super::groups::{Class, Gap, Group};
use super::kind::{Confidence, IdentifierKind as Kind};
use super::numbers::{join, written_as};
use super::{Named, Reader, iban};

/// How far apart a sort code and its account number may stand, in bytes.
const APART: usize = 80;

/// One half of bank details, until the other is met.
#[derive(Debug, Clone)]
pub(super) struct Half {
    span: Range<usize>,
    digits: Vec<u8>,
}

impl Reader<'_, '_> {
    pub(super) fn iban(&mut self, groups: &[Group], index: usize) -> Option<usize> {
        let first = groups.get(index)?;
        let country = self.text.as_bytes().get(first.start..first.start + 2)?;
        let country = [country.first()?.to_ascii_uppercase(), country.last()?.to_ascii_uppercase()];
        let number = join(self.text, groups, index, iban::length(&country)?)?;
        if !iban::is_valid(number.bytes()) || !self.stands_alone(groups, index, &number) {
            return None;
        }
        let named = self.named(Kind::Iban, number.span.clone());
        self.push(Kind::Iban, named, Confidence::High, (number.span.clone(), number.bytes()));
        Some(number.next)
    }

    /// A sort code, or an account number: whichever comes second finds the other not far before it.
    pub(super) fn bank_account(&mut self, groups: &[Group], index: usize) -> Option<usize> {
        let sort_code = join(self.text, groups, index, 6).filter(|number| {
            let written = groups.get(index..number.next).unwrap_or_default();
            let parted = |group: &Group| matches!(group.gap, Gap::Dash | Gap::Space);
            written.len() == 1 || (written_as(written, &[2, 2, 2]) && written.iter().skip(1).all(parted))
        });
        let account = join(self.text, groups, index, 8).filter(|number| {
            let written = groups.get(index..number.next).unwrap_or_default();
            written.len() == 1 || written_as(written, &[4, 4])
        });
        let number = sort_code.as_ref().or(account.as_ref())?;
        let digits = |group: &Group| group.class == Class::Digits;
        if !groups.get(index..number.next)?.iter().all(digits) || !self.stands_alone(groups, index, number) {
            return None;
        }
        let half = Half { span: number.span.clone(), digits: number.bytes().to_vec() };
        let next = number.next;
        let is_code = sort_code.is_some();
        let (mine, others) = if is_code {
            (&mut self.sort_code, &mut self.account)
        } else {
            (&mut self.account, &mut self.sort_code)
        };
        let Some(other) = others.take_if(|other| half.span.start.saturating_sub(other.span.end) <= APART)
        else {
            *mine = Some(half);
            return None;
        };
        self.both(if is_code { (&half, &other) } else { (&other, &half) }).then_some(next)
    }

    fn both(&mut self, (code, account): (&Half, &Half)) -> bool {
        let start = code.span.start.min(account.span.start);
        let end = code.span.end.max(account.span.end);
        let named = self.named(Kind::BankAccount, start..end);
        let between = self.text.get(code.span.end..account.span.start).unwrap_or("no code before");
        let confidence = match named {
            Named::Yes => Confidence::High,
            _ if super::labels::heading(between).is_some_and(|said| said.is(Kind::BankAccount)) => {
                Confidence::High
            }
            Named::Unsaid if between.trim().is_empty() && between.len() <= 2 => Confidence::Low,
            _ => return false,
        };
        let value = [code.digits.as_slice(), &account.digits].concat();
        self.push(Kind::BankAccount, named, confidence, (start..end, &value));
        true
    }
}
