//! Which parts of a message take a disclaimer, and what forbids it. Reads the structure; never changes it.

use std::collections::HashSet;

use memchr::memmem;

use crate::message::{Disposition, Message, Part, PartKind};
use crate::respond::header::{HeaderLines, parameters};
use crate::verdict::{Gap, PartPath, Protection};

/// Why a message cannot take a disclaimer in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Barrier {
    /// Signed: any change would break the signature.
    Signed,
    /// Encrypted.
    Encrypted,
    /// An invitation to a meeting, or an answer to one (RFC 6047): calendar programs read it.
    Calendar,
    /// A fragment of a message, or a pointer to one elsewhere (RFC 2046 §5.2.2 and §5.2.3).
    Partial,
    /// A report on other mail, such as a bounce or a receipt (RFC 6522): programs read it.
    Report,
    /// The structure or an encoding is broken, or larger than is looked at.
    Damaged,
    /// The text's character set is unknown.
    UnknownCharset,
    /// No text is displayed, a picture alone for instance.
    NoText,
}

impl Barrier {
    /// What it is, for people: completes "it cannot carry the disclaimer, because …".
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Signed => "it is signed",
            Self::Encrypted => "it is encrypted",
            Self::Calendar => "it is a calendar invitation",
            Self::Partial => "it is a fragment of a message",
            Self::Report => "it is a report on other mail",
            Self::Damaged => "its structure is damaged",
            Self::UnknownCharset => "its character set is unknown",
            Self::NoText => "it has no text",
        }
    }
}

/// The parts that take the disclaimer; at least one is there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Targets<'m, 'x> {
    pub text: Option<&'m Part<'x>>,
    pub html: Option<&'m Part<'x>>,
}

/// The first displayed text part and the first displayed HTML part.
pub(super) fn targets<'m, 'x>(message: &'m Message<'x>) -> Result<Targets<'m, 'x>, Barrier> {
    let own: Vec<&Part<'x>> = message.parts.iter().filter(|part| !is_within_message(message, part)).collect();
    if let Some(barrier) = own.iter().find_map(|part| forbids(message, part)) {
        return Err(barrier);
    }
    let first = |kind: PartKind| own.iter().copied().find(|part| part.kind == kind && is_body(part));
    let targets = Targets { text: first(PartKind::DisplayedText), html: first(PartKind::DisplayedHtml) };
    let chosen: Vec<&Part<'x>> = [targets.text, targets.html].into_iter().flatten().collect();
    for part in &chosen {
        if let Some(barrier) = protects(message, part) {
            return Err(barrier);
        }
    }
    if is_damaged(message, &own, &chosen) {
        return Err(Barrier::Damaged);
    }
    if chosen.is_empty() {
        return Err(nothing_shown(&own));
    }
    Ok(targets)
}

/// The parts that enclose a part, the nearest first. Ends whatever the tree holds.
fn enclosing<'m, 'x>(message: &'m Message<'x>, part: &'m Part<'x>) -> impl Iterator<Item = &'m Part<'x>> {
    let parent = |part: &Part<'_>| part.parent.and_then(|index| message.parts.get(index));
    std::iter::successors(parent(part), move |part| parent(part)).take(message.parts.len())
}

fn is_within_message(message: &Message<'_>, part: &Part<'_>) -> bool {
    enclosing(message, part).any(|above| above.kind == PartKind::Message)
}

/// A part with a file name is an attachment that is shown, unless it is all that there is.
fn is_body(part: &Part<'_>) -> bool {
    part.disposition != Some(Disposition::Attachment) && (part.filename.is_none() || part.parent.is_none())
}

/// What a part forbids wherever it stands outside of attached messages.
fn forbids(message: &Message<'_>, part: &Part<'_>) -> Option<Barrier> {
    match part.content_type.as_ref() {
        "message/partial" | "message/external-body" if part.parent.is_none() => Some(Barrier::Partial),
        "multipart/report" if part.parent.is_none() => Some(Barrier::Report),
        "text/calendar" if is_invitation(message, part) => Some(Barrier::Calendar),
        _ => None,
    }
}

