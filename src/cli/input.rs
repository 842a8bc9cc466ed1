//! Messages from files, folders, mboxes and standard input, with the envelope that a bare message lacks. Never scans.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use jiff::Zoned;

use super::CliError;
use super::arguments::EnvelopeOptions;
use super::paint::{Tone, paint};
use crate::extract::document::{SNIFFED, sniff};
use crate::limits::Limits;
use crate::message::{Address, Envelope, Message, Origin};
use crate::verdict::{Kind, KindGroup};

/// A message to be looked at.
pub struct Input {
    /// The file that it came from, with `#3` for the third message of an mbox.
    pub name: String,
    /// Its bytes.
    pub raw: Vec<u8>,
}

/// The files that arguments name: folders are walked, in the order of their names.
pub fn files(arguments: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let mut found = Vec::new();
    for argument in arguments {
        if argument.as_os_str() != "-" && argument.is_dir() {
            walk(argument, &mut found)?;
        } else {
            found.push(argument.clone());
        }
    }
    if found.is_empty() {
        return Err(CliError::Usage("no message found there: give files, folders or an mbox".to_owned()));
    }
    Ok(found)
}

/// The messages of a file: one, or each of an mbox (RFC 4155).
pub fn messages(file: &Path) -> Result<Vec<Input>, CliError> {
    let name = file.display().to_string();
    let mut bytes = Vec::new();
    if file.as_os_str() == "-" {
        io::stdin().read_to_end(&mut bytes).map_err(CliError::io("standard input"))?;
        refuse_document("the standard input", bytes.get(..SNIFFED).unwrap_or(&bytes))?;
    } else {
        bytes = fs::read(file).map_err(CliError::io(name.clone()))?;
    }
    if !begins_with_a_header(&bytes) {
        let note = "has no header, as a message has: all of it is taken for the text of one";
        let _ = writeln!(io::stderr(), "{} {name} {note}", paint("note:", Tone::Note));
    }
    Ok(cut(name, bytes))
}

/// Whether a file begins as messages and mboxes do (RFC 5322 §2.2, RFC 4155).
fn begins_with_a_header(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let name =
        line.split(|byte| *byte == b':').next().filter(|name| name.len() < line.len()).unwrap_or_default();
    bytes.starts_with(b"From ") || !name.is_empty() && name.trim_ascii_end().iter().all(u8::is_ascii_graphic)
}

/// Refuses a file that is named and no message, such as a PDF: it would be read as a damaged one.
pub fn refuse_documents(arguments: &[PathBuf]) -> Result<(), CliError> {
    for file in arguments.iter().filter(|file| file.is_file()) {
        let mut head = Vec::new();
        let opened = fs::File::open(file).map_err(CliError::io(file.display().to_string()))?;
        opened
            .take(SNIFFED as u64)
            .read_to_end(&mut head)
            .map_err(CliError::io(file.display().to_string()))?;
        refuse_document(&file.display().to_string(), &head)?;
    }
    Ok(())
}

fn refuse_document(name: &str, head: &[u8]) -> Result<(), CliError> {
    let kind = sniff(head);
    let is_document = matches!(
        kind.group(),
        KindGroup::Document
            | KindGroup::Presentation
            | KindGroup::Archive
            | KindGroup::Image
            | KindGroup::Audio
            | KindGroup::Video
    );
    match is_document || matches!(kind, Kind::Xls | Kind::Office | Kind::Msg) {
        false => Ok(()),
        true => Err(CliError::Usage(format!(
            "{name} is no message but a file of kind {}: attach it to a message, save that as an .eml file, and give that",
            kind.name()
        ))),
    }
}

/// When a message is taken to have come.
pub fn moment(options: &EnvelopeOptions, zone: &jiff::tz::TimeZone) -> Result<Zoned, CliError> {
    let Some(text) = &options.at else { return Ok(Zoned::now().with_time_zone(zone.clone())) };
    text.parse::<Zoned>()
        .or_else(|_| text.parse::<jiff::civil::DateTime>().and_then(|local| local.to_zoned(zone.clone())))
        .map_err(|error| {
            CliError::Usage(format!("--at {text}: not a time such as 2026-03-02T09:30 ({error})"))
        })
}

