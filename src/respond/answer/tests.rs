//! Answers, whole: what they say, in both forms, and that the original comes back.

use std::collections::BTreeMap;

use mail_parser::{MessageParser, MimeHeaders};

use super::content::MOST_LISTED;
use super::*;
use crate::limits::Limits;
use crate::message::{Address, Origin};
use crate::policy::{FoundWords, Sources};
use crate::verdict::{
    Action, Coverage, Detector, Disguises, Finding, Mode, PartPath, RuleId, RuleMatch, Severity, Span, Zone,
};

const ORIGINAL: &[u8] = b"From: Ana <ana@oakfield.example>\r\nSubject: the <wall> & Oliver\r\nMessage-ID: <1@oakfield.example>\r\n\r\n.Nightshade\r\n";

fn policy() -> Policy {
    Policy::compile(&Sources { files: files() }).unwrap()
}

fn files() -> BTreeMap<String, String> {
    let rule = "[[rule]]\nid = \"nightshade\"\ntitle = \"Nightshade <is> returned\"\nclause = \"Mail policy, 7\"\n\
        category = \"test\"\nseverity = \"mild\"\nmode = \"enforce\"\nif.direction = [\"outbound\"]\n\
        then = { action = \"return\", guidance = \"plants\" }\n";
    let files = [
        ("organisation.toml", "name = \"Ysgol Dderwen\"\ndomains = [\"oakfield.example\"]\n"),
        ("rules.toml", rule),
        ("guidance/plants.md", "Take the *word* out, and [read on](https://oakfield.example/a?b&c).\n"),
    ];
    files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect()
}

fn written(original: &[u8], recipients: usize, concerned: &[usize]) -> Vec<u8> {
    in_context(original, recipients, concerned, Action::Return, |context| answer(&context).unwrap())
}

