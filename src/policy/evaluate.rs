//! Whether a condition holds for a message and a class of its recipients. Looks; never decides what follows.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeSet, HashSet};

use jiff::civil::DateTime;

use super::condition::{AttachmentTest, Condition, HeaderTest, Test, Thresholds};
use super::raw::{InOut, Presence, RawProtection, Weekday, YesNo};
use super::recipients::Class;
use super::sweep::Sweep;
use super::sweep_names::Counted;
use super::when_marking::{Marked, MarkedBy};
use super::when_secrets::SecretsByZone;
use super::{Case, Direction, Policy};
use crate::extract::File;
use crate::message::{Message, Origin, Part};
use crate::verdict::{CoverageGap, Gap, Protection, Span, Zone};

/// One message before one policy.
pub(super) struct Evaluation<'c> {
    pub(super) policy: &'c Policy,
    pub(super) case: &'c Case<'c>,
    pub(super) sweep: Sweep<'c>,
    pub(super) secrets: SecretsByZone,
    /// `now` on the organisation's clock.
    pub(super) moment: DateTime,
    /// How many recipients are outside.
    pub(super) outside: usize,
    /// The addresses that `To` and `Cc` show.
    pub(super) shown: OnceCell<HashSet<String>>,
    /// Its markings, and what each is made by.
    pub(super) marked: OnceCell<Vec<(MarkedBy, Marked)>>,
}

impl<'c> Evaluation<'c> {
    pub(super) fn new(policy: &'c Policy, case: &'c Case<'c>, classes: &[Class]) -> Self {
        let outside = classes
            .iter()
            .filter(|class| class.direction == Some(Direction::Outbound))
            .map(|class| class.recipients.len())
            .sum();
        let moment = case.now.with_time_zone(policy.organisation.time_zone.clone()).datetime();
        Self {
            policy,
            case,
            sweep: Sweep::new(policy, case),
            secrets: SecretsByZone::default(),
            moment,
            outside,
            shown: OnceCell::new(),
            marked: OnceCell::new(),
        }
    }

    pub(super) fn holds(&self, condition: &Condition, class: &Class) -> bool {
        match &condition.test {
            Test::Direction(wanted) => class.direction.is_some_and(|direction| wanted.contains(&direction)),
            Test::Sender(party) => self.policy.parties.get(party.0).is_some_and(|party| {
                party.is(self.case.envelope.sender.as_ref(), &self.policy.organisation, self.case.people)
            }),
            Test::FromName(wanted) => self.shows_name(*wanted),
            Test::Recipient(party) => class.is(*party),
            Test::Doubt(wanted) => !class.doubts.common(*wanted).is_empty(),
            Test::Apart(wanted) => !class.apart.common(*wanted).is_empty(),
            Test::Recipients(test) => (test.count.0..=test.count.1).contains(&self.recipients(test)),
            Test::Header(test) => self.header(test),
            Test::Marking(test) => self.marking(test),
            Test::Receipt(wanted) => self.receipt(*wanted),
            Test::Words(test) => self.sweep.words(test).reaches(&test.thresholds, test.at_least),
            Test::Pattern(test) => self.sweep.pattern(test).reaches(&Thresholds::default(), test.at_least),
            Test::Identifiers(test) => self.sweep.has_identifiers(test),
            Test::Confidentiality(test) => self.sweep.confidentiality(test.zones).total >= test.at_least,
            Test::Names(test) => different(&self.sweep.names(test, class)) >= test.at_least.max(1),
            Test::Secrets(test) => self.secrets(test),
            Test::Attachment(test) => {
                let found = self.attachments(test).count();
                (test.count.0..=test.count.1).contains(&found)
            }
            Test::Coverage(wanted) => !self.gaps(wanted).is_empty(),
            Test::Schedule { hours, term, days } => self.schedule(*hours, *term, days.as_deref(), class),
            Test::Authenticated(wanted) => {
                self.case.envelope.authenticated.is_some() == (*wanted == YesNo::Yes)
            }
            Test::Origin(wanted) => wanted.contains(&self.origin()),
            Test::Size { at_least, at_most } => (*at_least..=*at_most).contains(&self.size()),
            Test::Protection(wanted) => self.protected(wanted).next().is_some(),
            Test::Any(groups) => groups.iter().any(|group| self.all_hold(group, class)),
            Test::All(groups) => groups.iter().all(|group| self.all_hold(group, class)),
            Test::Not(group) => !self.all_hold(group, class),
        }
    }

