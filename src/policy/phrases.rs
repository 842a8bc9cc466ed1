//! The words around a guidance text, in English, and as a school may write them in another language. It arranges nothing.

use std::sync::LazyLock;

use jiff::Zoned;
use schemars::JsonSchema;
use serde::Deserialize;

use super::fault::{Fault, Source};
use super::located::Located;

/// Makes the phrases: their names, what they are for, and their English.
macro_rules! phrases {
    ($($(#[doc = $about:literal])+ $name:ident = $english:literal;)+) => {
        /// The words around a guidance text, in one language. `{number}` and the like are filled in.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Phrases {
            $($(#[doc = $about])+ pub $name: String,)+
        }

        impl Phrases {
            fn in_english() -> Self {
                Self { $($name: $english.to_owned(),)+ }
            }
        }

        /// `guidance/phrases.cy.toml` as it is written. What is left out stays English.
        #[derive(Debug, Default, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
        pub(super) struct RawPhrases {
            $($(#[doc = $about])+ $name: Option<Located<String>>,)+
        }

        impl RawPhrases {
            pub(super) fn compile(self, source: &Source, faults: &mut Vec<Fault>) -> Phrases {
                Phrases { $($name: phrase(self.$name, $english, source, faults),)+ }
            }
        }
    };
}

phrases! {
    /// The months, as a date has them, from the first to the last.
    months = "January, February, March, April, May, June, July, August, September, October, November, December";
    /// The heading of an answer to what was returned or refused.
    not_delivered = "Your message was not delivered";
    /// The heading of an answer to what is held.
    waiting = "Your message is waiting to be looked at";
    /// The heading of an answer to what was delivered.
    delivered = "A word about your message";
    /// What happened to what was returned, before the list of recipients.
    not_delivered_to = "These people did not get it:";
    /// What happened to what is held, before the list of recipients.
    waiting_for = "It is kept safe. These people have not got it yet:";
    /// What happened to what was delivered, before the list of recipients.
    delivered_to = "It was delivered to:";
    /// After a list that was cut short.
    more = "and {number} more";
    /// The subject of the message.
    subject = "Subject: {subject}";
    /// Where the message had other recipients.
    others = "This is about these people alone, not about the others you wrote to.";
    /// The heading over the rules.
    why = "Why";
    /// Before one rule.
    one_rule = "This rule of the mail policy of {organisation} stopped it:";
    /// Before several rules.
    several_rules = "These rules of the mail policy of {organisation} stopped it:";
    /// Before one rule, of what was delivered.
    noticed_by = "This rule of the mail policy of {organisation} noticed it:";
    /// Before several rules, of what was delivered.
    noticed_by_several = "These rules of the mail policy of {organisation} noticed it:";
    /// Of what was delivered: that nothing is to be done about it.
    delivered_only = "You need not send it again. This is about the next time.";
    /// Where no rule is to be named.
    no_rule = "The mail policy of {organisation} stopped it.";
    /// Where a message cannot take the disclaimer.
    no_disclaimer = "It cannot carry the disclaimer that {organisation} puts into its mail, because it is signed, encrypted or otherwise closed to changes.";
    /// The heading over what was found.
    found = "What was found";
    /// Where something was found in the subject.
    in_subject = "In the subject";
    /// Where something was found in the text.
    in_body = "In your text";
    /// Where something was found in quoted text.
    in_quoted = "In the text that you quoted";
    /// Where something was found in a signature.
    in_signature = "In your signature";
    /// Where something was found in an attachment.
    in_attachment = "In an attachment";
    /// Where something was found in an attachment whose name is known.
    in_file = "In the attachment {file}";
    /// Where something was found in the name of an attachment.
    in_file_name = "In the name of an attachment";
    /// Where something was found in the header.
    in_header = "In the header";
    /// Words that were found.
    words = "{place}: “{words}”";
    /// What may stand in place of them.
    instead = "{found}. Write “{suggestion}” instead.";
    /// How words were made unreadable.
    masked = "Letters are left out of strong words, of passwords and the like here, since mail is often read in company.";
    /// That the original is there.
    attached = "Your message is attached, just as you sent it.";
    /// The heading over what may be confirmed.
    confirm = "If it must go as it is";
    /// The words with which a sender's reply begins that has a message sent, or asks for it. The first is the one that letters name.
    send_words = "Send";
    /// The words with which an approver's reply begins that approves. The first is the one that letters name.
    approve_words = "Approve, Approved";
    /// The words with which an approver's reply begins that declines. The first is the one that letters name.
    decline_words = "Decline, Declined";
    /// How a sender confirms.
    justify = "If you are sure that your message should go as it is, reply to this message, begin with the word {send}, and say why in a sentence. It then goes out as you wrote it. Your reason is kept on the record. If it should not go, you need not reply.";
    /// How a sender asks.
    request = "If you are sure that your message should go as it is, reply to this message, begin with the word {send}, and say why in a sentence. Somebody who may decide is asked, and you are told what they decide. Your reason is kept on the record. If it should not go, you need not reply.";
    /// How long that may be done, and by whom.
    once = "This works once, until {until}, and only from your own account.";
    /// What to quote where a program does not reply to where it should.
    code = "If your mail program does not reply to {address}, write to that address and put this code into the subject: {code}";
    /// The heading over the record.
    recorded = "What is on record";
    /// What the record holds.
    record = "The record says who wrote to whom and when, and which rule acted. Your message is kept with it.";
    /// What is on record of advice about what was delivered.
    record_of_advice = "Your message is not kept by mailwarden. That you got this advice, and when, is noted, so that you do not get it every time.";
    /// How long.
    kept = "It is kept for {time}.";
    /// How long, where nobody has said.
    kept_open = "It is kept until somebody at {organisation} deletes it.";
    /// Who can see it.
    seen = "Those who can see it: {people}. mailwarden shows a message to nobody without a written reason.";
    /// Who can see it, where nobody has said.
    seen_open = "Those who run the mail server can reach it. mailwarden shows a message to nobody without a written reason.";
    /// The heading over whom to ask.
    questions = "Questions?";
    /// Whom to ask.
    ask = "If you have a question, or think that this is a mistake, ask {contact}. Give the reference {reference}.";
    /// What is put in front of the subject of an answer to what was returned.
    subject_returned = "Not delivered:";
    /// What is put in front of the subject of an answer to what is held.
    subject_held = "Waiting:";
    /// What is put in front of the subject of an answer to what was delivered.
    subject_delivered = "About your message:";
    /// The heading of an answer to a trial.
    tried = "What would happen to your message";
    /// In a trial, the short of it, where it would come back.
    tried_would_return = "This would come back to you, because of {reasons}.";
    /// In a trial, the short of it, where it would be held.
    tried_would_wait = "This would wait until somebody has looked at it, because of {reasons}.";
    /// In a trial, the short of it, where it would be refused.
    tried_would_be_refused = "This would be refused, because of {reasons}.";
    /// In a trial, the short of it, where it would be delivered and something is to be said of it.
    tried_would_be_delivered = "This would be delivered. What to know first: {reasons}.";
    /// In a trial, after that, where it is so for some of several recipients.
    tried_some = "This is so for some of these people alone; it is listed below for whom.";
    /// In a trial, before the rules that would act only once the others are content.
    tried_then = "Once that is put right and your message is delivered, this is still to come:";
    /// In a trial, before those who would get it.
    tried_delivered = "These people would get it:";
    /// In a trial, before those for whom it would be held.
    tried_held = "For these people it would wait until somebody has looked at it:";
    /// In a trial, before those for whom it would come back.
    tried_returned = "These people would not get it, and it would come back to you:";
    /// In a trial, before those for whom it would be refused.
    tried_refused = "For these people it would be refused:";
    /// In a trial, that nobody got it.
    tried_only = "This was a trial. Nobody got your message, and nothing of it is kept.";
    /// In a trial, before the rules.
    tried_rules = "The rules of the mail policy of {organisation} that speak about it:";
    /// In a trial, where no rule does.
    tried_fine = "This would be delivered. No rule of the mail policy of {organisation} speaks against it.";
    /// In a trial, whom to ask: nothing is on record that a reference would lead to.
    tried_ask = "If you have a question, or think that this is a mistake, ask {contact}.";
    /// What is put in front of the subject of an answer to a trial.
    subject_tried = "Tried out:";
    /// The heading where a sender's reason had the message sent.
    released = "Your message was sent";
    /// That, with the reason.
    released_because = "Your message went out as you wrote it. This is on record with your reason: {reason}";
    /// The heading where a sender's request was passed on.
    asked = "Your request was passed on";
    /// That, with the reason.
    asked_because = "Somebody who may decide was asked, with your reason: {reason} You are told as soon as they have decided.";
    /// The heading where a request was approved.
    approved = "Your message was approved and sent";
    /// Who approved, and what they said.
    approved_by = "{name} approved your request, and your message went out as you wrote it. They said: {reason}";
    /// The heading where a request was declined.
    declined = "Your message was not approved";
    /// Who declined, and what they said.
    declined_by = "{name} declined your request, so your message stays where it is. They said: {reason}";
    /// The heading of a request to those who decide.
    request_heading = "Somebody asks you to let a message go";
    /// Who asks, and why.
    wishes = "{sender} asks that a message which was stopped should go out as it is. Their reason: {reason}";
    /// How to decide.
    decide = "Reply to this message. Begin with the word {approve} or {decline}, then say why in a sentence.";
    /// That the message is not shown.
    unseen = "The message itself is not shown here. If you must see it to decide, ask for {reference}; that you read it goes on record.";
    /// The heading of a summary.
    summary = "More of your messages were stopped";
    /// What a summary is.
    summary_about = "So many of your messages were stopped in a short time that you get this one answer for the others. They are kept safe:";
    /// Of a message in a summary, with the code that lets its sender have it sent all the same.
    summary_code = "{entry}. Code: {code}";
    /// After a summary, how to use a code.
    summary_confirm = "If one of these must go as it is, write to {address}. Put its code into the subject, begin the text with the word {send}, and say why in a sentence. Do so for one message at a time. A code works once, for seven days, and only from your own account.";
    /// The heading of a notice to a reviewer of one thing that cannot wait. It says neither who nor what.
    notice = "Something needs your attention";
    /// The subject of it.
    subject_notice = "mailwarden: something needs your attention ({reference})";
    /// What is wanted of the reviewer.
    notice_about = "Something came up in the mail that you look after. Please see to it as soon as you can:";
    /// The heading of a notice of several such things.
    notices = "{number} matters need your attention";
    /// The subject of it.
    subject_notices = "mailwarden: {number} matters need your attention";
    /// What is wanted of the reviewer.
    notices_about = "So much came up in a short time that this one message tells you of it. Please see to it as soon as you can:";
    /// The heading of a digest.
    digest = "Matters to look at: {number}";
    /// The subject of it.
    subject_digest = "mailwarden: matters to look at ({number})";
    /// What is wanted of the reviewer.
    digest_about = "This came up in the mail that you look after since the last list. Please look at it in the next days:";
    /// One of them.
    notice_entry = "{reference}, {school}, {time}";
    /// The heading over what the reviewer does.
    notice_steps = "What to do now";
    /// How it is looked up.
    notice_ask = "Ask {contact} to look up the reference for you. Talk to them or ring them.";
    /// Where it is told.
    notice_private = "Have it told or shown to you where nobody else can hear or see it.";
    /// What comes after.
    notice_done = "When you have seen to it, tell them, so that they can note it as done.";
    /// What is typed to look it up.
    notice_command = "They type: mailwarden notices show {reference} --by \"…\" --why \"…\"";
    /// The heading over why a notice says so little.
    notice_short = "Why this says so little";
    /// Why.
    notice_why = "Mail is often open where others can see the screen. So this message says neither who nor what it is about. Who looks it up, and why, goes on record.";
}

impl Phrases {
    /// English.
    pub fn english() -> &'static Self {
        static ENGLISH: LazyLock<Phrases> = LazyLock::new(Phrases::in_english);
        &ENGLISH
    }
}

impl Phrases {
    /// A moment as people write it: `4 December 2026, 01:49`.
    pub fn moment(&self, at: &Zoned) -> String {
        let month = usize::try_from(at.month()).unwrap_or(1);
        match self.months.split(',').map(str::trim).nth(month.saturating_sub(1)) {
            Some(name) if !name.is_empty() => format!("{} {name} {}", at.day(), at.strftime("%Y, %H:%M")),
            _ => at.strftime("%-d %B %Y, %H:%M").to_string(),
        }
    }
}

/// Words that count alike: `Approve, Approved` are two of them.
pub fn alternatives(words: &str) -> impl Iterator<Item = &str> {
    words.split(',').map(str::trim).filter(|word| !word.is_empty())
}

/// The one of them that letters name.
pub fn named_of(words: &str) -> &str {
    alternatives(words).next().unwrap_or_default()
}

/// `1 fault`, `3 faults`, `0 people`.
pub fn counted(number: usize, noun: &str) -> String {
    match (number, noun) {
        (1, _) => format!("1 {noun}"),
        (_, "person") => format!("{number} people"),
        _ => format!("{number} {noun}s"),
    }
}

/// A phrase as it was written, which must name what its English names.
fn phrase(
    written: Option<Located<String>>,
    english: &str,
    source: &Source,
    faults: &mut Vec<Fault>,
) -> String {
    let Some(Located { span, value }) = written else { return english.to_owned() };
    if value.trim().is_empty() || value.chars().any(char::is_control) {
        let fault = Fault::new(source, span.clone(), "the phrase is empty or has control characters");
        faults.push(fault.help("write it on one line, or leave it out to keep the English"));
    }
    for name in names(english) {
        if !value.contains(&format!("{{{name}}}")) {
            let fault = Fault::new(source, span.clone(), format!("the phrase lacks {{{name}}}"));
            faults.push(fault.help(format!("the English is \"{english}\"")));
        }
    }
    for name in names(&value).into_iter().filter(|name| !names(english).contains(name)) {
        let fault = Fault::new(source, span.clone(), format!("nothing is put in place of {{{name}}} here"));
        faults.push(fault.help(format!("the English is \"{english}\"")));
    }
    value
}

/// The names in braces.
fn names(text: &str) -> Vec<&str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name)).collect()
}

/// A phrase with its names filled in, each once, so that no value is looked into.
pub fn filled(phrase: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(phrase.len() + 32);
    let mut rest = phrase;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, tail)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            continue;
        };
        match values.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => out.push_str(value),
            None => out.push_str(&format!("{{{name}}}")),
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}
