//! Rich Text Format 1.9.1: text in its code pages, with notes, comments, properties and objects. Never lays out.

mod tokens;

use std::collections::HashMap;

use super::Place;
use super::ole::{code_page, field_target, open_ole1};
use super::reading::{Outcome, Reading};
use crate::extract::html;
use crate::message::charset;
use crate::verdict::{Fact, Gap};

use self::tokens::{Token, Tokens};

/// How many tokens pass between two looks at the clock.
const TOKENS: u32 = 4096;
/// The deepest nesting of groups that is followed; deeper ones are read as if they were of this depth.
const DEPTH: usize = 1_000;

/// Reads a file.
pub(super) fn read(bytes: &[u8], reading: &mut Reading<'_>) -> Outcome {
    let mut rtf = Rtf::new();
    for (seen, token) in (1_u32..).zip(Tokens::new(bytes)) {
        if seen.is_multiple_of(TOKENS) {
            reading.may_go_on()?;
        }
        rtf.take(&token, reading)?;
    }
    rtf.finish(reading)
}

/// Where text goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Destination {
    Text(Place),
    /// Nowhere: tables of fonts, pictures, what only programs understand.
    Nowhere,
    /// The table of fonts, for their character sets.
    Fonts,
    /// The instruction of a field.
    Instruction,
    /// An embedded object, in hexadecimal.
    Object,
    /// A tag of the HTML that the file was made of ([MS-OXRTFEX] 2.1.3.1).
    Tag,
}

/// What holds until a group ends.
#[derive(Debug, Clone)]
struct Group {
    destination: Destination,
    is_hidden: bool,
    is_deleted: bool,
    /// Whether what comes was added for readers of RTF to what was HTML.
    is_added: bool,
    /// How many characters stand in for a Unicode character.
    stand_ins: usize,
    page: u16,
    /// Whether the group is one that those who don't know its word pass over.
    is_optional: bool,
}

struct Rtf {
    group: Group,
    outer: Vec<Group>,
    /// Groups that are too deep to be kept.
    deeper: usize,
    /// The text of each destination that is open, the innermost last.
    texts: Vec<(usize, Place, String)>,
    deleted: String,
    hidden: String,
    instruction: String,
    object: String,
    /// Bytes of a code page that are not read yet.
    pending: Vec<u8>,
    high_surrogate: Option<u16>,
    to_skip: usize,
    page: u16,
    font: i32,
    fonts: HashMap<i32, u16>,
    /// The HTML that the file was made of, where it was.
    html: Option<String>,
}

impl Rtf {
    fn new() -> Self {
        let group = Group {
            destination: Destination::Text(Place::Body),
            is_hidden: false,
            is_deleted: false,
            is_added: false,
            stand_ins: 1,
            page: 1252,
            is_optional: false,
        };
        Self {
            group,
            outer: Vec::new(),
            deeper: 0,
            texts: vec![(0, Place::Body, String::new())],
            deleted: String::new(),
            hidden: String::new(),
            instruction: String::new(),
            object: String::new(),
            pending: Vec::new(),
            high_surrogate: None,
            to_skip: 0,
            page: 1252,
            font: 0,
            fonts: HashMap::new(),
            html: None,
        }
    }

    fn take(&mut self, token: &Token<'_>, reading: &mut Reading<'_>) -> Outcome {
        if !matches!(token, Token::Hex(_) | Token::Text(_)) {
            self.decode(reading);
            if !matches!(token, Token::Word("u", _)) {
                self.high_surrogate = None;
            }
        }
        match *token {
            Token::Open => {
                self.to_skip = 0;
                if self.outer.len() < DEPTH {
                    self.outer.push(self.group.clone());
                } else {
                    self.deeper += 1;
                }
                self.group.is_optional = false;
            }
            Token::Close => {
                self.to_skip = 0;
                return self.close(reading);
            }
            Token::Hex(byte) => {
                if self.to_skip > 0 {
                    self.to_skip -= 1;
                } else {
                    self.pending.push(byte);
                }
            }
            Token::Text(bytes) => {
                let skipped = self.to_skip.min(bytes.len());
                self.to_skip -= skipped;
                self.pending.extend_from_slice(bytes.get(skipped..).unwrap_or_default());
            }
            Token::Symbol(symbol) => return self.symbol(symbol, reading),
            Token::Word(name, number) => return self.word(name, number, reading),
        }
        Ok(())
    }

