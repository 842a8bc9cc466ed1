//! Keeps messages while they come in: small ones in memory, the rest in unlinked files. It never reads mail.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::memory::{Budget, Memory, OWN_MAPPING_BYTES};
use crate::limits::Limits;
use crate::message::Dashes;

/// The unit in which memory for reading files back is shared out.
const LOAD_UNIT_BYTES: usize = 64 << 10;

/// Where all messages of a server are kept, and the memory that they share.
#[derive(Debug)]
pub struct Spools {
    directory: PathBuf,
    budget: Arc<Budget>,
    loading: Arc<Semaphore>,
    loading_units: usize,
}

impl Spools {
    /// Temporary files go to `directory`; `limits` has the caps for memory.
    pub fn new(directory: PathBuf, limits: &Limits) -> Self {
        let loading_units = (limits.bodies_in_memory_bytes / LOAD_UNIT_BYTES).clamp(1, 1 << 20);
        Self {
            directory,
            budget: Arc::new(Budget::new(limits)),
            loading: Arc::new(Semaphore::new(loading_units)),
            loading_units,
        }
    }

    /// Where temporary files go.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Gives back the memory of earlier messages that no message needed since this was last called.
    pub fn release_unneeded(&self) {
        self.budget.release_unneeded();
    }

    /// Bytes of memory that incoming messages hold now; those read back from files are counted apart.
    pub fn bytes_in_memory(&self) -> usize {
        self.budget.used()
    }
}

/// A message that could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// No temporary file can be made.
    #[error("cannot create a temporary file in {directory}: {source}")]
    Create {
        /// Where.
        directory: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The temporary file cannot be written.
    #[error("cannot write a message of {bytes} bytes so far to a temporary file in {directory}: {source}")]
    Write {
        /// Where.
        directory: PathBuf,
        /// How much had come.
        bytes: usize,
        /// Why.
        source: io::Error,
    },
    /// The temporary file cannot be read back.
    #[error("cannot read a message of {bytes} bytes back from its temporary file: {source}")]
    Read {
        /// Its length.
        bytes: usize,
        /// Why.
        source: io::Error,
    },
}

impl SpoolError {
    /// Whether the disk is full.
    pub fn is_full(&self) -> bool {
        let (Self::Create { source, .. } | Self::Write { source, .. } | Self::Read { source, .. }) = self;
        matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }
}

/// A message that is coming in.
#[derive(Debug)]
pub struct Incoming {
    spools: Arc<Spools>,
    store: Store,
    length: usize,
    body_start: Option<usize>,
    /// Looked for as the bytes of a message come that is no small one.
    dashes: Option<Dashes>,
}

#[derive(Debug)]
enum Store {
    Memory(Memory),
    File(BufWriter<File>),
    Lost(SpoolError),
}

impl Incoming {
    /// A message of which nothing has come yet.
    pub fn new(spools: Arc<Spools>) -> Self {
        let memory = Memory::new(Arc::clone(&spools.budget));
        Self { spools, store: Store::Memory(memory), length: 0, body_start: None, dashes: None }
    }

    /// Bytes that have come.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether nothing has come.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Whether the message lies in a temporary file.
    pub fn is_on_file(&self) -> bool {
        matches!(self.store, Store::File(_))
    }

    /// Adds bytes to the header or, after [`Incoming::end_header`], to the body. A failure is kept until
    /// [`Incoming::finish`]; what comes after it is forgotten.
    pub fn append(&mut self, bytes: &[u8]) {
        let in_memory = match &mut self.store {
            Store::Memory(memory) => memory.append(bytes),
            Store::File(_) | Store::Lost(_) => false,
        };
        if !in_memory {
            self.append_to_file(bytes);
        }
        self.length += bytes.len();
    }

    fn append_to_file(&mut self, bytes: &[u8]) {
        if let Store::Memory(memory) = &self.store {
            self.store = self.spools.spill(memory.bytes());
        }
        if let Store::File(file) = &mut self.store
            && let Err(source) = file.write_all(bytes)
        {
            self.store = Store::Lost(self.spools.write_error(self.length, source));
        }
    }

