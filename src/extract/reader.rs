//! Goes through a message's parts and makes their texts, within the caps. Knows each kind of part, no content.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::decoded::{self, clean};
use super::document::{Inspection, Inspector, Item, Lock, MOST_LOCKS, Mark, Place, Places, read_text, sniff};
use super::files::{self, Way};
use super::passwords;
use super::same::say_the_same;
use super::zones::{self, Zoned};
use super::{Extraction, File, MOST_PASSWORDS, Text, html};
use crate::limits::Limits;
use crate::message::{Field, Message, Part, PartKind};
use crate::verdict::{Coverage, Gap, Kind, PartPath, Protection, Zone};

/// See [`Extraction::read`].
pub(super) fn read(message: &Message<'_>, limits: &Limits, inspector: &dyn Inspector) -> Extraction {
    let coverage = message.coverage.clone();
    let left = limits.text_bytes;
    let mut reader = Reader {
        limits,
        inspector,
        texts: Vec::with_capacity(8),
        files: Vec::new(),
        coverage,
        locks: Vec::new(),
        left,
        passwords: None,
    };
    reader.header(&message.header, None);
    let alternatives = alternatives(message);
    let mut displayed: SmallVec<[Displayed<'_, '_>; 2]> = SmallVec::new();
    for (part, alternative) in message.parts.iter().zip(&alternatives) {
        if matches!(part.kind, PartKind::DisplayedText | PartKind::DisplayedHtml) {
            let (zoned, hidden) = reader.displayed(message, part);
            displayed.push(Displayed { part, alternative: *alternative, zoned, hidden });
        }
    }
    // What people see is read first: a password in it may open an attachment.
    for (part, alternative) in message.parts.iter().zip(alternatives) {
        match part.kind {
            PartKind::Message => reader.message(message, part, &displayed),
            PartKind::Attachment => reader.attachment(message, part, alternative, &displayed),
            PartKind::DisplayedText | PartKind::DisplayedHtml | PartKind::Container => {}
        }
        reader.names(part);
    }
    let redundant: SmallVec<[bool; 8]> = displayed.iter().map(|one| is_redundant(one, &displayed)).collect();
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
    Extraction { texts: reader.texts, files: reader.files, coverage: reader.coverage, locks: reader.locks }
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
fn alternatives(message: &Message<'_>) -> SmallVec<[Option<u16>; 8]> {
    let mut inside: SmallVec<[Option<u16>; 8]> = SmallVec::with_capacity(message.parts.len());
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
    locks: Vec<(PartPath, Lock)>,
    /// Bytes of text that the message may still have.
    left: usize,
    /// Words of the message that may be the password of an attachment, once one is inspected.
    passwords: Option<Vec<String>>,
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

    /// Words of the subject and of what is displayed that may be passwords.
    fn candidates(&self, displayed: &[Displayed<'_, '_>]) -> Vec<String> {
        let subject =
            self.texts.iter().filter(|text| text.zone == Zone::Subject).map(|text| text.text.as_str());
        let shown = displayed.iter().flat_map(|one| [one.zoned.body.as_str(), one.zoned.quoted.as_str()]);
        passwords::candidates(&shown.chain(subject).collect::<Vec<_>>(), MOST_PASSWORDS)
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
        let text = decoded::header(header);
        for gap in text.gaps {
            self.coverage.note(gap, path.clone());
        }
        if inside.is_some() {
            self.add(Zone::Attachment, path, None, text.subject + &text.fields);
        } else {
            self.add(Zone::Subject, path.clone(), None, text.subject);
            self.add(Zone::Header, path, None, text.fields);
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

    fn attachment(
        &mut self,
        message: &Message<'_>,
        part: &Part<'_>,
        alternative: Option<u16>,
        displayed: &[Displayed<'_, '_>],
    ) {
        if !files::carries_one(message, part) {
            return;
        }
        match files::way(part) {
            Way::Inspect => self.inspect(part, displayed),
            Way::Page => {
                let text = self.marked_text(message, part);
                let found = self.inspector.inspect(part.filename.as_deref(), text.as_bytes());
                self.take_text(part, alternative, found);
            }
            Way::Text(kind) => {
                let text = self.marked_text(message, part);
                let found = read_text(kind, part.filename.as_deref(), text.as_bytes(), self.limits);
                self.take_text(part, alternative, found);
            }
            Way::Note(kind) => self.note(kind, part),
            Way::Broken(kind) => {
                self.coverage.note(Gap::Damaged, part.path.clone());
                self.note(kind, part);
            }
        }
    }

    /// The part's text, by the characters that it declares, under the mark that says that it is UTF-8 now.
    fn marked_text(&mut self, message: &Message<'_>, part: &Part<'_>) -> String {
        let bytes = self.decoded(part);
        let text = self.text(message, part, &bytes);
        ["\u{feff}", text.strip_prefix('\u{feff}').unwrap_or(&text)].concat()
    }

    /// Notes a file of which no more is to be read than is known of it.
    fn note(&mut self, kind: Kind, part: &Part<'_>) {
        let mut item = Item::new(kind, part.filename.as_deref(), None);
        item.protection = match (part.protection, kind) {
            (Protection::None, Kind::Unknown) => Protection::Unknown,
            (protection, _) => protection,
        };
        self.files.push(File { part: part.path.clone(), item, gaps: Vec::new() });
    }

    /// Has a file inspected.
    fn inspect(&mut self, part: &Part<'_>, displayed: &[Displayed<'_, '_>]) {
        if self.passwords.is_none() {
            self.passwords = Some(self.candidates(displayed));
        }
        let cap = usize::try_from(self.limits.entry_bytes).unwrap_or(usize::MAX);
        let (bytes, damaged, cut) = part.decoded_within(cap);
        if damaged.0 {
            self.coverage.note(Gap::Damaged, part.path.clone());
        }
        let name = part.filename.as_deref();
        let found = if cut.0 {
            Inspection::failed(sniff(&bytes), name, part.decoded_size(), Gap::TooLarge)
        } else {
            self.inspector.inspect_with(name, &bytes, self.passwords.as_deref().unwrap_or_default())
        };
        self.take(part, None, found);
    }

    /// Takes what was found in a part's text, whose size is that of the part and not of what was made of it.
    fn take_text(&mut self, part: &Part<'_>, alternative: Option<u16>, mut found: Inspection) {
        if let Some(item) = found.items.first_mut() {
            item.size = None;
        }
        self.take(part, alternative, found);
    }

    /// Takes what was found in a part's file and in the files inside it.
    fn take(&mut self, part: &Part<'_>, alternative: Option<u16>, found: Inspection) {
        let room = MOST_LOCKS.saturating_sub(self.locks.len());
        self.locks.extend(found.locks.into_iter().take(room).map(|lock| (part.path.clone(), lock)));
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
        self.add(Zone::Attachment, part.path.clone(), alternative, found.text);
        if let Some(text) = self.texts.get_mut(before) {
            text.places = found.places;
        }
    }

    /// A message inside the message. Its parts follow where it isn't encoded; else they are read here.
    fn message(&mut self, message: &Message<'_>, part: &Part<'_>, displayed: &[Displayed<'_, '_>]) {
        let below = message.parts.iter().find(|below| {
            below.parent.and_then(|parent| message.parts.get(parent)).is_some_and(|it| std::ptr::eq(it, part))
        });
        if let Some(top) = below {
            let fields = message.fields_of(top);
            self.header(&fields, Some(&part.path));
        } else {
            return self.inspect(part, displayed);
        }
        self.note(Kind::Eml, part);
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

    /// The text of a part's bytes.
    fn text<'b>(&mut self, message: &Message<'_>, part: &Part<'_>, bytes: &'b [u8]) -> Cow<'b, str> {
        let (text, gap) = decoded::text(message, part, bytes);
        if let Some(gap) = gap {
            self.coverage.note(gap, part.path.clone());
        }
        text
    }
}

/// Whether a part that carries a file is read as text, and by no inspector.
pub(super) fn is_read_here(part: &Part<'_>) -> bool {
    matches!(files::way(part), Way::Text(_))
}

/// Whether an inspector may be asked about a part that carries a file.
pub(super) fn may_inspect(part: &Part<'_>) -> bool {
    part.kind == PartKind::Message || matches!(files::way(part), Way::Inspect | Way::Page)
}
