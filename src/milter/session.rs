//! The protocol's state machine: commands in, replies out, and when a message is complete. It does no I/O of its own.

use std::net::IpAddr;
use std::sync::Arc;

use super::command::{Command, CommandError, Connection, Family, Macros};
use super::edits::{self, BodyReplacement, EditError};
use super::frame::{self, End};
use super::negotiate::{Ability, Agreement, Event, VersionError};
use super::reply::{self, EnhancedCode, Refusal, ReplyText};
use super::spool::{Complete, Incoming, SpoolError, Spools};
use super::{Outcome, Transaction};
use crate::limits::Limits;
use crate::message::{Address, Client, Envelope, Origin, QueueId};

const CONTINUE: u8 = b'c';
const ACCEPT: u8 = b'a';
const DISCARD: u8 = b'd';
const PROGRESS: u8 = b'p';
const ADD_RECIPIENT: u8 = b'+';
const DELETE_RECIPIENT: u8 = b'-';

/// Where a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing is agreed yet.
    New,
    /// No SMTP client is known.
    Negotiated,
    /// An SMTP client is there, no message.
    Connected,
    /// A message's sender and recipients come.
    Envelope,
    /// Its header comes.
    Header,
    /// Its body comes.
    Body,
    /// It is complete and being judged; the MTA waits.
    Judging,
}

/// What the connection has to do after a command.
#[derive(Debug)]
pub enum Step {
    /// Read on.
    Next,
    /// Judge this message, then call [`Session::answer`]. No command may be handled before that.
    Judge(Box<Ready>),
    /// Close: the MTA said goodbye.
    Close,
}

/// A message that has come in.
#[derive(Debug)]
pub struct Ready {
    /// Who sends it to whom.
    pub envelope: Arc<Envelope>,
    /// Where it lies.
    pub message: Complete,
}

/// Why a connection has to end. The MTA then does with the message what it is set to do without a filter, which is a
/// temporary failure unless somebody changed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The frame is no command.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The version is too old.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// A command at a time when it has no meaning.
    #[error("{command} while {phase}")]
    OutOfOrder {
        /// Which.
        command: &'static str,
        /// Where the connection stood.
        phase: &'static str,
    },
}

/// One connection's state.
#[derive(Debug)]
pub struct Session {
    limits: Arc<Limits>,
    spools: Arc<Spools>,
    agreement: Agreement,
    phase: Phase,
    client: Option<Client>,
    origin: Origin,
    /// Macros of a MAIL command that is about to come.
    upcoming: MailMacros,
    message: Option<Box<Building>>,
}

#[derive(Debug, Default)]
struct MailMacros {
    queue_id: Option<QueueId>,
    authenticated: Option<String>,
}

/// A message of which more is to come.
#[derive(Debug)]
struct Building {
    macros: MailMacros,
    sender: Option<Address>,
    recipients: Vec<Address>,
    header_bytes: usize,
    header_fields: usize,
    incoming: Incoming,
    /// Set once it is clear that the message will not be judged; the rest of it is then forgotten.
    refused: Option<(Refusal, ReplyText)>,
}

impl Session {
    /// A connection on which nothing has come yet.
    pub fn new(limits: Arc<Limits>, spools: Arc<Spools>) -> Self {
        Self {
            limits,
            spools,
            agreement: Agreement::default(),
            phase: Phase::New,
            client: None,
            origin: Origin::Smtp,
            upcoming: MailMacros::default(),
            message: None,
        }
    }

