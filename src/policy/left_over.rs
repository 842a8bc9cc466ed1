//! What is left of the made-up organisation in a file that somebody made their own: its addresses and domains. Finds and advises; refuses nothing.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, Source, source};
use super::upkeep::Advice;

/// What no real domain ends in (RFC 2606 §2).
const MADE_UP_ENDING: &str = ".example";

/// What stands around an address in a text that people read.
const AROUND: [char; 12] = ['(', ')', '<', '>', '[', ']', ',', ';', ':', '"', '\'', '.'];

/// Advice on each key of a TOML file whose values name addresses or domains that end in `.example`, at the first of them. Empty where the file
/// cannot be read: others tell its faults.
pub fn left_over(file: &str, text: &str) -> Vec<Advice> {
    in_source(&source(file, text))
}

/// Whether an address or domain is one of those that nobody has.
pub(super) fn is_made_up(entry: &str) -> bool {
    entry.to_lowercase().ends_with(MADE_UP_ENDING)
}

/// The same of a file that is read already.
pub(super) fn in_source(source: &Source) -> Vec<Advice> {
    let Ok(root) = DeTable::parse(source.inner()) else { return Vec::new() };
    let mut keys: Vec<Key> = Vec::new();
    in_table(root.get_ref(), "", &mut keys);
    keys.sort_by_key(|key| key.start);
    keys.into_iter().map(|key| key.advice(source)).collect()
}

/// A key with what is made up in its values; all `[[reviewer]]` count as one.
struct Key {
    path: String,
    start: usize,
    entries: Vec<String>,
}

impl Key {
    fn advice(self, source: &Source) -> Advice {
        let message =
            format!("`{}` still has what is made up: \"{}\"", self.path, self.entries.join("\", \""));
        let fault = Fault::new(source, self.start..self.start, message);
        Advice::new(fault.help("put your own there, or take it out"))
    }
}

fn in_table(table: &DeTable<'_>, path: &str, keys: &mut Vec<Key>) {
    for (key, value) in table {
        let key: &Cow<'_, str> = key.get_ref();
        let path = if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
        in_value(value, &path, keys);
    }
}

/// No file nests deeper than the parser lets it.
fn in_value(value: &Spanned<DeValue<'_>>, path: &str, keys: &mut Vec<Key>) {
    match value.get_ref() {
        DeValue::Table(table) => in_table(table, path, keys),
        DeValue::Array(values) => values.iter().for_each(|value| in_value(value, path, keys)),
        DeValue::String(text) => {
            for entry in made_up_in(text) {
                note(path, value.span().start, entry, keys);
            }
        }
        _ => {}
    }
}

fn note(path: &str, start: usize, entry: &str, keys: &mut Vec<Key>) {
    let Some(key) = keys.iter_mut().find(|key| key.path == path) else {
        keys.push(Key { path: path.to_owned(), start, entries: vec![entry.to_owned()] });
        return;
    };
    key.start = key.start.min(start);
    if !key.entries.iter().any(|known| known == entry) {
        key.entries.push(entry.to_owned());
    }
}

/// The made-up addresses and domains in a value: the whole of it, or words of a text such as `IT support (it@oakfield.example)`.
fn made_up_in(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(char::is_whitespace).map(|word| word.trim_matches(AROUND));
    words.filter(|word| is_made_up(word) && !word.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_told_once_at_its_first_entry() {
        let text = "free = [\"home.example\", \"mail.com\", \"x@Home.EXAMPLE\", \"home.example\"]\n\
            [outgoing]\ncontact = \"IT (01632 960 111, it@oakfield.example).\"\nfile = \"/etc/rules.example\"\n\
            text = \"such as an example\"\n\
            [[reviewer]]\naddresses = [\"a@oak.sch.uk\"]\n[[reviewer]]\naddresses = [\"*@b.example\"]\n";
        let told: Vec<String> = left_over("some.toml", text).iter().map(ToString::to_string).collect();
        let wanted = [
            "some.toml:1:9: `free` still has what is made up: \"home.example\", \"x@Home.EXAMPLE\"",
            "some.toml:3:11: `outgoing.contact` still has what is made up: \"it@oakfield.example\"",
            "some.toml:9:14: `reviewer.addresses` still has what is made up: \"*@b.example\"",
        ];
        assert_eq!(told, wanted.map(|one| format!("{one}; put your own there, or take it out")));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_left_to_those_who_tell_its_faults() {
        assert!(left_over("some.toml", "free = [\"home.example\"").is_empty());
    }
}
