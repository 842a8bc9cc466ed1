//! Confidential mail as the policy wants it, and in every way in which it can go wrong: the table of the manual, message by message.

use std::fs;
use std::path::Path;

use crate::support::{Delivery, Fate, World, base64, header_values};

const JO: &str = "j.hart@oakfield.example";
const CLERK: &str = "clerk@elsewhere.example";
const MATTER: &str = "Case conference: the social worker said that the care order stands. The diagnosis and the medication follow.";

/// A row of the table in docs/confidential-mail.md.
struct Row {
    in_body: bool,
    encrypted: bool,
    marked: bool,
    receipt: bool,
    outcome: String,
    rules: Vec<String>,
}

fn rows() -> Vec<Row> {
    let manual = fs::read_to_string("docs/confidential-mail.md").unwrap();
    let rows = manual.lines().map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    let rows = rows.filter(|cells| cells.len() == 8 && matches!(cells[1], "yes" | "no"));
    rows.map(|cells| Row {
        in_body: cells[1] == "yes",
        encrypted: cells[2] == "encrypted",
        marked: cells[3] == "yes",
        receipt: cells[4] == "yes",
        outcome: cells[5].to_owned(),
        rules: cells[6].split('`').skip(1).step_by(2).map(str::to_owned).collect(),
    })
    .collect()
}

impl Row {
    fn subject(&self) -> String {
        let marking = if self.marked { "CONFIDENTIAL: " } else { "" };
        format!("{marking}papers for Friday")
    }

    fn message(&self) -> Vec<u8> {
        let (name, document) = match self.encrypted {
            true => ("child protection plan.docx", fs::read("fixtures/documents/office/agile.docx").unwrap()),
            false => ("papers.rtf", format!(r"{{\rtf1\ansi {MATTER}\par}}").into_bytes()),
        };
        let receipt =
            if self.receipt { format!("Disposition-Notification-To: <{JO}>\r\n") } else { String::new() };
        let body = if self.in_body { MATTER } else { "The papers are attached. I shall ring you." };
        format!(
            "From: Jo Hart <{JO}>\r\nTo: <{CLERK}>\r\nSubject: {subject}\r\nDate: Mon, 2 Mar 2026 09:30:00 +0000\r\n\
             Message-ID: <{}{}{}{}@oakfield.example>\r\n{receipt}MIME-Version: 1.0\r\n\
             Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
             {body}\r\n--b\r\nContent-Type: application/octet-stream\r\n\
             Content-Disposition: attachment; filename=\"{name}\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--\r\n",
            u8::from(self.in_body),
            u8::from(self.encrypted),
            u8::from(self.marked),
            u8::from(self.receipt),
            base64(&document),
            subject = self.subject(),
        )
        .into_bytes()
    }
}

/// What happened to what arrived, in the table's words.
fn told(row: &Row, delivery: &Delivery) -> String {
    let subject = header_values(&delivery.message, "Subject").concat();
    let receipts = header_values(&delivery.message, "Disposition-Notification-To");
    let mut told = vec!["delivered"];
    if subject != row.subject() {
        assert_eq!(subject, format!("CONFIDENTIAL: {}", row.subject()));
        told.push("marked");
    }
    if !row.receipt && !receipts.is_empty() {
        told.push("receipt asked for");
    }
    assert!(receipts.is_empty() || receipts == [format!("<{JO}>")], "{receipts:?}");
    if told.len() == 1 { "delivered as it is".to_owned() } else { told.join(", ") }
}

/// The rules that the message's own field names, but the one that notes what could not be looked into.
fn rules_of(delivery: &Delivery) -> Vec<String> {
    let field = header_values(&delivery.message, "X-Mailwarden").concat();
    let rules = field.split('"').nth(1).unwrap_or_default();
    rules.split_whitespace().filter(|rule| *rule != "not-inspected").map(str::to_owned).collect()
}

#[test]
fn each_of_the_sixteen_combinations_ends_as_the_manual_says() {
    let rows = rows();
    let mut combinations: Vec<_> =
        rows.iter().map(|row| (row.in_body, row.encrypted, row.marked, row.receipt)).collect();
    combinations.sort_unstable();
    combinations.dedup();
    assert_eq!((rows.len(), combinations.len()), (16, 16), "the manual's table");

    let world = World::with_policy(Path::new("rules"));
    let mut smtp = world.connect().xclient("ADDR=203.0.113.7 NAME=office.example LOGIN=jo");
    for row in &rows {
        let what = format!("{:?}", (row.in_body, row.encrypted, row.marked, row.receipt));
        let reply = smtp.send(JO, &[CLERK], &row.message());
        let (outcome, mut rules) = match world.postfix.fate(reply.queue_id()) {
            Fate::Left => {
                let delivery = world.sink.take(CLERK);
                (told(row, &delivery), rules_of(&delivery))
            }
            Fate::Discarded => {
                let answer = world.sink.take(JO);
                assert_eq!(answer.sender, "");
                let kept = world.mailwarden.json(&["held", "list", "--all", "--json"]);
                let latest =
                    kept.iter().max_by_key(|kept| kept["received_at"].as_str().map(str::to_owned)).unwrap();
                let rules = latest["rules"].as_array().unwrap().iter();
                ("returned".to_owned(), rules.map(|rule| rule.as_str().unwrap().to_owned()).collect())
            }
        };
        rules.sort();
        assert_eq!((outcome.as_str(), &rules), (row.outcome.as_str(), &row.rules), "{what}");
    }
    assert_eq!(world.sink.count(CLERK), 0, "nothing else arrived");
}
