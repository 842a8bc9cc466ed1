//! Excel 5 to 2003 ([MS-XLS]): cells, comments, sheets' names. Reads records one after the other; never computes a formula.

use std::collections::HashMap;

use super::biff::{Records, Strings, Version, record};
use super::compound::Compound;
use super::xls_crypto::{self, Unlocked};
use crate::extract::document::Place;
use crate::extract::document::bytes::{f64_at, size_at, u8_at, u16_at, u32_at, utf16};
use crate::extract::document::numbers::{NumberFormat, rk};
use crate::extract::document::ooxml::margin_text;
use crate::extract::document::reading::{Outcome, Reading, Stop};
use crate::verdict::{Fact, Gap, Protection};

/// Reads the workbook in a storage.
pub(super) fn read(file: &Compound<'_>, storage: usize, reading: &mut Reading<'_>) -> Outcome {
    let stream = match file.named(storage, "Workbook", reading)? {
        Some(stream) => stream,
        None => file.named(storage, "Book", reading)?.unwrap_or_default(),
    };
    match xls_crypto::unlock(&stream, reading) {
        Unlocked::Plain => workbook(&stream, reading),
        Unlocked::ByDefault { stream, is_weak } => {
            reading.fact(Fact::DefaultPassword);
            if is_weak {
                reading.fact(Fact::WeakEncryption);
            }
            workbook(&stream, reading)
        }
        Unlocked::ByMessage { stream, is_weak } => {
            if is_weak {
                reading.fact(Fact::WeakEncryption);
            }
            reading.opened(Protection::Encrypted);
            workbook(&stream, reading)
        }
        Unlocked::No { is_weak } => {
            if is_weak {
                reading.fact(Fact::WeakEncryption);
            }
            reading.protection(Protection::Encrypted);
            Ok(())
        }
    }
}

fn workbook(stream: &[u8], reading: &mut Reading<'_>) -> Outcome {
    let mut workbook = Workbook::default();
    let mut records = Records::new(stream);
    let mut seen = 0_u32;
    while let Some(next) = records.next() {
        seen = seen.wrapping_add(1);
        if seen.is_multiple_of(4096) {
            reading.may_go_on()?;
        }
        workbook.take(next.kind, next.at, next.bytes, &mut records, reading)?;
    }
    if records.is_cut { Err(Stop(Gap::Damaged)) } else { Ok(()) }
}

/// What the object whose text comes next is.
const NOTE: u16 = 0x19;

/// A workbook as far as it was read.
#[derive(Default)]
struct Workbook {
    version: Version,
    code_page: u16,
    is_1904: bool,
    strings: Vec<String>,
    formats: HashMap<u16, NumberFormat>,
    /// The format of each style of cells.
    styles: Vec<NumberFormat>,
    /// For each sheet where in the stream it begins, and its number for places.
    sheets: HashMap<u32, u32>,
    /// The sheet that the records are of.
    sheet: Option<u32>,
    /// How deep in substreams the records are: charts lie within sheets.
    depth: u32,
    /// The last object's type.
    object: u16,
    /// The cell whose formula's text comes next.
    formula: Option<Place>,
}

