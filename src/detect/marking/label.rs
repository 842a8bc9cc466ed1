//! Header fields that say how sensitive a message is: which there are, and what their values say. Looks at no other field.

/// What a field says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// The field `Sensitivity` (RFC 4021 §2.1.58): `Personal`, `Private` or `Company-Confidential`. Outlook sets it.
    Sensitivity,
    /// A classification that programs and gateways set, one that means confidential.
    Classification,
}

/// Fields whose value is the name of a classification. The names are the programs' own: Exchange's mail-flow rules and
/// message classifications, gateways, the Australian government's protective marking, RFC 7444 §4.
const CLASSIFICATIONS: [&str; 12] = [
    "classification",
    "sio-label",
    "x-classification",
    "x-data-classification",
    "x-google-classification",
    "x-message-classification",
    "x-microsoft-classification",
    "x-ms-exchange-organization-classification",
    "x-protective-marking",
    "x-security-classification",
    "x-security-label",
    "x-sensitivity",
];

/// The sensitivity labels of Microsoft 365: for each label of each tenant `MSIP_Label_⟨id⟩_Name=…`, `…_Enabled=true` and others.
const MICROSOFT_LABELS: &str = "msip_labels";

/// What names of classifications have in them that mean confidential. A classification that is denied (`Not confidential`,
/// `Non-confidential`) has them too, so that is looked for first.
const MEANS_CONFIDENTIAL: [&str; 5] = ["confidential", "sensitive", "restricted", "secret", "private"];
const DENIED: [&str; 5] = ["not ", "non-", "non ", "un", "in"];

/// Whether a field of that name can say how sensitive a message is: a look before its value is decoded.
pub fn is_label_field(name: &str) -> bool {
    let name = name.trim_end();
    let known = ["sensitivity", MICROSOFT_LABELS].into_iter().chain(CLASSIFICATIONS);
    known.into_iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// What a header field says of the message's sensitivity, where it is one that can and does. `value` is on one line.
pub fn label(name: &str, value: &str) -> Option<Label> {
    let name = name.trim_end();
    if name.eq_ignore_ascii_case("sensitivity") {
        let wanted = ["personal", "private", "company-confidential", "confidential"];
        let said = |known: &str| value.trim().eq_ignore_ascii_case(known);
        return wanted.iter().any(|known| said(known)).then_some(Label::Sensitivity);
    }
    let says = if name.eq_ignore_ascii_case(MICROSOFT_LABELS) {
        microsoft_names(value).any(means_confidential)
    } else {
        CLASSIFICATIONS.iter().any(|known| name.eq_ignore_ascii_case(known)) && means_confidential(value)
    };
    says.then_some(Label::Classification)
}

/// The names of the labels that are in force.
fn microsoft_names(value: &str) -> impl Iterator<Item = &str> {
    let pairs = || value.split(';').filter_map(|pair| pair.trim().split_once('='));
    let disabled = move |label: &str| {
        pairs().any(|(key, value)| {
            key.strip_suffix("_Enabled") == Some(label) && value.trim().eq_ignore_ascii_case("false")
        })
    };
    pairs().filter_map(move |(key, name)| {
        let label = key.strip_suffix("_Name")?;
        (!disabled(label)).then_some(name)
    })
}

fn means_confidential(name: &str) -> bool {
    let name = name.to_lowercase();
    MEANS_CONFIDENTIAL.iter().any(|word| {
        name.match_indices(word).any(|(at, _)| {
            let before = name.get(..at).unwrap_or_default();
            !DENIED.iter().any(|denied| before.ends_with(denied))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_say_what_they_are_listed_for() {
        for line in include_str!("../../../fixtures/markings/labels.txt").lines() {
            let Some((wanted, field)) = line.split_once('|').filter(|_| !line.starts_with('#')) else {
                continue;
            };
            let (name, value) = field.trim().split_once(':').unwrap();
            let found = match label(name, value.trim()) {
                None => "nothing",
                Some(Label::Sensitivity) => "sensitivity",
                Some(Label::Classification) => "classification",
            };
            assert_eq!(found, wanted.trim(), "{field}");
            assert!(found == "nothing" || is_label_field(name), "{field}");
        }
    }
}
