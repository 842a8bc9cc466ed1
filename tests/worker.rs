//! What happens when a reader of documents misbehaves: this program is the test and, called as a worker, the culprit.
//!
//! As a worker it takes the same sandbox as the filter's own, and then does what the "document" tells it to.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may panic: that is how it fails"
)]

#[path = "support/files.rs"]
mod files;
#[path = "support/memory.rs"]
mod memory;

use std::fs;
use std::hint::black_box;
use std::io::{self, BufRead, Read};
use std::mem::ManuallyDrop;
use std::net::{TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use files::files_below;
use landlock::{AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr};
use libtest_mimic::{Arguments, Trial};
use mailwarden::extract::document::{InProcess, Inspection, Inspector, Item, sniff};
use mailwarden::limits::Limits;
use mailwarden::verdict::{Gap, Kind};
use mailwarden::worker::sandbox::{Force, JOBS, Measure};
use mailwarden::worker::{self, Demand, Pool, Settings};
use memory::resident_kilobytes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, getpid, kill_process, pidfd_open, set_child_subreaper, wait,
};

/// Called with this, the program has a worker at work until it is ended.
const FILTER: &str = "be-a-filter";
/// Called with this, the program starts workers, and ends on the spot while they start.
const SHORT_LIVED: &str = "be-a-short-lived-filter";
/// Called with this, the program has such filters, inherits their workers and waits until none is left.
const HEIR: &str = "be-an-heir";

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some(worker::COMMAND) => return worker::serve(&misbehave),
        Some(FILTER) => return be_a_filter(),
        Some(SHORT_LIVED) => return be_a_short_lived_filter(),
        Some(HEIR) => return be_an_heir(),
        _ => {}
    }
    let tests: Vec<(&str, fn())> = vec![
        ("what_it_reads_comes_back", what_it_reads_comes_back),
        ("the_sandbox_is_in_force", the_sandbox_is_in_force),
        ("one_that_aborts", one_that_aborts),
        ("one_that_panics", one_that_panics),
        ("one_that_runs_out_of_stack", one_that_runs_out_of_stack),
        ("one_that_hangs", one_that_hangs),
        ("one_that_comes_to_an_end_when_asked", one_that_comes_to_an_end_when_asked),
        ("one_that_swells_at_once", one_that_swells_at_once),
        ("one_that_swells_bit_by_bit", one_that_swells_bit_by_bit),
        ("one_that_opens_a_file", one_that_opens_a_file),
        ("one_that_writes_a_file", one_that_writes_a_file),
        ("one_that_reads_what_was_left_open", one_that_reads_what_was_left_open),
        ("one_that_makes_memory_executable", one_that_makes_memory_executable),
        ("one_that_opens_a_socket", one_that_opens_a_socket),
        ("one_that_starts_a_program", one_that_starts_a_program),
        ("one_that_starts_a_thread", one_that_starts_a_thread),
        ("one_that_ends_another_process", one_that_ends_another_process),
        ("one_that_answers_nonsense", one_that_answers_nonsense),
        ("one_that_answers_without_end", one_that_answers_without_end),
        ("a_hundred_documents_on_two_workers", a_hundred_documents_on_two_workers),
        ("no_worker_reads_for_ever", no_worker_reads_for_ever),
        ("a_message_whose_time_is_over_is_not_waited_for", a_message_whose_time_is_over_is_not_waited_for),
        ("a_program_that_is_no_worker_costs_no_time", a_program_that_is_no_worker_costs_no_time),
        ("a_worker_outside_of_a_sandbox_is_not_used_where_it_is_required", outside_of_a_sandbox),
        ("workers_end_with_their_pool", workers_end_with_their_pool),
        ("workers_end_with_their_filter", workers_end_with_their_filter),
        (
            "workers_that_were_starting_end_with_their_filter",
            workers_that_were_starting_end_with_their_filter,
        ),
        ("a_worker_reads_what_is_read_without_one", a_worker_reads_what_is_read_without_one),
    ];
    let trial = |(name, test): (&str, fn())| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    libtest_mimic::run(&Arguments::from_args(), tests.into_iter().map(trial).collect()).exit_code()
}

