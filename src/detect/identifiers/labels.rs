//! The words by which people say what a number is, read once a text, and asked around each number. Looks at no number.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use super::kind::{IdentifierKind as K, Kinds};

/// How far before an identifier its label may begin, in bytes.
const BEFORE: usize = 80;
/// How far behind an identifier its label may end, in bytes, on the same line.
const AFTER: usize = 32;
/// How near a label of something else must be to deny what has the shape of an identifier.
const NEAR: usize = 24;

/// What the words around a number say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// That it is of these kinds.
    These(Kinds),
    /// That it is something else: an order, a reference.
    Other,
    /// Nothing.
    Nothing,
}

impl Said {
    pub(super) fn is(self, kind: K) -> bool {
        matches!(self, Self::These(kinds) if kinds.contain(kind))
    }
}

/// A label: its words in lower case, and what it names. A label without kinds names something that is no identifier.
type Label = (&'static str, &'static [K]);

const CALLED: &[K] = &[K::Phone, K::Mobile];

/// In the order of their first words.
const LABELS: &[Label] = &[
    ("a c", &[K::BankAccount]),
    ("acc", &[K::BankAccount]),
    ("account", &[K::BankAccount, K::Iban]),
    ("acct", &[K::BankAccount]),
    ("address", &[K::Address, K::EmailAddress]),
    ("amex", &[K::PaymentCard]),
    ("asset", &[]),
    ("bacs", &[K::BankAccount]),
    ("bank", &[K::BankAccount, K::Iban]),
    ("barcode", &[]),
    ("birth", &[K::DateOfBirth]),
    ("birthdate", &[K::DateOfBirth]),
    ("birthday", &[K::DateOfBirth]),
    ("booking", &[]),
    ("born", &[K::DateOfBirth]),
    ("call", CALLED),
    ("cand no", &[K::CandidateNumber]),
    ("candidate identifier", &[K::Uci]),
    ("candidate no", &[K::CandidateNumber]),
    ("candidate number", &[K::CandidateNumber]),
    ("card", &[K::PaymentCard]),
    ("case", &[]),
    ("cc", &[K::PaymentCard]),
    ("cell", CALLED),
    ("charity", &[]),
    ("company number", &[]),
    ("conference id", &[]),
    ("consignment", &[]),
    ("contact", CALLED),
    ("cvc", &[K::PaymentCard]),
    ("cvv", &[K::PaymentCard]),
    ("d o b", &[K::DateOfBirth]),
    ("date of birth", &[K::DateOfBirth]),
    ("dfe no", &[K::TeacherReference]),
    ("dfe number", &[K::TeacherReference]),
    ("dob", &[K::DateOfBirth]),
    ("ean", &[]),
    ("exam no", &[K::CandidateNumber]),
    ("exam number", &[K::CandidateNumber]),
    ("exp", &[K::PaymentCard]),
    ("expiry", &[K::PaymentCard]),
    ("fax", CALLED),
    ("home address", &[K::Address]),
    ("iban", &[K::Iban]),
    ("invoice", &[]),
    ("isbn", &[]),
    ("issn", &[]),
    ("job", &[]),
    ("landline", CALLED),
    ("learner number", &[K::Uln]),
    ("live at", &[K::Address]),
    ("lives at", &[K::Address]),
    ("living at", &[K::Address]),
    ("maestro", &[K::PaymentCard]),
    ("mastercard", &[K::PaymentCard]),
    ("meeting id", &[]),
    ("mob", CALLED),
    ("mobile", CALLED),
    ("moved to", &[K::Address]),
    ("n i", &[K::NiNumber]),
    ("national insurance", &[K::NiNumber]),
    ("nhs", &[K::NhsNumber]),
    ("ni", &[K::NiNumber]),
    ("nino", &[K::NiNumber]),
    ("order", &[]),
    ("parcel", &[]),
    ("part no", &[]),
    ("part number", &[]),
    ("phone", CALLED),
    ("po", &[]),
    ("policy number", &[]),
    ("post code", &[K::Address]),
    ("postcode", &[K::Address]),
    ("product", &[]),
    ("pupil number", &[K::Upn]),
    ("purchase", &[]),
    ("qts", &[K::TeacherReference]),
    ("quote", &[]),
    ("receipt", &[]),
    ("ref", &[]),
    ("reference", &[]),
    ("ring", CALLED),
    ("serial", &[]),
    ("shipment", &[]),
    ("sort code", &[K::BankAccount]),
    ("sortcode", &[K::BankAccount]),
    ("teacher no", &[K::TeacherReference]),
    ("teacher number", &[K::TeacherReference]),
    ("teacher ref", &[K::TeacherReference]),
    ("teacher reference", &[K::TeacherReference]),
    ("tel", CALLED),
    ("telephone", CALLED),
    ("text", CALLED),
    ("ticket", &[]),
    ("tracking", &[]),
    ("transaction", &[]),
    ("trn", &[K::TeacherReference]),
    ("uci", &[K::Uci]),
    ("uln", &[K::Uln]),
    ("unique candidate identifier", &[K::Uci]),
    ("unique learner number", &[K::Uln]),
    ("unique pupil number", &[K::Upn]),
    ("upn", &[K::Upn]),
    ("urn", &[]),
    ("utr", &[]),
    ("valid from", &[K::PaymentCard]),
    ("valid thru", &[K::PaymentCard]),
    ("vat", &[]),
    ("visa", &[K::PaymentCard]),
    ("whatsapp", CALLED),
];

