//! Advice about mail that was delivered: to whom, about what, how often. It is the one answer that nobody waits for.

use crate::kills::{assert_no_second_letter, both_moments, send_through_a_kill, usual};
use crate::support::{World, header_values, mail};

const ANA: &str = "ana@oakfield.example";
const HEAD: &str = "head@oakfield.example";
const BO: &str = "bo@beechwood.example";
const CHECK: &str = "check@oakfield.example";

const RULES: &str = r#"
[[rule]]
id = "note-larkspur"
title = "Larkspur is noticed"
category = "test"
severity = "mild"
mode = "enforce"
if.pattern = { matches = "(?i)larkspur" }
then = { action = "pass", guidance = "nightshade", notify-sender = "yes" }

[[rule]]
id = "help-larkspur"
title = "Somebody may need help"
category = "safeguarding"
severity = "mild"
mode = "enforce"
if.pattern = { matches = "(?i)larkspur" }
then = { action = "pass", guidance = "nightshade" }

[[rule]]
id = "hold-comfrey"
title = "Somebody may need help with comfrey"
category = "safeguarding"
severity = "mild"
mode = "enforce"
if.pattern = { matches = "(?i)comfrey" }
then = { action = "hold" }
"#;

fn world() -> World {
    World::start().with("policy/rules.toml", "", RULES)
}

/// Sends it from Ana, as the mail server's own machine may; it reaches the head.
fn send(world: &World, fields: &str, to: &[&str], subject: &str, body: &str) {
    let message = [fields.as_bytes(), &mail(ANA, to[0], subject, body)].concat();
    world.connect().send(ANA, to, &message).expect_code(250);
    world.sink.take(HEAD);
}

/// How many answers lie with Ana once all is quiet.
fn answers(world: &World) -> usize {
    world.postfix.wait_for_empty_queue();
    let status = world.mailwarden.json(&["status", "--json"]);
    assert_eq!(status[0]["store"]["outbox_waiting"], 0, "{status:?}");
    world.sink.count(ANA)
}

#[test]
fn it_tells_of_its_own_rule_alone_once_in_a_set_time() {
    let world = world();
    send(&world, "", &[HEAD], "one", "Larkspur on the lawn.\r\n");
    let advice = world.sink.take(ANA).text();
    assert!(
        advice.contains("Larkspur is noticed") && advice.contains("You need not send it again"),
        "{advice}"
    );
    assert!(!advice.contains("need help"), "{advice}");
    send(&world, "", &[HEAD], "two", "Larkspur on the lawn.\r\n");
    assert_eq!(answers(&world), 0, "within thirty days");
    world.in_database("UPDATE told SET told_at = told_at - 31 * 86400000");
    send(&world, "", &[HEAD], "three", "Larkspur on the lawn.\r\n");
    world.sink.take(ANA);
    let off = world.with("mailwarden.toml", "check = ", "advice-days = 0\ncheck = ");
    off.in_database("DELETE FROM told");
    send(&off, "", &[HEAD], "four", "Larkspur on the lawn.\r\n");
    assert_eq!(answers(&off), 0, "switched off");
}

#[test]
fn no_program_and_no_stranger_is_advised_and_nobody_twice_about_one_message() {
    let world = world();
    let body = "Larkspur on the lawn.\r\n";
    for fields in [
        "Auto-Submitted: auto-replied\r\n",
        "List-Id: <staff.oakfield.example>\r\n",
        "Mailwarden-Answer: X\r\n",
    ] {
        send(&world, fields, &[HEAD], fields.split(':').next().unwrap(), body);
    }
    world.connect().send(BO, &[HEAD], &mail(BO, HEAD, "from outside", body)).expect_code(250);
    let mut forger = world.connect().xclient("ADDR=203.0.113.7 NAME=elsewhere.example");
    forger.send(ANA, &[HEAD], &mail(ANA, HEAD, "forged", body)).expect_code(250);
    assert_eq!((answers(&world), world.sink.count(BO)), (0, 0));
    // Held for one and delivered to the other: the answer to the former is enough.
    send(&world, "", &[HEAD, BO], "both", "Larkspur and hemlock.\r\n");
    assert!(world.sink.take(ANA).text().contains("is waiting to be looked at"));
    assert_eq!(answers(&world), 0);
}

#[test]
fn answers_and_advice_share_what_one_sender_gets_in_an_hour() {
    let world = world().with("mailwarden.toml", "check = ", "answers = 1\ncheck = ");
    world.connect().send(ANA, &[BO], &mail(ANA, BO, "back", "Nightshade.\r\n")).expect_code(250);
    world.sink.take(ANA);
    send(&world, "", &[HEAD], "one", "Larkspur on the lawn.\r\n");
    assert_eq!(answers(&world), 0);
}

#[test]
fn trials_have_a_share_of_their_own() {
    let world = world().with("mailwarden.toml", "check = ", "answers = 2\ncheck = ");
    let trial = || mail(ANA, CHECK, "trial", "Clover.\r\n");
    for _ in 0..2 {
        world.connect().send(ANA, &[CHECK], &trial()).expect_code(250);
        world.sink.take(ANA);
    }
    let refused = world.connect().send(ANA, &[CHECK], &trial());
    assert!(refused.code == 550 && refused.text.contains("please wait an hour"), "{refused}");
    world.connect().send(HEAD, &[CHECK], &mail(HEAD, CHECK, "trial", "Clover.\r\n")).expect_code(250);
    world.sink.take(HEAD);
}

/// A trial, and the answer to what another rule returned, tell nothing of what rules on safeguarding look for.
#[test]
fn nobody_learns_what_rules_on_safeguarding_look_for() {
    let world = world();
    let trial = mail(ANA, CHECK, "trial", "Comfrey and larkspur.\r\n");
    world.connect().send(ANA, &[CHECK], &trial).expect_code(250);
    let told = world.sink.take(ANA).text();
    assert!(told.contains("These people would get it") && !told.contains("need help"), "{told}");
    assert!(!told.to_lowercase().contains("comfrey"), "{told}");
    let both = mail(ANA, BO, "both", "Comfrey and nightshade.\r\n");
    world.connect().send(ANA, &[BO], &both).expect_code(250);
    let answer = world.sink.take(ANA).text();
    let (text, _original) = answer.split_once("message/rfc822").unwrap();
    assert!(text.contains("Nightshade is returned") && !text.contains("need help"), "{text}");
    assert!(!text.contains("y: ") || !text.contains("C*****y"), "{text}");
}

/// Wherever the kill comes, between the message and the letter: its sender is advised once.
#[test]
fn a_kill_at_any_moment_leaves_exactly_one_piece_of_advice() {
    let mut world = world();
    let body = "Larkspur on the lawn.\r\n";
    let over = usual(&world, |name| format!("{name}@oakfield.example"), HEAD, body).mul_f64(1.2);
    let senders: Vec<String> = (0..100).map(|number| format!("kill-{number}@oakfield.example")).collect();
    for (from, moment) in senders.iter().zip(both_moments(over)) {
        let message = mail(from, HEAD, "the lawn", body);
        send_through_a_kill(&mut world, from, HEAD, &message, moment);
        assert_eq!(
            header_values(&world.sink.take(from).message, "Subject"),
            ["About your message: the lawn"]
        );
    }
    assert_no_second_letter(&world, &senders);
    assert_eq!(world.sink.count(HEAD), 105, "each message was delivered once, those before the kills too");
}
