//! Signatures of documents, archives, programs, databases, keys and fonts. Bytes alone; never text.

use memchr::memmem;

use crate::verdict::Kind;

/// What a file begins with, as its format's documentation says. Those of images, sound and film are in `image.rs`.
const BEGINNINGS: &[(&[u8], Kind)] = &[
    (b"%PDF-", Kind::Pdf),
    (b"{\\rt", Kind::Rtf),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind::Office),
    // A file that was still being written by a beta of Office 95; the same format.
    (b"\x0e\x11\xfc\x0d\xd0\xcf\x11\x0e", Kind::Office),
    (b"PK\x03\x04", Kind::Zip),
    (b"PK\x05\x06", Kind::Zip),
    (b"PK\x06\x06", Kind::Zip),
    // The first part of a split one, and one that was to be split and was not (APPNOTE 8.5.3 and 8.5.4).
    (b"PK\x07\x08PK\x03\x04", Kind::Zip),
    (b"PK00PK\x03\x04", Kind::Zip),
    (b"7z\xbc\xaf\x27\x1c", Kind::SevenZip),
    (b"Rar!\x1a\x07\x00", Kind::Rar),
    (b"Rar!\x1a\x07\x01\x00", Kind::Rar),
    (b"RE~^", Kind::Rar),
    (b"\x1f\x8b\x08", Kind::Gzip),
    (b"\xfd7zXZ\x00", Kind::Xz),
    (b"\x28\xb5\x2f\xfd", Kind::Zstd),
    (b"MSCF\x00\x00\x00\x00", Kind::Cab),
    // Archives and packings that no reader here opens: ALZ, EGG, StuffIt 5, XAR, ar, lzip, LZ4, WIM, VHDX,
    // FreeArc.
    (b"ALZ\x01", Kind::Archive),
    (b"EGGA\x00\x01", Kind::Archive),
    (b"StuffIt (c)1997-", Kind::Archive),
    (b"xar!\x00", Kind::Archive),
    (b"!<arch>\n", Kind::Archive),
    (b"LZIP\x01", Kind::Archive),
    (b"\x04\x22\x4d\x18", Kind::Archive),
    (b"MSWIM\x00\x00\x00", Kind::Archive),
    (b"vhdxfile", Kind::Archive),
    (b"ArC\x01", Kind::Archive),
    (b"\x78\x9f\x3e\x22", Kind::Tnef),
    (b"!BDN", Kind::Pst),
    (b"\x7fELF", Kind::Elf),
    (b"\xfe\xed\xfa\xce", Kind::MachO),
    (b"\xfe\xed\xfa\xcf", Kind::MachO),
    (b"\xce\xfa\xed\xfe", Kind::MachO),
    (b"\xcf\xfa\xed\xfe", Kind::MachO),
    (b"\xca\xfe\xba\xbf", Kind::MachO),
    (b"\x4c\x00\x00\x00\x01\x14\x02\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x46", Kind::Shortcut),
    (b"ITSF", Kind::Chm),
    (b"SQLite format 3\x00", Kind::Sqlite),
    (b"\x00\x01\x00\x00Standard Jet DB", Kind::Access),
    (b"\x00\x01\x00\x00Standard ACE DB", Kind::Access),
    // [MS-ONESTORE] 2.3.1: a section, and a notebook's table of contents.
    (b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", Kind::OneNote),
    (b"\xa1\x2f\xff\x43\xd9\xef\x76\x4c\x9e\xe2\x10\xea\x57\x22\x76\x5f", Kind::OneNote),
    (b"%!PS-AdobeFont", Kind::Font),
    (b"%!FontType1", Kind::Font),
    (b"%!PS", Kind::PostScript),
    (b"\x04%!PS", Kind::PostScript),
    (b"\x1b%-12345X", Kind::PostScript),
    (b"\xc5\xd0\xd3\xc6", Kind::PostScript),
    (b"OTTO\x00", Kind::Font),
    (b"ttcf\x00", Kind::Font),
    (b"true\x00", Kind::Font),
    (b"wOFF", Kind::Font),
    (b"wOF2", Kind::Font),
    (b"\xfe\xed\xfe\xed\x00\x00\x00", Kind::Key),
];

/// How far into a file readers look for a PDF's header (ISO 32000-1, Annex H, note 13 of implementation).
const PDF_HEADER_WITHIN: usize = 1_024;

pub(super) fn kind(head: &[u8]) -> Option<Kind> {
    if let Some((_, kind)) = BEGINNINGS.iter().find(|(beginning, _)| head.starts_with(beginning)) {
        return Some(*kind);
    }
    match head {
        [0xca, 0xfe, 0xba, 0xbe, ..] => Some(fat_or_class(head)),
        [b'M', b'Z', ..] | [b'Z', b'M', ..] => dos_or_windows(head),
        [b'B', b'Z', b'h', b'1'..=b'9', block @ ..] => is_bzip2(block).then_some(Kind::Bzip2),
        [0, 1, 0, 0, 0, tables, ..] if (1..64).contains(tables) => Some(Kind::Font),
        // RFC 8878 §3.1.2: a frame to be skipped, and then one that is not.
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Kind::Zstd),
        [0x30, ..] => der(head),
        _ => None,
    }
    .or_else(|| is_old_archive(head).then_some(Kind::Archive))
    .or_else(|| is_tar(head).then_some(Kind::Tar))
    .or_else(|| has_late_pdf_header(head).then_some(Kind::Pdf))
}