    /// Whether no message is under way, so that the connection can be closed without harm to one.
    pub const fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::New | Phase::Negotiated | Phase::Connected)
    }

    /// Takes one command. Replies are appended to `out`.
    ///
    /// A command that the MTA was told to leave out is answered like any other. MAIL in the middle of a message starts
    /// the next one, as libmilter has it; what else comes at the wrong time is an error.
    ///
    /// # Errors
    /// When the connection has to end.
    pub fn handle(&mut self, command: Command<'_>, out: &mut Vec<u8>) -> Result<Step, SessionError> {
        use Phase::{Body, Connected, Envelope, Header, Judging, Negotiated, New};
        match (command, self.phase) {
            (Command::Quit, New | Negotiated | Connected | Envelope | Header | Body) => {
                return Ok(Step::Close);
            }
            (Command::Negotiate(offer), New) => {
                self.agreement = Agreement::from_offer(offer)?;
                self.agreement.write(out);
                self.phase = Negotiated;
            }
            (command, New | Judging) => return Err(self.out_of_order(&command)),
            (Command::Macros(macros), _) => self.take_macros(macros),
            (Command::Connect(connection), Negotiated) => {
                self.take_client(&connection);
                self.phase = Connected;
                self.reply_to(Event::Connect, out);
            }
            (Command::Hello, Negotiated | Connected) => self.reply_to(Event::Hello, out),
            (Command::Mail { path }, _) => {
                self.begin(path);
                self.reply_to(Event::Mail, out);
            }
            (Command::Recipient { path }, Envelope) => {
                self.take_recipient(path);
                self.reply_to(Event::Recipient, out);
            }
            (Command::Data, Envelope) => {
                self.phase = Header;
                self.reply_to(Event::Data, out);
            }
            (Command::Header { name, value }, Envelope | Header) => {
                self.phase = Header;
                self.take_header(name, value);
                self.reply_to(Event::Header, out);
            }
            (Command::EndOfHeader, Envelope | Header) => {
                self.end_header();
                self.reply_to(Event::EndOfHeader, out);
            }
            (Command::Body(bytes, end), Envelope | Header | Body) => {
                self.take_body(bytes);
                if end == End::Complete {
                    self.reply_to(Event::Body, out);
                }
            }
            (Command::EndOfMessage(bytes), Envelope | Header | Body) => {
                self.take_body(bytes);
                return Ok(self.complete(out));
            }
            (Command::Abort, _) => self.forget_message(),
            (Command::QuitForAnother, _) => {
                self.forget_message();
                self.client = None;
                self.origin = Origin::Smtp;
                self.phase = Negotiated;
            }
            (Command::UnknownSmtp, _) => self.reply_to(Event::Unknown, out),
            (command, _) => return Err(self.out_of_order(&command)),
        }
        Ok(Step::Next)
    }

    /// Appends the frame that tells the MTA that judging goes on.
    pub fn write_progress(out: &mut Vec<u8>) {
        frame::write(out, PROGRESS, &[]);
    }

    /// The answer to the message that was given out for judging; the connection is then ready for the next message.
    ///
    /// # Errors
    /// When the outcome's edits cannot be carried out. Nothing is to be sent of it; answer with another outcome.
    pub fn answer<'m>(
        &mut self,
        transaction: &'m Transaction,
        outcome: &'m Outcome,
    ) -> Result<Answer<'m>, EditError> {
        let mut answer = Answer { requests: Vec::new(), body: None, last: Vec::new() };
        match outcome {
            Outcome::Accept { remove, add, edits } => {
                let recipients = &transaction.envelope.recipients;
                self.write_removals(recipients, remove, &mut answer.requests)?;
                if !recipients.is_empty()
                    && remove.len() >= recipients.len()
                    && removes_all(recipients, remove)
                {
                    return Ok(self.finish(Answer::only(DISCARD)));
                }
                self.write_additions(add, &mut answer.requests)?;
                edits::check(self.agreement, &transaction.message, edits)?;
                edits::write_header(&mut answer.requests, self.agreement, &edits.header);
                if !edits.body.is_empty() {
                    answer.body = Some(BodyReplacement::new(&transaction.message, &edits.body));
                }
                frame::write(&mut answer.last, ACCEPT, &[]);
            }
            Outcome::Discard => frame::write(&mut answer.last, DISCARD, &[]),
            Outcome::Reject(text) => reply::write(&mut answer.last, Refusal::Permanent, text),
            Outcome::TemporaryFailure(text) => reply::write(&mut answer.last, Refusal::Temporary, text),
        }
        Ok(self.finish(answer))
    }

    /// Answers that the message cannot be taken now: for when there is no outcome.
    pub fn answer_failure(&mut self, code: EnhancedCode) -> Answer<'static> {
        let mut answer = Answer { requests: Vec::new(), body: None, last: Vec::new() };
        reply::write(&mut answer.last, Refusal::Temporary, &ReplyText::new(code, ""));
        self.finish(answer)
    }

    fn finish<'m>(&mut self, answer: Answer<'m>) -> Answer<'m> {
        self.phase = self.phase_between_messages();
        answer
    }

    /// Removes recipients by the exact bytes that the MTA gave, which is what Postfix compares.
    fn write_removals(
        &self,
        recipients: &[Address],
        remove: &[usize],
        out: &mut Vec<u8>,
    ) -> Result<(), EditError> {
        if !remove.is_empty() && !self.agreement.allows(Ability::DeleteRecipients) {
            return Err(EditError::NotOffered(Ability::DeleteRecipients));
        }
        for &index in remove {
            let recipient = recipients.get(index).ok_or(EditError::Recipient(index))?;
            frame::write(out, DELETE_RECIPIENT, &[recipient.raw(), b"\0"]);
        }
        Ok(())
    }

    fn write_additions(&self, add: &[String], out: &mut Vec<u8>) -> Result<(), EditError> {
        if !add.is_empty() && !self.agreement.allows(Ability::AddRecipients) {
            return Err(EditError::NotOffered(Ability::AddRecipients));
        }
        for address in add {
            frame::write(out, ADD_RECIPIENT, &[b"<", address.as_bytes(), b">\0"]);
        }
        Ok(())
    }

    fn reply_to(&self, event: Event, out: &mut Vec<u8>) {
        if self.agreement.expects_reply(event) {
            frame::write(out, CONTINUE, &[]);
        }
    }

    fn out_of_order(&self, command: &Command<'_>) -> SessionError {
        SessionError::OutOfOrder { command: command.name(), phase: self.phase.name() }
    }

    const fn phase_between_messages(&self) -> Phase {
        if self.client.is_some() { Phase::Connected } else { Phase::Negotiated }
    }

    fn forget_message(&mut self) {
        self.message = None;
        self.upcoming = MailMacros::default();
        self.phase = self.phase_between_messages();
    }

    fn take_macros(&mut self, macros: Macros<'_>) {
        // Macros come before their command, so those of MAIL belong to the message that it will begin.
        let into = match &mut self.message {
            Some(message) if macros.stage != b'M' => &mut message.macros,
            _ => &mut self.upcoming,
        };
        for (name, value) in macros.pairs() {
            match name {
                b"i" if !value.is_empty() => into.queue_id = Some(QueueId(lossy(value))),
                b"{auth_authen}" if !value.is_empty() => into.authenticated = Some(lossy(value)),
                _ => {}
            }
        }
    }

    /// Postfix hands over locally submitted mail (`non_smtpd_milters`) as from `localhost`, 127.0.0.1 or ::1, with the
    /// port 0; its other macros do not differ. An SMTP client always has a port. Sendmail gives a Unix address.
    fn take_client(&mut self, connection: &Connection<'_>) {
        let text = std::str::from_utf8(connection.address).unwrap_or("");
        let text = text.strip_prefix("IPv6:").unwrap_or(text);
        let address: Option<IpAddr> = match connection.family {
            Family::Inet | Family::Inet6 => text.parse().ok(),
            Family::Unix | Family::Unknown => None,
        };
        let is_loopback = address.is_some_and(|address| address.is_loopback());
        self.origin = if connection.family == Family::Unix || (connection.port == 0 && is_loopback) {
            Origin::Local
        } else {
            Origin::Smtp
        };
        self.client = Some(Client { address, name: lossy(connection.name) });
    }

    fn begin(&mut self, path: &[u8]) {
        self.message = Some(Box::new(Building {
            macros: std::mem::take(&mut self.upcoming),
            sender: Address::parse(path),
            recipients: Vec::new(),
            header_bytes: 0,
            header_fields: 0,
            incoming: Incoming::new(Arc::clone(&self.spools)),
            refused: None,
        }));
        self.phase = Phase::Envelope;
    }

    fn take_recipient(&mut self, path: &[u8]) {
        let Some(message) = &mut self.message else { return };
        match Address::parse(path) {
            Some(_) if message.recipients.len() >= self.limits.recipients => {
                let text = "more recipients than are taken at once; send to fewer at a time";
                message.refuse(Refusal::Temporary, EnhancedCode::TOO_MANY_RECIPIENTS, text);
            }
            Some(recipient) => message.recipients.push(recipient),
            None => {
                message.refuse(Refusal::Permanent, EnhancedCode::BAD_RECIPIENT, "a recipient has no address")
            }
        }
    }

    fn take_header(&mut self, name: &[u8], value: &[u8]) {
        let Some(message) = &mut self.message else { return };
        message.header_bytes = message.header_bytes.saturating_add(name.len() + value.len() + 4);
        message.header_fields += 1;
        if message.header_bytes > self.limits.header_bytes
            || message.header_fields > self.limits.header_fields
        {
            message.refuse(Refusal::Permanent, EnhancedCode::TOO_BIG, "the message header is too large");
        }
        if message.refused.is_some() {
            return;
        }
        let incoming = &mut message.incoming;
        incoming.append(name);
        // An MTA that doesn't keep the space after the colon eats one space, no tab (Sendmail, Postfix).
        let ate_space = !self.agreement.keeps_leading_space()
            && !matches!(value.first(), None | Some(b'\t' | b'\n' | b'\r'));
        incoming.append(if ate_space { b": " } else { b":" });
        append_with_crlf(incoming, value);
        incoming.append(b"\r\n");
    }

    fn end_header(&mut self) {
        if let Some(message) = &mut self.message {
            message.incoming.end_header();
        }
        self.phase = Phase::Body;
    }

    fn take_body(&mut self, bytes: &[u8]) {
        if self.phase != Phase::Body {
            self.end_header();
        }
        if let Some(message) = &mut self.message
            && message.refused.is_none()
        {
            message.incoming.append(bytes);
        }
    }

    fn complete(&mut self, out: &mut Vec<u8>) -> Step {
        self.phase = self.phase_between_messages();
        let Some(message) = self.message.take() else { return Step::Next };
        let Building { macros, sender, recipients, incoming, refused, .. } = *message;
        if let Some((refusal, text)) = refused {
            tracing::info!(queue_id = macros.queue_id.as_ref().map(tracing::field::display), code = %text.code,
                "refused a message that is over a limit");
            reply::write(out, refusal, &text);
            return Step::Next;
        }
        match incoming.finish() {
            Ok(complete) => {
                self.phase = Phase::Judging;
                let envelope = Arc::new(Envelope {
                    queue_id: macros.queue_id,
                    origin: self.origin,
                    client: self.client.clone(),
                    authenticated: macros.authenticated,
                    sender,
                    recipients,
                });
                Step::Judge(Box::new(Ready { envelope, message: complete }))
            }
            Err(error) => {
                tracing::error!(queue_id = macros.queue_id.as_ref().map(tracing::field::display), %error,
                    "a message could not be kept: temporary failure");
                reply::write(out, Refusal::Temporary, &ReplyText::new(spool_code(&error), ""));
                Step::Next
            }
        }
    }
}

