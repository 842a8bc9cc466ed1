//! What wants doing though policy and configuration work: what senders are let do and no way is given for, what is made up, dates. Only says so.

use jiff::Timestamp;

use crate::config::{Config, OrganisationMeant};
use crate::policy::{Advice, Override, Policy};
use crate::verdict::Mode;

/// Most rules that are named.
const NAMED: usize = 3;

/// What to tell whoever starts or checks it at that moment: what of its organisation is still made up and not said to be so, or that its terms end.
pub fn upkeep(config: &Config, policy: &Policy, now: Timestamp) -> Vec<Advice> {
    let mut advice = match config.organisation {
        OrganisationMeant::Real => made_up(config, policy),
        OrganisationMeant::MadeUp => Vec::new(),
    };
    advice.extend(policy.terms_ending(now));
    advice
}

/// All that is made up; where the whole organisation is, no more is asked of the configuration yet.
fn made_up(config: &Config, policy: &Policy) -> Vec<Advice> {
    let whole = policy.made_up();
    let configured = whole.is_none().then_some(&config.left_over).into_iter().flatten().cloned();
    whole.iter().cloned().chain(policy.left_over()).chain(configured).collect()
}

/// What to tell whoever starts or checks it, with the remedy: that rules with `override` need an address for replies.
pub fn unoffered(config: &Config, policy: &Policy) -> Option<String> {
    if config.confirm.is_some() {
        return None;
    }
    let schools = policy.organisation().schools.iter().map(|school| Some(school.id.as_str()));
    let in_force: Vec<_> = std::iter::once(None)
        .chain(schools)
        .filter_map(|school| policy.effective(school))
        .flatten()
        .collect();
    let rules = policy.rules().iter().filter(|rule| {
        rule.then.may_override != Override::Never
            && in_force.iter().any(|one| one.rule == rule.id && one.mode == Some(Mode::Enforce))
    });
    let rules: Vec<&str> = rules.map(|rule| rule.id.0.as_str()).collect();
    let named = rules.get(..NAMED).unwrap_or(&rules).join("`, `");
    let more = match rules.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!rules.is_empty()).then(|| {
        format!(
            "no sender can confirm a stopped message: the rules `{named}`{more} have `override`, and the configuration names no address \
             for replies; add `confirm = \"confirm@…\"` to [outgoing] and the same alias to Postfix (docs/guidance.md, Confirming by mail), \
             or take `override` out of the rules"
        )
    })
}