    /// Room in memory for the next bytes, `wanted` of them or fewer: what is read into it need not be copied.
    /// [`Incoming::fill`] says how many came. `None` where the message is not kept in memory, or would not be with these.
    pub(super) fn room(&mut self, wanted: usize) -> Option<&mut [u8]> {
        match &mut self.store {
            Store::Memory(memory) => memory.room(wanted),
            Store::File(_) | Store::Lost(_) => None,
        }
    }

    /// So many bytes came into the room.
    pub(super) fn fill(&mut self, count: usize) {
        if let Store::Memory(memory) = &mut self.store {
            memory.fill(count);
            self.length += count;
            self.dashes.get_or_insert_default().look(memory.bytes());
        }
    }

    /// Ends the header: adds the blank line, unless that was done.
    pub fn end_header(&mut self) {
        if self.body_start.is_none() {
            self.append(b"\r\n");
            self.body_start = Some(self.length);
        }
    }

    /// Forgets all that has come and gives back what it took.
    pub fn clear(&mut self) {
        *self = Self::new(Arc::clone(&self.spools));
    }

    /// The message is complete.
    ///
    /// # Errors
    /// When it could not be kept.
    pub fn finish(mut self) -> Result<Complete, SpoolError> {
        self.end_header();
        let body_start = self.body_start.unwrap_or(self.length);
        match self.store {
            Store::Memory(memory) => {
                let mut dashes = self.dashes;
                if let Some(dashes) = &mut dashes {
                    dashes.look(memory.bytes());
                }
                let held = Held { bytes: Bytes::Shared(memory), body_start, dashes, _permit: None };
                Ok(Complete::Ready(Spooled { inner: Arc::new(held) }))
            }
            Store::File(writer) => {
                let file = writer
                    .into_inner()
                    .map_err(|error| self.spools.write_error(self.length, error.into_error()))?;
                Ok(Complete::OnFile(OnFile { spools: self.spools, file, length: self.length, body_start }))
            }
            Store::Lost(error) => Err(error),
        }
    }
}

impl Spools {
    /// What has come so far, in a file.
    fn spill(&self, held: &[u8]) -> Store {
        match tempfile::tempfile_in(&self.directory) {
            Err(source) => Store::Lost(SpoolError::Create { directory: self.directory.clone(), source }),
            Ok(file) => {
                let mut writer = BufWriter::new(file);
                match writer.write_all(held) {
                    Ok(()) => Store::File(writer),
                    Err(source) => Store::Lost(self.write_error(held.len(), source)),
                }
            }
        }
    }

    fn write_error(&self, bytes: usize, source: io::Error) -> SpoolError {
        SpoolError::Write { directory: self.directory.clone(), bytes, source }
    }
}

/// A message that has come in.
#[derive(Debug)]
pub enum Complete {
    /// It lies in memory.
    Ready(Spooled),
    /// It lies in a file, and has to be read back.
    OnFile(OnFile),
}

/// A message in an unlinked temporary file.
#[derive(Debug)]
pub struct OnFile {
    spools: Arc<Spools>,
    file: File,
    length: usize,
    body_start: usize,
}

