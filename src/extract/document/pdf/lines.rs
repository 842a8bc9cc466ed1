//! Joins what a page shows, piece by piece, to lines: by place, in the order in which it was drawn. Knows no PDF.

use std::collections::HashMap;

/// A piece of text that one operator shows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    pub text: String,
    /// Where it begins, on the page.
    pub from: Point,
    /// Where it ends.
    pub to: Point,
    /// The height of its letters, on the page.
    pub height: f64,
}

/// A point on the page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub x: f64,
    pub y: f64,
}

/// Gap between letters that is a space, in parts of their height.
pub(super) const SPACE: f64 = 0.15;
/// Gap between pieces that ends a line where another column may begin.
const COLUMN: f64 = 1.5;
/// How far a piece may reach back into the one before it.
const OVERLAP: f64 = 0.5;
/// How far baselines may lie apart: of superscripts, say.
const BASELINE: f64 = 0.4;
/// Lines of one height that are looked at for one that the piece continues.
const LOOKED_AT: usize = 8;

/// The lines of a page.
#[derive(Debug, Default)]
pub(super) struct Lines {
    lines: Vec<Line>,
    /// The lines by direction and height.
    by_height: HashMap<(i64, i64), Vec<usize>>,
    /// The line to which the last piece went.
    last: usize,
}

#[derive(Debug)]
struct Line {
    text: String,
    along: Axis,
    /// Where it begins, ends and stands, in its own direction and across it.
    start: f64,
    end: f64,
    across: f64,
    height: f64,
    /// The last piece of it, to know it when it is drawn again for a bold look.
    last_text: String,
    last_start: f64,
}

/// A direction of writing.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Axis {
    x: f64,
    y: f64,
}

impl Axis {
    /// The direction of a piece, to the nearest of 64.
    fn of(piece: &Piece) -> Self {
        let (x, y) = (piece.to.x - piece.from.x, piece.to.y - piece.from.y);
        let length = x.hypot(y);
        if length < 1e-6 || !length.is_finite() {
            return Self { x: 1.0, y: 0.0 };
        }
        let step = std::f64::consts::TAU / 64.0;
        let (y, x) = ((y.atan2(x) / step).round() * step).sin_cos();
        Self { x, y }
    }

    fn along(self, point: Point) -> f64 {
        point.x * self.x + point.y * self.y
    }

    fn across(self, point: Point) -> f64 {
        point.y * self.x - point.x * self.y
    }

    fn number(self) -> i64 {
        (self.y.atan2(self.x) * 64.0 / std::f64::consts::TAU).round() as i64
    }
}

impl Lines {
    /// Adds a piece, to the line that it continues or as a new one.
    pub(super) fn add(&mut self, piece: Piece) {
        if piece.text.is_empty() || !piece.height.is_finite() {
            return;
        }
        let along = Axis::of(&piece);
        let (start, end) = (along.along(piece.from), along.along(piece.to));
        let new = Line {
            along,
            start,
            end,
            across: along.across(piece.from),
            height: piece.height.max(0.1),
            last_text: piece.text.clone(),
            last_start: start,
            text: piece.text,
        };
        if let Some(last) = self.lines.get_mut(self.last)
            && last.is_level_with(&new)
        {
            let gap = new.start - last.end;
            if gap > -OVERLAP * new.height || last.is_drawn_again(&new) {
                // On one line as it was drawn: a column further on is kept apart by a tab.
                return last.append(new, if gap > COLUMN * last.height { "\t" } else { " " });
            }
        }
        match self.continued_by(&new) {
            Some(index) => {
                if let Some(line) = self.lines.get_mut(index) {
                    line.append(new, " ");
                    self.last = index;
                }
            }
            None => self.begin(new),
        }
    }

    fn begin(&mut self, line: Line) {
        if line.text.trim().is_empty() {
            return;
        }
        self.last = self.lines.len();
        self.by_height.entry(line.key(0)).or_default().push(self.last);
        self.lines.push(line);
    }

    /// An earlier line that ends where the new one begins.
    fn continued_by(&self, new: &Line) -> Option<usize> {
        (-1..=1).find_map(|step| {
            let here = self.by_height.get(&new.key(step))?;
            here.iter().rev().take(LOOKED_AT).copied().find(|index| {
                self.lines.get(*index).is_some_and(|line| {
                    let gap = new.start - line.end;
                    let joins = gap > -OVERLAP * new.height && gap < COLUMN / 2.0 * new.height;
                    line.is_level_with(new) && (joins || line.is_drawn_again(new))
                })
            })
        })
    }

