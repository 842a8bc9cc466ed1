//! Blocks as HTML: headings, paragraphs and lists that a screen reader knows, readable on a phone, dark where the reader is.

use super::markdown::{Block, Piece};

/// Colours keep a contrast of at least 7 to 1 (WCAG 2.2, 1.4.6), light and dark.
const STYLE: &str = "\
:root { color-scheme: light dark }
body { margin: 0; background: #ffffff; color: #1c1c1c; font: 1.0625rem/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, Arial, sans-serif }
main { max-width: 38rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0.5rem 0 1rem }
h2 { font-size: 1.1875rem; line-height: 1.3; margin: 1.75rem 0 0.5rem }
h3, h4 { font-size: 1.0625rem; margin: 1.25rem 0 0.25rem }
p, ul, ol { margin: 0 0 0.75rem }
ul, ol { padding-left: 1.5rem }
li { margin-bottom: 0.25rem }
code { font-family: ui-monospace, Consolas, monospace; background: #eeeeee; padding: 0 0.2em }
a { color: #0a4a86 }
@media (prefers-color-scheme: dark) {
body { background: #161616; color: #f0f0f0 }
code { background: #303030 }
a { color: #a9cffb }
}";

/// A whole page in that language (RFC 5646).
pub(super) fn page(blocks: &[Block], language: &str, title: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>\n{STYLE}\n</style>\n</head>\n\
         <body>\n<main>\n{}</main>\n</body>\n</html>\n",
        escaped(language),
        escaped(title),
        body(blocks)
    )
}

/// The blocks: escaped, and no element but those that they ask for.
pub(super) fn body(blocks: &[Block]) -> String {
    let mut out = String::with_capacity(2_048);
    for block in blocks {
        match block {
            Block::Heading(level, pieces) => {
                out.push_str(&format!("<h{level}>{}</h{level}>\n", marked_up(pieces)));
            }
            Block::Paragraph(pieces) => out.push_str(&format!("<p>{}</p>\n", marked_up(pieces))),
            Block::List { ordered, items } => {
                let element = if *ordered { "ol" } else { "ul" };
                out.push_str(&format!("<{element}>\n"));
                for item in items {
                    out.push_str(&format!("<li>{}</li>\n", marked_up(item)));
                }
                out.push_str(&format!("</{element}>\n"));
            }
        }
    }
    out
}

fn marked_up(pieces: &[Piece]) -> String {
    let mut out = String::new();
    for piece in pieces {
        match piece {
            Piece::Plain(text) => out.push_str(&escaped(text)),
            Piece::Strong(text) => out.push_str(&format!("<strong>{}</strong>", escaped(text))),
            Piece::Emphasis(text) => out.push_str(&format!("<em>{}</em>", escaped(text))),
            Piece::Code(text) => out.push_str(&format!("<code>{}</code>", escaped(text))),
            Piece::Link { text, address } => {
                out.push_str(&format!("<a href=\"{}\">{}</a>", escaped(address), escaped(text)));
            }
        }
    }
    out
}

/// A text in HTML.
fn escaped(text: &str) -> String {
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
