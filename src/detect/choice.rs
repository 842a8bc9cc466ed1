//! Which of the terms that stand in a text count: of those of a list that overlap, the heaviest. Never looks at the text.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::detect::trie::{Ending, Found};
use crate::detect::words::WordHit;
use crate::verdict::Span;

/// Most terms that are weighed against each other at a time, so that no text takes all memory.
const OPEN: usize = 1 << 16;

/// Takes what stands in a text, from its beginning to its end, and appends what counts.
pub(super) struct Choice<'h> {
    /// How many lists there are.
    count: usize,
    /// One for each list; none until something is found.
    lists: Vec<Cluster>,
    /// How many hits there may be.
    cap: usize,
    hits: &'h mut Vec<WordHit>,
    /// How many hits there were before this text.
    first: usize,
}

/// Terms of a list that overlap, one with the next, and are not settled yet.
#[derive(Debug, Clone, Default)]
struct Cluster {
    hits: Vec<WordHit>,
    /// Where the last of them ends that counts if nothing heavier comes, and its weight.
    taken: (usize, u16),
    /// Where the last of all ends.
    end: usize,
    /// Where the last one ends that counts for good.
    settled: usize,
    /// Whether one of them is heavier than what begins before it and overlaps it.
    contested: bool,
    /// How far the list's allow-phrases reach so far.
    allowed: usize,
}

impl<'h> Choice<'h> {
    pub(super) fn new(lists: usize, cap: usize, hits: &'h mut Vec<WordHit>) -> Self {
        Self { count: lists, lists: Vec::new(), cap, first: hits.len(), hits }
    }

    /// Takes what begins at `start`; starts must not go backwards. Breaks when there are more hits than the cap.
    pub(super) fn take(&mut self, start: usize, found: &mut [Found]) -> ControlFlow<()> {
        if self.lists.is_empty() {
            self.lists.resize_with(self.count, Cluster::default);
        }
        for allowed in found.iter().filter(|one| one.ending.term.is_none()) {
            // An allow-phrase in disguise does not excuse a term that the very same words may be.
            let is_it = |one: &Found| {
                one.ending.term.is_some() && (one.ending.list, one.end) == (allowed.ending.list, allowed.end)
            };
            if !allowed.by.is_empty() && found.iter().any(is_it) {
                continue;
            }
            if let Some(cluster) = self.lists.get_mut(usize::from(allowed.ending.list.0)) {
                cluster.allowed = cluster.allowed.max(allowed.end);
            }
        }
        // The longest of each list comes first; of those that take the same words, the most definite.
        found.sort_unstable_by_key(|one| {
            (one.ending.list, Reverse((one.end, one.ending.rank)), one.by.count(), one.ending.term)
        });
        let mut before = None;
        for one in found.iter() {
            let Ending { list, term: Some(term), weight, .. } = one.ending else { continue };
            let Some(cluster) = self.lists.get_mut(usize::from(list.0)) else { continue };
            let same_words = before.replace((list, one.end)) == Some((list, one.end));
            if same_words || one.end <= cluster.allowed {
                continue;
            }
            if cluster.is_settled_before(start) {
                cluster.settle(self.hits);
            }
            if start >= cluster.settled {
                let span = Span { start, end: one.end };
                cluster.add(WordHit { list, term, weight, span, by: one.by });
            }
            if self.hits.len() > self.cap {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    /// Settles what is left and puts the hits in order. Returns whether the cap cut them short.
    pub(super) fn finish(&mut self) -> bool {
        for cluster in &mut self.lists {
            cluster.settle(self.hits);
        }
        if let Some(new) = self.hits.get_mut(self.first..) {
            new.sort_by_key(|hit| (hit.span.start, hit.list));
        }
        let cut = self.hits.len() > self.cap.max(self.first);
        self.hits.truncate(self.cap.max(self.first));
        cut
    }
}

impl Cluster {
    /// Whether nothing that begins there or later can change what counts. As long as nothing is heavier than what it
    /// overlaps, what begins first counts, and what it keeps from counting stays out.
    fn is_settled_before(&self, start: usize) -> bool {
        start >= if self.contested { self.end } else { self.taken.0 } || self.hits.len() >= OPEN
    }

    fn add(&mut self, hit: WordHit) {
        let (reach, weight) = self.taken;
        if hit.span.start >= reach {
            self.taken = (hit.span.end, hit.weight);
        } else {
            self.contested |= hit.weight > weight;
        }
        self.end = self.end.max(hit.span.end);
        self.hits.push(hit);
    }

    /// Moves what counts to `hits`; the heaviest is asked first.
    fn settle(&mut self, hits: &mut Vec<WordHit>) {
        if self.contested {
            self.hits.sort_by_key(|hit| (Reverse(hit.weight), hit.span.start, Reverse(hit.span.end)));
        }
        // From where to where each of those is that count; where they come in their order, the last is enough.
        let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
        for hit in self.hits.drain(..) {
            let Span { start, end } = hit.span;
            let free = match self.contested {
                true => taken.range(..end).next_back().is_none_or(|(_, reached)| *reached <= start),
                false => start >= self.settled,
            };
            if free {
                if self.contested {
                    taken.insert(start, end);
                }
                self.settled = self.settled.max(end);
                hits.push(hit);
            }
        }
        (self.contested, self.taken, self.end) = (false, (0, 0), 0);
    }
}
