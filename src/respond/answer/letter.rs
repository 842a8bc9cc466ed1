//! Letters that go with no message of their own: what came of a confirmation, a request to approvers, a summary. Pure.

use jiff::Zoned;

use super::content::Account;
use super::mail::{Head, Kind, compose};
use super::markdown::Block;
use crate::message::Address;
use crate::policy::{Phrases, Policy, filled, named_of};

/// What a letter is written from.
#[derive(Debug, Clone, Copy)]
pub struct LetterContext<'a> {
    /// The policy, for its words.
    pub policy: &'a Policy,
    /// Whom it comes from: an address, or a name and an address in angle brackets.
    pub from: &'a str,
    /// Who gets it; the first of them chooses the language.
    pub to: &'a [Address],
    /// Whom they may ask.
    pub contact: &'a str,
    /// The letter's own name, for its Message-ID.
    pub name: &'a str,
    /// The message that it is about; nothing for a summary.
    pub reference: &'a str,
    /// The Message-ID that it answers, angle brackets included, so that mail programs group the two.
    pub answers: Option<&'a str>,
    /// What it says.
    pub letter: Letter<'a>,
    /// The moment that it is dated.
    pub at: &'a Zoned,
}

/// What a letter says.
#[derive(Debug, Clone, Copy)]
pub enum Letter<'a> {
    /// To the sender: their message was sent for the reason that they gave.
    Released {
        /// The reason.
        why: &'a str,
    },
    /// To the sender: their request is with those who decide.
    Asked {
        /// The reason.
        why: &'a str,
    },
    /// To those who decide.
    Request {
        /// Who asks.
        sender: &'a str,
        /// The reason.
        why: &'a str,
        /// The message, as an entry of a list. It holds no word of it.
        entry: &'a str,
        /// Where their reply goes: an address that holds the code.
        reply_to: &'a str,
        /// The same address without it.
        address: &'a str,
        /// The code.
        code: &'a str,
        /// Until when they may decide.
        until: &'a Zoned,
    },
    /// To the sender: it was approved, and sent.
    Approved {
        /// Who decided.
        by: &'a str,
        /// What they said.
        why: &'a str,
    },
    /// To the sender: it was declined.
    Declined {
        /// Who decided.
        by: &'a str,
        /// What they said.
        why: &'a str,
    },
    /// To the sender: the messages that were not answered one by one.
    Summary {
        /// Each of them.
        entries: &'a [Untold],
        /// Where their codes go, if any has one.
        address: Option<&'a str>,
    },
}

/// A message in a summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untold {
    /// The message, as an entry of a list.
    pub entry: String,
    /// The code by which its sender may have it sent all the same.
    pub code: Option<String>,
}

/// The complete letter, from its header to its last line. It goes out with the null sender.
pub fn letter(context: &LetterContext<'_>) -> Vec<u8> {
    let language = context.policy.organisation().language_of(context.to.first());
    let phrases = context.policy.guidance().phrases(&language);
    let decided = |phrase: &str, by: &str, why: &str| filled(phrase, &[("name", by), ("reason", why)]);
    let because = |phrase: &str, why: &str| filled(phrase, &[("reason", why)]);
    let (title, mut blocks) = match context.letter {
        Letter::Released { why } => {
            (&phrases.released, vec![Block::plain(because(&phrases.released_because, why))])
        }
        Letter::Asked { why } => (&phrases.asked, vec![Block::plain(because(&phrases.asked_because, why))]),
        Letter::Approved { by, why } => {
            (&phrases.approved, vec![Block::plain(decided(&phrases.approved_by, by, why))])
        }
        Letter::Declined { by, why } => {
            (&phrases.declined, vec![Block::plain(decided(&phrases.declined_by, by, why))])
        }
        Letter::Summary { entries, address } => (&phrases.summary, summary(phrases, entries, address)),
        Letter::Request { sender, why, entry, address, code, until, .. } => {
            let until = phrases.moment(until);
            let decisions = [
                ("approve", named_of(&phrases.approve_words)),
                ("decline", named_of(&phrases.decline_words)),
            ];
            let blocks = vec![
                Block::plain(filled(&phrases.wishes, &[("sender", sender), ("reason", why)])),
                Block::list(vec![entry.to_owned()]),
                Block::plain(filled(&phrases.decide, &decisions)),
                Block::plain(filled(&phrases.once, &[("until", &until)])),
                Block::plain(filled(&phrases.code, &[("address", address), ("code", code)])),
                Block::plain(filled(&phrases.unseen, &[("reference", context.reference)])),
            ];
            (&phrases.request_heading, blocks)
        }
    };
    blocks.insert(0, Block::heading(1, title.as_str()));
    blocks.push(Block::heading(2, phrases.questions.as_str()));
    let reference = if context.reference.is_empty() { context.name } else { context.reference };
    let values = [("contact", context.contact), ("reference", reference)];
    blocks.push(Block::plain(filled(&phrases.ask, &values)));
    let to: Vec<&str> = context.to.iter().map(Address::folded).collect();
    let subject =
        if context.reference.is_empty() { title.clone() } else { format!("{title} ({})", context.reference) };
    let head = Head {
        from: context.from,
        to: to.join(", "),
        subject: crate::respond::header::unstructured(&subject),
        name: context.name,
        reply_to: match context.letter {
            Letter::Request { reply_to, .. } => Some(reply_to),
            Letter::Summary { address, .. } => address,
            _ => None,
        },
        answers: context.answers.map(str::to_owned),
        kind: Kind::Replied,
        at: context.at,
    };
    compose(&head, &Account { language, lead: String::new(), title: title.clone(), blocks })
}

/// What a summary lists. Without an address for replies, no code is told.
fn summary(phrases: &Phrases, entries: &[Untold], address: Option<&str>) -> Vec<Block> {
    let line = |untold: &Untold| match untold.code.as_deref().filter(|_| address.is_some()) {
        Some(code) => filled(&phrases.summary_code, &[("entry", &untold.entry), ("code", code)]),
        None => untold.entry.clone(),
    };
    let mut blocks =
        vec![Block::plain(phrases.summary_about.as_str()), Block::list(entries.iter().map(line).collect())];
    if let Some(address) = address.filter(|_| entries.iter().any(|untold| untold.code.is_some())) {
        let values = [("address", address), ("send", named_of(&phrases.send_words))];
        blocks.push(Block::plain(filled(&phrases.summary_confirm, &values)));
    }
    blocks
}
