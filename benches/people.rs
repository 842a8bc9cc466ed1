//! Measures the roll: importing, writing, loading and dropping 500 to 50,000 people. Asserts counts, never a time.
//!
//! `cargo bench --bench people`. Without `--bench`, as `cargo test --benches` runs it, each is done once.
#![allow(clippy::unwrap_used, reason = "a bench may panic: that is how it fails")]

use std::time::{Duration, Instant};

use mailwarden::people::{Export, MOST_PEOPLE, Mapping, file, import};

const MAPPING: &str = r#"
[[file]]
role      = "pupil"
id        = "Id"
year      = "Year"
class     = "Class"
addresses = ["Email"]
names     = { given = "Forename", middle = "Middle", family = "Surname", preferred-given = "Preferred" }
"#;

/// Syllables that made-up names are built of: about as many different words as a large school has.
const SYLLABLES: [&str; 16] = [
    "ar", "ben", "cor", "dal", "el", "fer", "gon", "hol", "ish", "jor", "kel", "lin", "mor", "nor", "os",
    "pel",
];

fn main() {
    let runs = if std::env::args().any(|argument| argument == "--bench") { 15 } else { 1 };
    let mapping = Mapping::parse("mapping.toml", MAPPING).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.roll");
    println!("median of {runs}, in ms");
    println!(
        "{:>7} {:>8} {:>8} {:>8} {:>8} {:>10}",
        "people", "import", "write", "load", "drop", "file bytes"
    );
    for number in [500, 5_000, MOST_PEOPLE] {
        let text = export(number);
        let exports = [Export { file: "pupils.csv", bytes: text.as_bytes() }];
        let today = jiff::civil::date(2026, 1, 14);
        let mut times: [Vec<Duration>; 4] = Default::default();
        for _ in 0..runs {
            let (taken, imported) = timed(|| import(&mapping, &exports, today).unwrap());
            assert_eq!(imported.roll.len(), number);
            let (written, ()) = timed(|| file::write(&path, &imported.roll).unwrap());
            let (loaded, roll) = timed(|| file::load(&path).unwrap());
            assert_eq!(roll.by_address(&format!("p{}@school.example", number - 1)).count(), 1);
            let (dropped, ()) = timed(|| drop(roll));
            for (all, one) in times.iter_mut().zip([taken, written, loaded, dropped]) {
                all.push(one);
            }
        }
        let [import, write, load, drop] = times.map(median);
        let bytes = std::fs::metadata(&path).unwrap().len();
        println!("{number:>7} {import:>8.2} {write:>8.2} {load:>8.2} {drop:>8.2} {bytes:>10}");
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let started = Instant::now();
    let done = work();
    (started.elapsed(), done)
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
}

fn export(number: usize) -> String {
    let mut text = "Id,Surname,Forename,Middle,Preferred,Year,Class,Email\n".to_owned();
    for id in 0..number {
        let word = |seed: usize| {
            let mut mixed = id.wrapping_add(seed).wrapping_mul(0x9E37_79B9) >> 7;
            let mut word = String::new();
            for _ in 0..3 {
                word.push_str(SYLLABLES.get(mixed % 16).unwrap());
                mixed /= 16;
            }
            word
        };
        let (family, given, middle, preferred) = (word(1), word(77_777), word(555), word(9_999));
        let (year, class) = (id % 7 + 7, id % 12);
        text += &format!("{id},{family},{given},{middle},{preferred},{year},{class},p{id}@school.example\n");
    }
    text
}