    fn symbol(&mut self, symbol: u8, reading: &mut Reading<'_>) -> Outcome {
        match symbol {
            b'*' => self.group.is_optional = true,
            b'~' => self.push("\u{a0}", reading),
            b'_' => self.push("-", reading),
            b'\\' | b'{' | b'}' => self.push(char::from(symbol).encode_utf8(&mut [0; 4]), reading),
            b'\r' | b'\n' => return self.line(reading),
            b'\t' => self.push("\t", reading),
            _ => {}
        }
        Ok(())
    }

    fn word(&mut self, name: &str, number: Option<i32>, reading: &mut Reading<'_>) -> Outcome {
        let is_on = number != Some(0);
        match name {
            "par" | "line" | "row" | "sect" | "page" | "column" | "softline" => return self.line(reading),
            "tab" | "cell" | "nestcell" => self.push("\t", reading),
            "nestrow" => self.push("\n", reading),
            "emdash" => self.push("\u{2014}", reading),
            "endash" => self.push("\u{2013}", reading),
            "lquote" => self.push("\u{2018}", reading),
            "rquote" => self.push("\u{2019}", reading),
            "ldblquote" => self.push("\u{201c}", reading),
            "rdblquote" => self.push("\u{201d}", reading),
            "bullet" => self.push("\u{2022}", reading),
            "emspace" | "enspace" | "qmspace" => self.push(" ", reading),
            "u" => self.unicode(number.unwrap_or(0), reading),
            "uc" => self.group.stand_ins = number.and_then(|n| usize::try_from(n).ok()).unwrap_or(1).min(100),
            "v" => self.group.is_hidden = is_on,
            "deleted" => {
                reading.fact(Fact::TrackedChanges);
                self.group.is_deleted = is_on;
            }
            "revised" => reading.fact(Fact::TrackedChanges),
            "plain" => {
                self.group.is_hidden = false;
                self.group.is_deleted = false;
            }
            "htmlrtf" => self.group.is_added = is_on,
            "fromhtml" => self.html = Some(String::new()),
            "ansicpg" => {
                self.page = number.and_then(|page| u16::try_from(page).ok()).unwrap_or(1252);
                self.group.page = self.page;
            }
            "mac" => self.group.page = 10_000,
            "pc" => self.group.page = 437,
            "pca" => self.group.page = 850,
            "f" => self.font(number.unwrap_or(0)),
            "fcharset" if self.group.destination == Destination::Fonts => {
                if let Some(page) = number.and_then(page_of_charset) {
                    self.fonts.insert(self.font, page);
                }
            }
            _ => return self.destination(name, reading),
        }
        Ok(())
    }

    fn font(&mut self, number: i32) {
        self.font = number;
        if self.group.destination != Destination::Fonts {
            self.group.page = self.fonts.get(&number).copied().unwrap_or(self.page);
        }
    }

