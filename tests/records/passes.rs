//! Passes: good once, for the one message that they were made for.

use jiff::Timestamp;
use mailwarden::message::Address;
use mailwarden::records::{
    OutboxKind, Outcome, Pass, RecipientState, Redeemed, Reference, Refusal, Store, Submission,
};

use crate::school::{CONTENT, SENDER, School, THREE, address};

struct Made {
    school: School,
    reference: Reference,
    submission: Submission,
    pass: Pass,
}

async fn made() -> Made {
    let school = School::new().await;
    let reference = school.hold(THREE).await;
    school.release(&reference).await;
    let submission = school.store.due(school.hand.now()).await.unwrap().remove(0);
    let pass = school.store.make_pass(&submission, &[0, 1, 2], school.hand.now()).await.unwrap();
    Made { school, reference, submission, pass }
}

fn addresses(texts: &[&str]) -> Vec<Address> {
    texts.iter().map(|text| address(text)).collect()
}

async fn redeem(store: &Store, value: &str, now: Timestamp) -> Redeemed {
    store.redeem(value.as_bytes(), CONTENT, Some(&address(SENDER)), &addresses(THREE), now).await.unwrap()
}

#[tokio::test]
async fn a_pass_is_good_once_across_a_restart() {
    let mut made = made().await;
    made.school.restart().await;
    let (store, now) = (&made.school.store, made.school.hand.now());
    let good = redeem(store, &format!(" {}\r\n", made.pass.text()), now).await;
    assert!(matches!(good, Redeemed::Valid { reference, .. } if reference == made.reference));
    made.school.restart().await;
    let again = redeem(&made.school.store, made.pass.text(), now).await;
    assert_eq!(again, Redeemed::Invalid(Refusal::Used));
}

#[tokio::test]
async fn of_many_who_show_a_pass_at_once_one_gets_through() {
    let made = made().await;
    let other = Store::open(&made.school.path).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..16 {
        let store = if number % 2 == 0 { made.school.store.clone() } else { other.clone() };
        let (pass, now) = (made.pass.clone(), made.school.hand.now());
        tasks.spawn(async move { redeem(&store, pass.text(), now).await });
    }
    let redeemed = tasks.join_all().await;
    assert_eq!(redeemed.iter().filter(|one| matches!(one, Redeemed::Valid { .. })).count(), 1);
    assert_eq!(redeemed.iter().filter(|one| **one == Redeemed::Invalid(Refusal::Used)).count(), 15);
}

#[tokio::test]
async fn a_pass_with_any_letter_changed_is_refused_and_the_true_one_stays_good() {
    let made = made().await;
    let (store, now, text) = (&made.school.store, made.school.hand.now(), made.pass.text());
    for at in 0..text.len() {
        let mut changed = text.as_bytes().to_vec();
        changed[at] = if changed[at] == b'7' { b'8' } else { b'7' };
        let refused = redeem(store, str::from_utf8(&changed).unwrap(), now).await;
        assert!(
            matches!(refused, Redeemed::Invalid(Refusal::Malformed | Refusal::Forged)),
            "{at}: {refused:?}"
        );
    }
    for junk in
        ["", " ", "1", "1...", "2.a.b.c", &"1.".repeat(40_000), &text.to_lowercase(), &format!("{text}.x")]
    {
        assert_eq!(redeem(store, junk, now).await, Redeemed::Invalid(Refusal::Malformed));
    }
    let not_text = store.redeem(b"1.\xff.\0", CONTENT, None, &[], now).await.unwrap();
    assert_eq!(not_text, Redeemed::Invalid(Refusal::Malformed));
    assert!(matches!(redeem(store, text, now).await, Redeemed::Valid { .. }));
}

#[tokio::test]
async fn a_pass_of_another_store_is_forged() {
    let (made, other) = (made().await, School::new().await);
    let refused = redeem(&other.store, made.pass.text(), made.school.hand.now()).await;
    assert_eq!(refused, Redeemed::Invalid(Refusal::Forged));
}

#[tokio::test]
async fn an_old_pass_is_refused() {
    let made = made().await;
    made.school.hand.forward(3600);
    assert!(matches!(
        redeem(&made.school.store, made.pass.text(), made.school.hand.now()).await,
        Redeemed::Valid { .. }
    ));
    let pass =
        made.school.store.make_pass(&made.submission, &[0, 1, 2], made.school.hand.now()).await.unwrap();
    made.school.hand.forward(3601);
    let refused = redeem(&made.school.store, pass.text(), made.school.hand.now()).await;
    assert_eq!(refused, Redeemed::Invalid(Refusal::Expired));
}

