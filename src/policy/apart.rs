//! The condition `apart`: a password and the document that it opens, sent to somebody in two messages within a day. Which words
//! open what, an inspector tries; what was sent before, a memory knows. Nothing is kept here.

use schemars::JsonSchema;
use serde::Deserialize;

use super::condition::Test;
use super::evaluate::Evaluation;
use super::located::Located;
use super::recipients::Class;
use super::rule_compile::RuleCompiler;
use super::{Memory, Policy};
use crate::extract::Extraction;
use crate::extract::document::{Inspector, Lock};
use crate::message::Envelope;
use crate::verdict::{Detector, PartPath, Span, Zone};

/// Most locks and most words of earlier messages that are tried for one message.
const MOST: usize = 16;

/// What went to a recipient before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Apart {
    /// A document that a word of this message opens.
    DocumentBefore,
    /// The password of a document that is attached to this message.
    PasswordBefore,
}

impl Apart {
    const ALL: [Self; 2] = [Self::DocumentBefore, Self::PasswordBefore];

    /// Its name as rules and findings write it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::DocumentBefore => "document-before",
            Self::PasswordBefore => "password-before",
        }
    }
}

/// Some of them, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Aparts(u8);

impl Aparts {
    pub(super) fn of(aparts: &[Apart]) -> Self {
        Self(aparts.iter().fold(0, |all, apart| all | 1 << *apart as u8))
    }

    pub(super) fn common(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn add(&mut self, apart: Apart) {
        self.0 |= Self::of(&[apart]).0;
    }

    fn names(self) -> impl Iterator<Item = &'static str> {
        Apart::ALL.into_iter().filter(move |apart| self.0 & 1 << *apart as u8 != 0).map(Apart::name)
    }
}

/// What went from a sender to a recipient before, as a memory has it.
#[derive(Clone, Default)]
pub struct SentBefore {
    /// What passwords can be tried on, of documents.
    pub locks: Vec<Lock>,
    /// Words that may be passwords.
    pub words: Vec<String>,
}

/// What of a message belongs to what its recipients got before. Holds words of the message: it goes nowhere but to the rules.
#[derive(Clone, Default)]
pub struct SentApart {
    /// For each recipient of the envelope; nothing for those behind the last.
    recipients: Vec<Aparts>,
    /// The words that open a document.
    words: Vec<String>,
    /// The parts whose document a word opens.
    parts: Vec<PartPath>,
}

impl std::fmt::Debug for SentApart {
    /// Without the words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SentApart").field("recipients", &self.recipients).finish_non_exhaustive()
    }
}

impl SentApart {
    /// The same for all of so many recipients, as an example says it.
    pub(super) fn declared(aparts: &[Apart], recipients: usize) -> Self {
        Self { recipients: vec![Aparts::of(aparts); recipients], ..Self::default() }
    }

    pub(super) fn of(&self, recipient: usize) -> Aparts {
        self.recipients.get(recipient).copied().unwrap_or_default()
    }

    fn add(&mut self, recipients: &[usize], apart: Apart) {
        for index in recipients {
            if self.recipients.len() <= *index {
                self.recipients.resize(index + 1, Aparts::default());
            }
            if let Some(aparts) = self.recipients.get_mut(*index) {
                aparts.add(apart);
            }
        }
    }
}

/// Things that went to some of the recipients, each once.
struct Gathered<T>(Vec<(T, Vec<usize>)>);

impl<T: PartialEq + Clone> Gathered<T> {
    fn add(&mut self, thing: T, recipient: usize) {
        let is_full = self.0.len() >= MOST;
        match self.0.iter_mut().find(|(known, _)| *known == thing) {
            Some((_, recipients)) => recipients.push(recipient),
            None if is_full => {}
            None => self.0.push((thing, vec![recipient])),
        }
    }

    fn things(&self) -> Vec<T> {
        self.0.iter().map(|(thing, _)| thing.clone()).collect()
    }

    fn recipients(&self, of: u32) -> &[usize] {
        let known = usize::try_from(of).ok().and_then(|of| self.0.get(of));
        known.map(|(_, recipients)| recipients.as_slice()).unwrap_or_default()
    }
}

