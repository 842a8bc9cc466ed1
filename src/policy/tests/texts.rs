//! Words, patterns, markings and header fields: where they are looked for, and how they count.

use super::*;

#[test]
fn a_marking_is_looked_for_where_the_rule_says_and_found_at_its_place() {
    let rules = [
        rule("any", "[rule.if]\nmarking = {}", "tag"),
        rule("subject", "[rule.if]\nmarking = { by = [\"subject\"] }", "tag"),
        rule("label", "[rule.if]\nmarking = { by = [\"sensitivity\", \"label\"] }", "tag"),
        rule("none", "[rule.if]\nmarking = { is = \"absent\" }", "tag"),
        rule("receipt", "[rule.if]\nreceipt = \"requested\"", "tag"),
    ];
    let policy = policy(&rules);
    let marked = |subject: &str, field: &str, value: &str| {
        let draft = outbound().text(Zone::Subject, 0, subject).field("Subject", subject).field(field, value);
        draft.decide(&policy)
    };
    let matched = |verdict: &Verdict| {
        verdict.rules.iter().map(|found| found.rule.0.clone()).collect::<Vec<_>>().join(" ")
    };
    let verdict = marked("Re: Confidential: Friday", "X-Other", "x");
    assert_eq!(matched(&verdict), "any subject");
    let (entity, span) = (&verdict.findings[0].entity, verdict.findings[0].span);
    assert_eq!((entity.as_str(), span.start, span.end), ("subject", 4, 16));
    assert_eq!(matched(&marked("Friday", "Sensitivity", "Private")), "any label");
    assert_eq!(matched(&marked("Friday", "X-Classification", "Confidential")), "any label");
    assert_eq!(
        matched(&marked("Friday", "Disposition-Notification-To", "a@oakfield.example")),
        "none receipt"
    );
}

#[test]
fn thresholds_count_each_term_once() {
    let words = "[rule.if]\nwords = { list = \"topics\", threshold = 4 }";
    assert!(!holds(words, &outbound().body("behaviour, behaviour, behaviour, behaviour")));
    assert!(holds(words, &outbound().body("behaviour and exclusion")));
    assert!(holds(words, &outbound().text(Zone::Subject, 0, "behaviour").body("exclusion")));
    assert!(!holds(words, &outbound().text(Zone::Quoted, 1, "behaviour").body("exclusion")));
    let two = "[rule.if]\nwords = { list = \"topics\", at-least = 2 }";
    assert!(!holds(two, &outbound().body("exclusion exclusion")));
    assert!(holds(two, &outbound().body("exclusion behaviour")));
}

#[test]
fn alternatives_count_the_heavier_form_not_the_sum() {
    let words = "[rule.if]\nwords = { list = \"topics\", threshold = 4 }";
    let split = outbound()
        .text(Zone::Body, 1, "behaviour")
        .alternative(1)
        .text(Zone::Body, 2, "exclusion")
        .alternative(1);
    assert!(!holds(words, &split));
    let heavier = outbound()
        .text(Zone::Body, 1, "fine")
        .alternative(1)
        .text(Zone::Body, 2, "behaviour, exclusion")
        .alternative(1);
    assert!(holds(words, &heavier));
    let elsewhere = split.text(Zone::Subject, 0, "behaviour");
    assert!(holds(words, &elsewhere), "the subject adds to either form");
}

#[test]
fn near_measures_characters_in_the_same_text() {
    let near = "[rule.if]\nwords = { list = \"names\" }\nnear = { list = \"topics\", within = 10 }";
    assert!(holds(near, &outbound().body("Oliver 12345678 exclusion")));
    assert!(!holds(near, &outbound().body("Oliver 123456789 exclusion")));
    assert!(holds(near, &outbound().body("exclusion éééééééé Oliver")));
    assert!(!holds(near, &outbound().text(Zone::Subject, 0, "exclusion").body("Oliver")));
    let itself = "[rule.if]\nwords = { list = \"topics\" }\nnear = { list = \"topics\" }";
    assert!(!holds(itself, &outbound().body("exclusion")));
    assert!(holds(itself, &outbound().body("exclusion, exclusion")));
    let attached =
        "[rule.if]\npattern = { matches = '[0-9]{4}', in = [\"quoted\"] }\nnear = { list = \"names\" }";
    assert!(holds(attached, &outbound().text(Zone::Quoted, 1, "Amelia: 1234")));
    let pattern = "[rule.if]\npattern = { matches = '[0-9]{4}' }\nnear = { list = \"names\", within = 3 }";
    assert!(holds(pattern, &outbound().body("Amelia: 1234")));
    assert!(!holds(pattern, &outbound().body("Amelia has the number 1234")));
}

#[test]
fn patterns_count_different_texts() {
    let pattern =
        "[rule.if]\npattern = { name = \"code\", matches = '\\b[A-Z]{2}[0-9]{2}\\b', at-least = 2 }";
    assert!(!holds(pattern, &outbound().body("AB12 and AB12")));
    assert!(holds(pattern, &outbound().body("AB12 and CD34")));
    let policy = policy(&[rule("r", pattern, "hold")]);
    let verdict = outbound().body("AB12 and CD34").decide(&policy);
    assert!(verdict.findings.iter().all(|finding| finding.entity == "code"));
    assert_eq!(verdict.findings.len(), 2);
}

#[test]
fn headers_are_compared_in_any_case() {
    let contains = "[rule.if]\nheader = { name = \"Subject\", contains = [\"confidential\"] }";
    assert!(holds(contains, &outbound().field("SUBJECT", " Re: CONFIDENTIAL note")));
    assert!(!holds(contains, &outbound().field("Subject", " Note")));
    assert!(!holds(contains, &outbound()));
    let matches = "[rule.if]\nheader = { name = \"X-Mailer\", matches = '^Bulk [0-9]+$' }";
    assert!(holds(matches, &outbound().field("X-Mailer", " Bulk 7")));
    assert!(!holds(matches, &outbound().field("X-Mailer", " Bulk")));
    let absent = "[rule.if]\nheader = { name = \"Date\", is = \"absent\" }";
    assert!(holds(absent, &outbound()));
    assert!(!holds(absent, &outbound().field("Date", "")));
}

#[test]
fn header_findings_say_where_the_field_stands() {
    let policy =
        policy(&[rule("r", "[rule.if]\nheader = { name = \"X-Mailer\", contains = [\"bulk\"] }", "hold")]);
    let verdict = outbound()
        .field("X-Mailer", " =?utf-8?q?Bulk_7?=")
        .text(Zone::Header, 0, "date: today\nx-mailer: Bulk 7\nx-mailer-x: bulk\n")
        .decide(&policy);
    assert_eq!(verdict.findings.len(), 1);
    assert_eq!((verdict.findings[0].span.start, verdict.findings[0].span.end), (12, 28));
}
