//! What the filter and a worker say to each other, and how it is framed. Never trusts a length that it is told.
//!
//! A frame is the length of what follows (32 bits, little-endian) and a value in postcard's form. The filter sends its
//! caps once and hears which sandbox is in force; then for each document a [`Job`] and, behind it, the document's bytes
//! as they are, and hears an [`Answer`]. A job with locks has no document: its words are tried on them.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::extract::document::{Inspection, Lock, MOST_LOCKS, MOST_WRITTEN, Opened};
use crate::limits::Limits;

/// Largest frame that a worker takes: caps, and jobs with the names of attachments.
pub const FROM_FILTER: usize = 16 << 20;

/// Largest greeting of a worker.
pub const GREETING: usize = 4 << 10;

/// How much memory is taken at first for a frame of whatever length; more follows what truly comes.
const AT_FIRST: usize = 256 << 10;

/// A document to be read, whose bytes follow, or locks to be tried.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Job {
    /// The name that it came under.
    pub name: Option<String>,
    /// Its size.
    pub bytes: u64,
    /// Words of the message that may be its password, or open the locks.
    pub passwords: Vec<String>,
    /// What the words are tried on in place of a document.
    pub locks: Vec<Lock>,
    /// How long the worker may read in it before it answers with what it has.
    pub milliseconds: u64,
}

/// What became of a document.
#[derive(Debug, Serialize, Deserialize)]
pub enum Answer {
    /// It was read.
    Read(Inspection),
    /// The words were tried: these open locks.
    Tried(Vec<Opened>),
    /// The reader failed on it, in a way that it noticed itself.
    Panicked,
}

/// The longest answer that is taken: the text, as much again for where its stretches stood, and the items.
pub fn longest_answer(limits: &Limits) -> usize {
    let items = limits.document_entries.saturating_mul(1 << 10);
    let locks = MOST_LOCKS.saturating_mul(MOST_WRITTEN);
    limits.part_text_bytes.saturating_mul(4).saturating_add(items).saturating_add(locks)
}

/// Why nothing more comes of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// The time is over.
    Late,
    /// The other side is gone.
    Gone,
    /// What it says makes no sense, or is longer than it may be.
    Nonsense,
}

impl From<io::Error> for Broken {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

/// A value as a frame.
pub fn frame(value: &impl Serialize) -> Result<Vec<u8>, Broken> {
    let framed = postcard::to_extend(value, vec![0; 4]).map_err(|_| Broken::Nonsense)?;
    with_length(framed)
}

fn with_length(mut framed: Vec<u8>) -> Result<Vec<u8>, Broken> {
    let length = u32::try_from(framed.len().saturating_sub(4)).map_err(|_| Broken::Nonsense)?;
    if let Some(place) = framed.get_mut(..4) {
        place.copy_from_slice(&length.to_le_bytes());
    }
    Ok(framed)
}

/// Reads a frame of at most so many bytes.
pub fn read_frame<T: DeserializeOwned>(from: &mut impl Read, most: usize) -> Result<T, Broken> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length > most {
        return Err(Broken::Nonsense);
    }
    let mut bytes = Vec::with_capacity(length.min(AT_FIRST));
    from.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() < length {
        return Err(Broken::Gone);
    }
    postcard::from_bytes(&bytes).map_err(|_| Broken::Nonsense)
}

/// The filter's end of a conversation: every wait has an end.
#[derive(Debug)]
pub struct Wire(UnixStream);

