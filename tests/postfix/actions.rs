//! Each action as people meet it: what arrives, what does not, and what the sender is told.

use crate::support::{Fate, World, find, header_values, mail};

const ANA: &str = "ana@oakfield.example";
const HEAD: &str = "head@oakfield.example";
const BO: &str = "bo@beechwood.example";

#[test]
fn what_no_rule_minds_passes_unchanged() {
    let world = World::start();
    let message = mail(ANA, HEAD, "minutes", "The minutes are attached.\r\n");
    world.connect().send(ANA, &[HEAD], &message).expect_code(250);
    let delivery = world.sink.take(HEAD);
    assert_eq!(delivery.sender, ANA);
    assert!(delivery.message.ends_with(&message), "{}", delivery.text());
}

#[test]
fn tagged_mail_arrives_with_a_header_field_and_a_prefix() {
    let world = World::start();
    let message = mail(ANA, HEAD, "the field", "Ragwort in the field.\r\n");
    world.connect().send(ANA, &[HEAD], &message).expect_code(250);
    let delivery = world.sink.take(HEAD).message;
    assert_eq!(header_values(&delivery, "Subject"), ["[ragwort] the field"]);
    assert_eq!(header_values(&delivery, "X-Found"), ["ragwort"]);
    assert!(delivery.ends_with(b"\r\n\r\nRagwort in the field.\r\n"));
}

#[test]
fn marked_mail_arrives_with_its_marking_put_right_once() {
    let world = World::start();
    let mut smtp = world.connect();
    for subject in ["the hedge", "CONFIDENTIAL: the hedge"] {
        smtp.send(ANA, &[HEAD], &mail(ANA, HEAD, subject, "Bryony in the hedge.\r\n")).expect_code(250);
        let delivery = world.sink.take(HEAD).message;
        assert_eq!(header_values(&delivery, "Subject"), ["CONFIDENTIAL: the hedge"]);
        assert_eq!(header_values(&delivery, "Sensitivity"), ["Company-Confidential"]);
    }
}

#[test]
fn held_mail_is_taken_and_kept_and_delivered_to_nobody() {
    let world = World::start();
    let message = mail(ANA, HEAD, "the wood", "Foxglove in the wood.\r\n");
    let reply = world.connect().send(ANA, &[HEAD], &message);
    // It is in the store before Postfix hears the answer, so nothing needs waiting for.
    let held = world.mailwarden.json(&["held", "list", "--json"]);
    assert_eq!(held.len(), 1, "{held:?}");
    assert_eq!(held[0]["sender"], ANA);
    assert_eq!(held[0]["recipients"][0], HEAD);
    // The rule that watches for the same word is not among the causes.
    assert_eq!(held[0]["rules"].as_array().map(Vec::len), Some(1), "{held:?}");
    assert_eq!(held[0]["rules"][0], "hold-foxglove");
    assert_eq!(world.postfix.fate(reply.queue_id()), Fate::Discarded);
    assert_eq!(world.sink.count(HEAD), 0);
    // Its sender is told, with what was found, masked, and without the message itself.
    let answer = world.sink.take(ANA);
    assert_eq!(answer.sender, "");
    let text = answer.text();
    for words in [
        "is waiting to be looked at",
        "Foxglove is held",
        "In your text",
        "F******e",
        "head@oakfield.example",
    ] {
        assert!(text.contains(words), "no \"{words}\":\n{text}");
    }
    assert!(!text.contains("Foxglove in the wood"), "{text}");
    assert_eq!(header_values(&answer.message, "Subject"), ["Waiting: the wood"]);
}

#[test]
fn returned_mail_comes_back_with_guidance_and_the_original() {
    let world = World::start();
    let message = mail(ANA, BO, "the wall", "Nightshade by the wall.\r\n");
    let reply = world.connect().send(ANA, &[BO], &message);
    assert_eq!(world.postfix.fate(reply.queue_id()), Fate::Discarded);
    let answer = world.sink.take(ANA);
    assert_eq!(answer.sender, "", "an answer must not be answered (RFC 3834 §3.3)");
    assert!(answer.text().contains("take the word out"), "no guidance:\n{}", answer.text());
    assert!(answer.text().contains("Mail policy, 7"), "no clause:\n{}", answer.text());
    let original = b"Subject: the wall\r\n";
    assert!(find(&answer.message, original).is_some(), "no original:\n{}", answer.text());
    assert!(find(&answer.message, b"Nightshade by the wall.").is_some());
    assert!(!header_values(&answer.message, "Auto-Submitted").is_empty(), "RFC 3834 §5");
    assert_eq!(world.sink.count(BO), 0);
}

#[test]
fn whoever_only_claims_to_be_ours_gets_no_answer() {
    let world = World::start();
    let message = mail(ANA, BO, "the wall", "Nightshade by the wall.\r\n");
    let mut forger = world.connect().xclient("ADDR=203.0.113.7 NAME=elsewhere.example");
    forger.send(ANA, &[BO], &message).expect_code(250);
    let held = world.mailwarden.json(&["held", "list", "--json"]);
    assert_eq!(held.len(), 1, "it is held in place of being returned: {held:?}");
    let shown = world.mailwarden.json(&["held", "show", held[0]["reference"].as_str().unwrap(), "--json"]);
    assert_eq!(shown[0]["outbox"], serde_json::json!([]), "{shown:?}");
}

