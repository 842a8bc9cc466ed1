//! Reading a kept message's content, which goes on the record before the content is handed out. Never without a reason.

use jiff::Timestamp;
use serde::Serialize;

use super::files::ContentKind;
use super::{RecordsError, Reference, Store, stored, told};

/// A reading of a message's content, on the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// Who.
    pub by: String,
    /// Why.
    pub why: String,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// The message exactly as it was received, once who reads it and why is on the record.
    ///
    /// # Errors
    /// As for [`Store::read_found`].
    pub async fn read(
        &self,
        reference: &Reference,
        by: &str,
        why: &str,
        now: Timestamp,
    ) -> Result<Vec<u8>, RecordsError> {
        self.read_file(reference, ContentKind::Original, by, why, now).await
    }

    /// What was found in the message, in words, as it was written when the message was kept, once who reads it and why
    /// is on the record. Empty where no words were found.
    ///
    /// # Errors
    /// Without a name or a reason, where no message has that reference, it was deleted, or the reading could not be
    /// recorded: nothing is handed out then.
    pub async fn read_found(
        &self,
        reference: &Reference,
        by: &str,
        why: &str,
        now: Timestamp,
    ) -> Result<Vec<u8>, RecordsError> {
        self.read_file(reference, ContentKind::Found, by, why, now).await
    }

    async fn read_file(
        &self,
        reference: &Reference,
        kind: ContentKind,
        by: &str,
        why: &str,
        now: Timestamp,
    ) -> Result<Vec<u8>, RecordsError> {
        for (what, said) in [("the name", by), ("the reason", why)] {
            if said.trim().is_empty() {
                return Err(RecordsError::Unsaid(what));
            }
        }
        let content = self.file(reference, kind).await?;
        let mut transaction = self.begin().await?;
        sqlx::query("INSERT INTO readings (reference, read_by, why, read_at) VALUES (?, ?, ?, ?)")
            .bind(reference.as_str())
            .bind(by.trim())
            .bind(why.trim())
            .bind(stored(now))
            .execute(&mut *transaction)
            .await
            .map_err(|source| self.database_error(source))?;
        self.commit(transaction).await?;
        Ok(content)
    }

    pub(super) async fn readings(&self, reference: &Reference) -> Result<Vec<Reading>, RecordsError> {
        let rows: Vec<(String, String, i64)> =
            sqlx::query_as("SELECT read_by, why, read_at FROM readings WHERE reference = ? ORDER BY id")
                .bind(reference.as_str())
                .fetch_all(&self.pool)
                .await
                .map_err(|source| self.database_error(source))?;
        Ok(rows.into_iter().map(|(by, why, at)| Reading { by, why, at: told(at) }).collect())
    }
}
