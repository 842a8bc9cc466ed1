//! Signatures of images, sound and film. Bytes alone; never decodes any.

use memchr::memmem;

use crate::verdict::Kind;

const BEGINNINGS: &[(&[u8], Kind)] = &[
    (b"\x89PNG\r\n\x1a\n", Kind::Png),
    (b"\xff\xd8\xff", Kind::Jpeg),
    (b"GIF87a", Kind::Gif),
    (b"GIF89a", Kind::Gif),
    (b"II*\0", Kind::Tiff),
    (b"MM\0*", Kind::Tiff),
    (b"II+\0", Kind::Tiff),
    (b"MM\0+", Kind::Tiff),
    (b"8BPS\0", Kind::Image),
    (b"\0\0\x01\0\x01\0", Kind::Image),
    (b"\0\0\x00\x0cjP  \r\n", Kind::Image),
    (b"\xff\x4f\xff\x51", Kind::Image),
    (b"\xff\x0a", Kind::Image),
    (b"\0\0\0\x0cJXL \r\n", Kind::Image),
    (b"\xd7\xcd\xc6\x9a", Kind::Image),
    (b"gimp xcf", Kind::Image),
    (b"AT&TFORM", Kind::Image),
    (b"II\xbc\x01", Kind::Image),
    (b"fLaC\0", Kind::Flac),
    (b"OggS\0", Kind::Ogg),
    (b"ID3\x02", Kind::Mp3),
    (b"ID3\x03", Kind::Mp3),
    (b"ID3\x04", Kind::Mp3),
    (b"#!AMR", Kind::Audio),
    (b"MThd\0\0\0\x06", Kind::Audio),
    (b".snd\0\0\0", Kind::Audio),
    (b"MAC \x96", Kind::Audio),
    (b"wvpk", Kind::Audio),
    // ASF, the file's header object.
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", Kind::Wmv),
    (b"FLV\x01", Kind::Video),
    (b"\0\0\x01\xba", Kind::Video),
    (b"\0\0\x01\xb3", Kind::Video),
    (b".RMF\0\0\0", Kind::Video),
    (b"FWS", Kind::Video),
    (b"CWS", Kind::Video),
];

pub(super) fn kind(head: &[u8]) -> Option<Kind> {
    if let Some((_, kind)) = BEGINNINGS.iter().find(|(beginning, _)| head.starts_with(beginning)) {
        // Three letters alone might begin a text.
        return (*kind != Kind::Video || head.contains(&0)).then_some(*kind);
    }
    match head {
        [b'R', b'I', b'F', b'F', _, _, _, _, form @ ..] => riff(form),
        [b'F', b'O', b'R', b'M', _, _, _, _, b'A', b'I', b'F', b'F' | b'C', ..] => Some(Kind::Audio),
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => Some(brand_of(head, brand)),
        // QuickTime from before it named its brand.
        [_, _, _, _, atom @ ..] if is_quicktime_atom(head, atom) => Some(Kind::Mov),
        _ => None,
    }
    .or_else(|| bitmap(head))
    .or_else(|| matroska(head))
    .or_else(|| metafile(head))
    .or_else(|| frames(head))
}

fn riff(form: &[u8]) -> Option<Kind> {
    match form.get(..4)? {
        b"WAVE" => Some(Kind::Wav),
        b"AVI " => Some(Kind::Avi),
        b"WEBP" => Some(Kind::Webp),
        b"RMID" => Some(Kind::Audio),
        _ => None,
    }
}

/// ISO 14496-12 §4.3: the brand, then a version, then the brands that it can be read as.
fn brand_of(head: &[u8], brand: &[u8]) -> Kind {
    let size = head.first_chunk().map_or(0, |size| u32::from_be_bytes(*size));
    let all = brand.get(..usize::try_from(size).unwrap_or(0).saturating_sub(8).min(256)).unwrap_or(brand);
    let heif = |brand: &[u8]| {
        matches!(
            brand,
            b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"avif" | b"avis" | b"mif1" | b"msf1"
        )
    };
    match brand.get(..4) {
        Some(b"qt  ") => Kind::Mov,
        Some(b"M4A " | b"M4B " | b"M4P " | b"F4A ") => Kind::M4a,
        Some(b"crx ") => Kind::Image,
        Some(major) if heif(major) || all.chunks(4).any(heif) => Kind::Heif,
        _ => Kind::Mp4,
    }
}

fn is_quicktime_atom(head: &[u8], atom: &[u8]) -> bool {
    let named = [b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"];
    named.iter().any(|name| atom.starts_with(*name)) && head.contains(&0)
}

/// A bitmap: its header's size is one of a few.
fn bitmap(head: &[u8]) -> Option<Kind> {
    let header = head.strip_prefix(b"BM")?.get(12..16)?;
    matches!(header, [12 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]).then_some(Kind::Bmp)
}

/// RFC 8794 §11.1: a document's type tells Matroska and WebM.
fn matroska(head: &[u8]) -> Option<Kind> {
    let header = head.strip_prefix(b"\x1a\x45\xdf\xa3")?;
    let header = header.get(..128).unwrap_or(header);
    let named = memmem::find(header, b"matroska").or_else(|| memmem::find(header, b"webm"));
    Some(if named.is_some() { Kind::Mkv } else { Kind::Video })
}

/// [MS-EMF] 2.3.4.2.
fn metafile(head: &[u8]) -> Option<Kind> {
    (head.starts_with(b"\x01\0\0\0") && head.get(40..44)? == b" EMF").then_some(Kind::Image)
}

/// Sound and film that consist of frames without a header before them: a second frame must follow where the first says.
fn frames(head: &[u8]) -> Option<Kind> {
    match head {
        [0xff, 0xf1 | 0xf9, _, third, fourth, fifth, ..] => {
            // ISO 14496-3 §1.A.2.2: thirteen bits of length.
            let length = usize::from(third & 3) << 11 | usize::from(*fourth) << 3 | usize::from(fifth >> 5);
            (length > 7 && is_frame(head, length, &[0xf1, 0xf9])).then_some(Kind::Audio)
        }
        [0xff, second @ (0xe2..=0xef | 0xf2..=0xff), rates, ..] => {
            let length = mp3_frame(*second, *rates)?;
            is_frame(head, length, &[*second]).then_some(Kind::Mp3)
        }
        [0x47, ..] => {
            let packets = [188, 376].iter().all(|at| head.get(*at) == Some(&0x47));
            packets.then_some(Kind::Video)
        }
        _ => None,
    }
}

fn is_frame(head: &[u8], at: usize, second: &[u8]) -> bool {
    head.get(at) == Some(&0xff) && head.get(at + 1).is_some_and(|byte| second.contains(byte))
}

/// The length of a frame of MPEG audio, layer III (ISO 11172-3 §2.4.3.1).
fn mp3_frame(second: u8, rates: u8) -> Option<usize> {
    const VERSION_1: [usize; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
    const VERSION_2: [usize; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
    const RATES: [usize; 3] = [44_100, 48_000, 32_000];
    if second >> 1 & 3 != 1 {
        return None;
    }
    let (bits, divisor, samples) = match second >> 3 & 3 {
        3 => (&VERSION_1, 1, 144_000),
        2 => (&VERSION_2, 2, 72_000),
        0 => (&VERSION_2, 4, 72_000),
        _ => return None,
    };
    let bits = bits.get(usize::from(rates >> 4)).filter(|bits| **bits > 0)?;
    let rate = RATES.get(usize::from(rates >> 2 & 3))? / divisor;
    Some(samples * bits / rate + usize::from(rates >> 1 & 1))
}
