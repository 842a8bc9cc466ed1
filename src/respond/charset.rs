//! A part's character set: its text, where in its bytes a character stands, and words put into it. Never guesses beyond
//! what mail programs guess.

use std::borrow::Cow;

use encoding_rs::Encoding;

/// A character set as far as an insertion needs to know it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Charset {
    /// us-ascii, declared or by default (RFC 2046 §4.1.2), and nothing but ASCII in the part.
    Ascii,
    /// us-ascii declared or nothing, and yet bytes beyond it: read as UTF-8 where they are that.
    AsciiWithUtf8,
    /// us-ascii declared or nothing, and yet bytes beyond it, which are no UTF-8: read as windows-1252.
    AsciiWithOther,
    /// UTF-8.
    Utf8,
    /// UTF-16, by its byte order.
    Utf16(ByteOrder),
    /// Another one that has a decoder.
    Legacy {
        encoding: &'static Encoding,
        /// The label names a set that has no characters in 0x80 to 0x9F, though programs read them as windows-125x.
        upper_controls: bool,
        /// The label is GB 2312, of which GBK is the larger brother.
        gb2312: bool,
    },
    /// One that nobody here knows, over a part that is ASCII as far as one can see.
    UnknownOverAscii,
    /// One that nobody here knows.
    Unknown,
}

/// The order of the bytes in UTF-16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Big,
    Little,
}

impl Charset {
    /// The set that a label stands for, given the part's bytes.
    pub fn of(label: Option<&str>, bytes: &[u8]) -> Self {
        let label = label.map(|label| label.trim().to_ascii_lowercase()).unwrap_or_default();
        match label.as_str() {
            "" | "us-ascii" | "ascii" | "ansi_x3.4-1968" | "iso646-us" | "646" => ascii_or_beyond(bytes),
            "utf-8" | "utf8" => Self::Utf8,
            "utf-16" | "utf16" | "unicode" => Self::Utf16(byte_order(bytes)),
            "utf-16be" => Self::Utf16(ByteOrder::Big),
            "utf-16le" => Self::Utf16(ByteOrder::Little),
            _ => match Encoding::for_label_no_replacement(label.as_bytes()) {
                Some(encoding) => Self::Legacy {
                    encoding,
                    upper_controls: encoding.is_single_byte() && !has_upper_graphics(&label),
                    gb2312: label.contains("2312"),
                },
                // A `+` may start a shift in UTF-7 (RFC 2152), and the wider sets show as NUL bytes.
                None if label != "utf-7"
                    && bytes.is_ascii()
                    && !bytes.iter().any(|b| matches!(b, 0 | 0x1b)) =>
                {
                    Self::UnknownOverAscii
                }
                None => Self::Unknown,
            },
        }
    }