/// What to tell the sender of a message that could not be kept.
pub fn spool_code(error: &SpoolError) -> EnhancedCode {
    if error.is_full() { EnhancedCode::SYSTEM_FULL } else { EnhancedCode::SYSTEM }
}

/// An answer that is being written: requests for edits, the new body piece by piece, the decision.
#[derive(Debug)]
pub struct Answer<'m> {
    requests: Vec<u8>,
    body: Option<BodyReplacement<'m>>,
    last: Vec<u8>,
}

impl Answer<'_> {
    fn only(code: u8) -> Self {
        let mut last = Vec::new();
        frame::write(&mut last, code, &[]);
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
        out.append(&mut self.last);
        false
    }
}

impl Building {
    /// Notes the first reason for which the message will be refused, and lets go of what has come.
    fn refuse(&mut self, refusal: Refusal, code: EnhancedCode, text: &str) {
        if self.refused.is_none() {
            self.refused = Some((refusal, ReplyText::new(code, text)));
            self.incoming.clear();
        }
    }
}

impl Phase {
    const fn name(self) -> &'static str {
        match self {
            Self::New => "nothing is negotiated",
            Self::Negotiated => "no client is connected",
            Self::Connected => "between messages",
            Self::Envelope => "in the envelope",
            Self::Header => "in the header",
            Self::Body => "in the body",
            Self::Judging => "a message is being judged",
        }
    }
}

