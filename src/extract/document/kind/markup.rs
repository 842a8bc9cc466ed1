//! Which kind of markup a text is: HTML, XML, SVG, or a script in its clothes. Reads tags alone.

use memchr::memmem;

use crate::verdict::Kind;

/// Elements that begin a page, in HTML that people and programs write (the first of them as in WHATWG MIME Sniffing §7.1).
const PAGE_ELEMENTS: &[&str] = &[
    "html",
    "head",
    "body",
    "title",
    "meta",
    "script",
    "style",
    "link",
    "base",
    "table",
    "div",
    "span",
    "p",
    "br",
    "hr",
    "h1",
    "h2",
    "h3",
    "h4",
    "center",
    "font",
    "a",
    "b",
    "i",
    "u",
    "em",
    "strong",
    "img",
    "iframe",
    "form",
    "ul",
    "ol",
    "li",
    "pre",
    "blockquote",
    "section",
    "article",
    "header",
    "main",
    "nav",
    "frameset",
    "noscript",
    "tr",
    "td",
    "th",
    "tbody",
    "input",
    "button",
    "embed",
    "object",
    "marquee",
];

/// `start` begins with `<`. None where it is no markup.
pub(super) fn kind(start: &[u8]) -> Option<Kind> {
    if start.starts_with(b"<?php") || start.starts_with(b"<?=") || start.starts_with(b"<%") {
        return Some(Kind::Script);
    }
    let is_xml = begins(start, b"<?xml");
    let (root, after) = root(start);
    match root {
        Some(root) => element(root, after, is_xml),
        // A comment that is longer than what is looked at, or a document type for a page.
        None if is_xml => Some(Kind::Xml),
        None if begins(start, b"<!doctype") => Some(doctype(start)),
        None => start.starts_with(b"<!--").then_some(Kind::Html),
    }
}

fn doctype(start: &[u8]) -> Kind {
    let declared = start.get(9..).unwrap_or_default().trim_ascii_start();
    if begins(declared, b"html") { Kind::Html } else { Kind::Xml }
}

fn element(root: &[u8], text: &[u8], is_xml: bool) -> Option<Kind> {
    // A prefix stands before the name: `svg:svg`.
    let name = root.rsplit(|byte| *byte == b':').next().unwrap_or(root).to_ascii_lowercase();
    match name.as_slice() {
        b"svg" => return Some(Kind::Svg),
        b"job" | b"package" | b"component" | b"scriptlet" if holds(text, b"<script") => {
            return Some(Kind::Script);
        }
        b"html" | b"head" | b"script" | b"title" | b"body" if holds(text, b"<hta:application") => {
            return Some(Kind::Script);
        }
        b"html" => return Some(Kind::Html),
        b"plist" if memmem::find(text, b"<key>URL</key>").is_some() => return Some(Kind::UrlShortcut),
        _ => {}
    }
    if is_xml {
        return Some(Kind::Xml);
    }
    if PAGE_ELEMENTS.iter().any(|element| element.as_bytes() == name) {
        return Some(Kind::Html);
    }
    // An element that ends somewhere, or brings its namespace; `<name> wrote:` does neither.
    let end = [b"</", root, b">"].concat();
    let tag = text.get(..memchr::memchr(b'>', text).unwrap_or(text.len())).unwrap_or(text);
    let is_element = memmem::find(text, &end).is_some() || holds(tag, b"xmlns") || tag.ends_with(b"/");
    is_element.then_some(Kind::Xml)
}

/// The first element's name, past what may stand before it, and the text from its tag on.
fn root(start: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let mut rest = start;
    // What stands before the root in a page that is none is not gone through for long.
    for _ in 0..64 {
        rest = rest.trim_ascii_start();
        let end: &[u8] = match rest {
            [b'<', b'!', b'-', b'-', ..] => b"-->",
            [b'<', b'!' | b'?', ..] => b">",
            [b'<', letter, ..] if letter.is_ascii_alphabetic() => return (Some(name(rest)), rest),
            _ => return (None, rest),
        };
        // A document type may have declarations of its own, in brackets.
        let skipped = match memmem::find(rest, end) {
            Some(at) if begins(rest, b"<!doctype") => inner_subset_end(rest, at),
            other => other,
        };
        let Some(at) = skipped else { return (None, rest) };
        rest = rest.get(at + end.len()..).unwrap_or_default();
    }
    (None, rest)
}

/// Where a document type ends whose first `>` is at `first`.
fn inner_subset_end(rest: &[u8], first: usize) -> Option<usize> {
    match memchr::memchr(b'[', rest.get(..first)?) {
        Some(open) => memmem::find(rest.get(open..)?, b"]>").map(|close| open + close + 1),
        None => Some(first),
    }
}

fn name(tag: &[u8]) -> &[u8] {
    let tag = tag.get(1..).unwrap_or_default();
    let end = tag.iter().position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/'));
    tag.get(..end.unwrap_or(tag.len())).unwrap_or(tag)
}

fn begins(text: &[u8], with: &[u8]) -> bool {
    text.get(..with.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(with))
}

/// Whether the text has that, in letters of any case; `what` is in lower case.
fn holds(text: &[u8], what: &[u8]) -> bool {
    text.windows(what.len()).any(|window| window.eq_ignore_ascii_case(what))
}
