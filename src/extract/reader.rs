//! Goes through a message's parts and makes their texts, within the caps. Knows each kind of part, no content.

use std::borrow::Cow;

use memchr::{memchr2, memmem};

use super::document::{Inspection, Inspector, Item, Mark, Place, Places, sniff};
use super::files::{self, Readable, Way};
use super::flowed::{self, SoftSpace};
use super::same::say_the_same;
use super::zones::{self, Zoned};
use super::{Extraction, File, Text, cms, html};
use crate::limits::Limits;
use crate::message::{Field, Message, Part, PartKind, Value, charset, decode_words};
use crate::verdict::{Coverage, Gap, Kind, PartPath, Protection, Zone};

/// The fields that zone `header` has: what people read, and what senders write themselves.
const HEADER_FIELDS: [&str; 8] =
    ["from", "to", "cc", "reply-to", "sender", "comments", "keywords", "organization"];

/// See [`Extraction::read`].
pub(super) fn read(message: &Message<'_>, limits: &Limits, inspector: &dyn Inspector) -> Extraction {
    let coverage = message.coverage.clone();
    let left = limits.text_bytes;
    let mut reader =
        Reader { limits, inspector, texts: Vec::with_capacity(8), files: Vec::new(), coverage, left };
    reader.header(&message.header, None);
    let alternatives = alternatives(message);
    let mut displayed = Vec::new();
    for (part, alternative) in message.parts.iter().zip(alternatives) {
        match part.kind {
            PartKind::DisplayedText | PartKind::DisplayedHtml => {
                let (zoned, hidden) = reader.displayed(message, part);
                displayed.push(Displayed { part, alternative, zoned, hidden });
            }
            PartKind::Message => reader.message(message, part),
            PartKind::Attachment => reader.attachment(message, part, alternative),
            PartKind::Container => {}
        }
        reader.names(part);
    }
    let redundant: Vec<bool> = displayed.iter().map(|one| is_redundant(one, &displayed)).collect();
    for (one, redundant) in displayed.into_iter().zip(redundant) {
        if redundant {
            continue;
        }
        let Displayed { part, alternative, zoned, hidden } = one;
        let zones =
            [(Zone::Quoted, zoned.quoted), (Zone::Signature, zoned.signature), (Zone::Body, zoned.body)];
        for (zone, text) in zones {
            reader.add(zone, part.path.clone(), alternative, text);
        }
        reader.hidden_from(Zone::Body, part, hidden);
    }
    reader.texts.sort_by(|a, b| (&a.part, a.zone).cmp(&(&b.part, b.zone)));
    Extraction { texts: reader.texts, files: reader.files, coverage: reader.coverage }
}

/// A displayed part with its text.
struct Displayed<'m, 'x> {
    part: &'m Part<'x>,
    alternative: Option<u16>,
    zoned: Zoned,
    hidden: Option<usize>,
}

/// Whether this is HTML that says nothing that the plain text of its alternative doesn't say.
fn is_redundant(one: &Displayed<'_, '_>, all: &[Displayed<'_, '_>]) -> bool {
    if one.part.kind != PartKind::DisplayedHtml || one.alternative.is_none() {
        return false;
    }
    let mut others = all.iter().filter(|other| {
        other.alternative == one.alternative && !std::ptr::eq::<Part<'_>>(other.part, one.part)
    });
    match (others.next(), others.next()) {
        (Some(plain), None) if plain.part.kind == PartKind::DisplayedText => {
            say_the_same(&plain.zoned, &one.zoned)
        }
        _ => false,
    }
}

/// For each part, the number of the outermost `multipart/alternative` that it is in. Parents come before children.
fn alternatives(message: &Message<'_>) -> Vec<Option<u16>> {
    let mut inside: Vec<Option<u16>> = Vec::with_capacity(message.parts.len());
    let mut count: u16 = 0;
    for part in &message.parts {
        let outer = part.parent.and_then(|parent| inside.get(parent).copied().flatten());
        let own = part.kind == PartKind::Container && part.content_type == "multipart/alternative";
        if outer.is_none() && own {
            count = count.saturating_add(1);
        }
        inside.push(outer.or_else(|| own.then_some(count)));
    }
    inside
}

