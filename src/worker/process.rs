//! One worker as the filter sees it: started, given jobs, ended, and asked why it died. Knows nothing of the pool.

use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};

use super::COMMAND;
use super::sandbox::{Demand, Measure, Sandbox};
use super::wire::{self, Answer, Broken, Job, Wire, timespec};
use crate::extract::document::{Inspection, Lock, MOST_LOCKS};
use crate::limits::Limits;
use crate::verdict::Gap;

/// What Rust's runtime says when memory is refused, before it aborts.
const NO_MEMORY: &[u8] = b"memory allocation of";

/// How much of what a worker says on its standard error is looked at.
const LAST_WORDS: u64 = 4 << 10;

/// How long a worker that closed its end may take to die by itself, so that its cause is its own.
const DYING: Duration = Duration::from_secs(1);

/// Why a worker could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The process did not start.
    #[error("a reader of documents does not start: {0}; may mailwarden's user run its own program?")]
    Spawn(#[from] io::Error),
    /// It did not answer as a worker does.
    #[error("a reader of documents started and said nothing sensible; is the program in {0} whole?")]
    Silent(String),
    /// The sandbox is not what the configuration demands.
    #[error(
        "the readers' sandbox lacks something ({0}) and the configuration requires all of it; use a newer kernel, \
         or set `sandbox = \"best\"` under [documents]"
    )]
    Sandbox(String),
    /// It took too long.
    #[error("no reader of documents started in time")]
    Late,
}

/// Why a worker is no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// It had not answered when its time was over.
    OutOfTime,
    /// It wanted more memory than it may have, or the system had no more.
    OutOfMemory,
    /// It made a system call that no reader makes.
    Forbidden,
    /// It died of something else.
    Crashed,
    /// Its reader panicked; what is left of it is not trusted.
    Panicked,
    /// What it answered makes no sense.
    Nonsense,
}

impl Cause {
    /// The cause as the log names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OutOfTime => "out-of-time",
            Self::OutOfMemory => "out-of-memory",
            Self::Forbidden => "forbidden-system-call",
            Self::Crashed => "crashed",
            Self::Panicked => "panicked",
            Self::Nonsense => "nonsense",
        }
    }

    /// What it leaves unread.
    pub const fn gap(self) -> Gap {
        match self {
            Self::OutOfTime => Gap::OutOfTime,
            Self::OutOfMemory => Gap::OutOfMemory,
            Self::Forbidden | Self::Crashed | Self::Panicked | Self::Nonsense => Gap::ReaderFailed,
        }
    }
}

/// A worker. Ended and reaped when it is dropped.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    wire: Wire,
    errors: UnixStream,
    /// What it is in.
    pub sandbox: Sandbox,
    /// Documents that it was given.
    pub jobs: u32,
}

impl Worker {
    /// Starts a worker and waits until it is ready. The thread that calls this must outlive it: the kernel ends a worker
    /// with the thread that started it (`PR_SET_PDEATHSIG`).
    ///
    /// # Errors
    /// When it does not start, or its sandbox is not what is demanded.
    pub fn start(
        program: &Path,
        limits: &Limits,
        demand: Demand,
        until: Instant,
    ) -> Result<Self, StartError> {
        let (ours, theirs) = UnixStream::pair()?;
        let (errors, their_errors) = UnixStream::pair()?;
        errors.set_nonblocking(true)?;
        let child = Command::new(program)
            .arg0("mailwarden")
            .arg(COMMAND)
            .env_clear()
            .current_dir("/")
            // A terminal's Ctrl-C is for the filter, which lets messages in progress finish.
            .process_group(0)
            .stdin(Stdio::from(OwnedFd::from(theirs.try_clone()?)))
            .stdout(Stdio::from(OwnedFd::from(theirs)))
            .stderr(Stdio::from(OwnedFd::from(their_errors)))
            .spawn()?;
        let mut worker = Self { child, wire: Wire::new(ours)?, errors, sandbox: Sandbox::default(), jobs: 0 };
        worker.sandbox = worker.greet(limits, until).map_err(|broken| match broken {
            Broken::Late => StartError::Late,
            Broken::Gone | Broken::Nonsense => StartError::Silent(program.display().to_string()),
        })?;
        match worker.sandbox.meets(demand) {
            true => Ok(worker),
            false => {
                let missing: Vec<&str> = worker.sandbox.missing().map(Measure::name).collect();
                Err(StartError::Sandbox(missing.join(", ")))
            }
        }
    }

