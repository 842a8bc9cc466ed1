//! How a ZIP archive's files are packed (APPNOTE 4.4.5). Unpacks streams; knows nothing of archives.

use std::io::{self, Read};

use flate2::read::DeflateDecoder;
use lzma_rust2::{LzmaReader, XzReader};

use super::super::zstandard::Frames;
use super::super::{DICTIONARY, u16_at, u32_at};
use super::Checked;
use super::directory::Entry;
use crate::verdict::Gap;

/// The stream of an entry's file, whose checksum is held against the stated one at its end.
pub(super) fn unpacker<'x>(entry: &Entry<'_>, data: &'x [u8]) -> Result<Checked<Box<dyn Read + 'x>>, Gap> {
    let stream: Box<dyn Read + 'x> = match entry.method {
        0 => Box::new(data),
        8 => Box::new(DeflateDecoder::new(data)),
        9 => Box::new(deflate64::Deflate64Decoder::new(data)),
        12 => Box::new(bzip2::read::BzDecoder::new(data)),
        14 => lzma(entry, data)?,
        20 | 93 => Box::new(Frames::new(data)),
        95 => Box::new(XzReader::new_mem_limit(data, true, DICTIONARY >> 10)),
        98 => ppmd(entry, data)?,
        // Shrunk, reduced, imploded: from the time of DOS. 97 and others are sound and pictures packed by WinZip.
        _ => return Err(Gap::Unsupported),
    };
    Ok(Checked { inner: stream, sum: flate2::Crc::new(), stated: entry.crc })
}

/// APPNOTE 5.8.8: a version, the length of the properties, the properties.
fn lzma<'x>(entry: &Entry<'_>, data: &'x [u8]) -> Result<Box<dyn Read + 'x>, Gap> {
    let (properties, dictionary) = data.get(4).copied().zip(u32_at(data, 5)).ok_or(Gap::Damaged)?;
    if dictionary > DICTIONARY {
        return Err(Gap::Unsupported);
    }
    // Bit 1 of the flags: the stream says itself where it ends.
    let size = if entry.flags & 2 == 0 { entry.size } else { u64::MAX };
    let stream = data.get(9..).unwrap_or_default();
    let reader =
        LzmaReader::new_with_props(stream, size, properties, dictionary, None).map_err(|_| Gap::Damaged)?;
    Ok(Box::new(reader))
}

/// APPNOTE 5.10: order, memory in MiB, and what happens when that is used up.
fn ppmd<'x>(entry: &Entry<'_>, data: &'x [u8]) -> Result<Box<dyn Read + 'x>, Gap> {
    let parameters = u16_at(data, 0).ok_or(Gap::Damaged)?;
    let order = u32::from(parameters & 0x0f) + 1;
    let memory = (u32::from(parameters >> 4 & 0xff) + 1) << 20;
    if memory > DICTIONARY {
        return Err(Gap::Unsupported);
    }
    let restoration = u32::from(parameters >> 12).into();
    let stream = data.get(2..).unwrap_or_default();
    let decoder =
        ppmd_rust::Ppmd8Decoder::new(stream, order, memory, restoration).map_err(|_| Gap::Damaged)?;
    Ok(Box::new(io::Read::take(decoder, entry.size)))
}
