//! The configuration file: what was written, checked and turned into what can be used. Reads files; never a message.

use std::fs;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use miette::{Diagnostic, NamedSource, SourceSpan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits::Limits;
use crate::message::ReplyAddress;
use crate::milter::{ListenAddress, ListenError};
use crate::policy::{Advice, left_over};
use crate::records::Share;
use crate::slips;
use crate::worker::{self, Demand};

mod policy_folder;

pub use policy_folder::read_policy;

/// A file larger than this is no configuration of ours.
const FILE_BYTES: u64 = 64 << 20;

/// The configuration, usable: paths are absolute or relative to the working folder, defaults are filled in.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file that it was read from.
    pub file: PathBuf,
    /// Where Postfix reaches the filter.
    pub listen: Vec<ListenAddress>,
    /// The mode of Unix sockets that are made.
    pub socket_mode: u32,
    /// Where bodies go that do not fit in memory.
    pub spool_directory: PathBuf,
    /// The folder of the policy.
    pub policy_directory: PathBuf,
    /// Whether the policy's organisation may be a made-up one.
    pub organisation: OrganisationMeant,
    /// The roll's file, where there is to be one.
    pub roll: Option<PathBuf>,
    /// The folder of the store.
    pub store_directory: PathBuf,
    /// The MTA that takes released mail and answers.
    pub smtp: SocketAddr,
    /// Whom answers come from.
    pub answers_from: String,
    /// Whom the sender may ask, as answers put it.
    pub contact: String,
    /// Where replies that confirm go; without it, nothing can be confirmed by mail.
    pub confirm: Option<ReplyAddress>,
    /// Where messages go that are only to be tried out.
    pub check: Option<ReplyAddress>,
    /// How many answers one sender gets one by one.
    pub share: Share,
    /// For how long nobody is advised about the same rule again; with zero, nobody is advised.
    pub advise_again_after: SignedDuration,
    /// The socket by which `reload` and `status` reach the running filter.
    pub control_socket: PathBuf,
    /// What Postfix hears when the filter itself fails.
    pub on_failure: OnFailure,
    /// How long it is remembered who wrote to whom.
    pub memory: MemorySettings,
    /// What reads documents, and the caps for it.
    pub workers: worker::Settings,
    /// The caps in force.
    pub limits: Limits,
    /// Advice on addresses in the file that are still made up.
    pub left_over: Vec<Advice>,
}

/// What Postfix hears when the filter itself fails, for example because its store cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// A temporary failure: mail waits with the sender and none is lost.
    #[default]
    Tempfail,
    /// The message goes on unchecked.
    Accept,
}

/// Which organisation a policy is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrganisationMeant {
    /// A real one: where it is still the made-up one that ships, that is said.
    Real,
    /// The made-up one, to try mailwarden out.
    MadeUp,
}

/// For how long it is remembered who wrote to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemorySettings {
    /// Days after the last mail; with 0, nothing is remembered.
    pub days: u16,
    /// For so many days from the first start on, nobody is called new: the memory is filling.
    pub settle_days: u16,
}

/// The configuration file as it is written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "mailwarden configuration")]
pub struct RawConfig {
    milter: RawMilter,
    policy: RawPolicy,
    /// The roll.
    #[serde(default)]
    people: RawPeople,
    store: RawStore,
    outgoing: RawOutgoing,
    control: RawControl,
    /// What Postfix hears when the filter itself fails: `tempfail` (mail waits) or `accept` (it goes on unchecked).
    #[serde(default)]
    on_failure: OnFailure,
    /// Who wrote to whom.
    #[serde(default)]
    memory: RawMemory,
    /// The processes that read documents.
    #[serde(default)]
    documents: RawDocuments,
    /// Caps; each has a default.
    #[serde(default)]
    limits: Limits,
}

/// How Postfix reaches the filter.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawMilter {
    /// Sockets to listen on: `unix:/path` or `inet:127.0.0.1:8891`.
    listen: Vec<String>,
    /// The mode of Unix sockets, in octal.
    #[serde(default = "default_socket_mode")]
    socket_mode: String,
    /// Where bodies go that do not fit in memory; the system's temporary folder where not given.
    spool_directory: Option<PathBuf>,
}

/// The policy.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawPolicy {
    /// The folder with the rule files, lists and guidance texts.
    directory: PathBuf,
    /// `true` where its organisation is meant to be the made-up one that ships, to try mailwarden out: nobody is advised to replace it.
    #[serde(default)]
    made_up: bool,
}

/// The roll: who is who.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct RawPeople {
    /// The file that `people import` writes and the filter reads; without it, mailwarden knows nobody.
    roll: Option<PathBuf>,
}

