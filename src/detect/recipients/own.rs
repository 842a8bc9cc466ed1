//! Whether an address outside looks like the sender's own: made of the sender's name. Never looks at whose it really is.

use crate::people::{Names, name_words};

/// The shortest family name that is looked for.
const SHORTEST: usize = 3;

/// The names that a sender's own addresses are made of, folded.
#[derive(Debug, Clone, Default)]
pub struct OwnNames {
    given: Vec<String>,
    family: Vec<String>,
}

impl OwnNames {
    /// Those of somebody on the roll.
    pub fn of(names: &Names) -> Self {
        let given = std::iter::once(&names.given).chain(&names.preferred_given);
        let family =
            std::iter::once(&names.family).chain(&names.preferred_family).chain(&names.former_family);
        Self {
            given: given.flat_map(|name| name_words(name).into_iter().next()).collect(),
            family: family.flat_map(|name| pieces(name)).collect(),
        }
    }

    /// Those of a name as people write it: `Jo Hart`, `Hart, Jo`; or of what stands before the @ of an address: `jo.hart`.
    pub fn of_text(text: &str) -> Self {
        let (given, family) = match text.split_once(',') {
            Some((family, given)) => (given, family),
            None => match text.trim().rsplit_once([' ', '.', '_']) {
                Some((given, family)) => (given, family),
                None => return Self::default(),
            },
        };
        Self { given: name_words(given).into_iter().take(1).collect(), family: pieces(family) }
    }

    /// These and those.
    pub fn and(mut self, others: Self) -> Self {
        self.given.extend(others.given);
        self.family.extend(others.family);
        self
    }
}

/// A family name in one piece, and each of its parts.
fn pieces(name: &str) -> Vec<String> {
    let words = name_words(name);
    let whole = words.concat();
    let mut pieces: Vec<String> =
        words.into_iter().chain([whole]).filter(|piece| piece.len() >= SHORTEST).collect();
    pieces.dedup();
    pieces
}

/// Whether what stands before the @ is made of the names: the family name, and the given one or its initial beside it.
/// Digits and marks between count for nothing.
pub fn is_own(local: &str, names: &OwnNames) -> bool {
    let letters: String =
        name_words(local).concat().chars().filter(|letter| letter.is_alphabetic()).collect();
    names.family.iter().any(|family| {
        let Some((before, after)) = letters.split_once(family.as_str()) else { return false };
        let rest = format!("{before}{after}");
        names.given.iter().any(|given| {
            let initial = given.chars().next();
            let initials = rest.chars().count() <= 2 && initial.is_some() && rest.chars().next() == initial;
            let named =
                given.len() > 1 && (rest.starts_with(given.as_str()) || rest.ends_with(given.as_str()));
            initials || named
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_made_of_ones_name_is_ones_own() {
        let names = Names {
            given: "Johanna".to_owned(),
            family: "Hart-Lindley".to_owned(),
            preferred_given: Some("Jo".to_owned()),
            former_family: vec!["O'Brien".to_owned()],
            ..Names::default()
        };
        let on_the_roll = OwnNames::of(&names);
        for (local, own) in [
            ("jo.hart", true),
            ("johart72", true),
            ("hart_jo", true),
            ("j.hart", true),
            ("jmhart", true),
            ("hartj", true),
            ("johanna.hartlindley", true),
            ("jo-hart-lindley", true),
            ("jobrien1984", true),
            ("hart", false),
            ("t.hart", false),
            ("tom.hart", false),
            ("jo.smith", false),
            ("jo", false),
            ("office", false),
            ("", false),
        ] {
            assert_eq!(is_own(local, &on_the_roll), own, "{local}");
        }
        for text in ["Jo Hart", "Hart, Jo", "jo.hart", "Jo M. Hart"] {
            assert!(is_own("jo.hart", &OwnNames::of_text(text)), "{text}");
            assert!(!is_own("tom.hart", &OwnNames::of_text(text)), "{text}");
        }
        for text in ["", "office", ",", "Al Wu"] {
            assert!(!is_own("office", &OwnNames::of_text(text)), "{text}");
        }
    }
}
