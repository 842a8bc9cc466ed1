//! Why a policy decided as it did: each rule with each condition that held or did not. Places and counts, no words.

use serde::Serialize;

use super::condition::{Condition, ConfidentialityTest, IdentifiersTest, Test, WordsTest};
use super::doubt::{Doubt, Doubts};
use super::evaluate::{Evaluation, different};
use super::phrases::counted;
use super::recipients::{Class, classes};
use super::rule::Rule;
use super::sweep::Tally;
use super::{Case, Direction, Help, Place, Policy, Reveal, decide};
use crate::verdict::{Action, Finding, Mode, RuleId, Verdict};

/// A decision with its reasons.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// The decision.
    pub verdict: Verdict,
    /// The moment by which schedules were judged, on the organisation's clock.
    pub moment: String,
    /// The direction of each recipient, in the envelope's order.
    pub directions: Vec<Direction>,
    /// Whether its sender is told who can help now; `None` where the message does not look as if it asked for help. Only people are told.
    pub out_of_hours: Option<Help>,
    /// Every rule, in the policy's order.
    pub rules: Vec<RuleExplanation>,
}

/// What became of one rule.
#[derive(Debug, Clone, Serialize)]
pub struct RuleExplanation {
    /// The rule.
    pub rule: RuleId,
    /// Its title.
    pub title: String,
    /// Its mode; where schools differ, that of the first recipients for whom it runs. `None` where it runs for none.
    pub mode: Option<Mode>,
    /// What it asks for.
    pub action: Action,
    /// What became of it.
    pub outcome: Outcome,
    /// For which recipients it matched, as indices into the envelope's.
    pub recipients: Vec<usize>,
    /// Its conditions, in the order in which they are tested.
    pub conditions: Vec<ConditionExplanation>,
    /// Its exceptions.
    pub exceptions: Vec<ConditionExplanation>,
}

/// What became of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It matched, for some recipients at least.
    Matched,
    /// A condition did not hold.
    NotMatched,
    /// Its conditions held, and an exception cancelled it.
    Cancelled,
    /// It does not run for the schools of this message.
    NotHere,
    /// It does not run on that day.
    NotToday,
}

/// What became of one condition.
#[derive(Debug, Clone, Serialize)]
pub struct ConditionExplanation {
    /// The key that the rule file writes.
    pub condition: String,
    /// Whether it held.
    pub held: Held,
    /// Why: what was wanted and what there was, in counts and places.
    pub why: String,
    /// The first of the places where its list or pattern found something, whether or not that was enough.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<Place>,
    /// The conditions inside `any`, `all` and `not`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inner: Vec<ConditionExplanation>,
}

/// Whether a condition held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Held {
    /// For all recipients.
    Yes,
    /// For some recipients.
    ForSome,
    /// For none.
    No,
}

/// Most places of one condition that are told.
const PLACES: usize = 50;

/// Decides, and says why.
pub(super) fn explain(policy: &Policy, case: &Case<'_>, reveal: Reveal) -> Explanation {
    let classes = classes(policy, case);
    let evaluation = Evaluation::new(policy, case, &classes);
    let rules = policy
        .rules
        .iter()
        .enumerate()
        .map(|(index, rule)| {
            let mode = classes.iter().find_map(|class| policy.mode(class.school, index));
            let here: Vec<&Class> =
                classes.iter().filter(|class| policy.mode(class.school, index).is_some()).collect();
            let mut explained = explain_rule(&evaluation, rule, mode, &here, &classes);
            let RuleExplanation { conditions, exceptions, .. } = &mut explained;
            add_places(&evaluation, rule, &rule.when, conditions, reveal);
            add_places(&evaluation, rule, &rule.unless, exceptions, reveal);
            explained
        })
        .collect();
    let verdict = decide::decide(policy, case);
    Explanation {
        out_of_hours: policy.help(case.envelope, &verdict, case.now),
        verdict,
        moment: evaluation.moment.to_string(),
        directions: policy.directions(case.envelope),
        rules,
    }
}

