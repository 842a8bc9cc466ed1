//! Reads a stretch of text as a reader's eye does: letters, what stands for them, and what stands between. Finds words of the
//! vocabulary that are written otherwise; never decides whether they count.

use super::glyph::{self, Glyph, Sign};
use super::vocabulary::{LETTERS, Match, Vocabulary};
use crate::detect::fold::is_invisible;
use crate::detect::switches::{Disguise, Disguises};

/// A word in disguise, at its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading<'v> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) word: &'v str,
    pub(super) by: Disguises,
}

/// Letters, or what may stand for them, without anything between.
#[derive(Debug, Clone, Copy)]
struct Piece {
    start: usize,
    end: usize,
    /// Its glyphs, from and up to these numbers.
    glyphs: (usize, usize),
    /// What parts it from the piece before.
    gap: Gap,
    /// Whether it may be a word in disguise by itself: something stands for a letter, or a letter stands there twice.
    odd: bool,
    /// Whether any of its glyphs may be a vowel.
    vowel: bool,
}

/// What stands between two pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    /// Up to three dots, hyphens, stars or the like.
    Mark,
    /// Blank space.
    Space,
    /// Blank space and a mark.
    SpacedMark,
    /// A line's end.
    Break,
    /// A hyphen and a line's end.
    HyphenBreak,
    /// Anything else.
    Apart,
}

/// A stretch of text, taken apart.
#[derive(Debug, Default)]
pub(super) struct Pieces<'t> {
    text: &'t str,
    from: usize,
    to: usize,
    glyphs: Vec<Glyph>,
    pieces: Vec<Piece>,
}

impl<'t> Pieces<'t> {
    /// Of a text, nothing yet.
    pub(super) fn of(text: &'t str) -> Self {
        Self { text, ..Self::default() }
    }

    /// Takes apart the bytes from `from` up to `to`, which must be where words begin and end, instead of those before.
    pub(super) fn take(&mut self, from: usize, to: usize) {
        (self.from, self.to) = (from, to);
        self.glyphs.clear();
        self.pieces.clear();
        let mut open = false;
        let text = self.text.get(from..to).unwrap_or_default();
        let mut at = 0;
        while let Some(&byte) = text.as_bytes().get(at) {
            let start = from + at;
            let sign = if byte.is_ascii() {
                at += 1;
                let next = match text.as_bytes().get(at) {
                    Some(next) if next.is_ascii() => Some(char::from(*next)),
                    _ => first_of(text, at),
                };
                glyph::read_ascii(byte, next).map_or(Sign::Other, |glyph| Sign::Glyphs(glyph, None))
            } else {
                let letter = first_of(text, at).unwrap_or_default();
                at += letter.len_utf8();
                glyph::read(letter, first_of(text, at))
            };
            match sign {
                Sign::Glyphs(first, second) => {
                    self.push(start, from + at, first, open);
                    if let Some(second) = second {
                        self.push(start, from + at, second, true);
                    }
                    open = true;
                }
                Sign::Invisible => {}
                Sign::Other => open = false,
            }
        }
    }

    /// Adds a glyph to the last piece where that is open, or begins a piece.
    fn push(&mut self, start: usize, end: usize, glyph: Glyph, open: bool) {
        let vowel =
            glyph.letters.iter().any(|letter| matches!(letter, b'a' | b'e' | b'i' | b'o' | b'u' | b'y'));
        let before = self.glyphs.last().copied();
        let first = self.glyphs.len();
        self.glyphs.push(glyph);
        match self.pieces.last_mut() {
            Some(piece) if open => {
                (piece.end, piece.glyphs.1) = (end, first + 1);
                piece.odd |= glyph.by.is_some() || before == Some(glyph);
                piece.vowel |= vowel;
            }
            last => {
                let gap = last
                    .map_or(Gap::Apart, |before| gap(self.text.get(before.end..start).unwrap_or_default()));
                let odd = glyph.by.is_some();
                self.pieces.push(Piece { start, end, glyphs: (first, first + 1), gap, odd, vowel });
            }
        }
    }

