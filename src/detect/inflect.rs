//! The regular endings of English words. Never guesses irregular forms, and never takes an ending away.

/// Fewest letters of a word that takes endings.
const LETTERS: usize = 3;

/// The forms of a folded word besides itself: plural, past, participle and doer, spelt as English spells them regularly;
/// none for a word that is no plain English or looks like a plural already.
pub(super) fn forms(word: &str) -> Vec<String> {
    let plain = word.bytes().all(|byte| byte.is_ascii_lowercase());
    let plural = word.ends_with('s') && !word.ends_with("ss");
    if !plain || plural || word.len() < LETTERS {
        return Vec::new();
    }
    let stem = stem(word);
    let mut forms = vec![plural_of(word)];
    forms.extend(["ed", "er", "ers"].map(|ending| stem.before_e.clone() + ending));
    forms.extend(["ing", "in"].map(|ending| stem.before_i.clone() + ending));
    forms
}

fn plural_of(word: &str) -> String {
    match word.strip_suffix('y') {
        Some(root) if !root.ends_with(is_vowel) => format!("{root}ies"),
        _ if ["s", "x", "z", "ch", "sh"].iter().any(|ending| word.ends_with(ending)) => format!("{word}es"),
        _ => format!("{word}s"),
    }
}

/// What endings are put to.
struct Stem {
    before_e: String,
    before_i: String,
}

fn stem(word: &str) -> Stem {
    let same = |stem: &str| Stem { before_e: stem.to_owned(), before_i: stem.to_owned() };
    if let Some(root) = word.strip_suffix('y').filter(|root| !root.ends_with(is_vowel)) {
        return Stem { before_e: format!("{root}i"), before_i: word.to_owned() };
    }
    if let Some(root) = word.strip_suffix('e') {
        let kept = root.ends_with(['e', 'o', 'y']);
        return Stem { before_e: root.to_owned(), before_i: if kept { word } else { root }.to_owned() };
    }
    // One vowel, then one consonant: it is doubled, as in stopped.
    let vowels = word.chars().filter(|letter| is_vowel(*letter)).count();
    match word.chars().rev().collect::<Vec<_>>().as_slice() {
        [last, before, ..]
            if vowels == 1 && is_vowel(*before) && !is_vowel(*last) && !"hwxy".contains(*last) =>
        {
            same(&format!("{word}{last}"))
        }
        _ => same(word),
    }
}

fn is_vowel(letter: char) -> bool {
    "aeiou".contains(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_spelt_as_english_spells_them() {
        let cases = [
            ("kick", "kicks kicked kicker kickers kicking kickin"),
            ("stop", "stops stopped stopper stoppers stopping stoppin"),
            ("bake", "bakes baked baker bakers baking bakin"),
            ("agree", "agrees agreed agreer agreers agreeing agreein"),
            ("bully", "bullies bullied bullier bulliers bullying bullyin"),
            ("donkey", "donkeys donkeyed donkeyer donkeyers donkeying donkeyin"),
            ("punch", "punches punched puncher punchers punching punchin"),
            ("toss", "tosses tossed tosser tossers tossing tossin"),
            ("faint", "faints fainted fainter fainters fainting faintin"),
            ("box", "boxes boxed boxer boxers boxing boxin"),
        ];
        for (word, expected) in cases {
            assert_eq!(forms(word).join(" "), expected);
        }
        for none in ["at", "dogs", "don't", "élan", "4x4", ""] {
            assert!(forms(none).is_empty(), "{none}");
        }
    }
}
