//! `people`: imports, checks, lists and searches the roll. Shows it to whoever may read its file; never logs a name.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Write};
use std::path::Path;

use jiff::Zoned;
use serde_json::json;

use super::arguments::{People, PeopleCommand, PeopleImport};
use super::paint::{self, Tone};
use super::policy_source::{PolicySource, read_written, render};
use super::{CliError, Ended};
use crate::people::{self, Export, Faults, Imported, Mapping, Person, Role, Roll};
use crate::policy::counted;

/// Largest mapping or export that is read, in bytes; one byte more is enough to see that it is too large.
const FILE_BYTES: u64 = (128 << 20) + 1;

/// How many faults are shown; the first few tell.
const SHOWN_FAULTS: usize = 30;

/// Carries out a `people` command.
pub fn run(source: &PolicySource, options: &People) -> Result<Ended, CliError> {
    match &options.command {
        PeopleCommand::Import(import) => {
            let roll = source.roll_to_write()?;
            take_in(source, import, Some(&roll))
        }
        PeopleCommand::Check(import) => take_in(source, import, None),
        PeopleCommand::List { role, school, json } => {
            let people = source.roll()?;
            let wanted = |person: &&Person| {
                role.is_none_or(|role| person.role == role.into())
                    && school.as_ref().is_none_or(|school| person.school.as_ref() == Some(school))
            };
            show(people.roll().people().iter().filter(wanted).collect(), *json)?;
            Ok(Ended::Well)
        }
        PeopleCommand::Find { text, json } => {
            let people = source.roll()?;
            let found = people.roll().find(&text.join(" "));
            let ended = if found.is_empty() { Ended::WithFaults } else { Ended::Well };
            show(found, *json)?;
            Ok(ended)
        }
    }
}

/// Reads the exports, and writes the roll where there is no fault and a file to write it to.
fn take_in(source: &PolicySource, options: &PeopleImport, roll: Option<&Path>) -> Result<Ended, CliError> {
    let exports: Vec<(String, Vec<u8>)> = options
        .exports
        .iter()
        .map(|file| Ok((file.display().to_string(), read(file)?)))
        .collect::<Result<_, CliError>>()?;
    let schools = source.schools()?;
    let written = mapping(&options.mapping)?;
    // Where no organisation is known, any school may be meant.
    let mapping = match schools {
        Some(schools) => written.and_then(|mapping| mapping.for_schools(schools)),
        None => written,
    };
    let outcome = match mapping {
        Ok(mapping) => {
            let exports: Vec<Export<'_>> =
                exports.iter().map(|(file, bytes)| Export { file, bytes }).collect();
            people::import(&mapping, &exports, Zoned::now().date())
        }
        Err(faults) => Err(faults),
    };
    match outcome {
        Ok(imported) => {
            if let Some(roll) = roll {
                people::file::write(roll, &imported.roll)
                    .map_err(|error| CliError::Failed(error.to_string()))?;
            }
            print(&told(&imported, roll, options.json))?;
            Ok(Ended::Well)
        }
        Err(faults) if options.json => {
            let report = json!({ "ok": false, "number_of_faults": faults.number, "faults": faults.kept });
            print(&format!("{report}\n"))?;
            Ok(Ended::WithFaults)
        }
        // To the standard error: a nightly job may throw the rest away.
        Err(faults) => Err(CliError::Faults(refused(&faults))),
    }
}

fn mapping(file: &Path) -> Result<Result<Mapping, Faults>, CliError> {
    Ok(Mapping::parse(&file.display().to_string(), &read_written(file)?))
}

fn read(file: &Path) -> Result<Vec<u8>, CliError> {
    let failed = || CliError::io(format!("{}: cannot be read", file.display()));
    let mut bytes = Vec::new();
    File::open(file).map_err(failed())?.take(FILE_BYTES).read_to_end(&mut bytes).map_err(failed())?;
    Ok(bytes)
}

