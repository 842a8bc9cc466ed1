//! An answer as a message: header, text and HTML, and the original where it comes back. It chooses no words.

use jiff::Zoned;

use super::content::Account;
use super::{AnswerContext, Outcome, text};
use crate::message::Message;
use crate::respond::header::unstructured;
use crate::respond::lines::unused_boundary;
use crate::respond::transfer::{LineEnds, encode_base64, encode_quoted_printable};

/// The field by which one mailwarden knows another's answers, and its own. It stays on them, unlike those that passes use.
pub(in crate::respond) const LOOP_FIELD: &str = "Mailwarden-Answer";

/// What the header of an answer or a letter says.
pub(super) struct Head<'a> {
    /// An address, or a name and an address in angle brackets.
    pub(super) from: &'a str,
    pub(super) to: String,
    /// As a header holds it.
    pub(super) subject: String,
    /// What makes its Message-ID one of its own.
    pub(super) name: &'a str,
    pub(super) reply_to: Option<&'a str>,
    /// The Message-ID that it answers; of what answers nothing, one that it shares with others of its kind.
    pub(super) answers: Option<String>,
    pub(super) kind: Kind,
    pub(super) at: &'a Zoned,
}

/// How a message that no person wrote came about (RFC 3834 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Somebody's message led to it, and it goes to whoever sent that.
    Replied,
    /// It is sent of its own accord.
    Generated {
        /// Whether mail programs are to show that it cannot wait.
        urgent: bool,
    },
}

/// The complete answer, from its header to its last line.
pub(super) fn write(context: &AnswerContext<'_>, account: &Account) -> Vec<u8> {
    let original = context.message.raw;
    let to = context.envelope.sender.as_ref().map(|sender| {
        let raw = String::from_utf8_lossy(sender.raw());
        clean(raw.trim().trim_start_matches('<').trim_end_matches('>'))
    });
    let head = Head {
        from: context.from,
        to: to.unwrap_or_default(),
        subject: subject(context.message, account),
        name: context.reference,
        reply_to: context.confirmation.map(|how| how.reply_to),
        answers: message_id(context.message),
        kind: Kind::Replied,
        at: context.at,
    };
    if context.outcome != Outcome::Returned {
        return compose(&head, account);
    }
    let attached = Attached::of(original);
    let outer = unused_boundary(original, &format!("{}a", context.reference));
    let inner = unused_boundary(original, &format!("{}b", context.reference));
    let eight_bit = matches!(attached, Attached::Message { eight_bit: true, .. });
    let mut out = header(&head, &format!("multipart/mixed; boundary=\"{outer}\""), eight_bit);
    let lead = format!("--{outer}\r\nContent-Type: multipart/alternative; boundary=\"{inner}\"\r\n\r\n");
    out.extend_from_slice(lead.as_bytes());
    alternatives(&mut out, &inner, account);
    out.extend_from_slice(format!("\r\n--{outer}\r\n").as_bytes());
    attached.write(&mut out);
    out.extend_from_slice(format!("\r\n--{outer}--\r\n").as_bytes());
    out
}

/// A message of text and HTML, with nothing attached.
pub(super) fn compose(head: &Head<'_>, account: &Account) -> Vec<u8> {
    let written = [text::write(&account.blocks), account.page()].concat();
    let boundary = unused_boundary(written.as_bytes(), head.name);
    let mut out = header(head, &format!("multipart/alternative; boundary=\"{boundary}\""), false);
    alternatives(&mut out, &boundary, account);
    out
}

