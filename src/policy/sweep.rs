//! What a policy's lists and patterns find in one message: swept once, when first asked for. Keeps places, no words.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use super::condition::{ByZone, NearTest, PatternTest, Thresholds, Together, Weight, WordsTest, Zones};
use super::sweep_names::Named;
use super::sweep_personal::{IdentifierHits, Score};
use super::{Case, Policy};
use crate::detect::identifiers::{Confidence, IdentifierKind, Kinds};
use crate::detect::pattern::PatternId;
use crate::detect::words::ListId;
use crate::extract::Text;
use crate::people::Roll;
use crate::verdict::{Coverage, Detector, Disguises, Gap, PartPath, Span, TermId, Zone};

/// The texts of one message and what stands in them.
pub(super) struct Sweep<'c> {
    pub(super) policy: &'c Policy,
    pub(super) case: &'c Case<'c>,
    pub(super) named_once: OnceCell<Named>,
    words: OnceCell<Vec<Hit>>,
    patterns: OnceCell<Vec<Hit>>,
    pub(super) identifiers: OnceCell<IdentifierHits>,
    gaps: RefCell<Coverage>,
    tallies: RefCell<HashMap<Question, Rc<Tally>>>,
    pub(super) scores: RefCell<Vec<(Zones, Rc<Score>)>>,
}

thread_local! {
    /// What most questions come to.
    static NOTHING: Rc<Tally> = Rc::default();
}

/// What a rule asks of a list, a pattern, or kinds of identifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Question {
    pub(super) asked: Asked,
    pub(super) zones: Zones,
    pub(super) near: Option<NearTest>,
    pub(super) together: Option<Together>,
    pub(super) factors: ByZone<u16>,
    /// Whether the weight of each zone is asked for.
    pub(super) of_zones: bool,
}

/// What a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Asked {
    Words(ListId),
    Pattern(PatternId),
    Identifiers(Kinds, Confidence),
}

impl Asked {
    /// Whether a hit is one of those that are asked for; hits of a list or a pattern come without others.
    fn counts(self, hit: &Hit) -> bool {
        match self {
            Self::Words(_) | Self::Pattern(_) => true,
            Self::Identifiers(kinds, _) => {
                IdentifierKind::numbered(hit.owner).is_some_and(|kind| kinds.contain(kind))
            }
        }
    }
}

/// A term or a pattern in one of the message's texts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    /// The number of the list, the pattern or the kind of identifier.
    pub(super) owner: u16,
    /// The index of the text.
    pub(super) text: usize,
    /// Which term of the list; for a pattern or an identifier, a hash of what matched.
    pub(super) what: u64,
    pub(super) weight: Weight,
    pub(super) span: Span,
    /// The disguises that a term stands in.
    pub(super) by: Disguises,
}

impl Hit {
    /// Which term of its list it is, where it is one of a list's.
    pub(super) fn term(&self, detector: Detector) -> Option<TermId> {
        u32::try_from(self.what).ok().filter(|_| detector == Detector::Words).map(TermId)
    }
}

/// What a list or pattern came to.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// The weights of the different terms.
    pub(super) weight: Weight,
    /// Those of each zone by itself, where they are asked for.
    of_zones: ByZone<Weight>,
    /// How many different terms or matching texts.
    pub(super) different: usize,
    /// Every place.
    pub(super) hits: Vec<Hit>,
}

impl Tally {
    pub(super) fn reaches(&self, thresholds: &Thresholds, at_least: usize) -> bool {
        let none = thresholds.message.is_none() && thresholds.of_zones().next().is_none();
        self.different >= at_least.max(1)
            && (none
                || thresholds.message.is_some_and(|wanted| self.weight >= wanted)
                || thresholds.of_zones().any(|(zone, wanted)| self.of_zones.at(zone) >= wanted))
    }
}

