//! The store: a folder with a SQLite database, the contents and a key. Opens it and says how it is. Holds no policy.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustix::fs::FlockOperation;
use serde::Serialize;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Row as _, Sqlite, SqlitePool, Transaction};

use super::files::{ContentFolder, blocking, make_file, make_folder};
use super::{RecordsError, Reference, told};

/// The database's history, oldest first. `PRAGMA user_version` says how much of it a database has behind it.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/0001_held_mail.sql"),
    include_str!("../../migrations/0002_acquaintances.sql"),
    include_str!("../../migrations/0003_confirmations.sql"),
    include_str!("../../migrations/0004_notices.sql"),
    include_str!("../../migrations/0005_out_of_hours.sql"),
    include_str!("../../migrations/0007_told.sql"),
    include_str!("../../migrations/0008_sent_apart.sql"),
    include_str!("../../migrations/0009_monitoring_notices.sql"),
];

/// How long to wait for another process that writes.
const BUSY: Duration = Duration::from_secs(5);

/// The store of held and returned mail. Several processes may have it open at once; clones share one.
#[derive(Clone)]
pub struct Store {
    pub(super) folder: Arc<PathBuf>,
    pub(super) database: Arc<PathBuf>,
    /// For reading.
    pub(super) pool: SqlitePool,
    /// For writing: one connection, whose queue is fair, where SQLite lets those who wait guess when to try again.
    writer: SqlitePool,
    pub(super) content: ContentFolder,
    pub(super) key: Arc<[u8; 32]>,
    /// The passes on whose messages the MTA was answered, since the outbox was taken over.
    pub(super) answered: Arc<File>,
}

/// How the store is: for `mailwarden status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Messages that wait for a decision.
    pub held: u64,
    /// When the oldest of them was received.
    pub oldest_held: Option<Timestamp>,
    /// Messages that were released and are not yet with the MTA.
    pub releasing: u64,
    /// Messages that were returned to their senders, ever.
    pub returned: u64,
    /// Mail in the outbox that waits to be submitted.
    pub outbox_waiting: u64,
    /// Since when the oldest of it waits.
    pub outbox_oldest: Option<Timestamp>,
    /// Mail in the outbox that the MTA refused for good.
    pub outbox_failed: u64,
    /// Submissions whose end was not heard: the MTA had the message, its receipt is not proven.
    pub unconfirmed: u64,
    /// The latest thing that went wrong with mail that still waits, and when.
    pub last_error: Option<(Timestamp, String)>,
    /// Bytes that the store's file system has left.
    pub free_bytes: u64,
}

/// The database's file.
const DATABASE: &str = "mailwarden.sqlite";

impl Store {
    /// Opens the store in that folder, which must be there.
    ///
    /// # Errors
    /// As [`Store::open`]; and where there is none.
    pub async fn open_existing(directory: &Path) -> Result<Self, RecordsError> {
        let database = directory.join(DATABASE);
        match blocking({
            let database = database.clone();
            // What may not be looked at is for opening it to tell of.
            move || !matches!(database.try_exists(), Ok(false))
        })
        .await?
        {
            true => Self::open(directory).await,
            false => Err(RecordsError::Missing(database)),
        }
    }

