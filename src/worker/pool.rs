//! Workers kept ready, handed out one job at a time, and replaced when they are of no more use. Reads nothing itself.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::Serialize;
use tracing::{error, warn};

use super::process::{Cause, StartError, Worker};
use super::sandbox::{Demand, JOBS, Sandbox};
use super::wire::{Answer, Job};
use crate::extract::document::{Inspection, Inspector, Lock, Opened, sniff};
use crate::limits::Limits;
use crate::verdict::{Gap, Kind};

/// How long a worker may take to start.
const START: Duration = Duration::from_secs(10);

/// How a pool is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The program that becomes a worker when it is called with [`super::COMMAND`].
    pub program: PathBuf,
    /// How many workers there are; at least one is.
    pub workers: usize,
    /// What is demanded of their sandbox.
    pub demand: Demand,
    /// The caps.
    pub limits: Limits,
}

/// This program itself, whatever became of its file since it was started.
const OWN_PROGRAM: &str = "/proc/self/exe";

impl Settings {
    /// As many workers of this program as there are processors, at least two.
    pub fn own(limits: Limits) -> Self {
        let workers = thread::available_parallelism().map_or(2, usize::from).max(2);
        Self { program: OWN_PROGRAM.into(), workers, demand: Demand::Best, limits }
    }
}

/// A pool of workers. Before [`Pool::start`], as many are started as documents come at once; all end with the pool.
#[derive(Debug)]
pub struct Pool {
    shared: Arc<Shared>,
    keeper: OnceLock<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    settings: Settings,
    state: Mutex<State>,
    /// Somebody may find a worker now, or none will come.
    changed: Condvar,
    /// The keeper has something to do.
    wanted: Condvar,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Worker>,
    /// Workers that are done with, for the keeper to end.
    retired: Vec<Worker>,
    /// Workers that are idle, at work or being started.
    alive: usize,
    /// Workers that are wanted: as many as were at work at once, or all.
    wanted: usize,
    /// Whether the last one could not be started: the next attempt waits until somebody asks.
    failing: Option<Failing>,
    stopping: bool,
    counts: Counts,
    sandbox: Option<Sandbox>,
}

#[derive(Debug)]
struct Failing {
    why: Option<StartError>,
    asked: bool,
}

#[derive(Debug, Clone, Default)]
struct Counts {
    started: u64,
    failed_starts: u64,
    documents: u64,
    nobody_free: u64,
    died: Deaths,
}

/// How a pool is, for `status`.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// How many workers there may be.
    pub workers: usize,
    /// How many there are.
    pub running: usize,
    /// How many were started.
    pub started: u64,
    /// How often none could be started.
    pub failed_starts: u64,
    /// Documents that were given to workers.
    pub documents: u64,
    /// Documents for which no worker was to be had, or none in time.
    pub nobody_free: u64,
    /// Workers that ended over a document.
    pub died: Deaths,
    /// What the worker that was started last is in.
    pub sandbox: Option<Sandbox>,
}

/// Workers that ended over a document, by cause.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Deaths {
    /// Not done in time.
    pub out_of_time: u64,
    /// No memory.
    pub out_of_memory: u64,
    /// A system call that no reader makes.
    pub forbidden_system_call: u64,
    /// Anything else that ended them.
    pub crashed: u64,
    /// A panic of the reader.
    pub panicked: u64,
    /// An answer without sense.
    pub nonsense: u64,
}

impl Deaths {
    fn count(&mut self, cause: Cause) {
        let counter = match cause {
            Cause::OutOfTime => &mut self.out_of_time,
            Cause::OutOfMemory => &mut self.out_of_memory,
            Cause::Forbidden => &mut self.forbidden_system_call,
            Cause::Crashed => &mut self.crashed,
            Cause::Panicked => &mut self.panicked,
            Cause::Nonsense => &mut self.nonsense,
        };
        *counter = counter.saturating_add(1);
    }
}

impl Pool {
    /// A pool that starts its workers with the first documents.
    pub fn new(settings: Settings) -> Self {
        let shared = Shared {
            settings,
            state: Mutex::default(),
            changed: Condvar::default(),
            wanted: Condvar::default(),
        };
        Self { shared: Arc::new(shared), keeper: OnceLock::new() }
    }

