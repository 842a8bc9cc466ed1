//! A font of a PDF: which text its codes stand for and how wide they are. Never a glyph's shape.

use std::collections::HashMap;

use hayro_cmap::{BfString, CMap};
use hayro_syntax::object::{Array, Dict, Name, Object, Stream};

use super::super::reading::{Reading, Stop};
use super::encoding::{self, Base};
use super::filter;

/// A font, as far as its text goes.
pub(super) struct Font {
    codes: Codes,
    /// What its `ToUnicode` says (ISO 32000-2 §9.10.3).
    to_unicode: Option<CMap>,
}

enum Codes {
    /// One byte a code.
    Simple(Box<Simple>),
    /// Mostly two bytes a code (ISO 32000-2 §9.7).
    Composite(Box<Composite>),
}

struct Simple {
    letters: Vec<Option<String>>,
    widths: Vec<f64>,
}

struct Composite {
    width: CodeWidth,
    /// Widths by character identifier, in parts of the font's size.
    widths: HashMap<u32, f64>,
    usual_width: f64,
}

/// How codes are cut from a string.
enum CodeWidth {
    /// Two bytes, which are the character's identifier (`Identity-H`).
    Two,
    /// Two bytes, which are UTF-16 (`UniJIS-UTF16-H` and its like).
    Utf16,
    /// As the font's own table says.
    Table(Box<CMap>),
}

/// One code of a string.
pub(super) struct Shown {
    /// How far it moves on, in parts of the font's size.
    pub width: f64,
    /// Whether it is the single byte 32, to which word spacing applies (ISO 32000-2 §9.3.3).
    pub is_space: bool,
    /// Whether anybody knows what it says.
    pub is_known: bool,
}

/// Longest string of one operator that is followed, in bytes.
const LONGEST: usize = 1 << 20;
/// Most widths of one font.
const MOST_WIDTHS: usize = 1 << 17;

impl Font {
    /// Reads a font.
    ///
    /// # Errors
    /// When one of its tables is larger than the caps allow, or the time is over.
    pub(super) fn read(dict: &Dict<'_>, reading: &mut Reading<'_>) -> Result<Self, Stop> {
        let to_unicode = match dict.get::<Stream<'_>>(b"ToUnicode") {
            Some(stream) => table(&stream, reading)?,
            None => None,
        };
        let is_composite = dict.get::<Name<'_>>(b"Subtype").is_some_and(|name| name.as_str() == "Type0");
        let codes = if is_composite {
            Codes::Composite(Box::new(Composite::read(dict, reading)?))
        } else {
            Codes::Simple(Box::new(Simple::read(dict)))
        };
        Ok(Self { codes, to_unicode })
    }

    /// The font that programs take where they don't find one.
    pub(super) fn usual() -> Self {
        let letters = (0..=255).map(|code| Base::WinAnsi.letter(code).map(String::from)).collect();
        let widths = (0..=255).map(usual_width).collect();
        Self { codes: Codes::Simple(Box::new(Simple { letters, widths })), to_unicode: None }
    }

    /// Reads a string's codes: adds their text to `out`, and tells each of them.
    pub(super) fn show(&self, string: &[u8], out: &mut String, mut tell: impl FnMut(Shown)) {
        let mut rest = string.get(..LONGEST).unwrap_or(string);
        while let Some((&first, _)) = rest.split_first() {
            let (code, length, width) = match &self.codes {
                Codes::Simple(simple) => {
                    (u32::from(first), 1, simple.widths.get(usize::from(first)).copied().unwrap_or(0.0))
                }
                Codes::Composite(composite) => composite.next(rest),
            };
            let is_known = self.push(code, length, out) || width == 0.0;
            let is_space = length == 1 && code == 32;
            tell(Shown { width, is_space, is_known });
            rest = rest.get(length..).unwrap_or_default();
        }
    }

    /// Adds the text of a code; whether there is any.
    fn push(&self, code: u32, length: usize, out: &mut String) -> bool {
        match self.to_unicode.as_ref().and_then(|table| table.lookup_bf_string(code)) {
            Some(BfString::Char(letter)) if !matches!(letter, '\0' | '\u{fffd}') => {
                encoding::push_letters(letter.encode_utf8(&mut [0; 4]), out);
                return true;
            }
            Some(BfString::String(text)) => {
                encoding::push_letters(&text, out);
                return true;
            }
            _ => {}
        }
        match &self.codes {
            Codes::Simple(simple) => {
                let text = usize::try_from(code).ok().and_then(|code| simple.letters.get(code));
                let Some(Some(text)) = text else { return false };
                encoding::push_letters(text, out);
                true
            }
            Codes::Composite(composite) => {
                let letter = match composite.width {
                    CodeWidth::Utf16 if length == 2 => char::from_u32(code),
                    _ => None,
                };
                letter.inspect(|letter| out.push(*letter)).is_some()
            }
        }
    }
}

