//! Splits displayed text into what the sender wrote now, what is quoted, and the signature. Never drops a line.

use std::ops::Range;

use memchr::{memchr, memchr2};

use crate::verdict::Zone;

/// The zones of one displayed text, each with its lines in their order, ended by `\n`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Zoned {
    pub body: String,
    pub quoted: String,
    pub signature: String,
}

/// A stretch of text of which the markup says what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub range: Range<usize>,
    pub zone: Zone,
}

/// Where lines without a mark of their own belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Body,
    Signature,
    /// Below a line that says that all that follows is older mail.
    Older,
}

/// Splits a text. `marks` are in their order and don't overlap.
///
/// Quoted are lines with `>`, what stands below an attribution ("On … wrote:"), a separator ("-----Original
/// Message-----", "Begin forwarded message:") or a block of header lines as Outlook writes it, and those lines
/// themselves. Marks of quoting are taken away, so that a phrase that goes over two lines is one. The signature
/// follows a line `-- ` (RFC 3676 §4.3), or is a line such as "Sent from my iPhone".
pub(super) fn split(text: &str, marks: &[Mark]) -> Zoned {
    let mut zoned = Zoned { body: String::with_capacity(text.len()), ..Zoned::default() };
    let mut marks = marks;
    let mut state = State::Body;
    let mut lines = Lines { text, at: 0 };
    while let Some((start, line)) = lines.next() {
        while marks.first().is_some_and(|mark| mark.range.end <= start) {
            marks = marks.get(1..).unwrap_or_default();
        }
        let marked = marks.first().filter(|mark| mark.range.start <= start).map(|mark| mark.zone);
        if state == State::Older || marked == Some(Zone::Quoted) || line.starts_with('>') {
            if state == State::Signature {
                state = State::Body;
            }
            push(unquoted(line), &mut zoned.quoted);
            continue;
        }
        if marked == Some(Zone::Signature) {
            push(line, &mut zoned.signature);
            continue;
        }
        match Line::of(line, &lines, marks) {
            Line::Plain if state == State::Signature => push(line, &mut zoned.signature),
            Line::Plain => push(line, &mut zoned.body),
            Line::Mark => {
                state = State::Signature;
                push(line, &mut zoned.signature);
            }
            Line::Device => push(line, &mut zoned.signature),
            Line::Separator => {
                state = State::Older;
                push(line, &mut zoned.quoted);
            }
            Line::Attribution { more, marked_below } => {
                push(line, &mut zoned.quoted);
                for (_, line) in lines.by_ref().take(more) {
                    push(line, &mut zoned.quoted);
                }
                state = if marked_below { State::Body } else { State::Older };
            }
        }
    }
    zoned
}

/// What a line says of those that follow.
enum Line {
    Plain,
    Mark,
    Device,
    Separator,
    /// It goes on over that many more lines. The quoted lines below may have marks of their own.
    Attribution {
        more: usize,
        marked_below: bool,
    },
}

impl Line {
    fn of(line: &str, below: &Lines<'_>, marks: &[Mark]) -> Self {
        let text = line.trim_matches([' ', '\t', '*', '\u{a0}']);
        match text.as_bytes().first() {
            Some(b'-') if line == "-- " || (line == "--" && below.is_near_end()) => Self::Mark,
            Some(b'-') if is_separator(text) => Self::Separator,
            Some(b'B') if text == "Begin forwarded message:" => Self::Separator,
            Some(b'F') if text.starts_with("From:") && is_header_block(*below) => Self::Separator,
            Some(b'O') if text.starts_with("On ") => attribution(text, *below, marks),
            Some(b'S' | b'G') if is_device_line(text) => Self::Device,
            _ => Self::Plain,
        }
    }
}

/// `-----Original Message-----` and its like.
fn is_separator(text: &str) -> bool {
    const NAMES: [&str; 8] = [
        "original message",
        "original email",
        "original appointment",
        "forwarded message",
        "forwarded by ",
        "forwarded email",
        "reply message",
        "forwarded mail",
    ];
    let dashes = text.bytes().take_while(|&byte| byte == b'-').count();
    let name = text.trim_matches(['-', ' ']).as_bytes();
    dashes >= 2
        && NAMES.iter().any(|wanted| {
            let head = name.get(..wanted.len()).unwrap_or_default();
            head.eq_ignore_ascii_case(wanted.as_bytes())
                && (wanted.ends_with(' ') || name.len() == wanted.len())
        })
}

