//! The mapping: which column of an export is what, and how it is written. Reads no export itself.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};
use miette::NamedSource;
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Fault, Faults, Role};
use crate::slips::{self, Certainty, Slip};

/// What describes every key of a mapping.
const MANUAL: &str = "docs/people.md";

/// How exports are read: a file of `[[file]]` tables, as docs/people.md describes it.
#[derive(Debug, Clone)]
pub struct Mapping {
    pub(super) files: Vec<FileMapping>,
    /// The ids of the organisation's schools, where they are known; without them, every id is taken.
    pub(super) schools: Option<Vec<String>>,
    source: Arc<NamedSource<String>>,
}

/// How one kind of export is read, checked.
#[derive(Debug, Clone)]
pub(super) struct FileMapping {
    /// The file names that it is for; all, where it has none.
    pub(super) names: Option<GlobMatcher>,
    pub(super) names_from: NamesFrom,
    pub(super) raw: RawFile,
}

/// Where given, middle and family name come from.
#[derive(Debug, Clone)]
pub(super) enum NamesFrom {
    /// A column each.
    Columns { given: String, middle: Option<String>, family: String },
    /// One column for all.
    Whole { column: String, written: Written },
}

/// How a name is written in one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Written {
    /// `Bennett, Oliver James`.
    #[serde(rename = "surname, forename")]
    SurnameFirst,
    /// `Oliver James Bennett`: the last word is the family name.
    #[serde(rename = "forename surname")]
    ForenameFirst,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMapping {
    file: Vec<toml::Spanned<RawFile>>,
}

/// A `[[file]]` as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawFile {
    name: Option<String>,
    pub(super) role: RoleFrom,
    pub(super) school: Option<SchoolFrom>,
    #[serde(default)]
    pub(super) encoding: Encoding,
    pub(super) separator: Option<Separator>,
    pub(super) id: String,
    #[serde(default)]
    pub(super) id_prefix: String,
    pub(super) names: RawNames,
    pub(super) year: Option<String>,
    pub(super) class: Option<String>,
    #[serde(default)]
    pub(super) addresses: Vec<String>,
    pub(super) pupils: Option<String>,
    #[serde(default)]
    pub(super) one_row_for: OneRowFor,
    pub(super) left: Option<String>,
    #[serde(default)]
    pub(super) empty: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawNames {
    given: Option<String>,
    middle: Option<String>,
    family: Option<String>,
    whole: Option<String>,
    written: Option<Written>,
    pub(super) preferred_given: Option<String>,
    pub(super) preferred_family: Option<String>,
    pub(super) former_family: Option<String>,
}

/// The role of everybody in a file, or where it stands.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "`role` is \"pupil\", \"staff\", \"governor\" or \"parent\", or a table { column = \"…\", values = { \"…\" = \"staff\" } }"
)]
pub(super) enum RoleFrom {
    Fixed(Role),
    Column { column: String, values: BTreeMap<String, RoleOrNone> },
}

/// A role, or that people with this value are not for the roll.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(
    untagged,
    expecting = "a value of `role` is \"pupil\", \"staff\", \"governor\", \"parent\" or \"leave-out\""
)]
pub(super) enum RoleOrNone {
    Role(Role),
    None(LeaveOut),
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) enum LeaveOut {
    #[serde(rename = "leave-out")]
    LeaveOut,
}

/// The school of everybody in a file, or where it stands. Without values, the column holds the id itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "`school` is a school's id, or a table { column = \"…\", values = { \"…\" = \"school-id\" } }"
)]
pub(super) enum SchoolFrom {
    Fixed(String),
    Column { column: String, values: Option<BTreeMap<String, String>> },
}

/// How a file's text is written as bytes. A byte order mark goes before what is said here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Encoding {
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "windows-1252")]
    Windows1252,
}

/// What stands between fields. Where none is given, the one that the headings have most of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Separator {
    #[serde(rename = ",")]
    Comma,
    #[serde(rename = ";")]
    Semicolon,
    #[serde(rename = "tab")]
    Tab,
}

impl Separator {
    pub(super) const ALL: [Self; 3] = [Self::Comma, Self::Semicolon, Self::Tab];

    pub(super) const fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }
}

/// What a row stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum OneRowFor {
    /// A person: an id is there once.
    #[default]
    Person,
    /// A parent's pupil: a parent is there once for each.
    Pupil,
}

