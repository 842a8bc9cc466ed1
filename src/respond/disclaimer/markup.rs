//! HTML as a run of tags and text with their offsets, in one pass. It builds no tree and judges nothing.

/// A piece of an HTML text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    /// Characters that are shown, entities undecoded.
    Text { start: usize, text: &'t str },
    /// A start tag.
    Open { start: usize, end: usize, name: &'t str, attributes: &'t str },
    /// An end tag.
    Close { start: usize, name: &'t str },
    /// A comment, a declaration, or what stands in an element whose content is no text.
    Other,
    /// A comment, tag or such element that does not end: what follows is not shown.
    Unfinished,
}

/// Elements whose content is not text (HTML §13.2.5, the RCDATA and RAWTEXT states).
const RAW: &[&str] = &["script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes"];

/// The pieces of an HTML text, in their order.
pub(super) struct Pieces<'t> {
    text: &'t str,
    at: usize,
    raw: Option<&'t str>,
}

impl<'t> Pieces<'t> {
    pub const fn of(text: &'t str) -> Self {
        Self { text, at: 0, raw: None }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// Passes over what stands up to and with `end`.
    fn pass(&mut self, end: Option<usize>) -> Piece<'t> {
        match end {
            Some(end) => {
                self.at += end;
                Piece::Other
            }
            None => {
                self.at = self.text.len();
                Piece::Unfinished
            }
        }
    }

    fn raw_content(&mut self, name: &str) -> Piece<'t> {
        let rest = self.rest();
        let close = rest.match_indices("</").find(|(at, _)| {
            let after = rest.get(at + 2..).unwrap_or("");
            let named = after.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name));
            named
                && after
                    .get(name.len()..)
                    .is_some_and(|end| end.starts_with(['>', '/', ' ', '\t', '\r', '\n']))
        });
        self.pass(close.map(|(at, _)| at))
    }

    fn markup(&mut self) -> Piece<'t> {
        let rest = self.rest();
        if let Some(comment) = rest.strip_prefix("<!--") {
            if comment.starts_with('>') || comment.starts_with("->") {
                return self.pass(rest.find('>').map(|at| at + 1));
            }
            return self.pass(comment.find("-->").map(|at| at + 7));
        }
        let after = rest.get(1..).unwrap_or("");
        let (closing, named) = match after.strip_prefix('/') {
            Some(named) => (true, named),
            None => (false, after),
        };
        if !named.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return self.pass(rest.find('>').map(|at| at + 1));
        }
        let name_end = named.find(['>', '/', ' ', '\t', '\r', '\n', '\u{c}']).unwrap_or(named.len());
        let name = named.get(..name_end).unwrap_or("");
        let start = self.at;
        let before_name = rest.len() - named.len();
        let Some(length) = tag_end(named.get(name_end..).unwrap_or("")) else { return self.pass(None) };
        let end = start + before_name + name_end + length;
        let attributes = self.text.get(start + before_name + name_end..end - 1).unwrap_or("");
        self.at = end;
        if closing {
            return Piece::Close { start, name };
        }
        if RAW.iter().any(|raw| raw.eq_ignore_ascii_case(name)) {
            self.raw = Some(name);
        }
        Piece::Open { start, end, name, attributes }
    }
}

impl<'t> Iterator for Pieces<'t> {
    type Item = Piece<'t>;

    fn next(&mut self) -> Option<Piece<'t>> {
        if let Some(name) = self.raw.take() {
            return Some(self.raw_content(name));
        }
        let rest = self.rest();
        if rest.is_empty() {
            return None;
        }
        if starts_markup(rest) {
            return Some(self.markup());
        }
        let length = rest
            .char_indices()
            .skip(1)
            .find(|(at, c)| *c == '<' && starts_markup(rest.get(*at..).unwrap_or("")))
            .map_or(rest.len(), |(at, _)| at);
        let piece = Piece::Text { start: self.at, text: rest.get(..length).unwrap_or("") };
        self.at += length;
        Some(piece)
    }
}

/// A `<` that is followed by anything else is text (HTML §13.2.5.6).
fn starts_markup(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next() == Some('<')
        && characters.next().is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'))
}

