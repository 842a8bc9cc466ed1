//! Contractions that are written without their apostrophe too. Leaves alone what would then be another English word.

/// The contractions whose letters alone are no English word. Not among them: can't, he'll, I'd, I'll, it's, let's, she'd,
/// she'll, we'd, we'll, we're, who're, won't.
const CONTRACTIONS: [&str; 63] = [
    "ain't",
    "aren't",
    "could've",
    "couldn't",
    "didn't",
    "doesn't",
    "don't",
    "hadn't",
    "hasn't",
    "haven't",
    "he'd",
    "he's",
    "here's",
    "how'd",
    "how's",
    "i'm",
    "i've",
    "isn't",
    "it'd",
    "it'll",
    "might've",
    "mightn't",
    "must've",
    "mustn't",
    "needn't",
    "oughtn't",
    "shan't",
    "she's",
    "should've",
    "shouldn't",
    "that'd",
    "that'll",
    "that's",
    "there'd",
    "there'll",
    "there's",
    "they'd",
    "they'll",
    "they're",
    "they've",
    "wasn't",
    "we've",
    "weren't",
    "what'd",
    "what'll",
    "what're",
    "what's",
    "when's",
    "where'd",
    "where's",
    "who'd",
    "who'll",
    "who's",
    "who've",
    "why'd",
    "why's",
    "would've",
    "wouldn't",
    "y'all",
    "you'd",
    "you'll",
    "you're",
    "you've",
];

/// Most contractions of one phrase that are written without; the others keep theirs.
const MOST: u32 = 3;

/// A folded word without its apostrophe, where it is a contraction that stays itself without.
pub(super) fn bare(word: &str) -> Option<String> {
    CONTRACTIONS.contains(&word).then(|| word.replace('\'', ""))
}

/// Every way in which some of these words, a phrase's, are written without their apostrophe.
pub(super) fn without_apostrophes(words: &[String]) -> Vec<String> {
    let mut phrases = vec![(String::new(), 0)];
    for word in words {
        let bare = bare(word);
        let mut longer = Vec::new();
        for (phrase, count) in phrases {
            let gap = if phrase.is_empty() { "" } else { " " };
            longer.extend(
                bare.iter().filter(|_| count < MOST).map(|bare| (format!("{phrase}{gap}{bare}"), count + 1)),
            );
            longer.push((format!("{phrase}{gap}{word}"), count));
        }
        phrases = longer;
    }
    phrases.into_iter().filter(|(_, count)| *count > 0).map(|(phrase, _)| phrase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_contraction_has_one_apostrophe_and_stands_there_once() {
        for word in CONTRACTIONS {
            assert_eq!(word.matches('\'').count(), 1, "{word}");
            assert_eq!(CONTRACTIONS.iter().filter(|other| **other == word).count(), 1, "{word}");
        }
    }

    #[test]
    fn a_phrase_is_written_without_any_of_its_apostrophes() {
        let words = |phrase: &str| phrase.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            without_apostrophes(&words("i'm sure you don't")),
            ["im sure you dont", "im sure you don't", "i'm sure you dont"]
        );
        assert!(without_apostrophes(&words("we're sure he'll")).is_empty());
        assert_eq!(without_apostrophes(&words("don't don't don't don't don't")).len(), 25);
    }
}
