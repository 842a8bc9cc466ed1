//! What is released or confirmed looks like mail that no rule stopped: disclaimer, marks, tags, copies; and nothing stops it again.

use std::fs;

use crate::support::{Delivery, Smtp, World, find, fixture, header_values, mail, mail_with};

const ANA: &str = "ana@oakfield.example";
const HEAD: &str = "head@oakfield.example";
const BO: &str = "bo@beechwood.example";
const SAFEGUARDING: &str = "safeguarding@oakfield.example";
const DISCLAIMER: &str = "Oakfield-disclaimer";

fn signed_in(world: &World) -> Smtp {
    world.connect().xclient("ADDR=203.0.113.7 NAME=home.example LOGIN=ana")
}

/// Sends a message that is held; its reference.
fn hold(world: &World, to: &[&str], message: &[u8]) -> String {
    signed_in(world).send(ANA, to, message).expect_code(250);
    let held = world.mailwarden.json(&["held", "list", "--json"]);
    assert_eq!(held.len(), 1, "{held:?}");
    held[0]["reference"].as_str().unwrap().to_owned()
}

fn release(world: &World, reference: &str) {
    world.mailwarden.run(&["held", "release", reference, "--why", "it is about botany", "--by", "ms.okafor"]);
}

/// What becomes of a message that is held and released.
fn released(world: &World, to: &str, message: &[u8]) -> Delivery {
    let reference = hold(world, &[to], message);
    release(world, &reference);
    world.sink.take(to)
}

fn count(delivery: &Delivery, words: &str) -> usize {
    delivery.text().matches(words).count()
}

/// As it was sent, behind fields that tell of its way.
fn assert_as_sent(delivery: &Delivery, message: &[u8]) {
    assert!(delivery.message.ends_with(message), "{}", delivery.text());
    assert!(header_values(&delivery.message, "X-Mailwarden").is_empty(), "{}", delivery.text());
    assert!(header_values(&delivery.message, "X-Mailwarden-Pass").is_empty(), "{}", delivery.text());
}

fn set_aside(world: &World, id: &str) -> serde_json::Value {
    world.mailwarden.json(&["status", "--json"])[0][id].clone()
}

#[test]
fn released_mail_is_disclaimed_and_marked_once_and_kept_as_it_was() {
    let world = World::start();
    let message = mail(ANA, BO, "the wood", "Foxglove, hemlock and ragwort in the wood.\r\n");
    let reference = hold(&world, &[BO, HEAD], &message);
    world.sink.take(ANA);
    release(&world, &reference);
    let delivery = world.sink.take(BO);
    assert_eq!(header_values(&delivery.message, "Subject"), ["[ragwort] the wood"]);
    assert_eq!(header_values(&delivery.message, "X-Found"), ["ragwort"]);
    let ours = format!("tag; ref={reference}; rules=\"tag-ragwort\"");
    assert_eq!(header_values(&delivery.message, "X-Mailwarden"), [ours]);
    assert!(header_values(&delivery.message, "X-Mailwarden-Pass").is_empty(), "{}", delivery.text());
    assert_eq!(count(&delivery, DISCLAIMER), 1, "{}", delivery.text());
    assert!(find(&delivery.message, b"Foxglove, hemlock and ragwort in the wood.\r\n").is_some());
    let why = ["held", "show", &reference, "--content", "--why", "to compare", "--by", "ms.okafor"];
    assert_eq!(world.mailwarden.run(&why).stdout, message, "what is kept stays");
    // It was swept once for the record, and stopped once.
    assert_eq!(world.mailwarden.log().matches("verdict reached").count(), 1, "{}", world.mailwarden.log());
    assert_eq!((set_aside(&world, "messages_hold"), set_aside(&world, "messages_tag")), (1.into(), 0.into()));
    assert_eq!(world.mailwarden.json(&["held", "list", "--all", "--json"]).len(), 1);
    world.postfix.wait_for_empty_queue();
    assert_eq!(world.sink.count(ANA), 0, "the sender is answered once");
}

#[test]
fn what_its_sender_confirms_is_disclaimed_and_marked() {
    let world = World::start();
    let message = mail(ANA, BO, "the road", "Henbane and bryony by the road.\r\n");
    signed_in(&world).send(ANA, &[BO], &message).expect_code(250);
    let answer = world.sink.take(ANA);
    let to = header_values(&answer.message, "Reply-To").concat();
    let reply = mail(ANA, &to, "Re: Not delivered", "Send. It is for the botany lesson.\r\n");
    signed_in(&world).send(ANA, &[&to], &reply).expect_code(250);
    let delivery = world.sink.take(BO);
    assert_eq!(header_values(&delivery.message, "Subject"), ["CONFIDENTIAL: the road"]);
    assert_eq!(header_values(&delivery.message, "Sensitivity"), ["Company-Confidential"]);
    assert_eq!(count(&delivery, DISCLAIMER), 1, "{}", delivery.text());
    // The letter that says so is mailwarden's own, and gets nothing.
    let told = world.sink.take(ANA);
    assert!(told.text().contains("Your message was sent"), "{}", told.text());
    assert_eq!((count(&told, DISCLAIMER), count(&told, "X-Mailwarden:")), (0, 0), "{}", told.text());
}

