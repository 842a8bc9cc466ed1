//! Messages that staff send to learn what would happen to them: judged, answered, never delivered and never kept.

use std::sync::Arc;

use jiff::Timestamp;
use tracing::info;

use super::gate::{Failure, Judgement, Purpose};
use super::state::Filter;
use crate::extract::Extraction;
use crate::extract::document::{Inspection, Inspector};
use crate::message::{Address, Envelope, Message};
use crate::milter::{EnhancedCode, Outcome, ReplyText, Spooled};
use crate::policy::{Direction, Policy, Proof, is_safeguarding};
use crate::records::{NewLetter, Reference};
use crate::respond::{self, AnswerContext};
use crate::verdict::{Action, Mode, Verdict, Zone};

/// Said to whoever sends to the address and others at once.
const NOT_ALONE: &str =
    "Nobody got this message: send it to the address that tries messages out alone, or not at all.";
/// Said to whoever is not one of ours, or not proven to be.
const NOT_OURS: &str = "This address is for members of the organisation who are signed in.";
/// Said to a pupil: what reads like a cry for help must not end in an address that nobody reads.
const NOT_FOR_PUPILS: &str = "Nobody got this message: this address is for staff, and no person reads it. Please send it to the person it is for. If you need help now, tell an adult whom you trust, or ring 999 or Childline on 0800 1111.";
/// Said to whoever had their share of trials.
const TOO_MANY: &str = "Nobody got this message. You have tried out as many messages as one person may in this time: please wait an hour, then send it here again.";
/// Most recipients that a first line may name.
const MOST_NAMED: usize = 100;

/// Opens no attachment.
pub struct Unopened;

impl Inspector for Unopened {
    fn inspect(&self, _name: Option<&str>, _bytes: &[u8]) -> Inspection {
        Inspection::default()
    }
}

impl Filter {
    /// Whether a message goes to the address that tries messages out, also beside others.
    pub fn is_trial(&self, envelope: &Envelope) -> bool {
        let Some(address) = &self.config.check else { return false };
        envelope.recipients.iter().any(|to| address.addressed(to).is_some())
    }

    /// Judges a message as if it went to those whom its first line names, and tells its sender.
    pub async fn trial(
        self: &Arc<Self>,
        envelope: Arc<Envelope>,
        message: Spooled,
    ) -> Result<Outcome, Failure> {
        let refused = |words: &str| Ok(Outcome::Reject(ReplyText::new(EnhancedCode::POLICY, words)));
        let policy = self.policy();
        let organisation = policy.organisation();
        let queue_id = envelope.queue_id.as_ref().map(|id| id.0.clone()).unwrap_or_default();
        let Some(named) = self.named(&envelope, &message) else {
            info!(queue_id, "an automatic message to try out: let drop");
            return Ok(Outcome::Discard);
        };
        let proven =
            organisation.sender_is_ours(&envelope) && organisation.answers.proof(&envelope) != Proof::None;
        let Some(sender) = envelope.sender.clone().filter(|_| proven) else { return refused(NOT_OURS) };
        if policy.is_from_pupil(&sender) {
            return refused(NOT_FOR_PUPILS);
        }
        if envelope.recipients.len() != 1 {
            return refused(NOT_ALONE);
        }
        let share = self.config.share;
        if !self.store.may_try(&sender, share, Timestamp::now()).await? {
            return refused(TOO_MANY);
        }
        let usual = policy.usual_envelope(Direction::Outbound, None, Vec::new());
        let recipients = if named.is_empty() { usual.recipients } else { named };
        let meant = Arc::new(Envelope { recipients, ..Envelope::clone(&envelope) });
        let judgement = self.sweep_aside(meant, message, Purpose::Trial).await?;
        let (name, content) = self.told_of_trial(&judgement)?;
        let recipients = [sender.clone()];
        let letter = NewLetter { reference: &name, recipients: &recipients, content: &content };
        self.store.tell_trial(&sender, &letter, share, judgement.at).await?;
        self.outbox.notify_one();
        info!(queue_id, letter = %name, "tried out");
        Ok(Outcome::Discard)
    }

