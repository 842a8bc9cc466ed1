//! `example-people.toml`: the made-up people whom a policy's examples are judged with. No message ever meets them.

use schemars::JsonSchema;
use serde::Deserialize;

use super::compile::Build;
use super::fault::{Fault, Source, source};
use super::located::Located;
use super::organisation::unknown;
use super::{Sources, read};
use crate::message::Address;
use crate::people::{Names, People, Person, PersonId, Role, Roll};

/// The file's name in a policy's folder.
pub(super) const FILE: &str = "example-people.toml";

/// The file of the people whom examples know.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the schema's root; each person is read by itself")]
pub(super) struct RawExamplePeople {
    /// The people, each under `[[person]]`.
    person: Vec<RawPerson>,
}

/// A made-up person. What is left out is not known of the person.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawPerson {
    /// What parents' `pupils` call the person; unique among those of one role.
    id: Option<Located<String>>,
    /// What the person is to the school: `pupil`, `staff`, `governor` or `parent`.
    role: Located<Role>,
    /// The first name.
    given: Located<String>,
    /// The names between.
    #[serde(default)]
    middle: String,
    /// The family name.
    family: Located<String>,
    /// What the person is called in place of the first name.
    preferred_given: Option<String>,
    /// The family name that the person goes by.
    preferred_family: Option<String>,
    /// Family names of earlier.
    #[serde(default)]
    former_family: Vec<String>,
    /// The year group.
    year: Option<String>,
    /// The class.
    class: Option<String>,
    /// The id of a school of `organisation.toml`.
    school: Option<Located<String>>,
    /// Mail addresses.
    #[serde(default)]
    addresses: Vec<Located<String>>,
    /// For a parent, the ids of the pupils.
    #[serde(default)]
    pupils: Vec<Located<String>>,
}

/// Reads the people; nobody where there is no such file.
pub(super) fn read(build: &mut Build, sources: &Sources) -> People {
    let Some(text) = sources.files.get(FILE) else { return People::default() };
    let source = source(FILE, text);
    let raw = read::tables::<RawPerson>(&source, "person", &mut build.faults);
    for (index, Located { span, value }) in raw.iter().enumerate() {
        let twin = raw.iter().take(index).any(|other| {
            value.id.is_some() && id(&other.value) == id(value) && other.value.role.value == value.role.value
        });
        if twin {
            let message = format!("there are two of that id and the role \"{}\"", value.role.value);
            build.faults.push(Fault::new(&source, span.clone(), message).help("give one of them another"));
        }
        check(build, &source, value, &raw);
    }
    Roll::new(raw.into_iter().map(|Located { value, .. }| person(value)).collect()).into()
}

fn check(build: &mut Build, source: &Source, raw: &RawPerson, all: &[Located<RawPerson>]) {
    let mut fault = |span: &std::ops::Range<usize>, message: String, help: &str| {
        build.faults.push(Fault::new(source, span.clone(), message).help(help));
    };
    for name in [&raw.given, &raw.family].into_iter().filter(|name| name.value.trim().is_empty()) {
        fault(&name.span, "the person has no such name".to_owned(), "write a made-up one");
    }
    for address in &raw.addresses {
        if Address::parse(address.value.as_bytes()).is_none_or(|address| address.domain().is_empty()) {
            let message = format!("\"{}\" is no address", address.value);
            fault(&address.span, message, "write one address, such as \"parent@elsewhere.example\"");
        }
    }
    for pupil in &raw.pupils {
        let known = |other: &Located<RawPerson>| {
            other.value.role.value == Role::Pupil && id(&other.value).as_deref() == Some(pupil.value.as_str())
        };
        if !all.iter().any(known) {
            let message = format!("there is no pupil of the id \"{}\"", pupil.value);
            fault(&pupil.span, message, "give a [[person]] with role = \"pupil\" that `id`");
        }
    }
    if let (Some(organisation), Some(school)) = (build.examples_organisation(), &raw.school) {
        let ids: Vec<&str> = organisation.schools.iter().map(|school| school.id.as_str()).collect();
        if !ids.contains(&school.value.as_str()) {
            let otherwise = "add a [[school]] to organisation.toml";
            build.faults.push(unknown(source, school, "school", &ids, otherwise));
        }
    }
}

fn id(raw: &RawPerson) -> Option<String> {
    raw.id.as_ref().map(|id| id.value.clone())
}

fn person(raw: RawPerson) -> Person {
    let addresses = raw.addresses.iter().filter_map(|address| Address::parse(address.value.as_bytes()));
    Person {
        id: PersonId(id(&raw).unwrap_or_default()),
        role: raw.role.value,
        school: raw.school.as_ref().map(|school| school.value.clone()),
        year: raw.year,
        class: raw.class,
        addresses: addresses.map(|address| address.folded().to_owned()).collect(),
        pupils: raw.pupils.into_iter().map(|pupil| PersonId(pupil.value)).collect(),
        names: Names {
            given: raw.given.value,
            middle: raw.middle,
            family: raw.family.value,
            preferred_given: raw.preferred_given,
            preferred_family: raw.preferred_family,
            former_family: raw.former_family,
        },
    }
}
