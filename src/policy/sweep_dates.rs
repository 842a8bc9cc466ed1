//! Dates that no word calls a birth and that stand at somebody's name: `Oliver Bennett (12/03/2013)`. Keeps places, no words.

use std::ops::Range;

use super::sweep::Sweep;
use crate::detect::identifiers::{Confidence, Identifier, UnsaidDate};
use crate::detect::names::{NameForm, NameHit, Who};
use crate::people::Role;

/// How far from a name a date may stand, in bytes; nothing but marks and spaces between.
const NEAR: usize = 6;
/// The ages of pupils, in years.
const PUPILS: Range<i16> = 3..20;

impl Sweep<'_> {
    /// Those of a text's dates that stand at a name, as dates of birth: sure at the full name of a pupil whose age it can be,
    /// and not sure at anybody else's.
    pub(super) fn births(&self, text: usize, dates: &[UnsaidDate]) -> Vec<Identifier> {
        if dates.is_empty() {
            return Vec::new();
        }
        let Some(content) = self.texts().get(text).map(|text| text.text.as_str()) else { return Vec::new() };
        let at_names = dates.iter().filter_map(|date| {
            let near = self.full_names(text).filter(|name| stands_at(content, name, date));
            let sure = |name: &NameHit| PUPILS.contains(&date.age) && self.is_pupil(&name.who);
            let sure = near.map(sure).reduce(|one, other| one || other)?;
            let confidence = if sure { Confidence::High } else { Confidence::Low };
            Some(Identifier { confidence, ..date.identifier })
        });
        at_names.collect()
    }

    fn full_names(&self, text: usize) -> impl Iterator<Item = &NameHit> {
        let here = self.all_names().iter().filter(move |(index, _)| *index == text);
        here.map(|(_, name)| name).filter(|name| name.form == NameForm::Full)
    }

    fn is_pupil(&self, who: &Who) -> bool {
        let Who::OnRoll(people) = who else { return false };
        let roll = self.case.people.roll();
        people.iter().any(|one| roll.numbered(*one).is_some_and(|person| person.role == Role::Pupil))
    }
}

/// Whether nothing but marks and spaces stands between a name and a date on one line.
fn stands_at(text: &str, name: &NameHit, date: &UnsaidDate) -> bool {
    let (name, date) = (name.span, date.identifier.span);
    let between = if name.end <= date.start { name.end..date.start } else { date.end..name.start };
    text.get(between).is_some_and(|between| {
        !between.is_empty()
            && between.len() <= NEAR
            && !between.contains(|letter: char| letter.is_alphanumeric() || letter == '\n')
    })
}
