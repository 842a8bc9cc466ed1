//! JSON as a person reads it: escapes in its strings undone. Checks nothing.

/// The text with the escapes of RFC 8259 §7 undone; what makes no sense stays as it is.
pub(super) fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let mut letters = after.chars();
        let escape = letters.next();
        rest = letters.as_str();
        match escape {
            Some('n' | 'r' | 'f') => out.push('\n'),
            Some('t' | 'b') => out.push(' '),
            Some('u') => rest = letter(rest, &mut out),
            Some(other) => out.push(other),
            None => out.push('\\'),
        }
    }
    out.push_str(rest);
    out
}

/// The letter after `\u`, of which there may be two halves; the text behind it.
fn letter<'x>(text: &'x str, out: &mut String) -> &'x str {
    let unit = |text: &str| text.get(..4).and_then(|digits| u16::from_str_radix(digits, 16).ok());
    let Some(first) = unit(text) else {
        out.push_str("\\u");
        return text;
    };
    let rest = text.get(4..).unwrap_or_default();
    let second = rest.strip_prefix("\\u").and_then(|rest| Some((unit(rest)?, rest.get(4..)?)));
    if let Some((second, behind)) = second.filter(|_| (0xd800..0xdc00).contains(&first)) {
        out.extend(
            char::decode_utf16([first, second]).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)),
        );
        return behind;
    }
    out.push(char::from_u32(u32::from(first)).unwrap_or(char::REPLACEMENT_CHARACTER));
    rest
}