/// Tells where each condition's list or pattern found something.
fn add_places(
    evaluation: &Evaluation<'_>,
    rule: &Rule,
    conditions: &[Condition],
    explained: &mut [ConditionExplanation],
    reveal: Reveal,
) {
    for (condition, explained) in conditions.iter().zip(explained) {
        let mut findings = Vec::new();
        match &condition.test {
            Test::Names(test) => {
                evaluation.name_findings(rule, test, &Class::default(), &mut findings);
            }
            test => evaluation.hit_findings(rule, test, &mut findings),
        }
        findings.truncate(PLACES);
        let place = |finding: &Finding| {
            evaluation.policy.place(finding, evaluation.case.extraction, evaluation.case.people, reveal)
        };
        explained.places = findings.iter().map(place).collect();
        let inner: Vec<Condition> = condition.test.groups().iter().flatten().cloned().collect();
        add_places(evaluation, rule, &inner, &mut explained.inner, reveal);
    }
}

/// The conditions of a rule that kept it from matching, for people.
pub(super) fn failures(evaluation: &Evaluation<'_>, rule: &Rule, classes: &[Class]) -> Vec<String> {
    let classes: Vec<&Class> = classes.iter().collect();
    let failed = rule.when.iter().map(|condition| explain_condition(evaluation, condition, &classes));
    let mut said: Vec<String> = failed
        .filter(|condition| condition.held != Held::Yes)
        .map(|condition| format!("`{}`: {}", condition.condition, condition.why))
        .collect();
    let cancelled = rule.unless.iter().map(|condition| explain_condition(evaluation, condition, &classes));
    said.extend(
        cancelled
            .filter(|condition| condition.held != Held::No)
            .map(|condition| format!("`unless` cancels it, `{}`: {}", condition.condition, condition.why)),
    );
    if !rule.runs_on(evaluation.moment.date()) {
        said.push(format!("the rule does not run on {}", evaluation.moment.date()));
    }
    said
}

fn explain_rule(
    evaluation: &Evaluation<'_>,
    rule: &Rule,
    mode: Option<Mode>,
    here: &[&Class],
    all: &[Class],
) -> RuleExplanation {
    let everybody: Vec<&Class> = all.iter().collect();
    let shown = if here.is_empty() { &everybody } else { here };
    let matching: Vec<&&Class> =
        here.iter().filter(|class| decide::matches(evaluation, rule, class)).collect();
    let outcome = if here.is_empty() {
        Outcome::NotHere
    } else if !rule.runs_on(evaluation.moment.date()) {
        Outcome::NotToday
    } else if !matching.is_empty() {
        Outcome::Matched
    } else if here.iter().any(|class| evaluation.all_hold(&rule.when, class)) {
        Outcome::Cancelled
    } else {
        Outcome::NotMatched
    };
    let mut recipients: Vec<usize> = match outcome {
        Outcome::Matched => matching.iter().flat_map(|class| &class.recipients).copied().collect(),
        _ => Vec::new(),
    };
    recipients.sort_unstable();
    let explained = |conditions: &[Condition]| {
        conditions.iter().map(|condition| explain_condition(evaluation, condition, shown)).collect()
    };
    RuleExplanation {
        rule: rule.id.clone(),
        title: rule.title.clone(),
        mode,
        action: rule.then.action,
        outcome,
        recipients,
        conditions: explained(&rule.when),
        exceptions: explained(&rule.unless),
    }
}

fn explain_condition(
    evaluation: &Evaluation<'_>,
    condition: &Condition,
    classes: &[&Class],
) -> ConditionExplanation {
    let holding = classes.iter().filter(|class| evaluation.holds(condition, class)).count();
    let held = match holding {
        0 => Held::No,
        count if count == classes.len() => Held::Yes,
        _ => Held::ForSome,
    };
    let inner = condition.test.groups().iter().flatten();
    ConditionExplanation {
        condition: condition.test.key().to_owned(),
        held,
        why: why(evaluation, condition, classes, held),
        places: Vec::new(),
        inner: inner.map(|condition| explain_condition(evaluation, condition, classes)).collect(),
    }
}

