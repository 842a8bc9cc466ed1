//! The message that tells a sender why theirs came back, with the original attached. It makes bytes and sends nothing.

use jiff::Zoned;

use super::header::unstructured;
use super::lines::{broken, unused_boundary};
use super::mark::shown_subject;
use super::markdown::{escaped, to_html, to_text};
use super::plan::{Context, RespondError, enforced};
use super::transfer::{LineEnds, encode_base64, encode_quoted_printable};
use crate::message::{Envelope, Message};
use crate::policy::Policy;
use crate::verdict::{Action, Verdict};

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
    /// The message's short reference number.
    pub reference: &'a str,
    /// For whom the message comes back, as indices into the envelope's recipients.
    pub recipients: &'a [usize],
    /// Whom the answer comes from: an address, or a name and an address in angle brackets.
    pub from: &'a str,
    /// Whom the sender may ask.
    pub contact: &'a str,
    /// The moment that the answer is dated.
    pub at: &'a Zoned,
}

/// What the sender is told, before it takes a form.
struct Words<'a> {
    organisation: &'a str,
    subject: String,
    recipients: Vec<&'a str>,
    /// How many more recipients there are than are listed.
    unlisted: usize,
    /// Whether the message had other recipients too.
    partial: bool,
    reasons: Vec<Reason<'a>>,
    /// Whether it came back because it cannot carry the disclaimer.
    undisclaimed: bool,
    contact: &'a str,
    reference: &'a str,
}

struct Reason<'a> {
    title: &'a str,
    clause: Option<&'a str>,
    guidance: Option<&'a str>,
}

/// A list of recipients that a person reads has no more lines than this.
const MOST_LISTED: usize = 20;

/// The complete answer, from its header to its last line. It goes out with the null sender (RFC 3834 §3.3).
///
/// # Errors
/// When the verdict names a rule that the policy does not have.
pub fn answer(context: &AnswerContext<'_>) -> Result<Vec<u8>, RespondError> {
    let original = context.message.raw;
    let words = words(context)?;
    let outer = unused_boundary(original, &format!("{}a", context.reference));
    let inner = unused_boundary(original, &format!("{}b", context.reference));
    let attached = Attached::of(original);
    let mut out = header(context, &outer, &attached);
    let part = |out: &mut Vec<u8>, boundary: &str, kind: &str, text: &str| {
        let (encoding, body) = encoded(text);
        let lines = format!(
            "--{boundary}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
        );
        out.extend_from_slice(lines.as_bytes());
        out.extend_from_slice(&body);
        out.extend_from_slice(b"\r\n");
    };
    let lead = format!("--{outer}\r\nContent-Type: multipart/alternative; boundary=\"{inner}\"\r\n\r\n");
    out.extend_from_slice(lead.as_bytes());
    part(&mut out, &inner, "text/plain", &words.text());
    part(&mut out, &inner, "text/html", &words.html());
    out.extend_from_slice(format!("--{inner}--\r\n\r\n--{outer}\r\n").as_bytes());
    attached.write(&mut out);
    out.extend_from_slice(format!("\r\n--{outer}--\r\n").as_bytes());
    Ok(out)
}

fn words<'a>(context: &AnswerContext<'a>) -> Result<Words<'a>, RespondError> {
    let AnswerContext { envelope, message, verdict, policy, reference, recipients, contact, .. } = *context;
    let rules = enforced(&Context { envelope, message, verdict, policy, reference }, recipients)?;
    let reasons = rules
        .iter()
        .filter(|(found, _)| matches!(found.action, Action::Return | Action::Reject))
        .map(|(_, rule)| Reason {
            title: &rule.title,
            clause: rule.clause.as_deref(),
            guidance: rule.then.guidance.as_deref().and_then(|name| policy.guidance(name)),
        })
        .collect();
    let delivered_by_rules =
        |index: &usize| verdict.recipients.get(*index).is_some_and(|action| action.delivers());
    let named: Vec<&str> = recipients
        .iter()
        .filter_map(|index| envelope.recipients.get(*index))
        .map(|recipient| recipient.folded())
        .collect();
    Ok(Words {
        organisation: &policy.organisation().name,
        subject: shown_subject(message),
        unlisted: named.len().saturating_sub(MOST_LISTED),
        partial: named.len() < envelope.recipients.len(),
        recipients: named.into_iter().take(MOST_LISTED).collect(),
        reasons,
        undisclaimed: recipients.iter().any(delivered_by_rules),
        contact,
        reference,
    })
}

