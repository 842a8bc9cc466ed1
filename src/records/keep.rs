//! Keeping a message: content on the disk, then its row, then the promise. Never decides what is kept.

use jiff::{SignedDuration, Timestamp};
use sqlx::{Sqlite, Transaction};

use super::confirm::NewConfirmation;
use super::digest::{of_envelope, of_identity, raw};
use super::files::{ContentKind, Written};
use super::outbox::{NewEntry, OutboxKind};
use super::{HeldState, RecordsError, Reference, Store, stored};
use crate::message::{Address, Envelope};
use crate::verdict::{RuleId, Verdict};

/// How long the same message from the same sender counts as a repetition after it was returned: as long as an MTA
/// tries to deliver (RFC 5321 §4.5.4.1: four to five days).
pub(super) const REPEATED_WITHIN: SignedDuration = SignedDuration::from_hours(5 * 24);

/// A message that is to be held or was returned.
#[derive(Debug, Clone, Copy)]
pub struct KeptMessage<'a> {
    /// Its new name; the reply and the answer to the sender show it.
    pub reference: &'a Reference,
    /// What happens with it.
    pub action: KeptAction<'a>,
    /// The message exactly as it was received, header and body.
    pub content: &'a [u8],
    /// How it came, and from whom.
    pub envelope: &'a Envelope,
    /// Those of the envelope's recipients who did not get it.
    pub recipients: &'a [&'a Address],
    /// The rules that led to it.
    pub rules: &'a [RuleId],
    /// What the sweep found; it has no words of the message.
    pub verdict: &'a Verdict,
    /// What was found, in words, for whoever may read the content: it lies beside it and goes with it. Empty for nothing.
    pub found: &'a [u8],
    /// The code by which its sender may have it sent all the same.
    pub confirmation: Option<&'a NewConfirmation>,
    /// How many answers its sender gets one by one; beyond them there is a summary.
    pub share: Share,
    /// When it was received.
    pub received_at: Timestamp,
}

/// How many answers one sender gets in which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// How many.
    pub answers: u32,
    /// In which time.
    pub within: SignedDuration,
}

impl Default for Share {
    /// Twenty in an hour.
    fn default() -> Self {
        Self { answers: 20, within: SignedDuration::from_hours(1) }
    }
}

/// What happens with a message that is kept.
#[derive(Debug, Clone, Copy)]
pub enum KeptAction<'a> {
    /// It waits for a decision.
    Hold {
        /// What the sender is told; `None` where they are not.
        answer: Option<Answer<'a>>,
    },
    /// Its sender is told why it was not delivered.
    Return {
        /// What the sender is told; `None` where there is nobody to tell (the null sender, RFC 5321 §4.5.5).
        answer: Option<Answer<'a>>,
    },
}

impl KeptAction<'_> {
    const fn name(&self) -> &'static str {
        match self {
            Self::Hold { .. } => "hold",
            Self::Return { .. } => "return",
        }
    }

    const fn state(&self) -> HeldState {
        match self {
            Self::Hold { .. } => HeldState::Held,
            Self::Return { .. } => HeldState::Returned,
        }
    }
}

/// An answer to a sender. It is sent from the null sender.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// Who gets it.
    pub recipient: &'a Address,
    /// The whole message: header, empty line, body, lines ending in CRLF.
    pub content: &'a [u8],
}

/// What keeping a message came to. Either way it is safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// It is kept under the new reference, and its answer is in the outbox.
    New(Reference),
    /// The same message (content, sender, recipients, action) is kept already under this reference: the client tried
    /// again because it did not hear the first time. Nothing was added, no second answer goes out.
    Already(Reference),
}

impl Kept {
    /// The reference under which the message is kept.
    pub const fn reference(&self) -> &Reference {
        match self {
            Self::New(reference) | Self::Already(reference) => reference,
        }
    }
}

impl Store {
    /// Keeps a message. When this returns, the content, its row and the answer in the outbox are on the disk, flushed.
    /// Costs a few milliseconds; a message of any size takes little memory here.
    ///
    /// # Errors
    /// Where anything of it could not be written. Nothing is promised then: the MTA must hear a temporary failure.
    pub async fn keep(&self, message: &KeptMessage<'_>) -> Result<Kept, RecordsError> {
        let content = self.content.write(message.reference, ContentKind::Original, message.content).await?;
        let answer = match message.action {
            KeptAction::Return { answer: Some(answer) } | KeptAction::Hold { answer: Some(answer) } => Some(
                (answer, self.content.write(message.reference, ContentKind::Answer, answer.content).await?),
            ),
            _ => None,
        };
        if !message.found.is_empty() {
            self.content.write(message.reference, ContentKind::Found, message.found).await?;
        }
        // After a failure the files stay: whether the row is there may be unknown. `tidy` removes them if it is not.
        let kept = self.keep_row(message, &content, answer).await?;
        if let Kept::Already(_) = kept {
            self.content.remove(message.reference).await?;
        }
        Ok(kept)
    }

