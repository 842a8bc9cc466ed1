//! Whether a disclaimer already stands in a text, however it was wrapped, quoted or marked up. Compares words alone.

use memchr::memmem;
use unicode_normalization::UnicodeNormalization;

use super::markup::{Piece, Pieces, entity, is_inline};

/// The words of a text, in lower case, each with a space before it and one after the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words(String);

impl Words {
    /// The words of a plain text. Addresses in angle or square brackets are left out: programs that turn HTML into text
    /// put them behind the words of a link.
    pub fn of_text(text: &str) -> Self {
        let mut words = Collector::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(['<', '[']) {
            let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
            words.put(before);
            words.part();
            let length = address_in_brackets(from).unwrap_or(1);
            rest = from.get(length..).unwrap_or("");
        }
        words.put(rest);
        words.finish()
    }

    /// The words of an HTML text, entities decoded; tags of elements that run along in a line separate none.
    pub fn of_html(html: &str) -> Self {
        let mut words = Collector::with_capacity(html.len() / 2);
        for piece in Pieces::of(html) {
            match piece {
                Piece::Text { text, .. } => put_html_text(&mut words, text),
                Piece::Open { name, .. } | Piece::Close { name, .. } if is_inline(name) => {}
                Piece::Open { .. } | Piece::Close { .. } => words.part(),
                Piece::Other | Piece::Unfinished => {}
            }
        }
        words.finish()
    }

    /// Whether these words hold the others, one after another. No words are held by nothing.
    pub fn hold(&self, others: &Self) -> bool {
        others.0.len() > 1 && memmem::find(self.0.as_bytes(), others.0.as_bytes()).is_some()
    }
}

/// The length of a bracketed address that starts the text. It may be broken over lines (RFC 3986 §C), but a blank line
/// stands in none: what is closed by the mark of a quotation further down is none either.
fn address_in_brackets(text: &str) -> Option<usize> {
    const LONGEST: usize = 2048;
    let close = if text.starts_with('<') { b'>' } else { b']' };
    let end = text.bytes().take(LONGEST).position(|byte| byte == close)?;
    let inside = text.get(1..end)?;
    let address = inside.contains("://") || inside.starts_with("mailto:") || inside.starts_with("cid:");
    let blank = || inside.lines().skip(1).any(|line| line.trim().is_empty());
    (address && !blank()).then_some(end + 1)
}

fn put_html_text(words: &mut Collector, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        words.put(before);
        let after = from.get(1..).unwrap_or("");
        let length = match entity(after) {
            Some((c, length)) => {
                words.put(c.encode_utf8(&mut [0; 4]));
                length
            }
            None => {
                words.part();
                0
            }
        };
        rest = after.get(length..).unwrap_or("");
    }
    words.put(rest);
}

struct Collector {
    words: String,
    inside: bool,
}

impl Collector {
    fn with_capacity(bytes: usize) -> Self {
        let mut words = String::with_capacity(bytes + 2);
        words.push(' ');
        Self { words, inside: false }
    }

    fn put(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            let ascii = rest.bytes().position(|byte| !byte.is_ascii()).unwrap_or(rest.len());
            let (plain, from) = rest.split_at_checked(ascii).unwrap_or((rest, ""));
            plain.bytes().for_each(|byte| self.put_ascii(byte));
            let wide = from.bytes().position(|byte| byte.is_ascii()).unwrap_or(from.len());
            let (wide, after) = from.split_at_checked(wide).unwrap_or((from, ""));
            self.put_wide(wide);
            rest = after;
        }
    }

    fn put_ascii(&mut self, byte: u8) {
        if byte.is_ascii_alphanumeric() {
            self.words.push(char::from(byte.to_ascii_lowercase()));
            self.inside = true;
        } else {
            self.part();
        }
    }

    /// A run of characters beyond ASCII.
    fn put_wide(&mut self, run: &str) {
        // What lies below the combining marks is composed already, and so are the signs of General Punctuation.
        let simple = |c: char| c < '\u{300}' || ('\u{2000}'..'\u{2070}').contains(&c);
        if run.chars().all(simple) {
            run.chars().for_each(|c| self.put_char(c));
            return;
        }
        // A mark at the start belongs to the letter before it.
        let letter = if run.starts_with(simple) || !self.inside { None } else { self.words.pop() };
        letter.into_iter().chain(run.chars()).nfkc().for_each(|c| self.put_char(c));
    }

    fn put_char(&mut self, c: char) {
        match c {
            // Characters that are not seen split no word.
            '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' => {}
            c if c.is_alphanumeric() => {
                self.words.extend(c.to_lowercase());
                self.inside = true;
            }
            _ => self.part(),
        }
    }

    fn part(&mut self) {
        if self.inside {
            self.words.push(' ');
            self.inside = false;
        }
    }

    fn finish(mut self) -> Words {
        self.part();
        Words(self.words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_same_however_they_are_set() {
        let words = Words::of_text("Oakfield School’s café – “read” it\n");
        assert_eq!(words.0, " oakfield school s café read it ");
        for text in [
            "> > oakfield\r\n> > SCHOOL'S cafe\u{301}\r\n> read *it*",
            "Oakfield <https://oakfield.example/> School's ca\u{ad}fé [cid:image001.png] read\u{a0}it",
            "OAKFIELD School´s CAFÉ|read\tit",
            "Oakfield School’s ｃafé read it",
        ] {
            assert_eq!(Words::of_text(text), words, "{text}");
        }
        let html = "<style>a{}</style><p>Oak<b>field</b>&nbsp;School&#8217;s<br>caf&eacute; <!-- x -->&ndash;&ldquo;read<td>it";
        assert_eq!(Words::of_html(html), words);
    }

    #[test]
    fn words_hold_others_whole_alone() {
        let words = Words::of_text("An oak field, or two.");
        assert!(words.hold(&Words::of_text("OAK-FIELD")));
        assert!(words.hold(&Words::of_text("two")));
        for others in ["oak or", "fiel", "k field", "", "<>", "field two"] {
            assert!(!words.hold(&Words::of_text(others)), "{others}");
        }
        assert_eq!(Words::of_text("a < b [c] <d>").0, " a b c d ");
        assert_eq!(Words::of_text("a <http://b.example/\nc> d").0, " a d ");
        assert_eq!(Words::of_text("a <http://b\r\n\r\noak\r\n\r\n> d").0, " a http b oak d ");
    }
}