    /// The text of all lines. A word that is cut at a line's end is made whole.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        for line in &self.lines {
            let text = line.text.trim();
            if text.is_empty() {
                continue;
            }
            if !out.is_empty() && !joins_cut_word(&mut out, text) {
                out.push('\n');
            }
            out.push_str(text);
        }
        out
    }
}

impl Line {
    fn key(&self, step: i64) -> (i64, i64) {
        (self.along.number(), (self.across / 4.0).round() as i64 + step)
    }

    fn is_level_with(&self, new: &Self) -> bool {
        let height = self.height.max(new.height);
        self.along == new.along && (self.across - new.across).abs() < BASELINE * height
    }

    /// Whether the new piece is this line's last one, drawn again a hair further on.
    fn is_drawn_again(&self, new: &Self) -> bool {
        self.last_text == new.text && (self.last_start - new.start).abs() < 0.2 * new.height
    }

    fn append(&mut self, new: Self, space: &str) {
        if self.is_drawn_again(&new) {
            return;
        }
        let gap = new.start - self.end;
        let is_apart = self.text.ends_with([' ', '\t']) || new.text.starts_with(' ');
        if gap > SPACE * new.height && !is_apart {
            self.text.push_str(space);
        }
        self.text.push_str(&new.text);
        self.end = self.end.max(new.end);
        // A superscript says little about the line; its next word tells again where it stands.
        if new.height > 0.8 * self.height {
            (self.across, self.height) = (new.across, new.height);
        }
        (self.last_text, self.last_start) = (new.last_text, new.last_start);
    }
}

/// Takes the hyphen from the end of `out` where the next line goes on with the word.
fn joins_cut_word(out: &mut String, next: &str) -> bool {
    let goes_on = next.chars().next().is_some_and(char::is_lowercase);
    let mut letters = out.chars().rev();
    let hyphen = letters.next().filter(|letter| matches!(letter, '-' | '\u{ad}' | '\u{2010}'));
    let cut = goes_on && hyphen.is_some() && letters.next().is_some_and(char::is_alphabetic);
    if cut {
        out.pop();
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(text: &str, x: f64, y: f64) -> Piece {
        let width = text.chars().count() as f64 * 5.0;
        Piece { text: text.to_owned(), from: Point { x, y }, to: Point { x: x + width, y }, height: 10.0 }
    }

    fn text(pieces: &[Piece]) -> String {
        let mut lines = Lines::default();
        pieces.iter().cloned().for_each(|piece| lines.add(piece));
        lines.text()
    }

    #[test]
    fn pieces_of_a_line_are_joined() {
        assert_eq!(text(&[piece("Oliver", 0.0, 700.0), piece("Bennett", 33.0, 700.0)]), "Oliver Bennett");
        assert_eq!(text(&[piece("Oli", 0.0, 700.0), piece("ver", 15.2, 700.0)]), "Oliver");
        // Out of order: the bold words were drawn last.
        let pieces = [piece("Dear", 0.0, 700.0), piece("Year 7", 0.0, 680.0), piece("parents", 23.0, 700.0)];
        assert_eq!(text(&pieces), "Dear parents\nYear 7");
    }

    #[test]
    fn columns_and_rows_are_kept_apart() {
        assert_eq!(text(&[piece("Name", 0.0, 700.0), piece("Form", 200.0, 700.0)]), "Name\tForm");
        let left_then_right = [
            piece("left 1", 0.0, 700.0),
            piece("left 2", 0.0, 688.0),
            piece("right 1", 200.0, 700.0),
            piece("right 2", 200.0, 688.0),
        ];
        assert_eq!(text(&left_then_right), "left 1\nleft 2\nright 1\nright 2");
    }

    #[test]
    fn words_are_made_whole_and_bold_is_said_once() {
        assert_eq!(
            text(&[piece("a safe-", 0.0, 700.0), piece("guarding lead", 0.0, 688.0)]),
            "a safeguarding lead"
        );
        assert_eq!(text(&[piece("Bold", 0.0, 700.0), piece("Bold", 0.3, 700.0)]), "Bold");
    }
}