/// Does what the document says.
fn misbehave(
    name: Option<&str>,
    bytes: &[u8],
    _passwords: &[String],
    limits: &Limits,
    expired: &dyn Fn() -> bool,
) -> Inspection {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let (what, with) = text.split_once(' ').unwrap_or((&text, ""));
    match what {
        "abort" => std::process::abort(),
        "panic" => panic!("over {with}"),
        "deep" => say(name, deep(0)),
        "hang" => loop {
            std::hint::spin_loop();
        },
        "obey" => {
            while !expired() {
                std::hint::spin_loop();
            }
            let mut inspection = say(name, "half");
            inspection.gaps.push((Gap::OutOfTime, 0));
            inspection
        }
        "swell" => say(name, vec![1_u8; usize::try_from(limits.document_memory_bytes).unwrap()].len()),
        "grow" => {
            let mut kept: Vec<Vec<u8>> = Vec::new();
            loop {
                kept.push(black_box(vec![1; 100_000]));
            }
        }
        "open" => say(name, told(fs::read(with))),
        "write" => say(name, told(fs::write(with, b"out"))),
        "borrow" => {
            // Dropped, it would be closed, which asks more of the system than reading.
            let mut file = ManuallyDrop::new(left_open(with.parse().unwrap()));
            say(name, told(file.read(&mut [0])))
        }
        "map" => say(name, executable_memory()),
        "connect" => say(name, told(TcpStream::connect(with))),
        "send" => say(name, told(UdpSocket::bind("127.0.0.1:0"))),
        "run" => say(name, told(Command::new("/bin/true").status())),
        "thread" => say(name, told(thread::Builder::new().spawn(|| ()))),
        "kill" => {
            let victim = Pid::from_raw(with.parse().unwrap()).unwrap();
            say(name, told(kill_process(victim, Signal::KILL)))
        }
        "lie" => {
            let mut inspection = say(name, "a lie");
            inspection.gaps.push((Gap::Encrypted, 77));
            inspection
        }
        "talk" => say(name, "talk ".repeat(limits.part_text_bytes)),
        "id" => say(name, std::process::id()),
        "keep" => say(name, bytes.len()),
        _ => say(name, text.trim()),
    }
}

#[allow(unsafe_code, reason = "nobody else in this process uses what its parent left open")]
fn left_open(descriptor: i32) -> fs::File {
    unsafe { fs::File::from_raw_fd(descriptor) }
}

