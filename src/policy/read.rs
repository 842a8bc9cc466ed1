//! From a TOML text to its tables, with every fault in this project's words. Knows no rule.

use serde::de::{DeserializeOwned, IntoDeserializer};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, Source, choose, from_toml};
use super::located::Located;

/// Reads one whole file as `T`.
pub(super) fn file<T: DeserializeOwned>(source: &Source, faults: &mut Vec<Fault>) -> Option<T> {
    let root = root(source, faults)?;
    match T::deserialize(root.into_deserializer()) {
        Ok(value) => Some(value),
        Err(error) => {
            faults.push(from_toml(source, &error));
            None
        }
    }
}

/// Reads a file that consists of `[[name]]` tables. Each is read by itself, so that one fault hides no other.
pub(super) fn tables<T: DeserializeOwned>(
    source: &Source,
    name: &str,
    faults: &mut Vec<Fault>,
) -> Vec<Located<T>> {
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
) -> Option<Located<T>> {
    let span = element.span();
    match T::deserialize(element.into_deserializer()) {
        Ok(value) => Some(Located { span, value }),
        Err(error) => {
            faults.push(from_toml(source, &error));
            None
        }
    }
}

fn root<'s>(source: &'s Source, faults: &mut Vec<Fault>) -> Option<Spanned<DeTable<'s>>> {
    let (root, errors) = DeTable::parse_recoverable(source.inner());
    if errors.is_empty() {
        return Some(root);
    }
    faults.extend(errors.iter().map(|error| from_toml(source, error)));
    None
}
