//! What is held, shown to people, and what they decide on it. Never shows content without being asked for it.

use std::{fs, io};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::confirm::Confirmation;
use super::files::{ContentKind, Written, blocking};
use super::outbox::{NewEntry, OutboxEntry, OutboxKind, RecipientState};
use super::{HeldState, Reading, RecordsError, Reference, Store, stored, told};
use crate::verdict::RuleId;

/// Which messages are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldFilter {
    /// Those in one of these states.
    pub states: Vec<HeldState>,
    /// At most as many, the newest ones.
    pub limit: u32,
}

impl Default for HeldFilter {
    /// What waits for a decision or is on its way.
    fn default() -> Self {
        Self { states: vec![HeldState::Held, HeldState::Releasing], limit: 1_000 }
    }
}

/// A kept message in a list. It has no content: no subject either.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldSummary {
    /// Its name.
    pub reference: Reference,
    /// What has become of it.
    pub state: HeldState,
    /// When it was received.
    pub received_at: Timestamp,
    /// Its sender; `None` is the null sender.
    pub sender: Option<String>,
    /// The recipients whom it concerns; of many, the first hundred.
    pub recipients: Vec<String>,
    /// How many they are.
    pub recipient_count: u64,
    /// Its size in bytes.
    pub size: u64,
    /// The rules that led to it.
    pub rules: Vec<RuleId>,
    /// The MTA's name for it when it came.
    pub queue_id: Option<String>,
    /// What the last release came to, where it did not succeed.
    pub note: Option<String>,
    /// An earlier message, decided on by now, that was the same to the byte.
    pub same_as: Option<Reference>,
}

/// A kept message with all that the record has on it, save its content.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeldMessage {
    /// What a list shows.
    #[serde(flatten)]
    pub summary: HeldSummary,
    /// Each recipient whom it concerns, and what has become of it there.
    pub deliveries: Vec<HeldRecipient>,
    /// The address of the client that brought it.
    pub client_address: Option<String>,
    /// The name of that client.
    pub client_name: Option<String>,
    /// The login that the client proved.
    pub authenticated: Option<String>,
    /// What the sweep found, as `scan --json` writes it.
    pub verdict: serde_json::Value,
    /// What was decided, oldest first.
    pub decisions: Vec<Decided>,
    /// What its sender and approvers were offered to confirm by mail, and what came of it, oldest first.
    pub confirmations: Vec<Confirmation>,
    /// Who read its content, oldest first.
    pub readings: Vec<Reading>,
    /// What the outbox has or had for it, oldest first.
    pub outbox: Vec<OutboxEntry>,
}

/// A recipient of a kept message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldRecipient {
    /// The address, in lower case.
    pub address: String,
    /// What has become of the message there.
    pub state: RecipientState,
    /// What the MTA said last, where it did not take it.
    pub answer: Option<String>,
}

/// What somebody may decide on a held message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// It goes to its recipients after all.
    Release,
    /// Its content is removed for good. The record of it stays.
    Delete,
}

impl Decision {
    const fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Delete => "delete",
        }
    }

    const fn past(self) -> &'static str {
        match self {
            Self::Release => "released",
            Self::Delete => "deleted",
        }
    }
}

/// A decision on the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decided {
    /// What.
    pub decision: Decision,
    /// Who.
    pub by: String,
    /// Why.
    pub why: String,
    /// When.
    pub at: Timestamp,
}

const SUMMARY: &str =
    "SELECT reference, state, received_at, sender IS NULL AS null_sender, sender_shown, size, rules,
     queue_id, note, same_as, client_address, client_name, authenticated, verdict,
     (SELECT count(*) FROM recipients WHERE recipients.reference = messages.reference) AS recipient_count
 FROM messages";

