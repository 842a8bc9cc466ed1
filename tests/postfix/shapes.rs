//! Mail of every shape gets through: large, raw, to many, without a sender, from programs, from clients that misbehave.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::{Fate, Postfix, Smtp, World, free_port, header_values, mail};

const ANA: &str = "ana@oakfield.example";
const HEAD: &str = "head@oakfield.example";
const BO: &str = "bo@beechwood.example";

#[test]
fn mail_without_a_sender_passes() {
    let world = World::start();
    let message = mail("postmaster@beechwood.example", HEAD, "undelivered", "It could not be delivered.\r\n");
    world.connect().send("", &[HEAD], &message).expect_code(250);
    let delivery = world.sink.take(HEAD);
    assert_eq!(delivery.sender, "");
    assert!(delivery.message.ends_with(&message), "{}", delivery.text());
}

#[test]
fn what_has_no_sender_is_not_answered() {
    let world = World::start();
    let message = mail("postmaster@beechwood.example", HEAD, "undelivered", "Nightshade by the wall.\r\n");
    let reply = world.connect().send("", &[HEAD], &message);
    assert_eq!(world.postfix.fate(reply.queue_id()), Fate::Discarded);
    // A message behind it shows that nothing is still to come.
    let mut smtp = world.connect();
    smtp.send(ANA, &[HEAD], &mail(ANA, HEAD, "after", "Hello.\r\n")).expect_code(250);
    assert_eq!(header_values(&world.sink.take(HEAD).message, "Subject"), ["after"]);
    assert_eq!(world.postfix.queue_length(), 0);
    assert_eq!(world.sink.look(|shelf| shelf.len()), 0);
}

#[test]
fn mail_that_nobody_takes_bounces_once_to_its_sender() {
    let world = World::start();
    let message = mail(ANA, "nobody@bounce.example", "to nobody", "Hello.\r\n");
    let reply = world.connect().send(ANA, &["nobody@bounce.example"], &message);
    assert_eq!(world.postfix.fate(reply.queue_id()), Fate::Left);
    let bounce = world.sink.take(ANA);
    assert_eq!(bounce.sender, "");
    assert!(bounce.text().contains("Subject: to nobody"), "{}", bounce.text());
    assert_eq!(world.sink.count(ANA), 0);
}

#[test]
fn a_message_of_30_megabytes_passes_unchanged() {
    let world = World::start();
    let line = b"MAILWARDENMAILWARDENMAILWARDENMAILWARDENMAILWARDENMAILWARDENMAILWARDENMAIL\r\n";
    let body = line.repeat((30 << 20) / line.len());
    let message = mail(ANA, HEAD, "large", &body);
    world.connect().send(ANA, &[HEAD], &message).expect_code(250);
    assert!(world.sink.take(HEAD).message.ends_with(&message));
}

#[test]
fn a_large_message_is_held_and_released_unchanged() {
    let world = World::start();
    let mut body = b"Foxglove in the wood.\r\n".to_vec();
    body.extend(b"All the lines of this message are alike, and there are many of them.\r\n".repeat(150_000));
    let message = mail(ANA, HEAD, "large and held", &body);
    world.connect().send(ANA, &[HEAD], &message).expect_code(250);
    let held = world.mailwarden.json(&["held", "list", "--json"]);
    let reference = held[0]["reference"].as_str().unwrap();
    world.mailwarden.run(&["held", "release", reference, "--why", "fine", "--by", "ms.okafor"]);
    assert!(world.sink.take(HEAD).message.ends_with(&message));
}

#[test]
fn bytes_of_every_value_pass_unchanged() {
    let world = World::start();
    let mut body: Vec<u8> = (0..=255).filter(|byte| *byte != b'\r' && *byte != b'\n').collect();
    body.extend_from_slice(b"\r\n\0\0\0\r\n");
    let mut message = b"X-Bytes: \x01\x80\xfe\xff\r\n".to_vec();
    message.extend(mail(ANA, HEAD, "bytes", &body));
    world.connect().send(ANA, &[HEAD], &message).expect_code(250);
    let delivery = world.sink.take(HEAD);
    assert!(delivery.message.ends_with(&message), "{}", delivery.text());
}

#[test]
fn a_thousand_recipients_each_get_what_is_theirs() {
    let world = World::start();
    let people: Vec<String> = (0..1000)
        .map(|n| format!("p{n}@{}.example", if n % 2 == 0 { "oakfield" } else { "beechwood" }))
        .collect();
    let recipients: Vec<&str> = people.iter().map(String::as_str).collect();
    let message = mail(ANA, HEAD, "to all", "Hemlock by the river.\r\n");
    world.connect().send(ANA, &recipients, &message).expect_code(250);
    let mut reached = Vec::new();
    world.sink.wait("500 deliveries", |shelf| {
        reached.extend(shelf.drain(..).flat_map(|delivery| delivery.recipients));
        // The sender is told of what is held.
        reached.retain(|person| person != ANA);
        (reached.len() >= 500).then_some(())
    });
    assert!(reached.iter().all(|person| person.ends_with("@oakfield.example")));
    reached.sort();
    reached.dedup();
    assert_eq!(reached.len(), 500);
    let held = world.mailwarden.json(&["held", "list", "--json"]);
    assert_eq!(held.len(), 1);
    assert_eq!(held[0]["recipient_count"], 500);
}

