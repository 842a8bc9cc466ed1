//! Opens a PDF and says what its encryption locks (ISO 32000-2 §7.6). Tries the empty password, never another.

use hayro_syntax::object::{Dict, FromBytes, Name, ObjRef, Object};
use hayro_syntax::{Pdf, PdfData};
use memchr::memmem;

use super::super::reading::{Outcome, Reading, Stop};
use super::lock;
use crate::verdict::Gap;

/// What opening a PDF came to.
pub(super) enum Opened {
    /// A password that stands in the message opened it.
    ByMessage(Pdf),
    /// It isn't encrypted.
    Plain(Pdf),
    /// It is encrypted with the empty user password, which every program tries.
    EmptyPassword(Pdf),
    /// Its pages are plain, the files attached to it are encrypted.
    SealedFiles(Pdf),
    /// All of it is encrypted.
    Locked {
        /// Whether the encryption is broken easily: 40-bit RC4.
        weak: bool,
    },
    /// It is too damaged to be a PDF.
    Broken,
}

/// Opens a PDF.
///
/// # Errors
/// When its packed objects unpack to more than the caps allow: the crate below has none.
pub(super) fn open(bytes: &[u8], reading: &mut Reading<'_>) -> Result<Opened, Stop> {
    packed_objects_fit(bytes, reading)?;
    let opened = opened(bytes);
    let Opened::Locked { .. } = opened else { return Ok(opened) };
    if let Some(lock) = encrypt_keys(bytes).into_iter().rev().find_map(|key| lock::of(bytes, key)) {
        reading.lock(lock);
    }
    // Each attempt reads the document's tables again, and hashes a few hundred times (ISO 32000-2 §7.6.4.3.4).
    let rounds = 2_000 + bytes.len() as u64 / 100;
    let data = PdfData::from(bytes.to_vec());
    let by_message =
        reading.try_passwords(rounds, |password, _| Pdf::new_with_password(data.clone(), password).ok());
    Ok(by_message.map_or(opened, Opened::ByMessage))
}

fn opened(bytes: &[u8]) -> Opened {
    let keys = encrypt_keys(bytes);
    let encryption = keys.iter().rev().take(MOST_KEYS).find_map(|key| encryption_at(bytes, *key));
    let sealed_files = encryption.as_ref().is_some_and(|it| it.covers == Covers::Files);
    // What its encryption doesn't cover is read as if there were none.
    if sealed_files && let Ok(pdf) = Pdf::new(without_encryption(bytes, &keys)) {
        return Opened::SealedFiles(pdf);
    }
    match (Pdf::new(bytes.to_vec()), encryption) {
        (Ok(pdf), Some(_)) => Opened::EmptyPassword(pdf),
        (Ok(pdf), None) => Opened::Plain(pdf),
        // The password is another, or nobody here knows such an encryption.
        (Err(_), Some(encryption)) => Opened::Locked { weak: encryption.weak },
        (Err(_), None) => Opened::Broken,
    }
}

/// Unpacks the streams of packed objects and of cross-references (ISO 32000-2 §7.5.7, §7.5.8) to see how large they are.
fn packed_objects_fit(bytes: &[u8], reading: &mut Reading<'_>) -> Outcome {
    /// How far behind its type a stream's content may begin.
    const WITHIN: usize = 4_096;
    let types = [b"/ObjStm".as_slice(), b"/XRef"];
    for at in types.iter().flat_map(|kind| memmem::find_iter(bytes, kind)) {
        let rest = bytes.get(at..).unwrap_or_default();
        let near = rest.get(..WITHIN).unwrap_or(rest);
        let Some(start) = memmem::find(near, b"stream") else { continue };
        let packed = rest.get(start + b"stream".len()..).unwrap_or_default().trim_ascii_start();
        let length = memmem::find(packed, b"endstream").unwrap_or(packed.len());
        let packed = packed.get(..length).unwrap_or(packed);
        match reading.drain(&mut flate2::read::ZlibDecoder::new(packed), length as u64, &mut Vec::new()) {
            // Packed or encrypted in another way.
            Ok(()) | Err(Stop(Gap::Damaged)) => {}
            Err(stop) => return Err(stop),
        }
    }
    Ok(())
}

