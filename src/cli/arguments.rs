//! What may be typed: every command and option, from which help, manual page and completions are made. Does nothing.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// A mail filter for schools and multi-academy trusts.
#[derive(Debug, Parser)]
#[command(name = "mailwarden", version, about, long_about = None, arg_required_else_help = true, max_term_width = 100)]
pub struct Arguments {
    /// The configuration file.
    #[arg(long, global = true, value_name = "FILE", env = "MAILWARDEN_CONFIG")]
    pub config: Option<PathBuf>,
    /// The policy's folder; without it, the one that the configuration names.
    #[arg(long, global = true, value_name = "DIR")]
    pub policy: Option<PathBuf>,
    /// The roll's file; without it, the one that the configuration names.
    #[arg(long, global = true, value_name = "FILE")]
    pub people: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the filter that Postfix calls
    Serve,
    /// Check a policy: every file, every list, every rule's examples
    Check(Check),
    /// Sweep messages and say what would happen to each
    Scan(Scan),
    /// Show what mailwarden sees in a message: envelope, parts, texts
    Show(Show),
    /// Say why: each rule, and each of its conditions that held or did not
    Explain(Explain),
    /// Compare two policies over a folder of messages
    Backtest(Backtest),
    /// Measure a policy over labelled messages: precision, recall, false alarms
    Evaluate(Evaluate),
    /// Show what the sender reads where a rule acts
    Guidance(Guidance),
    /// List, show, release or delete held mail
    Held(Held),
    /// List notices to reviewers, look one up, or note it as done
    Notices(Notices),
    /// Import, check, list or search the roll: who is who
    People(People),
    /// Show who was told that mail is monitored, and who is to be; tell somebody now
    Monitoring(Monitoring),
    /// Make the running filter take up the changed policy and roll
    Reload,
    /// Show how the running filter is
    Status(Json),
    /// Print a JSON Schema for editors
    Schema(Schema),
    /// Print the manual page
    Man(Man),
    /// Print completions for a shell
    Completions(Completions),
    /// Read documents on standard input in a sandbox: for the filter, which starts this by itself
    #[command(hide = true)]
    ReadDocuments,
}

/// Options of `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The policy's folder.
    pub directory: Option<PathBuf>,
    /// Print the policy in force, rule by rule, for the whole organisation or a school.
    #[arg(long)]
    pub effective: bool,
    /// The school for `--effective`.
    #[arg(long, requires = "effective")]
    pub school: Option<String>,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

/// How a bare message came, where its header doesn't tell.
#[derive(Debug, Args, Default, Clone)]
pub struct EnvelopeOptions {
    /// The envelope sender; `<>` is the null sender. Without it: Return-Path, else From.
    #[arg(long, value_name = "ADDRESS")]
    pub from: Option<String>,
    /// An envelope recipient; may be given several times. Without it: To, Cc and Bcc.
    #[arg(long, value_name = "ADDRESS")]
    pub to: Vec<String>,
    /// The login that the client proved.
    #[arg(long, value_name = "LOGIN")]
    pub authenticated: Option<String>,
    /// When it came, such as 2026-03-02T09:30:00[Europe/London]. Without it: now.
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
}

/// Options of `scan`.
#[derive(Debug, Args)]
pub struct Scan {
    /// Messages: files, folders, mboxes, or `-` for standard input.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub envelope: EnvelopeOptions,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
    /// Also print the words that matched, and the lists' terms that they were found by.
    #[arg(long)]
    pub reveal: bool,
}

