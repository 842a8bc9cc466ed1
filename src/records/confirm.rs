//! Confirmations by mail: signed codes, each for one message, one purpose and named holders, used once. Reads no mail.

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sha2::Sha256;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite, Transaction};

use super::files::{ContentKind, Written};
use super::outbox::{NewEntry, OutboxKind};
use super::reference::{base32, from_base32};
use super::{Decision, RecordsError, Reference, Store, stored, told};
use crate::message::Address;

/// How long a code is good for: a message that waits longer is written anew.
const GOOD_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Bytes of a code's random number and of its signature: 80 bits each, so that the address they make is one that every
/// mail program takes (RFC 5321 §4.5.3.1.1: 64 octets before the @).
const HALF: usize = 10;

/// What a code lets its holder do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asks {
    /// Have the message sent, by giving a reason.
    Justify,
    /// Ask an approver, by giving a reason.
    Request,
    /// Approve or decline such a request.
    Approve,
}

impl Asks {
    const ALL: [Self; 3] = [Self::Justify, Self::Request, Self::Approve];

    /// Its name as `--json` and the database write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Justify => "justify",
            Self::Request => "request",
            Self::Approve => "approve",
        }
    }
}

/// What came of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confirmed {
    /// The sender gave a reason, and the message went out.
    Released,
    /// The sender gave a reason, and an approver was asked.
    Asked,
    /// An approver had the message sent.
    Approved,
    /// An approver declined.
    Declined,
}

impl Confirmed {
    const ALL: [Self; 4] = [Self::Released, Self::Asked, Self::Approved, Self::Declined];

    /// Its name as `--json` and the database write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Asked => "asked",
            Self::Approved => "approved",
            Self::Declined => "declined",
        }
    }
}

/// A code that is made and not yet kept.
#[derive(Debug, Clone)]
pub struct NewConfirmation {
    id: [u8; HALF],
    text: String,
    /// What it lets its holders do.
    pub asks: Asks,
    /// Who may use it.
    pub holders: Vec<Address>,
    /// The login with which the message was sent: its sender confirms with the same.
    pub login: Option<String>,
    /// Until when it is good.
    pub expires: Timestamp,
}

impl NewConfirmation {
    /// The code as people and addresses write it.
    pub fn code(&self) -> &str {
        &self.text
    }
}

/// A code on the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Confirmation {
    #[serde(skip)]
    id: [u8; HALF],
    /// The message that it is for.
    #[serde(skip)]
    pub reference: Reference,
    /// What it lets its holders do.
    pub asks: Asks,
    /// Who may use it: addresses in lower case.
    pub holders: Vec<String>,
    /// The login with which the message was sent, where there was one.
    #[serde(skip)]
    pub login: Option<String>,
    /// When it was made.
    pub made_at: Timestamp,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
    /// Who used it.
    pub used_by: Option<String>,
    /// What came of it.
    pub outcome: Option<Confirmed>,
    /// The reason that was given.
    pub why: Option<String>,
}

impl Confirmation {
    /// Whether the sender can use it at that moment.
    pub(super) fn is_senders(&self, now: Timestamp) -> bool {
        self.asks != Asks::Approve && self.used_at.is_none() && self.expires_at >= now
    }
}

/// A letter that is to be sent: about a message, or of its own accord.
#[derive(Debug, Clone, Copy)]
pub struct NewLetter<'a> {
    /// Its name.
    pub reference: &'a Reference,
    /// Who gets it.
    pub recipients: &'a [Address],
    /// The whole message.
    pub content: &'a [u8],
}

/// What a confirmation comes to, with the letters that tell of it.
#[derive(Debug, Clone, Copy)]
pub struct Confirming<'a> {
    /// The code that is used.
    pub confirmation: &'a Confirmation,
    /// What comes of it.
    pub outcome: Confirmed,
    /// Who used it.
    pub by: &'a str,
    /// The reason that was given.
    pub why: &'a str,
    /// A further code: for the approvers who are asked.
    pub next: Option<&'a NewConfirmation>,
    /// What is told, and to whom.
    pub letters: &'a [NewLetter<'a>],
}

