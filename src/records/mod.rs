//! Held and returned mail, what people decide on it, and the outbox: durable before anyone hears. Never sends mail.

mod acquaintances;
mod apart;
mod confirm;
mod digest;
mod files;
mod held;
mod keep;
mod monitoring;
mod notice_record;
mod notices;
mod out_of_hours;
mod outbox;
mod pass;
mod postponed;
mod reading;
mod reference;
mod store;
mod told;

pub use acquaintances::{Acquaintances, Noted};
pub use apart::{Keepsake, KeepsakeKind, NotedApart, SentApart};
pub use confirm::{Asks, Confirmation, Confirmed, Confirming, NewConfirmation, NewLetter};
pub use held::{Decided, Decision, HeldFilter, HeldMessage, HeldRecipient, HeldSummary};
pub use keep::{Answer, Kept, KeptAction, KeptMessage, Share};
pub use monitoring::{MonitoringTelling, NewMonitoringTelling};
pub use notice_record::{Ended, NoticeRecord, NoticeStatus, NoticeSummary, Telling};
pub use notices::{
    DueNotice, DueNotices, Fate, NewNotice, NoticeRecipient, NoticeRule, ToTell, content_digest,
};
pub use out_of_hours::OutOfHoursMessage;
pub use outbox::{OutboxEntry, OutboxKind, Outcome, RecipientState, Retry, Submission, SubmissionRecipient};
pub use pass::{PASS_HEADER, Pass, Redeemed, Refusal};
pub use postponed::{Postponed, Untold};
pub use reading::Reading;
pub use reference::Reference;
pub use store::{Status, Store};
pub use told::AdviceBounds;

use std::fmt;
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What can go wrong with the store. While a message is being kept, each of these means that nothing was promised:
/// the gate answers with a temporary failure, and the mail stays with Postfix or the client.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// A file or folder of the store could not be read or written: full disk, missing rights, damaged medium.
    #[error("store: could not {doing} {}: {source}; check free space and that mailwarden's user owns the folder", path.display())]
    File {
        /// What was being done, such as "write".
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The database refused: full disk, missing rights, locked for longer than five seconds, damaged.
    #[error("store: the database {}: {source}", path.display())]
    Database {
        /// The database file.
        path: PathBuf,
        /// What it said.
        source: sqlx::Error,
    },
    /// The database was made by a later version of this program.
    #[error("store: {} has version {found}, this program knows {known}: run the newer mailwarden", path.display())]
    TooNew {
        /// The database file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// A row holds what this program never writes.
    #[error(
        "store: row {reference} of the database is damaged: its {field} cannot be read; restore it from a backup"
    )]
    Damaged {
        /// Which message.
        reference: String,
        /// Which column.
        field: &'static str,
    },
    /// A task of the store was stopped, as when the process ends.
    #[error("store: stopped while at work")]
    Stopped,
    /// The operating system gave no random bytes.
    #[error("store: the operating system gave no random bytes: {0}")]
    Random(getrandom::Error),
    /// What was found cannot be written as JSON.
    #[error("store: the verdict cannot be recorded: {0}")]
    Verdict(serde_json::Error),
    /// The reference that was given with a new message belongs to another one already. About one in a trillion.
    #[error("store: the reference {0} is taken already; try again with another")]
    ReferenceTaken(Reference),
    /// Text that is no reference.
    #[error("\"{0}\" is no reference: eight letters and digits such as K7QF-2M9P are")]
    NotAReference(String),
    /// No message has that reference.
    #[error("no message has the reference {0}; `mailwarden held list` shows those that are held")]
    Unknown(Reference),
    /// No notice has that reference.
    #[error("no notice has the reference {0}; `mailwarden notices list --all` shows those that there are")]
    UnknownNotice(Reference),
    /// Somebody settled it already.
    #[error("{reference} was settled already, by {by}")]
    Settled {
        /// Which notice.
        reference: Reference,
        /// Who settled it.
        by: String,
    },
    /// There is no store where one was expected.
    #[error("store: {} is not there: is `[store] directory` of the configuration right, and did `mailwarden serve` run?", _0.display())]
    Missing(PathBuf),
    /// The decision does not fit what has become of the message.
    #[error("{reference} cannot be {wish}: {}", state.told())]
    NotHeld {
        /// Which message.
        reference: Reference,
        /// What was asked for: "released" or "deleted".
        wish: &'static str,
        /// What has become of it.
        state: HeldState,
    },
    /// A confirmation came too late: the code was used meanwhile, or has expired.
    #[error("the code for {0} has been used or has expired")]
    CodeUsed(Reference),
    /// A decision or a reading without a name or a reason.
    #[error("who and why go on the record; {0} is empty")]
    Unsaid(&'static str),
}

/// What has become of a message that was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeldState {
    /// It waits for somebody to decide.
    Held,
    /// Somebody released it; it is on its way back to the MTA.
    Releasing,
    /// The MTA has it.
    Released,
    /// Somebody deleted it: the content is gone, this record stays.
    Deleted,
    /// It was returned to its sender.
    Returned,
}

impl HeldState {
    /// All states, in the order of a message's life.
    pub const ALL: [Self; 5] = [Self::Held, Self::Releasing, Self::Released, Self::Deleted, Self::Returned];

    /// The state's name as `--json` and the database write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Releasing => "releasing",
            Self::Released => "released",
            Self::Deleted => "deleted",
            Self::Returned => "returned",
        }
    }

    /// The state with that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    const fn told(self) -> &'static str {
        match self {
            Self::Held => "it is held",
            Self::Releasing => "it is being released already",
            Self::Released => "it has been released already",
            Self::Deleted => "it has been deleted",
            Self::Returned => "it was returned to its sender, who can send it again",
        }
    }
}

impl fmt::Display for HeldState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A time as the database keeps it: milliseconds since 1970, UTC.
fn stored(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// A time from the database; what it cannot mean becomes the beginning of time.
fn told(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}
