//! Texts with identifiers and texts that only look like it. Never asserts how they are found, only that they are.

use jiff::civil::date;

use super::{Confidence, Identifier, find_in};
use crate::extract::document::{Mark, Place, Places};

fn find(text: &str) -> Vec<Identifier> {
    let mut found = Vec::new();
    find_in(text, &Places::default(), date(2026, 1, 14), usize::MAX, &mut found);
    found
}

/// Each identifier: `upn B801200005001`, with a question mark where the confidence is low.
fn found(text: &str) -> Vec<String> {
    let show = |hit: &Identifier| {
        let sure = if hit.confidence == Confidence::High { "" } else { "?" };
        format!("{}{sure} {}", hit.kind.name(), text.get(hit.span.start..hit.span.end).unwrap())
    };
    find(text).iter().map(show).collect()
}

#[test]
fn a_checksum_alone_is_low_and_a_label_makes_it_high() {
    assert_eq!(found("9434765870"), ["nhs-number? 9434765870"]);
    assert_eq!(found("NHS no. 943 476 5870"), ["nhs-number 943 476 5870"]);
    assert_eq!(found("her NHS number\n943-476-5870"), ["nhs-number 943-476-5870"]);
    assert_eq!(found("NHS no. 943 476 5871"), [""; 0]);
    assert_eq!(found("your order 9434765870"), [""; 0]);
}

#[test]
fn a_upn_is_known_by_itself() {
    assert_eq!(found("He is B801200005001."), ["upn B801200005001"]);
    assert_eq!(found("B 8012 0000 5001"), ["upn B 8012 0000 5001"]);
    assert_eq!(found("XB801200005001"), [""; 0]);
    assert_eq!(found("B801200005001-7"), [""; 0]);
}

#[test]
fn cards_and_insurance_numbers() {
    assert_eq!(found("Visa 4111111111111111"), ["payment-card 4111111111111111"]);
    assert_eq!(found("4111 1111 1111 1111"), ["payment-card 4111 1111 1111 1111"]);
    assert_eq!(found("4111111111111111"), ["payment-card? 4111111111111111"]);
    assert_eq!(found("41111111111111112222"), [""; 0]);
    assert_eq!(found("It is QQ 12 34 56 C"), [""; 0]);
    assert_eq!(found("It is AB 12 34 56 C"), ["ni-number AB 12 34 56 C"]);
    assert_eq!(found("ab123456c"), ["ni-number? ab123456c"]);
    assert_eq!(found("UCI 681990012058G"), ["uci 681990012058G"]);
}

#[test]
fn headings_name_what_stands_in_their_column() {
    let table = "Name\tNHS number\tOrder\nAnna\t9434765870\t2983396363\nBen\t2983396339\t9434765870\n";
    assert_eq!(found(table), ["nhs-number 9434765870", "nhs-number 2983396339"]);
    let table = "NHS number\tName\tDOB\n9434765870\tAnna\t04/09/2012\n2983396339\tBen\t17/11/2011\n";
    assert_eq!(
        found(table),
        [
            "nhs-number 9434765870",
            "date-of-birth 04/09/2012",
            "nhs-number 2983396339",
            "date-of-birth 17/11/2011"
        ]
    );
    assert_eq!(found("Name, NHS\nAnna, 9434765870"), ["nhs-number 9434765870"]);
}

#[test]
fn a_list_is_named_once() {
    let list = "NHS numbers:\nAnna Field 9434765870\nBen Field 2983396339\n";
    assert_eq!(found(list), ["nhs-number 9434765870", "nhs-number 2983396339"]);
}

#[test]
fn telephones_of_this_country() {
    assert_eq!(found("(01632) 960 001"), ["phone 01632) 960 001"]);
    assert_eq!(found("ring 020 7946 0000."), ["phone 020 7946 0000"]);
    assert_eq!(found("+44 (0)7700 900123"), ["mobile +44 (0)7700 900123"]);
    assert_eq!(found("+447700900123"), ["mobile +447700900123"]);
    assert_eq!(found("07700 900 123 or 07700 900456"), ["mobile 07700 900 123", "mobile 07700 900456"]);
    assert_eq!(found("Mobile: 07700900123"), ["mobile 07700900123"]);
    assert_eq!(found("07700900123"), ["mobile? 07700900123"]);
    assert_eq!(found("order 07700900123"), [""; 0]);
    assert_eq!(found("01-02-2014 1234"), [""; 0]);
    assert_eq!(found("713-853-1234 and 1-800-555-0100"), [""; 0]);
}

#[test]
fn dates_of_birth_need_words() {
    assert_eq!(found("DOB 12/03/2010"), ["date-of-birth 12/03/2010"]);
    assert_eq!(found("She was born on 12th March 2010."), ["date-of-birth 12th March 2010"]);
    assert_eq!(found("Date of birth: March 12, 2010"), ["date-of-birth March 12, 2010"]);
    assert_eq!(found("D.O.B: 2010-03-12"), ["date-of-birth 2010-03-12"]);
    assert_eq!(found("Oliver (born 12.3.10)"), ["date-of-birth 12.3.10"]);
    assert_eq!(found("DOB 31/02/2010"), [""; 0]);
    assert_eq!(found("born 12/03/2031"), [""; 0]);
    assert_eq!(found("We meet on 12/03/2010"), [""; 0]);
    assert_eq!(
        found("Name\tDOB\nAnna\t12/03/2010\nBen\t1 May 2011"),
        ["date-of-birth 12/03/2010", "date-of-birth 1 May 2011"]
    );
}

