//! Exports to a roll, by a mapping. Refuses all of it over one fault; never puts what an export says into a fault.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::civil::Date;

use super::dates::date;
use super::fault::{Fault, Faults, What};
use super::mapping::{FileMapping, Mapping, NamesFrom, OneRowFor, RoleFrom, RoleOrNone, SchoolFrom, Written};
use super::table::{Misfit, Row, Table, decode};
use super::{MOST_PEOPLE, Names, Person, PersonId, Role, Roll};

/// Longest field that is read, in characters.
const FIELD_CHARACTERS: usize = 400;

/// Longest mail address (RFC 5321 §4.5.3.1.3, without the angle brackets).
const ADDRESS_BYTES: usize = 254;

/// Titles before a name in one column; in lower case, without a dot.
const TITLES: [&str; 12] =
    ["mr", "mrs", "miss", "ms", "mx", "dr", "prof", "rev", "revd", "sir", "dame", "lady"];

/// A file that a management system exported.
#[derive(Debug, Clone, Copy)]
pub struct Export<'e> {
    /// Its path or name, as faults tell it; the mapping looks at what stands after the last `/`.
    pub file: &'e str,
    /// What is in it.
    pub bytes: &'e [u8],
}

/// What an import gives.
#[derive(Debug)]
pub struct Imported {
    /// The roll.
    pub roll: Roll,
    /// How many were left out because they have left.
    pub left: usize,
    /// How many parents were left out because none of their pupils is on the roll.
    pub without_pupil: usize,
}

