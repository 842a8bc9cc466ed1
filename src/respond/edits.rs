//! Changes to a message as data, and their application. Never changes a byte that no edit mentions.

use std::ops::Range;

/// Changes to a message. Offsets are those of the message before any change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edits {
    /// Changes to the header, to be applied in their order.
    pub header: Vec<HeaderEdit>,
    /// Changes to the body: ascending, without overlap, all at or after the body's start.
    pub body: Vec<Splice>,
}

/// A change to the header. Values are what follows the colon, leading space included, folds as CRLF and space,
/// without the final line end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderEdit {
    /// Adds a field at the end of the header.
    Add {
        /// The field's name.
        name: String,
        /// What follows the colon.
        value: Vec<u8>,
    },
    /// Gives the `nth` field of that name (from 1) another value.
    Replace {
        /// The field's name.
        name: String,
        /// Which of the fields of that name, from 1.
        nth: u32,
        /// What follows the colon.
        value: Vec<u8>,
    },
    /// Removes the `nth` field of that name (from 1), counted before any removal.
    Remove {
        /// The field's name.
        name: String,
        /// Which of the fields of that name, from 1.
        nth: u32,
    },
}

/// A stretch of the message that is replaced; an empty range inserts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Splice {
    /// What is replaced, as offsets in the whole message.
    pub range: Range<usize>,
    /// What stands there afterwards.
    pub with: Vec<u8>,
}
