//! Guidance texts: Markdown with variables, beside each other in several languages, checked as they are compiled. Sends nothing.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use regex::Regex;

use super::fault::{Fault, Source, Warning, source};
use super::phrases::{Phrases, RawPhrases};
use super::{Sources, read};
use crate::slips::choose;

/// The language that every text is there in; others fall back to it.
const ENGLISH: &str = "en";
/// What a text may name. [`Told`] holds their values.
const VARIABLES: [&str; 15] = [
    "clause",
    "contact",
    "emergency",
    "happened",
    "kept_for",
    "organisation",
    "outcome",
    "override",
    "recipient_count",
    "recipients",
    "reference",
    "reply_to",
    "school",
    "seen_by",
    "title",
];

/// `{% include "steps/protect-word" %}`.
static INCLUDE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"\{%-?\s*include\s+(?:"([^"]*)"|'([^']*)'|([^%]*))"#).ok());
/// Where expressions stand.
static TAG: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?s)\{\{.*?\}\}|\{%.*?%\}").ok());

/// A language, by its tag (RFC 5646 §2.2.1), such as `en` or `cy`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language(String);

impl Language {
    /// The language of that tag: two or three lower-case letters.
    pub fn new(tag: &str) -> Option<Self> {
        let good = matches!(tag.len(), 2 | 3) && tag.bytes().all(|byte| byte.is_ascii_lowercase());
        good.then(|| Self(tag.to_owned()))
    }

    /// Its tag.
    pub fn tag(&self) -> &str {
        &self.0
    }
}

impl Default for Language {
    /// English.
    fn default() -> Self {
        Self(ENGLISH.to_owned())
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What a guidance text's variables stand for. What comes from a message is put in as text, never as Markdown.
#[derive(Debug, Clone)]
pub struct Told<'a> {
    /// The organisation's name.
    pub organisation: &'a str,
    /// The name of the sender's school, else the organisation's.
    pub school: &'a str,
    /// The message's reference.
    pub reference: &'a str,
    /// Whom to ask.
    pub contact: &'a str,
    /// Those whom it concerns.
    pub recipients: Vec<&'a str>,
    /// How many they are.
    pub recipient_count: usize,
    /// The rule's title.
    pub title: &'a str,
    /// The rule's clause; empty where it names none.
    pub clause: &'a str,
    /// `returned`, `held`, `delivered` or `tried`.
    pub outcome: &'static str,
    /// What happened, in a sentence.
    pub happened: &'a str,
    /// `never`, `justify` or `request`: what the sender may do about it.
    pub may_override: &'static str,
    /// How long the record is kept.
    pub kept_for: &'a str,
    /// Who can see it.
    pub seen_by: &'a str,
    /// Whom those may turn to who need help when nobody is there.
    pub emergency: Vec<&'a str>,
    /// Where a reply of theirs goes; empty where it goes to nobody.
    pub reply_to: &'a str,
}

impl Told<'_> {
    fn values(&self) -> Value {
        let list = |texts: &[&str]| texts.iter().copied().map(Value::from).collect::<Vec<Value>>().into();
        let values: [(&str, Value); 15] = [
            ("clause", self.clause.into()),
            ("contact", self.contact.into()),
            ("emergency", list(&self.emergency)),
            ("happened", self.happened.into()),
            ("kept_for", self.kept_for.into()),
            ("organisation", self.organisation.into()),
            ("outcome", self.outcome.into()),
            ("override", self.may_override.into()),
            ("recipient_count", self.recipient_count.into()),
            ("recipients", list(&self.recipients)),
            ("reference", self.reference.into()),
            ("reply_to", self.reply_to.into()),
            ("school", self.school.into()),
            ("seen_by", self.seen_by.into()),
            ("title", self.title.into()),
        ];
        values.into_iter().collect::<BTreeMap<&str, Value>>().into()
    }
}

/// The guidance texts of a policy.
#[derive(Debug, Clone, Default)]
pub struct Guidance {
    environment: Environment<'static>,
    texts: BTreeMap<String, BTreeSet<Language>>,
    phrases: BTreeMap<Language, Phrases>,
}

impl Guidance {
    /// A text in Markdown, its variables filled in: in that language, else in English. `None` where there is no such
    /// text, or its template fails on these values, which an example would have shown when the policy was checked.
    pub fn text(&self, name: &str, language: &Language, told: &Told<'_>) -> Option<String> {
        let languages = self.texts.get(name)?;
        let path = path(name, language, languages.contains(language));
        self.environment.get_template(&path).ok()?.render(told.values()).ok()
    }

