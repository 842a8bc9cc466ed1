//! Notices to reviewers: at once and in digests, to the right role and school, never to whom it concerns, and exactly once.

use std::time::Duration;

use mailwarden::serve::control::{self, Request};
use serde_json::Value;

use crate::kills::{Moment, moments, send_through_a_kill};
use crate::support::{Delivery, Smtp, World, fixture, header_values, mail};

const SAM: &str = "sam@pupils.oakfield.example";
const ANA: &str = "ana@oakfield.example";
const TUTOR: &str = "tutor@oakfield.example";
const DSL: &str = "dsl@oakfield.example";
const DEPUTY: &str = "deputy@oakfield.example";
const HEAD: &str = "head@oakfield.example";
const YEAR: &str = "year@oakfield.example";
const TRUST: &str = "trust@hillside.example";
const OUTSIDE: &str = "parent@home.example";

fn world() -> World {
    World::with_policy(&fixture("notices"))
}

fn signed_in(world: &World, login: &str) -> Smtp {
    world.connect().xclient(&format!("ADDR=203.0.113.7 NAME=home.example LOGIN={login}"))
}

/// Somebody who is signed in sends a message with that word.
fn send(world: &World, from: &str, to: &[&str], word: &str) {
    let login = from.split('@').next().unwrap();
    let subject = format!("about {word} from {login}");
    signed_in(world, login)
        .send(from, to, &mail(from, to[0], &subject, format!("Here is {word}, number one.\r\n")))
        .expect_code(250);
}

fn notices(world: &World) -> Vec<Value> {
    world.mailwarden.json(&["notices", "list", "--json"])
}

/// Everybody who is told of a notice, and how soon.
fn told(notice: &Value) -> Vec<String> {
    let one = |told: &Value| {
        let addresses: Vec<&str> =
            told["addresses"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        format!("{} {}", told["urgency"].as_str().unwrap(), addresses.join(" "))
    };
    notice["told"].as_array().unwrap().iter().map(one).collect()
}

fn reference(notice: &Value) -> &str {
    notice["reference"].as_str().unwrap()
}

/// What the notices that there are come to, one a line, the newest first.
fn only_notice(world: &World) -> Value {
    let mut all = notices(world);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// Wakes whoever tells reviewers; the outbox too.
fn flush(world: &World) {
    control::ask(&world.mailwarden.path("control.sock"), Request::Flush).unwrap();
}

/// Changes the database as the clock would.
fn sql(world: &World, statement: &'static str) {
    let database = world.mailwarden.path("store/mailwarden.sqlite");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", database.display())).await.unwrap();
        sqlx::query(statement).execute(&pool).await.unwrap();
        pool.close().await;
    });
}

/// A letter gives nothing away: neither who nor what.
fn assert_discreet(letter: &Delivery) {
    let text = letter.text().to_lowercase();
    for word in [
        "sam",
        "tutor",
        "ana@",
        "foxglove",
        "hemlock",
        "ragwort",
        "safeguarding",
        "misuse",
        "title that",
        "gross",
        "number one",
    ] {
        assert!(!text.contains(word), "it says \"{word}\":\n{text}");
    }
    assert_eq!(letter.sender, "");
    assert_eq!(header_values(&letter.message, "Auto-Submitted"), ["auto-generated"]);
    assert_eq!(header_values(&letter.message, "In-Reply-To"), Vec::<String>::new());
}

/// The references that a letter names, in its plain text.
fn named(letter: &Delivery, all: &[Value]) -> usize {
    all.iter().filter(|notice| letter.text().contains(reference(notice))).count()
}

#[test]
fn what_cannot_wait_is_told_at_once_and_gives_nothing_away() {
    let world = world();
    send(&world, SAM, &[TUTOR], "foxglove");
    assert!(world.sink.take(TUTOR).text().contains("Here is foxglove"), "it is delivered as it is");
    let letter = world.sink.take(DSL);
    assert_discreet(&letter);
    assert_eq!(header_values(&letter.message, "To"), [format!("{DSL}, {DEPUTY}")]);
    assert_eq!(header_values(&letter.message, "Importance"), ["high"]);
    let notice = only_notice(&world);
    assert_eq!(told(&notice), [format!("at-once {DSL} {DEPUTY}")]);
    let subject = format!("mailwarden: something needs your attention ({})", reference(&notice));
    assert_eq!(header_values(&letter.message, "Subject"), [subject]);
    for words in ["Oakfield School", "Ask mailwarden@oakfield.example to look up"] {
        assert!(letter.text().contains(words), "no \"{words}\":\n{}", letter.text());
    }
    assert_eq!(notice["school"], "oakfield");
    // Nothing more of it in the list: that is for whoever says why.
    let list = notice.to_string();
    for word in ["sam", "foxglove", "serious"] {
        assert!(!list.contains(word), "the list says {word}: {list}");
    }
    for (word, to) in [("privet", TUTOR), ("clover", TUTOR), ("foxglove", "rep@union.example")] {
        send(&world, SAM, &[to], word);
        world.sink.take(to);
    }
    assert_eq!(
        notices(&world).len(),
        1,
        "what is observed, what is harmless and protected channels are nobody's to see"
    );
}

