//! Tags and markings: header fields and the subject. It never touches the body, nor the words that the sender wrote.

use super::header::{encoded_words, unstructured};
use super::{Edits, HeaderEdit};
use crate::message::{Address, Message, decode_words};
use crate::policy::{Receipt, Then, ThenHeader};
use crate::verdict::{Action, RuleId};

/// The field that says what mailwarden did with a message. Fields that start with this name and come from elsewhere
/// are removed, so none can be forged.
pub const OWN_FIELD: &str = "X-Mailwarden";

/// What the own field says.
pub(super) struct Tag<'a> {
    pub action: Action,
    /// To whom receipts go, where one may be asked for.
    pub receipt_to: Option<&'a Address>,
    pub reference: &'a str,
    pub rules: Vec<&'a RuleId>,
}

/// Removes every field of mailwarden's own that came with the message.
pub fn remove_own(message: &Message<'_>) -> Vec<HeaderEdit> {
    let mut counts: Vec<(String, u32)> = Vec::new();
    let mut edits = Vec::new();
    for field in &message.header {
        let name = field.name.trim_ascii_end();
        let prefix = name.get(..OWN_FIELD.len()).unwrap_or_default();
        if !prefix.eq_ignore_ascii_case(OWN_FIELD.as_bytes()) {
            continue;
        }
        // What is no field name cannot be named to the MTA, and no program reads it as a field.
        let Some(name) = std::str::from_utf8(name).ok().filter(|name| is_field_name(name)) else { continue };
        let folded = name.to_ascii_lowercase();
        let nth = match counts.iter_mut().find(|(known, _)| *known == folded) {
            Some((_, seen)) => {
                *seen += 1;
                *seen
            }
            None => {
                counts.push((folded, 1));
                1
            }
        };
        edits.push(HeaderEdit::Remove { name: name.to_owned(), nth });
    }
    edits
}

/// RFC 5322 §2.2: printable characters other than the colon.
pub(super) fn is_field_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':')
}

/// The own field, the subject prefixes and the fields that the rules ask for.
pub(super) fn edits(message: &Message<'_>, thens: &[&Then], tag: &Tag<'_>) -> Edits {
    let mut prefixes: Vec<&str> = Vec::new();
    for prefix in thens.iter().filter_map(|then| then.subject_prefix.as_deref()).map(str::trim) {
        if !prefix.is_empty() && !prefixes.contains(&prefix) {
            prefixes.push(prefix);
        }
    }
    let mut header = subject(message, &prefixes);
    header.extend(fields(message, thens.iter().flat_map(|then| &then.headers)));
    if thens.iter().any(|then| then.receipt == Receipt::Request) {
        header.extend(tag.receipt_to.and_then(|address| receipt_request(message, address)));
    }
    header.push(HeaderEdit::Add { name: OWN_FIELD.to_owned(), value: own_value(tag) });
    Edits { header, body: Vec::new() }
}

/// ` tag; ref=4F2K; rules="first-rule second-rule"`, folded.
fn own_value(tag: &Tag<'_>) -> Vec<u8> {
    let safe = |text: &str| -> String {
        let keep = |c: char| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '_' };
        text.chars().map(keep).collect()
    };
    let mut value = format!(" {}; ref={};", tag.action, safe(tag.reference));
    let mut column = OWN_FIELD.len() + 1 + value.len();
    for (index, rule) in tag.rules.iter().enumerate() {
        let rule = safe(&rule.0);
        let piece = if index == 0 { format!("rules=\"{rule}") } else { rule };
        if column + piece.len() + 2 > 76 {
            value.push_str("\r\n ");
            column = 1;
        } else {
            value.push(' ');
            column += 1;
        }
        column += piece.len();
        value.push_str(&piece);
    }
    value.push_str(if tag.rules.is_empty() { " rules=\"\"" } else { "\"" });
    value.into_bytes()
}

/// The prefixes in front of the subject, each of them unless it stands in the subject already, letter for letter: in a
/// reply it follows the `Re:`. What the sender wrote stays byte for byte.
fn subject(message: &Message<'_>, prefixes: &[&str]) -> Vec<HeaderEdit> {
    if prefixes.is_empty() {
        return Vec::new();
    }
    let mut edits = Vec::new();
    let mut nth = 0;
    // RFC 5322 §3.6 allows one subject; where there are more, each program shows another of them.
    for field in message.fields("Subject") {
        nth += 1;
        let shown = decoded(field.value);
        let missing: Vec<&str> =
            prefixes.iter().copied().filter(|prefix| !stands_in(&shown, prefix)).collect();
        if !missing.is_empty() {
            let value = prefixed(&missing.join(" "), field.value);
            edits.push(HeaderEdit::Replace { name: "Subject".to_owned(), nth, value });
        }
    }
    if nth == 0 {
        let value = prefixed(&prefixes.join(" "), b"");
        edits.push(HeaderEdit::Add { name: "Subject".to_owned(), value });
    }
    edits
}

