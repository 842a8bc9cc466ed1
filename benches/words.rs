//! Measures the word sweep: bytes a second over lists of 100 to 50,000 terms, and what loading them costs. Never trusts
//! a fast answer: every number of hits is held against a slow, separate count.
//!
//! `cargo bench --bench words`, with sizes of lists after `--` to measure others; with `MAILWARDEN_CORPUS=folder` real mail is swept too. Without `--bench`, as
//! `cargo test --benches` runs it, the text is short and only the counts matter.
#![allow(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "a bench may panic: that is how it fails"
)]

use std::collections::HashMap;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use mailwarden::detect::switches::Disguises;
use mailwarden::detect::words::{WordHit, WordIndex, WordList};
use mailwarden::extract::Extraction;
use mailwarden::extract::document::InProcess;
use mailwarden::limits::Limits;
use mailwarden::message::Message;
use mailwarden::verdict::Zone;

const RUNS: usize = 40;
const SIZES: [usize; 4] = [100, 1_000, 10_000, 50_000];
const COMMON: &str = include_str!("english.txt");
/// Of a hundred words of the text, those that are none of the common ones.
const RARE_PERCENT: u64 = 10;
/// How many phrases of common words a list of [`Text::Even`] has.
const EVEN_PHRASES: usize = 20;
/// How many different rare words the text draws from.
const RARE_WORDS: u64 = 5_000;

fn main() {
    let measuring = std::env::args().any(|argument| argument == "--bench");
    let bytes = if measuring { 2 << 20 } else { 200 << 10 };
    let english = english(bytes);
    let mail = real_mail(&["enron", "ham", "spam"]);
    println!("English text of {} bytes, one core", english.len());
    println!(
        "{:>7} {:>6} {:>7} {:>7} {:>7} {:>8} {:>10}",
        "terms", "text", "MB/s", "to 100", "hits", "load ms", "real mail"
    );
    let asked: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if asked.is_empty() { SIZES.to_vec() } else { asked };
    let kinds = [Text::Even, Text::Quiet, Text::Busy];
    let cases = kinds.into_iter().flat_map(|kind| sizes.iter().map(move |size| (*size, kind)));
    let cases: Vec<Case> = cases.map(|(size, kind)| Case::new(size, kind, &english)).collect();
    let even: Vec<usize> =
        cases.iter().filter(|case| case.kind == Text::Even).map(|case| case.hits).collect();
    // A prefix of a long list may by chance begin one of the text's rare words.
    let alike = even.iter().all(|hits| hits.abs_diff(even[0]) * 50 <= even[0]);
    assert!(alike, "like is not compared with like: {even:?} hits");
    let indexes: Vec<&WordIndex> = cases.iter().map(|case| &case.index).collect();
    let runs = if measuring { RUNS } else { 1 };
    let times = alternating(&english, runs, &indexes);
    let real = mail.map(|mail| (alternating(&mail, runs, &indexes), mail));
    for (number, (case, time)) in cases.iter().zip(&times).enumerate() {
        let base = times[number - number % sizes.len()];
        println!(
            "{:>7} {:>6} {:>7.0} {:>7.2} {:>7} {:>8.1} {:>10}",
            case.size,
            format!("{:?}", case.kind).to_lowercase(),
            rate(&english, *time),
            time.as_secs_f64() / base.as_secs_f64(),
            case.hits,
            case.load.as_secs_f64() * 1e3,
            real.as_ref()
                .map_or("-".to_owned(), |(times, mail)| format!("{:.0} MB/s", rate(mail, times[number]))),
        );
    }
    if measuring {
        let ordinary = real_mail(&["enron", "ham"]);
        disguises(&english, ordinary.as_deref(), real.as_ref().map(|(_, mail)| mail.as_str()));
        baseline(&english);
    }
}

