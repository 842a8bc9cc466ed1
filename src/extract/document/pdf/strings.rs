//! Text strings of PDF (ISO 32000-2 §7.9.2.2) and the text of XML inside it. Knows no document.

use encoding_rs::{UTF_8, UTF_16BE, UTF_16LE};

/// `PDFDocEncoding` where it is not Latin-1: 0x18 to 0x1f (ISO 32000-2 annex D.2).
const LOW: [char; 8] = ['˘', 'ˇ', 'ˆ', '˙', '˝', '˛', '˚', '˜'];
/// The same for 0x80 to 0xa0.
const HIGH: [char; 33] = [
    '•', '†', '‡', '…', '—', '–', 'ƒ', '⁄', '‹', '›', '−', '‰', '„', '“', '”', '‘', '’', '‚', '™', 'ﬁ', 'ﬂ',
    'Ł', 'Œ', 'Š', 'Ÿ', 'Ž', 'ı', 'ł', 'œ', 'š', 'ž', '\u{fffd}', '€',
];

/// A text string: UTF-16 or UTF-8 behind a byte order mark, else `PDFDocEncoding`.
pub(super) fn text(bytes: &[u8]) -> String {
    if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        return without_language(&UTF_16BE.decode_without_bom_handling(rest).0);
    }
    // Not allowed, and met.
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        return without_language(&UTF_16LE.decode_without_bom_handling(rest).0);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return UTF_8.decode_without_bom_handling(rest).0.into_owned();
    }
    bytes.iter().map(|&byte| of_document_encoding(byte)).collect()
}

fn of_document_encoding(byte: u8) -> char {
    let table = |table: &[char], first: u8| table.get(usize::from(byte - first)).copied();
    match byte {
        0x18..=0x1f => table(&LOW, 0x18),
        0x80..=0xa0 => table(&HIGH, 0x80),
        _ => None,
    }
    .unwrap_or(char::from(byte))
}

/// Language codes stand between two escapes (ISO 32000-2 §7.9.2.2).
fn without_language(text: &str) -> String {
    if !text.contains('\u{1b}') {
        return text.to_owned();
    }
    let pieces = text.split('\u{1b}').enumerate();
    pieces.filter(|(index, _)| index % 2 == 0).map(|(_, piece)| piece).collect()
}

/// The text between the tags of elements that `wanted` takes by their name with its prefix; a line for each piece.
pub(super) fn text_of_xml(xml: &str, wanted: impl Fn(&str) -> bool) -> String {
    let mut out = String::new();
    // How many wanted elements are open, one inside the other.
    let mut open = 0_usize;
    for piece in xml.split('<').skip(1) {
        let Some((tag, text)) = piece.split_once('>') else { continue };
        let name: &str = tag.trim_start_matches('/').split([' ', '\n', '\r', '\t', '/']).next().unwrap_or("");
        if wanted(name) {
            match (tag.starts_with('/'), tag.ends_with('/')) {
                (true, _) => open = open.saturating_sub(1),
                (false, false) => open += 1,
                (false, true) => {}
            }
        }
        let text = text.trim();
        if open > 0 && !text.is_empty() {
            out.push_str(&unescaped(text));
            out.push('\n');
        }
    }
    out
}

fn unescaped(text: &str) -> String {
    let plain =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#xA;", "\n"), ("&amp;", "&")];
    plain.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_strings_come_in_three_encodings() {
        assert_eq!(text(b"Zo\xeb \x84 caf\xe9"), "Zoë — café");
        assert_eq!(text(b"\xfe\xff\0Z\0o\0\xeb"), "Zoë");
        assert_eq!(text(b"\xfe\xff\0\x1b\0e\0n\0\x1b\0A"), "A");
        assert_eq!(text("\u{feff}Zoë".as_bytes()), "Zoë");
    }

    #[test]
    fn properties_are_the_text_of_their_elements() {
        let xml = "<x:xmpmeta><dc:title><rdf:Alt><rdf:li xml:lang='en'>A &amp; B</rdf:li></rdf:Alt></dc:title>\
            <xmp:CreateDate>2020</xmp:CreateDate><dc:creator/></x:xmpmeta>";
        assert_eq!(text_of_xml(xml, |name| name.starts_with("dc:")), "A & B\n");
    }
}
