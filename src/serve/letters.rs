//! The letters that the filter writes of its own accord: what came of a confirmation, requests, summaries. Sends nothing itself.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tracing::{error, info};

use super::gate::Failure;
use super::looks::Looks;
use super::state::Filter;
use crate::message::Address;
use crate::policy::Policy;
use crate::records::{self, HeldMessage, HeldSummary, NewConfirmation, NewLetter, Postponed, Reference};
use crate::respond::{self, Entry, Letter, LetterContext};

/// A confirmation that came in, and what is told of it.
pub struct Confirmed<'a> {
    /// The policy in force.
    pub policy: &'a Policy,
    /// The message that it is about.
    pub held: &'a HeldMessage,
    /// Who confirmed.
    pub by: &'a Address,
    /// The reason that they gave.
    pub why: &'a str,
    /// What comes of it.
    pub outcome: records::Confirmed,
    /// The Message-ID of their reply.
    pub reply: Option<&'a str>,
    /// When.
    pub now: Timestamp,
}

/// A letter, ready for the outbox.
pub struct Written {
    name: Reference,
    to: Vec<Address>,
    content: Vec<u8>,
}

impl Written {
    /// The letter as the store takes it.
    pub fn as_new(&self) -> NewLetter<'_> {
        NewLetter { reference: &self.name, recipients: &self.to, content: &self.content }
    }
}

impl Filter {
    /// Writes a letter about a confirmation.
    pub fn letter(
        &self,
        about: &Confirmed<'_>,
        to: Vec<Address>,
        letter: Letter<'_>,
        answers: Option<&str>,
    ) -> Result<Written, Failure> {
        let reference = about.held.summary.reference.as_str();
        self.write(about.policy, to, reference, letter, answers, about.now)
    }

    /// Writes to those who decide.
    pub fn request(&self, about: &Confirmed<'_>, code: &NewConfirmation) -> Result<Option<Written>, Failure> {
        let Some(address) = &self.config.confirm else { return Ok(None) };
        let zone = &about.policy.organisation().time_zone;
        let summary = &about.held.summary;
        let entry = entry_of(about.policy, code.holders.first(), summary);
        let letter = Letter::Request {
            sender: summary.sender.as_deref().unwrap_or_default(),
            why: about.why,
            entry: &entry,
            reply_to: &address.tagged(code.code()),
            address: &address.to_string(),
            code: code.code(),
            until: &code.expires.to_zoned(zone.clone()),
        };
        self.letter(about, code.holders.clone(), letter, None).map(Some)
    }

    fn write(
        &self,
        policy: &Policy,
        to: Vec<Address>,
        reference: &str,
        letter: Letter<'_>,
        answers: Option<&str>,
        now: Timestamp,
    ) -> Result<Written, Failure> {
        let name = Reference::random()?;
        let content = respond::letter(&LetterContext {
            policy,
            from: &self.config.answers_from,
            to: &to,
            contact: &self.config.contact,
            name: name.as_str(),
            reference,
            answers,
            letter,
            at: &now.to_zoned(policy.organisation().time_zone.clone()),
        });
        Ok(Written { name, to, content })
    }

    /// Sends what was put off as one summary a sender, until the filter stops.
    pub async fn summarise(self: Arc<Self>, stopped: watch::Receiver<bool>) {
        let mut looks = Looks::new(LOOK_EVERY, &self.summaries, stopped);
        while looks.next().await {
            if let Err(failure) = self.summarise_due(Timestamp::now()).await {
                error!(%failure, "cannot write a summary of answers now");
            }
        }
    }

    async fn summarise_due(&self, now: Timestamp) -> Result<(), Failure> {
        for postponed in self.store.postponed(self.config.share.within, now).await? {
            let Postponed { recipient, messages, .. } = &postponed;
            let policy = self.policy();
            let untold = messages.iter().map(|message| respond::Untold {
                entry: entry_of(&policy, Some(recipient), &message.summary),
                code: message.code.clone(),
            });
            let entries: Vec<respond::Untold> = untold.collect();
            let address = self.config.confirm.as_ref().map(ToString::to_string);
            let letter = Letter::Summary { entries: &entries, address: address.as_deref() };
            let written = self.write(&policy, vec![recipient.clone()], "", letter, None, now)?;
            self.store.summarised(&postponed, &written.as_new(), now).await?;
            info!(letter = %written.name, answers = entries.len(), "a summary in place of answers");
            self.outbox.notify_one();
        }
        Ok(())
    }
}

/// A message on the record, as a line of a letter.
fn entry_of(policy: &Policy, reader: Option<&Address>, summary: &HeldSummary) -> String {
    let entry = Entry {
        reference: summary.reference.as_str(),
        received: &summary.received_at.to_zoned(policy.organisation().time_zone.clone()),
        recipients: &summary.recipients,
        recipient_count: summary.recipient_count,
        rules: &summary.rules,
    };
    respond::entry(policy, reader, &entry)
}

/// How often it is looked whether a summary is due.
const LOOK_EVERY: Duration = Duration::from_secs(60);
