//! Conditions on personal data, compiled: numbers that say nothing and lists that are missing refused. Looks at no message.

use super::condition::{ConfidentialityTest, IdentifiersTest, NearTest, Test, Zones};
use super::located::Located;
use super::raw_personal::{RawConfidentiality, RawIdentifiers};
use super::rule_compile::RuleCompiler;
use crate::detect::identifiers::Kinds;
use crate::verdict::Zone;

/// Where a message's confidentiality is looked for, if a rule doesn't say otherwise.
pub(super) const CONFIDENTIAL_ZONES: [Zone; 4] =
    [Zone::Subject, Zone::Body, Zone::Attachment, Zone::Filename];

impl RuleCompiler<'_> {
    pub(super) fn identifiers(&mut self, raw: &RawIdentifiers, near: Option<NearTest>) -> Test {
        let zones = self.zones(raw.zones.as_ref());
        if let Some(kinds) = raw.kind.as_ref().filter(|kinds| kinds.value.is_empty()) {
            self.fault(&kinds.span, "`kind` names no kind, so nothing is looked for")
                .say("delete the key to look for all kinds");
        }
        for (key, count) in [("at-least", &raw.at_least), ("of-one-kind", &raw.of_one_kind)] {
            if let Some(count) = count.as_ref().filter(|count| count.value == 0) {
                self.fault(&count.span, format!("`{key}` must be 1 or more")).say("delete it, or raise it");
            }
        }
        if let (Some(all), Some(one)) = (&raw.at_least, &raw.of_one_kind)
            && all.value <= one.value
        {
            let message = format!("whatever has {} of one kind has `at-least` too", one.value);
            self.fault(&all.span, message).say("delete `at-least`, or make it more than `of-one-kind`");
        }
        self.build.identifier_zones = self.build.identifier_zones.with(zones);
        if near.is_some() {
            self.build.word_zones = self.build.word_zones.with(zones);
        }
        Test::Identifiers(IdentifiersTest {
            kinds: raw.kind.as_ref().map_or(Kinds::ALL, |kinds| Kinds::of(&kinds.value)),
            zones,
            at_least: raw.at_least.as_ref().map_or(1, |count| count.value),
            of_one_kind: raw.of_one_kind.as_ref().map_or(1, |count| count.value),
            confidence: raw.confidence,
            near,
        })
    }

    pub(super) fn confidentiality(&mut self, raw: &Located<RawConfidentiality>) -> Test {
        let zones = match &raw.value.zones {
            Some(written) => self.zones(Some(written)),
            None => Zones::of(&CONFIDENTIAL_ZONES),
        };
        if raw.value.at_least.value == 0 {
            self.fault(&raw.value.at_least.span, "every message has 0 points").say("raise `at-least`");
        }
        if self.build.topics().is_empty() {
            self.fault(&raw.span, "the policy has no topics by which to tell how confidential a message is")
                .say("add a word list whose name begins with `topic-`, such as lists/topic-medical.txt");
        }
        self.build.word_zones = self.build.word_zones.with(zones);
        self.build.identifier_zones = self.build.identifier_zones.with(zones);
        self.build.names.zones = self.build.names.zones.with(zones);
        self.build.names.wanted.full = true;
        Test::Confidentiality(ConfidentialityTest { at_least: raw.value.at_least.value, zones })
    }
}