#[test]
fn whoever_looks_and_whoever_settles_it_stands_on_record() {
    let world = world();
    send(&world, ANA, &[OUTSIDE, TUTOR], "nightshade and hemlock");
    let notice = only_notice(&world);
    assert_eq!(told(&notice), [format!("at-once {HEAD}")]);
    let name = reference(&notice);
    for wrong in [
        &["notices", "show", name][..],
        &["notices", "show", name, "--why", " "],
        &["notices", "show", "0000-0000", "--why", "x"],
    ] {
        assert!(!world.mailwarden.attempt(wrong).status.success(), "{wrong:?}");
    }
    let show = ["notices", "show", name, "--why", "the head asks", "--by", "m.okafor", "--json"];
    let shown = world.mailwarden.json(&show).remove(0);
    assert_eq!(shown["sender"], ANA);
    assert_eq!(shown["login"], "ana");
    assert_eq!(shown["message_id"], "<about-nightshade-and-hemlock-from-ana@oakfield.example>");
    assert_eq!(shown["rules"][0]["rule"], "hemlock-rule");
    assert_eq!(
        (&shown["rules"][1]["rule"], &shown["rules"][1]["mode"]),
        (&"nightshade-rule".into(), &"enforce".into())
    );
    let recipients = shown["recipients"].as_array().unwrap();
    assert_eq!(
        (&recipients[0]["direction"], &recipients[0]["fate"]),
        (&"outbound".into(), &"returned".into()),
        "{shown}"
    );
    assert_eq!(
        (&recipients[1]["direction"], &recipients[1]["kept"]),
        (&"internal".into(), &name.into()),
        "{shown}"
    );
    assert_eq!(shown["readings"].as_array().map(Vec::len), Some(1), "only who was shown it: {shown}");
    assert_eq!(
        (&shown["readings"][0]["by"], &shown["readings"][0]["why"]),
        (&"m.okafor".into(), &"the head asks".into())
    );
    let held = world.mailwarden.json(&["held", "show", name, "--json"]).remove(0);
    assert_eq!(held["state"], "returned");
    let text = String::from_utf8(world.mailwarden.run(&show[..show.len() - 1]).stdout).unwrap();
    let command = format!("mailwarden held show {name} --reveal --by m.okafor --why \"…\" --config ");
    assert!(text.contains(&command) && text.contains("looked") && !text.contains("number one"), "{text}");
    let listed = String::from_utf8(world.mailwarden.run(&["notices", "list"]).stdout).unwrap();
    assert!(listed.contains(name) && listed.lines().all(|line| line.chars().count() <= 100), "{listed}");
    let done = ["notices", "done", name, "--why", "spoke to them", "--by", "j.head"];
    world.mailwarden.run(&done);
    let again = world.mailwarden.attempt(&done);
    assert!(String::from_utf8_lossy(&again.stderr).contains("settled already, by j.head"), "{again:?}");
    assert!(notices(&world).is_empty());
    let all = world.mailwarden.json(&["notices", "list", "--all", "--json"]);
    assert_eq!(all[0]["ended"]["why"], "spoke to them");
}

#[test]
fn a_digest_goes_out_at_its_time_once() {
    let mut world = world();
    send(&world, ANA, &[OUTSIDE], "ragwort");
    send(&world, "bo@oakfield.example", &[OUTSIDE], "ragwort");
    let before = notices(&world);
    assert_eq!(told(&before[0]), [format!("digest {HEAD}")]);
    let due = before[0]["told"][0]["due_at"].as_str().unwrap();
    assert!(due.contains(":00Z") && (due.contains(":00:00") || due.contains(":30:00")), "{due}");
    flush(&world);
    world.mailwarden.stop();
    assert_eq!(world.sink.count(HEAD), 0, "its time has not come");
    // Its time comes while mailwarden does not run.
    sql(&world, "UPDATE notice_reviewers SET due_at = 1");
    world.mailwarden.restart();
    let letter = world.sink.take(HEAD);
    assert_discreet(&letter);
    assert_eq!(named(&letter, &before), 2, "{}", letter.text());
    assert_eq!(header_values(&letter.message, "Subject"), ["mailwarden: matters to look at (2)"]);
    assert_eq!(header_values(&letter.message, "References"), ["<digest.head@oakfield.example>"]);
    flush(&world);
    world.mailwarden.stop();
    world.mailwarden.restart();
    flush(&world);
    send(&world, "cy@oakfield.example", &[OUTSIDE], "ragwort");
    sql(&world, "UPDATE notice_reviewers SET due_at = 1");
    flush(&world);
    let next = world.sink.take(HEAD);
    assert_eq!((named(&next, &before), named(&next, &notices(&world))), (0, 1), "{}", next.text());
}

