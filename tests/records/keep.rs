//! Keeping, showing and deciding.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use mailwarden::records::{
    Answer, Decision, HeldFilter, HeldState, Kept, KeptAction, KeptMessage, NewLetter, OutboxKind,
    RecordsError, Redeemed, Store,
};

use crate::school::{CONTENT, FOUND, ONE, SENDER, School, THREE, address, keep};

#[tokio::test]
async fn what_is_held_is_listed_and_shown_without_its_content() {
    let school = School::new().await;
    let reference = school.hold(THREE).await;
    let listed = school.store.list(&HeldFilter::default()).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0].reference, listed[0].state), (&reference, HeldState::Held));
    assert_eq!(listed[0].sender.as_deref(), Some("head@oakfield.example"));
    assert_eq!(listed[0].recipients[2], "cedar@beechwood.example");
    assert_eq!((listed[0].recipient_count, listed[0].size), (3, CONTENT.len() as u64));
    let found = school.find(&reference).await;
    assert_eq!(found.client_address.as_deref(), Some("192.0.2.7"));
    assert_eq!(found.authenticated.as_deref(), Some("head"));
    assert_eq!(found.verdict["action"], "hold");
    let shown = serde_json::to_string(&found).unwrap();
    assert!(!shown.contains("Sports"), "{shown}");
}

#[tokio::test]
async fn reading_a_content_goes_on_the_record() {
    let school = School::new().await;
    let reference = school.hold(ONE).await;
    let now = school.hand.now();
    for (by, why) in [("", "looking"), ("m.okafor", " ")] {
        assert!(matches!(school.store.read(&reference, by, why, now).await, Err(RecordsError::Unsaid(_))));
    }
    assert!(school.find(&reference).await.readings.is_empty());
    assert_eq!(school.store.read(&reference, "m.okafor", "the sender asked", now).await.unwrap(), CONTENT);
    let readings = school.find(&reference).await.readings;
    assert_eq!(readings.len(), 1);
    assert_eq!((readings[0].by.as_str(), readings[0].why.as_str()), ("m.okafor", "the sender asked"));
    assert_eq!(readings[0].at, now);
    let found = school.store.read_found(&reference, "m.okafor", "which word", now).await.unwrap();
    assert_eq!(found, FOUND);
    assert_eq!(school.find(&reference).await.readings.len(), 2);
}

#[tokio::test]
async fn a_repeated_message_is_kept_once() {
    let school = School::new().await;
    let now = school.hand.now();
    let first = school.hold(THREE).await;
    let turned: Vec<&str> = THREE.iter().rev().copied().collect();
    let again = keep(&school.store, CONTENT, KeptAction::Hold { answer: None }, &turned, now).await.unwrap();
    assert_eq!(again, Kept::Already(first.clone()));
    // On its way out, it is not held a second time either.
    school.release(&first).await;
    let again = keep(&school.store, CONTENT, KeptAction::Hold { answer: None }, THREE, now).await.unwrap();
    assert_eq!(again, Kept::Already(first.clone()));
    assert_eq!(school.contents(), ["eml", "found.json"].map(|ending| format!("{first}.{ending}")));

    for (content, recipients) in [(&CONTENT[..CONTENT.len() - 2], THREE), (CONTENT, ONE)] {
        let other =
            keep(&school.store, content, KeptAction::Hold { answer: None }, recipients, now).await.unwrap();
        assert!(matches!(other, Kept::New(_)));
    }
}

#[tokio::test]
async fn a_repeated_message_is_kept_once_even_when_both_come_at_once() {
    let school = School::new().await;
    let other = Store::open(&school.path).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..12 {
        let (store, now) =
            (if number % 2 == 0 { school.store.clone() } else { other.clone() }, school.hand.now());
        tasks.spawn(async move {
            keep(&store, CONTENT, KeptAction::Hold { answer: None }, ONE, now).await.unwrap()
        });
    }
    let kept = tasks.join_all().await;
    assert_eq!(kept.iter().filter(|kept| matches!(kept, Kept::New(_))).count(), 1);
    assert!(kept.iter().all(|one| one.reference() == kept[0].reference()));
    let kept = kept[0].reference();
    assert_eq!(school.contents(), ["eml", "found.json"].map(|ending| format!("{kept}.{ending}")));
}

#[tokio::test]
async fn the_same_message_after_a_decision_is_held_anew_and_says_so() {
    let school = School::new().await;
    let first = school.hold(ONE).await;
    school.store.decide(&first, Decision::Delete, "m.okafor", "spam", school.hand.now()).await.unwrap();
    let second = school.hold(ONE).await;
    assert_eq!(school.find(&second).await.summary.same_as, Some(first));
}

