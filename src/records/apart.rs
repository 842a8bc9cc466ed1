//! Passwords and locks of documents that went outside within a day, sealed. Never keeps an address, a document or a word in clear.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _};
use hmac::{Hmac, Mac as _};
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;

use super::{RecordsError, Store, stored, told};
use crate::message::Address;

/// How long what was sent is remembered.
const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// Most items that are remembered of one sender to one recipient, the latest of each kind.
const MOST_OF_A_PAIR: usize = 8;
/// Most items in all, the latest: a few hundred bytes each.
const MOST: usize = 50_000;
/// Items are filled up to a multiple of so many bytes, so that a sealed password does not tell its length.
const FILLED: usize = 80;
/// Bytes of a nonce (NIST SP 800-38D §8.2.2: random ones of 96 bits).
const NONCE: usize = 12;

/// What kind of thing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeepsakeKind {
    /// What a password can be tried on, of a document.
    Document,
    /// A word that may be a password.
    Password,
}

impl KeepsakeKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Password => "password",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Document, Self::Password].into_iter().find(|kind| kind.name() == name)
    }
}

/// Something to be remembered for a day.
#[derive(Clone, PartialEq, Eq)]
pub struct Keepsake {
    /// What it is.
    pub kind: KeepsakeKind,
    /// Its bytes, as whoever remembers it writes them; they don't end in NUL.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Keepsake {
    /// Without the bytes.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keepsake").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// What was sent within a day, sealed.
pub struct SentApart {
    key: Hmac<Sha256>,
    known: RwLock<HashMap<i64, Vec<Sealed>>>,
}

/// A keepsake under its seal.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sealed {
    item: i64,
    kind: KeepsakeKind,
    bytes: Vec<u8>,
    at: Timestamp,
}

/// A keepsake to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotedApart {
    pair: i64,
    sealed: Sealed,
}

impl std::fmt::Debug for SentApart {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SentApart").finish_non_exhaustive()
    }
}

impl SentApart {
    /// Whether nothing is remembered at all, as on most days.
    pub fn is_empty(&self) -> bool {
        self.known.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Whether a document went from the one to the other within a day.
    pub fn has_document(&self, sender: &Address, recipient: &Address, now: Timestamp) -> bool {
        let pair = self.pair(sender, recipient);
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let of_pair = known.get(&pair).map(Vec::as_slice).unwrap_or_default();
        of_pair.iter().any(|sealed| sealed.kind == KeepsakeKind::Document && is_fresh(sealed.at, now))
    }

    /// What went from the one to the other within a day.
    pub fn between(&self, sender: &Address, recipient: &Address, now: Timestamp) -> Vec<Keepsake> {
        let of_pair = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            known.get(&self.pair(sender, recipient)).cloned().unwrap_or_default()
        };
        let fresh = of_pair.iter().filter(|sealed| is_fresh(sealed.at, now));
        fresh.filter_map(|sealed| self.opened(sealed, sender, recipient)).collect()
    }

