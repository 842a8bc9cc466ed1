//! Which parts carry files, and what takes care of each: the text reader here, or the inspector. Reads no further than the head.

use memchr::memmem;

use super::document::{SNIFFED, is_named_as_mail, sniff};
use crate::message::{Message, Part, PartKind, TransferEncoding};
use crate::verdict::{Kind, KindGroup, Protection};

/// What takes care of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It is text, and read here: no format, no file inside.
    Text(Kind),
    /// It is a page or a picture in text, whose scripts may bring files: its characters are told here, the rest stands
    /// behind a sandbox.
    Page,
    /// Its format needs a reader that stands behind a sandbox.
    Inspect,
    /// It has no text: what it is is all that is to be known.
    Note(Kind),
    /// It should be a signed or sealed message, and is none that can be read.
    Broken(Kind),
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
    let &(kind, is_binary) = part.shown.head.get_or_init(|| {
        let (head, _, _) = part.decoded_within(SNIFFED);
        (sniff(&head), looks_binary(&head))
    });
    match (kind, kind.group()) {
        (Kind::Html | Kind::Svg, _) => Way::Page,
        (Kind::Text, _) if part.filename.as_deref().is_some_and(is_named_as_mail) => Way::Inspect,
        (Kind::Text, _) => text(declared(part).unwrap_or(Kind::Text)),
        (
            Kind::Xml
            | Kind::Json
            | Kind::Csv
            | Kind::Calendar
            | Kind::Vcard
            | Kind::Script
            | Kind::UrlShortcut,
            _,
        ) => Way::Text(kind),
        (Kind::Unknown, _) => match declared(part) {
            Some(kind) if part.content_type.starts_with("text/") || !is_binary => text(kind),
            _ if is_cms(part) && part.protection != Protection::Encrypted => Way::Broken(kind),
            _ if is_cms(part) || part.filename.as_deref().is_some_and(is_named_as_mail) => Way::Inspect,
            _ => note(kind, part),
        },
        (
            _,
            KindGroup::Document
            | KindGroup::Spreadsheet
            | KindGroup::Presentation
            | KindGroup::Mail
            | KindGroup::Archive
            | KindGroup::Database
            | KindGroup::Crypto,
        )
        | (Kind::Jar | Kind::Apk | Kind::Msi | Kind::Chm, _) => Way::Inspect,
        _ => note(kind, part),
    }
}

/// A file of a kind that no reader takes, unless an archive lies behind it: a program that unpacks itself, a picture that
/// is no mere picture.
fn note(kind: Kind, part: &Part<'_>) -> Way {
    let may_end_as_archive = part.shown.may_end_as_archive.get_or_init(|| may_end_as_archive(part));
    if *may_end_as_archive { Way::Inspect } else { Way::Note(kind) }
}

/// Whether the end of a part may hold the record that ends a zip archive (APPNOTE 4.3.16). It is looked for as it stands
/// in the encoding: most such files are pictures, and decoding them would cost more than the whole sweep.
fn may_end_as_archive(part: &Part<'_>) -> bool {
    /// The record with the longest comment that it may have.
    const RECORD: usize = 22 + 65_535;
    /// As much in base64.
    const ENCODED: usize = RECORD.div_ceil(3) * 4;
    match part.encoding {
        TransferEncoding::Base64 => {
            let letters = part.last_base64_letters(ENCODED);
            // "PK\x05\x06" as the first, the second or the third byte of a group begins with it: RFC 4648 §4.
            [b"UEsFB".as_slice(), b"BLBQ", b"QSwUG"]
                .into_iter()
                .any(|written| memmem::find(&letters, written).is_some())
        }
        // Rare for such a file, and decoded soon enough.
        TransferEncoding::QuotedPrintable => true,
        _ => {
            let end = part.raw.get(part.raw.len().saturating_sub(RECORD)..);
            memmem::find(end.unwrap_or_default(), b"PK\x05\x06").is_some()
        }
    }
}

/// Whether a part is a CMS message, by its type or by the name that Outlook gives it.
fn is_cms(part: &Part<'_>) -> bool {
    matches!(&*part.content_type, "application/pkcs7-mime" | "application/x-pkcs7-mime")
        || part.filename.as_deref().is_some_and(|name| name.eq_ignore_ascii_case("smime.p7m"))
}

const fn text(kind: Kind) -> Way {
    match kind {
        Kind::Html => Way::Page,
        kind => Way::Text(kind),
    }
}

/// What a part that isn't displayed says that it is, by its type or, where that says nothing, by its name; none where
/// that is no text.
fn declared(part: &Part<'_>) -> Option<Kind> {
    match &*part.content_type {
        "text/html" | "application/xhtml+xml" => return Some(Kind::Html),
        "text/calendar" | "application/ics" => return Some(Kind::Calendar),
        "text/vcard" | "text/x-vcard" => return Some(Kind::Vcard),
        "application/json" => return Some(Kind::Json),
        "application/xml" => return Some(Kind::Xml),
        other if other.starts_with("text/") => return Some(Kind::Text),
        // Too deep to be followed: the coverage says so.
        "message/rfc822" | "message/global" | "message/news" => return None,
        other if other.starts_with("message/") => return Some(Kind::Text),
        _ => {}
    }
    let ending = part.filename.as_deref()?.rsplit_once('.')?.1.to_ascii_lowercase();
    match ending.as_str() {
        "txt" | "csv" | "tsv" | "md" | "log" => Some(Kind::Text),
        "json" => Some(Kind::Json),
        "xml" => Some(Kind::Xml),
        "htm" | "html" => Some(Kind::Html),
        "ics" => Some(Kind::Calendar),
        "vcf" => Some(Kind::Vcard),
        _ => None,
    }
}

/// Whether bytes that a name calls text are none.
fn looks_binary(bytes: &[u8]) -> bool {
    let head = bytes.get(..512).unwrap_or(bytes);
    head.contains(&0) && !head.starts_with(b"\xff\xfe") && !head.starts_with(b"\xfe\xff")
}
