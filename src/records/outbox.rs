//! The outbox: what is to be submitted to the MTA, and what came of it, recipient by recipient. Never opens a socket.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sqlx::{Row as _, Sqlite, Transaction};

use super::digest::Digest;
use super::files::{ContentKind, Written};
use super::pass::Pass;
use super::{HeldState, RecordsError, Reference, Store, stored, told};

/// What an entry of the outbox is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutboxKind {
    /// A held message that goes on to its recipients.
    Release,
    /// An answer to the sender of a message that was returned or is held.
    Answer,
    /// A letter of its own: what came of a confirmation, a summary.
    Letter,
}

impl OutboxKind {
    /// The kind's name as `--json` and the database write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Answer => "answer",
            Self::Letter => "letter",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Release, Self::Answer, Self::Letter].into_iter().find(|kind| kind.name() == name)
    }
}

/// What has become of a message at one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecipientState {
    /// Not submitted, or not yet with success.
    Waiting,
    /// The MTA has it.
    Sent,
    /// It went through the gate, and the connection broke before the MTA said that it has it. It is not sent again
    /// unless a person decides so.
    Unconfirmed,
    /// The MTA refused it for good.
    Refused,
}

impl RecipientState {
    const ALL: [Self; 4] = [Self::Waiting, Self::Sent, Self::Unconfirmed, Self::Refused];

    /// The state's name as `--json` and the database write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Unconfirmed => "unconfirmed",
            Self::Refused => "refused",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl std::fmt::Display for RecipientState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// An entry of the outbox, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutboxEntry {
    /// What it is.
    pub kind: OutboxKind,
    /// `waiting`, `sent` or `failed`; of an answer beyond its sender's share, `postponed` or `summarised`.
    pub state: String,
    /// Attempts so far.
    pub attempts: u64,
    /// Since when it is in the outbox.
    pub queued_at: Timestamp,
    /// When it is tried next, while it waits.
    pub next_attempt_at: Option<Timestamp>,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// Mail that is due for submission.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The entry in the outbox.
    pub id: i64,
    /// What it is.
    pub kind: OutboxKind,
    /// The message that it belongs to; a letter's own name.
    pub reference: Reference,
    /// The reverse path, as it came; `None` is the null sender.
    pub sender: Option<Vec<u8>>,
    /// Those who have not got it yet.
    pub recipients: Vec<SubmissionRecipient>,
    /// Where the content lies.
    pub content: PathBuf,
    /// SHA-256 of the content, to see that the disk still has what was kept.
    pub content_digest: Digest,
    /// Whether the content has bytes beyond ASCII (RFC 6152).
    pub eight_bit: bool,
    /// The content's size in bytes.
    pub size: u64,
    /// Attempts before this one.
    pub attempts: u64,
    pub(super) body_digest: Digest,
}

/// One of a submission's recipients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmissionRecipient {
    /// Its place among the recipients of the entry.
    pub position: i64,
    /// The forward path, as it came.
    pub address: Vec<u8>,
}

/// What a submission came to, for some of its recipients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The MTA said that it has it.
    Sent,
    /// The MTA refused it for good, in these words.
    Refused(String),
    /// The MTA, or something on the way, could not take it now.
    Deferred(String),
    /// All of it was sent, and the connection broke before the MTA answered.
    Unheard(String),
}

/// When mail that could not be submitted is tried again: after `first`, then twice as long each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// The wait after the first failure.
    pub first: SignedDuration,
    /// The longest wait.
    pub longest: SignedDuration,
    /// After how long in the outbox it is given up: a release is held again, an answer has failed.
    pub give_up_after: SignedDuration,
}

impl Default for Retry {
    /// Half a minute, half an hour, five days (RFC 5321 §4.5.4.1).
    fn default() -> Self {
        Self {
            first: SignedDuration::from_secs(30),
            longest: SignedDuration::from_mins(30),
            give_up_after: SignedDuration::from_hours(5 * 24),
        }
    }
}

impl Retry {
    /// The wait after that many failed attempts.
    pub fn wait(&self, attempts: u64) -> SignedDuration {
        let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX).min(20);
        self.first.checked_mul(1 << doublings).unwrap_or(self.longest).min(self.longest)
    }
}

/// What is put into the outbox.
pub(super) struct NewEntry<'a> {
    pub(super) kind: OutboxKind,
    pub(super) reference: &'a Reference,
    pub(super) sender: Option<Vec<u8>>,
    pub(super) recipients: Vec<(i64, Vec<u8>)>,
    pub(super) content: &'a Written,
    /// Whether it waits for a summary in place of being sent.
    pub(super) postponed: bool,
    pub(super) now: Timestamp,
}