    /// The words of a vocabulary that stand here in disguise.
    pub(super) fn readings<'v>(&self, vocabulary: &'v Vocabulary, readings: &mut Vec<Reading<'v>>) {
        for (at, piece) in self.pieces.iter().enumerate() {
            if piece.odd {
                self.read(vocabulary, at, at, Disguises::NONE, readings);
            }
            self.read_split(vocabulary, at, readings);
        }
        let mut at = 0;
        while at < self.pieces.len() {
            let run = self.spaced_run(at);
            if run > 2 {
                self.read_spaced(vocabulary, at, run, readings);
            }
            // Its last letter may be the first of another run, with something else between.
            at += run.saturating_sub(1).max(1);
        }
        self.read_masked(vocabulary, readings);
    }

    /// Reads the pieces from one up to another as one word.
    fn read<'v>(
        &self,
        vocabulary: &'v Vocabulary,
        from: usize,
        to: usize,
        by: Disguises,
        readings: &mut Vec<Reading<'v>>,
    ) {
        let (Some(first), Some(last)) = (self.pieces.get(from), self.pieces.get(to)) else { return };
        let glyphs = self.glyphs.get(first.glyphs.0..last.glyphs.1).unwrap_or_default();
        let mut matches = Vec::new();
        vocabulary.read(glyphs, &mut matches);
        let (start, end) = (first.start, last.end);
        for Match { word, by: more } in matches {
            let by = by.and(more);
            // As s|oon as it is said, three letters are torn apart by chance.
            let torn = by.contain(Disguises::NONE.with(Disguise::Split));
            if !by.is_empty() && (!torn || word.len() > 3) && self.is_likely(glyphs, start, end) {
                readings.push(Reading { start, end, word, by });
            }
        }
    }

    /// Whether glyphs look like a disguise rather than a number or a foreign word.
    fn is_likely(&self, glyphs: &[Glyph], start: usize, end: usize) -> bool {
        let letters = |glyph: &Glyph| glyph.latin && glyph.digit.is_none();
        let plain = glyphs.iter().filter(|glyph| letters(glyph)).count();
        let symbols = glyphs.iter().filter(|glyph| glyph.by == Some(Disguise::Leet) && !glyph.latin).count();
        let foreign = glyphs.iter().filter(|glyph| glyph.by == Some(Disguise::LookAlikes)).count();
        let trailing = glyphs.iter().rev().take_while(|glyph| glyph.digit.is_some()).count();
        let digits = glyphs.iter().filter(|glyph| glyph.digit.is_some()).count();
        // A road, a room, a postcode: the A55 is no insult.
        if trailing > 0 && trailing == digits && symbols + foreign == 0 && plain < 2.max(trailing) {
            return false;
        }
        // A number with its unit: 600k, 50p.
        let leading = glyphs.iter().take_while(|glyph| glyph.digit.is_some()).count();
        if leading > 0 && leading == digits && plain < 2 && symbols + foreign == 0 {
            return false;
        }
        if plain == 0 && foreign > 0 {
            return self.has_latin_neighbour(start, end);
        }
        plain > 0 || symbols > 1
    }

    /// A word of look-alikes alone is a word of another language, unless English stands beside it.
    fn has_latin_neighbour(&self, start: usize, end: usize) -> bool {
        const NEAR: usize = 24;
        let bytes = self.text.as_bytes();
        let before = bytes.get(start.saturating_sub(NEAR)..start).unwrap_or_default();
        let after = bytes.get(end..bytes.len().min(end + NEAR)).unwrap_or_default();
        let latin = |bytes: &[u8]| bytes.iter().filter(|byte| byte.is_ascii_alphabetic()).count() > 1;
        latin(before) || latin(after)
    }

    /// How many pieces from one on are single letters with the same between them.
    fn spaced_run(&self, at: usize) -> usize {
        let Some((first, rest)) = self.pieces.get(at..).and_then(<[Piece]>::split_first) else { return 0 };
        if !first.is_single() {
            return 0;
        }
        let gap = rest.first().map_or(Gap::Apart, |second| second.gap);
        1 + rest.iter().take_while(|piece| piece.is_single() && piece.gap == gap && gap != Gap::Apart).count()
    }

    /// Within single letters, any word of four and more counts, and one of three that is all of them.
    fn read_spaced<'v>(
        &self,
        vocabulary: &'v Vocabulary,
        at: usize,
        run: usize,
        readings: &mut Vec<Reading<'v>>,
    ) {
        let by = Disguises::NONE.with(Disguise::Spaced);
        for from in at..at + run {
            for to in from + 2..(at + run).min(from + LETTERS) {
                let count = readings.len();
                self.read(vocabulary, from, to, by, readings);
                let whole = from == at && to + 1 == at + run;
                if readings.get(count..).is_some_and(|new| new.iter().any(|one| one.word.len() < 4)) && !whole
                {
                    readings.truncate(count);
                }
            }
        }
    }

    /// Two or three pieces that are no words by themselves.
    fn read_split<'v>(&self, vocabulary: &'v Vocabulary, at: usize, readings: &mut Vec<Reading<'v>>) {
        let by = Disguises::NONE.with(Disguise::Split);
        let Some([first, second, rest @ ..]) = self.pieces.get(at..) else { return };
        let torn = self.are_torn(first, second);
        let joined = match second.gap {
            Gap::HyphenBreak => true,
            Gap::Mark => first.count() + second.count() > 5,
            _ => false,
        };
        let single = first.is_single() && second.is_single();
        if (joined || torn) && !single {
            self.read(vocabulary, at, at + 1, by, readings);
        }
        if let Some(third) = rest.first().filter(|third| torn && !(single && third.is_single()))
            && self.are_torn(second, third)
        {
            self.read(vocabulary, at, at + 2, by, readings);
        }
    }

    /// Whether two pieces stand near each other, and one of them cannot be a word by itself.
    fn are_torn(&self, one: &Piece, other: &Piece) -> bool {
        let near = matches!(other.gap, Gap::Mark | Gap::Space | Gap::Break | Gap::HyphenBreak);
        near && (self.is_torn(one) || self.is_torn(other))
    }

    /// Whether a piece cannot be a word by itself.
    fn is_torn(&self, piece: &Piece) -> bool {
        match self.glyphs.get(piece.glyphs.0) {
            Some(one) if piece.is_single() => {
                !one.latin || !one.letters.iter().any(|letter| b"ai".contains(letter))
            }
            _ => !piece.vowel,
        }
    }

    /// Words with some letters masked: `f**k`.
    fn read_masked<'v>(&self, vocabulary: &'v Vocabulary, readings: &mut Vec<Reading<'v>>) {
        let text = self.text.get(self.from..self.to).unwrap_or_default();
        let mut at = 0;
        for token in text.split(|letter: char| letter.is_whitespace() || letter == '\u{2026}') {
            let start = self.from + at;
            at += token.len();
            at += text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
            let Some((lead, core)) = core_of(token) else { continue };
            let mut matches = Vec::new();
            let has = |is_mask: fn(u8) -> bool| core.bytes().any(|byte| byte >= 0x80 || is_mask(byte));
            // One dot or hyphen by itself masks nothing.
            let joined = core.as_bytes().windows(2).any(|two| matches!(two, b"--" | b"__" | b".."));
            let masked = joined || has(|byte| matches!(byte, b'*' | b'#' | b'%' | b'&' | b'^' | b'~'));
            let symbols = has(|byte| matches!(byte, b'@' | b'$' | b'!' | b'+'));
            for (symbols_mask, may_be) in [(false, masked), (true, symbols)] {
                if let Some(pattern) = may_be.then(|| pattern_of(core, symbols_mask)).flatten() {
                    vocabulary.unmask(&pattern, &mut matches);
                }
            }
            let (start, end) = (start + lead, start + lead + core.len());
            readings.extend(matches.into_iter().map(|found| Reading {
                start,
                end,
                word: found.word,
                by: found.by,
            }));
        }
    }
}

