//! A milter connection fed with any bytes: it never panics, and how the bytes are cut changes nothing.
//!
//! The first byte says where the stream is cut in two and how small the pieces are when it is cut in many, the second how
//! messages are answered, the rest is the stream.

#![no_main]

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use mailwarden::limits::Limits;
use mailwarden::milter::command::Command;
use mailwarden::milter::frame::{self, Reassembly};
use mailwarden::milter::reply::EnhancedCode;
use mailwarden::milter::session::{Session, SessionError, Step};
use mailwarden::milter::spool::{Complete, Spools};
use mailwarden::milter::{Outcome, ReplyText, Transaction};
use mailwarden::respond::{Edits, HeaderEdit, Splice};

fuzz_target!(|data: &[u8]| {
    let [cut, answer, stream @ ..] = data else { return };
    let whole = play(&[stream], *answer);
    let (one, two) = stream.split_at(usize::from(*cut).min(stream.len()));
    assert_eq!(whole, play(&[one, two], *answer), "the cut changed what came of the bytes");
    let pieces: Vec<&[u8]> = stream.chunks(usize::from(*cut) % 7 + 1).collect();
    assert_eq!(whole, play(&pieces, *answer), "many cuts changed what came of the bytes");
    let mut rest = &whole.replies[..];
    while let Some((_, taken)) = frame::split(rest, usize::MAX).expect("a reply is no frame") {
        rest = &rest[taken..];
    }
    assert!(rest.is_empty(), "a reply is cut short");
});

#[derive(Debug, PartialEq)]
struct Played {
    replies: Vec<u8>,
    messages: Vec<(String, Vec<u8>)>,
    end: String,
}

fn play(chunks: &[&[u8]], answer: u8) -> Played {
    let limits =
        Arc::new(Limits { header_bytes: 1_000, header_fields: 20, recipients: 8, ..Limits::default() });
    let spools = Arc::new(Spools::new(std::env::temp_dir(), &limits));
    let mut session = Session::new(Arc::clone(&limits), spools);
    let mut frames = Reassembly::new(100_000);
    let mut played = Played { replies: Vec::new(), messages: Vec::new(), end: String::new() };
    for chunk in chunks {
        let mut bytes = *chunk;
        loop {
            let fed = frames.feed(bytes, |frame| {
                let command = Command::parse(frame).map_err(SessionError::from);
                match command.and_then(|command| session.handle(command, &mut played.replies)) {
                    Ok(Step::Next) => ControlFlow::Continue(()),
                    step => ControlFlow::Break(step),
                }
            });
            bytes = b"";
            match fed {
                Ok(None) => break,
                Ok(Some(Ok(Step::Judge(ready)))) => {
                    let Complete::Ready(message) = ready.message else {
                        unreachable!("small messages stay in memory")
                    };
                    let transaction = Transaction { envelope: ready.envelope, message };
                    let bytes = transaction.message.bytes();
                    let envelope = &transaction.envelope;
                    assert!(envelope.recipients.len() <= limits.recipients, "more recipients than the cap");
                    assert!(transaction.message.body_start() <= bytes.len());
                    played.messages.push((format!("{envelope:?}"), bytes.to_vec()));
                    let outcome = outcome(answer, transaction.message.body_start()..bytes.len());
                    // Without what the edits need, or with recipients who are not there, there is no answer.
                    let mut answer = match session.answer(&transaction, &outcome) {
                        Ok(answer) => answer,
                        Err(_) => session.answer_failure(EnhancedCode::SYSTEM),
                    };
                    while answer.write_next(&mut played.replies) {}
                }
                Ok(Some(step)) => {
                    played.end = format!("{:?}", step.err());
                    return played;
                }
                Err(error) => {
                    played.end = error.to_string();
                    return played;
                }
            }
        }
    }
    played
}

fn outcome(answer: u8, body: Range<usize>) -> Outcome {
    let text = ReplyText::new(EnhancedCode::POLICY, "100 %\nof the time");
    match answer % 6 {
        0 => Outcome::accept(),
        1 => Outcome::Discard,
        2 => Outcome::Reject(text),
        3 => Outcome::TemporaryFailure(text),
        4 => Outcome::Accept {
            remove: vec![usize::from(answer / 6)],
            add: vec!["copy@oakfield.example".to_owned()],
            edits: Edits::default(),
        },
        _ => {
            let place = body.start + usize::from(answer) % (body.len() + 1);
            let name = "X-Note".to_owned();
            Outcome::Accept {
                remove: Vec::new(),
                add: Vec::new(),
                edits: Edits {
                    header: vec![
                        HeaderEdit::Remove { name: name.clone(), nth: 1 },
                        HeaderEdit::Add { name, value: b" a\r\n b".to_vec() },
                    ],
                    body: vec![Splice { range: place..body.end, with: b"end".to_vec() }],
                },
            }
        }
    }
}