/// Archives whose beginning alone could be something else's: LHA, ACE, ZOO and StuffIt have a mark further in; what follows
/// ARJ's two bytes are lengths, what follows those of compress a number of bits, and a header of cpio is digits alone,
/// more than any telephone number has.
fn is_old_archive(head: &[u8]) -> bool {
    let at = |from: usize, mark: &[u8]| head.get(from..).is_some_and(|rest| rest.starts_with(mark));
    let is_lha = at(2, b"-l") && at(6, b"-") && matches!(head.get(4), Some(b'h' | b'z'));
    let is_arj = at(0, b"\x60\xea")
        && match head {
            [_, _, low, high, first, ..] => {
                let length = u16::from_le_bytes([*low, *high]);
                (30..=2_600).contains(&length) && (30..=length).contains(&u16::from(*first))
            }
            _ => false,
        };
    let is_compressed = matches!(head, [0x1f, 0x9d, 9..=16 | 0x89..=0x90, ..]);
    let is_cpio = (at(0, b"070701") || at(0, b"070702") || at(0, b"070707"))
        && head.get(..76).is_some_and(|header| header.iter().all(u8::is_ascii_hexdigit));
    let is_stuffit = at(0, b"SIT!") && at(10, b"rLau");
    is_lha
        || is_arj
        || is_compressed
        || is_cpio
        || is_stuffit
        || at(7, b"**ACE**")
        || at(20, b"\xdc\xa7\xc4\xfd")
}

/// A Java class and a program for several processors begin alike. A class says its version there, which is 45 or more,
/// and a program the number of its processors.
fn fat_or_class(head: &[u8]) -> Kind {
    match u32_big(head, 4) {
        Some(count) if count < 45 => Kind::MachO,
        _ => Kind::Jar,
    }
}

/// A program of DOS, or of Windows where its header says where the other header is. None where it is text.
fn dos_or_windows(head: &[u8]) -> Option<Kind> {
    let binary = head.iter().take(64).any(|byte| *byte == 0);
    let at = u32_little(head, 0x3c).and_then(|at| usize::try_from(at).ok());
    let Some(at) = at.filter(|at| *at >= 4) else { return binary.then_some(Kind::Dos) };
    match head.get(at..at.saturating_add(4)) {
        Some(b"PE\0\0") => Some(Kind::Pe),
        // Past what is looked at: such long stubs are a packer's or an installer's.
        None if binary && at < 0x10_0000 => Some(Kind::Pe),
        _ => binary.then_some(Kind::Dos),
    }
}

fn is_bzip2(block: &[u8]) -> bool {
    block.starts_with(b"\x31\x41\x59\x26\x53\x59") || block.starts_with(b"\x17\x72\x45\x38\x50\x90")
}

/// POSIX.1-2017, pax, "ustar Interchange Format": the checksum is the sum of the header's bytes, its own read as spaces.
/// Archives older than the magic are known by it too.
fn is_tar(head: &[u8]) -> bool {
    let Some(header) = head.get(..512) else { return false };
    if header.get(257..262) == Some(b"ustar") {
        return true;
    }
    let Some(field) = header.get(148..156) else { return false };
    let digits = field.trim_ascii().iter().take_while(|byte| matches!(byte, b'0'..=b'7'));
    let stated = digits.fold(0_u32, |sum, digit| sum.wrapping_mul(8).wrapping_add(u32::from(digit - b'0')));
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    let own: u32 = field.iter().map(|byte| u32::from(*byte)).sum();
    stated > 0 && stated == sum - own + 8 * u32::from(b' ')
}

/// A PDF behind junk. A text that only speaks of PDF has no object after it.
fn has_late_pdf_header(head: &[u8]) -> bool {
    let within = head.get(..PDF_HEADER_WITHIN + 8).unwrap_or(head);
    let Some(at) = memmem::find(within, b"%PDF-") else { return false };
    let rest = head.get(at..).unwrap_or_default();
    matches!(rest, [_, _, _, _, _, b'0'..=b'9', b'.', b'0'..=b'9', ..])
        && memmem::find(rest, b" obj").is_some()
}

/// What a DER or BER sequence begins with: CMS, a certificate, or a store of keys.
fn der(head: &[u8]) -> Option<Kind> {
    let content = der_content(head)?;
    match content {
        // RFC 5652 §3: the content type, in PKCS #7's arc.
        [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 1..=6, ..] => Some(Kind::Cms),
        // RFC 5083 §2 and RFC 3274 §1.1: sealed with proof against changes, and compressed.
        [0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x09 | 0x17, ..] => {
            Some(Kind::Cms)
        }
        // RFC 7292 §4: version 3 and an authenticated safe; RFC 5958 §2 and RFC 8017 A.1.2: version 0 and a key.
        [0x02, 0x01, 0x03, 0x30, ..] | [0x02, 0x01, 0x00, 0x30, 0x0d, 0x06, 0x09, ..] => Some(Kind::Key),
        [0x02, 0x01, 0x00, 0x02, 0x81 | 0x82, ..] => Some(Kind::Key),
        // RFC 5280 §4.1: a certificate's version, as good as always 3, then its serial number.
        [0x30, ..] => match der_content(content)? {
            [0xa0, 0x03, 0x02, 0x01, 0..=2, 0x02, ..] => Some(Kind::Key),
            _ => None,
        },
        _ => None,
    }
}

/// What follows a sequence's tag and length.
fn der_content(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [0x30, 0x00..=0x80, rest @ ..] => Some(rest),
        [0x30, long @ 0x81..=0x84, rest @ ..] => rest.get(usize::from(*long & 0x7f)..),
        _ => None,
    }
}

fn u32_big(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_little(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
