//! Who was told that mail is monitored: when, why, by which text, and what became of it. Never decides who is told.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, Serializer};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::confirm::NewLetter;
use super::files::ContentKind;
use super::outbox::RecipientState;
use super::{RecordsError, Reference, Store, stored, told};
use crate::message::Address;

/// That somebody was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MonitoringTelling {
    /// Who: an address in lower case.
    pub address: String,
    /// When the notice went into the outbox.
    pub told_at: Timestamp,
    /// `new`, `again`, `refused` (the one before was), or `asked`.
    pub occasion: String,
    /// Who asked for it, where somebody did.
    pub asked_by: Option<String>,
    /// SHA-256 of the text.
    #[serde(serialize_with = "as_hexadecimal")]
    pub text: [u8; 32],
    /// The letter's name, as the log has it.
    pub letter: Reference,
    /// What became of it.
    pub state: RecipientState,
}

/// That somebody is told.
#[derive(Debug, Clone, Copy)]
pub struct NewMonitoringTelling<'a> {
    /// Who.
    pub address: &'a Address,
    /// Why, as [`MonitoringTelling::occasion`] has it.
    pub occasion: &'a str,
    /// Who asked for it.
    pub asked_by: Option<&'a str>,
    /// SHA-256 of the text.
    pub text: &'a [u8; 32],
    /// The letter.
    pub letter: &'a Reference,
    /// All of the letter's bytes.
    pub content: &'a [u8],
    /// Whoever was told after that is not told now; `None` tells in any case.
    pub unless_since: Option<Timestamp>,
    /// How long the letter waits in the outbox.
    pub wait: SignedDuration,
}

const TELLINGS: &str =
    "SELECT monitoring_notices.address, told_at, occasion, asked_by, text, letter, outbox_recipients.state
     FROM monitoring_notices LEFT JOIN outbox ON outbox.reference = letter AND outbox.kind = 'letter'
     LEFT JOIN outbox_recipients ON outbox_recipients.outbox = outbox.id
     ORDER BY monitoring_notices.address, told_at, monitoring_notices.id";

impl Store {
    /// Puts a notice into the outbox, and that it was on the record: both are on the disk together when this returns. Tells
    /// whether it did; nothing is done where the address was told since, by another process too.
    ///
    /// # Errors
    /// Where it could not be recorded: nothing is sent then.
    pub async fn tell_of_monitoring(
        &self,
        telling: &NewMonitoringTelling<'_>,
        now: Timestamp,
    ) -> Result<bool, RecordsError> {
        let failed = |source| self.database_error(source);
        let letter = NewLetter {
            reference: telling.letter,
            recipients: std::slice::from_ref(telling.address),
            content: telling.content,
        };
        let written = self.content.write(telling.letter, ContentKind::Letter, telling.content).await?;
        let mut transaction = self.begin().await?;
        if let Some(since) = telling.unless_since {
            let already: bool = sqlx::query_scalar(
                "SELECT EXISTS (SELECT 1 FROM monitoring_notices WHERE address = ? AND told_at > ?)",
            )
            .bind(telling.address.folded())
            .bind(stored(since))
            .fetch_one(&mut *transaction)
            .await
            .map_err(failed)?;
            if already {
                drop(transaction);
                self.content.remove(telling.letter).await?;
                return Ok(false);
            }
        }
        sqlx::query(
            "INSERT INTO monitoring_notices (address, told_at, occasion, asked_by, text, letter) VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(telling.address.folded())
        .bind(stored(now))
        .bind(telling.occasion)
        .bind(telling.asked_by)
        .bind(&telling.text[..])
        .bind(telling.letter.as_str())
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        self.enqueue_letter(&mut transaction, &letter, &written, now).await?;
        if telling.wait.is_positive() {
            let due = now.saturating_add(telling.wait).unwrap_or(Timestamp::MAX);
            sqlx::query("UPDATE outbox SET next_attempt_at = ? WHERE reference = ? AND kind = 'letter'")
                .bind(stored(due))
                .bind(telling.letter.as_str())
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
        }
        self.commit(transaction).await?;
        Ok(true)
    }

    /// Every telling, by address, each address's oldest first.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn monitoring_tellings(&self) -> Result<Vec<MonitoringTelling>, RecordsError> {
        let rows = sqlx::query(TELLINGS)
            .fetch_all(&self.pool)
            .await
            .map_err(|source| self.database_error(source))?;
        rows.iter().map(|row| self.telling_of(row)).collect()
    }

    /// The last telling of each address.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn last_monitoring_tellings(
        &self,
    ) -> Result<BTreeMap<String, MonitoringTelling>, RecordsError> {
        Ok(self
            .monitoring_tellings()
            .await?
            .into_iter()
            .map(|telling| (telling.address.clone(), telling))
            .collect())
    }

    /// How many were told after that.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn told_of_monitoring_after(&self, since: Timestamp) -> Result<u64, RecordsError> {
        let number: i64 = sqlx::query_scalar("SELECT count(*) FROM monitoring_notices WHERE told_at > ?")
            .bind(stored(since))
            .fetch_one(&self.pool)
            .await
            .map_err(|source| self.database_error(source))?;
        Ok(u64::try_from(number).unwrap_or(0))
    }

    fn telling_of(&self, row: &SqliteRow) -> Result<MonitoringTelling, RecordsError> {
        let name: String = row.try_get("letter").map_err(|source| self.database_error(source))?;
        let letter = self.reference_of(&name)?;
        let text: Vec<u8> = self.column(row, &letter, "text")?;
        let state: Option<String> = self.column(row, &letter, "state")?;
        let state = state.ok_or_else(|| self.damaged(&name, "letter"))?;
        Ok(MonitoringTelling {
            address: self.column(row, &letter, "address")?,
            told_at: told(self.column(row, &letter, "told_at")?),
            occasion: self.column(row, &letter, "occasion")?,
            asked_by: self.column(row, &letter, "asked_by")?,
            text: text.try_into().map_err(|_| self.damaged(&name, "text"))?,
            state: RecipientState::from_name(&state).ok_or_else(|| self.damaged(&name, "state"))?,
            letter,
        })
    }
}

fn as_hexadecimal<S: Serializer>(digest: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}
