//! `check`: reads a whole policy and the roll, points at each fault, runs every example. A policy that doesn't check is never loaded.

use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;
use serde_json::json;

use super::arguments::Check;
use super::paint::{self, Tone};
use super::people::people_in_words;
use super::policy_source::{PolicySource, read_sources, render};
use super::{CliError, Ended};
use crate::people::People;
use crate::policy::{Advice, EffectiveRule, ExampleFault, Fault, Policy, Warning, counted};
use crate::serve::{unoffered, upkeep};
use crate::verdict::Mode;

/// Checks a policy's folder.
pub fn run(source: &PolicySource, options: &Check) -> Result<Ended, CliError> {
    let directory = source.policy_directory(options.directory.as_deref())?;
    let sources = read_sources(&directory)?;
    // A folder that is named is meant by itself; the roll is then named too, or left out.
    let people = match options.directory {
        Some(_) if source.people.is_none() && source.config.is_none() => None,
        _ => Some(source.people()?).filter(|people| !people.roll().is_empty()),
    };
    // Who names a policy means that policy, not the machine's own configuration: there the made-up organisation may be meant.
    let config = match options.directory.is_none() && source.policy.is_none() {
        true => Some(source.config()?),
        false => None,
    };
    let now = Timestamp::now();
    let found = match Policy::compile(&sources) {
        Ok(policy) if options.effective => return effective(&policy, options),
        Ok(policy) => Found {
            faults: Vec::new(),
            examples: policy.check_examples(),
            warnings: policy.warnings().to_vec(),
            rules: policy.rules().len(),
            people,
            advice: match &config {
                Some(config) => upkeep(config, &policy, now),
                // Who names a policy may mean the made-up one, but hardly half of it.
                None => policy.left_over().into_iter().chain(policy.terms_ending(now)).collect(),
            },
            unoffered: config.and_then(|config| unoffered(&config, &policy)),
        },
        Err(faults) => Found {
            faults: faults.0,
            examples: Vec::new(),
            warnings: Vec::new(),
            rules: 0,
            people,
            advice: Vec::new(),
            unoffered: None,
        },
    };
    let text = if options.json { found.as_json(&directory) } else { found.for_people(&directory) };
    io::stdout().write_all(text.as_bytes()).map_err(CliError::io("standard output"))?;
    Ok(if found.is_sound() { Ended::Well } else { Ended::WithFaults })
}

/// What the check found.
struct Found {
    faults: Vec<Fault>,
    examples: Vec<ExampleFault>,
    warnings: Vec<Warning>,
    rules: usize,
    people: Option<People>,
    /// What wants doing all the same.
    advice: Vec<Advice>,
    /// What the configuration lacks for this policy.
    unoffered: Option<String>,
}

impl Found {
    fn is_sound(&self) -> bool {
        self.faults.is_empty() && self.examples.is_empty()
    }

    fn for_people(&self, directory: &Path) -> String {
        let mut text: String = self.faults.iter().map(|fault| render(fault)).collect();
        text.extend(self.examples.iter().map(|example| render(example)));
        text.extend(self.warnings.iter().map(|warning| render(warning)));
        if let Some(lacking) = &self.unoffered {
            text += &format!("{}  {lacking}\n\n", paint::paint("warning", Tone::Note));
        }
        for advice in &self.advice {
            text += &format!("{}  {advice}\n\n", paint::paint("advice", Tone::Note));
        }
        let place = directory.display();
        text += &if self.is_sound() {
            let ok = paint::paint("ok", Tone::Good);
            let people = self.people.as_ref();
            let on_roll = people.map_or_else(String::new, |people| {
                format!(", {} on the roll", people_in_words(people.roll()))
            });
            let warned = match self.warnings.len() {
                0 => String::new(),
                some => format!(", {}", counted(some, "warning")),
            };
            format!("{ok}  {place}: {}, every example holds{on_roll}{warned}\n", counted(self.rules, "rule"))
        } else {
            let faults = counted(self.faults.len() + self.examples.len(), "fault");
            format!(
                "{}  {place}: {faults}; this policy will not be loaded\n",
                paint::paint("not ok", Tone::Bad)
            )
        };
        text
    }

    fn as_json(&self, directory: &Path) -> String {
        let report = json!({
            "policy": directory,
            "ok": self.is_sound(),
            "rules": self.rules,
            "people": self.people.as_ref().map_or(0, |people| people.roll().len()),
            "faults": self.faults,
            "examples": self.examples,
            "warnings": self.warnings.iter().map(|warning| &warning.0).collect::<Vec<_>>(),
            "advice": self.advice,
            "configuration": self.unoffered,
        });
        format!("{report}\n")
    }
}

/// The policy in force for a school, rule by rule.
fn effective(policy: &Policy, options: &Check) -> Result<Ended, CliError> {
    let school = options.school.as_deref();
    let rules = policy.effective(school).ok_or_else(|| {
        CliError::Usage(format!("there is no school \"{}\" in organisation.toml", school.unwrap_or_default()))
    })?;
    let text = if options.json {
        serde_json::to_string(&rules).map_err(|error| CliError::Failed(error.to_string()))? + "\n"
    } else {
        let rows = rules.iter().map(|rule| effective_row(policy, rule)).collect();
        paint::table(&["rule", "mode", "action", "clause", ""], rows)
    };
    io::stdout().write_all(text.as_bytes()).map_err(CliError::io("standard output"))?;
    Ok(Ended::Well)
}

fn effective_row(policy: &Policy, effective: &EffectiveRule) -> Vec<String> {
    let rule = policy.rule(&effective.rule);
    vec![
        effective.rule.to_string(),
        effective.mode.map_or("off", Mode::name).to_owned(),
        rule.map(|rule| rule.then.action.to_string()).unwrap_or_default(),
        rule.and_then(|rule| rule.clause.clone()).unwrap_or_default(),
        if effective.overridden { "set by the school".to_owned() } else { String::new() },
    ]
}