    /// Remembers what went to these; returns what [`Store::note_apart`] has to write down.
    pub fn note<'a>(
        &self,
        sender: &Address,
        recipients: impl Iterator<Item = &'a Address>,
        keepsakes: &[Keepsake],
        now: Timestamp,
    ) -> Vec<NotedApart> {
        let mut noted = Vec::new();
        for recipient in recipients {
            let pair = self.pair(sender, recipient);
            let sealed =
                keepsakes.iter().filter_map(|keepsake| self.sealed(keepsake, sender, recipient, now));
            noted.extend(sealed.map(|sealed| NotedApart { pair, sealed }));
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for NotedApart { pair, sealed } in &noted {
            add(known.entry(*pair).or_default(), sealed.clone());
        }
        noted
    }

    /// Forgets what is older than a day, and the oldest of what is too much.
    pub fn forget(&self, now: Timestamp) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let mut moments: Vec<Timestamp> = known.values().flatten().map(|sealed| sealed.at).collect();
        moments.sort_unstable_by(|a, b| b.cmp(a));
        let oldest = moments.get(MOST).copied();
        known.retain(|_, of_pair| {
            of_pair
                .retain(|sealed| is_fresh(sealed.at, now) && oldest.is_none_or(|oldest| sealed.at > oldest));
            !of_pair.is_empty()
        });
    }

    fn pair(&self, sender: &Address, recipient: &Address) -> i64 {
        number(self.digest(b"pair", sender, recipient, b""))
    }

    fn sealed(
        &self,
        keepsake: &Keepsake,
        sender: &Address,
        recipient: &Address,
        at: Timestamp,
    ) -> Option<Sealed> {
        let Keepsake { kind, bytes } = keepsake;
        let item = number(self.digest(kind.name().as_bytes(), sender, recipient, bytes));
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).ok()?;
        let mut filled = bytes.clone();
        filled.resize(bytes.len().next_multiple_of(FILLED), 0);
        let payload = Payload { msg: &filled, aad: kind.name().as_bytes() };
        let sealed = self.cipher(sender, recipient)?.encrypt(&nonce.into(), payload).ok()?;
        Some(Sealed { item, kind: *kind, bytes: [nonce.as_slice(), &sealed].concat(), at })
    }

    /// The keepsake, where nobody changed it and it went between these two.
    fn opened(&self, sealed: &Sealed, sender: &Address, recipient: &Address) -> Option<Keepsake> {
        let (nonce, bytes) = sealed.bytes.split_first_chunk::<NONCE>()?;
        let payload = Payload { msg: bytes, aad: sealed.kind.name().as_bytes() };
        let mut bytes = self.cipher(sender, recipient)?.decrypt(&(*nonce).into(), payload).ok()?;
        bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
        Some(Keepsake { kind: sealed.kind, bytes })
    }

    fn cipher(&self, sender: &Address, recipient: &Address) -> Option<Aes256Gcm> {
        Aes256Gcm::new_from_slice(&self.digest(b"seal", sender, recipient, b"")).ok()
    }

    fn digest(&self, what: &[u8], sender: &Address, recipient: &Address, bytes: &[u8]) -> [u8; 32] {
        let mut mac = self.key.clone();
        for piece in [what, sender.folded().as_bytes(), recipient.folded().as_bytes(), bytes] {
            mac.update(&(piece.len() as u64).to_be_bytes());
            mac.update(piece);
        }
        mac.finalize().into_bytes().into()
    }
}

impl Store {
    /// What was sent within a day; what is older is deleted.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn sent_apart(&self, now: Timestamp) -> Result<SentApart, RecordsError> {
        self.forget_apart(now).await?;
        let rows: Vec<(i64, i64, String, Vec<u8>, i64)> = sqlx::query_as(
            "SELECT pair, item, what, sealed, sent_at FROM sent_apart ORDER BY sent_at DESC LIMIT ?",
        )
        .bind(i64::try_from(MOST).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await
        .map_err(|source| self.database_error(source))?;
        let mut known: HashMap<i64, Vec<Sealed>> = HashMap::new();
        for (pair, item, what, bytes, at) in rows.into_iter().rev() {
            let Some(kind) = KeepsakeKind::from_name(&what) else { continue };
            add(known.entry(pair).or_default(), Sealed { item, kind, bytes, at: told(at) });
        }
        let mut key = super::acquaintances::keyed(&self.key[..]);
        key.update(b"mailwarden sent apart");
        let key = super::acquaintances::keyed(&key.finalize().into_bytes());
        Ok(SentApart { key, known: RwLock::new(known) })
    }

    /// Writes down what was sent.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn note_apart(&self, noted: &[NotedApart]) -> Result<(), RecordsError> {
        let mut transaction = self.begin().await?;
        for NotedApart { pair, sealed } in noted {
            sqlx::query(
                "INSERT INTO sent_apart (pair, item, what, sealed, sent_at) VALUES (?, ?, ?, ?, ?)
                 ON CONFLICT (pair, item) DO UPDATE SET sent_at = max(sent_at, excluded.sent_at)",
            )
            .bind(pair)
            .bind(sealed.item)
            .bind(sealed.kind.name())
            .bind(&sealed.bytes)
            .bind(stored(sealed.at))
            .execute(&mut *transaction)
            .await
            .map_err(|source| self.database_error(source))?;
        }
        self.commit(transaction).await
    }

    /// Deletes what was sent more than a day ago.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn forget_apart(&self, now: Timestamp) -> Result<(), RecordsError> {
        let mut transaction = self.begin().await?;
        sqlx::query("DELETE FROM sent_apart WHERE sent_at <= ?")
            .bind(stored(now.saturating_sub(KEPT).unwrap_or(Timestamp::MIN)))
            .execute(&mut *transaction)
            .await
            .map_err(|source| self.database_error(source))?;
        self.commit(transaction).await
    }
}

/// Adds a keepsake to those of a pair, in place of itself or of the oldest of its kind.
fn add(of_pair: &mut Vec<Sealed>, sealed: Sealed) {
    of_pair.retain(|known| known.item != sealed.item);
    let alike = of_pair.iter().filter(|known| known.kind == sealed.kind).count();
    if alike >= MOST_OF_A_PAIR
        && let Some(oldest) = of_pair.iter().position(|known| known.kind == sealed.kind)
    {
        of_pair.remove(oldest);
    }
    of_pair.push(sealed);
}

