//! Check digits: whether a number can be what it looks like. Knows nothing of the text around it.

/// The check letters of UPNs, standing for 0 to 22.
const UPN_LETTERS: &[u8; 23] = b"ABCDEFGHJKLMNPQRTUVWXYZ";
/// The check letters of UCIs, standing for 0 to 16.
const UCI_LETTERS: &[u8; 17] = b"ABCDEFGHKLMRTVWXY";

/// A unique pupil number: a letter and twelve digits, of which the last is a letter where the number is temporary. The
/// first letter is the sum of value × position over positions 2 to 13, mod 23 (Department for Education, UPN guide).
pub(super) fn upn(number: &[u8]) -> bool {
    let [first, digits @ .., last] = number else { return false };
    if number.len() != 13 || !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let value = |byte: u8| match byte {
        b'0'..=b'9' => Some(u32::from(byte - b'0')),
        _ => letter(UPN_LETTERS, byte),
    };
    let Some(last) = value(*last) else { return false };
    let sum: u32 = digits.iter().zip(2..).map(|(digit, place)| u32::from(digit - b'0') * place).sum();
    letter(UPN_LETTERS, *first) == Some((sum + last * 13) % 23)
}

/// A unique learner number: ten digits, the first not 0; the sum of digit × (10 … 1) leaves 10, mod 11 (Learning Records
/// Service).
pub(super) fn uln(number: &[u8]) -> bool {
    number.len() == 10 && number.first() != Some(&b'0') && weighted(number, 10, 11) == Some(10)
}

/// An NHS number: the last digit is 11 less the sum of digit × (10 … 2), mod 11; 11 counts as 0, and 10 is invalid. So the
/// sum with the last digit × 1 leaves nothing (NHS Data Dictionary). Ten equal digits are nobody's.
pub(super) fn nhs(number: &[u8]) -> bool {
    number.len() == 10 && !all_equal(number) && weighted(number, 10, 11) == Some(0)
}

/// A unique candidate identifier: twelve digits and the check letter: digit × (16 … 5), mod 17 (Joint Council for
/// Qualifications; published with its table and an example by WJEC).
pub(super) fn uci(number: &[u8]) -> bool {
    let [digits @ .., check] = number else { return false };
    digits.len() == 12
        && digits.iter().all(u8::is_ascii_digit)
        && letter(UCI_LETTERS, *check).is_some_and(|check| weighted(digits, 16, 17) == Some(check))
}

/// The same of a centre abroad, with a letter in the sixth place (Pearson: B). What a letter counts is not published, so the check
/// letter is only looked at as one that there is.
pub(super) fn uci_abroad(number: &[u8]) -> bool {
    let [digits @ .., check] = number else { return false };
    let fits = |(place, byte): (usize, &u8)| match place {
        5 => byte.is_ascii_uppercase(),
        _ => byte.is_ascii_digit(),
    };
    digits.len() == 12 && digits.iter().enumerate().all(fits) && letter(UCI_LETTERS, *check).is_some()
}

/// A National Insurance number: two letters, six digits, A to D. There is no check digit, but letters that are not given
/// out (HM Revenue and Customs, NIM39110).
pub(super) fn ni(number: &[u8]) -> bool {
    let [first, second, digits @ .., last] = number else { return false };
    let given = |letter: &u8| letter.is_ascii_uppercase() && !b"DFIQUV".contains(letter);
    digits.len() == 6
        && digits.iter().all(u8::is_ascii_digit)
        && (b'A'..=b'D').contains(last)
        && given(first)
        && given(second)
        && *second != b'O'
        && !matches!(&[*first, *second], b"BG" | b"GB" | b"KN" | b"NK" | b"NT" | b"TN" | b"ZZ")
}

/// Luhn's sum, mod 10 (ISO/IEC 7812-1 annex B).
pub(super) fn luhn(number: &[u8]) -> bool {
    let digits = number.iter().rev().zip([false, true].into_iter().cycle());
    let sum: u32 = digits
        .map(|(digit, doubled)| {
            let value = u32::from(digit.saturating_sub(b'0')) << u32::from(doubled);
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    sum.is_multiple_of(10) && !all_equal(number)
}

/// The sum of digit × (`from`, `from` - 1, …), mod `modulus`.
fn weighted(number: &[u8], from: u32, modulus: u32) -> Option<u32> {
    let digits: Option<u32> = number
        .iter()
        .zip((1..=from).rev())
        .map(|(digit, by)| digit.is_ascii_digit().then(|| u32::from(digit - b'0') * by))
        .sum();
    digits.map(|sum| sum % modulus)
}

fn letter(letters: &[u8], byte: u8) -> Option<u32> {
    letters.iter().position(|letter| *letter == byte).and_then(|place| u32::try_from(place).ok())
}

fn all_equal(number: &[u8]) -> bool {
    number.iter().all(|digit| Some(digit) == number.first())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_published_as_examples_pass() {
        assert!(upn(b"B801200005001"));
        assert!(uln(b"9276308686"));
        assert!(nhs(b"9434765870"));
        assert!(uci(b"681990012058G") && uci(b"689990980001D"));
        assert!(
            uci_abroad(b"99999B090001X") && !uci_abroad(b"99999B090001Q") && !uci_abroad(b"681990012058G")
        );
        assert!(ni(b"AB123456C"));
        assert!(luhn(b"4111111111111111"));
        assert!(luhn(b"378282246310005"));
    }

    #[test]
    fn a_temporary_upn_ends_in_a_letter() {
        let temporary: Vec<Vec<u8>> = (b'A'..=b'Z')
            .map(|first| [&[first], b"80120000500A".as_slice()].concat())
            .filter(|number| upn(number))
            .collect();
        assert_eq!(temporary.len(), 1, "{temporary:?}");
    }

    #[test]
    fn every_single_changed_digit_is_noticed() {
        type Check = fn(&[u8]) -> bool;
        let numbers: [(&[u8], Check); 5] = [
            (b"B801200005001", upn),
            (b"9276308686", uln),
            (b"9434765870", nhs),
            (b"681990012058G", uci),
            (b"4111111111111111", luhn),
        ];
        for (number, check) in numbers {
            for place in 0..number.len() {
                let mut changed = number.to_vec();
                for digit in b'0'..=b'9' {
                    if number[place].is_ascii_digit() && digit != number[place] {
                        changed[place] = digit;
                        assert!(!check(&changed), "{}", String::from_utf8_lossy(&changed));
                    }
                }
            }
        }
    }

    #[test]
    fn letters_that_are_not_given_out_are_none() {
        for number in [&b"DA123456A"[..], b"AO123456A", b"GB123456A", b"AB123456E", b"AB12345A"] {
            assert!(!ni(number), "{}", String::from_utf8_lossy(number));
        }
        assert!(!nhs(b"0000000000") && !luhn(b"0000000000000000") && !uln(b"0276308686"));
    }
}
