//! What the running filter remembers for a day of passwords and encrypted documents that went outside. Never delays a message.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tracing::error;

use crate::extract::Extraction;
use crate::extract::document::Lock;
use crate::message::{Address, Envelope};
use crate::policy::{Organisation, Policy, SentBefore};
use crate::records::{Keepsake, KeepsakeKind, NotedApart, SentApart, Store};
use crate::respond::{Delivery, Response};

/// How many messages' keepsakes may wait to be written. What finds no room is known until the next start, and no longer.
const WAITING: usize = 1_024;
/// How often what is too old is deleted.
const TIDY: Duration = Duration::from_secs(60 * 60);
/// To how many recipients of a message what it carries is remembered.
const MOST_RECIPIENTS: usize = 500;

/// What went apart.
pub struct RememberedApart {
    known: Arc<SentApart>,
    notes: mpsc::Sender<Vec<NotedApart>>,
}

/// What [`write_down`] has to write.
pub struct Notes {
    known: Arc<SentApart>,
    written: mpsc::Receiver<Vec<NotedApart>>,
}

impl RememberedApart {
    /// With what was written down before; the notes are for [`write_down`].
    pub fn new(known: SentApart) -> (Self, Notes) {
        let (notes, written) = mpsc::channel(WAITING);
        let known = Arc::new(known);
        (Self { known: Arc::clone(&known), notes }, Notes { known, written })
    }

    /// Whether an encrypted document went to one of the recipients within a day, so that a word of the message may open it.
    pub fn has_document(&self, policy: &Policy, envelope: &Envelope) -> bool {
        if !policy.asks_apart() || self.known.is_empty() {
            return false;
        }
        let now = Timestamp::now();
        let organisation = policy.organisation();
        let to = |sender, recipient| self.known.has_document(sender, recipient, now);
        organisation.sender_is_ours(envelope)
            && envelope.sender.as_ref().is_some_and(|sender| {
                outside(organisation, &envelope.recipients).any(|recipient| to(sender, recipient))
            })
    }

    /// What went from the one to the other within a day.
    pub fn between(&self, sender: &Address, recipient: &Address, now: Timestamp) -> SentBefore {
        let mut before = SentBefore::default();
        if self.known.is_empty() {
            return before;
        }
        for Keepsake { kind, bytes } in self.known.between(sender, recipient, now) {
            match kind {
                KeepsakeKind::Document => before.locks.extend(read(&bytes)),
                KeepsakeKind::Password => before.words.extend(String::from_utf8(bytes)),
            }
        }
        before
    }

    /// Remembers what one of ours sends to those outside who have it or will have it once it is released. What comes back to
    /// its sender went to nobody.
    pub fn note(
        &self,
        policy: &Policy,
        envelope: &Envelope,
        kept: &[Keepsake],
        response: &Response,
        now: Timestamp,
    ) {
        let Some(sender) = envelope.sender.as_ref().filter(|_| !kept.is_empty()) else { return };
        if matches!(response.delivery, Delivery::Reject(_)) {
            return;
        }
        let gone = envelope.recipients.iter().enumerate();
        let gone =
            gone.filter(|(index, _)| !response.returned.contains(index)).map(|(_, recipient)| recipient);
        let gone = outside(policy.organisation(), gone).take(MOST_RECIPIENTS);
        let noted = self.known.note(sender, gone, kept, now);
        if !noted.is_empty() {
            let _ = self.notes.try_send(noted);
        }
    }
}

/// What of a message from one of ours is to be remembered, where a rule asks.
pub fn keepsakes(policy: &Policy, envelope: &Envelope, extraction: &Extraction) -> Vec<Keepsake> {
    let organisation = policy.organisation();
    let asked = policy.asks_apart() && organisation.sender_is_ours(envelope);
    if !asked || outside(organisation, &envelope.recipients).next().is_none() {
        return Vec::new();
    }
    let locks = extraction.locks.iter().filter_map(|(_, lock)| written(lock));
    let documents = locks.map(|bytes| Keepsake { kind: KeepsakeKind::Document, bytes });
    let words = extraction.words_called_passwords().into_iter();
    let words = words.map(|word| Keepsake { kind: KeepsakeKind::Password, bytes: word.into_bytes() });
    documents.chain(words).collect()
}

/// A lock as bytes; the last is not NUL.
fn written(lock: &Lock) -> Option<Vec<u8>> {
    postcard::to_extend(lock, Vec::new()).ok().map(|bytes| [bytes, vec![1]].concat())
}

fn read(bytes: &[u8]) -> Option<Lock> {
    postcard::from_bytes(bytes.strip_suffix(&[1])?).ok()
}

fn outside<'a>(
    organisation: &'a Organisation,
    recipients: impl IntoIterator<Item = &'a Address> + 'a,
) -> impl Iterator<Item = &'a Address> + 'a {
    recipients.into_iter().filter(|recipient| !organisation.is_ours(recipient))
}

/// Writes down what is noted, until `finished` and all of it is written; and deletes what is too old.
pub async fn write_down(store: Store, notes: Notes, mut finished: oneshot::Receiver<()>) {
    let Notes { known, mut written } = notes;
    let mut tidy = tokio::time::interval(TIDY);
    loop {
        let mut batch = Vec::new();
        let over = tokio::select! {
            _ = written.recv_many(&mut batch, WAITING) => false,
            _ = &mut finished => true,
            _ = tidy.tick() => {
                let now = Timestamp::now();
                known.forget(now);
                if let Err(failed) = store.forget_apart(now).await {
                    error!("what was sent apart was not tidied: {failed}");
                }
                continue;
            }
        };
        while let Ok(more) = written.try_recv() {
            batch.push(more);
        }
        let batch = batch.concat();
        if !batch.is_empty()
            && let Err(failed) = store.note_apart(&batch).await
        {
            error!("what was sent apart was not written down, {} items: {failed}", batch.len());
        }
        if over {
            return;
        }
    }
}
