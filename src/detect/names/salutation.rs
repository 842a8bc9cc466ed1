//! Whether a text speaks to somebody where it names him: "Dear Oliver Bennett,". Looks at one line.

use crate::verdict::Span;

/// What letters begin with.
const GREETINGS: [&str; 14] = [
    "dear",
    "hi",
    "hello",
    "hey",
    "hiya",
    "good",
    "morning",
    "afternoon",
    "evening",
    "greetings",
    "attn",
    "fao",
    "dearest",
    "hallo",
];
/// What may stand between the greeting and a name, or between two names.
const BETWEEN: [&str; 20] = [
    "and",
    "all",
    "both",
    "morning",
    "afternoon",
    "evening",
    "day",
    "mr",
    "mrs",
    "miss",
    "ms",
    "mx",
    "dr",
    "prof",
    "parent",
    "parents",
    "carer",
    "carers",
    "of",
    "the",
];
/// Longest beginning of a line that is looked at.
const LONGEST: usize = 120;

/// Whether the line up to a name is a greeting, or the line is that name alone with a comma after it.
pub(super) fn is_addressed(text: &str, span: Span) -> bool {
    let before = text.get(..span.start).unwrap_or_default();
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    let Some(head) = before.get(line..).filter(|head| head.len() <= LONGEST) else { return false };
    let rest = text.get(span.end..).unwrap_or_default();
    let rest = rest.split('\n').next().unwrap_or_default().trim();
    let ends_line = matches!(rest, "" | "," | "-" | "–" | "!");
    let mut words = head.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let Some(first) = words.next() else {
        // `Oliver Bennett,` alone on the first line; further down it is one of a list.
        return before.trim().is_empty() && ends_line && !rest.is_empty();
    };
    let is = |word: &str, list: &[&str]| list.iter().any(|other| word.eq_ignore_ascii_case(other));
    is(first, &GREETINGS)
        && !head.contains([':', ';', '.', '!', '?'])
        && (ends_line || !head.contains(','))
        && words.all(|word| is(word, &BETWEEN) || word.starts_with(char::is_uppercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_reaches_to_its_last_name() {
        for (text, addressed) in [
            ("Dear NAME,", true),
            ("Hi Mrs Okafor and NAME\n", true),
            ("Good morning NAME, see below", true),
            ("NAME,\nI will", true),
            ("Late:\nNAME,\nRuby Ash,\n", false),
            ("Dear Ruby, Noah and NAME,", true),
            ("Dear Mrs Okafor, NAME was late", false),
            ("Dear parent of NAME", true),
            ("Dear all\nNAME was late", false),
            ("Hi, can you ring NAME", false),
            ("About NAME, who", false),
            ("NAME was late", false),
        ] {
            let start = text.find("NAME").unwrap();
            let span = Span { start, end: start + 4 };
            assert_eq!(is_addressed(text, span), addressed, "{text}");
        }
    }
}