fn why(evaluation: &Evaluation<'_>, condition: &Condition, classes: &[&Class], held: Held) -> String {
    let yes = held != Held::No;
    match &condition.test {
        Test::Direction(_) => {
            let mut directions: Vec<Direction> = classes.iter().filter_map(|class| class.direction).collect();
            directions.sort_unstable();
            directions.dedup();
            let names: Vec<&str> = directions.iter().map(|direction| direction.name()).collect();
            if names.is_empty() {
                "the message has no recipient".to_owned()
            } else {
                format!("the message is {}", names.join(" and "))
            }
        }
        Test::Sender(_) => match (&evaluation.case.envelope.sender, yes) {
            (None, true) => "the null sender is meant".to_owned(),
            (None, false) => "the null sender is not meant".to_owned(),
            (Some(sender), true) => format!("{sender} is meant"),
            (Some(sender), false) => format!("{sender} is not meant"),
        },
        Test::Recipient(party) => {
            let count = |wanted: bool| -> usize {
                let these = classes.iter().filter(|class| class.is(*party) == wanted);
                these.map(|class| class.recipients.len()).sum()
            };
            format!("{} of {} meant", count(true), counted(count(true) + count(false), "recipient"))
        }
        Test::Recipients(test) => {
            format!(
                "there are {}; wanted {}",
                evaluation.recipients(test),
                between(test.count.0, test.count.1)
            )
        }
        Test::Doubt(wanted) => {
            let all =
                classes.iter().fold(Doubts::default(), |all, class| all.and(class.doubts.common(*wanted)));
            let names: Vec<&str> = all.iter().map(Doubt::name).collect();
            if names.is_empty() { "there is no such doubt".to_owned() } else { names.join(", ") }
        }
        Test::Apart(wanted) => evaluation.told_apart(*wanted, classes),
        Test::Words(test) => {
            let tally = evaluation.sweep.words(test);
            format!(
                "{} of \"{}\", weight {}{}; wanted {}",
                counted(tally.different, "term"),
                test.name,
                tally.weight,
                places(evaluation, &tally),
                wanted(test)
            )
        }
        Test::Pattern(test) => {
            let tally = evaluation.sweep.pattern(test);
            let found = counted(tally.different, "text");
            format!("{found} match{}; wanted {}", places(evaluation, &tally), test.at_least)
        }
        Test::Identifiers(test) => identifiers_why(evaluation, test),
        Test::Confidentiality(test) => confidentiality_why(evaluation, test),
        Test::Names(test) => {
            let people: Vec<usize> =
                classes.iter().map(|class| different(&evaluation.sweep.names(test, class))).collect();
            let most = people.iter().copied().max().unwrap_or_default();
            let who = if most == 1 { "1 person is".to_owned() } else { format!("{most} people are") };
            format!("{who} named whose names count; wanted {}", test.at_least)
        }
        test => simple_why(evaluation, test, yes),
    }
}

/// `12 identifiers (10 upn, 2 nhs-number), in body of part 1; wanted 10`.
fn identifiers_why(evaluation: &Evaluation<'_>, test: &IdentifiersTest) -> String {
    let tally = evaluation.sweep.identifiers(test);
    let kinds = evaluation.sweep.identifiers_by_kind(test);
    let kinds: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {}", kind.name())).collect();
    let kinds = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
    let found = counted(tally.different, "different identifier");
    let mut wanted = test.at_least.to_string();
    if test.of_one_kind > 1 {
        wanted = format!("{wanted}, and {} of one kind", test.of_one_kind);
    }
    format!("{found}{kinds}{}; wanted {wanted}", places(evaluation, &tally))
}

/// `14 points: topic-medical 8, topic-sen 4, identifiers 2; wanted 10`.
fn confidentiality_why(evaluation: &Evaluation<'_>, test: &ConfidentialityTest) -> String {
    let score = evaluation.sweep.confidentiality(test.zones);
    let mut reasons: Vec<String> =
        score.topics.iter().map(|(name, points, _)| format!("{name} {points}")).collect();
    if score.identifiers.0 > 0 {
        reasons.push(format!("identifiers {}", score.identifiers.0));
    }
    if score.names > 0 {
        reasons.push(format!("names {}", score.names));
    }
    let reasons = if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join(", ")) };
    let points = counted(usize::try_from(score.total).unwrap_or(usize::MAX), "point");
    format!("{points}{reasons}; wanted {}", test.at_least)
}