/// What an import or a check comes to: numbers alone.
fn told(imported: &Imported, roll: Option<&Path>, as_json: bool) -> String {
    let number = |role: Role| imported.roll.people().iter().filter(|person| person.role == role).count();
    if as_json {
        let roles: BTreeMap<&str, usize> = Role::ALL.map(|role| (role.name(), number(role))).into();
        let report = json!({
            "ok": true,
            "roll": roll,
            "people": imported.roll.len(),
            "roles": roles,
            "left": imported.left,
            "without_pupil": imported.without_pupil,
            "faults": [],
        });
        return format!("{report}\n");
    }
    let (done, place) = match roll {
        Some(roll) => ("imported", format!("  {}", roll.display())),
        None => ("ok", String::new()),
    };
    let people = people_in_words(&imported.roll);
    let mut text = format!("{}  {people}{place}\n\n", paint::paint(done, Tone::Good));
    let mut rows: Vec<Vec<String>> =
        Role::ALL.map(|role| vec![role.to_string(), number(role).to_string()]).into();
    let notes = [
        (imported.left, "left out: has left"),
        (imported.without_pupil, "left out: parent without a pupil on the roll"),
    ];
    rows.extend(
        notes
            .iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, note)| vec![(*note).to_owned(), number.to_string()]),
    );
    text += &paint::table(&["role", "people"], rows);
    text += match roll {
        Some(_) => "\nA running filter takes it up with `mailwarden reload`.\n",
        None => "\nNothing was written.\n",
    };
    text
}

fn refused(faults: &Faults) -> String {
    let mut text: String = faults.kept.iter().take(SHOWN_FAULTS).map(|fault| render(fault)).collect();
    let more = faults.number.saturating_sub(SHOWN_FAULTS);
    if more > 0 {
        text += &format!("and {more} more; --json lists them\n");
    }
    let number = counted(faults.number, "fault");
    text + &format!("{}  {number}; the roll stays as it was", paint::paint("not ok", Tone::Bad))
}

fn show(people: Vec<&Person>, as_json: bool) -> Result<(), CliError> {
    if as_json {
        let mut text = String::new();
        for person in people {
            text += &serde_json::to_string(person).map_err(|error| CliError::Failed(error.to_string()))?;
            text.push('\n');
        }
        return print(&text);
    }
    if people.is_empty() {
        return print("nobody on the roll fits\n");
    }
    let number = counted(people.len(), "person");
    let rows = people.into_iter().map(row).collect();
    let heading =
        ["role", "id", "family name", "given names", "called", "school", "year", "class", "addresses"];
    print(&format!("{}\n{number}\n", paint::table(&heading, rows)))
}

fn row(person: &Person) -> Vec<String> {
    let names = &person.names;
    let called = [names.preferred_given.as_deref(), names.preferred_family.as_deref()];
    let given = [names.given.as_str(), names.middle.as_str()];
    let joined = |words: &[&str]| words.join(" ").trim().to_owned();
    let cells = [
        person.role.name().to_owned(),
        person.id.0.clone(),
        names.family.clone(),
        joined(&given),
        joined(&called.map(Option::unwrap_or_default)),
        person.school.clone().unwrap_or_default(),
        person.year.clone().unwrap_or_default(),
        person.class.clone().unwrap_or_default(),
        person.addresses.join(" "),
    ];
    // What an export says goes to a terminal: nothing in it may steer one.
    cells.map(|cell| cell.chars().filter(|letter| !letter.is_control()).collect()).into()
}

/// `1 person`, `1350 people`.
pub fn people_in_words(roll: &Roll) -> String {
    counted(roll.len(), "person")
}

fn print(text: &str) -> Result<(), CliError> {
    io::stdout().write_all(text.as_bytes()).map_err(CliError::io("standard output"))
}

/// What there is to say where no roll is named.
pub fn no_roll() -> CliError {
    CliError::Usage(
        "no roll: name its file with --people, or with [people] roll in the configuration (--config)"
            .to_owned(),
    )
}

/// Reads a roll, for a command.
pub fn load(file: &Path) -> Result<Roll, CliError> {
    people::file::load(file).map_err(|error| CliError::Failed(error.to_string()))
}
