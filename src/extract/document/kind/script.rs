//! Whether a text is a script for a shell, PowerShell or the Windows script host. Says so only where the text tells.
//!
//! Homework about programming is text: what counts is what an interpreter would be told to do with the machine.

/// What stands at the beginning of a line and makes a script of it alone; in lower case.
const FIRST_LINES: &[&str] =
    &["@echo off", "@echo on", "@setlocal", "@powershell", "@start ", "@cls", "@if ", "@rem ", "@cd "];

/// Words of the interpreters, in lower case: two different ones, at least one of them in a line that is a statement.
const WORDS: &[&str] = &[
    "createobject(",
    "wscript.",
    "on error resume next",
    "new activexobject(",
    "scripting.filesystemobject",
    "msxml2.xmlhttp",
    "adodb.stream",
    "wscript.shell",
    "executeglobal",
    "invoke-expression",
    "invoke-webrequest",
    "iex(",
    "iex (",
    "new-object ",
    "net.webclient",
    "downloadstring(",
    "downloadfile(",
    "frombase64string(",
    "-executionpolicy",
    "set-executionpolicy",
    "start-process",
    "write-host",
    "get-childitem",
    "import-module",
    "-erroraction",
    "get-aduser",
    "add-type ",
    "$env:",
    "param(",
    "param (",
    "%~dp0",
    "%userprofile%",
    "%appdata%",
    "setlocal enabledelayedexpansion",
    "reg add ",
    "taskkill /",
    "certutil -",
    "bitsadmin /",
    "rundll32 ",
    "regsvr32 ",
    "powershell.exe",
    "cmd.exe /c",
    "cmd /c ",
];

/// How statements begin, in lower case.
const STATEMENTS: &[&str] = &[
    "set ",
    "dim ",
    "sub ",
    "function ",
    "var ",
    "const ",
    "let ",
    "if ",
    "if(",
    "for ",
    "for(",
    "try",
    "call ",
    "on error",
    "echo ",
    "start ",
    "reg ",
    "del ",
    "copy ",
    "rem ",
    "goto ",
    ":",
    "@",
    "$",
    "[",
    "param",
    "import-module",
    "write-host",
    "get-",
    "set-",
    "invoke-",
    "start-",
    "new-",
    "powershell",
    "cmd",
    "certutil",
    "bitsadmin",
    "rundll32",
    "regsvr32",
    "taskkill",
    "iex",
    "add-type",
    "wscript.",
    "eval(",
    "new activexobject",
    "executeglobal",
];

/// `start` is the text from its first character that is no white space.
pub(super) fn is_script(start: &[u8]) -> bool {
    let first = start.split(|byte| *byte == b'\n').next().unwrap_or_default().to_ascii_lowercase();
    if first.starts_with(b"#!") && first.contains(&b'/') {
        return true;
    }
    if FIRST_LINES.iter().any(|line| first.starts_with(line.as_bytes())) {
        return true;
    }
    let lower = start.to_ascii_lowercase();
    let mut words = WORDS.iter().filter(|word| memchr::memmem::find(&lower, word.as_bytes()).is_some());
    words.next().is_some() && words.next().is_some() && lower.split(|byte| *byte == b'\n').any(is_statement)
}

/// Whether a line begins as a statement and has one of the words.
fn is_statement(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    let begins = STATEMENTS.iter().any(|statement| line.starts_with(statement.as_bytes()));
    begins && WORDS.iter().any(|word| memchr::memmem::find(line, word.as_bytes()).is_some())
}
