//! `show`: what mailwarden sees in a message. Judges nothing.

use std::io::{self, Write};

use serde::Serialize;

use super::arguments::Show;
use super::paint::{self, Tone};
use super::policy_source::PolicySource;
use super::scan::{PartLine, part_lines};
use super::{CliError, Ended, input};
use crate::extract::Extraction;
use crate::limits::Limits;
use crate::message::{Envelope, Message};
use crate::scan::Scanned;
use crate::verdict::{Coverage, PartPath, Verdict, Zone};

/// Shows one message.
pub fn run(source: &PolicySource, options: &Show) -> Result<Ended, CliError> {
    let limits = match &source.config {
        Some(_) => source.config()?.limits,
        None => Limits::default(),
    };
    let mut out = io::stdout().lock();
    for message in input::messages(&options.file)? {
        let envelope = input::envelope(&message.raw, &options.envelope, &limits);
        let parsed = Message::parse(&message.raw, &limits);
        let extraction = Extraction::read(&parsed, &limits);
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
    place: Option<&'a str>,
    text: &'a str,
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
                    place: text.place.as_deref(),
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
            paint::table(&["part", "kind", "protection", "bytes", "text", "name"], rows)
        );
        for piece in &self.texts {
            let heading = format!("{} of part {}", piece.zone, piece.part);
            text += &format!("\n{}\n", paint::paint(heading, Tone::Strong));
            for line in piece.text.lines() {
                // What a message says must not steer the terminal that shows it.
                let safe: String =
                    line.chars().filter(|letter| *letter == '\t' || !letter.is_control()).collect();
                text += &format!("  {safe}\n");
            }
        }
        for gap in &self.coverage.gaps {
            text += &format!("\nnot inspected: part {}: {}\n", gap.part, gap.gap.name());
        }
        text + "\n"
    }
}
