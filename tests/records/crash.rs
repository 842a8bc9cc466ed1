//! Processes that are killed, disks that are full, folders that cannot be written. The child processes are this test
//! program itself, started anew to run one test that is ignored otherwise.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use jiff::{SignedDuration, Timestamp};
use mailwarden::records::{HeldFilter, Kept, KeptAction, RecordsError, Reference, Store};

use crate::school::{CONTENT, ONE, School, contents, keep};

const STORE: &str = "MAILWARDEN_TEST_STORE";

/// This program, to run that test on that store. `limit` is a shell's word on what it may do.
fn child(test: &str, store: &Path, limit: &str) -> Child {
    let program = std::env::current_exe().unwrap();
    Command::new("sh")
        .arg("-c")
        .arg(format!("{limit} exec \"$0\" --exact crash::{test} --ignored --nocapture --test-threads 1"))
        .arg(program)
        .env(STORE, store)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn message(number: usize) -> Vec<u8> {
    let text = format!("Subject: number {number}\r\n\r\n");
    [text.as_bytes(), CONTENT, &b"filling\r\n".repeat(number * 50)].concat()
}

#[tokio::test]
#[ignore = "a child process of the test below"]
async fn child_keeps_and_keeps() {
    let store = Store::open(&PathBuf::from(std::env::var_os(STORE).unwrap())).await.unwrap();
    for number in 0..10_000 {
        let kept =
            keep(&store, &message(number), KeptAction::Hold { answer: None }, ONE, Timestamp::UNIX_EPOCH)
                .await
                .unwrap();
        println!("kept {} {number}", kept.reference());
    }
}

#[tokio::test]
async fn what_was_kept_outlasts_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    for round in 1..=3 {
        let mut child = child("child_keeps_and_keeps", &path, "");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut promised = Vec::new();
        while promised.len() < 15 * round {
            let line = lines.next().unwrap().unwrap();
            // The first line shares its row with the name of the test.
            let Some((_, said)) = line.split_once("kept ") else { continue };
            let (reference, number) = said.split_once(' ').unwrap();
            promised.push((reference.parse::<Reference>().unwrap(), number.parse::<usize>().unwrap()));
        }
        child.kill().unwrap();
        child.wait().unwrap();

        let store = Store::open(&path).await.unwrap();
        for (reference, number) in &promised {
            assert_eq!(store.content(reference).await.unwrap(), message(*number), "{reference}");
        }
        // And no row without its content, not even the one that was under way.
        let listed = store.list(&HeldFilter::default()).await.unwrap();
        assert!(listed.len() >= promised.len());
        for summary in listed {
            assert_eq!(store.content(&summary.reference).await.unwrap().len() as u64, summary.size);
        }
        store.close().await;
    }
}

#[tokio::test]
#[ignore = "a child process of the test below"]
async fn child_meets_a_limit() {
    let path = PathBuf::from(std::env::var_os(STORE).unwrap());
    let store = Store::open(&path).await.unwrap();
    let (small, large) = (message(1), message(5_000));
    let refused = keep(&store, &large, KeptAction::Hold { answer: None }, ONE, Timestamp::UNIX_EPOCH)
        .await
        .unwrap_err();
    assert!(matches!(refused, RecordsError::File { doing: "write", .. }), "{refused}");
    assert!(contents(&path).is_empty(), "half a file stayed");
    assert!(store.list(&HeldFilter::default()).await.unwrap().is_empty());
    // Rows until the database cannot grow: each is either promised and there, or refused.
    let mut promised = Vec::new();
    let refused = loop {
        let text = [small.as_slice(), promised.len().to_string().as_bytes()].concat();
        match keep(&store, &text, KeptAction::Hold { answer: None }, ONE, Timestamp::UNIX_EPOCH).await {
            Ok(kept) => promised.push(kept.reference().clone()),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, RecordsError::Database { .. }), "{refused}");
    for reference in &promised {
        println!("kept {reference}");
    }
    println!("refused");
}

#[tokio::test]
async fn a_full_disk_refuses_what_it_cannot_keep_and_loses_nothing() {
    let school = School::new().await;
    school.store.close().await;
    // A limit on the size of files stands for the full disk: 512 blocks are 256 kB or 512 kB, as the shell counts.
    let mut child = child("child_meets_a_limit", &school.path, "trap '' XFSZ; ulimit -f 512;");
    let lines: Vec<String> =
        BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap).collect();
    assert!(child.wait().unwrap().success(), "{lines:#?}");
    let promised: Vec<Reference> = lines
        .iter()
        .filter_map(|line| line.split_once("kept "))
        .map(|(_, said)| said.parse().unwrap())
        .collect();
    assert!(promised.len() > 3 && lines.iter().any(|line| line == "refused"), "{lines:#?}");

    let store = Store::open(&school.path).await.unwrap();
    let mut listed: Vec<Reference> =
        store.list(&HeldFilter::default()).await.unwrap().into_iter().map(|one| one.reference).collect();
    let mut expected = promised.clone();
    listed.sort();
    expected.sort();
    assert_eq!(listed, expected);
    // There is room again, and the client comes again with what was refused.
    let text = [message(1).as_slice(), promised.len().to_string().as_bytes()].concat();
    let kept =
        keep(&store, &text, KeptAction::Hold { answer: None }, ONE, Timestamp::UNIX_EPOCH).await.unwrap();
    assert!(matches!(kept, Kept::New(_)));
}

