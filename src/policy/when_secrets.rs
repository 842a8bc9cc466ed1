//! The condition `secrets`: how it is written, compiled and tested. What a secret is, `detect` knows.

use std::cell::OnceCell;
use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::condition::Zones;
use super::evaluate::Evaluation;
use super::located::Located;
use super::rule_compile::RuleCompiler;
use crate::detect::secrets::{Secret, SecretKind, find};
use crate::extract::Text;
use crate::verdict::Zone;

/// Passwords, keys, and links that open something by themselves.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawSecrets {
    /// What they are: any of these.
    kind: Located<Vec<SecretKind>>,
    /// The zones that are looked at; subject and body where left out.
    #[serde(rename = "in")]
    zones: Option<Located<Vec<Zone>>>,
    /// How many different ones there must be; 1 where left out.
    at_least: Option<Located<usize>>,
}

/// Secrets, compiled.
#[derive(Debug, Clone)]
pub(super) struct SecretsTest {
    kinds: Vec<SecretKind>,
    zones: Zones,
    at_least: usize,
}

/// The secrets of a message by zone, each looked for when it is first asked for.
#[derive(Debug, Default)]
pub(super) struct SecretsByZone([OnceCell<Vec<(usize, Secret)>>; Zone::ALL.len()]);

impl RuleCompiler<'_> {
    pub(super) fn secrets(&mut self, raw: &Located<RawSecrets>) -> SecretsTest {
        let RawSecrets { kind, zones, at_least } = &raw.value;
        if kind.value.is_empty() {
            self.fault(&kind.span, "`kind` names no secret, so the condition can never hold")
                .say("name one, such as \"password\" or \"private-key\"");
        }
        if let Some(count) = at_least.as_ref().filter(|count| count.value == 0) {
            self.fault(&count.span, "`at-least` must be 1 or more").say("delete it, or raise it");
        }
        SecretsTest {
            kinds: kind.value.clone(),
            zones: self.zones(zones.as_ref()),
            at_least: at_least.as_ref().map_or(1, |count| count.value),
        }
    }
}

impl<'c> Evaluation<'c> {
    pub(super) fn secrets(&self, test: &SecretsTest) -> bool {
        self.different_secrets(test) >= test.at_least
    }

    fn different_secrets(&self, test: &SecretsTest) -> usize {
        let word = |(text, secret): (&'c Text, &Secret)| text.text.get(secret.span.clone());
        self.found_secrets(test).filter_map(word).collect::<HashSet<&str>>().len()
    }

    /// The secrets that a test looks for, with the texts that they stand in.
    pub(super) fn found_secrets<'t>(
        &'t self,
        test: &'t SecretsTest,
    ) -> impl Iterator<Item = (&'c Text, &'t Secret)> + 't {
        let texts = self.sweep.texts();
        let zones = Zone::ALL.into_iter().zip(&self.secrets.0).filter(|(zone, _)| test.zones.contains(*zone));
        zones
            .flat_map(move |(zone, known)| known.get_or_init(|| secrets_in(texts, zone)))
            .filter(|(_, secret)| test.kinds.contains(&secret.kind))
            .filter_map(move |(text, secret)| Some((texts.get(*text)?, secret)))
    }

    /// Why `secrets` holds or does not, for people.
    pub(super) fn told_secrets(&self, test: &SecretsTest) -> String {
        let mut kinds: Vec<&str> = self.found_secrets(test).map(|(_, secret)| secret.kind.name()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let found =
            if kinds.is_empty() { "none found".to_owned() } else { format!("found: {}", kinds.join(", ")) };
        format!("{found}; {} different, wanted {}", self.different_secrets(test), test.at_least)
    }
}

fn secrets_in(texts: &[Text], zone: Zone) -> Vec<(usize, Secret)> {
    let here = texts.iter().enumerate().filter(|(_, text)| text.zone == zone);
    here.flat_map(|(index, text)| find(&text.text).into_iter().map(move |secret| (index, secret))).collect()
}
