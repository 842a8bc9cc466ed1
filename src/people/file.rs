//! The roll's file: written so that a crash leaves the old one or the new, read with its checksum. Never shows what is in it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{MOST_PEOPLE, Person, Roll};

/// What the file begins with; another number, another layout.
const MARK: &[u8] = b"mailwarden roll 1\n";

/// Bytes of the checksum after it.
const CHECKSUM: usize = 32;

/// Largest file that is read: 50,000 people at their longest stay below.
const FILE_BYTES: u64 = 256 << 20;

/// Why a roll's file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RollError {
    /// The system refuses.
    #[error("the roll {}: cannot {doing}: {source}; is it there, and is this mailwarden's user or root?", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The roll's file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is no roll of this version.
    #[error("the roll {}: not a roll that this version of mailwarden wrote; import it again", .0.display())]
    OtherVersion(PathBuf),
    /// It was changed or cut short.
    #[error("the roll {}: damaged; import it again", .0.display())]
    Damaged(PathBuf),
    /// Somebody else is writing it.
    #[error("the roll {}: another import is running", .0.display())]
    Busy(PathBuf),
}

impl RollError {
    /// Whether there is no such file.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// Where the roll is kept that was in force before: read at a start where the newest is damaged.
pub fn previous(path: &Path) -> PathBuf {
    beside(path, "previous")
}

/// Reads a roll and indexes it.
///
/// # Errors
/// When it cannot be read, or is not exactly as it was written.
pub fn load(path: &Path) -> Result<Roll, RollError> {
    let people = people_of(path, &read(path)?)?;
    Ok(Roll::new(people))
}

/// Writes a roll: readable by its owner alone, on the disk before this returns, and at no moment half of it under its
/// name. The roll before stays beside it as [`previous`].
///
/// # Errors
/// When it cannot be written: the old roll stays.
pub fn write(path: &Path, roll: &Roll) -> Result<(), RollError> {
    let failed = |doing| move |source| RollError::Io { doing, path: path.to_owned(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = File::open(folder).map_err(failed("open its folder"))?;
    folder.try_lock().map_err(|_| RollError::Busy(path.to_owned()))?;
    let fresh = beside(path, "new");
    remove(&fresh).map_err(failed("remove what an import left"))?;
    let written = fill(&fresh, &encode(roll).ok_or_else(|| RollError::Damaged(path.to_owned()))?, &folder);
    let placed = written.and_then(|()| {
        keep_previous(path)?;
        fs::rename(&fresh, path)?;
        folder.sync_all()
    });
    if placed.is_err() {
        // Names are in it: half a file is not left lying about.
        let _ = remove(&fresh);
    }
    placed.map_err(failed("write it"))
}

fn fill(fresh: &Path, bytes: &[u8], folder: &File) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(fresh)?;
    file.write_all(bytes)?;
    // What root imports into the folder of mailwarden's user is for that user.
    let (above, made) = (folder.metadata()?, file.metadata()?);
    if made.uid() == 0 && above.uid() != 0 {
        std::os::unix::fs::fchown(&file, Some(above.uid()), Some(above.gid()))?;
    }
    file.sync_all()
}

/// The roll that is there becomes the previous one, unless it is damaged.
fn keep_previous(path: &Path) -> io::Result<()> {
    if read(path).is_ok_and(|bytes| people_of(path, &bytes).is_ok()) {
        let previous = previous(path);
        remove(&previous)?;
        fs::hard_link(path, previous)?;
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}

fn encode(roll: &Roll) -> Option<Vec<u8>> {
    let people = postcard::to_stdvec(roll.people()).ok()?;
    Some([MARK, Sha256::digest(&people).as_slice(), &people].concat())
}

fn read(path: &Path) -> Result<Vec<u8>, RollError> {
    let failed = |source| RollError::Io { doing: "read it", path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

fn people_of(path: &Path, bytes: &[u8]) -> Result<Vec<Person>, RollError> {
    let rest = bytes.strip_prefix(MARK).ok_or_else(|| RollError::OtherVersion(path.to_owned()))?;
    let damaged = || RollError::Damaged(path.to_owned());
    let (checksum, people) = rest.split_at_checked(CHECKSUM).ok_or_else(damaged)?;
    if Sha256::digest(people).as_slice() != checksum {
        return Err(damaged());
    }
    let people: Vec<Person> = postcard::from_bytes(people).map_err(|_| damaged())?;
    if people.len() > MOST_PEOPLE {
        return Err(damaged());
    }
    Ok(people)
}
