//! Releases and answers on their way to the mail server, with everything that goes wrong there.

use std::sync::Arc;
use std::time::Duration;

use mailwarden::notify::Outbox;
use mailwarden::records::{HeldState, KeptAction, RecipientState, Redeemed, Reference};
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

use crate::school::{CONTENT, ONE, SENDER, School, THREE, keep};
use crate::sink::{After, Sink};

/// Longer than anything here takes; a test that hangs fails instead.
const PATIENCE: Duration = Duration::from_secs(30);

async fn released(recipients: &[&str]) -> (School, Sink, Reference) {
    let school = School::new().await;
    let reference = school.hold(recipients).await;
    school.release(&reference).await;
    let sink = school.sink().await;
    (school, sink, reference)
}

#[tokio::test]
async fn a_release_has_the_exact_bytes_and_one_pass() {
    let (school, sink, reference) = released(THREE).await;
    assert_eq!(school.submit(&sink.address).await, 1);
    let received = sink.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].content, CONTENT);
    assert_eq!(
        (received[0].sender.as_str(), received[0].recipients.as_slice()),
        (SENDER, &THREE.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>()[..])
    );
    assert_eq!(received[0].mail, format!("MAIL FROM:{SENDER} BODY=8BITMIME"));
    assert!(matches!(&received[0].pass, Some(Redeemed::Valid { reference: of, .. }) if *of == reference));
    let found = school.find(&reference).await;
    assert_eq!((found.summary.state, found.summary.note), (HeldState::Released, None));
    assert_eq!(school.submit(&sink.address).await, 0);
}