/// Whether the lines that follow a line `From:` make it the block of header lines that Outlook sets before quoted
/// mail: a date, and a recipient or a subject, without a blank line between.
fn is_header_block(below: Lines<'_>) -> bool {
    let (mut dated, mut addressed) = (false, false);
    for (_, line) in below.take(10) {
        let text = line.trim_matches([' ', '\t', '*', '\u{a0}']);
        if text.is_empty() {
            break;
        }
        dated |= text.starts_with("Sent:") || text.starts_with("Date:");
        addressed |= text.starts_with("To:") || text.starts_with("Subject:");
        if dated && addressed {
            return true;
        }
    }
    false
}

/// Whether "On …" begins an attribution: it ends in "wrote:" within three lines, and has a date or an address, so
/// that "On Monday my brother wrote:" is the sender's own.
fn attribution(first: &str, below: Lines<'_>, marks: &[Mark]) -> Line {
    const LONGEST: usize = 400;
    let mut rest = below;
    let mut length = 0;
    let (mut digit, mut precise) = (false, false);
    let mut text = first;
    for more in 0..3 {
        length += text.len();
        if length > LONGEST {
            break;
        }
        let end = text.strip_suffix("wrote:");
        let said = end.unwrap_or(text);
        digit |= said.bytes().any(|byte| byte.is_ascii_digit());
        precise |= said.contains(['@', ':', '/']) || has_year(said);
        if end.is_some() {
            if !(digit && precise) {
                break;
            }
            let next = rest.find(|(_, line)| !line.trim().is_empty());
            let marked_below = next.is_some_and(|(start, line)| {
                line.starts_with('>')
                    || marks
                        .iter()
                        .take(4)
                        .any(|mark| mark.zone == Zone::Quoted && mark.range.contains(&start))
            });
            return Line::Attribution { more, marked_below };
        }
        let Some((_, next)) = rest.next() else { break };
        text = next.trim_matches([' ', '\t', '*', '\u{a0}']);
    }
    Line::Plain
}

fn has_year(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() == 4)
}

/// The lines that mail programs of phones add.
fn is_device_line(text: &str) -> bool {
    const WHOLE: [&str; 6] = [
        "Sent from Outlook for ",
        "Get Outlook for ",
        "Sent from Mail for ",
        "Sent from Yahoo Mail",
        "Sent via BlackBerry",
        "Sent from Samsung",
    ];
    const DEVICES: [&str; 16] = [
        "iphone",
        "ipad",
        "samsung",
        "galaxy",
        "huawei",
        "android",
        "mobile",
        "phone",
        "blackberry",
        "windows",
        "nokia",
        "pixel",
        "tablet",
        "oppo",
        "xiaomi",
        "mac",
    ];
    if text.len() > 80 {
        return false;
    }
    let device = text.strip_prefix("Sent from my ").map(str::to_ascii_lowercase);
    WHOLE.iter().any(|start| text.starts_with(start))
        || device.is_some_and(|name| {
            name.split_whitespace()
                .take(3)
                .any(|word| DEVICES.contains(&word.trim_matches(|c: char| !c.is_alphanumeric())))
        })
}

/// The line without its marks of quoting.
fn unquoted(line: &str) -> &str {
    let mut rest = line;
    while let Some(inner) = rest.strip_prefix('>') {
        rest = inner.strip_prefix(' ').filter(|inner| inner.starts_with('>')).unwrap_or(inner);
    }
    if rest.len() == line.len() { line } else { rest.strip_prefix(' ').unwrap_or(rest) }
}

/// Adds a line. NUL goes, since programs show nothing for it; a bare CR ends a line as LF does.
fn push(line: &str, out: &mut String) {
    if memchr2(b'\r', b'\0', line.as_bytes()).is_none() {
        out.push_str(line);
    } else {
        out.extend(line.chars().filter(|&c| c != '\0').map(|c| if c == '\r' { '\n' } else { c }));
    }
    out.push('\n');
}

/// The lines of a text with where they start, without their ends.
#[derive(Debug, Clone, Copy)]
struct Lines<'x> {
    text: &'x str,
    at: usize,
}

impl Lines<'_> {
    /// Whether so little follows that a line `--` is a signature's mark that lost its space on the way.
    fn is_near_end(mut self) -> bool {
        const MOST_LINES: usize = 12;
        self.nth(MOST_LINES).is_none()
    }
}

impl<'x> Iterator for Lines<'x> {
    type Item = (usize, &'x str);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at;
        let rest = self.text.get(start..).filter(|rest| !rest.is_empty())?;
        let end = memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
        self.at = start + end + 1;
        let line = rest.get(..end)?;
        Some((start, line.strip_suffix('\r').unwrap_or(line)))
    }
}
