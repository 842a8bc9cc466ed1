//! The little Markdown that guidance texts are written in, read into blocks. What it does not know stays text.

/// A block of a text, whatever form it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Block {
    /// A heading; 1 is the highest.
    Heading(u8, Vec<Piece>),
    Paragraph(Vec<Piece>),
    List {
        ordered: bool,
        items: Vec<Vec<Piece>>,
    },
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Plain(String),
    Strong(String),
    Emphasis(String),
    Code(String),
    Link { text: String, address: String },
}

impl Block {
    /// A paragraph in which no Markdown is read.
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self::Paragraph(vec![Piece::Plain(text.into())])
    }

    /// A heading in which no Markdown is read.
    pub(super) fn heading(level: u8, text: impl Into<String>) -> Self {
        Self::Heading(level, vec![Piece::Plain(text.into())])
    }

    /// A list in which no Markdown is read.
    pub(super) fn list(items: Vec<String>) -> Self {
        Self::of_items(false, items)
    }

    /// The same, numbered: what to do, one after the other.
    pub(super) fn steps(items: Vec<String>) -> Self {
        Self::of_items(true, items)
    }

    fn of_items(ordered: bool, items: Vec<String>) -> Self {
        Self::List { ordered, items: items.into_iter().map(|item| vec![Piece::Plain(item)]).collect() }
    }
}

/// Reads a text. Its highest headings become headings of that level.
pub(super) fn read(markdown: &str, highest: u8) -> Vec<Block> {
    gathered(markdown)
        .into_iter()
        .map(|block| match block {
            Raw::Heading(level, text) => {
                Block::Heading((level + highest).saturating_sub(1).min(6), pieces(text))
            }
            Raw::Paragraph(text) => Block::Paragraph(pieces(&text)),
            Raw::List { ordered, items } => {
                Block::List { ordered, items: items.iter().map(|item| pieces(item)).collect() }
            }
        })
        .collect()
}

/// A block whose lines are gathered and not yet read.
enum Raw<'t> {
    Heading(u8, &'t str),
    Paragraph(String),
    List { ordered: bool, items: Vec<String> },
}

fn gathered(markdown: &str) -> Vec<Raw<'_>> {
    let mut blocks: Vec<Raw<'_>> = Vec::new();
    let mut open = false;
    for line in markdown.lines() {
        let text = line.trim();
        if text.is_empty() {
            open = false;
            continue;
        }
        let heading = text.trim_start_matches('#');
        if heading.len() < text.len() && heading.starts_with(' ') {
            let level = u8::try_from(text.len() - heading.len()).unwrap_or(6);
            blocks.push(Raw::Heading(level, heading.trim()));
            open = false;
        } else if let Some((ordered, item)) = list_item(text) {
            match blocks.last_mut() {
                Some(Raw::List { ordered: same, items }) if *same == ordered => items.push(item.to_owned()),
                _ => blocks.push(Raw::List { ordered, items: vec![item.to_owned()] }),
            }
            open = true;
        } else {
            let last = if open { blocks.last_mut() } else { None };
            let running = match last {
                Some(Raw::Paragraph(running)) => Some(running),
                Some(Raw::List { items, .. }) => items.last_mut(),
                _ => None,
            };
            match running {
                Some(running) => {
                    running.push(' ');
                    running.push_str(text);
                }
                None => blocks.push(Raw::Paragraph(text.to_owned())),
            }
            open = true;
        }
    }
    blocks
}

fn list_item(text: &str) -> Option<(bool, &str)> {
    if let Some(item) = text.strip_prefix("- ").or_else(|| text.strip_prefix("* ")) {
        return Some((false, item.trim()));
    }
    let (number, item) = text.split_once(". ")?;
    let counts = !number.is_empty() && number.len() < 4 && number.bytes().all(|byte| byte.is_ascii_digit());
    counts.then_some((true, item.trim()))
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..).unwrap_or("");
        // A backslash before a mark takes its meaning from it.
        if c == '\\'
            && let Some(mark) = after.chars().next().filter(char::is_ascii_punctuation)
        {
            plain.push(mark);
            rest = after.get(1..).unwrap_or("");
            continue;
        }
        match special(rest) {
            Some((piece, length)) => {
                if !plain.is_empty() {
                    pieces.push(Piece::Plain(std::mem::take(&mut plain)));
                }
                pieces.push(piece);
                rest = rest.get(length..).unwrap_or("");
            }
            None => {
                plain.push(c);
                rest = after;
            }
        }
    }
    if !plain.is_empty() {
        pieces.push(Piece::Plain(plain));
    }
    pieces
}

