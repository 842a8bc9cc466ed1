//! Tests of names in texts, as data: `[…]` stands around what must be found, and nothing else may be.
#![cfg(test)]

use std::fmt::Write as _;
use std::fs;

use super::*;
use crate::people::{Names, Person, PersonId, Role};

/// Names as `Given Middle|preferred-given|Family|preferred-family|former,former|class`.
fn person(line: &str, number: usize) -> Person {
    let mut fields = line.split('|').map(str::trim);
    let mut next = || fields.next().unwrap_or_default().to_owned();
    let role = next();
    let role = Role::ALL.into_iter().find(|one| one.name() == role).unwrap();
    let (given, middle, preferred, family) = (next(), next(), next(), next());
    let (preferred_family, former, class) = (next(), next(), next());
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    Person {
        id: PersonId(number.to_string()),
        role,
        school: None,
        year: None,
        class: some(class),
        addresses: Vec::new(),
        pupils: Vec::new(),
        names: Names {
            given,
            middle,
            family,
            preferred_given: some(preferred),
            preferred_family: some(preferred_family),
            former_family: some(former)
                .map(|text| text.split(',').map(str::to_owned).collect())
                .unwrap_or_default(),
        },
    }
}

/// The people and the cases of a file: `@ …` is a person, `#` a comment, all else a case.
fn read(file: &str) -> (Roll, Vec<String>) {
    let text = fs::read_to_string(file).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let (people, cases): (Vec<_>, Vec<_>) = lines.partition(|line| line.starts_with("@ "));
    let people = people.iter().zip(1..).map(|(line, number)| person(&line[2..], number)).collect();
    (
        Roll::new(people),
        cases.into_iter().map(|case| case.replace("\\n", "\n").replace("\\t", "\t")).collect(),
    )
}

fn marked(text: &str, hits: &[NameHit]) -> String {
    let mut out = String::new();
    let mut at = 0;
    for hit in hits.iter().filter(|hit| !hit.addressed) {
        write!(out, "{}[{}]", &text[at..hit.span.start], &text[hit.span.start..hit.span.end]).unwrap();
        at = hit.span.end;
    }
    out + &text[at..]
}

fn check(file: &str, kind: TextKind, wanted: Wanted) {
    let (roll, cases) = read(file);
    assert!(cases.len() >= 5, "{file}: found only {} cases", cases.len());
    let mut wrong = String::new();
    for case in cases {
        let text = case.replace(['[', ']'], "");
        let mut hits = Vec::new();
        assert!(!find(&text, kind, &roll, wanted, 1_000, &mut hits));
        let got = marked(&text, &hits);
        if got != case {
            writeln!(wrong, "wanted {case}\n   got {got}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{file}:\n{wrong}");
}

#[test]
fn people_named_in_full_are_found_however_they_are_written() {
    check("fixtures/names/full.txt", TextKind::Running, Wanted { full: true, ..Wanted::default() });
}

#[test]
fn people_are_found_in_tables_and_file_names() {
    let full = Wanted { full: true, ..Wanted::default() };
    check("fixtures/names/cells.txt", TextKind::Document, full);
    check("fixtures/names/files.txt", TextKind::FileName, full);
}

#[test]
fn rare_single_names_are_found() {
    let wanted = Wanted { full: true, single: true, strangers: false };
    check("fixtures/names/single.txt", TextKind::Running, wanted);
}

#[test]
fn strangers_are_guessed() {
    let (roll, cases) = read("fixtures/names/strangers.txt");
    for case in cases {
        let text = case.replace(['[', ']'], "");
        let mut hits = Vec::new();
        find(
            &text,
            TextKind::Running,
            &roll,
            Wanted { full: true, single: false, strangers: true },
            100,
            &mut hits,
        );
        hits.retain(|hit| matches!(hit.who, Who::Stranger(_)) && hit.form != NameForm::Single);
        assert_eq!(marked(&text, &hits), case);
    }
}

#[test]
fn initials_take_the_place_of_names() {
    let (roll, cases) = read("fixtures/names/suggestions.txt");
    assert!(cases.len() >= 10);
    for case in cases {
        let (text, wanted) = case.split_once(" => ").unwrap();
        let mut hits = Vec::new();
        find(text, TextKind::Running, &roll, Wanted { full: true, ..Wanted::default() }, 100, &mut hits);
        let span = hits.iter().find(|hit| !hit.addressed).map_or(Span { start: 0, end: 0 }, |hit| hit.span);
        let got = suggestion(text, TextKind::Running, span, &roll, Role::Pupil);
        assert_eq!(got.as_deref().unwrap_or("-"), wanted, "{text}");
    }
}

#[test]
fn a_text_of_any_length_is_looked_at_in_pieces() {
    let roll = Roll::new(vec![person("pupil|Oliver|||Bennett", 1)]);
    let mut text = String::new();
    for _ in 0..2_000 {
        text += "Some words about nobody, é. Then Oliver Bennett came in.\n";
    }
    let mut hits = Vec::new();
    let full = Wanted { full: true, ..Wanted::default() };
    assert!(!find(&text, TextKind::Running, &roll, full, 10_000, &mut hits));
    assert_eq!(hits.len(), 2_000);
    hits.clear();
    assert!(find(&text, TextKind::Running, &roll, full, 10, &mut hits), "the cap");
    assert_eq!(hits.len(), 10);
    let blank = "x".repeat(100_000) + &"é".repeat(100_000);
    assert!(!find(&blank, TextKind::Running, &roll, full, 10, &mut Vec::new()));
}
