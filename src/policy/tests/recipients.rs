//! Directions, parties, and what holds for each recipient by itself.

use super::*;

#[test]
fn directions_follow_sender_and_recipient() {
    let policy = policy(&[]);
    let to = ["head@beechwood.example", "x@elsewhere.example"];
    let directions = |draft: &Draft| policy.directions(&draft.envelope);
    assert_eq!(directions(&draft("a@oakfield.example", &to)), [Direction::Internal, Direction::Outbound]);
    assert_eq!(directions(&draft("a@elsewhere.example", &to)), [Direction::Inbound, Direction::Outbound]);
    assert_eq!(directions(&draft("<>", &to)), [Direction::Inbound, Direction::Outbound]);
    let mut bounce = draft("<>", &to);
    bounce.envelope.origin = Origin::Local;
    assert_eq!(directions(&bounce), [Direction::Internal, Direction::Outbound]);
    let mut login = draft("a@private.example", &to);
    login.envelope.authenticated = Some("teacher".to_owned());
    assert_eq!(directions(&login), [Direction::Internal, Direction::Outbound]);
}

#[test]
fn a_colleague_gets_what_an_outsider_does_not() {
    let policy =
        policy(&[rule("r", "[rule.if]\ndirection = [\"outbound\"]\nwords = { list = \"topics\" }", "hold")]);
    let verdict =
        draft("a@oakfield.example", &["b@oakfield.example", "p@elsewhere.example", "c@oakfield.example"])
            .body("His exclusion.")
            .decide(&policy);
    assert_eq!(verdict.recipients, [Action::Pass, Action::Hold, Action::Pass]);
    assert_eq!(verdict.action, Action::Hold);
    assert_eq!(verdict.rules[0].recipients, [1]);
    assert_eq!(verdict.findings.len(), 1);
    assert_eq!((verdict.findings[0].span.start, verdict.findings[0].span.end), (4, 13));
    assert_eq!(verdict.findings[0].entity, "topics");
}

#[test]
fn doubt_is_for_each_recipient_by_itself_and_about_our_own_mail() {
    let policy = policy(&[rule("r", "[rule.if]\ndoubt = [\"look-alike-domain\", \"first-mail\"]", "hold")]);
    let to = ["a@oakfeild.example", "b@elsewhere.example", "c@oakfield.example"];
    let verdict = draft("t@oakfield.example", &to).decide(&policy);
    assert_eq!(verdict.recipients, [Action::Hold, Action::Pass, Action::Pass]);
    assert_eq!(verdict.findings[0].entity, "look-alike-domain");
    let verdict = draft("x@elsewhere.example", &to).decide(&policy);
    assert_eq!(verdict.action, Action::Pass, "what strangers send through us is theirs");
}

#[test]
fn a_copy_to_oneself_is_no_colleagues() {
    let shown = "[rule.if]\nrecipients = { shown = \"yes\", at-least = 2 }";
    let policy = policy(&[rule("r", shown, "hold")]);
    let to = ["a@elsewhere.example", "b@elsewhere.example", "t@oakfield.example"];
    let named = |value: &str| draft("t@oakfield.example", &to).field("To", value).matches(&policy);
    assert!(named("a@elsewhere.example, B <B@elsewhere.example>"));
    assert!(!named("a@elsewhere.example, t@oakfield.example"));
    assert!(!named("a@elsewhere.example, d@elsewhere.example"), "who does not get it is no recipient");
}

#[test]
fn parties_are_told_by_address_domain_group_and_school() {
    let to = |to: &str| draft("a@oakfield.example", &[to]);
    let group = "[rule.if]\nrecipient = { group = [\"unions\"] }";
    assert!(holds(group, &to("x@union.example")));
    assert!(holds(group, &to("x@north.branch.example")));
    assert!(holds(group, &to("REP@oakfield.example")));
    assert!(!holds(group, &to("x@oakfield.example")));
    let school = "[rule.if]\nrecipient = { school = [\"beechwood\"] }";
    assert!(holds(school, &to("bw-office@hillside-trust.example")));
    assert!(!holds(school, &to("office@hillside-trust.example")));
    let both = "[rule.if]\nsender = { domain = [\"oakfield.example\"], address = [\"head@*\", \"<>\"] }";
    assert!(!holds(both, &to("x@union.example")));
    assert!(holds(both, &draft("head@oakfield.example", &["x@union.example"])));
    assert!(holds("[rule.if]\nsender = { address = [\"<>\"] }", &draft("<>", &["x@oakfield.example"])));
}

#[test]
fn addresses_of_one_domain_are_told_apart_where_a_rule_does() {
    let rules = [
        rule("address", "[rule.if]\nrecipient = { address = [\"p1@elsewhere.example\"] }", "hold"),
        rule("domain", "[rule.if]\nrecipient = { domain = [\"elsewhere.example\"] }", "tag"),
        rule("glob", "[rule.if]\nrecipient = { address = [\"*3@*\"], domain = [\"*.example\"] }", "mark"),
    ];
    let to: Vec<String> = (0..5).map(|number| format!("p{number}@elsewhere.example")).collect();
    let to: Vec<&str> = to.iter().map(String::as_str).collect();
    let verdict = draft("a@oakfield.example", &to).decide(&policy(&rules));
    assert_eq!(verdict.recipients, [Action::Tag, Action::Hold, Action::Tag, Action::Mark, Action::Tag]);
}

#[test]
fn recipients_are_counted_by_where_they_are() {
    let many = "[rule.if]\nrecipients = { which = \"outside\", at-least = 2 }";
    assert!(!holds(many, &draft("a@oakfield.example", &["b@oakfield.example", "x@elsewhere.example"])));
    assert!(holds(many, &draft("a@oakfield.example", &["y@elsewhere.example", "x@elsewhere.example"])));
    let few = "[rule.if]\nrecipients = { which = \"inside\", at-most = 0 }";
    assert!(holds(few, &outbound()));
}
