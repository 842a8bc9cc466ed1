//! One inspection under way: which reader takes a file, what it found, and every cap on the way. Knows no format.

use std::io::{self, Read};

use super::kind::sniff;
use super::lock::{Lock, MOST_LOCKS};
use super::package::{self, Looked};
use super::{Inspection, Item, Mark, Place, archive, cms, mail, ole, pdf, pgp, plain, rtf, tnef};
use crate::limits::Limits;
use crate::verdict::{Fact, Gap, Kind, KindGroup, Protection};

/// How often the clock is asked while something unpacks, in bytes.
const CHUNK: usize = 64 << 10;

/// An inspection under way. Readers tell it what they find in the file that they were given.
pub struct Reading<'r> {
    /// The caps.
    pub limits: &'r Limits,
    expired: &'r dyn Fn() -> bool,
    inspection: Inspection,
    /// The index of the item being read.
    current: usize,
    depth: usize,
    /// Bytes that were unpacked so far, of all files together.
    expanded: u64,
    /// Words that may be passwords of what is encrypted.
    passwords: &'r [String],
    /// Rounds of hashing that may still be spent on trying them.
    effort: u64,
}

/// Most rounds of hashing that are spent on trying passwords on one attachment: about half a second.
const EFFORT: u64 = 1_600_000;

/// Why a reader stops: what it was reading has a gap, which is noted where it stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop(pub Gap);

/// What a reader's work comes to.
pub type Outcome = Result<(), Stop>;

impl From<io::Error> for Stop {
    /// A stream that ends early or makes no sense.
    fn from(_: io::Error) -> Self {
        Self(Gap::Damaged)
    }
}

impl<'r> Reading<'r> {
    pub(super) fn new(limits: &'r Limits, expired: &'r dyn Fn() -> bool) -> Self {
        Self {
            limits,
            expired,
            inspection: Inspection::default(),
            current: 0,
            depth: 0,
            expanded: 0,
            passwords: &[],
            effort: EFFORT,
        }
    }

    /// The same reading, which tries these words on what is encrypted.
    pub(super) fn trying(mut self, passwords: &'r [String]) -> Self {
        self.passwords = passwords;
        self
    }

    /// Keeps what a password can be tried on later; where there are too many, not this one.
    pub fn lock(&mut self, lock: Lock) {
        let locks = &mut self.inspection.locks;
        if locks.len() < MOST_LOCKS && lock.is_small() && !locks.contains(&lock) {
            locks.push(lock);
        }
    }

    /// What `attempt` makes of the first word that is a password, where each attempt takes about so many rounds of
    /// hashing; none where no word is one, or where there is no time or effort left for them.
    pub fn try_passwords<T>(
        &mut self,
        rounds: u64,
        mut attempt: impl FnMut(&str, &Self) -> Option<T>,
    ) -> Option<T> {
        for password in self.passwords {
            if (self.expired)() {
                return None;
            }
            self.effort = self.effort.checked_sub(rounds.max(1))?;
            if let Some(opened) = attempt(password, self) {
                self.fact(Fact::PasswordInMessage);
                return Some(opened);
            }
        }
        None
    }

    /// Says that the file is protected so and was opened all the same: that is no gap.
    pub fn opened(&mut self, protection: Protection) {
        self.with_item(|item| item.protection = protection);
    }

    pub(super) fn whole(mut self, name: Option<&str>, kind: Kind, bytes: &[u8]) -> Inspection {
        self.read(None, name, kind, bytes);
        let ways = self.inspection.items.iter().map(|item| item.entry.clone().unwrap_or_default());
        self.inspection.places.entries = ways.collect();
        self.inspection.gaps.sort_unstable();
        self.inspection.gaps.dedup();
        self.inspection
    }

    /// Takes a file that lies inside the one being read, `path` being its name there, folders included, if it has any.
    /// What is found in it is its own.
    ///
    /// # Errors
    /// When no more may be read at all: the time or the room is over.
    pub fn open(&mut self, path: Option<&str>, bytes: &[u8]) -> Outcome {
        self.open_as(path, sniff(bytes), bytes)
    }

    /// Takes a file as [`Self::open`] does, as the kind that it is known to be.
    ///
    /// # Errors
    /// When no more may be read at all: the time or the room is over.
    pub fn open_as(&mut self, path: Option<&str>, kind: Kind, bytes: &[u8]) -> Outcome {
        self.may_go_on()?;
        if self.depth >= self.limits.document_depth {
            return self.unopened(path, kind, Protection::Unknown, bytes.len() as u64, Gap::TooDeep);
        }
        let outer = self.current;
        self.depth += 1;
        let way = self.way(path);
        self.read(Some(way), path.map(without_folders), kind, bytes);
        self.depth -= 1;
        self.current = outer;
        Ok(())
    }

