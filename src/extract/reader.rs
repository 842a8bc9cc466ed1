//! Goes through a message's parts and makes their texts, within the caps. Knows each kind of part, no content.

use std::borrow::Cow;

use memchr::{memchr2, memmem};

use super::flowed::{self, SoftSpace};
use super::same::say_the_same;
use super::zones::{self, Zoned};
use super::{Extraction, Text, cms, html};
use crate::limits::Limits;
use crate::message::{Field, Message, Part, PartKind, Value, charset, decode_words};
use crate::verdict::{Coverage, Gap, PartPath, Protection, Zone};

/// The fields that zone `header` has: what people read, and what senders write themselves.
const HEADER_FIELDS: [&str; 8] =
    ["from", "to", "cc", "reply-to", "sender", "comments", "keywords", "organization"];

/// What `Text::place` says where hidden text follows the visible.
const WITH_HIDDEN: &str = "with hidden text";

/// See [`Extraction::read`].
pub(super) fn read(message: &Message<'_>, limits: &Limits) -> Extraction {
    let coverage = message.coverage.clone();
    let mut reader = Reader { limits, texts: Vec::with_capacity(8), coverage, left: limits.text_bytes };
    reader.header(&message.header, None);
    let alternatives = alternatives(message);
    let mut displayed = Vec::new();
    for (part, alternative) in message.parts.iter().zip(alternatives) {
        match part.kind {
            PartKind::DisplayedText | PartKind::DisplayedHtml => {
                let (zoned, place) = reader.displayed(message, part);
                displayed.push(Displayed { part, alternative, zoned, place });
            }
            PartKind::Message => reader.message(message, part),
            PartKind::Attachment => reader.attachment(message, part, alternative),
            PartKind::Container => {}
        }
        if let Some(name) = &part.filename {
            reader.add(Zone::Filename, part.path.clone(), None, name.clone());
        }
    }
    let redundant: Vec<bool> = displayed.iter().map(|one| is_redundant(one, &displayed)).collect();
    for (one, redundant) in displayed.into_iter().zip(redundant) {
        if redundant {
            continue;
        }
        let Displayed { part, alternative, zoned, place } = one;
        let zones =
            [(Zone::Quoted, zoned.quoted), (Zone::Signature, zoned.signature), (Zone::Body, zoned.body)];
        for (zone, text) in zones {
            reader.add(zone, part.path.clone(), alternative, text);
        }
        if let Some(body) =
            reader.texts.last_mut().filter(|text| text.zone == Zone::Body && text.part == part.path)
        {
            body.place = place.map(str::to_owned);
        }
    }
    reader.texts.sort_by(|a, b| (&a.part, a.zone).cmp(&(&b.part, b.zone)));
    Extraction { texts: reader.texts, coverage: reader.coverage }
}

/// A displayed part with its text.
struct Displayed<'m, 'x> {
    part: &'m Part<'x>,
    alternative: Option<u16>,
    zoned: Zoned,
    place: Option<&'static str>,
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
    texts: Vec<Text>,
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
            self.texts.push(Text { zone, part, place: None, alternative, text });
        }
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

    /// The zones of a displayed part, and what is to be said of the body's place.
    fn displayed(&mut self, message: &Message<'_>, part: &Part<'_>) -> (Zoned, Option<&'static str>) {
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
        zoned.body.push_str(&clean(page.hidden.into()));
        (zoned, Some(WITH_HIDDEN))
    }

    fn attachment(&mut self, message: &Message<'_>, part: &Part<'_>, alternative: Option<u16>) {
        if is_cms(part) {
            return self.cms(part);
        }
        let Some(kind) = readable(part) else { return };
        let bytes = self.decoded(part);
        if kind == Readable::Message {
            return self.encoded_message(part, &bytes);
        }
        if !part.content_type.starts_with("text/") && looks_binary(&bytes) {
            return;
        }
        let text = self.text(message, part, &bytes);
        let (text, place) = match kind {
            Readable::Html => {
                let page = html::read(&text);
                let place = (!page.hidden.trim().is_empty()).then_some(WITH_HIDDEN);
                (clean((page.visible + "\n" + &page.hidden).into()), place)
            }
            // RFC 5545 §3.1: long lines are folded anywhere, inside words too.
            Readable::Folded => (clean(text).replace("\n ", "").replace("\n\t", ""), None),
            Readable::Plain | Readable::Message => (clean(text), None),
        };
        self.add(Zone::Attachment, part.path.clone(), alternative, text);
        if let Some(last) = self.texts.last_mut().filter(|last| last.part == part.path) {
            last.place = place.map(str::to_owned);
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
    }

    /// Reads a message that does not lie in the outer message's bytes. All its text is that of the one part.
    fn encoded_message(&mut self, part: &Part<'_>, bytes: &[u8]) {
        let deeper = part.path.depth() + 1;
        let Some(depth) = self.limits.mime_depth.checked_sub(deeper).filter(|depth| *depth > 0) else {
            self.coverage.note(Gap::TooDeep, part.path.clone());
            return;
        };
        let limits = Limits { mime_depth: depth, text_bytes: self.left, ..self.limits.clone() };
        let inner = read(&Message::parse(bytes, &limits), &limits);
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
            None if is_html => charset_of_page(bytes),
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

/// How an attachment's text is had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Readable {
    Plain,
    Html,
    /// Calendars and address cards.
    Folded,
    Message,
}

/// Whether a part that isn't displayed is text, by its type or, where that says nothing, by its name.
fn readable(part: &Part<'_>) -> Option<Readable> {
    match part.content_type.as_str() {
        "text/html" | "application/xhtml+xml" => return Some(Readable::Html),
        "text/calendar" | "text/vcard" | "text/x-vcard" | "application/ics" => return Some(Readable::Folded),
        "application/json" | "application/xml" => return Some(Readable::Plain),
        other if other.starts_with("text/") => return Some(Readable::Plain),
        // Too deep to be followed: the coverage says so.
        "message/rfc822" | "message/global" | "message/news" => return None,
        other if other.starts_with("message/") => return Some(Readable::Plain),
        _ => {}
    }
    let ending = part.filename.as_deref()?.rsplit_once('.')?.1.to_ascii_lowercase();
    match ending.as_str() {
        "txt" | "csv" | "tsv" | "md" | "log" | "json" | "xml" => Some(Readable::Plain),
        "htm" | "html" => Some(Readable::Html),
        "ics" | "vcf" => Some(Readable::Folded),
        "eml" => Some(Readable::Message),
        _ => None,
    }
}

/// Whether a part is a CMS message, by its type or by the name that Outlook gives it.
fn is_cms(part: &Part<'_>) -> bool {
    matches!(part.content_type.as_str(), "application/pkcs7-mime" | "application/x-pkcs7-mime")
        || part.filename.as_deref().is_some_and(|name| name.eq_ignore_ascii_case("smime.p7m"))
}

/// Whether bytes that a name calls text are none.
fn looks_binary(bytes: &[u8]) -> bool {
    let head = bytes.get(..512).unwrap_or(bytes);
    head.contains(&0) && !head.starts_with(b"\xff\xfe") && !head.starts_with(b"\xfe\xff")
}

/// The character set that a page declares of itself, where its part declares none.
fn charset_of_page(bytes: &[u8]) -> Option<String> {
    let head = bytes.get(..1_024).unwrap_or(bytes);
    let at = memmem::find(head, b"charset=")? + b"charset=".len();
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
