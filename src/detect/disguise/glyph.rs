//! What single characters can stand for to a reader's eye: letters of other alphabets, digits, symbols. Knows no words.

use unicode_security::skeleton;

use crate::detect::fold::{Class, fold, is_invisible};
use crate::detect::switches::Disguise;

/// A character of a text, as a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Glyph {
    /// The letters that it may stand for, or the digit that it is.
    pub(super) letters: [u8; 2],
    /// As what it stands for them; nothing where it is that letter.
    pub(super) by: Option<Disguise>,
    /// The digit that it is, where a term has digits.
    pub(super) digit: Option<u8>,
    /// Whether it is written as a letter or digit of the Latin alphabet.
    pub(super) latin: bool,
}

impl Glyph {
    const fn letter(letter: u8) -> Self {
        Self { letters: [letter; 2], by: None, digit: None, latin: true }
    }

    const fn leet(letters: [u8; 2], digit: Option<u8>) -> Self {
        Self { letters, by: Some(Disguise::Leet), digit, latin: digit.is_some() }
    }

    /// Whether it may stand for a letter of a term, and as what.
    pub(super) fn stands_for(&self, letter: u8) -> Option<Option<Disguise>> {
        if self.digit == Some(letter) {
            return Some(None);
        }
        self.letters.contains(&letter).then_some(self.by)
    }

    /// The class of letters that it belongs to.
    pub(super) fn class(&self) -> u8 {
        self.letters.first().map_or(0, |letter| class(*letter))
    }
}

/// How many classes there are, that of what is no letter or digit among them.
pub(super) const CLASSES: u8 = 28;

/// The letters that disguises take for one another have one class, from 1 on; what is no letter or digit has 0.
#[inline(always)]
pub(super) fn class(byte: u8) -> u8 {
    CLASS_OF.get(usize::from(byte)).copied().unwrap_or_default()
}

#[allow(
    clippy::indexing_slicing,
    reason = "a table that the compiler works out: a wrong index does not compile"
)]
static CLASS_OF: [u8; 256] = {
    let mut classes = [0; 256];
    let mut letter = b'a';
    while letter <= b'z' {
        classes[letter as usize] = letter - b'a' + 1;
        classes[(letter - 32) as usize] = letter - b'a' + 1;
        letter += 1;
    }
    let same: [(u8, u8); 17] = [
        (b'l', b'i'),
        (b'L', b'i'),
        (b'0', b'o'),
        (b'1', b'i'),
        (b'3', b'e'),
        (b'4', b'a'),
        (b'5', b's'),
        (b'6', b'g'),
        (b'7', b't'),
        (b'8', b'b'),
        (b'9', b'g'),
        (b'@', b'a'),
        (b'$', b's'),
        (b'!', b'i'),
        (b'|', b'i'),
        (b'+', b't'),
        (b'(', b'c'),
    ];
    let mut at = 0;
    while at < same.len() {
        classes[same[at].0 as usize] = classes[same[at].1 as usize];
        at += 1;
    }
    classes[b'2' as usize] = CLASSES - 1;
    classes
};

/// What a character is in a word that may be disguised.
pub(super) enum Sign {
    /// A letter, or what may stand for one; two for a ligature.
    Glyphs(Glyph, Option<Glyph>),
    /// Nothing that is seen.
    Invisible,
    /// None of these.
    Other,
}

/// Reads a character; `next` is the one after it.
pub(super) fn read(letter: char, next: Option<char>) -> Sign {
    let one = |glyph| Sign::Glyphs(glyph, None);
    match letter {
        '\0'..='\x7F' => read_ascii(letter as u8, next).map_or(Sign::Other, one),
        '\u{2202}' => one(Glyph::leet(*b"aa", None)),
        '\u{00A7}' => one(Glyph::leet(*b"ss", None)),
        '\u{20AC}' => one(Glyph::leet(*b"ee", None)),
        '\u{00A2}' => one(Glyph::leet(*b"cc", None)),
        '\u{00A1}' => one(Glyph::leet(*b"ii", None)),
        '\u{00A3}' => one(Glyph::leet(*b"ll", None)),
        _ if is_invisible(letter) => Sign::Invisible,
        _ => read_foreign(letter),
    }
}

/// Reads a character of ASCII.
#[inline(always)]
pub(super) fn read_ascii(byte: u8, next: Option<char>) -> Option<Glyph> {
    let before_letter = || next.is_some_and(|next| next.is_alphanumeric() || matches!(next, '$' | '@'));
    let glyph = ASCII.get(usize::from(byte)).copied().flatten();
    // At a word's end these are punctuation.
    glyph.filter(|_| !matches!(byte, b'!' | b'|' | b'(') || before_letter())
}

#[allow(
    clippy::indexing_slicing,
    reason = "a table that the compiler works out: a wrong index does not compile"
)]
static ASCII: [Option<Glyph>; 128] = {
    let mut glyphs = [None; 128];
    let mut letter = b'a';
    while letter <= b'z' {
        glyphs[letter as usize] = Some(Glyph::letter(letter));
        glyphs[(letter - 32) as usize] = Some(Glyph::letter(letter));
        letter += 1;
    }
    let others: [(u8, &[u8; 2]); 15] = [
        (b'0', b"oo"),
        (b'1', b"il"),
        (b'3', b"ee"),
        (b'4', b"aa"),
        (b'5', b"ss"),
        (b'6', b"gg"),
        (b'7', b"tt"),
        (b'8', b"bb"),
        (b'9', b"gg"),
        (b'@', b"aa"),
        (b'$', b"ss"),
        (b'!', b"il"),
        (b'|', b"il"),
        (b'+', b"tt"),
        (b'(', b"cc"),
    ];
    let mut at = 0;
    while at < others.len() {
        let (byte, letters) = others[at];
        let digit = if byte.is_ascii_digit() { Some(byte) } else { None };
        glyphs[byte as usize] = Some(Glyph::leet(*letters, digit));
        at += 1;
    }
    glyphs[b'2' as usize] = Some(Glyph { letters: *b"22", by: None, digit: Some(b'2'), latin: true });
    glyphs
};

