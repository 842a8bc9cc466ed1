//! Conditions on personal data as rule files write them: identifiers, and how confidential a message is. Checks nothing.

use schemars::JsonSchema;
use serde::Deserialize;

use super::located::Located;
use crate::detect::identifiers::{Confidence, IdentifierKind};
use crate::verdict::Zone;

/// Identifiers of people.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawIdentifiers {
    /// The kinds that count; all where left out.
    pub(super) kind: Option<Located<Vec<IdentifierKind>>>,
    /// Where to look; `["subject", "body"]` where left out.
    #[serde(rename = "in")]
    pub(super) zones: Option<Located<Vec<Zone>>>,
    /// At least so many different ones, of all these kinds together; 1 where left out.
    pub(super) at_least: Option<Located<usize>>,
    /// At least so many different ones of one and the same kind: as a rule, the identifiers of so many people.
    pub(super) of_one_kind: Option<Located<usize>>,
    /// `high`: words near it or a heading say what it is, or its shape is hardly anything else's; also where left out.
    /// `low`: those too whose shape and check digits alone are right.
    #[serde(default)]
    pub(super) confidence: Confidence,
}

/// How confidential a message is: see docs/rules.md for what adds up.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawConfidentiality {
    /// At least so many points. What is confidential by itself has 5.
    pub(super) at_least: Located<u64>,
    /// Where to look; `["subject", "body", "attachment", "filename"]` where left out.
    #[serde(rename = "in")]
    pub(super) zones: Option<Located<Vec<Zone>>>,
}