impl<'c> Sweep<'c> {
    pub(super) fn new(policy: &'c Policy, case: &'c Case<'c>) -> Self {
        Self {
            policy,
            case,
            named_once: OnceCell::new(),
            words: OnceCell::new(),
            patterns: OnceCell::new(),
            identifiers: OnceCell::new(),
            gaps: RefCell::new(Coverage::default()),
            tallies: RefCell::new(HashMap::new()),
            scores: RefCell::default(),
        }
    }

    /// The roll.
    pub(super) fn roll(&self) -> &'c Roll {
        self.case.people.roll()
    }

    /// The texts of the message.
    pub(super) fn texts(&self) -> &'c [Text] {
        &self.case.extraction.texts
    }

    /// Sweeps now, so that [`Self::coverage`] knows what there was no time or room for.
    pub(super) fn finish(&self) {
        self.all_words();
        self.all_patterns();
        self.all_identifiers();
    }

    /// What could not be inspected, also for want of time or room in what was swept so far.
    pub(super) fn coverage(&self) -> Coverage {
        let mut coverage = self.case.extraction.coverage.clone();
        for entry in &self.gaps.borrow().gaps {
            coverage.note(entry.gap, entry.part.clone());
        }
        coverage
    }

    pub(super) fn words(&self, test: &WordsTest) -> Rc<Tally> {
        let hits = self.words_of(test.list);
        let question = Question {
            asked: Asked::Words(test.list),
            zones: test.zones,
            near: test.near,
            together: test.together,
            factors: test.factors,
            of_zones: test.thresholds.of_zones().next().is_some(),
        };
        self.tally(hits, question)
    }

    pub(super) fn pattern(&self, test: &PatternTest) -> Rc<Tally> {
        let hits = of(self.all_patterns(), test.pattern.0);
        let question = Question {
            asked: Asked::Pattern(test.pattern),
            zones: test.zones,
            near: test.near,
            together: None,
            factors: ByZone::all(100),
            of_zones: false,
        };
        self.tally(hits, question)
    }

    /// The terms of a list in some zones.
    pub(super) fn words_in(&self, list: ListId, zones: Zones) -> Rc<Tally> {
        let question = Question {
            asked: Asked::Words(list),
            zones,
            near: None,
            together: None,
            factors: ByZone::all(100),
            of_zones: false,
        };
        self.tally(self.words_of(list), question)
    }

    fn words_of(&self, list: ListId) -> &[Hit] {
        of(self.all_words(), list.0)
    }

    /// Many rules ask the same of a list, so each question is answered once.
    pub(super) fn tally(&self, hits: &[Hit], question: Question) -> Rc<Tally> {
        if hits.is_empty() {
            return NOTHING.with(Rc::clone);
        }
        if let Some(known) = self.tallies.borrow().get(&question) {
            return Rc::clone(known);
        }
        let texts = self.texts();
        let counts = |hit: &&Hit| {
            texts.get(hit.text).is_some_and(|text| {
                question.asked.counts(hit)
                    && question.zones.contains(text.zone)
                    && question.near.is_none_or(|near| self.stands_near(hit, text, near))
            })
        };
        let mut hits: Vec<Hit> = hits.iter().filter(counts).copied().collect();
        if let Some(wanted) = question.together {
            hits = standing_together(texts, &hits, wanted);
        }
        let terms = different_terms(texts, &hits, &question.factors, |_| true);
        let mut of_zones = ByZone::default();
        for zone in Zone::ALL.into_iter().filter(|_| question.of_zones) {
            let terms = different_terms(texts, &hits, &question.factors, |other| other == zone);
            of_zones.set(zone, terms.into_values().sum());
        }
        let (different, weight) = (terms.len(), terms.into_values().sum());
        let tally = Rc::new(Tally { weight, of_zones, different, hits });
        self.tallies.borrow_mut().insert(question, Rc::clone(&tally));
        tally
    }

    /// Whether a term of the other list stands near, in the same text. The same words don't count as near themselves.
    pub(super) fn stands_near(&self, hit: &Hit, text: &Text, near: NearTest) -> bool {
        let others = self.words_of(near.list);
        let from = others.partition_point(|other| other.text < hit.text);
        let until = others.partition_point(|other| other.text <= hit.text);
        let here = others.get(from..until).unwrap_or(&[]);
        // A character has at most four bytes, so nothing farther off in bytes can be near.
        let window = near.within.saturating_mul(4);
        let split = here.partition_point(|other| other.span.start < hit.span.start);
        let (before, after) = here.split_at_checked(split).unwrap_or((here, &[]));
        let is_near = |other: &Hit| {
            let gap = if other.span.end <= hit.span.start {
                other.span.end..hit.span.start
            } else if hit.span.end <= other.span.start {
                hit.span.end..other.span.start
            } else {
                return false;
            };
            gap.len() <= near.within
                || text.text.get(gap).is_some_and(|between| between.chars().count() <= near.within)
        };
        let close_after = |other: &&Hit| other.span.start <= hit.span.end.saturating_add(window);
        let close_before =
            |other: &&Hit| other.span.start.saturating_add(window).saturating_add(LONGEST) >= hit.span.start;
        after.iter().take_while(close_after).any(is_near)
            || before.iter().rev().take_while(close_before).any(is_near)
    }

    fn all_words(&self) -> &[Hit] {
        self.words.get_or_init(|| {
            let mut found = Vec::new();
            self.each_text(self.policy.word_zones, |index, text, room, all: &mut Vec<Hit>| {
                found.clear();
                let cut = self.policy.words.find(&text.text, room, &mut found);
                all.extend(found.iter().map(|hit| Hit {
                    owner: hit.list.0,
                    text: index,
                    what: u64::from(hit.term.0),
                    weight: Weight::whole(u64::from(hit.weight)),
                    span: hit.span,
                    by: hit.by,
                }));
                cut
            })
        })
    }

    fn all_patterns(&self) -> &[Hit] {
        self.patterns.get_or_init(|| {
            if !self.policy.has_patterns {
                return Vec::new();
            }
            let mut found = Vec::new();
            self.each_text(self.policy.pattern_zones, |index, text, room, all: &mut Vec<Hit>| {
                found.clear();
                let cut = self.policy.patterns.find(&text.text, room, &mut found);
                all.extend(found.iter().map(|hit| {
                    let PatternId(owner) = hit.pattern;
                    let mut hash = DefaultHasher::new();
                    text.text.get(hit.span.start..hit.span.end).hash(&mut hash);
                    Hit {
                        owner,
                        text: index,
                        what: hash.finish(),
                        weight: Weight::whole(1),
                        span: hit.span,
                        by: Disguises::NONE,
                    }
                }));
                cut
            })
        })
    }

    /// Sweeps the texts of those zones until time or room runs out; the hits come out by owner, text and place.
    pub(super) fn each_text(
        &self,
        zones: Zones,
        mut find: impl FnMut(usize, &Text, usize, &mut Vec<Hit>) -> bool,
    ) -> Vec<Hit> {
        let mut hits = Vec::new();
        // To ask for the time takes as long as to sweep a line.
        let mut since_asked = usize::MAX;
        for (index, text) in self.texts().iter().enumerate() {
            if !zones.contains(text.zone) {
                continue;
            }
            let due = since_asked >= BYTES_UNTIMED;
            since_asked = if due { text.text.len() } else { since_asked + text.text.len() };
            if due && (self.case.expired)() {
                self.gaps.borrow_mut().note(Gap::OutOfTime, text.part.clone());
                break;
            }
            // One text full of hits must not hide what stands in the others, so each of them has some room left.
            let most = self.case.limits.hits;
            let room = most.saturating_sub(hits.len()).max(most / 100);
            if find(index, text, room, &mut hits) {
                self.gaps.borrow_mut().note(Gap::TooManyHits, text.part.clone());
            }
        }
        hits.sort_by_key(|hit| (hit.owner, hit.text, hit.span.start));
        hits
    }
}