#[allow(unsafe_code, reason = "nobody uses the memory")]
fn executable_memory() -> bool {
    let (rights, kind) = (libc::PROT_READ | libc::PROT_EXEC, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    unsafe { libc::mmap(std::ptr::null_mut(), 4096, rights, kind, -1, 0) != libc::MAP_FAILED }
}

fn say(name: Option<&str>, text: impl ToString) -> Inspection {
    Inspection {
        items: vec![Item::new(Kind::Text, name, 0)],
        text: text.to_string(),
        ..Inspection::default()
    }
}

/// Whether something was possible, and why not.
fn told<T, E: std::fmt::Display>(done: Result<T, E>) -> String {
    done.map_or_else(|error| format!("refused: {error}"), |_| "done".to_owned())
}

/// Calls itself until the stack is full.
fn deep(level: u64) -> u64 {
    let here = black_box([level; 64]);
    if here[0] == u64::MAX { 0 } else { black_box(deep(level + 1)) + here[1] }
}

fn limits() -> Limits {
    Limits { document_milliseconds: 60_000, scan_milliseconds: 120_000, ..Limits::default() }
}

fn pool_with(workers: usize, limits: Limits) -> Pool {
    let program = std::env::current_exe().unwrap();
    Pool::new(Settings { program, workers, demand: Demand::Best, limits })
}

/// A worker that is told to do that ends; what is known of the document is this gap; and the next document is read.
#[track_caller]
fn costs_one_document(pool: &Pool, what: &str, gap: Gap) {
    assert_eq!(pool.inspect(None, b"hello").text, "hello");
    let inspection = pool.inspect(Some("letter.pdf"), what.as_bytes());
    assert_eq!(
        inspection,
        Inspection::failed(sniff(what.as_bytes()), Some("letter.pdf"), what.len() as u64, gap)
    );
    assert_eq!(pool.inspect(None, b"hello").text, "hello");
    let status = pool.status();
    assert_eq!((status.started, status.documents, status.nobody_free), (2, 3, 0), "{status:?}");
}

fn what_it_reads_comes_back() {
    let pool = pool_with(1, limits());
    assert_eq!(pool.status().started, 0, "a worker was started before there was a document");
    let large = "a line of text\n".repeat(200_000);
    let inspection = pool.inspect(Some("a b.txt"), large.as_bytes());
    assert_eq!(inspection.text, large.trim());
    assert_eq!(inspection.items[0].name.as_deref(), Some("a b.txt"));
    assert_eq!(pool.inspect(None, b"").text, "");
}

fn the_sandbox_is_in_force() {
    let pool = pool_with(1, limits());
    pool.start().unwrap();
    let sandbox = pool.status().sandbox.unwrap();
    for measure in [
        Measure::Limits,
        Measure::Privileges,
        Measure::Privacy,
        Measure::EndsWithFilter,
        Measure::SystemCalls,
    ] {
        assert_eq!(sandbox.0.get(&measure), Some(&Force::InForce), "{measure:?}");
    }
    let has_landlock = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::Execute)
        .is_ok();
    assert_eq!(sandbox.0.get(&Measure::Landlock) != Some(&Force::Missing), has_landlock);
    // What the kernel says of the process itself.
    let id = pool.inspect(None, b"id").text;
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    for line in [
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
        "CapEff:\t0000000000000000",
        "CapPrm:\t0000000000000000",
        "Threads:\t1",
    ] {
        assert!(status.lines().any(|found| found == line), "no {line} in\n{status}");
    }
    let caps = fs::read_to_string(format!("/proc/{id}/limits")).unwrap();
    for name in ["Max open files", "Max processes", "Max file size", "Max core file size"] {
        let line = caps.lines().find(|line| line.starts_with(name)).unwrap();
        assert_eq!(line[name.len()..].split_whitespace().next(), Some("0"), "{line}");
    }
    let environment = fs::read(format!("/proc/{id}/environ")).unwrap();
    assert_eq!(environment, b"", "it was given an environment");
}

fn one_that_aborts() {
    let pool = pool_with(1, limits());
    costs_one_document(&pool, "abort", Gap::ReaderFailed);
    assert_eq!(pool.status().died.crashed, 1);
}

fn one_that_panics() {
    let pool = pool_with(1, limits());
    costs_one_document(&pool, "panic", Gap::ReaderFailed);
    assert_eq!(pool.status().died.panicked, 1);
}

fn one_that_runs_out_of_stack() {
    let pool = pool_with(1, limits());
    costs_one_document(&pool, "deep", Gap::ReaderFailed);
    assert_eq!(pool.status().died.crashed, 1);
}

fn one_that_hangs() {
    let pool = pool_with(1, Limits { document_milliseconds: 200, ..limits() });
    costs_one_document(&pool, "hang", Gap::OutOfTime);
    assert_eq!(pool.status().died.out_of_time, 1);
}

fn one_that_comes_to_an_end_when_asked() {
    let pool = pool_with(1, Limits { document_milliseconds: 5_000, ..limits() });
    let inspection = pool.inspect(None, b"obey");
    assert_eq!((inspection.text.as_str(), inspection.gaps), ("half", vec![(Gap::OutOfTime, 0)]));
    assert_eq!(pool.status().died.out_of_time, 0);
    // Nor does it take longer than its message has.
    let soon = pool.before(Instant::now() + Duration::from_secs(3)).inspect(None, b"obey");
    assert_eq!(soon.text, "half");
}

