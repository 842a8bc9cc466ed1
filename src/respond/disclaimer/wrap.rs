//! The fallback for mail that cannot take a disclaimer: a new multipart around it. The original's bytes stay as they are.

use crate::message::Message;
use crate::policy::Disclaimer;
use crate::respond::header::HeaderLines;
use crate::respond::lines::{broken, unused_boundary};
use crate::respond::mark::is_field_name;
use crate::respond::transfer::{LineEnds, encode_quoted_printable};
use crate::respond::{Edits, HeaderEdit, Splice};

/// Makes the message a `multipart/mixed` of the disclaimer and of the entity that it was, whose Content fields move
/// down with it byte for byte, so that a signature holds (RFC 1847 §2.1). `token` goes into the boundary; it should
/// be one that a sender cannot foresee.
pub(super) fn edits(message: &Message<'_>, disclaimer: &Disclaimer, token: &str) -> Edits {
    let raw = message.raw;
    let header = HeaderLines::read(raw, 0..raw.len());
    let line_end = header.line_end(raw);
    let boundary = unused_boundary(raw, token);
    let mut edits = Edits::default();
    let mut moved = Vec::new();
    let mut counts: Vec<(String, u32)> = Vec::new();
    let mut has_version = false;
    for field in &header.fields {
        let name = raw.get(field.name.clone()).unwrap_or_default().to_ascii_lowercase();
        has_version |= name == b"mime-version";
        if !name.starts_with(b"content-") {
            continue;
        }
        let bytes = raw.get(field.range.clone()).unwrap_or_default();
        moved.extend_from_slice(bytes);
        if !bytes.ends_with(b"\n") {
            moved.extend_from_slice(line_end);
        }
        // What is no field name cannot be named to the MTA; it goes with both entities.
        let Some(name) = String::from_utf8(name).ok().filter(|name| is_field_name(name)) else { continue };
        let nth = count(&mut counts, &name);
        edits.header.push(HeaderEdit::Remove { name, nth });
    }
    if !has_version {
        edits.header.push(HeaderEdit::Add { name: "MIME-Version".to_owned(), value: b" 1.0".to_vec() });
    }
    let value = format!(" multipart/mixed;\r\n\tboundary=\"{boundary}\"").into_bytes();
    edits.header.push(HeaderEdit::Add { name: "Content-Type".to_owned(), value });
    let body = raw.get(message.body_start..).unwrap_or_default();
    let whole: [&[u8]; 2] = [&moved, body];
    if whole.iter().any(|bytes| !bytes.is_ascii()) {
        // A multipart that holds 8-bit data says so (RFC 2045 §6.4).
        let value = b" 8bit".to_vec();
        edits.header.push(HeaderEdit::Add { name: "Content-Transfer-Encoding".to_owned(), value });
    }
    let front = front(disclaimer, &boundary, &moved, line_end);
    edits.body.push(Splice { range: message.body_start..message.body_start, with: front });
    // After a last CR, a bare LF would make the two one line end, and the delimiter's.
    let break_line = if raw.ends_with(b"\r") { b"\r\n" } else { line_end };
    let back = [break_line, b"--", boundary.as_bytes(), b"--", line_end].concat();
    edits.body.push(Splice { range: raw.len()..raw.len(), with: back });
    edits
}

/// All that stands before the original's body.
fn front(disclaimer: &Disclaimer, boundary: &str, moved: &[u8], line_end: &[u8]) -> Vec<u8> {
    let end = std::str::from_utf8(line_end).unwrap_or("\r\n");
    let lines: Vec<String> = disclaimer.text.trim_end().lines().flat_map(|line| broken(line, 76)).collect();
    let text = lines.join(end);
    let fields: &[&str] = if text.is_ascii() {
        &["Content-Type: text/plain; charset=us-ascii", "Content-Disposition: inline"]
    } else {
        &[
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: quoted-printable",
            "Content-Disposition: inline",
        ]
    };
    let encoded = match text.is_ascii() {
        true => text.into_bytes(),
        false => encode_quoted_printable(text.as_bytes(), line_end, LineEnds::Breaks),
    };
    let mut out = format!("--{boundary}{end}{}{end}{end}", fields.join(end)).into_bytes();
    out.extend_from_slice(&encoded);
    out.extend_from_slice(format!("{end}{end}--{boundary}{end}").as_bytes());
    out.extend_from_slice(moved);
    out.extend_from_slice(line_end);
    out
}

/// Counts the fields of a name; gives the number of this one, from 1.
fn count(counts: &mut Vec<(String, u32)>, name: &str) -> u32 {
    match counts.iter_mut().find(|(known, _)| known == name) {
        Some((_, seen)) => {
            *seen += 1;
            *seen
        }
        None => {
            counts.push((name.to_owned(), 1));
            1
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::policy::{Fallback, Placement};
    use crate::respond::apply;

    #[test]
    fn a_last_carriage_return_stays_the_messages_own() {
        let raw = b"A: b\n\nbody\r";
        let disclaimer = Disclaimer {
            id: "standard".to_owned(),
            schools: Vec::new(),
            directions: Vec::new(),
            text: "Oakfield School\n".to_owned(),
            html: String::new(),
            placement: Placement::End,
            fallback: Fallback::Wrap,
        };
        let edits = edits(&Message::parse(raw, &Limits::default()), &disclaimer, "4XYZ");
        let out = apply(raw, &edits);
        let after = Message::parse(&out, &Limits::default());
        assert_eq!(after.parts.last().unwrap().raw, b"body\r");
    }
}