    /// The languages that a text is there in.
    pub fn languages(&self, name: &str) -> impl Iterator<Item = &Language> {
        self.texts.get(name).into_iter().flatten()
    }

    /// The words around the guidance, in that language; what it lacks is English.
    pub fn phrases(&self, language: &Language) -> &Phrases {
        self.phrases.get(language).unwrap_or_else(|| Phrases::english())
    }

    /// The names of the texts that rules may name; `steps/…` are parts of others.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.texts.keys().map(String::as_str).filter(|name| !name.contains('/'))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.texts.contains_key(name) && !name.contains('/')
    }

    /// Reads and checks all texts.
    pub(super) fn compile(sources: &Sources, faults: &mut Vec<Fault>, warnings: &mut Vec<Warning>) -> Self {
        let mut found = Self::default();
        for (path, text) in &sources.files {
            let Some(file) = path.strip_prefix("guidance/") else { continue };
            let source = source(path, text);
            if let Some(name) = file.strip_suffix(".toml") {
                found.read_phrases(name, &source, faults);
            } else if let Some(name) = file.strip_suffix(".md") {
                found.add(name, &source, faults);
            }
        }
        found.environment = environment(&found.texts);
        found.check(sources, faults, warnings);
        found
    }

    fn read_phrases(&mut self, name: &str, source: &Source, faults: &mut Vec<Fault>) {
        let language = name.strip_prefix("phrases.").and_then(Language::new);
        let Some(language) = language else {
            let fault = Fault::new(source, 0..0, "a file of phrases whose language its name does not tell");
            faults.push(fault.help("name it phrases.cy.toml for Welsh, phrases.en.toml for English"));
            return;
        };
        let Some(raw) = read::file::<RawPhrases>(source, faults) else { return };
        self.phrases.insert(language, raw.compile(source, faults));
    }

    fn add(&mut self, file: &str, source: &Source, faults: &mut Vec<Fault>) {
        if source.inner().trim().is_empty() {
            let fault = Fault::new(source, 0..0, "the guidance is empty");
            faults.push(fault.help("say why, and what to do now, step by step"));
        }
        let (name, language) = match file.rsplit_once('.') {
            None => (file, Some(Language::default())),
            Some((name, tag)) => (name, Language::new(tag).filter(|language| language.tag() != ENGLISH)),
        };
        let Some(language) = language else {
            let message = format!("\"{file}.md\" does not tell its language");
            faults.push(Fault::new(source, 0..0, message).help(
                "name the English text use-initials.md, and the Welsh one beside it use-initials.cy.md",
            ));
            return;
        };
        self.texts.entry(name.to_owned()).or_default().insert(language);
    }

    fn check(&mut self, sources: &Sources, faults: &mut Vec<Fault>, warnings: &mut Vec<Warning>) {
        let english = Language::default();
        let mut good = Vec::new();
        for (name, languages) in &self.texts {
            for language in languages {
                let path = path(name, language, true);
                let file = format!("guidance/{path}.md");
                let Some(text) = sources.files.get(&file) else { continue };
                let source = source(&file, text);
                if !languages.contains(&english) {
                    let fault =
                        Fault::new(&source, 0..0, format!("there is no guidance/{name}.md beside it"));
                    faults.push(fault.help("write the English text too: it is for whoever reads no other"));
                }
                match self.environment.add_template_owned(path.clone(), text.clone()) {
                    Ok(()) => good.push((path, source)),
                    Err(error) => faults.push(grammar(&source, &error)),
                }
            }
        }
        let mut included = BTreeSet::new();
        for (path, source) in &good {
            self.check_text(path, source, &mut included, faults);
        }
        for name in self.texts.keys().filter(|name| name.contains('/') && !included.contains(*name)) {
            let file = format!("guidance/{name}.md");
            let text = sources.files.get(&file).map_or("", String::as_str);
            let fault = Fault::new(&source(&file, text), 0..0, format!("no guidance includes \"{name}\""));
            let help = format!("write {{% include \"{name}\" %}} where it belongs, or delete the file");
            warnings.push(Warning(fault.help(help)));
        }
    }

    /// One text: what it includes, its variables, and that it can be filled in.
    fn check_text(
        &self,
        path: &str,
        source: &Source,
        included: &mut BTreeSet<String>,
        faults: &mut Vec<Fault>,
    ) {
        let before = faults.len();
        for found in INCLUDE.iter().flat_map(|include| include.captures_iter(source.inner())) {
            let name = found.get(1).or_else(|| found.get(2)).or_else(|| found.get(3));
            let Some(name) = name else { continue };
            if self.texts.contains_key(name.as_str()) {
                included.insert(name.as_str().to_owned());
                continue;
            }
            let known: Vec<&str> =
                self.texts.keys().map(String::as_str).filter(|n| n.contains('/')).collect();
            let fault = Fault::new(
                source,
                name.range(),
                format!("there is no text \"{}\" to include", name.as_str()),
            );
            faults.push(fault.help(choose(name.as_str(), &known, "there are")));
        }
        let Ok(template) = self.environment.get_template(path) else { return };
        let mut unknown: Vec<String> = template
            .undeclared_variables(false)
            .into_iter()
            .filter(|name| !VARIABLES.contains(&name.as_str()))
            .collect();
        unknown.sort();
        for name in unknown {
            let fault =
                Fault::new(source, place_of(source.inner(), &name), format!("unknown variable \"{name}\""));
            faults.push(fault.help(choose(&name, &VARIABLES, "there are")));
        }
        // What is broken already would only be told twice.
        if faults.len() == before
            && let Err(error) = template.render(sample().values())
        {
            faults.push(grammar(source, &error));
        }
    }
}

