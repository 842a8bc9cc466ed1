//! A rule's examples: made into real messages at load, and run through the same steps as mail. Nothing is sent.

use std::fmt;

use jiff::Zoned;
use jiff::civil::{Date, DateTime, date};
use miette::{Diagnostic, LabeledSpan, SourceCode};
use serde::Serialize;

use super::apart::SentApart;
use super::declared::Declared;
use super::evaluate::Evaluation;
use super::fault::{Fault, Source};
use super::located::Located;
use super::organisation::Organisation;
use super::raw::{Expect, RawExample, RawOrigin, YesNo};
use super::recipients::classes;
use super::rule::Rule;
use super::{Acquaintance, Case, Direction, Memory, Policy, decide};
use crate::extract::Extraction;
use crate::limits::Limits;
use crate::message::{Address, Client, Envelope, Message, Origin};
use crate::people::People;
use crate::verdict::RuleId;

/// An example, ready to run.
#[derive(Debug, Clone)]
pub(super) struct Example {
    pub(super) expect: Expect,
    note: Option<String>,
    pub(super) envelope: Envelope,
    pub(super) raw: Vec<u8>,
    pub(super) declared: Declared,
    /// To whom the sender never wrote before.
    strangers: Vec<Address>,
    /// What the recipients got before.
    apart: SentApart,
    pub(super) at: DateTime,
    place: Fault,
}

/// An example that turned out otherwise than its rule says.
#[derive(Debug, Clone, Serialize)]
pub struct ExampleFault {
    /// The rule.
    pub rule: RuleId,
    /// Where the example stands and what went wrong.
    pub fault: Fault,
}

impl fmt::Display for ExampleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}

impl std::error::Error for ExampleFault {}

impl Diagnostic for ExampleFault {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Diagnostic::help(&self.fault)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.fault.source_code()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.fault.labels()
    }
}

impl Expect {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::NoMatch => "no-match",
        }
    }
}

/// When an example is sent that does not say when: a Wednesday morning.
fn usual_moment() -> DateTime {
    date(2026, 1, 14).at(10, 0, 0, 0)
}

impl Example {
    pub(super) fn new(
        raw: &Located<RawExample>,
        organisation: &Organisation,
        school: Option<&str>,
        from: Option<Date>,
        until: Option<Date>,
        source: &Source,
    ) -> Result<Self, Box<Fault>> {
        let Located { span, value } = raw;
        let address = |written: &Located<String>| {
            Address::parse(written.value.as_bytes())
                .filter(|address| !address.domain().is_empty())
                .ok_or_else(|| {
                    let message = format!("\"{}\" is no address", written.value);
                    let fault = Fault::new(source, written.span.clone(), message);
                    Box::new(fault.help("write one address, such as \"parent@elsewhere.example\""))
                })
        };
        let sender = match &value.from {
            Some(from) if from.value == "<>" => None,
            Some(from) => Some(address(from)?),
            None => somebody_of(organisation, school),
        };
        let recipients = match &value.to {
            Some(to) => to.iter().map(address).collect::<Result<Vec<_>, _>>()?,
            None => Vec::from_iter(somebody_else()),
        };
        let mut envelope = envelope(organisation, sender, recipients);
        if let Some(written) = value.authenticated {
            let login = envelope.sender.as_ref().map_or("somebody", Address::folded).to_owned();
            envelope.authenticated = (written == YesNo::Yes).then_some(login);
        }
        if value.origin == Some(RawOrigin::Local) {
            envelope.origin = Origin::Local;
        }
        let usual = usual_moment();
        let day = usual.date().max(from.unwrap_or(Date::MIN)).min(until.unwrap_or(Date::MAX));
        Ok(Self {
            expect: value.expect,
            note: value.note.clone(),
            raw: message(value, &envelope),
            strangers: value.strangers.iter().flatten().map(address).collect::<Result<_, _>>()?,
            apart: SentApart::declared(value.apart.as_deref().unwrap_or_default(), envelope.recipients.len()),
            declared: Declared::new(value.attachments.as_deref().unwrap_or_default()),
            envelope,
            at: value.at.map_or_else(|| day.to_datetime(usual.time()), |moment| moment.0),
            place: Fault::new(source, span.clone(), ""),
        })
    }
}

