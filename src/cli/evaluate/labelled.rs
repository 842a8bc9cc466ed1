//! Reads labelled messages and points at every fault in their labels. Never guesses a label, and quotes no message.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::labels::{Label, Labels, ORDINARY};
use crate::cli::{CliError, input};
use crate::message::{Address, Envelope};
use crate::policy::{Direction, Policy};

/// How many faults are shown; the rest are counted.
const FAULTS_SHOWN: usize = 20;

/// A labelled message, or a file of some that bear the same labels.
pub struct Case {
    /// Its name in its set.
    pub id: String,
    /// Where it stands: `set.jsonl:3`, or its file.
    pub place: String,
    /// What it truly is; nothing where it is ordinary.
    pub labels: Vec<Label>,
    /// Whether only a reader can tell that its labels are right: it counts in no figure.
    pub needs_reader: bool,
    /// From whom to whom it goes.
    pub envelope: Envelope,
    /// Its bytes, or where they are.
    pub content: Content,
}

/// The bytes of a message, or where they are.
pub enum Content {
    /// The message.
    Raw(Vec<u8>),
    /// A file of one message.
    One(PathBuf),
    /// A file of one message, or an mbox.
    All(PathBuf),
}

/// Reads all that the arguments name.
pub struct Reader<'a> {
    /// The policy, whose organisation gives messages their envelope.
    pub policy: &'a Policy,
    /// The labels; files may declare further groups.
    pub labels: &'a mut Labels,
    /// Which way messages go that say nothing of it.
    pub direction: Direction,
    /// Their sender, where one is given.
    pub from: Option<Address>,
    /// Their recipients, where some are given.
    pub to: Vec<Address>,
    /// Whether all messages are ordinary ones.
    pub ordinary: bool,
    /// What was read.
    pub cases: Vec<Case>,
    /// What is wrong, each with its place.
    pub faults: Vec<String>,
}

/// A line of a labelled file, as it is written: a message or the declaration of a group.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Line {
    id: Option<String>,
    text: Option<String>,
    subject: Option<String>,
    message: Option<String>,
    file: Option<PathBuf>,
    labels: Option<Vec<String>>,
    judgement: bool,
    direction: Option<Direction>,
    from: Option<String>,
    to: Option<Recipients>,
    #[serde(rename = "note")]
    _note: Option<String>,
    group: Option<String>,
    of: Option<Vec<String>>,
}

/// One address, or a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Recipients {
    One(String),
    Several(Vec<String>),
}

/// What is wrong with a line, and the text in it to point at.
struct Wrong {
    message: String,
    at: Option<String>,
}

impl Wrong {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), at: None }
    }

    /// The column is that of the text, written as JSON, after that key.
    fn at(message: impl Into<String>, text: &str) -> Self {
        Self { message: message.into(), at: serde_json::to_string(text).ok() }
    }
}

