//! Who is told of what was found in a message: by category, grade, school and sender, and never whom it concerns. Pure.

use std::collections::{BTreeMap, HashSet};

use jiff::{Timestamp, Zoned};

use super::notices::Reviewer;
use super::notices_check::must_be_seen;
use super::rule::Rule;
use super::rule::SAFEGUARDING;
use super::{Direction, Policy, School};
use crate::message::{Address, Envelope, Mailbox};
use crate::people::{People, Roll};
use crate::verdict::{Mode, RuleMatch, Urgency, Verdict};

/// A message of which reviewers may be told.
#[derive(Clone, Copy)]
pub struct Noticed<'a> {
    /// Who sends it to whom.
    pub envelope: &'a Envelope,
    /// Whom its header names as its authors: From and Sender.
    pub authors: &'a [Mailbox],
    /// What was found.
    pub verdict: &'a Verdict,
    /// The roll.
    pub people: &'a People,
    /// When.
    pub now: &'a Zoned,
}

/// What the reviewers of one school are to see of a message.
#[derive(Debug)]
pub struct Notice<'p> {
    /// The school.
    pub school: Option<&'p School>,
    /// The rules, in the policy's order, with their modes.
    pub rules: Vec<(&'p Rule, Mode)>,
    /// For whom they matched, with where they stand to the sender; indices into the envelope's recipients.
    pub recipients: BTreeMap<usize, Direction>,
    /// Who is told.
    pub told: Vec<Notified<'p>>,
    /// Reviewers' addresses that are left out, since the message concerns them.
    pub left_out: Vec<&'p Address>,
}

/// A reviewer who is told.
#[derive(Debug)]
pub struct Notified<'p> {
    /// Who.
    pub reviewer: &'p Reviewer,
    /// Those of their addresses whom the message does not concern.
    pub addresses: Vec<&'p Address>,
    /// How soon.
    pub urgency: Urgency,
    /// When: now, or at the next digest.
    pub due_at: Timestamp,
}

impl Policy {
    /// Whether some match may be one for reviewers: a question that costs nothing where no rule matched.
    pub fn may_notify(&self, verdict: &Verdict) -> bool {
        verdict.rules.iter().any(|found| found.mode != Mode::Observe)
    }

    /// What reviewers are to see of a message, school by school. Nothing where the matches are nobody's to see.
    pub fn notices(&self, noticed: &Noticed<'_>) -> Vec<Notice<'_>> {
        if self.organisation.notices.protects(noticed.envelope.sender.as_ref()) {
            return Vec::new();
        }
        let concerned = Concerned::of(noticed);
        let of_schools = self.by_school(noticed).into_iter();
        of_schools.filter_map(|(school, found)| self.notice(noticed, school, &found, &concerned)).collect()
    }

    /// The matches that count, by the school whose they are: the sender's, or of inbound mail each recipient's.
    fn by_school<'v>(
        &self,
        noticed: &Noticed<'v>,
    ) -> BTreeMap<Option<usize>, Vec<(&'v RuleMatch, Vec<usize>)>> {
        let organisation = &self.organisation;
        let from_us = organisation.sender_is_ours(noticed.envelope);
        let of_sender = noticed.envelope.sender.as_ref().filter(|_| from_us);
        let of_sender = of_sender.and_then(|sender| organisation.school_index(sender));
        let mut all: BTreeMap<Option<usize>, Vec<(&RuleMatch, Vec<usize>)>> = BTreeMap::new();
        for found in noticed.verdict.rules.iter().filter(|found| found.mode != Mode::Observe) {
            let mut here: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
            for index in &found.recipients {
                let Some(recipient) = noticed.envelope.recipients.get(*index) else { continue };
                if organisation.notices.protects(Some(recipient)) {
                    continue;
                }
                let school = match organisation.direction(from_us, recipient) {
                    Direction::Inbound => organisation.school_index(recipient),
                    Direction::Outbound | Direction::Internal => of_sender,
                };
                here.entry(school).or_default().push(*index);
            }
            for (school, recipients) in here {
                all.entry(school).or_default().push((found, recipients));
            }
        }
        all
    }

    fn notice(
        &self,
        noticed: &Noticed<'_>,
        school: Option<usize>,
        found: &[(&RuleMatch, Vec<usize>)],
        concerned: &Concerned<'_>,
    ) -> Option<Notice<'_>> {
        let organisation = &self.organisation;
        let index = school;
        let school = index.and_then(|index| organisation.schools.get(index));
        let from_us = organisation.sender_is_ours(noticed.envelope);
        let sender = noticed.envelope.sender.as_ref();
        let mut notice = Notice {
            school,
            rules: Vec::new(),
            recipients: BTreeMap::new(),
            told: Vec::new(),
            left_out: Vec::new(),
        };
        for (found, recipients) in found {
            let Some(rule) = self.rule(&found.rule) else { continue };
            let id = school.map(|school| school.id.as_str());
            let fits = |reviewer: &&Reviewer| reviewer.sees(rule, id) && reviewer.looks_at(sender);
            let fitting: Vec<&Reviewer> = organisation.notices.reviewers.iter().filter(fits).collect();
            if fitting.is_empty() && !must_be_seen(rule) {
                continue;
            }
            notice.rules.push((rule, found.mode));
            for index in recipients {
                let Some(recipient) = noticed.envelope.recipients.get(*index) else { continue };
                notice.recipients.insert(*index, organisation.direction(from_us, recipient));
            }
            notice.add(rule, &fitting, concerned);
        }
        if notice.rules.is_empty() {
            return None;
        }
        let digest = organisation.notices.next_digest(organisation.calendar_of(index), noticed.now);
        for told in &mut notice.told {
            told.due_at = if told.urgency == Urgency::AtOnce { noticed.now.timestamp() } else { digest };
        }
        Some(notice)
    }
}