/// The labels of a text, each with its first byte and its end, in the order of their places.
#[derive(Debug, Default)]
pub(super) struct Labels(Vec<Found>);

/// A label in a text.
#[derive(Debug, Clone, Copy)]
struct Found {
    start: usize,
    end: usize,
    kinds: &'static [K],
}

impl Labels {
    /// Reads the labels of a text, in one walk over its words.
    pub(super) fn read(text: &str) -> Self {
        let mut all = Vec::new();
        let mut words = Words { bytes: text.as_bytes(), at: 0 };
        while let Some(word) = words.next() {
            let Some((end, kinds)) = label_at(text, &word) else { continue };
            all.push(Found { start: word.start, end, kinds });
            words.at = end;
        }
        Self(all)
    }

    /// What the words around a stretch of a text say of it. The nearest label before it wins, but where that is far off and
    /// another follows.
    pub(super) fn around(&self, text: &str, at: &Range<usize>, bounds: &Range<usize>) -> Said {
        let split = self.0.partition_point(|label| label.end <= at.start);
        let floor = at.start.saturating_sub(BEFORE).max(bounds.start);
        let before = split.checked_sub(1).and_then(|last| self.0.get(last));
        let before = before
            .filter(|label| label.start >= floor)
            .filter(|label| text.get(label.end..at.start).is_some_and(|between| !between.contains("\n\n")));
        let after = self.0.get(split..).unwrap_or_default().iter().find(|label| label.start >= at.end);
        let ceiling = at.end.saturating_add(AFTER).min(bounds.end);
        let after = after
            .filter(|label| label.end <= ceiling)
            .filter(|label| text.get(at.end..label.start).is_some_and(|between| !between.contains('\n')));
        let (distance, label) = match (before, after) {
            // A label behind is, as often as not, that of the next number.
            (Some(one), Some(other))
                if at.start - one.end > NEAR && other.start - at.end < at.start - one.end =>
            {
                (other.start - at.end, other)
            }
            (Some(one), _) => (at.start - one.end, one),
            (None, Some(one)) => (one.start - at.end, one),
            (None, None) => return Said::Nothing,
        };
        match label.kinds {
            [] if distance <= NEAR => Said::Other,
            [] => Said::Nothing,
            kinds => Said::These(Kinds::of(kinds)),
        }
    }
}

/// What a heading says of the cells below it; nothing where it is none.
pub(super) fn heading(cell: &str) -> Option<Said> {
    const LONGEST: usize = 60;
    if cell.len() > LONGEST || cell.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let labels = Labels::read(cell).0;
    let all = labels.iter().fold(Kinds::default(), |all, label| all.and(Kinds::of(label.kinds)));
    (!labels.is_empty()).then_some(if all.is_empty() { Said::Other } else { Said::These(all) })
}

