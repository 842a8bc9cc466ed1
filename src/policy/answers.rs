//! How an organisation answers senders: in which language, what it says of its records, who approves. Writes no answer.

use std::collections::BTreeMap;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Deserialize;

use super::address::AddressSet;
use super::fault::{Fault, Source};
use super::guidance::Language;
use super::located::Located;
use super::network::Network;
use super::organisation::unknown;
use crate::message::{Address, Client, Envelope, Origin};

/// How an organisation answers senders.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    /// How long the record and kept messages are kept, as people are told.
    pub kept_for: Option<String>,
    /// Who can see them, as people are told.
    pub seen_by: Option<String>,
    language: Language,
    languages: Vec<(Language, AddressSet)>,
    networks: Vec<Network>,
    approvers: Vec<Approvers>,
}

/// Who decides on requests of senders.
#[derive(Debug, Clone)]
struct Approvers {
    addresses: Vec<Address>,
    /// The ids of the schools for which they decide; empty means all.
    schools: Vec<String>,
    /// The categories on which they decide; empty means all.
    categories: Vec<String>,
}

impl Answers {
    /// The language for a sender: of their group, else of their school, else the organisation's.
    pub fn language(&self, sender: Option<&Address>, school: Option<&Language>) -> Language {
        let by_group = self.languages.iter().find(|(_, group)| group.contains(sender));
        by_group.map(|(language, _)| language).or(school).unwrap_or(&self.language).clone()
    }

    /// Who decides on a request about a rule of that category, from a sender of that school; nobody where no one is named.
    pub fn approvers(&self, school: Option<&str>, category: &str) -> &[Address] {
        let fits = |approvers: &&Approvers| {
            let schools = &approvers.schools;
            let categories = &approvers.categories;
            (schools.is_empty() || school.is_some_and(|school| schools.iter().any(|known| known == school)))
                && (categories.is_empty() || categories.iter().any(|known| known == category))
        };
        self.approvers.iter().find(fits).map_or(&[], |approvers| &approvers.addresses)
    }

    /// How the client proved who the sender is.
    pub fn proof(&self, envelope: &Envelope) -> Proof {
        let address = envelope.client.as_ref().and_then(|Client { address, .. }| *address);
        let within = |address: IpAddr| self.networks.iter().any(|network| network.contains(address));
        match address {
            _ if envelope.authenticated.is_some() => Proof::Login,
            Some(address) if within(address) => Proof::Relay,
            _ if envelope.origin == Origin::Local => Proof::Machine,
            Some(address) if address.to_canonical().is_loopback() => Proof::Machine,
            _ => Proof::None,
        }
    }
}

/// How it is known that a message comes from whom its envelope says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The client proved a login.
    Login,
    /// It comes from one of the organisation's own mail servers, which sees to that.
    Relay,
    /// It comes from the mail server's own machine: its programs may write in anybody's name.
    Machine,
    /// It is not.
    None,
}

/// `[answers]` in `organisation.toml`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct RawAnswers {
    /// How long the record and kept messages are kept, for people to read: `six months`.
    kept_for: Option<Located<String>>,
    /// Who can see them, for people to read: `the head teacher and the data protection lead`.
    seen_by: Option<Located<String>>,
    /// The language of answers, such as `cy`; `en` where left out.
    language: Option<Located<String>>,
    /// Groups whose members get another language: `cy = ["welsh-speakers"]`.
    languages: BTreeMap<String, Vec<Located<String>>>,
    /// Addresses and networks of the organisation's own mail servers, which let nobody send in another's name: `10.1.2.0/24`.
    networks: Vec<Located<String>>,
}

/// `[[approver]]` in `organisation.toml`: who decides on requests of senders.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawApprover {
    /// Their addresses; the first of them who answers decides.
    addresses: Vec<Located<String>>,
    /// The schools whose requests they decide; all where left out.
    #[serde(default)]
    school: Vec<Located<String>>,
    /// The categories of rules on which they decide; all where left out.
    #[serde(default)]
    category: Vec<Located<String>>,
}

