//! The decision: which rules match, for whom, and what is to happen with the message. Data in, a verdict out.

use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::condition::{Condition, NamesTest, Test};
use super::evaluate::{Evaluation, satisfies};
use super::recipients::{Class, classes};
use super::rule::Rule;
use super::sweep::Tally;
use super::{Case, Policy};
use crate::detect::identifiers::IdentifierKind;
use crate::people::Role;
use crate::verdict::{Action, Detector, Disguises, Finding, Mode, PartPath, RuleMatch, Span, Verdict, Zone};

/// What rules said of a message.
struct Matches {
    rules: Vec<RuleMatch>,
    findings: Vec<Finding>,
}

/// Decides on a message.
pub(super) fn decide(policy: &Policy, case: &Case<'_>) -> Verdict {
    let classes = classes(policy, case);
    let evaluation = Evaluation::new(policy, case, &classes);
    let mut matches = Matches { rules: Vec::new(), findings: Vec::new() };
    let mut runs: SmallVec<[(Mode, &Class); 4]> = SmallVec::new();
    for (index, rule) in policy.rules.iter().enumerate() {
        if rule.runs_on(evaluation.moment.date()) {
            runs.clear();
            runs.extend(classes.iter().filter_map(|class| Some((policy.mode(class.school, index)?, class))));
            evaluation.apply(rule, &runs, &mut matches);
        }
    }
    verdict(&evaluation, matches)
}

/// For whom a rule matches, whatever its mode and its schools, and what it finds.
pub(super) fn alone(policy: &Policy, case: &Case<'_>, rule: &Rule) -> (Vec<usize>, Vec<Finding>) {
    let classes = classes(policy, case);
    let evaluation = Evaluation::new(policy, case, &classes);
    let mut matches = Matches { rules: Vec::new(), findings: Vec::new() };
    if rule.runs_on(evaluation.moment.date()) {
        let runs: Vec<(Mode, &Class)> = classes.iter().map(|class| (Mode::Enforce, class)).collect();
        evaluation.apply(rule, &runs, &mut matches);
    }
    let recipients = matches.rules.into_iter().flat_map(|found| found.recipients).collect();
    (recipients, matches.findings)
}

/// Whether a rule matches for a class of recipients, whatever its mode.
pub(super) fn matches(evaluation: &Evaluation<'_>, rule: &Rule, class: &Class) -> bool {
    evaluation.all_hold(&rule.when, class)
        && !rule.unless.iter().any(|condition| evaluation.holds(condition, class))
}