    pub(super) fn all_hold(&self, group: &[Condition], class: &Class) -> bool {
        group.iter().all(|condition| self.holds(condition, class))
    }

    pub(super) fn size(&self) -> u64 {
        u64::try_from(self.case.message.raw.len()).unwrap_or(u64::MAX)
    }

    pub(super) fn origin(&self) -> Origin {
        self.case.envelope.origin
    }

    /// The gaps in what was inspected that are wanted.
    pub(super) fn gaps(&self, wanted: &[Gap]) -> Vec<CoverageGap> {
        if wanted.iter().any(|gap| matches!(gap, Gap::OutOfTime | Gap::TooManyHits)) {
            self.sweep.finish();
        }
        let gaps = self.sweep.coverage().gaps;
        gaps.into_iter().filter(|entry| wanted.contains(&entry.gap)).collect()
    }

    /// The values of a header field, as people read them where the texts have them, each with its place.
    pub(super) fn values(&self, name: &str) -> Vec<(Zone, Span, Cow<'_, str>)> {
        let zone = if name == "subject" { Zone::Subject } else { Zone::Header };
        let mut values = Vec::new();
        for text in self.sweep.texts().iter().filter(|text| text.zone == zone) {
            let whole = Span { start: 0, end: text.text.len() };
            if zone == Zone::Subject {
                values.push((zone, whole, Cow::Borrowed(text.text.as_str())));
                continue;
            }
            // Each line of the header's text is a field: `name: value`.
            let mut start = 0;
            for line in text.text.split('\n') {
                let value = line.split_once(':').filter(|(field, _)| *field == name);
                let span = Span { start, end: start + line.len() };
                values.extend(value.map(|(_, value)| (zone, span, Cow::Borrowed(value.trim()))));
                start += line.len() + 1;
            }
        }
        if values.is_empty() {
            let nowhere = Span { start: 0, end: 0 };
            let raw = self.case.message.fields(name).map(|field| (zone, nowhere, unfolded(field.value)));
            values.extend(raw);
        }
        values
    }

    fn header(&self, test: &HeaderTest) -> bool {
        if self.case.message.fields(&test.name).next().is_none() {
            return test.is == Presence::Absent;
        }
        if test.is == Presence::Absent {
            return false;
        }
        if test.contains.is_empty() && test.matches.is_none() {
            return true;
        }
        self.values(&test.name).iter().any(|(_, _, value)| satisfies(test, value))
    }

