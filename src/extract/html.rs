//! HTML to the text that people see, and apart from it the text that they don't. Runs nothing, fetches nothing.

use super::css::{self, Style};
use super::markup::{self, LONGEST_NAME, Sink};
use super::tags::{self, Flow};
use super::zones::Mark;
use crate::verdict::Zone;

/// The text of a page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Page {
    /// What browsers show, block elements on lines of their own, white space collapsed.
    pub visible: String,
    /// The stretches of it that the markup says are quoted, or a signature.
    pub marks: Vec<Mark>,
    /// What they don't show: hidden elements, text too small to read, comments for one program alone.
    pub hidden: String,
}

/// Reads a page. Never fails: browsers make something of any bytes, and so does this.
pub(super) fn read(html: &str) -> Page {
    let mut reader = Reader::default();
    markup::read(html, &mut reader);
    reader.in_comment = true;
    for comment in std::mem::take(&mut reader.conditional) {
        reader.stack.clear();
        reader.outer = Flags(Flags::HIDDEN);
        markup::read(&comment, &mut reader);
        reader.hidden.break_line();
    }
    Page { visible: reader.visible.text, marks: reader.marks, hidden: reader.hidden.text }
}

/// The attributes that say something of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attribute {
    Style,
    Hidden,
    Class,
    Id,
    Alt,
    Type,
    Other,
}

impl Attribute {
    fn of(name: &[u8]) -> Self {
        match name.len() {
            5 if name.eq_ignore_ascii_case(b"style") => Self::Style,
            6 if name.eq_ignore_ascii_case(b"hidden") => Self::Hidden,
            5 if name.eq_ignore_ascii_case(b"class") => Self::Class,
            2 if name.eq_ignore_ascii_case(b"id") => Self::Id,
            3 if name.eq_ignore_ascii_case(b"alt") => Self::Alt,
            4 if name.eq_ignore_ascii_case(b"type") => Self::Type,
            _ => Self::Other,
        }
    }
}

/// What holds for the text in an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Flags(u8);

impl Flags {
    const HIDDEN: u8 = 1;
    const TINY: u8 = 2;
    const QUOTED: u8 = 4;
    const SIGNATURE: u8 = 8;
    const PREFORMATTED: u8 = 16;
    const UNSEEN: u8 = 32;

    const fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }

    const fn set(&mut self, flag: u8, on: bool) {
        if on {
            self.0 |= flag;
        }
    }
}

/// A start tag while it is read.
#[derive(Debug, Default)]
struct Tag {
    name: [u8; LONGEST_NAME],
    name_length: usize,
    flags: Flags,
    style: Style,
    cite: bool,
    alt: String,
    /// From here on all is older mail, whatever the nesting: Outlook sets it beside the reply, not around it.
    older_below: bool,
}

impl Tag {
    fn new(name: &[u8]) -> Self {
        let mut tag = Self { name_length: name.len(), ..Self::default() };
        for (kept, byte) in tag.name.iter_mut().zip(name) {
            *kept = *byte;
        }
        tag
    }

    fn name(&self) -> &[u8] {
        self.name.get(..self.name_length).unwrap_or(&self.name)
    }

    fn attribute(&mut self, attribute: Attribute, value: &str) {
        match attribute {
            Attribute::Style => self.style = css::read(value),
            Attribute::Alt => self.alt = value.to_owned(),
            Attribute::Type => self.cite = value.eq_ignore_ascii_case("cite"),
            Attribute::Class => {
                for class in value.split_ascii_whitespace() {
                    self.flags.set(Flags::QUOTED, QUOTING_CLASSES.contains(&class));
                    self.flags.set(Flags::SIGNATURE, SIGNING_CLASSES.contains(&class));
                }
            }
            Attribute::Id => {
                // Outlook on the web puts `x_` before the ids of mail that it quotes.
                let id = value.trim_start_matches("x_");
                self.older_below |= id == "divRplyFwdMsg";
                self.flags.set(Flags::QUOTED, QUOTING_IDS.contains(&id));
                self.flags.set(Flags::SIGNATURE, SIGNING_IDS.contains(&id));
            }
            Attribute::Hidden => self.flags.set(Flags::HIDDEN, true),
            Attribute::Other => {}
        }
    }
}

