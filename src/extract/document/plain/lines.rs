//! Calendars and address cards: folded lines unfolded, values readable, files in them opened. Knows no property's meaning.

use super::super::Place;
use super::super::reading::{Outcome, Reading};
use crate::message::{base64, quoted_printable};

/// Reads the content lines (RFC 5545 §3.1, RFC 6350 §3.2).
pub(super) fn read(text: &str, reading: &mut Reading<'_>) -> Outcome {
    let text = text.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "");
    let mut out = String::with_capacity(text.len());
    let mut files = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let (head, value) = line.split_once(':').unwrap_or(("", line));
        let has = |parameter: &str| head.split(';').skip(1).any(|one| one.eq_ignore_ascii_case(parameter));
        if has("ENCODING=QUOTED-PRINTABLE") || has("QUOTED-PRINTABLE") {
            out.push_str(head);
            out.push(':');
            out.push_str(&from_quoted_printable(value, &mut lines, reading));
        } else if has("ENCODING=BASE64") || has("ENCODING=B") || has("BASE64") {
            files.push((name(head), value.to_owned()));
            continue;
        } else {
            out.push_str(&unescaped(line));
        }
        out.push('\n');
    }
    reading.text(Place::Body, &out)?;
    for (name, value) in files {
        let most = usize::try_from(reading.limits.entry_bytes).unwrap_or(usize::MAX);
        let bytes = base64(value.as_bytes(), most).bytes;
        reading.open(Some(&name), &bytes)?;
    }
    Ok(())
}

/// What vCard 2.1 writes of letters that are not ASCII: lines that end in `=` go on.
fn from_quoted_printable<'x>(
    value: &str,
    lines: &mut impl Iterator<Item = &'x str>,
    reading: &Reading<'_>,
) -> String {
    let mut whole = value.to_owned();
    while whole.ends_with('=') {
        let Some(line) = lines.next() else { break };
        whole.truncate(whole.len() - 1);
        whole.push_str(line);
    }
    let decoded = quoted_printable(whole.as_bytes(), reading.limits.part_text_bytes);
    String::from_utf8_lossy(&decoded.bytes).into_owned()
}

/// RFC 5545 §3.3.11: a line end, a comma and a semicolon in a value.
fn unescaped(line: &str) -> String {
    line.replace("\\n", "\n").replace("\\N", "\n").replace("\\,", ",").replace("\\;", ";")
}

/// The name of a file that lies in a property, or the property's.
fn name(head: &str) -> String {
    let named = head.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let names = ["FILENAME", "X-FILENAME", "X-ORACLE-FILENAME", "X-APPLE-FILENAME"];
        names.iter().any(|one| name.eq_ignore_ascii_case(one)).then(|| value.trim_matches('"'))
    });
    named.unwrap_or_else(|| head.split(';').next().unwrap_or(head)).to_owned()
}