impl Evaluation<'_> {
    fn apply(&self, rule: &Rule, runs: &[(Mode, &Class)], matches: &mut Matches) {
        let Some((_, any_class)) = runs.first() else { return };
        // What is the same for all recipients is asked once, and first.
        let same = |condition: &&Condition| !condition.per_recipient;
        if !rule.when.iter().filter(same).all(|condition| self.holds(condition, any_class))
            || rule.unless.iter().filter(same).any(|condition| self.holds(condition, any_class))
        {
            return;
        }
        let differs = |condition: &&Condition| condition.per_recipient;
        let matching: Vec<&(Mode, &Class)> = runs
            .iter()
            .filter(|(_, class)| {
                rule.when.iter().filter(differs).all(|condition| self.holds(condition, class))
                    && !rule.unless.iter().filter(differs).any(|condition| self.holds(condition, class))
            })
            .collect();
        let Some((_, first)) = matching.first() else { return };
        let mut by_mode: BTreeMap<Mode, Vec<usize>> = BTreeMap::new();
        for (mode, class) in &matching {
            by_mode.entry(*mode).or_default().extend(&class.recipients);
        }
        for (mode, mut recipients) in by_mode.into_iter().rev() {
            recipients.sort_unstable();
            matches.rules.push(RuleMatch {
                rule: rule.id.clone(),
                mode,
                action: rule.then.action,
                recipients,
            });
        }
        let differ =
            |test: &Test| !test.groups().is_empty() || matches!(test, Test::Names(_) | Test::Apart(_));
        let differ = rule.when.iter().any(|condition| differ(&condition.test));
        let mut findings = Vec::new();
        for (_, class) in if differ { matching.as_slice() } else { &[] } {
            self.findings(rule, &rule.when, class, &mut findings);
        }
        if !differ {
            self.findings(rule, &rule.when, first, &mut findings);
        }
        findings.sort_by(|a, b| place(a).cmp(&place(b)));
        findings.dedup();
        let room = self.case.limits.hits.saturating_sub(matches.findings.len());
        findings.truncate(room);
        matches.findings.append(&mut findings);
    }

    /// What the conditions found that held; what stands in a `not` found nothing.
    fn findings(&self, rule: &Rule, conditions: &[Condition], class: &Class, found: &mut Vec<Finding>) {
        for condition in conditions {
            match &condition.test {
                Test::Words(_) | Test::Pattern(_) | Test::Identifiers(_) | Test::Confidentiality(_) => {
                    self.hit_findings(rule, &condition.test, found);
                }
                Test::Names(test) => self.name_findings(rule, test, class, found),
                Test::Header(test) => {
                    let values = self.values(&test.name).into_iter();
                    found.extend(values.filter(|(_, _, value)| satisfies(test, value)).map(
                        |(zone, span, _)| {
                            finding(rule, Detector::Header, &test.name, (zone, PartPath::root()), span)
                        },
                    ));
                }
                Test::Doubt(wanted) => found.extend(class.doubts.common(*wanted).iter().map(|doubt| {
                    let named = (Zone::Header, PartPath::root());
                    finding(rule, Detector::Recipient, doubt.name(), named, Span { start: 0, end: 0 })
                })),
                Test::Apart(wanted) => found.extend(
                    self.found_apart(*wanted, class)
                        .into_iter()
                        .map(|(detector, entity, at, span)| finding(rule, detector, entity, at, span)),
                ),
                Test::Marking(test) => found.extend(self.markings(test).map(|marked| {
                    finding(rule, Detector::Marking, &marked.by, (marked.zone, PartPath::root()), marked.span)
                })),
                Test::Secrets(test) => found.extend(self.found_secrets(test).map(|(text, secret)| {
                    let span = Span { start: secret.span.start, end: secret.span.end };
                    let at = (text.zone, text.part.clone());
                    finding(rule, Detector::Secrets, secret.kind.name(), at, span)
                })),
                Test::Attachment(test) => found.extend(self.attachments(test).map(|file| {
                    let named = (Zone::Filename, file.part.clone());
                    finding(rule, Detector::Attachment, file.item.kind.name(), named, self.name_of(file))
                })),
                Test::Protection(wanted) => found.extend(self.protected(wanted).map(|part| {
                    let named = (Zone::Attachment, part.path.clone());
                    finding(rule, Detector::Attachment, "protection", named, Span { start: 0, end: 0 })
                })),
                Test::Coverage(gaps) => {
                    found.extend(self.gaps(gaps).into_iter().map(|entry| {
                        let named = (Zone::Body, entry.part);
                        finding(rule, Detector::Coverage, entry.gap.name(), named, Span { start: 0, end: 0 })
                    }));
                }
                Test::Any(groups) | Test::All(groups) => {
                    for group in groups.iter().filter(|group| self.all_hold(group, class)) {
                        self.findings(rule, group, class, found);
                    }
                }
                _ => {}
            }
        }
    }

    /// Who is named, whether or not that is enough for the condition.
    pub(super) fn name_findings(
        &self,
        rule: &Rule,
        test: &NamesTest,
        class: &Class,
        found: &mut Vec<Finding>,
    ) {
        let texts = self.sweep.texts();
        for name in self.sweep.names(test, class) {
            let entity = format!("{}-{}", name.role.map_or("stranger", Role::name), name.form.name());
            found.extend(texts.get(name.hit.text).map(|text| {
                finding(rule, Detector::Names, &entity, (text.zone, text.part.clone()), name.hit.span)
            }));
        }
    }

    /// What lists, patterns and identifiers found, whether or not that is enough for the condition.
    pub(super) fn hit_findings(&self, rule: &Rule, test: &Test, found: &mut Vec<Finding>) {
        let mut add = |detector, name: Option<&str>, tally: &Tally| {
            self.tally_findings(rule, (detector, name), tally, found);
        };
        match test {
            Test::Words(test) => add(Detector::Words, Some(&test.name), &self.sweep.words(test)),
            Test::Pattern(test) => add(Detector::Pattern, Some(&test.name), &self.sweep.pattern(test)),
            Test::Identifiers(test) => add(Detector::Identifier, None, &self.sweep.identifiers(test)),
            Test::Confidentiality(test) => {
                let score = self.sweep.confidentiality(test.zones);
                for (name, _, tally) in &score.topics {
                    add(Detector::Words, Some(name), tally);
                }
                add(Detector::Identifier, None, &score.identifiers.1);
            }
            _ => {}
        }
    }

    /// The findings of one list, pattern or set of identifiers; identifiers go by the names of their kinds.
    fn tally_findings(
        &self,
        rule: &Rule,
        (detector, name): (Detector, Option<&str>),
        tally: &Tally,
        found: &mut Vec<Finding>,
    ) {
        let texts = self.sweep.texts();
        for hit in &tally.hits {
            let kind = || IdentifierKind::numbered(hit.owner).map_or("", IdentifierKind::name);
            let name = name.unwrap_or_else(kind);
            if let Some(text) = texts.get(hit.text) {
                let place = finding(rule, detector, name, (text.zone, text.part.clone()), hit.span);
                found.push(Finding { disguises: hit.by, term: hit.term(detector), ..place });
            }
        }
    }
}

fn place(finding: &Finding) -> (&PartPath, Zone, Span, &str) {
    (&finding.part, finding.zone, finding.span, &finding.entity)
}

fn finding(
    rule: &Rule,
    detector: Detector,
    entity: &str,
    (zone, part): (Zone, PartPath),
    span: Span,
) -> Finding {
    Finding {
        rule: rule.id.clone(),
        category: rule.category.clone(),
        severity: rule.severity,
        detector,
        entity: entity.to_owned(),
        zone,
        part,
        span,
        disguises: Disguises::NONE,
        term: None,
    }
}

/// Precedence: for each recipient the strongest action of the rules that are enforced. A message can be refused
/// at the SMTP door only as a whole, so where not everybody is refused, those who are get it returned.
fn verdict(evaluation: &Evaluation<'_>, matches: Matches) -> Verdict {
    let count = evaluation.case.envelope.recipients.len();
    let mut recipients = vec![Action::Pass; count];
    let mut whole = Action::Pass;
    for rule in matches.rules.iter().filter(|rule| rule.mode == Mode::Enforce) {
        whole = whole.max(rule.action);
        for index in &rule.recipients {
            if let Some(action) = recipients.get_mut(*index) {
                *action = rule.action.max(*action);
            }
        }
    }
    if recipients.iter().any(|action| *action != Action::Reject) {
        for action in recipients.iter_mut().filter(|action| **action == Action::Reject) {
            *action = Action::Return;
        }
    }
    Verdict {
        action: recipients.iter().copied().max().unwrap_or(whole),
        recipients,
        rules: matches.rules,
        findings: matches.findings,
        personal: evaluation.sweep.personal(),
        coverage: evaluation.sweep.coverage(),
        elapsed: None,
    }
}
