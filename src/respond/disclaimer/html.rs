//! A disclaimer in an HTML text: where it goes, and its form. It sees characters, never encodings.

use super::markup::{Piece, Pieces, attribute};
use crate::policy::Placement;
use crate::respond::lines::broken;

/// The offset at which the disclaimer goes in. `None` where the text ends inside of a comment, a tag or an element
/// whose content is not shown: nothing that came after would be seen.
pub(super) fn place(html: &str, placement: Placement) -> Option<usize> {
    let mut end = End::default();
    let mut quote = QuoteSearch::default();
    for piece in Pieces::of(html) {
        if piece == Piece::Unfinished {
            return None;
        }
        end.see(&piece);
        if placement == Placement::BeforeQuote {
            quote.see(&piece);
        }
    }
    let end = end.body.or(end.html).unwrap_or(html.len());
    Some(quote.found().filter(|at| *at < end).unwrap_or(end))
}

/// The disclaimer as a block of its own, from the start of a line to the end of one.
pub(super) fn insertion(html: &str, at: usize, disclaimer: &str, line_end: &str) -> String {
    /// Lines are broken at spaces before the 998 bytes of RFC 5322 §2.1.1.
    const LONGEST_LINE: usize = 200;
    let before = html.get(..at).unwrap_or("");
    let mut out = String::with_capacity(disclaimer.len() + 64);
    if !before.is_empty() && !before.ends_with(['\n', '\u{feff}']) {
        out.push_str(line_end);
    }
    out.push_str("<div class=\"mailwarden-disclaimer\">");
    for (index, line) in disclaimer.trim().lines().enumerate() {
        if index > 0 {
            out.push_str(line_end);
        }
        if line.len() > LONGEST_LINE {
            out.push_str(&broken(line, LONGEST_LINE).join(line_end));
        } else {
            out.push_str(line);
        }
    }
    out.push_str("</div>");
    out.push_str(line_end);
    out
}

/// The text with what is beyond ASCII as numeric character references (HTML §13.1.4).
pub(super) fn with_references(html: &str) -> String {
    let mut out = String::with_capacity(html.len() + html.len() / 4);
    for c in html.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            out.push_str(&format!("&#{};", u32::from(c)));
        }
    }
    out
}

/// Where the last end tags of the document stand.
#[derive(Default)]
struct End {
    body: Option<usize>,
    html: Option<usize>,
}

impl End {
    fn see(&mut self, piece: &Piece<'_>) {
        let Piece::Close { start, name } = piece else { return };
        if name.eq_ignore_ascii_case("body") {
            self.body = Some(*start);
        } else if name.eq_ignore_ascii_case("html") {
            self.html = Some(*start);
        }
    }
}

/// Looks for the first thing that mail programs put around, or above, the mail that they quote.
#[derive(Default)]
struct QuoteSearch {
    /// Found; what stands below it is the quoted mail whatever it is.
    certain: Option<usize>,
    /// The start of a quotation, which counts as long as the sender wrote nothing below it.
    quotation: Option<usize>,
    /// How many quotations are open.
    depth: usize,
    /// Whether the quotation itself has begun, so that text outside of it is the sender's.
    begun: bool,
    /// Whether a signature began below the quotation.
    signature: bool,
    /// The last paragraph or division that began, while nothing visible follows it.
    block: Option<usize>,
    /// The last rule, while nothing visible follows it.
    rule: Option<usize>,
}

impl QuoteSearch {
    fn found(&self) -> Option<usize> {
        self.certain.or(self.quotation)
    }

    fn see(&mut self, piece: &Piece<'_>) {
        if self.certain.is_some() {
            return;
        }
        match piece {
            Piece::Open { start, name, attributes, .. } => self.open(*start, name, attributes),
            Piece::Close { name, .. } if name.eq_ignore_ascii_case("blockquote") => {
                self.depth = self.depth.saturating_sub(1);
            }
            Piece::Text { start, text } => self.text(*start, text),
            _ => {}
        }
    }

    fn open(&mut self, start: usize, name: &str, attributes: &str) {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("blockquote") {
            self.quotation.get_or_insert(start);
            self.depth += 1;
            self.begun = true;
        } else if is_divider(attributes) {
            self.settle(self.rule.unwrap_or(start));
        } else if self.depth == 0 && has_class(attributes, &["moz-cite-prefix"]) {
            self.quotation.get_or_insert(start);
        } else if self.depth == 0
            && self.begun
            && has_class(attributes, &["moz-signature", "gmail_signature"])
        {
            self.signature = true;
        } else if is("hr") {
            self.rule = Some(start);
        } else if is("p") || is("div") {
            self.block = Some(start);
        }
    }

    fn text(&mut self, start: usize, text: &str) {
        if is_blank(text) {
            return;
        }
        if self.depth == 0 && text.contains("-----Original Message-----") {
            return self.settle(self.block.unwrap_or(start));
        }
        (self.block, self.rule) = (None, None);
        if self.depth == 0 && self.begun && !self.signature {
            // An answer below or between the quotations: what comes before them is not all that the sender wrote.
            self.quotation = None;
            self.begun = false;
        }
    }

    fn settle(&mut self, at: usize) {
        self.certain = Some(self.quotation.map_or(at, |quotation| quotation.min(at)));
    }
}

/// Whether a start tag is one with which a mail program begins the mail that it quotes or forwards.
fn is_divider(attributes: &str) -> bool {
    const IDS: &[&str] = &[
        "divrplyfwdmsg",
        "x_divrplyfwdmsg",
        "appendonsend",
        "olk_src_body_section",
        "mail-editor-reference-message-container",
        "reply-intro",
        "isforwardcontent",
    ];
    const CLASSES: &[&str] = &[
        "gmail_quote",
        "gmail_extra",
        "yahoo_quoted",
        "protonmail_quote",
        "moz-forward-container",
        "outlookmessageheader",
    ];
    if attributes.len() < 6 {
        return false;
    }
    if attribute(attributes, "id").is_some_and(|id| IDS.iter().any(|known| known.eq_ignore_ascii_case(id))) {
        return true;
    }
    if attribute(attributes, "name").is_some_and(|name| name.eq_ignore_ascii_case("messageReplySection")) {
        return true;
    }
    has_class(attributes, CLASSES) || attribute(attributes, "style").is_some_and(is_outlook_rule)
}

/// The line that Outlook draws above the header of the mail that it quotes.
fn is_outlook_rule(style: &str) -> bool {
    let style: String = style.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
    ["border:none;border-top:solid#e1e1e1", "border:none;border-top:solid#b5c4df"]
        .iter()
        .any(|rule| style.contains(rule))
}

fn has_class(attributes: &str, known: &[&str]) -> bool {
    attribute(attributes, "class").is_some_and(|classes| {
        classes
            .split_ascii_whitespace()
            .any(|class| known.iter().any(|known| known.eq_ignore_ascii_case(class)))
    })
}

fn is_blank(text: &str) -> bool {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| {
            c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200d}' | '\u{feff}')
        });
        let Some(after) =
            ["&nbsp;", "&#160;", "&#xA0;", "&zwnj;"].iter().find_map(|space| rest.strip_prefix(space))
        else {
            return rest.is_empty();
        };
        rest = after;
    }
}