#[tokio::test]
async fn a_returned_message_is_answered_once() {
    let school = School::new().await;
    let sender = address("<head@oakfield.example>");
    let answer = Answer { recipient: &sender, content: b"Subject: Not delivered\r\n\r\nWhy.\r\n" };
    let action = KeptAction::Return { answer: Some(answer) };
    let first = keep(&school.store, CONTENT, action, ONE, school.hand.now()).await.unwrap();
    school.hand.forward(3600);
    let second = keep(&school.store, CONTENT, action, ONE, school.hand.now()).await.unwrap();
    assert_eq!(second, Kept::Already(first.reference().clone()));

    let sink = school.sink().await;
    assert_eq!(school.submit(&sink.address).await, 1);
    let received = sink.received();
    assert_eq!(received.len(), 1);
    assert_eq!(
        (received[0].sender.as_str(), received[0].recipients[0].as_str()),
        ("<>", "<head@oakfield.example>")
    );
    assert_eq!(received[0].content, answer.content);
    assert!(matches!(&received[0].pass, Some(Redeemed::Valid { kind: OutboxKind::Answer, .. })));
    let found = school.find(first.reference()).await;
    assert_eq!((found.summary.state, found.outbox[0].state.as_str()), (HeldState::Returned, "sent"));

    // A retry comes within days; what comes later is sent anew, and its sender hears again.
    school.hand.forward(6 * 86_400);
    let third = keep(&school.store, CONTENT, action, ONE, school.hand.now()).await.unwrap();
    assert!(matches!(third, Kept::New(_)));
}

#[tokio::test]
async fn deleting_removes_the_content_and_leaves_the_record() {
    let school = School::new().await;
    let reference = school.hold(ONE).await;
    let now = school.hand.now();
    school.store.decide(&reference, Decision::Delete, "m.okafor", "asked by the parent", now).await.unwrap();
    assert!(school.contents().is_empty());
    let found = school.find(&reference).await;
    assert_eq!((found.summary.state, found.decisions[0].decision), (HeldState::Deleted, Decision::Delete));
    let found = school.store.read_found(&reference, "m.okafor", "which word", now).await;
    assert!(matches!(found, Err(RecordsError::NotHeld { .. })), "{found:?}");
    let refused = school.store.content(&reference).await.unwrap_err().to_string();
    assert_eq!(refused, format!("{reference} cannot be shown: it has been deleted"));
}

#[tokio::test]
async fn a_decision_that_comes_too_late_is_refused_and_changes_nothing() {
    let school = School::new().await;
    let (now, reference) = (school.hand.now(), school.hold(ONE).await);
    let sink = school.sink().await;
    let refused = async |decision, words: &str| {
        let error = school.store.decide(&reference, decision, "a.nother", "me too", now).await.unwrap_err();
        assert_eq!(error.to_string(), format!("{reference} cannot be {words}"));
    };
    let silent = school.store.decide(&reference, Decision::Release, "m.okafor", "", now).await;
    assert!(matches!(silent, Err(RecordsError::Unsaid(_))));
    school.release(&reference).await;
    refused(Decision::Release, "released: it is being released already").await;
    refused(Decision::Delete, "deleted: it is being released already").await;
    school.submit(&sink.address).await;
    refused(Decision::Release, "released: it has been released already").await;
    assert_eq!(school.find(&reference).await.decisions.len(), 1);
    assert_eq!(sink.received().len(), 1);

    let unknown = "0000-0000".parse().unwrap();
    let error = school.store.decide(&unknown, Decision::Release, "m.okafor", "why", now).await.unwrap_err();
    assert!(matches!(error, RecordsError::Unknown(_)));
}

#[tokio::test]
async fn of_two_who_decide_at_once_one_is_refused() {
    let school = School::new().await;
    let reference = school.hold(ONE).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..8 {
        let (store, reference, now) = (school.store.clone(), reference.clone(), school.hand.now());
        let decision = if number % 2 == 0 { Decision::Release } else { Decision::Delete };
        tasks.spawn(
            async move { store.decide(&reference, decision, "somebody", "because", now).await.is_ok() },
        );
    }
    assert_eq!(tasks.join_all().await.into_iter().filter(|done| *done).count(), 1);
    assert_eq!(school.find(&reference).await.decisions.len(), 1);
}

#[tokio::test]
async fn decisions_and_readings_can_only_be_added() {
    let school = School::new().await;
    let reference = school.hold(ONE).await;
    school.store.read(&reference, "m.okafor", "the sender asked", school.hand.now()).await.unwrap();
    school.release(&reference).await;
    let url = format!("sqlite://{}", school.path.join("mailwarden.sqlite").display());
    let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
    for (change, words) in [
        ("UPDATE decisions SET why = 'another reason'", "decisions are only added"),
        ("DELETE FROM decisions", "decisions are only added"),
        ("UPDATE readings SET read_by = 'nobody'", "readings are only added"),
        ("DELETE FROM readings", "readings are only added"),
    ] {
        let refused = sqlx::query(change).execute(&pool).await.unwrap_err().to_string();
        assert!(refused.contains(words), "{refused}");
    }
    pool.close().await;
}

