//! Notices as people look them up and settle them: who looked and who settled goes on the record first. Has no content to show.

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::{SqliteExecutor, SqliteRow};
use sqlx::{Row as _, Sqlite, Transaction};

use super::notices::{NoticeRecipient, NoticeRule};
use super::{Reading, RecordsError, Reference, Store, stored, told};
use crate::verdict::Urgency;

/// A notice in a list. It says neither who nor what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NoticeSummary {
    /// Its name.
    pub reference: Reference,
    /// When the message came.
    pub found_at: Timestamp,
    /// The id of the school whose reviewers it concerns.
    pub school: Option<String>,
    /// Who is told, and what came of that; nobody where nobody is left who may be.
    pub told: Vec<Telling>,
    /// Who settled it.
    pub ended: Option<Ended>,
}

/// A reviewer who is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Telling {
    /// What they are called.
    pub reviewer: String,
    /// Which of their addresses get the letter.
    pub addresses: Vec<String>,
    /// How soon.
    pub urgency: Urgency,
    /// `waiting` until the letter is written; then that of the letter in the outbox: `waiting`, `sent` or `failed`.
    pub state: String,
    /// From when on the letter is written.
    pub due_at: Timestamp,
    /// When it was.
    pub told_at: Option<Timestamp>,
}

/// That somebody settled it, on the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ended {
    /// Who.
    pub by: String,
    /// How.
    pub why: String,
    /// When.
    pub at: Timestamp,
}

/// All that the record has on a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NoticeRecord {
    /// What a list shows.
    #[serde(flatten)]
    pub summary: NoticeSummary,
    /// The sender by the envelope; `None` is the null sender.
    pub sender: Option<String>,
    /// The login that the client proved.
    pub login: Option<String>,
    /// The MTA's name for the message.
    pub queue_id: Option<String>,
    /// Its Message-ID, by which it is found in a mailbox.
    pub message_id: Option<String>,
    /// The rules that matched.
    pub rules: Vec<NoticeRule>,
    /// For whom, and what became of it there.
    pub recipients: Vec<NoticeRecipient>,
    /// Addresses of reviewers who were not told, since the message concerns them.
    pub left_out: Vec<String>,
    /// Who looked, oldest first.
    pub readings: Vec<Reading>,
}

/// How notices stand: for `mailwarden status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NoticeStatus {
    /// Those that nobody settled.
    pub open: u64,
    /// Those of them that nobody is told of, since nobody is left who may be.
    pub untold: u64,
    /// Reviewers' letters that are to be written: at once or in a digest.
    pub waiting: u64,
}

