//! PowerPoint 97 to 2003 ([MS-PPT]): the text of slides, notes and masters. Never looks at shapes or pictures.

use std::collections::HashMap;

use flate2::read::ZlibDecoder;
use memchr::memmem;

use super::compound::Compound;
use super::crypto::{self, BlockKeys};
use super::lock_of;
use crate::extract::document::Place;
use crate::extract::document::bytes::{size_at, u16_at, u32_at, up_to, utf16};
use crate::extract::document::reading::{Outcome, Reading, Stop};
use crate::verdict::{Fact, Gap, Protection};

/// The types of records that matter here ([MS-PPT] 2.13.24).
mod record {
    pub const SLIDE: u16 = 0x03ee;
    pub const NOTES: u16 = 0x03f0;
    pub const NOTES_ATOM: u16 = 0x03f1;
    pub const SLIDE_PERSIST: u16 = 0x03f3;
    pub const MASTER: u16 = 0x03f8;
    pub const MACROS: u16 = 0x0400;
    pub const SLIDE_SHOW: u16 = 0x03f9;
    pub const CHARACTERS: u16 = 0x0fa0;
    pub const BYTES: u16 = 0x0fa8;
    pub const STRING: u16 = 0x0fba;
    pub const PLACEHOLDER: u16 = 0x0bc3;
    pub const HEADERS: u16 = 0x0fd9;
    pub const SLIDE_LIST: u16 = 0x0ff0;
    pub const OBJECT: u16 = 0x1011;
    pub const TAGS: u16 = 0x138b;
    pub const DIRECTORY: u16 = 0x1772;
    pub const COMMENT: u16 = 0x2ee0;
    pub const SHAPE: u16 = 0xf004;
}

/// What stands in the atom of the current user where the presentation is encrypted ([MS-PPT] 2.3.2).
const ENCRYPTED: u32 = 0xF3D1_C4DF;

/// Reads the presentation in a storage.
pub(super) fn read(file: &Compound<'_>, storage: usize, reading: &mut Reading<'_>) -> Outcome {
    let user = file.named(storage, "Current User", reading)?.unwrap_or_default();
    let stream = file.named(storage, "PowerPoint Document", reading)?.unwrap_or_default();
    if u32_at(&user, 12) == Some(ENCRYPTED) {
        // The container of the encryption's header is in clear ([MS-PPT] 2.3.7).
        let header = memmem::find(&stream, b"\x0f\x00\x14\x2f").and_then(|at| stream.get(at + 8..));
        if header.is_some_and(crypto::is_weak) {
            reading.fact(Fact::WeakEncryption);
        }
        if let Some(header) = header {
            reading.lock(lock_of(header));
        }
        // It is not decrypted; whether a password of the message would do it is told.
        reading.try_passwords(1, |password, _| BlockKeys::by(header?, password));
        reading.protection(Protection::Encrypted);
        return Ok(());
    }
    let slides = Slides::of(&stream);
    Texts { slides: &slides, places: Vec::new(), is_placeholder: false, objects: 0 }.read(&stream, reading)
}

/// A record: where it begins, its type and instance, whether records are in it, and its bytes.
struct Record<'s> {
    at: usize,
    kind: u16,
    instance: u16,
    is_container: bool,
    bytes: &'s [u8],
}

/// All records of a stream, those in containers after their containers.
fn records(stream: &[u8]) -> impl Iterator<Item = Record<'_>> {
    let mut next = 0;
    std::iter::from_fn(move || {
        let at = next;
        let head = u16_at(stream, at)?;
        let length = size_at(stream, at + 4)?;
        let kind = u16_at(stream, at + 2)?;
        // What later versions added is in records within tags.
        let is_container = head & 0xf == 0xf || kind == record::TAGS;
        next = if is_container { at + 8 } else { at.checked_add(8)?.checked_add(length)? };
        let bytes = up_to(stream, at + 8, length);
        Some(Record { at, kind, instance: head >> 4, is_container, bytes })
    })
}

/// Which slide is the how manieth.
#[derive(Default)]
struct Slides {
    /// By where in the stream its record begins.
    by_offset: HashMap<usize, u32>,
    /// By its id, which notes refer to.
    by_id: HashMap<u32, u32>,
    /// By the id of its record, which lists of texts refer to.
    by_record: HashMap<u32, u32>,
}

impl Slides {
    fn of(stream: &[u8]) -> Self {
        let mut slides = Self::default();
        let mut offsets: HashMap<u32, usize> = HashMap::new();
        let mut is_list_of_slides = false;
        for record in records(stream) {
            match record.kind {
                // Instance 0 is the list of slides; 1 is that of masters, 2 that of notes.
                record::SLIDE_LIST => is_list_of_slides = record.instance == 0,
                record::SLIDE_PERSIST if is_list_of_slides => {
                    let (Some(own), Some(id)) = (u32_at(record.bytes, 0), u32_at(record.bytes, 12)) else {
                        continue;
                    };
                    let number = u32::try_from(slides.by_record.len()).unwrap_or(u32::MAX).saturating_add(1);
                    let number = *slides.by_record.entry(own).or_insert(number);
                    slides.by_id.insert(id, number);
                }
                record::DIRECTORY => directory(record.bytes, &mut offsets),
                _ => {}
            }
        }
        let by_offset = slides.by_record.iter();
        let by_offset = by_offset.filter_map(|(own, number)| Some((*offsets.get(own)?, *number))).collect();
        slides.by_offset = by_offset;
        slides
    }
}

