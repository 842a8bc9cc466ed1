//! The conditions `recipients` and `doubt`: how they are written, compiled and counted. Who is doubtful, `doubt` knows.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Case;
use super::condition::{PartyId, Test};
use super::doubt::{Doubt, Doubts, shown};
use super::evaluate::Evaluation;
use super::located::Located;
use super::raw::{RawParty, YesNo};
use super::rule_compile::RuleCompiler;
use crate::message::Address;
use crate::people::Role;

/// A count of the envelope's recipients.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawRecipients {
    /// At least so many.
    pub(super) at_least: Option<usize>,
    /// At most so many.
    pub(super) at_most: Option<usize>,
    /// Which recipients count.
    #[serde(default)]
    pub(super) which: Which,
    /// Only those whom `To` and `Cc` show to everybody (`yes`), or do not (`no`).
    pub(super) shown: Option<YesNo>,
    /// Only those in these groups of `organisation.toml`.
    pub(super) group: Option<Vec<Located<String>>>,
    /// Only those who are one of these on the roll.
    pub(super) role: Option<Vec<Role>>,
}

/// Which recipients are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Which {
    /// All.
    #[default]
    All,
    /// Those outside the organisation.
    Outside,
    /// Those inside the organisation.
    Inside,
}

/// How many recipients of a kind there are.
#[derive(Debug, Clone)]
pub(super) struct RecipientsTest {
    pub(super) which: Which,
    /// Whether `To` and `Cc` show them.
    pub(super) shown: Option<YesNo>,
    /// Who they are, by group and role.
    pub(super) party: Option<PartyId>,
    pub(super) count: (usize, usize),
}

impl RuleCompiler<'_> {
    pub(super) fn doubt(&mut self, raw: &Located<Vec<Doubt>>) -> Test {
        let doubts = Doubts::of(&raw.value);
        self.build.doubts = self.build.doubts.and(doubts);
        Test::Doubt(doubts)
    }

    pub(super) fn recipients(&mut self, raw: &Located<RawRecipients>) -> Test {
        let RawRecipients { at_least, at_most, which, shown, group, role } = &raw.value;
        let party = (group.is_some() || role.is_some()).then(|| {
            let party = RawParty { group: group.clone(), role: role.clone(), ..RawParty::default() };
            self.party(&Located { span: raw.span.clone(), value: party })
        });
        Test::Recipients(RecipientsTest {
            which: *which,
            shown: *shown,
            party,
            count: (at_least.unwrap_or(0), at_most.unwrap_or(usize::MAX)),
        })
    }
}

impl Evaluation<'_> {
    /// How many recipients a test counts. Where it says more than where they are, the sender is none of them.
    pub(super) fn recipients(&self, test: &RecipientsTest) -> usize {
        let RecipientsTest { which, shown, party, .. } = test;
        let all = self.case.envelope.recipients.len();
        if shown.is_none() && party.is_none() {
            return match which {
                Which::All => all,
                Which::Outside => self.outside,
                Which::Inside => all.saturating_sub(self.outside),
            };
        }
        let organisation = &self.policy.organisation;
        let counts = |recipient: &&Address| {
            let inside = || organisation.is_ours(recipient);
            let is_shown =
                || self.shown.get_or_init(|| shown_addresses(self.case)).contains(recipient.folded());
            let is_meant = |party: PartyId| {
                let party = self.policy.parties.get(party.0);
                party.is_some_and(|party| party.is(Some(recipient), organisation, self.case.people))
            };
            let sender = self.case.envelope.sender.as_ref();
            sender.is_none_or(|sender| sender.folded() != recipient.folded())
                && match which {
                    Which::All => true,
                    Which::Outside => !inside(),
                    Which::Inside => inside(),
                }
                && party.is_none_or(is_meant)
                && shown.is_none_or(|wanted| (wanted == YesNo::Yes) == is_shown())
        };
        self.case.envelope.recipients.iter().filter(counts).count()
    }
}

fn shown_addresses(case: &Case<'_>) -> HashSet<String> {
    shown(case).map(|mailbox| mailbox.address.folded().to_owned()).collect()
}