struct Reader<'m> {
    limits: &'m Limits,
    inspector: &'m dyn Inspector,
    texts: Vec<Text>,
    files: Vec<File>,
    coverage: Coverage,
    /// Bytes of text that the message may still have.
    left: usize,
}

impl Reader<'_> {
    fn add(&mut self, zone: Zone, part: PartPath, alternative: Option<u16>, mut text: String) {
        text.truncate(text.trim_end().len());
        if text.len() > self.left {
            let end = (0..=self.left).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
            text.truncate(end);
            self.coverage.note(Gap::TooMuchText, part.clone());
        }
        self.left -= text.len();
        if !text.is_empty() {
            self.texts.push(Text { zone, part, places: Places::default(), alternative, text });
        }
    }

    /// Says that the part's text in that zone, if it was the last to be added, is hidden from that byte on.
    fn hidden_from(&mut self, zone: Zone, part: &Part<'_>, hidden: Option<usize>) {
        let Some(start) = hidden.and_then(|start| u32::try_from(start).ok()) else { return };
        if let Some(last) = self.texts.last_mut().filter(|last| last.zone == zone && last.part == part.path) {
            let mark = |start, place| Mark { start, item: 0, place };
            last.places.marks = vec![mark(0, Place::Body), mark(start, Place::Hidden)];
        }
    }

    /// The names of a part's file and of the files inside it, a line each.
    fn names(&mut self, part: &Part<'_>) {
        let mut names = part.filename.clone().unwrap_or_default();
        let inside = self.files.iter().rev().take_while(|file| file.part == part.path);
        let entries: Vec<&str> = inside.filter_map(|file| file.item.entry.as_deref()).collect();
        for entry in entries.into_iter().rev() {
            names.push('\n');
            names.push_str(entry);
        }
        self.add(Zone::Filename, part.path.clone(), None, names);
    }

    /// The subject and the other fields: of the message itself, or of one inside it, which lies in that part.
    fn header(&mut self, header: &[Field<'_>], inside: Option<&PartPath>) {
        let path = inside.cloned().unwrap_or_default();
        let mut subject = String::new();
        let mut fields = String::new();
        for field in header {
            if field.is_named("subject") {
                push_words(field.value, &mut subject, &mut self.coverage, &path);
            } else if let Some(name) = HEADER_FIELDS.iter().find(|name| field.is_named(name)) {
                fields.push_str(name);
                fields.push_str(": ");
                push_words(field.value, &mut fields, &mut self.coverage, &path);
            }
        }
        if inside.is_some() {
            self.add(Zone::Attachment, path, None, subject + &fields);
        } else {
            self.add(Zone::Subject, path.clone(), None, subject);
            self.add(Zone::Header, path, None, fields);
        }
    }

    /// The zones of a displayed part, and from which byte of the body on it is hidden.
    fn displayed(&mut self, message: &Message<'_>, part: &Part<'_>) -> (Zoned, Option<usize>) {
        let bytes = self.decoded(part);
        let text = self.text(message, part, &bytes);
        if part.kind == PartKind::DisplayedText {
            return (zones::split(&text, &[]), None);
        }
        let page = html::read(&text);
        let mut zoned = zones::split(&page.visible, &page.marks);
        if page.hidden.trim().is_empty() {
            return (zoned, None);
        }
        let visible = zoned.body.len();
        zoned.body.push_str(&clean(page.hidden.into()));
        (zoned, Some(visible))
    }

    fn attachment(&mut self, message: &Message<'_>, part: &Part<'_>, alternative: Option<u16>) {
        if !files::carries_one(message, part) {
            return;
        }
        if is_cms(part) {
            return self.cms(part);
        }
        match files::way(part) {
            Way::Inspect => self.inspect(part),
            Way::Note(kind) => {
                self.note(Item::new(kind, part.filename.as_deref(), part.decoded_size()), part)
            }
            Way::Text(kind, Readable::Message) => {
                let bytes = self.decoded(part);
                self.encoded_message(part, &bytes);
                self.note(Item::new(kind, part.filename.as_deref(), part.decoded_size()), part);
            }
            Way::Text(kind, readable) => {
                self.attached_text(message, part, alternative, readable);
                self.note(Item::new(kind, part.filename.as_deref(), part.decoded_size()), part);
            }
        }
    }

    fn attached_text(
        &mut self,
        message: &Message<'_>,
        part: &Part<'_>,
        alternative: Option<u16>,
        readable: Readable,
    ) {
        let bytes = self.decoded(part);
        let text = self.text(message, part, &bytes);
        let (text, hidden) = match readable {
            Readable::Html => {
                let page = html::read(&text);
                let visible = clean(page.visible.into());
                let hidden = (!page.hidden.trim().is_empty()).then_some(visible.len() + 1);
                (visible + "\n" + &clean(page.hidden.into()), hidden)
            }
            // RFC 5545 §3.1: long lines are folded anywhere, inside words too.
            Readable::Folded => (clean(text).replace("\n ", "").replace("\n\t", ""), None),
            Readable::Plain | Readable::Message => (clean(text), None),
        };
        self.add(Zone::Attachment, part.path.clone(), alternative, text);
        self.hidden_from(Zone::Attachment, part, hidden);
    }

    /// Notes a file of which no more is to be read than is known of it.
    fn note(&mut self, mut item: Item, part: &Part<'_>) {
        item.protection = part.protection;
        self.files.push(File { part: part.path.clone(), item, gaps: Vec::new() });
    }

    /// Has a file inspected.
    fn inspect(&mut self, part: &Part<'_>) {
        let cap = usize::try_from(self.limits.entry_bytes).unwrap_or(usize::MAX);
        let (bytes, damaged, cut) = part.decoded_within(cap);
        if damaged.0 {
            self.coverage.note(Gap::Damaged, part.path.clone());
        }
        let name = part.filename.as_deref();
        let found = if cut.0 {
            Inspection::failed(sniff(&bytes), name, part.decoded_size(), Gap::TooLarge)
        } else {
            self.inspector.inspect(name, &bytes)
        };
        for (index, mut item) in found.items.into_iter().enumerate() {
            let gaps = found.gaps.iter().filter(|(_, of)| usize::try_from(*of) == Ok(index));
            let gaps: Vec<Gap> = gaps.map(|(gap, _)| *gap).collect();
            for gap in &gaps {
                self.coverage.note(*gap, part.path.clone());
            }
            // What lies in an encrypted part is encrypted, whatever it is by itself.
            if part.protection == Protection::Encrypted {
                item.protection = Protection::Encrypted;
            }
            self.files.push(File { part: part.path.clone(), item, gaps });
        }
        let before = self.texts.len();
        self.add(Zone::Attachment, part.path.clone(), None, found.text);
        if let Some(text) = self.texts.get_mut(before) {
            text.places = found.places;
        }
    }

    /// A signed message in one piece: what was signed is read as a message of its own.
    fn cms(&mut self, part: &Part<'_>) {
        if part.protection == Protection::Encrypted {
            return;
        }
        let bytes = self.decoded(part);
        match cms::signed_content(&bytes) {
            Some(content) => self.encoded_message(part, &content),
            None => self.coverage.note(Gap::Damaged, part.path.clone()),
        }
    }

    /// A message inside the message. Its parts follow where it isn't encoded; else they are read here.
    fn message(&mut self, message: &Message<'_>, part: &Part<'_>) {
        let below = message.parts.iter().find(|below| {
            below.parent.and_then(|parent| message.parts.get(parent)).is_some_and(|it| std::ptr::eq(it, part))
        });
        if let Some(top) = below {
            let fields = message.fields_of(top);
            self.header(&fields, Some(&part.path));
        } else {
            let bytes = self.decoded(part);
            self.encoded_message(part, &bytes);
        }
        self.note(Item::new(Kind::Eml, part.filename.as_deref(), part.decoded_size()), part);
    }

    /// Reads a message that does not lie in the outer message's bytes. All its text is that of the one part.
    fn encoded_message(&mut self, part: &Part<'_>, bytes: &[u8]) {
        let deeper = part.path.depth() + 1;
        let Some(depth) = self.limits.mime_depth.checked_sub(deeper).filter(|depth| *depth > 0) else {
            self.coverage.note(Gap::TooDeep, part.path.clone());
            return;
        };
        let limits = Limits { mime_depth: depth, text_bytes: self.left, ..self.limits.clone() };
        let inner = read(&Message::parse(bytes, &limits), &limits, self.inspector);
        for entry in inner.coverage.gaps {
            self.coverage.note(entry.gap, part.path.clone());
        }
        let mut whole = String::new();
        for text in inner.texts {
            whole.push_str(&text.text);
            whole.push('\n');
        }
        self.add(Zone::Attachment, part.path.clone(), None, whole);
    }

    /// The part's bytes, as far as the caps allow.
    fn decoded<'x>(&mut self, part: &Part<'x>) -> Cow<'x, [u8]> {
        let cap = self.limits.part_text_bytes.min(self.left);
        let (bytes, damaged, cut) = part.decoded_within(cap);
        if damaged.0 {
            self.coverage.note(Gap::Damaged, part.path.clone());
        }
        if cut.0 {
            self.coverage.note(Gap::TooMuchText, part.path.clone());
        }
        bytes
    }

    /// The text of a part's bytes, its soft line breaks undone.
    fn text<'b>(&mut self, message: &Message<'_>, part: &Part<'_>, bytes: &'b [u8]) -> Cow<'b, str> {
        let is_html = part.content_type == "text/html";
        let label = match &part.charset {
            None if is_html => declared_charset(bytes, b"charset="),
            label => label.clone(),
        };
        let decoded = charset::decode(bytes, label.as_deref());
        if let Some(gap) = decoded.gap {
            self.coverage.note(gap, part.path.clone());
        }
        if !part.flowed || is_html {
            return decoded.text;
        }
        let fields = message.fields_of(part);
        let declared = fields.iter().find(|field| field.is_named("content-type"));
        let delsp = declared.and_then(|field| Value::parse(field.value).lower("delsp"));
        let soft = if delsp.as_deref() == Some("yes") { SoftSpace::Deleted } else { SoftSpace::Kept };
        Cow::Owned(flowed::unwrap(&decoded.text, soft))
    }
}