impl Simple {
    fn read(dict: &Dict<'_>) -> Self {
        let encoding = dict.get::<Object<'_>>(b"Encoding");
        let named = |name: Option<Name<'_>>| name.and_then(|name| Base::named(name.as_str()));
        let base = match &encoding {
            Some(Object::Name(name)) => Base::named(name.as_str()),
            Some(Object::Dict(dict)) => named(dict.get::<Name<'_>>(b"BaseEncoding")),
            _ => None,
        };
        let is_true_type = dict.get::<Name<'_>>(b"Subtype").is_some_and(|name| name.as_str() == "TrueType");
        let base = base.unwrap_or(if is_true_type { Base::WinAnsi } else { Base::Standard });
        let mut letters: Vec<Option<String>> =
            (0..=255).map(|code| base.letter(code).map(String::from)).collect();
        if let Some(Object::Dict(encoding)) = &encoding
            && let Some(differences) = encoding.get::<Array<'_>>(b"Differences")
        {
            let mut code = 0_usize;
            for item in differences.iter::<Object<'_>>().take(1_024) {
                match item {
                    Object::Number(number) => code = usize::try_from(number.as_i64()).unwrap_or(usize::MAX),
                    Object::Name(name) => {
                        if let Some(letter) = letters.get_mut(code) {
                            *letter = encoding::of_glyph(name.as_str());
                        }
                        code = code.saturating_add(1);
                    }
                    _ => {}
                }
            }
        }
        Self { letters, widths: simple_widths(dict) }
    }
}

/// The widths of a simple font; those of a standard font, whose file says none, are about Helvetica's.
fn simple_widths(dict: &Dict<'_>) -> Vec<f64> {
    let is_type3 = dict.get::<Name<'_>>(b"Subtype").is_some_and(|name| name.as_str() == "Type3");
    let matrix = dict.get::<Array<'_>>(b"FontMatrix").filter(|_| is_type3);
    let unit = matrix.and_then(|matrix| matrix.iter::<f32>().next()).map_or(0.001, f64::from).abs();
    let Some(given) = dict.get::<Array<'_>>(b"Widths") else {
        let name = dict.get::<Name<'_>>(b"BaseFont");
        let is_courier = name.is_some_and(|name| name.as_str().contains("Courier"));
        return (0..=255).map(|code: u8| if is_courier { 0.6 } else { usual_width(code) }).collect();
    };
    let missing = dict.get::<Dict<'_>>(b"FontDescriptor").and_then(|it| it.get::<f32>(b"MissingWidth"));
    let mut widths = vec![f64::from(missing.unwrap_or(0.0)) * unit; 256];
    let first = dict.get::<u32>(b"FirstChar").and_then(|it| usize::try_from(it).ok()).unwrap_or(0);
    for (slot, width) in widths.iter_mut().skip(first).zip(given.iter::<f32>()) {
        *slot = f64::from(width) * unit;
    }
    widths
}

