//! The condition `from-name`: whose name the message shows as its writer's, whatever the address. Judges names alone.

use schemars::JsonSchema;
use serde::Deserialize;

use super::evaluate::Evaluation;
use crate::people::{Role, Roll, name_words};

/// Whose name stands in the field `From`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FromName {
    /// That of somebody who works here: a member of staff or a governor on the roll, whose address it may or may not be.
    Colleague,
}

impl Evaluation<'_> {
    pub(super) fn shows_name(&self, wanted: FromName) -> bool {
        let FromName::Colleague = wanted;
        let shown = self.case.message.mailboxes("from");
        shown.iter().any(|one| is_a_colleagues(self.case.people.roll(), &one.name))
    }

    /// Why `from-name` holds or does not, for people.
    pub(super) const fn told_from_name(yes: bool) -> &'static str {
        if yes { "the name is a colleague's" } else { "the name is no colleague's" }
    }
}

/// Whether a name is that of somebody who works here.
pub(super) fn is_a_colleagues(roll: &Roll, name: &str) -> bool {
    let words = name_words(name);
    let all_in = |part: &String| {
        let part = name_words(part);
        !part.is_empty() && part.iter().all(|word| words.contains(word))
    };
    words.iter().flat_map(|word| roll.by_name_word(word)).any(|person| {
        let names = &person.names;
        matches!(person.role, Role::Staff | Role::Governor)
            && std::iter::once(&names.family).chain(&names.preferred_family).any(all_in)
            && std::iter::once(&names.given).chain(&names.preferred_given).any(all_in)
    })
}
