//! A made-up school's store, with a clock that is moved by hand.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use jiff::Timestamp;
use mailwarden::message::{Address, Client, Envelope, Origin, QueueId};
use mailwarden::notify::{Outbox, OutboxSettings};
use mailwarden::records::{
    Decision, HeldMessage, HeldState, Kept, KeptAction, KeptMessage, RecipientState, RecordsError, Reference,
    Share, Store,
};
use mailwarden::verdict::{Action, Coverage, Personal, RuleId, Verdict};

use crate::sink::Sink;

/// Dots, 8-bit, NUL, trailing space, an empty last line: what a careless submission would change.
pub const CONTENT: &[u8] =
    b"From: Head <head@oakfield.example>\r\nSubject: =?utf-8?q?Sports_day?=\r\n\r\n.\r\nA line\r\n..\r\n\xe9\0\rend \r\n\r\n";
/// What was found in it, in words.
pub const FOUND: &[u8] = br#"[{"text":"A line"}]"#;
pub const SENDER: &str = "<head@oakfield.example>";
pub const ONE: &[&str] = &["<parent@beechwood.example>"];
pub const THREE: &[&str] =
    &["<ash@beechwood.example>", "<birch@beechwood.example>", "<cedar@beechwood.example>"];

/// A clock that is moved by hand.
#[derive(Clone)]
pub struct Hand(Arc<AtomicI64>);

impl Hand {
    pub fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }

    pub fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

pub struct School {
    _folder: tempfile::TempDir,
    pub path: PathBuf,
    pub store: Store,
    pub hand: Hand,
}

impl School {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let store = Store::open(&path).await.unwrap();
        Self { _folder: folder, path, store, hand: Hand(Arc::new(AtomicI64::new(1_767_600_000))) }
    }

    /// The same store, opened anew.
    pub async fn restart(&mut self) {
        self.store.close().await;
        self.store = Store::open(&self.path).await.unwrap();
    }

    pub async fn hold(&self, recipients: &[&str]) -> Reference {
        let kept = keep(&self.store, CONTENT, KeptAction::Hold { answer: None }, recipients, self.hand.now())
            .await
            .unwrap();
        assert!(matches!(kept, Kept::New(_)));
        kept.reference().clone()
    }

    pub async fn release(&self, reference: &Reference) {
        self.store
            .decide(reference, Decision::Release, "m.okafor", "false alarm", self.hand.now())
            .await
            .unwrap();
    }

    pub async fn sink(&self) -> Sink {
        Sink::start(self.store.clone(), self.hand.now()).await
    }

    pub fn settings(&self, server: &str) -> OutboxSettings {
        let hand = self.hand.clone();
        let clock = Arc::new(move || hand.now());
        OutboxSettings { server: server.to_owned(), clock, ..OutboxSettings::default() }
    }

    pub async fn submit(&self, server: &str) -> usize {
        let outbox = Outbox::new(self.store.clone(), self.settings(server));
        outbox.submit_due(&AtomicBool::new(false)).await.unwrap()
    }

    pub async fn find(&self, reference: &Reference) -> HeldMessage {
        self.store.find(reference).await.unwrap()
    }

    pub async fn state(&self, reference: &Reference) -> HeldState {
        self.find(reference).await.summary.state
    }

    pub async fn deliveries(&self, reference: &Reference) -> Vec<RecipientState> {
        self.find(reference).await.deliveries.iter().map(|one| one.state).collect()
    }

    pub fn contents(&self) -> Vec<String> {
        contents(&self.path)
    }
}

/// The names of the files with contents.
pub fn contents(store: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(store.join("content")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

pub fn address(text: &str) -> Address {
    Address::parse(text.as_bytes()).unwrap()
}

pub async fn keep(
    store: &Store,
    content: &[u8],
    action: KeptAction<'_>,
    recipients: &[&str],
    now: Timestamp,
) -> Result<Kept, RecordsError> {
    let recipients: Vec<Address> = recipients.iter().map(|one| address(one)).collect();
    let envelope = Envelope {
        queue_id: Some(QueueId("4dHxyz0Qz9z1B".to_owned())),
        origin: Origin::Smtp,
        client: Some(Client {
            address: Some("192.0.2.7".parse().unwrap()),
            name: "lab3.oakfield.example".to_owned(),
        }),
        authenticated: Some("head".to_owned()),
        sender: Some(address(SENDER)),
        recipients,
    };
    let verdict = Verdict {
        action: Action::Hold,
        recipients: vec![Action::Hold; envelope.recipients.len()],
        rules: Vec::new(),
        findings: Vec::new(),
        personal: Personal::default(),
        coverage: Coverage::default(),
        elapsed: None,
    };
    let message = KeptMessage {
        reference: &Reference::random()?,
        action,
        content,
        envelope: &envelope,
        recipients: &envelope.recipients.iter().collect::<Vec<_>>(),
        rules: &[RuleId("pupil-named-in-full".to_owned())],
        verdict: &verdict,
        found: FOUND,
        confirmation: None,
        share: Share::default(),
        received_at: now,
    };
    store.keep(&message).await
}
