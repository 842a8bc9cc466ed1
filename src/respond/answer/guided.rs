//! Letters that a guidance text is the whole of: what pupils are told out of hours, the monitoring notice. Adds no words.

use jiff::Zoned;

use super::content::Account;
use super::mail::{Head, Kind, compose};
use super::markdown::{Block, read};
use super::{Preview, text};
use crate::message::Address;
use crate::policy::{Policy, Told};
use crate::respond::header::unstructured;

/// What such a letter is written from.
#[derive(Debug, Clone, Copy)]
pub struct Guided<'a> {
    /// The policy, for the text and its values.
    pub policy: &'a Policy,
    /// The text's name.
    pub guidance: &'a str,
    /// Whom it comes from: an address, or a name and an address in angle brackets.
    pub from: &'a str,
    /// Who gets it: their group and school choose the language, the school's name and its contacts.
    pub to: &'a Address,
    /// Whom they may ask.
    pub contact: &'a str,
    /// The letter's own name.
    pub name: &'a str,
    /// Where a reply goes.
    pub reply_to: Option<&'a Address>,
    /// What led to it.
    pub cause: Cause<'a>,
    /// The moment that it is dated.
    pub at: &'a Zoned,
}

/// What led to a letter (RFC 3834 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause<'a> {
    /// A message of whoever gets it, by its Message-ID where it has one, angle brackets included.
    Message(Option<&'a str>),
    /// Nobody's.
    OwnAccord,
}

/// The complete letter, from its header to its last line; it goes out with the null sender. Its subject is the text's first
/// heading, and nothing of what it answers. `None` where the text cannot be filled in, which `check` would have shown.
pub fn guided(letter: &Guided<'_>) -> Option<Vec<u8>> {
    let account = account(letter)?;
    let (kind, answers) = match letter.cause {
        Cause::Message(id) => (Kind::Replied, id.map(str::to_owned)),
        Cause::OwnAccord => (Kind::Generated { urgent: false }, None),
    };
    let head = Head {
        from: letter.from,
        to: letter.to.folded().to_owned(),
        subject: unstructured(&account.title),
        name: letter.name,
        reply_to: letter.reply_to.map(Address::folded),
        answers,
        kind,
        at: letter.at,
    };
    Some(compose(&head, &account))
}

/// The letter's text and HTML, for whoever wants to read it before anybody gets it.
pub fn guided_preview(letter: &Guided<'_>) -> Option<Preview> {
    let account = account(letter)?;
    Some(Preview { text: text::write(&account.blocks), html: account.page() })
}

fn account(letter: &Guided<'_>) -> Option<Account> {
    let organisation = letter.policy.organisation();
    let to = Some(letter.to);
    let school = organisation.school_of(letter.to).map_or(&organisation.name, |school| &school.name);
    let language = organisation.language_of(to);
    let told = Told {
        organisation: &organisation.name,
        school,
        reference: letter.name,
        contact: letter.contact,
        recipients: Vec::new(),
        recipient_count: 0,
        title: "",
        clause: "",
        outcome: "",
        happened: "",
        may_override: "never",
        kept_for: organisation.answers.kept_for.as_deref().unwrap_or_default(),
        seen_by: organisation.answers.seen_by.as_deref().unwrap_or_default(),
        emergency: organisation.emergency_of(to).iter().map(String::as_str).collect(),
        reply_to: letter.reply_to.map_or("", Address::folded),
    };
    let written = letter.policy.guidance().text(letter.guidance, &language, &told)?;
    let blocks = read(&written, 1);
    let heading = blocks.iter().find_map(|block| match block {
        Block::Heading(_, pieces) => Some(text::plain(pieces)),
        _ => None,
    });
    let title = heading.unwrap_or_else(|| organisation.name.clone());
    Some(Account { language, lead: String::new(), title, blocks })
}
