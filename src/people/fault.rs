//! Faults of an import, each at its file, line and column. They never hold a word of an export: that may be a name.

use std::fmt;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};
use serde::Serialize;
use serde::ser::SerializeStruct;

use super::MOST_PEOPLE;
use crate::slips::{Slip, line_and_column};

/// Faults that are kept of one import; who has more has the wrong mapping.
const MOST_FAULTS: usize = 1_000;

/// What is wrong. Names of columns are those that the mapping gives.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum What {
    #[error("{message}")]
    Mapping { message: String, help: Option<String> },
    #[error("no [[file]] of the mapping is for a file of this name")]
    NoMapping,
    #[error("several [[file]] of the mapping are for a file of this name")]
    SeveralMappings,
    #[error("larger than {0} bytes")]
    TooLarge(usize),
    #[error("not UTF-8 here")]
    NotUtf8,
    #[error("not Windows-1252 here")]
    NotWindows,
    #[error("the mapping says Windows-1252, but this file is UTF-8")]
    IsUtf8,
    #[error("no row of headings: the file is empty")]
    NoHeadings,
    #[error("no column \"{column}\", which the mapping's `{key}` names")]
    MissingColumn { column: String, key: &'static str },
    #[error("two columns \"{0}\"")]
    DoubledColumn(String),
    #[error("the row's fields are {found}, the headings {headings}")]
    RowLength { found: usize, headings: usize },
    #[error("longer than {0} characters")]
    FieldTooLong(usize),
    #[error("a line break or control character")]
    Control,
    #[error("no id")]
    NoId,
    #[error("no family name")]
    NoFamilyName,
    #[error("no given name")]
    NoGivenName,
    #[error("no comma between surname and forename")]
    NoComma,
    #[error("a role that the mapping doesn't know")]
    UnknownRole,
    #[error("a school that the mapping doesn't know")]
    UnknownSchool,
    #[error("no school of organisation.toml has this id")]
    NoSuchSchool,
    #[error("the id stands for somebody else already: {0}")]
    DoubledId(String),
    #[error("somebody else of this role has the address already: {0}")]
    DoubledAddress(String),
    #[error("not a mail address")]
    NotAnAddress,
    #[error("not a date")]
    NotADate,
    #[error("more than {MOST_PEOPLE} people")]
    TooMany,
    #[error("nobody is in the files")]
    Nobody,
    #[error("not one of these parents has a pupil who is on the roll")]
    NoPupilKnown,
}

impl What {
    fn remedy(&self) -> &str {
        match self {
            Self::Mapping { help, .. } => {
                help.as_deref().unwrap_or("docs/people.md describes every key of a mapping")
            }
            Self::NoMapping => {
                "give a [[file]] a `name` that fits it, such as \"*pupils*.csv\", or rename the file"
            }
            Self::SeveralMappings => "make the `name` of each [[file]] narrower, so that one alone fits",
            Self::TooLarge(_) => "is this the right file?",
            Self::NotUtf8 => {
                "export as \"CSV UTF-8\", or say encoding = \"windows-1252\", which Excel's plain \"CSV\" writes"
            }
            Self::NotWindows => "the file is damaged, or of another encoding: export as \"CSV UTF-8\"",
            Self::IsUtf8 => "take encoding = \"windows-1252\" out of the mapping",
            Self::NoHeadings => "export it again, with its headings",
            Self::MissingColumn { .. } => {
                "add the column to the export, or name the right one in the mapping; the separator may be another too"
            }
            Self::DoubledColumn(_) => "leave one of them out of the export",
            Self::RowLength { .. } => {
                "a comma without quotation marks, or a quotation mark too many? export it again"
            }
            Self::FieldTooLong(_) => "a quotation mark left open, here or above? export it again",
            Self::Control => {
                "correct it in the management system; a quotation mark left open has this effect too"
            }
            Self::NoId => {
                "everybody needs one: correct it in the management system, or name another column as `id`"
            }
            Self::NoFamilyName => "correct it in the management system",
            Self::NoGivenName => {
                "pupils and staff need one: whoever has a single name has it in both columns"
            }
            Self::NoComma => "correct it in the management system, or set `written` as the names are written",
            Self::UnknownRole => "add it to the `values` of `role`, as a role or as \"leave-out\"",
            Self::UnknownSchool => "add it to the `values` of `school`",
            Self::NoSuchSchool => {
                "write the id as it stands there, or say with the `values` of `school` which one is meant"
            }
            Self::DoubledId(_) => {
                "two systems with the same ids: set `id-prefix`; one row for each pupil of a parent: set one-row-for = \"pupil\""
            }
            Self::DoubledAddress(_) => "only parents may share one: correct it in the management system",
            Self::NotAnAddress => {
                "correct it in the management system, or add what stands for none to `empty`"
            }
            Self::NotADate => "write it as 31/07/2026 or 2026-07-31",
            Self::TooMany => "leave out those who have left, or import the schools into a mailwarden each",
            Self::Nobody => "nothing is replaced by an empty roll; look whether the exports are complete",
            Self::NoPupilKnown => {
                "`pupils` must name a column with the pupils' ids, and the pupils' export be imported together with this one"
            }
        }
    }
}

/// Something in a mapping or an export that cannot stand, and where. Serialised as `file`, `line`, `column`, `message`, `help`.
#[derive(Debug, Clone)]
pub struct Fault {
    file: String,
    line: usize,
    column: Option<usize>,
    what: What,
    shown: Option<(Arc<NamedSource<String>>, usize)>,
}

impl Fault {
    /// In an export: its text is not shown. The column is the field's number in its row, from 1.
    pub(super) fn in_export(file: &str, line: usize, column: Option<usize>, what: What) -> Self {
        Self { file: file.to_owned(), line, column, what, shown: None }
    }

    /// In a mapping, at its place.
    pub(super) fn in_mapping(source: &Arc<NamedSource<String>>, slip: Slip) -> Self {
        let (line, column) = line_and_column(source.inner(), slip.span.start);
        Self {
            file: source.name().to_owned(),
            line,
            column: Some(column),
            what: What::Mapping { message: slip.message, help: slip.help },
            shown: Some((Arc::clone(source), slip.span.start)),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)?;
        if let Some(column) = self.column {
            write!(f, ":{column}")?;
        }
        write!(f, ": {}", self.what)
    }
}

impl std::error::Error for Fault {}

impl Diagnostic for Fault {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.what.remedy()))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.shown.as_ref().map(|(source, _)| &**source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (_, at) = self.shown.as_ref()?;
        Some(Box::new(std::iter::once(LabeledSpan::new(Some("here".to_owned()), *at, 0))))
    }
}

impl Serialize for Fault {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut shape = serializer.serialize_struct("Fault", 5)?;
        shape.serialize_field("file", &self.file)?;
        shape.serialize_field("line", &self.line)?;
        shape.serialize_field("column", &self.column)?;
        shape.serialize_field("message", &self.what.to_string())?;
        shape.serialize_field("help", self.what.remedy())?;
        shape.end()
    }
}

/// The faults of an import: the first thousand, and how many there are.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// In the order of the files and lines.
    pub kept: Vec<Fault>,
    /// How many there are, those included that were not kept.
    pub number: usize,
}

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) {
        self.number += 1;
        if self.kept.len() < MOST_FAULTS {
            self.kept.push(fault);
        }
    }
}

impl From<Vec<Fault>> for Faults {
    fn from(faults: Vec<Fault>) -> Self {
        let mut all = Self::default();
        faults.into_iter().for_each(|fault| all.add(fault));
        all
    }
}
