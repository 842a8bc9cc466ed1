//! Whether two texts say the same, word for word. Knows nothing of what the words mean.

use super::zones::Zoned;

/// Whether two forms of a message say the same in each zone.
///
/// Words are what stands between white space; what a program adds when it makes plain text out of HTML, such as
/// bullets and rules, is none. A single differing character makes the texts different: then both are swept.
pub(super) fn say_the_same(one: &Zoned, other: &Zoned) -> bool {
    words(&one.body).eq(words(&other.body))
        && words(&one.quoted).eq(words(&other.quoted))
        && words(&one.signature).eq(words(&other.signature))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
        .filter(|word| !word.bytes().all(|byte| matches!(byte, b'>' | b'*' | b'-' | b'_' | b'=' | b'|')))
}
