//! The short name of a kept message, to be read over a phone. Never derived from the message.

use std::cell::RefCell;
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::RecordsError;

/// Crockford's base 32: no I, L, O or U, so that nothing is misread.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 8;
/// For so many references random bytes are drawn at once: asking the system took longer than all the rest.
const AT_ONCE: usize = 64;

thread_local! {
    static DRAWN: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A kept message's short name, such as `K7QF-2M9P`: 40 random bits.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference([u8; LENGTH + 1]);

impl Reference {
    /// A new one.
    ///
    /// # Errors
    /// Where the operating system gives no random bytes.
    pub fn random() -> Result<Self, RecordsError> {
        let bytes = DRAWN.with_borrow_mut(draw)?;
        Ok(Self(dashed(bytes.map(digit))))
    }

    /// The reference as it is written, dash included.
    pub fn as_str(&self) -> &str {
        // Digits and a dash.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The last bytes of what was drawn, each used once; more are drawn where there are none.
fn draw(drawn: &mut Vec<u8>) -> Result<[u8; LENGTH], RecordsError> {
    if drawn.len() < LENGTH {
        let mut bytes = vec![0; AT_ONCE * LENGTH];
        getrandom::fill(&mut bytes).map_err(RecordsError::Random)?;
        *drawn = bytes;
    }
    let bytes = drawn.last_chunk().copied().unwrap_or_default();
    drawn.truncate(drawn.len().saturating_sub(LENGTH));
    Ok(bytes)
}

impl FromStr for Reference {
    type Err = RecordsError;

    /// Reads what a person typed: any case, with or without dash and spaces; I and L are read as 1, O as 0.
    fn from_str(text: &str) -> Result<Self, RecordsError> {
        let refused = || RecordsError::NotAReference(text.chars().take(40).collect());
        let mut read = String::with_capacity(LENGTH);
        for character in text.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            let meant = match character.to_ascii_uppercase() {
                'I' | 'L' => '1',
                'O' => '0',
                other => other,
            };
            let known = u8::try_from(meant).is_ok_and(|byte| DIGITS.contains(&byte));
            if !known || read.len() == LENGTH {
                return Err(refused());
            }
            read.push(meant);
        }
        let digits = <[u8; LENGTH]>::try_from(read.as_bytes()).map_err(|_| refused())?;
        Ok(Self(dashed(digits)))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Bytes in base 32, for passes: five bits a digit, most significant first.
pub(super) fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut held, mut bits) = (0u32, 0u32);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(digit(u8::try_from((held >> bits) & 31).unwrap_or(0))));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(char::from(digit(u8::try_from((held << (5 - bits)) & 31).unwrap_or(0))));
    }
    text
}

/// The bytes that [`base32`] wrote; `None` where the text is not exactly what it would write for `N` bytes.
pub(super) fn from_base32<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = Vec::with_capacity(N);
    let (mut held, mut bits) = (0u32, 0u32);
    for character in text.bytes().take(N * 2) {
        let value = DIGITS.iter().position(|known| *known == character)?;
        held = (held << 5) | u32::try_from(value).ok()?;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 255).ok()?);
        }
        held &= (1 << bits) - 1;
    }
    let read: [u8; N] = bytes.try_into().ok()?;
    (base32(&read) == text).then_some(read)
}

fn digit(value: u8) -> u8 {
    DIGITS.get(usize::from(value & 31)).copied().unwrap_or(b'0')
}

const fn dashed(digits: [u8; LENGTH]) -> [u8; LENGTH + 1] {
    let [a, b, c, d, e, f, g, h] = digits;
    [a, b, c, d, b'-', e, f, g, h]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn what_people_type_is_understood() {
        for typed in ["K7QF-2M9P", "k7qf2m9p", " k7qf 2m9p ", "K7-QF-2M-9P"] {
            assert_eq!(typed.parse::<Reference>().unwrap().as_str(), "K7QF-2M9P", "{typed}");
        }
        assert_eq!("OIL0-1111".parse::<Reference>().unwrap().as_str(), "0110-1111");
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for typed in ["", "K7QF-2M9", "K7QF-2M9PP", "K7QF-2M9U", "K7QF-2M9é", "../../etc/passwd"] {
            assert!(typed.parse::<Reference>().is_err(), "{typed}");
        }
    }

    #[test]
    fn a_random_reference_reads_back() {
        let reference = Reference::random().unwrap();
        assert_eq!(reference.as_str().parse::<Reference>().unwrap(), reference);
        let many: HashSet<Reference> = (0..3 * AT_ONCE).map(|_| Reference::random().unwrap()).collect();
        assert_eq!(many.len(), 3 * AT_ONCE, "one was given twice");
        assert!(!many.contains(&reference));
    }

    proptest! {
        #[test]
        fn base32_reads_back(bytes in any::<[u8; 16]>(), longer in any::<[u8; 32]>()) {
            prop_assert_eq!(from_base32::<16>(&base32(&bytes)), Some(bytes));
            prop_assert_eq!(from_base32::<32>(&base32(&longer)), Some(longer));
        }

        #[test]
        fn base32_takes_one_spelling_alone(text in "[0-9A-Za-z]{0,40}") {
            if let Some(bytes) = from_base32::<16>(&text) {
                prop_assert_eq!(base32(&bytes), text);
            }
        }
    }
}
