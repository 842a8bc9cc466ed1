//! Holds what is shown against what was accepted before. Never accepts anything by itself.

use std::fs;
use std::path::Path;

/// Compares with what was accepted before; MAILWARDEN_BLESS=1 accepts what is shown now.
pub fn blessed(file: &Path, shown: &str) {
    if std::env::var_os("MAILWARDEN_BLESS").is_some() {
        fs::write(file, shown).unwrap();
    }
    let expected = fs::read_to_string(file).unwrap_or_default();
    assert!(
        expected == shown,
        "{} differs; MAILWARDEN_BLESS=1 accepts it:\n{}",
        file.display(),
        similar::TextDiff::from_lines(expected.as_str(), shown).unified_diff()
    );
}
