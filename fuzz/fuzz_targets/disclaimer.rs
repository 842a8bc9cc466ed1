//! The disclaimer put into any bytes: it never panics, its edits are in order, every byte beside them stays, the parts
//! are the same afterwards, and it is found again.
//!
//! The first byte chooses the disclaimer, its place and the fallback; the rest is the message.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mailwarden::limits::Limits;
use mailwarden::message::Message;
use mailwarden::policy::{Direction, Disclaimer, Fallback, Placement};
use mailwarden::respond::disclaimer::{Insertion, insert, wrap};
use mailwarden::respond::{Edits, apply};

fuzz_target!(|data: &[u8]| {
    let [choice, raw @ ..] = data else { return };
    let disclaimer = disclaimer(*choice);
    let message = Message::parse(raw, &Limits::default());
    let (edits, wrapped) = match insert(&message, &disclaimer) {
        Insertion::Edits(edits) => (edits, false),
        Insertion::Present => return,
        Insertion::Barred(barrier) => match wrap(&message, &disclaimer, barrier, "4XYZ") {
            Some(edits) => (edits, true),
            None => return,
        },
    };
    holds(&message, &edits);
    let out = apply(raw, &edits);
    assert!(
        out.ends_with(&edits.body_of(raw, message.body_start)),
        "the body is not what the edits make of it"
    );
    if message.header.iter().any(|field| field.name.is_empty()) {
        // No MTA hands over a line of the header that is no field. It ends the header where the next one is none either.
        return;
    }
    let after = Message::parse(&out, &Limits::default());
    assert_eq!(others(&message), others(&after), "a field that is not about MIME changed");
    if wrapped {
        wraps(&message, &after, &disclaimer);
    } else {
        assert_eq!(insert(&after, &disclaimer), Insertion::Present, "put in, and not found again");
        stays(&message, &after, &edits);
    }
});

/// The fields that no disclaimer changes.
fn others(message: &Message<'_>) -> Vec<String> {
    let about_mime = |name: &[u8]| {
        let name = name.to_ascii_lowercase();
        name.starts_with(b"content-") || name.starts_with(b"mime-version")
    };
    let fields = message.header.iter().filter(|field| !about_mime(field.name));
    fields.map(|field| message.raw[field.range.clone()].trim_ascii_end().escape_ascii().to_string()).collect()
}

/// The wrapping is a multipart of the disclaimer and of what the message was.
fn wraps(message: &Message<'_>, after: &Message<'_>, disclaimer: &Disclaimer) {
    let [top, first, second, ..] = &after.parts[..] else { panic!("no multipart came of the wrapping") };
    assert_eq!((&*top.content_type, top.parent), ("multipart/mixed", None));
    assert_eq!((first.parent, second.parent), (Some(0), Some(0)));
    let text = first.decoded();
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(std::str::from_utf8(&text).expect("UTF-8")), words(&disclaimer.text));
    let rest =
        second.raw.strip_prefix(&message.raw[message.body_start..]).expect("the wrapped message changed");
    // Where the header of a part inside is cut short, the line end before the delimiter counts as that part's.
    assert!(matches!(rest, b"" | b"\n" | b"\r\n"), "the wrapped message has more than it had");
    assert_eq!(second.content_type, message.parts[0].content_type, "the wrapped message is another thing");
}

/// The parts are the same ones, and those that no splice is in have the same bytes.
fn stays(message: &Message<'_>, after: &Message<'_>, edits: &Edits) {
    assert_eq!(message.parts.len(), after.parts.len(), "another number of parts");
    for (old, new) in message.parts.iter().zip(&after.parts) {
        assert_eq!((&old.path, old.parent, old.kind), (&new.path, new.parent, new.kind));
        assert_eq!(old.content_type, new.content_type);
        let inside = |place: usize| old.body.start <= place && place <= old.body.end;
        if !edits.body.iter().any(|splice| inside(splice.range.start) || inside(splice.range.end)) {
            assert_eq!(old.raw, new.raw, "a part that no edit mentions changed");
        }
    }
}

/// The stretches between the splices stand in the new body, in their order.
fn holds(message: &Message<'_>, edits: &Edits) {
    let body = edits.body_of(message.raw, message.body_start);
    let (mut from, mut at) = (message.body_start, 0);
    for splice in &edits.body {
        assert!(splice.range.start >= from && splice.range.end >= splice.range.start, "splices out of order");
        let kept = &message.raw[from..splice.range.start];
        assert_eq!(kept, &body[at..at + kept.len()]);
        at += kept.len() + splice.with.len();
        from = splice.range.end;
    }
    assert_eq!(&message.raw[from..], &body[at..]);
}

fn disclaimer(choice: u8) -> Disclaimer {
    let words = match choice & 3 {
        0 => "Oakfield School is part of Hillside Trust.",
        1 => "Oakfield School’s mail – “confidential”.",
        2 => "Ysgol Oakfield: darllenwch ŵyl y dŷ.",
        _ => "a",
    };
    let words = if choice & 4 == 0 { words.to_owned() } else { [words; 8].join(" ") };
    Disclaimer {
        id: "standard".to_owned(),
        schools: Vec::new(),
        directions: vec![Direction::Outbound],
        text: format!("{words}\n"),
        html: format!("<p>{words}</p>\n"),
        placement: if choice & 8 == 0 { Placement::End } else { Placement::BeforeQuote },
        fallback: Fallback::Wrap,
    }
}