/// Texts are swept up to so many bytes, together, before it is asked again whether the time is over.
const BYTES_UNTIMED: usize = 8 << 10;

/// No term is longer than this, in bytes: how far before a place a term can begin that ends near it.
const LONGEST: usize = 1_000;

fn of(hits: &[Hit], owner: u16) -> &[Hit] {
    if hits.is_empty() {
        return hits;
    }
    let from = hits.partition_point(|hit| hit.owner < owner);
    let until = hits.partition_point(|hit| hit.owner <= owner);
    hits.get(from..until).unwrap_or(&[])
}

/// Of hits in the order of their texts and places, those that stand with enough different ones close to each other.
fn standing_together(texts: &[Text], hits: &[Hit], wanted: Together) -> Vec<Hit> {
    let mut all = Vec::new();
    for here in hits.chunk_by(|one, next| one.text == next.text) {
        let Some(text) = here.first().and_then(|hit| texts.get(hit.text)) else { continue };
        let places = in_characters(&text.text, here);
        // How often each term stands among the hits from `first` up to, not including, `next`.
        let mut terms: HashMap<u64, usize> = HashMap::new();
        let (mut next, mut kept) = (0, 0);
        for (first, (hit, (_, end))) in here.iter().zip(&places).enumerate() {
            let close = |place: &(usize, usize)| place.0.saturating_sub(*end) <= wanted.within;
            while let Some(other) = here.get(next).filter(|_| places.get(next).is_some_and(close)) {
                *terms.entry(other.what).or_default() += 1;
                next += 1;
            }
            if terms.len() >= wanted.at_least {
                all.extend(here.get(kept.max(first)..next).into_iter().flatten());
                kept = next;
            }
            if let Some(count) = terms.get_mut(&hit.what) {
                *count -= 1;
                if *count == 0 {
                    terms.remove(&hit.what);
                }
            }
        }
    }
    all
}

