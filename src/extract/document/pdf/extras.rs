//! What a PDF holds besides its pages: properties, forms, notes, files, scripts. Runs none of them.

use std::collections::HashSet;

use hayro_syntax::Pdf;
use hayro_syntax::object::{
    Array, Dict, FromBytes, Name, ObjRef, Object, ObjectIdentifier, Stream, String as PdfString,
};
use memchr::memmem;

use super::super::reading::{Outcome, Reading, Stop};
use super::{Sealed, filter, open, strings};
use crate::verdict::{Gap, Kind, Protection};

/// Nesting of values within one object that is followed.
const DEEPEST: usize = 12;
/// Objects between two looks at the time.
const OBJECTS_A_LOOK: usize = 64;
/// Entries of the information dictionary that say nothing of the document.
const OF_THE_PROGRAM: [&[u8]; 6] =
    [b"CreationDate", b"ModDate", b"Producer", b"Creator", b"Trapped", b"PTEX.Fullbanner"];

/// What was found outside the pages.
#[derive(Default)]
pub(super) struct Found<'p> {
    /// Properties and bookmarks, a line each.
    pub properties: String,
    /// What is filled into forms.
    pub form: String,
    /// The files attached to it.
    pub files: Vec<(String, Stream<'p>)>,
    /// Whether it runs a script or starts a program (ISO 32000-2 §12.6.4).
    pub script: bool,
}

/// Goes through all objects of a document. Links between them are not followed, so no cycle can hold it up.
///
/// # Errors
/// When the caps or the time are over.
pub(super) fn find<'p>(pdf: &'p Pdf, bytes: &[u8], reading: &mut Reading<'_>) -> Result<Found<'p>, Stop> {
    let mut search = Search { found: Found::default(), reading, seen: HashSet::new() };
    search.properties(pdf, bytes)?;
    for (index, object) in pdf.objects().into_iter().enumerate() {
        if index % OBJECTS_A_LOOK == 0 {
            search.reading.may_go_on()?;
        }
        search.value(&object, 0)?;
    }
    Ok(search.found)
}

struct Search<'p, 's, 'r> {
    found: Found<'p>,
    reading: &'s mut Reading<'r>,
    /// Attached files that were found already: two specifications may name one.
    seen: HashSet<ObjectIdentifier>,
}

impl<'p> Search<'p, '_, '_> {
    fn value(&mut self, object: &Object<'p>, depth: usize) -> Outcome {
        if depth > DEEPEST {
            return Ok(());
        }
        match object {
            Object::Array(array) => {
                for item in array.raw_iter() {
                    if let hayro_syntax::object::MaybeRef::NotRef(item) = item {
                        self.value(&item, depth + 1)?;
                    }
                }
                Ok(())
            }
            Object::Dict(dict) => self.dictionary(dict, depth),
            Object::Stream(stream) => self.dictionary(stream.dict(), depth),
            _ => Ok(()),
        }
    }

    fn dictionary(&mut self, dict: &Dict<'p>, depth: usize) -> Outcome {
        self.action(dict)?;
        self.file(dict);
        self.field(dict)?;
        if dict.contains_key(b"XFA") {
            self.xfa(dict)?;
        }
        if dict.contains_key(b"Parent") && (dict.contains_key(b"Dest") || dict.contains_key(b"A")) {
            push_line(dict.get::<PdfString<'_>>(b"Title").as_ref(), &mut self.found.properties);
        }
        for (_, value) in dict.entries() {
            if let hayro_syntax::object::MaybeRef::NotRef(value @ (Object::Dict(_) | Object::Array(_))) =
                value
            {
                self.value(&value, depth + 1)?;
            }
        }
        Ok(())
    }

    /// Scripts and programs that are started.
    fn action(&mut self, dict: &Dict<'_>) -> Outcome {
        let Some(kind) = dict.get::<Name<'_>>(b"S") else { return Ok(()) };
        match kind.as_str() {
            "Launch" => self.found.script = true,
            "JavaScript" | "Rendition" => {
                let script = match dict.get::<Object<'_>>(b"JS") {
                    Some(Object::String(script)) => strings::text(&script),
                    Some(Object::Stream(stream)) => strings::text(&filter::decoded(&stream, self.reading)?),
                    _ => return Ok(()),
                };
                self.found.script |= !is_format_of_field(&script);
            }
            _ => {}
        }
        Ok(())
    }

