//! Disguises by the dozen over mild words. Never asserts how they are found, only that they are.

use crate::detect::words::{WordHit, WordIndex, WordList};

const LIST: &str = "@inflections\n@disguises all\nplonker\nkick\nmuppet\ntwit\nass\nbastion\nwally\nkill yourself\nslap*\nscum";

fn hits(source: &str, text: &str) -> Vec<WordHit> {
    let list = WordList::parse("test", source).unwrap();
    let mut hits = Vec::new();
    WordIndex::new(&[list]).find(text, usize::MAX, &mut hits);
    hits
}

/// The texts of the hits, each with the term's number and its disguises.
fn found(source: &str, text: &str) -> Vec<String> {
    let list = WordList::parse("test", source).unwrap();
    let show = |hit: &WordHit| {
        let term = &list.terms[hit.term.0 as usize].text;
        format!("{} = {term} ({})", text.get(hit.span.start..hit.span.end).unwrap(), hit.by)
    };
    hits(source, text).iter().map(show).collect()
}

#[test]
fn each_disguise_is_seen_through() {
    let cases = [
        ("you pl0nker!", "pl0nker = plonker (leet)"),
        ("you pl0nk3r!", "pl0nk3r = plonker (leet)"),
        ("such a$$ talk", "a$$ = ass (leet)"),
        ("such @ss talk", "@ss = ass (leet)"),
        ("such @$$ talk", "@$$ = ass (leet)"),
        ("such an @ss!", "@ss = ass (leet)"),
        ("tw!t, he said", "tw!t = twit (leet)"),
        ("a tw1t.", "tw1t = twit (leet)"),
        ("5cum of the earth", "5cum = scum (leet)"),
        ("\u{430}ss", "\u{430}ss = ass (look-alikes)"),
        ("a pl\u{43E}nker", "pl\u{43E}nker = plonker (look-alikes)"),
        ("old \u{43A}\u{456}\u{441}\u{43A} there", "\u{43A}\u{456}\u{441}\u{43A} = kick (look-alikes)"),
        ("p****er", "p****er = plonker (hidden)"),
        ("you pl**ker.", "pl**ker = plonker (masked)"),
        ("tw*t", "tw*t = twit (masked)"),
        ("**tw*t**", "tw*t = twit (masked)"),
        ("m*****", "m***** = muppet (hidden)"),
        ("tw**", "tw** = twit (masked)"),
        ("kiiick him", "kiiick = kick (doubled)"),
        ("plonkerrr", "plonkerrr = plonker (doubled)"),
        ("muuppet", "muuppet = muppet (doubled)"),
        ("m*ppet", "m*ppet = muppet (masked)"),
        ("muppettt", "muppettt = muppet (doubled)"),
        ("m u p p e t", "m u p p e t = muppet (spaced)"),
        ("m.u.p.p.e.t", "m.u.p.p.e.t = muppet (spaced)"),
        ("mup-pet", "mup-pet = muppet (split)"),
        ("m uppet", "m uppet = muppet (split)"),
        ("muppe t", "muppe t = muppet (split)"),
        ("m u p p 3 t", "m u p p 3 t = muppet (leet, spaced)"),
        ("p l o n k e r", "p l o n k e r = plonker (spaced)"),
        ("a t.w.i.t here", "t.w.i.t = twit (spaced)"),
        ("k-i-c-k", "k-i-c-k = kick (spaced)"),
        ("k_i_c_k", "k_i_c_k = kick (spaced)"),
        ("k * i * c * k", "k * i * c * k = kick (spaced)"),
        ("so k\ni\nc\nk", "k\ni\nc\nk = kick (spaced)"),
        ("plon-\r\nker", "plon-\r\nker = plonker (split)"),
        ("plo-nker", "plo-nker = plonker (split)"),
        ("k ick off", "k ick = kick (split)"),
        ("kic k off", "kic k = kick (split)"),
        ("tw it", "tw it = twit (split)"),
        ("t w 1 t", "t w 1 t = twit (leet, spaced)"),
        ("p1onkerrr", "p1onkerrr = plonker (leet, doubled)"),
        ("slapp1ng", "slapp1ng = slap* ()"),
        ("sl4pped", "sl4pped = slap* (leet)"),
        ("k1cking", "k1cking = kick (leet)"),
        ("k1ll yourself", "k1ll yourself = kill yourself (leet)"),
        ("go and kill y0urself", "kill y0urself = kill yourself (leet)"),
        ("k1ll y0urse1f now", "k1ll y0urse1f = kill yourself (leet)"),
        ("k!11 yourself", "k!11 yourself = kill yourself (leet)"),
        ("he said\u{201c}pl0nker\u{201d} and", "pl0nker = plonker (leet)"),
        ("so\u{2026}k1ck it", "k1ck = kick (leet)"),
        ("n- e- d k i c k", "k i c k = kick (spaced)"),
    ];
    let missed: Vec<String> = cases
        .iter()
        .map(|(text, expected)| (text, expected, found(LIST, text)))
        .filter(|(_, expected, found)| found.as_slice() != [(**expected).to_owned()])
        .map(|(text, expected, found)| format!("{text:?}: expected {expected:?}, found {found:?}"))
        .collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn what_is_no_disguise_stays_alone() {
    let cases = [
        "The A55 and the a55 are roads; room T17, 10am, 1st, KS3, 2nd.",
        "I kicks nothing; wal-lpaper, a bast ion, plus kIck",
        "5*3 = 15, a*b, kic* is a pattern, price*, footnote**",
        "This is it. We kic this",
        "a b c d e f g h i j k l m n o p q r s t u v w x y z",
        "A. S. Byatt, J. K. Rowling, e.g. this, i.e. that, U.S.A.",
        "twitter and twitcher, pass, assess, Sussex, kickers-on",
        "as s oon as possible, as\nso, mup pet",
        "p < 0.05***, n***",
        "a box of old 45s, a wait of 45s",
        "muppe7s2 x1 4x4 1,000 £50 50% name@example.org https://example.org/a-b_c?d=e&f=1",
        "\u{43A}\u{456}\u{441}\u{43A} \u{43A}\u{43E}\u{442} \u{438} \u{43A}\u{456}\u{441}\u{43A}",
    ];
    for text in cases {
        let allowed = ["kicks", "kIck", "kickers", "twitcher", "twitter"];
        let found: Vec<String> = found(LIST, text)
            .into_iter()
            .filter(|found| !allowed.iter().any(|word| found.starts_with(&format!("{word} = "))))
            .collect();
        assert!(found.is_empty(), "{text:?}: {found:?}");
    }
}

#[test]
fn each_switch_turns_one_disguise_off() {
    for (name, text) in [
        ("look-alikes", "pl\u{43E}nker"),
        ("leet", "pl0nker"),
        ("masked", "pl**ker"),
        ("hidden", "p****er"),
        ("doubled", "plonkkker"),
        ("spaced", "p l o n k e r"),
        ("split", "plon-ker"),
    ] {
        let source = |switch: &str| format!("{switch}\nplonker\nsome other");
        assert_eq!(hits(&source(&format!("@disguises {name}")), text).len(), 1, "{name} on");
        assert_eq!(hits(&source(&format!("@disguises all except {name}")), text).len(), 0, "{name} off");
        assert_eq!(hits(&source(""), text).len(), 0, "none asked for");
    }
}

#[test]
fn disguises_are_found_wherever_they_stand() {
    for blank in (0..200).chain(1_900..2_100) {
        let text = " ".repeat(blank) + "x pl0nker, p l o n k e r. plonker kill y0urself";
        let found = hits(LIST, &text);
        assert_eq!(found.len(), 4, "after {blank} blanks: {found:?}");
        assert!(found.is_sorted_by_key(|hit| hit.span.start));
    }
    let filler = "the quick brown fox jumps over the lazy dog and so on ".repeat(400);
    let text = format!("{filler} k1ck {filler} pl**ker");
    assert_eq!(hits(LIST, &text).len(), 2);
}

/// A long address has no blank space near, and no word begins where it is cut.
#[test]
fn no_word_begins_in_the_middle_of_a_long_token() {
    for between in 40..80 {
        let text = format!("see qqqtw1t.{}.pl0nker, x", "z".repeat(between));
        assert_eq!(found(LIST, &text), ["pl0nker = plonker (leet)"], "{between} between");
    }
}

/// What stands beside a disguised word is looked at before its phrase is followed, and must be seen whatever joins them.
#[test]
fn a_disguised_word_is_part_of_a_phrase_whatever_joins_it() {
    let gaps = [
        " ",
        "\n> > ",
        " \u{200b}",
        "\u{a0}",
        "-",
        "-\n",
        " \u{2018}",
        "   \t  ",
        "\r\n\r\n",
        "\u{2011}",
        " \u{301}",
    ];
    for gap in gaps {
        for [first, second] in [
            ["kill", "y0urself"],
            ["k1ll", "yourself"],
            ["k1ll", "y0urself"],
            ["k\u{456}ll", "yourself\u{2019}s"],
        ] {
            for [before, after] in [["", ""], ["go and ", " now"], ["\u{201c}", "\u{201d}"]] {
                let text = format!("{before}{first}{gap}{second}{after}");
                assert_eq!(hits(LIST, &text).len(), 1, "{text:?}");
            }
        }
    }
    for gap in [", ", ". ", " / ", "--"] {
        assert!(hits(LIST, &format!("kill{gap}y0urself")).is_empty(), "{gap:?}");
    }
}

#[test]
fn an_allowed_phrase_covers_a_disguise_too() {
    let source = "@disguises leet\nplonker\n! plonker lane";
    assert_eq!(found(source, "in Pl0nker Lane a pl0nker"), ["pl0nker = plonker (leet)"]);
}

#[test]
fn a_text_of_nothing_but_disguises_is_cut_short_and_says_so() {
    let list = WordList::parse("test", LIST).unwrap();
    let index = WordIndex::new(&[list]);
    let mut hits = Vec::new();
    assert!(index.find(&"a$$ ".repeat(60_000), usize::MAX, &mut hits));
    assert!(!index.find(
        &"a pl0nker among many other words of a longer letter ".repeat(1_000),
        usize::MAX,
        &mut hits
    ));
}
