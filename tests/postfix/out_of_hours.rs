//! A pupil who may ask for help when nobody is there is told who can help: once, alone, and never somebody else.

use std::fs;

use jiff::Timestamp;

use crate::kills::{assert_no_second_letter, both_moments, send_through_a_kill, usual};
use crate::support::{Smtp, World, header_values, mail};

const SAM: &str = "sam@pupils.oakfield.example";
const TUTOR: &str = "tutor@oakfield.example";
const FRIEND: &str = "friend@elsewhere.example";
const CHECK: &str = "check@oakfield.example";
const BODY: &str = "Larkspur makes me cry.\r\n";

const RULES: &str = r#"
[[rule]]
id = "larkspur"
title = "Larkspur may be a cry for help"
category = "safeguarding"
severity = "serious"
mode = "notify"
if.pattern = { matches = "(?i)larkspur" }
then = { action = "pass" }
[[rule.example]]
expect = "match"
body = "Larkspur."
[[rule.example]]
expect = "no-match"
body = "Clover."

[[rule]]
id = "monkshood"
title = "A rule that is only tried out"
category = "safeguarding"
severity = "serious"
mode = "observe"
if.pattern = { matches = "(?i)monkshood" }
then = { action = "pass" }
[[rule.example]]
expect = "match"
body = "Monkshood."
[[rule.example]]
expect = "no-match"
body = "Clover."
"#;

const TEXT: &str = "# The school is closed just now\n\nNobody at {{ school }} may see it soon. Ring Childline: **0800 1111**.\n\n\
    {% for line in emergency %}\n- {{ line }}\n{% endfor %}\n\n{% if reply_to %}\nA reply goes to {{ reply_to }}.\n{% endif %}\n";

/// When the school is there.
#[derive(Clone, Copy)]
enum School {
    /// Now.
    Open,
    /// At another time of the day.
    Asleep,
    /// At this hour, in a term long past.
    OnHoliday,
}

/// A world in which it is about noon, by a time zone of its own, so that no run is near the end of a day.
fn world(school: School) -> World {
    let mut world = World::start();
    world.mailwarden.stop();
    write_organisation(&world, school);
    fs::write(world.mailwarden.path("policy/help.toml"), RULES).unwrap();
    fs::write(world.mailwarden.path("policy/guidance/help.md"), TEXT).unwrap();
    world.mailwarden.restart();
    world
}

fn write_organisation(world: &World, school: School) {
    let (hours, year) = match school {
        School::Open => ("05:00-19:00", 2100),
        School::Asleep => ("00:00-00:01", 2100),
        School::OnHoliday => ("05:00-19:00", 2010),
    };
    let hour = Timestamp::now().in_tz("UTC").unwrap().hour();
    // Zones of the name are written from Greenwich's side: Etc/GMT+5 is five hours behind.
    let zone = format!("Etc/GMT{:+}", hour - 12);
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let hours: String = days.iter().map(|day| format!("{day} = \"{hours}\"\n")).collect();
    let text = format!(
        "name = \"Oakfield School\"\ntime-zone = \"{zone}\"\ndomains = [\"oakfield.example\", \"pupils.oakfield.example\"]\n\
         [calendar.hours]\n{hours}[[calendar.term]]\nname = \"A long one\"\nfrom = 2000-01-01\nuntil = {year}-01-01\n\
         [groups]\npupils = [\"pupils.oakfield.example\"]\n\
         [[approver]]\naddresses = [\"head@oakfield.example\"]\n\
         [out-of-hours]\nfrom = [\"pupils\"]\ncategories = [\"safeguarding\"]\nguidance = \"help\"\n\
         emergency = [\"Our own line: 01632 960123\"]\nreply-to = \"dsl@oakfield.example\"\n"
    );
    fs::write(world.mailwarden.path("policy/organisation.toml"), text).unwrap();
}

/// Sends it, and waits until it is delivered and whatever it set off has left the queue.
fn delivered(world: &World, smtp: &mut Smtp, from: &str, to: &str, message: &[u8]) {
    smtp.send(from, &[to], message).expect_code(250);
    assert_eq!(world.sink.take(to).sender, from);
    world.postfix.wait_for_empty_queue();
}

/// How many answers the filter wrote so far.
fn answered(world: &World) -> usize {
    world.mailwarden.log().matches("answered out of hours").count()
}

