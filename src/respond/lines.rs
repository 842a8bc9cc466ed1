//! Lines of a length that mail carries, and boundaries between parts. It knows nothing of what they say.

use memchr::memmem;

/// A line broken at spaces so that none is over that many columns, save for words that are longer; those are cut
/// before the 998 bytes of RFC 5322 §2.1.1.
pub(super) fn broken(line: &str, columns: usize) -> Vec<String> {
    const WORD_CHARACTERS: usize = 240;
    if line.chars().count() <= columns {
        return vec![line.to_owned()];
    }
    let mut lines = Vec::new();
    let mut current = String::new();
    let mut width = 0;
    let indent: String = line.chars().take_while(|c| c.is_whitespace()).take(20).collect();
    for word in line.split_whitespace() {
        let characters: Vec<char> = word.chars().collect();
        for piece in characters.chunks(WORD_CHARACTERS) {
            if width > 0 && width + 1 + piece.len() > columns {
                lines.push(std::mem::take(&mut current));
                width = 0;
            }
            if width > 0 {
                current.push(' ');
                width += 1;
            } else if lines.is_empty() {
                current.push_str(&indent);
                width += indent.chars().count();
            }
            current.extend(piece);
            width += piece.len();
        }
    }
    lines.push(current);
    lines
}

/// A boundary that does not stand in the message (RFC 2046 §5.1.1).
pub(super) fn unused_boundary(raw: &[u8], token: &str) -> String {
    let token: String = token.chars().filter(char::is_ascii_alphanumeric).take(24).collect();
    let stands = |boundary: &str| memmem::find(raw, boundary.as_bytes()).is_some();
    (0_u32..)
        .map(|number| format!("=_mailwarden_{token}_{number}"))
        .find(|boundary| !stands(boundary))
        .unwrap_or_default()
}
