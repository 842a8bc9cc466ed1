//! What a policy's lists and patterns find in one message: swept once, when first asked for. Keeps places, no words.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use super::condition::{NearTest, PatternTest, WordsTest, Zones};
use super::{Case, Policy};
use crate::detect::pattern::PatternId;
use crate::detect::words::ListId;
use crate::extract::Text;
use crate::verdict::{Coverage, Gap, PartPath, Span};

/// The texts of one message and what stands in them.
pub(super) struct Sweep<'c> {
    policy: &'c Policy,
    case: &'c Case<'c>,
    words: OnceCell<Vec<Hit>>,
    patterns: OnceCell<Vec<Hit>>,
    gaps: RefCell<Coverage>,
    tallies: RefCell<HashMap<Question, Rc<Tally>>>,
    nothing: Rc<Tally>,
}

/// What a rule asks of a list or a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Question {
    of_words: bool,
    owner: u16,
    zones: Zones,
    near: Option<NearTest>,
}

/// A term or a pattern in one of the message's texts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    /// The list's or pattern's number.
    owner: u16,
    /// The index of the text.
    pub(super) text: usize,
    /// Which term of the list; for a pattern, a hash of what matched.
    pub(super) what: u64,
    pub(super) weight: u64,
    pub(super) span: Span,
}

/// What a list or pattern came to.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// The weights of the different terms.
    pub(super) weight: u64,
    /// How many different terms or matching texts.
    pub(super) different: usize,
    /// Every place.
    pub(super) hits: Vec<Hit>,
}

impl Tally {
    pub(super) fn reaches(&self, threshold: u64, at_least: usize) -> bool {
        self.different >= at_least.max(1) && self.weight >= threshold
    }
}

impl<'c> Sweep<'c> {
    pub(super) fn new(policy: &'c Policy, case: &'c Case<'c>) -> Self {
        Self {
            policy,
            case,
            words: OnceCell::new(),
            patterns: OnceCell::new(),
            gaps: RefCell::new(Coverage::default()),
            tallies: RefCell::new(HashMap::new()),
            nothing: Rc::new(Tally::default()),
        }
    }

    /// The texts of the message.
    pub(super) fn texts(&self) -> &'c [Text] {
        &self.case.extraction.texts
    }

    /// Sweeps now, so that [`Self::coverage`] knows what there was no time or room for.
    pub(super) fn finish(&self) {
        self.all_words();
        self.all_patterns();
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
        self.tally(hits, Question { of_words: true, owner: test.list.0, zones: test.zones, near: test.near })
    }

    pub(super) fn pattern(&self, test: &PatternTest) -> Rc<Tally> {
        let owner = test.pattern.0;
        let hits = of(self.all_patterns(), owner);
        self.tally(hits, Question { of_words: false, owner, zones: test.zones, near: test.near })
    }

    fn words_of(&self, list: ListId) -> &[Hit] {
        of(self.all_words(), list.0)
    }

    /// Many rules ask the same of a list, so each question is answered once.
    fn tally(&self, hits: &[Hit], question: Question) -> Rc<Tally> {
        if hits.is_empty() {
            return Rc::clone(&self.nothing);
        }
        if let Some(known) = self.tallies.borrow().get(&question) {
            return Rc::clone(known);
        }
        let texts = self.texts();
        let counts = |hit: &&Hit| {
            texts.get(hit.text).is_some_and(|text| {
                question.zones.contains(text.zone)
                    && question.near.is_none_or(|near| self.stands_near(hit, text, near))
            })
        };
        let hits: Vec<Hit> = hits.iter().filter(counts).copied().collect();
        let terms = different_terms(texts, &hits);
        let tally = Rc::new(Tally { weight: terms.values().sum(), different: terms.len(), hits });
        self.tallies.borrow_mut().insert(question, Rc::clone(&tally));
        tally
    }

    /// Whether a term of the other list stands near, in the same text. The same words don't count as near themselves.
    fn stands_near(&self, hit: &Hit, text: &Text, near: NearTest) -> bool {
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
                    weight: u64::from(hit.weight),
                    span: hit.span,
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
                    Hit { owner, text: index, what: hash.finish(), weight: 1, span: hit.span }
                }));
                cut
            })
        })
    }

    /// Sweeps the texts of those zones until time or room runs out; the hits come out by owner, text and place.
    fn each_text(
        &self,
        zones: Zones,
        mut find: impl FnMut(usize, &Text, usize, &mut Vec<Hit>) -> bool,
    ) -> Vec<Hit> {
        let mut hits = Vec::new();
        for (index, text) in self.texts().iter().enumerate() {
            if !zones.contains(text.zone) {
                continue;
            }
            if (self.case.expired)() {
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

/// The parts that say the same thing, each with its terms and their weights.
type Forms<'t> = BTreeMap<&'t PartPath, BTreeSet<(u64, u64)>>;

/// The different terms and their weights. Of texts that say the same thing in two forms, the heavier form counts.
fn different_terms(texts: &[Text], hits: &[Hit]) -> BTreeMap<u64, u64> {
    let mut terms = BTreeMap::new();
    let mut alternatives: BTreeMap<u16, Forms<'_>> = BTreeMap::new();
    for hit in hits {
        let Some(text) = texts.get(hit.text) else { continue };
        match text.alternative {
            None => _ = terms.insert(hit.what, hit.weight),
            Some(number) => {
                let form = alternatives.entry(number).or_default().entry(&text.part).or_default();
                form.insert((hit.what, hit.weight));
            }
        }
    }
    for forms in alternatives.into_values() {
        let heavier = forms
            .into_values()
            .max_by_key(|terms| (terms.iter().map(|(_, weight)| weight).sum::<u64>(), terms.len()));
        terms.extend(heavier.into_iter().flatten());
    }
    terms
}