impl Reader<'_> {
    /// Reads one path of the arguments.
    pub fn path(&mut self, path: &Path) -> Result<(), CliError> {
        if path.extension() == Some(OsStr::new("jsonl")) {
            self.lines(path)
        } else if self.ordinary {
            for file in input::files(&[path.to_owned()])?.into_iter().filter(|file| !hidden(file)) {
                self.mail(path, &file, Vec::new());
            }
            Ok(())
        } else if path.is_dir() {
            self.folder(path)
        } else {
            // A path that does not exist is no fault of the arguments' shape: say so.
            fs::metadata(path).map_err(CliError::io(path.display().to_string()))?;
            Err(CliError::Usage(format!(
                "{} bears no labels: give a .jsonl file, or a folder whose sub-folders are named by label; \
                 with --ordinary, any mail",
                path.display()
            )))
        }
    }

    /// All cases, or all faults.
    pub fn finish(self) -> Result<Vec<Case>, CliError> {
        let Some(more) = self.faults.len().checked_sub(1) else { return Ok(self.cases) };
        let mut text: String =
            self.faults.iter().take(FAULTS_SHOWN).map(|fault| format!("\n{fault}")).collect();
        if more >= FAULTS_SHOWN {
            text += &format!("\nand {} more", more + 1 - FAULTS_SHOWN);
        }
        Err(CliError::Faults(text + "\nnothing was measured"))
    }

    fn folder(&mut self, folder: &Path) -> Result<(), CliError> {
        let failed = || CliError::io(folder.display().to_string());
        let mut entries: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed())? {
            entries.push(entry.map_err(failed())?.path());
        }
        entries.sort();
        for entry in entries {
            let name = entry.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if hidden(&entry) {
                continue;
            }
            if !entry.is_dir() {
                let remedy =
                    "move it into a sub-folder that is named by its label, or name a .jsonl file by itself";
                self.faults.push(format!("{}: bears no label; {remedy}", entry.display()));
                continue;
            }
            let labels = match self.folder_labels(&name) {
                Ok(labels) => labels,
                Err(message) => {
                    self.faults.push(format!("{}: {message}", entry.display()));
                    continue;
                }
            };
            self.labelled_folder(folder, &entry, &labels)?;
        }
        Ok(())
    }

    fn labelled_folder(&mut self, root: &Path, folder: &Path, labels: &[Label]) -> Result<(), CliError> {
        let files = match input::files(&[folder.to_owned()]) {
            // That is how it says that there are none.
            Err(CliError::Usage(_)) => Vec::new(),
            other => other?,
        };
        let files: Vec<PathBuf> = files.into_iter().filter(|file| !hidden(file)).collect();
        if files.is_empty() {
            self.faults.push(format!("{}: holds no mail; take it away, or fill it", folder.display()));
        }
        for file in files {
            if file.extension() == Some(OsStr::new("jsonl")) {
                let message = "is no mail; name a .jsonl file by itself";
                self.faults.push(format!("{}: {message}", file.display()));
            } else {
                self.mail(root, &file, labels.to_vec());
            }
        }
        Ok(())
    }

    /// The labels that a sub-folder is named by: `swearing`, `swearing+racism`, `ordinary`.
    fn folder_labels(&self, name: &str) -> Result<Vec<Label>, String> {
        if name == ORDINARY {
            return Ok(Vec::new());
        }
        name.split('+').map(|part| self.labels.named(part).map_err(|error| error.to_string())).collect()
    }

    fn mail(&mut self, root: &Path, file: &Path, labels: Vec<Label>) {
        let name = file.strip_prefix(root).ok().filter(|name| !name.as_os_str().is_empty()).unwrap_or(file);
        self.cases.push(Case {
            id: name.display().to_string(),
            place: file.display().to_string(),
            labels,
            needs_reader: false,
            envelope: self.policy.usual_envelope(self.direction, self.from.clone(), self.to.clone()),
            content: Content::All(file.to_owned()),
        });
    }

    fn lines(&mut self, path: &Path) -> Result<(), CliError> {
        let bytes = fs::read(path).map_err(CliError::io(path.display().to_string()))?;
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
        let mut seen: HashMap<String, usize> = HashMap::new();
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let number = index + 1;
            let Ok(line) = std::str::from_utf8(line) else {
                let fault = format!("{}:{number}:1: is no UTF-8; save the file as UTF-8", path.display());
                self.faults.push(fault);
                continue;
            };
            if line.trim().is_empty() {
                continue;
            }
            let read = serde_json::from_str::<Line>(line)
                .map_err(|error| (said(&error), characters(line, error.column().saturating_sub(1)) + 1));
            let taken = read.and_then(|read| {
                self.take(path, number, read, &mut seen).map_err(|wrong| {
                    let column = column(line, wrong.at.as_deref());
                    (wrong.message, column)
                })
            });
            if let Err((message, column)) = taken {
                self.faults.push(format!("{}:{number}:{column}: {message}", path.display()));
            }
        }
        Ok(())
    }

    fn take(
        &mut self,
        path: &Path,
        number: usize,
        mut line: Line,
        seen: &mut HashMap<String, usize>,
    ) -> Result<(), Wrong> {
        if let Some(name) = line.group.take() {
            return self.group(&name, line);
        }
        if line.of.is_some() {
            return Err(Wrong::new("`of` without `group`; give the group its name"));
        }
        let labels = self.line_labels(&line)?;
        if line.judgement && labels.is_empty() {
            return Err(Wrong::new("`judgement` without a label to judge; name one, or leave it out"));
        }
        let place = format!("{}:{number}", path.display());
        let id = line.id.take().unwrap_or_else(|| place.clone());
        if let Some(before) = seen.insert(id.clone(), number) {
            return Err(Wrong::at(format!("the id of line {before} again; give each message its own"), &id));
        }
        let envelope = self.envelope(&line)?;
        let content = content(path, &mut line, &envelope)?;
        self.cases.push(Case { id, place, labels, needs_reader: line.judgement, envelope, content });
        Ok(())
    }

    fn group(&mut self, name: &str, line: Line) -> Result<(), Wrong> {
        let members = line.of.unwrap_or_default();
        if line.labels.is_some() || line.text.is_some() || line.message.is_some() || line.file.is_some() {
            return Err(Wrong::new("a group and a message in one line; give each its own"));
        }
        self.labels.declare(name, &members).map_err(|error| match &error {
            super::labels::GroupError::Unknown(unknown) => Wrong::at(error.to_string(), &unknown.name),
            _ => Wrong::at(error.to_string(), name),
        })
    }

    fn line_labels(&self, line: &Line) -> Result<Vec<Label>, Wrong> {
        let Some(names) = &line.labels else {
            return Err(Wrong::new("no `labels`; write \"labels\": [] for an ordinary message"));
        };
        if let Some(name) = names.first().filter(|_| self.ordinary) {
            return Err(Wrong::at("a label, with --ordinary; leave out the one or the other", name));
        }
        let found = names
            .iter()
            .map(|name| self.labels.named(name).map_err(|error| Wrong::at(error.to_string(), name)));
        let mut labels = found.collect::<Result<Vec<Label>, Wrong>>()?;
        labels.sort_unstable();
        labels.dedup();
        Ok(labels)
    }

    fn envelope(&self, line: &Line) -> Result<Envelope, Wrong> {
        let parse = |written: &String| address(written).map_err(|message| Wrong::at(message, written));
        let from = line.from.as_ref().map(parse).transpose()?;
        let to = match &line.to {
            None => Vec::new(),
            Some(Recipients::One(one)) => vec![parse(one)?],
            Some(Recipients::Several(several)) => several.iter().map(parse).collect::<Result<Vec<_>, _>>()?,
        };
        // A line that says which way it goes isn't bound to the addresses that go with another way.
        let usual = line.direction.is_none();
        let from = from.or_else(|| self.from.clone().filter(|_| usual));
        let to = if to.is_empty() && usual { self.to.clone() } else { to };
        Ok(self.policy.usual_envelope(line.direction.unwrap_or(self.direction), from, to))
    }
}

