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
        false => paint::table(&["", ""], rows(&status)),
    };
    io::stdout().write_all(text.as_bytes()).map_err(CliError::io("standard output"))?;
    Ok(Ended::Well)
}

/// What is told first, in this order and in these words: the names of the fields that a value is in, and what people call it.
const LABELS: &[(&str, &str)] = &[
    ("version", "version"),
    ("started", "started"),
    ("listening", "listens on"),
    ("policy", "policy"),
    ("policy_fingerprint", "policy's fingerprint"),
    ("policy_loaded", "policy taken up"),
    ("rules", "rules"),
    ("people", "people on the roll"),
    ("failures", "messages that could not be judged"),
    ("messages_pass", "messages passed"),
    ("messages_tag", "messages tagged"),
    ("messages_mark", "messages marked"),
    ("messages_hold", "messages held"),
    ("messages_return", "messages returned"),
    ("messages_reject", "messages rejected"),
    ("messages_own", "own mail let by"),
    ("store", "store"),
    ("store held", "messages that wait for a decision"),
    ("store oldest_held", "oldest of them"),
    ("store releasing", "on their way after release"),
    ("store returned", "returned, ever"),
    ("store outbox_waiting", "letters that wait to be sent"),
    ("store outbox_oldest", "oldest of those"),
    ("store outbox_failed", "letters given up"),
    ("store unconfirmed", "sent, but Postfix's answer was not heard"),
    ("store last_error", "what last went wrong with them"),
    ("store free_bytes", "bytes left on the store's disk"),
    ("notices open", "notices that nobody settled"),
    ("notices untold", "notices for which nobody is left to tell"),
    ("notices waiting", "notices that wait to be sent"),
    ("documents workers", "readers of documents, at most"),
    ("documents running", "readers that run"),
    ("documents started", "readers started"),
    ("documents failed_starts", "readers that did not start"),
    ("documents documents", "documents read"),
    ("documents nobody_free", "documents that no reader was free for"),
    ("documents died out_of_time", "readers stopped: took too long"),
    ("documents died out_of_memory", "readers stopped: too much memory"),
    ("documents died forbidden_system_call", "readers stopped: forbidden system call"),
    ("documents died crashed", "readers that crashed"),
    ("documents died panicked", "readers that failed by a fault of ours"),
    ("documents died nonsense", "readers that answered nonsense"),
];

/// A row for each value: what has a label first, then the rest by its names.
fn rows(status: &Value) -> Vec<Vec<String>> {
    let mut values = Vec::new();
    collect(&mut values, "", status);
    // Nothing to tell is not told.
    values.retain(|(name, value)| !(value.is_null() || name.starts_with("documents died") && *value == 0));
    values.sort_by_key(|(name, _)| LABELS.iter().position(|(known, _)| known == name).unwrap_or(usize::MAX));
    let label = |name: &str| LABELS.iter().find(|(known, _)| *known == name).map(|(_, label)| *label);
    let row = |(name, value): (String, &Value)| {
        let label = label(&name).map_or_else(|| name.replace('_', " "), str::to_owned);
        vec![label, written(value)]
    };
    values.into_iter().map(row).collect()
}

/// Each value under the names of all that it is in.
fn collect<'v>(values: &mut Vec<(String, &'v Value)>, name: &str, value: &'v Value) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                collect(values, format!("{name} {field}").trim_start(), value);
            }
        }
        value => values.push((name.to_owned(), value)),
    }
}

fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.parse::<Timestamp>().map_or_else(|_| text.clone(), paint::moment),
        // A moment and what happened then.
        Value::Array(items) => items.iter().map(written).collect::<Vec<_>>().join(": "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_matters_comes_first_in_plain_words() {
        let status = json!({
            "documents": { "documents": 4, "died": { "nonsense": 0, "crashed": 1 }, "sandbox": { "landlock": "full" } },
            "failures": 0,
            "store": { "last_error": null, "held": 2, "oldest_held": "2026-11-27T08:00:00Z" },
            "something_new": "yes",
            "version": "0.1.0",
        });
        let lines: Vec<String> = rows(&status).iter().map(|row| row.join(" = ")).collect();
        let moment = paint::moment("2026-11-27T08:00:00Z".parse().unwrap());
        assert_eq!(
            lines,
            [
                "version = 0.1.0",
                "messages that could not be judged = 0",
                "messages that wait for a decision = 2",
                &format!("oldest of them = {moment}"),
                "documents read = 4",
                "readers that crashed = 1",
                "documents sandbox landlock = full",
                "something new = yes",
            ]
        );
    }
}
