//! Reads mail in files: a message, or several in an mbox. Its attachments are opened as files of their own.

use super::super::decoded;
use super::super::files::carries_one;
use super::super::html;
use super::super::same::say_the_same;
use super::super::zones::{self, Zoned};
use super::Place;
use super::reading::{Outcome, Reading, Stop};
use crate::limits::Limits;
use crate::message::{Message, Part, PartKind};
use crate::verdict::{Gap, Kind, Protection};

/// Reads a message (RFC 5322), or a part of one with its header.
pub(super) fn message(bytes: &[u8], reading: &mut Reading<'_>) -> Outcome {
    let bytes = without_postmark(bytes);
    // Messages inside are opened as files, which counts their depth.
    let limits = Limits { message_bytes: bytes.len(), ..reading.limits.clone() };
    let message = Message::parse(bytes, &limits);
    for entry in &message.coverage.gaps {
        reading.gap(entry.gap);
    }
    protection(&message, reading);
    let header = decoded::header(&message.header);
    header.gaps.iter().for_each(|gap| reading.gap(*gap));
    reading.text(Place::Subject, &header.subject)?;
    reading.text(Place::MailHeader, &header.fields)?;
    let mut inner = Inner { message: &message, plain: Vec::new() };
    for (index, part) in message.parts.iter().enumerate() {
        // The parts of a message inside are read when it is opened.
        if !inner.is_inside_message(part) {
            inner.part(index, part, reading)?;
        }
    }
    Ok(())
}

/// Reads an mbox (RFC 4155): messages that each begin with a line `From ` after an empty one.
pub(super) fn mbox(bytes: &[u8], reading: &mut Reading<'_>) -> Outcome {
    let begins = memchr::memmem::find_iter(bytes, b"From ").filter(|at| {
        let before = bytes.get(..*at).unwrap_or_default();
        before.is_empty() || before.ends_with(b"\n\n") || before.ends_with(b"\n\r\n")
    });
    let begins: Vec<usize> = begins.take(reading.limits.document_entries).collect();
    let ends = begins.iter().skip(1).copied().chain([bytes.len()]);
    for (number, (begin, end)) in begins.iter().zip(ends).enumerate() {
        let message = bytes.get(*begin..end).unwrap_or_default();
        reading.open_as(Some(&format!("message {}", number + 1)), Kind::Eml, message)?;
    }
    Ok(())
}

/// The message from its header on: an mbox's line before it is none of it.
fn without_postmark(bytes: &[u8]) -> &[u8] {
    if !bytes.starts_with(b"From ") && !bytes.starts_with(b">From ") {
        return bytes;
    }
    memchr::memchr(b'\n', bytes).and_then(|end| bytes.get(end + 1..)).unwrap_or_default()
}

/// What the message is protected by: as a whole, or some of what it shows.
fn protection(message: &Message<'_>, reading: &mut Reading<'_>) {
    let top = message.parts.first().map_or(Protection::None, |part| part.protection);
    let shown = message.parts.iter().filter(|part| is_shown(part));
    let sealed = |part: &Part<'_>| part.protection == Protection::Encrypted;
    let (all, some) =
        shown.fold((true, false), |(all, some), part| (all && sealed(part), some || sealed(part)));
    if top == Protection::Encrypted || (all && some) {
        reading.protection(Protection::Encrypted);
    } else if some {
        reading.protection(Protection::Partly);
    } else if top == Protection::Signed {
        reading.protection(Protection::Signed);
    }
}

const fn is_shown(part: &Part<'_>) -> bool {
    matches!(part.kind, PartKind::DisplayedText | PartKind::DisplayedHtml)
}

struct Inner<'m, 'x> {
    message: &'m Message<'x>,
    /// The plain texts so far, with the part that each stands in.
    plain: Vec<(Option<usize>, Zoned)>,
}

impl Inner<'_, '_> {
    fn is_inside_message(&self, part: &Part<'_>) -> bool {
        let mut parent = part.parent;
        while let Some(outer) = parent.and_then(|parent| self.message.parts.get(parent)) {
            if outer.kind == PartKind::Message {
                return true;
            }
            parent = outer.parent;
        }
        false
    }

    fn part(&mut self, index: usize, part: &Part<'_>, reading: &mut Reading<'_>) -> Outcome {
        match part.kind {
            PartKind::DisplayedText | PartKind::DisplayedHtml => self.shown(part, reading),
            PartKind::Container => Ok(()),
            PartKind::Message => {
                let bytes = self.bytes(part, reading)?;
                let name = part.filename.clone().unwrap_or_else(|| "message.eml".to_owned());
                reading.open_as(Some(&name), Kind::Eml, &bytes)
            }
            PartKind::Attachment if !carries_one(self.message, part) => Ok(()),
            // It says that the next part is sealed, and nothing else (RFC 3156 §4).
            PartKind::Attachment if part.content_type == "application/pgp-encrypted" => Ok(()),
            PartKind::Attachment => self.attachment(index, part, reading),
        }
    }

    fn shown(&mut self, part: &Part<'_>, reading: &mut Reading<'_>) -> Outcome {
        let bytes = self.bytes(part, reading)?;
        let (text, gap) = decoded::text(self.message, part, &bytes);
        if let Some(gap) = gap {
            reading.gap(gap);
        }
        if part.kind == PartKind::DisplayedText {
            reading.text(Place::Body, &text)?;
            self.plain.push((part.parent, zones::split(&text, &[])));
            return Ok(());
        }
        let page = html::read(&text);
        let zoned = zones::split(&page.visible, &page.marks);
        // The same said twice is read once.
        let is_said = self.plain.iter().any(|(parent, plain)| {
            *parent == part.parent && self.is_alternative(*parent) && say_the_same(plain, &zoned)
        });
        if !is_said {
            reading.text(Place::Body, &page.visible)?;
        }
        reading.text(Place::Hidden, &page.hidden)
    }

    fn is_alternative(&self, part: Option<usize>) -> bool {
        let part = part.and_then(|part| self.message.parts.get(part));
        part.is_some_and(|part| part.content_type == "multipart/alternative")
    }

    fn attachment(&self, index: usize, part: &Part<'_>, reading: &mut Reading<'_>) -> Outcome {
        let bytes = self.bytes(part, reading)?;
        let name = part.filename.clone().unwrap_or_else(|| format!("part {}", index + 1));
        // Text that says which characters it has loses that as a file; it goes on in UTF-8.
        if part.content_type.starts_with("text/") && part.charset.is_some() {
            let (text, gap) = decoded::text(self.message, part, &bytes);
            if let Some(gap) = gap {
                reading.gap(gap);
            }
            return reading.open(Some(&name), text.as_bytes());
        }
        reading.open(Some(&name), &bytes)
    }

    /// A part's bytes, within the caps.
    fn bytes<'x>(
        &self,
        part: &Part<'x>,
        reading: &mut Reading<'_>,
    ) -> Result<std::borrow::Cow<'x, [u8]>, Stop> {
        reading.may_go_on()?;
        let cap = usize::try_from(reading.limits.entry_bytes).unwrap_or(usize::MAX);
        let (bytes, damaged, cut) = part.decoded_within(cap);
        reading.spend(bytes.len() as u64)?;
        if damaged.0 {
            reading.gap(Gap::Damaged);
        }
        if cut.0 {
            reading.gap(Gap::TooLarge);
        }
        Ok(bytes)
    }
}