const QUOTING_CLASSES: [&str; 7] = [
    "gmail_quote",
    "gmail_quote_container",
    "gmail_attr",
    "yahoo_quoted",
    "protonmail_quote",
    "moz-cite-prefix",
    "moz-forward-container",
];
const SIGNING_CLASSES: [&str; 3] = ["gmail_signature", "gmail_signature_prefix", "moz-signature"];
const QUOTING_IDS: [&str; 3] = [
    "mail-editor-reference-message-container",
    "ms-outlook-mobile-reference-message",
    "OLK_SRC_BODY_SECTION",
];
const SIGNING_IDS: [&str; 3] = ["Signature", "ms-outlook-mobile-signature", "AppleMailSignature"];

/// Elements that are open at once and are followed: no page of a person nests as deep.
const MOST_OPEN: usize = 512;
/// How far out an end tag looks for its start.
const FARTHEST_START: usize = 128;
/// Bytes of comments for one program that are read.
const MOST_CONDITIONAL: usize = 1 << 20;

#[derive(Debug, Default)]
struct Reader {
    visible: Flowing,
    hidden: Flowing,
    marks: Vec<Mark>,
    /// The zone of the last visible text.
    zone: Option<Zone>,
    stack: Vec<(u128, Flags)>,
    /// What holds outside every element.
    outer: Flags,
    /// Elements beyond `MOST_OPEN`.
    unfollowed: usize,
    tag: Tag,
    conditional: Vec<String>,
    conditional_bytes: usize,
    /// Inside such a comment: comments there are no more than that.
    in_comment: bool,
}

impl Sink for Reader {
    fn text(&mut self, text: &str) {
        let flags = self.flags();
        if flags.has(Flags::UNSEEN) {
            return;
        }
        let flowing = if self.is_hidden() { &mut self.hidden } else { &mut self.visible };
        if text.bytes().all(|byte| byte.is_ascii_whitespace()) && !flags.has(Flags::PREFORMATTED) {
            flowing.space(Gap::Space);
            return;
        }
        if self.is_hidden() {
            self.hidden.add(text, flags);
            return;
        }
        let zone = if flags.has(Flags::QUOTED) {
            Zone::Quoted
        } else if flags.has(Flags::SIGNATURE) {
            Zone::Signature
        } else {
            Zone::Body
        };
        let last = self.zone.replace(zone);
        if last.is_some_and(|last| last != zone) {
            self.visible.break_line();
        }
        let start = self.visible.add(text, flags);
        let end = self.visible.text.len();
        match self.marks.last_mut() {
            _ if zone == Zone::Body => {}
            Some(mark) if last == Some(zone) => mark.range.end = end,
            _ => self.marks.push(Mark { range: start..end, zone }),
        }
    }

    fn open(&mut self, name: &[u8]) {
        self.tag = Tag::new(name);
    }

    fn attribute(&mut self, name: &[u8], value: &str) {
        self.tag.attribute(Attribute::of(name), value);
    }

    fn start(&mut self) {
        let tag = std::mem::take(&mut self.tag);
        let flow = tags::flow(tag.name());
        if let Some((ended, kept)) = tags::implied_end(tag.name(), flow) {
            self.end_implied(ended, kept);
        }
        if tag.older_below {
            self.outer.set(Flags::QUOTED, true);
            for (_, flags) in &mut self.stack {
                flags.set(Flags::QUOTED, true);
            }
        }
        let outer = self.flags();
        let flags = tag.flags_within(outer, flow);
        let begins_hidden = flags.has(Flags::HIDDEN) && !outer.has(Flags::HIDDEN);
        if flow != Flow::Image && !begins_hidden {
            self.space(flow);
        }
        if flow == Flow::Image && !tag.alt.is_empty() && !flags.has(Flags::HIDDEN) {
            self.flowing().space(Gap::Space);
            self.text(&tag.alt);
            self.flowing().space(Gap::Space);
        }
        if tags::is_void(tag.name(), flow) {
            return;
        }
        if self.stack.len() < MOST_OPEN {
            self.stack.push((pack(tag.name()), flags));
        } else {
            self.unfollowed += 1;
        }
        if flow == Flow::Block {
            self.flowing().break_line();
        }
    }

