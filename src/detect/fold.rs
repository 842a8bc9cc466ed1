//! What makes two words the same: folds letters and cuts a text into words. Never changes the text or its offsets.

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// What a character does to the words around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// A letter or digit: part of a word.
    Word,
    /// An accent: belongs to the letter before it and says nothing.
    Mark,
    /// Invisible: a soft hyphen, a zero-width space, a direction mark.
    Ignored,
    /// An apostrophe: part of a word between two letters, a quotation mark elsewhere.
    Apostrophe,
    /// Blank space or a line break.
    Space,
    /// A hyphen or low line, which stands between the words of a phrase as a space does.
    Hyphen,
    /// Everything else: no phrase reaches across it.
    Other,
}

/// Folds one character, appending what it reads as when it is a letter or digit: lower case, without accents, in
/// plain width (é → e, Ｅ → e, ﬁ → fi, ß → ss).
pub(super) fn fold(letter: char, folded: &mut String) -> Class {
    if letter.is_ascii() {
        let class = ascii_class(letter);
        if class == Class::Word {
            folded.push(letter.to_ascii_lowercase());
        }
        return class;
    }
    match letter {
        '\u{2018}' | '\u{2019}' | '\u{201B}' | '\u{02BC}' | '\u{2032}' | '\u{00B4}' | '\u{FF07}' => {
            Class::Apostrophe
        }
        '\u{2010}' | '\u{2011}' | '\u{FE63}' | '\u{FF0D}' => Class::Hyphen,
        // A footnote's number or a trade mark is no part of the word before it, whatever NFKD makes of it.
        '\u{00B2}' | '\u{00B3}' | '\u{00B9}' | '\u{2070}'..='\u{208E}' | '\u{2120}' | '\u{2122}' => {
            Class::Other
        }
        _ if is_invisible(letter) => Class::Ignored,
        _ if letter.is_whitespace() => Class::Space,
        _ if is_accent(letter) => Class::Mark,
        _ => fold_letter(letter, folded),
    }
}

/// Invisible characters, which a reader of the text does not see and a word therefore does not have.
pub(super) fn is_invisible(letter: char) -> bool {
    matches!(letter,
        '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// The words of a text, one after the other, folded.
///
/// A word is a run of letters and digits; an apostrophe between two of them belongs to it.
pub(super) struct Words<'t> {
    rest: std::str::CharIndices<'t>,
    folded: String,
}

impl<'t> Words<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self::reusing(text, String::new())
    }

    /// The same, with a buffer that was used before.
    pub(super) fn reusing(text: &'t str, buffer: String) -> Self {
        Self { rest: text.char_indices(), folded: buffer }
    }

    /// Gives the buffer back.
    pub(super) fn into_buffer(self) -> String {
        self.folded
    }

    /// Goes to the next word and tells the bytes that it takes in the text.
    pub(super) fn advance(&mut self) -> Option<(usize, usize)> {
        self.folded.clear();
        let mut word: Option<(usize, usize)> = None;
        let mut apostrophe = false;
        for (at, letter) in self.rest.by_ref() {
            let length = self.folded.len();
            let class = fold(letter, &mut self.folded);
            let end = at + letter.len_utf8();
            word = match (class, word) {
                (Class::Word, Some((start, _))) => {
                    if apostrophe {
                        self.folded.insert(length, '\'');
                        apostrophe = false;
                    }
                    Some((start, end))
                }
                (Class::Word, None) => Some((at, end)),
                (Class::Mark, Some((start, _))) if !apostrophe => Some((start, end)),
                (Class::Mark | Class::Ignored, word) => word,
                (Class::Apostrophe, Some(span)) if !apostrophe => {
                    apostrophe = true;
                    Some(span)
                }
                (_, Some(span)) => return Some(span),
                (_, None) => None,
            };
        }
        word
    }

    /// The word that [`Words::advance`] went to.
    pub(super) fn folded(&self) -> &str {
        &self.folded
    }
}

