//! Word lists and a text of any words: what is found lies in the text, and neither place nor company changes it.
//!
//! The first byte chooses a filler, the second how much of it; the rest is cut at lines `===` into lists and the text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mailwarden::detect::switches::Disguises;
use mailwarden::detect::words::{ListId, WordHit, WordIndex, WordList};

fuzz_target!(|data: &[u8]| {
    let [filler, times, rest @ ..] = data else { return };
    let Ok(rest) = std::str::from_utf8(rest) else { return };
    let mut pieces: Vec<&str> = rest.split("\n===\n").collect();
    let Some(text) = pieces.pop() else { return };
    let mut lists: Vec<WordList> = pieces.into_iter().filter_map(parse).collect();
    let mut hits = Vec::new();
    WordIndex::new(&lists).find(text, usize::MAX, &mut hits);
    sound(&lists, text, &hits);
    // What is in disguise depends on capitals, and on what stands before it.
    lists.iter_mut().for_each(|list| list.disguises = Disguises::NONE);
    let index = WordIndex::new(&lists);
    let hits = find(&index, text);
    sound(&lists, text, &hits);
    assert_eq!(find(&index, &text.to_ascii_uppercase()), hits, "capitals make a difference");
    // The full stop parts the filler from the text, which then stands at another place in the chunks of the sweep.
    let filler = FILLERS[usize::from(*filler) % FILLERS.len()].repeat(usize::from(*times) * 3) + ".";
    let shifted =
        find(&index, &(filler.clone() + text)).into_iter().filter_map(|hit| back(hit, filler.len()));
    assert!(shifted.eq(hits.iter().copied()), "what stands before the text makes a difference");
    for (number, list) in (0..).zip(&lists) {
        let alone = find(&WordIndex::new(std::slice::from_ref(list)), text).into_iter();
        let together = hits.iter().filter(|hit| hit.list == ListId(number));
        let together = together.map(|hit| WordHit { list: ListId(0), ..*hit });
        assert!(together.eq(alone), "another list makes a difference");
    }
    let cap = hits.len() / 2;
    let mut some = Vec::new();
    assert_eq!(index.find(text, cap, &mut some), cap < hits.len());
    assert_eq!(some, hits[..cap]);
});

const FILLERS: [&str; 8] = ["x ", " ", "é", "'", "don’t ", "environmentally ", "ab\u{200b}", "…"];

fn parse(source: &str) -> Option<WordList> {
    let faults = match WordList::parse("list", source) {
        Ok(list) => return Some(list),
        Err(faults) => faults,
    };
    assert!(!faults.is_empty(), "refused without a fault");
    for fault in faults {
        let line = source.split('\n').nth(fault.line - 1).expect("the fault lies beyond the last line");
        assert!((1..=line.chars().count() + 1).contains(&fault.column), "the fault lies beside its line");
        assert!(source.get(fault.span.start..fault.span.end).is_some(), "the fault lies beside the file");
    }
    None
}

fn find(index: &WordIndex, text: &str) -> Vec<WordHit> {
    let mut hits = Vec::new();
    assert!(!index.find(text, usize::MAX, &mut hits), "cut short without a cap");
    hits
}

/// Hits are in order of their starts, on whole characters of the text, and those of one list do not overlap.
fn sound(lists: &[WordList], text: &str, hits: &[WordHit]) {
    assert!(hits.is_sorted_by_key(|hit| hit.span.start));
    let mut free_from = vec![0; lists.len()];
    for hit in hits {
        let list = usize::from(hit.list.0);
        let term = &lists[list].terms[hit.term.0 as usize];
        assert_eq!(hit.weight, term.weight);
        assert!(!text[hit.span.start..hit.span.end].is_empty(), "a hit without a word");
        assert!(hit.span.start >= free_from[list], "two hits of a list overlap");
        free_from[list] = hit.span.end;
    }
}

/// The hit as it is without so many bytes before the text; nothing where it stands in those.
fn back(mut hit: WordHit, before: usize) -> Option<WordHit> {
    hit.span.start = hit.span.start.checked_sub(before)?;
    hit.span.end -= before;
    Some(hit)
}
