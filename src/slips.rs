//! What is written wrongly in a TOML file, in this project's words, with what was probably meant. Knows no key of any file.

pub mod distance;
mod reading;

use std::ops::Range;

use distance::distance;
pub use reading::{Certainty, Read, read, read_table};

/// Something that cannot stand, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slip {
    /// Its bytes.
    pub span: Range<usize>,
    /// What is wrong, in lower case.
    pub message: String,
    /// What to write beside the place; `here` where nothing is said.
    pub label: Option<&'static str>,
    /// What to do.
    pub help: Option<String>,
}

/// What kind of slip it is, as far as it can be put right in thought.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// No such key: the one that was probably meant.
    Key(Option<String>),
    /// No such value: those that there are, the one that was probably meant first.
    Value { near: Option<String>, known: Vec<String> },
    /// A key that is missing.
    Missing(String),
    /// Something else was expected.
    Expected(String),
    /// Anything else.
    Other,
}

impl Slip {
    /// What the TOML reader says.
    pub fn of(error: &toml::de::Error) -> Self {
        said(error).0
    }

    /// Something that cannot stand there, for which the help is yet to be said.
    pub fn at(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), label: None, help: None }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// What the reader says, and its kind.
fn said(error: &toml::de::Error) -> (Slip, Kind) {
    let span = error.span().unwrap_or(0..0);
    let said = error.message();
    let named: Vec<&str> = said.split('`').skip(1).step_by(2).collect();
    let first = named.first().copied().unwrap_or("");
    let known = named.get(1..).unwrap_or(&[]);
    let near = || nearest(first, known).map(str::to_owned);
    if said.starts_with("unknown field") {
        let slip = Slip::at(span, format!("unknown key \"{first}\""));
        return (slip.help(choose(first, known, "the keys that may stand here are")), Kind::Key(near()));
    }
    if said.starts_with("unknown variant") {
        let slip = Slip::at(span, format!("unknown value \"{first}\""));
        let known_here = known.iter().map(|name| (*name).to_owned()).collect();
        let kind = Kind::Value { near: near(), known: known_here };
        return (slip.help(choose(first, known, "the values that may stand here are")), kind);
    }
    if said.starts_with("missing field") {
        let slip =
            Slip { label: Some("in this table"), ..Slip::at(span, format!("missing key \"{first}\"")) };
        return (slip, Kind::Missing(first.to_owned()));
    }
    if let Some((found, wanted)) =
        said.strip_prefix("invalid type: ").and_then(|said| said.split_once(", expected "))
    {
        return (unexpected(span, found, wanted), Kind::Expected(wanted.to_owned()));
    }
    if said.starts_with("wanted string or table") {
        let slip = Slip::at(span, "expected a word in quotation marks");
        let help = "the manual lists the words that may stand here, such as \"yes\" and \"no\"";
        return (slip.help(help), Kind::Expected("a string".to_owned()));
    }
    let said = said.lines().next().unwrap_or(said);
    let slip = match SLIPS.iter().find(|(beginning, ..)| said.starts_with(beginning)) {
        Some((_, message, help)) => Slip::at(span, *message).help(*help),
        None => Slip::at(span, lower_first(said)),
    };
    (slip, Kind::Other)
}

fn unexpected(span: Range<usize>, found: &str, wanted: &str) -> Slip {
    let (wanted, help) = match wanted {
        "a sequence" => ("a list", Some("write it in brackets, such as [\"one\", \"another\"]")),
        _ if wanted.starts_with("struct ") => {
            ("a table", Some("write it in braces, such as { key = \"value\" }"))
        }
        other => (other, None),
    };
    let slip = Slip::at(span, format!("expected {wanted}, found {found}"));
    Slip { help: help.map(str::to_owned), ..slip }
}

/// Slips in writing TOML: how the reader's message begins, what it means, and what to do.
const SLIPS: [(&str, &str, &str); 6] = [
    (
        "string values must be quoted",
        "a text without quotation marks",
        "write it in quotation marks, such as \"Oakfield School\"",
    ),
    (
        "invalid basic string",
        "this text does not end on its line",
        "put a quotation mark at its end; inside a text write \\\" for one",
    ),
    (
        "missing comma",
        "a comma is missing before this",
        "write commas between the entries: [\"one\", \"another\"]",
    ),
    (
        "duplicate key",
        "this stands here already",
        "keep one of them; another entry of a list begins with its name in double brackets, such as [[school]]",
    ),
    ("unclosed array table", "a bracket is missing", "write two at either side: [[rule]]"),
    ("invalid date", "there is no such day", "write year, month and day, such as 2026-02-16"),
];

/// `did you mean …`, or all that could have been meant.
pub fn choose(given: &str, known: &[&str], otherwise: &str) -> String {
    match nearest(given, known) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("{otherwise}: {}", known.join(", ")),
    }
}

/// The name that was probably meant.
pub fn nearest<'k>(given: &str, known: &[&'k str]) -> Option<&'k str> {
    let given = given.to_lowercase().replace('_', "-");
    let letters = given.chars().count();
    // One letter is as near to any other.
    let farthest = (letters / 3).max(usize::from(letters > 1));
    known
        .iter()
        .map(|name| (distance(&given, &name.to_lowercase()), *name))
        .filter(|(distance, _)| *distance <= farthest)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// The line and the column, in characters, of a byte of a text; both from 1.
pub fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    (line, before.get(line_start..).map_or(0, |line| line.chars().count()) + 1)
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_finds_slips_and_nothing_far_off() {
        let known = ["recipient", "recipients", "sender", "words"];
        assert_eq!(nearest("recipeint", &known), Some("recipient"));
        assert_eq!(nearest("Sender", &known), Some("sender"));
        assert_eq!(nearest("word", &known), Some("words"));
        assert_eq!(nearest("attachment", &known), None);
    }

    #[test]
    fn columns_count_characters() {
        assert_eq!(line_and_column("é = 1\nßß x", 11), (2, 3));
        assert_eq!(line_and_column("", 0), (1, 1));
    }
}