impl RawAnswers {
    pub(super) fn compile(
        self,
        approvers: Vec<Located<RawApprover>>,
        (schools, groups, domains): (&[&str], &BTreeMap<String, AddressSet>, &AddressSet),
        source: &Source,
        faults: &mut Vec<Fault>,
    ) -> Answers {
        let language =
            self.language.as_ref().and_then(|raw| language(raw, source, faults)).unwrap_or_default();
        let mut languages = Vec::new();
        for (tag, names) in &self.languages {
            let span = names.first().map_or(0..0, |name| name.span.clone());
            let Some(language) = self::language(&Located { span, value: tag.clone() }, source, faults) else {
                continue;
            };
            for name in names {
                match groups.get(&name.value) {
                    Some(group) => languages.push((language.clone(), group.clone())),
                    None => {
                        let known: Vec<&str> = groups.keys().map(String::as_str).collect();
                        faults.push(unknown(source, name, "group", &known, "add it to [groups]"));
                    }
                }
            }
        }
        let networks = self.networks.iter().filter_map(|raw| {
            let network = Network::parse(&raw.value);
            if network.is_none() {
                let message = format!("\"{}\" is no address or network", raw.value);
                let fault = Fault::new(source, raw.span.clone(), message);
                faults.push(fault.help("write it as \"192.0.2.7\", \"10.1.2.0/24\" or \"fd00:1::/32\""));
            }
            network
        });
        let networks = networks.collect();
        Answers {
            kept_for: text(self.kept_for, source, faults),
            seen_by: text(self.seen_by, source, faults),
            language,
            languages,
            networks,
            approvers: approvers
                .into_iter()
                .map(|raw| raw.value.compile(schools, domains, source, faults))
                .collect(),
        }
    }
}

impl RawApprover {
    fn compile(
        self,
        schools: &[&str],
        domains: &AddressSet,
        source: &Source,
        faults: &mut Vec<Fault>,
    ) -> Approvers {
        let mut addresses = Vec::new();
        for raw in &self.addresses {
            let Some(address) = address(raw, source, faults) else { continue };
            // A reply counts from a signed-in account alone, which nobody outside has.
            if domains.contains_domain(address.domain()) {
                addresses.push(address);
                continue;
            }
            let message = format!("the approver \"{}\" is at no domain of the organisation", raw.value);
            let help = "name somebody who signs in to your mail server: only their reply decides";
            faults.push(Fault::new(source, raw.span.clone(), message).help(help));
        }
        for school in self.school.iter().filter(|school| !schools.contains(&school.value.as_str())) {
            faults.push(unknown(source, school, "school", schools, "add a [[school]]"));
        }
        Approvers {
            addresses,
            schools: self.school.into_iter().map(|school| school.value).collect(),
            categories: self.category.into_iter().map(|category| category.value).collect(),
        }
    }
}

/// One address that mail can go to.
pub(super) fn address(raw: &Located<String>, source: &Source, faults: &mut Vec<Fault>) -> Option<Address> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>,;\"*?".contains(c);
    let parsed = Address::parse(raw.value.as_bytes()).filter(|_| !raw.value.contains(odd));
    let whole = parsed.filter(|one| !one.domain().is_empty() && !one.local().is_empty());
    if whole.is_none() {
        let fault = Fault::new(source, raw.span.clone(), format!("\"{}\" is no address", raw.value));
        faults.push(fault.help("write one address, such as \"head@oakfield.example\""));
    }
    whole
}

/// Addresses that mail can go to, those that are.
pub(super) fn addresses(
    written: &[Located<String>],
    source: &Source,
    faults: &mut Vec<Fault>,
) -> Vec<Located<Address>> {
    let one = |raw: &Located<String>| {
        Some(Located { span: raw.span.clone(), value: address(raw, source, faults)? })
    };
    written.iter().filter_map(one).collect()
}

/// A language by its tag.
pub(super) fn language(raw: &Located<String>, source: &Source, faults: &mut Vec<Fault>) -> Option<Language> {
    let language = Language::new(&raw.value);
    if language.is_none() {
        let message = format!("\"{}\" is no language", raw.value);
        let fault = Fault::new(source, raw.span.clone(), message);
        faults.push(
            fault.help("write its two or three letters, such as \"cy\" for Welsh or \"en\" for English"),
        );
    }
    language
}

/// A text on one line.
pub(super) fn text(raw: Option<Located<String>>, source: &Source, faults: &mut Vec<Fault>) -> Option<String> {
    let raw = raw?;
    if raw.value.trim().is_empty() || raw.value.chars().any(char::is_control) {
        let fault = Fault::new(source, raw.span, "the text is empty or has control characters");
        faults.push(fault.help("write it on one line, or leave it out"));
        return None;
    }
    Some(raw.value)
}
