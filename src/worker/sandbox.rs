//! What a worker takes away from itself before it reads the first document. Never gives anything back.
//!
//! Each measure stands alone: what one kernel lacks, the others still hold. No file can be opened (Landlock, no free
//! descriptor, no system call), nothing can be sent but on the descriptors that are there, no process started, no more
//! memory taken than the cap, and the worker's end follows the filter's.

use std::collections::BTreeMap;
use std::fs;

use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetError, RulesetStatus, Scope};
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, set_dumpable_behavior, set_parent_process_death_signal,
    setrlimit,
};
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities, set_no_new_privs};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::system_calls;
use crate::limits::Limits;

/// Documents that one worker reads before it is replaced, so that nothing lingers in it.
pub const JOBS: u32 = 100;

/// The newest Landlock that is asked for; an older kernel enforces what it knows of it.
const LANDLOCK: ABI = ABI::V6;

/// Address space that a process of this program takes for itself, where the system doesn't say.
const OWN_BYTES: u64 = 256 << 20;

/// What may be demanded of the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Demand {
    /// Every measure that the system has.
    #[default]
    Best,
    /// Every measure; without one of them no document is read and the filter does not start.
    Required,
}

/// Something that a worker takes away from itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Limits of resources: memory, processor time, no processes, no files, no core dumps (`setrlimit(2)`).
    Limits,
    /// No privileges are left, and none are gained by running anything.
    Privileges,
    /// No other process of the same user may look into it (`PR_SET_DUMPABLE`).
    Privacy,
    /// It ends when the filter does (`PR_SET_PDEATHSIG`). One whose filter was gone before that was in force ends as
    /// well: its greeting, or its wait for a first document, finds the other end closed.
    EndsWithFilter,
    /// No access to files, TCP, abstract sockets and other processes (`landlock(7)`).
    Landlock,
    /// Only the system calls that reading needs (`seccomp(2)`).
    SystemCalls,
}

/// How far a measure is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Force {
    /// Wholly.
    InForce,
    /// As far as this kernel knows it.
    Partly,
    /// Not at all: the system lacks it.
    Missing,
}

/// The sandbox that a worker is in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sandbox(pub BTreeMap<Measure, Force>);

impl Measure {
    /// The measure's name as `status` writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Limits => "limits",
            Self::Privileges => "privileges",
            Self::Privacy => "privacy",
            Self::EndsWithFilter => "ends-with-filter",
            Self::Landlock => "landlock",
            Self::SystemCalls => "system-calls",
        }
    }
}

impl Sandbox {
    /// Whether it is what is demanded. What a kernel knows in part is enough: the system calls cover the rest.
    pub fn meets(&self, demand: Demand) -> bool {
        demand == Demand::Best || !(self.0.is_empty() || self.missing().next().is_some())
    }

    /// What is not in force at all.
    pub fn missing(&self) -> impl Iterator<Item = Measure> {
        self.0.iter().filter(|(_, force)| **force == Force::Missing).map(|(measure, _)| *measure)
    }
}

/// Takes the sandbox around this process, for good. What the system lacks is told, and the rest taken.
pub fn enter(limits: &Limits) -> Sandbox {
    // Where memory is short, the kernel is to end a worker before the filter.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    let told = |done: bool| if done { Force::InForce } else { Force::Missing };
    let memory = limits.document_memory_bytes.saturating_add(own_bytes());
    let mut measures = BTreeMap::new();
    measures.insert(Measure::Privacy, told(set_dumpable_behavior(DumpableBehavior::NotDumpable).is_ok()));
    let ends = set_parent_process_death_signal(Some(Signal::KILL)).is_ok();
    measures.insert(Measure::EndsWithFilter, told(ends));
    measures.insert(Measure::Privileges, told(drop_privileges()));
    measures.insert(Measure::Landlock, landlock().unwrap_or(Force::Missing));
    // After Landlock, which needs a descriptor for a moment.
    measures.insert(Measure::Limits, told(limit(memory, processor_seconds(limits))));
    measures.insert(Measure::SystemCalls, told(system_calls::restrict().is_ok()));
    Sandbox(measures)
}

fn drop_privileges() -> bool {
    let none = CapabilitySet::empty();
    let none = CapabilitySets { effective: none, permitted: none, inheritable: none };
    let dropped = set_capabilities(None, none).is_ok();
    set_no_new_privs(true).is_ok() && dropped
}

/// No rule is added to the ruleset: nothing that it handles is allowed.
fn landlock() -> Result<Force, RulesetError> {
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(LANDLOCK))?
        .handle_access(AccessNet::from_all(LANDLOCK))?
        .scope(Scope::from_all(LANDLOCK))?
        .create()?
        .restrict_self()?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => Force::InForce,
        RulesetStatus::PartiallyEnforced => Force::Partly,
        _ => Force::Missing,
    })
}

fn limit(memory: u64, processor_seconds: u64) -> bool {
    let limits = [
        (Resource::As, memory),
        (Resource::Cpu, processor_seconds),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
        (Resource::Nproc, 0),
        (Resource::Memlock, 0),
        (Resource::Msgqueue, 0),
        (Resource::Nofile, 0),
    ];
    let set = |(resource, most)| setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    limits.into_iter().map(set).filter(Result::is_err).count() == 0
}

/// Address space that the process has already: its program and libraries.
fn own_bytes() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_ascii_whitespace().next().and_then(|pages| pages.parse::<u64>().ok());
    pages.map_or(OWN_BYTES, |pages| pages.saturating_mul(rustix::param::page_size() as u64))
}

/// What all jobs of a worker together may take: a backstop, should nobody be there to end it.
fn processor_seconds(limits: &Limits) -> u64 {
    (limits.document_milliseconds / 1_000).saturating_add(1).saturating_mul(JOBS.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sandbox_of_which_something_is_missing_is_not_what_is_required() {
        let with = |force| Sandbox([(Measure::Landlock, force), (Measure::Limits, Force::InForce)].into());
        assert!(with(Force::Missing).meets(Demand::Best));
        assert!(!with(Force::Missing).meets(Demand::Required));
        assert!(with(Force::Partly).meets(Demand::Required));
        assert!(with(Force::InForce).meets(Demand::Required));
        assert!(!Sandbox::default().meets(Demand::Required));
    }
}
