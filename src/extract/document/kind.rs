//! What a file is, by its first bytes. Never looks into what it holds: the readers do, and may know better.

use crate::verdict::Kind;

/// The kind of a file by its content. Packages are told apart by their readers: here they are `zip` or `doc`.
pub fn sniff(bytes: &[u8]) -> Kind {
    const MAGIC: &[(&[u8], Kind)] = &[
        (b"PK\x03\x04", Kind::Zip),
        (b"PK\x05\x06", Kind::Zip),
        (b"%PDF-", Kind::Pdf),
        (b"{\\rtf", Kind::Rtf),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind::Office),
        (b"7z\xbc\xaf\x27\x1c", Kind::SevenZip),
        (b"Rar!\x1a\x07", Kind::Rar),
    ];
    MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)).map_or(Kind::Unknown, |(_, kind)| *kind)
}
