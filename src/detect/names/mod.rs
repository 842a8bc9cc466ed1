//! People named in a text: those on the roll, in full or by a rare name alone, and others by what their names look like. Finds
//! places; never says whether anybody may be named.

mod block;
mod full;
mod initials;
mod salutation;
mod single;
mod strangers;
mod surroundings;
mod tests;
mod tokens;

pub use initials::suggestion;

use crate::people::Roll;
use crate::verdict::Span;
use block::{Block, blocks};

/// How somebody is named.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum NameForm {
    /// By first and family name.
    Full,
    /// By one name alone; of people on the roll, by one that nobody else there has and few in the country.
    Single,
    /// By a title and a family name, such as Mrs Okafor. People on the roll are not looked for so.
    Titled,
    /// By what they are to somebody, such as "mum of Zara". People on the roll are not looked for so.
    Related,
}

impl NameForm {
    /// The form's name as rules and findings write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Single => "single",
            Self::Titled => "titled",
            Self::Related => "related",
        }
    }
}

/// Who is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// One of these people, as numbers of the roll: several where they have the same name.
    OnRoll(Vec<u32>),
    /// Somebody who is not on the roll, as a hash of the name.
    Stranger(u64),
}

/// A name in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameHit {
    /// Where.
    pub span: Span,
    /// How.
    pub form: NameForm,
    /// Who.
    pub who: Who,
    /// Whether the text speaks to that person there, as in "Dear Oliver Bennett,".
    pub addressed: bool,
    /// What may stand there in place of the name: `O.B.`.
    pub initials: String,
}

/// What sort of text it is: in file names other marks stand between words, and in tables names stand in cells of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextKind {
    /// Sentences.
    Running,
    /// The text of a file, with a line for each cell of a table.
    Document,
    /// Names of files.
    FileName,
}

/// Whom to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    /// People on the roll, in full.
    pub full: bool,
    /// People on the roll, by a rare name alone.
    pub single: bool,
    /// People who are not on the roll.
    pub strangers: bool,
}

/// Appends the names in a text, in their order, until `hits` holds `cap`. Returns whether that cap cut it short.
pub fn find(
    text: &str,
    kind: TextKind,
    roll: &Roll,
    wanted: Wanted,
    cap: usize,
    hits: &mut Vec<NameHit>,
) -> bool {
    if roll.is_empty() && !wanted.strangers {
        return false;
    }
    let mut block = Block::new(text, kind, roll);
    for range in blocks(text) {
        block.read(range, wanted.strangers);
        if !block.has_names(wanted) {
            continue;
        }
        let before = hits.len();
        full::find(&block, hits);
        if wanted.single {
            single::find(&block, before, hits);
        }
        if wanted.strangers {
            strangers::find(&block, before, hits);
        }
        for hit in hits.iter_mut().skip(before) {
            hit.addressed = salutation::is_addressed(text, hit.span);
        }
        if hits.len() > cap {
            hits.truncate(cap);
            return true;
        }
    }
    false
}
