//! Outlook's `winmail.dat` ([MS-OXTNEF]): a message's properties, and its attachments. Never trusts a checksum.

use super::Place;
use super::bytes::{size_at, slice_at, u16_at, u32_at, up_to};
use super::mapi::{self, Properties, property};
use super::ole::code_page;
use super::reading::{Outcome, Reading, Stop};
use crate::message::charset;
use crate::verdict::Gap;

/// The attributes that matter here ([MS-OXTNEF] 2.1.3.3).
mod attribute {
    pub const FROM: u16 = 0x8000;
    pub const SUBJECT: u16 = 0x8004;
    pub const CLASS: u16 = 0x8008;
    pub const BODY: u16 = 0x800c;
    pub const ATTACHED: u16 = 0x800f;
    pub const TITLE: u16 = 0x8010;
    pub const NEW_ATTACHMENT: u16 = 0x9002;
    pub const PROPERTIES: u16 = 0x9003;
    pub const RECIPIENTS: u16 = 0x9004;
    pub const ATTACHED_PROPERTIES: u16 = 0x9005;
    pub const CODE_PAGE: u16 = 0x9007;
}

/// The type of a property that is an object: an interface's number is before its bytes.
const OBJECT: u16 = 0x000d;
/// The flag of a type that there are several values ([MS-OXCDATA] 2.11.1).
const SEVERAL: u16 = 0x1000;

/// Reads a file.
pub(super) fn read(bytes: &[u8], reading: &mut Reading<'_>) -> Outcome {
    let mut file = Tnef::default();
    // A signature and a key are first ([MS-OXTNEF] 2.1.3.1).
    let mut at = 6;
    while let Some((level_and_id, length)) = u32_at(bytes, at + 1).zip(size_at(bytes, at + 5)) {
        reading.may_go_on()?;
        let data = up_to(bytes, at + 9, length);
        // The number of an attribute is in the lower half.
        let id = u16::try_from(level_and_id & 0xffff).unwrap_or(0);
        file.take(id, data, reading)?;
        if data.len() < length {
            reading.gap(Gap::Damaged);
            break;
        }
        at = at.saturating_add(11).saturating_add(length);
    }
    // Some programs fill up behind the last attribute.
    if !up_to(bytes, at, usize::MAX).iter().all(|byte| matches!(byte, 0 | b' ' | b'\r' | b'\n')) {
        reading.gap(Gap::Damaged);
    }
    file.end_attachment(reading)?;
    file.end_message(reading)
}

#[derive(Default)]
struct Tnef {
    page: Option<u16>,
    message: Properties,
    /// Whether the message's own attributes were told.
    is_told: bool,
    attachment: Option<Attachment>,
}

#[derive(Default)]
struct Attachment {
    title: String,
    data: Vec<u8>,
    properties: Properties,
}

impl Tnef {
    fn take(&mut self, id: u16, data: &[u8], reading: &mut Reading<'_>) -> Outcome {
        const NARROW: u16 = 0x001e;
        match id {
            attribute::CODE_PAGE => {
                self.page =
                    u32_at(data, 0).and_then(|page| u16::try_from(page).ok()).filter(|&page| page != 0);
                // It comes before what is in it.
                self.message = Properties::in_page(self.page);
            }
            attribute::SUBJECT => self.message.insert(property::SUBJECT, NARROW, data.to_vec()),
            attribute::BODY => self.message.insert(property::BODY, NARROW, data.to_vec()),
            attribute::CLASS => self.message.insert(property::MESSAGE_CLASS, NARROW, data.to_vec()),
            // A structure with the lengths of name and address ([MS-OXTNEF] 2.1.3.3.3).
            attribute::FROM => {
                let name = slice_at(data, 8, u16_at(data, 4).map_or(0, usize::from)).unwrap_or_default();
                reading.text(Place::MailHeader, &self.narrow(name))?;
            }
            attribute::PROPERTIES => {
                let mut at = 0;
                properties(data, &mut at, &mut self.message, reading);
            }
            attribute::RECIPIENTS => {
                let mut at = 4;
                for _ in 0..size_at(data, 0).unwrap_or(0) {
                    let mut recipient = Properties::in_page(self.page);
                    if !properties(data, &mut at, &mut recipient, reading) {
                        break;
                    }
                    mapi::recipient(&recipient, reading)?;
                }
            }
            attribute::NEW_ATTACHMENT => {
                self.end_message(reading)?;
                self.end_attachment(reading)?;
                let properties = Properties::in_page(self.page);
                self.attachment = Some(Attachment { properties, ..Attachment::default() });
            }
            attribute::TITLE => {
                let title = self.narrow(data);
                self.attachment().title = title;
            }
            attribute::ATTACHED => {
                reading.spend(data.len() as u64)?;
                self.attachment().data = data.to_vec();
            }
            attribute::ATTACHED_PROPERTIES => {
                let mut at = 0;
                properties(data, &mut at, &mut self.attachment().properties, reading);
            }
            _ => {}
        }
        Ok(())
    }

