//! `status`: how the running filter is. Shows counts; never content.

use std::io::{self, Write};

use super::arguments::Json;
use super::policy_source::PolicySource;
use super::{CliError, Ended, paint, reload};
use crate::serve::control::Request;

/// Shows it.
pub fn run(source: &PolicySource, options: &Json) -> Result<Ended, CliError> {
    let config = source.config()?;
    let status = reload::ask(&config.control_socket, Request::Status)?;
    let text = match (&status, options.json) {
        (serde_json::Value::Object(fields), false) => {
            let plain =
                |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let rows =
                fields.iter().map(|(name, value)| vec![name.replace('_', " "), plain(value)]).collect();
            paint::table(&["", ""], rows)
        }
        _ => format!("{status}\n"),
    };
    io::stdout().write_all(text.as_bytes()).map_err(CliError::io("standard output"))?;
    Ok(Ended::Well)
}
