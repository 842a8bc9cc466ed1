//! Who is named in one message, swept once, and whose names count for a rule. Keeps places and numbers of the roll, no words.

use std::collections::{BTreeSet, HashSet};

use super::condition::{NamesTest, Weight, Zones};
use super::recipients::Class;
use super::sweep::{Hit, Sweep};
use super::when_names::Whose;
use crate::detect::names::{self, NameForm, NameHit, TextKind, Wanted, Who};
use crate::extract::Text;
use crate::message::Address;
use crate::people::{Role, WordHash, name_words};
use crate::verdict::{Disguises, Zone};

/// The names in a message, and whose they are.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// Each with the index of its text.
    hits: Vec<(usize, NameHit)>,
    sender: Party,
    recipients: Party,
}

/// Who sends or gets the message: numbers of the roll, and the words of the names in the header.
#[derive(Debug, Default)]
struct Party {
    people: HashSet<u32>,
    words: HashSet<WordHash>,
}

/// A name that counts.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) hit: Hit,
    pub(super) form: NameForm,
    /// The role that somebody of that name has; none for a stranger.
    pub(super) role: Option<Role>,
}

impl Sweep<'_> {
    /// The names that count for a test, for recipients of a class.
    pub(super) fn names(&self, test: &NamesTest, class: &Class) -> Vec<Counted> {
        let named = self.named();
        let counted = named.hits.iter().filter_map(|(index, name)| {
            let text = self.texts().get(*index)?;
            let fits = test.zones.contains(text.zone)
                && test.forms.contains(&name.form)
                && self.counts(named, text, name, test, class);
            let role = self.role(name, test).filter(|_| fits)?;
            let what = match &name.who {
                Who::OnRoll(people) => people.first().copied().map_or(0, u64::from),
                Who::Stranger(hash) => *hash,
            };
            let weight = Weight::whole(1);
            let hit = Hit { owner: 0, text: *index, what, weight, span: name.span, by: Disguises::NONE };
            let near = test.near.is_none_or(|near| self.stands_near(&hit, text, near));
            near.then_some(Counted { hit, form: name.form, role })
        });
        counted.collect()
    }

    /// How many different pupils are named in full in some zones, but for those who send or get the message.
    pub(super) fn pupils_in_full(&self, zones: Zones) -> usize {
        let named = self.named();
        let is_pupil =
            |number: &&u32| self.roll().numbered(**number).is_some_and(|person| person.role == Role::Pupil);
        let others = |number: &&u32| {
            !named.sender.people.contains(number) && !named.recipients.people.contains(number)
        };
        let pupils: BTreeSet<u32> = named
            .hits
            .iter()
            .filter(|(index, name)| {
                let text = self.texts().get(*index);
                name.form == NameForm::Full && text.is_some_and(|text| zones.contains(text.zone))
            })
            .filter_map(|(_, name)| match &name.who {
                // Two people of one name are one name.
                Who::OnRoll(people) => people.iter().filter(is_pupil).find(others),
                Who::Stranger(_) => None,
            })
            .copied()
            .collect();
        pupils.len()
    }

    /// Whether a name's bearer is one of those who are asked about, and the role of that one.
    fn role(&self, name: &NameHit, test: &NamesTest) -> Option<Option<Role>> {
        match &name.who {
            Who::Stranger(_) => (!test.on_roll).then_some(None),
            Who::OnRoll(people) => {
                let roles = people.iter().filter_map(|number| Some(self.roll().numbered(*number)?.role));
                let wanted = |role: &Role| test.roles.as_ref().is_none_or(|roles| roles.contains(role));
                roles.filter(|_| test.on_roll).find(wanted).map(Some)
            }
        }
    }

    fn counts(&self, named: &Named, text: &Text, name: &NameHit, test: &NamesTest, class: &Class) -> bool {
        let is_of = |party: &Party| match &name.who {
            Who::OnRoll(people) => people.iter().any(|number| party.people.contains(number)),
            Who::Stranger(_) => {
                let own = text.text.get(name.span.start..name.span.end).unwrap_or_default();
                let words = name_words(own);
                words.iter().all(|word| party.words.contains(&WordHash::of(word)))
            }
        };
        let family =
            matches!(&name.who, Who::OnRoll(people) if people.iter().any(|one| class.family.contains(one)));
        let mut others = true;
        for (whose, holds) in [
            (Whose::Sender, is_of(&named.sender)),
            (Whose::Recipients, is_of(&named.recipients)),
            (Whose::Family, family),
            (Whose::Addressed, name.addressed),
        ] {
            if holds && test.of.contains(&whose) {
                return true;
            }
            others &= !holds;
        }
        others && test.of.contains(&Whose::Others)
    }

    /// All names, each with the index of its text, whoever's they are.
    pub(super) fn all_names(&self) -> &[(usize, NameHit)] {
        &self.named().hits
    }

    fn named(&self) -> &Named {
        self.named_once.get_or_init(|| {
            let plan = self.policy.names;
            let mut hits = Vec::new();
            if plan.wanted == Wanted::default() || (self.roll().is_empty() && !plan.wanted.strangers) {
                return Named::default();
            }
            self.each_text(plan.zones, |index, text, room, _| {
                let mut found = Vec::new();
                let room = room.saturating_sub(hits.len());
                let cut =
                    names::find(&text.text, kind(text.zone), self.roll(), plan.wanted, room, &mut found);
                hits.extend(found.into_iter().map(|hit| (index, hit)));
                cut
            });
            if hits.is_empty() {
                return Named::default();
            }
            let (sender, recipients) = (self.sender(), self.recipients());
            Named { hits, sender, recipients }
        })
    }

    fn sender(&self) -> Party {
        let mut party = Party::default();
        self.add_addresses(self.case.envelope.sender.iter(), &mut party);
        self.add_fields(&["from", "sender", "reply-to"], &mut party);
        party
    }

    fn recipients(&self) -> Party {
        let mut party = Party::default();
        self.add_addresses(self.case.envelope.recipients.iter(), &mut party);
        self.add_fields(&["to", "cc"], &mut party);
        party
    }

    fn add_addresses<'a>(&self, addresses: impl Iterator<Item = &'a Address>, party: &mut Party) {
        for address in addresses {
            party.people.extend(self.roll().numbers_of_address(address.folded()));
            party.words.extend(name_words(address.local()).iter().map(|word| WordHash::of(word)));
        }
    }

    /// The names and addresses in fields of the header.
    fn add_fields(&self, fields: &[&str], party: &mut Party) {
        let header = self.texts().iter().find(|text| text.zone == Zone::Header);
        for line in header.map(|text| text.text.as_str()).unwrap_or_default().split('\n') {
            let Some((_, value)) = line.split_once(':').filter(|(name, _)| fields.contains(name)) else {
                continue;
            };
            let full = Wanted { full: true, ..Wanted::default() };
            let mut found = Vec::new();
            names::find(value, TextKind::Running, self.roll(), full, self.case.limits.hits, &mut found);
            for hit in found {
                if let Who::OnRoll(people) = hit.who {
                    party.people.extend(people);
                }
            }
            let addresses = value.split(|letter: char| letter.is_whitespace() || "<>,;\"".contains(letter));
            for address in addresses.filter(|piece| piece.contains('@')) {
                party.people.extend(self.roll().numbers_of_address(&address.to_lowercase()));
            }
            let shown = value.split('<').map(|piece| piece.rsplit('>').next().unwrap_or_default());
            party.words.extend(shown.flat_map(name_words).map(|word| WordHash::of(&word)));
        }
    }
}

/// What sort of text a zone holds.
pub(super) const fn kind(zone: Zone) -> TextKind {
    match zone {
        Zone::Filename => TextKind::FileName,
        Zone::Attachment => TextKind::Document,
        Zone::Subject | Zone::Body | Zone::Quoted | Zone::Signature | Zone::Header => TextKind::Running,
    }
}
