//! Conditions on names, as they are written and compiled: keys without effect refused. Looks at no message.

use schemars::JsonSchema;
use serde::Deserialize;

use super::condition::{NamesTest, NearTest, Test};
use super::located::Located;
use super::raw::YesNo;
use super::rule_compile::RuleCompiler;
use crate::detect::names::NameForm;
use crate::people::Role;
use crate::verdict::Zone;

/// People who are named.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawNames {
    /// What they are to the school; any role where left out.
    role: Option<Vec<Role>>,
    /// How they are named; in full where left out, and of people who are not on the roll also `titled` and `related`.
    form: Option<Vec<NameForm>>,
    /// Whether they are on the roll: `yes` where left out; `no` finds what looks like a name of somebody else.
    #[serde(default = "yes")]
    roll: YesNo,
    /// Where to look; `["subject", "body"]` where left out.
    #[serde(rename = "in")]
    zones: Option<Located<Vec<Zone>>>,
    /// Whose names count; `["others"]` where left out.
    of: Option<Vec<Whose>>,
    /// At least so many different people; 1 where left out.
    at_least: Option<Located<usize>>,
}

/// Whose names count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Whose {
    /// Those who are none of these.
    Others,
    /// Who sends the message, by its address or the name beside it.
    Sender,
    /// Who gets it, by address or the name beside it.
    Recipients,
    /// The children of the recipient who is asked about, as the roll has them.
    Family,
    /// Who is spoken to where the name stands: "Dear Oliver Bennett,".
    Addressed,
}

const fn yes() -> YesNo {
    YesNo::Yes
}

impl RuleCompiler<'_> {
    pub(super) fn names(&mut self, raw: &Located<RawNames>, near: Option<NearTest>) -> Test {
        let RawNames { role, form, roll, zones, of, at_least } = &raw.value;
        let zones = self.zones(zones.as_ref());
        let on_roll = *roll == YesNo::Yes;
        let forms = form.clone().unwrap_or_else(|| {
            let guessed = [NameForm::Full, NameForm::Titled, NameForm::Related];
            if on_roll { vec![NameForm::Full] } else { guessed.to_vec() }
        });
        let of = of.clone().unwrap_or_else(|| vec![Whose::Others]);
        if role.as_ref().is_some_and(Vec::is_empty) || forms.is_empty() || of.is_empty() {
            self.fault(&raw.span, "an empty list names nobody, so the condition can never hold")
                .say("add a name to it, or delete the key");
        }
        if !on_roll && role.is_some() {
            self.fault(&raw.span, "nobody knows the role of people who are not on the roll")
                .say("delete `role`, or write roll = \"yes\"");
        }
        if on_roll && forms.iter().any(|form| matches!(form, NameForm::Titled | NameForm::Related)) {
            self.fault(&raw.span, "people on the roll are found in the forms \"full\" and \"single\" alone")
                .say("delete the other forms, or write roll = \"no\"");
        }
        if on_roll && forms.contains(&NameForm::Single) && near.is_none() {
            self.fault(&raw.span, "a single name says little by itself")
                .say("add `near` with a list of sensitive words to the same table");
        }
        if let Some(count) = at_least.as_ref().filter(|count| count.value == 0) {
            self.fault(&count.span, "`at-least` must be 1 or more").say("delete it, or raise it");
        }
        let names = &mut self.build.names;
        names.zones = names.zones.with(zones);
        names.wanted.full |= on_roll;
        names.wanted.single |= on_roll && forms.contains(&NameForm::Single);
        names.wanted.strangers |= !on_roll;
        if near.is_some() {
            self.build.word_zones = self.build.word_zones.with(zones);
        }
        Test::Names(NamesTest {
            roles: role.clone().filter(|_| on_roll),
            forms,
            on_roll,
            zones,
            of,
            at_least: at_least.as_ref().map_or(1, |count| count.value),
            near,
        })
    }
}
