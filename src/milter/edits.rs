//! Edits to a message as the requests that an MTA carries out. It changes no message itself.

use std::ops::Range;

use super::frame;
use super::negotiate::{Ability, Agreement};
use super::spool::Spooled;
use crate::respond::{Edits, HeaderEdit, Splice};

/// Most bytes of body in one request; libmilter's MILTER_CHUNK_SIZE.
const CHUNK_BYTES: usize = 65_535;

/// Edits that the MTA did not agree to, or that fit no message. Nothing has been sent of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The MTA cannot do it.
    #[error("the MTA does not offer {0:?}, which this message's edits need")]
    NotOffered(Ability),
    /// A header field's name or value cannot be sent.
    #[error("a header edit whose field name is empty or holds a colon, space or control character")]
    Name,
    /// A recipient who is not in the envelope is to be removed.
    #[error("recipient {0} is to be removed, but the envelope has no such")]
    Recipient(usize),
    /// The splices overlap, are out of order, or lie outside the body.
    #[error("a body edit at {0} that overlaps another or lies outside the body")]
    Splice(usize),
}

/// Whether the edits can be sent at all: to be asked before the first request, for there is no way back after it.
///
/// # Errors
/// What is wrong with the first edit that cannot.
pub fn check(agreement: Agreement, message: &Spooled, edits: &Edits) -> Result<(), EditError> {
    let need = |ability| {
        if agreement.allows(ability) { Ok(()) } else { Err(EditError::NotOffered(ability)) }
    };
    for edit in &edits.header {
        let (name, ability) = match edit {
            HeaderEdit::Add { name, .. } => (name, Ability::AddHeaders),
            HeaderEdit::Replace { name, .. } | HeaderEdit::Remove { name, .. } => {
                (name, Ability::ChangeHeaders)
            }
        };
        need(ability)?;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':') {
            return Err(EditError::Name);
        }
    }
    if !edits.body.is_empty() {
        need(Ability::ChangeBody)?;
    }
    let mut from = message.body_start();
    for Splice { range, .. } in &edits.body {
        if range.start < from || range.end < range.start || range.end > message.bytes().len() {
            return Err(EditError::Splice(range.start));
        }
        from = range.end;
    }
    Ok(())
}

/// Appends the requests for the header: replacements first, then removals from the last field of a name to the
/// first, then additions. Postfix counts anew after each removal, so this order keeps every number right.
pub fn write_header(out: &mut Vec<u8>, agreement: Agreement, header: &[HeaderEdit]) {
    for edit in header {
        if let HeaderEdit::Replace { name, nth, value } = edit {
            // An empty value would remove the field.
            let value = if value.is_empty() { b" ".as_slice() } else { value };
            frame::write(
                out,
                b'm',
                &[&nth.to_be_bytes(), name.as_bytes(), b"\0", &sent(agreement, value), b"\0"],
            );
        }
    }
    let mut removals: Vec<(&str, u32)> = header
        .iter()
        .filter_map(|edit| match edit {
            HeaderEdit::Remove { name, nth } => Some((name.as_str(), *nth)),
            _ => None,
        })
        .collect();
    removals.sort_by_key(|&(_, nth)| std::cmp::Reverse(nth));
    for (name, nth) in removals {
        frame::write(out, b'm', &[&nth.to_be_bytes(), name.as_bytes(), b"\0\0"]);
    }
    for edit in header {
        if let HeaderEdit::Add { name, value } = edit {
            frame::write(out, b'h', &[name.as_bytes(), b"\0", &sent(agreement, value), b"\0"]);
        }
    }
}

/// A header value as the MTA wants it: folds as line feeds, no NUL; without the space after the colon where the MTA
/// adds one itself.
fn sent(agreement: Agreement, value: &[u8]) -> Vec<u8> {
    let value =
        if agreement.keeps_leading_space() { value } else { value.strip_prefix(b" ").unwrap_or(value) };
    value.iter().copied().filter(|&byte| byte != b'\r' && byte != 0).collect()
}

/// The requests that replace the body, one at a time, straight from the message: no copy of the whole is made.
///
/// Postfix takes them only one right after the other.
#[derive(Debug)]
pub struct BodyReplacement<'m> {
    bytes: &'m [u8],
    splices: std::slice::Iter<'m, Splice>,
    /// What is left of the stretch being sent.
    piece: &'m [u8],
    /// What is to be sent once `piece` is: the text of the last splice taken.
    then: &'m [u8],
    /// Where in the message the next stretch begins.
    at: usize,
    state: Progress,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Nothing,
    Some,
    Done,
}

