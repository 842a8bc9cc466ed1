//! Measures finding identifiers: in text without any, in ordinary mail, in a sheet of pupils and in hostile digits. Asserts
//! what was found, never a time.
//!
//! `cargo bench --bench identifiers`. Without `--bench`, as `cargo test --benches` runs it, each is done once.
#![allow(clippy::unwrap_used, reason = "a bench may panic: that is how it fails")]

use std::time::{Duration, Instant};

use jiff::civil::{Date, date};
use mailwarden::detect::identifiers::{Confidence, find_in};
use mailwarden::extract::document::Places;

const TODAY: Date = date(2026, 1, 14);
/// About as much text as a long document has.
const BYTES: usize = 1 << 20;

fn main() {
    let runs = if std::env::args().any(|argument| argument == "--bench") { 15 } else { 1 };
    let prose = "Please bring a packed lunch, a coat and a pen to the museum on Thursday. ";
    let mail = format!("{}{}", prose.repeat(6), "Ring 01632 960123 before 14/02/2026, order 4711 of 3.50. ");
    let rows = "Anna Field\t04/09/2012\tB801200005001\t07700 900123\t14 Mill Lane, OX11 0QX\n";
    let texts = [
        ("no digit", prose.to_owned(), 0),
        ("mail", mail, 1),
        (
            "sheet of pupils",
            format!("Name\tDOB\tUPN\tMobile\tAddress\n{}", rows.repeat(BYTES / rows.len())),
            4,
        ),
        ("digits", "9434765870 ".to_owned(), 0),
        ("one long number", "7".to_owned(), 0),
        ("groups of digits", "12 34 56 ".to_owned(), 0),
        ("digits and commas", "1,".to_owned(), 0),
        ("one-letter words and digits", "A 1 ".to_owned(), 0),
        ("at signs", "a1@b.c".to_owned(), 0),
        ("postcodes", "OX1 1AA ".to_owned(), 0),
    ];
    println!("median of {runs}, each over {BYTES} bytes");
    println!("{:<28} {:>9} {:>9} {:>9}", "text", "ms", "MB/s", "different");
    for (name, piece, different) in texts {
        let text = piece.repeat((BYTES / piece.len()).max(1));
        let mut times = Vec::new();
        for _ in 0..runs {
            let mut found = Vec::new();
            let started = Instant::now();
            find_in(&text, &Places::default(), TODAY, 10_000, &mut found);
            times.push(started.elapsed());
            let mut values: Vec<u64> = found
                .iter()
                .filter(|found| found.confidence == Confidence::High)
                .map(|found| found.value)
                .collect();
            values.sort_unstable();
            values.dedup();
            assert_eq!(values.len(), different, "{name}");
        }
        let time = median(times);
        let rate = text.len() as f64 / 1e6 / time.as_secs_f64();
        println!("{name:<28} {:>9.2} {rate:>9.0} {different:>9}", time.as_secs_f64() * 1e3);
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
