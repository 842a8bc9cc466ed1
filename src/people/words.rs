//! What is known of names in general: how often a given name is given, and which names are words too. Knows no person.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::fold::WordHash;

/// How many people of England and Wales have a given name, as an order of magnitude: see `given-names.txt`. 0 where the list
/// does not have it.
pub fn given_name_count(word: WordHash) -> u32 {
    static GIVEN: LazyLock<HashMap<WordHash, u32>> = LazyLock::new(|| {
        let entry = |line: &str| {
            let (name, count) = line.split_once(' ')?;
            Some((WordHash::of(name), count.parse().ok()?))
        };
        lines(include_str!("given-names.txt")).filter_map(entry).collect()
    });
    GIVEN.get(&word).copied().unwrap_or(0)
}

/// Whether a name is also a word, a month or the like: see `name-words.txt`.
pub fn is_also_a_word(word: WordHash) -> bool {
    static WORDS: LazyLock<HashSet<WordHash>> = LazyLock::new(|| section(0));
    WORDS.contains(&word)
}

/// Whether a name is also that of a place: see `name-words.txt`.
pub fn is_also_a_place(word: WordHash) -> bool {
    static PLACES: LazyLock<HashSet<WordHash>> = LazyLock::new(|| section(1));
    PLACES.contains(&word)
}

fn section(number: usize) -> HashSet<WordHash> {
    let mut sections = include_str!("name-words.txt").split("[places]");
    let text = sections.nth(number).unwrap_or_default();
    lines(text).flat_map(str::split_whitespace).map(WordHash::of).collect()
}

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().filter(|line| !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_read() {
        assert!(given_name_count(WordHash::of("oliver")) > 10_000);
        assert!((1..100).contains(&given_name_count(WordHash::of("zora"))));
        assert_eq!(given_name_count(WordHash::of("office")), 0);
        for word in ["will", "may", "bath", "young"] {
            assert!(is_also_a_word(WordHash::of(word)), "{word}");
        }
        assert!(is_also_a_place(WordHash::of("lincoln")) && !is_also_a_word(WordHash::of("lincoln")));
        for word in ["oliver", "#", "places"] {
            assert!(!is_also_a_word(WordHash::of(word)) && !is_also_a_place(WordHash::of(word)), "{word}");
        }
    }
}
