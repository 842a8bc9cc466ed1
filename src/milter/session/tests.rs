//! The session on bytes: every command in every phase, old versions, limits, outcomes, random frames.

use super::super::frame::Reassembly;
use super::super::negotiate::Ability;
use super::super::spool::Spooled;
use super::*;
use crate::respond::{Edits, HeaderEdit, Splice};
use proptest::prelude::{any, prop, prop_assert, proptest};
use std::ops::ControlFlow;

const ALL_ACTIONS: u32 = 0x1ff;
const ALL_STEPS: u32 = 0x1f_ffff;

fn session_with(limits: Limits) -> Session {
    let limits = Arc::new(limits);
    let spools = Arc::new(Spools::new(std::env::temp_dir(), &limits));
    Session::new(limits, spools)
}

fn offer(version: u32, actions: u32, steps: u32) -> Vec<u8> {
    frame(b'O', [version, actions, steps].map(u32::to_be_bytes).as_flattened())
}

fn frame(code: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    frame::write(&mut out, code, &[payload]);
    out
}

/// What came of bytes: the session, its replies, the messages it wanted judged.
struct Played {
    session: Session,
    out: Vec<u8>,
    judged: Vec<(Arc<Envelope>, Spooled)>,
    end: Option<Result<(), SessionError>>,
}

/// Plays chunks of bytes; every message is accepted.
fn play(session: Session, chunks: &[&[u8]]) -> Played {
    let mut played = Played { session, out: Vec::new(), judged: Vec::new(), end: None };
    let mut frames = Reassembly::new(1 << 20);
    for chunk in chunks {
        let mut bytes = *chunk;
        while played.end.is_none() {
            let Played { session, out, .. } = &mut played;
            let step = frames.feed(bytes, |frame| {
                let command = Command::parse(frame).map_err(SessionError::from);
                match command.and_then(|command| session.handle(command, out)) {
                    Ok(Step::Next) => ControlFlow::Continue(()),
                    step => ControlFlow::Break(step),
                }
            });
            bytes = b"";
            match step.unwrap() {
                None => break,
                Some(Ok(Step::Judge(ready))) => accept(&mut played, *ready, &Outcome::accept()),
                Some(Ok(_)) => played.end = Some(Ok(())),
                Some(Err(error)) => played.end = Some(Err(error)),
            }
        }
    }
    played
}

fn accept(played: &mut Played, ready: Ready, outcome: &Outcome) {
    let Complete::Ready(message) = ready.message else { panic!("not in memory") };
    let transaction = Transaction { envelope: ready.envelope, message };
    let mut answer = played.session.answer(&transaction, outcome).unwrap();
    while answer.write_next(&mut played.out) {}
    played.judged.push((Arc::clone(&transaction.envelope), transaction.message.clone()));
}

fn codes(mut bytes: &[u8]) -> String {
    let mut codes = String::new();
    while let Some((frame, taken)) = frame::split(bytes, 1 << 20).unwrap() {
        codes.push(char::from(frame.code));
        bytes = &bytes[taken..];
    }
    codes
}

fn whole_message() -> Vec<u8> {
    [
        frame(b'D', b"M{auth_authen}\0j.carter\0"),
        frame(b'M', b"<j.carter@oakfield.example>\0SIZE=20\0"),
        frame(b'R', b"<office@beechwood.example>\0"),
        frame(b'R', b"head@oakfield.example\0NOTIFY=NEVER\0"),
        frame(b'L', b"Subject\0 Trip\0"),
        frame(b'L', b"X-Fold\0 one\n\ttwo\0"),
        frame(b'B', b"Dear all,\r\n"),
        frame(b'B', b"bye\r\n"),
        frame(b'D', b"Ei\x004dHxyz\0"),
        frame(b'E', b""),
    ]
    .concat()
}