#[test]
fn released_mail_that_can_take_no_disclaimer_goes_as_it_was_sent() {
    let signed = [
        b"MIME-Version: 1.0\r\nContent-Type: multipart/signed; micalg=pgp-sha512; protocol=\"application/pgp-signature\";\r\n\
          \tboundary=s\r\n"
            .to_vec(),
        mail(
            ANA,
            BO,
            "signed",
            "--s\r\nContent-Type: text/plain\r\n\r\nFoxglove  in the wood. \r\n\r\n--s\r\n\
             Content-Type: application/pgp-signature\r\n\r\n-----BEGIN PGP SIGNATURE-----\r\n\r\nAAAA\r\n\
             -----END PGP SIGNATURE-----\r\n--s--\r\n",
        ),
    ]
    .concat();
    let picture =
        [b"MIME-Version: 1.0\r\nContent-Type: image/png\r\n".to_vec(), mail(ANA, BO, "foxglove", "PNG\r\n")]
            .concat();
    let world = World::start();
    assert_as_sent(&released(&world, BO, &signed), &signed);
    assert_as_sent(&released(&world, BO, &picture), &picture);
    // A fallback that refuses holds for what nobody looked at.
    let refusing = world.with("policy/disclaimers.toml", "text = ", "fallback = \"reject\"\ntext = ");
    assert_as_sent(&released(&refusing, BO, &signed), &signed);
    assert_as_sent(&released(&refusing, BO, &picture), &picture);
}

#[test]
fn what_its_documents_say_marks_released_mail() {
    let words = "if.words = { list = \"bryony\"";
    let world = World::start().with("policy/lists/bryony.txt", "", "\nPenhallow\n").with(
        "policy/rules.toml",
        words,
        &format!("{words}, in = [\"body\", \"attachment\"]"),
    );
    let letter = fs::read("fixtures/documents/office/letter.docx").unwrap();
    let message = mail_with(ANA, BO, "a letter", "Foxglove.", ("letter.docx", &letter));
    let delivery = released(&world, BO, &message);
    assert_eq!(header_values(&delivery.message, "Subject"), ["CONFIDENTIAL: a letter"]);
    assert_eq!(count(&delivery, DISCLAIMER), 1);
}

/// Who signed in is known of the message that was kept: the outbox has no login.
#[test]
fn released_mail_is_the_mail_of_whoever_brought_it() {
    let world = World::start();
    let mut smtp = signed_in(&world);
    smtp.send(BO, &[BO], &mail(BO, BO, "from home", "Hemlock by the river.\r\n")).expect_code(250);
    // The answer to the sender, who writes to themselves.
    world.sink.take(BO);
    let held = world.mailwarden.json(&["held", "list", "--json"]);
    release(&world, held[0]["reference"].as_str().unwrap());
    assert_eq!(count(&world.sink.take(BO), DISCLAIMER), 1);
}

#[test]
fn copies_go_with_a_release_where_none_went_before() {
    let world = World::start();
    let to_bo = mail(ANA, BO, "the churchyard", "Foxglove and yew in the churchyard.\r\n");
    let delivery = released(&world, BO, &to_bo);
    let copy = match delivery.recipients.iter().any(|to| to == SAFEGUARDING) {
        true => delivery,
        false => world.sink.take(SAFEGUARDING),
    };
    assert_eq!(header_values(&copy.message, "Subject"), ["the churchyard"]);
    // For the one it is held, to the other and the copy's reader it went.
    let both = mail(ANA, HEAD, "the river", "Hemlock and yew by the river.\r\n");
    let reference = hold(&world, &[HEAD, BO], &both);
    world.sink.take(SAFEGUARDING);
    release(&world, &reference);
    world.sink.wait("the release", |shelf| {
        shelf
            .iter()
            .any(|one| {
                header_values(&one.message, "Subject") == ["the river"]
                    && one.recipients.iter().any(|to| to == BO)
            })
            .then_some(())
    });
    world.postfix.wait_for_empty_queue();
    let copies = world.sink.look(|shelf| {
        let of_river = shelf.iter().filter(|one| header_values(&one.message, "Subject") == ["the river"]);
        of_river.filter(|one| one.recipients.iter().any(|to| to == SAFEGUARDING)).count()
    });
    assert_eq!(copies, 0, "one copy, and it was taken");
}

/// A fault of the filter's does not undo what a person decided.
#[test]
fn released_mail_that_cannot_be_swept_goes_as_it_was_sent() {
    let world = World::start();
    let message = mail(ANA, BO, "the wood", "Foxglove and ragwort in the wood.\r\n");
    let reference = hold(&world, &[BO], &message);
    world.in_database("UPDATE messages SET verdict = 'damaged'");
    release(&world, &reference);
    assert_as_sent(&world.sink.take(BO), &message);
    let log = world.mailwarden.log();
    let said = log.lines().filter(|line| line.contains("goes as it was sent") && line.contains(&reference));
    assert_eq!(said.count(), 1, "{log}");
}

#[test]
fn nobody_is_alerted_anew_of_what_is_released() {
    let world = World::with_policy(&fixture("notices")).with(
        "policy/rules.toml",
        "then = { action = \"return\", guidance = \"plants\" }",
        "then = { action = \"hold\" }",
    );
    let message = mail(ANA, HEAD, "plants", "Here is foxglove and nightshade.\r\n");
    released(&world, HEAD, &message);
    world.postfix.wait_for_empty_queue();
    let notices = world.mailwarden.json(&["notices", "list", "--json"]);
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert_eq!(world.sink.count("dsl@oakfield.example"), 1);
}
