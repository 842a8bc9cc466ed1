//! Personal data in one message: its identifiers, and how confidential it is. Keeps places and counts, no words.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::condition::{ByZone, IdentifiersTest, Weight, Zones};
use super::sweep::{Asked, Hit, Question, Sweep, Tally};
use super::when_personal::CONFIDENTIAL_ZONES;
use crate::detect::identifiers::{self, Confidence, Identifier, IdentifierKind, Kinds};
use crate::verdict::{Disguises, IdentifierCount, Personal};

/// Most points that one topic, or all identifiers together, add to a message's confidentiality.
const MOST_POINTS: u64 = 10;

/// What a pupil who is named in full adds, and the most that all of them add.
const NAMED: (u64, u64) = (2, 4);

/// How confidential a message is, and what makes it so.
#[derive(Debug, Default)]
pub(super) struct Score {
    pub(super) total: u64,
    /// The topics that count, by their list's name, each with its points and its hits.
    pub(super) topics: Vec<(String, u64, Rc<Tally>)>,
    /// What the identifiers count, and those that do.
    pub(super) identifiers: (u64, Rc<Tally>),
    /// What the pupils' names count. A name alone is no secret: it counts where anything else does.
    pub(super) names: u64,
}

/// The identifiers of a message: by kind, text and place.
#[derive(Debug, Default)]
pub(super) struct IdentifierHits {
    /// Those of high confidence.
    high: Vec<Hit>,
    /// Those of either.
    all: Vec<Hit>,
}

impl Sweep<'_> {
    /// The identifiers that a condition asks for.
    pub(super) fn identifiers(&self, test: &IdentifiersTest) -> Rc<Tally> {
        let found = self.all_identifiers();
        let hits = if test.confidence == Confidence::High { &found.high } else { &found.all };
        self.tally(
            hits,
            Question {
                asked: Asked::Identifiers(test.kinds, test.confidence),
                zones: test.zones,
                near: test.near,
                together: None,
                factors: ByZone::all(100),
                of_zones: false,
            },
        )
    }

    /// How many different identifiers of each kind a condition finds, the kinds of which there are any.
    pub(super) fn identifiers_by_kind(&self, test: &IdentifiersTest) -> Vec<(IdentifierKind, usize)> {
        let kinds = IdentifierKind::ALL.into_iter().filter(|kind| test.kinds.contain(*kind));
        let counted = kinds.map(|kind| {
            let alone = IdentifiersTest { kinds: Kinds::of(&[kind]), ..test.clone() };
            (kind, self.identifiers(&alone).different)
        });
        counted.filter(|(_, different)| *different > 0).collect()
    }

    /// Whether there are enough identifiers, of all kinds together and of one.
    pub(super) fn has_identifiers(&self, test: &IdentifiersTest) -> bool {
        self.identifiers(test).different >= test.at_least
            && (test.of_one_kind <= 1
                || self.identifiers_by_kind(test).iter().any(|(_, different)| *different >= test.of_one_kind))
    }

    /// How confidential the message is in some zones: each topic's different terms, at most ten points a topic, the
    /// points of its different identifiers, at most ten, and where there are any of these, the names of pupils.
    ///
    /// Many rules ask it of the same zones, so it is worked out once for each.
    pub(super) fn confidentiality(&self, zones: Zones) -> Rc<Score> {
        let known =
            self.scores.borrow().iter().find(|(of, _)| *of == zones).map(|(_, score)| Rc::clone(score));
        known.unwrap_or_else(|| {
            let score = Rc::new(self.score(zones));
            self.scores.borrow_mut().push((zones, Rc::clone(&score)));
            score
        })
    }

    fn score(&self, zones: Zones) -> Score {
        let mut score = Score::default();
        for (list, name) in &self.policy.topics {
            let tally = self.words_in(*list, zones);
            let points = tally.weight.whole_points().min(MOST_POINTS);
            if points > 0 {
                score.total += points;
                score.topics.push((name.clone(), points, tally));
            }
        }
        let test = IdentifiersTest::all_in(zones);
        let points = self.identifiers_by_kind(&test).into_iter().map(|(kind, different)| {
            kind.points().saturating_mul(u64::try_from(different).unwrap_or(u64::MAX))
        });
        let points = points.fold(0, u64::saturating_add).min(MOST_POINTS);
        let counting: Vec<IdentifierKind> =
            IdentifierKind::ALL.into_iter().filter(|kind| kind.points() > 0).collect();
        let counting = IdentifiersTest { kinds: Kinds::of(&counting), ..test };
        score.total += points;
        score.identifiers = (points, self.identifiers(&counting));
        if score.total > 0 {
            let pupils = u64::try_from(self.pupils_in_full(zones)).unwrap_or(u64::MAX);
            score.names = pupils.saturating_mul(NAMED.0).min(NAMED.1);
            score.total += score.names;
        }
        score
    }

    /// What the verdict says of personal data. Nothing where no rule came to ask: most mail is not searched for it.
    pub(super) fn personal(&self) -> Personal {
        if self.identifiers.get().is_none() {
            return Personal::default();
        }
        let zones = self.policy.identifier_zones;
        let counts = self.identifiers_by_kind(&IdentifiersTest::all_in(zones)).into_iter();
        let confidentiality = (!self.policy.topics.is_empty())
            .then(|| self.confidentiality(Zones::of(&CONFIDENTIAL_ZONES)).total);
        Personal {
            identifiers: counts
                .map(|(kind, different)| IdentifierCount { kind: kind.name(), different })
                .collect(),
            confidentiality,
        }
    }

    pub(super) fn all_identifiers(&self) -> &IdentifierHits {
        self.identifiers.get_or_init(|| {
            let today = self.case.now.date();
            let mut found = Vec::new();
            let mut dates = Vec::new();
            let mut sure = BTreeSet::new();
            let all =
                self.each_text(self.policy.identifier_zones, |index, text, room, all: &mut Vec<Hit>| {
                    found.clear();
                    dates.clear();
                    let cut = identifiers::find_with_dates(text, today, room, &mut found, &mut dates);
                    found.extend(self.births(index, &dates));
                    for identifier in &found {
                        let hit = hit(index, identifier);
                        if identifier.confidence == Confidence::High {
                            sure.insert((hit.owner, hit.text, hit.span.start));
                        }
                        all.push(hit);
                    }
                    cut
                });
            let is_sure = |hit: &&Hit| sure.contains(&(hit.owner, hit.text, hit.span.start));
            IdentifierHits { high: all.iter().filter(is_sure).copied().collect(), all }
        })
    }
}

fn hit(text: usize, identifier: &Identifier) -> Hit {
    Hit {
        owner: identifier.kind as u16,
        text,
        what: identifier.value,
        weight: Weight::whole(1),
        span: identifier.span,
        by: Disguises::NONE,
    }
}
