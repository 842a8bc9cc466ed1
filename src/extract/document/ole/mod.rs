//! Files of Office before 2007, and all else that is a compound file. Tells which it is and who reads it.

mod biff;
mod compound;
mod crypto;
mod excel;
mod message;
mod powerpoint;
mod properties;
mod word;
mod xls_crypto;

pub(super) use self::crypto::rounds;
pub(super) use self::properties::code_page;
pub(super) use self::word::target_of as field_target;

use self::compound::{Compound, ROOT, counted};
use self::crypto::DEFAULT_PASSWORD;
use super::bytes::{size_at, slice_at, u16_at, u32_at, up_to};
use super::lock::Lock;
use super::package::{self, Looked};
use super::reading::{Outcome, Reading, Stop};
use crate::verdict::{Fact, Gap, Kind, Protection};

/// The stream that holds an embedded file ([MS-OLEDS] 2.3.6).
const NATIVE: &str = "\u{1}Ole10Native";
/// Streams that hold an embedded file as it is: Office's own packages, PDF and others.
const WHOLE: [&str; 3] = ["Package", "CONTENTS", "EmbeddedOdf"];
/// Longest encryption header that is looked at, the name of its provider included ([MS-OFFCRYPTO] 2.3.2).
const HEADER: usize = 512;
/// The class of the root of Windows installers, patches and transforms.
const INSTALLERS: [u8; 3] = [0x84, 0x86, 0x82];
/// What follows the first byte in the classes of installers: `000C10xx-0000-0000-C000-000000000046`.
const INSTALLER_REST: [u8; 15] = [0x10, 0x0c, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46];

/// Reads a compound file.
pub(super) fn read(bytes: &[u8], reading: &mut Reading<'_>) -> Outcome {
    let Some(file) = Compound::open(bytes) else {
        reading.protection(Protection::Unknown);
        return Err(Stop(Gap::Damaged));
    };
    storage(&file, ROOT, reading)
}

/// Reads what a storage holds: the root, or an embedded document.
fn storage(file: &Compound<'_>, storage: usize, reading: &mut Reading<'_>) -> Outcome {
    let has = |name: &str| file.child(storage, name).is_some();
    if has("EncryptedPackage") {
        return encrypted_package(file, storage, reading);
    }
    if has("\u{9}DRMContent") {
        reading.protection(Protection::Encrypted);
        return Ok(());
    }
    let Some(kind) = kind_of(file, storage) else { return embedded(file, storage, reading) };
    reading.kind(kind);
    let class_of_macros = has("Macros") || has("_VBA_PROJECT_CUR") || has("VBA");
    if class_of_macros {
        reading.fact(Fact::Macros);
    }
    // [MS-OFFCRYPTO] 2.5.1, 2.5.2.
    if has("_signatures") || has("_xmlsignatures") {
        reading.protection(Protection::Signed);
    }
    match kind {
        Kind::Doc => word::read(file, storage, reading)?,
        Kind::Xls => excel::read(file, storage, reading)?,
        Kind::Ppt => powerpoint::read(file, storage, reading)?,
        Kind::Msg => return message::read(file, storage, reading),
        // What these say is not read.
        Kind::Publisher | Kind::Visio => reading.gap(Gap::Unsupported),
        _ => {}
    }
    properties::read(file, storage, reading)?;
    objects(file, storage, reading)
}

/// What a storage is, by the streams that its program looks for.
fn kind_of(file: &Compound<'_>, storage: usize) -> Option<Kind> {
    const STREAMS: &[(&str, Kind)] = &[
        ("WordDocument", Kind::Doc),
        ("Workbook", Kind::Xls),
        ("Book", Kind::Xls),
        ("PowerPoint Document", Kind::Ppt),
        ("PP40", Kind::Ppt),
        ("__properties_version1.0", Kind::Msg),
        ("VisioDocument", Kind::Visio),
        ("Quill", Kind::Publisher),
    ];
    let class = file.entry(storage).map(|entry| entry.class).unwrap_or_default();
    let is_installer =
        class.split_first().is_some_and(|(first, rest)| INSTALLERS.contains(first) && rest == INSTALLER_REST);
    if is_installer {
        return Some(Kind::Msi);
    }
    STREAMS.iter().find(|(name, _)| file.child(storage, name).is_some()).map(|(_, kind)| *kind)
}

/// An encrypted package: opened where Office's own password does it, or one of the message's.
fn encrypted_package(file: &Compound<'_>, storage: usize, reading: &mut Reading<'_>) -> Outcome {
    reading.kind(Kind::Office);
    let info = file.named(storage, "EncryptionInfo", reading)?.unwrap_or_default();
    let packed = file.named(storage, "EncryptedPackage", reading)?.unwrap_or_default();
    if let Some(bytes) = crypto::open_package(&info, &packed, DEFAULT_PASSWORD, reading)? {
        reading.fact(Fact::DefaultPassword);
        return opened_package(&bytes, reading);
    }
    reading.lock(Lock::Package(info.clone()));
    let opened = reading.try_passwords(crypto::rounds(&info), |password, reading| {
        crypto::open_package(&info, &packed, password, reading).ok()?
    });
    let Some(bytes) = opened else {
        reading.protection(Protection::Encrypted);
        return Ok(());
    };
    let outcome = opened_package(&bytes, reading);
    reading.opened(Protection::Encrypted);
    outcome
}

