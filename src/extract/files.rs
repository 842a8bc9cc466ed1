//! Which parts carry files, and what takes care of each: the text reader here, or the inspector. Reads no further than the head.

use super::document::{SNIFFED, sniff};
use crate::message::{Message, Part, PartKind};
use crate::verdict::{Kind, KindGroup, Protection};

/// What takes care of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It is text, and read here.
    Text(Kind, Readable),
    /// Its format needs a reader that stands behind a sandbox.
    Inspect,
    /// It has no text: what it is is all that is to be known.
    Note(Kind),
    /// It should be a signed or sealed message, and is none that can be read.
    Broken(Kind),
}

/// How an attachment's text is had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readable {
    Plain,
    Html,
    /// Calendars and address cards.
    Folded,
}

/// Whether a part is what people call an attachment: no container, no text that is displayed, no detached signature, and
/// of the messages inside the message only those whose parts don't follow by themselves.
pub(super) fn carries_one(message: &Message<'_>, part: &Part<'_>) -> bool {
    match part.kind {
        PartKind::Attachment => !part.content_type.ends_with("-signature"),
        PartKind::Message => !message.parts.iter().any(|below| {
            below
                .parent
                .and_then(|parent| message.parts.get(parent))
                .is_some_and(|parent| std::ptr::eq(parent, part))
        }),
        _ => false,
    }
}

/// What takes care of the file in a part: what its first bytes are decides, and where they say nothing, what the part
/// says of itself.
pub(super) fn way(part: &Part<'_>) -> Way {
    let (head, _, _) = part.decoded_within(SNIFFED);
    let kind = sniff(&head);
    match (kind, kind.group()) {
        (Kind::Html, _) => Way::Text(kind, Readable::Html),
        (Kind::Calendar | Kind::Vcard, _) => Way::Text(kind, Readable::Folded),
        (Kind::Text, _) => Way::Text(declared_text(part), readable(part).unwrap_or(Readable::Plain)),
        (Kind::Xml | Kind::Json | Kind::Csv | Kind::Svg, _) => Way::Text(kind, Readable::Plain),
        (Kind::Unknown, _) => match readable(part) {
            Some(readable) if part.content_type.starts_with("text/") || !looks_binary(&head) => {
                Way::Text(declared_text(part), readable)
            }
            _ if is_cms(part) && part.protection != Protection::Encrypted => Way::Broken(kind),
            _ => Way::Note(kind),
        },
        (
            _,
            KindGroup::Document
            | KindGroup::Spreadsheet
            | KindGroup::Presentation
            | KindGroup::Mail
            | KindGroup::Archive
            | KindGroup::Crypto,
        )
        | (Kind::Jar | Kind::Apk | Kind::Msi, _) => Way::Inspect,
        _ => Way::Note(kind),
    }
}

/// Whether a part is a CMS message, by its type or by the name that Outlook gives it.
fn is_cms(part: &Part<'_>) -> bool {
    matches!(part.content_type.as_str(), "application/pkcs7-mime" | "application/x-pkcs7-mime")
        || part.filename.as_deref().is_some_and(|name| name.eq_ignore_ascii_case("smime.p7m"))
}

/// The kind of a text that its first bytes don't tell from any other.
fn declared_text(part: &Part<'_>) -> Kind {
    match readable(part) {
        Some(Readable::Html) => Kind::Html,
        Some(Readable::Folded) if part.content_type == "text/calendar" => Kind::Calendar,
        Some(Readable::Folded) => Kind::Vcard,
        _ => Kind::Text,
    }
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
        _ => None,
    }
}

/// Whether bytes that a name calls text are none.
fn looks_binary(bytes: &[u8]) -> bool {
    let head = bytes.get(..512).unwrap_or(bytes);
    head.contains(&0) && !head.starts_with(b"\xff\xfe") && !head.starts_with(b"\xfe\xff")
}