impl Piece {
    fn count(&self) -> usize {
        self.glyphs.1 - self.glyphs.0
    }

    fn is_single(&self) -> bool {
        self.count() == 1
    }
}

/// The character at a place.
fn first_of(text: &str, at: usize) -> Option<char> {
    text.get(at..)?.chars().next()
}

/// What a gap between two pieces is.
fn gap(gap: &str) -> Gap {
    match gap.as_bytes() {
        [b' '] => return Gap::Space,
        [b'\n' | b'\r'] => return Gap::Break,
        [one] if one.is_ascii_punctuation() => return Gap::Mark,
        _ => {}
    }
    let (mut blanks, mut marks, mut breaks, mut hyphen) = (0, 0, 0, false);
    for letter in gap.chars().filter(|letter| !is_invisible(*letter)) {
        match letter {
            '\n' | '\r' => breaks += 1,
            '>' if breaks > 0 => {}
            _ if letter.is_whitespace() => blanks += 1,
            '-' | '\u{2010}' | '\u{2011}' if marks + blanks + breaks == 0 => (marks, hyphen) = (1, true),
            _ if letter.is_alphanumeric() => return Gap::Apart,
            _ => marks += 1,
        }
    }
    match (blanks, marks, breaks) {
        (_, 1, 1..) if hyphen => Gap::HyphenBreak,
        (_, 0, 1..=4) => Gap::Break,
        (_, _, 1..) => Gap::Apart,
        (1..=3, 0, 0) => Gap::Space,
        (0, 1..=3, 0) => Gap::Mark,
        (1..=2, 1, 0) => Gap::SpacedMark,
        _ => Gap::Apart,
    }
}