/// Whether a password opens the package that has this `EncryptionInfo`.
pub(super) fn opens_package(info: &[u8], password: &str, reading: &Reading<'_>) -> bool {
    // A package of no bytes: what is sealed plays no part.
    matches!(crypto::open_package(info, &[0; 8], password, reading), Ok(Some(_)))
}

/// Whether a password opens the document of Office 97 to 2003 that has this encryption header.
pub(super) fn opens_binary(header: &[u8], password: &str) -> bool {
    crypto::BlockKeys::by(header, password).is_some()
}

/// What is to be kept of an encryption header, which may be all of a stream.
pub(super) fn lock_of(header: &[u8]) -> Lock {
    Lock::Binary(up_to(header, 0, HEADER).to_vec())
}

fn opened_package(bytes: &[u8], reading: &mut Reading<'_>) -> Outcome {
    match package::read(bytes, reading) {
        Looked::Read(outcome) => outcome,
        Looked::Archive { kind, .. } => {
            reading.kind(kind);
            Err(Stop(Gap::Damaged))
        }
    }
}

/// A storage that holds a file for another program.
fn embedded(file: &Compound<'_>, storage: usize, reading: &mut Reading<'_>) -> Outcome {
    let mut is_known = false;
    if let Some(native) = file.named(storage, NATIVE, reading)? {
        is_known = true;
        open_native(&native, reading)?;
    }
    for name in WHOLE {
        if let Some(bytes) = file.named(storage, name, reading)? {
            is_known = true;
            reading.open(None, &bytes)?;
        }
    }
    // A presentation keeps its macros in a compound file of their own ([MS-PPT] 2.10.40, [MS-OVBA] 2.2.1).
    if file.child(storage, "VBA").is_some() {
        reading.fact(Fact::Macros);
        is_known = true;
    }
    if !is_known {
        reading.kind(Kind::Unknown);
        reading.protection(Protection::Unknown);
    }
    objects(file, storage, reading)
}

/// The storages inside a document that are documents themselves.
fn objects(file: &Compound<'_>, storage: usize, reading: &mut Reading<'_>) -> Outcome {
    for number in file.children(storage) {
        let Some(entry) = file.entry(number).filter(|entry| entry.is_storage) else { continue };
        if entry.name == "ObjectPool" {
            objects(file, number, reading)?;
        } else if kind_of(file, number).is_some_and(|kind| kind != Kind::Msi) || holds_file(file, number) {
            reading.within(&entry.name, Kind::Office, entry.size, &mut |reading| {
                self::storage(file, number, reading)
            })?;
        }
    }
    Ok(())
}

fn holds_file(file: &Compound<'_>, storage: usize) -> bool {
    let names = [NATIVE, "EncryptedPackage"].into_iter().chain(WHOLE);
    names.into_iter().any(|name| file.child(storage, name).is_some())
}

/// Opens the file in an `Ole10Native` stream: a header with names, then the file's length and bytes.
fn open_native(stream: &[u8], reading: &mut Reading<'_>) -> Outcome {
    let Some((name, bytes)) = native(stream).or_else(|| Some((String::new(), counted(stream)?.0))) else {
        reading.gap(Gap::Damaged);
        return Ok(());
    };
    reading.open(Some(name.as_str()).filter(|name| !name.is_empty()), bytes)
}

/// Opens an object as programs before OLE 2 wrote it, and RTF still does ([MS-OLEDS] 2.2.5).
///
/// # Errors
/// When no more may be read at all.
pub(super) fn open_ole1(bytes: &[u8], reading: &mut Reading<'_>) -> Outcome {
    const EMBEDDED: u32 = 2;
    let object = (|| {
        (u32_at(bytes, 4)? == EMBEDDED).then_some(())?;
        let (class, rest) = counted(bytes.get(8..)?)?;
        let (_topic, rest) = counted(rest)?;
        let (_item, rest) = counted(rest)?;
        Some((class, rest))
    })();
    // Linked objects have no bytes.
    let Some((class, rest)) = object else { return Ok(()) };
    if class.starts_with(b"Package") {
        return open_native(rest, reading);
    }
    let length = size_at(rest, 0).unwrap_or(0);
    reading.open(None, up_to(rest, 4, length))
}

/// The name and the bytes of the file in an `Ole10Native` stream that the packager wrote.
fn native(stream: &[u8]) -> Option<(String, &[u8])> {
    let string_at = |at: usize| {
        let rest = stream.get(at..)?;
        let length = rest.iter().position(|&byte| byte == 0)?;
        Some((rest.get(..length)?, at + length + 1))
    };
    (u16_at(stream, 4) == Some(2)).then_some(())?;
    let (label, after_label) = string_at(6)?;
    let (_path, after_path) = string_at(after_label)?;
    let temporary = size_at(stream, after_path.checked_add(4)?)?;
    let at = after_path.checked_add(8)?.checked_add(temporary)?;
    let bytes = slice_at(stream, at.checked_add(4)?, size_at(stream, at)?)?;
    let (name, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(label);
    Some((name.into_owned(), bytes))
}