/// Whether what stands between two words keeps them together in a phrase: blank space with any line breaks, or one
/// hyphen, after which the line may break.
pub(super) fn joins(gap: &str) -> bool {
    if gap == " " {
        return true;
    }
    let (mut space, mut hyphen, mut line_break) = (false, false, false);
    let mut folded = String::new();
    for letter in gap.chars() {
        match fold(letter, &mut folded) {
            Class::Space => {
                space = true;
                line_break |= matches!(letter, '\n' | '\r');
            }
            Class::Hyphen if space || hyphen => return false,
            Class::Hyphen => hyphen = true,
            Class::Apostrophe | Class::Mark | Class::Ignored => {}
            // The mark that quoted mail has before each line.
            Class::Other if letter == '>' && line_break => {}
            Class::Word | Class::Other => return false,
        }
    }
    (space || hyphen) && (!hyphen || !space || line_break)
}

fn ascii_class(letter: char) -> Class {
    match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' => Class::Word,
        '\'' => Class::Apostrophe,
        '\t'..='\r' | ' ' => Class::Space,
        '-' | '_' => Class::Hyphen,
        _ => Class::Other,
    }
}

fn fold_letter(letter: char, folded: &mut String) -> Class {
    let before = folded.len();
    let mut words_only = true;
    decompose_compatible(letter, |piece| {
        for lower in piece.to_lowercase().filter(|lower| !is_accent(*lower)) {
            words_only &= lower.is_alphanumeric() || is_combining_mark(lower);
            match lower {
                'ß' => folded.push_str("ss"),
                'æ' => folded.push_str("ae"),
                'œ' => folded.push_str("oe"),
                'þ' => folded.push_str("th"),
                'ø' => folded.push('o'),
                'đ' | 'ð' => folded.push('d'),
                'ł' => folded.push('l'),
                'ħ' => folded.push('h'),
                'ı' => folded.push('i'),
                'ς' => folded.push('σ'),
                _ => folded.push(lower),
            }
        }
    });
    if words_only && folded.len() > before {
        Class::Word
    } else {
        folded.truncate(before);
        Class::Other
    }
}

/// Accents of the Latin, Greek and Cyrillic scripts, and variation selectors. The vowel signs of other scripts are
/// combining marks too, but there they make the word.
fn is_accent(letter: char) -> bool {
    matches!(letter,
        '\u{0300}'..='\u{036F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FE20}'..='\u{FE2F}' | '\u{E0100}'..='\u{E01EF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<(String, String)> {
        let mut words = Words::of(text);
        let mut all = Vec::new();
        while let Some((start, end)) = words.advance() {
            all.push((text.get(start..end).unwrap().to_owned(), words.folded().to_owned()));
        }
        all
    }

    fn folded(text: &str) -> Vec<String> {
        words(text).into_iter().map(|(_, folded)| folded).collect()
    }

    #[test]
    fn letters_fold_to_what_they_read_as() {
        assert_eq!(
            folded("Café CAFE\u{301} ｃａｆé ﬁne Straße Łódź Œuvre"),
            ["cafe", "cafe", "cafe", "fine", "strasse", "lodz", "oeuvre"]
        );
        assert_eq!(folded("ΣΊΣΥΦΟΣ σίσυφος Ёлка İstanbul"), ["σισυφοσ", "σισυφοσ", "елка", "istanbul"]);
        assert_eq!(folded("नमस्ते 𝐛𝐨𝐥𝐝"), ["नमस्ते", "bold"]);
    }

    #[test]
    fn apostrophes_belong_to_a_word_only_inside_it() {
        assert_eq!(
            folded("he'll don’t 'quoted' parents' rock''n"),
            ["he'll", "don't", "quoted", "parents", "rock", "n"]
        );
    }

    #[test]
    fn invisible_characters_are_not_there() {
        assert_eq!(
            words("x do\u{ad}n\u{200b}key\u{200b} y")[1],
            ("do\u{ad}n\u{200b}key".into(), "donkey".into())
        );
    }

    #[test]
    fn footnotes_and_trade_marks_are_no_letters() {
        assert_eq!(folded("word² Lego™ ½"), ["word", "lego"]);
    }

    #[test]
    fn a_gap_joins_or_parts() {
        for gap in [" ", "\r\n", "\u{a0} ", "-", "_", "‑", "-\n", "' ", " ‘", "\n> > ", " \u{200b}"] {
            assert!(joins(gap), "{gap:?} joins");
        }
        for gap in ["", ".", ". ", ", ", " - ", "- ", "--", "/", "''", " > ", " – "] {
            assert!(!joins(gap), "{gap:?} parts");
        }
    }
}
