//! Texts for the SMTP client, in a form that every MTA accepts whatever they hold. It chooses no words.

use std::fmt;

use super::frame;

/// Longest SMTP reply line, its CRLF included (RFC 5321 §4.5.3.1.5).
const LINE_OCTETS: usize = 512;
/// Longest line that libmilter takes from a filter, `%` doubled (MAXREPLYLEN).
const LIBMILTER_LINE_OCTETS: usize = 980;
/// Most lines that libmilter takes (MAXREPLIES).
const LINES: usize = 32;

/// The lower two numbers of an enhanced status code (RFC 3463 §2); the class follows from the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnhancedCode {
    /// What it is about, such as 7 for policy; at most 999.
    pub subject: u16,
    /// The detail; at most 999.
    pub detail: u16,
}

impl EnhancedCode {
    /// `X.7.1`: delivery not authorised, message refused.
    pub const POLICY: Self = Self { subject: 7, detail: 1 };
    /// `X.1.3`: a recipient's address that is none.
    pub const BAD_RECIPIENT: Self = Self { subject: 1, detail: 3 };
    /// `X.3.0`: other mail system trouble.
    pub const SYSTEM: Self = Self { subject: 3, detail: 0 };
    /// `X.3.1`: mail system full.
    pub const SYSTEM_FULL: Self = Self { subject: 3, detail: 1 };
    /// `X.3.4`: message too big.
    pub const TOO_BIG: Self = Self { subject: 3, detail: 4 };
    /// `X.5.3`: too many recipients.
    pub const TOO_MANY_RECIPIENTS: Self = Self { subject: 5, detail: 3 };
}

/// What the sender is told. Any text will do: it is cleaned and cut to what SMTP and the MTA take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyText {
    /// The enhanced code's lower two numbers.
    pub code: EnhancedCode,
    /// The words, several lines if need be, `\n` or `\r\n` between them.
    pub text: String,
}

impl ReplyText {
    /// A reply with that code and text.
    pub fn new(code: EnhancedCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.subject.min(999), self.detail.min(999))
    }
}

/// Whether a refusal is for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// 5yz: for good.
    Permanent,
    /// 4yz: the client tries again later.
    Temporary,
}

/// Appends the reply as a frame: `550-5.7.1 …` lines with CRLF between them.
///
/// Postfix and Sendmail read the text as a format, so `%` is doubled. What isn't printable ASCII is replaced, for an
/// SMTP client may not understand it; long lines are wrapped; what does not fit into 32 lines is left out.
pub fn write(out: &mut Vec<u8>, refusal: Refusal, reply: &ReplyText) {
    let (basic, class, default) = match refusal {
        Refusal::Permanent => ("550", '5', "message refused"),
        Refusal::Temporary => ("451", '4', "cannot take the message now, try again later"),
    };
    let code = reply.code;
    let before = format!("{class}.{code} ");
    let room = LINE_OCTETS - 2 - basic.len() - 1 - before.len();
    let mut lines = lines(&reply.text, room, LIBMILTER_LINE_OCTETS - basic.len() - 1 - before.len());
    if lines.is_empty() {
        lines.push(default.to_owned());
    }
    let last = lines.len() - 1;
    let mut payload = String::new();
    for (index, line) in lines.iter().enumerate() {
        payload.push_str(basic);
        payload.push(if index == last { ' ' } else { '-' });
        payload.push_str(&before);
        payload.push_str(&line.replace('%', "%%"));
        if index != last {
            payload.push_str("\r\n");
        }
    }
    frame::write(out, b'y', &[payload.as_bytes(), b"\0"]);
}

/// The text as lines of printable ASCII: at most `room` octets each, and at most `doubled_room` with `%` doubled.
/// Blank lines are left out.
fn lines(text: &str, room: usize, doubled_room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for source in text.split(['\n', '\r']) {
        let clean = printable(source);
        let mut rest = clean.trim();
        while !rest.is_empty() {
            if lines.len() == LINES {
                return lines;
            }
            let (line, after) = rest.split_at(break_point(rest, room, doubled_room));
            lines.push(line.trim_end().to_owned());
            rest = after.trim_start();
        }
    }
    lines
}

/// Where to end a line: after the last space that still fits, or where nothing more fits. `text` is ASCII, so each
/// byte is a character.
fn break_point(text: &str, room: usize, doubled_room: usize) -> usize {
    let mut doubled = 0;
    let mut after_space = None;
    for (index, byte) in text.bytes().enumerate() {
        doubled += if byte == b'%' { 2 } else { 1 };
        if index == room || doubled > doubled_room {
            return after_space.unwrap_or(index);
        }
        if byte == b' ' {
            after_space = Some(index + 1);
        }
    }
    text.len()
}