/// What it costs to see through disguises: the shipped lists as they are, and with every switch off.
fn disguises(english: &str, ordinary: Option<&str>, mail: Option<&str>) {
    let folder = std::env::var_os("MAILWARDEN_LISTS").unwrap_or("rules/lists".into());
    let mut lists: Vec<WordList> = Vec::new();
    for entry in fs::read_dir(folder)
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().extension() == Some("txt".as_ref()))
    {
        lists.push(WordList::parse("shipped", &fs::read_to_string(entry.path()).unwrap()).unwrap());
    }
    let disguised = WordIndex::new(&lists);
    let asking = lists.iter().filter(|list| !list.disguises.is_empty()).count();
    for list in &mut lists {
        list.disguises = Disguises::NONE;
    }
    let plain = WordIndex::new(&lists);
    println!("{} shipped lists, {asking} of them with disguises", lists.len());
    let texts = [("English", Some(english)), ("ordinary mail", ordinary), ("mail with spam", mail)];
    for (what, text) in texts {
        let Some(text) = text else { continue };
        let hits = [&plain, &disguised].map(|index| sweep(index, text).len());
        assert!(
            0 < hits[0] && hits[0] <= hits[1],
            "{what}: disguises hide what stands there plainly: {hits:?} hits"
        );
        let times = alternating(text, RUNS, &[&plain, &disguised]);
        println!(
            "{what}: plainly {:.0} MB/s, {} hits; disguises too {:.0} MB/s, {} hits, {:.2} times the time",
            rate(text, times[0]),
            sweep(&plain, text).len(),
            rate(text, times[1]),
            sweep(&disguised, text).len(),
            times[1].as_secs_f64() / times[0].as_secs_f64(),
        );
    }
}

/// A list that is measured.
struct Case {
    size: usize,
    kind: Text,
    index: WordIndex,
    hits: usize,
    load: Duration,
}

impl Case {
    fn new(size: usize, kind: Text, english: &str) -> Self {
        let source = list(size, kind);
        let load = best(3, || WordIndex::new(&[read(&source)]));
        let list = read(&source);
        assert_eq!(list.terms.len(), size);
        let index = WordIndex::new(std::slice::from_ref(&list));
        let hits = sweep(&index, english).len();
        assert_eq!(hits, slow_count(&list, english), "{size} terms: the sweep and the slow count differ");
        assert!(hits > 0, "{size} terms: nothing found, so the measurement says nothing");
        Self { size, kind, index, hits, load }
    }
}

/// What a multi-string search costs on the same text, without folding beyond ASCII and without whole words.
fn baseline(english: &str) {
    for (size, kind) in [(10_000, AhoCorasickKind::ContiguousNFA), (10_000, AhoCorasickKind::DFA)] {
        let list = read(&list(size, Text::Busy));
        let terms = list.terms.iter().map(|term| term.text.trim_end_matches('*'));
        let builder = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .kind(Some(kind))
            .build(terms);
        let automaton = builder.unwrap();
        let time = uninterrupted(english, 5, |piece| automaton.find_iter(piece).count());
        println!("aho-corasick, {size} terms, {kind:?}: {:.0} MB/s", rate(english, time));
    }
}

fn sweep(index: &WordIndex, text: &str) -> Vec<WordHit> {
    let mut hits = Vec::new();
    index.find(black_box(text), usize::MAX, &mut hits);
    hits
}

fn read(source: &str) -> WordList {
    WordList::parse("bench", source).unwrap()
}

fn best<T>(times: usize, mut run: impl FnMut() -> T) -> Duration {
    let once = || {
        let start = Instant::now();
        black_box(run());
        start.elapsed()
    };
    std::iter::repeat_with(once).take(times).min().unwrap()
}

/// What a run of each index over a text takes when nothing interrupts it: the least time of each piece of 64 kB, summed.
/// The indexes take turns, so that a slow minute of the machine is everybody's; and the pieces come round in turn, so
/// that each finds the caches and the branch predictor as the others leave them.
fn alternating(text: &str, times: usize, indexes: &[&WordIndex]) -> Vec<Duration> {
    let mut least = vec![vec![Duration::MAX; pieces(text).count()]; indexes.len()];
    for _ in 0..times {
        for (index, least) in indexes.iter().zip(&mut least) {
            for (piece, least) in pieces(text).zip(least) {
                *least = best(1, || sweep(index, piece)).min(*least);
            }
        }
    }
    least.iter().map(|least| least.iter().sum()).collect()
}

/// The same for anything.
fn uninterrupted<T>(text: &str, times: usize, mut run: impl FnMut(&str) -> T) -> Duration {
    pieces(text).map(|piece| best(times, || run(piece))).sum()
}

fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (piece, after) = rest.split_at(rest.ceil_char_boundary(64 << 10));
        rest = after;
        Some(piece).filter(|piece| !piece.is_empty())
    })
}