/// What an encryption dictionary says.
struct Encryption {
    covers: Covers,
    weak: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Covers {
    /// Streams or strings of the document.
    Document,
    /// Only what names a crypt filter itself: attached files.
    Files,
}

const KEY: &[u8] = b"/Encrypt";
/// Keys that are looked at, from the last on: each revision of a document has one.
const MOST_KEYS: usize = 16;

/// Where the key `/Encrypt` stands with a dictionary or a reference after it. Trailers are never encrypted or packed.
fn encrypt_keys(bytes: &[u8]) -> Vec<usize> {
    let follows = |at: &usize| {
        let rest = bytes.get(at + KEY.len()..).unwrap_or_default().trim_ascii_start();
        rest.starts_with(b"<<") || rest.first().is_some_and(u8::is_ascii_digit)
    };
    memmem::find_iter(bytes, KEY).filter(follows).collect()
}

/// The same document, its encryption forgotten: every offset stays.
fn without_encryption(bytes: &[u8], keys: &[usize]) -> Vec<u8> {
    let mut plain = bytes.to_vec();
    for key in keys {
        if let Some(last) = plain.get_mut(key + KEY.len() - 1) {
            *last = b'_';
        }
    }
    plain
}

/// The encryption that the key at that place names.
fn encryption_at(bytes: &[u8], key: usize) -> Option<Encryption> {
    encryption(&dictionary_at(bytes, key)?)
}

/// The dictionary that the key at that place names. It is never packed nor encrypted (§7.5.7, §7.6.2).
pub(super) fn dictionary_at(bytes: &[u8], key: usize) -> Option<Dict<'_>> {
    let value = bytes.get(key + KEY.len()..)?.trim_ascii_start();
    if value.starts_with(b"<<") {
        return Dict::from_bytes(value);
    }
    let reference = ObjRef::from_bytes(value)?;
    let header = format!("{} {} obj", reference.obj_number, reference.gen_number);
    let stands_alone = |at: &usize| {
        at.checked_sub(1).and_then(|before| bytes.get(before)).is_none_or(|byte| !byte.is_ascii_digit())
    };
    let at = memmem::rfind_iter(bytes, &header).find(stands_alone)?;
    Dict::from_bytes(bytes.get(at + header.len()..)?.trim_ascii_start())
}

/// ISO 32000-2 §7.6.2 and §7.6.6.
fn encryption(dict: &Dict<'_>) -> Option<Encryption> {
    dict.get::<Name<'_>>(b"Filter")?;
    let version = dict.get::<i32>(b"V").unwrap_or(0);
    let bits = dict.get::<i32>(b"Length").unwrap_or(40);
    let revision = dict.get::<i32>(b"R").unwrap_or(0);
    let filters = dict.get::<Dict<'_>>(b"CF");
    let method = |key: &[u8]| {
        let name = dict.get::<Name<'_>>(key);
        let name = name.filter(|name| name.as_str() != "Identity")?;
        let filter = filters.as_ref()?.get::<Dict<'_>>(&*name)?;
        Some(filter.get::<Name<'_>>(b"CFM")?.as_str() != "None")
    };
    let names_filters = version >= 4;
    let plain = names_filters && method(b"StmF").is_none() && method(b"StrF").is_none();
    Some(Encryption {
        covers: if plain { Covers::Files } else { Covers::Document },
        weak: version == 1 || revision == 2 || (version == 2 && bits <= 40),
    })
}

/// Whether a stream's own crypt filter is another than `Identity` (ISO 32000-2 §7.4.10).
pub(super) fn names_crypt_filter(dict: &Dict<'_>) -> Option<bool> {
    let first = |key: &[u8]| match dict.get::<Object<'_>>(key)? {
        Object::Array(array) => array.iter::<Object<'_>>().next(),
        other => Some(other),
    };
    let is_crypt = matches!(first(b"Filter")?, Object::Name(name) if name.as_str() == "Crypt");
    if !is_crypt {
        return None;
    }
    let parameters = first(b"DecodeParms").and_then(Object::into_dict);
    let name = parameters.and_then(|parameters| parameters.get::<Name<'_>>(b"Name"));
    Some(name.is_some_and(|name| name.as_str() != "Identity"))
}
