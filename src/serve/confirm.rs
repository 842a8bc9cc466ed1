//! Replies to the confirmation address: whether they may decide, and what then happens. Nobody is answered who is not proven.

use jiff::Timestamp;
use tracing::{info, warn};

use super::gate::Failure;
use super::letters;
use super::state::Filter;
use super::trial::Unopened;
use crate::extract::Extraction;
use crate::message::{Address, Addressed, Envelope, Mailbox, Message};
use crate::milter::{EnhancedCode, Outcome, ReplyText, Spooled};
use crate::policy::{Policy, Proof};
use crate::records::{Asks, Confirmation, Confirmed, Confirming, NewLetter, RecordsError, Reference};
use crate::respond::{self, Letter};
use crate::verdict::{RuleId, Zone};

/// Why a reply was not taken. The sender's mail program shows it: no message goes out to anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    NotAlone,
    NotProven,
    NoCode,
    SeveralCodes,
    Used,
    Expired,
    NotTheirs,
    NoReason,
    DecidedWithoutReason,
    NoDecision,
    Gone,
    NobodyDecides,
}

impl Refusal {
    const fn words(self) -> &'static str {
        match self {
            Self::NotAlone => {
                "please send this reply to this address alone, and leave the other recipients out."
            }
            Self::NotProven => {
                "it did not come from a signed-in account. Please sign in to your school account and reply again."
            }
            Self::NoCode => {
                "it holds no code that is known here. Please reply to the message that you were sent."
            }
            Self::SeveralCodes => {
                "it holds the codes of several messages. Please put the code of one into the subject."
            }
            Self::Used => "it was answered already, and what was decided stays.",
            Self::Expired => "the time for it is over. Please write the message anew.",
            Self::NotTheirs => "only the person who was asked can answer it, from their own account.",
            Self::NoReason => "it gives no reason. Please say why in a sentence, above the quoted text.",
            Self::DecidedWithoutReason => {
                "it gives no reason. Please keep the word Approve or Decline, then say why in a sentence."
            }
            Self::NoDecision => {
                "please begin your reply with the word Approve or Decline, then say why in a sentence."
            }
            Self::Gone => "the message is no longer there to be sent.",
            Self::NobodyDecides => "nobody is named who may decide on it. Please ask whom the message names.",
        }
    }

    /// What a log line says.
    const fn name(self) -> &'static str {
        match self {
            Self::NotAlone => "other recipients",
            Self::NotProven => "sender not proven",
            Self::NoCode => "no code of ours",
            Self::SeveralCodes => "several codes",
            Self::Used => "used already",
            Self::Expired => "expired",
            Self::NotTheirs => "not from whom it was sent to",
            Self::NoReason => "no reason",
            Self::DecidedWithoutReason => "decided without a reason",
            Self::NoDecision => "neither approved nor declined",
            Self::Gone => "no longer there",
            Self::NobodyDecides => "no approver",
        }
    }
}

/// What a reply came to.
enum Reply {
    /// It was taken, and this came of it.
    Taken(Reference, Confirmed),
    /// It was not.
    Refused(Refusal),
}

/// What counts of a reply.
struct Incoming {
    /// Who wrote it, by its header.
    from: Vec<Mailbox>,
    /// Its Message-ID.
    id: Option<String>,
    extraction: Extraction,
}

/// Longest reason that is kept, in characters.
const LONGEST_REASON: usize = 500;
/// Most words of a message in which a code is looked for.
const MOST_WORDS: usize = 20_000;
const APPROVE: [&str; 4] = ["approve", "approved", "yes", "cymeradwyo"];
const DECLINE: [&str; 5] = ["decline", "declined", "no", "reject", "gwrthod"];

impl Filter {
    /// Whether a message goes to the confirmation address, also beside others.
    pub fn is_confirmation(&self, envelope: &Envelope) -> bool {
        let Some(address) = &self.config.confirm else { return false };
        envelope.recipients.iter().any(|to| address.addressed(to).is_some())
    }

