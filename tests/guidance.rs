//! The shipped guidance: plain enough for a busy teacher, whole in every form, shown by `guidance preview`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may panic: that is how it fails"
)]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The Flesch-Kincaid grade that no text may be above: a reading age of twelve or thereabouts is grade seven.
const HIGHEST_GRADE: f64 = 7.0;

#[test]
fn the_shipped_texts_are_easy_to_read() {
    let mut read = 0;
    for path in texts() {
        let grade = grade(&fs::read_to_string(&path).unwrap());
        assert!(
            grade <= HIGHEST_GRADE,
            "{} is at grade {grade:.1}: shorter words and sentences",
            path.display()
        );
        read += 1;
    }
    assert!(read > 25, "found only {read} texts");
    let hard = "# Notification\n\nNotwithstanding aforementioned considerations, organisational communications necessitate \
        appropriate classification, particularly regarding confidential correspondence.\n";
    assert!(grade(hard) > 15.0, "the measure takes anything");
}

#[test]
fn every_rule_with_guidance_can_be_previewed_in_every_form() {
    for (rule, wanted) in [
        (
            "password-with-document",
            vec!["Your message was not delivered", "without the password", "K7QF-2M9P"],
        ),
        ("program-attached", vec!["At the SMTP door", "Acceptable Use Policy 4.6", "carries a program"]),
        (
            "not-inspected-pupil",
            vec![
                "waiting to be looked at",
                "In the attachment work.rar",
                "begin with the word Send",
                "Somebody who may decide",
            ],
        ),
        ("confidential-unmarked", vec!["It was delivered to", "Request a Read Receipt", "made up"]),
        // The rule's first example, with what stands there, and how to confirm.
        (
            "pupil-named-in-full",
            vec!["made up", "“Oliver Bennett”", "Write “", "O.B.", "If it must go as it is"],
        ),
        ("monitoring-notice", vec!["Why we do it", "Your rights", "Those who run the"]),
        ("out-of-hours", vec!["The school is closed just now", "0800 1111", "85258", "116 123", "ring 999"]),
    ] {
        let shown = preview(&[rule]);
        let unwrapped = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in wanted {
            assert!(unwrapped.contains(words), "{rule}: no \"{words}\" in\n{shown}");
        }
        let page = preview(&[rule, "--html"]);
        assert!(page.starts_with("<!DOCTYPE html>\n<html lang=\"en-GB\">"), "{page}");
        assert!(page.contains("<h1>") && page.contains("<h2>"), "{page}");
    }
}

#[test]
fn a_rule_that_sends_nothing_is_not_shown_as_if_it_did() {
    for (rule, why) in [
        ("swearing", "its mode is `notify`, which only records a match"),
        ("self-harm", "nobody is told what a rule on safeguarding noticed"),
        ("confidential-without-receipt", "it lets the message go"),
        ("stranger-to-pupil", "its examples come from outside"),
    ] {
        let shown = preview(&[rule]);
        assert!(shown.contains("sends its sender nothing") && shown.contains(why), "{rule}: {shown}");
        assert_eq!(shown.lines().count(), 1, "{rule}: {shown}");
    }
    assert!(preview(&["swearing", "--anyway"]).contains("A word about your message"));
    let silent = preview(&["self-harm", "--anyway"]);
    assert!(silent.contains("sends its sender nothing"), "{silent}");
}

fn texts() -> impl Iterator<Item = PathBuf> {
    let files = ["rules/guidance", "rules/guidance/steps"]
        .into_iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap());
    files
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
}

fn preview(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_mailwarden"))
        .args(["guidance", "preview", "--policy", "rules"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The Flesch-Kincaid grade: 0.39 words a sentence + 11.8 syllables a word - 15.59. A heading or an item is a sentence.
fn grade(markdown: &str) -> f64 {
    let (mut sentences, mut words, mut syllables) = (0, 0, 0);
    let mut paragraph = String::new();
    let mut count = |paragraph: &mut String| {
        for sentence in paragraph.split_inclusive(['.', '!', '?', ':', ';']) {
            let found: Vec<&str> = sentence
                .split(|c: char| !c.is_alphabetic() && c != '\'')
                .filter(|word| !word.is_empty())
                .collect();
            sentences += usize::from(!found.is_empty());
            words += found.len();
            syllables += found.iter().map(|word| syllables_of(word)).sum::<usize>();
        }
        paragraph.clear();
    };
    for line in markdown.lines().filter(|line| !line.starts_with("{%")) {
        let starts = line.trim().is_empty()
            || line.starts_with(['-', '#'])
            || line.starts_with(|c: char| c.is_ascii_digit());
        if starts {
            count(&mut paragraph);
        }
        paragraph.push_str(
            &without_tags(line)
                .replace("{{ contact }}", "the help desk")
                .replace("{{ school }}", "the school"),
        );
        paragraph.push(' ');
    }
    count(&mut paragraph);
    let (sentences, words, syllables) = (sentences as f64, words as f64, syllables as f64);
    0.39 * words / sentences + 11.8 * syllables / words - 15.59
}

/// A line without what stands between `{%` and `%}`.
fn without_tags(line: &str) -> String {
    let mut pieces = line.split("{%");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| text + piece.split_once("%}").map_or("", |(_, rest)| rest))
}

/// Groups of vowels, without a silent e: an estimate, as every program's is.
fn syllables_of(word: &str) -> usize {
    let word = word.to_lowercase();
    let stem = if word.len() > 3 {
        word.trim_end_matches("es").trim_end_matches("ed").trim_end_matches('e')
    } else {
        &word
    };
    let mut groups = 0;
    let mut in_group = false;
    for c in stem.chars() {
        let vowel = "aeiouy".contains(c);
        groups += usize::from(vowel && !in_group);
        in_group = vowel;
    }
    groups.max(1)
}