/// The envelope of a bare message: from options, else from its header.
pub fn envelope(raw: &[u8], options: &EnvelopeOptions, limits: &Limits) -> Envelope {
    let message = Message::parse(raw, limits);
    let sender = match options.from.as_deref() {
        Some(address) => Address::parse(address.as_bytes()),
        None => return_path(&message),
    };
    let recipients = if options.to.is_empty() {
        ["to", "cc", "bcc"].into_iter().flat_map(|name| header_addresses(&message, name)).collect()
    } else {
        options.to.iter().filter_map(|address| Address::parse(address.as_bytes())).collect()
    };
    Envelope {
        queue_id: None,
        origin: Origin::Smtp,
        client: None,
        authenticated: options.authenticated.clone(),
        sender,
        recipients,
    }
}

fn return_path(message: &Message<'_>) -> Option<Address> {
    if let Some(field) = message.fields("return-path").next() {
        return Address::parse(field.value);
    }
    header_addresses(message, "from").into_iter().next()
}

/// The addresses in every field of that name.
fn header_addresses(message: &Message<'_>, name: &str) -> Vec<Address> {
    let mut addresses = Vec::new();
    for field in message.fields(name) {
        let line = [b"To:", field.value, b"\r\n\r\n"].concat();
        let parsed = mail_parser::MessageParser::new().parse_headers(line.as_slice());
        let list = parsed.as_ref().and_then(|parsed| parsed.to());
        for address in list.into_iter().flat_map(mail_parser::Address::iter) {
            addresses.extend(address.address().and_then(|text| Address::parse(text.as_bytes())));
        }
    }
    addresses
}

/// One message, or each of an mbox.
fn cut(name: String, bytes: Vec<u8>) -> Vec<Input> {
    let starts = mbox_starts(&bytes);
    if starts.len() < 2 {
        return vec![Input { name, raw: bytes }];
    }
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    let cut = starts.iter().zip(ends).enumerate();
    cut.filter_map(|(index, (start, end))| {
        Some(Input { name: format!("{name}#{}", index + 1), raw: bytes.get(*start..end)?.to_vec() })
    })
    .collect()
}

/// Where the messages of an mbox start: `From ` lines at the start or after an empty line.
fn mbox_starts(bytes: &[u8]) -> Vec<usize> {
    if !bytes.starts_with(b"From ") {
        return Vec::new();
    }
    let mut starts = vec![0];
    let mut offset = 0;
    let mut after_empty = false;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if after_empty && line.starts_with(b"From ") {
            starts.push(offset);
        }
        after_empty = matches!(line, b"\n" | b"\r\n");
        offset += line.len();
    }
    starts
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), CliError> {
    let entries = fs::read_dir(folder).map_err(CliError::io(folder.display().to_string()))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_symlink() {
            continue;
        } else if path.is_dir() {
            walk(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_begins_with_a_field() {
        for (text, is_one) in [
            ("Subject: x\r\n\r\nhello", true),
            ("Received : from x", true),
            ("From a Mon\nSubject: one\n", true),
            ("Dear all: hello", false),
            ("Two coaches, please.\n", false),
            ("\nSubject: x", false),
            ("", false),
        ] {
            assert_eq!(begins_with_a_header(text.as_bytes()), is_one, "{text}");
        }
    }

    #[test]
    fn an_mbox_is_cut_at_from_lines_after_empty_lines_alone() {
        let mbox =
            b"From a Mon\nSubject: one\n\n>From here on\n\nFrom b Tue\nSubject: two\n\nbody\nFrom the left\n";
        assert_eq!(mbox_starts(mbox), [0, 40]);
        assert!(mbox_starts(b"Subject: x\n\nFrom \n").is_empty());
    }
}
