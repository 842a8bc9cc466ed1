//! Rule files as they are written. Each key's comment is its description in the editors' schema; nothing is checked here.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Direction;
use super::apart::Apart;
use super::doubt::Doubt;
use super::located::{ByteSize, Day, Kinds, Located, Moment};
use super::raw_personal::{RawConfidentiality, RawIdentifiers};
use super::rule::Override;
use super::when_from::FromName;
use super::when_marking::{RawMarking, Receipt};
use super::when_names::RawNames;
use super::when_recipients::RawRecipients;
use super::when_secrets::RawSecrets;
use crate::people::Role;
use crate::verdict::{Action, Fact, Gap, Kind, Mode, Protection, Severity, Zone};

/// A rule file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "the schema's root; each rule is read by itself, so that one fault hides no other"
)]
pub(super) struct RawRuleFile {
    /// The rules, each under its own `[[rule]]`.
    rule: Vec<RawRule>,
}

/// A rule: all of `if` must hold, any of `unless` cancels, `then` says what happens.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawRule {
    /// The rule's id, unique in the policy: lower-case letters, digits and hyphens. It stays when the title changes.
    pub(super) id: Located<String>,
    /// What it finds, in a few words for people.
    pub(super) title: Located<String>,
    /// The clause of the policy that it carries out.
    pub(super) clause: Option<String>,
    /// The category for reports, such as `confidential`: lower-case letters, digits and hyphens.
    pub(super) category: Located<String>,
    /// How grave a breach is.
    pub(super) severity: Severity,
    /// Whether a match is recorded (`observe`), noted for reviewers (`notify`) or acted upon (`enforce`).
    pub(super) mode: Mode,
    /// The schools for which it runs; all where left out.
    pub(super) school: Option<Vec<Located<String>>>,
    /// The first day on which it runs.
    pub(super) from: Option<Located<Day>>,
    /// The last day on which it runs.
    pub(super) until: Option<Located<Day>>,
    /// What must hold, all of it.
    #[serde(rename = "if")]
    pub(super) when: Located<RawWhen>,
    /// What cancels the rule, any of it.
    pub(super) unless: Option<Located<RawWhen>>,
    /// What happens.
    pub(super) then: Located<RawThen>,
    /// Messages that prove the rule: at least one that it must match and one that it must not.
    #[serde(default)]
    pub(super) example: Vec<Located<RawExample>>,
}

/// Conditions. Each key that is given is one condition.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawWhen {
    /// Where the mail goes, for each recipient: any of these.
    pub(super) direction: Option<Located<Vec<Direction>>>,
    /// Who sends it, by the envelope.
    pub(super) sender: Option<Located<RawParty>>,
    /// Whose name the field `From` shows.
    pub(super) from_name: Option<FromName>,
    /// Who gets it, for each recipient by itself.
    pub(super) recipient: Option<Located<RawParty>>,
    /// Why a recipient outside may not be meant, for each recipient by itself: any of these.
    pub(super) doubt: Option<Located<Vec<Doubt>>>,
    /// What the same sender sent within a day that belongs to this message, for each recipient by itself: any of these.
    pub(super) apart: Option<Located<Vec<Apart>>>,
    /// How many recipients the message has.
    pub(super) recipients: Option<Located<RawRecipients>>,
    /// A header field.
    pub(super) header: Option<Located<RawHeader>>,
    /// A marking of confidentiality, in the subject or a header field.
    pub(super) marking: Option<Located<RawMarking>>,
    /// Whether a receipt for reading is asked for.
    pub(super) receipt: Option<Receipt>,
    /// Terms of a word list.
    pub(super) words: Option<Located<RawWords>>,
    /// A regular expression.
    pub(super) pattern: Option<Located<RawPattern>>,
    /// Identifiers of people.
    pub(super) identifiers: Option<Located<RawIdentifiers>>,
    /// How confidential the message is.
    pub(super) confidentiality: Option<Located<RawConfidentiality>>,
    /// People who are named.
    pub(super) names: Option<Located<RawNames>>,
    /// A second list, a term of which must stand near what `words`, `pattern`, `identifiers` and `names` of the same table
    /// find.
    pub(super) near: Option<Located<RawNear>>,
    /// Passwords, keys, and links that open something by themselves.
    pub(super) secrets: Option<Located<RawSecrets>>,
    /// Attachments.
    pub(super) attachment: Option<Located<RawAttachment>>,
    /// What could not be inspected: any of these.
    pub(super) coverage: Option<Located<Vec<Gap>>>,
    /// When the message is sent.
    pub(super) schedule: Option<Located<RawSchedule>>,
    /// Whether the client proved a login.
    pub(super) authenticated: Option<YesNo>,
    /// How the message reached the mail server: any of these.
    pub(super) origin: Option<Located<Vec<RawOrigin>>>,
    /// The size of the whole message.
    pub(super) size: Option<Located<RawSize>>,
    /// Signatures and encryption that the message's structure declares: any of these.
    pub(super) protection: Option<Located<Vec<RawProtection>>>,
    /// Tables of conditions, one of which must hold.
    pub(super) any: Option<Located<Vec<Located<RawWhen>>>>,
    /// Tables of conditions, all of which must hold.
    pub(super) all: Option<Located<Vec<Located<RawWhen>>>>,
    /// A table of conditions that must not hold together.
    pub(super) not: Option<Box<Located<RawWhen>>>,
}

