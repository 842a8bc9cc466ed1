//! The whole path, for each form of answer: stopped, told why, corrected as the answer says, and through. The shipped rules.

use std::fs;
use std::path::Path;

use mail_parser::MessageParser;

use crate::support::{Delivery, Fate, Smtp, World, find, header_values, mail, mail_with};

const ANA: &str = "ana.lopez@oakfield.example";
const SAM: &str = "sam@pupils.oakfield.example";
const BO: &str = "bo@elsewhere.example";

fn world() -> World {
    World::with_policy(Path::new("rules"))
}

/// The shipped rules, and the made-up roll.
fn world_with_people() -> World {
    let world = world().with("mailwarden.toml", "", "[people]\nroll = \"people.roll\"\n");
    let folder = "fixtures/people/sims";
    let mapping = format!("{folder}/mapping.toml");
    let exports = ["contacts", "staff", "students"].map(|name| format!("{folder}/{name}.csv"));
    let mut arguments = vec!["people", "import", "--mapping", mapping.as_str()];
    arguments.extend(exports.iter().map(String::as_str));
    world.mailwarden.run(&arguments);
    world.mailwarden.run(&["reload"]);
    world
}

/// Ana, signed in from home.
fn signed_in(world: &World) -> Smtp {
    world.connect().xclient("ADDR=203.0.113.7 NAME=home.example LOGIN=ana.lopez")
}

/// The text of an answer as Ana reads it, on one line.
fn read(answer: &Delivery) -> String {
    assert_eq!(answer.sender, "", "an answer must not be answered (RFC 3834 §3.3)");
    let parsed = MessageParser::new().parse(&answer.message).unwrap();
    parsed.body_text(0).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn assert_says(text: &str, all: &[&str]) {
    for words in all {
        assert!(text.contains(words), "no \"{words}\" in: {text}");
    }
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("no \"{before}\" in: {text}")).1;
    rest.split_once(after).unwrap_or_else(|| panic!("no \"{after}\" in: {rest}")).0
}

/// The message arrives, and its sender hears nothing more.
fn passes(world: &World, smtp: &mut Smtp, to: &str, message: &[u8]) -> Delivery {
    let reply = smtp.send(ANA, &[to], message);
    assert_eq!(world.postfix.fate(reply.queue_id()), Fate::Left);
    let delivery = world.sink.take(to);
    world.postfix.wait_for_empty_queue();
    assert_eq!(world.sink.count(ANA), 0, "nothing is wrong with it");
    delivery
}

fn letter() -> Vec<u8> {
    fs::read("fixtures/documents/office/letter.docx").unwrap()
}

#[test]
fn refused_at_the_door() {
    let world = world();
    let mut smtp = signed_in(&world);
    let with =
        |name: &str| mail_with(ANA, BO, &format!("about {name}"), "The plan is attached.", (name, &letter()));
    let reply = smtp.send(ANA, &[BO], &with("seating plan.docm"));
    assert_eq!(reply.code, 550, "{reply}");
    let text = reply.text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_says(
        &text,
        &[
            "it carries a program, a script or a document with macros",
            "(Acceptable Use Policy 4.6, attachments that can harm)",
            "ask mailwarden@oakfield.example",
            "Give the reference ",
        ],
    );
    assert_eq!(world.mailwarden.json(&["held", "list", "--all", "--json"]).len(), 0, "nothing of it is kept");
    // "Save a document as .docx, .xlsx or PDF and send it again."
    let ending = between(&text, "Save a document as ", ",");
    passes(&world, &mut smtp, BO, &with(&format!("seating plan{ending}")));
}

#[test]
fn returned_with_initials() {
    let world = world_with_people();
    let mut smtp = signed_in(&world);
    let body = "Please call me about Oliver Bennett's exclusion.";
    let reply = smtp.send(ANA, &[BO], &mail(ANA, BO, "Tuesday", format!("{body}\r\n")));
    assert_eq!(world.postfix.fate(reply.queue_id()), Fate::Discarded);
    let answer = world.sink.take(ANA);
    let text = read(&answer);
    assert_says(
        &text,
        &[
            "Your message was not delivered",
            "(Data protection email guidance 4, initials)",
            "“Oliver Bennett",
        ],
    );
    assert!(find(&answer.message, body.as_bytes()).is_some(), "the original is attached");
    let better = between(&text, "Write “", "” instead");
    assert!(better.contains("O.B.") && !better.contains("Bennett"), "{better}");
    let delivery = passes(&world, &mut smtp, BO, &mail(ANA, BO, "Tuesday", format!("{better}\r\n")));
    assert!(find(&delivery.message, better.as_bytes()).is_some(), "{}", delivery.text());
}

#[test]
fn held_corrected_and_the_first_one_deleted() {
    let world = world();
    let mut smtp = signed_in(&world);
    let with =
        |name: &str, bytes: &[u8]| mail_with(ANA, SAM, name, "Your letter is attached.", (name, bytes));
    let locked = fs::read("fixtures/documents/office/agile.docx").unwrap();
    let reply = smtp.send(ANA, &[SAM], &with("letter.docx", &locked));
    assert_eq!(world.postfix.fate(reply.queue_id()), Fate::Discarded);
    let text = read(&world.sink.take(ANA));
    assert_says(
        &text,
        &[
            "Your message is waiting to be looked at",
            "In the attachment letter.docx",
            "save it without one and send it again",
            "Somebody who may decide is asked",
        ],
    );
    let sent = passes(&world, &mut smtp, SAM, &with("letter without a password.docx", &letter()));
    assert!(sent.text().contains("letter without a password.docx"), "{}", sent.text());
    let reference = between(&text, "Give the reference ", ".");
    world.mailwarden.run(&[
        "held",
        "delete",
        reference,
        "--why",
        "sent again without a password",
        "--by",
        "office",
    ]);
    assert_eq!(world.mailwarden.json(&["held", "list", "--json"]).len(), 0);
    assert_eq!(world.sink.count(SAM), 0);
}