fn is_fresh(at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at) < KEPT
}

fn number(digest: [u8; 32]) -> i64 {
    let first: [u8; 8] = std::array::from_fn(|at| digest.get(at).copied().unwrap_or_default());
    i64::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + hours * 3_600).unwrap()
    }

    fn address(text: &str) -> Address {
        Address::parse(text.as_bytes()).unwrap()
    }

    fn word(text: &str) -> Keepsake {
        Keepsake { kind: KeepsakeKind::Password, bytes: text.as_bytes().to_vec() }
    }

    fn document(bytes: &[u8]) -> Keepsake {
        Keepsake { kind: KeepsakeKind::Document, bytes: bytes.to_vec() }
    }

    #[tokio::test]
    async fn what_was_sent_outlasts_a_restart_and_not_the_day() {
        let folder = tempfile::tempdir().unwrap();
        let (jo, ann, bo) =
            (address("<Jo@oakfield.example>"), address("<ann@home.example>"), address("bo@home.example"));
        let store = Store::open(folder.path()).await.unwrap();
        let known = store.sent_apart(at(0)).await.unwrap();
        assert!(known.is_empty());
        let sent = [document(b"a lock"), word("Heron-27")];
        let noted = known.note(&jo, [&ann].into_iter(), &sent, at(0));
        assert_eq!(known.between(&address("jo@OAKFIELD.example"), &ann, at(23)), sent);
        assert!(known.has_document(&jo, &ann, at(23)) && !known.has_document(&jo, &ann, at(24)));
        for (from, to) in [(&jo, &bo), (&bo, &ann), (&ann, &jo)] {
            assert!(known.between(from, to, at(1)).is_empty() && !known.has_document(from, to, at(1)));
        }
        store.note_apart(&noted).await.unwrap();
        // The same again counts from then on.
        let again = known.note(&jo, [&ann].into_iter(), &sent[..1], at(10));
        store.note_apart(&again).await.unwrap();
        assert_eq!(known.between(&jo, &ann, at(1)).len(), 2);
        known.forget(at(24));
        assert_eq!(known.between(&jo, &ann, at(1)), [document(b"a lock")]);
        store.close().await;

        let store = Store::open(folder.path()).await.unwrap();
        assert_eq!(store.sent_apart(at(25)).await.unwrap().between(&jo, &ann, at(25)), [document(b"a lock")]);
        assert!(store.sent_apart(at(34)).await.unwrap().is_empty());
        assert!(store.sent_apart(at(11)).await.unwrap().is_empty(), "deleted, not hidden");
    }

    #[tokio::test]
    async fn nothing_stands_in_the_store_in_clear_and_passwords_look_alike() {
        let folder = tempfile::tempdir().unwrap();
        let (jo, ann) = (address("jo@oakfield.example"), address("ann@home.example"));
        let store = Store::open(folder.path()).await.unwrap();
        let known = store.sent_apart(at(0)).await.unwrap();
        let words = [word("Heron-27"), word("correct horse battery staple"), document(b"Penhallow")];
        let noted = known.note(&jo, [&ann].into_iter(), &words, at(0));
        let lengths: Vec<usize> = noted.iter().map(|noted| noted.sealed.bytes.len()).collect();
        assert_eq!(lengths[0], lengths[1]);
        store.note_apart(&noted).await.unwrap();
        store.close().await;
        for file in std::fs::read_dir(folder.path()).unwrap().flatten().filter(|file| file.path().is_file()) {
            let bytes = std::fs::read(file.path()).unwrap();
            for text in ["Heron-27", "horse", "Penhallow", "home.example", "oakfield.example"] {
                let holds = bytes.windows(text.len()).any(|window| window == text.as_bytes());
                assert!(!holds, "{text} in {}", file.path().display());
            }
        }
    }

    #[tokio::test]
    async fn the_latest_of_many_are_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let (jo, ann) = (address("jo@oakfield.example"), address("ann@home.example"));
        let store = Store::open(folder.path()).await.unwrap();
        let known = store.sent_apart(at(0)).await.unwrap();
        let words: Vec<Keepsake> = (0..20).map(|number| word(&format!("Heron-{number}"))).collect();
        known.note(&jo, [&ann].into_iter(), &words, at(0));
        assert_eq!(known.between(&jo, &ann, at(0)), words[20 - MOST_OF_A_PAIR..]);
    }
}
