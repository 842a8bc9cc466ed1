//! Held mail comes out again as it went in: released, across restarts, or deleted.

use crate::support::{Delivery, World, header_values, mail};

const ANA: &str = "ana@oakfield.example";
const HEAD: &str = "head@oakfield.example";
const DEPUTY: &str = "deputy@oakfield.example";

/// A message that is held, with much in it that a careless release would change.
fn awkward() -> Vec<u8> {
    let mut message =
        b"X-Spaces:  two  before\r\nX-Fold: one\r\n\ttwo\r\nX-Raw: caf\xe9\r\nX-Empty:\r\n".to_vec();
    message.extend(mail(ANA, HEAD, "the wood", b"Foxglove \xe9 \xff.\r\n.\r\n..\r\nlast line  \r\n"));
    message
}

fn hold(world: &World, message: &[u8], to: &[&str]) -> String {
    world.connect().send(ANA, to, message).expect_code(250);
    let held = world.mailwarden.json(&["held", "list", "--json"]);
    assert_eq!(held.len(), 1, "{held:?}");
    held[0]["reference"].as_str().unwrap().to_owned()
}

fn release(world: &World, reference: &str) {
    world.mailwarden.run(&["held", "release", reference, "--why", "it is about botany", "--by", "ms.okafor"]);
}

/// A released message is what was sent, behind header fields that tell of its way.
fn assert_same(delivery: &Delivery, message: &[u8]) {
    assert!(delivery.message.ends_with(message), "{}", delivery.text());
    let before = &delivery.message[..delivery.message.len() - message.len()];
    let before = String::from_utf8_lossy(before).replace("\r\n\t", " ").replace("\r\n ", " ");
    for field in before.lines() {
        assert!(field.starts_with("Received:"), "the release added {field}");
    }
}

#[test]
fn a_released_message_is_delivered_byte_for_byte() {
    let world = World::start();
    let message = awkward();
    let reference = hold(&world, &message, &[DEPUTY, HEAD]);
    // The sender is told that it is held.
    world.sink.take(ANA);
    release(&world, &reference);
    let delivery = world.sink.wait("the released message", |shelf| shelf.pop());
    assert_eq!(delivery.sender, ANA);
    // Within the school there is no disclaimer: nothing is added.
    assert_same(&delivery, &message);
    assert_eq!(delivery.recipients, [DEPUTY, HEAD]);
    assert!(header_values(&delivery.message, "X-Mailwarden-Pass").is_empty(), "the pass must not travel on");
}

#[test]
fn a_forged_field_of_ours_does_not_come_out_with_a_release() {
    let world = World::start();
    let forged = [b"X-Mailwarden-Pass: 1.forged\r\nX-Mailwarden: pass\r\n".to_vec(), awkward()].concat();
    let reference = hold(&world, &forged, &[HEAD]);
    release(&world, &reference);
    assert_same(&world.sink.take(HEAD), &awkward());
}

#[test]
fn a_decision_is_recorded_with_who_when_and_why() {
    let world = World::start();
    let reference = hold(&world, &awkward(), &[HEAD]);
    release(&world, &reference);
    world.sink.take(HEAD);
    let shown = world.mailwarden.json(&["held", "show", &reference, "--json"]);
    let decision = &shown[0]["decisions"][0];
    assert_eq!(decision["by"], "ms.okafor", "{decision}");
    assert_eq!(decision["why"], "it is about botany", "{decision}");
    assert!(decision["at"].as_str().is_some_and(|at| at.starts_with("20")), "{decision}");
}

#[test]
fn what_was_found_is_shown_in_words_for_a_reason_and_never_without() {
    let world = World::start();
    let reference = hold(&world, &awkward(), &[HEAD]);
    let plain = world.mailwarden.json(&["held", "show", &reference, "--json"]);
    assert_eq!(plain[0]["verdict"]["findings"][0]["entity"], "foxglove", "{plain:?}");
    assert!(!plain[0].to_string().contains("Foxglove"), "{plain:?}");
    let why = ["held", "show", &reference, "--reveal", "--json", "--by", "ms.okafor", "--why", "which word"];
    let found = world.mailwarden.json(&why);
    assert_eq!((&found[0]["text"], &found[0]["term"]), (&"Foxglove".into(), &"foxglove".into()), "{found:?}");
    let shown = world.mailwarden.json(&["held", "show", &reference, "--json"]);
    assert_eq!(shown[0]["readings"][0]["why"], "which word", "{shown:?}");
    assert_ne!(world.mailwarden.attempt(&["held", "show", &reference, "--reveal"]).status.code(), Some(0));
}

#[test]
fn a_release_outlives_restarts() {
    let mut world = World::start();
    let message = awkward();
    let reference = hold(&world, &message, &[HEAD]);
    world.mailwarden.stop();
    world.mailwarden.restart();
    assert_eq!(world.mailwarden.json(&["held", "list", "--json"]).len(), 1);
    // Released while no filter runs: it goes out when one does.
    world.mailwarden.stop();
    release(&world, &reference);
    assert_eq!(world.sink.count(HEAD), 0);
    world.mailwarden.restart();
    assert_same(&world.sink.take(HEAD), &message);
    assert_eq!(world.mailwarden.json(&["held", "list", "--json"]).len(), 0);
}

#[test]
fn a_message_is_released_once() {
    let world = World::start();
    let reference = hold(&world, &awkward(), &[HEAD]);
    release(&world, &reference);
    world.sink.take(HEAD);
    let again = ["held", "release", reference.as_str(), "--why", "again", "--by", "ms.okafor"];
    assert_eq!(world.mailwarden.attempt(&again).status.code(), Some(1));
    // The same words sent anew are held anew: the release was for one message.
    world.connect().send(ANA, &[HEAD], &awkward()).expect_code(250);
    assert_eq!(world.mailwarden.json(&["held", "list", "--json"]).len(), 1);
    assert_eq!(world.sink.count(HEAD), 0);
}

#[test]
fn a_deleted_message_is_gone_and_its_record_stays() {
    let world = World::start();
    let reference = hold(&world, &awkward(), &[HEAD]);
    world.mailwarden.run(&["held", "delete", &reference, "--why", "sent in error", "--by", "ms.okafor"]);
    assert_eq!(world.mailwarden.json(&["held", "list", "--json"]).len(), 0);
    assert_eq!(world.mailwarden.json(&["held", "list", "--all", "--json"]).len(), 1);
    let release = ["held", "release", reference.as_str(), "--why", "no", "--by", "ms.okafor"];
    assert_eq!(world.mailwarden.attempt(&release).status.code(), Some(1));
}
