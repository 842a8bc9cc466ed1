//! The disclaimers that a policy asks for (D1). How they get into a message is `respond`'s work.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Direction;
use super::fault::{Fault, Source};
use super::located::Located;
use super::organisation::{Organisation, bad_id, is_id, unknown};

/// A disclaimer, for some schools and directions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclaimer {
    /// Its id, unique in the policy.
    pub id: String,
    /// The schools whose mail carries it; empty means all of the organisation.
    pub schools: Vec<String>,
    /// The directions in which mail carries it.
    pub directions: Vec<Direction>,
    /// The text form, lines ended by `\n`.
    pub text: String,
    /// The HTML form, a fragment; derived from the text where none was written.
    pub html: String,
    /// Where it stands.
    pub placement: Placement,
    /// What happens to mail that cannot take it.
    pub fallback: Fallback,
}

/// Where a disclaimer stands in a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// After what the sender wrote, before the quoted mail.
    BeforeQuote,
    /// At the end of the text.
    #[default]
    End,
}

/// What happens to mail that cannot take a disclaimer: signed, encrypted, a calendar invitation, or damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fallback {
    /// It goes without.
    #[default]
    Skip,
    /// It goes as an attachment of a new message that carries the disclaimer.
    Wrap,
    /// It is refused.
    Reject,
}

/// `disclaimers.toml` as it is written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the schema's root; each disclaimer is read by itself")]
pub(super) struct RawDisclaimerFile {
    /// The disclaimers, each under its own `[[disclaimer]]`.
    disclaimer: Vec<RawDisclaimer>,
}

/// A disclaimer as it is written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawDisclaimer {
    /// Its id, unique in the policy: lower-case letters, digits and hyphens.
    id: Located<String>,
    /// The schools whose mail carries it; all where left out.
    #[serde(default)]
    school: Vec<Located<String>>,
    /// The directions in which mail carries it; `["outbound"]` where left out.
    direction: Option<Located<Vec<Direction>>>,
    /// The text.
    text: Option<Located<String>>,
    /// A file of the policy that holds the text, in place of `text`.
    text_file: Option<Located<String>>,
    /// The HTML form, a fragment; made from the text where left out.
    html: Option<Located<String>>,
    /// A file of the policy that holds the HTML form, in place of `html`.
    html_file: Option<Located<String>>,
    /// Where it stands; `end` where left out.
    #[serde(default)]
    placement: Placement,
    /// What happens to mail that cannot take it; `skip` where left out.
    #[serde(default)]
    fallback: Fallback,
}

impl RawDisclaimer {
    pub(super) fn compile(
        self,
        source: &Source,
        files: &BTreeMap<String, String>,
        organisation: Option<&Organisation>,
        faults: &mut Vec<Fault>,
    ) -> Option<Disclaimer> {
        if !is_id(&self.id.value) {
            faults.push(bad_id(source, &self.id, "disclaimer"));
        }
        if let Some(organisation) = organisation {
            let ids: Vec<&str> = organisation.schools.iter().map(|school| school.id.as_str()).collect();
            for school in self.school.iter().filter(|school| !ids.contains(&school.value.as_str())) {
                faults.push(unknown(source, school, "school", &ids, "add it to organisation.toml"));
            }
        }
        let directions = self.direction.map_or_else(|| vec![Direction::Outbound], |written| written.value);
        if directions.is_empty() {
            let fault = Fault::new(source, self.id.span.clone(), "the disclaimer has no direction");
            faults.push(fault.help("add one to `direction`, or leave the key out for outbound mail"));
        }
        let text = one_of(self.text, self.text_file, "text", source, files, faults);
        let html = one_of(self.html, self.html_file, "html", source, files, faults);
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
            let fault = Fault::new(source, self.id.span, "the disclaimer has no text");
            faults.push(
                fault.help("write `text = \"…\"`, or `text-file` with the name of a file of the policy"),
            );
            return None;
        };
        let text = text.replace("\r\n", "\n").trim_end().to_owned() + "\n";
        Some(Disclaimer {
            id: self.id.value,
            schools: self.school.into_iter().map(|school| school.value).collect(),
            directions,
            html: html.filter(|html| !html.trim().is_empty()).unwrap_or_else(|| html_of(&text)),
            text,
            placement: self.placement,
            fallback: self.fallback,
        })
    }
}

/// What is written inline, or in the file that is named.
fn one_of(
    inline: Option<Located<String>>,
    file: Option<Located<String>>,
    key: &str,
    source: &Source,
    files: &BTreeMap<String, String>,
    faults: &mut Vec<Fault>,
) -> Option<String> {
    match (inline, file) {
        (Some(_), Some(file)) => {
            let fault = Fault::new(source, file.span, format!("both `{key}` and `{key}-file` are given"));
            faults.push(fault.help("keep one of them"));
            Some("ambiguous".to_owned())
        }
        (Some(inline), None) => Some(inline.value),
        (None, Some(file)) => {
            let found = files.get(&file.value).cloned();
            if found.is_none() {
                let texts = files.keys().filter(|name| !name.ends_with(".toml"));
                let known: Vec<&str> = texts.map(String::as_str).collect();
                faults.push(unknown(source, &file, "file", &known, "put it into the policy's folder"));
            }
            // The missing file is fault enough.
            found.or_else(|| Some("missing".to_owned()))
        }
        (None, None) => None,
    }
}

/// Paragraphs for paragraphs, `<br>` for line ends.
fn html_of(text: &str) -> String {
    let paragraphs = text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty());
    paragraphs
        .map(|paragraph| {
            let escaped = paragraph
                .trim()
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&quot;");
            format!("<p>{}</p>\n", escaped.replace('\n', "<br>\n"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_says_what_the_text_says() {
        assert_eq!(
            html_of("Fish & chips <daily>\nby post\n\n\"Thanks\"\n"),
            "<p>Fish &amp; chips &lt;daily&gt;<br>\nby post</p>\n<p>&quot;Thanks&quot;</p>\n"
        );
    }
}
