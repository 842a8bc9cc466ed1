//! Keeps messages while they come in: small ones in memory, the rest in unlinked files. It never reads mail.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::Limits;

/// A message's first allocation, in bytes: most mail is smaller.
const FIRST_BYTES: usize = 4 << 10;
/// A message that outgrows this gets a buffer of [`BUFFER_BYTES`] at once, a used one if there is one, and is not copied
/// again as it grows.
const SMALL_BYTES: usize = 32 << 10;
/// A message that outgrows this gets a mapping of its own, of which it touches what it fills and no more.
const BUFFER_BYTES: usize = 4 << 20;
/// By so much a message in a buffer or a mapping draws on the memory that all share.
const STEP_BYTES: usize = 256 << 10;
/// Most used buffers of [`BUFFER_BYTES`] that are kept.
const KEPT_BUFFERS: usize = 8;
/// Most used mappings that are kept.
const KEPT_MAPPINGS: usize = 4;
/// glibc's allocator maps anything larger than 32 MiB by itself and gives it back as soon as it is freed; smaller buffers
/// may stay with the process for good once a few have been used. Memory that is not touched costs nothing.
const OWN_MAPPING_BYTES: usize = 33 << 20;
/// The unit in which memory for reading files back is shared out.
const LOAD_UNIT_BYTES: usize = 64 << 10;

/// Where all messages of a server are kept, and the memory that they share.
#[derive(Debug)]
pub struct Spools {
    directory: PathBuf,
    per_message: usize,
    budget: Arc<Budget>,
    loading: Arc<Semaphore>,
    loading_units: usize,
}

/// Memory that all messages share.
#[derive(Debug)]
struct Budget {
    used: AtomicUsize,
    cap: usize,
    /// Used buffers of [`BUFFER_BYTES`]; not counted as used.
    buffers: Kept,
    /// Used mappings; not counted as used.
    mappings: Kept,
}

/// Used memory that waits for the next message: what was touched before costs no page faults, which were a quarter of what
/// a message with attachments cost. It goes when it was not needed for a while.
#[derive(Debug)]
struct Kept {
    most: usize,
    shelf: Mutex<Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    buffers: Vec<Vec<u8>>,
    /// The fewest that lay here at any time since [`Kept::release_unneeded`] last looked.
    unneeded: usize,
}