#[test]
fn what_programs_on_the_machine_send_is_swept_too() {
    let world = World::start();
    let message = mail(ANA, BO, "from a program", "The report is ready.\r\n");
    world.postfix.sendmail(ANA, &[BO], &message);
    let delivery = world.sink.take(BO);
    assert_eq!(delivery.sender, ANA);
    assert_eq!(delivery.text().matches("Oakfield-disclaimer").count(), 1, "{}", delivery.text());
    world.postfix.sendmail(ANA, &[HEAD], &mail(ANA, HEAD, "from a program", "Foxglove in the wood.\r\n"));
    world.postfix.log_line(&["milter-discard"]);
    assert_eq!(world.mailwarden.json(&["held", "list", "--json"]).len(), 1);
}

#[test]
fn messages_on_one_connection_do_not_mix() {
    let world = World::start();
    let mut smtp = world.connect();
    smtp.send(ANA, &[BO], &mail(ANA, BO, "first", "Foxglove in the wood.\r\n")).expect_code(250);
    // A message that is given up half-way leaves nothing behind either.
    smtp.command(&format!("MAIL FROM:<{ANA}>")).expect_code(250);
    smtp.command("RCPT TO:<ghost@beechwood.example>").expect_code(250);
    smtp.command("RSET").expect_code(250);
    let second = mail(BO, HEAD, "second", "Hello.\r\n");
    smtp.send(BO, &[HEAD], &second).expect_code(250);
    let delivery = world.sink.take(HEAD);
    assert_eq!((delivery.sender.as_str(), delivery.recipients.len()), (BO, 1));
    assert!(delivery.message.ends_with(&second), "{}", delivery.text());
    smtp.send(ANA, &[BO], &mail(ANA, BO, "third", "Hello again.\r\n")).expect_code(250);
    assert_eq!(header_values(&world.sink.take(BO).message, "Subject"), ["third"]);
    let held = world.mailwarden.json(&["held", "list", "--json"]);
    assert_eq!(held.len(), 1);
    assert_eq!(held[0]["recipients"], serde_json::json!([BO]));
}

#[test]
fn a_client_that_drops_in_mid_body_leaves_nothing() {
    let world = World::start();
    for _ in 0..3 {
        let mut smtp = world.connect();
        smtp.envelope(ANA, &[HEAD]);
        smtp.write(b"Subject: half\r\n\r\nFoxglove in the w");
        smtp.write(&b"half a message\r\n".repeat(100_000));
        drop(smtp);
    }
    world.postfix.log_line(&["lost connection after DATA"]);
    let whole = mail(ANA, HEAD, "whole", "Hello.\r\n");
    world.connect().send(ANA, &[HEAD], &whole).expect_code(250);
    assert!(world.sink.take(HEAD).message.ends_with(&whole));
    assert_eq!(world.sink.count(HEAD), 0);
    assert_eq!(world.mailwarden.json(&["held", "list", "--json"]).len(), 0);
}

#[test]
fn a_store_that_cannot_be_written_makes_mail_wait() {
    let world = World::start();
    let message = mail(ANA, HEAD, "the wood", "Foxglove in the wood.\r\n");
    let mut smtp = world.connect();
    // Where the store was there is now a folder that nobody can write to, root included.
    let (store, aside) = (world.mailwarden.path("store"), world.mailwarden.path("store-aside"));
    fs::rename(&store, &aside).unwrap();
    symlink("/proc/self/fdinfo", &store).unwrap();
    let reply = smtp.send(ANA, &[HEAD], &message);
    assert!((400..500).contains(&reply.code), "{reply}");
    // Mail that needs no store goes on, and the rest is taken again once the store is back.
    smtp.send(ANA, &[HEAD], &mail(ANA, HEAD, "harmless", "Hello.\r\n")).expect_code(250);
    assert_eq!(header_values(&world.sink.take(HEAD).message, "Subject"), ["harmless"]);
    fs::remove_file(&store).unwrap();
    fs::rename(&aside, &store).unwrap();
    smtp.send(ANA, &[HEAD], &message).expect_code(250);
    assert_eq!(world.mailwarden.json(&["held", "list", "--json"]).len(), 1);
    assert_eq!(world.sink.count(HEAD), 0);
}

#[test]
fn a_filter_is_reached_over_tcp_too() {
    let world = World::start();
    let postfix = Postfix::start(free_port(), &world.mailwarden.tcp_milter(), &world.sink);
    let mut smtp = Smtp::connect(postfix.port);
    smtp.send(ANA, &[HEAD], &mail(ANA, HEAD, "the field", "Ragwort in the field.\r\n")).expect_code(250);
    assert_eq!(header_values(&world.sink.take(HEAD).message, "Subject"), ["[ragwort] the field"]);
    smtp.send(ANA, &[HEAD], &mail(ANA, HEAD, "the wood", "Foxglove in the wood.\r\n")).expect_code(250);
    assert_eq!(world.mailwarden.json(&["held", "list", "--json"]).len(), 1);
}