    /// A word that may say where the text of its group goes.
    fn destination(&mut self, name: &str, reading: &mut Reading<'_>) -> Outcome {
        use Destination::{Fonts, Instruction, Nowhere, Object, Tag, Text};
        let destination = match name {
            "header" | "headerl" | "headerr" | "headerf" | "footer" | "footerl" | "footerr" | "footerf" => {
                Text(Place::Margin)
            }
            "footnote" => Text(Place::Footnote),
            "annotation" | "atnauthor" => {
                reading.fact(Fact::Comments);
                Text(Place::Comment)
            }
            "title" | "subject" | "author" | "manager" | "company" | "operator" | "category" | "keywords"
            | "comment" | "doccomm" | "hlinkbase" | "propname" | "staticval" => Text(Place::Properties),
            "fonttbl" => Fonts,
            "fldinst" => Instruction,
            "objdata" => Object,
            "htmltag" | "mhtmltag" => Tag,
            // The same text twice: for old readers, and in Unicode, which is read.
            "ud" => self.around(),
            "shpinst" | "shptxt" | "fldrslt" | "result" | "nonesttables" => return self.stay(name),
            "info" | "upr" | "pict" | "colortbl" | "stylesheet" | "listtable" | "listoverridetable"
            | "filetbl" | "revtbl" | "rsidtbl" | "object" | "objclass" | "objname" | "sn" | "sv"
            | "themedata" | "datastore" | "colorschememapping" | "latentstyles" | "xmlnstbl"
            | "generator" | "operators" | "pntext" | "bkmkstart" | "bkmkend" | "atnid" | "atnref"
            | "atndate" | "atntime" | "userprops" | "mmathPr" | "nonshppict" | "private1" | "creatim"
            | "revtim" | "printim" | "buptim" | "template" | "falt" | "panose" => Nowhere,
            _ if self.group.is_optional => Nowhere,
            _ => return Ok(()),
        };
        if name == "object" {
            // The group has its data and what is shown in its place.
            return Ok(());
        }
        self.group.is_optional = false;
        self.enter(destination);
        Ok(())
    }

    /// Words whose groups are of the text around them.
    fn stay(&mut self, name: &str) -> Outcome {
        self.group.is_optional = false;
        if name == "shptxt" {
            let around = self.around();
            self.enter(around);
        }
        if name == "nonesttables" {
            self.enter(Destination::Nowhere);
        }
        Ok(())
    }

    /// The destination of text around this group.
    fn around(&self) -> Destination {
        let around = self.outer.iter().rev().map(|group| group.destination);
        let mut text = around.filter(|destination| matches!(destination, Destination::Text(_)));
        text.next().unwrap_or(Destination::Text(Place::Body))
    }

    fn enter(&mut self, destination: Destination) {
        self.group.destination = destination;
        match destination {
            Destination::Text(place) => self.texts.push((self.outer.len(), place, String::new())),
            Destination::Instruction => self.instruction.clear(),
            Destination::Object => self.object.clear(),
            _ => {}
        }
    }

    fn close(&mut self, reading: &mut Reading<'_>) -> Outcome {
        if self.deeper > 0 {
            self.deeper -= 1;
            return Ok(());
        }
        let inner = self.group.destination;
        if self.texts.len() > 1
            && self.texts.last().is_some_and(|(depth, ..)| *depth >= self.outer.len())
            && let Some((_, place, text)) = self.texts.pop()
        {
            reading.text(place, &text)?;
        }
        let Some(outer) = self.outer.pop() else { return Ok(()) };
        let is_end = outer.destination != inner;
        self.group = outer;
        match inner {
            Destination::Instruction if is_end => {
                let target = field_target(&self.instruction).unwrap_or_default();
                reading.text(Place::Properties, &target)
            }
            Destination::Object if is_end => self.open_object(reading),
            _ => Ok(()),
        }
    }

