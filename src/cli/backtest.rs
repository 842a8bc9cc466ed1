//! `backtest`: what a changed policy would have done otherwise, in counts. Changes nothing anywhere.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::arguments::Backtest;
use super::policy_source::{PolicySource, load_policy};
use super::{CliError, Ended, input, paint, scan};
use crate::people::People;
use crate::policy::{Policy, counted};
use crate::verdict::{Action, Mode, Verdict};
use crate::worker::Pool;

/// Scans every message with both policies and compares.
pub fn run(source: &PolicySource, options: &Backtest) -> Result<Ended, CliError> {
    let (now, workers) = source.policy()?;
    let then = load_policy(&options.against)?;
    let people = source.people()?;
    let files = input::files(&options.files)?;
    let bar = progress(files.len(), "files");
    let mut outcome = Outcome::default();
    for file in files {
        for message in input::messages(&file)? {
            let [before, after] = judge(&message, &[(&now, &people), (&then, &people)], options, &workers)?;
            outcome.add(&message.name, &before, &after);
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let text = match options.json {
        true => serde_json::to_string(&outcome).map_err(|error| CliError::Failed(error.to_string()))? + "\n",
        false => outcome.for_people(options.list),
    };
    io::stdout().write_all(text.as_bytes()).map_err(CliError::io("standard output"))?;
    Ok(Ended::Well)
}

/// What both policies say, and where they differ.
#[derive(Default, Serialize)]
struct Outcome {
    messages: usize,
    differing: usize,
    actions: BTreeMap<String, usize>,
    rules: BTreeMap<String, RuleCount>,
    differences: Vec<Difference>,
}

/// How often a rule matched, with either policy.
#[derive(Default, Serialize)]
struct RuleCount {
    before: usize,
    after: usize,
}

/// A message that would fare otherwise.
#[derive(Serialize)]
struct Difference {
    file: String,
    before: Action,
    after: Action,
}

impl Outcome {
    fn add(&mut self, file: &str, before: &Verdict, after: &Verdict) {
        self.messages += 1;
        for found in &before.rules {
            self.rules.entry(found.rule.to_string()).or_default().before += 1;
        }
        for found in &after.rules {
            self.rules.entry(found.rule.to_string()).or_default().after += 1;
        }
        if before.recipients != after.recipients || before.action != after.action {
            self.differing += 1;
            *self.actions.entry(format!("{} -> {}", before.action, after.action)).or_default() += 1;
            self.differences.push(Difference {
                file: file.to_owned(),
                before: before.action,
                after: after.action,
            });
        }
    }

    fn for_people(&self, list: bool) -> String {
        let mut text =
            format!("{}, {} would fare otherwise\n", counted(self.messages, "message"), self.differing);
        if !self.actions.is_empty() {
            let rows = self
                .actions
                .iter()
                .map(|(change, number)| vec![change.clone(), number.to_string()])
                .collect();
            text += &format!("\n{}", paint::table(&["action", "messages"], rows));
        }
        let changed = self.rules.iter().filter(|(_, count)| count.before != count.after);
        let rows: Vec<Vec<String>> = changed
            .map(|(rule, count)| vec![rule.clone(), count.before.to_string(), count.after.to_string()])
            .collect();
        if !rows.is_empty() {
            text += &format!("\n{}", paint::table(&["rule", "before", "after"], rows));
        }
        for difference in self.differences.iter().filter(|_| list) {
            text += &format!("{} -> {}  {}\n", difference.before, difference.after, difference.file);
        }
        text
    }
}

fn judge<const N: usize>(
    message: &input::Input,
    policies: &[(&Policy, &People); N],
    options: &Backtest,
    workers: &Pool,
) -> Result<[Verdict; N], CliError> {
    let envelope = input::envelope(&message.raw, &options.envelope, workers.limits());
    let mut verdicts: [Verdict; N] = std::array::from_fn(|_| Verdict::default());
    for (verdict, means) in verdicts.iter_mut().zip(policies) {
        let moment = input::moment(&options.envelope, &means.0.organisation().time_zone)?;
        *verdict = scan::sweep(message, &envelope, *means, workers, &moment).verdict;
        // Rules that only watch change nothing that anybody would notice.
        verdict.rules.retain(|found| found.mode != Mode::Observe);
    }
    Ok(verdicts)
}

/// A progress bar on the standard error, where somebody sees it.
pub fn progress(number: usize, noun: &str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(number as u64);
    if let Ok(style) =
        ProgressStyle::with_template(&format!("{{bar:40}} {{pos}} of {{len}} {noun}, {{eta}} to go"))
    {
        bar.set_style(style);
    }
    bar
}
