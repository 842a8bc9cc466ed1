//! Addresses, domains and their globs as a policy names them. Compares envelope addresses; never resolves anything.

use std::collections::HashSet;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::message::Address;

/// A set of addresses, whole domains, and globs of either.
#[derive(Debug, Clone, Default)]
pub struct AddressSet {
    addresses: HashSet<String>,
    domains: HashSet<String>,
    address_globs: GlobSet,
    domain_globs: GlobSet,
    null_sender: bool,
}

/// Why an entry is no address and no domain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Empty, or with a space in it.
    #[error("\"{0}\" is no address and no domain")]
    NotAnAddress(String),
    /// A glob with brackets or braces that don't fit together.
    #[error("\"{0}\" is no usable glob")]
    Glob(String),
}

impl AddressSet {
    /// Compiles entries: with an `@` inside an address, else a domain (also written `@domain`); `*` and `?` are
    /// globs, `<>` is the null sender.
    ///
    /// # Errors
    /// The first entry that cannot be meant.
    pub fn new<'e>(entries: impl IntoIterator<Item = &'e str>) -> Result<Self, EntryError> {
        let mut set = Self::default();
        let (mut address_globs, mut domain_globs) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        for entry in entries {
            if entry == "<>" {
                set.null_sender = true;
                continue;
            }
            let folded = entry.to_lowercase();
            let domain = folded.strip_prefix('@').unwrap_or(&folded);
            let is_domain = !domain.contains('@');
            if domain.is_empty() || folded.chars().any(|c| c.is_whitespace() || c.is_control() || c == ',') {
                return Err(EntryError::NotAnAddress(entry.to_owned()));
            }
            match (is_domain, domain.contains(['*', '?'])) {
                (true, false) => _ = set.domains.insert(domain.to_owned()),
                (false, false) => _ = set.addresses.insert(folded),
                (true, true) => _ = domain_globs.add(glob(domain)?),
                (false, true) => _ = address_globs.add(glob(&folded)?),
            }
        }
        let unusable = |error: globset::Error| EntryError::Glob(error.to_string());
        set.address_globs = address_globs.build().map_err(unusable)?;
        set.domain_globs = domain_globs.build().map_err(unusable)?;
        Ok(set)
    }

    /// Whether the address is in the set; `None` is the null sender.
    pub fn contains(&self, address: Option<&Address>) -> bool {
        let Some(address) = address else { return self.null_sender };
        self.addresses.contains(address.folded())
            || self.contains_domain(address.domain())
            || (!self.address_globs.is_empty() && self.address_globs.is_match(address.folded()))
    }

    /// The domains that are named without a glob, and those of addresses so named.
    pub(super) fn plain_domains(&self) -> impl Iterator<Item = &str> {
        let of_addresses = self.addresses.iter().filter_map(|address| Some(address.rsplit_once('@')?.1));
        self.domains.iter().map(String::as_str).chain(of_addresses)
    }

    /// Whether two addresses of one domain are always both in the set or both not.
    pub(super) fn is_domain_only(&self) -> bool {
        self.addresses.is_empty() && self.address_globs.is_empty()
    }

    /// Whether the whole domain, in lower case, is in the set.
    pub fn contains_domain(&self, domain: &str) -> bool {
        self.domains.contains(domain)
            || (!self.domain_globs.is_empty() && !domain.is_empty() && self.domain_globs.is_match(domain))
    }
}

/// A glob over names, in any case; `*` passes over dots and slashes.
pub(super) fn glob(pattern: &str) -> Result<globset::Glob, EntryError> {
    GlobBuilder::new(pattern)
        .case_insensitive(true)
        .literal_separator(false)
        .backslash_escape(true)
        .build()
        .map_err(|_| EntryError::Glob(pattern.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(entries: &[&str], address: &str) -> bool {
        AddressSet::new(entries.iter().copied())
            .unwrap()
            .contains(Address::parse(address.as_bytes()).as_ref())
    }

    #[test]
    fn entries_are_addresses_domains_and_globs() {
        assert!(holds(&["Head@Oakfield.example"], "<head@oakfield.EXAMPLE>"));
        assert!(!holds(&["head@oakfield.example"], "deputy@oakfield.example"));
        assert!(holds(&["oakfield.example"], "x@oakfield.example"));
        assert!(holds(&["@oakfield.example"], "x@oakfield.example"));
        assert!(!holds(&["oakfield.example"], "x@pupils.oakfield.example"));
        assert!(holds(&["*.oakfield.example"], "x@pupils.oakfield.example"));
        assert!(!holds(&["*.oakfield.example"], "x@oakfield.example"));
        assert!(holds(&["rep-*@oakfield.example"], "rep-unison@oakfield.example"));
        assert!(holds(&["<>"], "<>"));
        assert!(!holds(&["*@*"], "<>"));
    }

    #[test]
    fn what_cannot_be_an_address_is_refused() {
        for entry in ["", "@", "two words", "a@b, c@d", "bad[@x.example*"] {
            assert!(AddressSet::new([entry]).is_err(), "{entry}");
        }
    }
}