fn one_that_swells_at_once() {
    let pool = pool_with(1, Limits { document_memory_bytes: 64 << 20, ..limits() });
    costs_one_document(&pool, "swell", Gap::OutOfMemory);
    assert_eq!(pool.status().died.out_of_memory, 1);
}

fn one_that_swells_bit_by_bit() {
    let pool = pool_with(1, Limits { document_memory_bytes: 64 << 20, ..limits() });
    costs_one_document(&pool, "grow", Gap::OutOfMemory);
    assert_eq!(pool.status().died.out_of_memory, 1);
}

fn one_that_opens_a_file() {
    let pool = pool_with(1, limits());
    for file in ["/etc/hostname", "/proc/self/environ"] {
        fs::read(file).unwrap();
        let text = pool.inspect(None, format!("open {file}").as_bytes()).text;
        assert!(text.starts_with("refused: Operation not permitted"), "{file}: {text}");
    }
}

fn one_that_writes_a_file() {
    let pool = pool_with(1, limits());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out");
    let text = pool.inspect(None, format!("write {}", file.display()).as_bytes()).text;
    assert!(text.starts_with("refused: Operation not permitted"), "{text}");
    assert!(!file.exists());
}

fn one_that_reads_what_was_left_open() {
    let file = fs::File::open("/etc/hostname").unwrap();
    rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).unwrap();
    let pool = pool_with(1, limits());
    costs_one_document(&pool, &format!("borrow {}", file.as_raw_fd()), Gap::ReaderFailed);
    assert_eq!(pool.status().died.forbidden_system_call, 1);
}

fn one_that_makes_memory_executable() {
    let pool = pool_with(1, limits());
    costs_one_document(&pool, "map", Gap::ReaderFailed);
    assert_eq!(pool.status().died.forbidden_system_call, 1);
}

fn one_that_opens_a_socket() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let connect = format!("connect {}", listener.local_addr().unwrap());
    for what in [connect.as_str(), "send"] {
        let pool = pool_with(1, limits());
        costs_one_document(&pool, what, Gap::ReaderFailed);
        assert_eq!(pool.status().died.forbidden_system_call, 1);
    }
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "somebody came");
}

fn one_that_starts_a_program() {
    let pool = pool_with(1, limits());
    costs_one_document(&pool, "run", Gap::ReaderFailed);
    assert_eq!(pool.status().died.forbidden_system_call, 1);
}

fn one_that_starts_a_thread() {
    let pool = pool_with(1, limits());
    costs_one_document(&pool, "thread", Gap::ReaderFailed);
    assert_eq!(pool.status().died.forbidden_system_call, 1);
}

fn one_that_ends_another_process() {
    let mut victim = Command::new("/bin/sleep").arg("600").stdout(Stdio::null()).spawn().unwrap();
    let pool = pool_with(1, limits());
    costs_one_document(&pool, &format!("kill {}", victim.id()), Gap::ReaderFailed);
    assert_eq!(pool.status().died.forbidden_system_call, 1);
    assert!(victim.try_wait().unwrap().is_none(), "it was ended");
    victim.kill().unwrap();
    victim.wait().unwrap();
}

fn one_that_answers_nonsense() {
    let pool = pool_with(1, limits());
    costs_one_document(&pool, "lie", Gap::ReaderFailed);
    assert_eq!(pool.status().died.nonsense, 1);
}

fn one_that_answers_without_end() {
    let pool = pool_with(1, Limits { part_text_bytes: 1 << 20, document_entries: 10, ..limits() });
    let inspection = pool.inspect(None, b"talk");
    assert_eq!((inspection.text.as_str(), inspection.gaps), ("", vec![(Gap::TooMuchText, 0)]));
    assert_eq!(pool.status().started, 1);
}

