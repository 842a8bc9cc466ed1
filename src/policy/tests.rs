//! Tests of decisions, on messages put together by hand. Never parses mail: that is the work of `message` and `extract`.
#![cfg(test)]

use std::collections::BTreeMap;

use jiff::Zoned;

use super::{
    Acquaintance, Case, Direction, Held, Memory, NoMemory, Outcome, Policy, Reveal, SentApart, SentBefore,
    Sources,
};
use crate::extract::document::{Inspection, Inspector, Item, Lock, Opened, Places};
use crate::extract::{Extraction, File, Text};
use crate::limits::Limits;
use crate::message::{Address, Envelope, Field, Message, Origin};
use crate::people::People;
use crate::verdict::{Action, Coverage, Gap, Kind, Mode, PartPath, Span, Verdict, Zone};

const ORGANISATION: &str = r#"
name = "Hillside Trust"
domains = ["hillside-trust.example"]

[calendar.hours]
monday = "08:00-17:30"
tuesday = "08:00-17:30"
wednesday = "08:00-17:30"
thursday = "08:00-17:30"
friday = "08:00-16:00"

[[calendar.term]]
name = "Spring 2026"
from = 2026-01-05
until = 2026-04-02

[[calendar.holiday]]
name = "Half term"
from = 2026-02-16
until = 2026-02-20

[groups]
unions = ["union.example", "rep@oakfield.example", "*.branch.example"]

[[school]]
id = "oakfield"
name = "Oakfield School"
domains = ["oakfield.example"]

[[school]]
id = "beechwood"
name = "Beechwood School"
domains = ["beechwood.example"]
addresses = ["bw-*@hillside-trust.example"]

[school.calendar.hours]
saturday = "09:00-12:00"
"#;

/// A rule with those conditions and that action, as much as a test needs.
fn rule(id: &str, conditions: &str, action: &str) -> String {
    let more = match action {
        "reject" => "reply = \"no\"",
        "return" => "guidance = \"help\"",
        "mark" => "subject-prefix = \"MARKED\"",
        _ => "",
    };
    format!(
        "[[rule]]\nid = \"{id}\"\ntitle = \"t\"\ncategory = \"c\"\nseverity = \"mild\"\nmode = \"enforce\"\n\
         {conditions}\n[rule.then]\naction = \"{action}\"\n{more}\n"
    )
}

fn policy(rules: &[String]) -> Policy {
    policy_of(ORGANISATION, rules)
}

fn policy_of(organisation: &str, rules: &[String]) -> Policy {
    let lists = [
        ("lists/swearing.txt", "damn = 2\nblast = 1\nbother = 1\n"),
        ("lists/topics.txt", "exclusion = 3\nbehaviour = 1\ncare order = 5\n"),
        ("lists/names.txt", "oliver\namelia\n"),
    ];
    let mut files = BTreeMap::from([
        ("organisation.toml".to_owned(), organisation.to_owned()),
        ("rules.toml".to_owned(), rules.concat()),
        ("guidance/help.md".to_owned(), "Help.".to_owned()),
    ]);
    let mut unused = String::new();
    for (path, list) in lists {
        files.insert(path.to_owned(), list.to_owned());
        let name = path.strip_prefix("lists/").unwrap().strip_suffix(".txt").unwrap();
        unused += &rule(
            &format!("never-{name}"),
            &format!("until = 2020-01-01\n[rule.if]\nwords = {{ list = \"{name}\" }}"),
            "pass",
        );
    }
    files.insert("unused.toml".to_owned(), unused);
    Policy::compile(&Sources { files }).unwrap_or_else(|faults| panic!("{:?}", miette::Report::new(faults)))
}

/// A message in the making.
struct Draft {
    envelope: Envelope,
    texts: Vec<Text>,
    files: Vec<File>,
    header: Vec<(String, String)>,
    coverage: Coverage,
    now: Zoned,
    limits: Limits,
    expired: bool,
}

fn draft(from: &str, to: &[&str]) -> Draft {
    Draft {
        envelope: Envelope {
            queue_id: None,
            origin: Origin::Smtp,
            client: None,
            authenticated: None,
            sender: Address::parse(from.as_bytes()),
            recipients: to.iter().filter_map(|to| Address::parse(to.as_bytes())).collect(),
        },
        texts: Vec::new(),
        files: Vec::new(),
        header: Vec::new(),
        coverage: Coverage::default(),
        now: "2026-01-14T10:00:00+00:00[Europe/London]".parse().unwrap(),
        limits: Limits::default(),
        expired: false,
    }
}

