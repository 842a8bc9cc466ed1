//! Recipients in classes for which every rule gives the same answer, so that a thousand cost about what a few cost.

use std::collections::HashMap;

use super::apart::Aparts;
use super::condition::PartyId;
use super::doubt::{Doubting, Doubts};
use super::{Case, Direction, Policy};
use crate::message::Address;
use crate::people::{People, Role, Roll};

/// Recipients that no rule of the policy tells apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Class {
    /// `None` where the message has no recipient.
    pub(super) direction: Option<Direction>,
    /// The school whose rules hold: the sender's, or for inbound mail the recipient's.
    pub(super) school: Option<usize>,
    /// For each party that some rule tests recipients for, whether these are it.
    parties: Vec<u64>,
    /// Why these may not be meant; asked for recipients outside of our own mail, and only what some rule asks for.
    pub(super) doubts: Doubts,
    /// What these got before that belongs to the message.
    pub(super) apart: Aparts,
    /// The recipients' children, as numbers of the roll: their names are no secret from them.
    pub(super) family: Vec<u32>,
    /// Indices into the envelope's recipients, ascending.
    pub(super) recipients: Vec<usize>,
}

impl Class {
    pub(super) fn is(&self, party: PartyId) -> bool {
        self.parties.get(party.0 / 64).is_some_and(|word| word >> (party.0 % 64) & 1 == 1)
    }
}

/// What a class is told by: direction, school, parties, doubts, what they got before, family.
type Key = (Direction, Option<usize>, Vec<u64>, Doubts, Aparts, Vec<u32>);

/// Sorts the recipients into classes. A message without recipients gets one class without any.
pub(super) fn classes(policy: &Policy, case: &Case<'_>) -> Vec<Class> {
    let envelope = case.envelope;
    let organisation = &policy.organisation;
    let from_us = organisation.sender_is_ours(envelope);
    let sender_school =
        envelope.sender.as_ref().filter(|_| from_us).and_then(|sender| organisation.school_index(sender));
    let mut classes: Vec<Class> = Vec::new();
    let mut known: HashMap<Key, usize> = HashMap::new();
    let mut domains: HashMap<&str, Vec<u64>> = HashMap::new();
    let doubting = (from_us && !policy.doubts.is_empty()).then(|| Doubting::new(policy, case));
    for (index, recipient) in envelope.recipients.iter().enumerate() {
        let direction = organisation.direction(from_us, recipient);
        let school = match direction {
            Direction::Inbound => organisation.school_index(recipient),
            Direction::Outbound | Direction::Internal => sender_school,
        };
        // Most rules ask for domains, groups and schools, so most answers are the same for a whole domain.
        let by_domain = domains.entry(recipient.domain()).or_insert_with(|| {
            let mut parties = vec![0_u64; policy.parties.len().div_ceil(64)];
            ask(policy, case.people, recipient, true, &mut parties);
            parties
        });
        let mut parties = by_domain.clone();
        ask(policy, case.people, recipient, false, &mut parties);
        let doubting = doubting.as_ref().filter(|_| direction == Direction::Outbound);
        let doubts = doubting.map(|doubting| doubting.about(recipient)).unwrap_or_default();
        let family =
            if policy.names.wanted.full { family(case.people.roll(), recipient) } else { Vec::new() };
        let apart = case.apart.of(index);
        let key = (direction, school, parties, doubts, apart, family);
        match known.get(&key).and_then(|at| classes.get_mut(*at)) {
            Some(class) => class.recipients.push(index),
            None => {
                let (parties, family) = (key.2.clone(), key.5.clone());
                known.insert(key, classes.len());
                classes.push(Class {
                    direction: Some(direction),
                    school,
                    parties,
                    doubts,
                    apart,
                    family,
                    recipients: vec![index],
                });
            }
        }
    }
    if classes.is_empty() {
        classes.push(Class { school: sender_school, ..Class::default() });
    }
    classes
}

/// The pupils whom an address of a parent belongs to.
fn family(roll: &Roll, recipient: &Address) -> Vec<u32> {
    let parents = roll.by_address(recipient.folded()).filter(|person| person.role == Role::Parent);
    let mut family: Vec<u32> =
        parents.flat_map(|parent| &parent.pupils).filter_map(|pupil| roll.pupil_number(pupil)).collect();
    family.sort_unstable();
    family.dedup();
    family
}

/// Asks each party, of those that go by the domain alone or of the others, whether it means that recipient.
fn ask(policy: &Policy, people: &People, recipient: &Address, domain_only: bool, answers: &mut [u64]) {
    let asked = policy.parties.iter().zip(&policy.domain_only).enumerate();
    for (number, (party, _)) in asked.filter(|(_, (_, only))| **only == domain_only) {
        if let Some(word) = answers.get_mut(number / 64)
            && party.is(Some(recipient), &policy.organisation, people)
        {
            *word |= 1 << (number % 64);
        }
    }
}
