//! Asking first: what would happen to a message, told to its sender alone, with nothing delivered and nothing kept.

use crate::support::{World, header_values, mail};

const ANA: &str = "ana@oakfield.example";
const HEAD: &str = "head@oakfield.example";
const BO: &str = "bo@beechwood.example";
const CHECK: &str = "check@oakfield.example";

fn answer(world: &World, body: &str) -> String {
    world.connect().send(ANA, &[CHECK], &mail(ANA, CHECK, "the river", body)).expect_code(250);
    let delivery = world.sink.take(ANA);
    assert_eq!(delivery.sender, "");
    assert_eq!(header_values(&delivery.message, "Subject"), ["Tried out: the river"]);
    let text = delivery.text();
    let text = text.split_once("text/plain").unwrap().1.split_once("text/html").unwrap().0.to_owned();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn what_would_happen_is_told_and_nothing_is_kept() {
    let world = World::start();
    // Hemlock is held on its way out, nightshade comes back, wolfsbane is refused; to a colleague, hemlock passes.
    for (body, wanted, unwanted) in [
        ("Hemlock.\r\n", "For these people it would wait until somebody has looked at it", "would get it:"),
        (
            "To: head@oakfield.example, bo@beechwood.example\r\n\r\nHemlock.\r\n",
            "These people would get it: - head@oakfield.example",
            "come back",
        ),
        ("Nightshade.\r\n", "it would come back to you", "would wait"),
        ("Wolfsbane.\r\n", "it would be refused", "would wait"),
        ("Clover.\r\n", "No rule of the mail policy of Oakfield School speaks against it", "would wait"),
    ] {
        let text = answer(&world, body);
        assert!(text.contains(wanted) && !text.contains(unwanted), "{body}: {text}");
        assert!(text.contains("Nobody got your message, and nothing of it is kept"), "{text}");
    }
    let text = answer(&world, "bo@beechwood.example\r\nNightshade by the wall.\r\n");
    for words in
        ["Nightshade is returned (Mail policy, 7)", "In your text: ", "N********e", "take the word out", BO]
    {
        assert!(text.contains(words), "no \"{words}\": {text}");
    }
    world.postfix.wait_for_empty_queue();
    assert_eq!(world.mailwarden.json(&["held", "list", "--all", "--json"]).len(), 0);
    assert_eq!((world.sink.count(HEAD), world.sink.count(BO), world.sink.count(CHECK)), (0, 0, 0));
}

#[test]
fn only_ones_own_people_are_told_and_no_program() {
    let world = World::start();
    let message = mail(ANA, CHECK, "x", "Nightshade.\r\n");
    assert_eq!(world.connect().send(BO, &[CHECK], &message).code, 550);
    let mut outside = world.connect().xclient("ADDR=203.0.113.7 NAME=elsewhere.example");
    assert_eq!(outside.send(ANA, &[CHECK], &message).code, 550);
    assert_eq!(world.connect().send(ANA, &[CHECK, HEAD], &message).code, 550);
    let automatic = [b"Auto-Submitted: auto-replied\r\n".to_vec(), message.clone()].concat();
    world.connect().send(ANA, &[CHECK], &automatic).expect_code(250);
    world.connect().send("", &[CHECK], &message).expect_code(250);
    world.connect().send(ANA, &[HEAD], &mail(ANA, HEAD, "after", "Heather.\r\n")).expect_code(250);
    world.sink.take(HEAD);
    world.postfix.wait_for_empty_queue();
    assert_eq!((world.sink.count(ANA), world.sink.count(BO), world.sink.count(CHECK)), (0, 0, 0));
}
