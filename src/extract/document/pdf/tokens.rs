//! Cuts a content stream into operators with their operands (ISO 32000-2 §7.8.2). Never fails: what is odd is passed over.

use std::borrow::Cow;

use memchr::{memchr, memmem};

/// An operator's operand. Arrays and dictionaries are flattened: no operator that shows text has two of them.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand<'c> {
    Number(f64),
    Name(Cow<'c, [u8]>),
    Text(Cow<'c, [u8]>),
}

/// Operands of one operator that are kept. A line of text has some hundred.
const MOST_OPERANDS: usize = 1 << 16;

/// A content stream as it is cut.
pub(super) struct Tokens<'c> {
    rest: &'c [u8],
    /// The operands of the operator that was cut last.
    pub operands: Vec<Operand<'c>>,
}

impl<'c> Tokens<'c> {
    pub(super) const fn new(contents: &'c [u8]) -> Self {
        Self { rest: contents, operands: Vec::new() }
    }

    /// The next operator; its operands are in `operands`.
    pub(super) fn operator(&mut self) -> Option<&'c [u8]> {
        self.operands.clear();
        loop {
            self.skip_space();
            let (&first, after) = self.rest.split_first()?;
            let operand = match first {
                b'(' => {
                    self.rest = after;
                    Operand::Text(self.literal())
                }
                b'<' if after.first() != Some(&b'<') => {
                    let end = memchr(b'>', after).unwrap_or(after.len());
                    let digits = self.take(1, end);
                    self.take(0, 1);
                    Operand::Text(Cow::Owned(super::filter::hex(digits)))
                }
                b'/' => {
                    let length = after.iter().take_while(|byte| is_regular(**byte)).count();
                    Operand::Name(name(self.take(1, length)))
                }
                _ if is_regular(first) => {
                    let length = self.rest.iter().take_while(|byte| is_regular(**byte)).count();
                    let word = self.take(0, length);
                    match number(word) {
                        Some(number) => Operand::Number(number),
                        None if word == b"ID" => {
                            self.skip_picture();
                            continue;
                        }
                        None => return Some(word),
                    }
                }
                // Brackets of arrays, and of dictionaries, which are two in one.
                _ => {
                    self.take(0, if self.rest.starts_with(b"<<") { 2 } else { 1 });
                    continue;
                }
            };
            if self.operands.len() < MOST_OPERANDS {
                self.operands.push(operand);
            }
        }
    }

    /// The number with that index among the operands; 0 where there is none.
    pub(super) fn number(&self, index: usize) -> f64 {
        match self.operands.get(index) {
            Some(Operand::Number(number)) => *number,
            _ => 0.0,
        }
    }

    /// Passes over `skipped` bytes and cuts off `length`.
    fn take(&mut self, skipped: usize, length: usize) -> &'c [u8] {
        let rest = self.rest.get(skipped..).unwrap_or_default();
        let (taken, rest) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        self.rest = rest;
        taken
    }

    /// White space and comments.
    fn skip_space(&mut self) {
        loop {
            let length = self.rest.iter().take_while(|byte| is_space(**byte)).count();
            self.take(0, length);
            if self.rest.first() != Some(&b'%') {
                return;
            }
            let length = self.rest.iter().take_while(|byte| !matches!(byte, b'\n' | b'\r')).count();
            self.take(0, length);
        }
    }

    /// A string in parentheses, which has been begun (ISO 32000-2 §7.3.4.2).
    fn literal(&mut self) -> Cow<'c, [u8]> {
        let plain = self.rest.iter().take_while(|byte| !matches!(byte, b'(' | b')' | b'\\' | b'\r')).count();
        if self.rest.get(plain) == Some(&b')') {
            let text = self.take(0, plain);
            self.take(0, 1);
            return Cow::Borrowed(text);
        }
        let mut out = self.take(0, plain).to_vec();
        let mut open = 0_usize;
        while let Some((&byte, after)) = self.rest.split_first() {
            self.rest = after;
            match byte {
                b')' if open == 0 => break,
                b')' => open -= 1,
                b'(' => open += 1,
                b'\\' => {
                    self.escape(&mut out);
                    continue;
                }
                _ => {}
            }
            out.push(byte);
        }
        Cow::Owned(out)
    }

    /// What follows a backslash (ISO 32000-2 table 3).
    fn escape(&mut self, out: &mut Vec<u8>) {
        let Some((&byte, after)) = self.rest.split_first() else { return };
        self.rest = after;
        match byte {
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'\r' => {
                if self.rest.first() == Some(&b'\n') {
                    self.take(0, 1);
                }
            }
            b'\n' => {}
            b'0'..=b'7' => {
                let more = self.rest.iter().take(2).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
                let digits = self.take(0, more);
                let code = digits
                    .iter()
                    .fold(u32::from(byte - b'0'), |sum, digit| sum * 8 + u32::from(digit - b'0'));
                out.push((code & 0xff) as u8);
            }
            other => out.push(other),
        }
    }

    /// The bytes of a picture that stands among the operators (ISO 32000-2 §8.9.7): up to an `EI` after which the
    /// stream goes on as text.
    fn skip_picture(&mut self) {
        let end = memmem::find_iter(self.rest, b"EI").find(|at| {
            let before = at.checked_sub(1).and_then(|at| self.rest.get(at));
            let after = self.rest.get(at + 2..).unwrap_or_default();
            let goes_on = after.iter().take(12).all(|byte| is_space(*byte) || (0x20..0x7f).contains(byte));
            before.is_some_and(|byte| is_space(*byte))
                && after.first().is_none_or(|byte| is_space(*byte))
                && goes_on
        });
        if let Some(end) = end {
            self.take(0, end + 2);
        }
        self.operands.clear();
    }
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | 12 | 0)
}