impl Example {
    /// What a decision on it is made from, once it is read.
    pub(super) fn case<'c>(
        &'c self,
        (message, extraction): (&'c Message<'c>, &'c Extraction),
        people: &'c People,
        limits: &'c Limits,
        now: &'c Zoned,
    ) -> Case<'c> {
        let Self { envelope, apart, .. } = self;
        Case { envelope, message, extraction, people, memory: self, apart, limits, now, expired: &|| false }
    }
}

impl Memory for Example {
    fn acquaintance(&self, _: &Address, recipient: &Address) -> Acquaintance {
        match self.strangers.iter().any(|stranger| stranger.folded() == recipient.folded()) {
            true => Acquaintance::New,
            false => Acquaintance::Known,
        }
    }
}

/// Somebody of the organisation, or of one of its schools.
fn somebody_of(organisation: &Organisation, school: Option<&str>) -> Option<Address> {
    Address::parse(format!("somebody@{}", organisation.first_domain_of(school)).as_bytes())
}

fn somebody_else() -> Option<Address> {
    Address::parse(b"somebody@elsewhere.example")
}

/// An envelope as it comes over SMTP: whoever is of the organisation has proved a login.
fn envelope(organisation: &Organisation, sender: Option<Address>, recipients: Vec<Address>) -> Envelope {
    let ours = sender.as_ref().filter(|sender| organisation.is_ours(sender));
    Envelope {
        queue_id: None,
        origin: Origin::Smtp,
        client: Some(Client { address: None, name: "example".to_owned() }),
        authenticated: ours.map(|sender| sender.folded().to_owned()),
        sender,
        recipients,
    }
}

/// The envelope of a message that goes in that direction, between people whom no rule knows where none are named.
pub(super) fn usual_envelope(
    organisation: &Organisation,
    direction: Direction,
    from: Option<Address>,
    to: Vec<Address>,
) -> Envelope {
    let ours = || somebody_of(organisation, None);
    let colleague = || Address::parse(format!("colleague@{}", organisation.first_domain_of(None)).as_bytes());
    let (sender, recipient) = match direction {
        Direction::Inbound => (somebody_else(), ours()),
        Direction::Outbound => (ours(), somebody_else()),
        Direction::Internal => (ours(), colleague()),
    };
    let recipients = if to.is_empty() { Vec::from_iter(recipient) } else { to };
    envelope(organisation, from.or(sender), recipients)
}

/// A message of plain text.
pub(super) fn plain_message(envelope: &Envelope, subject: &str, body: &str) -> Vec<u8> {
    let mut out = String::new();
    head(&mut out, envelope, subject);
    field(&mut out, "MIME-Version", "1.0");
    (out + &text_part("plain", body)).into_bytes()
}

/// Runs all examples of a policy.
pub(super) fn check(policy: &Policy) -> Vec<ExampleFault> {
    let among_examples = policy.among_examples();
    let policy = among_examples.as_ref().unwrap_or(policy);
    let mut faults = Vec::new();
    for rule in &policy.rules {
        for example in &rule.examples {
            if let Some(fault) = run(policy, rule, example) {
                faults.push(ExampleFault { rule: rule.id.clone(), fault });
            }
        }
    }
    faults
}