fn alternatives(out: &mut Vec<u8>, boundary: &str, account: &Account) {
    for (kind, text) in [("text/plain", text::write(&account.blocks)), ("text/html", account.page())] {
        let (encoding, body) = encoded(&text);
        let lines = format!(
            "--{boundary}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
        );
        out.extend_from_slice(lines.as_bytes());
        out.extend_from_slice(&body);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
}

fn header(head: &Head<'_>, content_type: &str, eight_bit: bool) -> Vec<u8> {
    let (_, from_address) = name_and_address(head.from);
    let domain = from_address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    let mut lines = vec![
        format!("From: {}", mailbox(head.from)),
        format!("To: {}", head.to),
        format!("Subject: {}", head.subject),
        format!("Date: {}", head.at.strftime("%a, %-d %b %Y %H:%M:%S %z")),
        format!("Message-ID: <{}.{}@{domain}>", clean(head.name), head.at.timestamp().as_second()),
    ];
    if let Some(address) = head.reply_to {
        lines.push(format!("Reply-To: {}", clean(address)));
    }
    if let Some(id) = &head.answers {
        if head.kind == Kind::Replied {
            lines.push(format!("In-Reply-To: {id}"));
        }
        lines.push(format!("References: {id}"));
    }
    let submitted = match head.kind {
        Kind::Replied => "auto-replied",
        Kind::Generated { urgent } => {
            // RFC 2156 §5.3.4; what mail programs go by.
            lines.extend(urgent.then(|| "Importance: high".to_owned()));
            "auto-generated"
        }
    };
    lines.extend([
        format!("Auto-Submitted: {submitted}"),
        "X-Auto-Response-Suppress: All".to_owned(),
        format!("{LOOP_FIELD}: {}", clean(head.name)),
        "MIME-Version: 1.0".to_owned(),
        format!("Content-Type: {content_type}"),
    ]);
    if eight_bit {
        lines.push("Content-Transfer-Encoding: 8bit".to_owned());
    }
    let mut out = lines.join("\r\n").into_bytes();
    out.extend_from_slice(b"\r\n\r\n");
    out
}

/// The original's subject stays in its own encoding, where it is one that a header can hold.
fn subject(original: &Message<'_>, account: &Account) -> String {
    const LONGEST: usize = 2_000;
    let lead = unstructured(&account.lead);
    let written = original.fields("Subject").next().and_then(|field| std::str::from_utf8(field.value).ok());
    let fits = |text: &&str| {
        let lines = text.split("\r\n");
        let folded =
            lines.clone().skip(1).all(|line| line.starts_with([' ', '\t']) && !line.trim().is_empty());
        let plain =
            lines.clone().all(|line| line.len() < 900 && line.bytes().all(|b| matches!(b, b'\t' | 32..=126)));
        text.len() < LONGEST && folded && plain
    };
    match written.map(str::trim).filter(fits) {
        Some("") | None => unstructured(&account.title),
        Some(subject) if lead.len() + subject.len() < 60 => format!("{lead} {subject}"),
        Some(subject) => format!("{lead}\r\n {subject}"),
    }
}

/// A message's Message-ID, where it is one (RFC 5322 §3.6.4), angle brackets included.
pub fn message_id(original: &Message<'_>) -> Option<String> {
    let field = original.fields("Message-ID").next()?;
    let id = std::str::from_utf8(field.value).ok()?.trim();
    let inside = id.strip_prefix('<')?.strip_suffix('>')?;
    let whole =
        inside.contains('@') && inside.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>".contains(&byte));
    (whole && id.len() < 900).then(|| id.to_owned())
}

fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

fn name_and_address(text: &str) -> (String, String) {
    let text = clean(text);
    match text.split_once('<') {
        Some((name, address)) => {
            (name.trim().trim_matches('"').to_owned(), address.trim_end().trim_end_matches('>').to_owned())
        }
        None => (String::new(), text.trim().to_owned()),
    }
}

/// A mailbox as a header holds it (RFC 5322 §3.4).
fn mailbox(text: &str) -> String {
    let (name, address) = name_and_address(text);
    if name.is_empty() {
        return address;
    }
    let encoded = unstructured(&name);
    if encoded.starts_with("=?") {
        return format!("{encoded}\r\n <{address}>");
    }
    format!("\"{}\" <{address}>", name.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A text for a part: as it is where it is plain, else in quoted-printable.
fn encoded(text: &str) -> (&'static str, Vec<u8>) {
    let wire = text.replace('\n', "\r\n");
    if wire.is_ascii() && wire.lines().all(|line| line.len() < 990) {
        return ("7bit", wire.into_bytes());
    }
    ("quoted-printable", encode_quoted_printable(wire.as_bytes(), b"\r\n", LineEnds::Breaks))
}

/// The original as it goes into the answer.
enum Attached<'x> {
    /// As a message, byte for byte.
    Message { bytes: &'x [u8], eight_bit: bool },
    /// As a file in base64: a message part may not be encoded (RFC 2046 §5.2.1), and SMTP would not carry these bytes
    /// unchanged (RFC 5321 §2.3.8, §4.5.3.1.6).
    File(&'x [u8]),
}

impl<'x> Attached<'x> {
    fn of(bytes: &'x [u8]) -> Self {
        if is_wire_text(bytes) {
            Self::Message { bytes, eight_bit: !bytes.is_ascii() }
        } else {
            Self::File(bytes)
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        const DISPOSITION: &str = "Content-Disposition: attachment; filename=\"original.eml\"";
        match self {
            Self::Message { bytes, eight_bit } => {
                let encoding = if *eight_bit { "8bit" } else { "7bit" };
                let lines = format!(
                    "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: {encoding}\r\n{DISPOSITION}\r\n\r\n"
                );
                out.extend_from_slice(lines.as_bytes());
                out.extend_from_slice(bytes);
            }
            Self::File(bytes) => {
                let lines = format!(
                    "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n{DISPOSITION}\r\n\r\n"
                );
                out.extend_from_slice(lines.as_bytes());
                out.extend_from_slice(&encode_base64(bytes, 0, b"\r\n"));
            }
        }
    }
}

/// Whether SMTP carries the bytes as they are: lines of at most 998 bytes, ended by CRLF, no NUL.
fn is_wire_text(bytes: &[u8]) -> bool {
    bytes.split_inclusive(|byte| *byte == b'\n').all(|line| {
        let text = line.strip_suffix(b"\r\n").unwrap_or(line);
        text.len() <= 998 && !text.iter().any(|byte| matches!(byte, 0 | b'\r' | b'\n'))
    })
}
