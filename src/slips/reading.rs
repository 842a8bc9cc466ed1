//! Reads a TOML table and goes on after each slip, as if it were put right, so that one reading shows them all. Guesses for faults alone.

use std::borrow::Cow;
use std::ops::Range;

use serde::de::{DeserializeOwned, IntoDeserializer};
use toml::Spanned;
use toml::de::{DeArray, DeInteger, DeTable, DeValue};

use super::{Kind, Slip, said};

/// So many slips, and stand-ins for what is missing, are looked past in one table.
const MOST_MENDED: usize = 60;
/// What stands in for a text that is missing.
const STAND_IN: &str = "stand-in";

/// What a reading gave.
#[derive(Debug)]
pub struct Read<T> {
    /// What was written, as far as it could be read; with slips, for looking at what else is wrong and for nothing more.
    pub value: Option<T>,
    /// What is wrong with how it is written.
    pub slips: Vec<Slip>,
    /// How sure it is that the value is what was meant.
    pub certainty: Certainty,
}

/// How sure it is that a value is what was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// It stands there.
    Written,
    /// Names were misspelt, and those nearest to them were taken.
    Corrected,
    /// Something was left out or stood in for.
    Guessed,
}

/// Reads a whole file, whose keys that manual describes.
pub fn read<T: DeserializeOwned>(text: &str, manual: &'static str) -> Read<T> {
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let slips = errors.iter().map(Slip::of).collect();
        return Read { value: None, slips, certainty: Certainty::Guessed };
    }
    let span = root.span();
    read_table(Spanned::new(span, DeValue::Table(root.into_inner())), manual)
}

/// Reads one table, likewise.
pub fn read_table<T: DeserializeOwned>(written: Spanned<DeValue<'_>>, manual: &'static str) -> Read<T> {
    let mut reading = Reading {
        tree: written,
        manual,
        slips: Vec::new(),
        taken: Vec::new(),
        stands_in: 0,
        certainty: Certainty::Written,
    };
    let mut value = None;
    for _ in 0..MOST_MENDED {
        match T::deserialize(reading.tree.clone().into_deserializer()) {
            Ok(read) => {
                value = Some(read);
                break;
            }
            Err(error) if reading.mend(&error) => {}
            Err(_) => break,
        }
    }
    Read { value, slips: reading.slips, certainty: reading.certainty }
}

struct Reading<'t> {
    tree: Spanned<DeValue<'t>>,
    manual: &'static str,
    slips: Vec<Slip>,
    /// Keys whose values were taken out, each with the span of its table: that they are missing now is nobody's fault.
    taken: Vec<(Range<usize>, String)>,
    /// How often something stands in for what is missing.
    stands_in: usize,
    certainty: Certainty,
}

impl<'t> Reading<'t> {
    /// Notes what is wrong and puts the table right in thought; false where it cannot go on.
    fn mend(&mut self, error: &toml::de::Error) -> bool {
        let (slip, kind) = said(error);
        let Some(span) = error.span() else {
            self.slips.push(slip);
            return false;
        };
        // What is wrong with a stand-in is nobody's fault either.
        let own = stands_in(&span);
        match kind {
            Kind::Missing(name) => {
                if !own && !self.taken.contains(&(span.clone(), name.clone())) {
                    self.note_missing(slip, &name);
                }
                self.stand_in(&span, name)
            }
            _ if own => self.stand_in_better(&span, &kind),
            Kind::Key(near) => {
                self.slips.push(slip);
                self.rename(&span, near)
            }
            Kind::Value { near: Some(near), .. } => {
                self.slips.push(slip);
                self.certainty = self.certainty.max(Certainty::Corrected);
                self.replace(&span, DeValue::String(near.into()))
            }
            Kind::Value { .. } | Kind::Expected(_) | Kind::Other => {
                self.slips.push(slip);
                self.take_out(&span)
            }
        }
    }

    /// Keys that are missing in one table are one slip.
    fn note_missing(&mut self, slip: Slip, name: &str) {
        let before = self.slips.iter_mut().find(|before| before.span == slip.span && before.label.is_some());
        match before {
            Some(before) => {
                before.message =
                    format!("{}, \"{name}\"", before.message.replacen("missing key ", "missing keys ", 1));
                before.help = Some(format!("add them; {} says what each key means", self.manual));
            }
            None => self.slips.push(slip.help(format!("add it; {} says what each key means", self.manual))),
        }
    }

    fn stand_in(&mut self, table: &Range<usize>, name: String) -> bool {
        self.certainty = Certainty::Guessed;
        self.stands_in += 1;
        let place = usize::MAX - self.stands_in..usize::MAX;
        let lacks = |entries: &DeTable<'_>| !entries.contains_key(name.as_str());
        let Some(entries) = table_at(&mut self.tree, &|span, entries| span == *table && lacks(entries))
        else {
            return false;
        };
        let value = DeValue::String(STAND_IN.into());
        entries.insert(Spanned::new(place.clone(), Cow::Owned(name)), Spanned::new(place, value));
        true
    }

