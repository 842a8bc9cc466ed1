//! What happens for each recipient once the verdict meets what a filter can do. Pure; it carries nothing out.

use smallvec::SmallVec;

use crate::policy::{Direction, Disclaimer};
use crate::verdict::Action;

/// The recipients by what happens for them, as indices into the envelope's recipients.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Fates {
    pub delivered: SmallVec<[usize; 4]>,
    pub held: Vec<usize>,
    pub returned: Vec<usize>,
    /// All recipients are refused.
    pub rejected: bool,
}

/// Sorts the recipients. A filter answers for the whole message at its end, so a refusal for some of the recipients
/// alone becomes a return; and a return that no one may be sent becomes a hold, so that nothing is lost.
pub(super) fn fates(actions: &[Action], answerable: bool) -> Fates {
    if !actions.is_empty() && actions.iter().all(|action| *action == Action::Reject) {
        return Fates { rejected: true, ..Fates::default() };
    }
    let mut fates = Fates::default();
    for (recipient, action) in actions.iter().enumerate() {
        match action {
            Action::Pass | Action::Tag | Action::Mark => fates.delivered.push(recipient),
            Action::Return | Action::Reject if answerable => fates.returned.push(recipient),
            Action::Hold | Action::Return | Action::Reject => fates.held.push(recipient),
        }
    }
    fates
}

/// The disclaimer for mail of that school to recipients in those directions: one for the school before one for all,
/// then the policy's order.
pub(super) fn choose_disclaimer<'p>(
    disclaimers: &'p [Disclaimer],
    school: Option<&str>,
    directions: &[Direction],
) -> Option<&'p Disclaimer> {
    let fitting = || {
        disclaimers.iter().filter(|disclaimer| disclaimer.directions.iter().any(|d| directions.contains(d)))
    };
    let own = school.and_then(|school| fitting().find(|d| d.schools.iter().any(|known| known == school)));
    own.or_else(|| fitting().find(|disclaimer| disclaimer.schools.is_empty()))
}
