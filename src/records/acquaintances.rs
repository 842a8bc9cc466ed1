//! Who wrote to whom outside, as keyed digests of pairs with the day of the last mail. Never keeps an address.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;

use super::{RecordsError, Store};
use crate::message::Address;

/// Most pairs that are held in memory, the latest ones: about 24 bytes each.
const MOST: i64 = 500_000;
/// A pair that is noted already is noted anew after so many days, so that most mail writes nothing.
const FRESH_DAYS: i64 = 30;

/// A pair of sender and recipient.
type Pair = i64;

/// Who wrote to whom, as far as is remembered.
pub struct Acquaintances {
    key: Hmac<Sha256>,
    /// The day since which pairs are noted.
    since: i64,
    last_days: RwLock<HashMap<Pair, i64>>,
}

/// A pair to be written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noted {
    pair: Pair,
    day: i64,
}

impl std::fmt::Debug for Acquaintances {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Acquaintances").field("since", &self.since).finish_non_exhaustive()
    }
}

impl Acquaintances {
    /// Whether mail from the one to the other is remembered.
    pub fn know(&self, sender: &Address, recipient: &Address) -> bool {
        let pair = self.pair(sender, recipient);
        self.last_days.read().unwrap_or_else(PoisonError::into_inner).contains_key(&pair)
    }

    /// For how many days pairs have been noted.
    pub fn age_days(&self, now: Timestamp) -> i64 {
        day(now).saturating_sub(self.since)
    }

    /// Remembers that mail went to these; returns what [`Store::note_acquaintances`] has to write down.
    pub fn note<'a>(
        &self,
        sender: &Address,
        recipients: impl Iterator<Item = &'a Address>,
        now: Timestamp,
    ) -> Vec<Noted> {
        let day = day(now);
        let pairs: Vec<Pair> = recipients.map(|recipient| self.pair(sender, recipient)).collect();
        let is_stale = |last: Option<&i64>| last.is_none_or(|last| last.saturating_add(FRESH_DAYS) < day);
        let stale: Vec<Noted> = {
            let known = self.last_days.read().unwrap_or_else(PoisonError::into_inner);
            pairs
                .into_iter()
                .filter(|pair| is_stale(known.get(pair)))
                .map(|pair| Noted { pair, day })
                .collect()
        };
        if !stale.is_empty() {
            let mut known = self.last_days.write().unwrap_or_else(PoisonError::into_inner);
            known.extend(stale.iter().map(|noted| (noted.pair, noted.day)));
        }
        stale
    }

    fn pair(&self, sender: &Address, recipient: &Address) -> Pair {
        let mut mac = self.key.clone();
        for address in [sender, recipient] {
            mac.update(address.folded().as_bytes());
            mac.update(b"\n");
        }
        let digest = mac.finalize().into_bytes();
        let first: [u8; 8] = std::array::from_fn(|at| digest.get(at).copied().unwrap_or_default());
        Pair::from_be_bytes(first)
    }
}

fn day(at: Timestamp) -> i64 {
    at.as_second().div_euclid(86_400)
}