/// What file managers and version control leave behind.
fn hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// An address of the arguments or of a line.
pub fn address(written: &str) -> Result<Address, String> {
    Address::parse(written.as_bytes())
        .filter(|address| !address.domain().is_empty())
        .ok_or_else(|| "no address; write one such as \"parent@elsewhere.example\"".to_owned())
}

fn content(path: &Path, line: &mut Line, envelope: &Envelope) -> Result<Content, Wrong> {
    let subject = line.subject.take();
    let alone = |content| match subject {
        None => Ok(content),
        Some(_) => Err(Wrong::new("`subject` beside a whole message, which has its own; leave it out")),
    };
    match (line.text.take(), line.message.take(), line.file.take()) {
        (Some(text), None, None) => {
            let subject = subject.unwrap_or_default();
            if text.trim().is_empty() && subject.trim().is_empty() {
                return Err(Wrong::new("an empty text, in which nothing can be found; leave the line out"));
            }
            Ok(Content::Raw(Policy::plain_message(envelope, &subject, &text)))
        }
        (None, Some(message), None) if message.trim().is_empty() => {
            Err(Wrong::new("an empty message, in which nothing can be found; leave the line out"))
        }
        (None, Some(message), None) => alone(Content::Raw(message.into_bytes())),
        (None, None, Some(file)) => {
            alone(Content::One(path.parent().map_or_else(|| file.clone(), |folder| folder.join(&file))))
        }
        _ => Err(Wrong::new("one of `text`, `message` and `file` must say what the message is")),
    }
}

/// What the JSON reader says, without its place and without what it read.
fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    if error.is_syntax() || error.is_eof() {
        return format!("{text}; write one JSON object a line");
    }
    if text.starts_with("unknown field") || text.starts_with("duplicate field") {
        return format!("{text}; docs/command-line.md says what a line may hold");
    }
    "a key holds what cannot stand there; `labels` and `of` are lists, `judgement` is true or false, `direction` is \
     inbound, outbound or internal, and all others are texts"
        .to_owned()
}

/// The column, in characters from 1, of what is to be pointed at: its last place, since texts stand before labels.
fn column(line: &str, at: Option<&str>) -> usize {
    let offset = at.and_then(|at| line.rfind(at)).unwrap_or(0);
    characters(line, offset) + 1
}

/// How many characters stand before that byte.
fn characters(line: &str, offset: usize) -> usize {
    line.char_indices().take_while(|(at, _)| *at < offset).count()
}
