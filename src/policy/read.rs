//! From a TOML text to its tables, with every fault in this project's words. Knows no rule.

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, Source, from_slip};
use super::located::Located;
use crate::slips::{self, Certainty, Slip, choose};

/// What describes every key of these files.
const MANUAL: &str = "docs/rules.md";

/// Reads one whole file as `T`; what had to be guessed is nothing to go on with.
pub(super) fn file<T: DeserializeOwned>(source: &Source, faults: &mut Vec<Fault>) -> Option<T> {
    let read = slips::read(source.inner(), MANUAL);
    faults.extend(read.slips.into_iter().map(|slip| from_slip(source, slip)));
    read.value.filter(|_| read.certainty < Certainty::Guessed)
}

/// Reads a file that consists of `[[name]]` tables. Each is read by itself, to its end, so that one fault hides no other; of which something
/// had to be guessed are left out.
pub(super) fn tables<T: DeserializeOwned>(
    source: &Source,
    name: &str,
    faults: &mut Vec<Fault>,
) -> Vec<Located<T>> {
    let all = tables_and_guesses(source, name, faults).into_iter();
    all.filter(|(_, certainty)| *certainty < Certainty::Guessed).map(|(table, _)| table).collect()
}

/// The same with all of them. With each comes how sure it is: where something is guessed, what follows from it is no fault.
pub(super) fn tables_and_guesses<T: DeserializeOwned>(
    source: &Source,
    name: &str,
    faults: &mut Vec<Fault>,
) -> Vec<(Located<T>, Certainty)> {
    let Some(root) = root(source, faults) else { return Vec::new() };
    let mut found = Vec::new();
    for (key, value) in root.into_inner() {
        if key.get_ref() != name {
            let message = format!("unknown key \"{}\"", key.get_ref());
            let help =
                choose(key.get_ref(), &[name], &format!("this file consists of [[{name}]] tables, not"));
            faults.push(Fault::new(source, key.span(), message).help(help));
            continue;
        }
        let span = value.span();
        match value.into_inner() {
            DeValue::Array(elements) => {
                for element in elements {
                    found.extend(table(source, element, faults));
                }
            }
            _ => {
                let fault = Fault::new(source, span, format!("`{name}` is not a list of tables"));
                faults.push(fault.help(format!("write [[{name}]], in two pairs of brackets")));
            }
        }
    }
    found
}

fn table<T: DeserializeOwned>(
    source: &Source,
    element: Spanned<DeValue<'_>>,
    faults: &mut Vec<Fault>,
) -> Option<(Located<T>, Certainty)> {
    let span = element.span();
    let read = slips::read_table(element, MANUAL);
    faults.extend(read.slips.into_iter().map(|slip| from_slip(source, slip)));
    Some((Located { span, value: read.value? }, read.certainty))
}

fn root<'s>(source: &'s Source, faults: &mut Vec<Fault>) -> Option<Spanned<DeTable<'s>>> {
    let (root, errors) = DeTable::parse_recoverable(source.inner());
    if errors.is_empty() {
        return Some(root);
    }
    faults.extend(errors.iter().map(|error| from_slip(source, Slip::of(error))));
    None
}