fn a_hundred_documents_on_two_workers() {
    let pool = pool_with(2, limits());
    pool.inspect(None, b"hello");
    let before = resident_kilobytes();
    thread::scope(|scope| {
        for number in 0..100 {
            let pool = &pool;
            scope.spawn(move || {
                let document = format!("{number} {}", "x".repeat(1 << 20));
                let text = pool.inspect(None, document.as_bytes()).text;
                assert!(text == document, "document {number} came back as {} bytes", text.len());
            });
        }
    });
    let status = pool.status();
    assert_eq!((status.documents, status.nobody_free), (101, 0), "{status:?}");
    assert_eq!(status.died, worker::Deaths::default());
    // A hundred more, some of which end their worker: what was taken is given back.
    let after = resident_kilobytes();
    for round in 0..100 {
        let what: &[u8] = if round % 10 == 0 { b"abort" } else { b"keep" };
        pool.inspect(None, what);
    }
    let grown = resident_kilobytes().saturating_sub(after);
    assert!(grown < 4 << 10, "{grown} kB more after a hundred documents ({before} kB at first)");
}

fn no_worker_reads_for_ever() {
    let pool = pool_with(1, limits());
    let ids: Vec<String> = (0..=JOBS).map(|_| pool.inspect(None, b"id").text).collect();
    assert_eq!(ids[0], ids[JOBS as usize - 1]);
    assert_ne!(ids[0], ids[JOBS as usize]);
    assert!(!Path::new("/proc").join(&ids[0]).exists(), "the old worker is still there");
    assert_eq!(pool.status().died, worker::Deaths::default());
}

fn a_message_whose_time_is_over_is_not_waited_for() {
    let pool = pool_with(1, limits());
    pool.start().unwrap();
    let inspection = pool.before(Instant::now()).inspect(None, b"hello");
    assert_eq!(inspection.gaps, [(Gap::OutOfTime, 0)]);
    thread::scope(|scope| {
        let hanging = pool.before(Instant::now() + Duration::from_secs(2));
        scope.spawn(move || hanging.inspect(None, b"hang"));
        // Whether it waits for the worker or gets it first and is read: it ends.
        let late = pool.before(Instant::now() + Duration::from_millis(100)).inspect(None, b"obey");
        assert_eq!(late.gaps, [(Gap::OutOfTime, 0)]);
    });
    assert_eq!(pool.inspect(None, b"hello").text, "hello");
}

fn a_program_that_is_no_worker_costs_no_time() {
    for program in ["/bin/true", "/bin/echo", "/nonexistent/mailwarden"] {
        let settings =
            Settings { program: PathBuf::from(program), workers: 2, demand: Demand::Best, limits: limits() };
        let pool = Pool::new(settings);
        assert!(pool.start().is_err(), "{program}");
        assert_eq!(pool.inspect(None, b"hello").gaps, [(Gap::ReaderFailed, 0)], "{program}");
        let status = pool.status();
        assert_eq!((status.started, status.running), (0, 0), "{program}");
        assert!(status.failed_starts < 10, "{program}: {status:?}");
    }
}

fn outside_of_a_sandbox() {
    // Says that Landlock is missing (postcard: one entry, its fifth measure, its third force), and answers no job.
    let script = "#!/bin/sh\nprintf '\\003\\000\\000\\000\\001\\004\\002'\nexec cat > /dev/null\n";
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("worker");
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    let pool =
        |demand| Pool::new(Settings { program: program.clone(), workers: 1, demand, limits: limits() });
    pool(Demand::Best).start().unwrap();
    let required = pool(Demand::Required);
    let refused = required.start().unwrap_err().to_string();
    assert!(refused.contains("landlock"), "{refused}");
    assert_eq!(required.inspect(None, b"hello").gaps, [(Gap::ReaderFailed, 0)]);
    assert_eq!(required.status().running, 0);
}

