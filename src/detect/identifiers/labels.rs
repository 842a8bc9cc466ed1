//! The words by which people say what a number is, found just before or after it. Looks at no number.

use std::ops::Range;

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

/// What the words around a stretch of a text say of it. The nearest label before it wins, but where
/// that is far off and another follows.
pub(super) fn around(text: &str, at: Range<usize>, bounds: Range<usize>) -> Said {
    let before = back(text, at.start.saturating_sub(BEFORE).max(bounds.start), at.start);
    let after = ahead(text, at.end, at.end.saturating_add(AFTER).min(bounds.end));
    let (mut words_before, mut words_after) = (Words::default(), Words::default());
    words_before.read(before);
    words_after.read(after);
    let nearest = words_before.labels().last().map(|(_, end, label)| (before.len() - end, label));
    let next = words_after.labels().next().map(|(start, _, label)| (start, label));
    let (distance, label) = match (nearest, next) {
        // A label behind is, as often as not, that of the next number.
        (Some(one), Some(other)) if one.0 > NEAR && other.0 < one.0 => other,
        (Some(one), _) | (None, Some(one)) => one,
        (None, None) => return Said::Nothing,
    };
    match label {
        [] if distance <= NEAR => Said::Other,
        [] => Said::Nothing,
        kinds => Said::These(Kinds::of(kinds)),
    }
}

/// What a heading says of the cells below it; nothing where it is none.
pub(super) fn heading(cell: &str) -> Option<Said> {
    const LONGEST: usize = 60;
    if cell.len() > LONGEST || cell.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut words = Words::default();
    words.read(cell);
    let mut all = Kinds::default();
    let mut any = false;
    for (_, _, kinds) in words.labels() {
        any = true;
        all = all.and(Kinds::of(kinds));
    }
    any.then_some(if all.is_empty() { Said::Other } else { Said::These(all) })
}

/// The stretch before a place, from the last blank line on.
fn back(text: &str, from: usize, to: usize) -> &str {
    let from = (from..=to).find(|place| text.is_char_boundary(*place)).unwrap_or(to);
    let window = text.get(from..to).unwrap_or_default();
    window.rfind("\n\n").and_then(|line| window.get(line..)).unwrap_or(window)
}

/// The stretch after a place, up to the end of its line.
fn ahead(text: &str, from: usize, to: usize) -> &str {
    let to = (from..=to).rev().find(|place| text.is_char_boundary(*place)).unwrap_or(from);
    let window = text.get(from..to).unwrap_or_default();
    window.find('\n').and_then(|line| window.get(..line)).unwrap_or(window)
}

/// The words of a short stretch, in lower case, with their places.
#[derive(Default)]
struct Words {
    lower: String,
    places: Vec<Range<usize>>,
}

impl Words {
    fn read(&mut self, text: &str) {
        self.lower = text.to_ascii_lowercase();
        let mut start = None;
        for (at, byte) in self.lower.bytes().chain([b' ']).enumerate() {
            match (byte.is_ascii_alphanumeric() || byte >= 0x80, start) {
                (true, None) => start = Some(at),
                (false, Some(from)) => {
                    self.places.push(from..at);
                    start = None;
                }
                _ => {}
            }
        }
    }

    /// The labels, each with its first byte and its end; the longest at each place.
    fn labels(&self) -> impl Iterator<Item = (usize, usize, &'static [K])> {
        let mut next = 0;
        (0..self.places.len()).filter_map(move |index| {
            if index < next {
                return None;
            }
            let (words, kinds) = self.label_at(index)?;
            next = index + words;
            let (first, last) = (self.places.get(index)?, self.places.get(next - 1)?);
            Some((first.start, last.end, kinds))
        })
    }

    /// The longest label whose words begin with that one.
    fn label_at(&self, index: usize) -> Option<(usize, &'static [K])> {
        let first = self.word(index)?;
        let first_of = |label: &Label| label.0.split(' ').next().unwrap_or_default();
        let from = LABELS.partition_point(|label| first_of(label) < first);
        let same = LABELS.get(from..)?.iter().take_while(|label| first_of(label) == first);
        let stands = |label: &&Label| {
            label.0.split(' ').enumerate().all(|(offset, word)| self.word(index + offset) == Some(word))
        };
        same.filter(stands).map(|(text, kinds)| (text.split(' ').count(), *kinds)).max_by_key(|label| label.0)
    }

    fn word(&self, index: usize) -> Option<&str> {
        let place = self.places.get(index)?;
        self.lower.get(place.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Said {
        let at = text.find('7').unwrap();
        let end = text.rfind('7').unwrap() + 1;
        around(text, at..end, 0..text.len())
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