impl<'p> Notice<'p> {
    /// Adds who is told of one rule's match: all reviewers who see it, those who only stand in apart; of these the first who
    /// has anybody left, and only where none of the others has.
    fn add(&mut self, rule: &Rule, fitting: &[&'p Reviewer], concerned: &Concerned<'_>) {
        let mut reached = false;
        for stands_in in [false, true] {
            for reviewer in fitting.iter().filter(|reviewer| reviewer.fallback == stands_in) {
                if reached && stands_in {
                    break;
                }
                reached |= self.add_reviewer(rule, reviewer, concerned);
            }
        }
    }

    /// Whether anybody of theirs is told.
    fn add_reviewer(&mut self, rule: &Rule, reviewer: &'p Reviewer, concerned: &Concerned<'_>) -> bool {
        let (left_out, addresses): (Vec<&Address>, Vec<&Address>) =
            reviewer.addresses.iter().partition(|address| concerned.are(address));
        for address in left_out {
            if !self.left_out.contains(&address) {
                self.left_out.push(address);
            }
        }
        if addresses.is_empty() {
            return false;
        }
        let urgency = reviewer.urgency(rule);
        match self.told.iter_mut().find(|told| std::ptr::eq(told.reviewer, reviewer)) {
            Some(told) => told.urgency = told.urgency.min(urgency),
            None => self.told.push(Notified { reviewer, addresses, urgency, due_at: Timestamp::UNIX_EPOCH }),
        }
        true
    }
}

impl Reviewer {
    /// Whether they look at what that rule finds at that school.
    pub(super) fn sees(&self, rule: &Rule, school: Option<&str>) -> bool {
        self.is_for(rule, school) && (self.severities.is_empty() || self.severities.contains(&rule.severity))
    }

    /// The same, whatever the rule's grade.
    pub(super) fn is_for(&self, rule: &Rule, school: Option<&str>) -> bool {
        let known = |school: &str| self.schools.iter().any(|known| known == school);
        (self.schools.is_empty() || school.is_some_and(known))
            && (self.categories.is_empty()
                || self.categories.iter().any(|known| known.value == rule.category))
    }

    /// Whether they look at mail from that sender.
    fn looks_at(&self, sender: Option<&Address>) -> bool {
        (self.from.is_empty() || self.from.iter().any(|group| group.contains(sender)))
            && !self.not_from.iter().any(|group| group.contains(sender))
    }

    fn urgency(&self, rule: &Rule) -> Urgency {
        match rule.category == SAFEGUARDING || self.at_once.contains(&rule.severity) {
            true => Urgency::AtOnce,
            false => Urgency::Digest,
        }
    }
}

/// Those whom a message concerns: who sent it, by envelope, header and login, and who gets it.
struct Concerned<'a> {
    addresses: HashSet<String>,
    /// Their numbers on the roll: somebody may have several addresses.
    people: HashSet<u32>,
    login: Option<String>,
    roll: &'a Roll,
}

impl<'a> Concerned<'a> {
    fn of(noticed: &Noticed<'a>) -> Self {
        let envelope = noticed.envelope;
        let login = envelope.authenticated.as_ref().map(|login| login.to_lowercase());
        let as_address = login.as_ref().filter(|login| login.contains('@'));
        let as_address = as_address.and_then(|login| Address::parse(login.as_bytes()));
        let authors = noticed.authors.iter().map(|author| &author.address);
        let all = envelope.sender.iter().chain(&envelope.recipients).chain(&as_address).chain(authors);
        let roll = noticed.people.roll();
        let mut concerned = Self { addresses: HashSet::new(), people: HashSet::new(), login, roll };
        for address in all {
            concerned.people.extend(numbers(roll, address));
            concerned.addresses.insert(untagged(address));
        }
        concerned
    }

    /// Whether an address is one of theirs.
    fn are(&self, address: &Address) -> bool {
        self.addresses.contains(&untagged(address))
            || self.login.as_deref().is_some_and(|login| login == address.local())
            || numbers(self.roll, address).any(|number| self.people.contains(&number))
    }
}

fn numbers<'r>(roll: &'r Roll, address: &Address) -> impl Iterator<Item = u32> + 'r {
    let tagged = roll.numbers_of_address(address.folded());
    tagged.iter().chain(roll.numbers_of_address(&untagged(address))).copied()
}

/// An address without what stands behind a `+` in its local part: mail to either reaches the same person (RFC 5233).
fn untagged(address: &Address) -> String {
    let local =
        address.local().split('+').next().filter(|local| !local.is_empty()).unwrap_or(address.local());
    format!("{local}@{}", address.domain())
}
