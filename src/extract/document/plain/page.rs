//! Pages, pictures in SVG, and XML: what is seen, what is not, and what their scripts carry. Runs nothing, fetches nothing.

use super::super::Place;
use super::super::reading::{Outcome, Reading};
use super::payload;
use crate::extract::html;
use crate::extract::markup::{self, Sink};
use crate::verdict::Fact;

/// How far into a page its title stands.
const TITLE_WITHIN: usize = 64 << 10;

/// A page: what browsers show, and apart from it what they do not.
pub(super) fn html(text: &str, reading: &mut Reading<'_>) -> Outcome {
    if let Some(title) = title(text) {
        reading.text(Place::Properties, &html::read(title).visible)?;
    }
    let page = html::read(text);
    reading.text(Place::Body, &page.visible)?;
    reading.text(Place::Hidden, &page.hidden)?;
    payload(text, reading)
}

/// A picture: its texts, titles and descriptions.
pub(super) fn svg(text: &str, reading: &mut Reading<'_>) -> Outcome {
    xml(text, reading)?;
    payload(text, reading)
}

/// Any XML: texts and the values of attributes, each element on lines of its own; comments apart. References to
/// entities of its own are not followed.
pub(super) fn xml(text: &str, reading: &mut Reading<'_>) -> Outcome {
    let mut texts = Texts::default();
    markup::read(text, &mut texts);
    reading.text(Place::Body, &texts.text)?;
    reading.text(Place::Hidden, &texts.comments)
}

/// A file that a script brings is a fact, and is looked at itself.
fn payload(text: &str, reading: &mut Reading<'_>) -> Outcome {
    match payload::find(text) {
        None => Ok(()),
        Some(payload) => {
            reading.fact(Fact::ScriptPayload);
            if payload.is_empty() { Ok(()) } else { reading.open(Some("script payload"), &payload) }
        }
    }
}

/// The content of the page's title.
fn title(text: &str) -> Option<&str> {
    let end = (0..=TITLE_WITHIN.min(text.len())).rev().find(|end| text.is_char_boundary(*end))?;
    let lower = text.get(..end)?.to_ascii_lowercase();
    let tag = lower.find("<title")?;
    let start = tag + lower.get(tag..)?.find('>')? + 1;
    let length = lower.get(start..)?.find("</title")?;
    text.get(start..start + length)
}

/// The texts of XML.
#[derive(Debug, Default)]
struct Texts {
    text: String,
    comments: String,
    /// Whether the element is one whose content is no text.
    is_code: bool,
}

impl Texts {
    fn break_line(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }
}

impl Sink for Texts {
    fn text(&mut self, text: &str) {
        let is_layout = text.trim().is_empty() && self.text.ends_with('\n');
        if !(self.is_code || is_layout) {
            self.text.push_str(text.trim_end_matches("]]>"));
        }
    }

    fn open(&mut self, name: &[u8]) {
        self.break_line();
        self.is_code = matches!(name, b"style" | b"script");
    }

    fn attribute(&mut self, name: &[u8], value: &str) {
        // Namespaces, and pictures and fonts in the file.
        if name.starts_with(b"xmlns") || value.starts_with("data:") || value.is_empty() {
            return;
        }
        self.text.push_str(value);
        self.text.push('\n');
    }

    fn start(&mut self) {}

    fn end(&mut self, _: &[u8]) {
        self.is_code = false;
        self.break_line();
    }

    fn comment(&mut self, comment: &str) {
        // HTML has no such section: up to its first `>` it is a comment there.
        match comment.strip_prefix("[CDATA[") {
            Some(text) => self.text.push_str(text.trim_end_matches("]]")),
            None if comment.starts_with("xml ") || comment.starts_with("DOCTYPE") => {}
            None => {
                self.comments.push_str(comment.trim());
                self.comments.push('\n');
            }
        }
    }
}
