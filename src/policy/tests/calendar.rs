//! Hours, terms, and a school's own calendar.

use super::*;

#[test]
fn hours_are_british_time_on_both_sides_of_the_clock_change() {
    let hours = "[rule.if]\nschedule = { hours = \"in\" }";
    let at = |now: &str| holds(hours, &draft("a@hillside-trust.example", &["p@elsewhere.example"]).at(now));
    // Before the change of 29 March 2026, British time is UTC; after it, an hour ahead.
    assert!(!at("2026-03-27T07:59:59+00:00[UTC]"));
    assert!(at("2026-03-27T08:00:00+00:00[UTC]"));
    assert!(!at("2026-03-27T16:00:00+00:00[UTC]"));
    assert!(at("2026-03-30T07:00:00+00:00[UTC]"));
    assert!(!at("2026-03-30T06:59:59+00:00[UTC]"));
    assert!(!at("2026-03-28T10:00:00+00:00[UTC]"), "Saturday");
}

#[test]
fn terms_leave_out_half_terms_and_last_days_count() {
    let term = "[rule.if]\nschedule = { term = \"out\" }";
    let at = |now: &str| holds(term, &draft("a@hillside-trust.example", &["p@elsewhere.example"]).at(now));
    assert!(!at("2026-02-13T23:59:59+00:00[Europe/London]"));
    assert!(at("2026-02-16T00:00:00+00:00[Europe/London]"));
    assert!(at("2026-02-20T23:59:59+00:00[Europe/London]"));
    assert!(!at("2026-02-21T00:00:00+00:00[Europe/London]"));
    assert!(!at("2026-04-02T23:59:59+01:00[Europe/London]"));
    assert!(at("2026-04-02T23:00:00+00:00[UTC]"), "it is the 3rd in Britain");
}

#[test]
fn a_school_keeps_its_own_calendar() {
    let policy =
        policy(&[rule("r", "[rule.if]\nschedule = { hours = \"in\", days = [\"saturday\"] }", "hold")]);
    let saturday = "2026-01-17T10:00:00+00:00[Europe/London]";
    let from = |from: &str| draft(from, &["p@elsewhere.example"]).at(saturday).matches(&policy);
    assert!(from("a@beechwood.example"));
    assert!(!from("a@oakfield.example"));
    // Inbound, the recipient's school decides, for each recipient by itself.
    let verdict = draft("p@elsewhere.example", &["a@oakfield.example", "a@beechwood.example"])
        .at(saturday)
        .decide(&policy);
    assert_eq!(verdict.recipients, [Action::Pass, Action::Hold]);
}
