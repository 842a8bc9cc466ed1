//! The notice that mail is monitored: to whoever joins, and again after a set time, a few a minute. Reads no mail.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp, Zoned};
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tracing::{error, info};

use super::gate::Failure;
use super::looks::Looks;
use super::state::Filter;
use crate::message::Address;
use crate::policy::{LastTold, MonitoringNotice, Occasion, Policy};
use crate::records::{MonitoringTelling, NewMonitoringTelling, RecipientState, RecordsError, Reference};
use crate::respond::{self, Cause, Guided};

/// How often it is looked who is to be told, beside each reload.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// In what time so many are told as the policy says.
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

impl Filter {
    /// Tells those on the roll who are to be told, until the filter stops.
    pub async fn tell_of_monitoring(self: Arc<Self>, stopped: watch::Receiver<bool>) {
        let mut looks = Looks::new(LOOK_EVERY, &self.monitoring, stopped);
        while looks.next().await {
            if let Err(failure) = self.tell_those_due(Timestamp::now()).await {
                error!(%failure, "cannot send the monitoring notice now");
            }
        }
    }

    /// Tells as many as may be told now, in the order of their addresses.
    async fn tell_those_due(&self, now: Timestamp) -> Result<(), Failure> {
        let (policy, people) = (self.policy(), self.roll.people());
        let Some(notice) = &policy.organisation().monitoring_notice else { return Ok(()) };
        let zoned = now.to_zoned(policy.organisation().time_zone.clone());
        let told =
            self.store.told_of_monitoring_after(now.saturating_sub(MINUTE).unwrap_or(Timestamp::MIN)).await?;
        let mut left = u64::from(notice.each_minute).saturating_sub(told);
        let last = self.store.last_monitoring_tellings().await?;
        let (from, contact) = (&self.config.answers_from, &self.config.contact);
        let writer = NoticeWriter { policy: &policy, notice, from, contact };
        let (mut sent, mut waiting) = (0_u64, 0_u64);
        for (address, reader) in policy.to_be_told(notice, people.roll()).people {
            let Some(due) = notice.due(last.get(&address).map(as_last), &zoned) else { continue };
            if left == 0 || !policy.is_at_work(&reader.address, &zoned) {
                waiting += 1;
                continue;
            }
            let Some(written) = writer.write(&reader.address, &zoned)? else {
                error!(guidance = notice.guidance(), "the monitoring notice cannot be filled in");
                return Ok(());
            };
            let telling = NewMonitoringTelling {
                occasion: due.occasion.name(),
                unless_since: Some(due.since),
                ..written.telling(&reader.address)
            };
            if self.store.tell_of_monitoring(&telling, now).await? {
                info!(letter = %written.name(), occasion = due.occasion.name(), "told of the monitoring");
                left -= 1;
                sent += 1;
            }
        }
        if sent > 0 {
            self.outbox.notify_one();
            info!(sent, waiting, "monitoring notices");
        }
        Ok(())
    }
}

/// When somebody was told last, as the policy asks it.
pub fn as_last(telling: &MonitoringTelling) -> LastTold {
    LastTold { at: telling.told_at, refused: telling.state == RecipientState::Refused }
}

/// What notices are written from.
pub struct NoticeWriter<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// What it says of them.
    pub notice: &'a MonitoringNotice,
    /// Whom they come from.
    pub from: &'a str,
    /// Whom readers may ask, where the notice says nobody else.
    pub contact: &'a str,
}

/// A notice, ready for the outbox.
pub struct WrittenNotice {
    name: Reference,
    text: [u8; 32],
    content: Vec<u8>,
}

impl NoticeWriter<'_> {
    /// The notice to somebody; `None` where the text cannot be filled in.
    ///
    /// # Errors
    /// Where the operating system gives no random bytes.
    pub fn write(&self, to: &Address, at: &Zoned) -> Result<Option<WrittenNotice>, RecordsError> {
        let name = Reference::random()?;
        let letter = Guided { name: name.as_str(), ..self.letter(to, at) };
        let (text, content) = (self.text(to, at), respond::guided(&letter));
        Ok(text.zip(content).map(|(text, content)| WrittenNotice { name, text, content }))
    }

    /// SHA-256 of the text that somebody would get now, by which one that was changed since is known.
    pub fn text(&self, to: &Address, at: &Zoned) -> Option<[u8; 32]> {
        let text = respond::guided_preview(&self.letter(to, at))?.text;
        Some(Sha256::digest(text.as_bytes()).into())
    }

    /// The letter, without a name: two of one text differ in nothing else.
    fn letter<'a>(&'a self, to: &'a Address, at: &'a Zoned) -> Guided<'a> {
        Guided {
            policy: self.policy,
            guidance: self.notice.guidance(),
            from: self.from,
            to,
            contact: self.notice.contact.as_deref().unwrap_or(self.contact),
            name: "",
            reply_to: None,
            cause: Cause::OwnAccord,
            at,
        }
    }
}

impl WrittenNotice {
    /// The notice as the store takes it: asked for by nobody, told in any case, at once.
    pub fn telling<'a>(&'a self, address: &'a Address) -> NewMonitoringTelling<'a> {
        NewMonitoringTelling {
            address,
            occasion: Occasion::Asked.name(),
            asked_by: None,
            text: &self.text,
            letter: &self.name,
            content: &self.content,
            unless_since: None,
            wait: SignedDuration::ZERO,
        }
    }

    /// Its name.
    pub fn name(&self) -> &Reference {
        &self.name
    }
}
