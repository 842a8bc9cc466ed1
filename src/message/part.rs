//! One part of a message: where it lies, what it says of itself, its bytes decoded on demand. Never what it means.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;

use serde::Serialize;

use super::transfer;
use crate::verdict::{Kind, PartPath, Protection};

/// A part of the MIME tree.
#[derive(Debug, Clone)]
pub struct Part<'x> {
    /// Its place in the tree. The top multipart of a message inside the message has the path of that message: IMAP
    /// gives it no number of its own.
    pub path: PartPath,
    /// The index of the part that contains it, in `Message::parts`.
    pub parent: Option<usize>,
    /// What it is in the tree.
    pub kind: PartKind,
    /// The declared type in lower case, `text/plain` where none is declared (RFC 2045 §5.2).
    pub content_type: Cow<'x, str>,
    /// The declared character set, in lower case.
    pub charset: Option<Cow<'x, str>>,
    /// Whether `format=flowed` is declared (RFC 3676).
    pub flowed: bool,
    /// The declared disposition.
    pub disposition: Option<Disposition>,
    /// The decoded file name, from the disposition or the type (RFC 2183, RFC 2231, RFC 2047 where misused).
    pub filename: Option<String>,
    /// How its body is encoded.
    pub encoding: TransferEncoding,
    /// What its structure says of signatures and encryption. A part within a signed or encrypted multipart is
    /// signed or encrypted too.
    pub protection: Protection,
    /// Where its header lies in `Message::raw`; for the top part the message's own header.
    pub header: Range<usize>,
    /// Where its body lies in `Message::raw`, encoded as it came.
    pub body: Range<usize>,
    /// The encoded body, as it came.
    pub raw: &'x [u8],
    /// What its bytes showed when somebody first asked.
    pub(crate) shown: Shown,
}

/// What a part's bytes show, found out when first asked: by whoever decides where the part is read, and again where it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shown {
    /// Its kind by its first bytes, and whether those look like anything but text.
    pub head: OnceCell<(Kind, bool)>,
    /// Whether an archive may end where it ends.
    pub may_end_as_archive: OnceCell<bool>,
}

impl<'x> Part<'x> {
    /// The body with its transfer encoding undone; borrowed where there was none. Damage is passed over.
    pub fn decoded(&self) -> Cow<'x, [u8]> {
        self.decoded_within(usize::MAX).0
    }

    /// The size of the decoded body, without decoding it where that can be told.
    pub fn decoded_size(&self) -> u64 {
        let bytes = match self.encoding {
            TransferEncoding::Base64 => transfer::base64_size(self.raw),
            TransferEncoding::QuotedPrintable => self.decoded().len(),
            _ => self.raw.len(),
        };
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    /// The letters that stand for the last bytes of a body in base64, `most` at least where there are so many and lines
    /// are not shorter than 20 letters: for looking at an end without decoding all that is before it.
    pub(crate) fn last_base64_letters(&self, most: usize) -> Vec<u8> {
        let from = self.raw.len().saturating_sub(most + most / 10);
        transfer::without_foreign(self.raw.get(from..).unwrap_or_default())
    }

    /// At most `cap` bytes of the decoded body, whether the encoding was damaged, and whether there is more.
    pub(crate) fn decoded_within(&self, cap: usize) -> (Cow<'x, [u8]>, Damaged, Cut) {
        let decoded = match self.encoding {
            TransferEncoding::Base64 => transfer::base64(self.raw, cap),
            TransferEncoding::QuotedPrintable => transfer::quoted_printable(self.raw, cap),
            _ => {
                let kept = self.raw.get(..cap).unwrap_or(self.raw);
                return (Cow::Borrowed(kept), Damaged(false), Cut(kept.len() < self.raw.len()));
            }
        };
        (Cow::Owned(decoded.bytes), Damaged(decoded.damaged), Cut(decoded.cut))
    }
}

/// Whether an encoding was damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Damaged(pub bool);

/// Whether bytes were left out for a cap's sake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut(pub bool);

/// What a part is in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartKind {
    /// A multipart of any kind.
    Container,
    /// `text/plain` that mail programs display in the message; or a multipart that cannot be taken apart, which they
    /// show as text.
    DisplayedText,
    /// `text/html` that mail programs display in the message.
    DisplayedHtml,
    /// A message inside the message; its own parts follow, each with that part or one below it as its parent. Where
    /// it is encoded in base64 or quoted-printable, no parts follow: they don't lie in the message's bytes.
    Message,
    /// Everything else: attachments, inline images, calendars, signatures, and all leaves of messages inside the
    /// message.
    Attachment,
}

/// The declared way of showing a part (RFC 2183).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disposition {
    /// Shown with the message.
    Inline,
    /// Offered as a file.
    Attachment,
}

/// How a body is encoded (RFC 2045 §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum TransferEncoding {
    /// 7bit or none declared.
    #[serde(rename = "7bit")]
    SevenBit,
    /// 8bit.
    #[serde(rename = "8bit")]
    EightBit,
    /// binary.
    #[serde(rename = "binary")]
    Binary,
    /// quoted-printable.
    #[serde(rename = "quoted-printable")]
    QuotedPrintable,
    /// base64.
    #[serde(rename = "base64")]
    Base64,
    /// Declared, and unknown: the bytes are taken as they are.
    #[serde(rename = "unknown")]
    Unknown,
}