fn simple_why(evaluation: &Evaluation<'_>, test: &Test, yes: bool) -> String {
    match test {
        Test::Header(test) => {
            let count = evaluation.values(&test.name).len();
            let there = format!("{} \"{}\"", counted(count, "field"), test.name);
            if yes { format!("{there}, as wanted") } else { format!("{there}, not as wanted") }
        }
        Test::FromName(_) => Evaluation::told_from_name(yes).to_owned(),
        Test::Marking(test) => evaluation.told_markings(test),
        Test::Receipt(_) => evaluation.told_receipt(),
        Test::Secrets(test) => evaluation.told_secrets(test),
        Test::Attachment(test) => {
            let found = evaluation.attachments(test).count();
            format!(
                "{} like that; wanted {}",
                counted(found, "attachment"),
                between(test.count.0, test.count.1)
            )
        }
        Test::Coverage(wanted) => {
            let gaps = evaluation.gaps(wanted);
            if gaps.is_empty() {
                return "nothing of the kind".to_owned();
            }
            let named: Vec<String> =
                gaps.iter().map(|entry| format!("part {}: {}", entry.part, entry.gap)).collect();
            named.join(", ")
        }
        Test::Schedule { .. } => format!("it is {}", evaluation.moment.strftime("%A %-d %B %Y, %H:%M")),
        Test::Authenticated(_) => match evaluation.case.envelope.authenticated {
            Some(_) => "the client proved a login".to_owned(),
            None => "the client proved no login".to_owned(),
        },
        Test::Origin(_) => match evaluation.origin() {
            crate::message::Origin::Smtp => "it came over SMTP".to_owned(),
            crate::message::Origin::Local => "it came from the mail server itself".to_owned(),
        },
        Test::Size { .. } => format!("it has {} bytes", evaluation.size()),
        Test::Protection(wanted) => {
            format!("{} protected so", counted(evaluation.protected(wanted).count(), "part"))
        }
        Test::Any(groups) => format!("{} tables, {} hold", groups.len(), if yes { "some" } else { "none" }),
        Test::All(groups) => format!("{} tables, {} hold", groups.len(), if yes { "all" } else { "not all" }),
        Test::Not(_) => format!("what stands inside {}", if yes { "does not hold" } else { "holds" }),
        _ => String::new(),
    }
}

/// What a list must come to: `2 within 100 characters, weight 5, or 3 in subject`.
fn wanted(test: &WordsTest) -> String {
    let mut wanted = test.at_least.to_string();
    if let Some(together) = test.together {
        wanted += &format!(" within {} characters", together.within);
    }
    let message = test.thresholds.message.map(|weight| format!("weight {weight}"));
    let zones = test.thresholds.of_zones().map(|(zone, weight)| format!("weight {weight} in {zone}"));
    let weights: Vec<String> = message.into_iter().chain(zones).collect();
    if !weights.is_empty() {
        wanted += &format!(", {}", weights.join(" or "));
    }
    wanted
}

/// Where hits stand: ` in body of part 1`, each place once, the first few.
fn places(evaluation: &Evaluation<'_>, tally: &Tally) -> String {
    const SHOWN: usize = 4;
    let texts = evaluation.sweep.texts();
    let mut places: Vec<String> = Vec::new();
    for text in tally.hits.iter().filter_map(|hit| texts.get(hit.text)) {
        let place = format!("{} of part {}", text.zone, text.part);
        if !places.contains(&place) {
            places.push(place);
        }
        if places.len() > SHOWN {
            places.pop();
            places.push("…".to_owned());
            break;
        }
    }
    if places.is_empty() { String::new() } else { format!(", in {}", places.join(", ")) }
}

fn between(at_least: usize, at_most: usize) -> String {
    match (at_least, at_most) {
        (least, usize::MAX) => format!("at least {least}"),
        (0, most) => format!("at most {most}"),
        (least, most) => format!("{least} to {most}"),
    }
}
