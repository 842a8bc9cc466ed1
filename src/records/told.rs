//! What senders are told beside answers to what was stopped: trials and advice, each within its bounds. Never composes mail.

use jiff::{SignedDuration, Timestamp};
use sqlx::{Sqlite, Transaction};

use super::confirm::NewLetter;
use super::files::ContentKind;
use super::{RecordsError, Share, Store, stored};
use crate::message::Address;
use crate::verdict::RuleId;

/// What bounds advice to one sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdviceBounds {
    /// For so long, nobody is advised about the same rule again. With zero, nobody is advised at all.
    pub again_after: SignedDuration,
    /// How many answers and pieces of advice one sender gets together.
    pub share: Share,
}

/// What a letter tells its one recipient.
#[derive(Debug, Clone, Copy)]
enum About<'a> {
    Trial,
    Advice(&'a [&'a RuleId]),
}

impl Store {
    /// Those of the rules about which a sender may be advised now.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn due_advice<'r>(
        &self,
        sender: &Address,
        rules: &[&'r RuleId],
        bounds: AdviceBounds,
        now: Timestamp,
    ) -> Result<Vec<&'r RuleId>, RecordsError> {
        if bounds.again_after.is_zero() {
            return Ok(Vec::new());
        }
        let mut transaction = self.begin().await?;
        self.due_within(&mut transaction, sender, rules, bounds, now).await
    }

    /// Puts advice about these rules into the outbox, with a note that it was given: both are on the disk when this returns, or
    /// neither is. Returns whether it was; not where some of it was told meanwhile.
    ///
    /// # Errors
    /// Where it could not be recorded.
    pub async fn advise(
        &self,
        sender: &Address,
        rules: &[&RuleId],
        letter: &NewLetter<'_>,
        bounds: AdviceBounds,
        now: Timestamp,
    ) -> Result<bool, RecordsError> {
        let written = self.content.write(letter.reference, ContentKind::Letter, letter.content).await?;
        let mut transaction = self.begin().await?;
        if self.due_within(&mut transaction, sender, rules, bounds, now).await?.len() != rules.len() {
            return Ok(false);
        }
        let kept = bounds.again_after.max(bounds.share.within);
        self.note(&mut transaction, sender, About::Advice(rules), letter, (kept, now)).await?;
        self.enqueue_letter(&mut transaction, letter, &written, now).await?;
        self.commit(transaction).await?;
        Ok(true)
    }

    /// Whether a sender may try out another message now.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn may_try(
        &self,
        sender: &Address,
        share: Share,
        now: Timestamp,
    ) -> Result<bool, RecordsError> {
        let had: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM told WHERE recipient = ? AND about = 'trial' AND told_at > ?",
        )
        .bind(sender.folded())
        .bind(stored(before(now, share.within)))
        .fetch_one(&self.pool)
        .await
        .map_err(|source| self.database_error(source))?;
        Ok(had < i64::from(share.answers))
    }

    /// Puts what came of a trial into the outbox, with a note that it was told.
    ///
    /// # Errors
    /// Where it could not be recorded.
    pub async fn tell_trial(
        &self,
        sender: &Address,
        letter: &NewLetter<'_>,
        share: Share,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        let written = self.content.write(letter.reference, ContentKind::Letter, letter.content).await?;
        let mut transaction = self.begin().await?;
        self.note(&mut transaction, sender, About::Trial, letter, (share.within, now)).await?;
        self.enqueue_letter(&mut transaction, letter, &written, now).await?;
        self.commit(transaction).await
    }

    async fn due_within<'r>(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        sender: &Address,
        rules: &[&'r RuleId],
        bounds: AdviceBounds,
        now: Timestamp,
    ) -> Result<Vec<&'r RuleId>, RecordsError> {
        let known: Vec<(String,)> = sqlx::query_as(
            "SELECT DISTINCT rule FROM told WHERE recipient = ? AND about = 'advice' AND told_at > ?",
        )
        .bind(sender.folded())
        .bind(stored(before(now, bounds.again_after)))
        .fetch_all(&mut **transaction)
        .await
        .map_err(|source| self.database_error(source))?;
        let due = rules.iter().filter(|rule| known.iter().all(|(told,)| *told != rule.0)).copied();
        let due: Vec<&RuleId> = due.collect();
        if due.is_empty() {
            return Ok(due);
        }
        let since = stored(before(now, bounds.share.within));
        let had: i64 = sqlx::query_scalar(
            "SELECT (SELECT count(DISTINCT letter) FROM told WHERE recipient = ?1 AND about = 'advice' AND told_at > ?2)
             + (SELECT count(*) FROM outbox JOIN outbox_recipients ON outbox_recipients.outbox = outbox.id
                WHERE kind = 'answer' AND outbox.state IN ('waiting', 'sent', 'postponed') AND queued_at > ?2 AND address = ?3)",
        )
        .bind(sender.folded())
        .bind(since)
        .bind(sender.raw())
        .fetch_one(&mut **transaction)
        .await
        .map_err(|source| self.database_error(source))?;
        Ok(if had < i64::from(bounds.share.answers) { due } else { Vec::new() })
    }

    /// Notes what is told, and forgets what was told so long ago that it no longer counts.
    async fn note(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        recipient: &Address,
        about: About<'_>,
        letter: &NewLetter<'_>,
        (kept, now): (SignedDuration, Timestamp),
    ) -> Result<(), RecordsError> {
        let (name, rules): (&str, Vec<&str>) = match about {
            About::Trial => ("trial", vec![""]),
            About::Advice(rules) => ("advice", rules.iter().map(|rule| rule.0.as_str()).collect()),
        };
        sqlx::query("DELETE FROM told WHERE about = ? AND told_at <= ?")
            .bind(name)
            .bind(stored(before(now, kept)))
            .execute(&mut **transaction)
            .await
            .map_err(|source| self.database_error(source))?;
        for rule in rules {
            sqlx::query("INSERT INTO told (recipient, about, rule, letter, told_at) VALUES (?, ?, ?, ?, ?)")
                .bind(recipient.folded())
                .bind(name)
                .bind(rule)
                .bind(letter.reference.as_str())
                .bind(stored(now))
                .execute(&mut **transaction)
                .await
                .map_err(|source| self.database_error(source))?;
        }
        Ok(())
    }
}

fn before(now: Timestamp, span: SignedDuration) -> Timestamp {
    now.saturating_sub(span).unwrap_or(Timestamp::MIN)
}