fn workers_end_with_their_pool() {
    let pool = pool_with(2, limits());
    let id = pool.inspect(None, b"id").text;
    assert!(Path::new("/proc").join(&id).exists());
    drop(pool);
    assert!(!Path::new("/proc").join(&id).exists());
}

fn workers_end_with_their_filter() {
    let mut filter =
        Command::new(std::env::current_exe().unwrap()).arg(FILTER).stdout(Stdio::piped()).spawn().unwrap();
    let mut id = String::new();
    io::BufReader::new(filter.stdout.take().unwrap()).read_line(&mut id).unwrap();
    let worker = pidfd_open(Pid::from_raw(id.trim().parse().unwrap()).unwrap(), PidfdFlags::empty()).unwrap();
    filter.kill().unwrap();
    filter.wait().unwrap();
    let patience = Timespec { tv_sec: 60, tv_nsec: 0 };
    let ended = poll(&mut [PollFd::new(&worker, PollFlags::IN)], Some(&patience)).unwrap();
    assert_eq!(ended, 1, "the worker is still at work");
}

fn be_a_filter() -> ExitCode {
    let pool =
        pool_with(1, Limits { document_milliseconds: 600_000, scan_milliseconds: 600_000, ..limits() });
    println!("{}", pool.inspect(None, b"id").text);
    pool.inspect(None, b"hang");
    ExitCode::FAILURE
}

/// Whenever a filter is ended, its workers end: those that it was starting, too, which hear of it in another way.
fn workers_that_were_starting_end_with_their_filter() {
    let mut heir = Command::new(std::env::current_exe().unwrap()).arg(HEIR).spawn().unwrap();
    let heir_id = Pid::from_raw(i32::try_from(heir.id()).unwrap()).unwrap();
    let process = pidfd_open(heir_id, PidfdFlags::empty()).unwrap();
    let patience = Timespec { tv_sec: 120, tv_nsec: 0 };
    let ended = poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&patience)).unwrap();
    assert_eq!(ended, 1, "some worker is still there");
    assert!(heir.wait().unwrap().success());
}

#[allow(clippy::zombie_processes, reason = "all are waited for together, by whatever id")]
fn be_an_heir() -> ExitCode {
    set_child_subreaper(Some(getpid())).unwrap();
    for round in 0..24 {
        Command::new(std::env::current_exe().unwrap())
            .args([SHORT_LIVED, &round.to_string()])
            .spawn()
            .unwrap();
    }
    // Whoever loses his parent is given to this process; the wait is over when nobody is left.
    while wait(WaitOptions::empty()).is_ok() {}
    ExitCode::SUCCESS
}

fn be_a_short_lived_filter() -> ExitCode {
    let round: u32 = std::env::args().nth(2).unwrap().parse().unwrap();
    let pool = pool_with(4, limits());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| pool.inspect(None, b"hang"));
        }
        // Some rounds end before any worker runs, some while they take their sandbox, some when they are at work.
        for _ in 0..round * 300_000 {
            std::hint::spin_loop();
        }
        kill_process(getpid(), Signal::KILL).unwrap();
    });
    ExitCode::FAILURE
}

/// The sandbox takes nothing away that a reader needs: each fixture gives in the shipped program's worker what it gives here.
fn a_worker_reads_what_is_read_without_one() {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_mailwarden"));
    let pool = Pool::new(Settings { program, workers: 2, demand: Demand::Best, limits: limits() });
    let files = files_below(Path::new("fixtures/documents"));
    assert!(files.len() > 20, "only {} documents", files.len());
    for file in files {
        let bytes = fs::read(&file).unwrap();
        let name = file.file_name().and_then(|name| name.to_str());
        let here = InProcess(pool.limits()).inspect(name, &bytes);
        assert_eq!(pool.inspect(name, &bytes), here, "{}", file.display());
    }
    assert_eq!(pool.status().died, worker::Deaths::default());
}
