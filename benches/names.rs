//! Measures finding people of rolls of 500 and 50,000 in ordinary text, in turns. Asserts what is found, never a time.
//!
//! `cargo bench --bench names`. Without `--bench`, as `cargo test --benches` runs it, each is done once.
#![allow(clippy::unwrap_used, reason = "a bench may panic: that is how it fails")]

use std::time::{Duration, Instant};

use mailwarden::detect::names::{TextKind, Wanted, find};
use mailwarden::people::{MOST_PEOPLE, Names, Person, PersonId, Role, Roll};

const TEXT: &str = include_str!("english.txt");
const GIVEN: &str = include_str!("../src/people/given-names.txt");
const WORDS: &str = include_str!("../src/people/name-words.txt");

/// Texts of some 100 kB, so that a sweep takes longer than reading the clock.
const TIMES: usize = 20;

fn main() {
    let runs = if std::env::args().any(|argument| argument == "--bench") { 200 } else { 1 };
    let plain = TEXT.repeat(TIMES);
    // Somebody of each roll in every copy of the text.
    let named: String =
        (0..TIMES).map(|_| format!("{TEXT}\nI met Oliver Quillfeather-Zann today.\n")).collect();
    let rolls = [roll(500), roll(MOST_PEOPLE)];
    println!("median of {runs} in turns, MB/s, over {} kB of text", plain.len() / 1_000);
    let full = Wanted { full: true, ..Wanted::default() };
    let single = Wanted { single: true, ..full };
    let all = Wanted { strangers: true, ..single };
    for (what, text, wanted) in [
        ("nobody named", &plain, full),
        ("20 named", &named, full),
        ("also single names", &named, single),
        ("also strangers", &named, all),
    ] {
        let mut times: [Vec<Duration>; 2] = Default::default();
        for _ in 0..runs {
            for (roll, times) in rolls.iter().zip(&mut times) {
                let mut hits = Vec::new();
                let started = Instant::now();
                find(text, TextKind::Running, roll, wanted, 100_000, &mut hits);
                times.push(started.elapsed());
                let of_zann = hits.iter().filter(|hit| hit.initials == "O.Q-Z.").count();
                assert_eq!(of_zann, if text.len() == plain.len() { 0 } else { TIMES });
            }
        }
        let [few, many] = times.map(median);
        let speed = |time: f64| text.len() as f64 / time / 1e6;
        println!(
            "{what:<18} {:>7.1} with 500 people, {:>7.1} with {MOST_PEOPLE}: {:.2} times the time",
            speed(few),
            speed(many),
            many / few
        );
    }
}

/// One of the list, always the same for a number and a salt.
fn pick<'l>(list: &[&'l str], mixed: u64, salt: u64) -> &'l str {
    let at = usize::try_from(mixed.wrapping_mul(salt) >> 7).unwrap() % list.len();
    list.get(at).copied().unwrap()
}

/// A roll whose names are those that babies get, and words: about as many words of ordinary text are on it as on a real one.
fn roll(number: usize) -> Roll {
    let given: Vec<&str> = GIVEN.lines().filter(|line| !line.starts_with('#')).filter_map(first).collect();
    let words: Vec<&str> =
        WORDS.lines().filter(|line| !line.starts_with(['#', '['])).flat_map(str::split_whitespace).collect();
    let person = |index: usize| {
        let mixed = (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
        // Every tenth family name is a word; the others are syllables, of which there are 4,096.
        let family = if index.is_multiple_of(10) {
            pick(&words, mixed, 31).to_owned()
        } else {
            let syllables = [
                "bar", "cor", "dal", "fen", "gor", "hol", "kin", "lor", "mar", "nor", "pel", "rus", "sor",
                "ton", "ver", "win",
            ];
            (0..3).map(|place| pick(&syllables, mixed, 7 + place * 12)).collect()
        };
        let names = match index {
            0 => Names {
                given: "Oliver".to_owned(),
                family: "Quillfeather-Zann".to_owned(),
                ..Names::default()
            },
            _ => Names { given: pick(&given, mixed, 5).to_owned(), family, ..Names::default() },
        };
        Person {
            id: PersonId(index.to_string()),
            role: Role::Pupil,
            school: None,
            year: None,
            class: None,
            names,
            addresses: Vec::new(),
            pupils: Vec::new(),
        }
    };
    Roll::new((0..number).map(person).collect())
}

fn first(line: &str) -> Option<&str> {
    line.split_whitespace().next()
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, Duration::as_secs_f64)
}
