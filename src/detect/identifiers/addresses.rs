//! Home addresses: a postcode with a house number and a street before it, or words that announce it. Postal, and email's.

use super::groups::{Class, Gap, Group};
use super::kind::{Confidence, IdentifierKind as Kind};
use super::{Named, Reader};

/// How far before its postcode an address may begin, in bytes.
const REACH: usize = 120;
/// How far before its street's last word a house number may stand, in bytes.
const NAME: usize = 40;
const STREETS: [&str; 34] = [
    "ave", "avenue", "bank", "cl", "close", "cottage", "cottages", "court", "crescent", "drive", "flat",
    "gardens", "green", "grove", "heights", "hill", "house", "lane", "lodge", "mews", "parade", "park",
    "place", "rd", "rise", "road", "row", "square", "st", "street", "terrace", "view", "walk", "way",
];

impl Reader<'_, '_> {
    /// A postcode, with or without a space within (BS 7666).
    pub(super) fn address(&mut self, groups: &[Group], index: usize) -> Option<usize> {
        let first = groups.get(index).filter(|group| group.class == Class::Mixed)?;
        let second = groups.get(index + 1).filter(|group| matches!(group.gap, Gap::Space | Gap::Line));
        let whole = self.text.get(first.start..first.end)?;
        let (outward, inward, next, end) = match (second, whole.len()) {
            (Some(second), 2..=4) if second.len() == 3 => {
                (whole, self.text.get(second.start..second.end)?, index + 2, second.end)
            }
            (_, 5..=7) => {
                let (outward, inward) = whole.split_at_checked(whole.len() - 3)?;
                (outward, inward, index + 1, first.end)
            }
            _ => return None,
        };
        if !is_outward(outward.as_bytes()) || !is_inward(inward.as_bytes()) || first.gap.is_tight() {
            return None;
        }
        let held = |c: char| c.is_alphanumeric() || "_@=/\\".contains(c);
        let before = self.text.get(..first.start).and_then(|text| text.chars().next_back());
        let after = self.text.get(end..).and_then(|text| text.chars().next());
        if before.is_some_and(held) || after.is_some_and(held) {
            return None;
        }
        let start = self.house(first.start);
        let named = self.named(Kind::Address, first.start..end);
        let confidence = match (named, start) {
            (Named::No, None) => return None,
            (_, Some(_)) | (Named::Yes, None) => Confidence::High,
            _ if next == index + 1 => return None,
            _ => Confidence::Low,
        };
        let street = start.and_then(|start| self.text.get(start..first.start)).unwrap_or_default();
        let number: String = street.chars().take_while(char::is_ascii_digit).collect();
        let value = [outward, inward, &number].concat().to_ascii_uppercase();
        self.push(Kind::Address, named, confidence, (start.unwrap_or(first.start)..end, value.as_bytes()));
        Some(next)
    }

    /// Where a house number with its street begins, not far before a postcode.
    fn house(&self, postcode: usize) -> Option<usize> {
        let floor = postcode.saturating_sub(REACH).max(self.cell.start);
        let floor = (floor..=postcode).find(|place| self.text.is_char_boundary(*place))?;
        let window = self.text.get(floor..postcode)?;
        let window_start = window.rfind("\n\n").map_or(0, |at| at + 2);
        let window = window.get(window_start..)?;
        // Where the street's word stands, once it is met.
        let mut street: Option<usize> = None;
        let mut found = None;
        let mut end = window.len();
        // Backwards: a street's word first, then the number before it.
        for word in window.rsplit(|c: char| !c.is_alphanumeric() && c != '\'') {
            let start = end - word.len();
            let lower = word.to_ascii_lowercase();
            if STREETS.binary_search(&lower.as_str()).is_ok() {
                street = Some(start);
            }
            if street.is_some_and(|street| street - start <= NAME) && is_house_number(word) {
                found = Some(floor + window_start + start);
                break;
            }
            let separator = window.get(..start).and_then(|before| before.chars().next_back());
            let Some(separator) = separator else { break };
            end = start - separator.len_utf8();
        }
        found
    }

    /// An email address around an `@`; returns where it ends.
    pub(super) fn email_address(&mut self, at: usize) -> Option<usize> {
        const LONGEST: usize = 254;
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"._%+-'".contains(byte);
        let text = self.text;
        let before = text.as_bytes().get(self.cell.start.max(self.last).max(at.saturating_sub(64))..at)?;
        let start = at - before.iter().rev().take_while(|byte| allowed(byte)).count();
        let local = text.get(start..at)?.trim_start_matches(['.', '\'', '-', '+', '%']);
        let start = at - local.len();
        let behind = text.as_bytes().get(at + 1..self.cell.end.min(at + LONGEST))?;
        let length =
            behind.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b".-".contains(byte)).count();
        let domain = text.get(at + 1..at + 1 + length)?.trim_end_matches(['.', '-']);
        let end = at + 1 + domain.len();
        let (name, top) = domain.rsplit_once('.')?;
        let is_domain = !name.is_empty()
            && !domain.contains("..")
            && top.len() >= 2
            && top.bytes().all(|byte| byte.is_ascii_alphabetic());
        let before = text.get(..start).and_then(|text| text.chars().next_back());
        let inside = before.is_some_and(|c| c.is_alphanumeric() || "/@=\\$".contains(c));
        if local.is_empty() || !is_domain || inside || is_message_id(local, before) {
            return None;
        }
        let value = text.get(start..end)?.to_ascii_lowercase();
        self.push(Kind::EmailAddress, Named::Unsaid, Confidence::High, (start..end, value.as_bytes()));
        Some(end)
    }
}

/// Whether what stands before an `@` is made by a program, to name a message (RFC 5322 §3.6.4).
fn is_message_id(local: &str, before: Option<char>) -> bool {
    let digits = local.bytes().filter(u8::is_ascii_digit).count();
    local.contains('%') || digits >= 12 || (before == Some('<') && digits >= 6 && digits * 2 >= local.len())
}

fn is_house_number(word: &str) -> bool {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    let rest = word.get(digits..).unwrap_or_default();
    let year = digits == 4 && (word.starts_with("19") || word.starts_with("20"));
    (1..=4).contains(&digits)
        && !year
        && rest.len() <= 1
        && rest.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// One or two letters, a digit, and a digit or a letter (BS 7666).
fn is_outward(code: &[u8]) -> bool {
    let letter = u8::is_ascii_uppercase;
    let first = |byte: &u8| letter(byte) && !b"QVX".contains(byte);
    let second = |byte: &u8| letter(byte) && !b"IJZ".contains(byte);
    match code {
        [a, n] => first(a) && n.is_ascii_digit(),
        [a, b, c] if b.is_ascii_digit() => first(a) && (c.is_ascii_digit() || letter(c)),
        [a, b, n] => first(a) && second(b) && n.is_ascii_digit(),
        [a, b, n, c] => first(a) && second(b) && n.is_ascii_digit() && (c.is_ascii_digit() || letter(c)),
        _ => false,
    }
}

/// A digit and two letters, of which none is mistaken for another (BS 7666).
fn is_inward(code: &[u8]) -> bool {
    let letter = |byte: &u8| byte.is_ascii_uppercase() && !b"CIKMOV".contains(byte);
    matches!(code, [digit, one, two] if digit.is_ascii_digit() && letter(one) && letter(two))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn street_words_are_in_order() {
        assert!(STREETS.is_sorted());
    }
}