    fn end(&mut self, name: &[u8]) {
        let flow = tags::flow(name);
        // The element's own text ends here; what follows is its parent's, seen or not.
        self.space(flow);
        if self.unfollowed > 0 {
            self.unfollowed -= 1;
            return;
        }
        let packed = pack(name);
        let from_top = self.stack.iter().rev().take(FARTHEST_START).position(|(open, _)| *open == packed);
        if let Some(from_top) = from_top {
            let was_hidden = self.is_hidden();
            self.stack.truncate(self.stack.len() - from_top - 1);
            // A hidden block takes no room: what stands around it is one line.
            if !was_hidden {
                self.space(if flow == Flow::Break { Flow::Inline } else { flow });
            } else if !self.is_hidden() {
                self.hidden.break_line();
            }
        }
    }

    /// Keeps what a comment has for one program alone: Outlook shows the content of `<!--[if mso]>…`.
    fn comment(&mut self, comment: &str) {
        let content = comment.strip_prefix("[if ").filter(|content| content.len() < MOST_CONDITIONAL);
        let Some((_, content)) = content.and_then(|content| content.split_once("]>")) else { return };
        if self.in_comment {
            return;
        }
        // Settings that Outlook writes into every message are no text.
        if content.trim_start().starts_with("<xml") || content.trim_start().starts_with("<style") {
            return;
        }
        self.conditional_bytes += content.len();
        if self.conditional_bytes <= MOST_CONDITIONAL {
            self.conditional.push(content.to_owned());
        }
    }
}

impl Reader {
    fn flags(&self) -> Flags {
        self.stack.last().map_or(self.outer, |(_, flags)| *flags)
    }

    fn is_hidden(&self) -> bool {
        self.flags().has(Flags::HIDDEN | Flags::TINY)
    }

    fn flowing(&mut self) -> &mut Flowing {
        if self.is_hidden() { &mut self.hidden } else { &mut self.visible }
    }

    fn space(&mut self, flow: Flow) {
        match flow {
            Flow::Block => self.flowing().break_line(),
            Flow::Cell => self.flowing().space(Gap::Cell),
            Flow::Break => self.flowing().force_break(),
            _ => {}
        }
    }

    fn end_implied(&mut self, ended: &[&[u8]], kept: &[&[u8]]) {
        let mut at = self.stack.len();
        for (name, _) in self.stack.iter().rev().take(16) {
            at -= 1;
            if ended.iter().any(|ended| pack(ended) == *name) {
                self.flowing().break_line_unless_cell(ended);
                self.stack.truncate(at);
                return;
            }
            if kept.iter().any(|kept| pack(kept) == *name) {
                return;
            }
        }
    }
}

impl Tag {
    /// What holds in the element that this tag starts.
    fn flags_within(&self, outer: Flags, flow: Flow) -> Flags {
        let mut flags = Flags(outer.0 | self.flags.0);
        if self.style.readable {
            flags.0 &= !Flags::TINY;
        }
        flags.set(Flags::TINY, self.style.tiny);
        flags.set(Flags::HIDDEN, self.style.hidden || flow == Flow::Hidden);
        flags.set(Flags::UNSEEN, flow == Flow::Unseen);
        let preformatted = matches!(self.name(), b"pre" | b"textarea" | b"listing" | b"xmp" | b"plaintext");
        flags.set(Flags::PREFORMATTED, preformatted || self.style.preformatted);
        // Gmail indents with a `blockquote` without border: that is no quotation.
        let quotes = self.name() == b"blockquote" && (self.cite || !self.style.borderless);
        flags.set(Flags::QUOTED, quotes);
        flags
    }
}