fn header(context: &AnswerContext<'_>, boundary: &str, attached: &Attached<'_>) -> Vec<u8> {
    let original = context.message;
    let (_, from_address) = name_and_address(context.from);
    let domain = from_address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    let to = context.envelope.sender.as_ref().map(|sender| {
        let raw = String::from_utf8_lossy(sender.raw());
        clean(raw.trim().trim_start_matches('<').trim_end_matches('>'))
    });
    let mut lines = vec![
        format!("From: {}", mailbox(context.from)),
        format!("To: {}", to.unwrap_or_default()),
        format!("Subject: {}", subject(original)),
        format!("Date: {}", context.at.strftime("%a, %-d %b %Y %H:%M:%S %z")),
        format!("Message-ID: <{}.{}@{domain}>", clean(context.reference), context.at.timestamp().as_second()),
    ];
    if let Some(id) = message_id(original) {
        lines.push(format!("In-Reply-To: {id}"));
        lines.push(format!("References: {id}"));
    }
    lines.extend([
        "Auto-Submitted: auto-replied".to_owned(),
        "X-Auto-Response-Suppress: All".to_owned(),
        "MIME-Version: 1.0".to_owned(),
        format!("Content-Type: multipart/mixed; boundary=\"{boundary}\""),
    ]);
    if matches!(attached, Attached::Message { eight_bit: true, .. }) {
        lines.push("Content-Transfer-Encoding: 8bit".to_owned());
    }
    let mut out = lines.join("\r\n").into_bytes();
    out.extend_from_slice(b"\r\n\r\n");
    out
}

/// The original's subject stays in its own encoding, where it is one that a header can hold.
fn subject(original: &Message<'_>) -> String {
    const LONGEST: usize = 2_000;
    let lead = "Not delivered:";
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
        Some("") | None => "Your message was not delivered".to_owned(),
        Some(subject) if lead.len() + subject.len() < 60 => format!("{lead} {subject}"),
        Some(subject) => format!("{lead}\r\n {subject}"),
    }
}