/// Where records begin, by their ids ([MS-PPT] 2.3.5).
fn directory(bytes: &[u8], offsets: &mut HashMap<u32, usize>) {
    let mut at = 0;
    while let Some(head) = u32_at(bytes, at) {
        at += 4;
        for index in 0..head >> 20 {
            let Some(offset) = size_at(bytes, at) else { return };
            offsets.insert((head & 0xf_ffff).saturating_add(index), offset);
            at += 4;
        }
    }
}

/// The texts of a stream, on the way through it.
struct Texts<'s> {
    slides: &'s Slides,
    /// The containers that the record is in: where each ends, and the place of its text.
    places: Vec<(usize, Place)>,
    /// Whether the shape is a placeholder: on masters its text is "Click to edit".
    is_placeholder: bool,
    objects: u32,
}

impl Texts<'_> {
    fn read(&mut self, stream: &[u8], reading: &mut Reading<'_>) -> Outcome {
        let mut seen = 0_u32;
        for record in records(stream) {
            seen = seen.wrapping_add(1);
            if seen.is_multiple_of(4096) {
                reading.may_go_on()?;
            }
            while self.places.last().is_some_and(|(end, _)| record.at >= *end) {
                self.places.pop();
            }
            if record.is_container {
                self.enter(&record, reading);
            } else {
                self.atom(&record, reading)?;
            }
        }
        Ok(())
    }

    fn enter(&mut self, record: &Record<'_>, reading: &mut Reading<'_>) {
        let outer = self.places.last().map_or(Place::Body, |(_, place)| *place);
        let place = match record.kind {
            record::SLIDE => {
                self.slides.by_offset.get(&record.at).map_or(Place::Body, |number| Place::Slide(*number))
            }
            record::NOTES => Place::Margin,
            record::SHAPE => {
                self.is_placeholder = false;
                outer
            }
            record::MASTER | record::HEADERS => Place::Margin,
            record::COMMENT => {
                reading.fact(Fact::Comments);
                Place::Comment
            }
            _ => outer,
        };
        self.places.push((record.at.saturating_add(8).saturating_add(record.bytes.len()), place));
    }

    fn atom(&mut self, record: &Record<'_>, reading: &mut Reading<'_>) -> Outcome {
        let place = self.places.last().map_or(Place::Body, |(_, place)| *place);
        match record.kind {
            record::PLACEHOLDER => self.is_placeholder = true,
            record::CHARACTERS | record::BYTES if place == Place::Margin && self.is_placeholder => {}
            record::CHARACTERS => reading.text(place, &shown(&utf16(record.bytes)))?,
            record::BYTES => {
                let text: String = record.bytes.iter().map(|&byte| char::from(byte)).collect();
                reading.text(place, &shown(&text))?;
            }
            // Other strings are names of fonts, tags and programs.
            record::STRING if matches!(place, Place::Comment | Place::Margin) => {
                reading.text(place, &shown(&utf16(record.bytes)))?;
            }
            record::SLIDE_PERSIST => {
                let number = u32_at(record.bytes, 0).and_then(|own| self.slides.by_record.get(&own));
                self.replace(number.map_or(Place::Body, |number| Place::Slide(*number)));
            }
            record::NOTES_ATOM => {
                let number = u32_at(record.bytes, 0).and_then(|id| self.slides.by_id.get(&id));
                // What belongs to no slide is the master of notes.
                self.replace(number.map_or(Place::Margin, |number| Place::SlideNotes(*number)));
            }
            // Which slides are hidden is among what is said of their show ([MS-PPT] 2.4.6.1).
            record::SLIDE_SHOW if u16_at(record.bytes, 10).is_some_and(|flags| flags & 0x4 != 0) => {
                reading.fact(Fact::HiddenContent);
            }
            record::MACROS if u32_at(record.bytes, 4).is_some_and(|has| has != 0) => {
                reading.fact(Fact::Macros)
            }
            record::OBJECT => self.object(record, reading)?,
            _ => {}
        }
        Ok(())
    }

    fn replace(&mut self, place: Place) {
        if let Some(last) = self.places.last_mut() {
            last.1 = place;
        }
    }

    /// An embedded document: a compound file, packed where the instance is 1 ([MS-PPT] 2.10.34).
    fn object(&mut self, record: &Record<'_>, reading: &mut Reading<'_>) -> Outcome {
        self.objects = self.objects.saturating_add(1);
        let name = format!("object {}", self.objects);
        if record.instance == 0 {
            return reading.open(Some(&name), record.bytes);
        }
        let packed = record.bytes.get(4..).unwrap_or_default();
        match reading.unpack(&mut ZlibDecoder::new(packed), packed.len() as u64) {
            Ok(bytes) => reading.open(Some(&name), &bytes),
            Err(Stop(Gap::Damaged)) => {
                reading.gap(Gap::Damaged);
                Ok(())
            }
            Err(stop) => Err(stop),
        }
    }
}

/// Text with its line breaks: paragraphs end in a carriage return, lines in a vertical tab. An asterisk alone stands
/// for a number or a date.
fn shown(text: &str) -> String {
    if text == "*" { String::new() } else { text.replace('\u{b}', "\n") }
}
