//! 7-Zip archives: an encrypted one with a readable list is encrypted, a plain one is not. Opens one with words that it is given.

use std::io::{self, Cursor, Read};

use sevenz_rust2::{Archive, BlockDecoder, EncoderMethod, Error, Password};

use super::super::reading::{Outcome, Reading, Stop};
use super::{DICTIONARY, Tally, encrypted};
use crate::verdict::{Gap, Protection};

/// Most memory that a header, a dictionary or a model may take, in KiB.
const MOST_KIB: usize = DICTIONARY as usize >> 10;

/// About how many rounds of hashing a password takes: 2^19 short ones, counted in those of Office's length.
const ROUNDS: u64 = 150_000;
/// Largest file that is unpacked to see whether a password opens its block, in bytes.
const MOST_TRIED: u64 = 8 << 20;

/// Reads an archive, block by block: files that are packed together are encrypted together.
pub(in crate::extract::document) fn read(bytes: &[u8], reading: &mut Reading<'_>) -> Outcome {
    let mut source = Cursor::new(bytes);
    let mut password = None;
    let archive = match Archive::read_with_memory_limit(&mut source, &Password::empty(), MOST_KIB) {
        Ok(archive) => archive,
        // The list itself is encrypted.
        Err(Error::PasswordRequired) => {
            let opened = reading.try_passwords(ROUNDS, |word, _| {
                let word = Password::from(word);
                let archive = Archive::read_with_memory_limit(&mut Cursor::new(bytes), &word, MOST_KIB);
                Some((archive.ok()?, word))
            });
            let Some((archive, word)) = opened else {
                reading.protection(Protection::Encrypted);
                return Ok(());
            };
            password = Some(word);
            archive
        }
        Err(error) => {
            reading.protection(Protection::Unknown);
            return Err(Stop(gap(&error)));
        }
    };
    let mut tally = Tally::default();
    let outcome = (0..archive.blocks.len())
        .try_for_each(|block| read_block(&archive, block, &mut source, &mut password, &mut tally, reading))
        .and_then(|()| empty_files(&archive, reading));
    match password {
        Some(_) => reading.opened(tally.protection()),
        None => reading.protection(tally.protection()),
    }
    outcome
}

/// Whether a password opens a block: its first file unpacks to what its checksum says.
fn opens(archive: &Archive, block: usize, bytes: &[u8], password: &Password) -> bool {
    let mut source = Cursor::new(bytes);
    let decoder = BlockDecoder::new_with_memory_limit(1, MOST_KIB, block, archive, password, &mut source);
    let mut is_whole = false;
    let outcome =
        decoder.for_each_entries(&mut |file: &sevenz_rust2::ArchiveEntry, stream: &mut dyn Read| {
            if !file.has_stream() {
                return Ok(true);
            }
            let fits = file.has_crc && file.size() <= MOST_TRIED;
            // The stream's end is an error where the checksum is another.
            is_whole = fits && io::copy(&mut stream.take(MOST_TRIED + 1), &mut io::sink())? == file.size();
            Ok(false)
        });
    outcome.is_ok() && is_whole
}

/// Files without content lie in no block.
fn empty_files(archive: &Archive, reading: &mut Reading<'_>) -> Outcome {
    let empty = archive
        .files
        .iter()
        .filter(|file| !file.has_stream() && !file.is_directory() && !file.is_anti_item());
    empty.into_iter().try_for_each(|file| reading.open(Some(file.name()), &[]))
}

fn read_block(
    archive: &Archive,
    block: usize,
    source: &mut Cursor<&[u8]>,
    known: &mut Option<Password>,
    tally: &mut Tally,
    reading: &mut Reading<'_>,
) -> Outcome {
    let coders = archive.blocks.get(block).map(|block| block.coders.as_slice()).unwrap_or_default();
    let is_encrypted =
        coders.iter().any(|coder| coder.encoder_method_id() == EncoderMethod::ID_AES256_SHA256);
    if is_encrypted && known.is_none() && tally.encrypted == 0 {
        let bytes = *source.get_ref();
        *known = reading.try_passwords(ROUNDS, |word, _| {
            let word = Password::from(word);
            opens(archive, block, bytes, &word).then_some(word)
        });
    }
    let empty = Password::empty();
    let password = known.as_ref().unwrap_or(&empty);
    let decoder = BlockDecoder::new_with_memory_limit(1, MOST_KIB, block, archive, password, source);
    let files: Vec<_> = decoder.entries().iter().filter(|file| file.has_stream()).cloned().collect();
    if is_encrypted && known.is_none() {
        tally.encrypted += files.len();
        return files.iter().try_for_each(|file| encrypted(reading, file.name(), file.size()));
    }
    match is_encrypted {
        true => tally.encrypted += files.len(),
        false => tally.plain += files.len(),
    }
    // Files of a block are packed together, and who has how much of it cannot be told: each may have all.
    let packed = archive.pack_sizes().iter().copied().fold(0, u64::saturating_add);
    let mut done = 0;
    let mut stopped = None;
    let outcome =
        decoder.for_each_entries(&mut |file: &sevenz_rust2::ArchiveEntry, stream: &mut dyn Read| {
            if !file.has_stream() {
                return Ok(true);
            }
            done += 1;
            stopped = reading.open_packed(Some(file.name()), stream, packed, file.size()).err();
            Ok(stopped.is_none())
        });
    match (stopped, outcome) {
        (Some(stop), _) => Err(stop),
        (None, Ok(_)) => Ok(()),
        // The rest of the block cannot be had.
        (None, Err(error)) => {
            reading.gap(gap(&error));
            let rest = files.iter().skip(done);
            rest.into_iter().try_for_each(|file| {
                reading.open_some(Some(file.name()), &[], file.size(), Some(gap(&error)))
            })
        }
    }
}

fn gap(error: &Error) -> Gap {
    match error {
        Error::UnsupportedCompressionMethod(_)
        | Error::ExternalUnsupported
        | Error::Unsupported(_)
        | Error::UnsupportedVersion { .. } => Gap::Unsupported,
        Error::MaxMemLimited { .. } => Gap::TooLarge,
        Error::PasswordRequired | Error::MaybeBadPassword(_) => Gap::Encrypted,
        _ => Gap::Damaged,
    }
}