/// Options of `show`.
#[derive(Debug, Args)]
pub struct Show {
    /// The message, or `-`.
    pub file: PathBuf,
    #[command(flatten)]
    pub envelope: EnvelopeOptions,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Options of `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// The message, or `-`.
    pub file: PathBuf,
    #[command(flatten)]
    pub envelope: EnvelopeOptions,
    /// Also the rules that were not near to matching.
    #[arg(long)]
    pub all: bool,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
    /// Also print the words that matched, and the lists' terms that they were found by.
    #[arg(long)]
    pub reveal: bool,
}

/// Options of `backtest`.
#[derive(Debug, Args)]
pub struct Backtest {
    /// Messages: files, folders, mboxes.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The folder of the changed policy.
    #[arg(long, value_name = "DIR")]
    pub against: PathBuf,
    #[command(flatten)]
    pub envelope: EnvelopeOptions,
    /// Also name every message that would fare otherwise.
    #[arg(long)]
    pub list: bool,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Options of `evaluate`.
#[derive(Debug, Args)]
pub struct Evaluate {
    /// Labelled messages: `.jsonl` files, and folders whose sub-folders are named by label.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// A label that stands for any of several categories, rules or groups; may be given several times.
    #[arg(long = "group", value_name = "NAME=LABEL,LABEL…")]
    pub groups: Vec<String>,
    /// All messages are ordinary ones, in any form that `scan` takes: measure false alarms alone.
    #[arg(long)]
    pub ordinary: bool,
    /// Which way messages go that say nothing of it.
    #[arg(long, value_name = "DIRECTION", default_value = "outbound")]
    pub direction: Way,
    /// Their envelope sender; somebody of the organisation, or outside, where left out.
    #[arg(long, value_name = "ADDRESS")]
    pub from: Option<String>,
    /// Their envelope recipient; may be given several times.
    #[arg(long, value_name = "ADDRESS")]
    pub to: Vec<String>,
    /// When they are taken to come.
    #[arg(long, value_name = "TIME", default_value = "2026-01-14T10:00")]
    pub at: String,
    /// How many false alarms and misses of each label are named, the worst first.
    #[arg(long, value_name = "NUMBER", default_value_t = 5)]
    pub worst: usize,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
    /// Also print the words that matched, and how missed messages begin.
    #[arg(long)]
    pub reveal: bool,
}

/// Which way a message goes.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Way {
    /// From outside to one of ours.
    Inbound,
    /// From one of ours to outside.
    Outbound,
    /// From one of ours to one of ours.
    Internal,
}

/// The `guidance` commands.
#[derive(Debug, Args)]
pub struct Guidance {
    #[command(subcommand)]
    pub command: GuidanceCommand,
}

/// What can be done with guidance.
#[derive(Debug, Subcommand)]
pub enum GuidanceCommand {
    /// Print the answer to the sender of a message that the rule acts on, in each of its forms; or a letter of its own
    Preview(GuidancePreview),
}

/// Options of `guidance preview`.
#[derive(Debug, Args)]
pub struct GuidancePreview {
    /// The rule's id, or a letter that belongs to none: `out-of-hours`, `monitoring-notice`.
    pub rule: String,
    /// Print the HTML form alone, a whole page.
    #[arg(long)]
    pub html: bool,
    /// Show what a rule would answer if it were enforced and told its sender, also where it sends nothing as it stands.
    #[arg(long)]
    pub anyway: bool,
    /// Who sends the message: their school and group choose the language. Somebody of the organisation where left out.
    #[arg(long, value_name = "ADDRESS")]
    pub from: Option<String>,
}

/// The `held` commands.
#[derive(Debug, Args)]
pub struct Held {
    #[command(subcommand)]
    pub command: HeldCommand,
}

/// What can be done with held mail.
#[derive(Debug, Subcommand)]
pub enum HeldCommand {
    /// List messages: those that wait for a decision, or all
    List {
        /// Also those that were decided on.
        #[arg(long)]
        all: bool,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Show one: envelope, rules, decisions. Not its content
    Show {
        /// Its reference, such as K7QF-2M9P.
        reference: String,
        /// Write the message itself to standard output, byte for byte.
        #[arg(long, requires = "why")]
        content: bool,
        /// Print what was found, in words: the text as it stood, and the list's term.
        #[arg(long, requires = "why", conflicts_with = "content")]
        reveal: bool,
        /// Why its content is read; recorded.
        #[arg(long)]
        why: Option<String>,
        /// Who reads it; without it, the login.
        #[arg(long)]
        by: Option<String>,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Release one: it goes to its recipients as if no rule had stopped it, and is not held again
    Release(Decide),
    /// Delete one: its content is destroyed, the record of it stays
    Delete(Decide),
}

/// A decision, or a look at what is on record.
#[derive(Debug, Args)]
pub struct Decide {
    /// Its reference, such as K7QF-2M9P.
    pub reference: String,
    /// Why; recorded.
    #[arg(long)]
    pub why: String,
    /// Who; without it, the login.
    #[arg(long)]
    pub by: Option<String>,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

/// The `notices` commands.
#[derive(Debug, Args)]
pub struct Notices {
    #[command(subcommand)]
    pub command: NoticesCommand,
}

/// What can be done with notices to reviewers.
#[derive(Debug, Subcommand)]
pub enum NoticesCommand {
    /// List notices: those that nobody noted as done, or all. Says neither who nor what
    List {
        /// Also those that are done.
        #[arg(long)]
        all: bool,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Look one up: who sent what to whom, which rules found it, who is told. Recorded
    Show(Decide),
    /// Note that it was seen to, and how; recorded
    Done(Decide),
}

/// The `people` commands.
#[derive(Debug, Args)]
pub struct People {
    #[command(subcommand)]
    pub command: PeopleCommand,
}

/// What can be done with the roll.
#[derive(Debug, Subcommand)]
pub enum PeopleCommand {
    /// Replace the roll by what exports of the management system say
    Import(PeopleImport),
    /// Say what `import` would do, and write nothing
    Check(PeopleImport),
    /// List everybody, or those of a role or school
    List {
        /// Only those of this role.
        #[arg(long)]
        role: Option<OnRoll>,
        /// Only those of this school, by its id.
        #[arg(long, value_name = "ID")]
        school: Option<String>,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Find people by how their names begin, by id or by address
    Find {
        /// Such as `bennett oli`.
        #[arg(required = true)]
        text: Vec<String>,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
}

/// Options of `people import` and `people check`.
#[derive(Debug, Args)]
pub struct PeopleImport {
    /// What the exports' columns are.
    #[arg(long, value_name = "FILE")]
    pub mapping: PathBuf,
    /// The exports, all of them: the roll is replaced as a whole.
    #[arg(required = true, value_name = "CSV")]
    pub exports: Vec<PathBuf>,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

/// The `monitoring` commands.
#[derive(Debug, Args)]
pub struct Monitoring {
    #[command(subcommand)]
    pub command: MonitoringCommand,
}

/// What can be done about the monitoring notice.
#[derive(Debug, Subcommand)]
pub enum MonitoringCommand {
    /// List who was told, when, by which text, and what became of the letter
    List {
        /// Every time that somebody was told, not the last alone.
        #[arg(long)]
        all: bool,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// List who is to be told, and who on the roll cannot be
    Due {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Tell somebody now, whether or not they were told before
    Tell(MonitoringTell),
}

/// Options of `monitoring tell`.
#[derive(Debug, Args)]
pub struct MonitoringTell {
    /// Addresses at the organisation's domains.
    #[arg(required_unless_present = "changed", conflicts_with = "changed", value_name = "ADDRESS")]
    pub addresses: Vec<String>,
    /// Everybody on the roll who was told last by a text that has changed since.
    #[arg(long)]
    pub changed: bool,
    /// Who asks for it; recorded. Without it, the login.
    #[arg(long)]
    pub by: Option<String>,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// A role on the roll.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum OnRoll {
    /// Is taught there.
    Pupil,
    /// Works there.
    Staff,
    /// Governs it.
    Governor,
    /// A parent or contact of a pupil.
    Parent,
}

impl From<OnRoll> for crate::people::Role {
    fn from(role: OnRoll) -> Self {
        match role {
            OnRoll::Pupil => Self::Pupil,
            OnRoll::Staff => Self::Staff,
            OnRoll::Governor => Self::Governor,
            OnRoll::Parent => Self::Parent,
        }
    }
}

/// `--json` alone.
#[derive(Debug, Args)]
pub struct Json {
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Options of `schema`.
#[derive(Debug, Args)]
pub struct Schema {
    /// Which.
    pub what: SchemaOf,
}

/// What has a schema.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum SchemaOf {
    /// The configuration file.
    Config,
    /// Rule files.
    Rules,
    /// `organisation.toml`.
    Organisation,
    /// `disclaimers.toml`.
    Disclaimers,
    /// `example-people.toml`.
    ExamplePeople,
}

/// Options of `man`.
#[derive(Debug, Args)]
pub struct Man {
    /// The command; without it, the program.
    pub command: Option<String>,
}

/// Options of `completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell.
    pub shell: clap_complete::Shell,
}
