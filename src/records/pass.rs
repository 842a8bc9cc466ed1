//! Passes: signed, single-use tokens that let mailwarden's own submissions through the gate. Never reads a clock.

use std::io::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;
use sqlx::Row as _;

use super::digest::{of_body, of_envelope, raw};
use super::files::blocking;
use super::outbox::{OutboxKind, Submission};
use super::reference::{base32, from_base32};
use super::{RecordsError, Reference, Store, stored};
use crate::message::Address;

/// The header field that carries a pass. The gate removes it from every message, valid or not.
pub const PASS_HEADER: &str = "X-Mailwarden-Pass";

/// How long a pass is good for. A submission waits for the MTA's last word for ten minutes (RFC 5321 §4.5.3.2.6).
const GOOD_FOR: SignedDuration = SignedDuration::from_mins(60);

/// A pass that was made for one submission.
#[derive(Clone)]
pub struct Pass {
    pub(super) id: [u8; 16],
    text: String,
}

impl Pass {
    /// What the header field says.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl std::fmt::Debug for Pass {
    /// Without the text, which lets mail through.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Pass").field(&base32(&self.id)).finish()
    }
}

/// What a pass in a message's header came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redeemed {
    /// It is good, and spent now: the message goes through.
    Valid {
        /// The kept message that it belongs to.
        reference: Reference,
        /// What is being submitted.
        kind: OutboxKind,
    },
    /// It was good, and the outbox has given up this submission because the connection broke; it makes another one.
    /// The gate answers with a temporary failure, else the message would come twice.
    Withdrawn,
    /// It is good, and the MTA shows another body, sender or set of recipients than was submitted with it: something
    /// between the outbox and the gate changes mail. The gate refuses the message for good, in words that say so; the
    /// outbox hears them, and the message is held again with them as its note. Nothing is spent.
    Changed(Reference),
    /// It is not good: the message is swept like any other.
    Invalid(Refusal),
}

/// Why a pass is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It doesn't look like a pass.
    Malformed,
    /// Its signature is not this store's.
    Forged,
    /// It is too old.
    Expired,
    /// It has been used already.
    Used,
}

impl Refusal {
    /// The reason for a log line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Forged => "forged",
            Self::Expired => "expired",
            Self::Used => "used already",
        }
    }
}

