//! The organisation: its domains, schools, groups and calendar. Data that conditions read; it decides nothing.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Deserialize;

use super::address::AddressSet;
use super::answers::{self, Answers, RawAnswers, RawApprover};
use super::calendar::{Calendar, RawCalendar};
use super::compile::ORGANISATION;
use super::fault::{Fault, Source, source};
use super::guidance::Language;
use super::located::Located;
use super::monitoring::{MonitoringNotice, RawMonitoringNotice};
use super::notices::{Around, Notices, RawNotices, RawReviewer};
use super::out_of_hours::{Contacts, OutOfHours, RawContacts, RawOutOfHours};
use super::upkeep::{Described, Upkeep};
use super::{Direction, Sources, read};
use crate::detect::recipients::KnownDomains;
use crate::message::{Address, Envelope, Origin};
use crate::slips::choose;
use crate::verdict::Mode;

/// A school or a trust of schools, as `organisation.toml` describes it.
#[derive(Debug, Clone)]
pub struct Organisation {
    /// Its name.
    pub name: String,
    /// The clock by which its hours, terms and dates are meant.
    pub time_zone: TimeZone,
    /// When it works; schools may have calendars of their own.
    pub calendar: Calendar,
    /// Its schools, in their order.
    pub schools: Vec<School>,
    /// How it answers senders.
    pub answers: Answers,
    /// How it answers pupils when nobody is there.
    pub out_of_hours: Option<OutOfHours>,
    /// Who is told that mail is monitored.
    pub monitoring_notice: Option<MonitoringNotice>,
    /// Whom those may turn to who have no school, or whose school has nobody of its own.
    contacts: Contacts,
    /// Who is told of what rules found.
    pub notices: Notices,
    domains: AddressSet,
    first_domain: String,
    groups: BTreeMap<String, AddressSet>,
    known: KnownDomains,
    pub(super) upkeep: Upkeep,
}

/// A school of the organisation.
#[derive(Debug, Clone)]
pub struct School {
    /// Its id, unique in the organisation.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its own calendar, in place of the organisation's.
    pub calendar: Option<Calendar>,
    /// The language of answers to its people, in place of the organisation's.
    pub language: Option<Language>,
    /// Whom its pupils may turn to when nobody is there, in place of the organisation's.
    contacts: Contacts,
    members: AddressSet,
    first_domain: Option<String>,
    pub(super) overrides: BTreeMap<String, Located<OverrideMode>>,
}

/// What a school makes of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum OverrideMode {
    /// The rule does not run.
    Off,
    /// A match is recorded.
    Observe,
    /// A match is noted for reviewers.
    Notify,
    /// The rule's action is carried out.
    Enforce,
}

impl OverrideMode {
    pub(super) const fn mode(self) -> Option<Mode> {
        match self {
            Self::Off => None,
            Self::Observe => Some(Mode::Observe),
            Self::Notify => Some(Mode::Notify),
            Self::Enforce => Some(Mode::Enforce),
        }
    }
}

impl Organisation {
    /// Whether an address is one of ours, by its domain.
    pub fn is_ours(&self, address: &Address) -> bool {
        self.domains.contains_domain(address.domain())
    }

    /// Whether the sender is one of ours: by its domain, by the login that the client proved, or, with the null
    /// sender, because the message began on the mail server itself.
    pub fn sender_is_ours(&self, envelope: &Envelope) -> bool {
        envelope.authenticated.is_some()
            || match &envelope.sender {
                Some(sender) => self.is_ours(sender),
                None => envelope.origin == Origin::Local,
            }
    }

    /// Where one recipient stands to the sender. Whatever goes to an address outside is outbound, also when it
    /// only passes through (forwarding).
    pub fn direction(&self, sender_is_ours: bool, recipient: &Address) -> Direction {
        match (self.is_ours(recipient), sender_is_ours) {
            (false, _) => Direction::Outbound,
            (true, true) => Direction::Internal,
            (true, false) => Direction::Inbound,
        }
    }

    /// The school of an address: the first of which it is a member.
    pub fn school_of(&self, address: &Address) -> Option<&School> {
        self.school_index(address).and_then(|index| self.schools.get(index))
    }

    /// The school with that id.
    pub fn school(&self, id: &str) -> Option<&School> {
        self.schools.iter().find(|school| school.id == id)
    }

    /// A group of addresses.
    pub fn group(&self, name: &str) -> Option<&AddressSet> {
        self.groups.get(name)
    }