impl Draft {
    fn text(mut self, zone: Zone, part: u16, text: &str) -> Self {
        let part = if part == 0 { PartPath::root() } else { PartPath::root().child(part) };
        self.texts.push(Text {
            zone,
            part,
            places: Places::default(),
            alternative: None,
            text: text.to_owned(),
        });
        self
    }

    fn body(self, text: &str) -> Self {
        self.text(Zone::Body, 1, text)
    }

    fn alternative(mut self, number: u16) -> Self {
        self.texts.last_mut().unwrap().alternative = Some(number);
        self
    }

    fn field(mut self, name: &str, value: &str) -> Self {
        self.header.push((name.to_owned(), value.to_owned()));
        self
    }

    fn at(mut self, now: &str) -> Self {
        self.now = now.parse().unwrap();
        self
    }

    fn with<T>(&self, then: impl FnOnce(&Case<'_>) -> T) -> T {
        let header = self
            .header
            .iter()
            .map(|(name, value)| Field { name: name.as_bytes(), value: value.as_bytes(), range: 0..0 })
            .collect();
        let message =
            Message { raw: b"", header, body_start: 0, parts: Vec::new(), coverage: Coverage::default() };
        let extraction = Extraction {
            texts: self.texts.clone(),
            files: self.files.clone(),
            coverage: self.coverage.clone(),
            locks: Vec::new(),
        };
        then(&Case {
            envelope: &self.envelope,
            message: &message,
            extraction: &extraction,
            people: &People::default(),
            memory: &NoMemory,
            apart: &SentApart::default(),
            limits: &self.limits,
            now: &self.now,
            expired: &|| self.expired,
        })
    }

    fn decide(&self, policy: &Policy) -> Verdict {
        self.with(|case| policy.decide(case))
    }

    /// Whether the rule `r` matches.
    fn matches(&self, policy: &Policy) -> bool {
        self.decide(policy).rules.iter().any(|found| found.rule.0 == "r")
    }
}

fn outbound() -> Draft {
    draft("teacher@oakfield.example", &["parent@elsewhere.example"])
}

/// Whether a rule with those conditions matches.
fn holds(conditions: &str, draft: &Draft) -> bool {
    draft.matches(&policy(&[rule("r", conditions, "hold")]))
}

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

/// Remembers that the first of `to` got a document and the second a password, and opens whatever it is asked to.
struct Remembering<'t>([&'t str; 2]);

impl Memory for Remembering<'_> {
    fn acquaintance(&self, _: &Address, _: &Address) -> Acquaintance {
        Acquaintance::Known
    }

    fn sent_before(&self, _: &Address, recipient: &Address) -> SentBefore {
        let [document, password] = self.0.map(|to| to == recipient.folded());
        let locks = document.then(|| Lock::Package(vec![1])).into_iter().collect();
        SentBefore { locks, words: password.then(|| "Heron-27".to_owned()).into_iter().collect() }
    }
}

impl Inspector for Remembering<'_> {
    fn inspect(&self, _: Option<&str>, _: &[u8]) -> Inspection {
        Inspection::default()
    }

    fn try_locks(&self, locks: &[Lock], words: &[String]) -> Vec<Opened> {
        assert!(!locks.is_empty());
        words.first().map(|_| Opened { lock: 0, word: 0 }).into_iter().collect()
    }
}

#[test]
fn what_was_sent_apart_is_for_each_recipient_by_itself() {
    let policy =
        policy(&[rule("r", "[rule.if]\napart = [\"document-before\", \"password-before\"]", "hold")]);
    let to = ["a@elsewhere.example", "b@elsewhere.example", "c@elsewhere.example", "d@oakfield.example"];
    let decide = |from: &str, body: &str, locks: &[(PartPath, Lock)], known: [&str; 2]| {
        draft(from, &to).body(body).with(|case| {
            let extraction = &Extraction { locks: locks.to_vec(), ..case.extraction.clone() };
            let remembering = Remembering(known);
            let apart = &policy.sent_apart(case.envelope, extraction, &remembering, &remembering);
            policy.decide(&Case { extraction, apart, ..*case })
        })
    };
    let (us, text) = ("t@oakfield.example", "It opens with Otter-4.");
    let verdict = decide(us, text, &[], [to[0], to[1]]);
    assert_eq!(verdict.recipients, [Action::Hold, Action::Pass, Action::Pass, Action::Pass]);
    let finding = &verdict.findings[0];
    assert_eq!(
        (finding.entity.as_str(), &text[finding.span.start..finding.span.end]),
        ("document-before", "Otter-4")
    );
    let lock = [(PartPath::root().child(2), Lock::Package(vec![2]))];
    let verdict = decide(us, "Here it is.", &lock, [to[0], to[1]]);
    assert_eq!(verdict.recipients, [Action::Pass, Action::Hold, Action::Pass, Action::Pass]);
    // Of what strangers send, and of what went to colleagues, nothing is asked.
    assert_eq!(decide("x@elsewhere.example", text, &lock, [to[0], to[1]]).action, Action::Pass);
    assert_eq!(decide(us, text, &lock, [to[3], to[3]]).action, Action::Pass);
}

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