    /// Takes a file inside the one being read whose bytes do not stand together: `read` reads it.
    ///
    /// # Errors
    /// When no more may be read at all: the time or the room is over.
    pub fn within(
        &mut self,
        path: &str,
        kind: Kind,
        size: u64,
        read: &mut dyn FnMut(&mut Self) -> Outcome,
    ) -> Outcome {
        let outer = self.current;
        self.entry(Some(path), kind, Protection::None, size)?;
        self.current = self.inspection.items.len().saturating_sub(1);
        let item = self.current;
        let outcome = if self.depth >= self.limits.document_depth {
            self.protection(Protection::Unknown);
            Err(Stop(Gap::TooDeep))
        } else {
            self.depth += 1;
            let outcome = read(self);
            self.depth -= 1;
            outcome
        };
        self.current = item;
        if let Err(Stop(gap)) = outcome {
            self.gap(gap);
        }
        self.current = outer;
        Ok(())
    }

    /// Unpacks a file that lies packed in `packed` bytes inside the one being read, and takes it as [`Self::open`] does.
    /// Where that fails it is noted with what its archive states of its size, and the gap; what came out before it
    /// turned out to be damaged is read.
    ///
    /// # Errors
    /// When no more may be read at all: the time or the room is over.
    pub fn open_packed(
        &mut self,
        path: Option<&str>,
        stream: &mut dyn Read,
        packed: u64,
        stated: u64,
    ) -> Outcome {
        let mut bytes = Vec::new();
        let gap = self.drain(stream, packed, &mut bytes).err().map(|Stop(gap)| gap);
        self.open_some(path, &bytes, stated, gap)
    }

    /// Takes what was unpacked of a file inside the one being read; all of it where there is no gap.
    ///
    /// # Errors
    /// When no more may be read at all: the time or the room is over.
    pub fn open_some(&mut self, path: Option<&str>, bytes: &[u8], stated: u64, gap: Option<Gap>) -> Outcome {
        match gap {
            None => self.open(path, bytes),
            Some(Gap::Damaged) if !bytes.is_empty() => {
                let index = self.inspection.items.len();
                self.open(path, bytes)?;
                self.at(index, |reading| reading.gap(Gap::Damaged));
                Ok(())
            }
            Some(gap) => {
                let protection = if gap == Gap::Damaged { Protection::Unknown } else { Protection::None };
                let kind = if bytes.is_empty() { Kind::Unknown } else { sniff(bytes) };
                self.unopened(path, kind, protection, stated.max(bytes.len() as u64), gap)?;
                self.spend(0)
            }
        }
    }

    /// Notes a file inside the one being read that is not opened: encrypted, too large, or only listed.
    ///
    /// # Errors
    /// When no more entries may be noted.
    pub fn entry(&mut self, path: Option<&str>, kind: Kind, protection: Protection, size: u64) -> Outcome {
        self.may_go_on()?;
        let mut item = Item::new(kind, path.map(without_folders), size);
        item.entry = Some(self.way(path));
        item.protection = protection;
        self.inspection.items.push(item);
        Ok(())
    }

    /// Notes a file inside the one being read that is not opened, and why.
    ///
    /// # Errors
    /// When no more entries may be noted.
    pub fn unopened(
        &mut self,
        path: Option<&str>,
        kind: Kind,
        protection: Protection,
        size: u64,
        gap: Gap,
    ) -> Outcome {
        let index = self.inspection.items.len();
        self.entry(path, kind, protection, size)?;
        self.at(index, |reading| reading.gap(gap));
        Ok(())
    }

    /// Unpacks a stream to its end, within the caps. `packed` is the size of what it is unpacked from.
    ///
    /// # Errors
    /// When it is damaged, or larger than the caps allow; nothing of it is kept then.
    pub fn unpack(&mut self, stream: &mut dyn Read, packed: u64) -> Result<Vec<u8>, Stop> {
        let mut bytes = Vec::new();
        self.drain(stream, packed, &mut bytes)?;
        Ok(bytes)
    }

    /// Unpacks a stream to its end, or as far as it is whole: damage is a gap, and what was before it is kept.
    ///
    /// # Errors
    /// When it is larger than the caps allow.
    pub fn unpack_undamaged(&mut self, stream: &mut dyn Read, packed: u64) -> Result<Vec<u8>, Stop> {
        let mut bytes = Vec::new();
        match self.drain(stream, packed, &mut bytes) {
            Err(Stop(Gap::Damaged)) => self.gap(Gap::Damaged),
            outcome => outcome?,
        }
        Ok(bytes)
    }