impl Store {
    /// Makes a pass for those of a submission's recipients, given in ascending order; it is on the disk before this
    /// returns.
    ///
    /// # Errors
    /// Where it cannot be recorded.
    pub async fn make_pass(
        &self,
        submission: &Submission,
        positions: &[i64],
        now: Timestamp,
    ) -> Result<Pass, RecordsError> {
        let failed = |source| self.database_error(source);
        let mut id = [0u8; 16];
        getrandom::fill(&mut id).map_err(RecordsError::Random)?;
        let expires = now.saturating_add(GOOD_FOR).unwrap_or(Timestamp::MAX);
        let concerned =
            submission.recipients.iter().filter(|one| positions.binary_search(&one.position).is_ok());
        let envelope = of_envelope(submission.sender.as_deref(), concerned.map(|one| one.address.as_slice()));

        let mut transaction = self.begin().await?;
        sqlx::query(
            "INSERT INTO passes (id, outbox, envelope_digest, body_digest, made_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(&id[..])
        .bind(submission.id)
        .bind(&envelope[..])
        .bind(&submission.body_digest[..])
        .bind(stored(now))
        .bind(stored(expires))
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        for position in positions {
            sqlx::query("UPDATE outbox_recipients SET pass = ? WHERE outbox = ? AND position = ?")
                .bind(&id[..])
                .bind(submission.id)
                .bind(position)
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
        }
        self.commit(transaction).await?;
        let seconds = expires.as_second();
        let signature: [u8; 32] = self.signature(&id, seconds)?.finalize().into_bytes().into();
        Ok(Pass { id, text: format!("1.{}.{seconds}.{}", base32(&id), base32(&signature)) })
    }

    /// Looks at the pass that a message bears and spends it. `value` is what follows the header field's colon;
    /// `content` is the message with or without that field, as the MTA showed it. The gate asks at the end of the
    /// message, as the last thing before it answers the MTA: once a pass is spent, the message counts as delivered.
    ///
    /// A pass is bound to the envelope and to the body. The header is left out: MTAs add fields that are missing and
    /// complete addresses in mail from their own machine. A pass that was not signed here costs no database access
    /// and no look at the content.
    ///
    /// # Errors
    /// Where the database does not answer: the MTA must hear a temporary failure.
    pub async fn redeem(
        &self,
        value: &[u8],
        content: &[u8],
        sender: Option<&Address>,
        recipients: &[Address],
        now: Timestamp,
    ) -> Result<Redeemed, RecordsError> {
        let id = match self.signed(value, now)? {
            Ok(id) => id,
            Err(refusal) => return Ok(Redeemed::Invalid(refusal)),
        };
        let envelope = of_envelope(raw(sender), recipients.iter().map(Address::raw));
        self.spend(&id, &envelope, &of_body(content), now).await
    }

    /// What a pass is for that was signed here, without a look at the message and without spending it: for what takes a while,
    /// and so comes before [`Store::redeem`]. `None` for any other.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn purpose_of_pass(
        &self,
        value: &[u8],
        now: Timestamp,
    ) -> Result<Option<(Reference, OutboxKind)>, RecordsError> {
        let Ok(id) = self.signed(value, now)? else { return Ok(None) };
        let found: Option<(String, String)> = sqlx::query_as(
            "SELECT reference, kind FROM passes JOIN outbox ON outbox.id = passes.outbox
             WHERE passes.id = ? AND used_at IS NULL AND withdrawn_at IS NULL",
        )
        .bind(&id[..])
        .fetch_optional(&self.pool)
        .await
        .map_err(|source| self.database_error(source))?;
        let Some((reference, kind)) = found else { return Ok(None) };
        let kind = OutboxKind::from_name(&kind).ok_or_else(|| self.damaged(&reference, "kind"))?;
        Ok(Some((self.reference_of(&reference)?, kind)))
    }

    /// The number of a pass that this store signed and that is not too old.
    fn signed(&self, value: &[u8], now: Timestamp) -> Result<Result<[u8; 16], Refusal>, RecordsError> {
        let Some(parsed) = parse(value) else { return Ok(Err(Refusal::Malformed)) };
        let signature = self.signature(&parsed.id, parsed.expires)?;
        if signature.verify_slice(&parsed.signature).is_err() {
            return Ok(Err(Refusal::Forged));
        }
        if now.as_second() > parsed.expires {
            return Ok(Err(Refusal::Expired));
        }
        Ok(Ok(parsed.id))
    }

    /// Notes that the MTA has been answered on the message with that pass. This is one write, which outlasts the end of
    /// the process at any point after it, though not that of the machine; nothing is waited for. Where it fails, the message
    /// may be sent twice after a crash, which is better than never.
    pub fn note_answered(&self, value: &[u8]) {
        if let Some(parsed) = parse(value) {
            let _ = (&*self.answered).write_all(&parsed.id);
        }
    }