/// Makes a roll of exports. Who left before `today` is left out.
///
/// # Errors
/// All faults: nothing is half imported.
pub fn import(mapping: &Mapping, exports: &[Export<'_>], today: Date) -> Result<Imported, Faults> {
    let mut gathered = Gathered { today, ..Gathered::default() };
    for export in exports {
        gathered.read(mapping, export);
    }
    let without_pupil = gathered.settle_parents();
    let Gathered { people, left, mut faults, .. } = gathered;
    if people.is_empty() && faults.number == 0 {
        let file = exports.first().map_or("", |export| export.file);
        faults.add(Fault::in_export(file, 1, None, What::Nobody));
    }
    match faults.number {
        0 => Ok(Imported { roll: Roll::new(people), left, without_pupil }),
        _ => Err(faults),
    }
}

/// What was read so far.
#[derive(Default)]
struct Gathered {
    today: Date,
    people: Vec<Person>,
    /// For each person, where it was read, as `file:line`.
    places: Vec<String>,
    ids: HashMap<(Role, PersonId), usize>,
    addresses: HashMap<(Role, String), usize>,
    /// Where parents were read whose pupils are known by a column.
    parents_at: Option<(String, usize)>,
    left: usize,
    full: bool,
    faults: Faults,
}

impl Gathered {
    fn read(&mut self, mapping: &Mapping, export: &Export<'_>) {
        let name = export.file.rsplit('/').next().unwrap_or(export.file);
        let mut fitting = mapping.files.iter().filter(|file| file.is_for(name));
        let outcome = match (fitting.next(), fitting.next()) {
            (Some(file), None) => self.read_as(file, mapping.schools.as_deref(), export),
            (None, _) => Err((1, None, What::NoMapping)),
            (Some(_), Some(_)) => Err((1, None, What::SeveralMappings)),
        };
        if let Err(misfit) = outcome {
            self.fault(export.file, misfit);
        }
    }

    fn fault(&mut self, file: &str, (line, column, what): Misfit) {
        self.faults.add(Fault::in_export(file, line, column, what));
    }

    fn read_as(
        &mut self,
        file: &FileMapping,
        schools: Option<&[String]>,
        export: &Export<'_>,
    ) -> Result<(), Misfit> {
        let text = decode(export.bytes, file.raw.encoding)?;
        let table = Table::open(&text, file.raw.separator)?;
        let columns = match Columns::of(file, &table) {
            Ok(columns) => columns,
            Err(misfits) => {
                misfits.into_iter().for_each(|misfit| self.fault(export.file, misfit));
                return Ok(());
            }
        };
        if columns.pupils.is_some() && self.parents_at.is_none() {
            self.parents_at = Some((export.file.to_owned(), table.line));
        }
        for row in table {
            let outcome = row.and_then(|row| {
                let mut reading =
                    Reading { file, schools, columns: &columns, row: &row, misfits: Vec::new() };
                let person = reading.person(self.today);
                let misfits = reading.misfits;
                match person {
                    _ if !misfits.is_empty() => {
                        misfits.into_iter().for_each(|misfit| self.fault(export.file, misfit));
                        Ok(())
                    }
                    Read::Person(person) => self.take(*person, file, &columns, row.line, export.file),
                    Read::Left => {
                        self.left += 1;
                        Ok(())
                    }
                    Read::LeftOut => Ok(()),
                }
            });
            if let Err(misfit) = outcome {
                self.fault(export.file, misfit);
            }
            if self.full {
                break;
            }
        }
        Ok(())
    }

    /// Takes somebody up, or unites a parent's rows.
    fn take(
        &mut self,
        person: Person,
        file: &FileMapping,
        columns: &Columns,
        line: usize,
        export: &str,
    ) -> Result<(), Misfit> {
        let key = (person.role, person.id.clone());
        if let Some(index) = self.ids.get(&key).copied() {
            let united = person.role == Role::Parent && file.raw.one_row_for == OneRowFor::Pupil;
            return match self.people.get_mut(index) {
                Some(known) if united && known.names == person.names => {
                    known.pupils.extend(person.pupils);
                    Ok(())
                }
                _ => {
                    let first = self.places.get(index).cloned().unwrap_or_default();
                    Err((line, columns.id.map(|id| id + 1), What::DoubledId(first)))
                }
            };
        }
        if self.people.len() >= MOST_PEOPLE {
            self.full = true;
            return Err((line, None, What::TooMany));
        }
        let index = self.people.len();
        let mut outcome = Ok(());
        for address in person.addresses.iter().filter(|_| person.role != Role::Parent) {
            if let Some(other) = self.addresses.insert((person.role, address.clone()), index) {
                let first = self.places.get(other).cloned().unwrap_or_default();
                let column = columns.addresses.first().map(|column| column + 1);
                outcome = Err((line, column, What::DoubledAddress(first)));
            }
        }
        self.ids.insert(key, index);
        self.places.push(format!("{export}:{line}"));
        self.people.push(person);
        outcome
    }

    /// Takes out parents of whose pupils none is on the roll, and pupils of theirs who are not; tells how many.
    fn settle_parents(&mut self) -> usize {
        let Some((file, line)) = self.parents_at.clone() else { return 0 };
        let pupils: HashSet<PersonId> =
            self.people.iter().filter(|one| one.role == Role::Pupil).map(|one| one.id.clone()).collect();
        for parent in self.people.iter_mut().filter(|person| person.role == Role::Parent) {
            let mut seen = HashSet::new();
            parent.pupils.retain(|pupil| pupils.contains(pupil) && seen.insert(pupil.clone()));
        }
        let before = self.people.len();
        let parents = self.people.iter().filter(|person| person.role == Role::Parent).count();
        self.people.retain(|person| person.role != Role::Parent || !person.pupils.is_empty());
        let gone = before - self.people.len();
        // Faulty rows of pupils take their parents with them: what is wrong then is told already.
        if gone == parents && parents > 0 && self.faults.number == 0 {
            self.fault(&file, (line, None, What::NoPupilKnown));
        }
        gone
    }
}

/// Where a mapping's columns are in an export, as indices.
#[derive(Default)]
struct Columns {
    id: Option<usize>,
    given: Option<usize>,
    middle: Option<usize>,
    family: Option<usize>,
    whole: Option<usize>,
    preferred_given: Option<usize>,
    preferred_family: Option<usize>,
    former_family: Option<usize>,
    role: Option<usize>,
    school: Option<usize>,
    year: Option<usize>,
    class: Option<usize>,
    pupils: Option<usize>,
    left: Option<usize>,
    addresses: Vec<usize>,
}

impl Columns {
    fn of(file: &FileMapping, table: &Table<'_>) -> Result<Self, Vec<Misfit>> {
        let mut misfits = Vec::new();
        let mut find = |column: Option<&String>, key: &'static str| {
            let column = column?;
            let same = |heading: &&str| tidy(heading).to_lowercase() == tidy(column).to_lowercase();
            let mut found = table.headings.iter().enumerate().filter(|(_, heading)| same(heading));
            match (found.next(), found.next()) {
                (Some((index, _)), None) => return Some(index),
                (None, _) => {
                    misfits.push((table.line, None, What::MissingColumn { column: column.clone(), key }));
                }
                (Some(_), Some((second, _))) => {
                    misfits.push((table.line, Some(second + 1), What::DoubledColumn(column.clone())));
                }
            }
            None
        };
        let raw = &file.raw;
        let mut columns = Self {
            id: find(Some(&raw.id), "id"),
            preferred_given: find(raw.names.preferred_given.as_ref(), "preferred-given"),
            preferred_family: find(raw.names.preferred_family.as_ref(), "preferred-family"),
            former_family: find(raw.names.former_family.as_ref(), "former-family"),
            year: find(raw.year.as_ref(), "year"),
            class: find(raw.class.as_ref(), "class"),
            pupils: find(raw.pupils.as_ref(), "pupils"),
            left: find(raw.left.as_ref(), "left"),
            addresses: raw.addresses.iter().filter_map(|one| find(Some(one), "addresses")).collect(),
            ..Self::default()
        };
        match &file.names_from {
            NamesFrom::Columns { given, middle, family } => {
                columns.given = find(Some(given), "given");
                columns.middle = find(middle.as_ref(), "middle");
                columns.family = find(Some(family), "family");
            }
            NamesFrom::Whole { column, .. } => columns.whole = find(Some(column), "whole"),
        }
        if let RoleFrom::Column { column, .. } = &raw.role {
            columns.role = find(Some(column), "role");
        }
        if let Some(SchoolFrom::Column { column, .. }) = &raw.school {
            columns.school = find(Some(column), "school");
        }
        if misfits.is_empty() { Ok(columns) } else { Err(misfits) }
    }
}

