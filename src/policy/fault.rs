//! Faults of a policy, each at its place in a file, with what to do. They hold no message content.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};
use serde::Serialize;
use serde::ser::SerializeStruct;

use crate::slips::{Slip, line_and_column};

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
    about: About,
}

/// What a fault is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    /// A name that nothing bears.
    UnknownName,
    /// Anything else.
    Other,
}

impl Fault {
    pub(super) fn new(source: &Source, span: Range<usize>, message: impl Into<String>) -> Self {
        let end = source.inner().len();
        let span = span.start.min(end)..span.end.min(end);
        Self {
            source: Arc::clone(source),
            span,
            message: message.into(),
            label: None,
            help: None,
            about: About::Other,
        }
    }

    /// A name that nothing bears: `what` is such as `list`.
    pub(super) fn unknown_name(source: &Source, span: Range<usize>, what: &str, name: &str) -> Self {
        Self { about: About::UnknownName, ..Self::new(source, span, format!("unknown {what} \"{name}\"")) }
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

    /// Whether a name is told that nothing bears, as against what follows from what is not there. A name that stands in for one that is
    /// missing is not told.
    pub(super) fn is_of_a_written_name(&self) -> bool {
        self.about == About::UnknownName && self.span.start < self.source.inner().len()
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

/// A slip in writing, as a fault of that file.
pub(super) fn from_slip(source: &Source, slip: Slip) -> Fault {
    let fault = Fault::new(source, slip.span, slip.message).help_if(slip.help);
    Fault { label: slip.label.map(str::to_owned), ..fault }
}