impl Mapping {
    /// Reads a mapping file's text; `file` is its name, for faults.
    ///
    /// # Errors
    /// Every fault that can be told from one reading, each at its place.
    pub fn parse(file: &str, text: &str) -> Result<Self, Faults> {
        let source = Arc::new(NamedSource::new(file, text.to_owned()));
        let read = slips::read::<RawMapping>(text, MANUAL);
        let mut faults: Vec<Fault> =
            read.slips.into_iter().map(|slip| Fault::in_mapping(&source, slip)).collect();
        let mut files = Vec::new();
        // Of what had to be guessed, nothing more can be said.
        for raw in
            read.value.filter(|_| read.certainty < Certainty::Guessed).into_iter().flat_map(|raw| raw.file)
        {
            let span = raw.span();
            match FileMapping::check(raw.into_inner()) {
                Ok(file) => files.push(file),
                Err(what) => faults.push(Fault::in_mapping(&source, Slip::at(span, what))),
            }
        }
        if files.is_empty() && faults.is_empty() {
            faults.push(Fault::in_mapping(&source, Slip::at(0..0, "no [[file]] in it")));
        }
        match faults.is_empty() {
            true => Ok(Self { files, schools: None, source }),
            false => Err(faults.into()),
        }
    }

    /// The same for an organisation with schools of those ids alone.
    ///
    /// # Errors
    /// Each school in it that the organisation does not have.
    pub fn for_schools(self, ids: Vec<String>) -> Result<Self, Faults> {
        let known: Vec<&str> = ids.iter().map(String::as_str).collect();
        let written = schools(self.source.inner());
        let unknown =
            written.iter().filter(|(_, school)| !known.contains(&school.as_str())).map(|(span, school)| {
                let message = format!("organisation.toml has no school \"{school}\"");
                let help = match known.as_slice() {
                    [] => "it has none yet: add a [[school]] there, or delete the key".to_owned(),
                    known => slips::choose(school, known, "it has"),
                };
                Fault::in_mapping(&self.source, Slip { help: Some(help), ..Slip::at(span.clone(), message) })
            });
        let faults: Vec<Fault> = unknown.collect();
        match faults.is_empty() {
            true => Ok(Self { schools: Some(ids), ..self }),
            false => Err(faults.into()),
        }
    }
}

/// The ids of schools that a mapping names, and where; in the order in which they stand there.
fn schools(text: &str) -> Vec<(Range<usize>, String)> {
    let (root, _) = DeTable::parse_recoverable(text);
    let mut found = Vec::new();
    let mut note = |value: &Spanned<DeValue<'_>>| {
        if let DeValue::String(school) = value.get_ref() {
            found.push((value.span(), school.to_string()));
        }
    };
    let files = match root.get_ref().get("file").map(Spanned::get_ref) {
        Some(DeValue::Array(files)) => files.iter().collect(),
        _ => Vec::new(),
    };
    for file in files {
        let Some(school) = table(file).and_then(|file| file.get("school")) else { continue };
        note(school);
        let values = table(school).and_then(|school| school.get("values")).and_then(table);
        values.into_iter().flat_map(DeTable::values).for_each(&mut note);
    }
    found.sort_by_key(|(span, _)| span.start);
    found
}

fn table<'v, 't>(value: &'v Spanned<DeValue<'t>>) -> Option<&'v DeTable<'t>> {
    match value.get_ref() {
        DeValue::Table(entries) => Some(entries),
        _ => None,
    }
}

impl FileMapping {
    fn check(raw: RawFile) -> Result<Self, String> {
        let glob = |name: &String| {
            let glob = GlobBuilder::new(name).case_insensitive(true).build();
            glob.map(|glob| glob.compile_matcher())
                .map_err(|_| "`name` is no usable pattern such as \"*pupils*.csv\"".to_owned())
        };
        let names = raw.name.as_ref().map(glob).transpose()?;
        let parts = &raw.names;
        let names_from = match (&parts.whole, &parts.given, &parts.family) {
            (None, Some(given), Some(family)) if parts.written.is_none() => NamesFrom::Columns {
                given: given.clone(),
                middle: parts.middle.clone(),
                family: family.clone(),
            },
            (Some(column), None, None) if parts.middle.is_none() => match parts.written {
                Some(written) => NamesFrom::Whole { column: column.clone(), written },
                None => {
                    return Err("`names` with `whole` needs `written`: \"surname, forename\" or \
                                \"forename surname\""
                        .to_owned());
                }
            },
            _ => return Err("`names` needs `given` and `family`, or `whole` and `written`".to_owned()),
        };
        let parents = match &raw.role {
            RoleFrom::Fixed(role) => *role == Role::Parent,
            RoleFrom::Column { values, .. } => {
                values.values().any(|role| matches!(role, RoleOrNone::Role(Role::Parent)))
            }
        };
        if !parents && (raw.pupils.is_some() || raw.one_row_for == OneRowFor::Pupil) {
            return Err("`pupils` and `one-row-for` are for parents, and nobody here is one".to_owned());
        }
        Ok(Self { names, names_from, raw })
    }

