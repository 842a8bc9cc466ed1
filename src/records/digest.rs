//! Digests that tell messages and envelopes apart. Never keeps what it read.

use sha2::{Digest as _, Sha256};

use crate::message::Address;

/// A SHA-256 digest.
pub(super) type Digest = [u8; 32];

/// Where the body starts: after the first empty line, whose line end may be CRLF or LF; the end where there is none.
pub(super) fn body_start(content: &[u8]) -> usize {
    let mut start = 0;
    for line in content.split_inclusive(|byte| *byte == b'\n') {
        start += line.len();
        if line == b"\r\n" || line == b"\n" {
            return start;
        }
    }
    content.len()
}

/// Reads a body as SMTP carries it (RFC 5321 §2.3.8): each line ends in CRLF, the last one too, so that the body that
/// was kept and the one that came back through the MTA have the same digest.
#[derive(Clone, Default)]
pub(super) struct BodyDigest {
    hash: Sha256,
    last: Option<u8>,
}

impl BodyDigest {
    /// Reads the next bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            match line.strip_suffix(b"\n") {
                Some(rest) => {
                    let before = rest.last().copied().or(self.last);
                    self.hash.update(rest);
                    self.hash.update(if before == Some(b'\r') { &b"\n"[..] } else { b"\r\n" });
                    self.last = Some(b'\n');
                }
                None => {
                    self.hash.update(line);
                    self.last = line.last().copied();
                }
            }
        }
    }

    /// The digest of all that was read.
    pub(super) fn finish(mut self) -> Digest {
        if self.last.is_some_and(|last| last != b'\n') {
            self.hash.update(b"\r\n");
        }
        self.hash.finalize().into()
    }
}

/// The digest of a message's body.
pub(super) fn of_body(content: &[u8]) -> Digest {
    let mut digest = BodyDigest::default();
    digest.update(content.get(body_start(content)..).unwrap_or_default());
    digest.finish()
}

/// The digest of a sender and a set of recipients, whatever their order.
pub(super) fn of_envelope<'a>(
    sender: Option<&'a [u8]>,
    recipients: impl Iterator<Item = &'a [u8]>,
) -> Digest {
    let mut hash = Sha256::new();
    hash.update([u8::from(sender.is_some())]);
    let mut all: Vec<Vec<u8>> = recipients.map(inner).collect();
    all.sort_unstable();
    all.dedup();
    for address in sender.map(inner).into_iter().chain(all) {
        hash.update(u64::try_from(address.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(&address);
    }
    hash.finalize().into()
}

/// The digest that makes a message the same message again: what was done, content, sender and recipients.
pub(super) fn of_identity(action: &str, content: &Digest, envelope: &Digest) -> Digest {
    let mut hash = Sha256::new();
    hash.update(action.as_bytes());
    hash.update([0]);
    hash.update(content);
    hash.update(envelope);
    hash.finalize().into()
}

/// An address for digests: [`Address::raw`] without brackets, ASCII letters in lower case.
fn inner(raw: &[u8]) -> Vec<u8> {
    bare(raw).to_ascii_lowercase()
}

/// An address's bytes without space and angle brackets.
pub(super) fn bare(raw: &[u8]) -> &[u8] {
    let trimmed = raw.trim_ascii();
    trimmed.strip_prefix(b"<").and_then(|rest| rest.strip_suffix(b">")).unwrap_or(trimmed)
}

/// The raw bytes of a sender.
pub(super) fn raw(sender: Option<&Address>) -> Option<&[u8]> {
    sender.map(Address::raw)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn the_body_starts_after_the_first_empty_line() {
        for (content, start) in [
            (&b"A: b\r\n\r\nbody\r\n"[..], 8),
            (b"A: b\n\nbody\n", 6),
            (b"\r\nbody", 2),
            (b"A: b\r\n", 6),
            (b"", 0),
            (b"A: b\r\n \r\n\r\n\r\n", 11),
        ] {
            assert_eq!(body_start(content), start, "{content:?}");
        }
    }

    #[test]
    fn line_ends_make_no_difference_and_bytes_do() {
        let same = [
            &b"A: b\r\n\r\none\r\ntwo\r\n"[..],
            b"A: b\n\none\ntwo\n",
            b"A: b\r\n\r\none\ntwo",
            b"C: d\r\n\r\none\r\ntwo",
        ];
        for content in same {
            assert_eq!(of_body(content), of_body(same[0]), "{content:?}");
        }
        for content in [
            &b"A: b\r\n\r\none\r\ntwo\r\n\r\n"[..],
            b"A: b\r\n\r\none\rtwo\r\n",
            b"A: b\r\n\r\none\r\n two\r\n",
            b"A: b\r\n\r\n",
        ] {
            assert_ne!(of_body(content), of_body(same[0]), "{content:?}");
        }
    }

    #[test]
    fn an_envelope_is_a_sender_and_a_set() {
        let digest = |sender: Option<&'static str>, recipients: &[&'static str]| {
            of_envelope(sender.map(str::as_bytes), recipients.iter().map(|one| one.as_bytes()))
        };
        let one = digest(Some("<a@oakfield.example>"), &["<b@oakfield.example>", "<c@oakfield.example>"]);
        assert_eq!(
            one,
            digest(
                Some("A@oakfield.example"),
                &["c@oakfield.example", "<b@oakfield.example>", "<b@oakfield.example>"]
            )
        );
        assert_ne!(
            one,
            digest(None, &["<a@oakfield.example>", "<b@oakfield.example>", "<c@oakfield.example>"])
        );
        assert_ne!(one, digest(Some("<a@oakfield.example>"), &["<b@oakfield.example>"]));
    }

    proptest! {
        #[test]
        fn a_body_read_in_pieces_has_the_same_digest(body in proptest::collection::vec(any::<u8>(), 0..200), at in 0usize..200) {
            let (first, second) = body.split_at(at.min(body.len()));
            let mut pieces = BodyDigest::default();
            pieces.update(first);
            pieces.update(second);
            let mut whole = BodyDigest::default();
            whole.update(&body);
            prop_assert_eq!(pieces.finish(), whole.finish());
        }
    }
}
