//! Where lines begin with two dashes: found as a message comes in, while its bytes are at hand. Never says what they mean.

use std::sync::LazyLock;

use memchr::memmem::{self, Finder};

/// Of a message with more such lines, none are told: what is noted of it must stay small beside the memory that it is given.
const MOST: usize = 4_096;

static LINE_BEGUN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\n--"));

/// The lines of a message that may be delimiters of its parts, the first line aside. Looking for them anew when the message
/// is complete means to fetch all of it from memory once more.
#[derive(Debug, Default)]
pub struct Dashes {
    places: Vec<usize>,
    looked: usize,
}

impl Dashes {
    /// Looks at what is new; `bytes` is all that has come.
    pub fn look(&mut self, bytes: &[u8]) {
        // The beginning of a line may have come before.
        let from = self.looked.saturating_sub(2);
        let new = bytes.get(from..).unwrap_or_default();
        self.looked = bytes.len();
        let room = (MOST + 1).saturating_sub(self.places.len());
        self.places.extend(LINE_BEGUN.find_iter(new).map(|at| from + at + 1).take(room));
    }

    /// Where those lines begin, in order; `None` where there are too many.
    pub fn places(&self) -> Option<&[usize]> {
        (self.places.len() <= MOST).then_some(&self.places)
    }
}

/// The first such line that begins behind `at`.
pub(super) fn behind(raw: &[u8], known: Option<&[usize]>, at: usize) -> Option<usize> {
    match known {
        Some(places) => places.get(places.partition_point(|place| *place <= at)).copied(),
        None => Some(at + memmem::find(raw.get(at..)?, b"\n--")? + 1),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn a_message_with_too_many_is_looked_at_anew() {
        let mut dashes = Dashes::default();
        let mut bytes = b"\n--".repeat(MOST);
        dashes.look(&bytes);
        assert_eq!(dashes.places().map(<[usize]>::len), Some(MOST));
        bytes.extend_from_slice(b"\n--");
        dashes.look(&bytes);
        assert_eq!(dashes.places(), None);
    }

    proptest! {
        #[test]
        fn however_it_came_the_lines_are_those_that_a_search_finds(
            bytes in prop::collection::vec(prop::sample::select(b"\r\n--x".to_vec()), 0..200),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.push(bytes.len());
            cuts.sort_unstable();
            let mut dashes = Dashes::default();
            for cut in cuts {
                dashes.look(&bytes[..cut]);
            }
            for at in 0..=bytes.len() {
                prop_assert_eq!(behind(&bytes, dashes.places(), at), behind(&bytes, None, at));
            }
        }
    }
}
