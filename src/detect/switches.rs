//! What a list asks for besides its terms as they are written: inflections, and disguises to be seen through. Never looks
//! at a text.

pub use crate::verdict::{Disguise, Disguises};

/// In which forms a list's terms are found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Forms {
    /// As they are written, and possessives.
    #[default]
    AsWritten,
    /// With their regular endings too.
    Inflected,
}

/// A line of a list that begins with `@`, without that sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Switch {
    /// `@inflections`
    Inflections,
    /// `@disguises …`
    Disguises(Disguises),
    /// `@empty`: the list may have no term.
    Empty,
}

impl Switch {
    /// Reads one; a fault is what is wrong and what to do.
    pub(super) fn parse(line: &str) -> Result<Self, (String, String)> {
        let mut words = line.split([' ', '\t', ',']).filter(|word| !word.is_empty());
        let known = || "there are `@inflections`, `@disguises` and `@empty`".to_owned();
        let (name, rest) = (words.next().unwrap_or_default(), words.collect::<Vec<_>>());
        match name {
            "inflections" if rest.is_empty() => Ok(Self::Inflections),
            "empty" if rest.is_empty() => Ok(Self::Empty),
            "inflections" | "empty" => Err((
                format!("`@{name}` stands alone on its line"),
                format!("leave out what follows; a comment begins with `#`, as in `@{name}  # why`"),
            )),
            "disguises" => disguises(&rest).map(Self::Disguises),
            _ => Err((format!("no switch is called `@{name}`"), known())),
        }
    }
}

/// `all`, or names, or `all except` names.
fn disguises(words: &[&str]) -> Result<Disguises, (String, String)> {
    let names = Disguises::ALL;
    let help =
        || format!("write `@disguises all`, `@disguises all except leet`, or some of these names: {names}");
    let named = |words: &[&str]| {
        words.iter().try_fold(Disguises::NONE, |some, word| match Disguise::named(word) {
            Some(disguise) => Ok(some.with(disguise)),
            None => Err((format!("no disguise is called `{word}`"), help())),
        })
    };
    match words {
        [] | ["all", "except"] => Err(("it does not say which disguises".to_owned(), help())),
        ["all"] => Ok(Disguises::ALL),
        ["all", "except", but @ ..] => {
            Ok(named(but)?.iter().fold(Disguises::ALL, |all, disguise| all.without(disguise)))
        }
        some => named(some),
    }
}