    /// Starts all workers now, and waits for the first.
    ///
    /// # Errors
    /// When none can be started, or its sandbox is not what is demanded.
    pub fn start(&self) -> Result<(), StartError> {
        self.shared.lock().wanted = self.shared.settings.workers.max(1);
        match self.checkout(Instant::now() + START) {
            Ok(worker) => {
                self.shared.hand_back(worker);
                Ok(())
            }
            Err(_) => {
                let mut state = self.shared.lock();
                Err(state.failing.as_mut().and_then(|failing| failing.why.take()).unwrap_or(StartError::Late))
            }
        }
    }

    /// The caps.
    pub fn limits(&self) -> &Limits {
        &self.shared.settings.limits
    }

    /// An inspector whose every answer comes before that moment, when its message's time is over.
    pub fn before(&self, moment: Instant) -> Before<'_> {
        Before { pool: self, moment }
    }

    /// How it is.
    pub fn status(&self) -> Status {
        let state = self.shared.lock();
        let counts = state.counts.clone();
        Status {
            workers: self.shared.settings.workers.max(1),
            running: state.alive,
            started: counts.started,
            failed_starts: counts.failed_starts,
            documents: counts.documents,
            nobody_free: counts.nobody_free,
            died: counts.died,
            sandbox: state.sandbox.clone(),
        }
    }

    fn inspect_before(
        &self,
        name: Option<&str>,
        bytes: &[u8],
        passwords: &[String],
        moment: Instant,
    ) -> Inspection {
        let kind = sniff(bytes);
        let job = Job { name: name.map(str::to_owned), passwords: passwords.to_vec(), ..Job::default() };
        match self.done_before(job, bytes, kind, moment) {
            Ok(Answer::Read(inspection)) => inspection,
            // The other arm is never reached: a job with a document is answered with what was read.
            Ok(_) => Inspection::failed(kind, name, bytes.len() as u64, Gap::ReaderFailed),
            Err(gap) => Inspection::failed(kind, name, bytes.len() as u64, gap),
        }
    }

    fn try_before(&self, locks: &[Lock], words: &[String], moment: Instant) -> Vec<Opened> {
        if locks.is_empty() || words.is_empty() {
            return Vec::new();
        }
        let job = Job { passwords: words.to_vec(), locks: locks.to_vec(), ..Job::default() };
        match self.done_before(job, &[], Kind::Unknown, moment) {
            Ok(Answer::Tried(opened)) => opened,
            _ => Vec::new(),
        }
    }

    /// Has a job done by a worker; what became of it, or why nothing did.
    fn done_before(&self, job: Job, bytes: &[u8], kind: Kind, moment: Instant) -> Result<Answer, Gap> {
        let mut worker = match self.checkout(moment) {
            Ok(worker) => worker,
            Err(gap) => {
                self.shared.lock().counts.nobody_free += 1;
                return Err(gap);
            }
        };
        self.shared.lock().counts.documents += 1;
        let limits = self.limits();
        let until = moment.min(Instant::now() + Duration::from_millis(limits.document_milliseconds));
        match worker.work(job, bytes, limits, until) {
            Ok(Answer::Panicked) => {
                self.shared.bury(Cause::Panicked, kind, bytes.len());
                Err(Cause::Panicked.gap())
            }
            Ok(answer) => {
                self.shared.hand_back(worker);
                Ok(answer)
            }
            Err(broken) => {
                let cause = worker.end(broken);
                self.shared.bury(cause, kind, bytes.len());
                Err(cause.gap())
            }
        }
    }

    /// A worker for one job, or why there is none.
    fn checkout(&self, until: Instant) -> Result<Worker, Gap> {
        if !self.is_kept() {
            return Err(Gap::ReaderFailed);
        }
        let mut state = self.shared.lock();
        let failed_before = state.counts.failed_starts;
        let mut asked = false;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Gap::OutOfTime);
            }
            while let Some(worker) = state.idle.pop() {
                if worker.is_ready() {
                    return Ok(worker);
                }
                // Died while it had nothing to do: ended by the kernel for want of memory, or by somebody.
                warn!("a reader of documents ended while it was idle; another takes its place");
                state.retired.push(worker);
                state.alive -= 1;
                state.counts.died.count(Cause::Crashed);
                self.shared.wanted.notify_one();
            }
            if state.alive == 0 && state.counts.failed_starts > failed_before {
                return Err(Gap::ReaderFailed);
            }
            if !asked {
                asked = true;
                self.shared.ask(&mut state);
            }
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Starts the thread that starts workers, once; whether there is one.
    fn is_kept(&self) -> bool {
        let spawn = || {
            let shared = Arc::clone(&self.shared);
            thread::Builder::new().name("workers".to_owned()).spawn(move || shared.keep()).ok()
        };
        self.keeper.get_or_init(spawn).is_some()
    }
}