#[tokio::test]
async fn a_store_that_cannot_be_opened_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    File::create(&file).unwrap();
    let error = Store::open(&file.join("store")).await.unwrap_err().to_string();
    assert!(
        error.starts_with("store: could not make the folder ") && error.contains("check free space"),
        "{error}"
    );

    let school = School::new().await;
    school.store.close().await;
    std::fs::write(school.path.join("mailwarden.sqlite"), b"this is no database, and long enough to see so")
        .unwrap();
    let error = Store::open(&school.path).await.unwrap_err();
    assert!(matches!(error, RecordsError::Database { .. }), "{error}");

    let school = School::new().await;
    school.store.close().await;
    std::fs::write(school.path.join("pass.key"), b"short").unwrap();
    let error = Store::open(&school.path).await.unwrap_err().to_string();
    assert!(error.contains("remove it and a new one is made"), "{error}");
}

#[tokio::test]
async fn a_database_of_a_later_version_is_left_alone() {
    let school = School::new().await;
    school.store.close().await;
    let url = format!("sqlite://{}", school.path.join("mailwarden.sqlite").display());
    let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
    sqlx::query("PRAGMA user_version = 999").execute(&pool).await.unwrap();
    pool.close().await;
    assert!(matches!(Store::open(&school.path).await, Err(RecordsError::TooNew { found: 999, .. })));
}

#[tokio::test]
async fn a_store_whose_folder_is_gone_promises_nothing() {
    let school = School::new().await;
    std::fs::remove_dir_all(school.path.join("content")).unwrap();
    let error = keep(&school.store, CONTENT, KeptAction::Hold { answer: None }, ONE, school.hand.now())
        .await
        .unwrap_err();
    assert!(matches!(error, RecordsError::File { doing: "write", .. }), "{error}");
}

#[tokio::test]
async fn files_that_were_never_promised_go_after_a_day() {
    let school = School::new().await;
    let (kept, now) = (school.hold(ONE).await, school.hand.now());
    let make = |name: &str, hours: i64| {
        let file = File::create(school.path.join("content").join(name)).unwrap();
        file.set_modified((now - SignedDuration::from_hours(hours)).into()).unwrap();
    };
    make("ABCD-0001.eml", 25);
    make("ABCD-0001.answer.eml", 25);
    make("ABCD-0001.found.json", 25);
    make("ABCD-0002.eml", 23);
    make("a note of somebody", 99);
    let old = File::open(school.path.join("content").join(format!("{kept}.eml"))).unwrap();
    old.set_modified((now - SignedDuration::from_hours(99)).into()).unwrap();
    assert_eq!(school.store.tidy(now).await.unwrap(), 1);
    let mut left = ["ABCD-0002.eml".to_owned(), "a note of somebody".to_owned()].to_vec();
    left.extend(["eml", "found.json"].map(|ending| format!("{kept}.{ending}")));
    left.sort();
    assert_eq!(school.contents(), left);
}

/// What waited in the outbox of an older version is still there, with its recipients and passes.
#[tokio::test]
async fn an_older_database_is_brought_up_to_date_with_all_that_it_holds() {
    let school = School::new().await;
    let reference = school.hold(ONE).await;
    school.release(&reference).await;
    school.store.close().await;
    let file = school.path.join("mailwarden.sqlite");
    let old = tempfile::NamedTempFile::new().unwrap();
    let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", old.path().display())).await.unwrap();
    for migration in [
        include_str!("../../migrations/0001_held_mail.sql"),
        include_str!("../../migrations/0002_acquaintances.sql"),
    ] {
        sqlx::raw_sql(migration).execute(&pool).await.unwrap();
    }
    let columns = "reference, state, identity, content_digest, body_digest, size, eight_bit, sender, sender_shown, \
        queue_id, client_address, client_name, authenticated, rules, verdict, received_at, same_as, note";
    let copies = [
        format!("INSERT INTO messages ({columns}) SELECT {columns} FROM new.messages"),
        "INSERT INTO recipients SELECT * FROM new.recipients".to_owned(),
        "INSERT INTO outbox SELECT * FROM new.outbox".to_owned(),
        "INSERT INTO outbox_recipients SELECT * FROM new.outbox_recipients".to_owned(),
        "INSERT INTO passes VALUES (x'01', 1, x'02', x'03', 1, 2, NULL, NULL)".to_owned(),
        "PRAGMA user_version = 2".to_owned(),
    ];
    let mut connection = pool.acquire().await.unwrap();
    sqlx::query("ATTACH DATABASE ? AS new")
        .bind(file.to_str().unwrap())
        .execute(&mut *connection)
        .await
        .unwrap();
    for copy in copies {
        sqlx::raw_sql(sqlx::AssertSqlSafe(copy)).execute(&mut *connection).await.unwrap();
    }
    sqlx::query("DETACH DATABASE new").execute(&mut *connection).await.unwrap();
    drop(connection);
    pool.close().await;
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(school.path.join(format!("mailwarden.sqlite{ending}")));
    }
    std::fs::copy(old.path(), &file).unwrap();
    let store = Store::open(&school.path).await.unwrap();
    let due = store.due(school.hand.now()).await.unwrap();
    assert_eq!((due.len(), &due[0].reference, due[0].recipients.len()), (1, &reference, 1));
    let pass = store.make_pass(&due[0], &[0], school.hand.now()).await;
    assert!(pass.is_ok(), "the references of the tables hold");
}
