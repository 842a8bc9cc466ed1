//! Measures how well people on the roll are found in a made-up school, and holds docs/measured-names.md to it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may panic: that is how it fails"
)]

#[path = "support/manual.rs"]
mod manual;
#[path = "support/school.rs"]
mod school;

use std::fmt::Write as _;

use mailwarden::detect::names::{NameHit, TextKind, Wanted, Who, find};
use mailwarden::people::Roll;
use school::{Dice, Sentence};

/// What must be reached: the goals of the issue.
const PRECISION: f64 = 0.98;
const RECALL: f64 = 0.97;

#[derive(Default)]
struct Count {
    sentences: usize,
    named: usize,
    found: usize,
    alarms: usize,
}

impl Count {
    fn add(&mut self, other: &Self) {
        self.sentences += other.sentences;
        self.named += other.named;
        self.found += other.found;
        self.alarms += other.alarms;
    }

    fn precision(&self) -> f64 {
        self.found as f64 / (self.found + self.alarms).max(1) as f64
    }

    fn recall(&self) -> f64 {
        self.found as f64 / self.named.max(1) as f64
    }
}

#[test]
fn people_of_a_school_are_found_in_every_form_and_nobody_where_nobody_is_named() {
    let mut dice = Dice(2_026);
    let roll = school::roll(&mut dice);
    assert_eq!(roll.len(), 1_350);
    let mut sentences = school::named(&roll, 60, &mut dice);
    sentences.extend(school::nobody(&roll, 110, &mut dice));
    assert!(sentences.len() >= 2_000, "{}", sentences.len());
    let mut rows: Vec<(&str, Count)> = Vec::new();
    let mut all = Count::default();
    for sentence in &sentences {
        let count = measure(&roll, sentence);
        all.add(&count);
        match rows.last_mut().filter(|(form, _)| *form == sentence.form) {
            Some((_, known)) => known.add(&count),
            None => rows.push((sentence.form, count)),
        }
    }
    let (precision, recall) = (all.precision(), all.recall());
    let mut table = format!(
        "{} sentences, {} names: precision {precision:.3}, recall {recall:.3}.\n\n\
         | how people are named, or why nobody is | sentences | names | found | missed | false alarms |\n\
         |---|---|---|---|---|---|\n",
        all.sentences, all.named
    );
    for (form, Count { sentences, named, found, alarms }) in &rows {
        let missed = named - found;
        writeln!(table, "| {form} | {sentences} | {named} | {found} | {missed} | {alarms} |").unwrap();
    }
    assert!(precision >= PRECISION && recall >= RECALL, "{table}");
    manual::hold("docs/measured-names.md", "school", &table);
}

/// A name is found where a hit of its person stands upon it; a hit that stands upon none, or is somebody else's, is a
/// false alarm.
fn measure(roll: &Roll, sentence: &Sentence) -> Count {
    let mut hits = Vec::new();
    let full = Wanted { full: true, ..Wanted::default() };
    find(&sentence.text, TextKind::Running, roll, full, 1_000, &mut hits);
    hits.retain(|hit| !hit.addressed);
    let right = |hit: &NameHit, (start, end, person): &(usize, usize, u32)| {
        hit.span.start < *end && *start < hit.span.end && hit.who_includes(*person)
    };
    let found = sentence.named.iter().filter(|name| hits.iter().any(|hit| right(hit, name))).count();
    let alarms = hits.iter().filter(|hit| !sentence.named.iter().any(|name| right(hit, name))).count();
    if std::env::var_os("SHOW_NAMES").is_some() && (found < sentence.named.len() || alarms > 0) {
        let shown: Vec<&str> = hits.iter().map(|hit| &sentence.text[hit.span.start..hit.span.end]).collect();
        let wanted: Vec<&str> =
            sentence.named.iter().map(|(start, end, _)| &sentence.text[*start..*end]).collect();
        println!("{}: {:?}\n    wanted {wanted:?}, found {shown:?}", sentence.form, sentence.text);
    }
    Count { sentences: 1, named: sentence.named.len(), found, alarms }
}

trait Includes {
    fn who_includes(&self, person: u32) -> bool;
}

impl Includes for NameHit {
    fn who_includes(&self, person: u32) -> bool {
        matches!(&self.who, Who::OnRoll(people) if people.contains(&person))
    }
}
