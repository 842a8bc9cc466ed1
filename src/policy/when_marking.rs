//! The conditions `marking` and `receipt`: how they are written, compiled and tested. What is a marking, `detect` knows.

use schemars::JsonSchema;
use serde::Deserialize;

use super::evaluate::Evaluation;
use super::located::Located;
use super::raw::Presence;
use super::rule_compile::RuleCompiler;
use crate::detect::marking::{Label, in_subject, is_label_field, label};
use crate::verdict::{Span, Zone};

/// A marking of confidentiality.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawMarking {
    /// Whether there must be one (`present`, also where left out) or none (`absent`).
    is: Option<Presence>,
    /// What it is made by: any of these; all of them where left out.
    by: Option<Located<Vec<MarkedBy>>>,
}

/// What marks a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum MarkedBy {
    /// The subject, such as "CONFIDENTIAL: …".
    Subject,
    /// The field `Sensitivity`.
    Sensitivity,
    /// A field with a classification, such as Microsoft's `msip_labels`.
    Label,
}

/// Whether a receipt is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Receipt {
    /// It is.
    Requested,
    /// It is not.
    Absent,
}

/// A marking, compiled.
#[derive(Debug, Clone)]
pub(super) struct MarkingTest {
    pub(super) is: Presence,
    by: Vec<MarkedBy>,
}

/// A marking that a message has.
#[derive(Debug, Clone)]
pub(super) struct Marked {
    /// What findings call it: `subject`, or the field's name.
    pub(super) by: String,
    pub(super) zone: Zone,
    pub(super) span: Span,
}

impl RuleCompiler<'_> {
    pub(super) fn marking(&mut self, raw: &Located<RawMarking>) -> MarkingTest {
        let RawMarking { is, by } = &raw.value;
        if let Some(by) = by.as_ref().filter(|by| by.value.is_empty()) {
            self.fault(&by.span, "`by` names nothing that marks, so no message is marked")
                .say("delete the key to mean any marking");
        }
        let all = || vec![MarkedBy::Subject, MarkedBy::Sensitivity, MarkedBy::Label];
        MarkingTest {
            is: is.unwrap_or(Presence::Present),
            by: by.as_ref().map_or_else(all, |by| by.value.clone()),
        }
    }
}

impl Evaluation<'_> {
    pub(super) fn marking(&self, test: &MarkingTest) -> bool {
        (self.markings(test).next().is_some()) == (test.is == Presence::Present)
    }

    /// The markings that a test looks for, whether or not it wants them.
    pub(super) fn markings<'t>(&'t self, test: &'t MarkingTest) -> impl Iterator<Item = &'t Marked> + 't {
        let all = self.marked.get_or_init(|| self.in_subjects().chain(self.labels()).collect());
        all.iter().filter(|(by, _)| test.by.contains(by)).map(|(_, marked)| marked)
    }

    fn in_subjects(&self) -> impl Iterator<Item = (MarkedBy, Marked)> {
        self.values("subject").into_iter().filter_map(|(zone, whole, text)| {
            let range = in_subject(&text)?;
            let span = Span { start: whole.start + range.start, end: whole.start + range.end };
            Some((MarkedBy::Subject, Marked { by: "subject".to_owned(), zone, span }))
        })
    }

    fn labels(&self) -> impl Iterator<Item = (MarkedBy, Marked)> {
        self.case.message.header.iter().filter_map(|field| {
            let name = std::str::from_utf8(field.name).ok().filter(|name| is_label_field(name))?;
            let name = name.trim_end().to_ascii_lowercase();
            let by = match label(&name, &field.text())? {
                Label::Sensitivity => MarkedBy::Sensitivity,
                Label::Classification => MarkedBy::Label,
            };
            let (zone, span, _) = self.values(&name).into_iter().next()?;
            Some((by, Marked { by: name, zone, span }))
        })
    }

    pub(super) fn receipt(&self, wanted: Receipt) -> bool {
        let asked = self.case.message.receipt_requests().next().is_some();
        asked == (wanted == Receipt::Requested)
    }

    /// Why `marking` holds or does not, for people.
    pub(super) fn told_markings(&self, test: &MarkingTest) -> String {
        let found: Vec<&str> = self.markings(test).map(|marked| marked.by.as_str()).collect();
        if found.is_empty() {
            "it is not marked".to_owned()
        } else {
            format!("marked by {}", found.join(", "))
        }
    }

    /// Why `receipt` holds or does not, for people.
    pub(super) fn told_receipt(&self) -> String {
        match self.case.message.receipt_requests().next() {
            Some(name) => format!("a receipt is asked for by \"{name}\""),
            None => "no receipt is asked for".to_owned(),
        }
    }
}