#[test]
fn held_and_confirmed() {
    let world = world().with("mailwarden.toml", "", "[memory]\nsettle-days = 0\n");
    let mut smtp = signed_in(&world);
    let message = |number: &str| {
        let receipt = format!("Disposition-Notification-To: <{ANA}>\r\n").into_bytes();
        [receipt, mail(ANA, BO, &format!("CONFIDENTIAL: Thursday {number}"), "Please ring me.\r\n")].concat()
    };
    smtp.send(ANA, &[BO], &message("one")).expect_code(250);
    let answer = world.sink.take(ANA);
    let text = read(&answer);
    assert_says(
        &text,
        &[
            "These people have not got it yet: - bo@elsewhere.example",
            "you have never written to it before",
            "If it is right, reply to this message, begin with the word Send, and say why in a sentence. Your message then goes out.",
            "reply to this message, begin with the word Send, and say why in a sentence. It then goes out as you wrote it",
        ],
    );
    assert!(!text.contains("“”"), "nothing stands there: {text}");
    let to = header_values(&answer.message, "Reply-To").concat();
    let why = "It is the new clerk at the council: I rang her.";
    smtp.send(ANA, &[&to], &mail(ANA, &to, "Re: Waiting", format!("Send. {why}\r\n"))).expect_code(250);
    assert!(find(&world.sink.take(BO).message, &message("one")).is_some());
    assert_says(&read(&world.sink.take(ANA)), &["Your message was sent", why]);
    // She is known from now on.
    passes(&world, &mut smtp, BO, &message("two"));
}

#[test]
fn marked_and_advised() {
    let world = world();
    let mut smtp = signed_in(&world);
    let body = "The care order comes next week.\r\n";
    let reply = smtp.send(ANA, &[BO], &mail(ANA, BO, "Thursday", body));
    assert_eq!(world.postfix.fate(reply.queue_id()), Fate::Left);
    let marked = world.sink.take(BO).message;
    assert_eq!(header_values(&marked, "Subject"), ["CONFIDENTIAL: Thursday"]);
    assert_eq!(header_values(&marked, "Disposition-Notification-To"), [format!("<{ANA}>")]);
    let answer = world.sink.take(ANA);
    assert_eq!(header_values(&answer.message, "Subject"), ["About your message: Thursday"]);
    let text = read(&answer);
    assert_says(
        &text,
        &[
            "It was delivered to: - bo@elsewhere.example",
            "You need not send it again",
            "“care order”",
            "Begin the subject with CONFIDENTIAL:",
            "Request a Read Receipt",
            "Your message is not kept by mailwarden",
        ],
    );
    assert_eq!(world.mailwarden.json(&["held", "list", "--all", "--json"]).len(), 0);
    let mark = between(&text, "Begin the subject with ", ".");
    let receipt = format!("Disposition-Notification-To: <{ANA}>\r\n").into_bytes();
    let right = [receipt, mail(ANA, BO, &format!("{mark} Thursday, again"), body)].concat();
    let delivery = passes(&world, &mut smtp, BO, &right);
    assert_eq!(header_values(&delivery.message, "Subject"), ["CONFIDENTIAL: Thursday, again"]);
    assert_eq!(header_values(&delivery.message, "X-Mailwarden"), Vec::<String>::new());
    // It teaches, and does not nag: within the time, it is marked without a word.
    let again = passes(&world, &mut smtp, BO, &mail(ANA, BO, "Friday", body));
    assert_eq!(header_values(&again.message, "Subject"), ["CONFIDENTIAL: Friday"]);
}

#[test]
fn tried_out_first() {
    let world = world_with_people();
    let mut smtp = signed_in(&world);
    let check = "check@oakfield.example";
    let body = |words: &str| format!("{BO}\r\n\r\n{words}\r\n");
    smtp.send(ANA, &[check], &mail(ANA, check, "Tuesday", body("The care order of Oliver Bennett stands.")))
        .expect_code(250);
    let text = read(&world.sink.take(ANA));
    assert_says(
        &text,
        &[
            "it would come back to you: - bo@elsewhere.example",
            "this is still to come: - Confidential matter leaves without its marking",
        ],
    );
    for done in ["it was not marked", "So we put", "It was delivered", "We asked"] {
        assert!(!text.contains(done), "\"{done}\" in a trial: {text}");
    }
    let better = between(&text, "Write “", "” instead").to_owned();
    smtp.send(ANA, &[check], &mail(ANA, check, "CONFIDENTIAL: Tuesday", body(&better))).expect_code(250);
    let text = read(&world.sink.take(ANA));
    assert_says(&text, &["These people would get it: - bo@elsewhere.example", "Please ask for a receipt"]);
    let receipt = format!("Disposition-Notification-To: <{ANA}>\r\n").into_bytes();
    let right = [receipt, mail(ANA, BO, "CONFIDENTIAL: Tuesday", format!("{better}\r\n"))].concat();
    let delivery = passes(&world, &mut smtp, BO, &right);
    assert!(find(&delivery.message, better.as_bytes()).is_some(), "{}", delivery.text());
}
