//! Reviewers: what they are to see goes on record before Postfix hears, and they are told of it soon after. Reads no content.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tracing::{error, info};

use super::gate::{Failure, Judgement};
use super::looks::Looks;
use super::state::Filter;
use crate::message::{Mailbox, Message};
use crate::milter::Spooled;
use crate::policy::{Notice, Noticed, Notified, Policy, Rule};
use crate::records::{
    DueNotice, DueNotices, Fate, NewLetter, NewNotice, NoticeRecipient, NoticeRule, RecordsError, Reference,
    ToTell, content_digest,
};
use crate::respond::{self, Delivery, NoticeContext, NoticeEntry, Occasion};
use crate::verdict::{Mode, Urgency};

/// How often it is looked whether a digest or a summary is due.
const LOOK_EVERY: Duration = Duration::from_secs(20);
/// How long what is beyond a reviewer's letters of an hour is gathered for one letter.
const GATHER: SignedDuration = SignedDuration::from_mins(15);
/// Messages above this many bytes are hashed beside the connections' thread.
const LARGE: usize = 256 << 10;

/// Under which names a message was kept.
#[derive(Debug, Default)]
pub struct KeptAs {
    /// Where it is held for some.
    pub held: Option<Reference>,
    /// Where it is returned for some.
    pub returned: Option<Reference>,
}

/// Puts on record what reviewers are to see of a message.
pub async fn record(filter: &Filter, judgement: &Judgement, kept: &KeptAs) -> Result<(), Failure> {
    let Judgement { envelope, policy, verdict, at, .. } = judgement;
    let (authors, message_id) = authors_and_id(filter, judgement);
    let people = filter.roll.people();
    let now = at.to_zoned(policy.organisation().time_zone.clone());
    let noticed = Noticed { envelope, authors: &authors, verdict, people: &people, now: &now };
    let notices = policy.notices(&noticed);
    if notices.is_empty() {
        return Ok(());
    }
    let content = digest_of(&judgement.message).await?;
    let mut new = Vec::with_capacity(notices.len());
    for notice in &notices {
        // The first one bears the message's own name, which the log and whatever is kept have too.
        let reference = if new.is_empty() { judgement.reference.clone() } else { Reference::random()? };
        new.push(NewNotice {
            reference,
            content,
            envelope,
            message_id: message_id.as_deref(),
            school: notice.school.map(|school| school.id.as_str()),
            rules: rules(notice),
            recipients: recipients(judgement, notice, kept),
            to_tell: to_tell(notice),
            left_out: notice.left_out.iter().map(|address| address.folded().to_owned()).collect(),
            found_at: *at,
        });
    }
    let recorded = filter.store.record_notices(&new).await?;
    if recorded > 0 {
        new.iter().for_each(|notice| log(judgement, notice));
        filter.notices.notify_one();
    }
    Ok(())
}

/// Whom the header names as the message's authors, and its Message-ID.
fn authors_and_id(filter: &Filter, judgement: &Judgement) -> (Vec<Mailbox>, Option<String>) {
    let bytes = judgement.message.bytes();
    let header = bytes.get(..judgement.message.body_start()).unwrap_or(bytes);
    let parsed = Message::parse(header, &filter.config.limits);
    let authors = ["From", "Sender"].iter().flat_map(|field| parsed.mailboxes(field)).collect();
    (authors, respond::message_id(&parsed))
}

async fn digest_of(message: &Spooled) -> Result<[u8; 32], RecordsError> {
    if message.bytes().len() <= LARGE {
        return Ok(content_digest(message.bytes()));
    }
    let message = message.clone();
    let digest = tokio::task::spawn_blocking(move || content_digest(message.bytes()));
    digest.await.map_err(|_| RecordsError::Stopped)
}

fn rules(notice: &Notice<'_>) -> Vec<NoticeRule> {
    let rule = |(rule, mode): &(&Rule, Mode)| NoticeRule {
        rule: rule.id.clone(),
        category: rule.category.clone(),
        severity: rule.severity,
        mode: *mode,
        action: rule.then.action,
    };
    notice.rules.iter().map(rule).collect()
}

fn recipients(judgement: &Judgement, notice: &Notice<'_>, kept: &KeptAs) -> Vec<NoticeRecipient> {
    let response = &judgement.response;
    let became = |index: &usize| {
        if response.held.contains(index) {
            (Fate::Held, kept.held.as_ref())
        } else if response.returned.contains(index) {
            (Fate::Returned, kept.returned.as_ref())
        } else if matches!(response.delivery, Delivery::Reject(_)) {
            (Fate::Refused, None)
        } else {
            (Fate::Delivered, None)
        }
    };
    let all = notice.recipients.iter().filter_map(|(index, direction)| {
        let address = judgement.envelope.recipients.get(*index)?.folded().to_owned();
        let (fate, kept) = became(index);
        let kept = kept.map(ToString::to_string);
        Some(NoticeRecipient { address, direction: direction.name().to_owned(), fate, kept })
    });
    all.collect()
}

