//! Notices to reviewers: that something wants looking at, and how to have it looked up. They say neither who nor what.

use jiff::Zoned;

use super::content::Account;
use super::mail::{Head, Kind, compose};
use super::markdown::Block;
use crate::message::Address;
use crate::policy::{Phrases, Policy, filled};
use crate::respond::header::unstructured;

/// What a notice is written from.
#[derive(Debug, Clone, Copy)]
pub struct NoticeContext<'a> {
    /// The policy, for its words.
    pub policy: &'a Policy,
    /// Whom it comes from: an address, or a name and an address in angle brackets.
    pub from: &'a str,
    /// Who gets it; the first of them chooses the language.
    pub to: &'a [Address],
    /// Who looks notices up for reviewers.
    pub contact: &'a str,
    /// The letter's own name, for its Message-ID.
    pub name: &'a str,
    /// What it tells of; not empty.
    pub entries: &'a [NoticeEntry<'a>],
    /// Why it is sent now.
    pub occasion: Occasion,
    /// The moment that it is dated.
    pub at: &'a Zoned,
}

/// One thing that wants looking at.
#[derive(Debug, Clone, Copy)]
pub struct NoticeEntry<'a> {
    /// Its reference.
    pub reference: &'a str,
    /// The name of the school, or of the organisation.
    pub school: &'a str,
    /// When it was found, on the reader's clock.
    pub found: &'a Zoned,
}

/// Why a notice is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// It cannot wait.
    AtOnce,
    /// Those before it were so many that this one tells of several.
    Flood,
    /// The time for the digest has come.
    Digest,
}

/// The complete notice, from its header to its last line. It goes out with the null sender.
pub fn notice(context: &NoticeContext<'_>) -> Vec<u8> {
    let account = account(context);
    let to: Vec<&str> = context.to.iter().map(Address::folded).collect();
    let urgent = context.occasion != Occasion::Digest;
    // Mail programs group the digests to one reviewer.
    let first = context.to.first().filter(|_| !urgent);
    let thread = first.map(|to| format!("<digest.{}>", to.folded()));
    let head = Head {
        from: context.from,
        to: to.join(", "),
        subject: unstructured(&account.lead),
        name: context.name,
        reply_to: None,
        answers: thread,
        kind: Kind::Generated { urgent },
        at: context.at,
    };
    compose(&head, &account)
}

fn account(context: &NoticeContext<'_>) -> Account {
    let language = context.policy.organisation().language_of(context.to.first());
    let phrases = context.policy.guidance().phrases(&language);
    let number = context.entries.len().to_string();
    let first = context.entries.first().map(|entry| entry.reference).unwrap_or_default();
    let counted = |phrase: &str| filled(phrase, &[("number", &number), ("reference", first)]);
    let (title, subject, about) = match (context.occasion, context.entries) {
        (Occasion::Digest, _) => (&phrases.digest, &phrases.subject_digest, &phrases.digest_about),
        (_, [_]) => (&phrases.notice, &phrases.subject_notice, &phrases.notice_about),
        _ => (&phrases.notices, &phrases.subject_notices, &phrases.notices_about),
    };
    let title = counted(title);
    let entries = context.entries.iter().map(|entry| line(phrases, entry)).collect();
    let values = [("contact", context.contact), ("reference", first)];
    let steps = [&phrases.notice_ask, &phrases.notice_private, &phrases.notice_done];
    let blocks = vec![
        Block::heading(1, &title),
        Block::plain(about.as_str()),
        Block::list(entries),
        Block::heading(2, phrases.notice_steps.as_str()),
        Block::steps(steps.iter().map(|step| filled(step, &values)).collect()),
        Block::plain(filled(&phrases.notice_command, &values)),
        Block::heading(2, phrases.notice_short.as_str()),
        Block::plain(phrases.notice_why.as_str()),
    ];
    Account { language, lead: counted(subject), title, blocks }
}

fn line(phrases: &Phrases, entry: &NoticeEntry<'_>) -> String {
    let found = phrases.moment(entry.found);
    filled(
        &phrases.notice_entry,
        &[("reference", entry.reference), ("school", entry.school), ("time", &found)],
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::civil::date;

    use super::*;
    use crate::policy::Sources;

    fn written(references: &[&str], occasion: Occasion) -> String {
        let organisation = "name = \"Hillside Trust\"\ndomains = [\"oakfield.example\"]\n".to_owned();
        let files = BTreeMap::from([("organisation.toml".to_owned(), organisation)]);
        let policy = Policy::compile(&Sources { files }).unwrap();
        let at = date(2026, 11, 27).at(10, 42, 0, 0).in_tz("Europe/London").unwrap();
        let entry = |reference| NoticeEntry { reference, school: "Oakfield School", found: &at };
        let entries: Vec<NoticeEntry<'_>> = references.iter().copied().map(entry).collect();
        let to = ["dsl@oakfield.example", "deputy@oakfield.example"];
        let to: Vec<Address> = to.iter().filter_map(|to| Address::parse(to.as_bytes())).collect();
        let context = NoticeContext {
            policy: &policy,
            from: "\"Mail filter\" <mailwarden@oakfield.example>",
            to: &to,
            contact: "it-help@oakfield.example",
            name: "0000-0001",
            entries: &entries,
            occasion,
            at: &at,
        };
        String::from_utf8(notice(&context)).unwrap()
    }

    #[test]
    fn notices_are_written_as_expected() {
        for (file, references, occasion) in [
            ("notice", &["K7QF-2M9P"][..], Occasion::AtOnce),
            ("notices", &["K7QF-2M9P", "3DXT-8WQA"], Occasion::Flood),
            ("digest", &["K7QF-2M9P", "3DXT-8WQA", "V0NR-71HB"], Occasion::Digest),
        ] {
            let (path, found) = (format!("fixtures/answers/{file}.eml"), written(references, occasion));
            if std::env::var_os("MAILWARDEN_BLESS").is_some() {
                std::fs::write(&path, &found).unwrap();
            }
            assert_eq!(found, std::fs::read_to_string(&path).unwrap(), "{file}");
        }
    }
}