impl RawWhen {
    /// Whether no key is given.
    pub(super) fn is_empty(&self) -> bool {
        let Self {
            direction,
            sender,
            from_name,
            recipient,
            doubt,
            apart,
            recipients,
            header,
            marking,
            receipt,
            words,
            pattern,
            identifiers,
            confidentiality,
            names,
            near,
            secrets,
            attachment,
            coverage,
            schedule,
            authenticated,
            origin,
            size,
            protection,
            any,
            all,
            not,
        } = self;
        let given = [
            direction.is_some(),
            sender.is_some(),
            from_name.is_some(),
            recipient.is_some(),
            doubt.is_some(),
            apart.is_some(),
            recipients.is_some(),
            header.is_some(),
            marking.is_some(),
            receipt.is_some(),
            words.is_some(),
            pattern.is_some(),
            identifiers.is_some(),
            confidentiality.is_some(),
            names.is_some(),
            near.is_some(),
            secrets.is_some(),
            attachment.is_some(),
            coverage.is_some(),
            schedule.is_some(),
            authenticated.is_some(),
            origin.is_some(),
            size.is_some(),
            protection.is_some(),
            any.is_some(),
            all.is_some(),
            not.is_some(),
        ];
        !given.contains(&true)
    }
}

/// A sender or recipient. Every key that is given must hold; of a key's values, any.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawParty {
    /// Addresses; `*` and `?` stand for any letters and one letter, `<>` for the null sender of bounces.
    pub(super) address: Option<Vec<Located<String>>>,
    /// Domains; `*.example.org` stands for all domains below it.
    pub(super) domain: Option<Vec<Located<String>>>,
    /// Groups of `organisation.toml`.
    pub(super) group: Option<Vec<Located<String>>>,
    /// Schools of `organisation.toml`; `*` for any of them.
    pub(super) school: Option<Vec<Located<String>>>,
    /// What they are on the roll.
    pub(super) role: Option<Vec<Role>>,
}

/// A header field.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawHeader {
    /// The field's name, in any case.
    pub(super) name: Located<String>,
    /// Whether it must be there.
    pub(super) is: Option<Presence>,
    /// Texts, one of which it must contain, in any case.
    pub(super) contains: Option<Vec<Located<String>>>,
    /// A regular expression that its value must match.
    pub(super) matches: Option<Located<String>>,
}

/// Whether a header field is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Presence {
    /// At least once.
    Present,
    /// Not at all.
    Absent,
}

/// Terms of a word list.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawWords {
    /// The list: the name of a file in `lists/`, without `.txt`.
    pub(super) list: Located<String>,
    /// Where to look; `["subject", "body"]` where left out.
    #[serde(rename = "in")]
    pub(super) zones: Option<Located<Vec<Zone>>>,
    /// The weights of the terms that were found, each term counted once, must add up to at least this.
    pub(super) threshold: Option<Located<u64>>,
    /// Thresholds of single zones: the terms found in one of them alone must add up to its number, or those of the whole
    /// message to `threshold`.
    pub(super) zone_threshold: Option<Located<RawByZone<u64>>>,
    /// What a term's weight is multiplied by in a zone, such as `{ subject = 2, quoted = 0.5 }`; 1 where left out.
    pub(super) zone_factor: Option<Located<RawByZone<f64>>>,
    /// At least so many different terms of the list.
    pub(super) at_least: Option<Located<usize>>,
    /// How many characters may lie between the first and the last of `at-least` different terms in the same text; what stands
    /// alone does not count.
    pub(super) within: Option<Located<usize>>,
}

