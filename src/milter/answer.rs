//! The answer to a message: requests for edits, the new body piece by piece, the decision. It decides nothing.

use std::borrow::Cow;
use std::collections::HashSet;

use super::edits::{self, BodyReplacement, EditError};
use super::frame;
use super::negotiate::{Ability, Agreement};
use super::reply::{self, EnhancedCode, Refusal, ReplyText};
use super::{Outcome, Transaction};
use crate::message::Address;

const ACCEPT: u8 = b'a';
const DISCARD: u8 = b'd';
const ADD_RECIPIENT: u8 = b'+';
const DELETE_RECIPIENT: u8 = b'-';

/// An answer that is being written.
#[derive(Debug)]
pub struct Answer<'m> {
    requests: Vec<u8>,
    body: Option<BodyReplacement<'m>>,
    last: Decision<'m>,
}

/// What ends an answer.
#[derive(Debug)]
enum Decision<'m> {
    Accept,
    Discard,
    Refuse(Refusal, Cow<'m, ReplyText>),
}

impl<'m> Answer<'m> {
    /// What the MTA is told of an outcome, within what it agreed to.
    ///
    /// # Errors
    /// When the outcome's edits cannot be carried out. Nothing is to be sent of it; answer with another outcome.
    pub(super) fn new(
        agreement: Agreement,
        transaction: &'m Transaction,
        outcome: &'m Outcome,
    ) -> Result<Self, EditError> {
        match outcome {
            Outcome::Accept { remove, add, edits } => {
                let recipients = &transaction.envelope.recipients;
                let mut answer = Self::only(Decision::Accept);
                write_removals(agreement, recipients, remove, &mut answer.requests)?;
                if !recipients.is_empty()
                    && remove.len() >= recipients.len()
                    && removes_all(recipients, remove)
                {
                    return Ok(Self::only(Decision::Discard));
                }
                write_additions(agreement, add, &mut answer.requests)?;
                edits::check(agreement, &transaction.message, edits)?;
                edits::write_header(&mut answer.requests, agreement, &edits.header);
                if !edits.body.is_empty() {
                    answer.body = Some(BodyReplacement::new(&transaction.message, &edits.body));
                }
                Ok(answer)
            }
            Outcome::Discard => Ok(Self::only(Decision::Discard)),
            Outcome::Reject(text) => {
                Ok(Self::only(Decision::Refuse(Refusal::Permanent, Cow::Borrowed(text))))
            }
            Outcome::TemporaryFailure(text) => {
                Ok(Self::only(Decision::Refuse(Refusal::Temporary, Cow::Borrowed(text))))
            }
        }
    }

    /// That the message cannot be taken now.
    pub(super) fn failure(code: EnhancedCode) -> Self {
        Self::only(Decision::Refuse(Refusal::Temporary, Cow::Owned(ReplyText::new(code, ""))))
    }

    /// That decision, without a request.
    const fn only(last: Decision<'m>) -> Self {
        Self { requests: Vec::new(), body: None, last }
    }

    /// Appends the next frames to `out`: the requests for header and envelope, 64 kB of the body, or the decision.
    /// Returns whether more is left.
    pub fn write_next(&mut self, out: &mut Vec<u8>) -> bool {
        if !self.requests.is_empty() {
            out.append(&mut self.requests);
            return true;
        }
        if let Some(body) = &mut self.body {
            if body.write_next(out) {
                return true;
            }
            self.body = None;
        }
        match &self.last {
            Decision::Accept => frame::write(out, ACCEPT, &[]),
            Decision::Discard => frame::write(out, DISCARD, &[]),
            Decision::Refuse(refusal, text) => reply::write(out, *refusal, text),
        }
        false
    }
}

/// Removes recipients by the exact bytes that the MTA gave, which is what Postfix compares.
fn write_removals(
    agreement: Agreement,
    recipients: &[Address],
    remove: &[usize],
    out: &mut Vec<u8>,
) -> Result<(), EditError> {
    if !remove.is_empty() && !agreement.allows(Ability::DeleteRecipients) {
        return Err(EditError::NotOffered(Ability::DeleteRecipients));
    }
    for &index in remove {
        let recipient = recipients.get(index).ok_or(EditError::Recipient(index))?;
        frame::write(out, DELETE_RECIPIENT, &[recipient.raw(), b"\0"]);
    }
    Ok(())
}

fn write_additions(agreement: Agreement, add: &[String], out: &mut Vec<u8>) -> Result<(), EditError> {
    if !add.is_empty() && !agreement.allows(Ability::AddRecipients) {
        return Err(EditError::NotOffered(Ability::AddRecipients));
    }
    for address in add {
        frame::write(out, ADD_RECIPIENT, &[b"<", address.as_bytes(), b">\0"]);
    }
    Ok(())
}

/// Whether no recipient would be left. An address that is removed is removed wherever it stands.
fn removes_all(recipients: &[Address], remove: &[usize]) -> bool {
    let removed: HashSet<&[u8]> =
        remove.iter().filter_map(|&index| recipients.get(index)).map(Address::raw).collect();
    recipients.iter().all(|recipient| removed.contains(recipient.raw()))
}
