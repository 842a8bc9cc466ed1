//! The roll: who is who. Data that `detect` and `policy` read; never read from a message, never shown in a log.
//!
//! [`import()`] makes a [`Roll`] of exports and a [`Mapping`], [`file`](mod@file) keeps it on the disk, [`People`] is what a sweep holds.

pub mod file;

mod dates;
mod fault;
mod fold;
mod import;
mod index;
mod mapping;
mod roll;
mod table;
mod words;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use fault::{Fault, Faults};
pub use fold::{WordHash, is_apostrophe, name_words};
pub use import::{Export, Imported, import};
pub use index::{Form, FullName, Initials, NameIndex, Word};
pub use mapping::Mapping;
pub use roll::Roll;
pub use words::{given_name_count, is_also_a_place, is_also_a_word};

/// Most people on one roll.
pub const MOST_PEOPLE: usize = 50_000;

/// Everybody that the organisation knows, as a handle that is cheap to clone. Empty until a roll is imported.
#[derive(Debug, Clone, Default)]
pub struct People(Arc<Roll>);

impl People {
    /// The roll.
    pub fn roll(&self) -> &Roll {
        &self.0
    }
}

impl From<Roll> for People {
    fn from(roll: Roll) -> Self {
        Self(Arc::new(roll))
    }
}

/// What the school's own system calls a person by; unique among those of one role.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonId(pub String);

impl fmt::Debug for PersonId {
    // An id may be a UPN, which is personal data: it stays out of logs and panics.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonId(…)")
    }
}

/// What somebody is to the school. Somebody who is two of these is on the roll twice.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Is taught there.
    Pupil,
    /// Works there.
    Staff,
    /// Governs it, or is a trustee of its trust.
    Governor,
    /// Has parental responsibility for a pupil, or is a contact of one.
    Parent,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pupil, Self::Staff, Self::Governor, Self::Parent];

    /// Its name, as mappings and options write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pupil => "pupil",
            Self::Staff => "staff",
            Self::Governor => "governor",
            Self::Parent => "parent",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A person's names, as they are written in the school's system.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Names {
    /// The first name, which may be of several words; empty where it is not known.
    pub given: String,
    /// The names between, as one text; mostly empty.
    pub middle: String,
    /// The family name, which may be of several words.
    pub family: String,
    /// What the person is called in place of the given name.
    pub preferred_given: Option<String>,
    /// The family name that the person goes by.
    pub preferred_family: Option<String>,
    /// Family names of earlier.
    pub former_family: Vec<String>,
}

/// Somebody on the roll.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// What the school's system calls the person by.
    pub id: PersonId,
    /// What the person is to the school.
    pub role: Role,
    /// The school's id in `organisation.toml`; none for those who belong to the whole trust.
    pub school: Option<String>,
    /// The year group, as the export writes it.
    pub year: Option<String>,
    /// The class or tutor group.
    pub class: Option<String>,
    /// The names.
    pub names: Names,
    /// Mail addresses in lower case, in the form of envelope addresses for comparing.
    pub addresses: Vec<String>,
    /// For a parent, the pupils whom the person belongs to: all are on the roll.
    pub pupils: Vec<PersonId>,
}

impl fmt::Debug for Person {
    // Who it is stays out of logs and panics.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Person({})", self.role)
    }
}
