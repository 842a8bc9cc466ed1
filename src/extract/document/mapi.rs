//! A message as Outlook keeps it ([MS-OXCMSG], [MS-OXPROPS]): its properties to texts. Knows no file format.

use std::collections::HashMap;

use super::Place;
use super::bytes::{size_at, u8_at, u32_at, up_to, utf16};
use super::ole::code_page;
use super::reading::{Outcome, Reading, Stop};
use super::rtf;
use crate::extract::html;
use crate::message::charset;
use crate::verdict::{Gap, Protection};

/// The properties that matter here ([MS-OXPROPS] 2).
pub(super) mod property {
    pub const MESSAGE_CLASS: u16 = 0x001a;
    pub const SUBJECT: u16 = 0x0037;
    pub const BODY: u16 = 0x1000;
    pub const RTF: u16 = 0x1009;
    pub const HTML: u16 = 0x1013;
    pub const INTERNET_CODE_PAGE: u16 = 0x3fde;
    pub const MESSAGE_CODE_PAGE: u16 = 0x3ffd;
    pub const DISPLAY_NAME: u16 = 0x3001;
    pub const ATTACH_DATA: u16 = 0x3701;
    pub const ATTACH_NAME: u16 = 0x3704;
    pub const ATTACH_LONG_NAME: u16 = 0x3707;
    pub const ATTACH_TRANSPORT_NAME: u16 = 0x370c;
}

/// Who sent a message, and to whom: names and addresses.
const PEOPLE: [u16; 10] = [0x0042, 0x0065, 0x5d02, 0x0c1a, 0x0c1f, 0x5d01, 0x0e04, 0x0e03, 0x0e02, 0x0e05];
/// Of a recipient: name, address, and the address on the Internet.
const RECIPIENT: [u16; 3] = [property::DISPLAY_NAME, 0x3003, 0x39fe];

/// A property's value, as far as it is text or bytes.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// In UTF-16.
    Wide(Vec<u8>),
    /// In the message's code page.
    Narrow(Vec<u8>),
    Binary(Vec<u8>),
    Number(u32),
}

/// The properties of a message, a recipient or an attachment.
#[derive(Debug, Default)]
pub(super) struct Properties {
    values: HashMap<u16, Value>,
    /// The code page of narrow strings.
    page: Option<u16>,
}

impl Properties {
    /// None yet; narrow strings will be in that code page, or in the one that the properties name.
    pub fn in_page(page: Option<u16>) -> Self {
        Self { page, ..Self::default() }
    }

    /// Notes a property: its number and its type come together ([MS-OXCDATA] 2.9). Of several the first one holds.
    pub fn insert(&mut self, id: u16, kind: u16, bytes: Vec<u8>) {
        let value = match kind & 0x0fff {
            0x001f => Value::Wide(bytes),
            0x001e => Value::Narrow(bytes),
            0x0102 | 0x000d => Value::Binary(bytes),
            0x0003 => Value::Number(u32_at(&bytes, 0).unwrap_or(0)),
            _ => return,
        };
        self.values.entry(id).or_insert(value);
    }

    /// A property as text; empty where there is none.
    pub fn text(&self, id: u16) -> String {
        let text = match self.values.get(&id) {
            Some(Value::Wide(bytes)) => utf16(bytes),
            Some(Value::Narrow(bytes) | Value::Binary(bytes)) => self.decoded(bytes),
            Some(Value::Number(_)) | None => String::new(),
        };
        text.trim_end_matches('\0').to_owned()
    }

    /// A property as bytes.
    pub fn bytes(&self, id: u16) -> Option<&[u8]> {
        match self.values.get(&id)? {
            Value::Wide(bytes) | Value::Narrow(bytes) | Value::Binary(bytes) => Some(bytes),
            Value::Number(_) => None,
        }
    }