/// A field's value as one line.
fn push_words(value: &[u8], out: &mut String, coverage: &mut Coverage, path: &PartPath) {
    let words = decode_words(value);
    if let Some(gap) = words.gap {
        coverage.note(gap, path.clone());
    }
    out.push_str(&words.text);
    out.push('\n');
}

/// Whether a part is a CMS message, by its type or by the name that Outlook gives it.
/// Whether an inspector may be asked about a part that carries a file, or about files in it.
pub(super) fn may_inspect(part: &Part<'_>) -> bool {
    part.kind == PartKind::Message
        || is_cms(part)
        || matches!(files::way(part), Way::Inspect | Way::Text(_, Readable::Message))
}

fn is_cms(part: &Part<'_>) -> bool {
    matches!(part.content_type.as_str(), "application/pkcs7-mime" | "application/x-pkcs7-mime")
        || part.filename.as_deref().is_some_and(|name| name.eq_ignore_ascii_case("smime.p7m"))
}

/// The character set that a page (`charset=`) or XML (`encoding=`) declares of itself, where nothing else does.
pub(super) fn declared_charset(bytes: &[u8], key: &[u8]) -> Option<String> {
    let head = bytes.get(..1_024).unwrap_or(bytes);
    let at = memmem::find(head, key)? + key.len();
    let value = head.get(at..)?.trim_ascii_start();
    let name: String = value
        .iter()
        .skip_while(|byte| matches!(byte, b'"' | b'\''))
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':' | b'.'))
        .map(|&byte| char::from(byte))
        .collect();
    Some(name).filter(|name| !name.is_empty())
}

/// The text with its lines ended by LF, and without NUL.
fn clean(text: Cow<'_, str>) -> String {
    if memchr2(b'\r', b'\0', text.as_bytes()).is_none() {
        return text.into_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\0' => {}
            '\r' if characters.peek() == Some(&'\n') => {}
            '\r' => out.push('\n'),
            other => out.push(other),
        }
    }
    out
}