impl OnFile {
    /// Reads the message back. Waits until enough of the other messages that were read back have been dropped, so
    /// that together they stay within `limits.bodies-in-memory-bytes`; a larger one comes alone. Small ones don't wait.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn load(self) -> Result<Spooled, SpoolError> {
        let Self { spools, mut file, length, body_start } = self;
        let error = |source| SpoolError::Read { bytes: length, source };
        let permit = if length <= LOAD_UNIT_BYTES {
            None
        } else {
            let units = length.div_ceil(LOAD_UNIT_BYTES).min(spools.loading_units);
            let units = u32::try_from(units).unwrap_or(u32::MAX);
            let permit = Arc::clone(&spools.loading).acquire_many_owned(units).await;
            Some(permit.map_err(|closed| error(io::Error::other(closed)))?)
        };
        let capacity = if permit.is_some() { length.max(OWN_MAPPING_BYTES) } else { length };
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::with_capacity(capacity);
            file.rewind()?;
            file.take(length as u64).read_to_end(&mut bytes)?;
            if bytes.len() < length {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
            }
            Ok(bytes)
        });
        let bytes = read.await.unwrap_or_else(|join| Err(io::Error::other(join))).map_err(error)?;
        let held = Held { bytes: Bytes::Own(bytes), body_start, dashes: None, _permit: permit };
        Ok(Spooled { inner: Arc::new(held) })
    }
}

/// A whole message: the header as it came, a blank line, the body; lines end with CRLF. Clones share the bytes; when
/// the last one is dropped, the memory goes back to the budget.
#[derive(Debug, Clone)]
pub struct Spooled {
    inner: Arc<Held>,
}

#[derive(Debug)]
struct Held {
    bytes: Bytes,
    body_start: usize,
    dashes: Option<Dashes>,
    _permit: Option<OwnedSemaphorePermit>,
}

#[derive(Debug)]
enum Bytes {
    /// They lie where they came in.
    Shared(Memory),
    /// They were read back from a file, or did not come over a connection.
    Own(Vec<u8>),
}

impl Spooled {
    /// A message that did not come over a connection, for tests and tools. `body_start` is where its body begins.
    pub fn from_bytes(bytes: Vec<u8>, body_start: usize) -> Self {
        let body_start = body_start.min(bytes.len());
        let held = Held { bytes: Bytes::Own(bytes), body_start, dashes: None, _permit: None };
        Self { inner: Arc::new(held) }
    }

    /// The whole message.
    pub fn bytes(&self) -> &[u8] {
        match &self.inner.bytes {
            Bytes::Shared(memory) => memory.bytes(),
            Bytes::Own(bytes) => bytes,
        }
    }

    /// Where the body begins: after the blank line.
    pub fn body_start(&self) -> usize {
        self.inner.body_start
    }