fn rate(text: &str, time: Duration) -> f64 {
    text.len() as f64 / 1e6 / time.as_secs_f64()
}

/// Numbers that look random and are the same every time (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut value = self.0;
        value = (value ^ value >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        value = (value ^ value >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (value ^ value >> 31) % bound
    }

    /// A common word, as often as Zipf has it: the n-th word about once where the first comes n times.
    fn common<'c>(&mut self, common: &[&'c str]) -> &'c str {
        let part = self.below(1 << 20) as f64 / (1_u64 << 20) as f64;
        let place = (common.len() as f64 + 1.0).powf(part) - 1.0;
        common[(place as usize).min(common.len() - 1)]
    }
}

fn common_words() -> Vec<&'static str> {
    COMMON
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::split_whitespace)
        .filter(|word| !word.contains('-'))
        .collect()
}

/// The n-th made-up word: two syllables that sound English, and an ending.
fn rare_word(number: u64) -> String {
    const HEADS: [&str; 20] = [
        "b", "br", "c", "d", "dr", "f", "gr", "h", "l", "m", "n", "p", "pl", "r", "s", "sh", "st", "t", "tr",
        "w",
    ];
    const TAILS: [&str; 20] = [
        "ab", "am", "and", "ar", "eck", "el", "en", "er", "est", "ick", "in", "ing", "old", "om", "on", "or",
        "ow", "um", "un", "ay",
    ];
    const ENDINGS: [&str; 8] = ["", "s", "ed", "ing", "ly", "y", "er", "ton"];
    // Odd and not divisible by five, so that every number has its own word.
    let place = number * 479_001 % (400 * 400 * 8);
    let [first, second, third, fourth] =
        [place / 160_000, place % 20, place / 20 % 20, place / 400 % 20].map(|place| place as usize);
    let fifth = (place / 8_000 % 20) as usize;
    [HEADS[second], TAILS[third], HEADS[fourth], TAILS[fifth], ENDINGS[first]].concat()
}

/// Plain English: common words as often as they come, rare ones between them, sentences, lines and paragraphs.
fn english(bytes: usize) -> String {
    let common = common_words();
    let mut dice = Dice(7);
    let mut text = String::new();
    let (mut column, mut left) = (0, 0);
    while text.len() < bytes {
        let sentence_starts = left == 0;
        if sentence_starts {
            left = 6 + dice.below(16);
        }
        let rare = dice.below(100) < RARE_PERCENT;
        let mut word = if rare { rare_word(dice.below(RARE_WORDS)) } else { dice.common(&common).to_owned() };
        if sentence_starts || dice.below(40) == 0 {
            word[..1].make_ascii_uppercase();
        }
        left -= 1;
        column += word.len() + 1;
        text.push_str(&word);
        text.push_str(match dice.below(60) {
            0 => "'s",
            1 | 2 if left > 0 => ",",
            _ if left == 0 => ".",
            _ => "",
        });
        if column > 70 {
            column = 0;
        }
        text.push_str(match (left, column) {
            (0, _) if dice.below(8) == 0 => "\n\n",
            (_, 0) => "\n",
            _ => " ",
        });
    }
    text
}

/// What the text has of a list's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Text {
    /// The same few phrases whatever the list's size: what remains is the cost of the size alone.
    Even,
    /// No rare word: what remains is the cost of the list's size, and of its phrases of common words, of which a longer list has
    /// more: with 50,000 terms two hundred times as much is found as with 100.
    Quiet,
    /// One in fifty, so that a longer list finds more, and what is found costs too.
    Busy,
}

