//! What the sweeps amount to: for each label its counts, figures and worst examples. This shape is `--json`.

use serde::Serialize;

use super::labels::{Bears, Kind, Label, Labels};
use super::metrics::{Counts, Figure, Share};
use super::sweep::{Found, Swept};
use crate::policy::{Direction, Place, Policy, Rule};
use crate::verdict::{RuleId, Severity};

/// The version of `evaluate --json`; grows when a field comes, goes or changes its meaning.
const VERSION: u32 = 3;

/// All that is reported.
#[derive(Serialize)]
pub struct Outcome {
    pub version: u32,
    /// The policy's fingerprint.
    pub policy: String,
    pub direction: Direction,
    pub at: String,
    pub messages: usize,
    /// Bear a label and count in the figures.
    pub labelled: usize,
    pub ordinary: usize,
    /// Bear a label that only a reader can tell, and count in no figure.
    pub needs_reader: usize,
    /// Could not be inspected to the end.
    pub incomplete: usize,
    pub labels: Vec<Measured>,
    /// How many ordinary messages are touched at all.
    pub touched: Vec<Touched>,
}

/// A label and how well it is found.
#[derive(Serialize)]
pub struct Measured {
    pub label: String,
    pub kind: Kind,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub of: Vec<String>,
    /// Bear it: `right` and `missed` together.
    pub labelled: usize,
    pub right: usize,
    pub missed: usize,
    pub wrong: usize,
    /// Do not bear it: `wrong` of them were found.
    pub others: usize,
    /// Found, where the message's label is broader and doesn't tell: neither right nor wrong.
    pub undecided: usize,
    pub precision: Option<Figure>,
    pub precision_interval: Option<[Figure; 2]>,
    pub recall: Option<Figure>,
    pub recall_interval: Option<[Figure; 2]>,
    pub f1: Option<Figure>,
    pub false_alarms: Rate,
    pub needs_reader: Judged,
    pub worst_false_alarms: Vec<Example>,
    pub worst_misses: Vec<Example>,
}

/// How many of the ordinary messages.
#[derive(Serialize)]
pub struct Rate {
    pub messages: usize,
    pub per_thousand: Option<Figure>,
    pub per_thousand_interval: Option<[Figure; 2]>,
}

/// What became of messages whose label only a reader can tell.
#[derive(Default, Serialize)]
pub struct Judged {
    pub labelled: usize,
    pub found: usize,
}

/// How many ordinary messages are touched by any rule, or by any of a group, by the gravest rule that touches them.
#[derive(Serialize)]
pub struct Touched {
    /// The group; `None` is any rule.
    pub group: Option<String>,
    pub gross: Rate,
    pub serious_or_gross: Rate,
    pub any: Rate,
}

/// A message that was found wrongly, or missed.
#[derive(Serialize)]
pub struct Example {
    pub id: String,
    pub place: String,
    /// The rules that found it, the gravest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Match>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opening: Option<String>,
}

/// A rule and the first of the places where it found something.
#[derive(Serialize)]
pub struct Match {
    pub rule: RuleId,
    pub severity: Severity,
    /// How many places there were.
    pub number: usize,
    pub findings: Vec<Place>,
}

/// What the counting stands on.
pub struct Grounds<'a> {
    /// The policy that is measured.
    pub policy: &'a Policy,
    /// What labels mean.
    pub labels: &'a Labels,
    /// Which way messages went that said nothing of it.
    pub direction: Direction,
    /// When they came.
    pub at: &'a jiff::Zoned,
    /// How many examples are kept of each kind.
    pub worst: usize,
}

impl Rate {
    fn of(messages: usize, ordinary: usize) -> Self {
        let share = Share::of(messages, ordinary);
        Self {
            messages,
            per_thousand: share.per_thousand().map(Figure),
            per_thousand_interval: share.interval().map(|ends| ends.map(|end| Figure(end * 1000.0))),
        }
    }
}

impl Outcome {
    /// Counts.
    pub fn of(swept: &[Swept], grounds: &Grounds<'_>) -> Self {
        let ordinary: Vec<&Swept> = swept.iter().filter(|one| one.labels.is_empty()).collect();
        let needs_reader = swept.iter().filter(|one| one.needs_reader).count();
        let mut labels: Vec<Measured> = Vec::new();
        for (label, meaning) in grounds.labels.all().iter().enumerate() {
            // A rule is a label of its own where somebody labelled with it.
            let used = swept.iter().any(|one| one.labels.contains(&label));
            if meaning.kind != Kind::Rule || used {
                labels.push(measured(label, swept, ordinary.len(), grounds));
            }
        }
        let groups =
            grounds.labels.all().iter().enumerate().filter(|(_, meaning)| meaning.kind == Kind::Group);
        let touched = std::iter::once(None).chain(groups.map(|(label, _)| Some(label)));
        Self {
            version: VERSION,
            policy: grounds.policy.fingerprint().to_owned(),
            direction: grounds.direction,
            at: grounds.at.datetime().to_string(),
            messages: swept.len(),
            labelled: swept.len() - ordinary.len() - needs_reader,
            ordinary: ordinary.len(),
            needs_reader,
            incomplete: swept.iter().filter(|one| !one.complete).count(),
            touched: touched.map(|group| self::touched(group, &ordinary, grounds)).collect(),
            labels,
        }
    }
}

