//! `evaluate`: how well a policy finds what labelled messages are, and how often it is wrong. Changes nothing anywhere.

mod labelled;
mod labels;
mod metrics;
mod outcome;
mod report;
mod sweep;

use std::io::{self, Write};

use labelled::{Case, Reader, address};
use labels::Labels;
use outcome::{Grounds, Outcome};
use sweep::Ground;

use super::arguments::{EnvelopeOptions, Evaluate, Way};
use super::backtest::progress;
use super::policy_source::PolicySource;
use super::{CliError, Ended, input};
use crate::message::Address;
use crate::policy::{Direction, Policy};

/// Sweeps every labelled message and compares what was found with what is there.
pub fn run(source: &PolicySource, options: &Evaluate) -> Result<Ended, CliError> {
    let (policy, workers) = source.policy()?;
    let people = source.people()?;
    let at = EnvelopeOptions { at: Some(options.at.clone()), ..EnvelopeOptions::default() };
    let moment = input::moment(&at, &policy.organisation().time_zone)?;
    let mut labels = Labels::of(&policy);
    declare(&mut labels, &options.groups)?;
    let cases = read(&policy, &mut labels, options)?;
    let bar = progress(cases.len(), "messages");
    let (policy, reveal) = (&policy, options.reveal);
    let ground = Ground { policy, people: &people, workers: &workers, moment: &moment, reveal };
    let swept = sweep::sweep_all(&cases, &ground, &bar);
    bar.finish_and_clear();
    let outcome = Outcome::of(
        &swept?,
        &Grounds {
            policy,
            labels: &labels,
            direction: options.direction.into(),
            at: &moment,
            worst: options.worst,
        },
    );
    let text = match options.json {
        true => serde_json::to_string(&outcome).map_err(|error| CliError::Failed(error.to_string()))? + "\n",
        false => report::for_people(&outcome),
    };
    io::stdout().write_all(text.as_bytes()).map_err(CliError::io("standard output"))?;
    Ok(Ended::Well)
}

/// Declares the groups of the arguments, in their order: one may name an earlier one.
fn declare(labels: &mut Labels, groups: &[String]) -> Result<(), CliError> {
    for group in groups {
        let wrong = |message: String| CliError::Usage(format!("--group {group}: {message}"));
        let (name, members) = group
            .split_once('=')
            .ok_or_else(|| wrong("write it as offensive=swearing,harassment".to_owned()))?;
        let members = members.split(',').map(str::trim).filter(|member| !member.is_empty());
        let members: Vec<String> = members.map(str::to_owned).collect();
        labels.declare(name.trim(), &members).map_err(|error| wrong(error.to_string()))?;
    }
    Ok(())
}

fn read(policy: &Policy, labels: &mut Labels, options: &Evaluate) -> Result<Vec<Case>, CliError> {
    let parse = |option: &str, written: &String| -> Result<Address, CliError> {
        address(written).map_err(|message| CliError::Usage(format!("{option} {written}: {message}")))
    };
    let mut reader = Reader {
        policy,
        labels,
        direction: options.direction.into(),
        from: options.from.as_ref().map(|written| parse("--from", written)).transpose()?,
        to: options.to.iter().map(|written| parse("--to", written)).collect::<Result<_, _>>()?,
        ordinary: options.ordinary,
        cases: Vec::new(),
        faults: Vec::new(),
    };
    for path in &options.files {
        reader.path(path)?;
    }
    let cases = reader.finish()?;
    if cases.is_empty() {
        return Err(CliError::Faults("no message there: nothing was measured".to_owned()));
    }
    let labelled = cases.iter().any(|case| !case.labels.is_empty() && !case.needs_reader);
    if !labelled && !options.ordinary {
        return Err(CliError::Faults(
            "no message bears a label, so there is no recall to measure; label some, or measure false alarms \
             alone with --ordinary"
                .to_owned(),
        ));
    }
    Ok(cases)
}

impl From<Way> for Direction {
    fn from(way: Way) -> Self {
        match way {
            Way::Inbound => Self::Inbound,
            Way::Outbound => Self::Outbound,
            Way::Internal => Self::Internal,
        }
    }
}