#[test]
fn a_pupil_is_told_who_can_help_once_and_the_mail_goes_on() {
    let mut world = world(School::Asleep);
    let message = mail(SAM, TUTOR, "my secret", BODY);
    world.connect().send(SAM, &[TUTOR], &message).expect_code(250);
    assert!(world.sink.take(TUTOR).text().contains("Larkspur makes me cry."));
    let answer = world.sink.take(SAM);
    assert_eq!((answer.sender.as_str(), answer.recipients.as_slice()), ("", &[SAM.to_owned()][..]));
    let text = answer.text();
    for words in
        ["Childline: 0800 1111", "Our own line: 01632 960123", "A reply goes to dsl@oakfield.example"]
    {
        assert!(text.contains(words), "no \"{words}\":\n{text}");
    }
    let said = text.split_once("\r\n\r\n").unwrap().1;
    for words in ["arkspur", "cry", "secret", "safeguarding", "rule"] {
        assert!(!said.contains(words), "\"{words}\" gives it away:\n{text}");
    }
    for (name, value) in [
        ("Subject", "The school is closed just now"),
        ("Auto-Submitted", "auto-replied"),
        ("Reply-To", "dsl@oakfield.example"),
        ("In-Reply-To", "<my-secret@oakfield.example>"),
        ("To", SAM),
    ] {
        assert_eq!(header_values(&answer.message, name), [value]);
    }
    // A second message within the time; and the same again, as a mail server offers it that heard nothing.
    delivered(&world, &mut world.connect(), SAM, TUTOR, &mail(SAM, TUTOR, "again", BODY));
    delivered(&world, &mut world.connect(), SAM, TUTOR, &message);
    // Another pupil, who writes to a friend outside.
    let other = "kim@pupils.oakfield.example";
    delivered(&world, &mut world.connect(), other, FRIEND, &mail(other, FRIEND, "you alone", BODY));
    world.sink.take(other);
    // After the time, and a restart, a new message is answered, and the first is still known by its bytes.
    world.mailwarden.stop();
    let aged = "UPDATE out_of_hours SET answered_at = answered_at - 13 * 3600000";
    world.in_database(aged);
    world.mailwarden.restart();
    delivered(&world, &mut world.connect(), SAM, TUTOR, &message);
    assert_eq!((answered(&world), world.sink.count(SAM)), (2, 0));
    delivered(&world, &mut world.connect(), SAM, TUTOR, &mail(SAM, TUTOR, "third", BODY));
    world.sink.take(SAM);
    assert_eq!((answered(&world), world.sink.count(SAM)), (3, 0));
}

#[test]
fn nobody_else_is_answered() {
    let world = world(School::OnHoliday);
    let smtp = &mut world.connect();
    // A member of staff; a pupil about nothing, and about a rule that is only tried out; a program in the pupil's name.
    delivered(&world, smtp, TUTOR, FRIEND, &mail(TUTOR, FRIEND, "one", BODY));
    delivered(&world, smtp, SAM, TUTOR, &mail(SAM, TUTOR, "two", "Clover.\r\n"));
    delivered(&world, smtp, SAM, TUTOR, &mail(SAM, TUTOR, "three", "Monkshood.\r\n"));
    let away = [b"Auto-Submitted: auto-replied\r\n".to_vec(), mail(SAM, TUTOR, "four", BODY)].concat();
    delivered(&world, smtp, SAM, TUTOR, &away);
    delivered(&world, smtp, "", TUTOR, &mail(SAM, TUTOR, "five", BODY));
    // Somebody who claims to be the pupil.
    let mut outside = world.connect().xclient("ADDR=203.0.113.7 NAME=elsewhere.example");
    delivered(&world, &mut outside, SAM, TUTOR, &mail(SAM, TUTOR, "six", BODY));
    assert_eq!((answered(&world), world.sink.count(SAM)), (0, 0));
    // And what a machine answers to the answer ends there.
    delivered(&world, smtp, SAM, TUTOR, &mail(SAM, TUTOR, "seven", BODY));
    let answer = world.sink.take(SAM);
    let from = &header_values(&answer.message, "From")[0];
    let away = [b"Auto-Submitted: auto-replied\r\n".to_vec(), mail(SAM, from, "Away", BODY)].concat();
    delivered(&world, smtp, SAM, from, &away);
    delivered(&world, smtp, "", from, &away);
    assert_eq!((answered(&world), world.sink.count(SAM)), (1, 0));
}

#[test]
fn in_hours_somebody_is_there_and_nothing_is_sent() {
    let world = world(School::Open);
    let smtp = &mut world.connect();
    delivered(&world, smtp, SAM, TUTOR, &mail(SAM, TUTOR, "one", BODY));
    assert_eq!(answered(&world), 0);
    // The same school at night, after a reload.
    write_organisation(&world, School::Asleep);
    world.mailwarden.run(&["reload"]);
    delivered(&world, smtp, SAM, TUTOR, &mail(SAM, TUTOR, "two", BODY));
    world.sink.take(SAM);
    assert_eq!(answered(&world), 1);
}

#[test]
fn a_pupil_is_not_left_with_the_address_that_tries_messages_out() {
    let world = world(School::Open);
    let reply = world.connect().send(SAM, &[CHECK], &mail(SAM, CHECK, "x", BODY));
    assert_eq!(reply.code, 550, "{}", reply.text);
    assert!(reply.text.contains("0800 1111"), "{}", reply.text);
    world.connect().send(TUTOR, &[CHECK], &mail(TUTOR, CHECK, "x", BODY)).expect_code(250);
    world.sink.take(TUTOR);
}

/// Wherever the kill comes, between the message and the answer: the pupil is told once, and the mail goes on.
#[test]
fn a_kill_at_any_moment_leaves_exactly_one_answer() {
    let mut world = world(School::Asleep);
    let pupils: Vec<String> =
        (0..40).map(|number| format!("kill-{number}@pupils.oakfield.example")).collect();
    let over = usual(&world, |name| format!("{name}@pupils.oakfield.example"), TUTOR, BODY).mul_f64(1.2);
    for (from, moment) in pupils.iter().zip(both_moments(over)) {
        send_through_a_kill(&mut world, from, TUTOR, &mail(from, TUTOR, "my secret", BODY), moment);
        assert_eq!(
            header_values(&world.sink.take(from).message, "Subject"),
            ["The school is closed just now"]
        );
    }
    assert_no_second_letter(&world, &pupils);
    assert_eq!(world.sink.count(TUTOR), 45, "each message was delivered once, those before the kills too");
}
