//! Senders and recipients as rules describe them. Compares envelope addresses; never reads a header.

use super::address::AddressSet;
use super::organisation::Organisation;
use crate::message::Address;
use crate::people::{People, Role};

/// A sender or recipient: every key that was given must hold, and of a key's values any.
#[derive(Debug, Clone, Default)]
pub(super) struct Party {
    pub(super) addresses: Option<AddressSet>,
    pub(super) domains: Option<AddressSet>,
    pub(super) groups: Option<Vec<String>>,
    /// Indices of schools.
    pub(super) schools: Option<Vec<usize>>,
    /// What they are on the roll.
    pub(super) roles: Option<Vec<Role>>,
}

impl Party {
    /// Whether the answer is the same for all addresses of a domain.
    pub(super) fn is_domain_only(&self, organisation: &Organisation) -> bool {
        let groups = self.groups.iter().flatten().filter_map(|group| organisation.group(group));
        let schools = self.schools.iter().flatten().filter_map(|index| organisation.schools.get(*index));
        let of_the_domain = self
            .addresses
            .iter()
            .chain(&self.domains)
            .chain(groups)
            .chain(schools.map(super::School::members))
            .all(AddressSet::is_domain_only);
        of_the_domain && self.roles.is_none()
    }

    /// Whether an address is meant; `None` is the null sender.
    pub(super) fn is(&self, address: Option<&Address>, organisation: &Organisation, people: &People) -> bool {
        self.addresses.as_ref().is_none_or(|set| set.contains(address))
            && self.domains.as_ref().is_none_or(|set| set.contains(address))
            && self.groups.as_ref().is_none_or(|groups| {
                groups
                    .iter()
                    .filter_map(|group| organisation.group(group))
                    .any(|group| group.contains(address))
            })
            && self.schools.as_ref().is_none_or(|schools| {
                schools
                    .iter()
                    .filter_map(|index| organisation.schools.get(*index))
                    .any(|school| address.is_some_and(|address| school.is_member(address)))
            })
            && self.roles.as_ref().is_none_or(|roles| {
                let found = address.map(|address| people.roll().by_address(address.folded()));
                found.into_iter().flatten().any(|person| roles.contains(&person.role))
            })
    }
}
