//! Recipients in classes for which every rule gives the same answer, so that a thousand cost about what a few cost.

use std::collections::HashMap;

use smallvec::{SmallVec, smallvec};

use super::apart::Aparts;
use super::condition::PartyId;
use super::doubt::{Doubting, Doubts};
use super::{Case, Direction, Policy};
use crate::message::Address;
use crate::people::{People, Role, Roll};

/// Recipients that no rule of the policy tells apart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Class {
    /// `None` where the message has no recipient.
    pub(super) direction: Option<Direction>,
    /// The school whose rules hold: the sender's, or for inbound mail the recipient's.
    pub(super) school: Option<usize>,
    /// For each party that some rule tests recipients for, whether these are it.
    parties: Parties,
    /// Why these may not be meant; asked for recipients outside of our own mail, and only what some rule asks for.
    pub(super) doubts: Doubts,
    /// What these got before that belongs to the message.
    pub(super) apart: Aparts,
    /// The recipients' children, as numbers of the roll: their names are no secret from them.
    pub(super) family: Vec<u32>,
    /// Indices into the envelope's recipients, ascending.
    pub(super) recipients: SmallVec<[usize; 2]>,
}

/// A bit for each party.
type Parties = SmallVec<[u64; 2]>;

impl Class {
    pub(super) fn is(&self, party: PartyId) -> bool {
        self.parties.get(party.0 / 64).is_some_and(|word| word >> (party.0 % 64) & 1 == 1)
    }
}

/// Sorts the recipients into classes. A message without recipients gets one class without any.
pub(super) fn classes(policy: &Policy, case: &Case<'_>) -> Vec<Class> {
    let classing = Classing::new(policy, case);
    match case.envelope.recipients.as_slice() {
        [] => vec![Class { school: classing.sender_school, ..Class::default() }],
        // Most mail has one: there is nothing to sort.
        [only] => {
            let class = classing.class(0, only, classing.parties_of_domain(only));
            vec![Class { recipients: smallvec![0], ..class }]
        }
        many => classing.sorted(many),
    }
}

/// A message whose recipients are sorted.
struct Classing<'c> {
    policy: &'c Policy,
    case: &'c Case<'c>,
    from_us: bool,
    sender_school: Option<usize>,
    doubting: Option<Doubting<'c>>,
}

impl<'c> Classing<'c> {
    fn new(policy: &'c Policy, case: &'c Case<'c>) -> Self {
        let organisation = &policy.organisation;
        let from_us = organisation.sender_is_ours(case.envelope);
        let sender = case.envelope.sender.as_ref().filter(|_| from_us);
        let sender_school = sender.and_then(|sender| organisation.school_index(sender));
        let doubting = (from_us && !policy.doubts.is_empty()).then(|| Doubting::new(policy, case));
        Self { policy, case, from_us, sender_school, doubting }
    }

    fn sorted(&self, recipients: &[Address]) -> Vec<Class> {
        let mut classes: Vec<Class> = Vec::new();
        let mut known: HashMap<Class, usize> = HashMap::new();
        let mut domains: HashMap<&str, Parties> = HashMap::new();
        for (index, recipient) in recipients.iter().enumerate() {
            // Most rules ask for domains, groups and schools, so most answers are the same for a whole domain.
            let of_domain =
                domains.entry(recipient.domain()).or_insert_with(|| self.parties_of_domain(recipient));
            let class = self.class(index, recipient, of_domain.clone());
            match known.get(&class).and_then(|at| classes.get_mut(*at)) {
                Some(known) => known.recipients.push(index),
                None => {
                    known.insert(class.clone(), classes.len());
                    classes.push(Class { recipients: smallvec![index], ..class });
                }
            }
        }
        classes
    }

    /// The parties that go by the domain alone.
    fn parties_of_domain(&self, recipient: &Address) -> Parties {
        let mut parties = smallvec![0; self.policy.parties.len().div_ceil(64)];
        ask(self.policy, self.case.people, recipient, true, &mut parties);
        parties
    }

    /// The class of a recipient with that index, without any recipients yet. `parties` are those of its domain.
    fn class(&self, index: usize, recipient: &Address, mut parties: Parties) -> Class {
        let Self { policy, case, .. } = self;
        let direction = policy.organisation.direction(self.from_us, recipient);
        let school = match direction {
            Direction::Inbound => policy.organisation.school_index(recipient),
            Direction::Outbound | Direction::Internal => self.sender_school,
        };
        ask(policy, case.people, recipient, false, &mut parties);
        let doubting = self.doubting.as_ref().filter(|_| direction == Direction::Outbound);
        let doubts = doubting.map(|doubting| doubting.about(recipient)).unwrap_or_default();
        let family =
            if policy.names.wanted.full { family(case.people.roll(), recipient) } else { Vec::new() };
        let (direction, apart) = (Some(direction), case.apart.of(index));
        Class { direction, school, parties, doubts, apart, family, recipients: SmallVec::new() }
    }
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
