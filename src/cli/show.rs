//! `show`: what mailwarden sees in a message. Judges nothing.

use std::io::{self, Write};

use serde::Serialize;

use super::arguments::Show;
use super::paint::{self, Tone};
use super::policy_source::PolicySource;
use super::scan::{PartLine, part_lines};
use super::{CliError, Ended, input};
use crate::extract::Extraction;
use crate::extract::document::Places;
use crate::message::{Envelope, Message};
use crate::scan::Scanned;
use crate::verdict::{Coverage, PartPath, Verdict, Zone};

/// Shows one message.
pub fn run(source: &PolicySource, options: &Show) -> Result<Ended, CliError> {
    let workers = source.workers()?;
    let limits = workers.limits();
    let mut out = io::stdout().lock();
    input::refuse_documents(std::slice::from_ref(&options.file))?;
    for message in input::messages(&options.file)? {
        let envelope = input::envelope(&message.raw, &options.envelope, limits);
        let parsed = Message::parse(&message.raw, limits);
        let extraction = Extraction::read(&parsed, limits, &workers);
        let scanned = Scanned { message: parsed, extraction, verdict: Verdict::default() };
        let sight = Sight::new(&message.name, &envelope, &scanned);
        let text = match options.json {
            true => {
                serde_json::to_string(&sight).map_err(|error| CliError::Failed(error.to_string()))? + "\n"
            }
            false => sight.for_people(),
        };
        out.write_all(text.as_bytes()).map_err(CliError::io("standard output"))?;
    }
    Ok(Ended::Well)
}

/// What is seen in a message.
#[derive(Serialize)]
struct Sight<'a> {
    file: &'a str,
    envelope: &'a Envelope,
    parts: Vec<PartLine>,
    texts: Vec<TextLine<'a>>,
    coverage: &'a Coverage,
}

/// A text, located.
#[derive(Serialize)]
struct TextLine<'a> {
    zone: Zone,
    part: &'a PartPath,
    places: Vec<PlaceLine>,
    text: &'a str,
}

/// Where a stretch of a text stands.
#[derive(Serialize)]
struct PlaceLine {
    start: u32,
    place: Option<String>,
}

/// The stretches of a text, but for one that is all running text.
fn place_lines(places: &Places) -> Vec<PlaceLine> {
    let byte = |start: u32| usize::try_from(start).unwrap_or(usize::MAX);
    let marks = places.marks.iter();
    let lines: Vec<_> =
        marks.map(|mark| PlaceLine { start: mark.start, place: places.at(byte(mark.start)) }).collect();
    if lines.iter().all(|line| line.place.is_none()) { Vec::new() } else { lines }
}

impl<'a> Sight<'a> {
    fn new(file: &'a str, envelope: &'a Envelope, scanned: &'a Scanned<'_>) -> Self {
        let texts = scanned.extraction.texts.iter();
        Self {
            file,
            envelope,
            parts: part_lines(scanned),
            texts: texts
                .map(|text| TextLine {
                    zone: text.zone,
                    part: &text.part,
                    places: place_lines(&text.places),
                    text: &text.text,
                })
                .collect(),
            coverage: &scanned.extraction.coverage,
        }
    }

    fn for_people(&self) -> String {
        let sender = self.envelope.sender.as_ref().map_or("<>", |sender| sender.folded());
        let recipients: Vec<&str> = self.envelope.recipients.iter().map(|address| address.folded()).collect();
        let rows = self.parts.iter().map(PartLine::row).collect();
        let mut text = format!(
            "{}\n  from  {sender}\n  to    {}\n\n{}",
            paint::paint(self.file, Tone::Strong),
            recipients.join(", "),
            paint::table(&["part", "kind", "protection", "bytes", "text", "name", "facts"], rows)
        );
        for piece in &self.texts {
            let heading = format!("{} of part {}", piece.zone, piece.part);
            text += &format!("\n{}\n", paint::paint(heading, Tone::Strong));
            let mut start = 0;
            let mut places = piece.places.iter().peekable();
            for line in piece.text.split_inclusive('\n') {
                while let Some(place) =
                    places.next_if(|place| usize::try_from(place.start).is_ok_and(|at| at <= start))
                {
                    let place = place.place.as_deref().unwrap_or("text");
                    text += &format!("  {}\n", paint::paint(safe(place), Tone::Quiet));
                }
                start += line.len();
                text += &format!("  {}\n", safe(line));
            }
        }
        for gap in &self.coverage.gaps {
            text += &format!("\nnot inspected: part {}: {}\n", gap.part, gap.gap.name());
        }
        text + "\n"
    }
}

/// What a message says must not steer the terminal that shows it.
fn safe(text: &str) -> String {
    text.chars().filter(|letter| *letter == '\t' || !letter.is_control()).collect()
}