/// How far the tag's `>` lies, itself included, quoted attribute values passed over.
fn tag_end(attributes: &str) -> Option<usize> {
    let mut quote = None;
    let mut after_equals = false;
    for (at, byte) in attributes.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), byte) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') if after_equals => quote = Some(byte),
            (None, b'>') => return Some(at + 1),
            (None, _) => {}
        }
        after_equals = byte == b'=' || after_equals && byte.is_ascii_whitespace();
    }
    None
}

/// An attribute's value, as it is written.
pub(super) fn attribute<'t>(attributes: &'t str, name: &str) -> Option<&'t str> {
    let mut from = 0;
    while let Some(found) = find_ignoring_case(attributes.get(from..)?, name) {
        let at = from + found;
        from = at + name.len();
        let bounded = at == 0
            || attributes
                .as_bytes()
                .get(at - 1)
                .is_some_and(|b| b.is_ascii_whitespace() || b"\"'/".contains(b));
        let Some(value) = attributes.get(from..)?.trim_start().strip_prefix('=') else { continue };
        if !bounded {
            continue;
        }
        let value = value.trim_start();
        return match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value.get(1..)?.split(quote).next(),
            _ => value.split(|c: char| c.is_ascii_whitespace()).next(),
        };
    }
    None
}

fn find_ignoring_case(text: &str, name: &str) -> Option<usize> {
    text.as_bytes().windows(name.len()).position(|window| window.eq_ignore_ascii_case(name.as_bytes()))
}

/// Whether an element runs along in a line, so that its tags separate no words.
pub(super) fn is_inline(name: &str) -> bool {
    const INLINE: &[&str] = &[
        "a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "em", "font", "i", "ins", "kbd", "mark",
        "o:p", "q", "s", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "wbr",
    ];
    INLINE.iter().any(|inline| inline.eq_ignore_ascii_case(name))
}

/// The character that an entity at the start of `text` (after its `&`) stands for, and the entity's length. Those that
/// letters and common signs are written with.
pub(super) fn entity(text: &str) -> Option<(char, usize)> {
    let end = text.bytes().take(10).position(|byte| byte == b';')?;
    let name = text.get(..end)?;
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).map(|c| (c, end + 1));
    }
    // Names differ by the case of the letter that they stand for; words are compared without it.
    NAMED.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, c)| (*c, end + 1))
}

/// The names of characters that stand in the words of a disclaimer.
const NAMED: &[(&str, char)] = &[
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", '\u{a0}'),
    ("shy", '\u{ad}'),
    ("zwnj", '\u{200c}'),
    ("zwj", '\u{200d}'),
    ("rsquo", '’'),
    ("lsquo", '‘'),
    ("rdquo", '”'),
    ("ldquo", '“'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("hellip", '…'),
    ("bull", '•'),
    ("middot", '·'),
    ("copy", '©'),
    ("reg", '®'),
    ("trade", '™'),
    ("pound", '£'),
    ("euro", '€'),
    ("sect", '§'),
    ("agrave", 'à'),
    ("aacute", 'á'),
    ("acirc", 'â'),
    ("atilde", 'ã'),
    ("auml", 'ä'),
    ("aring", 'å'),
    ("aelig", 'æ'),
    ("ccedil", 'ç'),
    ("egrave", 'è'),
    ("eacute", 'é'),
    ("ecirc", 'ê'),
    ("euml", 'ë'),
    ("igrave", 'ì'),
    ("iacute", 'í'),
    ("icirc", 'î'),
    ("iuml", 'ï'),
    ("ntilde", 'ñ'),
    ("ograve", 'ò'),
    ("oacute", 'ó'),
    ("ocirc", 'ô'),
    ("otilde", 'õ'),
    ("ouml", 'ö'),
    ("oslash", 'ø'),
    ("ugrave", 'ù'),
    ("uacute", 'ú'),
    ("ucirc", 'û'),
    ("uuml", 'ü'),
    ("yacute", 'ý'),
    ("yuml", 'ÿ'),
    ("szlig", 'ß'),
    ("wcirc", 'ŵ'),
    ("ycirc", 'ŷ'),
];