#[test]
fn whom_it_concerns_is_never_told() {
    let world = world();
    // By the envelope, and under an address with a tag.
    for (from, word, left) in [
        (DSL, "foxglove", vec![format!("at-once {DEPUTY}")]),
        ("dsl+mobile@oakfield.example", "foxglove", vec![format!("at-once {DEPUTY}")]),
        (HEAD, "hemlock", vec![format!("at-once {TRUST}")]),
        (HEAD, "ragwort", vec![format!("digest {TRUST}")]),
    ] {
        send(&world, from, &[OUTSIDE], word);
        assert_eq!(told(&notices(&world)[0]), left, "{from}, {word}");
    }
    // By the login alone.
    let body = "Here is hemlock.\r\n";
    signed_in(&world, "head").send(ANA, &[OUTSIDE], &mail(ANA, OUTSIDE, "by login", body)).expect_code(250);
    assert_eq!(told(&notices(&world)[0]), [format!("at-once {TRUST}")]);
    signed_in(&world, HEAD).send(ANA, &[OUTSIDE], &mail(ANA, OUTSIDE, "by address", body)).expect_code(250);
    assert_eq!(told(&notices(&world)[0]), [format!("at-once {TRUST}")]);
    // By the header alone.
    signed_in(&world, "ana").send(ANA, &[OUTSIDE], &mail(HEAD, OUTSIDE, "by header", body)).expect_code(250);
    assert_eq!(told(&notices(&world)[0]), [format!("at-once {TRUST}")]);
    // As a recipient.
    send(&world, SAM, &[DSL], "foxglove");
    assert_eq!(told(&notices(&world)[0]), [format!("at-once {DEPUTY}")]);
    world.postfix.wait_for_empty_queue();
    assert_eq!(world.sink.count(HEAD), 0);
    world.sink.look(|shelf| {
        let to_dsl = shelf.iter().filter(|one| one.recipients.iter().any(|to| to == DSL)).count();
        assert_eq!(to_dsl, 1, "the message that Sam sent there, and no notice");
    });
    // Nobody is left: it is told in the log, and stands in the list.
    send(&world, HEAD, &[TRUST], "hemlock");
    let untold = &notices(&world)[0];
    assert_eq!(told(untold), Vec::<String>::new());
    assert!(
        world.mailwarden.log().contains("nobody is left who may be told of this"),
        "{}",
        world.mailwarden.log()
    );
    let shown = world.mailwarden.json(&[
        "notices",
        "show",
        reference(untold),
        "--why",
        "test",
        "--by",
        "x",
        "--json",
    ]);
    assert_eq!(shown[0]["left_out"], serde_json::json!([HEAD, TRUST]));
}

#[test]
fn roles_and_schools_choose_who_is_told() {
    let world = world();
    for (from, to, word, who) in [
        (SAM, vec![OUTSIDE], "hemlock", vec![format!("at-once {YEAR}")]),
        (ANA, vec![OUTSIDE], "hemlock", vec![format!("at-once {HEAD}")]),
        ("bo@beechwood.example", vec![TUTOR], "foxglove", vec!["at-once dsl@beechwood.example".to_owned()]),
        ("bo@beechwood.example", vec![OUTSIDE], "ragwort", vec![format!("digest {TRUST}")]),
        ("office@hillside.example", vec![OUTSIDE], "foxglove", vec![format!("at-once {TRUST}")]),
        (
            ANA,
            vec![OUTSIDE],
            "hemlock foxglove",
            vec![format!("at-once {DSL} {DEPUTY}"), format!("at-once {HEAD}")],
        ),
    ] {
        send(&world, from, &to, word);
        assert_eq!(told(&notices(&world)[0]), who, "{from}, {word}");
    }
    let before = notices(&world).len();
    // From outside to both schools: each school's own hear of it, under names of their own.
    let to = [TUTOR, "bo@beechwood.example"];
    let message = mail(OUTSIDE, TUTOR, "to both", "Here is foxglove.\r\n");
    world
        .connect()
        .xclient("ADDR=203.0.113.9 NAME=home.example")
        .send(OUTSIDE, &to, &message)
        .expect_code(250);
    let mut who: Vec<String> =
        notices(&world).iter().take(notices(&world).len() - before).flat_map(told).collect();
    who.sort();
    assert_eq!(who, ["at-once dsl@beechwood.example".to_owned(), format!("at-once {DSL} {DEPUTY}")]);
}