    /// A file specification with its file (ISO 32000-2 §7.11).
    fn file(&mut self, dict: &Dict<'p>) {
        let Some(file) = dict.get::<Dict<'p>>(b"EF") else { return };
        let stream = [b"UF".as_slice(), b"F", b"DOS", b"Mac", b"Unix"]
            .iter()
            .find_map(|key| file.get::<Stream<'p>>(key));
        let Some(stream) = stream else { return };
        if self.seen.insert(stream.obj_id()) {
            let name =
                [b"UF".as_slice(), b"F", b"Desc"].iter().find_map(|key| dict.get::<PdfString<'_>>(key));
            let name = name.map(|name| strings::text(&name)).unwrap_or_default();
            self.found.files.push((name, stream));
        }
    }

    /// A field of a form: what is filled in, and what the form says of it.
    fn field(&mut self, dict: &Dict<'_>) -> Outcome {
        let is_field = dict.contains_key(b"FT") || (dict.contains_key(b"T") && dict.contains_key(b"V"));
        if !is_field {
            return Ok(());
        }
        push_line(dict.get::<PdfString<'_>>(b"TU").as_ref(), &mut self.found.form);
        match dict.get::<Object<'_>>(b"V") {
            Some(Object::String(value)) => push_line(Some(&value), &mut self.found.form),
            Some(Object::Array(values)) => {
                values
                    .iter::<PdfString<'_>>()
                    .for_each(|value| push_line(Some(&value), &mut self.found.form));
            }
            Some(Object::Stream(value)) => {
                let text = filter::decoded(&value, self.reading)?;
                self.found.form.push_str(&strings::text(&text));
                self.found.form.push('\n');
            }
            _ => {}
        }
        self.fits()
    }

    /// The XML of a form that XFA draws: its texts and what is filled in.
    fn xfa(&mut self, dict: &Dict<'_>) -> Outcome {
        let streams: Vec<Stream<'_>> = match dict.get::<Object<'_>>(b"XFA") {
            Some(Object::Stream(stream)) => vec![stream],
            Some(Object::Array(array)) => {
                array.iter::<Object<'_>>().take(64).filter_map(Object::into_stream).collect()
            }
            _ => Vec::new(),
        };
        for stream in streams {
            let xml = filter::decoded(&stream, self.reading)?;
            let text = strings::text_of_xml(&String::from_utf8_lossy(&xml), |name| {
                matches!(name, "xfa:data" | "text" | "exData")
            });
            self.found.form.push_str(&text);
            self.fits()?;
        }
        Ok(())
    }

    fn properties(&mut self, pdf: &Pdf, bytes: &[u8]) -> Outcome {
        let out = &mut self.found.properties;
        if let Some(info) = information(pdf, bytes) {
            for (key, _) in info.entries() {
                if !OF_THE_PROGRAM.contains(&&*key) {
                    push_line(info.get::<PdfString<'_>>(&*key).as_ref(), out);
                }
            }
        }
        let catalog = pdf.xref().get::<Dict<'_>>(pdf.xref().root_id());
        let Some(stream) = catalog.and_then(|catalog| catalog.get::<Stream<'_>>(b"Metadata")) else {
            return Ok(());
        };
        let xml = filter::decoded(&stream, self.reading)?;
        let text = strings::text_of_xml(&String::from_utf8_lossy(&xml), |name| {
            name.starts_with("dc:") || name.starts_with("pdfx:") || name == "pdf:Keywords"
        });
        // Mostly the same as the information dictionary, in another form.
        let known: HashSet<String> = out.lines().map(str::to_owned).collect();
        for line in text.lines().filter(|line| *line != "application/pdf" && !known.contains(*line)) {
            out.push_str(line);
            out.push('\n');
        }
        self.fits()
    }

    fn fits(&self) -> Outcome {
        let bytes = self.found.form.len() + self.found.properties.len();
        if bytes > self.reading.limits.part_text_bytes { Err(Stop(Gap::TooMuchText)) } else { Ok(()) }
    }
}

/// The information dictionary that the last trailer names (ISO 32000-2 §14.3.3).
fn information<'p>(pdf: &'p Pdf, bytes: &[u8]) -> Option<Dict<'p>> {
    const KEY: &[u8] = b"/Info";
    memmem::rfind_iter(bytes, KEY).take(8).find_map(|at| {
        let reference = ObjRef::from_bytes(bytes.get(at + KEY.len()..)?.trim_ascii_start())?;
        pdf.xref().get::<Dict<'_>>(reference.into())
    })
}

/// The notes, links and fields of a page (ISO 32000-2 §12.5).
pub(super) fn annotations<'a>(page: &Dict<'a>) -> impl Iterator<Item = Dict<'a>> {
    const MOST: usize = 10_000;
    let all = page.get::<Array<'a>>(b"Annots");
    all.into_iter().flat_map(|all| all.iter::<Dict<'a>>().take(MOST))
}

