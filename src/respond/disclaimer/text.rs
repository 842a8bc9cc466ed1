//! A disclaimer in a plain text: where it goes and how its lines are set. It sees characters, never encodings.

use crate::policy::Placement;
use crate::respond::lines::broken;

/// How the lines of a part's plain text are to be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    /// As they are written.
    AsWritten,
    /// Broken before they grow too long for the wire.
    Broken,
    /// `format=flowed` (RFC 3676), with or without `DelSp`.
    Flowed { del_sp: bool },
}

/// Columns at which lines are broken.
const COLUMNS: usize = 76;
/// The longest line of a signature block that still counts as one, in lines.
const SIGNATURE_LINES: usize = 30;

/// The offset at which the disclaimer goes in: the start of a line, or the end.
pub(super) fn place(text: &str, placement: Placement) -> usize {
    match placement {
        Placement::End => text.len(),
        Placement::BeforeQuote => before_quote(text).unwrap_or(text.len()),
    }
}

/// The disclaimer with the line breaks that set it apart from what stands before and after it.
pub(super) fn insertion(text: &str, at: usize, disclaimer: &str, lines: Lines, line_end: &str) -> String {
    let (before, after) = text.split_at_checked(at).unwrap_or((text, ""));
    let blank = |text: &str| text.chars().all(|c| c.is_whitespace() || c == '\u{feff}');
    let mut out = String::with_capacity(disclaimer.len() + disclaimer.len() / 8 + 8);
    if blank(before) {
        if !before.is_empty() && before.contains(|c: char| c != '\u{feff}') && !before.ends_with('\n') {
            out.push_str(line_end);
        }
    } else if !before.ends_with('\n') {
        out.push_str(line_end);
        out.push_str(line_end);
    } else if !ends_with_blank_line(before) {
        out.push_str(line_end);
    }
    out.push_str(&set(disclaimer, lines).join(line_end));
    if after.is_empty() {
        if before.is_empty() || before.ends_with('\n') {
            out.push_str(line_end);
        }
    } else {
        out.push_str(line_end);
        if !after.starts_with('\n') && !after.starts_with("\r\n") {
            out.push_str(line_end);
        }
    }
    out
}

fn ends_with_blank_line(text: &str) -> bool {
    let without = text.strip_suffix('\n').unwrap_or(text);
    let without = without.strip_suffix('\r').unwrap_or(without);
    without.is_empty() || without.ends_with('\n')
}

/// The disclaimer's lines as they are to stand in the part.
fn set(disclaimer: &str, lines: Lines) -> Vec<String> {
    let written = disclaimer.trim_end().lines().map(str::trim_end);
    match lines {
        Lines::AsWritten => written.map(str::to_owned).collect(),
        Lines::Broken => written.flat_map(|line| broken(line, COLUMNS)).collect(),
        Lines::Flowed { del_sp } => written.flat_map(|line| flowed(line, del_sp)).collect(),
    }
}

/// A paragraph in flowed lines: each but the last ends in a space (RFC 3676 §4.2), and a line that could be taken for
/// a quotation or for an mbox separator is space-stuffed (§4.4).
fn flowed(line: &str, del_sp: bool) -> Vec<String> {
    let soft = if del_sp { "  " } else { " " };
    let mut lines = broken(line, COLUMNS - 4);
    let last = lines.len().saturating_sub(1);
    for (index, line) in lines.iter_mut().enumerate() {
        if line.starts_with([' ', '>']) || line.starts_with("From ") {
            line.insert(0, ' ');
        }
        if index < last {
            line.push_str(soft);
        }
    }
    lines
}

/// Where the mail that was quoted starts, with the line that introduces it; `None` where nothing is quoted at the end,
/// be it that the sender wrote below or between the quotations.
fn before_quote(text: &str) -> Option<usize> {
    let lines = lines_of(text);
    let divider = (0..lines.len()).find(|index| is_divider(&lines, *index));
    let end = divider.unwrap_or(lines.len());
    let quote = trailing_quote(&lines, end).or_else(|| {
        divider.is_none().then(|| signature(&lines)).flatten().and_then(|at| trailing_quote(&lines, at))
    });
    let line = quote.map(|first| introduction(&lines, first)).or(divider)?;
    lines.get(line).map(|line| line.start)
}