#[test]
fn a_flood_is_told_in_a_few_letters() {
    let world = world();
    for number in 0..12 {
        send(&world, &format!("pupil{number}@pupils.oakfield.example"), &[TUTOR], "foxglove");
    }
    let all = notices(&world);
    assert_eq!(all.len(), 12);
    for _ in 0..3 {
        assert_eq!(named(&world.sink.take(DSL), &all), 1);
    }
    flush(&world);
    world.postfix.wait_for_empty_queue();
    assert_eq!(world.sink.count(DSL), 0, "three an hour, and the rest together");
    sql(&world, "UPDATE notices SET found_at = found_at - 900000");
    flush(&world);
    let letter = world.sink.take(DSL);
    assert_discreet(&letter);
    assert_eq!(named(&letter, &all), 9, "{}", letter.text());
    assert_eq!(header_values(&letter.message, "Subject"), ["mailwarden: 9 matters need your attention"]);
    flush(&world);
    world.postfix.wait_for_empty_queue();
    assert_eq!(world.sink.count(DSL), 0);
}

#[test]
fn a_message_that_comes_again_is_told_of_once() {
    let world = world();
    for _ in 0..3 {
        send(&world, SAM, &[TUTOR], "foxglove");
    }
    world.sink.take(DSL);
    world.postfix.wait_for_empty_queue();
    assert_eq!((notices(&world).len(), world.sink.count(DSL)), (1, 0));
}

#[test]
fn a_notice_passes_itself_and_another_mailwarden_without_an_answer() {
    let (first, second) = (world(), world());
    send(&first, SAM, &[TUTOR], "foxglove");
    let letter = first.sink.take(DSL);
    assert!(first.mailwarden.log().contains("own mail passes"), "{}", first.mailwarden.log());
    for sender in ["", "mailwarden@oakfield.example"] {
        second.connect().send(sender, &[DSL], &letter.message).expect_code(250);
        assert_discreet(&Delivery { sender: String::new(), ..second.sink.take(DSL) });
    }
    // An out-of-office of the lead goes to nobody's concern.
    let away = [
        b"Auto-Submitted: auto-replied\r\n".to_vec(),
        mail(DSL, "mailwarden@oakfield.example", "Away", "Away.\r\n"),
    ]
    .concat();
    first.connect().send("", &["mailwarden@oakfield.example"], &away).expect_code(250);
    first.postfix.wait_for_empty_queue();
    second.postfix.wait_for_empty_queue();
    assert_eq!((notices(&first).len(), notices(&second).len()), (1, 0));
    assert_eq!((first.sink.count(DSL), second.sink.count(DSL)), (0, 0));
}

const KILLS: usize = 40;

/// Wherever the kill comes, between the message and its notice's letter: it is told of exactly once.
#[test]
fn a_kill_at_any_moment_leaves_one_notice_and_one_letter() {
    let mut world = world();
    rewrite_policy(&world, "letters-an-hour = 3", "letters-an-hour = 1000");
    world.mailwarden.stop();
    world.mailwarden.restart();
    for (number, moment) in moments(Duration::from_millis(120)).take(KILLS).enumerate() {
        let from = format!("pupil{number}@pupils.oakfield.example");
        let message = mail(&from, TUTOR, &format!("kill {number}"), "Here is foxglove.\r\n");
        send_through_a_kill(&mut world, &from, TUTOR, &message, Moment::Sent(moment));
    }
    let all = notices(&world);
    assert_eq!(all.len(), KILLS, "one notice a message");
    let mut subjects: Vec<String> =
        (0..KILLS).map(|_| header_values(&world.sink.take(DSL).message, "Subject").concat()).collect();
    world.postfix.wait_for_empty_queue();
    assert_eq!(world.sink.count(DSL), 0, "told twice");
    subjects.sort();
    subjects.dedup();
    assert_eq!(subjects.len(), KILLS);
}

/// Changes its copy of the organisation.
fn rewrite_policy(world: &World, from: &str, to: &str) {
    let file = world.mailwarden.path("policy/organisation.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(from));
    std::fs::write(file, text.replace(from, to)).unwrap();
}