    /// Takes a reply to the confirmation address. It is never delivered.
    pub async fn confirmation(&self, envelope: &Envelope, message: &Spooled) -> Result<Outcome, Failure> {
        let queue_id = envelope.queue_id.as_ref().map(|id| id.0.as_str()).unwrap_or_default();
        let Some(incoming) = self.read_reply(envelope, message) else {
            info!(queue_id, "an automatic message to the confirmation address: let drop");
            return Ok(Outcome::Discard);
        };
        match self.reply(envelope, &incoming).await? {
            Reply::Taken(reference, outcome) => {
                info!(queue_id, %reference, outcome = outcome.name(), "confirmed by mail");
                self.outbox.notify_one();
                Ok(Outcome::Discard)
            }
            Reply::Refused(refusal) => {
                warn!(queue_id, why = refusal.name(), "a confirmation is not taken");
                let words = format!("This reply was not taken: {}", refusal.words());
                Ok(Outcome::Reject(ReplyText::new(EnhancedCode::POLICY, words)))
            }
        }
    }

    /// What counts of a reply; nothing where no person wrote it.
    fn read_reply(&self, envelope: &Envelope, message: &Spooled) -> Option<Incoming> {
        let parsed = Message::parse(message.bytes(), &self.config.limits);
        respond::is_answerable(envelope, &parsed).then(|| Incoming {
            from: parsed.mailboxes("From"),
            id: respond::message_id(&parsed),
            extraction: Extraction::read(&parsed, &self.config.limits, &Unopened),
        })
    }

    async fn reply(&self, envelope: &Envelope, incoming: &Incoming) -> Result<Reply, Failure> {
        let policy = self.policy();
        let now = Timestamp::now();
        let [recipient] = envelope.recipients.as_slice() else {
            return Ok(Reply::Refused(Refusal::NotAlone));
        };
        let proof = policy.organisation().answers.proof(envelope);
        if !matches!(proof, Proof::Login | Proof::Relay) {
            return Ok(Reply::Refused(Refusal::NotProven));
        }
        let confirmation = match self.code_of(recipient, &incoming.extraction).await? {
            Ok(confirmation) => confirmation,
            Err(refusal) => return Ok(Reply::Refused(refusal)),
        };
        // Whose it is comes first: nobody else learns whether it was used.
        let Some(sender) = holder(envelope, &incoming.from, &confirmation, proof) else {
            return Ok(Reply::Refused(Refusal::NotTheirs));
        };
        if confirmation.used_at.is_some() {
            return Ok(Reply::Refused(Refusal::Used));
        }
        if confirmation.expires_at < now {
            return Ok(Reply::Refused(Refusal::Expired));
        }
        let is_code = |word: &str| self.store.is_code(word.trim_matches(|c: char| !c.is_alphanumeric()));
        let words = own_words(&incoming.extraction, |word| is_code(word).unwrap_or(false));
        let id = incoming.id.as_deref();
        let decided = match self.decide(&policy, &confirmation, (sender, &words), id, now).await? {
            Ok(outcome) => Reply::Taken(confirmation.reference.clone(), outcome),
            Err(refusal) => Reply::Refused(refusal),
        };
        Ok(decided)
    }

    /// The code of a reply: in its address, else in its subject, its own text, or the quoted message, in this order.
    async fn code_of(
        &self,
        recipient: &Address,
        extraction: &Extraction,
    ) -> Result<Result<Confirmation, Refusal>, RecordsError> {
        let addressed = self.config.confirm.as_ref().and_then(|address| address.addressed(recipient));
        let code = match addressed {
            Some(Addressed::Tagged(tag)) => Ok(Some(tag.to_owned())),
            _ => self.code_in(extraction)?,
        };
        Ok(match code {
            Ok(Some(code)) => self.store.confirmation(&code).await?.ok_or(Refusal::NoCode),
            Ok(None) => Err(Refusal::NoCode),
            Err(refusal) => Err(refusal),
        })
    }