    /// Opens the store in that folder. Makes what is missing, readable by its owner alone, and brings an older
    /// database up to date.
    ///
    /// # Errors
    /// Where the folder cannot be made or written, or the database is damaged or of a later version.
    pub async fn open(directory: &Path) -> Result<Self, RecordsError> {
        let folder = directory.to_owned();
        let Prepared { lock, content, key, answered } = blocking(move || prepare(&folder)).await??;
        let database = directory.join(DATABASE);
        let options = SqliteConnectOptions::new()
            .filename(&database)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL flushes the log at each commit: what was committed outlasts a power cut.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY);
        let connect = async |connections| {
            let pool = SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(BUSY * 2)
                .idle_timeout(None)
                .max_lifetime(None);
            let connected = pool.connect_with(options.clone()).await;
            connected.map_err(|source| RecordsError::Database { path: database.clone(), source })
        };
        let (writer, pool) = (connect(1).await?, connect(3).await?);
        let store = Self {
            folder: Arc::new(directory.to_owned()),
            database: Arc::new(database),
            pool,
            writer,
            content,
            key: Arc::new(key),
            answered: Arc::new(answered),
        };
        store.migrate().await?;
        drop(lock);
        Ok(store)
    }

    /// Closes the database, once all that is under way has ended.
    pub async fn close(&self) {
        self.pool.close().await;
        self.writer.close().await;
    }

    /// How the store is.
    ///
    /// # Errors
    /// Where the database or the file system does not answer.
    pub async fn check(&self) -> Result<Status, RecordsError> {
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM messages WHERE state = 'held') AS held,
                    (SELECT min(received_at) FROM messages WHERE state = 'held') AS oldest_held,
                    (SELECT count(*) FROM messages WHERE state = 'releasing') AS releasing,
                    (SELECT count(*) FROM messages WHERE state = 'returned') AS returned,
                    (SELECT count(*) FROM outbox WHERE state = 'waiting') AS waiting,
                    (SELECT min(queued_at) FROM outbox WHERE state = 'waiting') AS oldest,
                    (SELECT count(*) FROM outbox WHERE state = 'failed') AS failed,
                    (SELECT count(DISTINCT outbox) FROM outbox_recipients WHERE state = 'unconfirmed') AS unconfirmed",
        )
        .fetch_one(&self.pool)
        .await
        .map_err(|source| self.database_error(source))?;
        let last: Option<(i64, String)> = sqlx::query_as(
            "SELECT last_error_at, last_error FROM outbox
             WHERE last_error IS NOT NULL AND state IN ('waiting', 'failed') ORDER BY last_error_at DESC LIMIT 1",
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(|source| self.database_error(source))?;
        let count = |column: &str| {
            row.try_get::<i64, _>(column).ok().and_then(|n| u64::try_from(n).ok()).unwrap_or(0)
        };
        let time = |column: &str| row.try_get::<Option<i64>, _>(column).ok().flatten().map(told);
        Ok(Status {
            held: count("held"),
            oldest_held: time("oldest_held"),
            releasing: count("releasing"),
            returned: count("returned"),
            outbox_waiting: count("waiting"),
            outbox_oldest: time("oldest"),
            outbox_failed: count("failed"),
            unconfirmed: count("unconfirmed"),
            last_error: last.map(|(at, error)| (told(at), error)),
            free_bytes: self.free_bytes().await?,
        })
    }

    /// Removes the contents of messages that were never promised (a crash came before their row) or were deleted
    /// (a crash came after the decision). Files of the last day stay: they may be under way in another process.
    /// Returns how many messages' files went.
    ///
    /// # Errors
    /// Where the database or the folder does not answer.
    pub async fn tidy(&self, now: Timestamp) -> Result<usize, RecordsError> {
        let day = jiff::SignedDuration::from_hours(24);
        let old = self.content.older_than(now.saturating_sub(day).unwrap_or(Timestamp::MIN)).await?;
        let mut gone = 0;
        for reference in old {
            // A letter has no message; what was sent is no longer needed.
            let needed: Option<(bool,)> = sqlx::query_as(
                "SELECT state != 'deleted' FROM messages WHERE reference = ?1
                 UNION ALL SELECT state = 'waiting' FROM outbox WHERE reference = ?1 AND kind = 'letter'",
            )
            .bind(reference.as_str())
            .fetch_optional(&self.pool)
            .await
            .map_err(|source| self.database_error(source))?;
            if needed.is_none_or(|(needed,)| !needed) {
                self.content.remove(&reference).await?;
                gone += 1;
            }
        }
        Ok(gone)
    }

    /// Takes the right to work the outbox, which one process has at a time. `None` while another has it. It is given
    /// back when the returned file is dropped, or the process ends in whatever way.
    ///
    /// # Errors
    /// Where the lock file cannot be opened.
    pub async fn lock_outbox(&self) -> Result<Option<File>, RecordsError> {
        let path = self.folder.join("outbox.lock");
        blocking(move || {
            make_file(&path, b"")?;
            let failed = |source| RecordsError::File { doing: "lock", path: path.clone(), source };
            let file = File::open(&path).map_err(failed)?;
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => Ok(Some(file)),
                Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
                Err(error) => Err(failed(error.into())),
            }
        })
        .await?
    }

    /// Begins to write: takes the database's write lock at once, so that no later step can find it taken.
    pub(super) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, RecordsError> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(|source| self.database_error(source))
    }

    pub(super) async fn commit(&self, transaction: Transaction<'static, Sqlite>) -> Result<(), RecordsError> {
        transaction.commit().await.map_err(|source| self.database_error(source))
    }

    pub(super) fn database_error(&self, source: sqlx::Error) -> RecordsError {
        RecordsError::Database { path: self.database.to_path_buf(), source }
    }

    pub(super) fn damaged(&self, reference: &str, field: &'static str) -> RecordsError {
        RecordsError::Damaged { reference: reference.to_owned(), field }
    }

    /// A reference as a row has it.
    pub(super) fn reference_of(&self, text: &str) -> Result<Reference, RecordsError> {
        text.parse().map_err(|_| self.damaged(text, "reference"))
    }

    async fn free_bytes(&self) -> Result<u64, RecordsError> {
        let path = self.folder.to_path_buf();
        blocking(move || {
            let found = rustix::fs::statvfs(&path);
            found.map(|found| found.f_bavail.saturating_mul(found.f_frsize)).map_err(|error| {
                RecordsError::File { doing: "ask for the free space of", path, source: error.into() }
            })
        })
        .await?
    }

    async fn migrate(&self) -> Result<(), RecordsError> {
        let failed = |source| self.database_error(source);
        let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
        let found: i64 =
            sqlx::query_scalar("PRAGMA user_version").fetch_one(&self.pool).await.map_err(failed)?;
        if found > known {
            return Err(RecordsError::TooNew { path: self.database.to_path_buf(), found, known });
        }
        for (version, migration) in (1i64..).zip(MIGRATIONS).filter(|(version, _)| *version > found) {
            let mut transaction = self.begin().await?;
            sqlx::raw_sql(*migration).execute(&mut *transaction).await.map_err(failed)?;
            let noted = sqlx::AssertSqlSafe(format!("PRAGMA user_version = {version}"));
            sqlx::raw_sql(noted).execute(&mut *transaction).await.map_err(failed)?;
            self.commit(transaction).await?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Store {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// What a store needs of its folder.
struct Prepared {
    /// Keeps other processes from making what is missing meanwhile.
    lock: File,
    content: ContentFolder,
    key: [u8; 32],
    answered: File,
}

/// Makes what is missing in the folder.
fn prepare(folder: &Path) -> Result<Prepared, RecordsError> {
    make_folder(folder)?;
    let lock_path = folder.join("open.lock");
    make_file(&lock_path, b"")?;
    let lock_failed = |source| RecordsError::File { doing: "lock", path: lock_path.clone(), source };
    let lock = File::open(&lock_path).map_err(lock_failed)?;
    rustix::fs::flock(&lock, FlockOperation::LockExclusive).map_err(|error| lock_failed(error.into()))?;
    let content = ContentFolder::open(folder)?;
    // The database's log files take their mode from it.
    make_file(&folder.join("mailwarden.sqlite"), b"")?;
    let key_path = folder.join("pass.key");
    let mut fresh = [0u8; 32];
    getrandom::fill(&mut fresh).map_err(RecordsError::Random)?;
    make_file(&key_path, &fresh)?;
    let read = fs::read(&key_path).map_err(|source| RecordsError::File {
        doing: "read",
        path: key_path.clone(),
        source,
    })?;
    let key = read.try_into().map_err(|_| RecordsError::File {
        doing: "use the key",
        path: key_path,
        source: std::io::Error::new(
            std::io::ErrorKind::InvalidData,
            "it is not 32 bytes long; remove it and a new one is made",
        ),
    })?;
    // The names of what was made, in the folder and in the one above, outlast a crash too.
    for path in
        [Some(folder), folder.parent()].into_iter().flatten().filter(|path| !path.as_os_str().is_empty())
    {
        let synced = File::open(path).and_then(|opened| opened.sync_all());
        synced.map_err(|source| RecordsError::File { doing: "flush", path: path.to_owned(), source })?;
    }
    let path = folder.join("passes.answered");
    make_file(&path, b"")?;
    let opened = File::options().read(true).append(true).open(&path);
    let answered = opened.map_err(|source| RecordsError::File { doing: "open", path, source })?;
    Ok(Prepared { lock, content, key, answered })
}
