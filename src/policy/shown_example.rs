//! An example that a rule matches, judged as mail is: what a preview shows of the rule. Sends nothing.

use super::example::Example;
use super::raw::Expect;
use super::{Place, Policy, Reveal, Rule, decide};
use crate::extract::Extraction;
use crate::limits::Limits;
use crate::message::{Envelope, Message};
use crate::verdict::{Finding, RuleId};

/// An example and what its rule finds in it. All of it is made up.
#[derive(Debug, Clone)]
pub struct ShownExample {
    /// Who sends it to whom.
    pub envelope: Envelope,
    /// The message.
    pub raw: Vec<u8>,
    /// The recipients for whom the rule matches, as indices into the envelope's.
    pub recipients: Vec<usize>,
    /// What the rule finds, in words.
    pub found: Vec<Place>,
    /// Whether its sender is one of the organisation: nobody else is answered.
    pub from_ours: bool,
}

impl Policy {
    /// The first of a rule's examples that it matches and that somebody of the organisation sends, else the first that it matches;
    /// nothing where it has none, or no longer runs.
    pub fn shown_example(&self, id: &RuleId) -> Option<ShownExample> {
        let among_examples = self.among_examples();
        let policy = among_examples.as_ref().unwrap_or(self);
        let rule = policy.rule(id)?;
        let matching = rule.examples.iter().filter(|example| example.expect == Expect::Match);
        let mut shown = matching.filter_map(|example| policy.shown(rule, example));
        let first = shown.next()?;
        Some(if first.from_ours { first } else { shown.find(|example| example.from_ours).unwrap_or(first) })
    }

    fn shown(&self, rule: &Rule, example: &Example) -> Option<ShownExample> {
        let limits = Limits::default();
        let message = Message::parse(&example.raw, &limits);
        let extraction = Extraction::read(&message, &limits, &example.declared);
        let now = example.at.to_zoned(self.organisation.time_zone.clone()).ok()?;
        let case = example.case((&message, &extraction), &self.example_people, &limits, &now);
        let (recipients, findings) = decide::alone(self, &case, rule);
        let place = |finding: &Finding| self.place(finding, &extraction, &self.example_people, Reveal::Words);
        (!recipients.is_empty()).then(|| ShownExample {
            envelope: example.envelope.clone(),
            raw: example.raw.clone(),
            recipients,
            found: findings.iter().map(place).collect(),
            from_ours: self.organisation.sender_is_ours(&example.envelope),
        })
    }
}