    /// Whether it is for a file of that name.
    pub(super) fn is_for(&self, file_name: &str) -> bool {
        self.names.as_ref().is_none_or(|names| names.is_match(file_name))
    }
}

#[cfg(test)]
mod tests {
    use miette::Diagnostic as _;

    use super::*;

    const GOOD: &str =
        "[[file]]\nrole = \"pupil\"\nid = \"UPN\"\nnames = { given = \"F\", family = \"S\" }\n";

    #[test]
    fn all_slips_are_told_at_once() {
        let bad = GOOD.replace("role", "roll").replace("id =", "idd =").replace("family", "fammily");
        let faults = Mapping::parse("m.toml", &bad).unwrap_err().kept;
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 3, "{told:?}");
    }

    #[test]
    fn a_school_that_the_organisation_does_not_have_is_a_fault() {
        let fixed = format!("{GOOD}school = \"oakfeild\"\n");
        let mapped =
            format!("{GOOD}school = {{ column = \"S\", values = {{ A = \"beechwood\", B = \"ash\" }} }}\n");
        for (text, place, help) in [
            (
                &fixed,
                "m.toml:5:10: organisation.toml has no school \"oakfeild\"",
                "did you mean \"oakfield\"?",
            ),
            (&mapped, "m.toml:5:58: organisation.toml has no school \"ash\"", "it has: oakfield, beechwood"),
        ] {
            let mapping = Mapping::parse("m.toml", text).unwrap();
            let faults =
                mapping.for_schools(vec!["oakfield".to_owned(), "beechwood".to_owned()]).unwrap_err().kept;
            let [fault] = faults.as_slice() else { panic!("{faults:?}") };
            assert_eq!(
                (fault.to_string().as_str(), fault.help().unwrap().to_string().as_str()),
                (place, help)
            );
        }
        let mapping = Mapping::parse("m.toml", &fixed.replace("oakfeild", "oakfield")).unwrap();
        assert!(mapping.for_schools(vec!["oakfield".to_owned()]).is_ok());
    }

    #[test]
    fn faults_are_told_at_their_place() {
        assert!(Mapping::parse("m.toml", GOOD).is_ok());
        for (good, bad, told) in [
            ("role = \"pupil\"", "role = \"pupils\"", "m.toml:2:8: `role` is \"pupil\""),
            ("id = \"UPN\"", "idd = \"UPN\"", "m.toml:3:1: unknown key \"idd\" (did you mean \"id\"?)"),
            ("given = \"F\", ", "", "m.toml:1:1: `names` needs"),
            ("given = \"F\", family", "whole", "m.toml:1:1: `names` with `whole` needs `written`"),
            ("id = \"UPN\"", "id = \"UPN\"\npupils = \"P\"", "nobody here is one"),
            ("id = \"UPN\"", "id = \"UPN\"\nname = \"[\"", "no usable pattern"),
            (
                "id = \"UPN\"",
                "id = \"UPN\"\nseparator = \"|\"",
                "m.toml:4:13: unknown value \"|\" (the values",
            ),
            (GOOD, "file = []", "no [[file]] in it"),
        ] {
            let faults = Mapping::parse("m.toml", &GOOD.replace(good, bad)).unwrap_err().kept;
            let [fault] = faults.as_slice() else { panic!("{bad}: {faults:?}") };
            let fault =
                format!("{fault} ({})", fault.help().map_or_else(String::new, |help| help.to_string()));
            assert!(fault.contains(told), "{fault}\ninstead of\n{told}");
        }
    }
}
