//! The corpus of documents, and ten thousand changed copies of it, each read by a worker of the shipped program: an answer
//! for each within its time, no worker that does what no reader does, and a filter that stays as small as it was.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic: that is how it fails"
)]

#[path = "support/damage.rs"]
mod damage;
#[path = "support/files.rs"]
mod files;
#[path = "support/memory.rs"]
mod memory;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use damage::changed;
use files::files_below;
use mailwarden::extract::document::Inspector;
use mailwarden::limits::Limits;
use mailwarden::verdict::Gap;
use mailwarden::worker::{Pool, Settings};
use memory::resident_kilobytes;

/// How many changed documents are read, after those that are as they are.
const CHANGED: usize = 10_000;
/// What the filter may have more at the end than after the first tenth, in kilobytes.
const GROWTH: u64 = 32 << 10;
/// How long an answer may take beyond the time that a document has: starting a worker, and a machine that does other things.
const MORE: Duration = Duration::from_secs(2);

#[test]
fn documents_and_changed_ones_are_each_answered_in_time() {
    let corpus =
        std::env::var_os("MAILWARDEN_CORPUS").map_or_else(|| "../shared/corpus".into(), PathBuf::from);
    let files = files_below(&corpus.join("documents"));
    assert!(files.len() > 200, "only {} documents under {}", files.len(), corpus.display());
    let run = Run::over(files);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| while run.next() {});
        }
    });
    let status = run.pool.status();
    let (gaps, slowest) = (run.gaps.into_inner().unwrap(), run.slowest.into_inner().unwrap());
    println!("slowest: {slowest:?}\ngaps: {gaps:?}\nworkers: {status:?}");
    assert_eq!((status.documents, status.nobody_free), (run.all as u64, 0));
    let died = &status.died;
    // No system call that is not allowed, no crash, and as little as panics nothing that the deadline had to end.
    assert_eq!((died.forbidden_system_call, died.crashed, died.nonsense), (0, 0, 0), "{status:?}");
    let most = Duration::from_millis(Limits::default().document_milliseconds) + MORE;
    assert!(slowest.0 <= most, "{slowest:?}");
    let grown = resident_kilobytes().saturating_sub(run.early.load(Ordering::Relaxed));
    assert!(grown < GROWTH, "the filter has {grown} kB more than at first");
}

/// The documents on their way through the workers.
struct Run {
    pool: Pool,
    files: Vec<PathBuf>,
    all: usize,
    next: AtomicUsize,
    /// What this process had after the first tenth, in kilobytes.
    early: AtomicU64,
    gaps: Mutex<BTreeMap<Gap, usize>>,
    slowest: Mutex<(Duration, String)>,
}

impl Run {
    fn over(files: Vec<PathBuf>) -> Self {
        let program = env!("CARGO_BIN_EXE_mailwarden").into();
        Self {
            pool: Pool::new(Settings { program, ..Settings::own(Limits::default()) }),
            all: files.len() + CHANGED,
            files,
            next: AtomicUsize::default(),
            early: AtomicU64::default(),
            gaps: Mutex::default(),
            slowest: Mutex::default(),
        }
    }

    /// Has the next document read; whether there was one.
    fn next(&self) -> bool {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if number >= self.all {
            return false;
        }
        if number == self.all / 10 {
            self.early.store(resident_kilobytes(), Ordering::Relaxed);
        }
        let file = &self.files[number % self.files.len()];
        let name = file.file_name().unwrap().to_str().unwrap();
        let mut bytes = fs::read(file).unwrap();
        let copy = (number / self.files.len()) as u64;
        if copy > 0 {
            bytes = changed(name, &bytes, copy);
        }
        let started = Instant::now();
        let inspection = self.pool.inspect(Some(name), &bytes);
        let took = started.elapsed();
        let what = format!("{name}, change {copy}");
        assert!(!inspection.items.is_empty(), "{what}: no answer");
        for (gap, _) in inspection.gaps {
            *self.gaps.lock().unwrap().entry(gap).or_default() += 1;
            if matches!(gap, Gap::ReaderFailed | Gap::OutOfTime | Gap::OutOfMemory) {
                println!("{what}: {gap}");
            }
        }
        let mut slowest = self.slowest.lock().unwrap();
        if took > slowest.0 {
            *slowest = (took, what);
        }
        true
    }
}