/// Where each hit begins and ends, in characters. Hits of one list don't overlap.
fn in_characters(text: &str, hits: &[Hit]) -> Vec<(usize, usize)> {
    let (mut byte, mut characters) = (0, 0);
    let mut up_to = |end: usize| {
        characters += text.get(byte..end).map_or(0, |between| between.chars().count());
        byte = end;
        characters
    };
    hits.iter().map(|hit| (up_to(hit.span.start), up_to(hit.span.end))).collect()
}

/// Different terms and what each weighs, where it weighs most.
type Terms = BTreeMap<u64, Weight>;

/// The different terms in some zones and their weights there. Of texts that say the same thing in two forms, the heavier
/// form counts.
fn different_terms(
    texts: &[Text],
    hits: &[Hit],
    factors: &ByZone<u16>,
    zones: impl Fn(Zone) -> bool,
) -> Terms {
    let mut terms = Terms::new();
    let mut alternatives: BTreeMap<u16, BTreeMap<&PartPath, Terms>> = BTreeMap::new();
    for hit in hits {
        let Some(text) = texts.get(hit.text).filter(|text| zones(text.zone)) else { continue };
        let form = match text.alternative {
            None => &mut terms,
            Some(number) => alternatives.entry(number).or_default().entry(&text.part).or_default(),
        };
        add(form, hit.what, hit.weight.times(factors.at(text.zone)));
    }
    for forms in alternatives.into_values() {
        let heavier =
            forms.into_values().max_by_key(|terms| (terms.values().copied().sum::<Weight>(), terms.len()));
        for (what, weight) in heavier.into_iter().flatten() {
            add(&mut terms, what, weight);
        }
    }
    terms
}

fn add(terms: &mut Terms, what: u64, weight: Weight) {
    let known = terms.entry(what).or_default();
    *known = weight.max(*known);
}
