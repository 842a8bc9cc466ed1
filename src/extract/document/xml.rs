//! XML as a stream of elements and text. Never expands an entity of a document type, never reads one from elsewhere.

use std::borrow::Cow;

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesEnd, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::reading::{Reading, Stop};
use crate::message::charset;
use crate::verdict::Gap;

/// How many events pass between two looks at the clock.
const EVENTS: u32 = 4096;

/// What comes next in a document. Names are local: without the prefix of their name space.
pub(super) enum Node<'x> {
    /// An element begins.
    Open(Element<'x>),
    /// An element ends.
    Close(Ended<'x>),
    /// Text, or a piece of it: entities come by themselves.
    Text(Cow<'x, str>),
}

/// The beginning of an element.
pub(super) struct Element<'x>(BytesStart<'x>);

impl Element<'_> {
    /// Its local name.
    pub fn name(&self) -> &str {
        self.0.local_name().into_inner()
    }

    /// The value of the first attribute of that local name.
    pub fn attribute(&self, name: &str) -> Option<String> {
        self.find(|key| key.rsplit(':').next() == Some(name))
    }

    /// The id of a relationship: the attribute `id` that has a prefix, such as `r:id`.
    pub fn relation(&self) -> Option<String> {
        self.find(|key| key.contains(':') && key.ends_with(":id"))
    }

    /// Whether the attribute of that local name is there and says yes, as XML Schema has it.
    pub fn is_on(&self, name: &str) -> bool {
        self.attribute(name).is_some_and(|value| is_yes(&value))
    }

    /// Whether the element is a switch that is on: `w:vanish`, but not `w:vanish w:val="0"`.
    pub fn is_switch_on(&self) -> bool {
        self.attribute("val").is_none_or(|value| is_yes(&value))
    }

    fn find(&self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        let mut attributes = self.0.attributes();
        attributes.with_checks(false);
        let found = attributes.flatten().find(|attribute| wanted(attribute.key.into_inner()))?;
        let value = found.normalized_value(XmlVersion::Implicit1_0).unwrap_or(found.value);
        Some(value.into_owned())
    }
}

/// The end of an element.
pub(super) struct Ended<'x>(BytesEnd<'x>);

impl Ended<'_> {
    /// The element's local name.
    pub fn name(&self) -> &str {
        self.0.local_name().into_inner()
    }
}

fn is_yes(value: &str) -> bool {
    matches!(value, "1" | "true" | "on")
}

/// A document under way.
pub(super) struct Xml<'x> {
    reader: Reader<&'x [u8]>,
    events: u32,
}

/// The text of an XML file, whatever Unicode it is written in.
pub(super) fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    charset::decode(bytes, Some("utf-8")).text
}

impl<'x> Xml<'x> {
    /// Begins to read.
    pub fn new(text: &'x str) -> Self {
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        Self { reader, events: 0 }
    }

    /// The next element or text; none at the end, and where it is no XML from here on, which is a gap.
    ///
    /// # Errors
    /// When the time is over.
    pub fn next(&mut self, reading: &mut Reading<'_>) -> Result<Option<Node<'x>>, Stop> {
        loop {
            self.events = self.events.wrapping_add(1);
            if self.events.is_multiple_of(EVENTS) {
                reading.may_go_on()?;
            }
            let Ok(event) = self.reader.read_event() else {
                reading.gap(Gap::Damaged);
                return Ok(None);
            };
            let text = match event {
                Event::Start(start) | Event::Empty(start) => return Ok(Some(Node::Open(Element(start)))),
                Event::End(end) => return Ok(Some(Node::Close(Ended(end)))),
                Event::Text(text) => text.into_inner(),
                Event::CData(text) => text.into_inner(),
                Event::GeneralRef(reference) => {
                    let letter = reference.resolve_char_ref().ok().flatten();
                    match letter {
                        Some(letter) => Cow::Owned(letter.to_string()),
                        // Entities that a document type declares are left out: expanding them is how small files swell.
                        None => Cow::Borrowed(resolve_predefined_entity(&reference).unwrap_or_default()),
                    }
                }
                Event::Eof => return Ok(None),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => continue,
            };
            return Ok(Some(Node::Text(text)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    fn words(xml: &str) -> String {
        let limits = Limits::default();
        let mut reading = Reading::new(&limits, &|| false);
        let mut xml = Xml::new(xml);
        let mut out = String::new();
        while let Some(node) = xml.next(&mut reading).unwrap() {
            if let Node::Text(text) = node {
                out.push_str(&text);
            }
        }
        out
    }

    #[test]
    fn entities_of_a_document_type_are_not_expanded() {
        let laughs = r#"<!DOCTYPE a [<!ENTITY l "ha"><!ENTITY m "&l;&l;&l;&l;">]><a>one &m; two &amp; &#233;&#xe9;</a>"#;
        assert_eq!(words(laughs), "one  two & éé");
    }

    #[test]
    fn names_are_local_and_switches_may_be_off() {
        let limits = Limits::default();
        let mut reading = Reading::new(&limits, &|| false);
        let mut xml = Xml::new(r#"<w:vanish w:val="0" id="a&amp;b" r:id="rId1"/>"#);
        let Some(Node::Open(element)) = xml.next(&mut reading).unwrap() else { panic!("no element") };
        assert_eq!(element.name(), "vanish");
        assert!(!element.is_switch_on());
        assert_eq!(element.attribute("id").as_deref(), Some("a&b"));
        assert_eq!(element.relation().as_deref(), Some("rId1"));
    }
}
