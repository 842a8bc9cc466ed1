//! Whether a disclaimer already stands in a text, however it was wrapped, quoted or marked up. Compares words alone.

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
        others.0.len() > 1 && self.0.contains(&others.0)
    }
}

/// The length of a bracketed address that starts the text.
fn address_in_brackets(text: &str) -> Option<usize> {
    const LONGEST: usize = 2048;
    let close = if text.starts_with('<') { b'>' } else { b']' };
    let end = text.bytes().take(LONGEST).position(|byte| byte == close)?;
    let inside = text.get(1..end)?;
    let address = inside.contains("://") || inside.starts_with("mailto:") || inside.starts_with("cid:");
    address.then_some(end + 1)
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
        if text.is_ascii() {
            text.bytes().for_each(|byte| self.put_char(char::from(byte)));
        } else {
            text.nfkc().flat_map(char::to_lowercase).for_each(|c| self.put_char(c));
        }
    }

    fn put_char(&mut self, c: char) {
        match c {
            'a'..='z' | '0'..='9' => {}
            'A'..='Z' => {
                self.words.push(c.to_ascii_lowercase());
                self.inside = true;
                return;
            }
            // Characters that are not seen split no word.
            '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' => return,
            c if c.is_alphanumeric() => {}
            _ => return self.part(),
        }
        self.words.push(c);
        self.inside = true;
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