    /// The known domain for which that one may be mistaken: known are the organisation's own and those of its groups.
    pub fn mistaken_for(&self, domain: &str) -> Option<&str> {
        let in_a_group = || self.groups.values().any(|group| group.contains_domain(domain));
        self.known.mistaken_for(domain).filter(|_| !self.domains.contains_domain(domain) && !in_a_group())
    }

    /// The names of the groups.
    pub fn group_names(&self) -> impl Iterator<Item = &str> {
        self.groups.keys().map(String::as_str)
    }

    /// The language of an answer to that sender.
    pub fn language_of(&self, sender: Option<&Address>) -> Language {
        let school = sender.and_then(|sender| self.school_of(sender));
        self.answers.language(sender, school.and_then(|school| school.language.as_ref()))
    }

    /// Whom somebody of that address may turn to when nobody is there: the school's lines, else the organisation's.
    pub fn emergency_of(&self, address: Option<&Address>) -> &[String] {
        let own =
            address.and_then(|address| self.school_of(address)).map(|school| &school.contacts.emergency);
        own.filter(|lines| !lines.is_empty()).unwrap_or(&self.contacts.emergency)
    }

    /// Where a reply goes to what somebody of that address is told when nobody is there: likewise.
    pub fn help_reply_to(&self, address: Option<&Address>) -> Option<&Address> {
        let own = address.and_then(|address| self.school_of(address));
        own.and_then(|school| school.contacts.reply_to.as_ref()).or(self.contacts.reply_to.as_ref())
    }

    /// The calendar of a school: its own, or the organisation's.
    pub(super) fn calendar_of(&self, school: Option<usize>) -> &Calendar {
        school
            .and_then(|index| self.schools.get(index))
            .and_then(|school| school.calendar.as_ref())
            .unwrap_or(&self.calendar)
    }

    pub(super) fn school_index(&self, address: &Address) -> Option<usize> {
        self.schools.iter().position(|school| school.members.contains(Some(address)))
    }

    pub(super) fn first_domain_of(&self, school: Option<&str>) -> &str {
        school
            .and_then(|id| self.school(id))
            .and_then(|school| school.first_domain.as_deref())
            .unwrap_or(&self.first_domain)
    }
}

impl School {
    pub(super) fn is_member(&self, address: &Address) -> bool {
        self.members.contains(Some(address))
    }

    pub(super) fn members(&self) -> &AddressSet {
        &self.members
    }
}

impl Sources {
    /// The ids of the schools in `organisation.toml`; `None` where it cannot be read.
    pub fn schools(&self) -> Option<Vec<String>> {
        let text = self.files.get(ORGANISATION)?;
        let raw: RawOrganisation = read::file(&source(ORGANISATION, text), &mut Vec::new())?;
        Some(raw.school.into_iter().map(|school| school.value.id.value).collect())
    }
}

/// `organisation.toml` as it is written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawOrganisation {
    /// The organisation's name.
    name: Located<String>,
    /// Its time zone; `Europe/London` where left out.
    time_zone: Option<Located<String>>,
    /// Its mail domains; those of the schools are added by themselves. `*.example.org` is any domain below.
    #[serde(default)]
    domains: Vec<Located<String>>,
    /// Its calendar.
    calendar: Option<Located<RawCalendar>>,
    /// Its schools.
    #[serde(default)]
    school: Vec<Located<RawSchool>>,
    /// Groups that rules name: addresses, domains and globs of either.
    #[serde(default)]
    groups: BTreeMap<String, Vec<Located<String>>>,
    /// How senders are answered.
    #[serde(default)]
    answers: RawAnswers,
    /// Who decides on requests of senders; of several that fit, the first.
    #[serde(default)]
    approver: Vec<Located<RawApprover>>,
    /// How pupils are answered when nobody is there.
    out_of_hours: Option<RawOutOfHours>,
    /// When reviewers are told.
    #[serde(default)]
    notices: RawNotices,
    /// Who is told of what rules found.
    #[serde(default)]
    reviewer: Vec<Located<RawReviewer>>,
    /// Who is told that mail is monitored.
    monitoring_notice: Option<RawMonitoringNotice>,
}

/// A school.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawSchool {
    /// Its id: lower-case letters, digits and hyphens.
    id: Located<String>,
    /// Its name.
    name: String,
    /// The domains whose addresses belong to it.
    #[serde(default)]
    domains: Vec<Located<String>>,
    /// Further addresses that belong to it, with `*` and `?`.
    #[serde(default)]
    addresses: Vec<Located<String>>,
    /// Its own calendar, in place of the organisation's.
    calendar: Option<Located<RawCalendar>>,
    /// The language of answers to its people, such as `cy`, in place of the organisation's.
    language: Option<Located<String>>,
    /// Whom its pupils may turn to when nobody is there, in place of the organisation's.
    out_of_hours: Option<RawContacts>,
    /// Rules that run differently there, by their ids.
    #[serde(default)]
    overrides: BTreeMap<String, Located<RawOverride>>,
}

