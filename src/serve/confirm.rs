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
use crate::policy::{Phrases, Policy, Proof, alternatives};
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
    NotSend,
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
            Self::NotSend => {
                "it does not begin with the word Send, so nothing was sent. If your message should go all the same, reply once more, begin with the word Send above the quoted text, and say why in a sentence. If it should not go, you need do nothing."
            }
            Self::NoReason => {
                "it gives no reason, so nothing was sent. Please keep the word Send, then say why in a sentence, above the quoted text."
            }
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
            Self::NotSend => "does not begin with the word to send",
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
        let (outcome, why) = match said(confirmation.asks, words, phrases_of(policy, confirmation)) {
            Ok(said) => said,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let letters = letters::Confirmed { policy, held: &held, by, why, outcome, reply, now };
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
            Confirming { confirmation, outcome, by: &by, why, next: next.as_ref(), letters: &new };
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

/// The phrases of the letter that is answered: the first whom it went to chose its language.
fn phrases_of<'p>(policy: &'p Policy, confirmation: &Confirmation) -> &'p Phrases {
    let first = confirmation.holders.first().and_then(|holder| Address::parse(holder.as_bytes()));
    policy.guidance().phrases(&policy.organisation().language_of(first.as_ref()))
}

/// What a reply says: its first word decides, and the rest is the reason. English words count beside those of the letter, since
/// refusals are in English.
fn said<'w>(asks: Asks, words: &'w str, phrases: &Phrases) -> Result<(Confirmed, &'w str), Refusal> {
    let english = Phrases::english();
    let after = |own: &str, english: &str| after_word(words, own).or_else(|| after_word(words, english));
    let send = || after(&phrases.send_words, &english.send_words).ok_or(Refusal::NotSend);
    let (outcome, rest) = match asks {
        Asks::Justify => (Confirmed::Released, send()?),
        Asks::Request => (Confirmed::Asked, send()?),
        Asks::Approve => {
            let approved = after(&phrases.approve_words, &english.approve_words);
            let declined = after(&phrases.decline_words, &english.decline_words);
            match (approved, declined) {
                (Some(rest), None) => (Confirmed::Approved, rest),
                (None, Some(rest)) => (Confirmed::Declined, rest),
                _ => return Err(Refusal::NoDecision),
            }
        }
    };
    let why = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
    match (why.chars().any(char::is_alphabetic), asks) {
        (true, _) => Ok((outcome, why)),
        (false, Asks::Justify | Asks::Request) => Err(Refusal::NoReason),
        (false, Asks::Approve) => Err(Refusal::DecidedWithoutReason),
    }
}

