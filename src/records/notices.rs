//! What reviewers are to be told: on the record before the MTA hears of the message, told once, and never with content.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sqlx::{Sqlite, Transaction};

use super::confirm::NewLetter;
use super::digest::{Digest, of_envelope, of_identity, raw};
use super::files::ContentKind;
use super::keep::REPEATED_WITHIN;
use super::{RecordsError, Reference, Store, stored, told};
use crate::message::{Address, Envelope};
use crate::verdict::{Action, Mode, RuleId, Severity, Urgency};

/// Most notices that one letter tells of; what is beyond comes in the next one.
const MOST: i64 = 100;

/// A match that reviewers are to see.
#[derive(Debug, Clone)]
pub struct NewNotice<'a> {
    /// Its name.
    pub reference: Reference,
    /// [`content_digest`] of the message.
    pub content: Digest,
    /// How the message came, and from whom.
    pub envelope: &'a Envelope,
    /// Its Message-ID.
    pub message_id: Option<&'a str>,
    /// The school whose reviewers it concerns.
    pub school: Option<&'a str>,
    /// The rules that matched.
    pub rules: Vec<NoticeRule>,
    /// For whom they matched.
    pub recipients: Vec<NoticeRecipient>,
    /// Who is told.
    pub to_tell: Vec<ToTell>,
    /// Addresses of reviewers who are not, since the message concerns them.
    pub left_out: Vec<String>,
    /// When it came.
    pub found_at: Timestamp,
}

/// A rule that matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeRule {
    /// Its id.
    pub rule: RuleId,
    /// Its category.
    pub category: String,
    /// Its grade.
    pub severity: Severity,
    /// Its mode for that message.
    pub mode: Mode,
    /// What it asks for.
    pub action: Action,
}

/// Somebody for whom a rule matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeRecipient {
    /// The address, in lower case.
    pub address: String,
    /// Where they stand to the sender: `inbound`, `outbound` or `internal`.
    pub direction: String,
    /// What became of the message there.
    pub fate: Fate,
    /// Under which reference it is kept, where it is.
    pub kept: Option<String>,
}

/// What became of a message for one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It went on.
    Delivered,
    /// It waits for a decision.
    Held,
    /// It went back to its sender.
    Returned,
    /// It was refused at the SMTP door.
    Refused,
}

impl Fate {
    /// Its name as `--json` writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Held => "held",
            Self::Returned => "returned",
            Self::Refused => "refused",
        }
    }
}

/// A reviewer who is to be told.
#[derive(Debug, Clone)]
pub struct ToTell {
    /// What they are called.
    pub reviewer: String,
    /// Those of their addresses that get the letter.
    pub addresses: Vec<Address>,
    /// How soon.
    pub urgency: Urgency,
    /// When: now, or at the next digest.
    pub due_at: Timestamp,
}

/// What one reviewer has not been told yet, and is to be told now.
#[derive(Debug, Clone)]
pub struct DueNotices {
    /// What they are called.
    pub reviewer: String,
    /// Where the letter goes.
    pub addresses: Vec<Address>,
    /// How soon they are told.
    pub urgency: Urgency,
    /// What they are told of, oldest first, at most a hundred.
    pub notices: Vec<DueNotice>,
    /// Letters that told them at once within the last hour.
    pub letters_of_hour: u32,
}

/// One notice that is due.
#[derive(Debug, Clone)]
pub struct DueNotice {
    id: i64,
    /// Its name.
    pub reference: Reference,
    /// The school's id.
    pub school: Option<String>,
    /// When it came.
    pub found_at: Timestamp,
}

/// What tells a message's content from others.
pub fn content_digest(content: &[u8]) -> [u8; 32] {
    Sha256::digest(content).into()
}