    fn greet(&self, limits: &Limits, until: Instant) -> Result<Sandbox, Broken> {
        self.wire.send(&wire::frame(limits)?, until)?;
        self.wire.hear(wire::GREETING, until)
    }

    /// Whether it lives and waits for a job.
    pub fn is_ready(&self) -> bool {
        self.wire.is_quiet()
    }

    /// Lets it do a job, a document's bytes with it, and waits for that until `until`; it is asked to come to an end a tenth before.
    ///
    /// # Errors
    /// The worker is of no use then; [`Self::end`] says why.
    pub fn work(
        &mut self,
        mut job: Job,
        bytes: &[u8],
        limits: &Limits,
        until: Instant,
    ) -> Result<Answer, Broken> {
        self.jobs = self.jobs.saturating_add(1);
        let left = until.saturating_duration_since(Instant::now());
        job.milliseconds = u64::try_from((left - left / 10).as_millis()).unwrap_or(u64::MAX);
        job.bytes = bytes.len() as u64;
        self.wire.send(&wire::frame(&job)?, until)?;
        self.wire.send(bytes, until)?;
        let answer = self.wire.hear(wire::longest_answer(limits), until)?;
        match &answer {
            Answer::Read(inspection) if !is_sensible(inspection) => Err(Broken::Nonsense),
            Answer::Read(_) if !job.locks.is_empty() => Err(Broken::Nonsense),
            Answer::Tried(_) if job.locks.is_empty() => Err(Broken::Nonsense),
            _ => Ok(answer),
        }
    }

    /// Ends it, and says why it was of no more use.
    pub fn end(mut self, broken: Broken) -> Cause {
        if broken == Broken::Gone {
            self.wait_for_its_end();
        }
        let _ = self.child.kill();
        let status = self.child.wait();
        match broken {
            Broken::Late => Cause::OutOfTime,
            Broken::Nonsense => Cause::Nonsense,
            Broken::Gone => status.map_or(Cause::Crashed, |status| self.cause(status)),
        }
    }

    /// Lets a worker that is dying do so, for a moment: one that was killed would not tell why it died.
    fn wait_for_its_end(&self) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let Some(Ok(process)) = id.map(|id| pidfd_open(id, PidfdFlags::empty())) else { return };
        let _ = poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&timespec(DYING)));
    }

    fn cause(&self, status: ExitStatus) -> Cause {
        let mut words = Vec::new();
        let _ = (&self.errors).take(LAST_WORDS).read_to_end(&mut words);
        let said = |phrase: &[u8]| words.windows(phrase.len()).any(|window| window == phrase);
        match status.signal().and_then(Signal::from_named_raw) {
            Some(Signal::ABORT) if said(NO_MEMORY) => Cause::OutOfMemory,
            // Not by the filter, which would know: by the kernel, which was short of memory.
            Some(Signal::KILL) => Cause::OutOfMemory,
            Some(Signal::XCPU) => Cause::OutOfTime,
            Some(Signal::SYS) => Cause::Forbidden,
            _ => Cause::Crashed,
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether an inspection holds together: whoever took a worker over may answer anything.
fn is_sensible(inspection: &Inspection) -> bool {
    let Inspection { items, text, places, gaps, locks } = inspection;
    let is_item = |index: u32| usize::try_from(index).is_ok_and(|index| index < items.len());
    let in_text = |byte: u32| usize::try_from(byte).is_ok_and(|byte| text.is_char_boundary(byte));
    !items.is_empty()
        && locks.len() <= MOST_LOCKS
        && locks.iter().all(Lock::is_small)
        && gaps.iter().all(|(_, item)| is_item(*item))
        && places.marks.is_sorted_by_key(|mark| mark.start)
        && places.marks.iter().all(|mark| is_item(mark.item) && in_text(mark.start))
}
