//! `reload`: asks the running filter to take up the changed policy and roll, and prints what it says. Checks nothing itself.

use std::io::{self, Write};

use super::policy_source::PolicySource;
use super::{CliError, Ended};
use crate::serve::control::{self, Request};

/// Reloads.
pub fn run(source: &PolicySource) -> Result<Ended, CliError> {
    let config = source.config()?;
    let answer = ask(&config.control_socket, Request::Reload)?;
    let text = answer.get("text").and_then(|text| text.as_str()).unwrap_or("");
    let reloaded = answer.get("ok").and_then(serde_json::Value::as_bool).unwrap_or(false);
    match reloaded {
        true => writeln!(io::stdout(), "{text}").map_err(CliError::io("standard output"))?,
        false => {
            return Err(CliError::Faults(format!("{text}\nwhat has a fault was not taken up")));
        }
    }
    Ok(Ended::Well)
}

/// Asks the running filter something.
pub fn ask(socket: &std::path::Path, request: Request) -> Result<serde_json::Value, CliError> {
    control::ask(socket, request).map_err(|source| CliError::Io {
        what: format!("no filter answers at {} (is `mailwarden serve` running?)", socket.display()),
        source,
    })
}