impl Store {
    /// The notices, newest first, at most a thousand: those that nobody settled, or all.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn notices(&self, all: bool) -> Result<Vec<NoticeSummary>, RecordsError> {
        let rows = sqlx::query(
            "SELECT reference, found_at, school FROM notices
             WHERE ? OR NOT EXISTS (SELECT 1 FROM notice_endings WHERE notice = reference)
             ORDER BY found_at DESC, reference LIMIT 1000",
        )
        .bind(all)
        .fetch_all(&self.pool)
        .await
        .map_err(|source| self.database_error(source))?;
        let mut notices = Vec::with_capacity(rows.len());
        for row in &rows {
            notices.push(self.notice_summary(row).await?);
        }
        Ok(notices)
    }

    /// All that the record has on a notice, once who looks and why is on it.
    ///
    /// # Errors
    /// Without a name or a reason, where no notice has that reference, or the reading could not be recorded: nothing is
    /// handed out then.
    pub async fn read_notice(
        &self,
        reference: &Reference,
        by: &str,
        why: &str,
        now: Timestamp,
    ) -> Result<NoticeRecord, RecordsError> {
        let mut transaction = self.begin().await?;
        let table = "notice_readings (notice, read_by, why, read_at)";
        self.note_on_notice(&mut transaction, reference, (by, why), table, now).await?;
        self.commit(transaction).await?;
        let row = sqlx::query("SELECT * FROM notices WHERE reference = ?")
            .bind(reference.as_str())
            .fetch_one(&self.pool)
            .await
            .map_err(|source| self.database_error(source))?;
        Ok(NoticeRecord {
            summary: self.notice_summary(&row).await?,
            sender: self.column(&row, reference, "sender")?,
            login: self.column(&row, reference, "login")?,
            queue_id: self.column(&row, reference, "queue_id")?,
            message_id: self.column(&row, reference, "message_id")?,
            rules: self.json_column(&row, reference, "rules")?,
            recipients: self.json_column(&row, reference, "recipients")?,
            left_out: self.json_column(&row, reference, "left_out")?,
            readings: self.notice_readings(reference).await?,
        })
    }

    /// Notes that somebody settled it, and how.
    ///
    /// # Errors
    /// Without a name or words, where no notice has that reference or it is settled, or nothing could be recorded.
    pub async fn end_notice(
        &self,
        reference: &Reference,
        by: &str,
        why: &str,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        // Whoever asks at the same time waits here, and then sees what was done.
        let mut transaction = self.begin().await?;
        if let Some(Ended { by, .. }) = self.notice_ending(&mut *transaction, reference).await? {
            return Err(RecordsError::Settled { reference: reference.clone(), by });
        }
        let table = "notice_endings (notice, ended_by, why, ended_at)";
        self.note_on_notice(&mut transaction, reference, (by, why), table, now).await?;
        self.commit(transaction).await
    }

    /// How notices stand.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn notice_status(&self) -> Result<NoticeStatus, RecordsError> {
        let (open, untold, waiting): (i64, i64, i64) = sqlx::query_as(
            "SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (SELECT 1 FROM notice_reviewers WHERE notice = reference)),
                    (SELECT count(*) FROM notice_reviewers WHERE state = 'waiting')
             FROM notices WHERE NOT EXISTS (SELECT 1 FROM notice_endings WHERE notice = reference)",
        )
        .fetch_one(&self.pool)
        .await
        .map_err(|source| self.database_error(source))?;
        let count = |number: i64| u64::try_from(number).unwrap_or_default();
        Ok(NoticeStatus { open: count(open), untold: count(untold), waiting: count(waiting) })
    }

    /// Adds a row of who, when and why to one of the tables that are only added to.
    async fn note_on_notice(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        reference: &Reference,
        (by, why): (&str, &str),
        table: &str,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        for (what, said) in [("the name", by), ("the reason", why)] {
            if said.trim().is_empty() {
                return Err(RecordsError::Unsaid(what));
            }
        }
        let insert =
            format!("INSERT INTO {table} SELECT reference, ?, ?, ? FROM notices WHERE reference = ?");
        let added = sqlx::query(sqlx::AssertSqlSafe(insert))
            .bind(by.trim())
            .bind(why.trim())
            .bind(stored(now))
            .bind(reference.as_str())
            .execute(&mut **transaction)
            .await
            .map_err(|source| self.database_error(source))?
            .rows_affected();
        if added != 1 {
            return Err(RecordsError::UnknownNotice(reference.clone()));
        }
        Ok(())
    }

    async fn notice_summary(&self, row: &SqliteRow) -> Result<NoticeSummary, RecordsError> {
        let text: String = row.try_get("reference").map_err(|source| self.database_error(source))?;
        let reference = self.reference_of(&text)?;
        Ok(NoticeSummary {
            found_at: told(self.column(row, &reference, "found_at")?),
            school: self.column(row, &reference, "school")?,
            told: self.tellings(&reference).await?,
            ended: self.notice_ending(&self.pool, &reference).await?,
            reference,
        })
    }

    async fn tellings(&self, reference: &Reference) -> Result<Vec<Telling>, RecordsError> {
        let rows = sqlx::query(
            "SELECT reviewer, addresses, urgency, due_at, told_at, coalesce((SELECT outbox.state FROM outbox
                 WHERE outbox.reference = letter AND kind = 'letter'), state) AS state
             FROM notice_reviewers WHERE notice = ? ORDER BY id",
        )
        .bind(reference.as_str())
        .fetch_all(&self.pool)
        .await
        .map_err(|source| self.database_error(source))?;
        let mut tellings = Vec::with_capacity(rows.len());
        for row in &rows {
            let urgency: String = self.column(row, reference, "urgency")?;
            let addresses: String = self.column(row, reference, "addresses")?;
            let told_at: Option<i64> = self.column(row, reference, "told_at")?;
            tellings.push(Telling {
                reviewer: self.column(row, reference, "reviewer")?,
                addresses: addresses.lines().map(str::to_owned).collect(),
                urgency: Urgency::from_name(&urgency)
                    .ok_or_else(|| self.damaged(reference.as_str(), "urgency"))?,
                state: self.column(row, reference, "state")?,
                due_at: told(self.column(row, reference, "due_at")?),
                told_at: told_at.map(told),
            });
        }
        Ok(tellings)
    }

    async fn notice_ending(
        &self,
        database: impl SqliteExecutor<'_>,
        reference: &Reference,
    ) -> Result<Option<Ended>, RecordsError> {
        let row: Option<(String, String, i64)> =
            sqlx::query_as("SELECT ended_by, why, ended_at FROM notice_endings WHERE notice = ?")
                .bind(reference.as_str())
                .fetch_optional(database)
                .await
                .map_err(|source| self.database_error(source))?;
        Ok(row.map(|(by, why, at)| Ended { by, why, at: told(at) }))
    }

    async fn notice_readings(&self, reference: &Reference) -> Result<Vec<Reading>, RecordsError> {
        let rows: Vec<(String, String, i64)> =
            sqlx::query_as("SELECT read_by, why, read_at FROM notice_readings WHERE notice = ? ORDER BY id")
                .bind(reference.as_str())
                .fetch_all(&self.pool)
                .await
                .map_err(|source| self.database_error(source))?;
        Ok(rows.into_iter().map(|(by, why, at)| Reading { by, why, at: told(at) }).collect())
    }

    fn json_column<T: DeserializeOwned>(
        &self,
        row: &SqliteRow,
        reference: &Reference,
        name: &'static str,
    ) -> Result<T, RecordsError> {
        let text: String = self.column(row, reference, name)?;
        serde_json::from_str(&text).map_err(|_| self.damaged(reference.as_str(), name))
    }
}