fn to_tell(notice: &Notice<'_>) -> Vec<ToTell> {
    let one = |told: &Notified<'_>| ToTell {
        reviewer: told.reviewer.name.clone(),
        addresses: told.addresses.iter().map(|address| (*address).clone()).collect(),
        urgency: told.urgency,
        due_at: told.due_at,
    };
    notice.told.iter().map(one).collect()
}

/// One line a notice: how many are told, nothing of what it is about that the message's own line does not say.
fn log(judgement: &Judgement, notice: &NewNotice<'_>) {
    let queue_id = judgement.envelope.queue_id.as_ref().map(|id| id.0.as_str()).unwrap_or_default();
    let at_once = notice.to_tell.iter().filter(|one| one.urgency == Urgency::AtOnce).count();
    let (reference, reviewers) = (&notice.reference, notice.to_tell.len());
    match reviewers {
        0 => error!(
            queue_id, %reference,
            "nobody is left who may be told of this: look it up with `mailwarden notices show {reference} --by … --why …`, and name more reviewers"
        ),
        _ => info!(queue_id, %reference, reviewers, at_once, "noted for reviewers"),
    }
}

impl Filter {
    /// Tells reviewers what is due: at once, in digests at their times, and together where it is much. Until the filter stops.
    pub async fn tell_reviewers(self: Arc<Self>, stopped: watch::Receiver<bool>) {
        let mut looks = Looks::new(LOOK_EVERY, &self.notices, stopped);
        while looks.next().await {
            if let Err(failure) = self.tell_due(Timestamp::now()).await {
                error!(%failure, "cannot write notices to reviewers now");
            }
        }
    }

    async fn tell_due(&self, now: Timestamp) -> Result<(), Failure> {
        let policy = self.policy();
        let most = policy.organisation().notices.letters_an_hour;
        for due in self.store.due_notices(now).await? {
            for (notices, occasion) in letters(&due, most, now) {
                self.tell(&policy, &due, notices, occasion, now).await?;
            }
        }
        Ok(())
    }

    async fn tell(
        &self,
        policy: &Policy,
        due: &DueNotices,
        notices: &[DueNotice],
        occasion: Occasion,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let organisation = policy.organisation();
        let zone = &organisation.time_zone;
        let found: Vec<_> = notices.iter().map(|one| one.found_at.to_zoned(zone.clone())).collect();
        let school = |one: &DueNotice| {
            let school = one.school.as_deref().and_then(|id| organisation.school(id));
            school.map_or(organisation.name.as_str(), |school| school.name.as_str())
        };
        let entries: Vec<NoticeEntry<'_>> = notices
            .iter()
            .zip(&found)
            .map(|(one, found)| NoticeEntry { reference: one.reference.as_str(), school: school(one), found })
            .collect();
        let name = Reference::random()?;
        let content = respond::notice(&NoticeContext {
            policy,
            from: &self.config.answers_from,
            to: &due.addresses,
            contact: &self.config.contact,
            name: name.as_str(),
            entries: &entries,
            occasion,
            at: &now.to_zoned(zone.clone()),
        });
        let letter = NewLetter { reference: &name, recipients: &due.addresses, content: &content };
        if self.store.tell(notices, &letter, now).await? {
            info!(letter = %name, notices = notices.len(), urgency = due.urgency.name(), "reviewers are told");
            self.outbox.notify_one();
        }
        Ok(())
    }
}

/// The letters in which a reviewer is told: of what cannot wait one for each, as long as they are not too many for the hour; of
/// the rest, one for all, once it has waited for more to come.
fn letters(due: &DueNotices, most: u32, now: Timestamp) -> Vec<(&[DueNotice], Occasion)> {
    if due.urgency == Urgency::Digest {
        return vec![(due.notices.as_slice(), Occasion::Digest)];
    }
    let room = usize::try_from(most.saturating_sub(due.letters_of_hour)).unwrap_or(usize::MAX);
    let (single, rest) = due.notices.split_at(room.min(due.notices.len()));
    let mut letters: Vec<_> = single.chunks(1).map(|one| (one, Occasion::AtOnce)).collect();
    let waited = rest.first().is_some_and(|oldest| now.duration_since(oldest.found_at) >= GATHER);
    letters.extend(waited.then_some((rest, Occasion::Flood)));
    letters
}