    /// Those whom the first line names; nothing where no person wrote the message.
    fn named(&self, envelope: &Envelope, message: &Spooled) -> Option<Vec<Address>> {
        let parsed = Message::parse(message.bytes(), &self.config.limits);
        respond::is_answerable(envelope, &parsed).then(|| {
            let extraction = Extraction::read(&parsed, &self.config.limits, &Unopened);
            let body = extraction.texts.iter().find(|text| text.zone == Zone::Body);
            let mut lines = body.map(|text| text.text.as_str()).unwrap_or_default().lines();
            lines.find(|line| !line.trim().is_empty()).map(recipients_in).unwrap_or_default()
        })
    }

    fn told_of_trial(&self, judgement: &Judgement) -> Result<(Reference, Vec<u8>), Failure> {
        let Judgement { envelope, verdict, policy, found, at, .. } = judgement;
        let name = Reference::random()?;
        let everyone: Vec<usize> = (0..envelope.recipients.len()).collect();
        let content = respond::answer(&AnswerContext {
            envelope,
            message: &Message::parse(judgement.message.bytes(), &self.config.limits),
            verdict: &as_told(verdict, policy),
            policy,
            found,
            reference: name.as_str(),
            outcome: respond::Outcome::Tried,
            recipients: &everyone,
            from: &self.config.answers_from,
            contact: &self.config.contact,
            confirmation: None,
            at: &at.to_zoned(policy.organisation().time_zone.clone()),
        })?;
        Ok((name, content))
    }
}

/// The verdict without what rules on safeguarding decide: nobody learns by trying what they look for.
fn as_told(verdict: &Verdict, policy: &Policy) -> Verdict {
    let mut verdict = verdict.clone();
    verdict
        .rules
        .retain(|found| policy.rule(&found.rule).is_some_and(|rule| !is_safeguarding(&rule.category)));
    // For some of several alone, a refusal is a return.
    let refused = verdict.recipients.iter().all(|action| *action == Action::Reject);
    for (index, action) in verdict.recipients.iter_mut().enumerate() {
        let acting = verdict.rules.iter().filter(|found| found.mode == Mode::Enforce);
        let concerning = acting.filter(|found| found.recipients.contains(&index));
        *action = match concerning.map(|found| found.action).max().unwrap_or(Action::Pass) {
            Action::Reject if !refused => Action::Return,
            action => action,
        };
    }
    verdict
}

/// The addresses of a line that holds nothing else, a `To:` in front apart.
fn recipients_in(line: &str) -> Vec<Address> {
    let line = line.trim();
    let lower = line.to_lowercase();
    let rest = ["to:", "at:"]
        .iter()
        .find_map(|lead| lower.starts_with(lead).then(|| line.get(lead.len()..)).flatten());
    let words = rest.unwrap_or(line).split([',', ';', ' ', '\t']).filter(|word| !word.is_empty());
    let read = |word: &str| {
        let address = Address::parse(word.as_bytes())?;
        let whole =
            !address.local().is_empty() && address.domain().contains('.') && !word.contains(['"', '(', ':']);
        whole.then_some(address)
    };
    words.take(MOST_NAMED).map(read).collect::<Option<Vec<Address>>>().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_line_names_recipients_or_it_is_text() {
        let read = |line: &str| {
            recipients_in(line).iter().map(|to| to.folded().to_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(read("To: A@x.example, <b@y.example>"), "a@x.example b@y.example");
        assert_eq!(read(" a@x.example;b@y.example "), "a@x.example b@y.example");
        for text in
            ["Dear parent,", "a@x.example and others", "To: everybody", "", "@x.example", "a@localhost"]
        {
            assert_eq!(read(text), "", "{text}");
        }
    }
}
