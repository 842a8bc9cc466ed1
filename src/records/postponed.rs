//! Answers beyond a sender's share: put off, and told together in one summary. Never composes mail.

use jiff::{SignedDuration, Timestamp};

use super::confirm::NewLetter;
use super::files::ContentKind;
use super::held::HeldSummary;
use super::{RecordsError, Store, stored};
use crate::message::Address;

/// What one sender was not told yet.
#[derive(Debug, Clone)]
pub struct Postponed {
    /// The sender.
    pub recipient: Address,
    /// Their messages, oldest first, at most a hundred.
    pub messages: Vec<Untold>,
    entries: Vec<i64>,
}

/// A message whose sender was not told of it by itself.
#[derive(Debug, Clone)]
pub struct Untold {
    /// The message.
    pub summary: HeldSummary,
    /// The code by which the sender may have it sent all the same, while it is good.
    pub code: Option<String>,
}

/// Most messages that one summary lists; what is beyond comes in the next one.
const MOST: i64 = 100;

impl Store {
    /// Puts a letter into the outbox.
    ///
    /// # Errors
    /// Where it could not be recorded.
    pub async fn post(&self, letter: &NewLetter<'_>, now: Timestamp) -> Result<(), RecordsError> {
        let written = self.content.write(letter.reference, ContentKind::Letter, letter.content).await?;
        let mut transaction = self.begin().await?;
        self.enqueue_letter(&mut transaction, letter, &written, now).await?;
        self.commit(transaction).await
    }

    /// What was put off for senders whose first such answer is that old.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn postponed(
        &self,
        age: SignedDuration,
        now: Timestamp,
    ) -> Result<Vec<Postponed>, RecordsError> {
        let due = now.saturating_sub(age).unwrap_or(Timestamp::MIN);
        let senders: Vec<(Vec<u8>,)> = sqlx::query_as(
            "SELECT address FROM outbox JOIN outbox_recipients ON outbox_recipients.outbox = outbox.id
             WHERE outbox.state = 'postponed' GROUP BY address HAVING min(queued_at) <= ? LIMIT 100",
        )
        .bind(stored(due))
        .fetch_all(&self.pool)
        .await
        .map_err(|source| self.database_error(source))?;
        let mut all = Vec::with_capacity(senders.len());
        for (sender,) in senders {
            let Some(recipient) = Address::parse(&sender) else { continue };
            let rows: Vec<(i64, String)> = sqlx::query_as(
                "SELECT outbox.id, outbox.reference FROM outbox JOIN outbox_recipients ON outbox_recipients.outbox = outbox.id
                 WHERE outbox.state = 'postponed' AND address = ? ORDER BY queued_at, outbox.id LIMIT ?",
            )
            .bind(&sender)
            .bind(MOST)
            .fetch_all(&self.pool)
            .await
            .map_err(|source| self.database_error(source))?;
            let mut postponed = Postponed { recipient, messages: Vec::new(), entries: Vec::new() };
            for (entry, reference) in rows {
                let message = self.find(&self.reference_of(&reference)?).await?;
                let offered = message.confirmations.iter().find(|offered| offered.is_senders(now));
                let code = offered.map(|offered| self.code_text(offered)).transpose()?;
                postponed.messages.push(Untold { summary: message.summary, code });
                postponed.entries.push(entry);
            }
            all.push(postponed);
        }
        Ok(all)
    }

    /// Puts the summary into the outbox in place of the answers that it tells of, all at once.
    ///
    /// # Errors
    /// Where it could not be recorded: everything is as it was then.
    pub async fn summarised(
        &self,
        postponed: &Postponed,
        summary: &NewLetter<'_>,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        let written = self.content.write(summary.reference, ContentKind::Letter, summary.content).await?;
        let mut transaction = self.begin().await?;
        for entry in &postponed.entries {
            sqlx::query("UPDATE outbox SET state = 'summarised' WHERE id = ? AND state = 'postponed'")
                .bind(entry)
                .execute(&mut *transaction)
                .await
                .map_err(|source| self.database_error(source))?;
        }
        self.enqueue_letter(&mut transaction, summary, &written, now).await?;
        self.commit(transaction).await
    }
}
