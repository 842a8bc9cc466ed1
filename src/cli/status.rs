//! `status`: how the running filter is. Shows counts; never content.

use std::io::{self, Write};

use jiff::Timestamp;
use serde_json::Value;

use super::arguments::Json;
use super::policy_source::PolicySource;
use super::{CliError, Ended, paint, reload};
use crate::serve::control::Request;

/// Shows it.
pub fn run(source: &PolicySource, options: &Json) -> Result<Ended, CliError> {
    let config = source.config()?;
    let status = reload::ask(&config.control_socket, Request::Status)?;
    let text = match options.json {
        true => format!("{status}\n"),
        false => {
            let mut rows = Vec::new();
            fill(&mut rows, "", &status);
            paint::table(&["", ""], rows)
        }
    };
    io::stdout().write_all(text.as_bytes()).map_err(CliError::io("standard output"))?;
    Ok(Ended::Well)
}

/// A row for each value, under the names of all that it is in.
fn fill(rows: &mut Vec<Vec<String>>, name: &str, value: &Value) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                fill(rows, format!("{name} {}", field.replace('_', " ")).trim_start(), value);
            }
        }
        Value::String(text) if text.parse::<Timestamp>().is_ok() => {
            let moment = text.parse().map(paint::moment).unwrap_or_default();
            rows.push(vec![name.to_owned(), moment]);
        }
        Value::String(text) => rows.push(vec![name.to_owned(), text.clone()]),
        other => rows.push(vec![name.to_owned(), other.to_string()]),
    }
}
