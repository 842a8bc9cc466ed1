//! From parts to the text that people see, located by zone and part. Text and HTML alone; never decides anything.

use crate::limits::Limits;
use crate::message::Message;
use crate::verdict::{Coverage, PartPath, Zone};

/// All text of one zone in one part. There is at most one for each pair of zone and part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Where in the message it stood.
    pub zone: Zone,
    /// In which part; `0` for the subject and the header.
    pub part: PartPath,
    /// The header field's name in lower case for zone `header`, else what locates the text further.
    pub place: Option<String>,
    /// Texts that say the same thing in two forms (`multipart/alternative`) share a number: a rule that adds up
    /// weights takes the heavier of them, not their sum.
    pub alternative: Option<u16>,
    /// The text, in UTF-8, lines ended by `\n`.
    pub text: String,
}

/// What was read out of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extraction {
    /// The texts, in the order of the zones of the parts.
    pub texts: Vec<Text>,
    /// What could not be read, the structure's own gaps included.
    pub coverage: Coverage,
}

impl Extraction {
    /// Reads the texts out of a message's parts.
    pub fn read(message: &Message<'_>, limits: &Limits) -> Self {
        let _ = limits;
        Self { texts: Vec::new(), coverage: message.coverage.clone() }
    }
}