/// What comes of an answer's context, for a message that was returned by a rule with that action.
fn in_context<T>(
    original: &[u8],
    recipients: usize,
    concerned: &[usize],
    action: Action,
    then: impl FnOnce(AnswerContext<'_>) -> T,
) -> T {
    let envelope = Envelope {
        queue_id: None,
        origin: Origin::Smtp,
        client: None,
        authenticated: None,
        sender: Address::parse(b"<Ana@oakfield.example>"),
        recipients: (0..recipients)
            .filter_map(|number| Address::parse(format!("<to{number}@beechwood.example>").as_bytes()))
            .collect(),
    };
    let found = RuleMatch {
        rule: RuleId("nightshade".to_owned()),
        mode: Mode::Enforce,
        action,
        recipients: concerned.to_vec(),
    };
    let actions = (0..recipients).map(|index| if concerned.contains(&index) { action } else { Action::Pass });
    let verdict = Verdict {
        action,
        recipients: actions.collect(),
        rules: vec![found],
        findings: Vec::new(),
        personal: crate::verdict::Personal::default(),
        coverage: Coverage::default(),
        elapsed: None,
    };
    then(AnswerContext {
        envelope: &envelope,
        message: &Message::parse(original, &Limits::default()),
        verdict: &verdict,
        policy: &policy(),
        found: &[],
        reference: "4XYZ",
        outcome: Outcome::Returned,
        recipients: concerned,
        from: "Post Ysgol Dderŵen <mailwarden@oakfield.example>",
        contact: "the office (office@oakfield.example)",
        confirmation: None,
        at: &"2026-03-03T09:15:00+00:00[Europe/London]".parse().unwrap(),
    })
}

/// The lines of an answer that say what was found.
fn found_lines(places: &[(&str, usize, Detector, &str)]) -> Vec<String> {
    let place = |(words, start, detector, category): &(&str, usize, Detector, &str)| Place {
        finding: Finding {
            rule: RuleId("nightshade".to_owned()),
            category: (*category).to_owned(),
            severity: Severity::Mild,
            detector: *detector,
            entity: String::new(),
            zone: Zone::Body,
            part: PartPath::default(),
            span: Span { start: *start, end: start + words.len() },
            disguises: Disguises::NONE,
            term: None,
        },
        words: Some(FoundWords {
            text: (*words).to_owned(),
            term: None,
            suggestion: (*detector == Detector::Names).then(|| "A.B.".to_owned()),
            place: None,
        }),
    };
    let places: Vec<Place> = places.iter().map(place).collect();
    in_context(ORIGINAL, 1, &[0], Action::Return, |context| {
        let text = preview(&AnswerContext { found: &places, ..context }, None).unwrap().text;
        text.lines().filter(|line| line.starts_with("- In")).map(str::to_owned).collect()
    })
}

/// A rule on names notices the same words as one on confidential matters: they are words of work in both.
#[test]
fn words_of_work_stand_as_they_are_and_each_place_once() {
    for other in ["names", "contact", "pupils", "swearing"] {
        let plan = ("child protection plan", 0, Detector::Words);
        for (first, second) in [("confidential", other), (other, "confidential")] {
            let lines = found_lines(&[(plan.0, plan.1, plan.2, first), (plan.0, plan.1, plan.2, second)]);
            assert_eq!(lines, ["- In your text: “child protection plan”"], "{first}, {second}");
        }
    }
    let lines = found_lines(&[
        ("bother", 0, Detector::Words, "swearing"),
        ("Oakfield", 10, Detector::Words, "confidential"),
        ("Oakfield", 10, Detector::Secrets, "credentials"),
        ("1234", 20, Detector::Identifier, "confidential"),
        ("Anna Beech", 30, Detector::Words, "names"),
        ("Anna Beech", 30, Detector::Names, "names"),
    ]);
    let expected = [
        "- In your text: “b****r”",
        "- In your text: “O******d”",
        "- In your text: “1**4”",
        "- In your text: “Anna Beech”. Write “A.B.” instead.",
    ];
    assert_eq!(lines, expected);
}

/// Nothing expires by itself, and no account but the server's own is kept from the store: an answer promises no more.
#[test]
fn an_answer_promises_no_more_of_the_record_than_is_kept() {
    let text = in_context(ORIGINAL, 1, &[0], Action::Return, |context| preview(&context, None).unwrap().text);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in ["until somebody at Ysgol Dderwen deletes it", "Those who run the mail server can reach it"]
    {
        assert!(text.contains(words), "no \"{words}\": {text}");
    }
    let shipped = shipped();
    let answers = &shipped.organisation().answers;
    assert_eq!((answers.kept_for.as_deref(), answers.seen_by.as_deref()), (None, None));
}

/// Nothing was done to a message that was only tried out, and nothing of it is on record.
#[test]
fn a_trial_says_what_to_change_and_gives_no_reference() {
    for action in [Action::Mark, Action::Return] {
        let text = in_context(ORIGINAL, 1, &[0], action, |context| {
            preview(&AnswerContext { outcome: Outcome::Tried, ..context }, None).unwrap().text
        });
        assert!(text.contains("Nightshade <is> returned"), "{text}");
        assert!(text.contains("Take the word out"), "{action}: {text}");
        assert!(text.contains("office@oakfield.example") && !text.contains("reference"), "{text}");
    }
}

/// What comes back is not marked: a trial tells one story, the short of it first.
#[test]
fn a_trial_begins_with_what_would_happen_and_why() {
    let tried = |recipients: usize, marked: &[usize]| {
        in_context(ORIGINAL, recipients, &[0], Action::Return, |context| {
            let policy = marking_policy();
            let rule = RuleId("marks".to_owned());
            let marks =
                RuleMatch { rule, mode: Mode::Enforce, action: Action::Mark, recipients: marked.to_vec() };
            let rules = context.verdict.rules.iter().cloned().chain([marks]).collect();
            let verdict = Verdict { rules, ..context.verdict.clone() };
            let everyone: Vec<usize> = (0..recipients).collect();
            let outcome = Outcome::Tried;
            let context = AnswerContext {
                outcome,
                policy: &policy,
                verdict: &verdict,
                recipients: &everyone,
                ..context
            };
            preview(&context, None).unwrap().text.split_whitespace().collect::<Vec<_>>().join(" ")
        })
    };
    let lead = "What would happen to your message This would come back to you, because of “Nightshade <is> returned”.";
    let alone = tried(1, &[0]);
    assert!(alone.starts_with(&format!("{lead} This was a trial.")), "{alone}");
    assert!(!alone.contains("We put CONFIDENTIAL"), "{alone}");
    assert!(alone.contains("is still to come: - Marked as confidential"), "{alone}");
    // For one recipient it comes back, for the other it is marked: both are told, the graver first.
    let two = tried(2, &[0, 1]);
    assert!(
        two.starts_with(&format!(
            "{lead} This is so for some of these people alone; it is listed below for whom. This was a trial."
        )),
        "{two}"
    );
    assert!(two.contains("We put CONFIDENTIAL") && !two.contains("still to come"), "{two}");
}

/// The policy with a rule that marks.
fn marking_policy() -> Policy {
    let mut files = files();
    let rules = files.get_mut("rules.toml").unwrap();
    rules.push_str(
        "[[rule]]\nid = \"marks\"\ntitle = \"Marked as confidential\"\ncategory = \"test\"\nseverity = \"mild\"\nmode = \"enforce\"\n\
         if.direction = [\"outbound\"]\nthen = { action = \"mark\", subject-prefix = \"CONFIDENTIAL: \", guidance = \"mark\" }\n",
    );
    files.insert("guidance/mark.md".to_owned(), "We put CONFIDENTIAL in front.\n".to_owned());
    Policy::compile(&Sources { files }).unwrap()
}

/// The whole message, compared with the file beside the other fixtures.
#[test]
fn an_answer_is_written_as_expected() {
    let found = written(ORIGINAL, 3, &[0, 2]);
    let path = "fixtures/answers/returned.eml";
    if std::env::var_os("MAILWARDEN_BLESS").is_some() {
        std::fs::write(path, &found).unwrap();
    }
    assert_eq!(String::from_utf8(found).unwrap(), std::fs::read_to_string(path).unwrap());
}

#[test]
fn originals_of_any_bytes_come_back_whole() {
    let long = [b"Subject: x\r\n\r\n".as_slice(), &[b'a'; 1_200], b"\r\n"].concat();
    let cases: [(&[u8], &str); 8] = [
        (ORIGINAL, "message/rfc822"),
        (b"Subject: caf\xe9\r\n\r\n\xff\xfe\r\n", "message/rfc822"),
        (b"", "message/rfc822"),
        (b"Subject: x\r\n\r\nno line end", "message/rfc822"),
        (b"Subject: x\r\n\r\nN\0L\r\n", "application/octet-stream"),
        (b"Subject: x\n\nbare LF\n", "application/octet-stream"),
        (b"Subject: x\r\n\r\nbare \r CR\r\n", "application/octet-stream"),
        (&long, "application/octet-stream"),
    ];
    for (original, kind) in cases {
        let out = written(original, 1, &[0]);
        let lines = out.split(|byte| *byte == b'\n').map(<[u8]>::len).max().unwrap();
        assert!(lines < 1_000 && !out.contains(&0), "{}", out.escape_ascii());
        let parsed = MessageParser::new().parse(&out).unwrap();
        let last = parsed.parts.last().unwrap();
        let content_type = last.content_type().unwrap();
        assert_eq!(format!("{}/{}", content_type.ctype(), content_type.subtype().unwrap()), kind);
        if kind == "message/rfc822" {
            let body = usize::try_from(last.offset_body).unwrap()..usize::try_from(last.offset_end).unwrap();
            assert_eq!(&out[body], original, "{}", original.escape_ascii());
        } else {
            assert_eq!(last.contents(), original, "{}", original.escape_ascii());
        }
    }
}

#[test]
fn a_subject_that_no_header_can_hold_is_left_out() {
    for subject in ["caf\u{e9}", &"s".repeat(3_000), "", "a\r\n \r\n b"] {
        let out = written(format!("Subject: {subject}\r\nX: y\r\n\r\n").as_bytes(), 1, &[0]);
        let out = String::from_utf8_lossy(&out);
        assert!(out.contains("Subject: Your message was not delivered\r\nDate: "), "{out}");
    }
}

#[test]
fn a_long_list_of_recipients_is_cut() {
    let all: Vec<usize> = (0..1_000).collect();
    let out = String::from_utf8(written(ORIGINAL, 1_000, &all)).unwrap();
    assert_eq!(out.matches("@beechwood.example").count(), 2 * MOST_LISTED);
    assert!(out.contains("and 980 more") && !out.contains("above only"), "{out}");
}

/// The words that a reader of either form meets, in their order.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// What a browser would show of a page, with the addresses of its links.
fn shown(page: &str) -> String {
    let body = page.split_once("<main>").unwrap().1;
    let mut out = String::new();
    let mut rest = body;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        let (tag, tail) = after.split_once('>').unwrap();
        rest = tail;
        if let Some(address) = tag.strip_prefix("a href=\"").and_then(|rest| rest.strip_suffix('"')) {
            // The text form puts a link's address behind its words.
            let (label, tail) = rest.split_once("</a>").unwrap();
            out.push_str(&format!("{label} {address}"));
            rest = tail;
        }
        out.push(' ');
    }
    out.replace("&amp;", "&")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
}