impl Inspector for Pool {
    fn inspect(&self, name: Option<&str>, bytes: &[u8]) -> Inspection {
        self.inspect_with(name, bytes, &[])
    }

    fn inspect_with(&self, name: Option<&str>, bytes: &[u8], passwords: &[String]) -> Inspection {
        let patience = Duration::from_millis(self.limits().scan_milliseconds);
        self.inspect_before(name, bytes, passwords, Instant::now() + patience)
    }

    fn try_locks(&self, locks: &[Lock], words: &[String]) -> Vec<Opened> {
        let patience = Duration::from_millis(self.limits().scan_milliseconds);
        self.try_before(locks, words, Instant::now() + patience)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.lock().stopping = true;
        self.shared.wanted.notify_all();
        if let Some(keeper) = self.keeper.take().flatten() {
            let _ = keeper.join();
        }
    }
}

/// A pool for one message; see [`Pool::before`].
#[derive(Debug, Clone, Copy)]
pub struct Before<'p> {
    pool: &'p Pool,
    moment: Instant,
}

impl Inspector for Before<'_> {
    fn inspect(&self, name: Option<&str>, bytes: &[u8]) -> Inspection {
        self.inspect_with(name, bytes, &[])
    }

    fn inspect_with(&self, name: Option<&str>, bytes: &[u8], passwords: &[String]) -> Inspection {
        self.pool.inspect_before(name, bytes, passwords, self.moment)
    }

    fn try_locks(&self, locks: &[Lock], words: &[String]) -> Vec<Opened> {
        self.pool.try_before(locks, words, self.moment)
    }
}

impl Shared {
    /// The state; a thread that panicked with it in hand left it whole, as each change is one step.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for another worker, where there may be more.
    fn ask(&self, state: &mut State) {
        let most = self.settings.workers.max(1);
        if state.alive >= state.wanted {
            state.wanted = state.wanted.saturating_add(1).min(most);
        }
        if let Some(failing) = &mut state.failing {
            failing.asked = true;
        }
        self.wanted.notify_one();
    }

    /// Takes a worker back after a job that went well.
    fn hand_back(&self, worker: Worker) {
        let mut state = self.lock();
        if worker.jobs < JOBS {
            state.idle.push(worker);
            self.changed.notify_one();
        } else {
            state.retired.push(worker);
            state.alive -= 1;
            self.wanted.notify_one();
        }
    }

    /// Notes the end of a worker, once in the log and without a word of the document.
    fn bury(&self, cause: Cause, kind: Kind, bytes: usize) {
        warn!(cause = cause.name(), kind = kind.name(), bytes, "a reader of documents failed on one of them");
        let mut state = self.lock();
        state.alive -= 1;
        state.counts.died.count(cause);
        self.wanted.notify_one();
    }

    /// Keeps as many workers as there are to be, until the pool ends. One thread does that for its whole life: a worker
    /// ends with the thread that started it.
    fn keep(&self) {
        let mut state = self.lock();
        loop {
            let retired = std::mem::take(&mut state.retired);
            if !retired.is_empty() {
                drop(state);
                drop(retired);
                state = self.lock();
                continue;
            }
            if state.stopping {
                let idle = std::mem::take(&mut state.idle);
                drop(state);
                drop(idle);
                return;
            }
            let may_start = state.failing.as_ref().is_none_or(|failing| failing.asked);
            if state.alive >= state.wanted || !may_start {
                state = self.wanted.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.alive += 1;
            drop(state);
            let Settings { program, limits, demand, .. } = &self.settings;
            let started = Worker::start(program, limits, *demand, Instant::now() + START);
            state = self.lock();
            self.note_start(&mut state, started);
        }
    }

    fn note_start(&self, state: &mut State, started: Result<Worker, StartError>) {
        match started {
            Ok(worker) => {
                state.failing = None;
                state.counts.started += 1;
                state.sandbox = Some(worker.sandbox.clone());
                state.idle.push(worker);
                self.changed.notify_one();
            }
            Err(why) => {
                if state.failing.is_none() {
                    error!("documents cannot be read: {why}");
                }
                state.failing = Some(Failing { why: Some(why), asked: false });
                state.alive -= 1;
                state.counts.failed_starts += 1;
                self.changed.notify_all();
            }
        }
    }
}