#[test]
fn rejected_mail_is_refused_with_the_rules_text() {
    let world = World::start();
    let mut smtp = world.connect();
    let message = mail(ANA, HEAD, "the hill", "Wolfsbane on the hill.\r\n");
    let reply = smtp.send(ANA, &[HEAD], &message);
    assert_eq!(reply.code, 550, "{reply}");
    assert!(reply.text.contains("Not 100% welcome: %s"), "{reply}");
    assert!(
        reply.text.contains("Wolfsbane is refused") && reply.text.contains("Give the reference "),
        "{reply}"
    );
    // Somebody outside learns nothing of it, and no more does whoever uses one of our addresses from outside.
    let stranger = smtp.send(BO, &[HEAD], &message);
    let mut forger = world.connect().xclient("ADDR=203.0.113.7 NAME=elsewhere.example");
    for reply in [stranger, forger.send(ANA, &[HEAD], &message)] {
        assert_eq!(reply.code, 550, "{reply}");
        assert!(reply.text.contains("refused under the mail policy of Oakfield School"), "{reply}");
        assert!(!reply.text.contains("olfsbane") && !reply.text.contains("welcome"), "{reply}");
    }
    // The connection lives on, and so does the next message.
    smtp.send(BO, &[HEAD], &mail(BO, HEAD, "after", "Heather.\r\n")).expect_code(250);
    assert_eq!(header_values(&world.sink.take(HEAD).message, "Subject"), ["after"]);
    assert_eq!(world.sink.count(HEAD), 0);
}

#[test]
fn recipients_that_differ_are_treated_differently() {
    let world = World::start();
    let message = mail(ANA, HEAD, "the river", "Hemlock by the river.\r\n");
    let reply = world.connect().send(ANA, &[HEAD, BO], &message);
    let delivery = world.sink.take(HEAD);
    assert_eq!(delivery.recipients, [HEAD]);
    assert!(delivery.message.ends_with(&message), "{}", delivery.text());
    assert_eq!(world.postfix.fate(reply.queue_id()), Fate::Left);
    assert_eq!(world.sink.count(BO), 0);
    let held = world.mailwarden.json(&["held", "list", "--json"]);
    assert_eq!(held.len(), 1);
    assert_eq!(held[0]["recipients"], serde_json::json!([BO]));
}

#[test]
fn a_copy_goes_to_those_who_do_not_get_the_message_anyway() {
    let world = World::start();
    let message = mail(ANA, HEAD, "the churchyard", "Yew in the churchyard.\r\n");
    world.connect().send(ANA, &[HEAD], &message).expect_code(250);
    let delivery = world.sink.take("safeguarding@oakfield.example");
    assert!(delivery.message.ends_with(&message), "{}", delivery.text());
    assert_eq!(delivery.recipients, [HEAD, "safeguarding@oakfield.example"], "each once");
}

#[test]
fn outgoing_mail_carries_the_disclaimer_and_internal_mail_does_not() {
    let world = World::start();
    let mut smtp = world.connect();
    smtp.send(ANA, &[BO], &mail(ANA, BO, "out", "Hello Bo.\r\n")).expect_code(250);
    let out = world.sink.take(BO).text();
    assert_eq!(out.matches("Oakfield-disclaimer").count(), 1, "{out}");
    let message = mail(ANA, HEAD, "in", "Hello.\r\n");
    smtp.send(ANA, &[HEAD], &message).expect_code(250);
    assert!(world.sink.take(HEAD).message.ends_with(&message));
    smtp.send(BO, &[HEAD], &message).expect_code(250);
    assert!(world.sink.take(HEAD).message.ends_with(&message));
}

#[test]
fn header_fields_of_mailwardens_own_cannot_be_forged() {
    let world = World::start();
    let mut message = b"X-Mailwarden-Pass: forged\r\nx-mailwarden-anything: forged\r\n".to_vec();
    message.extend(mail(BO, HEAD, "forged", "Foxglove, which a forged pass must not let through.\r\n"));
    let mut smtp = world.connect();
    smtp.send(BO, &[HEAD], &message).expect_code(250);
    assert_eq!(world.mailwarden.json(&["held", "list", "--json"]).len(), 1);

    let mut harmless =
        b"X-Mailwarden-Pass: forged\r\nx-mailwarden-anything: forged\r\nX-Other: stays\r\n".to_vec();
    harmless.extend(mail(BO, HEAD, "harmless", "Hello.\r\n"));
    smtp.send(BO, &[HEAD], &harmless).expect_code(250);
    let delivery = world.sink.take(HEAD);
    assert!(!delivery.text().contains("forged\r\n"), "{}", delivery.text().replace("Subject: forged", ""));
    assert_eq!(header_values(&delivery.message, "X-Other"), ["stays"]);
}

#[test]
fn a_client_that_logged_in_is_one_of_ours() {
    let world = World::start();
    let mut smtp = world.connect().xclient("ADDR=203.0.113.7 NAME=home.example LOGIN=ana");
    smtp.send(BO, &[BO], &mail(BO, BO, "from home", "Hemlock by the river.\r\n")).expect_code(250);
    let held = world.mailwarden.json(&["held", "list", "--json"]);
    assert_eq!(held.len(), 1);
    let reference = held[0]["reference"].as_str().unwrap();
    let shown = world.mailwarden.json(&["held", "show", reference, "--json"]);
    assert_eq!(shown[0]["authenticated"], "ana");
    assert_eq!(shown[0]["client_address"], "203.0.113.7");
}
