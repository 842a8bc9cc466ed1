//! UK telephone numbers, by their first digits and their length. Numbers of other countries are none of ours.

use super::groups::{Class, Gap, Group};
use super::kind::{Confidence, IdentifierKind as Kind};
use super::{Named, Reader};

impl Reader<'_, '_> {
    /// `01632 960001`, `(020) 7946 0000`, `+44 (0)7700 900123`, `07700900123`.
    pub(super) fn telephone(&mut self, groups: &[Group], index: usize) -> Option<usize> {
        let first = groups.get(index)?;
        let plus = self.text.get(..first.start).is_some_and(|before| before.ends_with(['+', '＋']));
        let (next, digits) = self.dialled(groups, index, plus)?;
        let kind = kind_of(&digits)?;
        let last = groups.get(next.checked_sub(1)?)?;
        let start = first.start - usize::from(plus);
        let before = self.text.get(..start).and_then(|text| text.chars().next_back());
        let after = self.text.get(last.end..).and_then(|text| text.chars().next());
        let held = |c: char| c.is_alphanumeric() || "_@=\\*#$£€%".contains(c);
        let tight = first.gap.is_tight() && !plus;
        let longer = groups.get(next).is_some_and(|group| group.gap.is_tight());
        if tight || longer || before.is_some_and(held) || after.is_some_and(held) {
            return None;
        }
        let named = self.named(kind, start..last.end);
        let confidence = match named {
            Named::No => return None,
            Named::Yes => Confidence::High,
            _ if plus || next > index + 1 => Confidence::High,
            Named::SomethingElse => return None,
            Named::Unsaid => Confidence::Low,
        };
        self.push(kind, named, confidence, (start..last.end, digits.as_bytes()));
        Some(next)
    }

    /// The digits that a British caller dials, and the group behind them.
    fn dialled(&self, groups: &[Group], index: usize, plus: bool) -> Option<(usize, String)> {
        let first = groups.get(index)?;
        let text = self.text.get(first.start..first.end)?;
        let (abroad, skipped) = match text {
            _ if !text.bytes().all(|byte| byte.is_ascii_digit()) => return None,
            _ if plus => (true, text.strip_prefix("44")?),
            _ if text.starts_with("0044") => (true, text.get(4..)?),
            _ if text.starts_with('0') => (false, text.get(1..)?),
            _ => return None,
        };
        let mut digits = String::from("0");
        digits.push_str(skipped.strip_prefix('0').filter(|_| abroad).unwrap_or(skipped));
        let mut next = index + 1;
        let mut complete = None;
        loop {
            // Ten digits may be all, and eleven may follow: the longer counts.
            if digits.len() == 11 || (digits.len() == 10 && digits.starts_with("01")) {
                complete = Some((next, digits.clone()));
            }
            let group = groups.get(next).filter(|_| digits.len() < 11 && next < index + 5);
            let Some(group) = group else { break };
            let joins = group.gap.joins() || group.gap == Gap::Bracket;
            if !joins || group.class != Class::Digits || (group.len() == 1 && digits.len() > 1 && !abroad) {
                break;
            }
            let more = self.text.get(group.start..group.end)?;
            let more = if digits == "0" && abroad { more.strip_prefix('0').unwrap_or(more) } else { more };
            digits.push_str(more);
            next += 1;
        }
        // An area code has three digits at least, and is hardly written in pairs.
        let usual = abroad || first.len() >= 3;
        complete.filter(|_| usual)
    }
}

/// What a number is, by its first digits (Ofcom, National Telephone Numbering Plan). Personal numbers, pagers and numbers
/// that cost extra are none.
fn kind_of(digits: &str) -> Option<Kind> {
    let (code, rest) = digits.split_at_checked(3)?;
    if rest.bytes().all(|byte| byte == b'0') {
        return None;
    }
    match code.as_bytes() {
        [b'0', b'7', b'1'..=b'5' | b'7'..=b'9'] => Some(Kind::Mobile),
        [b'0', b'1', b'1'..=b'9'] | [b'0', b'2', b'0' | b'3' | b'4' | b'8' | b'9'] => Some(Kind::Phone),
        [b'0', b'3', b'0' | b'3' | b'4' | b'7'] | [b'0', b'8', b'0' | b'4' | b'7'] => Some(Kind::Phone),
        _ => None,
    }
}