impl Store {
    /// Puts notices on the record, all at once. What the MTA offers again, since it did not hear the answer, is on it
    /// already and is not told twice. Returns how many are new.
    ///
    /// # Errors
    /// Where they could not be recorded: nothing is promised then, and the MTA must hear a temporary failure.
    pub async fn record_notices(&self, notices: &[NewNotice<'_>]) -> Result<usize, RecordsError> {
        let mut transaction = self.begin().await?;
        let mut new = 0;
        for notice in notices {
            if self.insert_notice(&mut transaction, notice).await? {
                new += 1;
            }
        }
        self.commit(transaction).await?;
        Ok(new)
    }

    async fn insert_notice(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        notice: &NewNotice<'_>,
    ) -> Result<bool, RecordsError> {
        let failed = |source| self.database_error(source);
        let sender = raw(notice.envelope.sender.as_ref());
        let envelope = of_envelope(sender, notice.envelope.recipients.iter().map(Address::raw));
        let what = format!("notice {}", notice.school.unwrap_or_default());
        let identity = of_identity(&what, &notice.content, &envelope);
        let since = notice.found_at.saturating_sub(REPEATED_WITHIN).unwrap_or(Timestamp::MIN);
        let known: Option<(i64,)> =
            sqlx::query_as("SELECT 1 FROM notices WHERE identity = ? AND found_at > ? LIMIT 1")
                .bind(&identity[..])
                .bind(stored(since))
                .fetch_optional(&mut **transaction)
                .await
                .map_err(failed)?;
        if known.is_some() {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO notices (reference, identity, found_at, school, queue_id, message_id, sender, login, rules, recipients,
                 left_out) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(notice.reference.as_str())
        .bind(&identity[..])
        .bind(stored(notice.found_at))
        .bind(notice.school)
        .bind(notice.envelope.queue_id.as_ref().map(|id| id.0.as_str()))
        .bind(notice.message_id)
        .bind(notice.envelope.sender.as_ref().map(Address::folded))
        .bind(notice.envelope.authenticated.as_deref())
        .bind(json(&notice.rules)?)
        .bind(json(&notice.recipients)?)
        .bind(json(&notice.left_out)?)
        .execute(&mut **transaction)
        .await
        .map_err(failed)?;
        for to_tell in &notice.to_tell {
            let addresses: Vec<&str> = to_tell.addresses.iter().map(Address::folded).collect();
            sqlx::query(
                "INSERT INTO notice_reviewers (notice, reviewer, addresses, urgency, due_at, state) VALUES (?, ?, ?, ?, ?, 'waiting')",
            )
            .bind(notice.reference.as_str())
            .bind(&to_tell.reviewer)
            .bind(addresses.join("\n"))
            .bind(to_tell.urgency.name())
            .bind(stored(to_tell.due_at))
            .execute(&mut **transaction)
            .await
            .map_err(failed)?;
        }
        Ok(true)
    }

    /// What reviewers are to be told by now.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn due_notices(&self, now: Timestamp) -> Result<Vec<DueNotices>, RecordsError> {
        let failed = |source| self.database_error(source);
        let reviewers: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT DISTINCT reviewer, addresses, urgency FROM notice_reviewers
             WHERE state = 'waiting' AND due_at <= ? ORDER BY urgency, reviewer LIMIT 1000",
        )
        .bind(stored(now))
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        let mut all = Vec::with_capacity(reviewers.len());
        for (reviewer, addresses, urgency) in reviewers {
            let rows: Vec<(i64, String, Option<String>, i64)> = sqlx::query_as(
                "SELECT id, notice, school, found_at FROM notice_reviewers JOIN notices ON notices.reference = notice
                 WHERE state = 'waiting' AND due_at <= ? AND reviewer = ? AND addresses = ? AND urgency = ?
                 ORDER BY found_at, id LIMIT ?",
            )
            .bind(stored(now))
            .bind(&reviewer)
            .bind(&addresses)
            .bind(&urgency)
            .bind(MOST)
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
            let mut notices = Vec::with_capacity(rows.len());
            for (id, reference, school, found_at) in rows {
                let reference = self.reference_of(&reference)?;
                notices.push(DueNotice { id, reference, school, found_at: told(found_at) });
            }
            all.push(DueNotices {
                letters_of_hour: self.letters_of_hour(&reviewer, &addresses, now).await?,
                urgency: Urgency::from_name(&urgency).ok_or_else(|| self.damaged(&reviewer, "urgency"))?,
                addresses: addresses.lines().filter_map(|line| Address::parse(line.as_bytes())).collect(),
                reviewer,
                notices,
            });
        }
        Ok(all)
    }

    async fn letters_of_hour(
        &self,
        reviewer: &str,
        addresses: &str,
        now: Timestamp,
    ) -> Result<u32, RecordsError> {
        let since = now.saturating_sub(SignedDuration::from_hours(1)).unwrap_or(Timestamp::MIN);
        let letters: i64 = sqlx::query_scalar(
            "SELECT count(DISTINCT letter) FROM notice_reviewers
             WHERE reviewer = ? AND addresses = ? AND told_at > ? AND urgency = 'at-once'",
        )
        .bind(reviewer)
        .bind(addresses)
        .bind(stored(since))
        .fetch_one(&self.pool)
        .await
        .map_err(|source| self.database_error(source))?;
        Ok(u32::try_from(letters).unwrap_or(u32::MAX))
    }

    /// Puts a letter into the outbox and notes what it tells of, all at once. `false` where somebody else has told of any
    /// of it meanwhile: nothing has happened then.
    ///
    /// # Errors
    /// Where it could not be recorded: nothing has happened then either.
    pub async fn tell(
        &self,
        notices: &[DueNotice],
        letter: &NewLetter<'_>,
        now: Timestamp,
    ) -> Result<bool, RecordsError> {
        let written = self.content.write(letter.reference, ContentKind::Letter, letter.content).await?;
        let mut transaction = self.begin().await?;
        for notice in notices {
            let noted = sqlx::query(
                "UPDATE notice_reviewers SET state = 'told', letter = ?, told_at = ? WHERE id = ? AND state = 'waiting'",
            )
            .bind(letter.reference.as_str())
            .bind(stored(now))
            .bind(notice.id)
            .execute(&mut *transaction)
            .await
            .map_err(|source| self.database_error(source))?
            .rows_affected();
            if noted != 1 {
                // The transaction ends without effect where it is dropped; `tidy` removes the file.
                return Ok(false);
            }
        }
        self.enqueue_letter(&mut transaction, letter, &written, now).await?;
        self.commit(transaction).await?;
        Ok(true)
    }
}

fn json(value: &impl Serialize) -> Result<String, RecordsError> {
    serde_json::to_string(value).map_err(RecordsError::Verdict)
}
