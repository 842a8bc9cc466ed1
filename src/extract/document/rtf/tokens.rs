//! Rich Text Format as tokens: braces, control words, bytes. Knows no word's meaning but `\bin`'s, whose bytes are none.

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token<'r> {
    Open,
    Close,
    /// A control word, and its number.
    Word(&'r str, Option<i32>),
    /// A control symbol: a backslash and a character that is no letter.
    Symbol(u8),
    /// A byte that is written in hexadecimal.
    Hex(u8),
    /// Text as it is.
    Text(&'r [u8]),
}

/// A file under way.
pub(super) struct Tokens<'r> {
    rest: &'r [u8],
}

impl<'r> Tokens<'r> {
    pub fn new(bytes: &'r [u8]) -> Self {
        Self { rest: bytes }
    }

    fn take(&mut self, length: usize) -> &'r [u8] {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
        self.rest = rest;
        taken
    }

    fn run_of(&self, from: usize, is_of: impl Fn(u8) -> bool) -> usize {
        self.rest.iter().skip(from).take_while(|&&byte| is_of(byte)).count()
    }

    fn control(&mut self) -> Option<Token<'r>> {
        let letters = self.run_of(1, |byte| byte.is_ascii_alphabetic());
        if letters == 0 {
            let symbol = *self.take(2).get(1)?;
            if symbol != b'\'' {
                return Some(Token::Symbol(symbol));
            }
            let digits = std::str::from_utf8(self.take(2)).ok();
            let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
            return Some(byte.map_or(Token::Symbol(b'\''), Token::Hex));
        }
        // Words are at most 32 letters long; what is longer is none.
        let name =
            self.take(1 + letters).get(1..).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or("");
        let sign = usize::from(self.rest.first() == Some(&b'-'));
        let digits = self.run_of(sign, |byte| byte.is_ascii_digit());
        let number = if digits == 0 {
            None
        } else {
            std::str::from_utf8(self.take(sign + digits)).ok().and_then(|digits| digits.parse().ok())
        };
        if self.rest.first() == Some(&b' ') {
            self.take(1);
        }
        if name == "bin" {
            self.take(number.and_then(|number| usize::try_from(number).ok()).unwrap_or(0));
        }
        Some(Token::Word(name, number))
    }
}

impl<'r> Iterator for Tokens<'r> {
    type Item = Token<'r>;

    fn next(&mut self) -> Option<Token<'r>> {
        match self.rest.first()? {
            b'{' => {
                self.take(1);
                Some(Token::Open)
            }
            b'}' => {
                self.take(1);
                Some(Token::Close)
            }
            b'\\' => self.control(),
            // Line ends say nothing.
            b'\r' | b'\n' => {
                let length = self.run_of(0, |byte| matches!(byte, b'\r' | b'\n'));
                self.take(length);
                self.next()
            }
            _ => {
                let length = self.run_of(0, |byte| !matches!(byte, b'{' | b'}' | b'\\' | b'\r' | b'\n'));
                Some(Token::Text(self.take(length)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_numbers_and_bytes_are_told_apart() {
        let tokens: Vec<Token<'_>> = Tokens::new(b"{\\b0 a\\'e9\\u-10?\\~\\bin2 }}x}\\").collect();
        let expected = [
            Token::Open,
            Token::Word("b", Some(0)),
            Token::Text(b"a"),
            Token::Hex(0xe9),
            Token::Word("u", Some(-10)),
            Token::Text(b"?"),
            Token::Symbol(b'~'),
            Token::Word("bin", Some(2)),
            Token::Text(b"x"),
            Token::Close,
        ];
        assert_eq!(tokens, expected);
    }
}