    /// Unpacks a stream to its end, or as far as that goes.
    ///
    /// # Errors
    /// As [`Self::unpack`]'s; what came before is in `bytes` all the same.
    pub fn drain(&mut self, stream: &mut dyn Read, packed: u64, bytes: &mut Vec<u8>) -> Outcome {
        let most = self.most(packed);
        let mut chunk = vec![0; CHUNK];
        loop {
            self.may_go_on()?;
            let read = match stream.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            self.spend(read as u64)?;
            if (bytes.len() + read) as u64 > most {
                return Err(Stop(Gap::ExpandsTooMuch));
            }
            bytes.extend_from_slice(chunk.get(..read).unwrap_or_default());
        }
    }

    /// Most bytes that a file may unpack to that is packed in so many.
    pub fn most(&self, packed: u64) -> u64 {
        let by_ratio = packed.saturating_mul(self.limits.expansion_ratio);
        by_ratio.max(self.limits.expansion_free_bytes).min(self.limits.entry_bytes)
    }

    /// Counts bytes that were unpacked by other means than [`Self::unpack`].
    ///
    /// # Errors
    /// When it is more than all files together may come to.
    pub fn spend(&mut self, bytes: u64) -> Outcome {
        self.expanded = self.expanded.saturating_add(bytes);
        if self.expanded > self.limits.expanded_bytes {
            return Err(Stop(Gap::ExpandsTooMuch));
        }
        Ok(())
    }

    /// Whether there is time, and room for another item.
    ///
    /// # Errors
    /// When there is not.
    pub fn may_go_on(&self) -> Outcome {
        if (self.expired)() {
            return Err(Stop(Gap::OutOfTime));
        }
        if self.inspection.items.len() >= self.limits.document_entries {
            return Err(Stop(Gap::TooManyParts));
        }
        Ok(())
    }

    /// Says what the file is, where its reader knows better than its first bytes.
    pub fn kind(&mut self, kind: Kind) {
        self.with_item(|item| {
            let known = Item::new(kind, item.name.as_deref(), item.size);
            item.kind = kind;
            item.facts.retain(|fact| *fact != Fact::WrongEnding);
            known.facts.iter().for_each(|fact| item.note(*fact));
        });
    }

    /// Says how the file is protected. Encrypted content is a gap as well.
    pub fn protection(&mut self, protection: Protection) {
        self.with_item(|item| item.protection = protection);
        if matches!(protection, Protection::Encrypted | Protection::Partly) {
            self.gap(Gap::Encrypted);
        }
    }

    /// Notes a fact about the file.
    pub fn fact(&mut self, fact: Fact) {
        self.with_item(|item| item.note(fact));
    }

    /// Notes what could not be read of the file.
    pub fn gap(&mut self, gap: Gap) {
        if gap == Gap::Damaged {
            self.fact(Fact::Damaged);
        }
        let entry = (gap, u32::try_from(self.current).unwrap_or(u32::MAX));
        if !self.inspection.gaps.contains(&entry) {
            self.inspection.gaps.push(entry);
        }
    }

    /// The name of a sheet that cells refer to: its number for [`Place::Cell`].
    pub fn sheet(&mut self, name: &str) -> u32 {
        let sheets = &mut self.inspection.places.sheets;
        sheets.push(name.chars().filter(|letter| !letter.is_control()).collect());
        u32::try_from(sheets.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// Adds a piece of text. Pieces are kept apart by a line break; line ends within become `\n`.
    ///
    /// # Errors
    /// When there is more text than may be swept; as much of it as fits was added.
    pub fn text(&mut self, place: Place, text: &str) -> Outcome {
        // Cells are many and short: most end in a letter, which needs no look for white space.
        let ends_in_ink = text.as_bytes().last().is_some_and(u8::is_ascii_graphic);
        let text = if ends_in_ink { text } else { text.trim_end() };
        if text.is_empty() {
            return Ok(());
        }
        let item = u32::try_from(self.current).unwrap_or(u32::MAX);
        let whole = &mut self.inspection.text;
        let marks = &mut self.inspection.places.marks;
        if marks.last().is_none_or(|last| (last.item, last.place) != (item, place)) {
            let start = u32::try_from(whole.len()).unwrap_or(u32::MAX);
            marks.push(Mark { start, item, place });
        }
        let room = self.limits.part_text_bytes.saturating_sub(whole.len());
        let fits = if text.len() < room {
            text
        } else {
            let end = (0..=room).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
            text.get(..end).unwrap_or_default()
        };
        push_clean(whole, fits);
        whole.push('\n');
        if fits.len() < text.len() { Err(Stop(Gap::TooMuchText)) } else { Ok(()) }
    }

    /// The name of the file being read, if it has any.
    pub fn name(&self) -> Option<&str> {
        self.inspection.items.get(self.current).and_then(|item| item.name.as_deref())
    }

    /// Says something of the item with that index, as long as another one is being read.
    fn at(&mut self, index: usize, say: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.current, index);
        say(self);
        self.current = outer;
    }

    fn with_item(&mut self, change: impl FnOnce(&mut Item)) {
        if let Some(item) = self.inspection.items.get_mut(self.current) {
            change(item);
        }
    }

    /// The way to an entry of the file being read.
    fn way(&self, path: Option<&str>) -> String {
        let outer = self.inspection.items.get(self.current).and_then(|item| item.entry.as_deref());
        let path = shown(path.unwrap_or("(no name)"));
        match outer {
            Some(outer) => format!("{outer}/{path}"),
            None => path,
        }
    }

    /// Takes a file: notes what it is, and lets its reader at it.
    fn read(&mut self, way: Option<String>, name: Option<&str>, kind: Kind, bytes: &[u8]) {
        let mut item = Item::new(kind, name, bytes.len() as u64);
        item.entry = way;
        self.current = self.inspection.items.len();
        self.inspection.items.push(item);
        let item = self.current;
        let outcome = read_as(kind, bytes, self);
        self.current = item;
        if let Err(Stop(gap)) = outcome {
            self.gap(gap);
        }
    }
}

/// Longest name of an entry that is kept, in characters; of a longer one the end is, where its ending is.
const LONGEST_NAME: usize = 512;

/// A name out of a file as it may be shown and kept: no control characters, not too long.
pub(super) fn shown(name: &str) -> String {
    let skipped = name.chars().count().saturating_sub(LONGEST_NAME);
    let letters = name.chars().skip(skipped);
    letters.map(|letter| if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter }).collect()
}

