//! Bytes in a named character set to UTF-8. Never refuses: what is unknown or broken is said beside the text.

use std::borrow::Cow;

use encoding_rs::{Encoding, REPLACEMENT, UTF_8, WINDOWS_1252};
use mail_parser::decoders::charsets::map::charset_decoder;

use crate::verdict::Gap;

/// Text, and what went wrong on the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded<'x> {
    /// The text; borrowed where the bytes were UTF-8 already.
    pub text: Cow<'x, str>,
    /// `UnknownCharset`, or `Damaged` where bytes had no meaning in the character set.
    pub gap: Option<Gap>,
}

/// Decodes bytes that are declared to be in `label`'s character set.
///
/// A byte-order mark wins over the label. Without a label, and for `us-ascii`, 8-bit bytes are UTF-8 where they are
/// valid UTF-8, else windows-1252: what programs that label nothing write. Unknown labels are read as windows-1252.
pub fn decode<'x>(bytes: &'x [u8], label: Option<&str>) -> Decoded<'x> {
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        return with(encoding, bytes.get(length..).unwrap_or_default());
    }
    let Some(label) = label.map(str::trim).filter(|label| !is_undeclared(label)) else {
        return undeclared(bytes);
    };
    // Most mail says this one: no need to look through all labels that there are.
    if label.eq_ignore_ascii_case("utf-8") {
        return with(UTF_8, bytes);
    }
    match Encoding::for_label(label.as_bytes()) {
        Some(encoding) if encoding != REPLACEMENT => with(encoding, bytes),
        _ => other(bytes, label),
    }
}

/// Decodes bytes of which nothing is declared: UTF-8 where they are valid, else windows-1252.
pub fn undeclared(bytes: &[u8]) -> Decoded<'_> {
    let text = std::str::from_utf8(bytes)
        .map_or_else(|_| WINDOWS_1252.decode_without_bom_handling(bytes).0, Cow::Borrowed);
    Decoded { text, gap: None }
}

/// Labels that say nothing of 8-bit bytes.
fn is_undeclared(label: &str) -> bool {
    const SAY_NOTHING: [&str; 7] =
        ["", "us-ascii", "ascii", "ansi_x3.4-1968", "unknown-8bit", "x-unknown", "unknown"];
    SAY_NOTHING.iter().any(|name| name.eq_ignore_ascii_case(label))
}

fn with<'x>(encoding: &'static Encoding, bytes: &'x [u8]) -> Decoded<'x> {
    let (text, broken) = encoding.decode_without_bom_handling(bytes);
    Decoded { text, gap: broken.then_some(Gap::Damaged) }
}

/// Character sets that the web has no use for, and mail may have: UTF-7, code page 850 and the like.
fn other<'x>(bytes: &'x [u8], label: &str) -> Decoded<'x> {
    match charset_decoder(label.as_bytes()).filter(|_| Encoding::for_label(label.as_bytes()).is_none()) {
        // That decoder forgets a UTF-7 shift sequence that the end of the bytes cuts: a line end closes it.
        Some(decoder) => Decoded { text: Cow::Owned(decoder(&[bytes, b"\n"].concat())), gap: None },
        None => Decoded {
            text: WINDOWS_1252.decode_without_bom_handling(bytes).0,
            gap: Some(Gap::UnknownCharset),
        },
    }
}