fn measured(label: Label, swept: &[Swept], ordinary: usize, grounds: &Grounds<'_>) -> Measured {
    let mut counts = Counts::default();
    let (mut undecided, mut ordinary_found, mut judged) = (0, 0, Judged::default());
    let (mut alarms, mut misses) = (Vec::new(), Vec::new());
    for one in swept {
        let matches: Vec<&Found> =
            one.found.iter().filter(|found| finds(grounds, label, found.rule)).collect();
        let found = !matches.is_empty();
        match grounds.labels.bears(&one.labels, label) {
            Bears::Yes if one.needs_reader => {
                judged.labelled += 1;
                judged.found += usize::from(found);
            }
            Bears::Yes if found => counts.right += 1,
            Bears::Yes => {
                counts.missed += 1;
                misses.push(one);
            }
            Bears::Perhaps => undecided += usize::from(found),
            Bears::No => {
                counts.others += 1;
                if found {
                    counts.wrong += 1;
                    ordinary_found += usize::from(one.labels.is_empty());
                    alarms.push((one, matches));
                }
            }
        }
    }
    // The gravest first; of the same grade, the one where most was found.
    let weight = |matches: &[&Found]| {
        let gravest = matches.iter().filter_map(|found| rule(grounds, found)).map(|rule| rule.severity).max();
        (gravest, matches.iter().map(|found| found.number).sum::<usize>())
    };
    alarms.sort_by_key(|(_, matches)| std::cmp::Reverse(weight(matches)));
    let alarms = alarms.iter().take(grounds.worst).map(|(one, matches)| example(one, matches, grounds));
    let misses = misses.iter().take(grounds.worst).map(|one| example(one, &[], grounds));
    let meaning = grounds.labels.all().get(label);
    let interval = |share: Share| share.interval().map(|ends| ends.map(Figure));
    Measured {
        label: meaning.map(|meaning| meaning.name.clone()).unwrap_or_default(),
        kind: meaning.map_or(Kind::Rule, |meaning| meaning.kind),
        of: meaning.map(|meaning| meaning.of.clone()).unwrap_or_default(),
        labelled: counts.right + counts.missed,
        right: counts.right,
        missed: counts.missed,
        wrong: counts.wrong,
        others: counts.others,
        undecided,
        precision: counts.precision().value().map(Figure),
        precision_interval: interval(counts.precision()),
        recall: counts.recall().value().map(Figure),
        recall_interval: interval(counts.recall()),
        f1: counts.f1().map(Figure),
        false_alarms: Rate::of(ordinary_found, ordinary),
        needs_reader: judged,
        worst_false_alarms: alarms.collect(),
        worst_misses: misses.collect(),
    }
}

fn touched(group: Option<Label>, ordinary: &[&Swept], grounds: &Grounds<'_>) -> Touched {
    let gravest = |one: &&Swept| {
        let counts = |found: &&Found| group.is_none_or(|group| finds(grounds, group, found.rule));
        let rules = one.found.iter().filter(counts).filter_map(|found| rule(grounds, found));
        rules.map(|rule| rule.severity).max()
    };
    let grades: Vec<Severity> = ordinary.iter().filter_map(gravest).collect();
    let at_least =
        |least: Severity| Rate::of(grades.iter().filter(|grade| **grade >= least).count(), ordinary.len());
    Touched {
        group: group.and_then(|label| grounds.labels.all().get(label)).map(|meaning| meaning.name.clone()),
        gross: at_least(Severity::Gross),
        serious_or_gross: at_least(Severity::Serious),
        any: at_least(Severity::Mild),
    }
}

fn example(one: &Swept, matches: &[&Found], grounds: &Grounds<'_>) -> Example {
    let mut rules: Vec<Match> = matches
        .iter()
        .filter_map(|found| {
            rule(grounds, found).map(|rule| Match {
                rule: rule.id.clone(),
                severity: rule.severity,
                number: found.number,
                findings: found.hits.clone(),
            })
        })
        .collect();
    rules.sort_by_key(|one| std::cmp::Reverse(one.severity));
    Example {
        id: one.id.clone(),
        place: one.place.clone(),
        opening: one.opening.clone().filter(|_| rules.is_empty()),
        rules,
    }
}

fn rule<'a>(grounds: &Grounds<'a>, found: &Found) -> Option<&'a Rule> {
    grounds.policy.rules().get(found.rule)
}

fn finds(grounds: &Grounds<'_>, label: Label, rule: usize) -> bool {
    grounds.labels.all().get(label).is_some_and(|meaning| meaning.found_by(rule))
}