/// Longest token that is looked at for masked letters, in bytes.
const TOKEN_BYTES: usize = 60;

/// A token without quotation marks, brackets, punctuation and emphasis around it, and where that begins in it.
fn core_of(token: &str) -> Option<(usize, &str)> {
    if token.len() > TOKEN_BYTES || !token.bytes().any(is_mask_byte) {
        return None;
    }
    let inner = token.trim_start_matches(|letter: char| !letter.is_alphanumeric());
    let lead = token.len() - inner.len();
    let opening = token.get(..lead).unwrap_or_default();
    let mut inner = inner.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '"', '\'', '”', '’']);
    inner = ["'s", "’s"].iter().find_map(|ending| inner.strip_suffix(ending)).unwrap_or(inner);
    for mark in opening.chars().rev().filter(|letter| matches!(letter, '*' | '_' | '~')) {
        inner = inner.strip_suffix(mark).unwrap_or(inner);
    }
    Some((lead, inner)).filter(|(_, inner)| inner.len() > 2)
}

fn is_mask_byte(byte: u8) -> bool {
    matches!(byte, b'*' | b'#' | b'%' | b'&' | b'^' | b'~' | b'-' | b'_' | b'.' | b'@' | b'$' | b'!' | b'+')
        || byte >= 0x80
}

/// What is seen of a masked word, `None` for each letter that is not; nothing where it is no masked word.
fn pattern_of(core: &str, symbols_mask: bool) -> Option<Vec<Option<Glyph>>> {
    let letters: Vec<char> = core.chars().filter(|letter| !is_invisible(*letter)).collect();
    let mut pattern = Vec::new();
    let mut symbols = false;
    for (at, letter) in letters.iter().enumerate() {
        let near = |step: isize| at.checked_add_signed(step).and_then(|at| letters.get(at));
        match letter {
            '*' | '#' | '%' | '&' | '^' | '~' | '\u{2022}' | '\u{25CF}' | '\u{2588}' | '\u{25A0}'
            | '\u{2217}' => {
                pattern.push(None);
            }
            '-' | '_' | '.' if near(1) == Some(letter) || near(-1) == Some(letter) => pattern.push(None),
            '@' | '$' | '!' | '+' if symbols_mask => {
                symbols = true;
                pattern.push(None);
            }
            _ => match glyph::read(*letter, near(1).copied()) {
                Sign::Glyphs(glyph, None) => pattern.push(Some(glyph)),
                _ => return None,
            },
        }
    }
    let masked = pattern.iter().filter(|one| one.is_none()).count();
    let seen = pattern.len() - masked;
    let trailing = pattern.iter().rev().take_while(|one| one.is_none()).count();
    // One star at the end is a footnote, and a lone letter with a star or two may be anything.
    let likely =
        masked > 0 && (trailing == 0 || masked > 1) && (seen > 1 || masked > 2) && trailing < pattern.len();
    let first = matches!(pattern.first(), Some(Some(glyph)) if glyph.by != Some(Disguise::Leet));
    (likely && first && symbols == symbols_mask).then_some(pattern)
}