const fn is_regular(byte: u8) -> bool {
    !is_space(byte) && !matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

/// A name with its escapes undone (ISO 32000-2 §7.3.5).
fn name(bytes: &[u8]) -> Cow<'_, [u8]> {
    if !bytes.contains(&b'#') {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| byte == b'#') {
            Some(code) => {
                out.push(code);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(byte);
                rest = after;
            }
        }
    }
    Cow::Owned(out)
}

/// A number; as programs read them, with more than one sign or point too.
fn number(word: &[u8]) -> Option<f64> {
    let first = word.first()?;
    if !matches!(first, b'0'..=b'9' | b'+' | b'-' | b'.') {
        return None;
    }
    let negative = *first == b'-';
    let (mut value, mut scale) = (0.0_f64, 0.0_f64);
    for &byte in word {
        match byte {
            b'0'..=b'9' => {
                let digit = f64::from(byte - b'0');
                if scale == 0.0 {
                    value = value * 10.0 + digit;
                } else {
                    value += digit * scale;
                    scale /= 10.0;
                }
            }
            b'.' if scale == 0.0 => scale = 0.1,
            b'+' | b'-' | b'.' => {}
            _ => return None,
        }
    }
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_have_their_operands() {
        let mut tokens =
            Tokens::new(b"BT /F#31 12 Tf [(Oli) -20 (ver\\051 \\)(\\(x)) <4142>] TJ % end\n-.5 0 Td ET");
        let mut seen = Vec::new();
        while let Some(operator) = tokens.operator() {
            seen.push((String::from_utf8_lossy(operator).into_owned(), tokens.operands.clone()));
        }
        let text = |text: &[u8]| Operand::Text(Cow::Owned(text.to_vec()));
        assert_eq!(
            seen[1],
            ("Tf".into(), vec![Operand::Name(Cow::Owned(b"F1".to_vec())), Operand::Number(12.0)])
        );
        let shown = vec![text(b"Oli"), Operand::Number(-20.0), text(b"ver) )((x)"), text(b"AB")];
        assert_eq!(seen[2], ("TJ".into(), shown));
        assert_eq!(seen[3], ("Td".into(), vec![Operand::Number(-0.5), Operand::Number(0.0)]));
        assert_eq!(seen[4].0, "ET");
    }

    #[test]
    fn dictionaries_are_flattened() {
        let mut tokens = Tokens::new(b"/Span <</ActualText (office)/N<41>>> BDC");
        assert_eq!(tokens.operator(), Some(&b"BDC"[..]));
        let name = |name: &'static [u8]| Operand::Name(Cow::Borrowed(name));
        let text = |text: &'static [u8]| Operand::Text(Cow::Borrowed(text));
        let wanted = [name(b"Span"), name(b"ActualText"), text(b"office"), name(b"N"), text(b"A")];
        assert_eq!(tokens.operands, wanted);
    }

    #[test]
    fn pictures_are_passed_over() {
        let mut tokens = Tokens::new(b"BI /W 2 ID \x01( EI\xff EI Q (a) Tj");
        assert_eq!(tokens.operator(), Some(&b"BI"[..]));
        assert_eq!(tokens.operator(), Some(&b"Q"[..]));
        assert_eq!(tokens.operator(), Some(&b"Tj"[..]));
    }
}
