//! Faults of a policy, each at its place in a file, with what to do. They hold no message content.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};
use serde::Serialize;
use serde::ser::SerializeStruct;

use crate::detect::distance::distance;

/// A file of the policy, as faults show it.
pub(super) type Source = Arc<NamedSource<String>>;

/// Makes a file's text showable.
pub(super) fn source(file: &str, text: &str) -> Source {
    Arc::new(NamedSource::new(file, text.to_owned()))
}

/// Something in a policy that cannot stand, and where. Serialised as `file`, `line`, `column`, `message`, `help`.
#[derive(Debug, Clone)]
pub struct Fault {
    source: Source,
    span: Range<usize>,
    message: String,
    label: Option<String>,
    help: Option<String>,
}

impl Fault {
    pub(super) fn new(source: &Source, span: Range<usize>, message: impl Into<String>) -> Self {
        let end = source.inner().len();
        let span = span.start.min(end)..span.end.min(end);
        Self { source: Arc::clone(source), span, message: message.into(), label: None, help: None }
    }

    pub(super) fn saying(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn help_if(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// The file, relative to the policy's folder.
    pub fn file(&self) -> &str {
        self.source.name()
    }

    /// The line, from 1.
    pub fn line(&self) -> usize {
        line_and_column(self.source.inner(), self.span.start).0
    }

    /// The column in characters, from 1.
    pub fn column(&self) -> usize {
        line_and_column(self.source.inner(), self.span.start).1
    }

    /// What is wrong, in lower case.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub fn remedy(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl Diagnostic for Fault {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&*self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = self.label.clone().unwrap_or_else(|| "here".to_owned());
        // A table's span can run over many lines; its first line is enough to point at.
        let text = self.source.inner().get(self.span.clone()).unwrap_or("");
        let length = text.lines().next().map_or(0, str::len);
        Some(Box::new(std::iter::once(LabeledSpan::new(Some(label), self.span.start, length))))
    }
}

impl Serialize for Fault {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut shape = serializer.serialize_struct("Fault", 5)?;
        shape.serialize_field("file", self.file())?;
        shape.serialize_field("line", &self.line())?;
        shape.serialize_field("column", &self.column())?;
        shape.serialize_field("message", &self.message)?;
        shape.serialize_field("help", &self.help)?;
        shape.end()
    }
}

/// All faults of a policy, in the order of its files.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => f.write_str("the policy has a fault"),
            count => write!(f, "the policy has {count} faults"),
        }
    }
}

impl std::error::Error for Faults {}

impl Diagnostic for Faults {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.0.iter().map(|fault| fault as &dyn Diagnostic)))
    }
}

/// Something in a policy that works, but is hardly meant.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Warning(pub Fault);

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Warning {}

impl Diagnostic for Warning {
    fn severity(&self) -> Option<miette::Severity> {
        Some(miette::Severity::Warning)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.0.source_code()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.0.labels()
    }
}

/// What the TOML reader says, in this project's words.
pub(super) fn from_toml(source: &Source, error: &toml::de::Error) -> Fault {
    let span = error.span().unwrap_or(0..0);
    let said = error.message();
    let named: Vec<&str> = said.split('`').skip(1).step_by(2).collect();
    let first = named.first().copied().unwrap_or("");
    let known = named.get(1..).unwrap_or(&[]);
    if said.starts_with("unknown field") {
        let fault = Fault::new(source, span, format!("unknown key \"{first}\""));
        return fault.help(choose(first, known, "the keys that may stand here are"));
    }
    if said.starts_with("unknown variant") {
        let fault = Fault::new(source, span, format!("unknown value \"{first}\""));
        return fault.help(choose(first, known, "the values that may stand here are"));
    }
    if said.starts_with("missing field") {
        return Fault::new(source, span, format!("missing key \"{first}\""))
            .label("in this table")
            .help("add it; docs/rules.md says what each key means");
    }
    if let Some((found, wanted)) =
        said.strip_prefix("invalid type: ").and_then(|s| s.split_once(", expected "))
    {
        let (wanted, help) = match wanted {
            "a sequence" => {
                ("a list", Some("write it in brackets, such as [\"one\", \"another\"]".to_owned()))
            }
            _ if wanted.starts_with("struct ") => {
                ("a table", Some("write it in braces, such as { key = \"value\" }".to_owned()))
            }
            other => (other, None),
        };
        return Fault::new(source, span, format!("expected {wanted}, found {found}")).help_if(help);
    }
    if said.starts_with("wanted string or table") {
        return Fault::new(source, span, "expected a word in quotation marks")
            .help("docs/rules.md lists the words that may stand here, such as \"yes\" and \"no\"");
    }
    let said = said.lines().next().unwrap_or(said);
    match SLIPS.iter().find(|(beginning, ..)| said.starts_with(beginning)) {
        Some((_, message, help)) => Fault::new(source, span, *message).help(*help),
        None => Fault::new(source, span, lower_first(said)),
    }
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
pub(super) fn choose(given: &str, known: &[&str], otherwise: &str) -> String {
    match nearest(given, known) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("{otherwise}: {}", known.join(", ")),
    }
}

/// The name that was probably meant.
pub(super) fn nearest<'k>(given: &str, known: &[&'k str]) -> Option<&'k str> {
    let given = given.to_lowercase().replace('_', "-");
    let farthest = (given.chars().count() / 3).max(1);
    known
        .iter()
        .map(|name| (distance(&given, &name.to_lowercase()), *name))
        .filter(|(distance, _)| *distance <= farthest)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
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
