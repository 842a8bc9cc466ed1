//! Microsoft's cabinets ([MS-CAB]): stored, MSZIP and LZX. Joins no parts of a set.

use flate2::{Decompress, FlushDecompress, Status};
use lzxd::{Lzxd, WindowSize};

use super::super::reading::{Outcome, Reading, Stop};
use super::{place, u16_at, u32_at};
use crate::verdict::{Gap, Kind, Protection};

/// Most bytes that a block unpacks to ([MS-CAB] 2.4).
const BLOCK: usize = 32 << 10;

/// Reads a cabinet, folder by folder: the files of one are packed together.
pub(in crate::extract::document) fn read(bytes: &[u8], reading: &mut Reading<'_>) -> Outcome {
    let cabinet = Cabinet::read(bytes).ok_or(Stop(Gap::Damaged))?;
    if cabinet.is_part {
        reading.gap(Gap::Unsupported);
    }
    for (index, folder) in cabinet.folders.iter().enumerate() {
        let files = cabinet.files.iter().filter(|file| file.folder == index);
        let (content, gap) = unpack(bytes, &cabinet, folder, reading)?;
        for file in files {
            let end = file.start.saturating_add(file.size);
            match content.get(place(file.start)..place(end)) {
                Some(file_bytes) => reading.open(Some(&file.name), file_bytes)?,
                None => {
                    let rest = content.get(place(file.start)..).unwrap_or_default();
                    reading.open_some(
                        Some(&file.name),
                        rest,
                        file.size,
                        Some(gap.unwrap_or(Gap::Damaged)),
                    )?;
                }
            }
        }
        if let Some(gap) = gap {
            reading.gap(gap);
        }
    }
    // Files that go on from the part before this or into the one after.
    let split = cabinet.files.iter().filter(|file| file.folder >= cabinet.folders.len());
    split.into_iter().try_for_each(|file| {
        reading.unopened(Some(&file.name), Kind::Unknown, Protection::None, file.size, Gap::Unsupported)
    })
}

struct Cabinet {
    folders: Vec<Folder>,
    files: Vec<File>,
    /// Bytes of each block's header that are the maker's own.
    block_reserve: usize,
    is_part: bool,
}

struct Folder {
    start: usize,
    blocks: u16,
    packing: u16,
}

struct File {
    name: String,
    folder: usize,
    start: u64,
    size: u64,
}

impl Cabinet {
    /// [MS-CAB] 2.1 to 2.3.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (folders, files, flags) = (u16_at(bytes, 26)?, u16_at(bytes, 28)?, u16_at(bytes, 30)?);
        let mut at = 36;
        let (mut folder_reserve, mut block_reserve) = (0, 0);
        if flags & 4 != 0 {
            folder_reserve = usize::from(*bytes.get(38)?);
            block_reserve = usize::from(*bytes.get(39)?);
            at += 4 + usize::from(u16_at(bytes, 36)?);
        }
        // The names of the parts before and after, two texts each.
        for _ in 0..(flags & 1) * 2 + (flags >> 1 & 1) * 2 {
            at += memchr::memchr(0, bytes.get(at..)?)? + 1;
        }
        let mut cabinet =
            Self { folders: Vec::new(), files: Vec::new(), block_reserve, is_part: flags & 3 != 0 };
        for _ in 0..folders {
            let (start, blocks) = (u32_at(bytes, at)?, u16_at(bytes, at + 4)?);
            let packing = u16_at(bytes, at + 6)?;
            cabinet.folders.push(Folder { start: place(u64::from(start)), blocks, packing });
            at += 8 + folder_reserve;
        }
        at = place(u64::from(u32_at(bytes, 16)?));
        for _ in 0..files {
            // Of a cabinet that is cut short, the files that are listed are worth having.
            let Some((file, next)) = file(bytes, at) else { break };
            cabinet.files.push(file);
            at = next;
        }
        Some(cabinet)
    }
}