/// The text form of a list has numbers that HTML leaves to the browser.
fn without_numbers(text: &str) -> String {
    let number = |line: &str| {
        let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
        (rest.len() < line.len()).then(|| rest.strip_prefix(". ").map(str::to_owned)).flatten()
    };
    text.lines().map(|line| number(line).unwrap_or_else(|| line.to_owned())).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_text_holds_all_that_the_html_holds() {
    let files = std::fs::read_dir("rules/guidance").unwrap().map(|entry| entry.unwrap().path());
    let guidance: Vec<String> = files
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert!(guidance.len() > 20);
    let policy = shipped();
    for name in &guidance {
        let told = crate::policy::Told {
            organisation: "Hillside Trust",
            school: "Oakfield *School* <b>",
            reference: "K7QF-2M9P",
            contact: "[it](https://oakfield.example)",
            recipients: vec!["a@b.example"],
            recipient_count: 1,
            title: "t",
            clause: "",
            outcome: "held",
            happened: "h",
            may_override: "never",
            kept_for: "",
            seen_by: "",
            emergency: Vec::new(),
            reply_to: "",
        };
        let text = policy.guidance().text(name, &crate::policy::Language::default(), &told).unwrap();
        assert!(!text.contains("{{") && !text.contains("{%"), "{name}: {text}");
        let tried = crate::policy::Told { outcome: "tried", ..told.clone() };
        let tried = policy.guidance().text(name, &crate::policy::Language::default(), &tried).unwrap();
        // The other two are about mail that somebody got, who tries nothing out.
        let done = ["was delivered", "went out", "we put", "We asked", "was stopped", "was not marked"];
        let done = done.iter().filter(|_| {
            !["abuse-of-staff", "somebody-needs-help", "claims-to-be-ours"].contains(&name.as_str())
        });
        for words in done {
            assert!(
                !tried.replace("this, we put", "").contains(words),
                "{name}: \"{words}\" in a trial: {tried}"
            );
        }
        let blocks = markdown::read(&text, 2);
        let page = html::page(&blocks, "en-GB", "t");
        assert_eq!(words(&without_numbers(&text::write(&blocks))), words(&shown(&page)), "{name}");
        assert!(!page.contains("oakfield.example\">it"), "{name}: what is filled in became Markdown");
    }
    let out = MessageParser::new().parse(&written(ORIGINAL, 3, &[0, 2])).unwrap().into_owned();
    let (text, page) = (out.body_text(0).unwrap(), out.body_html(0).unwrap());
    assert_eq!(words(&without_numbers(&text)), words(&shown(&page)));
}

fn shipped() -> Policy {
    let mut files = BTreeMap::new();
    for (folder, prefix) in [
        ("rules", ""),
        ("rules/lists", "lists/"),
        ("rules/guidance", "guidance/"),
        ("rules/guidance/steps", "guidance/steps/"),
    ] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let name = path.file_name().unwrap().to_str().unwrap();
                files.insert(format!("{prefix}{name}"), std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    Policy::compile(&Sources { files }).unwrap()
}

/// The group chooses before the school, the school before the organisation; what is not there in a language is English.
#[test]
fn the_sender_reads_their_own_language_and_english_where_it_lacks() {
    let organisation = "name = \"Ysgol Dderwen\"\ndomains = [\"dderwen.example\"]\n[answers]\n\
        languages = { en = [\"english\"] }\n[[school]]\nid = \"s\"\nname = \"S\"\ndomains = [\"dderwen.example\"]\nlanguage = \"cy\"\n\
        [groups]\nenglish = [\"eve@dderwen.example\"]\n";
    let files = [
        ("organisation.toml", organisation),
        ("guidance/both.md", "# Help\n\n{% include \"steps/part\" %}\n"),
        ("guidance/both.cy.md", "# Cymorth\n\n{% include \"steps/part\" %}\n"),
        ("guidance/one.md", "# Alone {{ contact }}\n"),
        ("guidance/steps/part.md", "Part.\n"),
        ("guidance/steps/part.cy.md", "Rhan.\n"),
        ("guidance/phrases.cy.toml", "why = \"Pam\"\n"),
    ];
    let files: BTreeMap<String, String> =
        files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
    let policy = Policy::compile(&Sources { files }).unwrap();
    let told = crate::policy::Told {
        organisation: "",
        school: "",
        reference: "",
        contact: "*it*",
        recipients: Vec::new(),
        recipient_count: 0,
        title: "",
        clause: "",
        outcome: "held",
        happened: "",
        may_override: "never",
        kept_for: "",
        seen_by: "",
        emergency: Vec::new(),
        reply_to: "",
    };
    let read = |sender: &str| {
        let language = policy.organisation().language_of(Address::parse(sender.as_bytes()).as_ref());
        let text = |name| policy.guidance().text(name, &language, &told).unwrap();
        let phrases = policy.guidance().phrases(&language);
        (text("both"), text("one"), phrases.why.clone(), phrases.found.clone())
    };
    let (both, one, why, found) = read("ana@dderwen.example");
    assert_eq!((both.as_str(), why.as_str()), ("# Cymorth\n\nRhan.\n", "Pam"));
    assert_eq!(
        (one.as_str(), found.as_str()),
        ("# Alone \\*it\\*\n", "What was found"),
        "English where it lacks"
    );
    let (both, _, why, _) = read("eve@dderwen.example");
    assert_eq!((both.as_str(), why.as_str()), ("# Help\n\nPart.\n", "Why"));
}