/// What follows the word with which a text begins, if that is one of those that count. Punctuation at it is allowed, but for a
/// question mark: who asks has not decided.
fn after_word<'w>(text: &'w str, counting: &str) -> Option<&'w str> {
    let bare = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '?').to_lowercase();
    alternatives(counting).find_map(|word| {
        word.split_whitespace().try_fold(text, |left, expected| {
            let (first, rest) = left.split_once(' ').unwrap_or((left, ""));
            (bare(first) == expected.to_lowercase()).then_some(rest)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_sends_or_asks() {
        for (words, why) in [
            ("Send. It is for the botany lesson.", Ok("It is for the botany lesson.")),
            ("send: it is for the botany lesson", Ok("it is for the botany lesson")),
            ("SEND it, the parents know", Ok("it, the parents know")),
            ("“Send” – the parents know", Ok("the parents know")),
            ("*Send*, the parents know", Ok("the parents know")),
            ("Send", Err(Refusal::NoReason)),
            ("Send.", Err(Refusal::NoReason)),
            ("Send. 1234", Err(Refusal::NoReason)),
            ("", Err(Refusal::NotSend)),
            ("Thanks, I will use initials instead. Please do NOT send it.", Err(Refusal::NotSend)),
            ("It is for the botany lesson.", Err(Refusal::NotSend)),
            ("Please send it, the parents know.", Err(Refusal::NotSend)),
            ("Don't send it", Err(Refusal::NotSend)),
            ("Not send", Err(Refusal::NotSend)),
            ("Send? No, I shall use initials.", Err(Refusal::NotSend)),
            ("Sending it was a mistake.", Err(Refusal::NotSend)),
            ("Send-off for the leavers was wrong.", Err(Refusal::NotSend)),
            ("Approve. The parents know.", Err(Refusal::NotSend)),
        ] {
            for (asks, outcome) in [(Asks::Justify, Confirmed::Released), (Asks::Request, Confirmed::Asked)] {
                let read = said(asks, words, Phrases::english());
                assert_eq!(read, why.map(|why| (outcome, why)), "{words}");
            }
        }
    }

    #[test]
    fn the_first_word_approves_or_declines() {
        let (yes, no) = (Confirmed::Approved, Confirmed::Declined);
        for (words, read) in [
            ("Approve. The parent asked for it.", Ok((yes, "The parent asked for it."))),
            ("approved, the parent asked for it", Ok((yes, "the parent asked for it"))),
            ("Decline: ring them.", Ok((no, "ring them."))),
            ("DECLINED - ring them", Ok((no, "ring them"))),
            // The word alone is no reason.
            ("declined", Err(Refusal::DecidedWithoutReason)),
            ("Approve.", Err(Refusal::DecidedWithoutReason)),
            ("Yes fine", Err(Refusal::NoDecision)),
            ("Yes, I shall ask the head first", Err(Refusal::NoDecision)),
            ("No problem, go ahead.", Err(Refusal::NoDecision)),
            ("No, wait.", Err(Refusal::NoDecision)),
            ("Send. The parents know.", Err(Refusal::NoDecision)),
            ("Approve/Decline, I cannot say", Err(Refusal::NoDecision)),
            ("Approve? I have not seen it.", Err(Refusal::NoDecision)),
            ("I approve", Err(Refusal::NoDecision)),
            ("Approval is due", Err(Refusal::NoDecision)),
            ("Nothing", Err(Refusal::NoDecision)),
            ("", Err(Refusal::NoDecision)),
            ("…", Err(Refusal::NoDecision)),
        ] {
            assert_eq!(said(Asks::Approve, words, Phrases::english()), read, "{words}");
        }
    }

    #[test]
    fn translated_words_count_beside_the_english() {
        let welsh = Phrases {
            send_words: "Anfonwch ef, Anfonwch".to_owned(),
            approve_words: "Cymeradwyo".to_owned(),
            decline_words: "Gwrthod".to_owned(),
            ..Phrases::english().clone()
        };
        let read = |asks, words| said(asks, words, &welsh).map(|(outcome, _)| outcome);
        assert_eq!(
            said(Asks::Justify, "anfonwch ef: mae'n iawn", &welsh),
            Ok((Confirmed::Released, "mae'n iawn"))
        );
        assert_eq!(read(Asks::Justify, "Anfonwch: mae'n iawn"), Ok(Confirmed::Released));
        assert_eq!(read(Asks::Request, "Send: mae'n iawn"), Ok(Confirmed::Asked));
        assert_eq!(read(Asks::Approve, "Cymeradwyo. Mae'n iawn"), Ok(Confirmed::Approved));
        assert_eq!(read(Asks::Approve, "Gwrthod. Na"), Ok(Confirmed::Declined));
        assert_eq!(read(Asks::Approve, "Decline. Na"), Ok(Confirmed::Declined));
        assert_eq!(said(Asks::Approve, "Gwrthod. Na", Phrases::english()), Err(Refusal::NoDecision));
        // A slip of the translation decides nothing.
        let both = Phrases { decline_words: "Cymeradwyo".to_owned(), ..welsh.clone() };
        assert_eq!(said(Asks::Approve, "Cymeradwyo. Mae'n iawn", &both), Err(Refusal::NoDecision));
    }
}
