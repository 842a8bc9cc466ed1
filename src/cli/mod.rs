//! The command line: one file for each command, errors printed once, here. No command decides about a message itself.

mod arguments;
mod backtest;
mod check;
mod documents;
mod evaluate;
mod explain;
mod guidance;
mod held;
mod input;
mod monitoring;
mod notices;
mod paint;
mod people;
mod policy_source;
mod reload;
mod scan;
mod serve;
mod show;
mod status;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

/// How a command ended; the numbers are its exit codes, as `docs/command-line.md` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// 0: done.
    Well,
    /// 1: done, and what was asked for has faults or was not there.
    WithFaults,
}

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The configuration or policy cannot be used; already in a form for people.
    #[error("{0}")]
    Faults(String),
    /// The command's arguments do not fit together.
    #[error("{0}")]
    Usage(String),
    /// It could not be done.
    #[error("{0}")]
    Failed(String),
    /// Reading or writing failed.
    #[error("{what}: {source}")]
    Io {
        /// What was being done, and to which file.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
}

impl CliError {
    const fn exit_code(&self) -> u8 {
        match self {
            Self::Faults(_) => 1,
            Self::Usage(_) => 2,
            Self::Failed(_) | Self::Io { .. } => 3,
        }
    }

    fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// Runs the program: reads the arguments, carries out the command, prints an error where there is one.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    if matches!(arguments.command, Command::ReadDocuments) {
        return crate::worker::read_documents();
    }
    match carry_out(arguments) {
        Ok(Ended::Well) => ExitCode::SUCCESS,
        Ok(Ended::WithFaults) => ExitCode::from(1),
        // `mailwarden scan … | head`: whoever reads has had enough.
        Err(CliError::Io { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let text = error.to_string();
            let _ = writeln!(
                io::stderr(),
                "{}",
                if text.starts_with('\n') || text.contains('×') {
                    text
                } else {
                    format!("mailwarden: {text}")
                }
            );
            ExitCode::from(error.exit_code())
        }
    }
}

fn carry_out(arguments: Arguments) -> Result<Ended, CliError> {
    let source = policy_source::PolicySource {
        config: arguments.config,
        policy: arguments.policy,
        people: arguments.people,
    };
    if !matches!(arguments.command, Command::Serve) {
        log_errors();
    }
    match arguments.command {
        Command::Serve => serve::run(&source),
        Command::Check(options) => check::run(&source, &options),
        Command::Scan(options) => scan::run(&source, &options),
        Command::Show(options) => show::run(&source, &options),
        Command::Explain(options) => explain::run(&source, &options),
        Command::Backtest(options) => backtest::run(&source, &options),
        Command::Evaluate(options) => evaluate::run(&source, &options),
        Command::Guidance(options) => guidance::run(&source, &options),
        Command::Held(options) => held::run(&source, &options),
        Command::Notices(options) => notices::run(&source, &options),
        Command::People(options) => people::run(&source, &options),
        Command::Monitoring(options) => monitoring::run(&source, &options),
        Command::Reload => reload::run(&source),
        Command::Status(options) => status::run(&source, &options),
        Command::Schema(options) => documents::schema(&options),
        Command::Man(options) => documents::man(&options),
        Command::Completions(options) => documents::completions(&options),
        Command::ReadDocuments => Ok(Ended::Well),
    }
}

/// What the filter would log as an error is for whoever runs a command, too.
fn log_errors() {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::ERROR)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .without_time()
        .init();
}

/// Whether the standard output is a terminal whose reader likes colour (<https://no-color.org>).
fn colour_wanted() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}