/// A fault for what the template engine says.
fn grammar(source: &Source, error: &minijinja::Error) -> Fault {
    let line = error.line().unwrap_or(1);
    let start: usize = source.inner().split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let range = error.range().unwrap_or(start..start);
    let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    Fault::new(source, range, format!("the text cannot be filled in: {detail}"))
        .help("variables are written {{ contact }}, conditions {% if clause %}…{% endif %}; docs/guidance.md has both")
}

/// Where a variable is named first.
fn place_of(text: &str, name: &str) -> std::ops::Range<usize> {
    let word = Regex::new(&format!(r"\b{}\b", regex::escape(name))).ok();
    let tags = TAG.iter().flat_map(|tag| tag.find_iter(text));
    tags.filter_map(|tag| {
        let found = word.as_ref()?.find(tag.as_str())?;
        Some(tag.start() + found.start()..tag.start() + found.end())
    })
    .next()
    .unwrap_or(0..0)
}

fn path(name: &str, language: &Language, there: bool) -> String {
    if there && language.tag() != ENGLISH { format!("{name}.{language}") } else { name.to_owned() }
}

/// The template engine: what is filled in stays text, and a text includes others in its own language where they are there.
fn environment(texts: &BTreeMap<String, BTreeSet<Language>>) -> Environment<'static> {
    let mut environment = Environment::new();
    // Whole lines of instructions leave no empty lines, which Markdown would take for the end of a list.
    let mut syntax = SyntaxConfig::builder();
    if let Ok(syntax) = syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build() {
        environment.set_syntax(syntax);
    }
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_formatter(|out, state, value| {
        if value.is_undefined() {
            return minijinja::escape_formatter(out, state, value);
        }
        out.write_str(&as_text(value)).map_err(Into::into)
    });
    let texts = texts.clone();
    environment.set_path_join_callback(move |name, parent| {
        let language = parent.rsplit_once('.').and_then(|(_, tag)| Language::new(tag));
        match language {
            Some(language) if texts.get(name).is_some_and(|there| there.contains(&language)) => {
                Cow::Owned(path(name, &language, true))
            }
            _ => Cow::Borrowed(name),
        }
    });
    environment
}

/// A value as text that no Markdown is read in: on one line, every mark behind a backslash.
fn as_text(value: &Value) -> String {
    let mut out = String::new();
    for c in value.to_string().chars() {
        if c.is_ascii_punctuation() {
            out.push('\\');
        }
        out.push(if c.is_control() { ' ' } else { c });
    }
    out
}

/// Values for trying a text out.
pub(super) fn sample() -> Told<'static> {
    Told {
        organisation: "Hillside Trust",
        school: "Oakfield School",
        reference: "K7QF-2M9P",
        contact: "it-support@oakfield.example",
        recipients: vec!["parent@travel.example"],
        recipient_count: 1,
        title: "A rule's title",
        clause: "Mail policy, 7",
        outcome: "returned",
        happened: "Your message was not delivered.",
        may_override: "never",
        kept_for: "six months",
        seen_by: "the head teacher",
        emergency: vec!["Oakfield's line: 01632 960123"],
        reply_to: "safeguarding@oakfield.example",
    }
}