impl Store {
    pub(super) async fn enqueue(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        entry: &NewEntry<'_>,
    ) -> Result<(), RecordsError> {
        let failed = |source| self.database_error(source);
        let id = sqlx::query(
            "INSERT INTO outbox (kind, reference, state, sender, size, eight_bit, content_digest, body_digest, queued_at,
                 next_attempt_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(entry.kind.name())
        .bind(entry.reference.as_str())
        .bind(if entry.postponed { "postponed" } else { "waiting" })
        .bind(entry.sender.as_deref())
        .bind(entry.content.size)
        .bind(entry.content.eight_bit)
        .bind(&entry.content.content_digest[..])
        .bind(&entry.content.body_digest[..])
        .bind(stored(entry.now))
        .bind(stored(entry.now))
        .execute(&mut **transaction)
        .await
        .map_err(failed)?
        .last_insert_rowid();
        for (position, address) in &entry.recipients {
            sqlx::query("INSERT INTO outbox_recipients (outbox, position, address, state) VALUES (?, ?, ?, 'waiting')")
                .bind(id)
                .bind(position)
                .bind(address)
                .execute(&mut **transaction)
                .await
                .map_err(failed)?;
        }
        Ok(())
    }

    /// Settles what was under way when the process that worked the outbox ended. Only the holder of
    /// [`Store::lock_outbox`] may ask for it. What had gone through the gate counts as sent, unconfirmed; what had not
    /// is submitted again, and its old pass is worth nothing from then on. Returns how many submissions there were.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn resume(&self, retry: &Retry, now: Timestamp) -> Result<usize, RecordsError> {
        let under_way: Vec<(i64, Vec<u8>)> = sqlx::query_as(
            "SELECT DISTINCT outbox, pass FROM outbox_recipients WHERE state = 'waiting' AND pass IS NOT NULL",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(|source| self.database_error(source))?;
        for (outbox, pass) in &under_way {
            let ended = Outcome::Unheard("mailwarden ended while the message was being submitted".to_owned());
            self.settle_pass(*outbox, pass, &ended, now).await?;
            self.finish_entry(*outbox, retry, now).await?;
        }
        Ok(under_way.len())
    }

    /// What is due, longest waiting first, at most a hundred.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn due(&self, now: Timestamp) -> Result<Vec<Submission>, RecordsError> {
        let failed = |source| self.database_error(source);
        let rows = sqlx::query(
            "SELECT id, kind, reference, sender, size, eight_bit, content_digest, body_digest, attempts FROM outbox
             WHERE state = 'waiting' AND next_attempt_at <= ? ORDER BY next_attempt_at, id LIMIT 100",
        )
        .bind(stored(now))
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        let mut due = Vec::with_capacity(rows.len());
        for row in &rows {
            let reference = self.reference_of(row.try_get("reference").map_err(failed)?)?;
            let kind = OutboxKind::from_name(row.try_get("kind").map_err(failed)?)
                .ok_or_else(|| self.damaged(reference.as_str(), "kind"))?;
            let content = match kind {
                OutboxKind::Release => ContentKind::Original,
                OutboxKind::Answer => ContentKind::Answer,
                OutboxKind::Letter => ContentKind::Letter,
            };
            let id = row.try_get("id").map_err(failed)?;
            due.push(Submission {
                id,
                kind,
                sender: row.try_get("sender").map_err(failed)?,
                recipients: self.waiting_recipients(id).await?,
                content: self.content.path(&reference, content),
                content_digest: self.digest_column(row, &reference, "content_digest")?,
                body_digest: self.digest_column(row, &reference, "body_digest")?,
                eight_bit: row.try_get("eight_bit").map_err(failed)?,
                size: self.count_column(row, &reference, "size")?,
                attempts: self.count_column(row, &reference, "attempts")?,
                reference,
            });
        }
        Ok(due)
    }

    /// Records what became of some recipients without a message having been sent.
    ///
    /// # Errors
    /// Where it cannot be recorded.
    pub async fn settle_recipients(
        &self,
        submission: &Submission,
        outcomes: &[(i64, Outcome)],
    ) -> Result<(), RecordsError> {
        if outcomes.is_empty() {
            return Ok(());
        }
        let mut transaction = self.begin().await?;
        for (position, outcome) in outcomes {
            let (state, answer) = recorded(outcome, false);
            sqlx::query("UPDATE outbox_recipients SET state = ?, answer = ?, pass = NULL WHERE outbox = ? AND position = ?")
                .bind(state.name())
                .bind(answer)
                .bind(submission.id)
                .bind(position)
                .execute(&mut *transaction)
                .await
                .map_err(|source| self.database_error(source))?;
        }
        self.commit(transaction).await
    }

