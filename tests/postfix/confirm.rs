//! Confirming by mail: the sender's reason, the approver's word, and everybody whose reply changes nothing.

use crate::support::{Delivery, Smtp, World, find, header_values, mail};

const ANA: &str = "ana@oakfield.example";
const HEAD: &str = "head@oakfield.example";
const DEPUTY: &str = "deputy@oakfield.example";
const BO: &str = "bo@beechwood.example";
const REASON: &str = "It is for the botany lesson.";
const SEND: &str = "Send. It is for the botany lesson.";

/// A connection of somebody who signed in from home.
fn signed_in(world: &World, login: &str) -> Smtp {
    world.connect().xclient(&format!("ADDR=203.0.113.7 NAME=home.example LOGIN={login}"))
}

fn message(word: &str) -> Vec<u8> {
    mail(ANA, BO, &format!("about {word}"), format!("{word} by the road.\r\n"))
}

/// Ana sends a message with that word, and gets the answer that offers to confirm it.
fn answered(world: &World, word: &str) -> Delivery {
    signed_in(world, "ana").send(ANA, &[BO], &message(word)).expect_code(250);
    let answer = world.sink.take(ANA);
    assert_eq!(answer.sender, "");
    answer
}

fn reply_to(answer: &Delivery) -> String {
    header_values(&answer.message, "Reply-To").first().unwrap_or_else(|| panic!("{}", answer.text())).clone()
}

/// A reply as mail programs write it, the answer quoted below.
fn reply(from: &str, to: &str, words: &str) -> Vec<u8> {
    mail(
        from,
        to,
        "Re: Not delivered",
        format!("{words}\r\n\r\nOn Monday, mailwarden wrote:\r\n> Approve nothing of this.\r\n"),
    )
}

fn reference(world: &World) -> String {
    let all = world.mailwarden.json(&["held", "list", "--all", "--json"]);
    assert_eq!(all.len(), 1, "{all:?}");
    all[0]["reference"].as_str().unwrap().to_owned()
}

fn shown(world: &World) -> serde_json::Value {
    world.mailwarden.json(&["held", "show", &reference(world), "--json"]).remove(0)
}

/// Nothing was released, and nobody was told anything more.
fn assert_nothing_came_of_it(world: &World) {
    let shown = shown(world);
    assert_eq!(shown["decisions"], serde_json::json!([]), "{shown}");
    assert_eq!(shown["confirmations"].as_array().map(Vec::len), Some(1), "{shown}");
    assert!(shown["confirmations"][0]["used_at"].is_null(), "{shown}");
    assert_eq!(world.sink.count(BO), 0);
    assert_eq!(world.sink.count(ANA), 0);
}

fn refused(smtp: &mut Smtp, from: &str, to: &str, message: &[u8], words: &str) {
    let reply = smtp.send(from, &[to], message);
    assert_eq!(reply.code, 550, "{reply}");
    assert!(reply.text.contains(words), "no \"{words}\" in: {reply}");
}

#[test]
fn a_reason_sends_the_message_and_goes_on_record() {
    let world = World::start();
    let answer = answered(&world, "Henbane");
    for words in [
        "If it must go as it is",
        "reply to this message, begin with the word Send, and say why",
        "Mail policy, 8",
    ] {
        let text = answer.text().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(words), "no \"{words}\":\n{text}");
    }
    let to = reply_to(&answer);
    signed_in(&world, "ana").send(ANA, &[&to], &reply(ANA, &to, SEND)).expect_code(250);
    let delivery = world.sink.take(BO);
    assert!(find(&delivery.message, &message("Henbane")).is_some(), "{}", delivery.text());
    assert_eq!(delivery.sender, ANA);
    let told = world.sink.take(ANA);
    assert_eq!(told.sender, "");
    assert!(told.text().contains("Your message was sent") && told.text().contains(REASON), "{}", told.text());
    assert_eq!(header_values(&told.message, "In-Reply-To"), ["<Re--Not-delivered@oakfield.example>"]);
    let shown = shown(&world);
    assert_eq!(shown["decisions"][0]["by"], "ana@oakfield.example, by mail", "{shown}");
    assert_eq!(shown["decisions"][0]["why"], REASON, "{shown}");
    assert_eq!(shown["confirmations"][0]["outcome"], "released", "{shown}");
    // A second reply changes nothing.
    refused(&mut signed_in(&world, "ana"), ANA, &to, &reply(ANA, &to, SEND), "answered already");
    assert_eq!(world.sink.count(BO), 0);
}

