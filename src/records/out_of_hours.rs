//! Who was answered out of hours, and on what: nobody twice in a set time, no message twice. Never composes mail.

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use super::confirm::NewLetter;
use super::digest::{of_envelope, of_identity, raw};
use super::files::ContentKind;
use super::{RecordsError, Store, stored};
use crate::message::{Address, Envelope};

/// How long a message is known that was answered: as long as an MTA tries to deliver (RFC 5321 §4.5.4.1).
const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(5 * 24);

/// A message that may be answered out of hours.
#[derive(Debug, Clone)]
pub struct OutOfHoursMessage {
    message: [u8; 32],
    sender: String,
}

impl OutOfHoursMessage {
    /// That message, from that sender.
    pub fn new(sender: &Address, envelope: &Envelope, content: &[u8]) -> Self {
        let recipients = envelope.recipients.iter().map(Address::raw);
        let envelope = of_envelope(raw(envelope.sender.as_ref()), recipients);
        let message = of_identity("out-of-hours", &Sha256::digest(content).into(), &envelope);
        Self { message, sender: sender.folded().to_owned() }
    }
}

impl Store {
    /// Whether the sender is still to be answered: not since then, and not on this message.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn awaits_help(
        &self,
        message: &OutOfHoursMessage,
        since: Timestamp,
    ) -> Result<bool, RecordsError> {
        let answered: bool = sqlx::query_scalar(ANSWERED)
            .bind(&message.message[..])
            .bind(&message.sender)
            .bind(stored(since))
            .fetch_one(&self.pool)
            .await
            .map_err(|source| self.database_error(source))?;
        Ok(!answered)
    }

    /// Puts the answer into the outbox, unless the sender was answered since then, or on this message. Both are on the
    /// disk together when this returns. Tells whether it did.
    ///
    /// # Errors
    /// Where it could not be recorded: nothing is sent then.
    pub async fn answer_out_of_hours(
        &self,
        message: &OutOfHoursMessage,
        answer: &NewLetter<'_>,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<bool, RecordsError> {
        let failed = |source| self.database_error(source);
        let written = self.content.write(answer.reference, ContentKind::Letter, answer.content).await?;
        let mut transaction = self.begin().await?;
        let answered: bool = sqlx::query_scalar(ANSWERED)
            .bind(&message.message[..])
            .bind(&message.sender)
            .bind(stored(since))
            .fetch_one(&mut *transaction)
            .await
            .map_err(failed)?;
        if answered {
            drop(transaction);
            self.content.remove(answer.reference).await?;
            return Ok(false);
        }
        let known_since = now.saturating_sub(KNOWN_FOR).unwrap_or(Timestamp::MIN).min(since);
        sqlx::query("DELETE FROM out_of_hours WHERE answered_at <= ?")
            .bind(stored(known_since))
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        sqlx::query("INSERT INTO out_of_hours (message, sender, answered_at) VALUES (?, ?, ?)")
            .bind(&message.message[..])
            .bind(&message.sender)
            .bind(stored(now))
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        self.enqueue_letter(&mut transaction, answer, &written, now).await?;
        self.commit(transaction).await?;
        Ok(true)
    }
}

const ANSWERED: &str =
    "SELECT EXISTS (SELECT 1 FROM out_of_hours WHERE message = ?1 OR (sender = ?2 AND answered_at > ?3))";
