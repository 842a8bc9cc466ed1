//! Precedence, modes, dates, coverage, and what a decision is explained by.

use super::*;

#[test]
fn the_strongest_action_wins_and_observers_do_not_count() {
    let any = "[rule.if]\ndirection = [\"outbound\"]";
    let mut quiet = rule("quiet", any, "reject");
    quiet = quiet.replace("mode = \"enforce\"", "mode = \"notify\"");
    let order = ["pass", "tag", "mark", "hold", "return", "reject"];
    for (index, strongest) in order.iter().enumerate() {
        let rules: Vec<String> = order[..=index]
            .iter()
            .map(|action| rule(&format!("r-{action}"), any, action))
            .chain([quiet.clone()])
            .collect();
        let verdict = outbound().decide(&policy(&rules));
        assert_eq!(verdict.action.name(), *strongest);
        assert_eq!(verdict.rules.len(), index + 2);
        let noted = verdict.rules.iter().find(|found| found.rule.0 == "quiet").unwrap();
        assert_eq!((noted.mode, noted.action), (Mode::Notify, Action::Reject));
    }
}

#[test]
fn a_reject_for_some_is_a_return_for_them() {
    let rules = [rule("r", "[rule.if]\nrecipient = { domain = [\"elsewhere.example\"] }", "reject")];
    let policy = policy(&rules);
    let all = draft("a@oakfield.example", &["p@elsewhere.example", "q@elsewhere.example"]).decide(&policy);
    assert_eq!(all.recipients, [Action::Reject, Action::Reject]);
    let some = draft("a@oakfield.example", &["p@elsewhere.example", "b@oakfield.example"]).decide(&policy);
    assert_eq!(some.recipients, [Action::Return, Action::Pass]);
    assert_eq!(some.action, Action::Return);
    assert_eq!(some.rules[0].action, Action::Reject);
}

#[test]
fn a_message_without_recipients_is_still_swept() {
    let policy = policy(&[rule("r", "[rule.if]\nwords = { list = \"topics\" }", "hold")]);
    let verdict = draft("a@oakfield.example", &[]).body("exclusion").decide(&policy);
    assert_eq!((verdict.action, verdict.recipients.len(), verdict.findings.len()), (Action::Hold, 0, 1));
}

#[test]
fn any_all_not_and_unless_nest() {
    let nested = "[rule.if]\nany = [{ words = { list = \"topics\" } }, { all = [{ direction = [\"inbound\"] }, \
                  { not = { header = { name = \"X-Ok\", is = \"present\" } } }] }]\n\
                  [rule.unless]\nsender = { address = [\"head@*\"] }\nheader = { name = \"X-Pass\", is = \"present\" }";
    assert!(holds(nested, &outbound().body("exclusion")));
    assert!(!holds(nested, &outbound().body("sunshine")));
    let inbound = || draft("p@elsewhere.example", &["a@oakfield.example"]);
    assert!(holds(nested, &inbound()));
    assert!(!holds(nested, &inbound().field("X-OK", " yes")));
    assert!(!holds(nested, &inbound().field("x-pass", "1")));
    assert!(!holds(nested, &draft("head@oakfield.example", &["p@elsewhere.example"]).body("exclusion")));
}

#[test]
fn schools_override_modes_and_limit_rules() {
    let all = "[rule.if]\ndirection = [\"inbound\", \"outbound\", \"internal\"]";
    let rules = [
        rule("strict", all, "hold"),
        rule("everywhere", all, "tag"),
        rule("beechwood-only", &format!("school = [\"beechwood\"]\n{all}"), "tag"),
    ];
    let overrides = "domains = [\"oakfield.example\"]\n\
                     overrides = { \"strict\" = { mode = \"observe\" }, \"everywhere\" = { mode = \"off\" } }";
    let policy = policy_of(&ORGANISATION.replace("domains = [\"oakfield.example\"]", overrides), &rules);
    let found = |draft: Draft| -> Vec<(String, Mode)> {
        draft.decide(&policy).rules.into_iter().map(|found| (found.rule.0, found.mode)).collect()
    };
    let named = |names: &[(&str, Mode)]| -> Vec<(String, Mode)> {
        names.iter().map(|(name, mode)| ((*name).to_owned(), *mode)).collect()
    };
    assert_eq!(found(outbound()), named(&[("strict", Mode::Observe)]));
    assert_eq!(
        found(draft("a@beechwood.example", &["p@elsewhere.example"])),
        named(&[("strict", Mode::Enforce), ("everywhere", Mode::Enforce), ("beechwood-only", Mode::Enforce)])
    );
    assert_eq!(
        found(draft("a@hillside-trust.example", &["p@elsewhere.example"])),
        named(&[("strict", Mode::Enforce), ("everywhere", Mode::Enforce)])
    );
    // One message to both schools: enforced for the one, observed for the other.
    let both = draft("p@elsewhere.example", &["a@oakfield.example", "a@beechwood.example"]).decide(&policy);
    assert_eq!(both.recipients, [Action::Pass, Action::Hold]);
    assert_eq!(both.rules[0].mode, Mode::Enforce);
    assert_eq!(both.rules[1].mode, Mode::Observe);
    let effective = policy.effective(Some("oakfield")).unwrap();
    assert_eq!(effective[0].mode, Some(Mode::Observe));
    assert!(effective[0].overridden);
    assert_eq!(effective[1].mode, None);
    assert_eq!(policy.effective(None).unwrap()[2].mode, None);
    assert_eq!(policy.effective(Some("nowhere")), None);
}

