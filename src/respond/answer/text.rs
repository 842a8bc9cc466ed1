//! Blocks as plain text, in lines that fit a narrow screen. It leaves nothing out that the HTML has.

use super::super::lines::broken;
use super::markdown::{Block, Piece};

/// Columns of the plain form.
const COLUMNS: usize = 72;

/// The plain form, lines ended by `\n`.
pub(super) fn write(blocks: &[Block]) -> String {
    let mut out = String::with_capacity(1_024);
    for block in blocks {
        if !out.is_empty() {
            out.push('\n');
        }
        match block {
            Block::Heading(level, pieces) => heading(&mut out, *level, &plain(pieces)),
            Block::Paragraph(pieces) => put_lines(&mut out, &plain(pieces), "", ""),
            Block::List { ordered, items } => {
                for (index, item) in items.iter().enumerate() {
                    let mark = if *ordered { format!("{}. ", index + 1) } else { "- ".to_owned() };
                    put_lines(&mut out, &plain(item), &mark, &" ".repeat(mark.len()));
                }
            }
        }
    }
    out
}

/// A heading stands out by the empty lines around it: a screen reader spells out every line that is drawn.
fn heading(out: &mut String, level: u8, text: &str) {
    if level <= 2 && !out.is_empty() {
        out.push('\n');
    }
    put_lines(out, text, "", "");
}

/// Pieces as plain text.
pub(super) fn plain(pieces: &[Piece]) -> String {
    let mut out = String::new();
    for piece in pieces {
        match piece {
            Piece::Plain(text) | Piece::Strong(text) | Piece::Emphasis(text) | Piece::Code(text) => {
                out.push_str(text)
            }
            Piece::Link { text, address } if address.ends_with(text.as_str()) => out.push_str(text),
            Piece::Link { text, address } => out.push_str(&format!("{text} <{address}>")),
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