    fn open_object(&mut self, reading: &mut Reading<'_>) -> Outcome {
        let digits: Vec<u8> =
            self.object.chars().filter_map(|digit| u8::try_from(digit.to_digit(16)?).ok()).collect();
        self.object.clear();
        let bytes = digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit));
        let bytes: Vec<u8> = bytes.collect();
        reading.spend(bytes.len() as u64)?;
        open_ole1(&bytes, reading)
    }

    fn unicode(&mut self, number: i32, reading: &mut Reading<'_>) {
        self.to_skip = self.group.stand_ins;
        // Numbers are signed 16-bit, though some programs write larger ones.
        let Ok(unit) = u16::try_from(number & 0xffff) else { return };
        let units = [self.high_surrogate.take().unwrap_or(unit), unit];
        let letter = match unit {
            0xd800..=0xdbff => {
                self.high_surrogate = Some(unit);
                return;
            }
            0xdc00..=0xdfff => char::decode_utf16(units).next().and_then(Result::ok),
            _ => char::from_u32(u32::from(unit)),
        };
        let letter = letter.unwrap_or(char::REPLACEMENT_CHARACTER);
        self.push(letter.encode_utf8(&mut [0; 4]), reading);
    }

    /// Reads the bytes that wait, in the code page that holds.
    fn decode(&mut self, reading: &mut Reading<'_>) {
        if self.pending.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut self.pending);
        if bytes.is_ascii() {
            self.push(&String::from_utf8_lossy(&bytes), reading);
        } else {
            let text = charset::decode(&bytes, Some(&code_page(self.group.page))).text;
            self.push(&text, reading);
        }
    }

    fn push(&mut self, text: &str, reading: &mut Reading<'_>) {
        match self.group.destination {
            Destination::Nowhere | Destination::Fonts => {}
            Destination::Instruction => self.instruction.push_str(text),
            Destination::Object => self.object.push_str(text),
            Destination::Tag => self.html.get_or_insert_default().push_str(text),
            Destination::Text(Place::Body) if self.html.is_some() => {
                if let Some(html) = self.html.as_mut().filter(|_| !self.group.is_added) {
                    html.push_str(text);
                }
            }
            Destination::Text(_) if self.group.is_deleted => self.deleted.push_str(text),
            Destination::Text(_) if self.group.is_hidden => {
                if !text.trim().is_empty() {
                    reading.fact(Fact::HiddenContent);
                }
                self.hidden.push_str(text);
            }
            Destination::Text(_) => {
                if let Some((_, _, out)) = self.texts.last_mut() {
                    out.push_str(text);
                }
            }
        }
    }

    /// The end of a line: of the running text's, what was read so far is handed on.
    fn line(&mut self, reading: &mut Reading<'_>) -> Outcome {
        self.push("\n", reading);
        if self.texts.len() > 1 {
            return Ok(());
        }
        self.flush(reading)
    }

    fn flush(&mut self, reading: &mut Reading<'_>) -> Outcome {
        if let Some((_, place, text)) = self.texts.last_mut() {
            let place = *place;
            let text = std::mem::take(text);
            reading.text(place, &text)?;
        }
        let (deleted, hidden) = (std::mem::take(&mut self.deleted), std::mem::take(&mut self.hidden));
        reading.text(Place::Deleted, &deleted)?;
        reading.text(Place::Hidden, &hidden)
    }

    fn finish(&mut self, reading: &mut Reading<'_>) -> Outcome {
        self.decode(reading);
        // What is in the groups that are open still was meant to be there, embedded files among it.
        if !self.outer.is_empty() {
            reading.gap(Gap::Damaged);
            self.deeper = 0;
        }
        while !self.outer.is_empty() {
            self.close(reading)?;
        }
        while self.texts.len() > 1 {
            self.flush(reading)?;
            self.texts.pop();
        }
        self.flush(reading)?;
        if let Some(html) = self.html.take() {
            let page = html::read(&html);
            reading.text(Place::Body, &page.visible)?;
            reading.text(Place::Hidden, &page.hidden)?;
        }
        Ok(())
    }
}

/// The code page of a font's character set (RTF 1.9.1, `\fcharset`); none where the file's own holds.
fn page_of_charset(charset: i32) -> Option<u16> {
    Some(match charset {
        77 => 10_000,
        128 => 932,
        129 | 130 => 949,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        254 => 437,
        255 => 850,
        0 => 1252,
        _ => return None,
    })
}
