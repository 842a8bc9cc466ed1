//! What happens to the filter while mail flows: nothing is lost, nothing is doubled, whatever happens.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use rustix::process::Signal;

use crate::support::{Smtp, Watched, World, header_values, mail};

const ANA: &str = "ana@oakfield.example";
const HEAD: &str = "head@oakfield.example";
const SENDERS: usize = 4;

/// Which messages are of the kind that is held.
fn is_held(number: usize) -> bool {
    number.is_multiple_of(3)
}

/// Mail from several senders at once, until it is told to stop. Each message has a number of its own in its subject;
/// every third one is held. A sender that is told to come later does so when the filter is there again.
struct Load {
    stopped: AtomicBool,
    sent: AtomicUsize,
    /// The number of each message that was taken.
    taken: Watched<usize>,
    /// How often the filter was started.
    starts: Watched<()>,
}

impl Load {
    fn new() -> Self {
        Self {
            stopped: AtomicBool::new(false),
            sent: AtomicUsize::new(0),
            taken: Watched::default(),
            starts: Watched::default(),
        }
    }

    fn send(&self, port: u16) {
        let mut smtp = Smtp::connect(port);
        while !self.stopped.load(Ordering::Relaxed) {
            let number = self.sent.fetch_add(1, Ordering::Relaxed);
            let body = if is_held(number) { "Foxglove.\r\n" } else { "Ragwort.\r\n" };
            let message = mail(ANA, HEAD, &format!("n{number}"), body);
            loop {
                let starts = self.starts.look(|starts| starts.len());
                let reply = smtp.try_send(ANA, &[HEAD], &message);
                if reply.code == 250 {
                    break;
                }
                assert!((400..500).contains(&reply.code), "{reply}");
                self.starts.wait("the filter to come back", |now| (now.len() > starts).then_some(()));
                smtp = Smtp::connect(port);
            }
            self.taken.push(number);
        }
    }

    /// Waits until so many more messages were taken.
    fn flow(&self, more: usize) {
        let before = self.taken.look(|taken| taken.len());
        self.taken.wait("mail to flow", |taken| (taken.len() >= before + more).then_some(()));
    }

    /// Runs the senders, and `work` beside them.
    fn during(&self, port: u16, work: impl FnOnce()) {
        thread::scope(|scope| {
            for _ in 0..SENDERS {
                scope.spawn(|| self.send(port));
            }
            let stop = StopOnDrop(&self.stopped);
            work();
            drop(stop);
        });
    }
}

/// Ends the senders also when `work` panics; else the scope would wait for them for ever.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Each message that was taken is where it belongs, once: delivered or held.
fn assert_all_there_once(world: &World, load: &Load) {
    let taken = load.taken.look(|taken| taken.clone());
    let (held, passed): (Vec<usize>, Vec<usize>) = taken.iter().partition(|number| is_held(**number));
    assert!(passed.len() > 20 && held.len() > 10, "too little mail to tell");
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    world.sink.wait("all that was taken to arrive", |shelf| (shelf.len() >= passed.len()).then_some(()));
    world.postfix.wait_for_empty_queue();
    world.sink.wait("", |shelf| {
        for delivery in shelf.iter() {
            *counts.entry(header_values(&delivery.message, "Subject").concat()).or_default() += 1;
        }
        Some(())
    });
    for number in &passed {
        let of_this =
            counts.iter().filter(|(subject, _)| subject.ends_with(&format!(" n{number}"))).map(|(_, n)| n);
        assert_eq!(of_this.sum::<usize>(), 1, "message {number}: {counts:?}");
    }
    assert_eq!(counts.values().sum::<usize>(), passed.len(), "{counts:?}");
    let listed = world.mailwarden.json(&["held", "list", "--json"]);
    assert_eq!(listed.len(), held.len());
}

/// Lets the policy's tag say something else.
fn change_policy(world: &World, tag: &str) {
    let file = world.mailwarden.path("policy/rules.toml");
    let text = fs::read_to_string(&file).unwrap();
    let start = text.find("subject-prefix = \"[").unwrap() + "subject-prefix = \"[".len();
    let end = start + text[start..].find(']').unwrap();
    fs::write(&file, format!("{}{tag}{}", &text[..start], &text[end..])).unwrap();
}

#[test]
fn reloads_under_load_lose_nothing_and_each_message_meets_one_policy() {
    let world = World::start();
    let load = Load::new();
    load.during(world.postfix.port, || {
        for round in 0..10 {
            load.flow(10);
            change_policy(&world, &format!("round{round}"));
            match round % 2 {
                0 => world.mailwarden.signal(Signal::HUP),
                _ => drop(world.mailwarden.run(&["reload"])),
            }
        }
        load.flow(10);
    });
    assert_all_there_once(&world, &load);
    // The last reload was answered, so it holds for whatever comes now.
    world
        .connect()
        .send(ANA, &["deputy@oakfield.example"], &mail(ANA, HEAD, "last", "Ragwort.\r\n"))
        .expect_code(250);
    let last = world.sink.take("deputy@oakfield.example").message;
    assert_eq!(header_values(&last, "Subject"), ["[round9] last"]);
}

#[test]
fn a_faulty_policy_is_not_loaded_and_the_last_good_one_stays() {
    let world = World::start();
    fs::write(world.mailwarden.path("policy/more.toml"), "[[rule]]\nid = \"half\n").unwrap();
    let refused = world.mailwarden.attempt(&["reload"]);
    assert_eq!(refused.status.code(), Some(1));
    world.connect().send(ANA, &[HEAD], &mail(ANA, HEAD, "after", "Ragwort.\r\n")).expect_code(250);
    assert_eq!(header_values(&world.sink.take(HEAD).message, "Subject"), ["[ragwort] after"]);
}

#[test]
fn sigterm_under_load_loses_and_doubles_nothing() {
    let mut world = World::start();
    let load = Load::new();
    let port = world.postfix.port;
    let filter = &mut world.mailwarden;
    load.during(port, || {
        for _ in 0..4 {
            load.flow(20);
            filter.stop();
            filter.restart();
            load.starts.push(());
        }
        load.flow(20);
    });
    assert_all_there_once(&world, &load);
}