    /// The one code in the first zone that has any: a summary tells several, and a guess might send the wrong message.
    fn code_in(&self, extraction: &Extraction) -> Result<Result<Option<String>, Refusal>, RecordsError> {
        let mut left = MOST_WORDS;
        for zones in [&[Zone::Subject][..], &[Zone::Body], &[Zone::Quoted, Zone::Signature]] {
            let mut found: Option<String> = None;
            for text in extraction.texts.iter().filter(|text| zones.contains(&text.zone)) {
                let words = text.text.split(|c: char| !c.is_ascii_alphanumeric());
                for word in words.filter(|word| !word.is_empty()) {
                    left = left.saturating_sub(1);
                    if left == 0 || !self.store.is_code(word)? {
                        continue;
                    }
                    let code = word.to_ascii_uppercase();
                    if found.as_ref().is_some_and(|known| *known != code) {
                        return Ok(Err(Refusal::SeveralCodes));
                    }
                    found = Some(code);
                }
            }
            if found.is_some() {
                return Ok(Ok(found));
            }
        }
        Ok(Ok(None))
    }

    /// Does what the reply says, all of it at once.
    async fn decide(
        &self,
        policy: &Policy,
        confirmation: &Confirmation,
        (by, words): (&Address, &str),
        reply: Option<&str>,
        now: Timestamp,
    ) -> Result<Result<Confirmed, Refusal>, Failure> {
        let held = self.store.find(&confirmation.reference).await?;
        let (outcome, why) = match confirmation.asks {
            Asks::Justify => (Confirmed::Released, words.to_owned()),
            Asks::Request => (Confirmed::Asked, words.to_owned()),
            Asks::Approve => match decision(words) {
                Some(decided) => decided,
                None => return Ok(Err(Refusal::NoDecision)),
            },
        };
        if !why.chars().any(char::is_alphabetic) {
            return Ok(Err(match confirmation.asks {
                Asks::Justify | Asks::Request => Refusal::NoReason,
                Asks::Approve => Refusal::DecidedWithoutReason,
            }));
        }
        let letters = letters::Confirmed { policy, held: &held, by, why: &why, outcome, reply, now };
        let mut written = vec![self.told_to_sender(&letters).await?];
        let mut next = None;
        if outcome == Confirmed::Asked {
            let sender = held.summary.sender.as_deref().unwrap_or_default();
            let approvers = approvers(policy, sender, held.summary.rules.iter());
            if approvers.is_empty() {
                return Ok(Err(Refusal::NobodyDecides));
            }
            let code = self.store.new_confirmation(Asks::Approve, approvers, None, now)?;
            written.push(self.request(&letters, &code)?);
            next = Some(code);
        }
        let references: Vec<_> = written.iter().flatten().collect();
        let new: Vec<NewLetter<'_>> = references.iter().map(|letter| letter.as_new()).collect();
        let by = format!("{}, by mail", by.folded());
        let confirming =
            Confirming { confirmation, outcome, by: &by, why: &why, next: next.as_ref(), letters: &new };
        match self.store.confirm(&confirming, now).await {
            Ok(()) => Ok(Ok(outcome)),
            Err(RecordsError::CodeUsed(_)) => Ok(Err(Refusal::Used)),
            Err(RecordsError::NotHeld { .. }) => Ok(Err(Refusal::Gone)),
            Err(error) => Err(error.into()),
        }
    }

    /// The letter to whoever sent the message; nobody where there is no sender.
    async fn told_to_sender(
        &self,
        about: &letters::Confirmed<'_>,
    ) -> Result<Option<letters::Written>, Failure> {
        let sender =
            about.held.summary.sender.as_deref().and_then(|sender| Address::parse(sender.as_bytes()));
        let Some(sender) = sender else { return Ok(None) };
        let by = about.by.folded();
        let letter = match about.outcome {
            Confirmed::Released => Letter::Released { why: about.why },
            Confirmed::Asked => Letter::Asked { why: about.why },
            Confirmed::Approved => Letter::Approved { by, why: about.why },
            Confirmed::Declined => Letter::Declined { by, why: about.why },
        };
        let answers = match about.outcome {
            Confirmed::Released | Confirmed::Asked => about.reply.map(str::to_owned),
            // The reply is the approver's: the sender's thread is that of the message itself.
            Confirmed::Approved | Confirmed::Declined => {
                let content = self.store.content(&about.held.summary.reference).await?;
                respond::message_id(&Message::parse(&content, &self.config.limits))
            }
        };
        Ok(Some(self.letter(about, vec![sender], letter, answers.as_deref())?))
    }
}