/// A number for some of the zones.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawByZone<T> {
    /// In the subject.
    subject: Option<Located<T>>,
    /// In what the sender wrote now.
    body: Option<Located<T>>,
    /// In what was quoted from earlier mail.
    quoted: Option<Located<T>>,
    /// In the signature.
    signature: Option<Located<T>>,
    /// In the text of attachments.
    attachment: Option<Located<T>>,
    /// In the names of attachments.
    filename: Option<Located<T>>,
    /// In the other header fields.
    header: Option<Located<T>>,
}

impl<T> RawByZone<T> {
    /// The zones that have a number.
    pub(super) fn given(&self) -> impl Iterator<Item = (Zone, &Located<T>)> {
        let all = [
            (Zone::Subject, &self.subject),
            (Zone::Body, &self.body),
            (Zone::Quoted, &self.quoted),
            (Zone::Signature, &self.signature),
            (Zone::Attachment, &self.attachment),
            (Zone::Filename, &self.filename),
            (Zone::Header, &self.header),
        ];
        all.into_iter().filter_map(|(zone, number)| Some((zone, number.as_ref()?)))
    }
}

/// A regular expression.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawPattern {
    /// What findings call it; the rule's id where left out.
    pub(super) name: Option<Located<String>>,
    /// The expression, in the syntax of Rust's `regex`.
    pub(super) matches: Located<String>,
    /// Where to look; `["subject", "body"]` where left out.
    #[serde(rename = "in")]
    pub(super) zones: Option<Located<Vec<Zone>>>,
    /// At least so many different matching texts; 1 where left out.
    pub(super) at_least: Option<Located<usize>>,
}

/// A second list, near what was found.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawNear {
    /// The list: the name of a file in `lists/`, without `.txt`.
    pub(super) list: Located<String>,
    /// How many characters may lie between the two; 300 where left out.
    pub(super) within: Option<Located<usize>>,
}

/// Attachments, and the files inside them. Those for which every key holds are counted; of a key's values, any.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawAttachment {
    /// File names, with `*` and `?`, in any case: any of these.
    pub(super) name: Option<Vec<Located<String>>>,
    /// Declared types, such as `application/pdf` or `image/*`: any of these.
    #[serde(rename = "type")]
    pub(super) content_type: Option<Vec<Located<String>>>,
    /// What it is, by its content: kinds and groups of kinds, such as `pdf` or `program`.
    pub(super) kind: Option<Vec<Kinds>>,
    /// How it is protected.
    pub(super) protection: Option<Vec<Protection>>,
    /// What else is known of it.
    pub(super) fact: Option<Vec<Fact>>,
    /// What of it could not be inspected.
    pub(super) coverage: Option<Vec<Gap>>,
    /// Whether it lies inside another file, an archive or a message say (`yes`), or is attached itself (`no`).
    pub(super) inside: Option<YesNo>,
    /// The size of each, decoded.
    pub(super) size: Option<Located<RawSize>>,
    /// How many there must be.
    pub(super) count: Option<Located<RawCount>>,
}

/// A number from … to ….
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawCount {
    /// At least so many.
    pub(super) at_least: Option<usize>,
    /// At most so many.
    pub(super) at_most: Option<usize>,
}

/// A size from … to …: a number of bytes, or a text such as `"10 MB"`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawSize {
    /// At least so large.
    pub(super) at_least: Option<ByteSize>,
    /// At most so large.
    pub(super) at_most: Option<ByteSize>,
}

/// When a message is sent, by the calendar of `organisation.toml`. Every key that is given must hold.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawSchedule {
    /// In or out of the working hours of that day.
    pub(super) hours: Option<InOut>,
    /// In or out of term; half terms and holidays are out.
    pub(super) term: Option<InOut>,
    /// The days of the week: any of these.
    pub(super) days: Option<Located<Vec<Weekday>>>,
}

/// In or out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum InOut {
    /// Within.
    In,
    /// Outside.
    Out,
}

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum YesNo {
    /// It is so.
    Yes,
    /// It is not so.
    No,
}

/// How a message reached the mail server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawOrigin {
    /// Over SMTP.
    Smtp,
    /// By the `sendmail` command or another way inside the machine.
    Local,
}