impl Store {
    /// The messages that the filter lets through, newest first.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn list(&self, filter: &HeldFilter) -> Result<Vec<HeldSummary>, RecordsError> {
        let mut query = sqlx::QueryBuilder::new(SUMMARY);
        query.push(" WHERE state IN (");
        let mut states = query.separated(", ");
        for state in &filter.states {
            states.push_bind(state.name());
        }
        query.push(") ORDER BY received_at DESC, reference LIMIT ").push_bind(i64::from(filter.limit));
        let rows = query.build().fetch_all(&self.pool).await.map_err(|source| self.database_error(source))?;
        let mut summaries = Vec::with_capacity(rows.len());
        for row in &rows {
            summaries.push(self.summary(row).await?);
        }
        Ok(summaries)
    }

    /// All that the record has on a message.
    ///
    /// # Errors
    /// Where no message has that reference, or the database does not answer.
    pub async fn find(&self, reference: &Reference) -> Result<HeldMessage, RecordsError> {
        let row = sqlx::QueryBuilder::new(SUMMARY)
            .push(" WHERE reference = ")
            .push_bind(reference.as_str())
            .build()
            .fetch_optional(&self.pool)
            .await
            .map_err(|source| self.database_error(source))?
            .ok_or_else(|| RecordsError::Unknown(reference.clone()))?;
        let verdict: String = self.column(&row, reference, "verdict")?;
        Ok(HeldMessage {
            summary: self.summary(&row).await?,
            deliveries: self.deliveries(reference).await?,
            client_address: self.column(&row, reference, "client_address")?,
            client_name: self.column(&row, reference, "client_name")?,
            authenticated: self.column(&row, reference, "authenticated")?,
            verdict: serde_json::from_str(&verdict)
                .map_err(|_| self.damaged(reference.as_str(), "verdict"))?,
            decisions: self.decisions(reference).await?,
            confirmations: self.confirmations(reference).await?,
            readings: self.readings(reference).await?,
            outbox: self.outbox_entries(reference).await?,
        })
    }

    /// The message exactly as it was received.
    ///
    /// # Errors
    /// Where no message has that reference, it was deleted, or its file cannot be read.
    pub async fn content(&self, reference: &Reference) -> Result<Vec<u8>, RecordsError> {
        self.file(reference, ContentKind::Original).await
    }

    pub(super) async fn file(
        &self,
        reference: &Reference,
        kind: ContentKind,
    ) -> Result<Vec<u8>, RecordsError> {
        let state = self.state(reference).await?;
        if state == HeldState::Deleted {
            return Err(RecordsError::NotHeld { reference: reference.clone(), wish: "shown", state });
        }
        let path = self.content.path(reference, kind);
        let target = path.clone();
        match blocking(move || fs::read(target)).await? {
            // Nothing is written where no words were found.
            Err(error) if kind == ContentKind::Found && error.kind() == io::ErrorKind::NotFound => {
                Ok(Vec::new())
            }
            read => read.map_err(|source| RecordsError::File { doing: "read", path, source }),
        }
    }

    /// Decides on a held message, and puts who, when and why on the record. A release is in the outbox when this
    /// returns; whoever works the outbox wants to be woken. What was released but never confirmed by the MTA may be
    /// released again: a person has looked, and says so.
    ///
    /// # Errors
    /// Where no message has that reference, it is not held, or the decision could not be recorded: nothing has
    /// happened then.
    pub async fn decide(
        &self,
        reference: &Reference,
        decision: Decision,
        by: &str,
        why: &str,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        let mut transaction = self.begin().await?;
        self.decide_within(&mut transaction, reference, decision, (by, why), now).await?;
        self.commit(transaction).await?;
        if decision == Decision::Delete {
            self.content.remove(reference).await?;
        }
        Ok(())
    }

    /// The same as part of something larger, which commits it. The content of what is deleted is left to it too.
    pub(super) async fn decide_within(
        &self,
        transaction: &mut sqlx::Transaction<'static, sqlx::Sqlite>,
        reference: &Reference,
        decision: Decision,
        (by, why): (&str, &str),
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        for (what, said) in [("the name", by), ("the reason", why)] {
            if said.trim().is_empty() {
                return Err(RecordsError::Unsaid(what));
            }
        }
        let failed = |source| self.database_error(source);
        let row = sqlx::query(
            "SELECT state, sender, size, eight_bit, content_digest, body_digest, may_override, EXISTS (SELECT 1 FROM recipients
                 WHERE recipients.reference = messages.reference AND recipients.state = 'unconfirmed') AS unconfirmed
             FROM messages WHERE reference = ?",
        )
        .bind(reference.as_str())
        .fetch_optional(&mut **transaction)
        .await
        .map_err(failed)?
        .ok_or_else(|| RecordsError::Unknown(reference.clone()))?;
        let state = self.state_of(&row, reference)?;
        if !self.may_be_decided(&row, reference, state, decision)? {
            return Err(RecordsError::NotHeld { reference: reference.clone(), wish: decision.past(), state });
        }
        sqlx::query(
            "INSERT INTO decisions (reference, decision, decided_by, why, decided_at) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(reference.as_str())
        .bind(decision.name())
        .bind(by.trim())
        .bind(why.trim())
        .bind(stored(now))
        .execute(&mut **transaction)
        .await
        .map_err(failed)?;
        let next = match decision {
            Decision::Release => HeldState::Releasing,
            Decision::Delete => HeldState::Deleted,
        };
        sqlx::query("UPDATE messages SET state = ?, note = NULL WHERE reference = ?")
            .bind(next.name())
            .bind(reference.as_str())
            .execute(&mut **transaction)
            .await
            .map_err(failed)?;
        if decision == Decision::Release {
            self.enqueue_release(transaction, reference, &row, now).await?;
        }
        Ok(())
    }

    /// Whether a message in that state can be decided on so: what is held; what was released and never confirmed; and
    /// what came back to a sender who may have it sent all the same.
    fn may_be_decided(
        &self,
        row: &SqliteRow,
        reference: &Reference,
        state: HeldState,
        decision: Decision,
    ) -> Result<bool, RecordsError> {
        let unconfirmed: bool = self.column(row, reference, "unconfirmed")?;
        let may_override: String = self.column(row, reference, "may_override")?;
        Ok(match (state, decision) {
            (HeldState::Held, _) => true,
            (HeldState::Released, Decision::Release) => unconfirmed,
            (HeldState::Returned, Decision::Release) => may_override != "never",
            _ => false,
        })
    }

    async fn enqueue_release(
        &self,
        transaction: &mut sqlx::Transaction<'static, sqlx::Sqlite>,
        reference: &Reference,
        row: &SqliteRow,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        // Whoever has it already does not get it twice: a release after a partial refusal goes to the others alone.
        let recipients: Vec<(i64, Vec<u8>)> =
            sqlx::query_as("SELECT position, address FROM recipients WHERE reference = ? AND state != 'sent' ORDER BY position")
                .bind(reference.as_str())
                .fetch_all(&mut **transaction)
                .await
                .map_err(|source| self.database_error(source))?;
        sqlx::query(
            "UPDATE recipients SET state = 'waiting', answer = NULL WHERE reference = ? AND state != 'sent'",
        )
        .bind(reference.as_str())
        .execute(&mut **transaction)
        .await
        .map_err(|source| self.database_error(source))?;
        let content = Written {
            content_digest: self.digest_column(row, reference, "content_digest")?,
            body_digest: self.digest_column(row, reference, "body_digest")?,
            size: self.column(row, reference, "size")?,
            eight_bit: self.column(row, reference, "eight_bit")?,
        };
        let sender: Option<Vec<u8>> = self.column(row, reference, "sender")?;
        let kind = OutboxKind::Release;
        let entry =
            NewEntry { kind, reference, sender, recipients, content: &content, postponed: false, now };
        self.enqueue(transaction, &entry).await
    }

    async fn state(&self, reference: &Reference) -> Result<HeldState, RecordsError> {
        let row = sqlx::query("SELECT state FROM messages WHERE reference = ?")
            .bind(reference.as_str())
            .fetch_optional(&self.pool)
            .await
            .map_err(|source| self.database_error(source))?
            .ok_or_else(|| RecordsError::Unknown(reference.clone()))?;
        self.state_of(&row, reference)
    }

    async fn summary(&self, row: &SqliteRow) -> Result<HeldSummary, RecordsError> {
        let text: String = row.try_get("reference").map_err(|source| self.database_error(source))?;
        let reference = self.reference_of(&text)?;
        let recipients: Vec<(String,)> =
            sqlx::query_as("SELECT shown FROM recipients WHERE reference = ? ORDER BY position LIMIT 100")
                .bind(&text)
                .fetch_all(&self.pool)
                .await
                .map_err(|source| self.database_error(source))?;
        let rules: String = self.column(row, &reference, "rules")?;
        let same_as: Option<String> = self.column(row, &reference, "same_as")?;
        let sender: String = self.column(row, &reference, "sender_shown")?;
        let null: bool = self.column(row, &reference, "null_sender")?;
        Ok(HeldSummary {
            state: self.state_of(row, &reference)?,
            received_at: told(self.column(row, &reference, "received_at")?),
            sender: (!null).then_some(sender),
            recipients: recipients.into_iter().map(|(shown,)| shown).collect(),
            recipient_count: self.count_column(row, &reference, "recipient_count")?,
            size: self.count_column(row, &reference, "size")?,
            rules: serde_json::from_str(&rules).map_err(|_| self.damaged(&text, "rules"))?,
            queue_id: self.column(row, &reference, "queue_id")?,
            note: self.column(row, &reference, "note")?,
            same_as: same_as.map(|text| self.reference_of(&text)).transpose()?,
            reference,
        })
    }

    async fn deliveries(&self, reference: &Reference) -> Result<Vec<HeldRecipient>, RecordsError> {
        let rows: Vec<(String, String, Option<String>)> = sqlx::query_as(
            "SELECT shown, state, answer FROM recipients WHERE reference = ? ORDER BY position",
        )
        .bind(reference.as_str())
        .fetch_all(&self.pool)
        .await
        .map_err(|source| self.database_error(source))?;
        let recipient = |(address, state, answer): (String, String, Option<String>)| {
            let state =
                RecipientState::from_name(&state).ok_or_else(|| self.damaged(reference.as_str(), "state"))?;
            Ok(HeldRecipient { address, state, answer })
        };
        rows.into_iter().map(recipient).collect()
    }

    async fn decisions(&self, reference: &Reference) -> Result<Vec<Decided>, RecordsError> {
        let rows: Vec<(String, String, String, i64)> = sqlx::query_as(
            "SELECT decision, decided_by, why, decided_at FROM decisions WHERE reference = ? ORDER BY id",
        )
        .bind(reference.as_str())
        .fetch_all(&self.pool)
        .await
        .map_err(|source| self.database_error(source))?;
        let decided = |(decision, by, why, at): (String, String, String, i64)| {
            let decision = if decision == "release" { Decision::Release } else { Decision::Delete };
            Decided { decision, by, why, at: told(at) }
        };
        Ok(rows.into_iter().map(decided).collect())
    }

    fn state_of(&self, row: &SqliteRow, reference: &Reference) -> Result<HeldState, RecordsError> {
        let name: String = self.column(row, reference, "state")?;
        HeldState::from_name(&name).ok_or_else(|| self.damaged(reference.as_str(), "state"))
    }

    /// A column of a row that this program wrote.
    pub(super) fn column<'r, T>(
        &self,
        row: &'r SqliteRow,
        reference: &Reference,
        name: &'static str,
    ) -> Result<T, RecordsError>
    where
        T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
    {
        row.try_get(name).map_err(|_| self.damaged(reference.as_str(), name))
    }

    pub(super) fn count_column(
        &self,
        row: &SqliteRow,
        reference: &Reference,
        name: &'static str,
    ) -> Result<u64, RecordsError> {
        let count: i64 = self.column(row, reference, name)?;
        u64::try_from(count).map_err(|_| self.damaged(reference.as_str(), name))
    }

    pub(super) fn digest_column(
        &self,
        row: &SqliteRow,
        reference: &Reference,
        name: &'static str,
    ) -> Result<[u8; 32], RecordsError> {
        let bytes: Vec<u8> = self.column(row, reference, name)?;
        bytes.try_into().map_err(|_| self.damaged(reference.as_str(), name))
    }
}