#[test]
fn rules_run_between_their_dates() {
    let dates = "from = 2026-01-14\nuntil = 2026-01-14\n[rule.if]\ndirection = [\"outbound\"]";
    assert!(holds(dates, &outbound()));
    assert!(!holds(dates, &outbound().at("2026-01-13T23:59:59+00:00[Europe/London]")));
    assert!(!holds(dates, &outbound().at("2026-01-15T00:00:00+00:00[Europe/London]")));
}

#[test]
fn what_there_was_no_time_or_room_for_is_covered() {
    let gap = "[rule.if]\ncoverage = [\"out-of-time\", \"too-many-hits\"]";
    let mut late = outbound().body("exclusion");
    late.expired = true;
    assert!(holds(gap, &late));
    let mut full = outbound().body("exclusion behaviour exclusion");
    full.limits.hits = 2;
    assert!(holds(gap, &full));
    full.limits.hits = 3;
    assert!(!holds(gap, &full));
    let policy = policy(&[rule("r", "[rule.if]\nwords = { list = \"topics\" }", "hold")]);
    // What follows a text that is full of hits is still looked at.
    let mut padded = outbound();
    padded.limits.hits = 100;
    let padded = padded.text(Zone::Subject, 0, &"behaviour ".repeat(200)).body("exclusion");
    assert!(holds("[rule.if]\nwords = { list = \"topics\", threshold = 4 }", &padded));
    assert_eq!(padded.decide(&policy).coverage.gaps[0].gap, Gap::TooManyHits);
    let verdict = late.decide(&policy);
    assert_eq!(verdict.action, Action::Pass);
    assert_eq!(verdict.coverage.gaps[0].gap, Gap::OutOfTime);
}

#[test]
fn coverage_of_the_message_is_tested_and_located() {
    let mut damaged = outbound();
    damaged.coverage.note(Gap::Damaged, PartPath::root().child(2));
    let policy = policy(&[rule("r", "[rule.if]\ncoverage = [\"damaged\"]", "tag")]);
    let verdict = damaged.decide(&policy);
    assert_eq!(verdict.action, Action::Tag);
    assert_eq!(
        (verdict.findings[0].entity.as_str(), verdict.findings[0].part.to_string()),
        ("damaged", "2".to_owned())
    );
    assert_eq!(verdict.coverage, damaged.coverage);
}

#[test]
fn findings_of_any_come_from_what_held() {
    let any = "[rule.if]\nany = [{ words = { list = \"topics\" }, direction = [\"inbound\"] }, { words = { list = \"swearing\" } }]";
    let policy = policy(&[rule("r", any, "hold")]);
    let verdict = outbound().body("damn exclusion").decide(&policy);
    let entities: Vec<&str> = verdict.findings.iter().map(|finding| finding.entity.as_str()).collect();
    assert_eq!(entities, ["swearing"]);
}

#[test]
fn an_explanation_agrees_with_the_decision() {
    let rules = [
        rule(
            "r",
            "[rule.if]\ndirection = [\"outbound\"]\nwords = { list = \"topics\", threshold = 3 }",
            "hold",
        ),
        rule(
            "s",
            "[rule.if]\nwords = { list = \"topics\" }\n[rule.unless]\nsender = { address = [\"teacher@*\"] }",
            "hold",
        ),
        rule("t", "school = [\"beechwood\"]\n[rule.if]\nwords = { list = \"topics\" }", "hold"),
    ];
    let policy = policy(&rules);
    let draft =
        draft("teacher@oakfield.example", &["p@elsewhere.example", "b@oakfield.example"]).body("exclusion");
    let explanation = draft.with(|case| policy.explain(case, Reveal::Nothing));
    assert_eq!(explanation.verdict, draft.decide(&policy));
    let outcomes: Vec<Outcome> = explanation.rules.iter().map(|rule| rule.outcome).collect();
    assert_eq!(outcomes[..3], [Outcome::Matched, Outcome::Cancelled, Outcome::NotHere]);
    assert_eq!(explanation.rules[3].outcome, Outcome::NotToday);
    let first = &explanation.rules[0];
    assert_eq!(first.recipients, [0]);
    assert_eq!(first.conditions[0].held, Held::ForSome);
    assert_eq!(first.conditions[0].why, "the message is outbound and internal");
    assert_eq!(first.conditions[1].held, Held::Yes);
    assert_eq!(
        first.conditions[1].why,
        "1 term of \"topics\", weight 3, in body of part 1; wanted 1, weight 3"
    );
    let json = serde_json::to_string(&explanation).unwrap();
    assert!(!json.contains("exclusion"), "an explanation holds no words of the message");
}

#[test]
fn the_fingerprint_changes_with_any_file() {
    let sources =
        |text: &str| Sources { files: BTreeMap::from([("organisation.toml".to_owned(), text.to_owned())]) };
    let one = Policy::compile(&sources(ORGANISATION)).unwrap();
    let other = Policy::compile(&sources("name = \"x\"\ndomains = [\"x.example\"]")).unwrap();
    assert_ne!(one.fingerprint(), other.fingerprint());
    assert_eq!(one.fingerprint().len(), 12);
}
