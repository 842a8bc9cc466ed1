//! Walks the MIME tree: finds each part's header and body by their delimiters. Decodes no body that it can leave.

use std::borrow::Cow;
use std::ops::Range;

use smallvec::SmallVec;

use super::dashes;
use super::header::{self, HeaderEnd};
use super::params::Value;
use super::part::{Disposition, Part, PartKind, Shown, TransferEncoding};
use super::protection;
use crate::limits::Limits;
use crate::verdict::{Coverage, Gap, PartPath, Protection};

/// Reads the tree of the message whose header ends and whose content fields are as `top` has them. `dashes` are the lines
/// that begin with two of them, where they are known.
pub(super) fn read<'x>(
    raw: &'x [u8],
    dashes: Option<&[usize]>,
    top: (HeaderEnd, ContentFields<'x>),
    limits: &Limits,
    coverage: &mut Coverage,
) -> Vec<Part<'x>> {
    let mut walk = Walk {
        raw,
        dashes,
        limits,
        coverage,
        parts: Vec::new(),
        open: SmallVec::new(),
        levels: Vec::new(),
        at: 0,
    };
    walk.entity(Place::message(None, PartPath::root(), 0, Protection::None), 0, Some(top));
    while let Some(delimiter) = walk.next_delimiter() {
        if !walk.step(&delimiter) {
            break;
        }
    }
    walk.finish()
}

/// The fields that say what a part is: the first of each name.
#[derive(Debug, Clone, Default)]
pub(super) struct ContentFields<'x> {
    content_type: Option<&'x [u8]>,
    encoding: Option<&'x [u8]>,
    disposition: Option<&'x [u8]>,
    id: Option<&'x [u8]>,
    /// Two fields of one name that differ: programs disagree on which counts.
    contradictory: bool,
}

impl<'x> ContentFields<'x> {
    pub(super) fn take(&mut self, field: &super::Field<'x>) {
        let name = field.name.trim_ascii_end();
        let slot = match name.len() {
            12 if name.eq_ignore_ascii_case(b"content-type") => &mut self.content_type,
            25 if name.eq_ignore_ascii_case(b"content-transfer-encoding") => &mut self.encoding,
            19 if name.eq_ignore_ascii_case(b"content-disposition") => &mut self.disposition,
            10 if name.eq_ignore_ascii_case(b"content-id") => &mut self.id,
            _ => return,
        };
        match slot {
            None => *slot = Some(field.value),
            Some(first) => self.contradictory |= *first != field.value,
        }
    }
}

/// What surrounds a part.
struct Place<'x> {
    parent: Option<usize>,
    /// The path of the container; for the top of a message, the message's own.
    base: PartPath,
    /// The part's number in its container; `None` for the top of a message.
    number: Option<u16>,
    depth: usize,
    shape: Shape<'x>,
    /// Whether it lies in a message inside the message.
    nested: bool,
    protection: Protection,
}

impl Place<'_> {
    fn message(parent: Option<usize>, base: PartPath, depth: usize, protection: Protection) -> Self {
        let nested = parent.is_some();
        Self { parent, base, number: None, depth, shape: Shape::Mixed, nested, protection }
    }
}

/// What a multipart's subtype says of its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Shape<'x> {
    Mixed,
    /// Of its parts, the root is shown (RFC 2387 §3.2): the one with this Content-ID, or the first.
    Related(Option<Cow<'x, [u8]>>),
    /// Its parts are messages where they don't say what they are (RFC 2046 §5.1.5).
    Digest,
}

/// A multipart whose end has not been reached.
struct Level<'x> {
    part: usize,
    boundary: Cow<'x, [u8]>,
    count: u16,
    /// Its closing delimiter has been read; what follows is its epilogue.
    closed: bool,
    depth: usize,
    shape: Shape<'x>,
    nested: bool,
}

/// A line that separates parts.
struct Delimiter {
    /// Its level, as an index into `levels`.
    level: usize,
    line: Range<usize>,
    closes: bool,
}

struct Walk<'x, 'w> {
    raw: &'x [u8],
    dashes: Option<&'w [usize]>,
    limits: &'w Limits,
    coverage: &'w mut Coverage,
    parts: Vec<Part<'x>>,
    /// Parts whose end has not been reached, outermost first.
    open: SmallVec<[usize; 8]>,
    levels: Vec<Level<'x>>,
    /// Where the search for the next delimiter goes on.
    at: usize,
}

