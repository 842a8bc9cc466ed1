//! The protocol's state machine: commands in, replies out, and when a message is complete. It does no I/O of its own.

use std::net::IpAddr;
use std::sync::Arc;

use super::answer::Answer;
use super::command::{Command, CommandError, Connection, Family, Macros};
use super::edits::EditError;
use super::frame::{self, End};
use super::negotiate::{Agreement, Event, VersionError};
use super::reply::{self, EnhancedCode, Refusal, ReplyText};
use super::spool::{Complete, Incoming, SpoolError, Spools};
use super::{Outcome, Transaction};
use crate::limits::Limits;
use crate::message::{Address, Client, Envelope, Origin, QueueId};

const CONTINUE: u8 = b'c';
const PROGRESS: u8 = b'p';

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

    /// Room for the body's next bytes in the message itself, `wanted` of them or fewer: what is read into it need not be
    /// copied. [`Session::fill_body`] says how many came. `None` where they have to be handed over as a command.
    pub fn body_room(&mut self, wanted: usize) -> Option<&mut [u8]> {
        let is_body = self.phase == Phase::Body;
        let message = self.message.as_mut().filter(|message| is_body && message.refused.is_none())?;
        message.incoming.room(wanted)
    }

    /// So many of the body's bytes came into the room.
    pub fn fill_body(&mut self, count: usize) {
        if let Some(message) = &mut self.message {
            message.incoming.fill(count);
        }
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
        let answer = Answer::new(self.agreement, transaction, outcome)?;
        self.phase = self.phase_between_messages();
        Ok(answer)
    }

    /// Answers that the message cannot be taken now: for when there is no outcome.
    pub fn answer_failure(&mut self, code: EnhancedCode) -> Answer<'static> {
        self.phase = self.phase_between_messages();
        Answer::failure(code)
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
                // Postfix tells it twice.
                b"i" if into.queue_id.as_ref().is_some_and(|known| known.0.as_bytes() == value) => {}
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
mod tests;