#[tokio::test]
async fn a_reference_that_is_taken_overwrites_nothing() {
    let school = School::new().await;
    let reference = school.hold(ONE).await;
    let envelope = mailwarden::message::Envelope {
        queue_id: None,
        origin: mailwarden::message::Origin::Local,
        client: None,
        authenticated: None,
        sender: None,
        recipients: Vec::new(),
    };
    let found = school.find(&reference).await;
    let verdict = mailwarden::verdict::Verdict {
        personal: mailwarden::verdict::Personal::default(),
        action: mailwarden::verdict::Action::Hold,
        recipients: Vec::new(),
        rules: Vec::new(),
        findings: Vec::new(),
        coverage: Default::default(),
        elapsed: None,
    };
    let message = KeptMessage {
        reference: &reference,
        action: KeptAction::Hold { answer: None },
        content: b"Subject: another\r\n\r\n",
        envelope: &envelope,
        recipients: &[],
        rules: &[],
        verdict: &verdict,
        found: b"",
        confirmation: None,
        share: mailwarden::records::Share::default(),
        received_at: school.hand.now(),
    };
    assert!(matches!(school.store.keep(&message).await, Err(RecordsError::ReferenceTaken(_))));
    assert_eq!(school.store.content(&reference).await.unwrap(), CONTENT);
    assert_eq!(school.find(&reference).await, found);
}

#[tokio::test]
async fn nobody_else_can_read_the_store() {
    let school = School::new().await;
    let reference = school.hold(ONE).await;
    let mode = |name: &str| fs::metadata(school.path.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(""), mode("content")), (0o700, 0o700));
    for file in
        ["mailwarden.sqlite", "mailwarden.sqlite-wal", "pass.key", &format!("content/{reference}.eml")]
    {
        assert_eq!(mode(file), 0o600, "{file}");
    }
}

#[tokio::test]
async fn many_may_open_a_new_store_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let path = folder.path().join("store");
        tasks.spawn(async move { Store::open(&path).await.map(|_| ()) });
    }
    for opened in tasks.join_all().await {
        opened.unwrap();
    }
}

#[tokio::test]
async fn the_store_says_how_it_is() {
    let school = School::new().await;
    let before = school.store.check().await.unwrap();
    assert_eq!((before.held, before.oldest_held, before.last_error), (0, None, None));
    assert!(before.free_bytes > 0);
    let since = school.hand.now();
    let reference = school.hold(ONE).await;
    school.hand.forward(60);
    school.hold(THREE).await;
    school.release(&reference).await;
    // Port 1 of this machine: nobody listens there.
    school.submit("127.0.0.1:1").await;
    let after = school.store.check().await.unwrap();
    assert_eq!((after.held, after.releasing, after.outbox_waiting, after.outbox_failed), (1, 1, 1, 0));
    assert_eq!((after.oldest_held, after.outbox_oldest), (Some(school.hand.now()), Some(school.hand.now())));
    assert!(since < school.hand.now());
    let (at, error) = after.last_error.unwrap();
    assert_eq!(at, school.hand.now());
    assert!(error.contains("could not connect to the mail server at 127.0.0.1:1"), "{error}");
}

#[tokio::test]
async fn a_flood_of_answers_becomes_one_summary() {
    let school = School::new().await;
    let sink = school.sink().await;
    let keep_one = async |number: usize| {
        let content = format!("Subject: {number}\r\n\r\n").into_bytes();
        let (recipient, answer) = (address(SENDER), b"Subject: answer\r\n\r\nNo.\r\n".as_slice());
        let answer = Some(Answer { recipient: &recipient, content: answer });
        keep(&school.store, &content, KeptAction::Return { answer }, ONE, school.hand.now()).await.unwrap()
    };
    for number in 0..25 {
        keep_one(number).await;
    }
    let hour = jiff::SignedDuration::from_hours(1);
    assert!(school.store.postponed(hour, school.hand.now()).await.unwrap().is_empty(), "too early");
    school.hand.forward(3_600);
    let postponed = school.store.postponed(hour, school.hand.now()).await.unwrap();
    assert_eq!(postponed.len(), 1);
    assert_eq!((postponed[0].recipient.folded(), postponed[0].messages.len()), ("head@oakfield.example", 5));
    let name = mailwarden::records::Reference::random().unwrap();
    let recipients = [postponed[0].recipient.clone()];
    let content = b"Subject: summary\r\n\r\nFive more.\r\n";
    let letter = NewLetter { reference: &name, recipients: &recipients, content };
    school.store.summarised(&postponed[0], &letter, school.hand.now()).await.unwrap();
    assert!(school.store.postponed(hour, school.hand.now()).await.unwrap().is_empty(), "told twice");
    assert_eq!(school.submit(&sink.address).await, 21);
    // The hour is over: the next one is answered by itself again.
    keep_one(25).await;
    assert_eq!(school.submit(&sink.address).await, 1);
}
