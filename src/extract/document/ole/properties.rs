//! The properties of a document ([MS-OLEPS]): title, author, keywords and their like. Never dates or counts.

use super::compound::Compound;
use crate::extract::document::Place;
use crate::extract::document::bytes::{size_at, slice_at, u16_at, u32_at, up_to, utf16};
use crate::extract::document::reading::{Outcome, Reading};
use crate::message::charset;

/// The streams of properties; custom ones are in the second set of the second stream.
const STREAMS: [&str; 2] = ["\u{5}SummaryInformation", "\u{5}DocumentSummaryInformation"];
/// The most properties of one set that are read.
const MOST: usize = 1_000;
/// The type of a string in a code page, and of one in UTF-16 ([MS-OLEPS] 2.2).
const STRING: u16 = 0x1e;
const WIDE_STRING: u16 = 0x1f;
/// Of the first set the template, the revision and the program; of the second the format of slides, the version
/// ([MS-OLEPS] 2.25.1, [MS-OSHARED] 2.3.3.2.2.1).
const DULL: [&[u32]; 2] = [&[7, 9, 18], &[3, 29]];

/// Reads the properties of the document in a storage.
pub(super) fn read(file: &Compound<'_>, storage: usize, reading: &mut Reading<'_>) -> Outcome {
    for (name, dull) in STREAMS.into_iter().zip(DULL) {
        let Some(stream) = file.named(storage, name, reading)? else { continue };
        let sets = size_at(&stream, 24).unwrap_or(0).min(2);
        for set in 0..sets {
            let Some(at) = size_at(&stream, 28 + 20 * set + 16) else { break };
            // What organisations add is in a set of its own, whose numbers mean nothing.
            let dull = if set == 0 { dull } else { &[] };
            for value in strings(stream.get(at..).unwrap_or_default(), dull) {
                reading.text(Place::Properties, &value)?;
            }
        }
    }
    Ok(())
}

/// The strings of a set of properties.
fn strings(set: &[u8], dull: &[u32]) -> Vec<String> {
    let count = size_at(set, 4).unwrap_or(0).min(MOST);
    let properties =
        (0..count).filter_map(|index| Some((u32_at(set, 8 + 8 * index)?, size_at(set, 12 + 8 * index)?)));
    let properties: Vec<(u32, usize)> = properties.collect();
    let page = properties.iter().find(|(id, _)| *id == 1).and_then(|(_, at)| u16_at(set, at.checked_add(4)?));
    let wanted = properties.iter().filter(|(id, _)| *id > 1 && !dull.contains(id));
    wanted.filter_map(|&(_, at)| string_at(set, at, page.unwrap_or(1252))).collect()
}

fn string_at(set: &[u8], at: usize, page: u16) -> Option<String> {
    let length = size_at(set, at.checked_add(4)?)?;
    let at = at.checked_add(8)?;
    let text = match u16_at(set, at - 8)? {
        WIDE_STRING => utf16(slice_at(set, at, length.checked_mul(2)?)?),
        // 1200 is UTF-16.
        STRING if page == 1200 => utf16(slice_at(set, at, length)?),
        STRING => charset::decode(up_to(set, at, length), Some(&code_page(page))).text.into_owned(),
        _ => return None,
    };
    Some(text.trim_end_matches('\0').to_owned())
}

/// The label of a code page's character set.
pub(in crate::extract::document) fn code_page(page: u16) -> String {
    match page {
        65001 => "utf-8".to_owned(),
        10000 => "macintosh".to_owned(),
        932 => "shift_jis".to_owned(),
        936 => "gbk".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        20127 => "us-ascii".to_owned(),
        437 | 850 | 852 | 855 | 857 | 858 | 860..=866 => format!("ibm{page}"),
        28591..=28606 => format!("iso-8859-{}", page - 28590),
        874 | 1250..=1258 => format!("windows-{page}"),
        _ => "windows-1252".to_owned(),
    }
}