/// The width of a letter in Helvetica, to about a tenth of it.
fn usual_width(code: u8) -> f64 {
    match code {
        b'i' | b'j' | b'l' | b'\'' | b'|' => 0.22,
        b' ' | b'!' | b',' | b'.' | b'/' | b':' | b';' | b'I' | b'[' | b']' | b'f' | b't' | b'\\' => 0.278,
        b'(' | b')' | b'-' | b'r' | b'`' => 0.333,
        b'c' | b'k' | b's' | b'v' | b'x' | b'y' | b'z' | b'J' => 0.5,
        b'w' | b'C' | b'D' | b'H' | b'N' | b'R' | b'U' => 0.722,
        b'G' | b'O' | b'Q' => 0.778,
        b'm' | b'M' => 0.833,
        b'W' => 0.944,
        b'A' | b'B' | b'E' | b'K' | b'P' | b'S' | b'V' | b'X' | b'Y' | b'&' => 0.667,
        b'F' | b'T' | b'Z' => 0.611,
        _ => 0.556,
    }
}

impl Composite {
    fn read(dict: &Dict<'_>, reading: &mut Reading<'_>) -> Result<Self, Stop> {
        let width = match dict.get::<Object<'_>>(b"Encoding") {
            Some(Object::Name(name)) if name.as_str().contains("UTF16") || name.as_str().contains("UCS2") => {
                CodeWidth::Utf16
            }
            Some(Object::Stream(stream)) => {
                table(&stream, reading)?.map_or(CodeWidth::Two, |table| CodeWidth::Table(Box::new(table)))
            }
            _ => CodeWidth::Two,
        };
        let descendants = dict.get::<Array<'_>>(b"DescendantFonts");
        let font = descendants.and_then(|array| array.iter::<Dict<'_>>().next()).unwrap_or_default();
        let usual_width = f64::from(font.get::<f32>(b"DW").unwrap_or(1_000.0)) / 1_000.0;
        let widths = font.get::<Array<'_>>(b"W").map(|array| composite_widths(&array)).unwrap_or_default();
        Ok(Self { width, widths, usual_width })
    }

    /// The first code of a string: the code, its length in bytes, and how wide it is.
    fn next(&self, string: &[u8]) -> (u32, usize, f64) {
        let of_length = |length: usize| {
            string
                .get(..length)?
                .iter()
                .try_fold(0_u32, |sum, byte| Some(sum.checked_shl(8)? | u32::from(*byte)))
        };
        let two = || of_length(2).map_or((of_length(1).unwrap_or(0), 1), |code| (code, 2));
        let (code, length, cid) = match &self.width {
            CodeWidth::Table(table) => {
                let found = (1..=4_u8).find_map(|length| {
                    let code = of_length(usize::from(length))?;
                    Some((code, usize::from(length), table.lookup_cid_code(code, length)?))
                });
                found.unwrap_or_else(|| {
                    let (code, length) = two();
                    (code, length, code)
                })
            }
            CodeWidth::Two | CodeWidth::Utf16 => {
                let (code, length) = two();
                (code, length, code)
            }
        };
        (code, length, self.widths.get(&cid).copied().unwrap_or(self.usual_width))
    }
}

/// Widths of a composite font: `first [w w …]` and `first last w` (ISO 32000-2 §9.7.4.3).
fn composite_widths(array: &Array<'_>) -> HashMap<u32, f64> {
    let mut widths = HashMap::new();
    let mut numbers: Vec<f64> = Vec::with_capacity(3);
    let code = |number: f64| if number >= 0.0 { number as u32 } else { 0 };
    for item in array.iter::<Object<'_>>() {
        if widths.len() > MOST_WIDTHS {
            break;
        }
        match item {
            Object::Number(number) => numbers.push(number.as_f64()),
            Object::Array(list) => {
                let first = code(numbers.last().copied().unwrap_or(0.0));
                for (cid, width) in (first..).zip(list.iter::<f32>()) {
                    widths.insert(cid, f64::from(width) / 1_000.0);
                }
                numbers.clear();
            }
            _ => {}
        }
        if let [first, last, width] = *numbers.as_slice() {
            let last = code(last).min(code(first).saturating_add(0xffff));
            widths.extend((code(first)..=last).map(|cid| (cid, width / 1_000.0)));
            numbers.clear();
        }
    }
    widths
}

/// A table of codes; none where it is no such table.
fn table(stream: &Stream<'_>, reading: &mut Reading<'_>) -> Result<Option<CMap>, Stop> {
    let bytes = filter::decoded(stream, reading)?;
    Ok(CMap::parse(&bytes, |_| None))
}