    /// Records what became of the recipients for whom that pass was made. The pass is worth nothing afterwards.
    /// Returns whether the gate had seen it.
    ///
    /// # Errors
    /// Where it cannot be recorded.
    pub async fn settle(
        &self,
        submission: &Submission,
        pass: &Pass,
        outcome: &Outcome,
        now: Timestamp,
    ) -> Result<bool, RecordsError> {
        self.settle_pass(submission.id, &pass.id, outcome, now).await
    }

    /// Ends an attempt: the entry is done, or waits for its next attempt, or is given up.
    ///
    /// # Errors
    /// Where it cannot be recorded.
    pub async fn finish(
        &self,
        submission: &Submission,
        retry: &Retry,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        self.finish_entry(submission.id, retry, now).await
    }

    async fn settle_pass(
        &self,
        outbox: i64,
        pass: &[u8],
        outcome: &Outcome,
        now: Timestamp,
    ) -> Result<bool, RecordsError> {
        let failed = |source| self.database_error(source);
        let mut transaction = self.begin().await?;
        // Withdrawn before anything is decided: the gate spends a pass in a transaction of its own, so it comes
        // either before this one, and the message is through, or after it, and gets a temporary failure.
        let withdrawn = sqlx::query("UPDATE passes SET withdrawn_at = ? WHERE id = ? AND used_at IS NULL")
            .bind(stored(now))
            .bind(pass)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?
            .rows_affected();
        let seen = withdrawn == 0;
        let (state, answer) = recorded(outcome, seen);
        sqlx::query(
            "UPDATE outbox_recipients SET state = ?, answer = ?, pass = NULL WHERE outbox = ? AND pass = ?",
        )
        .bind(state.name())
        .bind(answer)
        .bind(outbox)
        .bind(pass)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        self.commit(transaction).await?;
        Ok(seen)
    }

    async fn finish_entry(&self, outbox: i64, retry: &Retry, now: Timestamp) -> Result<(), RecordsError> {
        let failed = |source| self.database_error(source);
        let mut transaction = self.begin().await?;
        let (kind, reference, attempts, queued): (String, String, i64, i64) =
            sqlx::query_as("SELECT kind, reference, attempts + 1, queued_at FROM outbox WHERE id = ?")
                .bind(outbox)
                .fetch_one(&mut *transaction)
                .await
                .map_err(failed)?;
        if told(queued).saturating_add(retry.give_up_after).is_ok_and(|end| end <= now) {
            sqlx::query(
                "UPDATE outbox_recipients SET state = 'refused', answer = 'given up: ' || coalesce(answer, 'no attempt')
                 WHERE outbox = ? AND state = 'waiting'",
            )
            .bind(outbox)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        }
        let left = tally(&mut transaction, outbox).await.map_err(failed)?;
        let state = match left {
            Tally { waiting: 1.., .. } => "waiting",
            Tally { refused: 1.., .. } => "failed",
            _ => "sent",
        };
        let wait = retry.wait(u64::try_from(attempts).unwrap_or(u64::MAX));
        let next = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        sqlx::query(
            "UPDATE outbox SET state = ?, attempts = ?, next_attempt_at = ?, last_error = ?,
                 last_error_at = CASE WHEN ? IS NULL THEN NULL ELSE ? END WHERE id = ?",
        )
        .bind(state)
        .bind(attempts)
        .bind(stored(next))
        .bind(&left.answer)
        .bind(&left.answer)
        .bind(stored(now))
        .bind(outbox)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        if OutboxKind::from_name(&kind) == Some(OutboxKind::Release) {
            self.tell_message(&mut transaction, outbox, &reference, &left).await?;
        }
        self.commit(transaction).await
    }