impl Store {
    /// Makes a code. It is worth nothing until it is kept, with its message or with a confirmation.
    ///
    /// # Errors
    /// Where the operating system gives no random bytes.
    pub fn new_confirmation(
        &self,
        asks: Asks,
        holders: Vec<Address>,
        login: Option<String>,
        now: Timestamp,
    ) -> Result<NewConfirmation, RecordsError> {
        let mut id = [0u8; HALF];
        getrandom::fill(&mut id).map_err(RecordsError::Random)?;
        let text = self.text_of(&id)?;
        let expires = now.saturating_add(GOOD_FOR).unwrap_or(Timestamp::MAX);
        Ok(NewConfirmation { id, text, asks, holders, login, expires })
    }

    /// A code on the record as people write it.
    pub(super) fn code_text(&self, confirmation: &Confirmation) -> Result<String, RecordsError> {
        self.text_of(&confirmation.id)
    }

    fn text_of(&self, id: &[u8; HALF]) -> Result<String, RecordsError> {
        Ok(format!("{}{}", base32(id), base32(&self.half_signature(id)?)))
    }

    /// The code that a word is, if it was signed here. Costs no look at the database where it was not.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn confirmation(&self, word: &str) -> Result<Option<Confirmation>, RecordsError> {
        let Some(id) = self.signed_id(word)? else { return Ok(None) };
        let row = sqlx::query("SELECT * FROM confirmations WHERE id = ?")
            .bind(&id[..])
            .fetch_optional(&self.pool)
            .await
            .map_err(|source| self.database_error(source))?;
        row.map(|row| self.confirmation_of(&row)).transpose()
    }

    /// Whether a word looks like a code and was signed here.
    ///
    /// # Errors
    /// Where the key cannot be used.
    pub fn is_code(&self, word: &str) -> Result<bool, RecordsError> {
        Ok(self.signed_id(word)?.is_some())
    }

    /// Uses a code: what comes of it, the reason, the release where there is one, and the letters that tell of it are on
    /// the disk together when this returns, or nothing is.
    ///
    /// # Errors
    /// Where the code was used or has expired meanwhile, the message is no longer there to be sent, or nothing could be recorded.
    pub async fn confirm(&self, confirming: &Confirming<'_>, now: Timestamp) -> Result<(), RecordsError> {
        let Confirming { confirmation, outcome, by, why, next, letters } = *confirming;
        let mut written = Vec::with_capacity(letters.len());
        for letter in letters {
            written.push(self.content.write(letter.reference, ContentKind::Letter, letter.content).await?);
        }
        let mut transaction = self.begin().await?;
        let used = sqlx::query(
            "UPDATE confirmations SET used_at = ?, used_by = ?, outcome = ?, why = ?
             WHERE id = ? AND used_at IS NULL AND expires_at >= ?",
        )
        .bind(stored(now))
        .bind(by)
        .bind(outcome.name())
        .bind(why)
        .bind(&confirmation.id[..])
        .bind(stored(now))
        .execute(&mut *transaction)
        .await
        .map_err(|source| self.database_error(source))?
        .rows_affected();
        if used != 1 {
            return Err(RecordsError::CodeUsed(confirmation.reference.clone()));
        }
        if matches!(outcome, Confirmed::Released | Confirmed::Approved) {
            let reference = &confirmation.reference;
            self.decide_within(&mut transaction, reference, Decision::Release, (by, why), now).await?;
        }
        if let Some(next) = next {
            self.insert_confirmation(&mut transaction, &confirmation.reference, next, now).await?;
        }
        for (letter, written) in letters.iter().zip(&written) {
            self.enqueue_letter(&mut transaction, letter, written, now).await?;
        }
        self.commit(transaction).await
    }

    /// What a message's codes came to, oldest first.
    pub(super) async fn confirmations(
        &self,
        reference: &Reference,
    ) -> Result<Vec<Confirmation>, RecordsError> {
        let rows = sqlx::query("SELECT * FROM confirmations WHERE reference = ? ORDER BY made_at, id")
            .bind(reference.as_str())
            .fetch_all(&self.pool)
            .await
            .map_err(|source| self.database_error(source))?;
        rows.iter().map(|row| self.confirmation_of(row)).collect()
    }

    pub(super) async fn insert_confirmation(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        reference: &Reference,
        new: &NewConfirmation,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        let holders: Vec<&str> = new.holders.iter().map(Address::folded).collect();
        sqlx::query(
            "INSERT INTO confirmations (id, reference, asks, holders, login, made_at, expires_at)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&new.id[..])
        .bind(reference.as_str())
        .bind(new.asks.name())
        .bind(holders.join("\n"))
        .bind(new.login.as_deref())
        .bind(stored(now))
        .bind(stored(new.expires))
        .execute(&mut **transaction)
        .await
        .map_err(|source| self.database_error(source))?;
        Ok(())
    }

    pub(super) async fn enqueue_letter(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        letter: &NewLetter<'_>,
        written: &Written,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        let recipients = (0i64..).zip(letter.recipients).map(|(position, to)| (position, to.raw().to_vec()));
        let entry = NewEntry {
            kind: OutboxKind::Letter,
            reference: letter.reference,
            sender: None,
            recipients: recipients.collect(),
            content: written,
            postponed: false,
            now,
        };
        self.enqueue(transaction, &entry).await
    }

    fn confirmation_of(&self, row: &SqliteRow) -> Result<Confirmation, RecordsError> {
        let text: String = row.try_get("reference").map_err(|source| self.database_error(source))?;
        let reference = self.reference_of(&text)?;
        let id: Vec<u8> = self.column(row, &reference, "id")?;
        let asks: String = self.column(row, &reference, "asks")?;
        let outcome: Option<String> = self.column(row, &reference, "outcome")?;
        let holders: String = self.column(row, &reference, "holders")?;
        let used: Option<i64> = self.column(row, &reference, "used_at")?;
        let bad = |field| self.damaged(&text, field);
        let known = |name: String| Confirmed::ALL.into_iter().find(|known| known.name() == name);
        Ok(Confirmation {
            id: id.try_into().map_err(|_| bad("id"))?,
            asks: Asks::ALL.into_iter().find(|known| known.name() == asks).ok_or_else(|| bad("asks"))?,
            holders: holders.lines().map(str::to_owned).collect(),
            login: self.column(row, &reference, "login")?,
            made_at: told(self.column(row, &reference, "made_at")?),
            expires_at: told(self.column(row, &reference, "expires_at")?),
            used_at: used.map(told),
            used_by: self.column(row, &reference, "used_by")?,
            outcome: outcome.map(|name| known(name).ok_or_else(|| bad("outcome"))).transpose()?,
            why: self.column(row, &reference, "why")?,
            reference,
        })
    }

    /// A code's number, where the signature is this store's. Any case: mail programs change that of addresses.
    fn signed_id(&self, word: &str) -> Result<Option<[u8; HALF]>, RecordsError> {
        let word = word.to_ascii_uppercase();
        let Some((id, signature)) = word.split_at_checked(HALF * 8 / 5) else { return Ok(None) };
        let (Some(id), Some(signature)) = (from_base32::<HALF>(id), from_base32::<HALF>(signature)) else {
            return Ok(None);
        };
        let good = self.code_signature(&id)?.verify_truncated_left(&signature).is_ok();
        Ok(good.then_some(id))
    }

    fn half_signature(&self, id: &[u8; HALF]) -> Result<[u8; HALF], RecordsError> {
        let whole: [u8; 32] = self.code_signature(id)?.finalize().into_bytes().into();
        let mut half = [0u8; HALF];
        half.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
        Ok(half)
    }

    fn code_signature(&self, id: &[u8; HALF]) -> Result<Hmac<Sha256>, RecordsError> {
        let mut signature =
            Hmac::<Sha256>::new_from_slice(self.key.as_slice()).map_err(|_| RecordsError::Stopped)?;
        signature.update(b"mailwarden confirmation 1");
        signature.update(id);
        Ok(signature)
    }
}
