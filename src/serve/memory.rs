//! What the running filter remembers of who wrote to whom, and writing it down beside the mail. Never delays a message.
//! What is remembered for a day of what they sent is `apart`'s.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tracing::error;

use super::apart::RememberedApart;
use crate::config::MemorySettings;
use crate::message::{Address, Envelope};
use crate::policy::{Acquaintance, Memory, Organisation, SentBefore};
use crate::records::{Acquaintances, Noted, Store};

/// How many messages' pairs may wait to be written. What finds no room is known until the next start, and no longer.
const WAITING: usize = 4_096;
/// How often what is too old is deleted.
const TIDY: Duration = Duration::from_secs(24 * 60 * 60);

/// Who wrote to whom.
pub struct Remembered {
    known: Acquaintances,
    settings: MemorySettings,
    notes: mpsc::Sender<Vec<Noted>>,
    /// Passwords and encrypted documents of the last day; none where nothing is to be remembered.
    pub apart: Option<RememberedApart>,
}

/// The same, asked at a moment.
pub struct RememberedAt<'r> {
    remembered: &'r Remembered,
    now: Timestamp,
}

impl Remembered {
    /// With what was written down before; the receiver is for [`write_down`].
    pub fn new(
        known: Acquaintances,
        apart: RememberedApart,
        settings: MemorySettings,
    ) -> (Self, mpsc::Receiver<Vec<Noted>>) {
        let (notes, written) = mpsc::channel(WAITING);
        let apart = Some(apart).filter(|_| settings.days > 0);
        (Self { known, settings, notes, apart }, written)
    }

    /// As it is at that moment.
    pub fn at(&self, now: Timestamp) -> RememberedAt<'_> {
        RememberedAt { remembered: self, now }
    }

    /// Remembers that one of ours wrote to those of the recipients who are outside. Of what strangers send nothing is kept.
    pub fn note<'a>(
        &self,
        organisation: &Organisation,
        envelope: &Envelope,
        delivered: impl Iterator<Item = &'a Address>,
        now: Timestamp,
    ) {
        let Some(sender) = envelope.sender.as_ref().filter(|_| organisation.sender_is_ours(envelope)) else {
            return;
        };
        if self.settings.days == 0 {
            return;
        }
        let outside = delivered.filter(|recipient| !organisation.is_ours(recipient));
        let noted = self.known.note(sender, outside, now);
        if !noted.is_empty() {
            let _ = self.notes.try_send(noted);
        }
    }
}

impl Memory for RememberedAt<'_> {
    fn acquaintance(&self, sender: &Address, recipient: &Address) -> Acquaintance {
        let Remembered { known, settings, .. } = self.remembered;
        if settings.days == 0 {
            return Acquaintance::Untold;
        }
        match known.know(sender, recipient) {
            true => Acquaintance::Known,
            false if known.age_days(self.now) < i64::from(settings.settle_days) => Acquaintance::Untold,
            false => Acquaintance::New,
        }
    }

    fn sent_before(&self, sender: &Address, recipient: &Address) -> SentBefore {
        let apart = self.remembered.apart.as_ref();
        apart.map(|apart| apart.between(sender, recipient, self.now)).unwrap_or_default()
    }
}

/// Writes down what is noted, until `finished` and all of it is written; and deletes what is too old.
pub async fn write_down(
    store: Store,
    days: u16,
    mut notes: mpsc::Receiver<Vec<Noted>>,
    mut finished: oneshot::Receiver<()>,
) {
    let mut tidy = tokio::time::interval(TIDY);
    loop {
        let mut batch = Vec::new();
        let over = tokio::select! {
            _ = notes.recv_many(&mut batch, WAITING) => false,
            _ = &mut finished => true,
            _ = tidy.tick() => {
                if let Err(failed) = store.forget_acquaintances(days, Timestamp::now()).await {
                    error!("who wrote to whom was not tidied: {failed}");
                }
                continue;
            }
        };
        while let Ok(more) = notes.try_recv() {
            batch.push(more);
        }
        let batch = batch.concat();
        if !batch.is_empty()
            && let Err(failed) = store.note_acquaintances(&batch).await
        {
            error!("who wrote to whom was not written down, for {} pairs: {failed}", batch.len());
        }
        if over {
            return;
        }
    }
}
