//! What the elements of HTML do to the flow of text. A table, without state.

/// What an element does to the text in and around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// Stands in the line: splits no word.
    Inline,
    /// Begins and ends a line.
    Block,
    /// A cell of a table.
    Cell,
    /// A line break.
    Break,
    /// Has no content and no effect here.
    Empty,
    /// An image: its alternative text is text.
    Image,
    /// Its content is no text at all.
    Unseen,
    /// Its content is text that browsers don't show.
    Hidden,
}

/// The effect of the element with that name, in lower case. Unknown ones stand in the line, as browsers have it.
pub(super) fn flow(name: &[u8]) -> Flow {
    match name {
        b"br" => Flow::Break,
        b"img" => Flow::Image,
        b"td" | b"th" => Flow::Cell,
        b"area" | b"base" | b"basefont" | b"bgsound" | b"col" | b"embed" | b"frame" | b"input"
        | b"keygen" | b"link" | b"meta" | b"param" | b"source" | b"track" | b"wbr" => Flow::Empty,
        b"style" | b"script" | b"title" => Flow::Unseen,
        b"template" | b"noembed" | b"noframes" | b"iframe" | b"datalist" => Flow::Hidden,
        b"address" | b"article" | b"aside" | b"blockquote" | b"body" | b"caption" | b"center" | b"dd"
        | b"details" | b"dialog" | b"dir" | b"div" | b"dl" | b"dt" | b"fieldset" | b"figcaption"
        | b"figure" | b"footer" | b"form" | b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" | b"head"
        | b"header" | b"hgroup" | b"hr" | b"html" | b"legend" | b"li" | b"listing" | b"main" | b"menu"
        | b"nav" | b"ol" | b"optgroup" | b"option" | b"p" | b"plaintext" | b"pre" | b"search"
        | b"section" | b"select" | b"summary" | b"table" | b"tbody" | b"textarea" | b"tfoot" | b"thead"
        | b"tr" | b"ul" | b"xmp" => Flow::Block,
        _ => Flow::Inline,
    }
}

/// The names of elements.
type Names = &'static [&'static [u8]];

/// Which open element the start of this one ends, and which keeps it from looking further out (HTML §13.1.2.4).
pub(super) fn implied_end(name: &[u8], flow: Flow) -> Option<(Names, Names)> {
    Some(match name {
        b"li" => (&[b"li"], &[b"ul", b"ol", b"menu"]),
        b"dd" | b"dt" => (&[b"dd", b"dt"], &[b"dl"]),
        b"option" | b"optgroup" => (&[b"option"], &[b"select"]),
        b"tr" => (&[b"tr"], &[b"table"]),
        b"td" | b"th" => (&[b"td", b"th"], &[b"table", b"tr"]),
        b"html" | b"body" | b"head" | b"tbody" | b"thead" | b"tfoot" | b"caption" => return None,
        _ if flow == Flow::Block => (&[b"p"], &[b"td", b"th", b"table", b"caption", b"button", b"object"]),
        _ => return None,
    })
}

/// Whether an element is never closed by an end tag.
pub(super) fn is_void(name: &[u8], flow: Flow) -> bool {
    matches!(flow, Flow::Break | Flow::Empty | Flow::Image) || name == b"hr"
}