    /// Where lines begin with two dashes, where that was found out on the way in.
    pub fn dashes(&self) -> Option<&[usize]> {
        self.inner.dashes.as_ref().and_then(Dashes::places)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spools(per_message: usize, together: usize) -> (tempfile::TempDir, Arc<Spools>) {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits {
            body_in_memory_bytes: per_message,
            bodies_in_memory_bytes: together,
            ..Limits::default()
        };
        let spools = Arc::new(Spools::new(folder.path().to_owned(), &limits));
        (folder, spools)
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn loaded(complete: Complete) -> Spooled {
        match complete {
            Complete::Ready(message) => message,
            Complete::OnFile(file) => block_on(file.load()).unwrap(),
        }
    }

    #[test]
    fn header_and_body_become_one_message() {
        for cap in [1, 10, 1_000] {
            let (_folder, spools) = spools(cap, 1 << 20);
            let mut incoming = Incoming::new(spools);
            incoming.append(b"A: 1\r\n");
            incoming.append(b"B: 2\r\n");
            incoming.end_header();
            incoming.end_header();
            incoming.append(b"hello\r\n");
            incoming.append(b"there\r\n");
            assert_eq!(incoming.is_on_file(), cap < 1_000);
            let message = loaded(incoming.finish().unwrap());
            assert_eq!(message.bytes(), b"A: 1\r\nB: 2\r\n\r\nhello\r\nthere\r\n");
            assert_eq!(&message.bytes()[message.body_start()..], b"hello\r\nthere\r\n");
        }
    }

    #[test]
    fn a_message_without_body_still_has_its_blank_line() {
        let (_folder, spools) = spools(1_000, 1_000_000);
        let mut incoming = Incoming::new(spools);
        incoming.append(b"A: 1\r\n");
        let message = loaded(incoming.finish().unwrap());
        assert_eq!((message.bytes(), message.body_start()), (&b"A: 1\r\n\r\n"[..], 8));
    }

    #[test]
    fn many_messages_share_one_budget_and_give_it_back() {
        let (_folder, spools) = spools(1 << 20, 1 << 20);
        let chunk = vec![b'x'; 60_000];
        let mut messages = Vec::new();
        for _ in 0..100 {
            let mut incoming = Incoming::new(Arc::clone(&spools));
            for _ in 0..5 {
                incoming.append(&chunk);
                assert!(spools.bytes_in_memory() <= 1 << 20);
            }
            messages.push(incoming);
        }
        let on_file = messages.iter().filter(|message| message.is_on_file()).count();
        assert!((90..100).contains(&on_file), "{on_file} of 100 went to files");
        for message in messages {
            let message = loaded(message.finish().unwrap());
            assert_eq!(message.bytes().len(), 300_002);
        }
        assert_eq!(spools.bytes_in_memory(), 0);
    }

    #[test]
    fn a_large_message_draws_on_the_shared_memory_by_what_it_fills() {
        let (_folder, spools) = spools(32 << 20, 12 << 20);
        let chunk = vec![b'x'; 1 << 20];
        let mut incoming = Incoming::new(Arc::clone(&spools));
        for number in 1..=9 {
            incoming.append(&chunk);
            assert!(!incoming.is_on_file(), "after {number} MiB");
            assert_eq!(spools.bytes_in_memory(), number << 20, "after {number} MiB");
        }
        let mut second = Incoming::new(Arc::clone(&spools));
        for _ in 0..6 {
            second.append(&chunk);
        }
        assert!(second.is_on_file(), "the two have more than there is");
        for (message, length) in [(incoming, 9), (second, 6)] {
            let message = loaded(message.finish().unwrap());
            assert_eq!(message.bytes().len(), (length << 20) + 2);
        }
        assert_eq!(spools.bytes_in_memory(), 0);
    }

    #[test]
    fn messages_read_back_wait_for_each_other() {
        let (_folder, spools) = spools(0, 1 << 20);
        let complete = |bytes: usize| {
            let mut incoming = Incoming::new(Arc::clone(&spools));
            incoming.end_header();
            incoming.append(&vec![b'x'; bytes]);
            match incoming.finish().unwrap() {
                Complete::OnFile(file) => file,
                Complete::Ready(_) => panic!("not on file"),
            }
        };
        block_on(async {
            let first = complete(800_000).load().await.unwrap();
            let small = complete(1_000).load().await.unwrap();
            let second = complete(800_000).load();
            tokio::pin!(second);
            let pending = std::future::poll_fn(|context| {
                std::task::Poll::Ready(second.as_mut().poll(context).is_pending())
            });
            assert!(pending.await, "the second came although the first holds the memory");
            drop((first, small));
            assert_eq!(second.await.unwrap().bytes().len(), 800_002);
            let huge = complete(5_000_000).load().await.unwrap();
            assert_eq!(huge.bytes().len(), 5_000_002);
        });
    }

    #[test]
    fn a_folder_that_is_gone_loses_the_message_and_says_so() {
        let (folder, spools) = spools(10, 1 << 20);
        drop(folder);
        let mut incoming = Incoming::new(spools);
        for _ in 0..3 {
            incoming.append(b"eight by");
        }
        let error = incoming.finish().unwrap_err();
        assert!(matches!(error, SpoolError::Create { .. }), "{error}");
        assert!(!error.is_full());
    }

    #[test]
    fn a_full_disk_is_told_apart() {
        let (_folder, spools) = spools(10, 1 << 20);
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut incoming = Incoming::new(spools);
        incoming.store = Store::File(BufWriter::new(full));
        for _ in 0..3 {
            incoming.append(&[b'x'; 6_000]);
        }
        let error = incoming.finish().unwrap_err();
        assert!(matches!(error, SpoolError::Write { .. }) && error.is_full(), "{error}");
    }
}
