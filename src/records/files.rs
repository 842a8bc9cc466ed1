//! The files of the store: written, flushed to the disk, read in pieces, removed. Never knows what a message means.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::digest::{BodyDigest, Digest, body_start};
use super::{RecordsError, Reference};

/// Bytes that are handed to the disk at once; bounds the memory that a message of any size takes here.
const PIECE: usize = 1 << 20;

/// Which of a message's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContentKind {
    /// The message as it was received.
    Original,
    /// The answer to its sender.
    Answer,
    /// What was found in it, in words.
    Found,
    /// A letter that belongs to no message, under a name of its own.
    Letter,
}

impl ContentKind {
    const ALL: [Self; 4] = [Self::Original, Self::Answer, Self::Found, Self::Letter];
}

/// What was found out about a content while it was written.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) content_digest: Digest,
    pub(super) body_digest: Digest,
    pub(super) size: i64,
    pub(super) eight_bit: bool,
}

/// The folder that holds the contents.
#[derive(Debug, Clone)]
pub(super) struct ContentFolder(Arc<PathBuf>);

impl ContentFolder {
    /// Opens the folder, or makes it where it does not exist.
    pub(super) fn open(store: &Path) -> Result<Self, RecordsError> {
        let path = store.join("content");
        make_folder(&path)?;
        Ok(Self(Arc::new(path)))
    }

    /// Where a content lies.
    pub(super) fn path(&self, reference: &Reference, kind: ContentKind) -> PathBuf {
        let ending = match kind {
            ContentKind::Original => "eml",
            ContentKind::Answer => "answer.eml",
            ContentKind::Found => "found.json",
            ContentKind::Letter => "letter.eml",
        };
        self.0.join(format!("{reference}.{ending}"))
    }

    /// Writes a content so that it outlasts a crash of the machine: file and folder are flushed before this returns.
    /// A file without a row in the database counts for nothing, so no second name is needed while it is written.
    pub(super) async fn write(
        &self,
        reference: &Reference,
        kind: ContentKind,
        content: &[u8],
    ) -> Result<Written, RecordsError> {
        let path = self.path(reference, kind);
        let target = path.clone();
        let made = blocking(move || OpenOptions::new().write(true).create_new(true).mode(0o600).open(target))
            .await?;
        let written = match made {
            Ok(file) => self.fill(file, content).await?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(RecordsError::ReferenceTaken(reference.clone()));
            }
            Err(error) => Err(error),
        };
        if written.is_err() {
            // On a full disk, half a file would only make things worse for the next attempt.
            let target = path.clone();
            blocking(move || fs::remove_file(target).ok()).await?;
        }
        written.map_err(|source| RecordsError::File { doing: "write", path, source })
    }

    async fn fill(&self, file: File, content: &[u8]) -> Result<io::Result<Written>, RecordsError> {
        let mut writer = Writer { file, content: Sha256::new(), body: BodyDigest::default() };
        let start = body_start(content);
        let mut at = 0;
        for piece in content.chunks(PIECE) {
            let (owned, in_header) = (piece.to_vec(), start.saturating_sub(at).min(piece.len()));
            at += piece.len();
            writer = match blocking(move || writer.take(&owned, in_header)).await? {
                Ok(writer) => writer,
                Err(error) => return Ok(Err(error)),
            };
        }
        let folder = self.clone();
        let flushed = blocking(move || {
            writer.file.sync_all()?;
            folder.sync()?;
            Ok((writer.content.finalize().into(), writer.body.finish()))
        })
        .await?;
        Ok(flushed.map(|(content_digest, body_digest)| Written {
            content_digest,
            body_digest,
            size: i64::try_from(content.len()).unwrap_or(i64::MAX),
            eight_bit: !content.is_ascii(),
        }))
    }

    /// Removes a message's contents for good. That one is gone already is no failure.
    pub(super) async fn remove(&self, reference: &Reference) -> Result<(), RecordsError> {
        let paths = ContentKind::ALL.map(|kind| self.path(reference, kind));
        let folder = self.clone();
        let failed = |source| RecordsError::File {
            doing: "remove",
            path: folder.path(reference, ContentKind::Original),
            source,
        };
        let inside = folder.clone();
        blocking(move || {
            for path in paths {
                match fs::remove_file(path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            inside.sync()
        })
        .await?
        .map_err(failed)
    }

    /// The references that files older than that bear, to find those whose row was never committed.
    pub(super) async fn older_than(&self, at: jiff::Timestamp) -> Result<Vec<Reference>, RecordsError> {
        let folder = self.clone();
        blocking(move || {
            let mut found = Vec::new();
            for entry in fs::read_dir(folder.0.as_path())? {
                let entry = entry?;
                let name = entry.file_name();
                let stem = name.to_str().and_then(|name| name.split('.').next());
                let Some(reference) = stem.and_then(|stem| stem.parse().ok()) else { continue };
                let changed = entry.metadata()?.mtime();
                if changed < at.as_second() && !found.contains(&reference) {
                    found.push(reference);
                }
            }
            Ok(found)
        })
        .await?
        .map_err(|source| RecordsError::File { doing: "list", path: self.0.to_path_buf(), source })
    }

    fn sync(&self) -> io::Result<()> {
        File::open(self.0.as_path())?.sync_all()
    }
}

struct Writer {
    file: File,
    content: Sha256,
    body: BodyDigest,
}

impl Writer {
    fn take(mut self, piece: &[u8], in_header: usize) -> io::Result<Self> {
        self.file.write_all(piece)?;
        self.content.update(piece);
        self.body.update(piece.get(in_header..).unwrap_or_default());
        Ok(self)
    }
}

/// Runs what waits for the disk beside the tasks that serve mail.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RecordsError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| RecordsError::Stopped)
}

/// Makes a folder that its owner alone may enter; one that exists stays as it is.
pub(super) fn make_folder(path: &Path) -> Result<(), RecordsError> {
    let failed = |source| RecordsError::File { doing: "make the folder", path: path.to_owned(), source };
    if path.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
    give_to_owner(path).map_err(failed)
}

/// Makes a file that its owner alone may read, with that content, unless it exists.
pub(super) fn make_file(path: &Path, content: &[u8]) -> Result<(), RecordsError> {
    let failed = |source| RecordsError::File { doing: "make", path: path.to_owned(), source };
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(error)),
        Ok(mut file) => {
            file.write_all(content).and_then(|()| file.sync_all()).map_err(failed)?;
            give_to_owner(path).map_err(failed)
        }
    }
}

/// What root makes in another user's store belongs to that user: an administrator may open the store first.
fn give_to_owner(path: &Path) -> io::Result<()> {
    let Some(parent) = path.parent() else { return Ok(()) };
    let (above, made) = (fs::metadata(parent)?, fs::metadata(path)?);
    // Below a folder of root's own there is nobody to give it to; others cannot give anything away.
    if made.uid() != 0 || above.uid() == 0 {
        return Ok(());
    }
    std::os::unix::fs::chown(path, Some(above.uid()), Some(above.gid()))
}