/// What the notes and links of a page say.
pub(super) fn notes(page: &Dict<'_>) -> String {
    let mut out = String::new();
    for note in annotations(page) {
        push_line(note.get::<PdfString<'_>>(b"Contents").as_ref(), &mut out);
        let action = note.get::<Dict<'_>>(b"A");
        push_line(action.and_then(|action| action.get::<PdfString<'_>>(b"URI")).as_ref(), &mut out);
    }
    out
}

/// Opens the files attached to a document; those that are sealed are noted.
///
/// # Errors
/// When no more may be read.
pub(super) fn files(files: &[(String, Stream<'_>)], sealed: Sealed, reading: &mut Reading<'_>) -> Outcome {
    let mut encrypted = false;
    for (name, stream) in files {
        let name = Some(name.as_str()).filter(|name| !name.is_empty());
        // One without a filter of its own has the document's for files (ISO 32000-2 table 20, `EFF`).
        if sealed == Sealed::Files && open::names_crypt_filter(stream.dict()).unwrap_or(true) {
            let size = stream.raw_data().len() as u64;
            reading.entry(name, Kind::Unknown, Protection::Encrypted, size)?;
            encrypted = true;
            continue;
        }
        match filter::decoded(stream, reading) {
            Ok(bytes) => reading.open(name, &bytes)?,
            Err(Stop(gap @ (Gap::OutOfTime | Gap::TooManyParts))) => return Err(Stop(gap)),
            Err(Stop(gap)) => reading.gap(gap),
        }
    }
    if encrypted {
        reading.protection(Protection::Partly);
    }
    Ok(())
}

/// Whether a script only calls the reader's own functions that check and format what is filled in.
fn is_format_of_field(script: &str) -> bool {
    const BUILT_IN: [&str; 12] = [
        "AFNumber_Format",
        "AFNumber_Keystroke",
        "AFPercent_Format",
        "AFPercent_Keystroke",
        "AFDate_FormatEx",
        "AFDate_KeystrokeEx",
        "AFTime_Format",
        "AFTime_Keystroke",
        "AFSpecial_Format",
        "AFSpecial_Keystroke",
        "AFRange_Validate",
        "AFSimple_Calculate",
    ];
    script.split(';').map(str::trim).filter(|call| !call.is_empty()).all(|call| {
        let Some((name, arguments)) = call.split_once('(') else { return false };
        BUILT_IN.contains(&name.trim()) && arguments.matches('(').count() <= 1 && !arguments.contains('=')
    })
}

fn push_line(text: Option<&PdfString<'_>>, out: &mut String) {
    let Some(text) = text else { return };
    let text = strings::text(text);
    let text = text.trim();
    if !text.is_empty() {
        out.push_str(text);
        out.push('\n');
    }
}