/// The store of held mail.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawStore {
    /// The folder; made when it does not exist, readable by its owner alone.
    directory: PathBuf,
}

/// Mail that mailwarden sends: released messages and answers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawOutgoing {
    /// Address and port of the MTA, by IP address.
    smtp: SocketAddr,
    /// Whom answers come from.
    from: String,
    /// Whom a sender may ask about an answer; the same as `from` where not given.
    contact: Option<String>,
    /// The address to which senders and approvers reply to confirm; Postfix must take mail for it, with a `+` and a code behind
    /// its local part too.
    confirm: Option<String>,
    /// The address to which staff send a message to learn what would happen to it; it is never delivered.
    check: Option<String>,
    /// How many answers one sender gets in `summary-minutes`; beyond them, one summary.
    #[serde(default = "default_answers")]
    answers: u32,
    /// How long answers beyond that are gathered for a summary.
    #[serde(default = "default_summary_minutes")]
    summary_minutes: u32,
    /// For so many days, a sender is not advised about the same rule again; with 0, nobody is advised about mail that is delivered.
    #[serde(default = "default_advice_days")]
    advice_days: u16,
}

/// The running filter's control socket.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawControl {
    /// Its path; whoever may write to it may reload the policy.
    socket: PathBuf,
}

/// What is remembered of who wrote to whom outside, for rules that look at first mail.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct RawMemory {
    /// Days after the last mail; with 0, nothing is remembered.
    days: u16,
    /// For so many days from the first start on, nobody is called new.
    settle_days: u16,
}

impl Default for RawMemory {
    fn default() -> Self {
        Self { days: 400, settle_days: 30 }
    }
}

/// The processes that read documents.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct RawDocuments {
    /// How many there are; as many as there are processors, at least 2, where not given.
    workers: Option<usize>,
    /// `best` takes every measure of their sandbox that the system has; `required` reads no document without all.
    sandbox: Demand,
}

impl RawDocuments {
    fn settings(&self, limits: &Limits) -> Result<worker::Settings, (&'static str, String)> {
        let own = worker::Settings::own(limits.clone());
        match self.workers.unwrap_or(own.workers) {
            0 => Err(("workers", "workers is 0: at least one process must read documents".to_owned())),
            workers => Ok(worker::Settings { workers, demand: self.sandbox, ..own }),
        }
    }
}

fn default_answers() -> u32 {
    Share::default().answers
}

fn default_summary_minutes() -> u32 {
    u32::try_from(Share::default().within.as_mins()).unwrap_or(60)
}

fn default_advice_days() -> u16 {
    30
}

fn default_socket_mode() -> String {
    "0660".to_owned()
}

/// Why the configuration or the policy's folder cannot be used.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum ConfigError {
    /// A file or folder cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    #[diagnostic(help("check that the path is right and that mailwarden's user may read it"))]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Larger than anything of ours.
    #[error("{}: larger than {FILE_BYTES} bytes", path.display())]
    #[diagnostic(help("is this the right file?"))]
    TooLarge {
        /// Which.
        path: PathBuf,
    },
    /// Not UTF-8.
    #[error("{}:{line}:{column}: not UTF-8 text here", path.display())]
    #[diagnostic(help(
        "save the file as UTF-8: Notepad's \"Save as\" asks for the encoding, where its \"ANSI\" is another one"
    ))]
    NotText {
        /// Which.
        path: PathBuf,
        /// The line of the first wrong byte.
        line: usize,
        /// Its column.
        column: usize,
    },
    /// The configuration has a fault.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Fault(Box<ConfigFault>),
}

/// A fault of the configuration file, at its place.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{what}")]
pub struct ConfigFault {
    /// What is wrong.
    what: String,
    /// The file.
    #[source_code]
    text: NamedSource<String>,
    /// Where.
    #[label("here")]
    span: Option<SourceSpan>,
    /// What to do.
    #[help]
    help: String,
    /// What else is wrong.
    #[related]
    more: Vec<ConfigFault>,
}

impl From<ConfigFault> for ConfigError {
    fn from(fault: ConfigFault) -> Self {
        Self::Fault(Box::new(fault))
    }
}

impl ConfigFault {
    fn at(what: String, file: &Path, text: &str, span: Option<SourceSpan>, help: Option<String>) -> Self {
        let usual = "docs/configuration.md describes every setting; `mailwarden schema config` gives a schema for editors";
        let text = NamedSource::new(file.display().to_string(), text.to_owned());
        Self { what, text, span, help: help.unwrap_or_else(|| usual.to_owned()), more: Vec::new() }
    }