/// Whether the prefix stands in the subject, not as a piece of a longer word.
fn stands_in(subject: &str, prefix: &str) -> bool {
    let prefix = squeezed(prefix);
    subject.match_indices(&prefix).any(|(at, _)| {
        let joins = |inner: Option<char>, outer: Option<char>| {
            inner.is_some_and(char::is_alphanumeric) && outer.is_some_and(char::is_alphanumeric)
        };
        let before = subject.get(..at).and_then(|text| text.chars().next_back());
        let after = subject.get(at + prefix.len()..).and_then(|text| text.chars().next());
        !joins(prefix.chars().next(), before) && !joins(prefix.chars().next_back(), after)
    })
}

fn prefixed(prefix: &str, value: &[u8]) -> Vec<u8> {
    let written = value.trim_ascii_start();
    let plain = unstructured(prefix);
    // The space between two encoded words is not shown (RFC 2047 §6.2): it goes into the first of them.
    let encoded = plain.starts_with("=?");
    let lead = match encoded && written.starts_with(b"=?") {
        true => encoded_words(&format!("{prefix} ")),
        false => plain,
    };
    let mut out = format!(" {lead}").into_bytes();
    if written.is_empty() {
        return out;
    }
    let column = |bytes: &[u8], from: usize| {
        let last = bytes.rsplit(|byte| *byte == b'\n').next().map_or(0, <[u8]>::len);
        if last == bytes.len() { from + last } else { last }
    };
    let first_line = written.split(|byte| *byte == b'\n').next().map_or(0, <[u8]>::len);
    let fold = column(&out, "Subject:".len()) + 1 + first_line > 77;
    out.extend_from_slice(if fold { b"\r\n " } else { b" " });
    out.extend_from_slice(written);
    out
}

/// The message's subject as people see it; empty where it has none.
pub(super) fn shown_subject(message: &Message<'_>) -> String {
    message.fields("Subject").next().map(|field| decoded(field.value)).unwrap_or_default()
}

/// A subject as people see it, white space squeezed.
fn decoded(value: &[u8]) -> String {
    squeezed(&decode_words(value).text)
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The rules' own fields. One that the message has already is given the new value, and its doubles go: two markings
/// would leave it to each mail program which of them holds.
fn fields<'t>(message: &Message<'_>, wanted: impl Iterator<Item = &'t ThenHeader>) -> Vec<HeaderEdit> {
    let mut edits = Vec::new();
    let mut seen: Vec<(String, &str)> = Vec::new();
    for header in wanted {
        let name: String = header.name.chars().filter(|c| c.is_ascii_graphic() && *c != ':').collect();
        let folded = name.to_ascii_lowercase();
        if name.is_empty() || seen.iter().any(|(known, value)| *known == folded && *value == header.value) {
            continue;
        }
        let again = seen.iter().any(|(known, _)| *known == folded);
        seen.push((folded, &header.value));
        let value = format!(" {}", unstructured(header.value.trim())).into_bytes();
        let present =
            if again { 0 } else { u32::try_from(message.fields(&name).count()).unwrap_or(u32::MAX) };
        if present == 0 {
            edits.push(HeaderEdit::Add { name, value });
            continue;
        }
        for nth in 2..=present {
            edits.push(HeaderEdit::Remove { name: name.clone(), nth });
        }
        edits.push(HeaderEdit::Replace { name, nth: 1, value });
    }
    edits
}

