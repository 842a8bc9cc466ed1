//! What happens to the filter while mail flows: nothing is lost, nothing is doubled, whatever happens.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use rustix::process::Signal;

use crate::support::{Delivery, Smtp, Watched, World, header_values, mail};

const ANA: &str = "ana@oakfield.example";
const HEAD: &str = "head@oakfield.example";
const DEPUTY: &str = "deputy@oakfield.example";
const SENDERS: usize = 4;

/// Which messages are of the kind that is held.
fn is_held(number: usize) -> bool {
    number.is_multiple_of(3)
}

/// Whom a message is for: each has a recipient of its own, by whom it is known again.
fn recipient(number: usize) -> String {
    format!("n{number}@oakfield.example")
}

/// Mail from several senders at once, until it is told to stop. Every third message is of the kind that is held. A sender that is told to come later does so when the filter is there again.
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
            let to = recipient(number);
            let message = mail(ANA, &to, &format!("n{number}"), body);
            loop {
                let starts = self.starts.look(|starts| starts.len());
                let reply = smtp.try_send(ANA, &[&to], &message);
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

/// How often a message that is held may be in the store.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    Once,
    /// Killed between keeping a message and answering for it, the filter is given the message again.
    AtLeastOnce,
}

/// Each message that was taken is where it belongs, delivered or held, and none is delivered twice.
fn assert_all_there(world: &World, load: &Load, times: Held) {
    let taken = load.taken.look(|taken| taken.clone());
    let (held, passed): (Vec<usize>, Vec<usize>) = taken.iter().partition(|number| is_held(**number));
    assert!(passed.len() > 20 && held.len() > 10, "too little mail to tell");

    let is_answer = |delivery: &Delivery| delivery.sender.is_empty();
    world.sink.wait("all that was taken to arrive", |shelf| {
        (shelf.iter().filter(|delivery| !is_answer(delivery)).count() >= passed.len()).then_some(())
    });
    world.postfix.wait_for_empty_queue();
    let mut arrived: BTreeMap<String, Vec<String>> = BTreeMap::new();
    world.sink.look(|shelf| {
        // The sender is told of what is held, too.
        for delivery in shelf.iter().filter(|delivery| !is_answer(delivery)) {
            let subject = header_values(&delivery.message, "Subject").concat();
            arrived.entry(delivery.recipients.concat()).or_default().push(subject);
        }
    });
    for number in &passed {
        let subjects = arrived.remove(&recipient(*number)).unwrap_or_default();
        assert_eq!(subjects.len(), 1, "message {number} arrived as {subjects:?}");
        let tagged_once =
            subjects[0].strip_prefix('[').and_then(|rest| rest.strip_suffix(&format!("] n{number}")));
        assert!(
            tagged_once.is_some_and(|tag| !tag.contains('[')),
            "message {number} arrived as {subjects:?}"
        );
    }
    assert!(arrived.is_empty(), "what nobody sent arrived: {arrived:?}");

    let mut kept: BTreeMap<String, usize> = BTreeMap::new();
    for entry in world.mailwarden.json(&["held", "list", "--json"]) {
        *kept.entry(entry["recipients"][0].as_str().unwrap().to_owned()).or_default() += 1;
    }
    for number in &held {
        let count = kept.remove(&recipient(*number)).unwrap_or(0);
        let right = match times {
            Held::Once => count == 1,
            Held::AtLeastOnce => count >= 1,
        };
        assert!(right, "message {number} is held {count} times");
    }
    assert!(times == Held::AtLeastOnce || kept.is_empty(), "what was not taken is held: {kept:?}");
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
    assert_all_there(&world, &load, Held::Once);
    // The last reload was answered, so it holds for whatever comes now.
    world.connect().send(ANA, &[DEPUTY], &mail(ANA, DEPUTY, "last", "Ragwort.\r\n")).expect_code(250);
    let last = world.sink.take(DEPUTY).message;
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
    assert_all_there(&world, &load, Held::Once);
}

#[test]
fn kills_under_load_lose_nothing_and_deliver_nothing_twice() {
    let mut world = World::start();
    let load = Load::new();
    let port = world.postfix.port;
    let filter = &mut world.mailwarden;
    load.during(port, || {
        for _ in 0..4 {
            load.flow(20);
            filter.signal(Signal::KILL);
            filter.wait();
            filter.restart();
            load.starts.push(());
        }
        load.flow(20);
    });
    assert_all_there(&world, &load, Held::AtLeastOnce);
}
