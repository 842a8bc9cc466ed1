//! The filter is killed at any moment between a message and its answer: each sender gets exactly one answer.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Smtp, World, header_values, mail};

const BO: &str = "bo@beechwood.example";
const KILLS: usize = 200;

/// Moments after which it is killed, spread over the time that a message and its answer take: a low-discrepancy sequence, so
/// that every run hits every stretch of it.
pub fn moments(over: Duration) -> impl Iterator<Item = Duration> {
    (1_u32..).map(move |number| over.mul_f64((f64::from(number) * 0.618_033_988_749_895).fract()))
}

/// Who sends that message: somebody else each time, since one sender gets only so many answers an hour.
fn sender(subject: &str) -> String {
    format!("{subject}@oakfield.example")
}

/// How long a message takes from its first byte to the letter that its sender gets, the longest of some.
pub fn usual(world: &World, sender: impl Fn(&str) -> String, to: &str, body: &str) -> Duration {
    let mut longest = Duration::ZERO;
    for number in 0..5 {
        let begun = Instant::now();
        let subject = format!("warm-{number}");
        let from = sender(&subject);
        world.connect().send(&from, &[to], &mail(&from, to, &subject, body)).expect_code(250);
        world.sink.take(&from);
        longest = longest.max(begun.elapsed());
    }
    longest
}

/// When the filter is killed.
#[derive(Debug, Clone, Copy)]
pub enum Moment {
    /// So long after a message's first byte.
    Sent(Duration),
    /// So long after the filter began to write the letter about it: few other moments matter as much.
    Written(Duration),
}

/// The moments of both kinds in turn, over the time that a message and its letter take.
pub fn both_moments(over: Duration) -> impl Iterator<Item = Moment> {
    let written = moments(Duration::from_millis(30)).map(Moment::Written);
    moments(over).map(Moment::Sent).zip(written).flat_map(|(sent, written)| [sent, written])
}

/// The files of messages and letters that the store has.
fn files(world: &World) -> BTreeSet<OsString> {
    let entries = fs::read_dir(world.mailwarden.path("store/content")).unwrap();
    entries.flatten().map(|entry| entry.file_name()).collect()
}

/// Sends a message, and kills the filter at that moment; returns when Postfix has the message and the filter is there again.
pub fn send_through_a_kill(world: &mut World, from: &str, to: &str, message: &[u8], moment: Moment) {
    if matches!(moment, Moment::Written(_)) {
        // Else a letter of before may be mistaken for it.
        until_the_outbox_is_empty(world);
    }
    let before = files(world);
    let refused = AtomicBool::new(false);
    let (port, id) = (world.postfix.port, world.mailwarden.id());
    let (restarted, come_back) = std::sync::mpsc::channel::<()>();
    thread::scope(|scope| {
        let refused = &refused;
        let back = move || {
            refused.store(true, Ordering::Relaxed);
            while come_back.recv().is_ok() {}
        };
        let sender = scope.spawn(move || deliver(port, from, to, message, &back));
        let after = match moment {
            Moment::Sent(after) => after,
            Moment::Written(after) => {
                let is_over = || sender.is_finished() || refused.load(Ordering::Relaxed);
                while files(world).is_subset(&before) && !is_over() {
                    thread::yield_now();
                }
                after
            }
        };
        // Not a wait for anything: the moment itself is what is tried out.
        thread::park_timeout(after);
        kill_process(Pid::from_raw(i32::try_from(id).unwrap()).unwrap(), Signal::KILL).unwrap();
        world.mailwarden.wait();
        world.mailwarden.restart();
        drop(restarted);
        sender.join().unwrap();
    });
}

/// What was under way at a kill is tried again.
fn until_the_outbox_is_empty(world: &World) {
    while world.mailwarden.json(&["status", "--json"])[0]["store"]["outbox_waiting"] != 0 {
        thread::yield_now();
    }
}

/// Nobody has a second letter, and none is to come.
pub fn assert_no_second_letter(world: &World, to: &[String]) {
    until_the_outbox_is_empty(world);
    world.postfix.wait_for_empty_queue();
    let more: Vec<usize> = to.iter().map(|address| world.sink.count(address)).collect();
    assert!(more.iter().all(|count| *count == 0), "somebody was told twice: {more:?}");
}

/// Sends the message, and again when the filter is there again, until it is taken: as every mail server does.
fn deliver(port: u16, from: &str, to: &str, message: &[u8], back: &dyn Fn()) {
    loop {
        let reply = Smtp::connect(port).try_send(from, &[to], message);
        if reply.code == 250 {
            return;
        }
        assert!((400..500).contains(&reply.code), "{reply}");
        back();
    }
}

#[test]
fn a_kill_at_any_moment_leaves_exactly_one_answer() {
    let mut world = World::start();
    let over = usual(&world, sender, BO, "Nightshade.\r\n").mul_f64(1.2);
    for (number, moment) in moments(over).take(KILLS).enumerate() {
        let subject = format!("kill-{number}");
        let from = sender(&subject);
        let message = mail(&from, BO, &subject, "Nightshade.\r\n");
        send_through_a_kill(&mut world, &from, BO, &message, Moment::Sent(moment));
        let wanted = format!("Not delivered: {subject}");
        let is_answer = |shelf: &mut Vec<crate::support::Delivery>| {
            shelf.iter().any(|one| header_values(&one.message, "Subject") == [wanted.as_str()]).then_some(())
        };
        world.sink.wait(&format!("the answer after kill {number}, {moment:?} in"), is_answer);
    }
    world.postfix.wait_for_empty_queue();
    world.sink.look(|shelf| {
        let mut subjects: Vec<String> =
            shelf.iter().map(|one| header_values(&one.message, "Subject").concat()).collect();
        let all = subjects.len();
        subjects.sort();
        subjects.dedup();
        assert_eq!((all, subjects.len()), (KILLS, KILLS), "answered twice or not at all: {subjects:?}");
    });
}
