//! What was sent apart: for each recipient by itself.

use super::*;

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
