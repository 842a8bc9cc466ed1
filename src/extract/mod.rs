//! From parts to the text that people see, located by zone and part. Text and HTML alone; never decides anything.

mod cms;
mod css;
pub mod document;
mod flowed;
mod html;
mod markup;
mod reader;
mod same;
mod tags;
mod zones;

use crate::limits::Limits;
use crate::message::Message;
use crate::verdict::{Coverage, PartPath, Zone};

/// All text of one zone in one part. There is at most one for each pair of zone and part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Where in the message it stood.
    pub zone: Zone,
    /// In which part; `0` for the subject and the header. The subject and the header of an attached message are in
    /// that message's own part, in zone `attachment`.
    pub part: PartPath,
    /// What locates the text further: `with hidden text` where an HTML text ends with what programs don't show.
    pub place: Option<String>,
    /// Texts that say the same thing in two forms (`multipart/alternative`) share a number: a rule that adds up
    /// weights takes the heavier of them, not their sum.
    pub alternative: Option<u16>,
    /// The text, in UTF-8, lines ended by `\n`. In zone `header` each line is a field, `name: value`, its name in
    /// lower case.
    pub text: String,
}

/// What was read out of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extraction {
    /// The texts, in the order of their parts, and for each part in the order of the zones.
    pub texts: Vec<Text>,
    /// What could not be read, the structure's own gaps included.
    pub coverage: Coverage,
}

impl Extraction {
    /// Reads the texts out of a message's parts.
    ///
    /// Displayed text and HTML give `body`, `quoted` and `signature`; other text parts, and all of a message inside the
    /// message, give `attachment`. Where a plain text says word for word what the HTML beside it in a
    /// `multipart/alternative` says, zone by zone, the HTML's texts are left out: they would be swept twice for
    /// nothing. What is hidden in HTML follows the visible text of its part, after a line break, so that it is swept
    /// and the visible phrases are still whole.
    pub fn read(message: &Message<'_>, limits: &Limits) -> Self {
        reader::read(message, limits)
    }
}
