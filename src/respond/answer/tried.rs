//! What a trial comes to, the short of it first: one sentence with its reason, then whom it concerns. Tells nothing of what was found.

use super::AnswerContext;
use super::content::Writer;
use super::markdown::Block;
use crate::message::Address;
use crate::policy::filled;
use crate::verdict::{Action, RuleMatch};

impl Writer<'_> {
    /// What would happen: first in a sentence, then for whom.
    pub(super) fn what_would_happen(&self) -> Vec<Block> {
        let phrases = self.phrases;
        type Test = fn(Action) -> bool;
        let groups: [(&str, Test); 4] = [
            (&phrases.tried_refused, |action| action == Action::Reject),
            (&phrases.tried_returned, |action| action == Action::Return),
            (&phrases.tried_held, |action| action == Action::Hold),
            (&phrases.tried_delivered, |action| action.delivers()),
        ];
        let mut blocks = vec![Block::plain(self.in_short()), Block::plain(phrases.tried_only.as_str())];
        let all = self.context.envelope.recipients.iter().map(Address::folded);
        let all: Vec<(&str, Action)> = all.zip(self.context.verdict.recipients.iter().copied()).collect();
        for (phrase, is_in) in groups {
            let named: Vec<&str> =
                all.iter().filter(|(_, action)| is_in(*action)).map(|(to, _)| *to).collect();
            if !named.is_empty() {
                blocks.extend([Block::plain(phrase), self.listed(&named)]);
            }
        }
        blocks
    }

    /// The strongest of it in a sentence, with the rules that it is due to.
    fn in_short(&self) -> String {
        let phrases = self.phrases;
        let actions = &self.context.verdict.recipients;
        let strongest = actions.iter().copied().max().unwrap_or_default();
        let concerned = actions.iter().enumerate().filter(|(_, action)| **action == strongest);
        let titles: Vec<String> = self
            .reasons
            .iter()
            .filter(|reason| concerned.clone().any(|(index, _)| is_for(self.context, reason.found, index)))
            .map(|reason| format!("“{}”", reason.title))
            .collect();
        let phrase = match strongest {
            Action::Reject => &phrases.tried_would_be_refused,
            Action::Return => &phrases.tried_would_return,
            Action::Hold => &phrases.tried_would_wait,
            Action::Pass | Action::Tag | Action::Mark if titles.is_empty() => &phrases.tried_fine,
            Action::Pass | Action::Tag | Action::Mark => &phrases.tried_would_be_delivered,
        };
        let organisation = self.context.policy.organisation().name.as_str();
        let reasons = if titles.is_empty() { organisation.to_owned() } else { titles.join(", ") };
        let told = filled(phrase, &[("reasons", &reasons), ("organisation", organisation)]);
        match concerned.clone().count() == actions.len() {
            true => told,
            false => format!("{told} {}", phrases.tried_some),
        }
    }

    /// The rules that would act only once those are content that stop it now.
    pub(super) fn what_would_follow(&self) -> Vec<Block> {
        match self.later.as_slice() {
            [] => Vec::new(),
            later => vec![
                Block::plain(self.phrases.tried_then.as_str()),
                Block::list(later.iter().map(super::content::Reason::named).collect()),
            ],
        }
    }
}

/// Whether what a rule asks for is what would happen for that recipient: a mark is none on what comes back.
pub(super) fn is_for(context: &AnswerContext<'_>, found: &RuleMatch, recipient: usize) -> bool {
    let fate = context.verdict.recipients.get(recipient);
    found.recipients.contains(&recipient)
        && fate.is_some_and(|fate| fate.delivers() == found.action.delivers())
}
