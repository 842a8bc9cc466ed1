//! Which letter a code or a glyph's name stands for in a simple font (ISO 32000-2 annex D). Knows no font.

use std::collections::HashMap;
use std::sync::LazyLock;

use encoding_rs::{Encoding, MACINTOSH, WINDOWS_1252};

/// The encodings that a font names as its base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base {
    Standard,
    WinAnsi,
    MacRoman,
}

impl Base {
    /// The encoding with that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "StandardEncoding" => Some(Self::Standard),
            "WinAnsiEncoding" => Some(Self::WinAnsi),
            "MacRomanEncoding" => Some(Self::MacRoman),
            _ => None,
        }
    }

    /// The letter that a code stands for.
    pub(super) fn letter(self, code: u8) -> Option<char> {
        let decoded = |encoding: &'static Encoding| {
            let text = encoding.decode_without_bom_handling(&[code]).0.chars().next();
            text.filter(|letter| !letter.is_control())
        };
        match self {
            Self::WinAnsi => decoded(WINDOWS_1252),
            Self::MacRoman => decoded(MACINTOSH),
            Self::Standard => match code {
                0x27 => Some('’'),
                0x60 => Some('‘'),
                0x20..=0x7e => Some(char::from(code)),
                _ => STANDARD_HIGH.iter().find(|(at, _)| *at == code).map(|(_, letter)| *letter),
            },
        }
    }
}

/// The upper half of `StandardEncoding`.
const STANDARD_HIGH: [(u8, char); 54] = [
    (0xa1, '¡'),
    (0xa2, '¢'),
    (0xa3, '£'),
    (0xa4, '⁄'),
    (0xa5, '¥'),
    (0xa6, 'ƒ'),
    (0xa7, '§'),
    (0xa8, '¤'),
    (0xa9, '\''),
    (0xaa, '“'),
    (0xab, '«'),
    (0xac, '‹'),
    (0xad, '›'),
    (0xae, 'ﬁ'),
    (0xaf, 'ﬂ'),
    (0xb1, '–'),
    (0xb2, '†'),
    (0xb3, '‡'),
    (0xb4, '·'),
    (0xb6, '¶'),
    (0xb7, '•'),
    (0xb8, '‚'),
    (0xb9, '„'),
    (0xba, '”'),
    (0xbb, '»'),
    (0xbc, '…'),
    (0xbd, '‰'),
    (0xbf, '¿'),
    (0xc1, '`'),
    (0xc2, '´'),
    (0xc3, 'ˆ'),
    (0xc4, '˜'),
    (0xc5, '¯'),
    (0xc6, '˘'),
    (0xc7, '˙'),
    (0xc8, '¨'),
    (0xca, '˚'),
    (0xcb, '¸'),
    (0xcd, '˝'),
    (0xce, '˛'),
    (0xcf, 'ˇ'),
    (0xd0, '—'),
    (0xe1, 'Æ'),
    (0xe3, 'ª'),
    (0xe8, 'Ł'),
    (0xe9, 'Ø'),
    (0xea, 'Œ'),
    (0xeb, 'º'),
    (0xf1, 'æ'),
    (0xf5, 'ı'),
    (0xf8, 'ł'),
    (0xf9, 'ø'),
    (0xfa, 'œ'),
    (0xfb, 'ß'),
];

/// The Adobe Glyph List, as far as it is Latin, Greek, Cyrillic, punctuation and symbols.
static GLYPHS: LazyLock<HashMap<&'static str, char>> = LazyLock::new(|| {
    let entry = |line: &'static str| {
        let (name, code) = line.split_once(' ')?;
        Some((name, char::from_u32(u32::from_str_radix(code, 16).ok()?)?))
    };
    include_str!("glyphs.txt").lines().filter_map(entry).collect()
});

/// The text that a glyph's name stands for (Adobe Glyph List Specification §2).
pub(super) fn of_glyph(name: &str) -> Option<String> {
    let name = name.split('.').next().filter(|name| !name.is_empty())?;
    let parts: Option<String> = name.split('_').map(of_component).collect();
    // `f_i` is a ligature of two; a name with an underscore of its own is none.
    parts.or_else(|| of_component(name).map(String::from))
}

fn of_component(name: &str) -> Option<char> {
    if let Some(letter) = GLYPHS.get(name) {
        return Some(*letter);
    }
    // Small capitals, and names that are numbers of some kind.
    if let Some(letter) = name.strip_suffix("small").and_then(|name| GLYPHS.get(name)) {
        return Some(*letter);
    }
    let hex = name.strip_prefix("uni").and_then(|digits| digits.get(..4)).or_else(|| name.strip_prefix('u'));
    if let Some(code) = hex.filter(|digits| digits.len() >= 4).and_then(|it| u32::from_str_radix(it, 16).ok())
    {
        return char::from_u32(code);
    }
    // Some programs name glyphs by their code.
    let digits = name.strip_prefix(['g', 'G', 'c', 'C', 'a', 'A'])?;
    let code = digits.parse::<u8>().ok().filter(|code| (0x20..0x7f).contains(code))?;
    Some(char::from(code))
}

/// Adds text with its ligatures taken apart: words are matched letter by letter.
pub(super) fn push_letters(text: &str, out: &mut String) {
    for letter in text.chars() {
        match letter {
            'ﬀ' => out.push_str("ff"),
            'ﬁ' => out.push_str("fi"),
            'ﬂ' => out.push_str("fl"),
            'ﬃ' => out.push_str("ffi"),
            'ﬄ' => out.push_str("ffl"),
            'ﬅ' | 'ﬆ' => out.push_str("st"),
            '\0' | '\u{fffd}' => {}
            // White space of every kind, and codes that stand for nothing.
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn glyphs_have_names() {
        let text = |name| of_glyph(name).unwrap_or_default();
        assert_eq!(text("quoteright"), "’");
        assert_eq!(text("f_f_i"), "ffi");
        assert_eq!(text("uni00E9"), "é");
        assert_eq!(text("u1F600"), "😀");
        assert_eq!(text("eacute.alt"), "é");
        assert_eq!(text("Asmall"), "A");
        assert_eq!(text("g65"), "A");
        assert_eq!(text(".notdef"), "");
        assert!(GLYPHS.len() > 1_000);
    }
}