/// A name's first sixteen bytes: enough to tell elements apart.
fn pack(name: &[u8]) -> u128 {
    name.iter().take(16).fold(0, |packed, &byte| packed << 8 | u128::from(byte))
}

/// White space that is due before the next word; the greater wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Gap {
    #[default]
    None,
    Space,
    Cell,
    Line,
}

/// Text that grows as a browser lays it out.
#[derive(Debug, Default)]
struct Flowing {
    text: String,
    gap: Gap,
}

impl Flowing {
    fn space(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
    }

    fn break_line(&mut self) {
        self.gap = Gap::Line;
    }

    fn break_line_unless_cell(&mut self, ended: &[&[u8]]) {
        self.space(if ended.contains(&b"td".as_slice()) { Gap::Cell } else { Gap::Line });
    }

    fn force_break(&mut self) {
        if self.gap == Gap::Line {
            self.settle();
        }
        self.text.push('\n');
        self.gap = Gap::None;
    }

    /// Writes the white space that is due.
    fn settle(&mut self) {
        let starts_line = self.text.is_empty() || self.text.ends_with('\n');
        match std::mem::take(&mut self.gap) {
            Gap::Space if !starts_line => self.text.push(' '),
            Gap::Cell if !starts_line => self.text.push('\t'),
            Gap::Line if !starts_line => self.text.push('\n'),
            _ => {}
        }
    }

    /// Adds text, and says where its first word starts.
    fn add(&mut self, text: &str, flags: Flags) -> usize {
        if flags.has(Flags::PREFORMATTED) {
            self.settle();
            let start = self.text.len();
            self.text.push_str(text);
            return start;
        }
        let mut start = None;
        let mut words = text.split(is_space).peekable();
        while let Some(word) = words.next() {
            if !word.is_empty() {
                self.settle();
                start.get_or_insert(self.text.len());
                self.text.push_str(word);
            }
            if words.peek().is_some() {
                self.space(Gap::Space);
            }
        }
        start.unwrap_or(self.text.len())
    }
}

/// Space that collapses, and the space that doesn't break: for a reader it is the same.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}' | '\u{a0}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visible(html: &str) -> String {
        read(html).visible
    }

    #[test]
    fn inline_elements_split_no_word_and_blocks_do() {
        assert_eq!(visible("f<b>u</b>n <p>one<div>two</div>three<br>four"), "fun\none\ntwo\nthree\nfour");
        assert_eq!(visible("<table><tr><td>a<td>b<tr><td>c</table>d"), "a\tb\nc\nd");
        assert_eq!(visible("a &amp; b&nbsp;&nbsp;c &#163;5 &lt;x&gt;"), "a & b c £5 <x>");
    }

    #[test]
    fn what_is_hidden_is_apart_and_whole() {
        let page = read("one<span style='display:none'>dark <b>words</b></span> two<p hidden>three<p>four");
        assert_eq!(page.visible, "one two\nfour");
        assert_eq!(page.hidden, "dark words\nthree");
        let page = read("<td style=font-size:0px><div style='font-size:13px'>seen</div></td>");
        assert_eq!((page.visible.as_str(), page.hidden.as_str()), ("seen", ""));
        let page =
            read("<style>p{}</style><title>t</title><!-- c --><!--[if mso]><b>office</b><![endif]-->x");
        assert_eq!((page.visible.as_str(), page.hidden.as_str()), ("x", "office"));
    }

    #[test]
    fn quotes_and_signatures_are_marked() {
        let page =
            read("mine<blockquote type=cite>old<br>older</blockquote>mine<div class=gmail_signature>me");
        assert_eq!(page.visible, "mine\nold\nolder\nmine\nme");
        let marked: Vec<_> =
            page.marks.iter().map(|mark| (&page.visible[mark.range.clone()], mark.zone)).collect();
        assert_eq!(marked, [("old\nolder", Zone::Quoted), ("me", Zone::Signature)]);
    }
}