/// What a row is.
enum Read {
    Person(Box<Person>),
    /// Somebody who has left.
    Left,
    /// Somebody whom the mapping leaves out.
    LeftOut,
}

/// A row that is being read.
struct Reading<'r> {
    schools: Option<&'r [String]>,
    file: &'r FileMapping,
    columns: &'r Columns,
    row: &'r Row,
    misfits: Vec<Misfit>,
}

impl Reading<'_> {
    fn person(&mut self, today: Date) -> Read {
        let left = self.text(self.columns.left);
        match (left.is_empty(), date(&left)) {
            (true, _) => {}
            (false, Some(day)) if day < today => return Read::Left,
            (false, Some(_)) => {}
            (false, None) => self.misfit(self.columns.left, What::NotADate),
        }
        let Some(role) = self.role() else { return Read::LeftOut };
        let id = self.text(self.columns.id);
        if id.is_empty() {
            self.misfit(self.columns.id, What::NoId);
        }
        let year = some(self.text(self.columns.year));
        let class = some(self.text(self.columns.class));
        let person = Person {
            id: self.prefixed(&id),
            role,
            school: self.school(),
            year,
            class,
            names: self.names(role),
            addresses: self.addresses(),
            pupils: if role == Role::Parent { self.pupils() } else { Vec::new() },
        };
        Read::Person(Box::new(person))
    }

    /// One fault a field is enough: what follows from it says no more.
    fn misfit(&mut self, column: Option<usize>, what: What) {
        let column = column.map(|index| index + 1);
        if !self.misfits.iter().any(|(_, known, _)| *known == column) {
            self.misfits.push((self.row.line, column, what));
        }
    }

    /// A field without blanks around it and without doubled ones in it; empty where there is no such column.
    fn text(&mut self, column: Option<usize>) -> String {
        let text = tidy(column.and_then(|index| self.row.fields.get(index)).unwrap_or_default());
        if text.chars().nth(FIELD_CHARACTERS).is_some() {
            self.misfit(column, What::FieldTooLong(FIELD_CHARACTERS));
            return String::new();
        }
        if text.chars().any(char::is_control) {
            self.misfit(column, What::Control);
            return String::new();
        }
        if self.file.raw.empty.iter().any(|empty| empty.eq_ignore_ascii_case(&text)) {
            return String::new();
        }
        text
    }

    fn role(&mut self) -> Option<Role> {
        let RoleFrom::Column { values, .. } = &self.file.raw.role else {
            return match self.file.raw.role {
                RoleFrom::Fixed(role) => Some(role),
                RoleFrom::Column { .. } => None,
            };
        };
        let text = self.text(self.columns.role);
        match value(values, &text) {
            Some(RoleOrNone::Role(role)) => Some(*role),
            Some(RoleOrNone::None(_)) => None,
            None => {
                self.misfit(self.columns.role, What::UnknownRole);
                None
            }
        }
    }

    fn school(&mut self) -> Option<String> {
        match self.file.raw.school.as_ref()? {
            SchoolFrom::Fixed(school) => Some(school.clone()),
            SchoolFrom::Column { values, .. } => {
                let text = some(self.text(self.columns.school))?;
                let Some(values) = values else {
                    if self.schools.is_some_and(|known| !known.contains(&text)) {
                        self.misfit(self.columns.school, What::NoSuchSchool);
                    }
                    return Some(text);
                };
                let school = value(values, &text).cloned();
                if school.is_none() {
                    self.misfit(self.columns.school, What::UnknownSchool);
                }
                school
            }
        }
    }

    fn names(&mut self, role: Role) -> Names {
        let columns = self.columns;
        let (given, middle, family) = match &self.file.names_from {
            NamesFrom::Columns { .. } => {
                (self.text(columns.given), self.text(columns.middle), self.text(columns.family))
            }
            NamesFrom::Whole { written, .. } => {
                let whole = self.text(columns.whole);
                if *written == Written::SurnameFirst && !whole.is_empty() && !whole.contains(',') {
                    self.misfit(columns.whole, What::NoComma);
                    return Names::default();
                }
                parted(&whole, *written)
            }
        };
        if family.is_empty() {
            self.misfit(columns.family.or(columns.whole), What::NoFamilyName);
        }
        // Contacts are often known by title and family name alone.
        if given.is_empty() && role != Role::Parent {
            self.misfit(columns.given.or(columns.whole), What::NoGivenName);
        }
        let preferred_given = some(self.text(columns.preferred_given)).filter(|name| *name != given);
        let preferred_family = some(self.text(columns.preferred_family)).filter(|name| *name != family);
        let former = self.text(columns.former_family);
        let former_family = listed(&former, &[';', ',', '/']).filter(|name| *name != family).collect();
        Names { given, middle, family, preferred_given, preferred_family, former_family }
    }

    fn addresses(&mut self) -> Vec<String> {
        let mut addresses: Vec<String> = Vec::new();
        for column in &self.columns.addresses {
            let text = self.text(Some(*column)).to_lowercase();
            for address in listed(&text, &[';', ',', ' ']) {
                match is_address(&address) {
                    true if addresses.contains(&address) => {}
                    true => addresses.push(address),
                    false => self.misfit(Some(*column), What::NotAnAddress),
                }
            }
        }
        addresses
    }

    fn pupils(&mut self) -> Vec<PersonId> {
        let text = self.text(self.columns.pupils);
        listed(&text, &[';', ',']).map(|id| self.prefixed(&id)).collect()
    }

    fn prefixed(&self, id: &str) -> PersonId {
        PersonId(format!("{}{id}", self.file.raw.id_prefix))
    }
}