impl Spools {
    /// Temporary files go to `directory`; `limits` has the caps for memory.
    pub fn new(directory: PathBuf, limits: &Limits) -> Self {
        let loading_units = (limits.bodies_in_memory_bytes / LOAD_UNIT_BYTES).clamp(1, 1 << 20);
        Self {
            directory,
            per_message: limits.body_in_memory_bytes,
            budget: Arc::new(Budget {
                used: AtomicUsize::new(0),
                cap: limits.bodies_in_memory_bytes,
                buffers: Kept::new(KEPT_BUFFERS),
                mappings: Kept::new(KEPT_MAPPINGS),
            }),
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
        self.budget.buffers.release_unneeded();
        self.budget.mappings.release_unneeded();
    }

    /// Bytes of memory that incoming messages hold now; those read back from files are counted apart.
    pub fn bytes_in_memory(&self) -> usize {
        self.budget.used.load(Ordering::Relaxed)
    }
}

/// A message's part of the shared memory; given back when dropped.
#[derive(Debug)]
struct Reservation {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Reservation {
    fn grow_to(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let before = self.budget.used.fetch_add(more, Ordering::Relaxed);
        if before.saturating_add(more) > self.budget.cap {
            self.budget.used.fetch_sub(more, Ordering::Relaxed);
            return false;
        }
        self.bytes += more;
        true
    }
}

impl Budget {
    /// Takes back a buffer, if it is one that is kept.
    fn keep(&self, buffer: Vec<u8>) {
        let capacity = buffer.capacity();
        if SMALL_BYTES < capacity && capacity <= BUFFER_BYTES {
            self.buffers.put(buffer);
        } else if BUFFER_BYTES < capacity && capacity <= OWN_MAPPING_BYTES {
            self.mappings.put(buffer);
        }
    }
}

impl Kept {
    fn new(most: usize) -> Self {
        Self { most, shelf: Mutex::default() }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A used buffer, or a new one of that capacity.
    fn take(&self, capacity: usize) -> Vec<u8> {
        let mut shelf = self.shelf();
        let kept = shelf.buffers.pop();
        shelf.unneeded = shelf.unneeded.min(shelf.buffers.len());
        kept.unwrap_or_else(|| Vec::with_capacity(capacity))
    }

    fn put(&self, mut buffer: Vec<u8>) {
        let mut shelf = self.shelf();
        if shelf.buffers.len() < self.most {
            buffer.clear();
            shelf.buffers.push(buffer);
        }
    }

    fn release_unneeded(&self) {
        let mut shelf = self.shelf();
        // The first were put here before the others, and those are taken first.
        let unneeded = shelf.unneeded.min(shelf.buffers.len());
        let released: Vec<Vec<u8>> = shelf.buffers.drain(..unneeded).collect();
        shelf.unneeded = shelf.buffers.len();
        drop(shelf);
        drop(released);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
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
}

#[derive(Debug)]
enum Store {
    Memory { bytes: Vec<u8>, reservation: Reservation },
    File(BufWriter<File>),
    Lost(SpoolError),
}

impl Incoming {
    /// A message of which nothing has come yet.
    pub fn new(spools: Arc<Spools>) -> Self {
        let reservation = Reservation { budget: Arc::clone(&spools.budget), bytes: 0 };
        Self { spools, store: Store::Memory { bytes: Vec::new(), reservation }, length: 0, body_start: None }
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
        if let Store::Memory { bytes: held, reservation } = &mut self.store {
            let needed = held.len() + bytes.len();
            if needed > reservation.bytes && !self.spools.make_room(held, reservation, needed) {
                self.store = self.spools.spill(held);
            }
        }
        match &mut self.store {
            Store::Memory { bytes: held, .. } => held.extend_from_slice(bytes),
            Store::File(file) => {
                if let Err(source) = file.write_all(bytes) {
                    self.store = Store::Lost(self.spools.write_error(self.length, source));
                }
            }
            Store::Lost(_) => {}
        }
        self.length += bytes.len();
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
            Store::Memory { bytes, reservation } => Ok(Complete::Ready(Spooled {
                inner: Arc::new(Held { bytes, body_start, reservation: Some(reservation), _permit: None }),
            })),
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
    /// Makes room for `needed` bytes in memory; false when that is more than the message or all of them may have.
    fn make_room(&self, held: &mut Vec<u8>, reservation: &mut Reservation, needed: usize) -> bool {
        if needed > self.per_message {
            return false;
        }
        if needed <= SMALL_BYTES {
            let wanted =
                needed.max(2 * held.capacity()).clamp(FIRST_BYTES, SMALL_BYTES).min(self.per_message);
            if reservation.grow_to(wanted) {
                held.reserve_exact(wanted - held.len());
                return true;
            }
        }
        if !reservation.grow_to(needed.next_multiple_of(STEP_BYTES).min(self.per_message)) {
            return false;
        }
        let (kept, capacity) = match self.per_message.min(BUFFER_BYTES) {
            buffer if needed <= buffer => (&self.budget.buffers, buffer),
            _ => (&self.budget.mappings, self.per_message.max(OWN_MAPPING_BYTES)),
        };
        if held.capacity() < capacity {
            let smaller = std::mem::replace(held, kept.take(capacity));
            held.extend_from_slice(&smaller);
            self.budget.keep(smaller);
        }
        true
    }

    fn spill(&self, held: &mut Vec<u8>) -> Store {
        match tempfile::tempfile_in(&self.directory) {
            Err(source) => Store::Lost(SpoolError::Create { directory: self.directory.clone(), source }),
            Ok(file) => {
                let mut writer = BufWriter::new(file);
                let length = held.len();
                let written = writer.write_all(held);
                self.budget.keep(std::mem::take(held));
                match written {
                    Ok(()) => Store::File(writer),
                    Err(source) => Store::Lost(self.write_error(length, source)),
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
        Ok(Spooled { inner: Arc::new(Held { bytes, body_start, reservation: None, _permit: permit }) })
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
    bytes: Vec<u8>,
    body_start: usize,
    reservation: Option<Reservation>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Held {
    fn drop(&mut self) {
        // One that was read back from a file is of any size, and has no reservation.
        if let Some(reservation) = &self.reservation {
            reservation.budget.keep(std::mem::take(&mut self.bytes));
        }
    }
}

impl Spooled {
    /// A message that did not come over a connection, for tests and tools. `body_start` is where its body begins.
    pub fn from_bytes(bytes: Vec<u8>, body_start: usize) -> Self {
        let body_start = body_start.min(bytes.len());
        Self { inner: Arc::new(Held { bytes, body_start, reservation: None, _permit: None }) }
    }

    /// The whole message.
    pub fn bytes(&self) -> &[u8] {
        &self.inner.bytes
    }

    /// Where the body begins: after the blank line.
    pub fn body_start(&self) -> usize {
        self.inner.body_start
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
    fn memory_of_earlier_messages_is_used_again_and_goes_when_nobody_needs_it() {
        let (_folder, spools) = spools(32 << 20, 64 << 20);
        for (bytes, kept) in [(1 << 20, &spools.budget.buffers), (5 << 20, &spools.budget.mappings)] {
            let message = || {
                let mut incoming = Incoming::new(Arc::clone(&spools));
                incoming.append(&vec![b'x'; bytes]);
                loaded(incoming.finish().unwrap())
            };
            let place = message().bytes().as_ptr();
            let again = message();
            assert_eq!(again.bytes().as_ptr(), place, "{bytes} bytes: not the buffer that was there");
            drop((again, message()));
            for (left, needed) in [(2, "two at once"), (1, "one at a time"), (0, "none")] {
                spools.release_unneeded();
                assert_eq!(
                    kept.shelf().buffers.len(),
                    left,
                    "{bytes} bytes: {needed} needed since the last look"
                );
                if left == 2 {
                    drop(message());
                }
            }
        }
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