    /// The attachments, and files inside them, that a test counts.
    pub(super) fn attachments<'t>(
        &self,
        test: &'t AttachmentTest,
    ) -> impl Iterator<Item = &'c File> + use<'c, 't> {
        let message: &'c Message<'c> = self.case.message;
        self.case.extraction.files.iter().filter(move |file| {
            let item = &file.item;
            let inside = if item.entry.is_some() { YesNo::Yes } else { YesNo::No };
            test.inside.is_none_or(|wanted| wanted == inside)
                && test.kinds.as_ref().is_none_or(|kinds| kinds.contains(&item.kind))
                && test.protections.as_ref().is_none_or(|wanted| wanted.contains(&item.protection))
                && test.facts.as_ref().is_none_or(|facts| facts.iter().any(|fact| item.facts.contains(fact)))
                && test.gaps.as_ref().is_none_or(|gaps| gaps.iter().any(|gap| file.gaps.contains(gap)))
                && test.size.is_none_or(|(least, most)| (least..=most).contains(&file.size(message)))
                && test
                    .names
                    .as_ref()
                    .is_none_or(|globs| item.name.as_deref().is_some_and(|name| globs.is_match(name)))
                && test.types.as_ref().is_none_or(|globs| {
                    declared_type(message, file).is_some_and(|declared| globs.is_match(declared))
                })
        })
    }

    /// Where a file's name stands in the text of its part's file names: each has a line.
    pub(super) fn name_of(&self, file: &File) -> Span {
        let mut texts = self.sweep.texts().iter();
        let names = texts.find(|text| text.zone == Zone::Filename && text.part == file.part);
        let name = file.item.entry.as_deref().or(file.item.name.as_deref()).unwrap_or_default();
        let mut start = 0;
        for line in names.map(|names| names.text.as_str()).unwrap_or_default().split('\n') {
            if line == name {
                return Span { start, end: start + line.len() };
            }
            start += line.len() + 1;
        }
        Span { start: 0, end: 0 }
    }

    /// The parts with a protection that is wanted.
    pub(super) fn protected<'t>(
        &self,
        wanted: &'t [RawProtection],
    ) -> impl Iterator<Item = &'c Part<'c>> + use<'c, 't> {
        let message: &'c Message<'c> = self.case.message;
        message.parts.iter().filter(|part| match part.protection {
            Protection::Signed => wanted.contains(&RawProtection::Signed),
            Protection::Encrypted => wanted.contains(&RawProtection::Encrypted),
            Protection::None | Protection::Partly | Protection::Unknown => false,
        })
    }

    fn schedule(
        &self,
        hours: Option<InOut>,
        term: Option<InOut>,
        days: Option<&[Weekday]>,
        class: &Class,
    ) -> bool {
        let calendar = self.policy.organisation.calendar_of(class.school);
        let agrees =
            |wanted: Option<InOut>, within: bool| wanted.is_none_or(|wanted| (wanted == InOut::In) == within);
        agrees(hours, calendar.in_hours(self.moment))
            && agrees(term, calendar.in_term(self.moment.date()))
            && days.is_none_or(|days| days.contains(&weekday(self.moment.weekday())))
    }
}

/// How many different people are named.
pub(super) fn different(names: &[Counted]) -> usize {
    names.iter().map(|name| name.hit.what).collect::<BTreeSet<_>>().len()
}

/// Whether a field's value is what a test wants of it.
pub(super) fn satisfies(test: &HeaderTest, value: &str) -> bool {
    let contains = test.contains.is_empty() || {
        let folded = value.to_lowercase();
        test.contains.iter().any(|text| folded.contains(text.as_str()))
    };
    contains
        && test.matches.as_ref().is_none_or(|pattern| {
            let mut hits = Vec::new();
            pattern.find(value, 1, &mut hits);
            !hits.is_empty()
        })
}

/// The type that a file's part declares; a file inside another has none.
fn declared_type<'c>(message: &'c Message<'c>, file: &File) -> Option<&'c str> {
    let part = file.carrier(message).filter(|_| file.item.entry.is_none())?;
    Some(&part.content_type)
}

/// A field's value on one line (RFC 5322 §2.2.3).
fn unfolded(value: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(value);
    if text.contains(['\r', '\n']) {
        return Cow::Owned(text.replace(['\r', '\n'], "").trim().to_owned());
    }
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

const fn weekday(day: jiff::civil::Weekday) -> Weekday {
    match day {
        jiff::civil::Weekday::Monday => Weekday::Monday,
        jiff::civil::Weekday::Tuesday => Weekday::Tuesday,
        jiff::civil::Weekday::Wednesday => Weekday::Wednesday,
        jiff::civil::Weekday::Thursday => Weekday::Thursday,
        jiff::civil::Weekday::Friday => Weekday::Friday,
        jiff::civil::Weekday::Saturday => Weekday::Saturday,
        jiff::civil::Weekday::Sunday => Weekday::Sunday,
    }
}