/// The words of a text: runs of letters and digits.
struct Words<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl Words<'_> {
    fn next(&mut self) -> Option<Range<usize>> {
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte >= 0x80;
        let rest = self.bytes.get(self.at..)?;
        let start = self.at + rest.iter().position(is_word)?;
        let word = self.bytes.get(start..)?;
        let length = word.iter().position(|byte| !is_word(byte)).unwrap_or(word.len());
        self.at = start + length;
        Some(start..self.at)
    }
}

/// The longest label whose words begin with that word: its end and what it names.
fn label_at(text: &str, word: &Range<usize>) -> Option<(usize, &'static [K])> {
    let bytes = text.as_bytes().get(word.clone())?;
    let first = bytes.first()?.to_ascii_lowercase();
    let lengths = FIRST_WORDS.lengths.get(usize::from(first))?;
    // Most words have no label's first letter and length.
    if bytes.len() >= 32 || lengths & (1 << bytes.len()) == 0 {
        return None;
    }
    let labels = FIRST_WORDS.labels.get(bytes.to_ascii_lowercase().as_slice())?;
    let stands = |label: &Label| {
        let mut words = Words { bytes: text.as_bytes(), at: word.end };
        for wanted in label.0.split(' ').skip(1) {
            let next = words.next()?;
            let here = text.as_bytes().get(next)?;
            if !here.eq_ignore_ascii_case(wanted.as_bytes()) {
                return None;
            }
        }
        Some((words.at, label.1))
    };
    LABELS.get(labels.clone())?.iter().filter_map(stands).max_by_key(|(end, _)| *end)
}

/// The labels by their first words.
struct FirstWords {
    /// For each first letter, a bit for each length that a word with it has.
    lengths: [u32; 256],
    /// Which of [`LABELS`] begin with the word.
    labels: HashMap<&'static [u8], Range<usize>>,
}

static FIRST_WORDS: LazyLock<FirstWords> = LazyLock::new(|| {
    let mut words = FirstWords { lengths: [0; 256], labels: HashMap::new() };
    for (index, (text, _)) in LABELS.iter().enumerate() {
        let first = text.split(' ').next().unwrap_or_default().as_bytes();
        let letter = first.first().copied().unwrap_or_default();
        if let Some(lengths) = words.lengths.get_mut(usize::from(letter)) {
            *lengths |= 1 << first.len();
        }
        words.labels.entry(first).or_insert(index..index).end = index + 1;
    }
    words
});

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Said {
        let at = text.find('7').unwrap();
        let end = text.rfind('7').unwrap() + 1;
        Labels::read(text).around(text, &(at..end), &(0..text.len()))
    }

    #[test]
    fn labels_are_in_order_of_their_first_words() {
        let first = |label: &Label| label.0.split(' ').next().unwrap();
        assert!(LABELS.is_sorted_by_key(first));
    }

    #[test]
    fn the_nearest_label_wins() {
        assert!(said("NHS number: 777").is(K::NhsNumber));
        assert!(said("her D.O.B. is 777").is(K::DateOfBirth));
        assert!(said("NHS number none, ULN 777").is(K::Uln));
        assert!(!said("NHS number none, ULN 777").is(K::NhsNumber));
        assert!(said("777 is her UPN").is(K::Upn));
        assert_eq!(said("your order 777"), Said::Other);
        assert_eq!(said("teacher reference 777"), Said::These(Kinds::of(&[K::TeacherReference])));
        assert_eq!(said("nothing here 777 at all"), Said::Nothing);
        assert_eq!(said("the NHS.\n\n777"), Said::Nothing);
    }

    #[test]
    fn a_heading_is_a_short_cell_with_a_label() {
        assert_eq!(heading("Date of birth"), Some(Said::These(Kinds::of(&[K::DateOfBirth]))));
        assert_eq!(heading("Order no."), Some(Said::Other));
        assert_eq!(heading("Anna"), None);
        assert_eq!(heading("DOB 12/03/2010"), None);
    }
}
