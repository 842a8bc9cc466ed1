//! The tags of a sheet, quickly: sheets have millions. Expands no entity but XML's own five, and characters by number.

use std::borrow::Cow;

use memchr::{memchr, memchr3, memmem};
use quick_xml::escape::unescape;

/// A tag. Names are local.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tag<'x> {
    Open {
        name: &'x str,
        attributes: &'x str,
        is_empty: bool,
    },
    Close(&'x str),
    /// Text that is as it is written (`CDATA`).
    Verbatim(&'x str),
}

/// The tags of a document, one after the other.
pub(super) struct Tags<'x> {
    rest: &'x str,
    /// Whether the document ended within a tag.
    pub is_cut: bool,
}

impl<'x> Tags<'x> {
    pub fn new(text: &'x str) -> Self {
        Self { rest: text, is_cut: false }
    }

    /// The next tag, and the text before it; none at the end.
    pub fn next(&mut self) -> Option<(&'x str, Tag<'x>)> {
        loop {
            let (before, inner) = self.rest.split_at_checked(memchr(b'<', self.rest.as_bytes())?)?;
            let inner = inner.get(1..)?;
            let tag = match inner.as_bytes().first() {
                Some(b'!') if inner.starts_with("![CDATA[") => {
                    let end = self.until(inner, "]]>")?;
                    Tag::Verbatim(inner.get(8..end).unwrap_or_default())
                }
                Some(b'!') if inner.starts_with("!--") => {
                    self.until(inner, "-->")?;
                    continue;
                }
                Some(b'!' | b'?') => {
                    self.until(inner, ">")?;
                    continue;
                }
                _ => self.element(inner)?,
            };
            return Some((before, tag));
        }
    }

    /// Goes on after the end of what is no element; where it ends.
    fn until(&mut self, inner: &'x str, end: &str) -> Option<usize> {
        let at = memmem::find(inner.as_bytes(), end.as_bytes());
        self.is_cut |= at.is_none();
        self.rest = at.and_then(|at| inner.get(at + end.len()..)).unwrap_or_default();
        at
    }

    fn element(&mut self, inner: &'x str) -> Option<Tag<'x>> {
        let bytes = inner.as_bytes();
        let mut from = 0;
        // The end is the first bracket that is not quoted.
        let end = loop {
            let Some(at) = bytes.get(from..).and_then(|rest| memchr3(b'>', b'"', b'\'', rest)) else {
                self.is_cut = true;
                return None;
            };
            match bytes.get(from + at).copied() {
                Some(quote @ (b'"' | b'\'')) => {
                    let closing = bytes.get(from + at + 1..).and_then(|rest| memchr(quote, rest));
                    // What is quoted to the end is cut.
                    from = from + at + 2 + closing.unwrap_or(bytes.len());
                }
                _ => break from + at,
            }
        };
        self.rest = inner.get(end + 1..).unwrap_or_default();
        let tag = inner.get(..end).unwrap_or_default();
        if let Some(name) = tag.strip_prefix('/') {
            return Some(Tag::Close(local(name.trim_end())));
        }
        let (tag, is_empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let length = tag.bytes().position(|byte| byte.is_ascii_whitespace()).unwrap_or(tag.len());
        let (name, attributes) = tag.split_at_checked(length)?;
        Some(Tag::Open { name: local(name), attributes, is_empty })
    }
}

/// The attributes of a tag: names as they are written, values not unescaped.
pub(super) fn attributes(mut rest: &str) -> impl Iterator<Item = (&str, &str)> {
    std::iter::from_fn(move || {
        let (name, after) = rest.split_at_checked(memchr(b'=', rest.as_bytes())?)?;
        let after = after.get(1..)?.trim_start();
        let quote = *after.as_bytes().first().filter(|quote| matches!(quote, b'"' | b'\''))?;
        let value = after.get(1..)?;
        let (value, after) = value.split_at_checked(memchr(quote, value.as_bytes())?)?;
        rest = after.get(1..).unwrap_or_default();
        Some((name.trim(), value))
    })
}

/// Text as it is meant; where it has an entity that XML does not know, as it is written.
pub(super) fn unescaped(text: &str) -> Cow<'_, str> {
    if memchr(b'&', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    unescape(text).unwrap_or(Cow::Borrowed(text))
}

fn local(name: &str) -> &str {
    memchr(b':', name.as_bytes()).and_then(|colon| name.get(colon + 1..)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_told_from_what_looks_like_them() {
        let mut tags =
            Tags::new("<?xml?><!-- <a> --><x:c r='A>1' t = \"s\">1 &lt; 2</x:c><v/><![CDATA[<b>]]><c r='A");
        let open = Tag::Open { name: "c", attributes: " r='A>1' t = \"s\"", is_empty: false };
        assert_eq!(tags.next(), Some(("", open)));
        assert_eq!(tags.next(), Some(("1 &lt; 2", Tag::Close("c"))));
        assert_eq!(tags.next(), Some(("", Tag::Open { name: "v", attributes: "", is_empty: true })));
        assert_eq!(tags.next(), Some(("", Tag::Verbatim("<b>"))));
        assert_eq!(tags.next(), None);
        assert!(tags.is_cut);
        let found: Vec<(&str, &str)> = attributes(" r='A>1' t = \"s\" x").collect();
        assert_eq!(found, [("r", "A>1"), ("t", "s")]);
        assert_eq!(unescaped("1 &lt; 2 &#233; &nope;"), "1 &lt; 2 &#233; &nope;");
        assert_eq!(unescaped("1 &lt; &#233;"), "1 < é");
    }
}