    /// Brings a released message's row in line with its outbox entry.
    async fn tell_message(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        outbox: i64,
        reference: &str,
        left: &Tally,
    ) -> Result<(), RecordsError> {
        let failed = |source| self.database_error(source);
        sqlx::query(
            "UPDATE recipients SET state = gone.state, answer = gone.answer FROM outbox_recipients AS gone
             WHERE gone.outbox = ? AND recipients.reference = ? AND recipients.position = gone.position",
        )
        .bind(outbox)
        .bind(reference)
        .execute(&mut **transaction)
        .await
        .map_err(failed)?;
        let (state, note) = match left {
            Tally { waiting: 1.., .. } => (HeldState::Releasing, left.answer.clone()),
            Tally { refused: 1.., .. } => {
                let said = left.answer.as_deref().unwrap_or_default();
                (
                    HeldState::Held,
                    Some(format!("release refused for {} of its recipients: {said}", left.refused)),
                )
            }
            Tally { unconfirmed: 1.., .. } => (HeldState::Released, Some(UNCONFIRMED.to_owned())),
            Tally { .. } => (HeldState::Released, None),
        };
        sqlx::query("UPDATE messages SET state = ?, note = ? WHERE reference = ?")
            .bind(state.name())
            .bind(note)
            .bind(reference)
            .execute(&mut **transaction)
            .await
            .map_err(failed)?;
        Ok(())
    }

    pub(super) async fn outbox_entries(
        &self,
        reference: &Reference,
    ) -> Result<Vec<OutboxEntry>, RecordsError> {
        let rows = sqlx::query(
            "SELECT kind, state, attempts, queued_at, next_attempt_at, last_error FROM outbox WHERE reference = ? ORDER BY id",
        )
        .bind(reference.as_str())
        .fetch_all(&self.pool)
        .await
        .map_err(|source| self.database_error(source))?;
        let mut entries = Vec::with_capacity(rows.len());
        for row in &rows {
            let kind: String = self.column(row, reference, "kind")?;
            let state: String = self.column(row, reference, "state")?;
            let next: i64 = self.column(row, reference, "next_attempt_at")?;
            entries.push(OutboxEntry {
                kind: OutboxKind::from_name(&kind).ok_or_else(|| self.damaged(reference.as_str(), "kind"))?,
                attempts: self.count_column(row, reference, "attempts")?,
                queued_at: told(self.column(row, reference, "queued_at")?),
                next_attempt_at: (state == "waiting").then(|| told(next)),
                last_error: self.column(row, reference, "last_error")?,
                state,
            });
        }
        Ok(entries)
    }

    async fn waiting_recipients(&self, outbox: i64) -> Result<Vec<SubmissionRecipient>, RecordsError> {
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
            "SELECT position, address FROM outbox_recipients WHERE outbox = ? AND state = 'waiting' ORDER BY position",
        )
        .bind(outbox)
        .fetch_all(&self.pool)
        .await
        .map_err(|source| self.database_error(source))?;
        Ok(rows.into_iter().map(|(position, address)| SubmissionRecipient { position, address }).collect())
    }
}

const UNCONFIRMED: &str = "went through the gate, but the MTA's receipt was not heard; look for it in the MTA's log, and release it again if it is not there";

/// How the recipients of an entry stand, and what was said last to one that stands badly.
struct Tally {
    waiting: i64,
    refused: i64,
    unconfirmed: i64,
    answer: Option<String>,
}

async fn tally(transaction: &mut Transaction<'static, Sqlite>, outbox: i64) -> Result<Tally, sqlx::Error> {
    let (waiting, refused, unconfirmed, answer) = sqlx::query_as(
        "SELECT count(*) FILTER (WHERE state = 'waiting'), count(*) FILTER (WHERE state = 'refused'),
                count(*) FILTER (WHERE state = 'unconfirmed'), max(answer) FILTER (WHERE state != 'sent')
         FROM outbox_recipients WHERE outbox = ?",
    )
    .bind(outbox)
    .fetch_one(&mut **transaction)
    .await?;
    Ok(Tally { waiting, refused, unconfirmed, answer })
}

/// How an outcome is written down. `seen`: the gate has let the message through.
fn recorded(outcome: &Outcome, seen: bool) -> (RecipientState, Option<&str>) {
    match outcome {
        Outcome::Sent => (RecipientState::Sent, None),
        Outcome::Refused(answer) => (RecipientState::Refused, Some(answer)),
        Outcome::Deferred(answer) => (RecipientState::Waiting, Some(answer)),
        Outcome::Unheard(answer) if seen => (RecipientState::Unconfirmed, Some(answer)),
        Outcome::Unheard(answer) => (RecipientState::Waiting, Some(answer)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_the_longest() {
        let retry = Retry::default();
        let waits: Vec<i64> = [1, 2, 3, 6, 7, 8, 60, u64::MAX].map(|n| retry.wait(n).as_secs()).to_vec();
        assert_eq!(waits, [30, 60, 120, 960, 1800, 1800, 1800, 1800]);
    }
}
