//! Tests of decisions, on messages put together by hand. Never parses mail: that is the work of `message` and `extract`.
#![cfg(test)]

mod apart;
mod attachments;
mod calendar;
mod decisions;
mod recipients;
mod texts;

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
