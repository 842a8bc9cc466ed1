//! HTML smuggling: a page or picture that carries a file in its own text and hands it over by script. Runs nothing.
//!
//! Pages that people save, notebooks and reports carry pictures, fonts and scripts in the same way, and libraries know the
//! same functions. So what counts is a file of a kind that harms or hides, or a page that is little else than the file.

use std::borrow::Cow;

use crate::extract::document::kind::sniff;
use crate::message::base64;
use crate::verdict::{Kind, KindGroup};

/// Characters of base64 in a row from which on it may be a file.
const LEAST_LITERAL: usize = 400;
/// Characters from which on it may be a file whatever is in it.
const LARGE_LITERAL: usize = 4_096;
/// Literals that are looked at in one page.
const MOST_LITERALS: usize = 64;
/// Bytes of a file that are decoded to be opened.
const MOST_BYTES: usize = 32 << 20;

/// Ways in which a script makes a file of a value.
const MAKES_FILE: [&str; 5] = ["createObjectURL", "msSaveBlob", "msSaveOrOpenBlob", "new Blob(", "new File("];
/// Ways in which a page saves a file or goes there without being asked.
const HANDS_OVER: [&str; 7] = [
    ".download",
    "download=",
    ".click(",
    "msSaveBlob",
    "msSaveOrOpenBlob",
    "location.href",
    "window.location",
];
/// Ways in which a script decodes what a literal hides.
const DECODES: [&str; 4] = ["atob(", "fromCharCode", "Uint8Array", "unescape("];
/// Ways in which a script makes a page or code of it.
const RUNS: [&str; 4] = ["document.write", "eval(", "innerHTML", "srcdoc"];

/// The file that a page's script brings, empty where it is hidden too well to be had; none where there is no such script.
pub(super) fn find(page: &str) -> Option<Vec<u8>> {
    if page.len() < LEAST_LITERAL {
        return None;
    }
    let has = |words: &[&str]| {
        words.iter().any(|word| memchr::memmem::find(page.as_bytes(), word.as_bytes()).is_some())
    };
    let hands_over = has(&HANDS_OVER);
    let by_file = has(&MAKES_FILE) && hands_over;
    let by_writing = has(&DECODES) && has(&RUNS);
    let by_link = hands_over && has(&["data:"]);
    if !(by_file || by_writing || by_link) {
        return None;
    }
    let literals = Literals { text: page.as_bytes(), at: 0 };
    for literal in literals.take(MOST_LITERALS) {
        let head = base64(literal.get(..16_384).unwrap_or(&literal), MOST_BYTES).bytes;
        let kind = sniff(&head);
        if is_payload(kind, by_file || by_link, by_writing) {
            return Some(base64(&literal, MOST_BYTES).bytes);
        }
        // Hidden by a cipher of the script's own: then there is little else in the page.
        let is_most = literal.len() > LARGE_LITERAL && literal.len() > page.len() / 2;
        if kind == Kind::Unknown && is_most && has(&DECODES) && (by_file || by_writing) {
            return Some(Vec::new());
        }
    }
    None
}

/// Whether a file of that kind has no business in a page.
const fn is_payload(kind: Kind, is_saved: bool, is_written: bool) -> bool {
    let brought = match kind.group() {
        KindGroup::Archive | KindGroup::Program | KindGroup::Script | KindGroup::Mail => true,
        KindGroup::Document | KindGroup::Spreadsheet | KindGroup::Presentation => !matches!(kind, Kind::Csv),
        _ => false,
    };
    (is_saved || is_written) && brought || is_written && matches!(kind, Kind::Html)
}

/// The long literals of base64 in a page, pieces that are joined by `+` put together.
struct Literals<'x> {
    text: &'x [u8],
    at: usize,
}

impl<'x> Iterator for Literals<'x> {
    type Item = Cow<'x, [u8]>;

    fn next(&mut self) -> Option<Cow<'x, [u8]>> {
        while self.at < self.text.len() {
            let mut literal = self.run();
            while let Some(after) = self.joined() {
                self.at = after;
                let more = self.run();
                if more.is_empty() {
                    break;
                }
                literal.to_mut().extend_from_slice(&more);
            }
            if literal.len() >= LEAST_LITERAL {
                return Some(literal);
            }
            self.at += usize::from(literal.is_empty());
        }
        None
    }
}

impl<'x> Literals<'x> {
    /// The characters of base64 that follow.
    fn run(&mut self) -> Cow<'x, [u8]> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
        let length = rest.iter().position(|byte| !is_base64(byte)).unwrap_or(rest.len());
        self.at += length;
        Cow::Borrowed(rest.get(..length).unwrap_or_default())
    }

    /// Where the next piece begins, if the text goes on as `" + "`, `","` or with a line broken by `\`.
    fn joined(&self) -> Option<usize> {
        let rest = self.text.get(self.at..)?;
        let between = rest.iter().take(64).position(|byte| !b"\"'`+,\\ \t\r\n".contains(byte))?;
        let gap = rest.get(..between)?;
        let quotes = gap.iter().filter(|byte| b"\"'`".contains(byte)).count();
        let is_joint = quotes == 2 || gap.first() == Some(&b'\\') && gap.contains(&b'\n');
        is_joint.then_some(self.at + between)
    }
}
