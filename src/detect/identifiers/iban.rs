//! International bank account numbers: each country's length and letters, and the check. Knows nothing of the text around.

/// How each country writes the account behind its two check digits: `n` digits, `a` letters, `c` either (SWIFT, IBAN
/// registry, release 99).
const COUNTRIES: &[(&[u8; 2], &str)] = &[
    (b"AD", "n8c12"),
    (b"AE", "n19"),
    (b"AL", "n8c16"),
    (b"AT", "n16"),
    (b"AZ", "a4c20"),
    (b"BA", "n16"),
    (b"BE", "n12"),
    (b"BG", "a4n6c8"),
    (b"BH", "a4c14"),
    (b"BR", "n23a1c1"),
    (b"BY", "c4n4c16"),
    (b"CH", "n5c12"),
    (b"CR", "n18"),
    (b"CY", "n8c16"),
    (b"CZ", "n20"),
    (b"DE", "n18"),
    (b"DK", "n14"),
    (b"DO", "c4n20"),
    (b"EE", "n16"),
    (b"EG", "n25"),
    (b"ES", "n20"),
    (b"FI", "n14"),
    (b"FO", "n14"),
    (b"FR", "n10c11n2"),
    (b"GB", "a4n14"),
    (b"GE", "a2n16"),
    (b"GI", "a4c15"),
    (b"GL", "n14"),
    (b"GR", "n7c16"),
    (b"GT", "c24"),
    (b"HR", "n17"),
    (b"HU", "n24"),
    (b"IE", "a4n14"),
    (b"IL", "n19"),
    (b"IS", "n22"),
    (b"IT", "a1n10c12"),
    (b"JO", "a4n4c18"),
    (b"KW", "a4c22"),
    (b"KZ", "n3c13"),
    (b"LB", "n4c20"),
    (b"LI", "n5c12"),
    (b"LT", "n16"),
    (b"LU", "n3c13"),
    (b"LV", "a4c13"),
    (b"MC", "n10c11n2"),
    (b"MD", "c20"),
    (b"ME", "n18"),
    (b"MK", "n3c10n2"),
    (b"MT", "a4n5c18"),
    (b"MU", "a4n19a3"),
    (b"NL", "a4n10"),
    (b"NO", "n11"),
    (b"PK", "a4c16"),
    (b"PL", "n24"),
    (b"PT", "n21"),
    (b"QA", "a4c21"),
    (b"RO", "a4c16"),
    (b"RS", "n18"),
    (b"SA", "n2c18"),
    (b"SE", "n20"),
    (b"SI", "n15"),
    (b"SK", "n20"),
    (b"SM", "a1n10c12"),
    (b"TN", "n20"),
    (b"TR", "n6c16"),
    (b"UA", "n6c19"),
    (b"VA", "n18"),
    (b"VG", "a4n16"),
    (b"XK", "n16"),
];

/// How long the number is that begins with these two letters, in capitals.
pub(super) fn length(country: &[u8]) -> Option<usize> {
    Some(4 + runs(form(country)?).map(|(_, count)| count).sum::<usize>())
}

/// Whether a number of its country's length has its letters in the right places and passes the check: the country and the
/// check digits moved behind, letters as 10 to 35, it leaves 1, mod 97 (ISO 13616).
pub(super) fn is_valid(number: &[u8]) -> bool {
    let Some(((country, check), account)) =
        number.split_at_checked(4).map(|(front, account)| (front.split_at(2), account))
    else {
        return false;
    };
    let Some(form) = form(country) else { return false };
    let mut rest = account;
    for (class, count) in runs(form) {
        let Some((run, behind)) = rest.split_at_checked(count) else { return false };
        let fits = |byte: &u8| match class {
            b'n' => byte.is_ascii_digit(),
            b'a' => byte.is_ascii_uppercase(),
            _ => byte.is_ascii_digit() || byte.is_ascii_uppercase(),
        };
        if !run.iter().all(fits) {
            return false;
        }
        rest = behind;
    }
    let moved = account.iter().chain(country).chain(check);
    rest.is_empty() && check.iter().all(u8::is_ascii_digit) && remainder(moved) == 1
}

fn form(country: &[u8]) -> Option<&'static str> {
    let found = COUNTRIES.binary_search_by(|(code, _)| code.as_slice().cmp(country)).ok()?;
    COUNTRIES.get(found).map(|(_, form)| *form)
}

/// `n5c12` as runs: five digits, twelve of either.
fn runs(form: &'static str) -> impl Iterator<Item = (u8, usize)> {
    let starts = form.match_indices(|c: char| c.is_ascii_alphabetic());
    starts.map(move |(at, class)| {
        let count = form.get(at + 1..).unwrap_or_default();
        let digits = count.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(count.len());
        let count = count.get(..digits).and_then(|count| count.parse().ok()).unwrap_or(0);
        (class.bytes().next().unwrap_or(b'c'), count)
    })
}

fn remainder<'b>(bytes: impl Iterator<Item = &'b u8>) -> u32 {
    bytes.fold(0, |left, byte| match byte {
        b'0'..=b'9' => (left * 10 + u32::from(byte - b'0')) % 97,
        _ => (left * 100 + u32::from(byte.saturating_sub(b'A')) + 10) % 97,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_in_order() {
        assert!(COUNTRIES.is_sorted_by_key(|(code, _)| *code));
    }

    #[test]
    fn lengths_and_letters_are_those_of_the_country() {
        assert_eq!(
            (length(b"GB"), length(b"MT"), length(b"NO"), length(b"ZZ")),
            (Some(22), Some(31), Some(15), None)
        );
        assert!(is_valid(b"GB82WEST12345698765432"));
        assert!(is_valid(b"MT84MALT011000012345MTLCAST001S"));
        assert!(!is_valid(b"GB82WEST12345698765433"));
        assert!(!is_valid(b"GB82WES112345698765432"));
        assert!(!is_valid(b"GB82"));
    }
}
