//! Held mail end to end, without Postfix: a store on the disk, the outbox's worker, and a mail server made up here
//! that asks the gate as Postfix does.

mod sink;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use jiff::Timestamp;
use mailwarden::message::{Address, Client, Envelope, Origin, QueueId};
use mailwarden::notify::{Outbox, OutboxSettings};
use mailwarden::records::{
    Answer, Decision, HeldFilter, HeldState, Kept, KeptAction, KeptMessage, RecipientState, RecordsError,
    Redeemed, Reference, Refusal, Store,
};
use mailwarden::verdict::{Action, Coverage, RuleId, Verdict};
use sink::{After, Sink};

const CONTENT: &[u8] = b"From: Head <head@oakfield.example>\r\nSubject: =?utf-8?q?Sports_day?=\r\n\r\n.\r\nA line\r\n..\r\n\xe9\0\rend \r\n\r\n";
const SENDER: &str = "<head@oakfield.example>";

/// A minute that the tests live in, moved on by hand.
#[derive(Clone)]
struct Hand(Arc<AtomicI64>);

impl Hand {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_767_600_000)))
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }

    fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

struct School {
    _folder: tempfile::TempDir,
    path: std::path::PathBuf,
    store: Store,
    hand: Hand,
}

impl School {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let store = Store::open(&path).await.unwrap();
        Self { _folder: folder, path, store, hand: Hand::new() }
    }

    /// The same store, opened by a new process, as far as the store can tell.
    async fn restart(&mut self) {
        self.store.close().await;
        self.store = Store::open(&self.path).await.unwrap();
    }

    async fn hold(&self, recipients: &[&str]) -> Reference {
        hold(&self.store, CONTENT, recipients, self.hand.now()).await.unwrap().reference().clone()
    }

    async fn release(&self, reference: &Reference) {
        self.store
            .decide(reference, Decision::Release, "m.okafor", "false alarm", self.hand.now())
            .await
            .unwrap();
    }

    fn outbox(&self, sink: &Sink) -> Outbox {
        let hand = self.hand.clone();
        let settings = OutboxSettings {
            server: sink.address.clone(),
            clock: Arc::new(move || hand.now()),
            ..OutboxSettings::default()
        };
        Outbox::new(self.store.clone(), settings)
    }

    async fn submit(&self, sink: &Sink) -> usize {
        self.outbox(sink).submit_due(&AtomicBool::new(false)).await.unwrap()
    }

    async fn state(&self, reference: &Reference) -> HeldState {
        self.store.find(reference).await.unwrap().summary.state
    }
}

fn envelope(recipients: &[&str]) -> Envelope {
    Envelope {
        queue_id: Some(QueueId("4dHxyz0Qz9z1B".to_owned())),
        origin: Origin::Smtp,
        client: Some(Client {
            address: Some("192.0.2.7".parse().unwrap()),
            name: "lab3.oakfield.example".to_owned(),
        }),
        authenticated: Some("head".to_owned()),
        sender: Address::parse(SENDER.as_bytes()),
        recipients: recipients.iter().filter_map(|one| Address::parse(one.as_bytes())).collect(),
    }
}

fn verdict(action: Action) -> Verdict {
    Verdict {
        action,
        recipients: vec![action],
        rules: Vec::new(),
        findings: Vec::new(),
        coverage: Coverage::default(),
        elapsed: None,
    }
}

async fn keep(
    store: &Store,
    content: &[u8],
    action: KeptAction<'_>,
    recipients: &[&str],
    now: Timestamp,
) -> Result<Kept, RecordsError> {
    let envelope = envelope(recipients);
    let message = KeptMessage {
        reference: &Reference::random()?,
        action,
        content,
        envelope: &envelope,
        recipients: &envelope.recipients.iter().collect::<Vec<_>>(),
        rules: &[RuleId("pupil-named-in-full".to_owned())],
        verdict: &verdict(Action::Hold),
        received_at: now,
    };
    store.keep(&message).await
}

async fn hold(
    store: &Store,
    content: &[u8],
    recipients: &[&str],
    now: Timestamp,
) -> Result<Kept, RecordsError> {
    keep(store, content, KeptAction::Hold, recipients, now).await
}

const ONE: &[&str] = &["<parent@beechwood.example>"];

#[tokio::test]
async fn a_held_message_is_shown_and_goes_out_as_it_came() {
    let school = School::new().await;
    let reference = school.hold(ONE).await;
    let listed = school.store.list(&HeldFilter::default()).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].reference, reference);
    assert_eq!(listed[0].sender.as_deref(), Some("head@oakfield.example"));
    assert_eq!(school.store.content(&reference).await.unwrap(), CONTENT);

    let sink = Sink::start(school.store.clone(), school.hand.now()).await;
    school.release(&reference).await;
    assert_eq!(school.submit(&sink).await, 1);
    let received = sink.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].content, CONTENT);
    assert_eq!(received[0].sender, SENDER);
    assert_eq!(received[0].recipients, ONE);
    assert!(matches!(&received[0].pass, Some(Redeemed::Valid { reference: of, .. }) if *of == reference));
    let found = school.store.find(&reference).await.unwrap();
    assert_eq!(found.summary.state, HeldState::Released);
    assert_eq!(found.deliveries[0].state, RecipientState::Sent);
    assert_eq!(
        (found.decisions[0].by.as_str(), found.decisions[0].why.as_str()),
        ("m.okafor", "false alarm")
    );
    assert_eq!(school.submit(&sink).await, 0);
}