/// A calendar that is an alternative to the text, or that has a method, is an invitation (RFC 6047 §2.4); one that is
/// merely attached is a file.
fn is_invitation(message: &Message<'_>, part: &Part<'_>) -> bool {
    let above = part.parent.and_then(|index| message.parts.get(index));
    if above.is_none_or(|above| above.content_type == "multipart/alternative") {
        return true;
    }
    let header = HeaderLines::read(message.raw, part.header.clone());
    header.named(message.raw, "content-type").any(|(_, field)| {
        let value = message.raw.get(field.value.clone()).unwrap_or_default();
        parameters(value).iter().any(|parameter| parameter.name == "method")
    })
}

/// What protects a part that would be changed.
fn protects(message: &Message<'_>, part: &Part<'_>) -> Option<Barrier> {
    std::iter::once(part).chain(enclosing(message, part)).find_map(|above| {
        match above.content_type.as_ref() {
            "multipart/signed" => Some(Barrier::Signed),
            "multipart/encrypted" => Some(Barrier::Encrypted),
            _ => match above.protection {
                Protection::Signed => Some(Barrier::Signed),
                Protection::Encrypted => Some(Barrier::Encrypted),
                Protection::None | Protection::Partly | Protection::Unknown => None,
            },
        }
    })
}

/// OpenPGP within the text itself (RFC 9580 §6.2 and §7): its markers start a line, or an element's text.
pub(super) fn inline_pgp(text: &str) -> Option<Barrier> {
    const MARKER: &str = "-----BEGIN PGP ";
    memmem::find_iter(text.as_bytes(), MARKER).find_map(|at| {
        let before = text.as_bytes().get(..at)?.last();
        let rest = text.get(at + MARKER.len()..)?;
        match before {
            None | Some(b'\n' | b'>') if rest.starts_with("MESSAGE") => Some(Barrier::Encrypted),
            None | Some(b'\n' | b'>') if rest.starts_with("SIGNED MESSAGE") => Some(Barrier::Signed),
            _ => None,
        }
    })
}

/// Whether damage touches the structure or the parts that would be changed. A broken attachment is none of it.
fn is_damaged(message: &Message<'_>, own: &[&Part<'_>], chosen: &[&Part<'_>]) -> bool {
    let holds =
        |part: &&&Part<'_>| part.kind == PartKind::Container || part.content_type.starts_with("multipart/");
    let structure: HashSet<&PartPath> = own.iter().filter(holds).map(|part| &part.path).collect();
    let touched = |path: &PartPath| {
        path.depth() == 0 || structure.contains(path) || chosen.iter().any(|part| part.path == *path)
    };
    let gaps = message.coverage.gaps.iter().any(|entry| match entry.gap {
        Gap::Damaged => touched(&entry.part),
        Gap::TooLarge | Gap::TooDeep | Gap::TooManyParts => true,
        _ => false,
    });
    gaps || chosen.iter().any(|part| {
        std::iter::once(*part).chain(enclosing(message, part)).any(|above| is_declared_twice(message, above))
    })
}

/// Which of two declarations holds is for each mail program to guess.
fn is_declared_twice(message: &Message<'_>, part: &Part<'_>) -> bool {
    let header = HeaderLines::read(message.raw, part.header.clone());
    ["content-type", "content-transfer-encoding"]
        .iter()
        .any(|name| header.named(message.raw, name).nth(1).is_some())
}

/// Why nothing is displayed.
fn nothing_shown(own: &[&Part<'_>]) -> Barrier {
    let protection = |wanted: Protection| own.iter().any(|part| part.protection == wanted);
    let kind = |wanted: &str| own.iter().any(|part| part.content_type == wanted);
    if protection(Protection::Encrypted) || kind("multipart/encrypted") {
        Barrier::Encrypted
    } else if protection(Protection::Signed) || kind("multipart/signed") {
        Barrier::Signed
    } else {
        Barrier::NoText
    }
}
