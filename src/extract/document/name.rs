//! What a file's name says against its content. Never opens the file.

use crate::verdict::{Fact, Kind};

/// The facts about a file that its name and its kind give together; ordered.
pub fn facts_of_name(name: &str, kind: Kind) -> Vec<Fact> {
    let _ = (name, kind);
    Vec::new()
}