/// Whether no recipient would be left. An address that is removed is removed wherever it stands.
fn removes_all(recipients: &[Address], remove: &[usize]) -> bool {
    let removed: std::collections::HashSet<&[u8]> =
        remove.iter().filter_map(|&index| recipients.get(index)).map(Address::raw).collect();
    recipients.iter().all(|recipient| removed.contains(recipient.raw()))
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// MTAs give folds as bare line feeds (libmilter's documentation of xxfi_header); in a message they are CRLF.
fn append_with_crlf(incoming: &mut Incoming, value: &[u8]) {
    let mut rest = value;
    while let Some(at) = rest.iter().position(|&byte| byte == b'\n') {
        let (line, after) = rest.split_at(at);
        incoming.append(line.strip_suffix(b"\r").unwrap_or(line));
        incoming.append(b"\r\n");
        rest = after.get(1..).unwrap_or_default();
    }
    incoming.append(rest);
}

#[cfg(test)]
mod tests {
    use super::super::frame::Reassembly;
    use super::super::spool::Spooled;
    use super::*;
    use crate::respond::{Edits, HeaderEdit, Splice};
    use proptest::prelude::{any, prop, prop_assert, proptest};
    use std::ops::ControlFlow;

    const ALL_ACTIONS: u32 = 0x1ff;
    const ALL_STEPS: u32 = 0x1f_ffff;

    fn session_with(limits: Limits) -> Session {
        let limits = Arc::new(limits);
        let spools = Arc::new(Spools::new(std::env::temp_dir(), &limits));
        Session::new(limits, spools)
    }

    fn offer(version: u32, actions: u32, steps: u32) -> Vec<u8> {
        frame(b'O', [version, actions, steps].map(u32::to_be_bytes).as_flattened())
    }

    fn frame(code: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        frame::write(&mut out, code, &[payload]);
        out
    }

    /// What came of bytes: the session, its replies, the messages it wanted judged.
    struct Played {
        session: Session,
        out: Vec<u8>,
        judged: Vec<(Arc<Envelope>, Spooled)>,
        end: Option<Result<(), SessionError>>,
    }

    /// Plays chunks of bytes; every message is accepted.
    fn play(session: Session, chunks: &[&[u8]]) -> Played {
        let mut played = Played { session, out: Vec::new(), judged: Vec::new(), end: None };
        let mut frames = Reassembly::new(1 << 20);
        for chunk in chunks {
            let mut bytes = *chunk;
            while played.end.is_none() {
                let Played { session, out, .. } = &mut played;
                let step = frames.feed(bytes, |frame| {
                    let command = Command::parse(frame).map_err(SessionError::from);
                    match command.and_then(|command| session.handle(command, out)) {
                        Ok(Step::Next) => ControlFlow::Continue(()),
                        step => ControlFlow::Break(step),
                    }
                });
                bytes = b"";
                match step.unwrap() {
                    None => break,
                    Some(Ok(Step::Judge(ready))) => accept(&mut played, *ready, &Outcome::accept()),
                    Some(Ok(_)) => played.end = Some(Ok(())),
                    Some(Err(error)) => played.end = Some(Err(error)),
                }
            }
        }
        played
    }

    fn accept(played: &mut Played, ready: Ready, outcome: &Outcome) {
        let Complete::Ready(message) = ready.message else { panic!("not in memory") };
        let transaction = Transaction { envelope: ready.envelope, message };
        let mut answer = played.session.answer(&transaction, outcome).unwrap();
        while answer.write_next(&mut played.out) {}
        played.judged.push((Arc::clone(&transaction.envelope), transaction.message.clone()));
    }

    fn codes(mut bytes: &[u8]) -> String {
        let mut codes = String::new();
        while let Some((frame, taken)) = frame::split(bytes, 1 << 20).unwrap() {
            codes.push(char::from(frame.code));
            bytes = &bytes[taken..];
        }
        codes
    }

    fn whole_message() -> Vec<u8> {
        [
            frame(b'D', b"M{auth_authen}\0j.carter\0"),
            frame(b'M', b"<j.carter@oakfield.example>\0SIZE=20\0"),
            frame(b'R', b"<office@beechwood.example>\0"),
            frame(b'R', b"head@oakfield.example\0NOTIFY=NEVER\0"),
            frame(b'L', b"Subject\0 Trip\0"),
            frame(b'L', b"X-Fold\0 one\n\ttwo\0"),
            frame(b'B', b"Dear all,\r\n"),
            frame(b'B', b"bye\r\n"),
            frame(b'D', b"Ei\x004dHxyz\0"),
            frame(b'E', b""),
        ]
        .concat()
    }

    fn whole_session() -> Vec<u8> {
        [
            offer(6, ALL_ACTIONS, ALL_STEPS),
            frame(b'D', b"C"),
            frame(b'C', b"client.example\x004\x09\xdd192.0.2.1\0"),
            whole_message(),
            frame(b'A', b""),
            whole_message(),
            frame(b'Q', b""),
        ]
        .concat()
    }

    fn check_whole_session(played: &Played) {
        assert_eq!(played.end, Some(Ok(())));
        assert_eq!(codes(&played.out), "Oaa");
        assert_eq!(played.judged.len(), 2);
        for (envelope, message) in &played.judged {
            assert_eq!(message.bytes(), b"Subject: Trip\r\nX-Fold: one\r\n\ttwo\r\n\r\nDear all,\r\nbye\r\n");
            assert_eq!(&message.bytes()[message.body_start()..], b"Dear all,\r\nbye\r\n");
            assert_eq!(envelope.queue_id, Some(QueueId("4dHxyz".into())));
            assert_eq!(envelope.authenticated.as_deref(), Some("j.carter"));
            assert_eq!(envelope.origin, Origin::Smtp);
            let client = envelope.client.as_ref().unwrap();
            assert_eq!(client.name, "client.example");
            assert_eq!(client.address, Some([192, 0, 2, 1].into()));
            assert_eq!(envelope.sender.as_ref().unwrap().raw(), b"<j.carter@oakfield.example>");
            let recipients: Vec<&[u8]> = envelope.recipients.iter().map(Address::raw).collect();
            assert_eq!(recipients, [&b"<office@beechwood.example>"[..], b"head@oakfield.example"]);
        }
    }

    #[test]
    fn a_session_is_the_same_however_it_is_cut() {
        let bytes = whole_session();
        check_whole_session(&play(session_with(Limits::default()), &[&bytes]));
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        check_whole_session(&play(session_with(Limits::default()), &single));
        for at in 0..bytes.len() {
            let (one, two) = bytes.split_at(at);
            check_whole_session(&play(session_with(Limits::default()), &[one, two]));
        }
    }

    /// For each phase, what brings a session there; then each command with the replies that an MTA without the
    /// no-reply flags gets (`-` none), and the phase after it; `!` is an error, `.` the end.
    #[test]
    fn every_command_in_every_phase() {
        let commands: [(char, Vec<u8>); 15] = [
            ('O', offer(2, 0x3f, 0x7f)),
            ('D', frame(b'D', b"Ej\0mx\0")),
            ('C', frame(b'C', b"c\0U")),
            ('H', frame(b'H', b"c\0")),
            ('M', frame(b'M', b"<>\0")),
            ('R', frame(b'R', b"<a@b.example>\0")),
            ('T', frame(b'T', b"")),
            ('L', frame(b'L', b"A\0b\0")),
            ('N', frame(b'N', b"")),
            ('B', frame(b'B', b"x")),
            ('E', frame(b'E', b"")),
            ('A', frame(b'A', b"")),
            ('Q', frame(b'Q', b"")),
            ('K', frame(b'K', b"")),
            ('U', frame(b'U', b"FOO\0")),
        ];
        // In the order of `commands`: O D C H M R T L N B E A Q K U. The letter after the reply is the phase.
        let table = [
            ("", "new", "On !  !  !  !  !  !  !  !  !  !  !  .  !  !"),
            ("O", "negotiated", "!  -n cc cn ce !  !  !  !  !  !  -n .  -n cn"),
            ("OC", "connected", "!  -c !  cc ce !  !  !  !  !  !  -c .  -n cc"),
            ("OCM", "envelope", "!  -e !  !  ce ce ch ch cb cb ac -c .  -n ce"),
            ("OCMT", "header", "!  -h !  !  ce !  !  ch cb cb ac -c .  -n ch"),
            ("OCMRL", "header", "!  -h !  !  ce !  !  ch cb cb ac -c .  -n ch"),
            ("OCMRLN", "body", "!  -b !  !  ce !  !  !  !  cb ac -c .  -n cb"),
            ("OCMRLB", "body", "!  -b !  !  ce !  !  !  !  cb ac -c .  -n cb"),
        ];
        let bytes_of = |letter: char| &commands.iter().find(|command| command.0 == letter).unwrap().1;
        for (way, phase, row) in table {
            let cells: Vec<&str> = row.split_whitespace().collect();
            assert_eq!(cells.len(), commands.len(), "row {phase}");
            for ((letter, command), cell) in commands.iter().zip(cells) {
                let way: Vec<u8> = way.chars().flat_map(|letter| bytes_of(letter).clone()).collect();
                let before = play(session_with(Limits::default()), &[&way]);
                assert_eq!(before.end, None);
                let after = play(before.session, &[command]);
                let seen = match after.end {
                    Some(Err(SessionError::OutOfOrder { .. })) => "!".to_owned(),
                    Some(Ok(())) => ".".to_owned(),
                    None => {
                        let replies = codes(&after.out);
                        let phase = match after.session.phase {
                            Phase::New => "?",
                            Phase::Negotiated => "n",
                            Phase::Connected => "c",
                            Phase::Envelope => "e",
                            Phase::Header => "h",
                            Phase::Body => "b",
                            Phase::Judging => "j",
                        };
                        format!("{}{phase}", if replies.is_empty() { "-" } else { &replies })
                    }
                    other => panic!("{other:?}"),
                };
                assert_eq!(seen, cell, "{letter} in phase {phase}");
            }
        }
    }

    #[test]
    fn while_a_message_is_judged_nothing_else_is_taken() {
        let mut session = session_with(Limits::default());
        let bytes = [offer(6, ALL_ACTIONS, ALL_STEPS), whole_message()].concat();
        let mut rest = &bytes[..];
        let mut judging = false;
        while let Some((frame, taken)) = frame::split(rest, 1 << 20).unwrap() {
            let step = session.handle(Command::parse(frame).unwrap(), &mut Vec::new()).unwrap();
            judging = matches!(step, Step::Judge(_));
            rest = &rest[taken..];
        }
        assert!(judging);
        for command in [Command::Abort, Command::Quit, Command::EndOfMessage(b"")] {
            assert!(session.handle(command, &mut Vec::new()).is_err());
        }
        assert!(!session.is_idle());
        let _ = session.answer_failure(EnhancedCode::SYSTEM);
        assert!(session.is_idle());
    }

    #[test]
    fn an_old_mta_gets_a_reply_to_every_command_and_none_to_macros_and_abort() {
        for version in [2, 3, 4, 6] {
            let bytes = [
                offer(version, 0x3f, 0x7f),
                frame(b'D', b"Cj\0mx.example\0"),
                frame(b'C', b"c\0U"),
                frame(b'H', b"c\0"),
                frame(b'M', b"<>\0"),
                frame(b'A', b""),
                whole_message(),
            ]
            .concat();
            let played = play(session_with(Limits::default()), &[&bytes]);
            // O, then C H M, then M R R L L B B and the decision.
            assert_eq!(
                codes(&played.out),
                format!("O{}{}a", "c".repeat(3), "c".repeat(7)),
                "version {version}"
            );
        }
    }

    #[test]
    fn header_bytes_are_put_together_as_they_came() {
        type Case = (&'static [u8], &'static [u8], &'static [u8], &'static [u8]);
        // Name, value, what is assembled, the value where the MTA doesn't keep the space.
        let fields: [Case; 10] = [
            (b"A", b" plain", b"A: plain\r\n", b"plain"),
            (b"A", b"  two", b"A:  two\r\n", b" two"),
            (b"B", b"\ttab", b"B:\ttab\r\n", b"\ttab"),
            (b"C", b"", b"C:\r\n", b""),
            (b"D", b" a\n b\n\tc", b"D: a\r\n b\r\n\tc\r\n", b"a\n b\n\tc"),
            (b"E", b"\n folded at once", b"E:\r\n folded at once\r\n", b"\n folded at once"),
            (b"F", b" caf\xe9 \xff", b"F: caf\xe9 \xff\r\n", b"caf\xe9 \xff"),
            (b"G", b" crlf\r\n already", b"G: crlf\r\n already\r\n", b"crlf\r\n already"),
            (b"H", b" bare\rreturn", b"H: bare\rreturn\r\n", b"bare\rreturn"),
            (b"A", b" plain", b"A: plain\r\n", b"plain"),
        ];
        let expected: Vec<u8> = fields.iter().flat_map(|field| field.2.to_vec()).chain(*b"\r\n").collect();
        for (steps, keeps) in [(ALL_STEPS, true), (0x7f, false)] {
            let mut bytes = [offer(6, ALL_ACTIONS, steps), frame(b'M', b"<>\0")].concat();
            for (name, with_space, _, without) in fields {
                let value = if keeps { with_space } else { without };
                bytes.extend(frame(b'L', &[name, b"\0", value, b"\0"].concat()));
            }
            bytes.extend(frame(b'E', b""));
            let played = play(session_with(Limits::default()), &[&bytes]);
            let message = &played.judged[0].1;
            assert_eq!(message.bytes(), expected, "space kept: {keeps}");
            assert_eq!(message.body_start(), expected.len());
        }
        let tight = [
            offer(6, ALL_ACTIONS, ALL_STEPS),
            frame(b'M', b"<>\0"),
            frame(b'L', b"A\0tight\0"),
            frame(b'E', b""),
        ];
        let played = play(session_with(Limits::default()), &[&tight.concat()]);
        assert_eq!(played.judged[0].1.bytes(), b"A:tight\r\n\r\n");
    }

    #[test]
    fn where_mail_came_from() {
        for (connect, origin, address) in [
            (&b"localhost\x004\0\x00127.0.0.1\0"[..], Origin::Local, Some("127.0.0.1")),
            (b"localhost\x006\0\0::1\0", Origin::Local, Some("::1")),
            (b"localhost\x006\0\0IPv6:::1\0", Origin::Local, Some("::1")),
            (b"localhost\x004\xc0\x01127.0.0.1\0", Origin::Smtp, Some("127.0.0.1")),
            (b"[192.0.2.7]\x004\0\x00192.0.2.7\0", Origin::Smtp, Some("192.0.2.7")),
            (b"localhost\0L\0\0/var/run/x\0", Origin::Local, None),
            (b"unknown\0U", Origin::Smtp, None),
            (b"odd\x004\0\x19not an address\0", Origin::Smtp, None),
        ] {
            let bytes = [
                offer(6, ALL_ACTIONS, ALL_STEPS),
                frame(b'C', connect),
                frame(b'M', b"<>\0"),
                frame(b'E', b""),
            ];
            let played = play(session_with(Limits::default()), &[&bytes.concat()]);
            let envelope = &played.judged[0].0;
            assert_eq!(envelope.origin, origin, "{}", connect.escape_ascii());
            assert_eq!(envelope.sender, None);
            let seen = envelope.client.as_ref().unwrap().address.map(|address| address.to_string());
            assert_eq!(seen.as_deref(), address);
        }
    }

    #[test]
    fn nothing_of_one_message_or_client_reaches_the_next() {
        let plain = [frame(b'M', b"<>\0"), frame(b'R', b"<x@y.example>\0"), frame(b'E', b"")].concat();
        for between in [b'A', b'K'] {
            let bytes = [
                offer(6, ALL_ACTIONS, ALL_STEPS),
                frame(b'C', b"c\x004\0\x19192.0.2.1\0"),
                whole_message(),
                frame(b'D', b"M{auth_authen}\0left.over\0i\0OLD\0"),
                frame(b'M', b"<old@oakfield.example>\0"),
                frame(b'L', b"Old\0 header\0"),
                frame(between, b""),
                plain.clone(),
            ];
            let played = play(session_with(Limits::default()), &[&bytes.concat()]);
            let (envelope, message) = &played.judged[1];
            assert_eq!((envelope.authenticated.as_deref(), &envelope.queue_id), (None, &None));
            assert_eq!(envelope.recipients.len(), 1);
            assert_eq!(message.bytes(), b"\r\n");
            assert_eq!(envelope.client.is_some(), between == b'A');
        }
    }

    #[test]
    fn mail_in_the_middle_of_a_message_begins_another() {
        let bytes = [
            offer(6, ALL_ACTIONS, ALL_STEPS),
            frame(b'D', b"M{auth_authen}\0first\0"),
            frame(b'M', b"<one@oakfield.example>\0"),
            frame(b'L', b"A\0 b\0"),
            frame(b'D', b"M{auth_authen}\0second\0"),
            frame(b'M', b"<two@oakfield.example>\0"),
            frame(b'E', b"body with the end\r\n"),
        ];
        let played = play(session_with(Limits::default()), &[&bytes.concat()]);
        let (envelope, message) = &played.judged[0];
        assert_eq!(envelope.sender.as_ref().unwrap().folded(), "two@oakfield.example");
        assert_eq!(envelope.authenticated.as_deref(), Some("second"));
        assert_eq!(message.bytes(), b"\r\nbody with the end\r\n");
    }

    #[test]
    fn what_is_over_a_limit_is_refused_at_the_end_and_kept_nowhere() {
        let limits = || Limits { header_bytes: 100, header_fields: 3, recipients: 2, ..Limits::default() };
        let long = frame(b'L', &[b"A\0", &[b'x'; 100][..], b"\0"].concat());
        let field = frame(b'L', b"A\0 b\0");
        let recipient = frame(b'R', b"<a@b.example>\0");
        for (frames, expected) in [
            (long, &b"550 5.3.4"[..]),
            (field.repeat(4), b"550 5.3.4"),
            (recipient.repeat(3), b"451 4.5.3"),
            (frame(b'R', b"<>\0"), b"550 5.1.3"),
        ] {
            let bytes = [
                offer(6, ALL_ACTIONS, ALL_STEPS),
                frame(b'M', b"<>\0"),
                frames,
                frame(b'B', &[b'x'; 5_000]),
                frame(b'E', b""),
                whole_message(),
            ];
            let played = play(session_with(limits()), &[&bytes.concat()]);
            assert_eq!(codes(&played.out), "Oya", "the next message is taken");
            let text = String::from_utf8_lossy(&played.out);
            assert!(text.contains(&*String::from_utf8_lossy(expected)), "{text:?}");
            assert_eq!(
                played.session.spools.bytes_in_memory(),
                played.judged[0].1.bytes().len().max(4 << 10)
            );
        }
        let fine = [
            offer(6, ALL_ACTIONS, ALL_STEPS),
            frame(b'M', b"<>\0"),
            recipient.repeat(2),
            field.repeat(3),
            frame(b'E', b""),
        ];
        assert_eq!(codes(&play(session_with(limits()), &[&fine.concat()]).out), "Oa");
    }

    /// Answers one message with `outcome`; the frames' codes, or the error.
    fn answered(actions: u32, outcome: &Outcome) -> Result<(String, Vec<u8>), EditError> {
        let mut session = session_with(Limits::default());
        let bytes = [offer(6, actions, ALL_STEPS), whole_message()].concat();
        let mut rest = &bytes[..];
        while let Some((frame, taken)) = frame::split(rest, 1 << 20).unwrap() {
            rest = &rest[taken..];
            if let Step::Judge(ready) =
                session.handle(Command::parse(frame).unwrap(), &mut Vec::new()).unwrap()
            {
                let Complete::Ready(message) = ready.message else { panic!("not in memory") };
                let transaction = Transaction { envelope: ready.envelope, message };
                let mut out = Vec::new();
                let mut answer = session.answer(&transaction, outcome)?;
                while answer.write_next(&mut out) {}
                return Ok((codes(&out), out));
            }
        }
        panic!("nothing to judge");
    }

    #[test]
    fn outcomes_become_frames_in_the_order_that_postfix_wants() {
        let accept = |remove: &[usize], edits: Edits| Outcome::Accept {
            remove: remove.to_vec(),
            add: Vec::new(),
            edits,
        };
        let edits = Edits {
            header: vec![HeaderEdit::Add { name: "X-A".into(), value: b" b".to_vec() }],
            body: vec![Splice { range: 44..44, with: b"Note\r\n".to_vec() }],
        };
        let text = ReplyText::new(EnhancedCode::POLICY, "no");
        let add = vec!["dsl@oakfield.example".to_owned(), "head@oakfield.example".to_owned()];
        let copied = Outcome::Accept { remove: Vec::new(), add, edits: Edits::default() };
        for (outcome, expected) in [
            (Outcome::accept(), "a"),
            (accept(&[0], Edits::default()), "-a"),
            (accept(&[0, 0], Edits::default()), "--a"),
            (accept(&[1, 0], Edits::default()), "d"),
            (accept(&[1], edits.clone()), "-hba"),
            (copied.clone(), "++a"),
            (Outcome::Discard, "d"),
            (Outcome::Reject(text.clone()), "y"),
            (Outcome::TemporaryFailure(text), "y"),
        ] {
            let (codes, _) = answered(ALL_ACTIONS, &outcome).unwrap();
            assert_eq!(codes, expected, "{outcome:?}");
        }
        let (_, bytes) = answered(ALL_ACTIONS, &accept(&[0], Edits::default())).unwrap();
        assert!(bytes.starts_with(b"\0\0\0\x1c-<office@beechwood.example>\0"), "{}", bytes.escape_ascii());
        assert_eq!(
            answered(ALL_ACTIONS, &accept(&[2], Edits::default())).unwrap_err(),
            EditError::Recipient(2)
        );
        let (_, bytes) = answered(ALL_ACTIONS, &copied).unwrap();
        assert!(bytes.starts_with(b"\0\0\0\x18+<dsl@oakfield.example>\0"), "{}", bytes.escape_ascii());
        assert_eq!(answered(0, &copied).unwrap_err(), EditError::NotOffered(Ability::AddRecipients));
        let lacking = EditError::NotOffered(Ability::DeleteRecipients);
        assert_eq!(answered(0, &accept(&[1], Edits::default())).unwrap_err(), lacking);
        assert_eq!(answered(0, &accept(&[], edits)).unwrap_err(), EditError::NotOffered(Ability::AddHeaders));
    }

    proptest! {
        #[test]
        fn random_frames_never_panic_and_stay_within_the_caps(
            frames in prop::collection::vec(
                (prop::sample::select(b"ODCHMRTLNBEAQKU?".to_vec()), prop::collection::vec(any::<u8>(), 0..60)),
                0..60,
            ),
        ) {
            let limits = Limits {
                header_bytes: 200,
                header_fields: 5,
                recipients: 3,
                body_in_memory_bytes: 300,
                bodies_in_memory_bytes: 300,
                ..Limits::default()
            };
            let mut session = session_with(limits);
            let mut out = Vec::new();
            session.handle(Command::parse(frame::Frame { code: b'O', payload: &[6; 12], end: End::Complete }).unwrap(), &mut out).unwrap();
            for (code, payload) in frames {
                let frame = frame::Frame { code, payload: &payload, end: End::Complete };
                let Ok(command) = Command::parse(frame) else { continue };
                match session.handle(command, &mut out) {
                    Ok(Step::Judge(_)) => {
                        let mut answer = session.answer_failure(EnhancedCode::SYSTEM);
                        while answer.write_next(&mut out) {}
                    }
                    Ok(Step::Next) => {}
                    Ok(Step::Close) | Err(_) => break,
                }
                prop_assert!(session.spools.bytes_in_memory() <= 300);
                if let Some(message) = &session.message {
                    prop_assert!(message.recipients.len() <= 3);
                }
            }
        }
    }
}