/// Given, middle and family name of a name in one column. Titles before it are no part of it.
fn parted(whole: &str, written: Written) -> (String, String, String) {
    let (family, rest) = match written {
        Written::SurnameFirst => whole.split_once(',').unwrap_or((whole, "")),
        Written::ForenameFirst => match whole.rsplit_once(' ') {
            Some((rest, family)) => (family, rest),
            None => (whole, ""),
        },
    };
    let is_title = |word: &str| TITLES.contains(&word.trim_end_matches('.').to_lowercase().as_str());
    let family = family.trim();
    let family = match family.split_once(' ') {
        Some((title, name)) if is_title(title) => name,
        _ => family,
    };
    let mut words = rest.split(' ').filter(|word| !word.is_empty()).skip_while(|word| is_title(word));
    let given = words.next().unwrap_or_default().to_owned();
    (given, words.collect::<Vec<_>>().join(" "), family.to_owned())
}

fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let sound =
        !domain.contains('@') && domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.');
    !local.is_empty() && sound && text.len() <= ADDRESS_BYTES && !text.contains(['<', '>', '"', '('])
}

/// Without blanks around it, and one space where several blanks are in it. A line break stays, to be told.
fn tidy(text: &str) -> String {
    let blank = |letter: char| letter.is_whitespace() && !letter.is_control() || letter == '\t';
    let text = text.trim().trim_start_matches('\u{FEFF}');
    text.split(blank).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn listed<'t>(text: &'t str, separators: &'t [char]) -> impl Iterator<Item = String> + 't {
    text.split(separators).map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned)
}

fn value<'v, V>(values: &'v BTreeMap<String, V>, text: &str) -> Option<&'v V> {
    values.get(text).or_else(|| {
        let folded = text.to_lowercase();
        values.iter().find(|(key, _)| tidy(key).to_lowercase() == folded).map(|(_, value)| value)
    })
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
