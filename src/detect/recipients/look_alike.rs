//! Domains that look like one that is known and are another. Compares letters; never asks the network.

use std::collections::BTreeSet;

/// How long what is compared must be: short names are a letter from many others.
const SHORTEST: usize = 5;

/// How many bytes the names may differ in: a letter of several bytes, two pairs that look like one letter, two hyphens.
const MOST_APART: usize = 3;

/// What stands behind the name that somebody registered, the longer ones first. Of two domains that differ here alone, one is
/// easily taken for the other.
const ENDINGS: [&str; 16] = [
    ".org.uk",
    ".sch.uk",
    ".co.uk",
    ".ac.uk",
    ".gov.uk",
    ".nhs.uk",
    ".me.uk",
    ".education",
    ".school",
    ".academy",
    ".com",
    ".org",
    ".net",
    ".uk",
    ".co",
    ".wales",
];

/// The domains with which an organisation has to do.
#[derive(Debug, Clone, Default)]
pub struct KnownDomains(BTreeSet<String>);

impl KnownDomains {
    /// Domains in lower case, without globs.
    pub fn new(domains: impl IntoIterator<Item = String>) -> Self {
        Self(domains.into_iter().collect())
    }

    /// The known domain for which that one, in lower case, may be mistaken. None for a known one, and for one below it.
    pub fn mistaken_for(&self, domain: &str) -> Option<&str> {
        let is_or_is_below = |known: &&String| {
            domain.strip_suffix(known.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        if domain.is_empty() || self.0.iter().any(|known| is_or_is_below(&known)) {
            return None;
        }
        self.0.iter().find(|known| alike(domain, known)).map(String::as_str)
    }
}

fn alike(one: &str, other: &str) -> bool {
    let (one_name, one_ending) = split(one);
    let (other_name, other_ending) = split(other);
    // Most are told apart by their length, before any letter is looked at.
    if one_name.len().abs_diff(other_name.len()) > MOST_APART {
        return false;
    }
    let shorter = one_name.chars().count().min(other_name.chars().count());
    if shorter < SHORTEST {
        return false;
    }
    match one_name == other_name {
        true => one_ending != other_ending,
        false => {
            one_ending == other_ending
                && (one_slip(one_name, other_name) || seen(one_name) == seen(other_name))
        }
    }
}

/// The name and what stands behind it.
fn split(domain: &str) -> (&str, &str) {
    let ending = ENDINGS.iter().find(|ending| domain.ends_with(**ending));
    let at = ending
        .map(|ending| domain.len() - ending.len())
        .or_else(|| domain.rfind('.'))
        .unwrap_or(domain.len());
    domain.split_at_checked(at).unwrap_or((domain, ""))
}

/// Whether one letter put in, left out, changed or swapped with its neighbour makes the one of the other.
fn one_slip(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let same = |(a, b): &(&char, &char)| a == b;
    let before = one.iter().zip(&other).take_while(same).count();
    let rest = one.len().min(other.len()) - before;
    let after = one.iter().rev().zip(other.iter().rev()).take(rest).take_while(same).count();
    let middle = |all: &[char]| all.get(before..all.len() - after).unwrap_or_default().to_vec();
    match (middle(&one).as_slice(), middle(&other).as_slice()) {
        ([_], [] | [_]) | ([], [_]) => true,
        ([a, b], [c, d]) => a == d && b == c,
        _ => false,
    }
}

/// How a name looks: letters and digits that are taken for one another are the same.
fn seen(name: &str) -> String {
    let letters: String = name
        .chars()
        .map(|letter| match letter {
            '0' => 'o',
            '1' | 'i' | '|' => 'l',
            '5' => 's',
            '3' => 'e',
            _ => letter,
        })
        .collect();
    letters.replace("rn", "m").replace("vv", "w").replace("cl", "d").replace('-', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_a_look_and_an_ending_are_seen_and_known_domains_are_none() {
        let domains = [
            "oakfield.example",
            "mail-house.com",
            "hillside-test.sch.uk",
            "bt.example",
            "unions.example",
            "onions.example",
        ];
        let known = KnownDomains::new(domains.map(str::to_owned));
        for (domain, wanted) in [
            ("oakfeild.example", "oakfield.example"),
            ("oakfild.example", "oakfield.example"),
            ("oakffield.example", "oakfield.example"),
            ("oakfiexd.example", "oakfield.example"),
            ("0akfield.example", "oakfield.example"),
            ("oakfie1d.example", "oakfield.example"),
            ("rnail-house.com", "mail-house.com"),
            ("mailhouse.com", "mail-house.com"),
            ("mail-house.co.uk", "mail-house.com"),
            ("mail-house.co", "mail-house.com"),
            ("hillside-test.org.uk", "hillside-test.sch.uk"),
            ("hillside-test.co.uk", "hillside-test.sch.uk"),
            ("oakfield.example", ""),
            ("pupils.oakfield.example", ""),
            ("ashfield.example", ""),
            ("oakfeidl.example", ""),
            ("bp.example", ""),
            ("onions.example", ""),
            ("mail.example", ""),
            ("", ""),
        ] {
            assert_eq!(known.mistaken_for(domain).unwrap_or_default(), wanted, "{domain}");
        }
    }
}