impl Wire {
    /// Takes the filter's end of a pair of sockets.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self(stream))
    }

    /// Sends bytes.
    pub fn send(&self, mut bytes: &[u8], until: Instant) -> Result<(), Broken> {
        while !bytes.is_empty() {
            match (&self.0).write(bytes) {
                Ok(0) => return Err(Broken::Gone),
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(error) => self.bear(&error, PollFlags::OUT, until)?,
            }
        }
        Ok(())
    }

    /// Hears a frame of at most so many bytes.
    pub fn hear<T: DeserializeOwned>(&self, most: usize, until: Instant) -> Result<T, Broken> {
        let mut late = Ok(());
        let mut patient = Patient { wire: self, until, late: &mut late };
        let heard = read_frame(&mut patient, most);
        late.and(heard)
    }

    /// Whether the other side is there and silent, as one that waits for a job is.
    pub fn is_quiet(&self) -> bool {
        let mut polled = [PollFd::new(&self.0, PollFlags::IN)];
        matches!(poll(&mut polled, Some(&Timespec::default())), Ok(0))
    }

    /// Waits where an error says that this helps.
    fn bear(&self, error: &io::Error, flags: PollFlags, until: Instant) -> Result<(), Broken> {
        match error.kind() {
            io::ErrorKind::Interrupted => Ok(()),
            io::ErrorKind::WouldBlock => {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(Broken::Late);
                }
                let mut polled = [PollFd::new(&self.0, flags)];
                let _ = poll(&mut polled, Some(&timespec(left)));
                Ok(())
            }
            _ => Err(Broken::Gone),
        }
    }
}

/// A duration as the system takes it.
pub fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}

/// Reads from a wire as if it blocked, until the time is over.
struct Patient<'w> {
    wire: &'w Wire,
    until: Instant,
    late: &'w mut Result<(), Broken>,
}

impl Read for Patient<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match (&self.wire.0).read(into) {
                Ok(read) => return Ok(read),
                Err(error) => {
                    if let Err(broken) = self.wire.bear(&error, PollFlags::IN, self.until) {
                        *self.late = Err(broken);
                        return Err(error);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::document::{Item, Mark, Place, Places};
    use crate::verdict::{Fact, Gap, Kind, Protection};

    #[test]
    fn an_answer_comes_back_as_it_was() {
        let mut item = Item::new(Kind::Docx, Some("letter.docx"), 12_345);
        item.entry = Some("letters.zip/letter.docx".to_owned());
        item.protection = Protection::Partly;
        item.note(Fact::Macros);
        let inspection = Inspection {
            items: vec![Item::new(Kind::Zip, None, 1 << 40), item],
            text: "Dear Ms Okafor\n".to_owned(),
            places: Places {
                marks: vec![Mark { start: 0, item: 1, place: Place::Cell { sheet: 0, row: 7, column: 2 } }],
                entries: vec![String::new(), "letters.zip/letter.docx".to_owned()],
                sheets: vec!["Year 7".to_owned()],
            },
            gaps: vec![(Gap::Encrypted, 1)],
            locks: vec![Lock::Package(vec![4, 0, 4, 0])],
        };
        let framed = frame(&Answer::Read(inspection.clone())).unwrap();
        let Ok(Answer::Read(back)) = read_frame(&mut framed.as_slice(), framed.len()) else {
            panic!("no answer")
        };
        assert_eq!(back, inspection);
        let limits = Limits { mime_depth: 3, ..Limits::default() };
        let back: Limits = read_frame(&mut frame(&limits).unwrap().as_slice(), FROM_FILTER).unwrap();
        assert_eq!(back, limits);
    }

    #[test]
    fn a_length_is_believed_no_further_than_its_bytes_come() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let wire = Wire::new(ours).unwrap();
        (&theirs).write_all(&u32::MAX.to_le_bytes()).unwrap();
        let soon = Instant::now() + Duration::from_secs(60);
        assert_eq!(wire.hear::<String>(1 << 20, soon), Err(Broken::Nonsense));
        (&theirs).write_all(&[255, 255, 0, 0, 1, 2, 3]).unwrap();
        drop(theirs);
        assert_eq!(wire.hear::<String>(1 << 20, soon), Err(Broken::Gone));
        assert_eq!(wire.send(b"more", soon), Err(Broken::Gone));
    }

    #[test]
    fn no_wait_is_longer_than_it_may_be() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let wire = Wire::new(ours).unwrap();
        assert!(wire.is_quiet());
        let now = Instant::now();
        assert_eq!(wire.hear::<String>(1 << 20, now), Err(Broken::Late));
        // Nobody takes it: the socket is full sooner or later.
        assert_eq!(wire.send(&vec![0; 64 << 20], now), Err(Broken::Late));
    }
}