/// [MS-CAB] 2.3: a file, and where the next one begins.
fn file(bytes: &[u8], at: usize) -> Option<(File, usize)> {
    let header = bytes.get(at..)?;
    let name = header.get(16..)?;
    let name = name.get(..memchr::memchr(0, name)?)?;
    let file = File {
        // Bit 7 of the attributes says UTF-8; without it a name is in the code page of whoever made it.
        name: String::from_utf8_lossy(name).into_owned(),
        folder: usize::from(u16_at(header, 8)?),
        start: u64::from(u32_at(header, 4)?),
        size: u64::from(u32_at(header, 0)?),
    };
    Some((file, at.saturating_add(16 + name.len() + 1)))
}

/// A folder's content, as far as it can be had, and why not further.
fn unpack(
    bytes: &[u8],
    cabinet: &Cabinet,
    folder: &Folder,
    reading: &mut Reading<'_>,
) -> Result<(Vec<u8>, Option<Gap>), Stop> {
    let mut content = Vec::new();
    let Some(mut unpacker) = Unpacker::new(folder.packing) else {
        return Ok((content, Some(Gap::Unsupported)));
    };
    let mut at = folder.start;
    for _ in 0..folder.blocks {
        reading.may_go_on()?;
        let header = bytes.get(at..).unwrap_or_default();
        let (Some(packed), Some(size)) = (u16_at(header, 4), u16_at(header, 6)) else {
            return Ok((content, Some(Gap::Damaged)));
        };
        let start = 8 + cabinet.block_reserve;
        let Some(block) = header.get(start..start + usize::from(packed)) else {
            return Ok((content, Some(Gap::Damaged)));
        };
        reading.spend(u64::from(size))?;
        if (content.len() + usize::from(size)) as u64 > reading.limits.entry_bytes {
            return Ok((content, Some(Gap::ExpandsTooMuch)));
        }
        if unpacker.block(block, usize::from(size), &mut content).is_none() {
            return Ok((content, Some(Gap::Damaged)));
        }
        at += start + usize::from(packed);
    }
    Ok((content, None))
}

/// How a folder is packed ([MS-CAB] 2.2). Quantum is a method of the nineties that nobody documents.
enum Unpacker {
    Stored,
    MsZip(Box<Decompress>),
    Lzx(Box<Lzxd>),
}

impl Unpacker {
    fn new(packing: u16) -> Option<Self> {
        match packing & 0x0f {
            0 => Some(Self::Stored),
            1 => Some(Self::MsZip(Box::new(Decompress::new(false)))),
            3 => {
                let window = match packing >> 8 {
                    15 => WindowSize::KB32,
                    16 => WindowSize::KB64,
                    17 => WindowSize::KB128,
                    18 => WindowSize::KB256,
                    19 => WindowSize::KB512,
                    20 => WindowSize::MB1,
                    21 => WindowSize::MB2,
                    _ => return None,
                };
                Some(Self::Lzx(Box::new(Lzxd::new(window))))
            }
            _ => None,
        }
    }

    /// Adds a block's content; none where it is damaged.
    fn block(&mut self, block: &[u8], size: usize, content: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Stored => content.extend_from_slice(block.get(..size)?),
            Self::MsZip(inflate) => {
                // [MS-MCI] 2: each block is a stream of its own that may refer to the content before it.
                let stream = block.strip_prefix(b"CK")?;
                inflate.reset(false);
                let before = content.get(content.len().saturating_sub(BLOCK)..)?;
                if !before.is_empty() {
                    inflate.set_dictionary(before).ok()?;
                }
                let mut out = vec![0; size.min(BLOCK)];
                let status = inflate.decompress(stream, &mut out, FlushDecompress::Finish).ok()?;
                let whole = inflate.total_out() == size as u64 && status != Status::BufError;
                content.extend_from_slice(&out);
                whole.then_some(())?;
            }
            Self::Lzx(decoder) => content.extend_from_slice(decoder.decompress_next(block, size).ok()?),
        }
        Some(())
    }
}