#[test]
fn bank_details_need_both_halves_and_words() {
    assert_eq!(
        found("Sort code 20-29-59, account number 63748472"),
        ["bank-account 20-29-59, account number 63748472"]
    );
    assert_eq!(found("Acc 63748472 s/c 20-29-59"), ["bank-account 63748472 s/c 20-29-59"]);
    assert_eq!(found("202959 63748472"), ["bank-account? 202959 63748472"]);
    assert_eq!(found("sort code 20-29-59"), [""; 0]);
    assert_eq!(found("IBAN GB82 WEST 1234 5698 7654 32"), ["iban GB82 WEST 1234 5698 7654 32"]);
    assert_eq!(found("gb82west12345698765432"), ["iban gb82west12345698765432"]);
    assert_eq!(found("GB82 WEST 1234 5698 7654 33"), [""; 0]);
}

#[test]
fn addresses_have_a_house_or_words() {
    assert_eq!(
        found("They live at 12 Mill Lane, Oakfield, OX1 1AA now"),
        ["address 12 Mill Lane, Oakfield, OX1 1AA"]
    );
    assert_eq!(found("Postcode: SW1A 1AA"), ["address SW1A 1AA"]);
    assert_eq!(found("We are near SW1A 1AA"), ["address? SW1A 1AA"]);
    assert_eq!(
        found("write to anna.field2010@parents.example please"),
        ["email-address anna.field2010@parents.example"]
    );
    assert_eq!(found("room 4 on my e-mail Anna@x.example"), ["email-address Anna@x.example"]);
    assert_eq!(found("mailto:Anna@Parents.Example"), ["email-address Anna@Parents.Example"]);
    assert_eq!(found("<20020822123456.12AB34@mail.example>"), [""; 0]);
    assert_eq!(found("https://x.example/9434765870?nhs=9434765870&a=b@c.example"), [""; 0]);
}

#[test]
fn numbers_that_only_a_label_tells() {
    assert_eq!(found("TRN 1234567"), ["teacher-reference 1234567"]);
    assert_eq!(found("Teacher reference number: RP12/34567"), ["teacher-reference RP12/34567"]);
    assert_eq!(found("Candidate number 0042, paper in 2026"), ["candidate-number 0042"]);
    assert_eq!(found("1234567 and 0042"), [""; 0]);
}

#[test]
fn what_only_looks_like_it_counts_for_nothing() {
    for text in [
        "ISBN 9780306406157",
        "Tracking no. 9434765870",
        "invoice 9434765870",
        "/9434765870/",
        "id=9434765870",
        "#9434765870",
        "£9434765870",
        "94347658701",
        "1.9434765870",
        "9434765870-1",
        "Version 10.20.30.40",
        "A123456789013",
        "Meeting ID: 943 476 5870",
    ] {
        assert_eq!(found(text), [""; 0], "{text}");
    }
}

#[test]
fn a_cap_holds_within_a_row_of_numbers_too() {
    let mut found = Vec::new();
    let cut = find_in("OX1 1AA  B801200005001", &Places::default(), date(2026, 1, 14), 1, &mut found);
    assert!(cut && found.len() == 1);
    found.clear();
    assert!(!find_in("B801200005001", &Places::default(), date(2026, 1, 14), 1, &mut found));
}

/// Cells as the readers of sheets give them: each on a line, with its place.
fn in_sheet(rows: &[&[&str]]) -> Vec<String> {
    let (mut text, mut places) = (String::new(), Places::default());
    for (row, cells) in (0..).zip(rows) {
        for (column, cell) in (0..).zip(*cells) {
            let start = u32::try_from(text.len()).unwrap();
            places.marks.push(Mark { start, item: 0, place: Place::Cell { sheet: 0, row, column } });
            text += cell;
            text.push('\n');
        }
    }
    let mut found = Vec::new();
    find_in(&text, &places, date(2026, 1, 14), usize::MAX, &mut found);
    let show = |hit: &Identifier| format!("{} {}", hit.kind.name(), &text[hit.span.start..hit.span.end]);
    found.iter().filter(|hit| hit.confidence == Confidence::High).map(show).collect()
}

#[test]
fn sheets_name_their_columns_and_cells_are_no_pieces_of_each_other() {
    assert_eq!(
        in_sheet(&[
            &["Year 7"],
            &["Name", "NHS number", "Order no.", "DOB"],
            &["Anna", "9434765870", "2983396363", "04/09/2012"],
            &["Ben", "298 339 6339", "9434765870", "17/11/2011"],
        ]),
        [
            "nhs-number 9434765870",
            "date-of-birth 04/09/2012",
            "nhs-number 298 339 6339",
            "date-of-birth 17/11/2011"
        ]
    );
    assert_eq!(in_sheet(&[&["NHS number", "9434765870"], &["Room", "12"]]), ["nhs-number 9434765870"]);
    assert_eq!(in_sheet(&[&["943", "476", "5870"], &["4111 1111", "1111 1111"]]), [""; 0]);
}