    /// All faults as one error; the first of them in the file comes first.
    fn all(mut faults: Vec<Self>) -> Option<ConfigError> {
        faults.sort_by_key(|fault| fault.span.map(|span| span.offset()));
        let mut faults = faults.into_iter();
        let first = faults.next()?;
        Some(Self { more: faults.collect(), ..first }.into())
    }
}

impl Config {
    /// Reads and checks a configuration file. Paths in it are relative to its folder.
    ///
    /// # Errors
    /// When it cannot be read, with the place of the first fault.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let text = read_text(file)?;
        let read = slips::read::<RawConfig>(&text, "docs/configuration.md");
        let faults = read
            .slips
            .into_iter()
            .map(|slip| ConfigFault::at(slip.message, file, &text, Some(slip.span.into()), slip.help));
        let raw = match (read.value, ConfigFault::all(faults.collect())) {
            (Some(raw), None) => raw,
            (_, Some(error)) => return Err(error),
            (None, None) => {
                return Err(ConfigFault::at("nothing can be read".to_owned(), file, &text, None, None).into());
            }
        };
        let config = Self::from_raw(raw, file).map_err(|(key, what)| {
            let place = text.find(key).map(|start| (start, key.len()).into());
            ConfigFault::at(what, file, &text, place, None)
        })?;
        Ok(Self { left_over: left_over(&file.display().to_string(), &text), ..config })
    }

    /// The schema of the configuration file, for editors.
    pub fn schema() -> schemars::Schema {
        schemars::schema_for!(RawConfig)
    }

    fn from_raw(raw: RawConfig, file: &Path) -> Result<Self, (&'static str, String)> {
        let file_path = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        let base = file_path.parent().unwrap_or(Path::new("/")).to_owned();
        if raw.milter.listen.is_empty() {
            return Err((
                "listen",
                "no socket to listen on: give one such as \"unix:/run/mailwarden/milter.sock\"".to_owned(),
            ));
        }
        let listen: Result<Vec<ListenAddress>, _> =
            raw.milter.listen.iter().map(|address| relative_socket(address, &base).parse()).collect();
        let listen = listen.map_err(|error: ListenError| ("listen", error.to_string()))?;
        let socket_mode = u32::from_str_radix(&raw.milter.socket_mode, 8)
            .ok()
            .filter(|mode| *mode <= 0o777)
            .ok_or(("socket-mode", "socket-mode is not an octal mode such as \"0660\"".to_owned()))?;
        if !raw.outgoing.from.contains('@') {
            return Err(("from", "from is not an address such as \"mailwarden@school.example\"".to_owned()));
        }
        let confirm = own_address("confirm", raw.outgoing.confirm.as_deref())?;
        let check = own_address("check", raw.outgoing.check.as_deref())?;
        let within = SignedDuration::from_mins(i64::from(raw.outgoing.summary_minutes));
        let contact = raw.outgoing.contact.unwrap_or_else(|| raw.outgoing.from.clone());
        Ok(Self {
            file: file.to_owned(),
            listen,
            socket_mode,
            spool_directory: raw
                .milter
                .spool_directory
                .map_or_else(std::env::temp_dir, |path| base.join(path)),
            policy_directory: base.join(raw.policy.directory),
            organisation: match raw.policy.made_up {
                true => OrganisationMeant::MadeUp,
                false => OrganisationMeant::Real,
            },
            roll: raw.people.roll.map(|path| base.join(path)),
            store_directory: base.join(raw.store.directory),
            smtp: raw.outgoing.smtp,
            answers_from: raw.outgoing.from,
            contact,
            confirm,
            check,
            share: Share { answers: raw.outgoing.answers, within },
            advise_again_after: SignedDuration::from_hours(24 * i64::from(raw.outgoing.advice_days)),
            control_socket: base.join(raw.control.socket),
            on_failure: raw.on_failure,
            memory: MemorySettings { days: raw.memory.days, settle_days: raw.memory.settle_days },
            workers: raw.documents.settings(&raw.limits)?,
            limits: raw.limits,
            left_over: Vec::new(),
        })
    }
}

/// An address at which the filter itself takes mail.
fn own_address(
    key: &'static str,
    written: Option<&str>,
) -> Result<Option<ReplyAddress>, (&'static str, String)> {
    let Some(text) = written else { return Ok(None) };
    match ReplyAddress::parse(text) {
        Some(address) => Ok(Some(address)),
        None => Err((key, format!("{key} is not a plain address such as \"{key}@school.example\""))),
    }
}

fn relative_socket(address: &str, base: &Path) -> String {
    match address.strip_prefix("unix:") {
        Some(path) => format!("unix:{}", base.join(path).display()),
        None => address.to_owned(),
    }
}