fn whole_session() -> Vec<u8> {
    [
        offer(6, ALL_ACTIONS, ALL_STEPS),
        frame(b'D', b"C"),
        frame(b'C', b"client.example\x004\x09\xdd192.0.2.1\0"),
        whole_message(),
        frame(b'A', b""),
        whole_message(),
        frame(b'Q', b""),
    ]
    .concat()
}

fn check_whole_session(played: &Played) {
    assert_eq!(played.end, Some(Ok(())));
    assert_eq!(codes(&played.out), "Oaa");
    assert_eq!(played.judged.len(), 2);
    for (envelope, message) in &played.judged {
        assert_eq!(message.bytes(), b"Subject: Trip\r\nX-Fold: one\r\n\ttwo\r\n\r\nDear all,\r\nbye\r\n");
        assert_eq!(&message.bytes()[message.body_start()..], b"Dear all,\r\nbye\r\n");
        assert_eq!(envelope.queue_id, Some(QueueId("4dHxyz".into())));
        assert_eq!(envelope.authenticated.as_deref(), Some("j.carter"));
        assert_eq!(envelope.origin, Origin::Smtp);
        let client = envelope.client.as_ref().unwrap();
        assert_eq!(client.name, "client.example");
        assert_eq!(client.address, Some([192, 0, 2, 1].into()));
        assert_eq!(envelope.sender.as_ref().unwrap().raw(), b"<j.carter@oakfield.example>");
        let recipients: Vec<&[u8]> = envelope.recipients.iter().map(Address::raw).collect();
        assert_eq!(recipients, [&b"<office@beechwood.example>"[..], b"head@oakfield.example"]);
    }
}

#[test]
fn a_session_is_the_same_however_it_is_cut() {
    let bytes = whole_session();
    check_whole_session(&play(session_with(Limits::default()), &[&bytes]));
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    check_whole_session(&play(session_with(Limits::default()), &single));
    for at in 0..bytes.len() {
        let (one, two) = bytes.split_at(at);
        check_whole_session(&play(session_with(Limits::default()), &[one, two]));
    }
}

/// For each phase, what brings a session there; then each command with the replies that an MTA without the
/// no-reply flags gets (`-` none), and the phase after it; `!` is an error, `.` the end.
#[test]
fn every_command_in_every_phase() {
    let commands: [(char, Vec<u8>); 15] = [
        ('O', offer(2, 0x3f, 0x7f)),
        ('D', frame(b'D', b"Ej\0mx\0")),
        ('C', frame(b'C', b"c\0U")),
        ('H', frame(b'H', b"c\0")),
        ('M', frame(b'M', b"<>\0")),
        ('R', frame(b'R', b"<a@b.example>\0")),
        ('T', frame(b'T', b"")),
        ('L', frame(b'L', b"A\0b\0")),
        ('N', frame(b'N', b"")),
        ('B', frame(b'B', b"x")),
        ('E', frame(b'E', b"")),
        ('A', frame(b'A', b"")),
        ('Q', frame(b'Q', b"")),
        ('K', frame(b'K', b"")),
        ('U', frame(b'U', b"FOO\0")),
    ];
    // In the order of `commands`: O D C H M R T L N B E A Q K U. The letter after the reply is the phase.
    let table = [
        ("", "new", "On !  !  !  !  !  !  !  !  !  !  !  .  !  !"),
        ("O", "negotiated", "!  -n cc cn ce !  !  !  !  !  !  -n .  -n cn"),
        ("OC", "connected", "!  -c !  cc ce !  !  !  !  !  !  -c .  -n cc"),
        ("OCM", "envelope", "!  -e !  !  ce ce ch ch cb cb ac -c .  -n ce"),
        ("OCMT", "header", "!  -h !  !  ce !  !  ch cb cb ac -c .  -n ch"),
        ("OCMRL", "header", "!  -h !  !  ce !  !  ch cb cb ac -c .  -n ch"),
        ("OCMRLN", "body", "!  -b !  !  ce !  !  !  !  cb ac -c .  -n cb"),
        ("OCMRLB", "body", "!  -b !  !  ce !  !  !  !  cb ac -c .  -n cb"),
    ];
    let bytes_of = |letter: char| &commands.iter().find(|command| command.0 == letter).unwrap().1;
    for (way, phase, row) in table {
        let cells: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(cells.len(), commands.len(), "row {phase}");
        for ((letter, command), cell) in commands.iter().zip(cells) {
            let way: Vec<u8> = way.chars().flat_map(|letter| bytes_of(letter).clone()).collect();
            let before = play(session_with(Limits::default()), &[&way]);
            assert_eq!(before.end, None);
            let after = play(before.session, &[command]);
            let seen = match after.end {
                Some(Err(SessionError::OutOfOrder { .. })) => "!".to_owned(),
                Some(Ok(())) => ".".to_owned(),
                None => {
                    let replies = codes(&after.out);
                    let phase = match after.session.phase {
                        Phase::New => "?",
                        Phase::Negotiated => "n",
                        Phase::Connected => "c",
                        Phase::Envelope => "e",
                        Phase::Header => "h",
                        Phase::Body => "b",
                        Phase::Judging => "j",
                    };
                    format!("{}{phase}", if replies.is_empty() { "-" } else { &replies })
                }
                other => panic!("{other:?}"),
            };
            assert_eq!(seen, cell, "{letter} in phase {phase}");
        }
    }
}

