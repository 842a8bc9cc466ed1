//! What senders are told of their messages: one account, in the form of a mail, of a reply at the SMTP door, of an entry.
//! It makes words and bytes, and sends nothing.

mod content;
mod entry;
mod found;
mod guided;
mod html;
mod letter;
mod mail;
mod markdown;
mod notice;
mod reply;
mod text;
mod tried;

use jiff::Zoned;

use super::plan::RespondError;
use crate::message::{Envelope, Message};
use crate::policy::{Override, Place, Policy};
use crate::verdict::Verdict;
use content::Account;
use markdown::Block;

pub use entry::{Entry, entry};
pub use guided::{Cause, Guided, guided, guided_preview};
pub use letter::{Letter, LetterContext, Untold, letter};
pub(super) use mail::LOOP_FIELD;
pub use mail::message_id;
pub use notice::{NoticeContext, NoticeEntry, Occasion, notice};
pub(super) use reply::{Listener, disclaimer_refusal, refusal};

/// What an answer is written from.
#[derive(Debug, Clone, Copy)]
pub struct AnswerContext<'a> {
    /// Who sent the message to whom.
    pub envelope: &'a Envelope,
    /// The message.
    pub message: &'a Message<'a>,
    /// What the policy decided on it.
    pub verdict: &'a Verdict,
    /// That policy.
    pub policy: &'a Policy,
    /// What was found, in words where the sender may see them.
    pub found: &'a [Place],
    /// The message's short reference number.
    pub reference: &'a str,
    /// What happened.
    pub outcome: Outcome,
    /// For whom it happened, as indices into the envelope's recipients.
    pub recipients: &'a [usize],
    /// Whom the answer comes from: an address, or a name and an address in angle brackets.
    pub from: &'a str,
    /// Whom the sender may ask.
    pub contact: &'a str,
    /// How the sender may have it sent all the same.
    pub confirmation: Option<Confirmation<'a>>,
    /// The moment that the answer is dated.
    pub at: &'a Zoned,
}

/// What happened to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It came back to its sender, who gets it with the answer.
    Returned,
    /// It waits until somebody decides.
    Held,
    /// It was delivered, and something is to be said of it.
    Delivered,
    /// Nothing: the sender asked what would happen.
    Tried,
}

impl Outcome {
    const fn name(self) -> &'static str {
        match self {
            Self::Returned => "returned",
            Self::Held => "held",
            Self::Delivered => "delivered",
            Self::Tried => "tried",
        }
    }
}

/// How a sender may have a message sent all the same.
#[derive(Debug, Clone, Copy)]
pub struct Confirmation<'a> {
    /// What they may do.
    pub may: Override,
    /// Where replies go: an address that holds the code.
    pub reply_to: &'a str,
    /// The same address without it.
    pub address: &'a str,
    /// The code.
    pub code: &'a str,
    /// Until when it works.
    pub until: &'a Zoned,
}

/// The complete answer, from its header to its last line. It goes out with the null sender (RFC 3834 §3.3).
///
/// # Errors
/// When the verdict names a rule that the policy does not have.
pub fn answer(context: &AnswerContext<'_>) -> Result<Vec<u8>, RespondError> {
    let account = Account::of(context)?;
    Ok(mail::write(context, &account))
}

/// An answer in its forms, for whoever wants to read it before anybody gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The plain text of the mail.
    pub text: String,
    /// The HTML of the mail.
    pub html: String,
}

/// The text and the HTML of an answer; above it a note for whoever looks at it before anybody gets it.
///
/// # Errors
/// When the verdict names a rule that the policy does not have.
pub fn preview(context: &AnswerContext<'_>, note: Option<&str>) -> Result<Preview, RespondError> {
    let mut account = Account::of(context)?;
    if let Some(note) = note {
        account.blocks.insert(0, Block::plain(note));
    }
    Ok(Preview { text: text::write(&account.blocks), html: account.page() })
}

#[cfg(test)]
mod tests;
