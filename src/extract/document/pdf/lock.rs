//! A PDF without anything but its encryption dictionary and its identifier: a password is tried on it as on the whole.

use hayro_syntax::object::{Array, FromBytes};
use hayro_syntax::{Pdf, PdfData};
use memchr::memmem;

use super::open::dictionary_at;
use crate::extract::document::Lock;

/// About how many rounds of hashing an attempt takes (ISO 32000-2 §7.6.4.3.4).
pub(in crate::extract::document) const ROUNDS: u64 = 2_000;
/// Longest dictionary or identifier that is taken over, in bytes.
const LONGEST: usize = 4 << 10;

/// What is kept of the document whose encryption the key `/Encrypt` at that place names.
pub(super) fn of(bytes: &[u8], key: usize) -> Option<Lock> {
    let encryption = dictionary_at(bytes, key)?.data();
    // Keys are made with the first of its two texts (§7.6.4.3.2), and the trailer's is never encrypted (§7.6.2).
    let identifier = memmem::rfind_iter(bytes, b"/ID").find_map(|at| {
        let value = bytes.get(at + b"/ID".len()..)?.trim_ascii_start();
        Some(Array::from_bytes(value.starts_with(b"[").then_some(value)?)?.data())
    });
    let identifier = identifier.unwrap_or_default();
    if encryption.len() > LONGEST || identifier.len() > LONGEST {
        return None;
    }
    Some(Lock::Pdf(document(encryption, identifier)))
}

/// A document of no pages (§7.5).
fn document(encryption: &[u8], identifier: &[u8]) -> Vec<u8> {
    let mut out = b"%PDF-2.0\n".to_vec();
    let mut places = Vec::new();
    for object in [b"<</Type/Catalog/Pages 2 0 R>>".as_slice(), b"<</Type/Pages/Kids[]/Count 0>>", encryption]
    {
        places.push(out.len());
        out.extend_from_slice(format!("{} 0 obj\n", places.len()).as_bytes());
        out.extend_from_slice(object);
        out.extend_from_slice(b"\nendobj\n");
    }
    let table = out.len();
    out.extend_from_slice(b"xref\n0 4\n0000000000 65535 f \n");
    for place in places {
        out.extend_from_slice(format!("{place:010} 00000 n \n").as_bytes());
    }
    out.extend_from_slice(b"trailer\n<</Size 4/Root 1 0 R/Encrypt 3 0 R/ID");
    out.push(b'[');
    out.extend_from_slice(identifier);
    out.extend_from_slice(format!("]>>\nstartxref\n{table}\n%%EOF\n").as_bytes());
    out
}

/// Whether a password opens what stands for a document.
pub(in crate::extract::document) fn opens(bytes: &[u8], password: &str) -> bool {
    Pdf::new_with_password(PdfData::from(bytes.to_vec()), password).is_ok()
}