#[test]
fn while_a_message_is_judged_nothing_else_is_taken() {
    let mut session = session_with(Limits::default());
    let bytes = [offer(6, ALL_ACTIONS, ALL_STEPS), whole_message()].concat();
    let mut rest = &bytes[..];
    let mut judging = false;
    while let Some((frame, taken)) = frame::split(rest, 1 << 20).unwrap() {
        let step = session.handle(Command::parse(frame).unwrap(), &mut Vec::new()).unwrap();
        judging = matches!(step, Step::Judge(_));
        rest = &rest[taken..];
    }
    assert!(judging);
    for command in [Command::Abort, Command::Quit, Command::EndOfMessage(b"")] {
        assert!(session.handle(command, &mut Vec::new()).is_err());
    }
    assert!(!session.is_idle());
    let _ = session.answer_failure(EnhancedCode::SYSTEM);
    assert!(session.is_idle());
}

#[test]
fn an_old_mta_gets_a_reply_to_every_command_and_none_to_macros_and_abort() {
    for version in [2, 3, 4, 6] {
        let bytes = [
            offer(version, 0x3f, 0x7f),
            frame(b'D', b"Cj\0mx.example\0"),
            frame(b'C', b"c\0U"),
            frame(b'H', b"c\0"),
            frame(b'M', b"<>\0"),
            frame(b'A', b""),
            whole_message(),
        ]
        .concat();
        let played = play(session_with(Limits::default()), &[&bytes]);
        // O, then C H M, then M R R L L B B and the decision.
        assert_eq!(codes(&played.out), format!("O{}{}a", "c".repeat(3), "c".repeat(7)), "version {version}");
    }
}

