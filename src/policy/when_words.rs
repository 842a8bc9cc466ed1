//! Conditions on word lists, compiled: limits that nothing can reach and keys without effect refused. Looks at no message.

use std::ops::RangeInclusive;

use super::condition::{ByZone, NearTest, Test, Thresholds, Together, Weight, WordsTest, Zones};
use super::located::Located;
use super::phrases::counted;
use super::raw::{RawByZone, RawWords};
use super::rule_compile::RuleCompiler;
use super::when::MOST_WITHIN;
use crate::detect::words::ListId;

/// What a zone's factor may be, in hundredths.
const FACTORS: RangeInclusive<f64> = 1.0..=10_000.0;
/// A factor of 1, in hundredths.
const ONE: u16 = 100;

impl RuleCompiler<'_> {
    pub(super) fn words(&mut self, raw: &RawWords, near: Option<NearTest>) -> Option<Test> {
        let zones = self.zones(raw.zones.as_ref());
        let list = self.build.list(self.source, &raw.list)?;
        let factors = self.factors(raw, zones);
        let all = self.weight_of(list);
        let factor = factors.iter().filter(|(zone, _)| zones.contains(*zone)).map(|(_, factor)| factor).max();
        let heaviest = all.map(|all| all.times(factor.unwrap_or(ONE)));
        self.check_count(raw, list);
        let message = raw.threshold.as_ref().map(|wanted| self.threshold(wanted, raw, heaviest));
        let thresholds = Thresholds { message, zones: self.zone_thresholds(raw, zones, &factors, all) };
        self.build.word_zones = self.build.word_zones.with(zones);
        Some(Test::Words(WordsTest {
            list,
            name: raw.list.value.clone(),
            zones,
            thresholds,
            factors,
            at_least: raw.at_least.as_ref().map_or(1, |count| count.value),
            together: self.together(raw),
            near,
        }))
    }

    /// What all terms of a list weigh together; nothing where it is broken, or is filled in later.
    fn weight_of(&self, list: ListId) -> Option<Weight> {
        let file = self.build.lists.get(usize::from(list.0)).filter(|file| !file.broken)?;
        let weights = file.list.terms.iter().map(|term| Weight::whole(u64::from(term.weight)));
        Some(weights.sum()).filter(|_| !file.list.terms.is_empty())
    }

    fn threshold(&mut self, wanted: &Located<u64>, raw: &RawWords, heaviest: Option<Weight>) -> Weight {
        let weight = Weight::whole(wanted.value);
        if let Some(all) = heaviest.filter(|all| weight > *all) {
            let name = &raw.list.value;
            let message = format!("all terms of \"{name}\" together weigh {all}, so this is never reached");
            self.fault(&wanted.span, message).say("lower the threshold, or raise the weights in the list");
        }
        if wanted.value == 0 {
            self.fault(&wanted.span, "a threshold of 0 says nothing").say("delete it, or raise it");
        }
        weight
    }

    fn zone_thresholds(
        &mut self,
        raw: &RawWords,
        zones: Zones,
        factors: &ByZone<u16>,
        all: Option<Weight>,
    ) -> ByZone<Option<Weight>> {
        let mut thresholds = ByZone::default();
        let Some(written) = &raw.zone_threshold else { return thresholds };
        self.check_zones(written, zones, "zone-threshold");
        for (zone, wanted) in written.value.given() {
            let heaviest = all.map(|all| all.times(factors.at(zone)));
            thresholds.set(zone, Some(self.threshold(wanted, raw, heaviest)));
            if raw.threshold.as_ref().is_some_and(|message| message.value <= wanted.value) {
                let message =
                    format!("whatever reaches {} in the {zone} reaches `threshold` too", wanted.value);
                self.fault(&wanted.span, message).say("make it less than `threshold`, or delete it");
            }
        }
        thresholds
    }

    fn factors(&mut self, raw: &RawWords, zones: Zones) -> ByZone<u16> {
        let mut factors = ByZone::all(ONE);
        let Some(written) = &raw.zone_factor else { return factors };
        self.check_zones(written, zones, "zone-factor");
        if raw.threshold.is_none() && raw.zone_threshold.is_none() {
            self.fault(&written.span, "`zone-factor` has no effect without a threshold")
                .say("add `threshold` or `zone-threshold`, or delete it");
        }
        for (zone, factor) in written.value.given() {
            let hundredths = factor.value * 100.0;
            let whole = (hundredths - hundredths.round()).abs() < 1e-6;
            if !FACTORS.contains(&hundredths.round()) || !whole {
                self.fault(&factor.span, "a factor must be 0.01 to 100, with at most two decimals")
                    .say("0.5 halves the weight, 2 doubles it; to pass over a zone, leave it out of `in`");
                continue;
            }
            factors.set(zone, hundredths.round() as u16);
        }
        factors
    }

    /// A number for a zone that is not looked at says nothing.
    fn check_zones<T>(&mut self, written: &Located<RawByZone<T>>, zones: Zones, key: &str) {
        if written.value.given().next().is_none() {
            self.fault(&written.span, format!("`{key}` names no zone"))
                .say(format!("write {key} = {{ subject = 2 }}, or delete it"));
        }
        for (zone, number) in written.value.given().filter(|(zone, _)| !zones.contains(*zone)) {
            self.fault(&number.span, format!("the condition does not look at the {zone}"))
                .say(format!("add \"{zone}\" to `in`, or delete it here"));
        }
    }

    fn check_count(&mut self, raw: &RawWords, list: ListId) {
        let Some(count) = &raw.at_least else { return };
        let file = self.build.lists.get(usize::from(list.0)).filter(|file| !file.broken);
        let terms = file.map_or(0, |file| file.list.terms.len());
        if count.value > terms && terms > 0 {
            let name = &raw.list.value;
            let message = format!("\"{name}\" has only {}, so this is never reached", counted(terms, "term"));
            self.fault(&count.span, message).say("lower `at-least`");
        }
        if count.value == 0 {
            self.fault(&count.span, "`at-least` must be 1 or more").say("delete it, or raise it");
        }
    }

    fn together(&mut self, raw: &RawWords) -> Option<Together> {
        let within = raw.within.as_ref()?;
        let at_least = raw.at_least.as_ref().map_or(1, |count| count.value);
        if at_least < 2 {
            self.fault(&within.span, "`within` is a distance between terms, and one term is enough here")
                .say("add `at-least = 2` or more; for the distance to another list's terms use `near`");
        }
        if within.value == 0 || within.value > MOST_WITHIN {
            self.fault(&within.span, format!("`within` must be 1 to {MOST_WITHIN} characters"))
                .say("300 characters are about three sentences");
        }
        Some(Together { at_least, within: within.value.min(MOST_WITHIN) })
    }
}
