//! What Postfix does without any filter: what the other tests compare with.

use crate::support::{Postfix, Sink, Smtp, free_port, mail};

#[test]
fn postfix_alone_changes_nothing_but_its_own_header_field() {
    let sink = Sink::start();
    let postfix = Postfix::start(free_port(), "", &sink);
    let body =
        [b"Dear Ms Okafor,\r\n.\r\n..dots\r\n8-bit: caf\xe9 NUL: \0 end\r\n", &[b'x'; 5000][..], b"\r\n"]
            .concat();
    let message = mail("ana@oakfield.example", "bo@beechwood.example", "alone", &body);
    let reply = Smtp::connect(postfix.port).send("ana@oakfield.example", &["bo@beechwood.example"], &message);
    let delivery = sink.take("bo@beechwood.example");
    assert_eq!(delivery.sender, "ana@oakfield.example");
    assert!(delivery.message.starts_with(b"Received:"));
    assert!(delivery.message.ends_with(&message), "{}", delivery.text());
    postfix.log_line(&[reply.queue_id(), "removed"]);
}
