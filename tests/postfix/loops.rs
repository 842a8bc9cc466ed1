//! Nothing that a program writes is answered: answering machines on both sides, bounces, lists, another mailwarden.

use crate::support::{World, header_values, mail};

const ANA: &str = "ana@oakfield.example";
const HEAD: &str = "head@oakfield.example";
const BO: &str = "bo@beechwood.example";
const BODY: &str = "Nightshade by the wall.\r\n";

/// How many answers and letters the filter ever wrote.
fn answers(world: &World) -> usize {
    let all = world.mailwarden.json(&["held", "list", "--all", "--json"]);
    let written = all.iter().map(|entry| {
        let reference = entry["reference"].as_str().unwrap();
        let shown = world.mailwarden.json(&["held", "show", reference, "--json"]).remove(0);
        shown["outbox"].as_array().map_or(0, Vec::len)
    });
    written.sum()
}

fn with(fields: &str, message: Vec<u8>) -> Vec<u8> {
    [fields.as_bytes(), &message].concat()
}

#[test]
fn answering_machines_on_both_sides_end_where_they_begin() {
    let world = World::start();
    let mut smtp = world.connect();
    smtp.send(ANA, &[BO], &mail(ANA, BO, "the wall", BODY)).expect_code(250);
    let answer = world.sink.take(ANA);
    assert_eq!(answers(&world), 1);
    assert_eq!(header_values(&answer.message, "Auto-Submitted"), ["auto-replied"]);
    // Ana's machine answers the answer, as RFC 3834 has it and as rude ones do, quoting what would be returned.
    let from = &header_values(&answer.message, "From")[0];
    assert_eq!(from, "mailwarden@oakfield.example");
    let away = || mail(ANA, from, "Away", BODY);
    smtp.send("", &[from], &with("Auto-Submitted: auto-replied\r\n", away())).expect_code(250);
    smtp.send(ANA, &[from], &with("X-Autoreply: yes\r\n", away())).expect_code(250);
    smtp.send(ANA, &[from], &with("Auto-Submitted: auto-replied (vacation)\r\n", away())).expect_code(250);
    // And one that says nothing of itself answers the same message again: the same message is answered once.
    for _ in 0..2 {
        smtp.send(ANA, &[BO], &mail(ANA, BO, "the wall", BODY)).expect_code(250);
    }
    // Bo's machine, outside, answers too.
    smtp.send(BO, &[ANA], &mail(BO, ANA, "Away", BODY)).expect_code(250);
    smtp.send("", &[ANA], &with("Auto-Submitted: auto-replied\r\n", mail(BO, ANA, "Away", BODY)))
        .expect_code(250);
    world.postfix.wait_for_empty_queue();
    assert_eq!(answers(&world), 1);
}

#[test]
fn a_bounce_of_an_answer_is_not_answered() {
    let world = World::start();
    let mut smtp = world.connect();
    smtp.send(ANA, &[BO], &mail(ANA, BO, "the wall", BODY)).expect_code(250);
    world.sink.take(ANA);
    let report = format!(
        "From: <mailer-daemon@oakfield.example>\r\nTo: <mailwarden@oakfield.example>\r\nSubject: Undelivered\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\n\
         --x\r\n\r\n{BODY}--x\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n--x--\r\n"
    );
    smtp.send("", &["mailwarden@oakfield.example"], report.as_bytes()).expect_code(250);
    smtp.send("mailer-daemon@oakfield.example", &["mailwarden@oakfield.example"], report.as_bytes())
        .expect_code(250);
    world.postfix.wait_for_empty_queue();
    assert_eq!(answers(&world), 1);
}

#[test]
fn two_mailwardens_in_a_row_do_not_answer_each_other() {
    let (first, second) = (World::start(), World::start());
    first.connect().send(ANA, &[BO], &mail(ANA, BO, "the wall", BODY)).expect_code(250);
    let answer = first.sink.take(ANA);
    // The answer goes through the second one, which would return its words; also where something gave it a sender.
    for sender in ["", "mailwarden@oakfield.example"] {
        second.connect().send(sender, &[HEAD], &with("", answer.message.clone())).expect_code(250);
    }
    let quoting =
        with("Mailwarden-Answer: K7QF-2M9P\r\n", mail("mailwarden@oakfield.example", HEAD, "x", BODY));
    second.connect().send("mailwarden@oakfield.example", &[HEAD], &quoting).expect_code(250);
    second.postfix.wait_for_empty_queue();
    assert_eq!((answers(&first), answers(&second)), (1, 0));
}

#[test]
fn lists_are_not_answered() {
    let world = World::start();
    let mut smtp = world.connect();
    for field in [
        "List-Id: <staff.oakfield.example>",
        "Precedence: list",
        "List-Unsubscribe: <mailto:x@oakfield.example>",
    ] {
        let subject = field.split(':').next().unwrap();
        smtp.send(ANA, &[BO], &with(&format!("{field}\r\n"), mail(ANA, BO, subject, BODY))).expect_code(250);
    }
    smtp.send("staff-bounces@oakfield.example", &[BO], &mail(ANA, BO, "by envelope", BODY)).expect_code(250);
    assert_eq!(
        world.mailwarden.json(&["held", "list", "--json"]).len(),
        4,
        "held in place of being returned"
    );
    assert_eq!(answers(&world), 0);
}
