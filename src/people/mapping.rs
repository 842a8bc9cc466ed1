//! The mapping: which column of an export is what, and how it is written. Reads no export itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};
use miette::NamedSource;
use serde::Deserialize;

use super::{Fault, Role};

/// How exports are read: a file of `[[file]]` tables, as docs/people.md describes it.
#[derive(Debug, Clone)]
pub struct Mapping {
    pub(super) files: Vec<FileMapping>,
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
    /// The first fault, at its place.
    pub fn parse(file: &str, text: &str) -> Result<Self, Fault> {
        let source = Arc::new(NamedSource::new(file, text.to_owned()));
        let fault = |at: usize, what: String| Fault::in_mapping(&source, at, what);
        let raw: RawMapping = toml::from_str(text).map_err(|error| {
            let said = error.message().trim_end().replace('\n', "; ");
            fault(error.span().map_or(0, |span| span.start), said)
        })?;
        let files: Result<Vec<FileMapping>, Fault> = raw
            .file
            .into_iter()
            .map(|raw| {
                let at = raw.span().start;
                FileMapping::check(raw.into_inner()).map_err(|what| fault(at, what))
            })
            .collect();
        match files?.as_slice() {
            [] => Err(fault(0, "no [[file]] in it".to_owned())),
            files => Ok(Self { files: files.to_vec() }),
        }
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
    use super::*;

    const GOOD: &str =
        "[[file]]\nrole = \"pupil\"\nid = \"UPN\"\nnames = { given = \"F\", family = \"S\" }\n";

    #[test]
    fn faults_are_told_at_their_place() {
        assert!(Mapping::parse("m.toml", GOOD).is_ok());
        for (good, bad, told) in [
            ("role = \"pupil\"", "role = \"pupils\"", "m.toml:2:8: `role` is \"pupil\""),
            ("id = \"UPN\"", "idd = \"UPN\"", "m.toml:3:1: unknown field `idd`"),
            ("given = \"F\", ", "", "m.toml:1:1: `names` needs"),
            ("given = \"F\", family", "whole", "m.toml:1:1: `names` with `whole` needs `written`"),
            ("id = \"UPN\"", "id = \"UPN\"\npupils = \"P\"", "nobody here is one"),
            ("id = \"UPN\"", "id = \"UPN\"\nname = \"[\"", "no usable pattern"),
            ("id = \"UPN\"", "id = \"UPN\"\nseparator = \"|\"", "m.toml:4:13: unknown variant"),
            (GOOD, "file = []", "no [[file]] in it"),
        ] {
            let fault = Mapping::parse("m.toml", &GOOD.replace(good, bad)).unwrap_err().to_string();
            assert!(fault.contains(told), "{fault}\ninstead of\n{told}");
        }
    }
}
