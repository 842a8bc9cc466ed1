//! A password and the document that it opens, in two messages: known in both orders, across a restart, for a day, and only
//! between the same two people.

use std::fs;

use crate::support::{World, header_values, mail};

const ANA: &str = "ana@oakfield.example";
const DI: &str = "di@oakfield.example";
const BO: &str = "bo@elsewhere.example";
const CY: &str = "cy@elsewhere.example";

const RULES: &str = r#"
[[rule]]
id = "tag-apart"
title = "A password and its document"
category = "test"
severity = "mild"
mode = "enforce"
if.apart = ["document-before", "password-before"]
then = { action = "tag", subject-prefix = "[apart]" }
[[rule.example]]
expect = "match"
body = "Known."
apart = ["document-before"]
[[rule.example]]
expect = "no-match"
body = "Known."

[[rule]]
id = "return-larkspur"
title = "Larkspur comes back"
category = "test"
severity = "mild"
mode = "enforce"
if.pattern = { matches = "larkspur" }
then = { action = "return", guidance = "larkspur" }
[[rule.example]]
expect = "no-match"
body = "Known."
"#;

const TELLS: &str = "As agreed, the password is Oakfield1870.\r\n";

fn world() -> World {
    let mut world = World::start();
    world.mailwarden.stop();
    fs::write(world.mailwarden.path("policy/apart.toml"), RULES).unwrap();
    fs::write(world.mailwarden.path("policy/guidance/larkspur.md"), "# Larkspur\n\nNo larkspur, please.\n")
        .unwrap();
    world.mailwarden.restart();
    world
}

/// A message with a document that "Oakfield1870" opens.
fn with_document(from: &str, to: &str, subject: &str, text: &str) -> Vec<u8> {
    let document =
        fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/documents/office/agile.docx")).unwrap();
    let hex: String = document
        .iter()
        .map(|byte| format!("={byte:02X}"))
        .collect::<Vec<_>>()
        .chunks(24)
        .map(|line| line.concat() + "=\r\n")
        .collect();
    let mut message = b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n".to_vec();
    let body = format!(
        "--b\r\nContent-Type: text/plain\r\n\r\n{text}\r\n--b\r\nContent-Type: application/octet-stream\r\n\
         Content-Disposition: attachment; filename=report.docx\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
         {hex}\r\n--b--\r\n"
    );
    message.extend(mail(from, to, subject, body));
    message
}

fn delivered(world: &World, from: &str, to: &str, subject: &str, message: &[u8]) -> bool {
    world.connect().send(from, &[to], message).expect_code(250);
    let found = header_values(&world.sink.take(to).message, "Subject").concat();
    assert!(found.ends_with(subject), "{found}");
    found.starts_with("[apart]")
}

fn sends(world: &World, from: &str, to: &str, subject: &str, body: &str) -> bool {
    delivered(world, from, to, subject, &mail(from, to, subject, body))
}

fn attaches(world: &World, from: &str, to: &str, subject: &str, text: &str) -> bool {
    delivered(world, from, to, subject, &with_document(from, to, subject, text))
}

/// Moves all that was sent apart so many hours back, while mailwarden is down.
fn later(world: &mut World, hours: i64) {
    world.mailwarden.stop();
    let database = world.mailwarden.path("store/mailwarden.sqlite");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let moved = runtime.block_on(async {
        let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", database.display())).await.unwrap();
        let moved = sqlx::query("UPDATE sent_apart SET sent_at = sent_at - ?").bind(hours * 3_600_000);
        let moved = moved.execute(&pool).await.unwrap().rows_affected();
        pool.close().await;
        moved
    });
    assert!(moved > 0, "nothing was written down");
    world.mailwarden.restart();
}

#[test]
fn the_password_that_follows_its_document_is_known() {
    let mut world = world();
    assert!(!attaches(&world, ANA, BO, "document", "Here it is."));
    assert!(!sends(&world, ANA, CY, "to another", TELLS));
    assert!(!sends(&world, DI, BO, "from another", TELLS));
    assert!(!sends(&world, ANA, BO, "another word", "The password is Larkspur-29.\r\n"));
    assert!(sends(&world, ANA, BO, "the password", TELLS));
    assert!(sends(&world, ANA, BO, "without a phrase", "It is Oakfield1870!\r\n"));
    later(&mut world, 23);
    assert!(sends(&world, ANA, BO, "hours later", TELLS));
    later(&mut world, 2);
    assert!(!sends(&world, ANA, BO, "the next day", TELLS));
}

#[test]
fn the_document_that_follows_its_password_is_known() {
    let mut world = world();
    assert!(!sends(&world, ANA, BO, "password", TELLS));
    assert!(!attaches(&world, ANA, CY, "to another", "Here it is."));
    assert!(!attaches(&world, DI, BO, "from another", "Here it is."));
    later(&mut world, 23);
    assert!(attaches(&world, ANA, BO, "document", "Here it is."));
    later(&mut world, 2);
    assert!(!attaches(&world, ANA, BO, "the next day", "Here it is."));
}

#[test]
fn what_came_back_went_to_nobody() {
    let world = world();
    let returned = with_document(ANA, BO, "document", "A larkspur.");
    world.connect().send(ANA, &[BO], &returned).expect_code(250);
    world.sink.take(ANA);
    assert!(!sends(&world, ANA, BO, "password", TELLS));
    let log = world.mailwarden.log();
    assert!(!log.contains("Oakfield1870"), "{log}");
}