/// How a rule runs at a school.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawOverride {
    /// The mode there, or `off`.
    mode: OverrideMode,
}

impl RawOrganisation {
    /// This organisation with what is made up for examples: domains, members of groups and schools beside its own, and a
    /// calendar in place of its own.
    pub(super) fn with_examples(mut self, made_up: Self) -> Self {
        add(&mut self.domains, made_up.domains);
        for school in made_up.school {
            match self.school.iter_mut().find(|known| known.value.id.value == school.value.id.value) {
                Some(known) => {
                    add(&mut known.value.domains, school.value.domains);
                    add(&mut known.value.addresses, school.value.addresses);
                }
                None => self.school.push(school),
            }
        }
        for (name, members) in made_up.groups {
            add(self.groups.entry(name).or_default(), members);
        }
        self.calendar = made_up.calendar.or(self.calendar);
        self
    }

    pub(super) fn compile(self, source: &Source, faults: &mut Vec<Fault>) -> Organisation {
        let time_zone = time_zone(self.time_zone.as_ref(), source, faults);
        let calendar =
            self.calendar.as_ref().map(|raw| raw.value.compile(source, faults)).unwrap_or_default();
        let all_domains: Vec<&Located<String>> =
            self.domains.iter().chain(self.school.iter().flat_map(|school| &school.value.domains)).collect();
        for domain in &all_domains {
            if domain.value.contains('@') {
                let message = format!("\"{}\" is an address, not a domain", domain.value);
                faults
                    .push(Fault::new(source, domain.span.clone(), message).help("write what follows the @"));
            }
        }
        if all_domains.is_empty() {
            let fault = Fault::new(source, self.name.span.clone(), "the organisation has no mail domain");
            faults.push(fault.help("add `domains = [\"school.example\"]`; without it, no mail is one's own"));
        }
        let first_domain = all_domains
            .iter()
            .map(|domain| domain.value.to_lowercase())
            .find(|domain| !domain.contains(['*', '?', '@']))
            .unwrap_or_else(|| "school.invalid".to_owned());
        let domains = address_set(&all_domains, source, faults);
        let schools_calendars = self.school.iter().filter_map(|school| {
            Some((Some(school.value.name.as_str()), &school.value.calendar.as_ref()?.value))
        });
        let calendars = self.calendar.iter().map(|calendar| (None, &calendar.value)).chain(schools_calendars);
        let described =
            Described { name: &self.name, domains: &all_domains, ours: &domains, groups: &self.groups };
        let upkeep = Upkeep::new(source, &described, calendars);
        let mut groups = BTreeMap::new();
        for (name, entries) in &self.groups {
            groups.insert(name.clone(), address_set(&entries.iter().collect::<Vec<_>>(), source, faults));
        }
        let schools = schools(self.school, &domains, source, faults);
        let known = domains.plain_domains().chain(groups.values().flat_map(AddressSet::plain_domains));
        let known = KnownDomains::new(known.map(str::to_owned));
        let ids: Vec<&str> = schools.iter().map(|school| school.id.as_str()).collect();
        let answers = self.answers.compile(self.approver, (&ids, &groups, &domains), source, faults);
        let out_of_hours = self.out_of_hours.map(|raw| raw.compile(&groups, source, faults));
        let (out_of_hours, contacts) = out_of_hours.unzip();
        let around = Around { schools: &ids, groups: &groups, source };
        let notices = self.notices.compile(self.reviewer, &around, faults);
        let monitoring_notice = self.monitoring_notice.map(|raw| raw.compile(source, faults));
        Organisation {
            name: self.name.value,
            time_zone,
            calendar,
            schools,
            answers,
            out_of_hours,
            monitoring_notice,
            contacts: contacts.unwrap_or_default(),
            notices,
            domains,
            first_domain,
            groups,
            known,
            upkeep,
        }
    }
}

/// Adds entries that are not there yet.
fn add(entries: &mut Vec<Located<String>>, more: Vec<Located<String>>) {
    for entry in more {
        if !entries.iter().any(|known| known.value.eq_ignore_ascii_case(&entry.value)) {
            entries.push(entry);
        }
    }
}