impl Policy {
    /// Whether a rule asks what was sent before: nothing needs to be remembered otherwise.
    pub fn asks_apart(&self) -> bool {
        self.asks_apart
    }

    /// What of a message from one of ours belongs to what its recipients outside got before, where a rule asks.
    pub fn sent_apart(
        &self,
        envelope: &Envelope,
        extraction: &Extraction,
        memory: &dyn Memory,
        inspector: &dyn Inspector,
    ) -> SentApart {
        let mut found = SentApart::default();
        let Some(sender) = envelope.sender.as_ref().filter(|_| self.asks_apart) else { return found };
        if !self.organisation.sender_is_ours(envelope) {
            return found;
        }
        let (mut locks, mut words) = (Gathered(Vec::new()), Gathered(Vec::new()));
        for (index, recipient) in envelope.recipients.iter().enumerate() {
            if !self.organisation.is_ours(recipient) {
                let before = memory.sent_before(sender, recipient);
                before.locks.into_iter().for_each(|lock| locks.add(lock, index));
                before.words.into_iter().for_each(|word| words.add(word, index));
            }
        }
        if !locks.0.is_empty() {
            let own = extraction.words_to_try();
            for opened in inspector.try_locks(&locks.things(), &own) {
                found.add(locks.recipients(opened.lock), Apart::DocumentBefore);
                let word = usize::try_from(opened.word).ok().and_then(|word| own.get(word));
                found.words.extend(word.cloned());
            }
        }
        if !words.0.is_empty() && !extraction.locks.is_empty() {
            let own: Vec<Lock> = extraction.locks.iter().map(|(_, lock)| lock.clone()).collect();
            for opened in inspector.try_locks(&own, &words.things()) {
                found.add(words.recipients(opened.word), Apart::PasswordBefore);
                let part = usize::try_from(opened.lock).ok().and_then(|lock| extraction.locks.get(lock));
                found.parts.extend(part.map(|(part, _)| part.clone()));
            }
        }
        found
    }
}

impl RuleCompiler<'_> {
    pub(super) fn apart(&mut self, raw: &Located<Vec<Apart>>) -> Test {
        self.build.asks_apart = true;
        Test::Apart(Aparts::of(&raw.value))
    }
}

impl Evaluation<'_> {
    /// Where what belongs to an earlier message stands in this one: the detector, the entity, the place.
    pub(super) fn found_apart(
        &self,
        wanted: Aparts,
        class: &Class,
    ) -> Vec<(Detector, &'static str, (Zone, PartPath), Span)> {
        let held = class.apart.common(wanted);
        let has = |apart| !held.common(Aparts::of(&[apart])).is_empty();
        let mut found = Vec::new();
        if has(Apart::DocumentBefore) {
            for word in &self.case.apart.words {
                let looked = [Zone::Subject, Zone::Body, Zone::Quoted];
                let texts = self.sweep.texts().iter().filter(|text| looked.contains(&text.zone));
                let places = texts.filter_map(|text| Some((text, text.text.find(word.as_str())?)));
                found.extend(places.map(|(text, start)| {
                    let span = Span { start, end: start + word.len() };
                    let at = (text.zone, text.part.clone());
                    (Detector::Secrets, Apart::DocumentBefore.name(), at, span)
                }));
            }
        }
        if has(Apart::PasswordBefore) {
            let is_meant = |part: &PartPath| self.case.apart.parts.contains(part);
            let files = self.case.extraction.files.iter();
            found.extend(files.filter(|file| file.item.entry.is_none() && is_meant(&file.part)).map(
                |file| {
                    let at = (Zone::Filename, file.part.clone());
                    (Detector::Attachment, Apart::PasswordBefore.name(), at, self.name_of(file))
                },
            ));
        }
        found
    }

    /// Why `apart` holds or does not, for people.
    pub(super) fn told_apart(&self, wanted: Aparts, classes: &[&Class]) -> String {
        let held = classes.iter().fold(Aparts::default(), |all, class| Aparts(all.0 | class.apart.0));
        let names: Vec<&str> = held.common(wanted).names().collect();
        match names.is_empty() {
            true => "nothing that was sent within a day belongs to it".to_owned(),
            false => names.join(", "),
        }
    }
}