impl<'m> BodyReplacement<'m> {
    /// The replacement that the splices make; nothing to send where there are none. The splices were checked.
    pub fn new(message: &'m Spooled, splices: &'m [Splice]) -> Self {
        Self {
            bytes: message.bytes(),
            splices: splices.iter(),
            piece: b"",
            then: b"",
            at: message.body_start(),
            state: if splices.is_empty() { Progress::Done } else { Progress::Nothing },
        }
    }

    /// Appends the next request, of at most 65,535 bytes of body. Returns false when none is left.
    pub fn write_next(&mut self, out: &mut Vec<u8>) -> bool {
        if self.state == Progress::Done {
            return false;
        }
        let frame_start = out.len();
        out.extend_from_slice(&[0, 0, 0, 0, b'b']);
        let mut room = CHUNK_BYTES;
        while room > 0 && self.fill() {
            let (now, later) = self.piece.split_at(self.piece.len().min(room));
            out.extend_from_slice(now);
            self.piece = later;
            room -= now.len();
        }
        if room > 0 {
            // A body that became empty is still to be said once.
            let empty = room == CHUNK_BYTES && self.state == Progress::Some;
            self.state = Progress::Done;
            if empty {
                out.truncate(frame_start);
                return false;
            }
        } else {
            self.state = Progress::Some;
        }
        let length = u32::try_from(CHUNK_BYTES - room + 1).unwrap_or(u32::MAX).to_be_bytes();
        if let Some(place) = out.get_mut(frame_start..frame_start + length.len()) {
            place.copy_from_slice(&length);
        }
        true
    }

    /// Makes sure that `piece` has bytes; false when the body is at its end.
    fn fill(&mut self) -> bool {
        while self.piece.is_empty() {
            if !self.then.is_empty() {
                self.piece = std::mem::take(&mut self.then);
            } else if let Some(Splice { range, with }) = self.splices.next() {
                self.piece = self.stretch(self.at..range.start);
                self.then = with;
                self.at = range.end;
            } else {
                self.piece = self.stretch(self.at..self.bytes.len());
                self.at = self.bytes.len();
                return !self.piece.is_empty();
            }
        }
        true
    }

    fn stretch(&self, range: Range<usize>) -> &'m [u8] {
        self.bytes.get(range).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::command::Offer;
    use super::*;
    use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

    fn agreement(actions: u32, steps: u32) -> Agreement {
        Agreement::from_offer(Offer { version: 6, actions, steps }).unwrap()
    }

    fn modern() -> Agreement {
        agreement(0x1ff, 0x1f_ffff)
    }

    fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let mut frames = Vec::new();
        while let Some((frame, taken)) = frame::split(bytes, 1 << 20).unwrap() {
            frames.push((frame.code, frame.payload.to_vec()));
            bytes = &bytes[taken..];
        }
        assert!(bytes.is_empty());
        frames
    }

    fn replacement(message: &[u8], body_start: usize, splices: &[Splice]) -> Vec<(u8, Vec<u8>)> {
        let message = Spooled::from_bytes(message.to_vec(), body_start);
        let mut body = BodyReplacement::new(&message, splices);
        let mut out = Vec::new();
        while body.write_next(&mut out) {}
        frames(&out)
    }

    #[test]
    fn header_edits_go_out_in_an_order_that_keeps_their_numbers() {
        let remove = |name: &str, nth| HeaderEdit::Remove { name: name.into(), nth };
        let edits = [
            HeaderEdit::Add { name: "X-A".into(), value: b" one\r\n two".to_vec() },
            remove("X-B", 1),
            HeaderEdit::Replace { name: "Subject".into(), nth: 1, value: b" [tag] hi".to_vec() },
            remove("X-B", 3),
            remove("X-C", 2),
        ];
        let mut out = Vec::new();
        write_header(&mut out, modern(), &edits);
        let expected: [(u8, &[u8]); 5] = [
            (b'm', b"\0\0\0\x01Subject\0 [tag] hi\0"),
            (b'm', b"\0\0\0\x03X-B\0\0"),
            (b'm', b"\0\0\0\x02X-C\0\0"),
            (b'm', b"\0\0\0\x01X-B\0\0"),
            (b'h', b"X-A\0 one\n two\0"),
        ];
        assert_eq!(frames(&out), expected.map(|(code, payload)| (code, payload.to_vec())));
    }

    #[test]
    fn values_lose_the_space_that_the_mta_adds_and_never_become_a_removal() {
        let old = agreement(0x3f, 0x7f);
        for (value, to_new, to_old) in [
            (&b" plain"[..], &b" plain"[..], &b"plain"[..]),
            (b"tight", b"tight", b"tight"),
            (b"\tafter a tab", b"\tafter a tab", b"\tafter a tab"),
            (b"  two", b"  two", b" two"),
            (b"a\0b\r\n c", b"ab\n c", b"ab\n c"),
        ] {
            assert_eq!(sent(modern(), value), to_new);
            assert_eq!(sent(old, value), to_old);
        }
        let mut out = Vec::new();
        let emptied = [HeaderEdit::Replace { name: "X".into(), nth: 2, value: Vec::new() }];
        write_header(&mut out, modern(), &emptied);
        assert_eq!(frames(&out), [(b'm', b"\0\0\0\x02X\0 \0".to_vec())]);
    }

    #[test]
    fn what_cannot_be_sent_is_found_before_anything_is() {
        let message = Spooled::from_bytes(b"A: b\r\n\r\nbody\r\n".to_vec(), 8);
        let add = |name: &str| Edits {
            header: vec![HeaderEdit::Add { name: name.into(), value: Vec::new() }],
            body: Vec::new(),
        };
        let splice = |ranges: &[(usize, usize)]| Edits {
            header: Vec::new(),
            body: ranges
                .iter()
                .map(|&(start, end)| Splice { range: start..end, with: b"x".to_vec() })
                .collect(),
        };
        for (edits, expected) in [
            (add("X-Fine"), Ok(())),
            (add(""), Err(EditError::Name)),
            (add("X Y"), Err(EditError::Name)),
            (add("X:"), Err(EditError::Name)),
            (add("X\n"), Err(EditError::Name)),
            (splice(&[(8, 8), (8, 10), (14, 14)]), Ok(())),
            (splice(&[(7, 8)]), Err(EditError::Splice(7))),
            (splice(&[(9, 11), (10, 12)]), Err(EditError::Splice(10))),
            (splice(&[(13, 15)]), Err(EditError::Splice(13))),
            (splice(&[(10, 9)]), Err(EditError::Splice(10))),
        ] {
            assert_eq!(check(modern(), &message, &edits), expected, "{edits:?}");
        }
        let none = agreement(0, 0);
        assert_eq!(check(none, &message, &add("X")), Err(EditError::NotOffered(Ability::AddHeaders)));
        let body = splice(&[(8, 8)]);
        assert_eq!(check(none, &message, &body), Err(EditError::NotOffered(Ability::ChangeBody)));
        assert_eq!(check(none, &message, &Edits::default()), Ok(()));
    }

    #[test]
    fn a_body_goes_out_in_chunks_and_only_when_it_changes() {
        let splice = |range, with: &[u8]| Splice { range, with: with.to_vec() };
        assert_eq!(replacement(b"\r\nbody", 2, &[]), []);
        assert_eq!(replacement(b"\r\nbody", 2, &[splice(2..6, b"")]), [(b'b', Vec::new())]);
        assert_eq!(replacement(b"\r\nbody", 2, &[splice(6..6, b"!")]), [(b'b', b"body!".to_vec())]);
        let mut message = vec![b'x'; 2 * CHUNK_BYTES];
        let whole = replacement(&message, 0, &[splice(0..1, b"y")]);
        assert_eq!(whole.iter().map(|frame| frame.1.len()).collect::<Vec<_>>(), [CHUNK_BYTES, CHUNK_BYTES]);
        message.push(b'z');
        let more = replacement(&message, 0, &[splice(0..1, b"y")]);
        assert_eq!(more.iter().map(|frame| frame.1.len()).collect::<Vec<_>>(), [CHUNK_BYTES, CHUNK_BYTES, 1]);
    }

    proptest! {
        #[test]
        fn any_splices_give_the_body_that_they_describe(
            length in 0usize..200_000,
            cuts in prop::collection::vec((0usize..200_000, prop::collection::vec(any::<u8>(), 0..5)), 1..6),
        ) {
            let body: Vec<u8> = (0..length).map(|index| (index % 251) as u8).collect();
            let mut places: Vec<usize> = cuts.iter().map(|(place, _)| place % (body.len() + 1)).collect();
            places.sort_unstable();
            let splices: Vec<Splice> = places
                .chunks(2)
                .zip(&cuts)
                .map(|(pair, (_, with))| Splice { range: pair[0]..pair[pair.len() - 1], with: with.clone() })
                .collect();
            let mut expected = body.clone();
            for splice in splices.iter().rev() {
                expected.splice(splice.range.clone(), splice.with.iter().copied());
            }
            let sent = replacement(&body, 0, &splices);
            prop_assert!(sent.iter().all(|(code, chunk)| *code == b'b' && chunk.len() <= CHUNK_BYTES));
            prop_assert_eq!(sent.into_iter().flat_map(|(_, chunk)| chunk).collect::<Vec<u8>>(), expected);
        }
    }
}