    /// Takes a value of the kind that is expected there, where it is known.
    fn stand_in_better(&mut self, place: &Range<usize>, kind: &Kind) -> bool {
        let value = match kind {
            Kind::Value { known, .. } => known.first().map(|first| DeValue::String(first.clone().into())),
            Kind::Expected(wanted) if wanted == "a sequence" => Some(DeValue::Array(DeArray::new())),
            Kind::Expected(wanted) if wanted == "a map" || wanted.starts_with("struct ") => {
                Some(DeValue::Table(DeTable::new()))
            }
            Kind::Expected(wanted) if wanted == "a boolean" => Some(DeValue::Boolean(false)),
            Kind::Expected(wanted) if wanted.starts_with(['u', 'i', 'f']) => {
                Some(DeValue::Integer(DeInteger::default()))
            }
            Kind::Expected(_) | Kind::Key(_) | Kind::Missing(_) | Kind::Other => None,
        };
        value.is_some_and(|value| {
            self.replace_where(value, &|span, value| {
                span == *place && matches!(value, DeValue::String(text) if text == STAND_IN)
            })
        })
    }

    fn rename(&mut self, key: &Range<usize>, near: Option<String>) -> bool {
        let has_it = |entries: &DeTable<'_>| entries.keys().any(|known| known.span() == *key);
        let Some(entries) = table_at(&mut self.tree, &|_, entries| has_it(entries)) else { return false };
        let Some(wrong) = entries.keys().find(|known| known.span() == *key).cloned() else { return false };
        let Some(value) = entries.remove(&wrong) else { return false };
        let near = near.filter(|near| !entries.contains_key(near.as_str()));
        self.certainty = self.certainty.max(match near {
            Some(_) => Certainty::Corrected,
            None => Certainty::Guessed,
        });
        if let Some(near) = near {
            entries.insert(Spanned::new(key.clone(), Cow::Owned(near)), value);
        }
        true
    }

    fn replace(&mut self, place: &Range<usize>, value: DeValue<'t>) -> bool {
        self.replace_where(value, &|span, written| {
            span == *place && !matches!(written, DeValue::Table(_) | DeValue::Array(_))
        })
    }

    fn replace_where(
        &mut self,
        value: DeValue<'t>,
        is_it: &dyn Fn(Range<usize>, &DeValue<'_>) -> bool,
    ) -> bool {
        let Some(place) = value_at(&mut self.tree, is_it) else { return false };
        *place.get_mut() = value;
        true
    }

    fn take_out(&mut self, place: &Range<usize>) -> bool {
        self.certainty = Certainty::Guessed;
        match take_out(&mut self.tree, place) {
            Some(Taken::Key(table, name)) => {
                self.taken.push((table, name));
                true
            }
            Some(Taken::Entry) => true,
            None => false,
        }
    }
}

/// Whether a place is that of a stand-in: one that no file has.
fn stands_in(place: &Range<usize>) -> bool {
    place.end == usize::MAX
}

/// What was taken out: a key of a table, or an entry of a list.
enum Taken {
    Key(Range<usize>, String),
    Entry,
}

fn take_out(within: &mut Spanned<DeValue<'_>>, place: &Range<usize>) -> Option<Taken> {
    let span = within.span();
    match within.get_mut() {
        DeValue::Table(entries) => {
            if let Some(key) =
                entries.iter().find(|(_, value)| value.span() == *place).map(|(key, _)| key.clone())
            {
                entries.remove(&key);
                return Some(Taken::Key(span, key.into_inner().into_owned()));
            }
            entries.iter_mut().find_map(|(_, value)| take_out(value, place))
        }
        DeValue::Array(entries) => {
            if entries.iter().any(|value| value.span() == *place) {
                *entries = entries.iter().filter(|value| value.span() != *place).cloned().collect();
                return Some(Taken::Entry);
            }
            entries.iter_mut().find_map(|value| take_out(value, place))
        }
        _ => None,
    }
}

type IsIt<'f, T> = &'f dyn Fn(Range<usize>, &T) -> bool;

fn table_at<'v, 't>(
    within: &'v mut Spanned<DeValue<'t>>,
    is_it: IsIt<'_, DeTable<'t>>,
) -> Option<&'v mut DeTable<'t>> {
    match value_at(within, &|span, value| matches!(value, DeValue::Table(entries) if is_it(span, entries)))?
        .get_mut()
    {
        DeValue::Table(entries) => Some(entries),
        _ => None,
    }
}

fn value_at<'v, 't>(
    within: &'v mut Spanned<DeValue<'t>>,
    is_it: IsIt<'_, DeValue<'t>>,
) -> Option<&'v mut Spanned<DeValue<'t>>> {
    if is_it(within.span(), within.get_ref()) {
        return Some(within);
    }
    match within.get_mut() {
        DeValue::Table(entries) => entries.iter_mut().find_map(|(_, value)| value_at(value, is_it)),
        DeValue::Array(entries) => entries.iter_mut().find_map(|value| value_at(value, is_it)),
        _ => None,
    }
}