fn run(policy: &Policy, rule: &Rule, example: &Example) -> Option<Fault> {
    let limits = Limits::default();
    let message = Message::parse(&example.raw, &limits);
    let extraction = Extraction::read(&message, &limits, &example.declared);
    let Ok(now) = example.at.to_zoned(policy.organisation.time_zone.clone()) else {
        let fault = example.place.clone().saying("the example's moment does not exist on that clock");
        return Some(fault.help("choose another `at`"));
    };
    let case = example.case((&message, &extraction), &policy.example_people, &limits, &now);
    let classes = classes(policy, &case);
    let evaluation = Evaluation::new(policy, &case, &classes);
    // The mode and the schools of a rule play no part: an example proves the conditions.
    let matched = rule.runs_on(evaluation.moment.date())
        && classes.iter().any(|class| decide::matches(&evaluation, rule, class));
    if matched == (example.expect == Expect::Match) {
        return None;
    }
    let outcome = if matched { "matches" } else { "does not match" };
    let note = example.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
    let message =
        format!("rule \"{}\" {outcome} its example, which expects {}{note}", rule.id, example.expect.name());
    let help = if matched {
        "narrow the rule, or correct the example".to_owned()
    } else {
        let failed = super::explain::failures(&evaluation, rule, &classes);
        format!("what did not hold: {}", failed.join("; "))
    };
    Some(example.place.clone().saying(message).help(help))
}

/// The message that an example describes.
fn message(example: &RawExample, envelope: &Envelope) -> Vec<u8> {
    if let Some(raw) = &example.raw {
        return crlf(raw).into_bytes();
    }
    let mut out = String::new();
    head(&mut out, envelope, example.subject.as_deref().unwrap_or(""));
    for (name, value) in example.headers.iter().flatten() {
        field(&mut out, name, value);
    }
    field(&mut out, "MIME-Version", "1.0");
    let mut parts: Vec<String> = Vec::new();
    if example.body.is_some() || example.html.is_none() {
        parts.push(text_part("plain", example.body.as_deref().unwrap_or("")));
    }
    parts.extend(example.html.as_deref().map(|html| text_part("html", html)));
    let mut content = container("alternative", parts);
    if let Some(attached) = &example.attachments {
        let files = attached.iter().enumerate().map(|(number, file)| attachment(number, file.name()));
        content = container("mixed", std::iter::once(content).chain(files).collect());
    }
    out.push_str(&content);
    out.into_bytes()
}

fn head(out: &mut String, envelope: &Envelope, subject: &str) {
    field(out, "From", envelope.sender.as_ref().map_or("postmaster@elsewhere.example", Address::folded));
    field(out, "To", &envelope.recipients.iter().map(Address::folded).collect::<Vec<_>>().join(", "));
    field(out, "Subject", subject);
    field(out, "Date", "Wed, 14 Jan 2026 10:00:00 +0000");
    field(out, "Message-ID", "<example@school.invalid>");
}

fn field(out: &mut String, name: &str, value: &str) {
    out.push_str(&format!("{name}: {}\r\n", value.replace(['\r', '\n'], " ")));
}

/// The parts in a multipart, or the only part by itself.
fn container(kind: &str, mut parts: Vec<String>) -> String {
    if parts.len() == 1 {
        return parts.pop().unwrap_or_default();
    }
    // RFC 2046 §5.1.1: the boundary stands in no part, for it is unlikely to be anybody's example.
    let boundary = format!("=_example_{kind}_7f3a");
    let mut out = format!("Content-Type: multipart/{kind}; boundary=\"{boundary}\"\r\n\r\n");
    for part in parts {
        out.push_str(&format!("--{boundary}\r\n{part}\r\n"));
    }
    out.push_str(&format!("--{boundary}--\r\n"));
    out
}

fn text_part(kind: &str, text: &str) -> String {
    format!(
        "Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{}",
        crlf(text)
    )
}

fn attachment(number: usize, name: &str) -> String {
    // RFC 2231 §4: percent-encoded UTF-8 is right for every name.
    let encoded: String = name
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    format!(
        "Content-Type: application/octet-stream\r\n\
         Content-Disposition: attachment; filename*=UTF-8''{encoded}\r\n\
         Content-Transfer-Encoding: binary\r\n\r\n{}\r\n",
        String::from_utf8_lossy(&Declared::content(number))
    )
}

fn crlf(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\n', "\r\n");
    if text.ends_with("\r\n") || text.is_empty() { text } else { text + "\r\n" }
}
