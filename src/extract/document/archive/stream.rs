//! Files that are packed one by one: gzip, bzip2, xz and Zstandard. What they hold is opened like any entry.

use std::io::Read;

use super::super::reading::{Outcome, Reading};
use super::DICTIONARY;
use super::zstandard::Frames;
use crate::verdict::Kind;

/// Unpacks what is inside.
pub(in crate::extract::document) fn read(kind: Kind, bytes: &[u8], reading: &mut Reading<'_>) -> Outcome {
    let mut name = inner_name(reading.name().unwrap_or_default());
    let mut stream: Box<dyn Read + '_> = match kind {
        Kind::Gzip => {
            let decoder = flate2::read::MultiGzDecoder::new(bytes);
            // RFC 1952 §2.3.1: the name that it had, in ISO 8859-1.
            if let Some(stated) = decoder.header().and_then(|header| header.filename()) {
                name = stated.iter().map(|byte| char::from(*byte)).collect();
            }
            Box::new(decoder)
        }
        Kind::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(bytes)),
        Kind::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(bytes, true, DICTIONARY >> 10)),
        _ => Box::new(Frames::new(bytes)),
    };
    reading.open_packed(Some(&name), &mut stream, bytes.len() as u64, 0)
}

/// What a packed file is called when it is unpacked.
fn inner_name(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((stem, ending))
            if matches!(ending.to_ascii_lowercase().as_str(), "tgz" | "tbz" | "tbz2" | "txz" | "tzst") =>
        {
            format!("{stem}.tar")
        }
        Some((stem, _)) if !stem.is_empty() => stem.to_owned(),
        _ => "(no name)".to_owned(),
    }
}