/// A signature or encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawProtection {
    /// S/MIME or OpenPGP signed.
    Signed,
    /// S/MIME or OpenPGP encrypted.
    Encrypted,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// What happens when a rule matches.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawThen {
    /// The action, for each recipient for whom the rule matches.
    pub(super) action: Located<Action>,
    /// The guidance for the sender: the name of a file in `guidance/`, without `.md`.
    pub(super) guidance: Option<Located<String>>,
    /// What one of ours is told at the SMTP door (`reject`).
    pub(super) reply: Option<Located<String>>,
    /// What senders from outside are told there (`reject`); neutral words where left out.
    pub(super) reply_outside: Option<Located<String>>,
    /// What the sender may do about it (`hold`, `return`): `justify`, `request` or `never`, which is meant where left out.
    #[serde(rename = "override")]
    pub(super) may_override: Option<Located<Override>>,
    /// Whether the sender is told of what is held (`hold`; yes where left out), or gets the guidance as advice where it is delivered
    /// (`pass`, `tag`, `mark`; no where left out). Never for safeguarding.
    pub(super) notify_sender: Option<Located<YesNo>>,
    /// What is put in front of the subject, once (`tag`, `mark`).
    pub(super) subject_prefix: Option<Located<String>>,
    /// `request` asks the recipients' mail programs for a receipt, where the sender did not (`tag`, `mark`).
    pub(super) receipt: Option<Located<ReceiptRequest>>,
    /// Header fields that are added (`tag`, `mark`).
    pub(super) headers: Option<Located<BTreeMap<String, Located<String>>>>,
    /// Addresses that get a copy.
    pub(super) copy_to: Option<Vec<Located<String>>>,
}

/// What is done about a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ReceiptRequest {
    /// One is asked for.
    Request,
}

/// A message that proves a rule. What is left out is taken from a plain message to somebody outside.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawExample {
    /// Whether the rule must match it.
    pub(super) expect: Expect,
    /// What the example shows, for people.
    pub(super) note: Option<String>,
    /// The envelope's sender, `<>` for none; somebody of the organisation where left out.
    pub(super) from: Option<Located<String>>,
    /// The envelope's recipients; somebody outside where left out.
    pub(super) to: Option<Vec<Located<String>>>,
    /// The subject.
    pub(super) subject: Option<String>,
    /// The body, as plain text.
    pub(super) body: Option<String>,
    /// The body, as HTML.
    pub(super) html: Option<String>,
    /// The attachments: a file's name, or a table that says more of it.
    pub(super) attachments: Option<Vec<RawAttached>>,
    /// Further header fields.
    pub(super) headers: Option<BTreeMap<String, String>>,
    /// A whole message, header and body, in place of all that; `from` and `to` still make the envelope.
    pub(super) raw: Option<String>,
    /// The recipients to whom the sender never wrote before; none where left out.
    pub(super) strangers: Option<Vec<Located<String>>>,
    /// What all of the recipients got from the sender within the last day; nothing where left out.
    pub(super) apart: Option<Vec<Apart>>,
    /// Whether the client proved a login; where left out, it did if the sender is of the organisation.
    pub(super) authenticated: Option<YesNo>,
    /// How the message came; `smtp` where left out.
    pub(super) origin: Option<RawOrigin>,
    /// When it was sent, on the organisation's clock; a Wednesday morning in January where left out.
    pub(super) at: Option<Moment>,
}

/// An attachment of an example. A name alone stands for a plain file of the kind that its ending tells.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "expected a file's name, or a table with `name` and what is to be known of the file"
)]
pub(super) enum RawAttached {
    /// A file's name.
    Name(String),
    /// What is known of a file.
    File(RawFile),
}

/// A file, as an inspection would find it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawFile {
    /// Its name.
    pub(super) name: String,
    /// What it is; by its name's ending where left out.
    pub(super) kind: Option<Kind>,
    /// How it is protected; not at all where left out.
    pub(super) protection: Option<Protection>,
    /// What else is known of it, beside what its name tells.
    #[serde(default)]
    pub(super) fact: Vec<Fact>,
    /// What of it could not be inspected.
    #[serde(default)]
    pub(super) coverage: Vec<Gap>,
    /// Its size in bytes, or a text such as `"10 MB"`; small where left out.
    pub(super) size: Option<ByteSize>,
    /// What it says.
    #[serde(default)]
    pub(super) text: String,
    /// The files inside it.
    #[serde(default)]
    pub(super) inside: Vec<RawAttached>,
}

/// What an example shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Expect {
    /// The rule matches.
    Match,
    /// The rule does not match.
    NoMatch,
}