/// Whether an example with those attachments meets the condition, by the policy's own check of examples.
fn attached(condition: &str, attachments: &str) -> bool {
    let example = format!("[[rule.example]]\nexpect = \"match\"\nattachments = {attachments}\n");
    let conditions = format!("[rule.if]\nattachment = {condition}");
    policy(&[rule("r", &conditions, "hold") + &example]).check_examples().is_empty()
}

#[test]
fn attachments_are_judged_by_what_they_are() {
    const SHEET: &str = r#"{ name = "marks.xlsx", protection = "encrypted", coverage = ["encrypted"] }"#;
    const ZIP: &str = r#"{ name = "work.zip", protection = "partly", inside = ["a.docx", { name = "b.scr", kind = "pe" }] }"#;
    // Condition, attachments, whether it holds.
    let cases = [
        (r#"{ kind = ["xlsx"] }"#, format!("[{SHEET}]"), true),
        (r#"{ kind = ["spreadsheet"], protection = ["encrypted"] }"#, format!("[{SHEET}]"), true),
        (r#"{ kind = ["document"] }"#, format!("[{SHEET}]"), false),
        (r#"{ protection = ["none"] }"#, format!("[{SHEET}]"), false),
        (r#"{ protection = ["none"] }"#, r#"["letter.docx"]"#.to_owned(), true),
        (r#"{ coverage = ["encrypted"] }"#, format!("[{SHEET}]"), true),
        (r#"{ coverage = ["damaged"] }"#, format!("[{SHEET}]"), false),
        (r#"{ kind = ["program"] }"#, format!("[{ZIP}]"), true),
        (r#"{ kind = ["program"], inside = "no" }"#, format!("[{ZIP}]"), false),
        (r#"{ kind = ["archive"], inside = "no" }"#, format!("[{ZIP}]"), true),
        (r#"{ name = ["b.scr"], inside = "yes" }"#, format!("[{ZIP}]"), true),
        (r#"{ count = { at-least = 4 } }"#, format!("[{ZIP}]"), false),
        (r#"{ count = { at-least = 3 } }"#, format!("[{ZIP}]"), true),
        (
            r#"{ fact = ["name-hides-kind"] }"#,
            r#"[{ name = "letter.pdf.exe", kind = "pe" }]"#.to_owned(),
            true,
        ),
        (r#"{ fact = ["macros"] }"#, r#"["letter.docx"]"#.to_owned(), false),
        (r#"{ size = { at-least = "5 MB" } }"#, r#"[{ name = "a.mp4", size = "6 MB" }]"#.to_owned(), true),
        (r#"{ size = { at-least = "5 MB" } }"#, r#"[{ name = "a.mp4", size = "4 MB" }]"#.to_owned(), false),
    ];
    for (condition, attachments, holds) in cases {
        assert_eq!(attached(condition, &attachments), holds, "{condition} with {attachments}");
    }
}

#[test]
fn findings_say_which_file_it_was() {
    let conditions = "[rule.if]\nattachment = { kind = [\"program\"] }";
    let policy = policy(&[rule("r", conditions, "hold")]);
    let mut draft = outbound().text(Zone::Filename, 1, "work.zip\nwork.zip/a.docx\nwork.zip/b.scr");
    let part = PartPath::root().child(1);
    for (kind, entry) in
        [(Kind::Zip, None), (Kind::Docx, Some("work.zip/a.docx")), (Kind::Pe, Some("work.zip/b.scr"))]
    {
        let mut item = Item::new(kind, None, 10);
        item.entry = entry.map(str::to_owned);
        draft.files.push(File { part: part.clone(), item, gaps: Vec::new() });
    }
    let verdict = draft.decide(&policy);
    let found: Vec<_> = verdict.findings.iter().map(|one| (one.entity.as_str(), one.span)).collect();
    assert_eq!(found, [("pe", Span { start: 25, end: 39 })]);
}
