//! Attachments that no reader survives: their mail goes its way and says so, and no other mail waits for it.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use crate::support::{World, header_values, mail};

const ANA: &str = "ana@oakfield.example";
const HEAD: &str = "head@oakfield.example";
const DEPUTY: &str = "deputy@oakfield.example";

/// What could not be read is tagged.
const RULE: &str = r#"
[[rule]]
id = "tag-unread"
title = "What could not be read is tagged"
category = "test"
severity = "mild"
mode = "enforce"
if.coverage = ["out-of-time", "out-of-memory", "reader-failed"]
then = { action = "tag", subject-prefix = "[unread] " }
[[rule.example]]
expect = "no-match"
body = "Nothing is attached."
"#;

/// A world with one worker, and those settings.
fn world(limits: &str) -> World {
    let mut world = World::start();
    world.mailwarden.stop();
    fs::write(world.mailwarden.path("policy/unread.toml"), RULE).unwrap();
    let config = world.mailwarden.path("mailwarden.toml");
    let mut config = OpenOptions::new().append(true).open(config).unwrap();
    writeln!(config, "[documents]\nworkers = 1\n[limits]\n{limits}").unwrap();
    world.mailwarden.restart();
    world
}

/// A message with a PDF of about that size.
fn with_pdf(subject: &str, bytes: usize) -> Vec<u8> {
    // `%PDF-1.7`, and lines that are none of a PDF's.
    let pdf = "JVBERi0xLjcK\r\n".to_owned() + &"QUFBQUFBQUFBQUFBQUFBQUFBQUFB\r\n".repeat(bytes / 21);
    let mut message = b"MIME-Version: 1.0\r\nContent-Type: application/pdf; name=letter.pdf\r\n\
        Content-Disposition: attachment; filename=letter.pdf\r\nContent-Transfer-Encoding: base64\r\n"
        .to_vec();
    message.extend(mail(ANA, HEAD, subject, pdf));
    message
}

fn subject_at_head(world: &World) -> String {
    header_values(&world.sink.take(HEAD).message, "Subject").concat()
}

/// The filter's workers.
fn workers(world: &World) -> Vec<Pid> {
    let parent = format!(" {} ", world.mailwarden.id());
    let is_child = |stat: &str| {
        // proc(5): what follows the name in brackets is the state, then the parent.
        stat.rsplit_once(')')
            .is_some_and(|(_, rest)| rest.get(2..).is_some_and(|rest| rest.starts_with(&parent)))
    };
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let children = processes
        .filter(|process| fs::read_to_string(process.path().join("stat")).is_ok_and(|stat| is_child(&stat)));
    children
        .map(|child| Pid::from_raw(child.file_name().to_str().unwrap().parse().unwrap()).unwrap())
        .collect()
}

fn signal(pid: Pid, signal: Signal) {
    kill_process(pid, signal).unwrap();
}

fn deaths(world: &World, cause: &str) -> u64 {
    world.mailwarden.json(&["status", "--json"])[0]["documents"]["died"][cause].as_u64().unwrap()
}

#[test]
fn mail_without_documents_does_not_wait_for_one_that_is_being_read() {
    let world = world("document-milliseconds = 100000\nscan-milliseconds = 100000");
    let [worker] = workers(&world)[..] else { panic!("{:?}", workers(&world)) };
    signal(worker, Signal::STOP);
    thread::scope(|scope| {
        let port = world.postfix.port;
        let slow = scope.spawn(move || {
            crate::support::Smtp::connect(port).send(ANA, &[HEAD], &with_pdf("slow", 1_000)).expect_code(250)
        });
        let mut smtp = world.connect();
        for _ in 0..10 {
            smtp.send(ANA, &[DEPUTY], &mail(ANA, DEPUTY, "quick", "Hello.\r\n")).expect_code(250);
            world.sink.take(DEPUTY);
        }
        assert!(!slow.is_finished(), "it did not wait: the test shows nothing");
        signal(worker, Signal::CONT);
    });
    assert_eq!(subject_at_head(&world), "slow");
    assert_eq!(workers(&world), [worker]);
}

#[test]
fn a_reader_that_hangs_costs_the_attachment() {
    let world = world("document-milliseconds = 500");
    let before = workers(&world);
    signal(before[0], Signal::STOP);
    let mut smtp = world.connect();
    smtp.send(ANA, &[HEAD], &with_pdf("hangs", 1_000)).expect_code(250);
    assert_eq!(subject_at_head(&world), "[unread] hangs");
    smtp.send(ANA, &[HEAD], &with_pdf("next", 1_000)).expect_code(250);
    assert_eq!(subject_at_head(&world), "next");
    assert_eq!(deaths(&world, "out_of_time"), 1);
    let told = world.mailwarden.log();
    assert_eq!(told.matches("a reader of documents failed").count(), 1, "{told}");
    assert_ne!(workers(&world), before);
}

#[test]
fn a_reader_that_swells_costs_the_attachment() {
    let world = world("document-memory-bytes = 16777216");
    let mut smtp = world.connect();
    smtp.send(ANA, &[HEAD], &with_pdf("swells", 20 << 20)).expect_code(250);
    assert_eq!(subject_at_head(&world), "[unread] swells");
    smtp.send(ANA, &[HEAD], &with_pdf("next", 1_000)).expect_code(250);
    assert_eq!(subject_at_head(&world), "next");
    assert_eq!(deaths(&world, "out_of_memory"), 1);
}

#[test]
fn a_worker_that_somebody_ends_costs_nothing() {
    let world = world("document-milliseconds = 60000");
    let mut smtp = world.connect();
    for number in 0..3 {
        for worker in workers(&world) {
            let process = pidfd_open(worker, PidfdFlags::empty()).unwrap();
            signal(worker, Signal::KILL);
            poll(&mut [PollFd::new(&process, PollFlags::IN)], None).unwrap();
        }
        smtp.send(ANA, &[HEAD], &with_pdf(&format!("n{number}"), 1_000)).expect_code(250);
        assert_eq!(subject_at_head(&world), format!("n{number}"));
    }
}