/// A text without its backslashes.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let marked = c == '\\' && characters.peek().is_some_and(char::is_ascii_punctuation);
        out.push(if marked { characters.next().unwrap_or(c) } else { c });
    }
    out
}

/// The marked piece that starts the text, and its length; none where the mark has no partner.
fn special(text: &str) -> Option<(Piece, usize)> {
    let between = |mark: &str| -> Option<(String, usize)> {
        let inside = text.strip_prefix(mark)?;
        let end = partner(inside, mark)?;
        let inner = inside.get(..end).filter(|inner| !inner.is_empty() && inner.trim() == *inner)?;
        Some((unescaped(inner), mark.len() * 2 + end))
    };
    if let Some((inner, length)) = between("**") {
        return Some((Piece::Strong(inner), length));
    }
    if let Some((inner, length)) = between("*") {
        return Some((Piece::Emphasis(inner), length));
    }
    if let Some((inner, length)) = between("`") {
        return Some((Piece::Code(inner), length));
    }
    let inside = text.strip_prefix('[')?;
    let end = partner(inside, "](")?;
    let (label, target) = (inside.get(..end)?, inside.get(end + 2..)?);
    let close = partner(target, ")")?;
    let address = target.get(..close)?;
    let safe = ["https://", "http://", "mailto:"].iter().any(|scheme| address.starts_with(scheme));
    let whole = !label.contains(['[', ']']) && !label.is_empty() && !address.contains(char::is_whitespace);
    let link = || Piece::Link { text: unescaped(label), address: unescaped(address) };
    (safe && whole).then(|| (link(), label.len() + address.len() + 4))
}

/// Where a mark stands next without a backslash before it.
fn partner(text: &str, mark: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if !escaped && text.get(at..).is_some_and(|rest| rest.starts_with(mark)) {
            return Some(at);
        }
        escaped = c == '\\' && !escaped;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::{html, text};
    use super::*;

    #[test]
    fn guidance_becomes_text_and_html() {
        let markdown = "# Use initials\n\nWrite **O.B.** in place of *a pupil's name*,\nas [the policy](https://hillside-trust.example/p?a=1&b=2) asks.\n\n- a < b\n- two\n  lines\n\n1. one\n2. `two`\n";
        let blocks = read(markdown, 2);
        assert_eq!(
            text::write(&blocks),
            "Use initials\n\nWrite O.B. in place of a pupil's name, as the policy\n<https://hillside-trust.example/p?a=1&b=2> asks.\n\n- a < b\n- two lines\n\n1. one\n2. two\n"
        );
        assert_eq!(
            html::body(&blocks),
            "<h2>Use initials</h2>\n<p>Write <strong>O.B.</strong> in place of <em>a pupil&#39;s name</em>, as <a href=\"https://hillside-trust.example/p?a=1&amp;b=2\">the policy</a> asks.</p>\n<ul>\n<li>a &lt; b</li>\n<li>two lines</li>\n</ul>\n<ol>\n<li>one</li>\n<li><code>two</code></li>\n</ol>\n"
        );
    }

    #[test]
    fn what_is_no_markdown_stays_text() {
        let odd = "2 * 3 * 4, [a](javascript:alert(1)), <script>, [b, **, `";
        let blocks = read(odd, 2);
        assert_eq!(text::write(&blocks), format!("{odd}\n"));
        assert_eq!(
            html::body(&blocks),
            "<p>2 * 3 * 4, [a](javascript:alert(1)), &lt;script&gt;, [b, **, `</p>\n"
        );
    }

    #[test]
    fn a_backslash_takes_the_meaning_from_a_mark() {
        let blocks = read("\\*no\\* [a\\*b](https://x.example/\\)c) \\\\ a\\b \\- **x\\*\\*y**", 2);
        assert_eq!(text::write(&blocks), "*no* a*b <https://x.example/)c> \\ a\\b - x**y\n");
    }
}