    async fn keep_row(
        &self,
        message: &KeptMessage<'_>,
        content: &Written,
        answer: Option<(Answer<'_>, Written)>,
    ) -> Result<Kept, RecordsError> {
        let verdict = serde_json::to_string(message.verdict).map_err(RecordsError::Verdict)?;
        let rules = serde_json::to_string(message.rules).map_err(RecordsError::Verdict)?;
        let sender = raw(message.envelope.sender.as_ref());
        let envelope = of_envelope(sender, message.recipients.iter().map(|one| one.raw()));
        let identity = of_identity(message.action.name(), &content.content_digest, &envelope);

        let mut transaction = self.begin().await?;
        let same = self.same_before(&mut transaction, &identity, message.received_at).await?;
        let same_as = match same {
            Some((reference, true)) => return Ok(Kept::Already(reference)),
            Some((reference, false)) => Some(reference),
            None => None,
        };
        self.insert_message(
            &mut transaction,
            message,
            content,
            &identity,
            &Texts { verdict, rules, same_as },
        )
        .await?;
        self.insert_recipients(&mut transaction, message).await?;
        if let Some(confirmation) = message.confirmation {
            let (reference, now) = (message.reference, message.received_at);
            self.insert_confirmation(&mut transaction, reference, confirmation, now).await?;
        }
        if let Some((answer, written)) = answer {
            let postponed = self.is_beyond_share(&mut transaction, message, answer.recipient).await?;
            let entry = NewEntry {
                kind: OutboxKind::Answer,
                reference: message.reference,
                sender: None,
                recipients: vec![(0, answer.recipient.raw().to_vec())],
                content: &written,
                postponed,
                now: message.received_at,
            };
            self.enqueue(&mut transaction, &entry).await?;
        }
        self.commit(transaction).await?;
        Ok(Kept::New(message.reference.clone()))
    }

    /// Whether a sender has had their share of answers. The summary then tells their codes too.
    async fn is_beyond_share(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        message: &KeptMessage<'_>,
        recipient: &Address,
    ) -> Result<bool, RecordsError> {
        let since = message.received_at.saturating_sub(message.share.within).unwrap_or(Timestamp::MIN);
        let had: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM outbox JOIN outbox_recipients ON outbox_recipients.outbox = outbox.id
             WHERE kind = 'answer' AND outbox.state IN ('waiting', 'sent', 'postponed') AND queued_at > ? AND address = ?",
        )
        .bind(stored(since))
        .bind(recipient.raw())
        .fetch_one(&mut **transaction)
        .await
        .map_err(|source| self.database_error(source))?;
        Ok(had >= i64::from(message.share.answers))
    }

    /// The latest message with that identity, and whether it makes the new one a repetition.
    async fn same_before(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        identity: &[u8],
        received_at: Timestamp,
    ) -> Result<Option<(Reference, bool)>, RecordsError> {
        // What is held comes first: only one row of an identity can be.
        let found: Option<(String, String, i64)> = sqlx::query_as(
            "SELECT reference, state, received_at FROM messages WHERE identity = ?
             ORDER BY state IN ('held', 'releasing') DESC, received_at DESC LIMIT 1",
        )
        .bind(identity)
        .fetch_optional(&mut **transaction)
        .await
        .map_err(|source| self.database_error(source))?;
        let Some((reference, state, before)) = found else { return Ok(None) };
        let repeated = match HeldState::from_name(&state) {
            Some(HeldState::Held | HeldState::Releasing) => true,
            Some(HeldState::Returned) => {
                stored(received_at).saturating_sub(before) < stored_span(REPEATED_WITHIN)
            }
            _ => false,
        };
        Ok(Some((self.reference_of(&reference)?, repeated)))
    }

    async fn insert_message(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        message: &KeptMessage<'_>,
        content: &Written,
        identity: &[u8],
        texts: &Texts,
    ) -> Result<(), RecordsError> {
        let envelope = message.envelope;
        let client = envelope.client.as_ref();
        sqlx::query(
            "INSERT INTO messages (reference, state, identity, content_digest, body_digest, size, eight_bit, sender,
                 sender_shown, queue_id, client_address, client_name, authenticated, rules, verdict, received_at, same_as, may_override)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(message.reference.as_str())
        .bind(message.action.state().name())
        .bind(identity)
        .bind(&content.content_digest[..])
        .bind(&content.body_digest[..])
        .bind(content.size)
        .bind(content.eight_bit)
        .bind(raw(envelope.sender.as_ref()))
        .bind(envelope.sender.as_ref().map_or("", Address::folded))
        .bind(envelope.queue_id.as_ref().map(|id| id.0.as_str()))
        .bind(client.and_then(|client| client.address).map(|address| address.to_string()))
        .bind(client.map(|client| client.name.as_str()))
        .bind(envelope.authenticated.as_deref())
        .bind(&texts.rules)
        .bind(&texts.verdict)
        .bind(stored(message.received_at))
        .bind(texts.same_as.as_ref().map(Reference::as_str))
        .bind(message.confirmation.map_or("never", |confirmation| confirmation.asks.name()))
        .execute(&mut **transaction)
        .await
        .map_err(|source| self.database_error(source))?;
        Ok(())
    }

    async fn insert_recipients(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        message: &KeptMessage<'_>,
    ) -> Result<(), RecordsError> {
        for (position, recipient) in (0i64..).zip(message.recipients) {
            sqlx::query("INSERT INTO recipients (reference, position, address, shown, state) VALUES (?, ?, ?, ?, 'waiting')")
                .bind(message.reference.as_str())
                .bind(position)
                .bind(recipient.raw())
                .bind(recipient.folded())
                .execute(&mut **transaction)
                .await
                .map_err(|source| self.database_error(source))?;
        }
        Ok(())
    }
}

struct Texts {
    verdict: String,
    rules: String,
    same_as: Option<Reference>,
}

fn stored_span(span: SignedDuration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
