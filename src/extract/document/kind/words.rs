//! Which kind of text a text is. Looks at its beginning alone; where nothing is telling it is plain text.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Extent, markup, script, table};
use crate::verdict::Kind;

/// `text` is what is looked at, without its byte-order mark, ASCII where ASCII is meant.
pub(super) fn kind(text: &[u8], extent: Extent) -> Kind {
    let start = text.trim_ascii_start();
    match start.first() {
        None => return Kind::Text,
        Some(b'<') => {
            if let Some(kind) = markup::kind(start) {
                return kind;
            }
        }
        Some(b'{' | b'[') if is_json(start) => return Kind::Json,
        _ => {}
    }
    beginning(start)
        .or_else(|| mail(text))
        .or_else(|| script::is_script(start).then_some(Kind::Script))
        .or_else(|| armour(text))
        .or_else(|| table::is_table(text, extent).then_some(Kind::Csv))
        .unwrap_or(Kind::Text)
}

/// What the text's first characters say alone.
fn beginning(start: &[u8]) -> Option<Kind> {
    const BEGINNINGS: &[(&str, Kind)] = &[
        ("BEGIN:VCALENDAR", Kind::Calendar),
        ("BEGIN:VCARD", Kind::Vcard),
        ("[InternetShortcut]", Kind::UrlShortcut),
        ("[DEFAULT]\r\nBASEURL=", Kind::UrlShortcut),
        ("[Desktop Entry]", Kind::Shortcut),
        ("sep=", Kind::Csv),
        ("ssh-rsa AAAA", Kind::Key),
        ("ssh-ed25519 AAAA", Kind::Key),
        ("PuTTY-User-Key-File-", Kind::Key),
    ];
    BEGINNINGS.iter().find(|(beginning, _)| begins(start, beginning)).map(|(_, kind)| *kind)
}

fn begins(text: &[u8], with: &str) -> bool {
    text.get(..with.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(with.as_bytes()))
}

/// Values of JSON, one or several, or as much of one as there is.
fn is_json(start: &[u8]) -> bool {
    // `[draft]` and `{name}` open many a letter; an object's key and an array's first value look otherwise.
    let inner = start.get(1..).unwrap_or_default().trim_ascii_start();
    let opens = match start.first() {
        Some(b'{') => matches!(inner.first(), Some(b'"' | b'}')),
        _ => {
            matches!(inner.first(), Some(b'"' | b'{' | b'[' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n' | b']'))
        }
    };
    if !opens {
        return false;
    }
    let mut values = serde_json::Deserializer::from_slice(start);
    let first = IgnoredAny::deserialize(&mut values);
    match first {
        // A footnote's number or an empty pair of brackets before prose is no JSON.
        Ok(_) => values.end().is_ok() || start.first() == Some(&b'{') && inner.first() == Some(&b'"'),
        Err(error) => error.is_eof() && (inner.len() > 1),
    }
}

/// Header fields of which two make a message.
const FIELDS: &[&str] = &[
    "received",
    "return-path",
    "delivered-to",
    "x-original-to",
    "from",
    "to",
    "cc",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "content-type",
    "reply-to",
    "sender",
    "dkim-signature",
    "authentication-results",
    "arc-seal",
    "x-mailer",
    "in-reply-to",
    "references",
    "x-mozilla-status",
    "x-spam-checker-version",
    "importance",
    "thread-topic",
];

/// Most lines of a header that are looked at.
const HEADER_LINES: usize = 200;

/// A message, by its header (RFC 5322 §2.2), or several of them, each after a line `From ` (RFC 4155).
pub(super) fn mail(text: &[u8]) -> Option<Kind> {
    if begins(text.trim_ascii_start(), "Content-Type: multipart/") || begins(text, "Content-Type: message/") {
        return Some(Kind::Eml);
    }
    let mut lines = text.split(|byte| *byte == b'\n').map(|line| line.trim_ascii_end()).peekable();
    while lines.next_if(|line| line.is_empty()).is_some() {}
    let postmark = lines.next_if(|line| line.starts_with(b"From ") || line.starts_with(b">From ")).is_some();
    let mut known = 0_u64;
    for line in lines.take(HEADER_LINES) {
        if line.is_empty() {
            break;
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            continue;
        }
        let Some(name) = field_name(line) else {
            // The header is over without an empty line, or this is a letter that begins `From: the head`.
            break;
        };
        if let Some(index) = FIELDS.iter().position(|field| name.eq_ignore_ascii_case(field.as_bytes())) {
            known |= 1 << index;
        }
    }
    match (known.count_ones() >= 2, postmark) {
        (true, true) => Some(Kind::Mbox),
        (true, false) => Some(Kind::Eml),
        (false, _) => None,
    }
}

fn field_name(line: &[u8]) -> Option<&[u8]> {
    let colon = memchr::memchr(b':', line)?;
    let name = line.get(..colon)?.trim_ascii_end();
    (!name.is_empty() && name.iter().all(|byte| byte.is_ascii_graphic())).then_some(name)
}

/// OpenPGP and PEM armour (RFC 9580 §6.2, RFC 7468): at the beginning, or after lines of people or of OpenSSL.
fn armour(text: &[u8]) -> Option<Kind> {
    text.split(|byte| *byte == b'\n').find_map(|line| {
        let label = line.trim_ascii().strip_prefix(b"-----BEGIN ")?.strip_suffix(b"-----")?;
        match label {
            b"PKCS7" | b"CMS" | b"PKCS #7 SIGNED DATA" => Some(Kind::Cms),
            label if label.starts_with(b"PGP ") => Some(Kind::Pgp),
            label => is_key(label).then_some(Kind::Key),
        }
    })
}

fn is_key(label: &[u8]) -> bool {
    [b"KEY".as_slice(), b"CERTIFICATE", b"CERTIFICATE REQUEST", b"CRL", b"PARAMETERS"]
        .iter()
        .any(|ending| label.ends_with(ending))
}
