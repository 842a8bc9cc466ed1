//! Who took part in the mail that a message quotes. Looks for addresses; knows nothing of names.

use std::collections::HashSet;

use memchr::memchr_iter;

/// The addresses in a text, in lower case.
pub fn participants(text: &str, to: &mut HashSet<String>) {
    let part = |c: &char| c.is_alphanumeric() || "._%+-'".contains(*c);
    for at in memchr_iter(b'@', text.as_bytes()) {
        let before: usize =
            text.get(..at).unwrap_or_default().chars().rev().take_while(part).map(char::len_utf8).sum();
        let after: usize =
            text.get(at + 1..).unwrap_or_default().chars().take_while(part).map(char::len_utf8).sum();
        let address = text.get(at - before..at + 1 + after).unwrap_or_default();
        let address = address.trim_matches(['.', '\'', '-']).to_lowercase();
        if address.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.')) {
            to.insert(address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_however_they_stand() {
        let text = "On Monday Jo Hart <Jo.Hart@oakfield.example> wrote:\nTo: 'a@one.example'; [mailto:b@two.example]\n\
                    me @ home, @everyone, x@localhost, zoë@one.example.";
        let mut found = HashSet::new();
        participants(text, &mut found);
        let mut found: Vec<String> = found.into_iter().collect();
        found.sort();
        assert_eq!(found, ["a@one.example", "b@two.example", "jo.hart@oakfield.example", "zoë@one.example"]);
    }
}