#[test]
fn header_bytes_are_put_together_as_they_came() {
    type Case = (&'static [u8], &'static [u8], &'static [u8], &'static [u8]);
    // Name, value, what is assembled, the value where the MTA doesn't keep the space.
    let fields: [Case; 10] = [
        (b"A", b" plain", b"A: plain\r\n", b"plain"),
        (b"A", b"  two", b"A:  two\r\n", b" two"),
        (b"B", b"\ttab", b"B:\ttab\r\n", b"\ttab"),
        (b"C", b"", b"C:\r\n", b""),
        (b"D", b" a\n b\n\tc", b"D: a\r\n b\r\n\tc\r\n", b"a\n b\n\tc"),
        (b"E", b"\n folded at once", b"E:\r\n folded at once\r\n", b"\n folded at once"),
        (b"F", b" caf\xe9 \xff", b"F: caf\xe9 \xff\r\n", b"caf\xe9 \xff"),
        (b"G", b" crlf\r\n already", b"G: crlf\r\n already\r\n", b"crlf\r\n already"),
        (b"H", b" bare\rreturn", b"H: bare\rreturn\r\n", b"bare\rreturn"),
        (b"A", b" plain", b"A: plain\r\n", b"plain"),
    ];
    let expected: Vec<u8> = fields.iter().flat_map(|field| field.2.to_vec()).chain(*b"\r\n").collect();
    for (steps, keeps) in [(ALL_STEPS, true), (0x7f, false)] {
        let mut bytes = [offer(6, ALL_ACTIONS, steps), frame(b'M', b"<>\0")].concat();
        for (name, with_space, _, without) in fields {
            let value = if keeps { with_space } else { without };
            bytes.extend(frame(b'L', &[name, b"\0", value, b"\0"].concat()));
        }
        bytes.extend(frame(b'E', b""));
        let played = play(session_with(Limits::default()), &[&bytes]);
        let message = &played.judged[0].1;
        assert_eq!(message.bytes(), expected, "space kept: {keeps}");
        assert_eq!(message.body_start(), expected.len());
    }
    let tight = [
        offer(6, ALL_ACTIONS, ALL_STEPS),
        frame(b'M', b"<>\0"),
        frame(b'L', b"A\0tight\0"),
        frame(b'E', b""),
    ];
    let played = play(session_with(Limits::default()), &[&tight.concat()]);
    assert_eq!(played.judged[0].1.bytes(), b"A:tight\r\n\r\n");
}

#[test]
fn where_mail_came_from() {
    for (connect, origin, address) in [
        (&b"localhost\x004\0\x00127.0.0.1\0"[..], Origin::Local, Some("127.0.0.1")),
        (b"localhost\x006\0\0::1\0", Origin::Local, Some("::1")),
        (b"localhost\x006\0\0IPv6:::1\0", Origin::Local, Some("::1")),
        (b"localhost\x004\xc0\x01127.0.0.1\0", Origin::Smtp, Some("127.0.0.1")),
        (b"[192.0.2.7]\x004\0\x00192.0.2.7\0", Origin::Smtp, Some("192.0.2.7")),
        (b"localhost\0L\0\0/var/run/x\0", Origin::Local, None),
        (b"unknown\0U", Origin::Smtp, None),
        (b"odd\x004\0\x19not an address\0", Origin::Smtp, None),
    ] {
        let bytes =
            [offer(6, ALL_ACTIONS, ALL_STEPS), frame(b'C', connect), frame(b'M', b"<>\0"), frame(b'E', b"")];
        let played = play(session_with(Limits::default()), &[&bytes.concat()]);
        let envelope = &played.judged[0].0;
        assert_eq!(envelope.origin, origin, "{}", connect.escape_ascii());
        assert_eq!(envelope.sender, None);
        let seen = envelope.client.as_ref().unwrap().address.map(|address| address.to_string());
        assert_eq!(seen.as_deref(), address);
    }
}

#[test]
fn nothing_of_one_message_or_client_reaches_the_next() {
    let plain = [frame(b'M', b"<>\0"), frame(b'R', b"<x@y.example>\0"), frame(b'E', b"")].concat();
    for between in [b'A', b'K'] {
        let bytes = [
            offer(6, ALL_ACTIONS, ALL_STEPS),
            frame(b'C', b"c\x004\0\x19192.0.2.1\0"),
            whole_message(),
            frame(b'D', b"M{auth_authen}\0left.over\0i\0OLD\0"),
            frame(b'M', b"<old@oakfield.example>\0"),
            frame(b'L', b"Old\0 header\0"),
            frame(between, b""),
            plain.clone(),
        ];
        let played = play(session_with(Limits::default()), &[&bytes.concat()]);
        let (envelope, message) = &played.judged[1];
        assert_eq!((envelope.authenticated.as_deref(), &envelope.queue_id), (None, &None));
        assert_eq!(envelope.recipients.len(), 1);
        assert_eq!(message.bytes(), b"\r\n");
        assert_eq!(envelope.client.is_some(), between == b'A');
    }
}