#[tokio::test]
async fn odd_contents_and_addresses_go_out_as_they_came() {
    let school = School::new().await;
    let sink = school.sink().await;
    let large = [b"Subject: large\r\n\r\n".to_vec(), b".dots and more\r\n".repeat(20_000)].concat();
    let contents: [&[u8]; 5] =
        [b"Subject: x\r\n\r\n", b"\r\n", b"\r\n.\r\n\r\n", b"Subject: x\r\n\r\n\r\n\r\n", &large];
    let addresses =
        ["<zo\u{eb}@beechwood.example>", "<\"ash tree\"@beechwood.example>", "birch@beechwood.example"];
    for content in contents {
        let kept =
            keep(&school.store, content, KeptAction::Hold { answer: None }, &addresses, school.hand.now())
                .await
                .unwrap();
        school.release(kept.reference()).await;
        assert_eq!(school.submit(&sink.address).await, 1);
        let received = sink.received().pop().unwrap();
        assert!(received.content == content, "{} bytes", content.len());
        assert_eq!(received.mail, format!("MAIL FROM:{SENDER} SMTPUTF8"));
        assert_eq!(received.recipients, [addresses[0], addresses[1], "<birch@beechwood.example>"]);
        assert_eq!(school.state(kept.reference()).await, HeldState::Released);
    }
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_gate_costs_one_more_attempt() {
    let (school, sink, reference) = released(ONE).await;
    sink.then(&[After::Drop]);
    school.submit(&sink.address).await;
    assert_eq!(school.state(&reference).await, HeldState::Releasing);
    assert_eq!(school.submit(&sink.address).await, 0, "not before it is due");
    school.hand.forward(30);
    school.submit(&sink.address).await;
    assert_eq!((sink.received().len(), school.state(&reference).await), (1, HeldState::Released));
    let passes = sink.passes();
    assert_ne!(passes[0], passes[1], "each attempt has a pass of its own");
}

#[tokio::test]
async fn a_connection_that_breaks_behind_the_gate_never_doubles_mail() {
    let (school, sink, reference) = released(ONE).await;
    sink.then(&[After::AskThenDrop]);
    school.submit(&sink.address).await;
    school.hand.forward(86_400);
    assert_eq!(school.submit(&sink.address).await, 0);
    let found = school.find(&reference).await;
    assert_eq!(found.summary.state, HeldState::Released);
    assert_eq!(found.deliveries[0].state, RecipientState::Unconfirmed);
    assert!(found.summary.note.unwrap().contains("look for it in the MTA's log"));
    assert_eq!(school.store.check().await.unwrap().unconfirmed, 1);

    // A person looked, and it is not there.
    school.release(&reference).await;
    school.submit(&sink.address).await;
    assert_eq!((sink.received().len(), school.deliveries(&reference).await), (1, vec![RecipientState::Sent]));
    let found = school.find(&reference).await;
    assert_eq!((found.summary.note, found.decisions.len()), (None, 2));
}

#[tokio::test]
async fn a_failure_that_was_heard_is_tried_again_even_behind_the_gate() {
    let (school, sink, reference) = released(ONE).await;
    sink.then(&[After::AskThenSay("451 4.3.0 Error: queue file write error")]);
    school.submit(&sink.address).await;
    assert_eq!(school.state(&reference).await, HeldState::Releasing);
    let note = school.find(&reference).await.summary.note.unwrap();
    assert!(note.contains("queue file write error"), "{note}");
    school.hand.forward(30);
    school.submit(&sink.address).await;
    assert_eq!((sink.received().len(), school.state(&reference).await), (1, HeldState::Released));
}

#[tokio::test]
async fn what_the_server_refuses_is_held_again_with_its_words() {
    let (school, sink, reference) = released(ONE).await;
    sink.then(&[After::AskThenSay("554 5.7.1 Message contains a virus")]);
    school.submit(&sink.address).await;
    let found = school.find(&reference).await;
    assert_eq!(found.summary.state, HeldState::Held);
    assert!(found.summary.note.unwrap().contains("554 5.7.1 Message contains a virus"));
    school.hand.forward(86_400);
    assert_eq!(school.submit(&sink.address).await, 0);
    assert_eq!(school.store.check().await.unwrap().outbox_failed, 1);
}

#[tokio::test]
async fn a_recipient_who_is_refused_keeps_nobody_else_from_it() {
    let (school, sink, reference) = released(THREE).await;
    sink.refuse("birch@", "550 5.1.1 User unknown");
    school.submit(&sink.address).await;
    assert_eq!(sink.received()[0].recipients, [THREE[0], THREE[2]]);
    let found = school.find(&reference).await;
    assert_eq!(found.summary.state, HeldState::Held);
    assert!(found.summary.note.unwrap().contains("1 of its recipients: 550 5.1.1 User unknown"));
    assert_eq!(found.deliveries[1].answer.as_deref(), Some("550 5.1.1 User unknown"));

    // Released again, it goes to the one who has not got it, and to nobody twice.
    sink.forgive();
    school.release(&reference).await;
    school.submit(&sink.address).await;
    assert_eq!(sink.received()[1].recipients, [THREE[1]]);
    assert_eq!(school.deliveries(&reference).await, [RecipientState::Sent; 3]);
    assert_eq!(school.state(&reference).await, HeldState::Released);
}

#[tokio::test]
async fn a_recipient_who_must_wait_gets_it_later() {
    let (school, sink, reference) = released(THREE).await;
    sink.refuse("ash@", "450 4.2.0 Greylisted");
    school.submit(&sink.address).await;
    assert_eq!(sink.received()[0].recipients, [THREE[1], THREE[2]]);
    assert_eq!(school.state(&reference).await, HeldState::Releasing);
    sink.forgive();
    school.hand.forward(30);
    school.submit(&sink.address).await;
    assert_eq!(sink.received()[1].recipients, [THREE[0]]);
    assert_eq!(school.state(&reference).await, HeldState::Released);
}

#[tokio::test]
async fn more_recipients_than_an_envelope_takes_go_in_several() {
    let school = School::new().await;
    let all: Vec<String> = (0..250).map(|number| format!("<pupil{number}@oakfield.example>")).collect();
    let reference = school.hold(&all.iter().map(String::as_str).collect::<Vec<_>>()).await;
    school.release(&reference).await;
    let sink = school.sink().await;
    sink.most_recipients(100);
    school.submit(&sink.address).await;
    let received = sink.received();
    assert_eq!(received.iter().map(|one| one.recipients.len()).collect::<Vec<_>>(), [100, 100, 50]);
    assert!(received.iter().all(|one| matches!(one.pass, Some(Redeemed::Valid { .. }))));
    let reached: Vec<String> = received.into_iter().flat_map(|one| one.recipients).collect();
    assert_eq!(reached, all);
    assert_eq!(school.state(&reference).await, HeldState::Released);
}

#[tokio::test]
async fn a_server_that_is_away_is_asked_ever_less_often_and_then_given_up() {
    let (mut school, sink, reference) = released(ONE).await;
    let (nobody, start) = ("127.0.0.1:1", school.hand.now());
    let mut waits = Vec::new();
    for _ in 0..8 {
        assert_eq!(school.submit(nobody).await, 1);
        let entry = school.find(&reference).await.outbox.remove(0);
        waits.push(entry.next_attempt_at.unwrap().duration_since(school.hand.now()).as_secs());
        let wait = waits.last().unwrap();
        school.hand.forward(wait - 1);
        assert_eq!(school.submit(nobody).await, 0);
        school.hand.forward(1);
        // What waits outlasts a restart.
        school.restart().await;
    }
    assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1800, 1800]);
    school.hand.forward(5 * 86_400);
    school.submit(nobody).await;
    assert!(school.hand.now().duration_since(start).as_hours() >= 120);
    let found = school.find(&reference).await;
    assert_eq!(found.summary.state, HeldState::Held);
    assert!(found.summary.note.unwrap().contains("given up: could not connect"));
    assert!(sink.received().is_empty());
}

