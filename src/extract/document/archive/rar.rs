//! RAR archives of all versions. Decrypts none, and joins no parts of a set.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use rars::{
    Archive, ArchiveMember, ArchiveReadOptions, ArchiveReader, ErrorKind, ExtractionDecision,
    ExtractionErrorAction,
};

use super::super::reading::{Outcome, Reading, Stop};
use super::{DICTIONARY, Tally, encrypted};
use crate::verdict::{Gap, Kind, Protection};

/// Reads an archive.
pub(in crate::extract::document) fn read(bytes: &[u8], reading: &mut Reading<'_>) -> Outcome {
    let headers = reading.limits.document_entries as u64 * 4;
    let options = ArchiveReadOptions::new()
        .with_max_header_count(headers)
        .with_max_header_bytes(u64::from(DICTIONARY))
        .with_rar50_dictionary_size_limit(u64::from(DICTIONARY))
        .with_rar50_buffered_decode_limit(reading.limits.entry_bytes)
        .with_max_reader_workspace_bytes(u64::from(DICTIONARY) * 3);
    let archive = match ArchiveReader::read_with_options(bytes, options) {
        Ok(archive) => archive,
        // The headers themselves are encrypted.
        Err(error) if matches!(error.kind(), ErrorKind::PasswordRequired | ErrorKind::BadPassword) => {
            reading.protection(Protection::Encrypted);
            return Ok(());
        }
        Err(error) => {
            reading.protection(Protection::Unknown);
            return Err(Stop(gap(&error)));
        }
    };
    let files: Vec<ArchiveMember> = archive.members().filter(is_file).collect();
    let sealed = files.iter().filter(|member| member.meta.is_encrypted).count();
    let outcome = files_of(&archive, &files, options, reading);
    reading.protection(Tally { encrypted: sealed, plain: files.len() - sealed }.protection());
    outcome
}

fn is_file(member: &ArchiveMember) -> bool {
    !member.meta.is_directory && !member.meta.is_redirection
}

fn is_part(member: &ArchiveMember) -> bool {
    member.meta.is_split_before || member.meta.is_split_after
}

fn files_of(
    archive: &Archive,
    files: &[ArchiveMember],
    options: ArchiveReadOptions<'_>,
    reading: &mut Reading<'_>,
) -> Outcome {
    let solid = files.iter().any(ArchiveMember::is_solid)
        || matches!(archive, Archive::Rar15To40(it) if it.main.is_solid());
    let unpackable = |member: &ArchiveMember| !member.meta.is_encrypted && !is_part(member);
    let work = RefCell::new(Work { reading, pending: None, done: 0, stop: None });
    // In a solid archive each file needs those before it, so that one which cannot be had costs all behind it.
    let outcome = if solid && !files.iter().all(unpackable) {
        Ok(())
    } else {
        let decide = |member: &ArchiveMember| work.borrow_mut().decide(member, unpackable(member));
        let fail = |_: &ArchiveMember, error: &rars::Error| work.borrow_mut().fail(gap(error));
        archive.extract_with_control_and_errors(options, decide, fail).map(|_| ())
    };
    let mut work = work.into_inner();
    if let Some(stop) = work.stop {
        return Err(stop);
    }
    work.finish(outcome.as_ref().err().map(gap))?;
    let gap = outcome.as_ref().err().map_or(Gap::Unsupported, gap);
    let done = work.done;
    files.iter().skip(done).try_for_each(|member| unread(work.reading, member, gap))
}

/// Notes a file that is not unpacked.
fn unread(reading: &mut Reading<'_>, member: &ArchiveMember, gap: Gap) -> Outcome {
    let (name, size) = (member.meta.name_lossy(), member.meta.unpacked_size);
    if member.meta.is_encrypted {
        return encrypted(reading, &name, size);
    }
    let gap = if is_part(member) { Gap::Unsupported } else { gap };
    reading.unopened(Some(&name), Kind::Unknown, Protection::None, size, gap)
}

/// Unpacking under way: a file is opened when the next one begins.
struct Work<'w, 'r> {
    reading: &'w mut Reading<'r>,
    pending: Option<Pending>,
    /// Files that were opened or noted.
    done: usize,
    stop: Option<Stop>,
}

/// A file that is being unpacked.
struct Pending {
    name: String,
    size: u64,
    bytes: Rc<RefCell<Unpacked>>,
}

impl Work<'_, '_> {
    fn decide(&mut self, member: &ArchiveMember, unpack: bool) -> rars::Result<ExtractionDecision> {
        let step = self.finish(None).and_then(|()| {
            if !is_file(member) {
                return Ok(ExtractionDecision::Skip);
            }
            self.done += 1;
            if !unpack {
                return unread(self.reading, member, Gap::Unsupported).map(|()| ExtractionDecision::Skip);
            }
            let most = self.reading.most(member.meta.packed_size);
            let bytes = Rc::new(RefCell::new(Unpacked { bytes: Vec::new(), most, is_over: false }));
            let (name, size) = (member.meta.name_lossy(), member.meta.unpacked_size);
            self.pending = Some(Pending { name, size, bytes: Rc::clone(&bytes) });
            Ok(ExtractionDecision::Extract(Box::new(Sink(bytes))))
        });
        Ok(step.unwrap_or_else(|stop| {
            self.stop = Some(stop);
            ExtractionDecision::Stop
        }))
    }

    fn fail(&mut self, gap: Gap) -> rars::Result<ExtractionErrorAction> {
        Ok(match self.finish(Some(gap)) {
            Ok(()) => ExtractionErrorAction::Continue,
            Err(stop) => {
                self.stop = Some(stop);
                ExtractionErrorAction::Abort
            }
        })
    }

    /// Opens the file that was unpacked last.
    fn finish(&mut self, gap: Option<Gap>) -> Outcome {
        let Some(pending) = self.pending.take() else { return Ok(()) };
        let unpacked = pending.bytes.take();
        self.reading.spend(unpacked.bytes.len() as u64)?;
        let gap = if unpacked.is_over { Some(Gap::ExpandsTooMuch) } else { gap };
        self.reading.open_some(Some(&pending.name), &unpacked.bytes, pending.size, gap)
    }
}

/// What was unpacked of a file, up to a cap.
#[derive(Debug, Default)]
struct Unpacked {
    bytes: Vec<u8>,
    most: u64,
    is_over: bool,
}

struct Sink(Rc<RefCell<Unpacked>>);

impl Write for Sink {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let mut unpacked = self.0.borrow_mut();
        if (unpacked.bytes.len() + buffer.len()) as u64 > unpacked.most {
            unpacked.is_over = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        unpacked.bytes.extend_from_slice(buffer);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn gap(error: &rars::Error) -> Gap {
    match error.kind() {
        ErrorKind::UnsupportedFeature | ErrorKind::UnsupportedFormat => Gap::Unsupported,
        ErrorKind::ResourceLimit => Gap::TooLarge,
        ErrorKind::PasswordRequired | ErrorKind::BadPassword => Gap::Encrypted,
        _ => Gap::Damaged,
    }
}