#[test]
fn mail_in_the_middle_of_a_message_begins_another() {
    let bytes = [
        offer(6, ALL_ACTIONS, ALL_STEPS),
        frame(b'D', b"M{auth_authen}\0first\0"),
        frame(b'M', b"<one@oakfield.example>\0"),
        frame(b'L', b"A\0 b\0"),
        frame(b'D', b"M{auth_authen}\0second\0"),
        frame(b'M', b"<two@oakfield.example>\0"),
        frame(b'E', b"body with the end\r\n"),
    ];
    let played = play(session_with(Limits::default()), &[&bytes.concat()]);
    let (envelope, message) = &played.judged[0];
    assert_eq!(envelope.sender.as_ref().unwrap().folded(), "two@oakfield.example");
    assert_eq!(envelope.authenticated.as_deref(), Some("second"));
    assert_eq!(message.bytes(), b"\r\nbody with the end\r\n");
}

#[test]
fn what_is_over_a_limit_is_refused_at_the_end_and_kept_nowhere() {
    let limits = || Limits { header_bytes: 100, header_fields: 3, recipients: 2, ..Limits::default() };
    let long = frame(b'L', &[b"A\0", &[b'x'; 100][..], b"\0"].concat());
    let field = frame(b'L', b"A\0 b\0");
    let recipient = frame(b'R', b"<a@b.example>\0");
    for (frames, expected) in [
        (long, &b"550 5.3.4"[..]),
        (field.repeat(4), b"550 5.3.4"),
        (recipient.repeat(3), b"451 4.5.3"),
        (frame(b'R', b"<>\0"), b"550 5.1.3"),
    ] {
        let bytes = [
            offer(6, ALL_ACTIONS, ALL_STEPS),
            frame(b'M', b"<>\0"),
            frames,
            frame(b'B', &[b'x'; 5_000]),
            frame(b'E', b""),
            whole_message(),
        ];
        let played = play(session_with(limits()), &[&bytes.concat()]);
        assert_eq!(codes(&played.out), "Oya", "the next message is taken");
        let text = String::from_utf8_lossy(&played.out);
        assert!(text.contains(&*String::from_utf8_lossy(expected)), "{text:?}");
        assert_eq!(played.session.spools.bytes_in_memory(), played.judged[0].1.bytes().len().max(4 << 10));
    }
    let fine = [
        offer(6, ALL_ACTIONS, ALL_STEPS),
        frame(b'M', b"<>\0"),
        recipient.repeat(2),
        field.repeat(3),
        frame(b'E', b""),
    ];
    assert_eq!(codes(&play(session_with(limits()), &[&fine.concat()]).out), "Oa");
}

/// Answers one message with `outcome`; the frames' codes, or the error.
fn answered(actions: u32, outcome: &Outcome) -> Result<(String, Vec<u8>), EditError> {
    let mut session = session_with(Limits::default());
    let bytes = [offer(6, actions, ALL_STEPS), whole_message()].concat();
    let mut rest = &bytes[..];
    while let Some((frame, taken)) = frame::split(rest, 1 << 20).unwrap() {
        rest = &rest[taken..];
        if let Step::Judge(ready) = session.handle(Command::parse(frame).unwrap(), &mut Vec::new()).unwrap() {
            let Complete::Ready(message) = ready.message else { panic!("not in memory") };
            let transaction = Transaction { envelope: ready.envelope, message };
            let mut out = Vec::new();
            let mut answer = session.answer(&transaction, outcome)?;
            while answer.write_next(&mut out) {}
            return Ok((codes(&out), out));
        }
    }
    panic!("nothing to judge");
}