    /// The text, damage shown as U+FFFD.
    pub fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        match self {
            Self::Ascii | Self::AsciiWithUtf8 | Self::Utf8 | Self::UnknownOverAscii | Self::Unknown => {
                String::from_utf8_lossy(bytes)
            }
            Self::AsciiWithOther => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0,
            Self::Utf16(ByteOrder::Big) => encoding_rs::UTF_16BE.decode_without_bom_handling(bytes).0,
            Self::Utf16(ByteOrder::Little) => encoding_rs::UTF_16LE.decode_without_bom_handling(bytes).0,
            Self::Legacy { encoding, .. } => encoding.decode_without_bom_handling(bytes).0,
        }
    }

    /// Where in the bytes the character at that offset of `text`, which is [`decode`](Self::decode) of them, starts.
    pub fn offset(self, bytes: &[u8], text: &str, at: usize) -> usize {
        if at == text.len() {
            return bytes.len();
        }
        let before = text.get(..at).unwrap_or(text);
        match self {
            Self::Ascii | Self::AsciiWithUtf8 | Self::Utf8 | Self::UnknownOverAscii | Self::Unknown => {
                if text.len() == bytes.len() { at } else { utf8_offset(bytes, at) }
            }
            Self::AsciiWithOther => before.chars().count(),
            Self::Utf16(_) => before.encode_utf16().count() * 2,
            Self::Legacy { encoding, .. } if encoding.is_single_byte() => before.chars().count(),
            Self::Legacy { encoding, .. } => legacy_offset(encoding, bytes, at),
        }
    }

    /// The text in this set. `None` where the set cannot represent it.
    pub fn encode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Utf8 | Self::AsciiWithUtf8 => Some(text.as_bytes().to_vec()),
            Self::Ascii | Self::AsciiWithOther | Self::UnknownOverAscii => {
                text.is_ascii().then(|| text.as_bytes().to_vec())
            }
            Self::Utf16(ByteOrder::Big) => Some(text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
            Self::Utf16(ByteOrder::Little) => Some(text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
            Self::Legacy { encoding, upper_controls, gb2312 } => {
                let (bytes, _, lossy) = encoding.encode(text);
                let beyond = upper_controls && bytes.iter().any(|byte| (0x80..0xa0).contains(byte))
                    || gb2312 && bytes.iter().any(|byte| (0x80..0xa1).contains(byte));
                (!lossy && !beyond).then(|| bytes.into_owned())
            }
            Self::Unknown => None,
        }
    }

    /// Whether words put between characters are read as they are meant wherever that is, damage before them or not.
    pub fn is_self_synchronising(self) -> bool {
        match self {
            Self::Utf16(_) => false,
            Self::Legacy { encoding, .. } => encoding.is_single_byte(),
            _ => true,
        }
    }

    /// Whether the declaration must change for [`encode`](Self::encode) to hold what is beyond ASCII.
    pub const fn undeclared_utf8(self) -> bool {
        matches!(self, Self::AsciiWithUtf8)
    }
}

fn ascii_or_beyond(bytes: &[u8]) -> Charset {
    if bytes.is_ascii() {
        Charset::Ascii
    } else if std::str::from_utf8(bytes).is_ok() {
        Charset::AsciiWithUtf8
    } else {
        Charset::AsciiWithOther
    }
}

fn byte_order(bytes: &[u8]) -> ByteOrder {
    if bytes.starts_with(&[0xfe, 0xff]) {
        return ByteOrder::Big;
    }
    if bytes.starts_with(&[0xff, 0xfe]) {
        return ByteOrder::Little;
    }
    // Without a mark it should be big-endian (RFC 2781 §4.3), and often is not: the zeros of Latin text tell.
    let zeros = |odd: usize| bytes.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    if zeros(1) > zeros(0) { ByteOrder::Little } else { ByteOrder::Big }
}

/// Whether a single-byte set has printable characters in 0x80 to 0x9F by its own right.
fn has_upper_graphics(label: &str) -> bool {
    !(label.starts_with("iso") || label.starts_with("latin") || label.starts_with("l1") || label == "cp819")
}

fn utf8_offset(bytes: &[u8], at: usize) -> usize {
    let (mut decoded, mut offset) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        if decoded + chunk.valid().len() >= at {
            return offset + (at - decoded);
        }
        decoded += chunk.valid().len();
        offset += chunk.valid().len();
        if !chunk.invalid().is_empty() {
            decoded += char::REPLACEMENT_CHARACTER.len_utf8();
            offset += chunk.invalid().len();
        }
    }
    offset
}

/// Decodes byte by byte until that much text has come. Rare sets alone come here.
fn legacy_offset(encoding: &'static Encoding, bytes: &[u8], at: usize) -> usize {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut decoded = 0;
    let mut offset = 0;
    let mut buffer = [0_u8; 16];
    for byte in bytes {
        if decoded >= at {
            break;
        }
        decoded += decoder.decode_to_utf8(&[*byte], &mut buffer, false).2;
        offset += 1;
    }
    // ISO-2022-JP returns to ASCII by an escape sequence, which belongs to what stood before (RFC 1468).
    let rest = bytes.get(offset..).unwrap_or_default();
    let back_to_ascii = rest.starts_with(b"\x1b(B") || rest.starts_with(b"\x1b(J");
    offset + if back_to_ascii { 3 } else { 0 }
}