#[tokio::test]
async fn a_server_that_does_not_ask_the_gate_gets_it_once() {
    let (school, sink, reference) = released(ONE).await;
    sink.then(&[After::TakeUnasked]);
    school.submit(&sink.address).await;
    assert_eq!((sink.received().len(), school.state(&reference).await), (1, HeldState::Released));
    // Its recipients have read the pass: it is worth nothing now.
    let (sender, to) = (crate::school::address(SENDER), [crate::school::address(ONE[0])]);
    let pass = sink.passes().remove(0);
    let shown =
        school.store.redeem(pass.as_bytes(), CONTENT, Some(&sender), &to, school.hand.now()).await.unwrap();
    assert!(!matches!(shown, Redeemed::Valid { .. }));
}

#[tokio::test]
async fn a_file_that_changed_on_the_disk_is_not_sent() {
    let (school, sink, reference) = released(ONE).await;
    let file = school.path.join("content").join(format!("{reference}.eml"));
    for damage in [Some(&b"Subject: another\r\n\r\n"[..]), None] {
        match damage {
            Some(content) => std::fs::write(&file, content).unwrap(),
            None => std::fs::remove_file(&file).unwrap(),
        }
        school.submit(&sink.address).await;
        let found = school.find(&reference).await;
        assert_eq!(found.summary.state, HeldState::Held);
        let note = found.summary.note.unwrap();
        assert!(note.contains("restore the store's folder"), "{note}");
        school.release(&reference).await;
    }
    assert!(sink.passes().is_empty(), "no message came to its end");
}

#[tokio::test]
async fn an_address_with_a_line_end_reaches_no_wire() {
    let school = School::new().await;
    let both =
        ["<ash@beechwood.example>\r\nRCPT TO:<mallory@birchmoor.example>", "<birch@beechwood.example>"];
    let reference = school.hold(&both).await;
    school.release(&reference).await;
    let sink = school.sink().await;
    school.submit(&sink.address).await;
    assert_eq!(sink.received()[0].recipients, [both[1]]);
    assert_eq!(school.deliveries(&reference).await, [RecipientState::Refused, RecipientState::Sent]);
}

/// Starts a submission, ends it the hard way while the server hangs, and starts anew.
async fn cut_off(after: After) -> (School, Sink, Reference) {
    let (mut school, sink, reference) = released(ONE).await;
    sink.then(&[after]);
    {
        let submission = school.submit(&sink.address);
        tokio::select! {
            _ = submission => panic!("the server hangs, and the submission came to an end"),
            () = sink.hanging() => {}
        }
    }
    school.restart().await;
    // The sink asks the gate through a store of its own: the one of before is closed.
    let sink = school.sink().await;
    (school, sink, reference)
}

#[tokio::test]
async fn a_process_that_ends_before_the_gate_submits_anew_at_its_next_start() {
    let (school, sink, reference) = cut_off(After::Hang).await;
    let settings = school.settings(&sink.address);
    assert_eq!(school.store.resume(&settings.retry, school.hand.now()).await.unwrap(), 1);
    school.hand.forward(30);
    school.submit(&sink.address).await;
    assert_eq!((sink.received().len(), school.state(&reference).await), (1, HeldState::Released));
}

#[tokio::test]
async fn a_process_that_ends_behind_the_gate_does_not_send_twice() {
    let (school, sink, reference) = cut_off(After::AskThenHang).await;
    school.hand.forward(30);
    assert_eq!(school.submit(&sink.address).await, 0);
    assert!(sink.received().is_empty());
    assert_eq!(school.deliveries(&reference).await, [RecipientState::Unconfirmed]);
    assert_eq!(school.state(&reference).await, HeldState::Released);
}

#[tokio::test]
async fn the_worker_wakes_works_alone_and_stops() {
    let school = School::new().await;
    let sink = school.sink().await;
    let wake = Arc::new(Notify::new());
    let (stop, stopped) = oneshot::channel::<()>();
    let mut settings = school.settings(&sink.address);
    // Too long to come round by itself in this test.
    settings.interval = Duration::from_secs(86_400);
    let worker = tokio::spawn(Outbox::run(school.store.clone(), settings, Arc::clone(&wake), async {
        let _ = stopped.await;
    }));
    let arrived = sink.arrivals();
    for content in [&b"Subject: one\r\n\r\n"[..], b"Subject: two\r\n\r\n"] {
        let kept = keep(&school.store, content, KeptAction::Hold { answer: None }, ONE, school.hand.now())
            .await
            .unwrap();
        school.release(kept.reference()).await;
        wake.notify_one();
        timeout(PATIENCE, arrived.notified()).await.unwrap();
    }
    assert!(school.store.lock_outbox().await.unwrap().is_none(), "one process works the outbox at a time");
    stop.send(()).unwrap();
    timeout(PATIENCE, worker).await.unwrap().unwrap();
    assert!(school.store.lock_outbox().await.unwrap().is_some());
    assert_eq!(sink.received().len(), 2);
}
