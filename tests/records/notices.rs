//! Notices in the store: told once, whoever tells; a letter that was never promised leaves no trace; the record stays.

use jiff::{SignedDuration, Timestamp};
use mailwarden::message::{Address, Envelope, Origin};
use mailwarden::records::{NewLetter, NewNotice, RecordsError, Reference, Store, ToTell};
use mailwarden::verdict::Urgency;

use crate::school::School;

fn address(text: &str) -> Address {
    Address::parse(text.as_bytes()).unwrap()
}

/// Records a notice of one message for the lead.
async fn note(store: &Store, content: u8, urgency: Urgency, now: Timestamp, due_at: Timestamp) -> usize {
    let envelope = Envelope {
        queue_id: None,
        origin: Origin::Smtp,
        client: None,
        authenticated: None,
        sender: Some(address("<sam@oakfield.example>")),
        recipients: vec![address("<tutor@oakfield.example>")],
    };
    let to_tell = ToTell {
        reviewer: "Lead".to_owned(),
        addresses: vec![address("dsl@oakfield.example")],
        urgency,
        due_at,
    };
    let notice = NewNotice {
        reference: Reference::random().unwrap(),
        content: [content; 32],
        envelope: &envelope,
        message_id: None,
        school: Some("oakfield"),
        rules: Vec::new(),
        recipients: Vec::new(),
        to_tell: vec![to_tell],
        left_out: Vec::new(),
        found_at: now,
    };
    store.record_notices(&[notice]).await.unwrap()
}

async fn tell(store: &Store, school: &School) -> Vec<bool> {
    let mut told = Vec::new();
    for due in store.due_notices(school.hand.now()).await.unwrap() {
        let name = Reference::random().unwrap();
        let letter =
            NewLetter { reference: &name, recipients: &due.addresses, content: b"Subject: x\r\n\r\nx\r\n" };
        told.push(store.tell(&due.notices, &letter, school.hand.now()).await.unwrap());
    }
    told
}

#[tokio::test]
async fn of_two_who_tell_at_once_one_does() {
    let school = School::new().await;
    let now = school.hand.now();
    assert_eq!(note(&school.store, 1, Urgency::AtOnce, now, now).await, 1);
    let other = Store::open(&school.path).await.unwrap();
    // Both have seen what is due before either tells.
    let (first, second) =
        (school.store.due_notices(now).await.unwrap(), other.due_notices(now).await.unwrap());
    let names = [Reference::random().unwrap(), Reference::random().unwrap()];
    let letter =
        |at: usize| NewLetter { reference: &names[at], recipients: &first[0].addresses, content: b"\r\n" };
    assert!(school.store.tell(&first[0].notices, &letter(0), now).await.unwrap());
    assert!(!other.tell(&second[0].notices, &letter(1), now).await.unwrap());
    let due = school.store.due(now).await.unwrap();
    assert_eq!((due.len(), &due[0].reference), (1, &names[0]));
    // The letter that was never promised goes when it is a day old.
    assert_eq!(school.contents().len(), 2);
    let orphan = std::fs::File::open(school.path.join(format!("content/{}.letter.eml", names[1]))).unwrap();
    orphan.set_modified((now - SignedDuration::from_hours(25)).into()).unwrap();
    assert_eq!(school.store.tidy(now).await.unwrap(), 1);
    assert_eq!(school.contents(), [format!("{}.letter.eml", names[0])]);
}

#[tokio::test]
async fn a_digest_waits_for_its_time_and_outlasts_a_restart() {
    let mut school = School::new().await;
    let now = school.hand.now();
    let due = now + SignedDuration::from_hours(5);
    for content in 0..3 {
        assert_eq!(note(&school.store, content, Urgency::Digest, now, due).await, 1);
    }
    assert_eq!(tell(&school.store, &school).await, Vec::<bool>::new());
    school.restart().await;
    school.hand.forward(5 * 3_600);
    let waiting = school.store.due_notices(school.hand.now()).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].notices.len(), waiting[0].letters_of_hour), (1, 3, 0));
    assert_eq!(tell(&school.store, &school).await, [true]);
    assert_eq!(tell(&school.store, &school).await, Vec::<bool>::new());
}