impl<'x> Walk<'x, '_> {
    /// Ends what the delimiter ends, and begins the part that it begins. `false` where the caps forbid to go on.
    fn step(&mut self, delimiter: &Delimiter) -> bool {
        let mut body_end = before_line_end(self.raw, delimiter.line.start);
        for level in self.levels.drain(delimiter.level + 1..) {
            if !level.closed {
                note(self.coverage, &self.parts, level.part);
            }
        }
        let Some(level) = self.levels.get_mut(delimiter.level) else { return false };
        while let Some(part) = self.open.last().copied().filter(|part| *part > level.part) {
            self.open.pop();
            body_end = close(self.raw, self.parts.get_mut(part), body_end);
        }
        if level.closed && !delimiter.closes {
            note(self.coverage, &self.parts, level.part);
        }
        level.closed = delimiter.closes;
        self.at = delimiter.line.end;
        if delimiter.closes {
            return true;
        }
        level.count = level.count.saturating_add(1);
        let Some(container) = self.parts.get(level.part) else { return false };
        let place = Place {
            parent: Some(level.part),
            base: container.path.clone(),
            number: Some(level.count),
            depth: level.depth + 1,
            shape: level.shape.clone(),
            nested: level.nested,
            protection: container.protection,
        };
        self.entity(place, delimiter.line.end, None)
    }

    /// Reads a part's header, and those of the messages that it is; `false` where there are too many parts.
    fn entity(
        &mut self,
        place: Place<'x>,
        start: usize,
        read_already: Option<(HeaderEnd, ContentFields<'x>)>,
    ) -> bool {
        let mut next = Some((place, start, read_already));
        while let Some((place, start, read_already)) = next.take() {
            if self.parts.len() >= self.limits.mime_parts || place.number == Some(u16::MAX) {
                self.coverage.note(Gap::TooManyParts, place.base);
                return false;
            }
            let (end, fields) = read_already.unwrap_or_else(|| self.header(start));
            let index = self.parts.len();
            let (part, boundary) = self.describe(&place, start, end, &fields);
            self.at = part.body.start;
            let (path, protection) = (part.path.clone(), part.protection);
            self.open.push(index);
            match part.kind {
                PartKind::Container => self.levels.push(Level {
                    part: index,
                    boundary: boundary.unwrap_or_default(),
                    count: 0,
                    closed: false,
                    depth: place.depth,
                    shape: shape(&part.content_type, fields.content_type),
                    nested: place.nested,
                }),
                PartKind::Message if !is_encoded(part.encoding) => {
                    let inner = Place::message(Some(index), path, place.depth + 1, protection);
                    next = Some((inner, part.body.start, None));
                }
                _ => {}
            }
            self.parts.push(part);
        }
        true
    }

    fn header(&self, start: usize) -> (HeaderEnd, ContentFields<'x>) {
        let mut fields = ContentFields::default();
        let stop = |line: &[u8]| self.levels.iter().any(|level| delimits(line, &level.boundary).is_some());
        let end = header::read(self.raw, start, stop, |field| fields.take(&field));
        (end, fields)
    }

    /// What the part says of itself; for a multipart that can be read, its boundary too.
    fn describe(
        &mut self,
        place: &Place<'_>,
        start: usize,
        end: HeaderEnd,
        fields: &ContentFields<'x>,
    ) -> (Part<'x>, Option<Cow<'x, [u8]>>) {
        let declared = fields.content_type.map(Value::parse).unwrap_or_default();
        let disposition = fields.disposition.map(Value::parse).unwrap_or_default();
        let (content_type, broken_type) = content_type(&declared, place, fields.content_type.is_some());
        let (encoding, known) = fields.encoding.map_or((TransferEncoding::SevenBit, true), transfer_encoding);
        let is_message = is_message(&content_type);
        let too_deep =
            place.depth >= self.limits.mime_depth && (is_message || content_type.starts_with("multipart/"));
        let boundary = content_type
            .strip_prefix("multipart/")
            .filter(|_| !too_deep)
            .and_then(|_| declared.token("boundary"))
            .filter(|boundary| self.occurs(boundary, end.body));
        let damaged = !end.sound
            || broken_type
            || !known
            || fields.contradictory
            || (is_message && is_encoded(encoding) && content_type != "message/global")
            || (content_type.starts_with("multipart/") && boundary.is_none() && !too_deep);
        let path = match place.number {
            Some(number) => place.base.child(number),
            // RFC 3501 §6.4.5: the top multipart of a message has no number of its own.
            None if boundary.is_some() => place.base.clone(),
            None => place.base.child(1),
        };
        if damaged {
            self.coverage.note(Gap::Damaged, path.clone());
        }
        if too_deep {
            self.coverage.note(Gap::TooDeep, path.clone());
        }
        let name = disposition.text("filename").or_else(|| declared.text("name"));
        if let Some((_, Some(gap))) = &name {
            self.coverage.note(*gap, path.clone());
        }
        let filename = name.map(|(name, _)| name);
        let disposition = disposition_of(&disposition.main);
        let kind = if boundary.is_some() {
            PartKind::Container
        } else if is_message && !too_deep {
            PartKind::Message
        } else {
            leaf_kind(place, &content_type, disposition, filename.is_some(), fields.id)
        };
        let body = end.body..end.body;
        let part = Part {
            path,
            parent: place.parent,
            kind,
            charset: declared.lower("charset"),
            flowed: declared.lower("format").as_deref() == Some("flowed"),
            protection: protection::within(place.protection, protection::declared(&content_type, &declared)),
            content_type,
            disposition,
            filename,
            encoding,
            header: start..end.end,
            raw: &[],
            body,
            shown: Shown::default(),
        };
        (part, boundary)
    }

    /// Whether a multipart's boundary delimits anything at all before an enclosing multipart goes on.
    fn occurs(&self, boundary: &[u8], from: usize) -> bool {
        let mut at = from;
        while let Some(line) = self.next_candidate(at) {
            let content = self.raw.get(line.clone()).unwrap_or_default();
            if delimits(content, boundary).is_some() {
                return true;
            }
            let open = self.levels.iter().filter(|level| !level.closed);
            if open.into_iter().any(|level| delimits(content, &level.boundary).is_some()) {
                return false;
            }
            at = line.end;
        }
        false
    }

    /// The next line that could be a delimiter: it starts with `--`. `at` is where a line starts.
    fn next_candidate(&self, at: usize) -> Option<Range<usize>> {
        let rest = self.raw.get(at..)?;
        let start = if rest.starts_with(b"--") { at } else { dashes::behind(self.raw, self.dashes, at)? };
        header::line_at(self.raw, start)
    }

    fn next_delimiter(&self) -> Option<Delimiter> {
        if self.levels.is_empty() {
            return None;
        }
        let mut at = self.at;
        while let Some(line) = self.next_candidate(at) {
            let content = self.raw.get(line.clone()).unwrap_or_default();
            if let Some((level, closes)) = self.level_of(content) {
                return Some(Delimiter { level, line, closes });
            }
            at = line.end;
        }
        None
    }

    /// Which multipart a delimiter belongs to: the innermost that is open, else one that is closed already, whose
    /// parts go on after their end: some programs show them.
    fn level_of(&self, line: &[u8]) -> Option<(usize, bool)> {
        let find = |closed: bool| {
            let levels = self.levels.iter().enumerate().rev().filter(|(_, level)| level.closed == closed);
            levels
                .into_iter()
                .find_map(|(index, level)| delimits(line, &level.boundary).map(|closes| (index, closes)))
        };
        find(false).or_else(|| find(true))
    }

    fn finish(mut self) -> Vec<Part<'x>> {
        for level in self.levels.iter().filter(|level| !level.closed) {
            note(self.coverage, &self.parts, level.part);
        }
        while let Some(part) = self.open.pop() {
            close(self.raw, self.parts.get_mut(part), self.raw.len());
        }
        for part in &mut self.parts {
            let outer = part.protection;
            part.protection = protection::within(outer, protection::found(part));
        }
        let encrypted = |part: &Part<'_>| part.protection == Protection::Encrypted;
        for part in self.parts.iter().filter(|part| encrypted(part)) {
            let container = part.parent.and_then(|parent| self.parts.get(parent));
            if !container.is_some_and(encrypted) {
                self.coverage.note(Gap::Encrypted, part.path.clone());
            }
        }
        self.parts
    }
}

