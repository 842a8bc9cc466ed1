//! A message as mail: its envelope, its header fields byte for byte, its parts. Reads bytes; never text for people.

pub mod charset;
mod dashes;
mod envelope;
mod header;
mod mailbox;
mod params;
mod part;
mod protection;
mod receipt;
mod reply_address;
mod structure;
mod transfer;
mod words;

pub use dashes::Dashes;
pub use envelope::{Address, Client, Envelope, Origin, QueueId};
pub(crate) use header::read as read_header;
pub use mailbox::Mailbox;
pub(crate) use params::Value;
pub use part::{Disposition, Part, PartKind, TransferEncoding};
pub use receipt::RECEIPT_FIELDS;
pub use reply_address::{Addressed, ReplyAddress};
pub(crate) use transfer::{base64, quoted_printable};
pub(crate) use words::decode as decode_words;

use std::borrow::Cow;
use std::ops::Range;

use crate::limits::Limits;
use crate::verdict::{Coverage, Gap, PartPath};

/// A message whose structure has been read. Parts borrow from the bytes that it was read from.
#[derive(Debug, Clone)]
pub struct Message<'x> {
    /// The whole message as it came: header, blank line, body.
    pub raw: &'x [u8],
    /// The header fields, in their order, byte for byte. Those past the caps are left out, and `coverage` says so.
    pub header: Vec<Field<'x>>,
    /// Where the body starts in `raw`; its length where there is none.
    pub body_start: usize,
    /// Every part, depth first, containers before what they contain. The first has the path `1` where the message
    /// is no multipart, else it is the top container, with the path `0`.
    pub parts: Vec<Part<'x>>,
    /// What of the structure could not be read.
    pub coverage: Coverage,
}

/// A header field, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field<'x> {
    /// The name before the colon, as it came. Empty for a line that is no field, such as an mbox `From ` line: its
    /// value is then the whole line.
    pub name: &'x [u8],
    /// All that follows the colon, with leading space and folds, without the line end.
    pub value: &'x [u8],
    /// Where the field lies in the message, its line end included.
    pub range: Range<usize>,
}

impl<'x> Message<'x> {
    /// Reads a message's structure. Never fails: what is damaged is in `coverage`, and what could be read is there.
    pub fn parse(raw: &'x [u8], limits: &Limits) -> Self {
        Self::parse_knowing(raw, None, limits)
    }

    /// As [`Message::parse`], where the lines that begin with dashes are known, or else looked for.
    pub fn parse_knowing(raw: &'x [u8], dashes: Option<&[usize]>, limits: &Limits) -> Self {
        let mut coverage = Coverage::default();
        let read = raw.get(..limits.message_bytes).unwrap_or(raw);
        if read.len() < raw.len() {
            coverage.note(Gap::TooLarge, PartPath::root());
        }
        let mut header = Vec::with_capacity(24);
        let mut content = structure::ContentFields::default();
        let mut over = false;
        let end = header::read(
            read,
            0,
            |_| false,
            |field| {
                over |= header.len() >= limits.header_fields || field.range.end > limits.header_bytes;
                if !over {
                    content.take(&field);
                    header.push(field);
                }
            },
        );
        if over {
            coverage.note(Gap::TooLarge, PartPath::root());
        }
        let parts = structure::read(read, dashes, (end, content), limits, &mut coverage);
        Self { raw, header, body_start: end.body, parts, coverage }
    }

    /// The fields with that name, whatever its case, in their order.
    pub fn fields<'m>(&'m self, name: &'m str) -> impl Iterator<Item = &'m Field<'x>> {
        self.header.iter().filter(move |field| field.is_named(name))
    }

    /// The fields of a part's own header: for a message's top part the message's. Read anew at each call.
    pub fn fields_of(&self, part: &Part<'x>) -> Vec<Field<'x>> {
        let mut fields = Vec::new();
        if let Some(bytes) = self.raw.get(..part.header.end) {
            header::read(bytes, part.header.start, |_| false, |field| fields.push(field));
        }
        fields
    }
}

impl<'x> Field<'x> {
    /// Whether the field has that name, whatever its case. Space before the colon is none of it.
    pub fn is_named(&self, name: &str) -> bool {
        self.name.trim_ascii_end().eq_ignore_ascii_case(name.as_bytes())
    }

    /// The value as people read it: on one line, encoded words decoded (RFC 2047), 8-bit bytes as UTF-8 or
    /// windows-1252, without outer space.
    pub fn text(&self) -> Cow<'x, str> {
        words::text(self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(raw: &str) -> Vec<String> {
        let message = Message::parse(raw.as_bytes(), &Limits::default());
        message
            .parts
            .iter()
            .map(|part| format!("{} {} {:?}", part.path, part.content_type, part.kind))
            .collect()
    }

    #[test]
    fn a_plain_message_is_part_1() {
        let raw = b"Subject: =?utf-8?q?caf=C3=A9?=\r\n x\r\n\r\nHello\r\n";
        let message = Message::parse(raw, &Limits::default());
        assert_eq!(message.fields("subject").next().unwrap().text(), "café x");
        assert_eq!(message.body_start, 38);
        assert_eq!(message.parts.first().unwrap().raw, b"Hello\r\n");
        assert!(message.coverage.is_complete());
    }

    #[test]
    fn parts_are_numbered_as_imap_does() {
        let raw = "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/alternative; boundary=ab\n\
            \n--ab\n\ntext\n--ab\nContent-Type: text/html\n\n<p>text\n--ab--\n--a\nContent-Type: message/rfc822\n\n\
            Subject: x\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\ninner\n--c--\n--a\n\
            Content-Type: message/rfc822\n\nSubject: y\n\nplain\n--a--\n";
        assert_eq!(
            tree(raw),
            [
                "0 multipart/mixed Container",
                "1 multipart/alternative Container",
                "1.1 text/plain DisplayedText",
                "1.2 text/html DisplayedHtml",
                "2 message/rfc822 Message",
                "2 multipart/mixed Container",
                "2.1 text/plain Attachment",
                "3 message/rfc822 Message",
                "3.1 text/plain Attachment",
            ]
        );
    }
}