#[tokio::test]
async fn letters_at_once_are_counted_for_an_hour() {
    let school = School::new().await;
    for content in 0..3 {
        let now = school.hand.now();
        note(&school.store, content, Urgency::AtOnce, now, now).await;
        let due = school.store.due_notices(now).await.unwrap();
        assert_eq!(due[0].letters_of_hour, u32::from(content));
        assert_eq!(tell(&school.store, &school).await, [true]);
    }
    school.hand.forward(3_600);
    let now = school.hand.now();
    note(&school.store, 9, Urgency::AtOnce, now, now).await;
    assert_eq!(school.store.due_notices(now).await.unwrap()[0].letters_of_hour, 0);
}

#[tokio::test]
async fn the_same_message_is_noted_once_in_five_days() {
    let school = School::new().await;
    let now = school.hand.now();
    assert_eq!(note(&school.store, 1, Urgency::AtOnce, now, now).await, 1);
    assert_eq!(note(&school.store, 1, Urgency::AtOnce, now + SignedDuration::from_hours(119), now).await, 0);
    assert_eq!(note(&school.store, 2, Urgency::AtOnce, now, now).await, 1);
    assert_eq!(note(&school.store, 1, Urgency::AtOnce, now + SignedDuration::from_hours(121), now).await, 1);
}

/// Each with a store of its own, as commands that people run at once have.
#[tokio::test]
async fn of_many_who_settle_a_notice_at_once_one_does_and_the_others_hear_who() {
    let school = School::new().await;
    let now = school.hand.now();
    note(&school.store, 1, Urgency::AtOnce, now, now).await;
    let reference = school.store.notices(false).await.unwrap().remove(0).reference;
    let mut tasks = tokio::task::JoinSet::new();
    let all_are_open = std::sync::Arc::new(tokio::sync::Barrier::new(8));
    for number in 0..8 {
        let (path, reference) = (school.path.clone(), reference.clone());
        let all_are_open = std::sync::Arc::clone(&all_are_open);
        tasks.spawn(async move {
            let store = Store::open_existing(&path).await.unwrap();
            all_are_open.wait().await;
            let by = format!("person {number}");
            let ended = store.end_notice(&reference, &by, "seen to", now).await;
            (by, ended)
        });
    }
    let (done, refused): (Vec<_>, Vec<_>) =
        tasks.join_all().await.into_iter().partition(|(_, ended)| ended.is_ok());
    let [(first, _)] = done.as_slice() else { panic!("{done:?} {refused:?}") };
    for (_, ended) in &refused {
        assert!(matches!(ended, Err(RecordsError::Settled { by, .. }) if by == first), "{ended:?}");
    }
}

#[tokio::test]
async fn who_looked_stays_on_record_and_nothing_is_settled_twice() {
    let school = School::new().await;
    let now = school.hand.now();
    note(&school.store, 1, Urgency::AtOnce, now, now).await;
    let reference = school.store.notices(false).await.unwrap().remove(0).reference;
    let unsaid = school.store.read_notice(&reference, "m.okafor", " ", now).await.unwrap_err();
    assert!(matches!(unsaid, RecordsError::Unsaid("the reason")), "{unsaid}");
    let shown = school.store.read_notice(&reference, "m.okafor", "asked", now).await.unwrap();
    assert_eq!(shown.readings.len(), 1);
    school.store.end_notice(&reference, "head", "seen to", now).await.unwrap();
    let again = school.store.end_notice(&reference, "deputy", "again", now).await.unwrap_err();
    assert!(matches!(again, RecordsError::Settled { ref by, .. } if by == "head"), "{again}");
    let unknown = Reference::random().unwrap();
    let error = school.store.end_notice(&unknown, "head", "x", now).await.unwrap_err();
    assert!(matches!(error, RecordsError::UnknownNotice(_)), "{error}");
    let status = school.store.notice_status().await.unwrap();
    assert_eq!((status.open, status.untold, status.waiting), (0, 0, 1));
    let url = format!("sqlite://{}", school.path.join("mailwarden.sqlite").display());
    let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
    for table in ["notice_readings", "notice_endings"] {
        for change in [format!("UPDATE {table} SET why = 'x'"), format!("DELETE FROM {table}")] {
            assert!(
                sqlx::query(sqlx::AssertSqlSafe(change.clone())).execute(&pool).await.is_err(),
                "{change}"
            );
        }
    }
    pool.close().await;
}