struct Line<'t> {
    start: usize,
    text: &'t str,
}

fn lines_of(text: &str) -> Vec<Line<'_>> {
    let mut start = 0;
    text.split_inclusive('\n')
        .map(|line| {
            let found = Line { start, text: line.trim_end() };
            start += line.len();
            found
        })
        .collect()
}

fn is_divider(lines: &[Line<'_>], index: usize) -> bool {
    const WORDS: &[&str] = &[
        "original message",
        "original appointment",
        "forwarded message",
        "message d'origine",
        "message transféré",
        "ursprüngliche nachricht",
        "mensaje original",
        "neges wreiddiol",
    ];
    let Some(line) = lines.get(index) else { return false };
    let text = line.text.trim();
    if text.starts_with("--") && text.ends_with("--") && text.len() < 120 {
        let inner = text.trim_matches('-').trim().to_lowercase();
        return WORDS.contains(&inner.as_str()) || inner.starts_with("forwarded by ");
    }
    if text == "Begin forwarded message:" {
        return true;
    }
    if text.len() >= 20 && text.bytes().all(|byte| byte == b'_') {
        return is_header_block(lines, index + 1);
    }
    is_header_block(lines, index)
}

/// Whether the header that Outlook writes above a quoted message starts on that line, blank lines passed over.
fn is_header_block(lines: &[Line<'_>], index: usize) -> bool {
    let label = |line: &Line<'_>, labels: &[&str]| {
        let text = line.text.trim_start_matches(['*', ' ']);
        labels.iter().any(|label| text.starts_with(label))
    };
    let mut following =
        lines.get(index..).unwrap_or_default().iter().skip_while(|line| line.text.is_empty()).take(6);
    following.next().is_some_and(|first| label(first, &["From:", "Von:", "De :", "De:", "Oddi wrth:", "O:"]))
        && following.next().is_some_and(|second| {
            label(second, &["Sent:", "Date:", "Gesendet:", "Envoyé", "Enviado", "To:", "Anfonwyd:"])
        })
}

/// The first line of the quotation that ends before that line, blank lines passed over.
fn trailing_quote(lines: &[Line<'_>], end: usize) -> Option<usize> {
    let mut first = None;
    for (index, line) in lines.get(..end)?.iter().enumerate().rev() {
        if line.text.starts_with('>') {
            first = Some(index);
        } else if !line.text.trim().is_empty() {
            break;
        }
    }
    first
}

/// The line of the signature separator, where what follows can be a signature (RFC 3676 §4.3).
fn signature(lines: &[Line<'_>]) -> Option<usize> {
    let at = lines.iter().rposition(|line| line.text == "--")?;
    let below = lines.get(at + 1..)?;
    (below.len() <= SIGNATURE_LINES && !below.iter().any(|line| line.text.starts_with('>'))).then_some(at)
}

/// The line on which the introduction of a quotation starts ("On 3 March Ann Price wrote:"), else the quotation's own.
fn introduction(lines: &[Line<'_>], quote: usize) -> usize {
    const STARTS: &[&str] = &["On ", "Am ", "Le ", "El ", "Ar ", "Il ", "W dniu "];
    const VERBS: &[&str] =
        &["wrote", "writes", "schrieb", "écrit", "escribió", "scritto", "ysgrifenn", "napisał", "said"];
    let above = lines.get(..quote).unwrap_or_default();
    let Some(last) = above.iter().rposition(|line| !line.text.trim().is_empty()) else { return quote };
    if quote - last > 2 {
        return quote;
    }
    let text = |index: usize| lines.get(index).map_or("", |line| line.text.trim());
    if !text(last).ends_with(':') {
        return quote;
    }
    let start = (last.saturating_sub(2)..=last)
        .rev()
        .take_while(|index| !text(*index).is_empty())
        .find(|index| STARTS.iter().any(|start| text(*index).starts_with(start)));
    match start {
        Some(start) => start,
        None if VERBS.iter().any(|verb| text(last).contains(verb)) => last,
        None => quote,
    }
}