fn without_folders(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// The table of readers: which one takes which kind.
fn read_as(kind: Kind, bytes: &[u8], reading: &mut Reading<'_>) -> Outcome {
    match kind {
        Kind::Zip => match package::read(bytes, reading) {
            Looked::Read(outcome) => outcome,
            Looked::Archive { kind, is_sealed } => {
                reading.kind(kind);
                let outcome = archive::zip::read(bytes, reading);
                if is_sealed {
                    reading.protection(Protection::Partly);
                }
                outcome
            }
        },
        Kind::Office => ole::read(bytes, reading),
        Kind::Rtf => rtf::read(bytes, reading),
        Kind::Tnef => tnef::read(bytes, reading),
        Kind::Pdf => pdf::read(bytes, reading),
        Kind::Pgp => pgp::read(bytes, reading),
        Kind::Cms => cms::read(bytes, reading),
        Kind::Eml => mail::message(bytes, reading),
        Kind::Mbox => mail::mbox(bytes, reading),
        Kind::SevenZip => archive::seven_zip::read(bytes, reading),
        Kind::Rar => archive::rar::read(bytes, reading),
        Kind::Tar => archive::tar::read(bytes, reading),
        Kind::Gzip | Kind::Bzip2 | Kind::Xz | Kind::Zstd => archive::stream::read(kind, bytes, reading),
        Kind::Cab => archive::cab::read(bytes, reading),
        Kind::Iso => archive::iso::read(bytes, reading),
        _ if kind.group() == KindGroup::Text => plain::read(kind, bytes, reading),
        Kind::Csv | Kind::Calendar | Kind::Vcard | Kind::Svg | Kind::Script | Kind::UrlShortcut => {
            plain::read(kind, bytes, reading)
        }
        Kind::Unknown if archive::zip::lies_behind(bytes) => {
            reading.kind(Kind::Zip);
            archive::zip::read(bytes, reading)
        }
        Kind::Unknown => {
            reading.protection(Protection::Unknown);
            Ok(())
        }
        // Whether it is encrypted is for its own program to say.
        Kind::Archive => {
            reading.protection(Protection::Unknown);
            Err(Stop(Gap::Unsupported))
        }
        // What these say is not read, and that is no secret.
        Kind::PostScript
        | Kind::Publisher
        | Kind::Visio
        | Kind::OneNote
        | Kind::Pst
        | Kind::Chm
        | Kind::Sqlite
        | Kind::Access => Err(Stop(Gap::Unsupported)),
        // A program that unpacks itself, or a picture that is no mere picture.
        _ if archive::zip::lies_behind(bytes) => archive::zip::read(bytes, reading),
        _ => Ok(()),
    }
}

/// Appends text with its line ends made `\n` and without NUL.
fn push_clean(out: &mut String, text: &str) {
    if memchr::memchr2(b'\r', 0, text.as_bytes()).is_none() {
        out.push_str(text);
        return;
    }
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\0' => {}
            '\r' if letters.peek() == Some(&'\n') => {}
            '\r' => out.push('\n'),
            other => out.push(other),
        }
    }
}
