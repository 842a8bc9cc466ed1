//! Signed or encrypted: what a part's type and its first bytes say. Opens nothing, verifies nothing.

use memchr::memmem;

use super::params::Value;
use super::part::{Part, PartKind, TransferEncoding};
use super::transfer;
use crate::verdict::Protection;

/// Bytes of a base64 text that are decoded to look for armour.
const PEEK_TEXT: usize = 64 << 10;
/// Bytes of any other part.
const PEEK_FILE: usize = 512;

/// What a part's type declares (RFC 1847, RFC 3156, RFC 8551 §3.2).
pub(super) fn declared(content_type: &str, value: &Value<'_>) -> Protection {
    match content_type {
        "multipart/signed" => Protection::Signed,
        "multipart/encrypted" | "application/pgp-encrypted" => Protection::Encrypted,
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => match value.lower("smime-type").as_deref() {
            Some("enveloped-data" | "authenveloped-data" | "encrypted-data") => Protection::Encrypted,
            Some("signed-data" | "certs-only") => Protection::Signed,
            _ => Protection::Unknown,
        },
        _ => Protection::None,
    }
}

/// What is known of a part inside another: the outer protection holds, unless the inner is stronger.
pub(super) const fn within(outer: Protection, own: Protection) -> Protection {
    match (outer, own) {
        (Protection::Encrypted, _) | (_, Protection::Encrypted) => Protection::Encrypted,
        (Protection::Signed, _) | (_, Protection::Signed) => Protection::Signed,
        (Protection::Unknown, _) | (_, Protection::Unknown) => Protection::Unknown,
        _ => Protection::None,
    }
}

/// What a part's own bytes show: PGP armour, or the content type of a CMS message.
pub(super) fn found(part: &Part<'_>) -> Protection {
    let is_text = part.content_type.starts_with("text/");
    if matches!(part.kind, PartKind::Container | PartKind::Message) {
        return Protection::None;
    }
    if is_text {
        return match part.encoding {
            TransferEncoding::Base64 => armour(&transfer::base64(part.raw, PEEK_TEXT).bytes),
            // A soft line break starts no line, and a dash may be encoded; the rest of the marker stands as it is.
            TransferEncoding::QuotedPrintable if memmem::find(part.raw, b"BEGIN PGP ").is_none() => {
                Protection::None
            }
            TransferEncoding::QuotedPrintable => {
                armour(&transfer::quoted_printable(part.raw, part.raw.len()).bytes)
            }
            _ => armour(part.raw),
        };
    }
    let name = part.filename.as_deref().unwrap_or_default();
    let is_cms = part.content_type.ends_with("pkcs7-mime") || name.eq_ignore_ascii_case("smime.p7m");
    let head = part.raw.get(..PEEK_FILE * 2).unwrap_or(part.raw);
    let head = match part.encoding {
        TransferEncoding::Base64 => transfer::base64(head, PEEK_FILE).bytes,
        _ => head.to_vec(),
    };
    if is_cms { cms(&head) } else { armour(&head) }
}

/// PGP armour at the start of a line (RFC 9580 §6.2), not in quoted text.
fn armour(text: &[u8]) -> Protection {
    let mut result = Protection::None;
    for at in memmem::find_iter(text, b"-----BEGIN PGP ") {
        let before = text.get(..at).and_then(<[u8]>::last);
        let what = text.get(at + 15..).unwrap_or_default();
        // In HTML a tag may stand before it.
        if !matches!(before, None | Some(b'\n' | b'\r' | b'>')) {
            continue;
        }
        let own = if what.starts_with(b"MESSAGE") {
            Protection::Encrypted
        } else if what.starts_with(b"SIGNED MESSAGE-----") {
            Protection::Signed
        } else {
            Protection::None
        };
        result = within(result, own);
    }
    result
}

/// The content type of a CMS message (RFC 5652 §3): it stands at the start.
fn cms(head: &[u8]) -> Protection {
    const PKCS7: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07";
    const AUTH_ENVELOPED: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17";
    let start = head.get(..64).unwrap_or(head);
    let kind = memmem::find(start, PKCS7).and_then(|at| start.get(at + PKCS7.len()));
    match kind {
        Some(2) => Protection::Signed,
        Some(3 | 6) => Protection::Encrypted,
        _ if memmem::find(start, AUTH_ENVELOPED).is_some() => Protection::Encrypted,
        _ => Protection::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::message::Message;

    #[test]
    fn armour_in_quoted_printable_is_what_it_decodes_to() {
        let found = |body: &str| {
            let raw = format!("Content-Transfer-Encoding: quoted-printable\r\n\r\n{body}");
            Message::parse(raw.as_bytes(), &Limits::default()).parts.first().unwrap().protection
        };
        assert_eq!(found("x\r\n-----BEGIN PGP MESSAGE-----\r\n"), Protection::Encrypted);
        assert_eq!(found("x\r\n=2D----BEGIN PGP SIGNED MESSAGE=2D----\r\n"), Protection::Signed);
        assert_eq!(found("not at a line's start: =\r\n-----BEGIN PGP MESSAGE-----\r\n"), Protection::None);
    }
}