#[test]
fn the_code_counts_wherever_a_mail_program_leaves_it() {
    let world = World::start();
    let to = reply_to(&answered(&world, "Henbane"));
    let code = to.split(['+', '@']).nth(1).unwrap().to_uppercase();
    let plain = "confirm@oakfield.example";
    let quoted = mail(ANA, plain, "Re: Not delivered", format!("{SEND}\r\n\r\n> the code: {code}\r\n"));
    signed_in(&world, "ana").send(ANA, &[plain], &quoted).expect_code(250);
    world.sink.take(BO);
}

#[test]
fn nobody_else_and_no_program_can_confirm() {
    let world = World::start();
    let to = reply_to(&answered(&world, "Henbane"));
    let theirs = "only the person who was asked";
    // Somebody else, in their own name and in Ana's.
    refused(&mut signed_in(&world, "head"), HEAD, &to, &reply(HEAD, &to, SEND), theirs);
    refused(&mut signed_in(&world, "head"), ANA, &to, &reply(ANA, &to, SEND), theirs);
    // Ana's account, and another's name in the header.
    refused(&mut signed_in(&world, "ana"), ANA, &to, &reply(HEAD, &to, SEND), theirs);
    // Whoever only claims to be Ana: from outside, and from a program on the machine.
    let mut outside = world.connect().xclient("ADDR=203.0.113.7 NAME=elsewhere.example");
    refused(&mut outside, ANA, &to, &reply(ANA, &to, SEND), "signed-in account");
    refused(&mut world.connect(), ANA, &to, &reply(ANA, &to, SEND), "signed-in account");
    // A code that nobody made, no code, no reason, and others who would get the reply.
    let forged = "confirm+00000000000000000000000000000000@oakfield.example";
    refused(&mut signed_in(&world, "ana"), ANA, forged, &reply(ANA, forged, SEND), "no code that is known");
    let plain = "confirm@oakfield.example";
    refused(&mut signed_in(&world, "ana"), ANA, plain, &reply(ANA, plain, SEND), "no code that is known");
    refused(
        &mut signed_in(&world, "ana"),
        ANA,
        &to,
        &mail(ANA, &to, "Re:", "Send.\r\n\r\n> quoted\r\n"),
        "gives no reason",
    );
    for words in ["", REASON, "Thanks, I will use initials instead. Please do NOT send it."] {
        refused(&mut signed_in(&world, "ana"), ANA, &to, &reply(ANA, &to, words), "nothing was sent");
    }
    let both = signed_in(&world, "ana").send(ANA, &[&to, BO], &reply(ANA, &to, SEND));
    assert_eq!(both.code, 550, "{both}");
    // Programs: an out-of-office is taken, so that it does not bounce, and dropped.
    for field in ["Auto-Submitted: auto-replied", "X-Autoreply: yes", "Precedence: bulk"] {
        let automatic =
            [format!("{field}\r\n").into_bytes(), reply(ANA, &to, "I am away until Monday.")].concat();
        signed_in(&world, "ana").send(ANA, &[&to], &automatic).expect_code(250);
    }
    signed_in(&world, "ana").send("", &[&to], &reply(ANA, &to, SEND)).expect_code(250);
    assert_nothing_came_of_it(&world);
    // And Ana still can.
    signed_in(&world, "ana").send(ANA, &[&to], &reply(ANA, &to, SEND)).expect_code(250);
    world.sink.take(BO);
}

#[test]
fn a_confirmation_that_comes_too_late_is_refused() {
    let world = World::start();
    let to = reply_to(&answered(&world, "Henbane"));
    world.in_database("UPDATE confirmations SET expires_at = 1");
    refused(&mut signed_in(&world, "ana"), ANA, &to, &reply(ANA, &to, SEND), "the time for it is over");
    assert_nothing_came_of_it(&world);
}

/// Ana asks for a message to go; the approvers get her request.
fn requested(world: &World) -> String {
    let to = reply_to(&answered(world, "Mandrake"));
    signed_in(world, "ana").send(ANA, &[&to], &reply(ANA, &to, SEND)).expect_code(250);
    let passed_on = world.sink.take(ANA);
    assert!(passed_on.text().contains("Your request was passed on"), "{}", passed_on.text());
    let request = world.sink.take(HEAD);
    assert_eq!(request.sender, "");
    for words in [ANA, REASON, "Mail policy, 9", "Approve or Decline"] {
        assert!(request.text().contains(words), "no \"{words}\":\n{}", request.text());
    }
    assert!(
        !request.text().contains("by the road"),
        "content is not the approver's to see:\n{}",
        request.text()
    );
    assert_eq!(world.sink.count(BO), 0);
    reply_to(&request)
}