/// The approvers of the rules that stopped a sender's message: those of the first one for which any are named.
pub fn approvers<'r>(policy: &Policy, sender: &str, rules: impl Iterator<Item = &'r RuleId>) -> Vec<Address> {
    let organisation = policy.organisation();
    let address = Address::parse(sender.as_bytes());
    let school =
        address.as_ref().and_then(|sender| organisation.school_of(sender)).map(|school| school.id.as_str());
    let mut named = rules.filter_map(|id| policy.rule(id)).map(|rule| {
        let all = organisation.answers.approvers(school, &rule.category).iter();
        // Nobody decides on their own mail.
        all.filter(|one| one.folded() != sender).cloned().collect::<Vec<_>>()
    });
    named.find(|named| !named.is_empty()).unwrap_or_default()
}

/// The sender of a reply, where it is one of those who may use the code: by its envelope, by the From of its header, and
/// by the login.
fn holder<'e>(
    envelope: &'e Envelope,
    named: &[Mailbox],
    confirmation: &Confirmation,
    proof: Proof,
) -> Option<&'e Address> {
    let sender = envelope.sender.as_ref()?;
    let [from] = named else { return None };
    let theirs = confirmation.holders.iter().any(|holder| holder == sender.folded());
    let login = match (proof, &envelope.authenticated, &confirmation.login) {
        (Proof::Login, Some(login), Some(first)) => login.eq_ignore_ascii_case(first),
        (Proof::Login, Some(login), None) => {
            let login = login.to_lowercase();
            login == sender.folded() || login == sender.local()
        }
        (Proof::Relay, ..) => true,
        _ => false,
    };
    (theirs && login && from.address.folded() == sender.folded()).then_some(sender)
}

/// What the sender wrote now: without what is quoted, without the line that introduces it, without the signature, and without
/// codes.
fn own_words(extraction: &Extraction, is_code: impl Fn(&str) -> bool) -> String {
    let written = extraction.texts.iter().find(|text| text.zone == Zone::Body);
    let text = written.map(|text| text.text.as_str()).unwrap_or_default();
    let mut lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.len() > 1 && lines.last().is_some_and(|line| line.ends_with(':')) {
        lines.pop();
    }
    let words = lines.iter().flat_map(|line| line.split_whitespace()).filter(|word| !is_code(word));
    let words: Vec<&str> = words.collect();
    words.join(" ").chars().filter(|c| !c.is_control()).take(LONGEST_REASON).collect()
}

/// What an approver decided, by the first word, and why; the reason is empty where there is none.
fn decision(words: &str) -> Option<(Confirmed, String)> {
    let (first, rest) = words.split_once(|c: char| !c.is_alphabetic()).unwrap_or((words, ""));
    let first = first.to_lowercase();
    let outcome = match first.as_str() {
        word if APPROVE.contains(&word) => Confirmed::Approved,
        word if DECLINE.contains(&word) => Confirmed::Declined,
        _ => return None,
    };
    Some((outcome, rest.trim_start_matches(|c: char| !c.is_alphanumeric()).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_decides() {
        assert_eq!(
            decision("Approve. The parent asked for it."),
            Some((Confirmed::Approved, "The parent asked for it.".to_owned()))
        );
        // The word alone is no reason: such a reply is refused.
        assert_eq!(decision("declined"), Some((Confirmed::Declined, String::new())));
        assert_eq!(decision("Approve."), Some((Confirmed::Approved, String::new())));
        assert_eq!(decision("No, wait."), Some((Confirmed::Declined, "wait.".to_owned())));
        for unclear in ["", "I approve", "Nothing", "Approval is due", "…"] {
            assert_eq!(decision(unclear), None, "{unclear}");
        }
    }
}
