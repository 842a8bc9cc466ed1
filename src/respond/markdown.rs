//! Guidance texts, which people write in a little Markdown, as plain text and as HTML. What it does not know stays text.

use super::lines::broken;

/// Columns of the plain form.
const COLUMNS: usize = 72;

/// A block of a guidance text.
enum Block<'t> {
    Heading(&'t str),
    Paragraph(String),
    List { ordered: bool, items: Vec<String> },
}

/// A piece of a line.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'t> {
    Plain(&'t str),
    Strong(&'t str),
    Emphasis(&'t str),
    Code(&'t str),
    Link { text: &'t str, address: &'t str },
}

/// The plain form, lines ended by `\n`.
pub(super) fn to_text(markdown: &str) -> String {
    let mut out = String::with_capacity(markdown.len() + 64);
    for block in blocks(markdown) {
        if !out.is_empty() {
            out.push('\n');
        }
        match block {
            Block::Heading(text) => put_lines(&mut out, &plain(text), "", ""),
            Block::Paragraph(text) => put_lines(&mut out, &plain(&text), "", ""),
            Block::List { ordered, items } => {
                for (index, item) in items.iter().enumerate() {
                    let mark = if ordered { format!("{}. ", index + 1) } else { "- ".to_owned() };
                    put_lines(&mut out, &plain(item), &mark, &" ".repeat(mark.len()));
                }
            }
        }
    }
    out
}

/// The HTML form: escaped, and no element but those that the Markdown asks for.
pub(super) fn to_html(markdown: &str) -> String {
    let mut out = String::with_capacity(markdown.len() * 2);
    for block in blocks(markdown) {
        match block {
            Block::Heading(text) => out.push_str(&format!("<p><b>{}</b></p>\n", marked_up(text))),
            Block::Paragraph(text) => out.push_str(&format!("<p>{}</p>\n", marked_up(&text))),
            Block::List { ordered, items } => {
                let element = if ordered { "ol" } else { "ul" };
                out.push_str(&format!("<{element}>\n"));
                for item in items {
                    out.push_str(&format!("<li>{}</li>\n", marked_up(&item)));
                }
                out.push_str(&format!("</{element}>\n"));
            }
        }
    }
    out
}

/// A text in HTML.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Puts a text in lines, the first behind `first`, the others behind `others`.
fn put_lines(out: &mut String, text: &str, first: &str, others: &str) {
    for (index, line) in broken(text.trim(), COLUMNS - first.len()).iter().enumerate() {
        out.push_str(if index == 0 { first } else { others });
        out.push_str(line);
        out.push('\n');
    }
}

fn blocks(markdown: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut open = false;
    for line in markdown.lines() {
        let text = line.trim();
        if text.is_empty() {
            open = false;
            continue;
        }
        let heading = text.trim_start_matches('#');
        if heading.len() < text.len() && heading.starts_with(' ') {
            blocks.push(Block::Heading(heading.trim()));
            open = false;
        } else if let Some((ordered, item)) = list_item(text) {
            match blocks.last_mut() {
                Some(Block::List { ordered: same, items }) if *same == ordered => items.push(item.to_owned()),
                _ => blocks.push(Block::List { ordered, items: vec![item.to_owned()] }),
            }
            open = true;
        } else {
            let last = if open { blocks.last_mut() } else { None };
            let running = match last {
                Some(Block::Paragraph(running)) => Some(running),
                Some(Block::List { items, .. }) => items.last_mut(),
                _ => None,
            };
            match running {
                Some(running) => {
                    running.push(' ');
                    running.push_str(text);
                }
                None => blocks.push(Block::Paragraph(text.to_owned())),
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

fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Plain(text) | Piece::Strong(text) | Piece::Emphasis(text) | Piece::Code(text) => {
                out.push_str(text)
            }
            Piece::Link { text, address } if address.ends_with(text) => out.push_str(text),
            Piece::Link { text, address } => out.push_str(&format!("{text} <{address}>")),
        }
    }
    out
}

fn marked_up(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for piece in pieces(text) {
        match piece {
            Piece::Plain(text) => out.push_str(&escaped(text)),
            Piece::Strong(text) => out.push_str(&format!("<b>{}</b>", escaped(text))),
            Piece::Emphasis(text) => out.push_str(&format!("<i>{}</i>", escaped(text))),
            Piece::Code(text) => out.push_str(&format!("<code>{}</code>", escaped(text))),
            Piece::Link { text, address } => {
                out.push_str(&format!("<a href=\"{}\">{}</a>", escaped(address), escaped(text)));
            }
        }
    }
    out
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut plain_until = 0;
    while let Some(found) = rest.get(plain_until..).and_then(|tail| tail.find(['*', '`', '['])) {
        let at = plain_until + found;
        let Some((piece, length)) = rest.get(at..).and_then(special) else {
            plain_until = at + 1;
            continue;
        };
        pieces.extend(rest.get(..at).filter(|before| !before.is_empty()).map(Piece::Plain));
        pieces.push(piece);
        rest = rest.get(at + length..).unwrap_or("");
        plain_until = 0;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Plain(rest));
    }
    pieces
}

/// The marked piece that starts the text, and its length; none where the mark has no partner.
fn special(text: &str) -> Option<(Piece<'_>, usize)> {
    let between = |mark: &str| -> Option<(&str, usize)> {
        let inside = text.strip_prefix(mark)?;
        let end = inside.find(mark)?;
        let inner = inside.get(..end).filter(|inner| !inner.is_empty() && inner.trim() == *inner)?;
        Some((inner, mark.len() * 2 + end))
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
    let (label, target) = inside.split_once("](")?;
    let (address, _) = target.split_once(')')?;
    let safe = ["https://", "http://", "mailto:"].iter().any(|scheme| address.starts_with(scheme));
    let whole = !label.contains(['[', ']']) && !label.is_empty() && !address.contains(char::is_whitespace);
    (safe && whole).then_some((Piece::Link { text: label, address }, label.len() + address.len() + 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guidance_becomes_text_and_html() {
        let markdown = "# Use initials\n\nWrite **O.B.** in place of *a pupil's name*,\nas [the policy](https://hillside-trust.example/p?a=1&b=2) asks.\n\n- a < b\n- two\n  lines\n\n1. one\n2. `two`\n";
        assert_eq!(
            to_text(markdown),
            "Use initials\n\nWrite O.B. in place of a pupil's name, as the policy\n<https://hillside-trust.example/p?a=1&b=2> asks.\n\n- a < b\n- two lines\n\n1. one\n2. two\n"
        );
        assert_eq!(
            to_html(markdown),
            "<p><b>Use initials</b></p>\n<p>Write <b>O.B.</b> in place of <i>a pupil&#39;s name</i>, as <a href=\"https://hillside-trust.example/p?a=1&amp;b=2\">the policy</a> asks.</p>\n<ul>\n<li>a &lt; b</li>\n<li>two lines</li>\n</ul>\n<ol>\n<li>one</li>\n<li><code>two</code></li>\n</ol>\n"
        );
    }

    #[test]
    fn what_is_no_markdown_stays_text() {
        let odd = "2 * 3 * 4, [a](javascript:alert(1)), <script>, [b, **, `";
        assert_eq!(to_text(odd), format!("{odd}\n"));
        assert_eq!(to_html(odd), "<p>2 * 3 * 4, [a](javascript:alert(1)), &lt;script&gt;, [b, **, `</p>\n");
    }
}