/// The original's Message-ID, where it is one (RFC 5322 §3.6.4).
fn message_id(original: &Message<'_>) -> Option<String> {
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

impl Words<'_> {
    fn text(&self) -> String {
        let mut out = String::new();
        let mut say = |text: &str| {
            for line in broken(text, 72) {
                out.push_str(&line);
                out.push('\n');
            }
        };
        say("Your message was not delivered to:");
        say("");
        self.recipients.iter().for_each(|recipient| say(&format!("  {recipient}")));
        if self.unlisted > 0 {
            say(&format!("  and {} more", self.unlisted));
        }
        say("");
        if !self.subject.is_empty() {
            say(&format!("Its subject: {}", self.subject));
            say("");
        }
        say(&self.why());
        for reason in &self.reasons {
            say("");
            say(&format!("* {}", reason.title));
            if let Some(clause) = reason.clause {
                say(&format!("  ({clause})"));
            }
        }
        for guidance in self.guidance() {
            out.push('\n');
            out.push_str(&to_text(guidance));
        }
        for paragraph in self.closing() {
            out.push('\n');
            for line in broken(&paragraph, 72) {
                out.push_str(&line);
                out.push('\n');
            }
        }
        out
    }

    fn html(&self) -> String {
        let mut out = "<!DOCTYPE html>\n<html lang=\"en-GB\">\n<body>\n".to_owned();
        out.push_str("<p>Your message was not delivered to:</p>\n<ul>\n");
        for recipient in &self.recipients {
            out.push_str(&format!("<li>{}</li>\n", escaped(recipient)));
        }
        if self.unlisted > 0 {
            out.push_str(&format!("<li>and {} more</li>\n", self.unlisted));
        }
        out.push_str("</ul>\n");
        if !self.subject.is_empty() {
            out.push_str(&format!("<p>Its subject: {}</p>\n", escaped(&self.subject)));
        }
        out.push_str(&format!("<p>{}</p>\n", escaped(&self.why())));
        if !self.reasons.is_empty() {
            out.push_str("<ul>\n");
            for reason in &self.reasons {
                let clause =
                    reason.clause.map(|clause| format!("<br>({})", escaped(clause))).unwrap_or_default();
                out.push_str(&format!("<li>{}{clause}</li>\n", escaped(reason.title)));
            }
            out.push_str("</ul>\n");
        }
        self.guidance().into_iter().for_each(|guidance| out.push_str(&to_html(guidance)));
        for paragraph in self.closing() {
            out.push_str(&format!("<p>{}</p>\n", escaped(&paragraph)));
        }
        out.push_str("</body>\n</html>\n");
        out
    }

    fn why(&self) -> String {
        let by = match self.reasons.len() {
            0 if self.undisclaimed => {
                return format!(
                    "It cannot carry the disclaimer that {} puts into its mail, because it is signed, encrypted or \
                     otherwise closed to changes.",
                    self.organisation
                );
            }
            0 => return format!("It was stopped by the mail policy of {}.", self.organisation),
            1 => "this rule",
            _ => "these rules",
        };
        format!("It was stopped by {by} of the mail policy of {}:", self.organisation)
    }

    /// Each guidance text once.
    fn guidance(&self) -> Vec<&str> {
        let mut texts: Vec<&str> = Vec::new();
        for text in self.reasons.iter().filter_map(|reason| reason.guidance) {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        texts
    }

    fn closing(&self) -> Vec<String> {
        let mut paragraphs = Vec::new();
        if self.partial {
            paragraphs.push("This is about the recipients above only.".to_owned());
        }
        paragraphs.push("Your message is attached as you sent it.".to_owned());
        paragraphs.push(format!(
            "If you have a question, or if this seems to be a mistake, ask {} and give the reference {}.",
            self.contact, self.reference
        ));
        paragraphs
    }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use mail_parser::{MessageParser, MimeHeaders};

    use super::*;
    use crate::limits::Limits;
    use crate::message::{Address, Origin};
    use crate::policy::Sources;
    use crate::verdict::{Coverage, Mode, RuleId, RuleMatch};

    const ORIGINAL: &[u8] = b"From: Ana <ana@oakfield.example>\r\nSubject: the <wall> & Oliver\r\nMessage-ID: <1@oakfield.example>\r\n\r\n.Nightshade\r\n";

    fn policy() -> Policy {
        let rule = "[[rule]]\nid = \"nightshade\"\ntitle = \"Nightshade <is> returned\"\nclause = \"Mail policy, 7\"\n\
            category = \"test\"\nseverity = \"mild\"\nmode = \"enforce\"\nif.direction = [\"outbound\"]\n\
            then = { action = \"return\", guidance = \"plants\" }\n";
        let files = [
            ("organisation.toml", "name = \"Ysgol Dderwen\"\ndomains = [\"oakfield.example\"]\n"),
            ("rules.toml", rule),
            ("guidance/plants.md", "Take the *word* out, and [read on](https://oakfield.example/a?b&c).\n"),
        ];
        let files: BTreeMap<String, String> =
            files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
        Policy::compile(&Sources { files }).unwrap()
    }

    fn written(original: &[u8], recipients: usize, concerned: &[usize]) -> Vec<u8> {
        let envelope = Envelope {
            queue_id: None,
            origin: Origin::Smtp,
            client: None,
            authenticated: None,
            sender: Address::parse(b"<Ana@oakfield.example>"),
            recipients: (0..recipients)
                .filter_map(|number| Address::parse(format!("<to{number}@beechwood.example>").as_bytes()))
                .collect(),
        };
        let found = RuleMatch {
            rule: RuleId("nightshade".to_owned()),
            mode: Mode::Enforce,
            action: Action::Return,
            recipients: concerned.to_vec(),
        };
        let actions = (0..recipients)
            .map(|index| if concerned.contains(&index) { Action::Return } else { Action::Pass });
        let verdict = Verdict {
            action: Action::Return,
            recipients: actions.collect(),
            rules: vec![found],
            findings: Vec::new(),
            coverage: Coverage::default(),
            elapsed: None,
        };
        answer(&AnswerContext {
            envelope: &envelope,
            message: &Message::parse(original, &Limits::default()),
            verdict: &verdict,
            policy: &policy(),
            reference: "4XYZ",
            recipients: concerned,
            from: "Post Ysgol Dderŵen <mailwarden@oakfield.example>",
            contact: "the office (office@oakfield.example)",
            at: &"2026-03-03T09:15:00+00:00[Europe/London]".parse().unwrap(),
        })
        .unwrap()
    }

    /// The whole message, compared with the file beside the other fixtures.
    #[test]
    fn an_answer_is_written_as_expected() {
        let found = written(ORIGINAL, 3, &[0, 2]);
        let path = "fixtures/answers/returned.eml";
        if std::env::var_os("MAILWARDEN_BLESS").is_some() {
            std::fs::write(path, &found).unwrap();
        }
        assert_eq!(String::from_utf8(found).unwrap(), std::fs::read_to_string(path).unwrap());
    }

    #[test]
    fn originals_of_any_bytes_come_back_whole() {
        let long = [b"Subject: x\r\n\r\n".as_slice(), &[b'a'; 1_200], b"\r\n"].concat();
        let cases: [(&[u8], &str); 8] = [
            (ORIGINAL, "message/rfc822"),
            (b"Subject: caf\xe9\r\n\r\n\xff\xfe\r\n", "message/rfc822"),
            (b"", "message/rfc822"),
            (b"Subject: x\r\n\r\nno line end", "message/rfc822"),
            (b"Subject: x\r\n\r\nN\0L\r\n", "application/octet-stream"),
            (b"Subject: x\n\nbare LF\n", "application/octet-stream"),
            (b"Subject: x\r\n\r\nbare \r CR\r\n", "application/octet-stream"),
            (&long, "application/octet-stream"),
        ];
        for (original, kind) in cases {
            let out = written(original, 1, &[0]);
            let lines = out.split(|byte| *byte == b'\n').map(<[u8]>::len).max().unwrap();
            assert!(lines < 1_000 && !out.contains(&0), "{}", out.escape_ascii());
            let parsed = MessageParser::new().parse(&out).unwrap();
            let last = parsed.parts.last().unwrap();
            let content_type = last.content_type().unwrap();
            assert_eq!(format!("{}/{}", content_type.ctype(), content_type.subtype().unwrap()), kind);
            if kind == "message/rfc822" {
                let body =
                    usize::try_from(last.offset_body).unwrap()..usize::try_from(last.offset_end).unwrap();
                assert_eq!(&out[body], original, "{}", original.escape_ascii());
            } else {
                assert_eq!(last.contents(), original, "{}", original.escape_ascii());
            }
        }
    }

    #[test]
    fn a_subject_that_no_header_can_hold_is_left_out() {
        for subject in ["caf\u{e9}", &"s".repeat(3_000), "", "a\r\n \r\n b"] {
            let out = written(format!("Subject: {subject}\r\nX: y\r\n\r\n").as_bytes(), 1, &[0]);
            let out = String::from_utf8_lossy(&out);
            assert!(out.contains("Subject: Your message was not delivered\r\nDate: "), "{out}");
        }
    }

    #[test]
    fn a_long_list_of_recipients_is_cut() {
        let all: Vec<usize> = (0..1_000).collect();
        let out = String::from_utf8(written(ORIGINAL, 1_000, &all)).unwrap();
        assert_eq!(out.matches("@beechwood.example").count(), 2 * MOST_LISTED);
        assert!(out.contains("and 980 more") && !out.contains("above only"), "{out}");
    }
}