impl Store {
    /// Who wrote to whom in the last so many days; what is older is deleted. With 0 days nothing is left.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn acquaintances(&self, days: u16, now: Timestamp) -> Result<Acquaintances, RecordsError> {
        self.forget_acquaintances(days, now).await?;
        let failed = |source| self.database_error(source);
        let since: Option<i64> = sqlx::query_scalar("SELECT min(day) FROM acquaintances_since")
            .fetch_one(&self.pool)
            .await
            .map_err(failed)?;
        let rows: Vec<(i64, i64)> =
            sqlx::query_as("SELECT pair, last_day FROM acquaintances ORDER BY last_day DESC LIMIT ?")
                .bind(MOST)
                .fetch_all(&self.pool)
                .await
                .map_err(failed)?;
        let mut key = keyed(&self.key[..]);
        key.update(b"mailwarden acquaintances");
        Ok(Acquaintances {
            key: keyed(&key.finalize().into_bytes()),
            since: since.unwrap_or_else(|| day(now)),
            last_days: RwLock::new(rows.into_iter().collect()),
        })
    }

    /// Writes pairs down.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn note_acquaintances(&self, noted: &[Noted]) -> Result<(), RecordsError> {
        let mut transaction = self.begin().await?;
        for Noted { pair, day } in noted {
            sqlx::query(
                "INSERT INTO acquaintances (pair, last_day) VALUES (?, ?)
                 ON CONFLICT (pair) DO UPDATE SET last_day = max(last_day, excluded.last_day)",
            )
            .bind(pair)
            .bind(day)
            .execute(&mut *transaction)
            .await
            .map_err(|source| self.database_error(source))?;
        }
        self.commit(transaction).await
    }

    /// Deletes the pairs without mail in the last so many days.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn forget_acquaintances(&self, days: u16, now: Timestamp) -> Result<(), RecordsError> {
        let first = day(now).saturating_sub(i64::from(days));
        let mut transaction = self.begin().await?;
        sqlx::query("DELETE FROM acquaintances WHERE last_day <= ?")
            .bind(first)
            .execute(&mut *transaction)
            .await
            .map_err(|source| self.database_error(source))?;
        self.commit(transaction).await
    }
}

pub(super) fn keyed(key: &[u8]) -> Hmac<Sha256> {
    // HMAC takes keys of every length (RFC 2104 §2): the other arm is never reached.
    Hmac::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&Default::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    fn on(day: i64) -> Timestamp {
        Timestamp::from_second(day * DAY + 3_600).unwrap()
    }

    fn address(text: &str) -> Address {
        Address::parse(text.as_bytes()).unwrap()
    }

    #[tokio::test]
    async fn pairs_outlast_a_restart_and_are_forgotten_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let (jo, ann, bo) =
            (address("<Jo@oakfield.example>"), address("<ann@home.example>"), address("bo@home.example"));
        let store = Store::open(folder.path()).await.unwrap();
        let known = store.acquaintances(400, on(20_000)).await.unwrap();
        assert!(!known.know(&jo, &ann));
        let noted = known.note(&jo, [&ann].into_iter(), on(20_000));
        assert_eq!(noted.len(), 1);
        assert!(known.know(&address("jo@OAKFIELD.example"), &ann), "known at once, whatever the case");
        assert!(!known.know(&jo, &bo) && !known.know(&ann, &jo), "the pair, in that order");
        assert!(known.note(&jo, [&ann].into_iter(), on(20_030)).is_empty(), "fresh: nothing to write");
        assert_eq!(known.note(&jo, [&ann, &bo].into_iter(), on(20_031)).len(), 2);
        store.note_acquaintances(&noted).await.unwrap();
        store.close().await;

        let store = Store::open(folder.path()).await.unwrap();
        assert!(store.acquaintances(400, on(20_399)).await.unwrap().know(&jo, &ann));
        assert!(!store.acquaintances(400, on(20_400)).await.unwrap().know(&jo, &ann), "400 days are over");
        assert!(!store.acquaintances(400, on(20_399)).await.unwrap().know(&jo, &ann), "deleted, not hidden");
    }

    #[tokio::test]
    async fn no_address_is_kept_and_another_stores_numbers_say_nothing() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (jo, ann) = (address("jo@oakfield.example"), address("ann@home.example"));
        let mut numbers = Vec::new();
        for folder in [&one, &other] {
            let store = Store::open(folder.path()).await.unwrap();
            let known = store.acquaintances(400, on(20_000)).await.unwrap();
            let noted = known.note(&jo, [&ann].into_iter(), on(20_000));
            store.note_acquaintances(&noted).await.unwrap();
            numbers.push(noted[0].pair);
            store.close().await;
            for file in
                std::fs::read_dir(folder.path()).unwrap().flatten().filter(|file| file.path().is_file())
            {
                let bytes = std::fs::read(file.path()).unwrap();
                let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
                assert!(!holds(b"home.example") && !holds(b"oakfield.example"), "{}", file.path().display());
            }
        }
        assert_ne!(numbers[0], numbers[1]);
    }
}
