//! Findings as people are shown them: where, in which disguise, and in words for those who may read content. Finds nothing.

use serde::Serialize;

use super::Policy;
use super::sweep_names::kind;
use crate::detect::names;
use crate::extract::Extraction;
use crate::people::{People, Role};
use crate::verdict::{Detector, Finding, TermId};

/// A place where something was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Where, and in which disguise.
    #[serde(flatten)]
    pub finding: Finding,
    /// What stands there, where it may be shown.
    #[serde(flatten)]
    pub words: Option<FoundWords>,
}

/// What stands where something was found. It is content of the message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundWords {
    /// The message's words, as they stand there.
    pub text: String,
    /// The list's term that they were found by, as the list writes it; nothing where no list found them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term: Option<String>,
    /// For a name on the roll: the sentence around it, with initials in place of the full names of people of the same role, and with
    /// the class where two of them have the same initials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
    /// Where inside the part they stand, such as `letters.zip/anna.docx, page 2`; nothing for its running text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// Whether words of the message, and of the lists that found them, may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reveal {
    /// Places and kinds alone.
    Nothing,
    /// The words too.
    Words,
}

impl Reveal {
    /// As `--reveal` says.
    pub const fn when(asked: bool) -> Self {
        if asked { Self::Words } else { Self::Nothing }
    }
}

impl Policy {
    /// A finding in a message that was judged with those people, as it may be shown.
    pub fn place(
        &self,
        finding: &Finding,
        extraction: &Extraction,
        people: &People,
        reveal: Reveal,
    ) -> Place {
        let words = match reveal {
            Reveal::Nothing => None,
            Reveal::Words => self.words_of(finding, extraction, people),
        };
        Place { finding: finding.clone(), words }
    }

    fn words_of(&self, finding: &Finding, extraction: &Extraction, people: &People) -> Option<FoundWords> {
        let texts = &extraction.texts;
        let text = texts.iter().find(|text| text.zone == finding.zone && text.part == finding.part)?;
        let place = text.places.at(finding.span.start);
        let suggestion = suggestion(finding, &text.text, people);
        let text = text.text.get(finding.span.start..finding.span.end)?.to_owned();
        let terms = self.terms.get(&finding.entity).filter(|_| finding.detector == Detector::Words);
        let term = finding.term.and_then(|TermId(number)| terms?.get(usize::try_from(number).ok()?));
        Some(FoundWords { text, term: term.cloned(), suggestion, place })
    }
}

/// What may stand in place of the sentence in which somebody on the roll is named in full.
fn suggestion(finding: &Finding, text: &str, people: &People) -> Option<String> {
    let role = finding.entity.strip_suffix("-full").filter(|_| finding.detector == Detector::Names)?;
    let role = Role::ALL.into_iter().find(|one| one.name() == role)?;
    names::suggestion(text, kind(finding.zone), finding.span, people.roll(), role)
}
