//! The condition `doubt`: recipients outside who may not be meant, each with the reasons. It looks; what follows is the rules'.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet};

use schemars::JsonSchema;
use serde::Deserialize;

use super::acquaintance::Acquaintance;
use super::when_from::is_a_colleagues;
use super::{Case, Policy};
use crate::detect::marking::is_reply;
use crate::detect::recipients::{OwnNames, is_own, participants};
use crate::message::{Address, Mailbox};
use crate::people::Person;
use crate::verdict::Zone;

/// Why a recipient outside may not be meant, or is one to take care with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Doubt {
    /// The domain is a slip or a look away from a known one.
    LookAlikeDomain,
    /// The name beside the address is a colleague's, and the address is not.
    ColleagueName,
    /// The address is made of the sender's own name.
    OwnAddress,
    /// A reply or a forward, and the mail that it quotes was not theirs.
    NewToConversation,
    /// The sender's first mail to them.
    FirstMail,
}

impl Doubt {
    const ALL: [Self; 5] = [
        Self::LookAlikeDomain,
        Self::ColleagueName,
        Self::OwnAddress,
        Self::NewToConversation,
        Self::FirstMail,
    ];

    /// Its name as rules write it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::LookAlikeDomain => "look-alike-domain",
            Self::ColleagueName => "colleague-name",
            Self::OwnAddress => "own-address",
            Self::NewToConversation => "new-to-conversation",
            Self::FirstMail => "first-mail",
        }
    }
}

/// Some of the doubts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Doubts(u8);

impl Doubts {
    pub(super) fn of(doubts: &[Doubt]) -> Self {
        doubts.iter().fold(Self::default(), |all, doubt| all.with(*doubt))
    }

    pub(super) fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Those that are among these and those.
    pub(super) fn common(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn iter(self) -> impl Iterator<Item = Doubt> {
        Doubt::ALL.into_iter().filter(move |doubt| self.contains(*doubt))
    }

    fn contains(self, doubt: Doubt) -> bool {
        self.0 & 1 << doubt as u8 != 0
    }

    fn with(self, doubt: Doubt) -> Self {
        Self(self.0 | 1 << doubt as u8)
    }
}

/// A message from one of ours, asked for each of its recipients outside. What is the same for all is worked out once.
pub(super) struct Doubting<'c> {
    policy: &'c Policy,
    case: &'c Case<'c>,
    /// Whether a domain looks like a known one: most of many recipients share a few.
    look_alikes: RefCell<HashMap<String, bool>>,
    own: OnceCell<OwnNames>,
    named: OnceCell<BTreeMap<String, Vec<String>>>,
    earlier: OnceCell<HashSet<String>>,
}

impl<'c> Doubting<'c> {
    pub(super) fn new(policy: &'c Policy, case: &'c Case<'c>) -> Self {
        Self {
            policy,
            case,
            look_alikes: RefCell::default(),
            own: OnceCell::new(),
            named: OnceCell::new(),
            earlier: OnceCell::new(),
        }
    }

    /// The doubts that some rule asks for and that hold for that recipient.
    pub(super) fn about(&self, recipient: &Address) -> Doubts {
        let Some(sender) = &self.case.envelope.sender else { return Doubts::default() };
        let held = self.policy.doubts.iter().filter(|doubt| match doubt {
            Doubt::LookAlikeDomain => self.looks_alike(recipient.domain()),
            Doubt::ColleagueName => self.has_a_colleagues_name(recipient),
            Doubt::OwnAddress => self.is_senders_own(sender, recipient),
            Doubt::NewToConversation => self.is_new_to_conversation(recipient),
            Doubt::FirstMail => self.case.memory.acquaintance(sender, recipient) == Acquaintance::New,
        });
        held.fold(Doubts::default(), Doubts::with)
    }

    fn looks_alike(&self, domain: &str) -> bool {
        if let Some(known) = self.look_alikes.borrow().get(domain) {
            return *known;
        }
        let looks = self.policy.organisation.mistaken_for(domain).is_some();
        self.look_alikes.borrow_mut().insert(domain.to_owned(), looks);
        looks
    }

    fn people_of(&self, address: &Address) -> impl Iterator<Item = &'c Person> {
        let people: &'c crate::people::People = self.case.people;
        people.roll().by_address(address.folded())
    }

    fn is_senders_own(&self, sender: &Address, recipient: &Address) -> bool {
        let own = self.own.get_or_init(|| {
            let rolled = self.people_of(sender).map(|person| OwnNames::of(&person.names));
            let rolled = rolled.reduce(OwnNames::and);
            rolled.unwrap_or_else(|| {
                let from = self.case.message.mailboxes("from");
                let shown = from.iter().find(|one| one.address.folded() == sender.folded());
                let shown = shown.map(|one| OwnNames::of_text(&one.name)).unwrap_or_default();
                shown.and(OwnNames::of_text(sender.local()))
            })
        });
        // Whoever else has that address on the roll bears the same name.
        let anothers = self
            .people_of(recipient)
            .any(|person| !person.addresses.iter().any(|own| own == sender.folded()));
        !anothers && is_own(recipient.local(), own)
    }

    fn has_a_colleagues_name(&self, recipient: &Address) -> bool {
        if self.people_of(recipient).next().is_some() {
            return false;
        }
        let named = self.named.get_or_init(|| {
            let mut named: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for Mailbox { name, address } in shown(self.case) {
                named.entry(address.folded().to_owned()).or_default().push(name);
            }
            named
        });
        named
            .get(recipient.folded())
            .into_iter()
            .flatten()
            .any(|name| is_a_colleagues(self.case.people.roll(), name))
    }

    fn is_new_to_conversation(&self, recipient: &Address) -> bool {
        let earlier = self.earlier.get_or_init(|| {
            let mut earlier = HashSet::new();
            if is_answer(self.case) {
                let texts = self.case.extraction.texts.iter().filter(|text| text.zone == Zone::Quoted);
                texts.for_each(|text| participants(&text.text, &mut earlier));
            }
            earlier
        });
        !earlier.is_empty() && !earlier.contains(recipient.folded())
    }
}

/// Everybody whom the message's `To` and `Cc` show to all its readers.
pub(super) fn shown(case: &Case<'_>) -> impl Iterator<Item = Mailbox> {
    ["to", "cc"].into_iter().flat_map(|field| case.message.mailboxes(field))
}

/// Whether a message answers or forwards another.
fn is_answer(case: &Case<'_>) -> bool {
    let subject = || case.extraction.texts.iter().filter(|text| text.zone == Zone::Subject);
    ["in-reply-to", "references"].into_iter().any(|field| case.message.fields(field).next().is_some())
        || subject().any(|text| is_reply(&text.text))
}