/// A list as a file has it: single words, a twentieth of them prefixes; phrases of two and three words, of which half
/// begin with a common word; allow-phrases.
fn list(size: usize, kind: Text) -> String {
    let common = common_words();
    let mut dice = Dice(size as u64);
    let mut seen = HashMap::new();
    let mut source = String::from("# made for measuring\n");
    for pair in common.chunks(2).take(if kind == Text::Even { EVEN_PHRASES } else { 0 }) {
        source.push_str(&format!("{}\n", pair.join(" ")));
        seen.insert(pair.join(" "), ());
    }
    while seen.len() < size {
        let fresh = RARE_WORDS + 1_000 + seen.len() as u64 * 3;
        let rare = |dice: &mut Dice| {
            if dice.below(50) == 0 && kind == Text::Busy {
                rare_word(dice.below(RARE_WORDS))
            } else {
                rare_word(fresh)
            }
        };
        let word = rare(&mut dice);
        let term = match dice.below(20) {
            0 if word.len() > 5 => format!("{word}*"),
            0..12 => word,
            12..15 => format!("{} {word}", dice.common(&common)),
            15 if kind != Text::Even => format!(
                "{} {}",
                common[dice.below(common.len() as u64) as usize],
                common[dice.below(common.len() as u64) as usize]
            ),
            15..18 => format!("{word} {}", dice.common(&common)),
            _ => format!("{} {} {word}", dice.common(&common), dice.common(&common)),
        };
        if seen.insert(term.clone(), ()).is_none() {
            source.push_str(&format!("{term} = {}\n", 1 + dice.below(9)));
            if dice.below(100) == 0 {
                source.push_str(&format!("! {} {}\n", dice.common(&common), term.replace('*', "")));
            }
        }
    }
    source
}

/// The number of hits, counted in another way: words in a vector, terms in a map by their first word.
fn slow_count(list: &WordList, text: &str) -> usize {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(|letter: char| letter.is_ascii_alphanumeric()) {
        let gap = &rest[..start];
        rest = &rest[start..];
        let end =
            rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '\'').unwrap_or(rest.len());
        let joined = !gap.is_empty() && gap.chars().all(char::is_whitespace);
        let word = rest[..end].to_ascii_lowercase();
        words.push((joined, word.strip_suffix("'s").unwrap_or(&word).to_owned()));
        rest = &rest[end..];
    }
    let mut prefixes: Vec<&str> = Vec::new();
    let mut terms: HashMap<&str, Vec<(bool, Vec<&str>)>> = HashMap::new();
    let phrases = list.terms.iter().map(|term| (true, term.text.as_str()));
    for (counts, phrase) in phrases.chain(list.allowed.iter().map(|phrase| (false, phrase.as_str()))) {
        match phrase.strip_suffix('*') {
            Some(prefix) => prefixes.push(prefix),
            None => {
                let phrase: Vec<&str> = phrase.split(' ').collect();
                terms.entry(phrase[0]).or_default().push((counts, phrase));
            }
        }
    }
    prefixes.sort_unstable();
    let (mut hits, mut free, mut allowed) = (0, 0, 0);
    for at in 0..words.len() {
        let mut longest = 0;
        for (counts, phrase) in terms.get(words[at].1.as_str()).into_iter().flatten() {
            let taken = words.get(at..at + phrase.len());
            let same = taken.is_some_and(|taken| {
                taken
                    .iter()
                    .zip(phrase)
                    .enumerate()
                    .all(|(n, ((joined, word), wanted))| word == wanted && (n == 0 || *joined))
            });
            if same && *counts {
                longest = longest.max(phrase.len());
            } else if same {
                allowed = allowed.max(at + phrase.len());
            }
        }
        let begun = prefixes.partition_point(|prefix| *prefix <= words[at].1.as_str());
        if longest == 0
            && prefixes[..begun].iter().rev().take(50).any(|prefix| words[at].1.starts_with(prefix))
        {
            longest = 1;
        }
        if longest > 0 && at >= free && at + longest > allowed {
            hits += 1;
            free = at + longest;
        }
    }
    hits
}

/// All texts of some folders of a corpus's mail in one, when there is one: what the sweep is given of it.
fn real_mail(kinds: &[&str]) -> Option<String> {
    let email = Path::new(&std::env::var_os("MAILWARDEN_CORPUS")?).join("email");
    let mut folders: Vec<_> = kinds.iter().map(|kind| email.join(kind)).collect();
    let (mut mail, limits) = (String::new(), Limits::default());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).ok()?.flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
                continue;
            }
            if entry.path().extension() == Some("csv".as_ref()) {
                continue;
            }
            let raw = fs::read(entry.path()).ok()?;
            let extraction = Extraction::read(&Message::parse(&raw, &limits), &limits, &InProcess(&limits));
            for text in extraction
                .texts
                .iter()
                .filter(|text| matches!(text.zone, Zone::Subject | Zone::Body | Zone::Quoted))
            {
                mail.push_str(&text.text);
                mail.push('\n');
            }
        }
    }
    Some(mail)
}