impl Workbook {
    fn take(
        &mut self,
        kind: u16,
        at: u32,
        bytes: &[u8],
        records: &mut Records<'_>,
        reading: &mut Reading<'_>,
    ) -> Outcome {
        match kind {
            record::BOF => self.begin(at, bytes, reading),
            record::EOF => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    self.sheet = None;
                }
            }
            record::CODE_PAGE => self.code_page = u16_at(bytes, 0).unwrap_or(1252),
            record::DATE_MODE => self.is_1904 = u16_at(bytes, 0) == Some(1),
            record::BOUND_SHEET => return self.bound_sheet(bytes, reading),
            record::SST => self.strings = self.shared(bytes, records, reading)?,
            record::FORMAT => self.format(bytes),
            record::XF => {
                let number = u16_at(bytes, 2).unwrap_or(0);
                let known = self.formats.get(&number).cloned();
                self.styles.push(known.unwrap_or_else(|| NumberFormat::built_in(u32::from(number))));
            }
            record::NAME => return self.name(bytes, reading),
            _ if self.sheet.is_some() => return self.take_of_sheet(kind, bytes, records, reading),
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, at: u32, bytes: &[u8], reading: &mut Reading<'_>) {
        self.depth = self.depth.saturating_add(1);
        if u16_at(bytes, 0).is_some_and(|version| version < 0x0600) {
            self.version = Version::Biff5;
        }
        const GLOBALS: u16 = 0x0005;
        if self.depth == 1 && u16_at(bytes, 2) != Some(GLOBALS) {
            // A sheet that no name was given for: damaged, or the single sheet of a very old file.
            let number = self.sheets.get(&at).copied();
            self.sheet = Some(number.unwrap_or_else(|| reading.sheet("")));
        }
    }

    fn bound_sheet(&mut self, bytes: &[u8], reading: &mut Reading<'_>) -> Outcome {
        let Some(start) = u32_at(bytes, 0) else { return Ok(()) };
        let name = self.text(bytes, 6, Length::Byte);
        let number = reading.sheet(&name);
        self.sheets.insert(start, number);
        if u8_at(bytes, 4).is_some_and(|state| state & 3 != 0) {
            reading.fact(Fact::HiddenContent);
        }
        reading.text(Place::Sheet(number), &name)
    }

    fn shared(
        &self,
        bytes: &[u8],
        records: &mut Records<'_>,
        reading: &mut Reading<'_>,
    ) -> Result<Vec<String>, Stop> {
        let mut segments = vec![bytes];
        while let Some(more) = records.continued() {
            segments.push(more);
        }
        let mut strings = Strings::new(&segments, 8);
        let mut found = Vec::new();
        for index in 0..size_at(bytes, 4).unwrap_or(0) {
            if index.is_multiple_of(4096) {
                reading.may_go_on()?;
            }
            let Some(string) = strings.rich() else {
                reading.gap(Gap::Damaged);
                break;
            };
            found.push(string);
        }
        Ok(found)
    }

    fn format(&mut self, bytes: &[u8]) {
        let length = if self.version == Version::Biff5 { Length::Byte } else { Length::Word };
        if let Some(number) = u16_at(bytes, 0) {
            self.formats.insert(number, NumberFormat::of_code(&self.text(bytes, 2, length)));
        }
    }

    /// A defined name, and nothing of what it stands for ([MS-XLS] 2.4.150).
    fn name(&self, bytes: &[u8], reading: &mut Reading<'_>) -> Outcome {
        const BUILT_IN: u16 = 0x0020;
        if u16_at(bytes, 0).is_some_and(|flags| flags & BUILT_IN != 0) {
            return Ok(());
        }
        let Some(count) = u8_at(bytes, 3).map(usize::from) else { return Ok(()) };
        let name = Strings::new(&[bytes], 14).letters(count, self.version, self.code_page);
        reading.text(Place::Properties, &name.unwrap_or_default())
    }

    fn take_of_sheet(
        &mut self,
        kind: u16,
        bytes: &[u8],
        records: &mut Records<'_>,
        reading: &mut Reading<'_>,
    ) -> Outcome {
        let place = self.cell(bytes, 0);
        match kind {
            record::LABEL_SST => {
                let string = size_at(bytes, 6).and_then(|index| self.strings.get(index));
                reading.text(place, string.map(String::as_str).unwrap_or_default())?;
            }
            record::LABEL | record::RSTRING => {
                reading.text(place, &self.text(bytes, 6, Length::Word))?;
            }
            record::NUMBER => {
                let number = f64_at(bytes, 6).unwrap_or(0.0);
                reading.text(place, &self.shown(u16_at(bytes, 4), number))?;
            }
            record::RK => {
                let number = u32_at(bytes, 6).map_or(0.0, rk);
                reading.text(place, &self.shown(u16_at(bytes, 4), number))?;
            }
            record::MUL_RK => {
                for index in 0..bytes.len().saturating_sub(6) / 6 {
                    let at = 4 + 6 * index;
                    let number = u32_at(bytes, at + 2).map_or(0.0, rk);
                    let place = self.cell(bytes, u32::try_from(index).unwrap_or(0));
                    reading.text(place, &self.shown(u16_at(bytes, at), number))?;
                }
            }
            record::FORMULA => return self.formula(place, bytes, reading),
            record::STRING => {
                if let Some(place) = self.formula.take() {
                    reading.text(place, &self.text(bytes, 0, Length::Word))?;
                }
            }
            record::ROW if u16_at(bytes, 12).is_some_and(|flags| flags & 0x20 != 0) => {
                reading.fact(Fact::HiddenContent);
            }
            record::COLUMNS if u16_at(bytes, 8).is_some_and(|flags| flags & 1 != 0) => {
                reading.fact(Fact::HiddenContent);
            }
            record::HEADER | record::FOOTER => {
                let length = if self.version == Version::Biff5 { Length::Byte } else { Length::Word };
                let shown = margin_text(&self.text(bytes, 0, length));
                reading.text(Place::Margin, &shown)?;
            }
            record::OBJECT => self.object = u16_at(bytes, 4).unwrap_or(0),
            record::TEXT_OBJECT => return self.text_object(bytes, records, reading),
            record::NOTE if self.version == Version::Biff8 => {
                reading.fact(Fact::Comments);
                reading.text(Place::Comment, &self.text(bytes, 8, Length::Word))?;
            }
            record::NOTE => {
                reading.fact(Fact::Comments);
                let comment = self.text(bytes, 4, Length::Word);
                reading.text(Place::Comment, &comment)?;
            }
            record::SERIES_TEXT => {
                let text = self.text(bytes, 2, Length::Byte);
                reading.text(Place::Sheet(self.sheet.unwrap_or(0)), &text)?;
            }
            record::LINK => {
                if let Some(target) = link(bytes) {
                    reading.text(Place::Properties, &target)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A formula's cached result ([MS-XLS] 2.5.133): a number, or text that follows in a record of its own.
    fn formula(&mut self, place: Place, bytes: &[u8], reading: &mut Reading<'_>) -> Outcome {
        if u16_at(bytes, 12) != Some(0xffff) {
            let number = f64_at(bytes, 6).unwrap_or(0.0);
            return reading.text(place, &self.shown(u16_at(bytes, 4), number));
        }
        if u8_at(bytes, 6) == Some(0) {
            self.formula = Some(place);
        }
        Ok(())
    }

    /// The text of a comment or a drawing: it follows in the next record ([MS-XLS] 2.4.329).
    fn text_object(&self, bytes: &[u8], records: &mut Records<'_>, reading: &mut Reading<'_>) -> Outcome {
        let count = u16_at(bytes, 10).map_or(0, usize::from);
        let mut segments = Vec::new();
        while let Some(more) = records.continued() {
            segments.push(more);
        }
        if count == 0 {
            return Ok(());
        }
        let text = Strings::new(&segments, 0).letters(count, self.version, self.code_page);
        let place = if self.object == NOTE { Place::Comment } else { Place::Sheet(self.sheet.unwrap_or(0)) };
        reading.text(place, &text.unwrap_or_default())
    }

    /// The cell that a record begins with, `further` columns to the right.
    fn cell(&self, bytes: &[u8], further: u32) -> Place {
        Place::Cell {
            sheet: self.sheet.unwrap_or(0),
            row: u16_at(bytes, 0).map_or(0, u32::from),
            column: u16_at(bytes, 2).map_or(0, u32::from).saturating_add(further),
        }
    }

    fn shown(&self, style: Option<u16>, number: f64) -> String {
        let format = style.and_then(|style| self.styles.get(usize::from(style)));
        format.unwrap_or(&NumberFormat::General).show(number, self.is_1904)
    }

    /// The string there, its length before it.
    fn text(&self, bytes: &[u8], at: usize, length: Length) -> String {
        let (count, at) = match length {
            Length::Byte => (u8_at(bytes, at).map(usize::from), at + 1),
            Length::Word => (u16_at(bytes, at).map(usize::from), at + 2),
        };
        let count = count.unwrap_or(0);
        Strings::new(&[bytes], at).letters(count, self.version, self.code_page).unwrap_or_default()
    }
}

/// How wide the length before a string is.
#[derive(Clone, Copy)]
enum Length {
    Byte,
    Word,
}

/// Where a link leads: the strings in UTF-16 that its record holds ([MS-OSHARED] 2.3.7.1), addresses among them.
fn link(bytes: &[u8]) -> Option<String> {
    let text = utf16(bytes.get(32..)?);
    let odd = utf16(bytes.get(33..)?);
    [text, odd].into_iter().find_map(|text| {
        let at = ["http://", "https://", "mailto:"].iter().find_map(|scheme| text.find(scheme))?;
        Some(text.get(at..)?.chars().take_while(|letter| *letter > ' ').collect())
    })
}
