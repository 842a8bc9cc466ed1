//! Takes HTML apart into text, tags and comments, as browsers do (HTML §13.2.5). Knows nothing of what they mean.

use std::borrow::Cow;
use std::convert::Infallible;

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{State, Tokenizer};
use memchr::{memchr, memchr_iter, memmem};

/// What is told of a page, in its order.
pub(super) trait Sink {
    /// Text, its character references decoded. A word may come in pieces.
    fn text(&mut self, text: &str);
    /// A start tag begins; its name is in lower case.
    fn open(&mut self, name: &[u8]);
    /// An attribute of the tag that began last; its name as it came.
    fn attribute(&mut self, name: &[u8], value: &str);
    /// The tag that began last is complete. One that the page's end cuts never is.
    fn start(&mut self);
    /// An end tag; its name is in lower case.
    fn end(&mut self, name: &[u8]);
    /// A comment's content.
    fn comment(&mut self, comment: &str);
}

/// Bytes of an element's name that are told apart: no known one is as long.
pub(super) const LONGEST_NAME: usize = 32;

/// Longest named character reference, with some room.
const LONGEST_REFERENCE: usize = 40;

/// Reads a page to its end. Scripts are taken not to run, as in mail: what is in `noscript` is markup.
pub(super) fn read(html: &str, sink: &mut impl Sink) {
    let mut reader = Reader { html, at: 0, sink };
    while reader.at < html.len() {
        reader.text_and_markup();
    }
}

struct Reader<'x, 's, S> {
    html: &'x str,
    /// Always at the start of a character.
    at: usize,
    sink: &'s mut S,
}

impl<'x, S: Sink> Reader<'x, '_, S> {
    fn rest(&self) -> &'x str {
        self.html.get(self.at..).unwrap_or_default()
    }

    /// Reads up to the next `<`, and what it begins.
    fn text_and_markup(&mut self) {
        let rest = self.rest();
        let end = memchr(b'<', rest.as_bytes()).unwrap_or(rest.len());
        self.text(rest.get(..end).unwrap_or_default());
        self.at += end;
        let markup = self.rest();
        match markup.as_bytes() {
            [b'<', letter, ..] if letter.is_ascii_alphabetic() => self.tag(1),
            [b'<', b'/', letter, ..] if letter.is_ascii_alphabetic() => self.tag(2),
            [b'<', b'/', b'>', ..] => self.at += 3,
            [b'<', b'!', b'-', b'-', ..] => self.comment(),
            [b'<', b'!' | b'?', ..] | [b'<', b'/', _, ..] => {
                let end = memchr(b'>', markup.as_bytes()).unwrap_or(markup.len());
                self.sink.comment(markup.get(2..end).unwrap_or_default());
                self.at = self.html.len().min(self.at + end + 1);
            }
            [] => {}
            _ => {
                self.sink.text("<");
                self.at += 1;
            }
        }
    }

    /// A comment: it ends at `-->`, at `--!>`, and at once where it begins with `>` or `->`.
    fn comment(&mut self) {
        let content = self.rest().get(4..).unwrap_or_default();
        let (length, end) = if content.starts_with('>') {
            (0, 1)
        } else if content.starts_with("->") {
            (0, 2)
        } else {
            comment_end(content.as_bytes()).unwrap_or((content.len(), content.len()))
        };
        self.sink.comment(content.get(..length).unwrap_or_default());
        self.at += 4 + end;
    }

    /// A start or end tag whose name begins `skip` bytes further on.
    fn tag(&mut self, skip: usize) {
        let mut tag = TagReader { bytes: self.rest().as_bytes(), at: skip };
        let name = tag.take_until(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>'));
        let mut lower = [0; LONGEST_NAME];
        let length = name.len().min(LONGEST_NAME);
        for (lower, byte) in lower.iter_mut().zip(name) {
            *lower = byte.to_ascii_lowercase();
        }
        let name = lower.get(..length).unwrap_or_default();
        let starts = skip == 1;
        if starts {
            self.sink.open(name);
        }
        loop {
            tag.skip(|byte| byte.is_ascii_whitespace() || byte == b'/');
            match tag.peek() {
                // The page ends inside the tag: browsers drop it.
                None => {
                    self.at = self.html.len();
                    return;
                }
                Some(b'>') => break,
                Some(_) => {
                    let (attribute, value) = tag.attribute();
                    if starts {
                        let value =
                            self.html.get(self.at + value.start..self.at + value.end).unwrap_or_default();
                        self.sink.attribute(attribute, &decoded(value));
                    }
                }
            }
        }
        self.at += tag.at + 1;
        if starts {
            self.sink.start();
            self.raw_text(name);
        } else {
            self.sink.end(name);
        }
    }

    /// The content of the elements in which tags are text: up to their own end tag.
    fn raw_text(&mut self, name: &[u8]) {
        if !matches!(name, b"script" | b"style" | b"title" | b"textarea" | b"xmp" | b"plaintext") {
            return;
        }
        let rest = self.rest();
        let is_end = |at: &usize| {
            let after = rest.as_bytes().get(at + 1..).unwrap_or_default();
            let Some(after) = after.strip_prefix(b"/").and_then(|after| after.split_at_checked(name.len()))
            else {
                return false;
            };
            after.0.eq_ignore_ascii_case(name)
                && after
                    .1
                    .first()
                    .is_some_and(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>'))
        };
        let end = memchr_iter(b'<', rest.as_bytes()).find(is_end).filter(|_| name != b"plaintext");
        let content = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        if matches!(name, b"title" | b"textarea") {
            self.text(content);
        } else if !content.is_empty() {
            self.sink.text(content);
        }
        self.at += content.len();
    }

    /// Text, its character references decoded.
    fn text(&mut self, text: &str) {
        pieces(text, &mut |piece| self.sink.text(piece));
    }
}

/// Where a comment's content ends, and where its end mark does.
fn comment_end(content: &[u8]) -> Option<(usize, usize)> {
    let mut at = 0;
    loop {
        at += memmem::find(content.get(at..)?, b"--")?;
        match content.get(at + 2..)? {
            [b'>', ..] => return Some((at, at + 3)),
            [b'!', b'>', ..] => return Some((at, at + 4)),
            _ => at += 1,
        }
    }
}

/// Reads along a tag's bytes.
struct TagReader<'x> {
    bytes: &'x [u8],
    at: usize,
}