#[tokio::test]
async fn a_pass_is_for_one_body_sender_and_set_of_recipients() {
    let made = made().await;
    let (store, now, text) = (&made.school.store, made.school.hand.now(), made.pass.text().as_bytes());
    let (sender, other) = (address(SENDER), address("<mallory@birchmoor.example>"));
    let three = addresses(THREE);
    let changed = [&CONTENT[..CONTENT.len() - 2], b" more\r\n"].concat();
    let four = [three.clone(), vec![other.clone()]].concat();
    let cases: [(&[u8], Option<&Address>, &[Address]); 6] = [
        (&changed, Some(&sender), &three),
        (b"", Some(&sender), &three),
        (CONTENT, Some(&other), &three),
        (CONTENT, None, &three),
        (CONTENT, Some(&sender), &three[..2]),
        (CONTENT, Some(&sender), &four),
    ];
    for (number, (content, sender, recipients)) in cases.into_iter().enumerate() {
        let redeemed = store.redeem(text, content, sender, recipients, now).await.unwrap();
        assert_eq!(redeemed, Redeemed::Changed(made.reference.clone()), "case {number}");
    }
    // The MTA may complete the header and show the recipients in another order.
    let completed = [b"X-Mailwarden-Pass: x\r\nMessage-Id: <1@oakfield.example>\r\n", CONTENT].concat();
    let turned: Vec<Address> = three.iter().rev().cloned().collect();
    let redeemed = store.redeem(text, &completed, Some(&sender), &turned, now).await.unwrap();
    assert!(matches!(redeemed, Redeemed::Valid { .. }));
}

#[tokio::test]
async fn what_a_pass_is_for_is_told_without_spending_it_and_of_a_good_one_alone() {
    let made = made().await;
    let (store, now, text) = (&made.school.store, made.school.hand.now(), made.pass.text());
    let told = async |value: &str| store.purpose_of_pass(value.as_bytes(), now).await.unwrap();
    let release = Some((made.reference.clone(), OutboxKind::Release));
    assert_eq!(told(text).await, release);
    assert_eq!(told(&text.replace(|c: char| c.is_ascii_digit(), "2")).await, None);
    assert_eq!(told("1.forged").await, None);
    assert!(matches!(redeem(store, text, now).await, Redeemed::Valid { .. }));
    assert_eq!(told(text).await, None);
}

#[tokio::test]
async fn a_pass_that_was_given_up_lets_nothing_through() {
    let made = made().await;
    let (store, now) = (&made.school.store, made.school.hand.now());
    let unheard = Outcome::Unheard("the connection broke".to_owned());
    let seen = store.settle(&made.submission, &made.pass, &unheard, now).await.unwrap();
    assert!(!seen);
    assert_eq!(redeem(store, made.pass.text(), now).await, Redeemed::Withdrawn);
}

#[tokio::test]
async fn a_gate_and_an_outbox_that_decide_at_once_agree() {
    for _ in 0..20 {
        let made = made().await;
        let (store, now) = (made.school.store.clone(), made.school.hand.now());
        let unheard = Outcome::Unheard("the connection broke".to_owned());
        let (seen, redeemed) = tokio::join!(
            store.settle(&made.submission, &made.pass, &unheard, now),
            redeem(&store, made.pass.text(), now)
        );
        // Through the gate and never again, or not through and once more.
        match (seen.unwrap(), redeemed) {
            (true, Redeemed::Valid { .. }) | (false, Redeemed::Withdrawn) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The filter ended between spending a pass and telling the MTA that it may take the message: nobody has it. Where the MTA
/// was told, it has it.
#[tokio::test]
async fn a_pass_that_nobody_was_told_of_is_worth_nothing_after_a_crash() {
    for told in [false, true] {
        let mut made = made().await;
        let now = made.school.hand.now();
        assert!(matches!(redeem(&made.school.store, made.pass.text(), now).await, Redeemed::Valid { .. }));
        if told {
            made.school.store.note_answered(made.pass.text().as_bytes());
        }
        made.school.restart().await;
        let store = &made.school.store;
        assert_eq!(store.forget_unanswered().await.unwrap(), usize::from(!told));
        assert_eq!(store.resume(&Default::default(), now).await.unwrap(), 1);
        store.settle_answered().unwrap();
        let states = made.school.deliveries(&made.reference).await;
        let right = if told { RecipientState::Unconfirmed } else { RecipientState::Waiting };
        assert_eq!(states, [right; 3], "told: {told}");
        // The old pass is worth nothing any more, whichever it was.
        let again = redeem(&made.school.store, made.pass.text(), now).await;
        assert!(matches!(again, Redeemed::Withdrawn | Redeemed::Invalid(Refusal::Used)), "{again:?}");
    }
}
