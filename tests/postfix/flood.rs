//! Many messages stopped at once: one summary in place of a flood, from which each can still be confirmed.

use crate::support::{World, find, header_values, mail};

const ANA: &str = "ana@oakfield.example";
const BO: &str = "bo@beechwood.example";
const CONFIRM: &str = "confirm@oakfield.example";
const REASON: &str = "Send. It is for the botany lesson.";

/// Ana, signed in from home, sends a message.
fn send(world: &World, to: &str, message: &[u8]) -> crate::support::Reply {
    let mut smtp = world.connect().xclient("ADDR=203.0.113.7 NAME=home.example LOGIN=ana");
    smtp.send(ANA, &[to], message)
}

fn stopped(number: usize) -> Vec<u8> {
    mail(ANA, BO, &format!("henbane {number}"), format!("Henbane by road {number}.\r\n"))
}

/// What stands behind each reference of the summary.
fn codes(text: &str) -> Vec<String> {
    let plain = text.split("text/html").next().unwrap();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    plain.split("Code: ").skip(1).map(|rest| rest.split(' ').next().unwrap().to_owned()).collect()
}

#[test]
fn one_summary_stands_for_the_flood_and_tells_each_code() {
    let mut world = World::start().with("mailwarden.toml", "check = ", "answers = 2\ncheck = ");
    for number in 1..=5 {
        send(&world, BO, &stopped(number)).expect_code(250);
    }
    let answers = [world.sink.take(ANA), world.sink.take(ANA)];
    world.postfix.wait_for_empty_queue();
    assert_eq!(world.sink.count(ANA), 0, "two in an hour");
    // An hour later, as far as the record knows.
    world.mailwarden.stop();
    world.in_database("UPDATE outbox SET queued_at = 1 WHERE state = 'postponed'");
    world.mailwarden.restart();
    let summary = world.sink.take(ANA);
    assert_eq!(
        (summary.sender.as_str(), header_values(&summary.message, "Reply-To")),
        ("", vec![CONFIRM.to_owned()])
    );
    let text = summary.text();
    let codes = codes(&text);
    assert_eq!(codes.len(), 3, "{text}");
    for kept in world.mailwarden.json(&["held", "list", "--all", "--json"]) {
        let reference = kept["reference"].as_str().unwrap();
        let told = answers.iter().filter(|answer| answer.text().contains(reference)).count();
        assert_eq!(told + usize::from(text.contains(reference)), 1, "{reference} is told once");
    }

    // A reply that quotes it all says of no message which is meant; one that puts a code into the subject does.
    let quoted: String = text.lines().map(|line| format!("> {line}\r\n")).collect();
    let unclear = mail(ANA, CONFIRM, "Re: More of your messages", format!("{REASON}\r\n\r\n{quoted}"));
    let refused = send(&world, CONFIRM, &unclear);
    assert!(refused.code == 550 && refused.text.contains("the codes of several messages"), "{refused}");
    let clear = mail(ANA, CONFIRM, &format!("Re: {}", codes[1]), format!("{REASON}\r\n\r\n{quoted}"));
    send(&world, CONFIRM, &clear).expect_code(250);
    let delivery = world.sink.take(BO);
    assert!(find(&delivery.message, b"Henbane by road 4.").is_some(), "{}", delivery.text());
    assert!(world.sink.take(ANA).text().contains("Your message was sent"));
    world.postfix.wait_for_empty_queue();
    assert_eq!((world.sink.count(BO), world.sink.count(ANA)), (0, 0));
}