    fn attachment(&mut self) -> &mut Attachment {
        self.attachment.get_or_insert_default()
    }

    fn narrow(&self, bytes: &[u8]) -> String {
        let label = self.page.map(code_page);
        charset::decode(bytes, label.as_deref()).text.trim_end_matches('\0').to_owned()
    }

    /// The message's own texts, before the first attachment or at the end.
    fn end_message(&mut self, reading: &mut Reading<'_>) -> Outcome {
        if std::mem::replace(&mut self.is_told, true) {
            return Ok(());
        }
        mapi::message(&self.message, reading)
    }

    fn end_attachment(&mut self, reading: &mut Reading<'_>) -> Outcome {
        let Some(attachment) = self.attachment.take() else { return Ok(()) };
        let class = self.message.text(property::MESSAGE_CLASS);
        let object = attachment.properties.bytes(property::ATTACH_DATA).unwrap_or_default();
        let data = if attachment.data.is_empty() { object } else { &attachment.data };
        if let Some(protection) = mapi::protection(&class, data) {
            reading.protection(protection);
        }
        let title = Some(attachment.title).filter(|title| !title.is_empty());
        let name = attachment.properties.file_name().or(title);
        reading.open(name.as_deref(), data)
    }
}

/// Reads a list of properties ([MS-OXTNEF] 2.1.3.4); whether it was whole.
fn properties(data: &[u8], at: &mut usize, out: &mut Properties, reading: &mut Reading<'_>) -> bool {
    let Some(count) = size_at(data, *at) else { return false };
    *at += 4;
    for _ in 0..count {
        match one_property(data, at, out, reading) {
            Ok(Some(())) => {}
            Ok(None) | Err(_) => return false,
        }
    }
    true
}

fn one_property(
    data: &[u8],
    at: &mut usize,
    out: &mut Properties,
    reading: &mut Reading<'_>,
) -> Result<Option<()>, Stop> {
    let (Some(kind), Some(id)) = (u16_at(data, *at), u16_at(data, *at + 2)) else { return Ok(None) };
    *at += 4;
    if id >= 0x8000 {
        // A name: a number, or a string.
        let (Some(by), Some(length)) = (u32_at(data, *at + 16), size_at(data, *at + 20)) else {
            return Ok(None);
        };
        *at += 24;
        if by == 1 {
            *at = at.saturating_add(padded(length));
        }
    }
    let base = kind & !SEVERAL;
    let fixed = match base {
        0x0002 | 0x0003 | 0x0004 | 0x000a | 0x000b => Some(4),
        0x0005 | 0x0006 | 0x0007 | 0x0014 | 0x0040 => Some(8),
        0x0048 => Some(16),
        0x001e | 0x001f | 0x0102 | OBJECT => None,
        _ => return Ok(None),
    };
    let count = if kind & SEVERAL != 0 || fixed.is_none() {
        let Some(count) = size_at(data, *at) else { return Ok(None) };
        *at += 4;
        count
    } else {
        1
    };
    for _ in 0..count {
        let length = match fixed {
            Some(length) => length,
            None => {
                let Some(length) = size_at(data, *at) else { return Ok(None) };
                *at += 4;
                length
            }
        };
        let Some(value) = slice_at(data, *at, length) else { return Ok(None) };
        *at += padded(length);
        // The interface of an object is before it.
        let value = if base == OBJECT { value.get(16..).unwrap_or_default() } else { value };
        reading.spend(value.len() as u64)?;
        // Names of properties differ from file to file: those that matter here have none.
        if id < 0x8000 {
            out.insert(id, base, value.to_vec());
        }
    }
    Ok(Some(()))
}

fn padded(length: usize) -> usize {
    length.saturating_add(3) & !3
}
