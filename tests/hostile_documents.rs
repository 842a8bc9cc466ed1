//! Documents cut short and changed at random: no panic, no work after the time is over, text and files within the caps.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic: that is how it fails"
)]

#[path = "support/damage.rs"]
mod damage;
#[path = "support/files.rs"]
mod files;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;

use damage::changed;
use files::files_below;
use mailwarden::extract::document::{Inspection, inspect, inspect_with};
use mailwarden::limits::Limits;
use mailwarden::verdict::{Kind, KindGroup, Protection};

/// Lengths at which each file is cut, besides the first few bytes.
const CUTS: usize = 48;
/// Changed copies of each fixture. The whole of them takes a minute or two without optimisation.
const CHANGED: u64 = 300;
/// Changed copies of a fixture that costs tenths of a second: its key is hashed many times over, or it never ends.
const CHANGED_SLOW: u64 = 10;
/// How often a reading may ask whether the time is over before it is. The fixtures ask some hundred times.
const ASKED: u64 = 20_000;
/// How often it may ask after it was told so: once for each level that it leaves.
const ASKED_AFTER: u64 = 100;

#[test]
fn fixtures_that_are_cut_or_changed_are_read_safely() {
    let mut tally = Tally::default();
    for path in files_below(Path::new("fixtures/documents")) {
        let name = path.to_str().unwrap();
        if name.ends_with(".expected.json") || path.file_stem().is_some_and(|stem| stem == "make") {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let slow = is_slow(name);
        tally.cut(name, &bytes, if slow { 4 } else { CUTS });
        tally.change(name, &bytes, if slow { CHANGED_SLOW } else { CHANGED });
    }
    assert!(tally.runs > 10_000, "only {} runs", tally.runs);
    tally.conclude();
}

/// Half a document is never taken for a whole one: it leaves a gap, or is nothing that is known.
#[test]
fn what_is_cut_short_says_so() {
    let limits = Limits::default();
    let mut kinds = BTreeSet::new();
    let mut silent = Vec::new();
    for path in files_below(Path::new("fixtures/documents")) {
        let name = path.to_str().unwrap();
        if name.ends_with(".expected.json") || path.file_stem().is_some_and(|stem| stem == "make") {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let read = |bytes: &[u8]| inspect(Some(name), bytes, &limits, &|| false);
        let whole = read(&bytes);
        if !has_an_end(whole.items[0].kind) || !whole.gaps.is_empty() {
            continue;
        }
        kinds.insert(whole.items[0].kind);
        for length in [bytes.len() / 4, bytes.len() / 2, bytes.len() * 3 / 4] {
            let cut = read(&bytes[..length]);
            // What fills up an archive's last block is nothing that could be missed.
            if bytes[length..].iter().all(|byte| *byte == 0) {
                continue;
            }
            if cut.gaps.is_empty() && cut.items[0].protection != Protection::Unknown {
                silent.push(format!("{name} cut at {length} of {}: {:?}", bytes.len(), cut.items[0].kind));
            }
        }
    }
    assert!(kinds.len() > 25, "only {kinds:?}");
    assert!(silent.is_empty(), "{} are silent:\n{}", silent.len(), silent.join("\n"));
}

/// Whether files of that kind say where they end; of a text, a picture or a film any beginning is one.
fn has_an_end(kind: Kind) -> bool {
    let groups = [KindGroup::Document, KindGroup::Spreadsheet, KindGroup::Presentation, KindGroup::Archive];
    groups.contains(&kind.group()) && kind != Kind::Csv || matches!(kind, Kind::Msg | Kind::Tnef | Kind::Cms)
}

/// Ten thousand changed copies of the labelled documents, which lie beside the clone and are never committed.
#[cfg(feature = "corpus")]
#[test]
fn the_corpus_changed_at_random_is_read_safely() {
    let corpus = std::env::var_os("MAILWARDEN_CORPUS")
        .map_or_else(|| "../shared/corpus".into(), std::path::PathBuf::from);
    let files: Vec<_> = files_below(&corpus.join("documents"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ending| ending != "csv"))
        .collect();
    assert!(files.len() > 200, "only {} documents under {}", files.len(), corpus.display());
    let each = 10_000_u64.div_ceil(files.len() as u64);
    let mut tally = Tally::default();
    for path in files {
        let bytes = fs::read(&path).unwrap();
        let name = path.strip_prefix(&corpus).unwrap().to_str().unwrap();
        tally.cut(name, &bytes, 4);
        tally.change(name, &bytes, each);
    }
    assert!(tally.runs > 10_000, "only {} runs", tally.runs);
    tally.conclude();
}

fn is_slow(name: &str) -> bool {
    ["agile", "default-password", "password-", "encrypted", "aes", "bomb", "without-end", "deep"]
        .iter()
        .any(|slow| name.contains(slow))
}

/// What the runs came to.
#[derive(Default)]
struct Tally {
    runs: usize,
    faults: Vec<String>,
    /// Where crates below panicked: that costs the attachment, since the worker catches it.
    panics_below: Vec<String>,
}

impl Tally {
    fn cut(&mut self, name: &str, bytes: &[u8], cuts: usize) {
        let few = 0..bytes.len().min(16);
        let spread = (0..cuts).map(|cut| bytes.len() * cut / cuts);
        for length in few.chain(spread) {
            self.run(name, &format!("cut at {length}"), &bytes[..length]);
        }
    }

    fn change(&mut self, name: &str, bytes: &[u8], copies: u64) {
        for copy in 0..copies {
            self.run(name, &format!("change {copy}"), &changed(name, bytes, copy));
        }
    }

    fn run(&mut self, name: &str, what: &str, bytes: &[u8]) {
        self.runs += 1;
        let limits = Limits::default();
        // Those of the fixtures, so that what is opened with one is changed too.
        let passwords = ["Oakfield1870", "conker", "opensesame"].map(str::to_owned);
        let asked = Cell::new(0);
        let expired = || {
            asked.set(asked.get() + 1);
            asked.get() > ASKED
        };
        let outcome = watched(|| inspect_with(Some(name), bytes, &passwords, &limits, &expired));
        let fault = match outcome {
            Err(place) if place.contains("/registry/") => {
                self.panics_below.push(format!("{name}, {what}: {place}"));
                None
            }
            Err(place) => Some(format!("panicked at {place}")),
            Ok(_) if asked.get() > ASKED + ASKED_AFTER => Some("went on after the time was over".to_owned()),
            Ok(inspection) => unsound(&inspection, &limits),
        };
        self.faults.extend(fault.map(|fault| format!("{name}, {what}: {fault}")));
    }

    fn conclude(self) {
        println!(
            "{} runs, {} panics of crates below: {:#?}",
            self.runs,
            self.panics_below.len(),
            self.panics_below
        );
        assert!(
            self.faults.is_empty(),
            "{} of {} runs:\n{}",
            self.faults.len(),
            self.runs,
            self.faults.join("\n")
        );
    }
}

/// What about an inspection breaks the caps, or itself.
fn unsound(inspection: &Inspection, limits: &Limits) -> Option<String> {
    let text = &inspection.text;
    let items = inspection.items.len();
    let marks = &inspection.places.marks;
    let within = |start: u32| text.is_char_boundary(start as usize);
    let fault = if items == 0 || items > limits.document_entries {
        "has no items, or too many"
    } else if text.len() > limits.part_text_bytes + marks.len() + 1 {
        "has too much text"
    } else if !marks.iter().all(|mark| within(mark.start) && (mark.item as usize) < items) {
        "has a mark outside its text or items"
    } else if !marks.is_sorted_by_key(|mark| mark.start) {
        "has marks out of order"
    } else if !inspection.gaps.iter().all(|(_, item)| (*item as usize) < items) {
        "has a gap of no item"
    } else {
        return None;
    };
    Some(fault.to_owned())
}

/// Runs something; where it panics, says at which line of code.
fn watched<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static PLACE: Mutex<String> = Mutex::new(String::new());
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let one = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(|panic| {
        *PLACE.lock().unwrap() = panic.location().map(ToString::to_string).unwrap_or_default();
    }));
    let outcome = catch_unwind(AssertUnwindSafe(work));
    std::panic::set_hook(usual);
    let place = PLACE.lock().unwrap().clone();
    drop(one);
    outcome.map_err(|_| place)
}
