//! What a list asks for besides its terms as they are written: inflections, and disguises to be seen through. Never looks
//! at a text.

use std::fmt;

/// A way to write a word so that people still read it and a plain search does not find it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Disguise {
    /// Letters of other alphabets that look the same.
    LookAlikes,
    /// Digits and symbols for letters.
    Leet,
    /// Stars or the like for some of the letters.
    Masked,
    /// Letters more often than the word has them.
    Doubled,
    /// Single letters with spaces, dots or other marks between them.
    Spaced,
    /// Two pieces, with a space, a mark or a line's end between them.
    Split,
}

impl Disguise {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 6] =
        [Self::LookAlikes, Self::Leet, Self::Masked, Self::Doubled, Self::Spaced, Self::Split];

    /// What lists call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::LookAlikes => "look-alikes",
            Self::Leet => "leet",
            Self::Masked => "masked",
            Self::Doubled => "doubled",
            Self::Spaced => "spaced",
            Self::Split => "split",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|disguise| disguise.name() == name)
    }
}

/// Some of the disguises.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Disguises(u8);

impl Disguises {
    /// None of them: the word as it is.
    pub const NONE: Self = Self(0);
    /// Each of them.
    pub const ALL: Self = Self((1 << Disguise::ALL.len()) - 1);

    /// These and one more.
    #[must_use]
    pub fn with(self, disguise: Disguise) -> Self {
        Self(self.0 | 1 << disguise as u8)
    }

    /// These and those.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// These but one.
    #[must_use]
    pub fn without(self, disguise: Disguise) -> Self {
        Self(self.0 & !(1 << disguise as u8))
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many.
    pub fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether all of `others` are among these.
    pub fn contain(self, others: Self) -> bool {
        others.0 & !self.0 == 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Disguise> {
        Disguise::ALL.into_iter().filter(move |disguise| self.contain(Self::NONE.with(*disguise)))
    }
}

impl fmt::Display for Disguises {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Disguise::name).collect();
        formatter.write_str(&names.join(", "))
    }
}

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