/// The field that asks for a receipt (RFC 8098 §2.1), unless the sender asked for one in whatever way.
fn receipt_request(message: &Message<'_>, to: &Address) -> Option<HeaderEdit> {
    const FIELD: &str = "Disposition-Notification-To";
    let address = std::str::from_utf8(to.raw()).ok()?.trim();
    let address = address.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(address);
    // What a header cannot carry as it stands (RFC 5322 §3.4.1, RFC 6532) is not put there.
    let plain = address.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>(),;:\\\"[]".contains(&byte));
    if !plain || address.is_empty() || message.receipt_requests().next().is_some() {
        return None;
    }
    let value = format!(" <{address}>").into_bytes();
    Some(match message.fields(FIELD).next() {
        // There, and empty.
        Some(_) => HeaderEdit::Replace { name: FIELD.to_owned(), nth: 1, value },
        None => HeaderEdit::Add { name: FIELD.to_owned(), value },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::respond::apply;

    fn marked(raw: &str, prefixes: &[&str]) -> String {
        let message = Message::parse(raw.as_bytes(), &Limits::default());
        let edits = Edits { header: subject(&message, prefixes), body: Vec::new() };
        String::from_utf8(apply(raw.as_bytes(), &edits)).unwrap()
    }

    #[test]
    fn a_prefix_goes_in_front_once_and_the_rest_stays() {
        for (raw, expected) in [
            ("Subject: the wall\r\n\r\n", "Subject: CONFIDENTIAL the wall\r\n\r\n"),
            ("Subject:the  wall \r\n\r\n", "Subject: CONFIDENTIAL the  wall \r\n\r\n"),
            ("Subject:\r\n\r\n", "Subject: CONFIDENTIAL\r\n\r\n"),
            ("From: a\r\n\r\n", "From: a\r\nSubject: CONFIDENTIAL\r\n\r\n"),
            ("Subject: Re: CONFIDENTIAL the wall\r\n\r\n", "Subject: Re: CONFIDENTIAL the wall\r\n\r\n"),
            (
                "Subject: =?utf-8?B?Q09ORklERU5USUFM?= x\r\n\r\n",
                "Subject: =?utf-8?B?Q09ORklERU5USUFM?= x\r\n\r\n",
            ),
            ("Subject: CONFIDENTIALLY\r\n\r\n", "Subject: CONFIDENTIAL CONFIDENTIALLY\r\n\r\n"),
            ("Subject: confidential?\r\n\r\n", "Subject: CONFIDENTIAL confidential?\r\n\r\n"),
            ("Subject: =?utf-8?Q?caf=C3=A9?=\r\n\r\n", "Subject: CONFIDENTIAL =?utf-8?Q?caf=C3=A9?=\r\n\r\n"),
            (
                "subject: a\r\nSUBJECT: b\r\n\r\n",
                "subject: CONFIDENTIAL a\r\nSUBJECT: CONFIDENTIAL b\r\n\r\n",
            ),
        ] {
            assert_eq!(marked(raw, &["CONFIDENTIAL"]), expected);
        }
    }

    #[test]
    fn a_prefix_beyond_ascii_is_encoded_and_joins_encoded_words() {
        assert_eq!(
            marked("Subject: noon\r\n\r\n", &["CYFRINACHOL – ŵyl"]),
            "Subject: =?utf-8?Q?CYFRINACHOL_=E2=80=93_=C5=B5yl?= noon\r\n\r\n"
        );
        let encoded = marked("Subject: =?utf-8?Q?caf=C3=A9?=\r\n\r\n", &["ŵ"]);
        assert_eq!(encoded, "Subject: =?utf-8?Q?=C5=B5_?= =?utf-8?Q?caf=C3=A9?=\r\n\r\n");
        assert_eq!(marked(&encoded, &["ŵ"]), encoded);
    }

    #[test]
    fn a_long_subject_is_folded_behind_the_prefix() {
        let subject = "s".repeat(70);
        assert_eq!(
            marked(&format!("Subject: {subject}\r\n more\r\n\r\n"), &["[found]", "CONFIDENTIAL"]),
            format!("Subject: [found] CONFIDENTIAL\r\n {subject}\r\n more\r\n\r\n")
        );
    }

    #[test]
    fn bytes_of_any_kind_in_a_subject_stay() {
        let raw = b"Subject: caf\xe9 \xff\r\n\r\n";
        let message = Message::parse(raw, &Limits::default());
        let edits = Edits { header: subject(&message, &["[found]"]), body: Vec::new() };
        assert_eq!(apply(raw, &edits), b"Subject: [found] caf\xe9 \xff\r\n\r\n");
    }

    #[test]
    fn a_receipt_is_asked_for_once() {
        let asked = |raw: &str, to: &str| {
            let message = Message::parse(raw.as_bytes(), &Limits::default());
            let header = receipt_request(&message, &Address::parse(to.as_bytes()).unwrap());
            let edits = Edits { header: header.into_iter().collect(), body: Vec::new() };
            String::from_utf8(apply(raw.as_bytes(), &edits)).unwrap()
        };
        let to = "<Jo.Hart@oakfield.example>";
        let wanted = "Subject: x\r\nDisposition-Notification-To: <Jo.Hart@oakfield.example>\r\n\r\n";
        assert_eq!(asked("Subject: x\r\n\r\n", to), wanted);
        assert_eq!(asked("Subject: x\r\nDisposition-Notification-To:\r\n\r\n", to), wanted);
        for there in ["Disposition-Notification-To: a@b.example", "X-Confirm-Reading-To: a@b.example"] {
            let raw = format!("{there}\r\n\r\n");
            assert_eq!(asked(&raw, to), raw, "asked for already");
        }
        for odd in ["<\"Jo Hart\"@oakfield.example>", "<a,b@oakfield.example>", "<żó@oakfield.example>"] {
            assert_eq!(asked("Subject: x\r\n\r\n", odd), "Subject: x\r\n\r\n");
        }
    }

    #[test]
    fn the_own_field_folds_and_holds_safe_characters_alone() {
        let rules: Vec<RuleId> = (0..6).map(|n| RuleId(format!("a-rule-of-some-length-{n}"))).collect();
        let bad = RuleId("a\"b\r\nX: y".to_owned());
        let rules: Vec<&RuleId> = rules.iter().chain([&bad]).collect();
        let value = own_value(&Tag { action: Action::Tag, receipt_to: None, reference: "4X;YZ", rules });
        let value = String::from_utf8(value).unwrap();
        assert_eq!(
            value,
            " tag; ref=4X_YZ; rules=\"a-rule-of-some-length-0\r\n a-rule-of-some-length-1 a-rule-of-some-length-2 \
             a-rule-of-some-length-3\r\n a-rule-of-some-length-4 a-rule-of-some-length-5 a_b__X__y\""
        );
    }
}