#[test]
fn outcomes_become_frames_in_the_order_that_postfix_wants() {
    let accept =
        |remove: &[usize], edits: Edits| Outcome::Accept { remove: remove.to_vec(), add: Vec::new(), edits };
    let edits = Edits {
        header: vec![HeaderEdit::Add { name: "X-A".into(), value: b" b".to_vec() }],
        body: vec![Splice { range: 44..44, with: b"Note\r\n".to_vec() }],
    };
    let text = ReplyText::new(EnhancedCode::POLICY, "no");
    let add = vec!["dsl@oakfield.example".to_owned(), "head@oakfield.example".to_owned()];
    let copied = Outcome::Accept { remove: Vec::new(), add, edits: Edits::default() };
    for (outcome, expected) in [
        (Outcome::accept(), "a"),
        (accept(&[0], Edits::default()), "-a"),
        (accept(&[0, 0], Edits::default()), "--a"),
        (accept(&[1, 0], Edits::default()), "d"),
        (accept(&[1], edits.clone()), "-hba"),
        (copied.clone(), "++a"),
        (Outcome::Discard, "d"),
        (Outcome::Reject(text.clone()), "y"),
        (Outcome::TemporaryFailure(text), "y"),
    ] {
        let (codes, _) = answered(ALL_ACTIONS, &outcome).unwrap();
        assert_eq!(codes, expected, "{outcome:?}");
    }
    let (_, bytes) = answered(ALL_ACTIONS, &accept(&[0], Edits::default())).unwrap();
    assert!(bytes.starts_with(b"\0\0\0\x1c-<office@beechwood.example>\0"), "{}", bytes.escape_ascii());
    assert_eq!(answered(ALL_ACTIONS, &accept(&[2], Edits::default())).unwrap_err(), EditError::Recipient(2));
    let (_, bytes) = answered(ALL_ACTIONS, &copied).unwrap();
    assert!(bytes.starts_with(b"\0\0\0\x18+<dsl@oakfield.example>\0"), "{}", bytes.escape_ascii());
    assert_eq!(answered(0, &copied).unwrap_err(), EditError::NotOffered(Ability::AddRecipients));
    let lacking = EditError::NotOffered(Ability::DeleteRecipients);
    assert_eq!(answered(0, &accept(&[1], Edits::default())).unwrap_err(), lacking);
    assert_eq!(answered(0, &accept(&[], edits)).unwrap_err(), EditError::NotOffered(Ability::AddHeaders));
}

proptest! {
    #[test]
    fn random_frames_never_panic_and_stay_within_the_caps(
        frames in prop::collection::vec(
            (prop::sample::select(b"ODCHMRTLNBEAQKU?".to_vec()), prop::collection::vec(any::<u8>(), 0..60)),
            0..60,
        ),
    ) {
        let limits = Limits {
            header_bytes: 200,
            header_fields: 5,
            recipients: 3,
            body_in_memory_bytes: 300,
            bodies_in_memory_bytes: 300,
            ..Limits::default()
        };
        let mut session = session_with(limits);
        let mut out = Vec::new();
        session.handle(Command::parse(frame::Frame { code: b'O', payload: &[6; 12], end: End::Complete }).unwrap(), &mut out).unwrap();
        for (code, payload) in frames {
            let frame = frame::Frame { code, payload: &payload, end: End::Complete };
            let Ok(command) = Command::parse(frame) else { continue };
            match session.handle(command, &mut out) {
                Ok(Step::Judge(_)) => {
                    let mut answer = session.answer_failure(EnhancedCode::SYSTEM);
                    while answer.write_next(&mut out) {}
                }
                Ok(Step::Next) => {}
                Ok(Step::Close) | Err(_) => break,
            }
            prop_assert!(session.spools.bytes_in_memory() <= 300);
            if let Some(message) = &session.message {
                prop_assert!(message.recipients.len() <= 3);
            }
        }
    }
}