fn note(coverage: &mut Coverage, parts: &[Part<'_>], index: usize) {
    if let Some(part) = parts.get(index) {
        coverage.note(Gap::Damaged, part.path.clone());
    }
}

/// Sets where a part's body ends, and says where its container's ends: no earlier, though the line break before the
/// delimiter may be the blank line of an empty part.
fn close<'x>(raw: &'x [u8], part: Option<&mut Part<'x>>, end: usize) -> usize {
    let Some(part) = part else { return end };
    part.body.end = end.max(part.body.start);
    part.raw = raw.get(part.body.clone()).unwrap_or_default();
    part.body.end
}

/// Whether the line delimits parts at that boundary, and if so whether it is the closing one. The boundary must be
/// the whole of the line but for space that transport added (RFC 2046 §5.1.1): it may begin another's.
fn delimits(line: &[u8], boundary: &[u8]) -> Option<bool> {
    let after = line.strip_prefix(b"--")?.strip_prefix(boundary)?.trim_ascii_end();
    match after {
        b"" => Some(false),
        b"--" => Some(true),
        _ => None,
    }
}

/// The line break before a delimiter is the delimiter's (RFC 2046 §5.1.1).
fn before_line_end(raw: &[u8], at: usize) -> usize {
    let before = raw.get(..at).unwrap_or_default();
    let before = before.strip_suffix(b"\n").map_or(before, |cut| cut.strip_suffix(b"\r").unwrap_or(cut));
    before.len()
}

