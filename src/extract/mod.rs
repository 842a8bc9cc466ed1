//! From parts to the text that people see and the facts about files, located by zone and part. Never decides anything.

mod css;
mod decoded;
pub mod document;
mod files;
mod flowed;
mod html;
mod markup;
mod passwords;
mod reader;
mod same;
mod tags;
mod zones;

pub use passwords::told as told_passwords;

use crate::limits::Limits;
use crate::message::{Message, Part, PartKind};
use crate::verdict::{Coverage, Gap, PartPath, Zone};
use document::{Inspector, Item, Lock, Places};

/// All text of one zone in one part. There is at most one for each pair of zone and part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Where in the message it stood.
    pub zone: Zone,
    /// In which part; `0` for the subject and the header. The subject and the header of an attached message are in
    /// that message's own part, in zone `attachment`.
    pub part: PartPath,
    /// What locates stretches of the text further: pages, cells, files inside files, what programs don't show.
    pub places: Places,
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
    /// The files: attachments, and for each what is inside it, in the order of their parts.
    pub files: Vec<File>,
    /// What could not be read, the structure's own gaps included.
    pub coverage: Coverage,
    /// What passwords can be tried on, of the files that are encrypted, with the part that carries each: at most
    /// [`document::MOST_LOCKS`].
    pub locks: Vec<(PartPath, Lock)>,
}

/// A file that a message carries: an attachment, or an entry inside one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The part that carries it.
    pub part: PartPath,
    /// What is known of it.
    pub item: Item,
    /// What of it could not be read.
    pub gaps: Vec<Gap>,
}

impl File {
    /// The part that carries it.
    pub fn carrier<'m, 'x>(&self, message: &'m Message<'x>) -> Option<&'m Part<'x>> {
        // A multipart inside a message has that message's path: the files of the path are the message's.
        message.parts.iter().find(|part| part.path == self.part && part.kind != PartKind::Container)
    }

    /// Its size in bytes, decoded; counted now where that was put off.
    pub fn size(&self, message: &Message<'_>) -> u64 {
        let counted = || self.carrier(message).map(Part::decoded_size).unwrap_or_default();
        self.item.size.unwrap_or_else(counted)
    }
}

impl Extraction {
    /// Reads the texts out of a message's parts.
    ///
    /// Displayed text and HTML give `body`, `quoted` and `signature`; other text parts, and all of a message inside the
    /// message, give `attachment`. Where a plain text says word for word what the HTML beside it in a
    /// `multipart/alternative` says, zone by zone, the HTML's texts are left out: they would be swept twice for
    /// nothing. What is hidden in HTML follows the visible text of its part, after a line break, so that it is swept
    /// and the visible phrases are still whole. Files whose format takes more than reading text go to the `inspector`.
    pub fn read(message: &Message<'_>, limits: &Limits, inspector: &dyn Inspector) -> Self {
        reader::read(message, limits, inspector)
    }

    /// Words of the message that may be passwords, to be tried on what is encrypted.
    pub fn words_to_try(&self) -> Vec<String> {
        passwords::candidates(&self.written(&[Zone::Body, Zone::Quoted, Zone::Subject]), MOST_PASSWORDS)
    }

    /// Words that the sender calls a password, or that follow what is called one.
    pub fn words_called_passwords(&self) -> Vec<String> {
        passwords::pointed_at(&self.written(&[Zone::Body, Zone::Subject]), MOST_CALLED)
    }

    fn written(&self, zones: &[Zone]) -> Vec<&str> {
        let of =
            |zone| self.texts.iter().filter(move |text| text.zone == zone).map(|text| text.text.as_str());
        zones.iter().flat_map(|zone| of(*zone)).collect()
    }
}

/// Most words of a message that are tried on what is encrypted.
const MOST_PASSWORDS: usize = 16;
/// Most words that are taken for what a phrase calls a password.
const MOST_CALLED: usize = 8;

/// Bytes of a message's parts, encoded as they came, whose text is read without an inspector: what sweeping it takes goes
/// by them, not by the size of the message.
pub fn bytes_of_text(message: &Message<'_>) -> usize {
    let is_read = |part: &&Part<'_>| match part.kind {
        PartKind::DisplayedText | PartKind::DisplayedHtml => true,
        PartKind::Attachment => files::carries_one(message, part) && reader::is_read_here(part),
        PartKind::Message | PartKind::Container => false,
    };
    message.parts.iter().filter(is_read).map(|part| part.raw.len()).sum()
}

/// Whether a message has files that go to an inspector, so that reading it may take a while.
pub fn wants_inspector(message: &Message<'_>) -> bool {
    message.parts.iter().any(|part| files::carries_one(message, part) && reader::may_inspect(part))
}