fn read_foreign(letter: char) -> Sign {
    let mut folded = String::new();
    match fold(letter, &mut folded) {
        Class::Mark => return Sign::Invisible,
        Class::Word => {}
        _ => return Sign::Other,
    }
    let glyphs = |text: &str, by: Option<Disguise>| {
        let mut letters =
            text.bytes().map(|letter| Glyph { by, latin: by.is_none(), ..Glyph::letter(letter) });
        letters.next().map_or(Sign::Other, |first| Sign::Glyphs(first, letters.next()))
    };
    if folded.bytes().all(|byte| byte.is_ascii_lowercase()) && folded.len() <= 2 {
        return glyphs(&folded, None);
    }
    match look_alike(letter) {
        Some(latin) => glyphs(&latin, Some(Disguise::LookAlikes)),
        None => Sign::Other,
    }
}

/// The Latin letters that a character looks like, in lower case; nothing where it looks like none.
fn look_alike(letter: char) -> Option<String> {
    if let Some(latin) = also_looks_like(letter) {
        return Some(latin.to_owned());
    }
    let mut buffer = [0; 4];
    let alike = skeleton(letter.encode_utf8(&mut buffer)).collect::<String>().to_ascii_lowercase();
    let fits = (1..=2).contains(&alike.len()) && alike.bytes().all(|byte| byte.is_ascii_lowercase());
    // The table calls m a likeness of r and n side by side.
    fits.then(|| if alike == "rn" { "m".to_owned() } else { alike })
}

/// What Unicode's table of confusable characters (UTS #39) leaves out, since it asks for letters that are taken for each
/// other by mistake, and a reader is content with less.
fn also_looks_like(letter: char) -> Option<&'static str> {
    Some(match letter {
        'α' | 'д' | 'Д' | 'Λ' | 'λ' | 'ɐ' | 'ʌ' => "a",
        'в' | 'В' | 'ь' | 'Ь' | 'ъ' | 'β' | 'Β' | 'б' | 'ʙ' => "b",
        'с' | 'С' | 'ϲ' | 'ç' | 'ↄ' => "c",
        'ε' | 'Ε' | 'е' | 'Е' | 'ё' | 'є' | 'Є' | 'э' | 'ə' | 'Ξ' | 'ξ' | 'Σ' => "e",
        'ƒ' | 'ғ' | 'Ғ' | 'ϝ' => "f",
        'н' | 'Н' | 'ћ' | 'һ' | 'Һ' | 'Η' | 'ʜ' | 'ђ' => "h",
        'і' | 'І' | 'ι' | 'Ι' | 'ї' | 'ɪ' => "i",
        'к' | 'К' | 'κ' | 'Κ' | 'қ' | 'ᴋ' => "k",
        'м' | 'М' | 'Μ' | 'ᴍ' => "m",
        'п' | 'η' | 'и' | 'И' | 'Ν' | 'ո' | 'ɴ' | 'й' => "n",
        'σ' | 'ο' | 'Ο' | 'о' | 'О' | 'θ' | 'ө' | 'Ө' | 'φ' | 'Φ' | 'δ' => "o",
        'р' | 'Р' | 'ρ' | 'Ρ' | 'þ' => "p",
        'г' | 'я' | 'Я' | 'ʀ' => "r",
        'ѕ' | 'Ѕ' | 'ς' | 'ꜱ' => "s",
        'т' | 'Т' | 'τ' | 'Τ' | '†' | 'ᴛ' => "t",
        'υ' | 'μ' | 'µ' | 'ц' | 'ս' | 'ʊ' | 'ᴜ' => "u",
        'ν' | 'ѵ' => "v",
        'ω' | 'ш' | 'щ' | 'ѡ' | 'Ш' | 'ɯ' => "w",
        'х' | 'Х' | 'χ' | 'Χ' | 'ж' | '×' => "x",
        'у' | 'У' | 'γ' | 'Υ' | 'ч' | 'ү' | 'Ү' => "y",
        'ζ' | 'Ζ' => "z",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The word loop asks [`class`] of bytes and the slow reader asks glyphs, and both must say the same.
    #[test]
    fn a_character_has_one_class_however_it_is_asked() {
        let mut letters = 0;
        for byte in 0..=127_u8 {
            if let Sign::Glyphs(glyph, None) = read(char::from(byte), Some('x')) {
                letters += 1;
                assert_eq!(glyph.class(), class(byte), "{:?}", char::from(byte));
                assert!(glyph.letters.iter().all(|letter| class(*letter) == glyph.class()), "{glyph:?}");
            } else {
                assert_eq!(class(byte), 0, "{:?}", char::from(byte));
            }
        }
        assert!(letters > 60, "only {letters}");
    }
}