    /// Takes back the spending of passes on whose messages the MTA was never answered: the process that spent them ended
    /// before. Only the holder of [`Store::lock_outbox`] may ask for it, once, before [`Store::resume`]. Returns how many
    /// there were.
    ///
    /// # Errors
    /// Where the file or the database does not answer.
    pub async fn forget_unanswered(&self) -> Result<usize, RecordsError> {
        let spent: Vec<(Vec<u8>,)> = sqlx::query_as(
            "SELECT DISTINCT passes.id FROM passes JOIN outbox_recipients ON outbox_recipients.pass = passes.id
             WHERE outbox_recipients.state = 'waiting' AND used_at IS NOT NULL",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(|source| self.database_error(source))?;
        let path = self.folder.join("passes.answered");
        let target = path.clone();
        let read = blocking(move || std::fs::read(target)).await?;
        let answered = read.map_err(|source| RecordsError::File { doing: "read", path, source })?;
        let mut forgotten = 0;
        let mut transaction = self.begin().await?;
        for (id,) in &spent {
            if answered.chunks(16).any(|known| known == id.as_slice()) {
                continue;
            }
            sqlx::query("UPDATE passes SET used_at = NULL WHERE id = ?")
                .bind(id)
                .execute(&mut *transaction)
                .await
                .map_err(|source| self.database_error(source))?;
            forgotten += 1;
        }
        self.commit(transaction).await?;
        Ok(forgotten)
    }

    /// Forgets which messages were answered on: all that was under way is settled.
    ///
    /// # Errors
    /// Where the file cannot be cut.
    pub fn settle_answered(&self) -> Result<(), RecordsError> {
        let failed =
            |source| RecordsError::File { doing: "empty", path: self.folder.join("passes.answered"), source };
        self.answered.set_len(0).map_err(failed)
    }

    async fn spend(
        &self,
        id: &[u8; 16],
        envelope: &[u8],
        body: &[u8],
        now: Timestamp,
    ) -> Result<Redeemed, RecordsError> {
        let failed = |source| self.database_error(source);
        let mut transaction = self.begin().await?;
        let row = sqlx::query(
            "SELECT passes.envelope_digest, passes.body_digest, used_at, withdrawn_at, kind, reference
             FROM passes JOIN outbox ON outbox.id = passes.outbox WHERE passes.id = ?",
        )
        .bind(&id[..])
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed)?;
        // A signature of ours without a row: the database was put back to an earlier state.
        let Some(row) = row else { return Ok(Redeemed::Invalid(Refusal::Used)) };
        let reference = self.reference_of(row.try_get("reference").map_err(failed)?)?;
        if row.try_get::<Option<i64>, _>("used_at").map_err(failed)?.is_some() {
            return Ok(Redeemed::Invalid(Refusal::Used));
        }
        let fits = row.try_get::<&[u8], _>("envelope_digest").map_err(failed)? == envelope
            && row.try_get::<&[u8], _>("body_digest").map_err(failed)? == body;
        let withdrawn = row.try_get::<Option<i64>, _>("withdrawn_at").map_err(failed)?.is_some();
        match (fits, withdrawn) {
            (true, false) => {}
            (true, true) => return Ok(Redeemed::Withdrawn),
            (false, false) => return Ok(Redeemed::Changed(reference)),
            (false, true) => return Ok(Redeemed::Invalid(Refusal::Used)),
        }
        let kind = OutboxKind::from_name(row.try_get("kind").map_err(failed)?)
            .ok_or_else(|| self.damaged(reference.as_str(), "kind"))?;
        sqlx::query(
            "UPDATE passes SET used_at = ? WHERE id = ? AND used_at IS NULL AND withdrawn_at IS NULL",
        )
        .bind(stored(now))
        .bind(&id[..])
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        self.commit(transaction).await?;
        Ok(Redeemed::Valid { reference, kind })
    }

    fn signature(&self, id: &[u8; 16], expires: i64) -> Result<Hmac<Sha256>, RecordsError> {
        let mut signature =
            Hmac::<Sha256>::new_from_slice(self.key.as_slice()).map_err(|_| RecordsError::Stopped)?;
        signature.update(b"mailwarden pass 1");
        signature.update(id);
        signature.update(&expires.to_be_bytes());
        Ok(signature)
    }
}

struct Parsed {
    id: [u8; 16],
    expires: i64,
    signature: [u8; 32],
}

/// Reads a header field's value. The MTA may have folded it or put space around it.
fn parse(value: &[u8]) -> Option<Parsed> {
    let text = str::from_utf8(value).ok()?.trim_ascii();
    let mut fields = text.split('.');
    let (version, id, expires, signature) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    if version != "1" || fields.next().is_some() {
        return None;
    }
    Some(Parsed { id: from_base32(id)?, expires: expires.parse().ok()?, signature: from_base32(signature)? })
}
