//! A first mail to somebody outside is known as one, once, and across a restart: only what was delivered counts.

use std::fs::{self, OpenOptions};
use std::io::Write;

use crate::support::{Fate, World, header_values, mail};

const ANA: &str = "ana@oakfield.example";
const BO: &str = "bo@elsewhere.example";

const RULES: &str = r#"
[[rule]]
id = "tag-first"
title = "The first mail to somebody outside"
category = "test"
severity = "mild"
mode = "enforce"
if.doubt = ["first-mail"]
then = { action = "tag", subject-prefix = "[first]" }
[[rule.example]]
expect = "no-match"
body = "Known."

[[rule]]
id = "hold-larkspur"
title = "Larkspur is held"
category = "test"
severity = "mild"
mode = "enforce"
if.pattern = { matches = "larkspur" }
then = { action = "hold" }
[[rule.example]]
expect = "no-match"
body = "Known."
"#;

fn world(settings: &str) -> World {
    let mut world = World::start();
    world.mailwarden.stop();
    fs::write(world.mailwarden.path("policy/first.toml"), RULES).unwrap();
    let config = world.mailwarden.path("mailwarden.toml");
    let mut config = OpenOptions::new().append(true).open(config).unwrap();
    writeln!(config, "[memory]\n{settings}").unwrap();
    world.mailwarden.restart();
    world
}

fn subject_of(world: &World, from: &str, to: &str, subject: &str) -> String {
    world.connect().send(from, &[to], &mail(from, to, subject, "Hello.\r\n")).expect_code(250);
    header_values(&world.sink.take(to).message, "Subject").concat()
}

#[test]
fn the_first_delivered_mail_is_told_from_those_that_follow() {
    let mut world = world("settle-days = 0");
    // What is held was not delivered, so the next is still the first.
    let reply = world.connect().send(ANA, &[BO], &mail(ANA, BO, "held", "A larkspur.\r\n"));
    assert_eq!(world.postfix.fate(reply.queue_id()), Fate::Discarded);
    assert_eq!(subject_of(&world, ANA, BO, "one"), "[first] one");
    assert_eq!(subject_of(&world, ANA, BO, "two"), "two");
    assert_eq!(subject_of(&world, "di@oakfield.example", BO, "three"), "[first] three");
    assert_eq!(subject_of(&world, ANA, "head@oakfield.example", "inside"), "inside");
    world.mailwarden.stop();
    world.mailwarden.restart();
    assert_eq!(subject_of(&world, ANA, BO, "four"), "four");
}

#[test]
fn released_mail_was_delivered_and_a_young_memory_calls_nobody_new() {
    let world_with_memory = world("settle-days = 0");
    let smtp = &mut world_with_memory.connect();
    smtp.send(ANA, &[BO], &mail(ANA, BO, "held", "A larkspur.\r\n")).expect_code(250);
    let held = world_with_memory.mailwarden.json(&["held", "list", "--json"]);
    let reference = held[0]["reference"].as_str().unwrap();
    world_with_memory.mailwarden.run(&["held", "release", reference, "--why", "looked at", "--by", "dpo"]);
    world_with_memory.sink.take(BO);
    assert_eq!(subject_of(&world_with_memory, ANA, BO, "next"), "next");

    let young = world("settle-days = 30");
    assert_eq!(subject_of(&young, ANA, BO, "one"), "one");
}