fn schools(
    raw: Vec<Located<RawSchool>>,
    ours: &AddressSet,
    source: &Source,
    faults: &mut Vec<Fault>,
) -> Vec<School> {
    let mut schools: Vec<School> = Vec::new();
    let mut owners: BTreeMap<String, String> = BTreeMap::new();
    for Located { span, value } in raw {
        let id = value.id.value.clone();
        if !is_id(&id) {
            faults.push(bad_id(source, &value.id, "school"));
        }
        if schools.iter().any(|school| school.id == id) {
            let fault = Fault::new(source, value.id.span.clone(), format!("there are two schools \"{id}\""));
            faults.push(fault.help("give one of them another id"));
        }
        let entries: Vec<&Located<String>> = value.domains.iter().chain(&value.addresses).collect();
        if entries.is_empty() {
            let fault = Fault::new(source, span, format!("school \"{id}\" has no domain and no address"));
            faults.push(fault.help("add `domains` or `addresses`; without either, no mail belongs to it"));
        }
        for entry in &entries {
            let folded = entry.value.to_lowercase();
            if let Some(owner) = owners.insert(folded.clone(), id.clone()) {
                let message = format!("\"{folded}\" belongs to school \"{owner}\" already");
                let fault = Fault::new(source, entry.span.clone(), message);
                faults.push(fault.help("leave it to one of the two"));
            }
            let domain = folded.rsplit_once('@').map_or(folded.as_str(), |(_, domain)| domain);
            if !domain.contains(['*', '?']) && !ours.contains_domain(domain) {
                let message = format!("\"{domain}\" is no domain of the organisation");
                faults.push(Fault::new(source, entry.span.clone(), message).help("add it to `domains`"));
            }
        }
        schools.push(School {
            id,
            name: value.name,
            calendar: value.calendar.map(|raw| raw.value.compile(source, faults)),
            language: value.language.as_ref().and_then(|raw| answers::language(raw, source, faults)),
            contacts: value.out_of_hours.map(|raw| raw.compile(source, faults)).unwrap_or_default(),
            members: address_set(&entries, source, faults),
            first_domain: value.domains.first().map(|domain| domain.value.to_lowercase()),
            overrides: value
                .overrides
                .into_iter()
                .map(|(rule, raw)| (rule, Located { span: raw.span, value: raw.value.mode }))
                .collect(),
        });
    }
    schools
}

fn time_zone(raw: Option<&Located<String>>, source: &Source, faults: &mut Vec<Fault>) -> TimeZone {
    let name = raw.map_or("Europe/London", |raw| raw.value.as_str());
    TimeZone::get(name).unwrap_or_else(|_| {
        let span = raw.map_or(0..0, |raw| raw.span.clone());
        let fault = Fault::new(source, span, format!("unknown time zone \"{name}\""));
        faults.push(fault.help("write a name of the time-zone database, such as \"Europe/London\""));
        TimeZone::UTC
    })
}

/// Compiles entries; those that cannot be meant become faults and are left out.
pub(super) fn address_set(
    entries: &[&Located<String>],
    source: &Source,
    faults: &mut Vec<Fault>,
) -> AddressSet {
    let mut good = Vec::new();
    for entry in entries {
        match AddressSet::new([entry.value.as_str()]) {
            Ok(_) => good.push(entry.value.as_str()),
            Err(error) => {
                let fault = Fault::new(source, entry.span.clone(), error.to_string());
                faults.push(fault.help("write an address, a domain, or either with * and ?"));
            }
        }
    }
    AddressSet::new(good).unwrap_or_default()
}

/// Whether a text may be an id.
pub(super) fn is_id(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= 64
        && text.bytes().all(|byte| letter(byte) || byte == b'-')
        && text.bytes().next().is_some_and(letter)
        && text.bytes().last().is_some_and(letter)
}

pub(super) fn bad_id(source: &Source, id: &Located<String>, what: &str) -> Fault {
    Fault::new(source, id.span.clone(), format!("\"{}\" cannot be the id of a {what}", id.value))
        .help("use up to 64 lower-case letters, digits and hyphens, such as \"pupil-named\"")
}

/// A fault for a name that nothing bears.
pub(super) fn unknown(
    source: &Source,
    name: &Located<String>,
    what: &str,
    known: &[&str],
    otherwise: &str,
) -> Fault {
    let help = if known.is_empty() {
        format!("there is none yet; {otherwise}")
    } else {
        choose(&name.value, known, "there are")
    };
    Fault::unknown_name(source, name.span.clone(), what, &name.value).help(help)
}