    /// A property as a number.
    pub fn number(&self, id: u16) -> Option<u32> {
        match self.values.get(&id)? {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The name that an attachment came under.
    pub fn file_name(&self) -> Option<String> {
        let names = [
            property::ATTACH_LONG_NAME,
            property::ATTACH_TRANSPORT_NAME,
            property::ATTACH_NAME,
            property::DISPLAY_NAME,
        ];
        names.into_iter().map(|id| self.text(id)).find(|name| !name.is_empty())
    }

    fn decoded(&self, bytes: &[u8]) -> String {
        let number = |id| self.number(id).and_then(|page| u16::try_from(page).ok());
        let page = self.page.or_else(|| number(property::MESSAGE_CODE_PAGE));
        let label = page.map(code_page);
        charset::decode(bytes, label.as_deref()).text.into_owned()
    }
}

/// Adds a message's texts: subject, people, body.
pub(super) fn message(message: &Properties, reading: &mut Reading<'_>) -> Outcome {
    reading.text(Place::Subject, &message.text(property::SUBJECT))?;
    people(message, &PEOPLE, reading)?;
    let plain = message.text(property::BODY);
    reading.text(Place::Body, &plain)?;
    // The other forms say the same; where they don't, they are swept as well.
    if let Some(bytes) = message.bytes(property::HTML) {
        let page = message.number(property::INTERNET_CODE_PAGE).and_then(|page| u16::try_from(page).ok());
        let label = page.map(code_page);
        let page = html::read(&charset::decode(bytes, label.as_deref()).text);
        if !say_the_same(&page.visible, &plain) {
            reading.text(Place::Body, &page.visible)?;
        }
        reading.text(Place::Hidden, &page.hidden)
    } else if let Some(packed) = message.bytes(property::RTF).filter(|_| plain.trim().is_empty()) {
        match rtf_of(packed, reading) {
            Ok(bytes) => rtf::read(&bytes, reading),
            Err(Stop(Gap::Damaged)) => {
                reading.gap(Gap::Damaged);
                Ok(())
            }
            Err(stop) => Err(stop),
        }
    } else {
        Ok(())
    }
}

/// Adds who a recipient is.
pub(super) fn recipient(recipient: &Properties, reading: &mut Reading<'_>) -> Outcome {
    people(recipient, &RECIPIENT, reading)
}

fn people(of: &Properties, ids: &[u16], reading: &mut Reading<'_>) -> Outcome {
    let mut said: Vec<String> = Vec::new();
    for text in ids.iter().map(|&id| of.text(id)) {
        // Addresses inside an organisation are paths of its directory, and say nothing.
        if !said.contains(&text) && !text.starts_with("/o=") && !text.starts_with("/O=") {
            reading.text(Place::MailHeader, &text)?;
            said.push(text);
        }
    }
    Ok(())
}

/// The protection that a message's class tells ([MS-OXOSMIME] 2.1); what is sealed is the attachment `sealed`.
pub(super) fn protection(class: &str, sealed: &[u8]) -> Option<Protection> {
    /// signedData, enveloped and authenticated-enveloped data as DER has them (RFC 5652 §5, §6, RFC 5083 §2).
    const SIGNED: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
    const ENVELOPED: [&[u8]; 2] =
        [b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03", b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17"];
    let class = class.to_ascii_lowercase();
    let head = up_to(sealed, 0, 64);
    let has = |oid: &[u8]| memchr::memmem::find(head, oid).is_some();
    if class.contains("smime.multipartsigned") {
        Some(Protection::Signed)
    } else if class.contains(".smime") {
        if ENVELOPED.iter().any(|oid| has(oid)) {
            return Some(Protection::Encrypted);
        }
        has(SIGNED).then_some(Protection::Signed)
    } else {
        class.contains("rpmsg").then_some(Protection::Encrypted)
    }
}

fn say_the_same(one: &str, other: &str) -> bool {
    one.split_whitespace().eq(other.split_whitespace())
}

/// What the dictionary of packed RTF begins with ([MS-OXRTFCP] 2.1.2.1).
const DICTIONARY: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \
    \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \
    \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
/// The size of that dictionary.
const RING: usize = 4096;

/// Unpacks RTF ([MS-OXRTFCP] 2.2).
fn rtf_of(packed: &[u8], reading: &mut Reading<'_>) -> Result<Vec<u8>, Stop> {
    const PACKED: u32 = 0x7546_5a4c;
    const PLAIN: u32 = 0x414c_454d;
    let raw = size_at(packed, 4).ok_or(Stop(Gap::Damaged))?;
    let body = packed.get(16..).unwrap_or_default();
    match u32_at(packed, 8) {
        Some(PLAIN) => return Ok(up_to(body, 0, raw).to_vec()),
        Some(PACKED) => {}
        _ => return Err(Stop(Gap::Damaged)),
    }
    let mut ring = DICTIONARY.to_vec();
    let mut write = ring.len();
    ring.resize(RING, b' ');
    let mut out = Vec::new();
    let mut at = 0;
    let mut put = |byte: u8, out: &mut Vec<u8>, ring: &mut Vec<u8>| {
        out.push(byte);
        if let Some(slot) = ring.get_mut(write) {
            *slot = byte;
        }
        write = (write + 1) % RING;
        write
    };
    let mut end = DICTIONARY.len();
    'runs: while let Some(control) = u8_at(body, at) {
        at += 1;
        for bit in 0..8 {
            if control >> bit & 1 == 0 {
                let Some(byte) = u8_at(body, at) else { break 'runs };
                at += 1;
                end = put(byte, &mut out, &mut ring);
                continue;
            }
            let (Some(high), Some(low)) = (u8_at(body, at), u8_at(body, at + 1)) else { break 'runs };
            at += 2;
            let reference = usize::from(high) << 8 | usize::from(low);
            let (from, length) = (reference >> 4, (reference & 0xf) + 2);
            if from == end {
                break 'runs;
            }
            for index in 0..length {
                let byte = ring.get((from + index) % RING).copied().unwrap_or(b' ');
                end = put(byte, &mut out, &mut ring);
            }
        }
    }
    reading.spend(out.len() as u64)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    #[test]
    fn the_examples_of_packed_rtf_unpack() {
        // [MS-OXRTFCP] 4.1.1 and 4.2.
        let simple = b"\x2d\0\0\0\x2b\0\0\0LZFu\xf1\xc5\xc7\xa7\x03\0\x0a\0rcpg125B2\x0a\xf3 hel\x09\0 bw\x05\xb0ld}\x0a\x80\x0f\xa0";
        let crossing = b"\x1a\0\0\0\x1c\0\0\0LZFu\xe2\xd4KQA\0\x04 WXYZ\x0dn}\x01\x0e\xb0";
        let limits = Limits::default();
        let mut reading = Reading::new(&limits, &|| false);
        assert_eq!(DICTIONARY.len(), 207);
        let unpacked = rtf_of(simple, &mut reading).unwrap();
        assert_eq!(String::from_utf8_lossy(&unpacked), "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
        let unpacked = rtf_of(crossing, &mut reading).unwrap();
        assert_eq!(String::from_utf8_lossy(&unpacked), "{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}");
    }
}