impl<'x> TagReader<'x> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip(&mut self, wanted: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&wanted) {
            self.at += 1;
        }
    }

    fn take_until(&mut self, end: impl Fn(u8) -> bool) -> &'x [u8] {
        let start = self.at;
        self.skip(|byte| !end(byte));
        self.bytes.get(start..self.at).unwrap_or_default()
    }

    /// An attribute's name and where its value lies.
    fn attribute(&mut self) -> (&'x [u8], std::ops::Range<usize>) {
        let start = self.at;
        // A name may begin with `=`.
        self.at += 1;
        self.take_until(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>' | b'='));
        let name = self.bytes.get(start..self.at).unwrap_or_default();
        self.skip(|byte| byte.is_ascii_whitespace());
        if self.peek() != Some(b'=') {
            return (name, self.at..self.at);
        }
        self.at += 1;
        self.skip(|byte| byte.is_ascii_whitespace());
        match self.peek() {
            Some(quote @ (b'"' | b'\'')) => {
                let start = self.at + 1;
                let rest = self.bytes.get(start..).unwrap_or_default();
                let end = memchr(quote, rest).map_or(self.bytes.len(), |length| start + length);
                self.at = end + 1;
                (name, start..end)
            }
            _ => {
                let start = self.at;
                self.take_until(|byte| byte.is_ascii_whitespace() || byte == b'>');
                (name, start..self.at)
            }
        }
    }
}

/// A value with its character references decoded.
fn decoded(value: &str) -> Cow<'_, str> {
    if memchr(b'&', value.as_bytes()).is_none() {
        return Cow::Borrowed(value);
    }
    let mut out = String::with_capacity(value.len());
    pieces(value, &mut |piece| out.push_str(piece));
    Cow::Owned(out)
}