fn disposition_of(main: &str) -> Option<Disposition> {
    match main {
        "" => None,
        "inline" => Some(Disposition::Inline),
        // RFC 2183 §2.8: unknown ones are treated as attachments.
        _ => Some(Disposition::Attachment),
    }
}

/// The type, and whether what was declared is none (RFC 2045 §5.2).
fn content_type<'x>(declared: &Value<'x>, place: &Place<'_>, is_declared: bool) -> (Cow<'x, str>, bool) {
    let fine = declared
        .main
        .split_once('/')
        .is_some_and(|(kind, subtype)| !kind.is_empty() && !subtype.is_empty() && !subtype.contains('/'));
    match (fine, place.shape == Shape::Digest && !is_declared) {
        (true, _) => (declared.main.clone(), false),
        (false, true) => (Cow::Borrowed("message/rfc822"), false),
        (false, false) => (Cow::Borrowed("text/plain"), is_declared),
    }
}

fn is_message(content_type: &str) -> bool {
    matches!(content_type, "message/rfc822" | "message/global" | "message/news")
}

const fn is_encoded(encoding: TransferEncoding) -> bool {
    matches!(encoding, TransferEncoding::QuotedPrintable | TransferEncoding::Base64)
}

/// The encoding, and whether it is known.
fn transfer_encoding(value: &[u8]) -> (TransferEncoding, bool) {
    let main = Value::parse(value).main;
    let encoding = match &*main {
        "7bit" | "" => TransferEncoding::SevenBit,
        "8bit" => TransferEncoding::EightBit,
        "binary" => TransferEncoding::Binary,
        "quoted-printable" => TransferEncoding::QuotedPrintable,
        "base64" => TransferEncoding::Base64,
        _ => TransferEncoding::Unknown,
    };
    (encoding, encoding != TransferEncoding::Unknown)
}

fn shape<'x>(content_type: &str, declared: Option<&'x [u8]>) -> Shape<'x> {
    match content_type {
        "multipart/digest" => Shape::Digest,
        "multipart/related" => Shape::Related(declared.and_then(|value| Value::parse(value).token("start"))),
        _ => Shape::Mixed,
    }
}

/// Whether mail programs show a part in the message (after RFC 8621 §4.1.4, which says what they do).
fn leaf_kind(
    place: &Place<'_>,
    content_type: &str,
    disposition: Option<Disposition>,
    named: bool,
    id: Option<&[u8]>,
) -> PartKind {
    let displayed = match content_type {
        "text/html" => PartKind::DisplayedHtml,
        "text/plain" => PartKind::DisplayedText,
        // A multipart that cannot be taken apart is shown as the text that it is.
        other if other.starts_with("multipart/") => PartKind::DisplayedText,
        _ => return PartKind::Attachment,
    };
    let first = place.number.is_none_or(|number| number == 1);
    let shown = match (&place.shape, disposition) {
        _ if place.nested => false,
        (_, Some(Disposition::Attachment)) => false,
        (Shape::Related(Some(start)), _) => {
            first || id.is_some_and(|id| id.trim_ascii() == start.trim_ascii())
        }
        (Shape::Related(None), _) => first,
        (_, Some(Disposition::Inline)) => true,
        (_, None) => first || !named,
    };
    if shown { displayed } else { PartKind::Attachment }
}
