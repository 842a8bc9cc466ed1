//! The filter is killed at any moment between a message and its answer: each sender gets exactly one answer.

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

/// How long a message takes from its first byte to its answer, the longest of some.
fn usual(world: &World) -> Duration {
    let mut longest = Duration::ZERO;
    for number in 0..5 {
        let begun = Instant::now();
        let subject = format!("warm-{number}");
        let from = sender(&subject);
        world.connect().send(&from, &[BO], &mail(&from, BO, &subject, "Nightshade.\r\n")).expect_code(250);
        world.sink.take(&from);
        longest = longest.max(begun.elapsed());
    }
    longest
}

/// Sends the message, and again when the filter is there again, until it is taken: as every mail server does.
fn deliver(port: u16, from: &str, message: &[u8], back: &dyn Fn()) {
    loop {
        let reply = Smtp::connect(port).try_send(from, &[BO], message);
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
    let over = usual(&world).mul_f64(1.2);
    for (number, moment) in moments(over).take(KILLS).enumerate() {
        let subject = format!("kill-{number}");
        let from = sender(&subject);
        let message = mail(&from, BO, &subject, "Nightshade.\r\n");
        let (port, id) = (world.postfix.port, world.mailwarden.id());
        let (restarted, come_back) = std::sync::mpsc::channel::<()>();
        thread::scope(|scope| {
            let sender =
                scope.spawn(move || deliver(port, &from, &message, &|| while come_back.recv().is_ok() {}));
            // Not a wait for anything: the moment itself is what is tried out.
            thread::park_timeout(moment);
            kill_process(Pid::from_raw(i32::try_from(id).unwrap()).unwrap(), Signal::KILL).unwrap();
            world.mailwarden.wait();
            world.mailwarden.restart();
            drop(restarted);
            sender.join().unwrap();
        });
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