/// Reads a text file, with a cap before anything is allocated for it.
///
/// # Errors
/// When it cannot be read, is too large, or is not UTF-8: then with the place.
pub fn read_text(path: &Path) -> Result<String, ConfigError> {
    let failed = |source| ConfigError::Read { path: path.to_owned(), source };
    let file = fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > FILE_BYTES {
        return Err(ConfigError::TooLarge { path: path.to_owned() });
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let text = String::from_utf8_lossy(good);
        let last = text.rsplit('\n').next().unwrap_or_default();
        let (line, column) = (text.matches('\n').count() + 1, last.chars().count() + 1);
        ConfigError::NotText { path: path.to_owned(), line, column }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_utf_8_is_told_at_its_line_and_column() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("list.txt");
        fs::write(&file, b"caf\xc3\xa9\n\xc3\xa9t\xe9\n").unwrap();
        let told = read_text(&file).unwrap_err().to_string();
        assert!(told.ends_with("list.txt:2:3: not UTF-8 text here"), "{told}");
    }

    const GOOD: &str = r#"
[milter]
listen = ["unix:milter.sock", "inet:127.0.0.1:8891"]
[policy]
directory = "rules"
[people]
roll = "people.roll"
[store]
directory = "/var/lib/mailwarden"
[outgoing]
smtp = "127.0.0.1:25"
from = "mailwarden@oakfield.example"
[control]
socket = "control.sock"
[memory]
days = 30
[documents]
sandbox = "best"
[limits]
mime-depth = 12
"#;

    fn load(text: &str) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mailwarden.toml");
        fs::write(&file, text).unwrap();
        Config::load(&file)
    }

    #[test]
    fn paths_are_relative_to_the_file_and_defaults_are_filled_in() {
        let config = load(GOOD).unwrap();
        assert!(config.policy_directory.is_absolute());
        assert!(config.roll.as_ref().unwrap().is_absolute());
        assert_eq!(config.store_directory, Path::new("/var/lib/mailwarden"));
        assert!(config.listen[0].to_string().starts_with("unix:/"));
        assert_eq!(config.socket_mode, 0o660);
        assert_eq!(config.on_failure, OnFailure::Tempfail);
        assert_eq!(config.limits.mime_depth, 12);
        assert_eq!((config.workers.limits.mime_depth, config.workers.demand), (12, Demand::Best));
        assert_eq!((config.memory.days, config.memory.settle_days), (30, 30));
        assert!(config.workers.workers >= 2);
        assert_eq!(config.contact, "mailwarden@oakfield.example");
    }

    #[test]
    fn a_bogus_key_in_any_table_is_refused_at_its_place() {
        for table in
            ["milter", "policy", "people", "store", "outgoing", "control", "memory", "documents", "limits"]
        {
            let text = GOOD.replace(&format!("[{table}]\n"), &format!("[{table}]\nbogus = 1\n"));
            let Err(ConfigError::Fault(fault)) = load(&text) else { panic!("[{table}] takes a bogus key") };
            let (what, span) = (&fault.what, fault.span.unwrap());
            assert!(what.contains("bogus"), "{what}");
            assert_eq!(&text[span.offset()..span.offset() + 5], "bogus");
        }
        assert!(matches!(load(&format!("bogus = 1\n{GOOD}")), Err(ConfigError::Fault(_))));
    }

    #[test]
    fn every_slip_is_told_with_what_was_probably_meant() {
        let bad = GOOD
            .replace("socket = ", "sokcet = ")
            .replace("sandbox", "sandbocks")
            .replace("smtp =", "smtq =");
        let Err(ConfigError::Fault(fault)) = load(&bad) else { panic!("it is taken") };
        let told: Vec<String> = std::iter::once(&*fault)
            .chain(&fault.more)
            .map(|one| format!("{}: {}", one.what, one.help))
            .collect();
        let wanted = [("smtq", "smtp"), ("sokcet", "socket"), ("sandbocks", "sandbox")]
            .map(|(wrong, right)| format!("unknown key \"{wrong}\": did you mean \"{right}\"?"));
        assert_eq!(told, wanted);
    }

    #[test]
    fn wrong_values_are_refused() {
        for (good, bad) in [
            ("[\"unix:milter.sock\", \"inet:127.0.0.1:8891\"]", "[]"),
            ("mailwarden@oakfield.example", "mailwarden"),
            ("127.0.0.1:25", "localhost"),
            ("directory = \"rules\"", "directory = 3"),
            ("[limits]", "[milter.socket-mode]"),
            ("sandbox = \"best\"", "workers = 0"),
            ("sandbox = \"best\"", "sandbox = \"none\""),
        ] {
            assert!(matches!(load(&GOOD.replace(good, bad)), Err(ConfigError::Fault(_))), "{bad} is taken");
        }
    }
}