/// Gives a text piece by piece, each as it stands or a character reference decoded.
fn pieces(text: &str, each: &mut impl FnMut(&str)) {
    let mut rest = text;
    while let Some(at) = memchr(b'&', rest.as_bytes()) {
        let (plain, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        if !plain.is_empty() {
            each(plain);
        }
        let name = from.bytes().skip(1).take(LONGEST_REFERENCE);
        let length = 1 + name.take_while(|&byte| byte.is_ascii_alphanumeric() || byte == b'#').count();
        let length = length + usize::from(from.as_bytes().get(length) == Some(&b';'));
        let (reference, after) = from.split_at_checked(length).unwrap_or((from, ""));
        match reference {
            "&nbsp;" => each("\u{a0}"),
            "&amp;" => each("&"),
            "&lt;" => each("<"),
            "&gt;" => each(">"),
            "&quot;" => each("\""),
            "&#39;" => each("'"),
            "&" => each("&"),
            other => each(&looked_up(other)),
        }
        rest = after;
    }
    if !rest.is_empty() {
        each(rest);
    }
}

/// Decodes one reference by the table of names that the tokenizer crate has.
fn looked_up(reference: &str) -> String {
    let mut out = String::new();
    let emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, _: html5gum::Span<()>| {
        if let CallbackEvent::String { value } = event {
            out.push_str(&String::from_utf8_lossy(value));
        }
        None::<Infallible>
    });
    let mut tokenizer = Tokenizer::new_with_emitter(reference, emitter);
    // In this state nothing but references has a meaning.
    tokenizer.set_state(State::RcData);
    let _: Result<(), Infallible> = tokenizer.finish();
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, Strategy, any, prop, prop_assert_eq, prop_oneof, proptest};

    use super::*;

    /// What a sink was told, adjacent text joined.
    #[derive(Default, Debug, PartialEq, Eq)]
    struct Told(Vec<String>);

    impl Sink for Told {
        fn text(&mut self, text: &str) {
            match self.0.last_mut() {
                Some(last) if last.starts_with("text ") => last.push_str(text),
                _ => self.0.push(format!("text {text}")),
            }
        }
        fn open(&mut self, name: &[u8]) {
            self.0.push(format!("open {}", short(name)));
        }
        fn attribute(&mut self, name: &[u8], value: &str) {
            self.0.push(format!("attribute {}={value}", String::from_utf8_lossy(name).to_ascii_lowercase()));
        }
        fn start(&mut self) {
            self.0.push("start".to_owned());
        }
        fn end(&mut self, name: &[u8]) {
            self.0.push(format!("end {}", short(name)));
        }
        fn comment(&mut self, comment: &str) {
            self.0.push(format!("comment {comment}"));
        }
    }

    fn short(name: &[u8]) -> String {
        String::from_utf8_lossy(&name[..name.len().min(20)]).into_owned()
    }

    fn ours(html: &str) -> Vec<String> {
        let mut told = Told::default();
        read(html, &mut told);
        told.0
    }

    /// What the html5gum crate, which passes the browsers' own tests, makes of a page.
    fn theirs(html: &str) -> Vec<String> {
        let mut told = Told::default();
        let (mut open, mut attribute) = (false, None::<String>);
        let emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, _: html5gum::Span<()>| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            if matches!(event, CallbackEvent::Error(_)) {
                return None;
            }
            if let Some(name) = attribute.take() {
                let value = if let CallbackEvent::AttributeValue { value } = &event {
                    text(value)
                } else {
                    String::new()
                };
                if open {
                    told.attribute(name.as_bytes(), &value);
                }
            }
            match event {
                CallbackEvent::String { value } => told.text(&text(value)),
                CallbackEvent::OpenStartTag { name } => {
                    open = true;
                    told.open(name);
                }
                CallbackEvent::AttributeName { name } => attribute = Some(text(name)),
                CallbackEvent::CloseStartTag { .. } => {
                    open = false;
                    told.start();
                }
                CallbackEvent::EndTag { name } => told.end(name),
                CallbackEvent::Comment { value } => told.comment(&text(value)),
                _ => {}
            }
            None::<Infallible>
        });
        let mut emitter = emitter;
        emitter.naively_switch_states(true);
        let _: Result<(), Infallible> = Tokenizer::new_with_emitter(html, emitter).finish();
        told.0
    }

    fn piece() -> impl Strategy<Value = String> {
        const PIECES: [&str; 44] = [
            "<",
            ">",
            "/",
            "=",
            "\"",
            "'",
            " ",
            "\n",
            "&",
            ";",
            "!",
            "-",
            "--",
            "<!--",
            "-->",
            "--!>",
            "<!",
            "<?",
            "</",
            "<p",
            "<p>",
            "</p>",
            "<B>",
            "<div class=a>",
            "<a href='x>y'",
            "<style>",
            "</style>",
            "<title>",
            "</TITLE >",
            "<textarea>",
            "</textarea>",
            "&amp;",
            "&amp",
            "&lt",
            "&nbsp;",
            "&notit;",
            "&#x41;",
            "&#0;",
            "&#",
            "&eacute;",
            "word",
            "é",
            "<br/>",
            " hidden",
        ];
        prop_oneof![6 => prop::sample::select(PIECES.to_vec()).prop_map(str::to_owned), 1 => any::<char>().prop_filter("", |c| !c.is_control()).prop_map(String::from)]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn pages_are_taken_apart_as_browsers_do(pieces in prop::collection::vec(piece(), 0..25)) {
            let html = pieces.concat();
            // Carriage returns become line feeds there, and here where lines are made; control characters differ.
            prop_assert_eq!(comparable(ours(&html), &html), comparable(theirs(&html), &html));
        }
    }

    /// Without what is not told of the same way and has no bearing on text: comments and doctypes.
    fn comparable(told: Vec<String>, html: &str) -> Vec<String> {
        let mut out = Told::default();
        for line in told {
            match line.strip_prefix("text ") {
                Some(text) => out.text(&text.replace('\r', "\n")),
                None if line.starts_with("comment ") => {}
                // References without `;` are read otherwise in attributes, of which none matters here.
                None if line.starts_with("attribute ") && html.contains('&') => {}
                None => out.0.push(line.replace('\r', "\n")),
            }
        }
        // A tag that the end cuts is never complete.
        while let Some(at) = out.0.iter().rposition(|line| line.starts_with("open ")) {
            if out.0.iter().skip(at).any(|line| line == "start") {
                break;
            }
            out.0.truncate(at);
        }
        out.0
    }
}
