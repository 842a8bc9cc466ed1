//! Outlook's message files ([MS-OXMSG]): a message's properties, recipients and attachments from their storages.

use super::compound::Compound;
use crate::extract::document::bytes::{u16_at, u32_at};
use crate::extract::document::mapi::{self, Properties, property};
use crate::extract::document::reading::{Outcome, Reading, Stop};
use crate::verdict::{Kind, Protection};

/// What the names of streams of properties begin with; the property's number and type follow in hexadecimal.
const STREAM: &str = "__substg1.0_";
const FIXED: &str = "__properties_version1.0";
/// A property whose value is a storage: a message, or an object of another program.
const ATTACHED_STORAGE: &str = "__substg1.0_3701000D";

/// Reads the message in a storage: the root of a file, or a message attached to another.
pub(super) fn read(file: &Compound<'_>, storage: usize, reading: &mut Reading<'_>) -> Outcome {
    let message = properties(file, storage, None, reading)?;
    mapi::message(&message, reading)?;
    let class = message.text(property::MESSAGE_CLASS);
    if let Some(protection) = mapi::protection(&class, &[]) {
        reading.protection(protection);
    }
    let page = message.number(property::MESSAGE_CODE_PAGE).and_then(|page| u16::try_from(page).ok());
    for number in file.children(storage) {
        let name = file.entry(number).map(|entry| entry.name.as_str()).unwrap_or_default();
        if name.starts_with("__recip_version1.0_") {
            mapi::recipient(&properties(file, number, page, reading)?, reading)?;
        } else if name.starts_with("__attach_version1.0_") {
            attachment(file, number, page, &class, reading)?;
        }
    }
    Ok(())
}

fn attachment(
    file: &Compound<'_>,
    storage: usize,
    page: Option<u16>,
    class: &str,
    reading: &mut Reading<'_>,
) -> Outcome {
    let attachment = properties(file, storage, page, reading)?;
    let name = attachment.file_name();
    if let Some(inner) = file.child(storage, ATTACHED_STORAGE) {
        let name = name.unwrap_or_else(|| "attachment".to_owned());
        let is_message = file.child(inner, FIXED).is_some();
        let kind = if is_message { Kind::Msg } else { Kind::Office };
        return reading.within(&name, kind, 0, &mut |reading| super::storage(file, inner, reading));
    }
    match attachment.bytes(property::ATTACH_DATA) {
        Some(bytes) => {
            if let Some(protection) = mapi::protection(class, bytes) {
                reading.protection(protection);
            }
            reading.open(name.as_deref(), bytes)
        }
        // An attachment that is only a reference to a file elsewhere.
        None => match name {
            Some(name) => reading.entry(Some(&name), Kind::Unknown, Protection::Unknown, 0),
            None => Ok(()),
        },
    }
}

/// The properties of a message, recipient or attachment: those of fixed length in one stream, others in one each.
fn properties(
    file: &Compound<'_>,
    storage: usize,
    page: Option<u16>,
    reading: &mut Reading<'_>,
) -> Result<Properties, Stop> {
    let mut properties = Properties::in_page(page);
    let fixed = file.named(storage, FIXED, reading)?.unwrap_or_default();
    // Entries of 16 bytes each follow a header of 8, 24 or 32 bytes ([MS-OXMSG] 2.4.1): what is left over tells.
    let header = if fixed.len() % 16 == 8 { 8 } else { 0 };
    for at in (header..fixed.len()).step_by(16) {
        let (Some(kind), Some(id), Some(value)) =
            (u16_at(&fixed, at), u16_at(&fixed, at + 2), u32_at(&fixed, at + 8))
        else {
            break;
        };
        if kind == 3 {
            properties.insert(id, kind, value.to_le_bytes().to_vec());
        }
    }
    for number in file.children(storage) {
        let Some(entry) = file.entry(number).filter(|entry| !entry.is_storage) else { continue };
        let Some(tag) = entry.name.strip_prefix(STREAM).and_then(|tag| u32::from_str_radix(tag, 16).ok())
        else {
            continue;
        };
        let (Ok(id), Ok(kind)) = (u16::try_from(tag >> 16), u16::try_from(tag & 0xffff)) else { continue };
        let bytes = file.stream(number, reading)?;
        properties.insert(id, kind, bytes);
    }
    Ok(properties)
}
