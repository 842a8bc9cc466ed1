//! A roll in memory, indexed by address and by the words of names. Never changed once it is made.

use std::collections::HashMap;
use std::fmt;

use super::fold::name_words;
use super::{NameIndex, Names, Person, PersonId, Role};

/// People, indexed. A changed roll is a new one.
#[derive(Default)]
pub struct Roll {
    people: Vec<Person>,
    by_address: Index,
    by_word: Index,
    /// Indices of the pupils, in the order of their ids.
    pupils: Vec<u32>,
    names: NameIndex,
}

/// The people of whom a text is an address or a folded word of a name, as indices.
type Index = HashMap<Box<str>, Vec<u32>>;

impl fmt::Debug for Roll {
    // Who is on it stays out of logs and panics.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Roll({} people)", self.people.len())
    }
}

impl Roll {
    /// Indexes people, of whom there are no more than [`super::MOST_PEOPLE`].
    pub fn new(people: Vec<Person>) -> Self {
        let (mut by_address, mut by_word) = (Index::new(), Index::new());
        for (person, index) in people.iter().zip(0_u32..) {
            for address in &person.addresses {
                add(&mut by_address, address, index);
            }
            for word in words(&person.names) {
                add(&mut by_word, &word, index);
            }
        }
        let is_pupil = |(person, index): (&Person, u32)| (person.role == Role::Pupil).then_some(index);
        let mut pupils: Vec<u32> = people.iter().zip(0_u32..).filter_map(is_pupil).collect();
        pupils.sort_by_key(|index| people.get(*index as usize).map(|person| &person.id));
        let names = NameIndex::new(&people);
        Self { people, by_address, by_word, pupils, names }
    }

    /// Everybody, in the order of the exports.
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.people.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.people.is_empty()
    }

    /// The people of an address in lower case. Several where a family or somebody's two roles share it.
    pub fn by_address<'r>(&'r self, folded: &str) -> impl Iterator<Item = &'r Person> {
        self.at(self.by_address.get(folded))
    }

    /// The people of whom any name has that word, folded as by [`name_words`].
    pub fn by_name_word<'r>(&'r self, folded: &str) -> impl Iterator<Item = &'r Person> {
        self.at(self.by_word.get(folded))
    }

    /// The index by which names are found in texts. Its numbers are those of [`Self::people`].
    pub fn names(&self) -> &NameIndex {
        &self.names
    }

    /// The numbers of the people of an address in lower case.
    pub fn numbers_of_address(&self, folded: &str) -> &[u32] {
        self.by_address.get(folded).map(Vec::as_slice).unwrap_or_default()
    }

    /// The number of the pupil of an id.
    pub fn pupil_number(&self, id: &PersonId) -> Option<u32> {
        let of = |index: &u32| self.people.get(*index as usize).map(|person| &person.id);
        let at = self.pupils.binary_search_by(|index| of(index).cmp(&Some(id))).ok()?;
        self.pupils.get(at).copied()
    }

    /// The person of a number.
    pub fn numbered(&self, number: u32) -> Option<&Person> {
        self.people.get(number as usize)
    }

    /// The person of an id.
    pub fn person(&self, role: Role, id: &PersonId) -> Option<&Person> {
        self.people.iter().find(|person| person.role == role && person.id == *id)
    }

    /// Those whom a text names: each of its words begins a word of the person's names, or it is the id, or it stands in
    /// an address. For people at a terminal: looks at everybody.
    pub fn find(&self, text: &str) -> Vec<&Person> {
        let (asked, folded) = (name_words(text), text.trim().to_lowercase());
        if folded.is_empty() {
            return Vec::new();
        }
        let named = |person: &Person| {
            let own = words(&person.names);
            !asked.is_empty() && asked.iter().all(|word| own.iter().any(|own| own.starts_with(word.as_str())))
        };
        let matches = |person: &&Person| {
            person.id.0.to_lowercase() == folded
                || person.addresses.iter().any(|address| address.contains(&folded))
                || named(person)
        };
        self.people.iter().filter(matches).collect()
    }

    fn at<'r>(&'r self, indices: Option<&'r Vec<u32>>) -> impl Iterator<Item = &'r Person> {
        let indices = indices.map(Vec::as_slice).unwrap_or_default();
        indices.iter().filter_map(|index| self.people.get(*index as usize))
    }
}

fn add(index: &mut Index, key: &str, person: u32) {
    match index.get_mut(key) {
        // A word that is in two of one person's names stands for the person once.
        Some(people) if people.last() == Some(&person) => {}
        Some(people) => people.push(person),
        None => _ = index.insert(key.into(), vec![person]),
    }
}

/// All words of all of a person's names.
fn words(names: &Names) -> Vec<String> {
    let preferred = names.preferred_given.iter().chain(&names.preferred_family);
    let all =
        [&names.given, &names.middle, &names.family].into_iter().chain(preferred).chain(&names.former_family);
    all.flat_map(|name| name_words(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: &str, given: &str, family: &str, address: &str) -> Person {
        let names = Names { given: given.to_owned(), family: family.to_owned(), ..Names::default() };
        Person {
            id: PersonId(id.to_owned()),
            role: Role::Parent,
            school: None,
            year: None,
            class: None,
            names,
            addresses: vec![address.to_owned()],
            pupils: Vec::new(),
        }
    }

    #[test]
    fn people_are_found_by_address_word_and_beginnings() {
        let mut second = person("2", "Zoë", "O’Brien", "home@brien.example");
        second.names.former_family.push("Zoë-Marsh".to_owned());
        let roll = Roll::new(vec![person("1", "Tom", "O'Brien", "home@brien.example"), second]);
        let ids = |people: Vec<&Person>| people.iter().map(|person| person.id.0.as_str()).collect::<String>();
        assert_eq!(ids(roll.by_address("home@brien.example").collect()), "12");
        assert_eq!(ids(roll.by_name_word("obrien").collect()), "12");
        assert_eq!(ids(roll.by_name_word("zoe").collect()), "2", "a word twice in one's names");
        assert_eq!(ids(roll.find("MARSH zo")), "2");
        assert_eq!(ids(roll.find("brien.example")), "12");
        assert_eq!(ids(roll.find("1")), "1");
        assert_eq!(ids(roll.find(" ")), "");
        assert_eq!(ids(roll.find("tom marsh")), "");
        assert!(roll.person(Role::Pupil, &PersonId("1".to_owned())).is_none());
    }

    #[test]
    fn nobodys_name_gets_into_a_log() {
        let shown = format!("{:?}", Roll::new(vec![person("A1", "Tom", "O'Brien", "a@b.example")]));
        assert_eq!(shown, "Roll(1 people)");
        let shown = format!("{:?}", person("A1", "Tom", "O'Brien", "a@b.example"));
        assert_eq!(shown, "Person(parent)");
    }
}
