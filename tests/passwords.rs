//! Attachments whose password stands in the same message: known as such, whatever the format; and none without it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic: that is how it fails"
)]

use std::fs;
use std::path::Path;

use mailwarden::extract::Extraction;
use mailwarden::extract::document::{InProcess, Inspector};
use mailwarden::limits::Limits;
use mailwarden::message::Message;
use mailwarden::verdict::{Fact, Gap, Protection, Zone};
use mailwarden::worker::{Pool, Settings};

/// Encrypted fixtures, the password of each, and a text that is read where it can be opened.
const SEALED: &[(&str, &str, Option<&str>)] = &[
    ("office/agile.docx", "Oakfield1870", Some("Penhallow")),
    ("compound/password-standard.docx", "Oakfield1870", Some("Penhallow")),
    ("compound/password-cryptoapi.xls", "Oakfield1870", Some("Penhallow")),
    ("office/password-marks.xls", "Oakfield1870", Some("Penhallow")),
    ("office/password-letter.doc", "Oakfield1870", None),
    ("pdf/password-rc4-40.pdf", "conker", Some("Penhallow")),
    ("pdf/password-aes-128.pdf", "conker", Some("Penhallow")),
    ("pdf/password-aes-256.pdf", "conker", Some("Penhallow")),
    ("archives/aes.zip", "opensesame", None),
    ("archives/encrypted.7z", "opensesame", Some("Anna Hart")),
    ("archives/encrypted-list.7z", "opensesame", Some("Anna Hart")),
    ("archives/zipcrypto.zip", "opensesame", None),
];

/// Those whose format has nothing but its content to try a password on.
const WITHOUT_LOCK: &[&str] = &["archives/encrypted.7z", "archives/encrypted-list.7z"];

#[test]
fn a_password_in_the_message_is_tried_on_what_is_attached() {
    let mut wrong = Vec::new();
    for (name, password, text) in SEALED {
        let told = format!("The report is attached. The password for it is {password}.");
        let quoted = format!("It is \"{password}\".\r\nPassword: \"{password}\"");
        for body in [&told, &quoted] {
            let found = read(name, body);
            let file = &found.files[0];
            let opened = found
                .texts
                .iter()
                .any(|one| one.zone == Zone::Attachment && text.is_some_and(|text| one.text.contains(text)));
            let fits = file.item.facts.contains(&Fact::PasswordInMessage)
                && file.item.protection == Protection::Encrypted
                && (opened == text.is_some())
                && (file.gaps.contains(&Gap::Encrypted) != opened);
            if !fits {
                wrong.push(format!("{name}, {body}: {file:?}, opened {opened}"));
            }
        }
        for body in
            ["The report is attached. I shall ring you with the password.", "The password is Conker1871."]
        {
            let file = &read(name, body).files[0];
            if file.item.facts.contains(&Fact::PasswordInMessage) || !file.gaps.contains(&Gap::Encrypted) {
                wrong.push(format!("{name}, {body}: {file:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is encrypted in part stays so, and all of it is read.
#[test]
fn an_archive_that_is_encrypted_in_part_is_opened() {
    let found = read("archives/partly.7z", "Password: opensesame");
    let file = &found.files[0];
    assert_eq!((file.item.protection, file.gaps.as_slice()), (Protection::Partly, [].as_slice()));
    assert!(file.item.facts.contains(&Fact::PasswordInMessage));
}

#[test]
fn the_password_of_nothing_says_nothing() {
    let found = read("office/letter.docx", "The password is Oakfield1870.");
    assert_eq!(found.files[0].item.protection, Protection::None);
    assert!(!found.files[0].item.facts.contains(&Fact::PasswordInMessage));
}

/// The words come to the worker with the document.
#[test]
fn a_worker_tries_them_too() {
    let program = env!("CARGO_BIN_EXE_mailwarden").into();
    let pool = Pool::new(Settings { program, workers: 1, ..Settings::own(Limits::default()) });
    let bytes = fs::read("fixtures/documents/office/agile.docx").unwrap();
    let words = ["Oakfield".to_owned(), "Oakfield1870".to_owned()];
    let found = pool.inspect_with(Some("agile.docx"), &bytes, &words);
    assert_eq!(found, InProcess(pool.limits()).inspect_with(Some("agile.docx"), &bytes, &words));
    assert!(found.items[0].facts.contains(&Fact::PasswordInMessage), "{found:?}");
    assert_eq!(pool.inspect(Some("agile.docx"), &bytes).gaps, [(Gap::Encrypted, 0)]);
}

fn read(name: &str, body: &str) -> Extraction {
    let limits = Limits::default();
    let bytes = fs::read(Path::new("fixtures/documents").join(name)).unwrap();
    let file = name.rsplit('/').next().unwrap();
    let head = "From: g.whitlock@oakfield.example\r\nTo: parent@elsewhere.example\r\nSubject: Report\r\n\
        MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n";
    let mut raw = format!(
        "{head}--b\r\nContent-Type: application/octet-stream; name=\"{file}\"\r\n\
        Content-Disposition: attachment; filename=\"{file}\"\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    )
    .into_bytes();
    // Before the text, since nothing says that a message's text comes first.
    raw.extend_from_slice(&bytes);
    raw.extend_from_slice(
        format!("\r\n--b\r\nContent-Type: text/plain\r\n\r\n{body}\r\n--b--\r\n").as_bytes(),
    );
    let message = Message::parse(&raw, &limits);
    Extraction::read(&message, &limits, &InProcess(&limits))
}

/// What a password can be tried on outlasts the document, says nothing of it, and tells the right word from others.
#[test]
fn a_lock_is_opened_by_the_password_of_its_document() {
    let program = env!("CARGO_BIN_EXE_mailwarden").into();
    let pool = Pool::new(Settings { program, workers: 1, ..Settings::own(Limits::default()) });
    let mut wrong = Vec::new();
    for (name, password, _) in SEALED.iter().filter(|(name, ..)| !WITHOUT_LOCK.contains(name)) {
        let bytes = fs::read(Path::new("fixtures/documents").join(name)).unwrap();
        let locks = pool.inspect(None, &bytes).locks;
        let words = ["Larkspur-29".to_owned(), (*password).to_owned()];
        let opened = pool.try_locks(&locks, &words);
        if locks.len() != 1 || opened.len() != 1 || opened[0].word != 1 {
            wrong.push(format!("{name}: {} locks, {opened:?}", locks.len()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