#[test]
fn an_approver_approves_by_reply() {
    let world = World::start();
    let to = requested(&world);
    // The sender cannot approve; nor can the head without saying which.
    refused(
        &mut signed_in(&world, "ana"),
        ANA,
        &to,
        &reply(ANA, &to, "Approve."),
        "only the person who was asked",
    );
    refused(
        &mut signed_in(&world, "head"),
        HEAD,
        &to,
        &reply(HEAD, &to, "I shall see."),
        "Approve or Decline",
    );
    for unclear in ["Yes fine", "Yes, I shall ask the head first", "No problem, go ahead."] {
        let words = reply(HEAD, &to, unclear);
        refused(&mut signed_in(&world, "head"), HEAD, &to, &words, "Approve or Decline");
    }
    for alone in ["Approve", "Decline."] {
        refused(&mut signed_in(&world, "head"), HEAD, &to, &reply(HEAD, &to, alone), "gives no reason");
    }
    assert_eq!(world.sink.count(BO), 0);
    let words = "Approve. The parents know.";
    signed_in(&world, "head").send(HEAD, &[&to], &reply(HEAD, &to, words)).expect_code(250);
    let delivery = world.sink.take(BO);
    assert!(find(&delivery.message, &message("Mandrake")).is_some(), "{}", delivery.text());
    let told = world.sink.take(ANA);
    assert!(
        told.text().contains("approved and sent") && told.text().contains("The parents know."),
        "{}",
        told.text()
    );
    assert_eq!(header_values(&told.message, "In-Reply-To"), ["<about-Mandrake@oakfield.example>"]);
    // The other approver comes second.
    refused(
        &mut signed_in(&world, "deputy"),
        DEPUTY,
        &to,
        &reply(DEPUTY, &to, "Decline."),
        "answered already",
    );
    let shown = shown(&world);
    assert_eq!(shown["decisions"][0]["by"], "head@oakfield.example, by mail", "{shown}");
    assert_eq!(shown["confirmations"][0]["why"], REASON, "{shown}");
}

#[test]
fn an_approver_declines_by_reply() {
    let world = World::start();
    let to = requested(&world);
    signed_in(&world, "deputy")
        .send(DEPUTY, &[&to], &reply(DEPUTY, &to, "Decline: ring them."))
        .expect_code(250);
    let told = world.sink.take(ANA);
    assert!(
        told.text().contains("was not approved") && told.text().contains("ring them."),
        "{}",
        told.text()
    );
    refused(&mut signed_in(&world, "head"), HEAD, &to, &reply(HEAD, &to, "Approve."), "answered already");
    let shown = shown(&world);
    assert_eq!(
        (&shown["state"], &shown["confirmations"][1]["outcome"]),
        (&"held".into(), &"declined".into()),
        "{shown}"
    );
    assert_eq!(world.sink.count(BO), 0);
}

#[test]
fn the_corrected_message_passes() {
    let world = World::start();
    answered(&world, "Henbane");
    signed_in(&world, "ana").send(ANA, &[BO], &message("Clover")).expect_code(250);
    assert!(world.sink.take(BO).text().contains("Clover by the road."));
    assert_eq!(world.sink.count(ANA), 0);
}

/// An answer offers nothing that would not work, and whoever runs mailwarden is told why.
#[test]
fn what_could_not_be_confirmed_is_not_offered() {
    let offers = |answer: &Delivery| answer.text().contains("If it must go as it is");
    let without_address =
        World::start().with("mailwarden.toml", "confirm = \"confirm@oakfield.example\"\n", "");
    let answer = answered(&without_address, "Henbane");
    assert!(!offers(&answer) && header_values(&answer.message, "Reply-To").is_empty(), "{}", answer.text());
    let log = without_address.mailwarden.log();
    let warned = log.lines().filter(|line| line.contains("no sender can confirm a stopped message"));
    assert_eq!(warned.filter(|line| line.contains("[outgoing]")).count(), 1, "{log}");
    let check = without_address.mailwarden.run(&["check"]);
    let told = String::from_utf8(check.stdout).unwrap();
    assert!(told.contains("`return-henbane`, `hold-mandrake` have `override`"), "{told}");

    // Nobody decides on their own mail: where the sender is the one approver, nobody is left to ask.
    let world =
        World::start().with("policy/organisation.toml", "\"head@oakfield.example\", \"deputy@", "\"ana@");
    assert!(!offers(&answered(&world, "Mandrake")));
    let log = world.mailwarden.log();
    assert!(!log.lines().last().unwrap_or_default().contains("no sender can confirm"), "{log}");
}