/// The text in printable ASCII: typographic signs as their plain forms, other characters as `?`, control characters
/// left out.
fn printable(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' '..='~' => plain.push(c),
            '\t' | '\u{a0}' => plain.push(' '),
            '\u{2018}' | '\u{2019}' => plain.push('\''),
            '\u{201c}' | '\u{201d}' => plain.push('"'),
            '\u{2010}'..='\u{2015}' => plain.push('-'),
            '\u{2026}' => plain.push_str("..."),
            c if c.is_control() => {}
            _ => plain.push('?'),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, proptest};

    /// The frame's text, without the NUL at its end.
    fn rendered(refusal: Refusal, text: &str) -> String {
        let mut out = Vec::new();
        write(&mut out, refusal, &ReplyText::new(EnhancedCode::POLICY, text));
        let (frame, taken) = frame::split(&out, 1 << 20).unwrap().unwrap();
        assert_eq!((frame.code, taken), (b'y', out.len()));
        String::from_utf8(frame.payload.strip_suffix(b"\0").unwrap().to_vec()).unwrap()
    }

    /// What Postfix tests before it takes a reply (milter8_valid_smtp_reply), and the lengths of SMTP and libmilter.
    fn assert_acceptable(reply: &str) {
        let lines: Vec<&str> = reply.split("\r\n").collect();
        assert!((1..=LINES).contains(&lines.len()), "{} lines", lines.len());
        for (index, line) in lines.iter().enumerate() {
            let after_code = if index + 1 == lines.len() { "550 " } else { "550-" };
            let rest = line.strip_prefix(after_code).unwrap_or_else(|| panic!("{line:?} in {reply:?}"));
            let words = rest.strip_prefix("5.7.1 ").unwrap_or_else(|| panic!("{line:?}"));
            assert!(!words.is_empty() && !words.ends_with(' '), "{line:?}");
            assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line:?}");
            assert!(line.len() <= LIBMILTER_LINE_OCTETS, "{} octets", line.len());
            assert!(words.replace("%%", "").bytes().all(|byte| byte != b'%'), "a lone % in {line:?}");
            assert!(line.replace("%%", "%").len() + 2 <= LINE_OCTETS, "{} octets", line.len());
        }
    }

    #[test]
    fn texts_become_replies_that_any_mta_takes() {
        let at_room = "x".repeat(500);
        let cases = [
            ("Please use initials.", "550 5.7.1 Please use initials."),
            ("100% of %s", "550 5.7.1 100%% of %%s"),
            ("one\ntwo\r\nthree", "550-5.7.1 one\r\n550-5.7.1 two\r\n550 5.7.1 three"),
            ("\n\n one \n\n", "550 5.7.1 one"),
            (
                "Zo\u{eb}\u{2019}s \u{201c}plan\u{201d} \u{2013} see\u{2026}",
                "550 5.7.1 Zo?'s \"plan\" - see...",
            ),
            ("a\0b\x07c\x7fd\te", "550 5.7.1 abcd e"),
            ("554 5.6.0 not a code", "550 5.7.1 554 5.6.0 not a code"),
            ("", "550 5.7.1 message refused"),
            (" \r\n\t\0", "550 5.7.1 message refused"),
            (&at_room, &format!("550 5.7.1 {at_room}")),
            (&format!("{at_room}x"), &format!("550-5.7.1 {at_room}\r\n550 5.7.1 x")),
            (&format!("word {at_room}"), &format!("550-5.7.1 word\r\n550 5.7.1 {at_room}")),
            (&"%".repeat(500), &format!("550-5.7.1 {}\r\n550 5.7.1 {}", "%".repeat(970), "%".repeat(30))),
        ];
        for (text, expected) in cases {
            let reply = rendered(Refusal::Permanent, text);
            assert_eq!(reply, expected, "{text:?}");
            assert_acceptable(&reply);
        }
        assert_eq!(rendered(Refusal::Temporary, "soon"), "451 4.7.1 soon");
        assert_eq!(
            rendered(Refusal::Temporary, ""),
            "451 4.7.1 cannot take the message now, try again later"
        );
    }

    #[test]
    fn no_more_than_32_lines_go_out() {
        let reply = rendered(Refusal::Permanent, &"line\n".repeat(100));
        assert_eq!(reply.matches("line").count(), 32);
        assert_acceptable(&reply);
    }

    #[test]
    fn a_code_beyond_three_digits_is_cut_to_them() {
        let mut out = Vec::new();
        let code = EnhancedCode { subject: 7_000, detail: 1 };
        write(&mut out, Refusal::Permanent, &ReplyText::new(code, "no"));
        assert!(out.ends_with(b"550 5.999.1 no\0"));
    }

    proptest! {
        #[test]
        fn any_text_becomes_an_acceptable_reply(text in any::<String>()) {
            assert_acceptable(&rendered(Refusal::Permanent, &text));
        }

        #[test]
        fn any_long_text_of_words_and_percents_does_too(text in "[a%\u{e9}\n ]{0,3000}") {
            assert_acceptable(&rendered(Refusal::Permanent, &text));
        }
    }
}
