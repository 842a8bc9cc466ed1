//! From a verdict to what is done with a message: who gets it, how it is changed, what the sender hears. Pure.

use smallvec::SmallVec;

use super::answer::{Listener, disclaimer_refusal, refusal};
use super::automatic::is_answerable;
use super::disclaimer::{Barrier, Insertion, insert, wrap};
use super::fate::{Fates, choose_disclaimer, fates};
use super::mark::{self, Tag};
use super::{Edits, mark::remove_own};
use crate::message::{Envelope, Message};
use crate::policy::{Direction, Disclaimer, Fallback, Override, Policy, Proof, Rule, Then};
use crate::verdict::{Action, Mode, RuleId, RuleMatch, Verdict};

/// What a response is worked out from.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Who sends the message to whom.
    pub envelope: &'a Envelope,
    /// The message.
    pub message: &'a Message<'a>,
    /// What the policy decided on it.
    pub verdict: &'a Verdict,
    /// That policy.
    pub policy: &'a Policy,
    /// The message's short reference number, by which people ask about it. A sender must not foresee it.
    pub reference: &'a str,
    /// Whom the sender may ask.
    pub contact: &'a str,
}

/// What is to be done with a message. What is held or returned must be stored before the MTA hears of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The changes for those who get the message.
    pub edits: Edits,
    /// What the MTA hears.
    pub delivery: Delivery,
    /// For whom the message is held, as indices into the envelope's recipients.
    pub held: Vec<usize>,
    /// For whom it is returned.
    pub returned: Vec<usize>,
    /// Whether the sender is told of what is held.
    pub tells_of_hold: bool,
    /// The rules about which the sender is to be advised, since they let the message go: none where an answer goes out anyway.
    pub advises: Vec<RuleId>,
    /// What the sender may do about what is held.
    pub held_override: Override,
    /// What the sender may do about what is returned.
    pub returned_override: Override,
}

/// What the MTA hears of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// It goes on.
    Accept {
        /// Those to whom it does not go, as indices into the envelope's recipients.
        remove: Vec<usize>,
        /// Who gets a copy, beside the envelope's recipients.
        add: Vec<String>,
    },
    /// It goes to nobody; what is held or returned is in the store.
    Discard,
    /// It is refused, with this text; lines are ended by `\n`.
    Reject(String),
}

/// Why no response could be worked out. Each of these is a fault of the program's own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RespondError {
    /// The verdict was reached under another policy.
    #[error("the verdict names the rule `{0}`, which the policy does not have: decide anew with this policy")]
    UnknownRule(RuleId),
    /// The verdict was reached for another envelope.
    #[error(
        "the verdict is for {verdict} recipients, the envelope has {envelope}: decide anew for this envelope"
    )]
    Recipients {
        /// How many the verdict has.
        verdict: usize,
        /// How many the envelope has.
        envelope: usize,
    },
}

/// Works out what is to be done.
///
/// # Errors
/// When the verdict fits neither the policy nor the envelope.
pub fn respond(context: &Context<'_>) -> Result<Response, RespondError> {
    let Context { message, verdict, .. } = context;
    let Standing { ours, proven, answerable } = standing(context)?;
    let mut fates = fates(&verdict.recipients, answerable);
    if fates.rejected {
        let listener = if proven { Listener::Ours } else { Listener::Outsider };
        return Ok(refused(refusal(context, listener)?));
    }
    let with_answers = |fates: Fates, edits: Edits, copies: Vec<String>| {
        let tells_of_hold = answerable && tells_of_hold(context, &fates.held)?;
        let answered = tells_of_hold || !fates.returned.is_empty();
        Ok(Response {
            tells_of_hold,
            advises: if answerable && !answered { advising(context, &fates.delivered)? } else { Vec::new() },
            held_override: strictest(context, &fates.held)?,
            returned_override: strictest(context, &fates.returned)?,
            ..settled(fates, edits, copies)
        })
    };
    if fates.delivered.is_empty() {
        return with_answers(fates, Edits::default(), Vec::new());
    }
    let mut edits = Edits { header: remove_own(message), body: Vec::new() };
    edits.extend(marks(context, &fates.delivered, answerable)?);
    match disclaimed(context, &fates.delivered, ours) {
        Disclaimed::Edits(added) => edits.extend(added),
        Disclaimed::Refused(barrier) => {
            // A refusal of the whole would lose what is held or returned for others.
            if fates.held.is_empty() && fates.returned.is_empty() {
                return Ok(refused(disclaimer_refusal(barrier, context.reference)));
            }
            let refused = std::mem::take(&mut fates.delivered);
            let stopped = if answerable { &mut fates.returned } else { &mut fates.held };
            stopped.extend(refused);
            stopped.sort_unstable();
            edits = Edits::default();
        }
    }
    let copies = copies(context, &fates.delivered)?;
    with_answers(fates, edits, copies)
}

/// The same for a message of which a person decided that it goes: it is marked, disclaimed and copied as what no rule stops,
/// and goes to all its recipients whatever the verdict. Where the disclaimer's fallback would refuse it, it goes without.
///
/// # Errors
/// When the verdict fits neither the policy nor the envelope.
pub fn let_go(context: &Context<'_>) -> Result<Response, RespondError> {
    let Standing { ours, answerable, .. } = standing(context)?;
    let everyone: SmallVec<[usize; 4]> = (0..context.envelope.recipients.len()).collect();
    let mut edits = Edits { header: remove_own(context.message), body: Vec::new() };
    edits.extend(marks(context, &everyone, answerable)?);
    if let Disclaimed::Edits(added) = disclaimed(context, &everyone, ours) {
        edits.extend(added);
    }
    let copies = copies(context, &everyone)?;
    Ok(settled(Fates { delivered: everyone, ..Fates::default() }, edits, copies))
}

/// Where the sender stands to the organisation.
struct Standing {
    ours: bool,
    /// Whether more says so than the address. Who only claims to be one of ours is not answered: it may be somebody else's.
    proven: bool,
    answerable: bool,
}

fn standing(context: &Context<'_>) -> Result<Standing, RespondError> {
    let Context { envelope, message, verdict, policy, .. } = context;
    if verdict.recipients.len() != envelope.recipients.len() {
        let (verdict, envelope) = (verdict.recipients.len(), envelope.recipients.len());
        return Err(RespondError::Recipients { verdict, envelope });
    }
    let organisation = policy.organisation();
    let ours = organisation.sender_is_ours(envelope);
    let proven = ours && organisation.answers.proof(envelope) != Proof::None;
    Ok(Standing { ours, proven, answerable: proven && is_answerable(envelope, message) })
}

/// What one of ours hears at the SMTP door of a message that is refused.
///
/// # Errors
/// When the verdict fits neither the policy nor the envelope.
pub fn refusal_text(context: &Context<'_>) -> Result<String, RespondError> {
    refusal(context, Listener::Ours)
}

/// Whether the sender is told that the message is held for these: each rule that holds it must say so.
fn tells_of_hold(context: &Context<'_>, held: &[usize]) -> Result<bool, RespondError> {
    let mut holding = enforced(context, held)?.into_iter().filter(|(found, _)| !found.action.delivers());
    Ok(!held.is_empty()
        && holding.all(|(found, rule)| found.action != Action::Hold || rule.then.tells_sender))
}

/// The rules that let the message go to these and advise its sender.
fn advising(context: &Context<'_>, delivered: &[usize]) -> Result<Vec<RuleId>, RespondError> {
    let advising = enforced(context, delivered)?.into_iter().filter(|(_, rule)| rule.then.advises);
    Ok(advising.map(|(found, _)| found.rule.clone()).collect())
}

/// What the sender may do about a message that is stopped for these: the strictest of the rules that stop it says.
fn strictest(context: &Context<'_>, stopped: &[usize]) -> Result<Override, RespondError> {
    let stopping = enforced(context, stopped)?.into_iter().filter(|(found, _)| !found.action.delivers());
    Ok(stopping.map(|(_, rule)| rule.then.may_override).max().unwrap_or_default())
}

/// Who gets a copy of what is delivered, each once, unless the message goes to them anyway.
fn copies(context: &Context<'_>, delivered: &[usize]) -> Result<Vec<String>, RespondError> {
    let there = |address: &str| {
        let same = |index: &usize| {
            context.envelope.recipients.get(*index).is_some_and(|to| to.folded() == address.to_lowercase())
        };
        delivered.iter().any(same)
    };
    let mut copies: Vec<String> = Vec::new();
    for (_, rule) in enforced(context, delivered)? {
        for address in &rule.then.copy_to {
            if !there(address) && !copies.iter().any(|known| known.eq_ignore_ascii_case(address)) {
                copies.push(address.clone());
            }
        }
    }
    Ok(copies)
}

fn refused(text: String) -> Response {
    Response {
        edits: Edits::default(),
        delivery: Delivery::Reject(text),
        held: Vec::new(),
        returned: Vec::new(),
        tells_of_hold: false,
        advises: Vec::new(),
        held_override: Override::Never,
        returned_override: Override::Never,
    }
}

fn settled(fates: Fates, edits: Edits, copies: Vec<String>) -> Response {
    let Fates { delivered, held, returned, .. } = fates;
    let delivery = if delivered.is_empty() {
        Delivery::Discard
    } else {
        let mut remove: Vec<usize> = held.iter().chain(&returned).copied().collect();
        remove.sort_unstable();
        Delivery::Accept { remove, add: copies }
    };
    let never = Override::Never;
    Response {
        edits,
        delivery,
        held,
        returned,
        tells_of_hold: false,
        advises: Vec::new(),
        held_override: never,
        returned_override: never,
    }
}

/// The enforced rules that matched for any of these recipients, with what they do.
pub(super) fn enforced<'a>(
    context: &Context<'a>,
    recipients: &[usize],
) -> Result<Vec<(&'a RuleMatch, &'a Rule)>, RespondError> {
    let concerns = |found: &&RuleMatch| {
        found.mode == Mode::Enforce && found.recipients.iter().any(|recipient| recipients.contains(recipient))
    };
    context
        .verdict
        .rules
        .iter()
        .filter(concerns)
        .map(|found| {
            let rule = context.policy.rule(&found.rule);
            rule.map(|rule| (found, rule)).ok_or_else(|| RespondError::UnknownRule(found.rule.clone()))
        })
        .collect()
}

/// The edits of all rules that tag or mark the message for those who get it.
fn marks(context: &Context<'_>, delivered: &[usize], answerable: bool) -> Result<Edits, RespondError> {
    let marking: Vec<(&RuleMatch, &Rule)> = enforced(context, delivered)?
        .into_iter()
        .filter(|(found, _)| matches!(found.action, Action::Tag | Action::Mark))
        .collect();
    let Some(action) = marking.iter().map(|(found, _)| found.action).max() else {
        return Ok(Edits::default());
    };
    let thens: Vec<&Then> = marking.iter().map(|(_, rule)| &rule.then).collect();
    let rules = marking.iter().map(|(found, _)| &found.rule).collect();
    // A receipt goes to a person of ours: not to whoever a list or a machine writes as, nor to a stranger.
    let sender = context.envelope.sender.as_ref();
    let receipt_to = sender.filter(|sender| answerable && context.policy.organisation().is_ours(sender));
    let tag = Tag { action, receipt_to, reference: context.reference, rules };
    Ok(mark::edits(context.message, &thens, &tag))
}

enum Disclaimed {
    Edits(Edits),
    Refused(Barrier),
}

/// The disclaimer's edits, or what its fallback makes of a message that cannot take it.
fn disclaimed(context: &Context<'_>, delivered: &[usize], ours: bool) -> Disclaimed {
    let none = Disclaimed::Edits(Edits::default());
    if context.policy.disclaimers().is_empty() {
        return none;
    }
    let Some(disclaimer) = wanted_disclaimer(context, delivered, ours) else { return none };
    let barrier = match insert(context.message, disclaimer) {
        Insertion::Edits(edits) => return Disclaimed::Edits(edits),
        Insertion::Present => return none,
        Insertion::Barred(barrier) => barrier,
    };
    match disclaimer.fallback {
        // A bounce or a receipt is no correspondence: it goes as it is, whatever the fallback.
        _ if barrier == Barrier::Report => none,
        Fallback::Skip => none,
        Fallback::Wrap => {
            let wrapped = wrap(context.message, disclaimer, barrier, context.reference);
            Disclaimed::Edits(wrapped.unwrap_or_default())
        }
        Fallback::Reject => Disclaimed::Refused(barrier),
    }
}

fn wanted_disclaimer<'a>(context: &Context<'a>, delivered: &[usize], ours: bool) -> Option<&'a Disclaimer> {
    let all = context.policy.directions(context.envelope);
    let mut directions: Vec<Direction> = Vec::new();
    for direction in delivered.iter().filter_map(|recipient| all.get(*recipient)) {
        // What strangers send through us to strangers is not our correspondence.
        if (ours || *direction == Direction::Inbound) && !directions.contains(direction) {
            directions.push(*direction);
        }
    }
    let sender = context.envelope.sender.as_ref();
    let school = sender.and_then(|sender| context.policy.school_of(sender)).map(|school| school.id.as_str());
    choose_disclaimer(context.policy.disclaimers(), school, &directions)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::limits::Limits;
    use crate::message::{Address, Client, Origin};
    use crate::policy::Sources;
    use crate::respond::apply;
    use crate::verdict::Coverage;

    const ORGANISATION: &str = "name = \"Hillside Trust\"\ndomains = [\"hillside.example\"]\n\
        [[school]]\nid = \"oakfield\"\nname = \"Oakfield School\"\ndomains = [\"oakfield.example\"]\n";

    /// A policy of rules that only their ids and what they do matter of.
    fn policy(disclaimers: &str) -> Policy {
        let rule = |id: &str, then: &str| {
            format!(
                "[[rule]]\nid = \"{id}\"\ntitle = \"Title of {id}\"\nclause = \"Mail policy, 7\"\ncategory = \"test\"\n\
                 severity = \"mild\"\nmode = \"enforce\"\nif.direction = [\"outbound\"]\nthen = {{ {then} }}\n"
            )
        };
        let rules = [
            rule(
                "tag",
                "action = \"tag\", subject-prefix = \"[found] \", headers = { \"X-Found\" = \"yes\" }",
            ),
            rule(
                "mark",
                "action = \"mark\", subject-prefix = \"CONFIDENTIAL:\", headers = { \"Sensitivity\" = \"Company-Confidential\" }",
            ),
            rule("receipt", "action = \"mark\", receipt = \"request\""),
            rule("hold", "action = \"hold\""),
            rule("return", "action = \"return\", guidance = \"initials\""),
            rule("reject", "action = \"reject\", reply = \"No.\\nNot so.\""),
        ];
        let files = [
            ("organisation.toml", ORGANISATION.to_owned()),
            ("rules.toml", rules.concat()),
            ("disclaimers.toml", disclaimers.to_owned()),
            ("guidance/initials.md", "Write **O.B.** in its place.\n".to_owned()),
        ];
        let files: BTreeMap<String, String> =
            files.into_iter().map(|(path, text)| (path.to_owned(), text)).collect();
        Policy::compile(&Sources { files }).unwrap()
    }

    fn envelope(sender: &str, recipients: &[&str]) -> Envelope {
        Envelope {
            queue_id: None,
            origin: Origin::Smtp,
            client: Some(Client { address: Some([127, 0, 0, 1].into()), name: "localhost".to_owned() }),
            authenticated: None,
            sender: Address::parse(sender.as_bytes()),
            recipients: recipients.iter().filter_map(|to| Address::parse(to.as_bytes())).collect(),
        }
    }

    /// A verdict of what each recipient gets, every rule with a recipient of that action as a match.
    fn verdict(actions: &[(Action, &str)]) -> Verdict {
        let mut rules: Vec<RuleMatch> = Vec::new();
        for (index, (action, rule)) in actions.iter().enumerate().filter(|(_, (_, rule))| !rule.is_empty()) {
            match rules.iter_mut().find(|found| found.rule.0 == *rule) {
                Some(found) => found.recipients.push(index),
                None => rules.push(RuleMatch {
                    rule: RuleId((*rule).to_owned()),
                    mode: Mode::Enforce,
                    action: *action,
                    recipients: vec![index],
                }),
            }
        }
        Verdict {
            action: actions.iter().map(|(action, _)| *action).max().unwrap_or_default(),
            recipients: actions.iter().map(|(action, _)| *action).collect(),
            rules,
            findings: Vec::new(),
            personal: crate::verdict::Personal::default(),
            coverage: Coverage::default(),
            elapsed: None,
        }
    }

    const ANA: &str = "<ana@oakfield.example>";
    const STANDARD: &str = "[[disclaimer]]\nid = \"trust\"\ntext = \"The trust's words.\"\n\
        [[disclaimer]]\nid = \"oakfield\"\nschool = [\"oakfield\"]\ntext = \"The school's words.\"\n\
        [[disclaimer]]\nid = \"in\"\ndirection = [\"inbound\"]\ntext = \"From outside.\"\n";
    const MAIL: &[u8] =
        b"Subject: the wall\r\nx-MAILWARDEN-Pass: forged\r\nFrom: Ana\r\nX-Mailwarden: forged\r\n\
        Sensitivity: Private\r\nSensitivity: Personal\r\n\r\nHello.\r\n";

    fn ask(
        policy: &Policy,
        raw: &[u8],
        sender: &str,
        recipients: &[&str],
        actions: &[(Action, &str)],
    ) -> (Response, String) {
        let message = Message::parse(raw, &Limits::default());
        let (envelope, verdict) = (envelope(sender, recipients), verdict(actions));
        let context = Context {
            envelope: &envelope,
            message: &message,
            verdict: &verdict,
            policy,
            reference: "4XYZ",
            contact: "it@oakfield.example",
        };
        let response = respond(&context).unwrap();
        let out = apply(raw, &response.edits);
        (response, String::from_utf8(out).unwrap())
    }

    #[test]
    fn own_fields_are_removed_from_whatever_passes() {
        let to = ["<bo@beechwood.example>"];
        let (response, out) = ask(&policy(""), MAIL, ANA, &to, &[(Action::Pass, "")]);
        assert_eq!(response.delivery, Delivery::Accept { remove: Vec::new(), add: Vec::new() });
        assert_eq!(
            out,
            "Subject: the wall\r\nFrom: Ana\r\nSensitivity: Private\r\nSensitivity: Personal\r\n\r\nHello.\r\n"
        );
    }

    #[test]
    fn marks_of_all_rules_apply_together() {
        let to = ["<bo@beechwood.example>", "<di@beechwood.example>"];
        let actions = [(Action::Tag, "tag"), (Action::Mark, "mark")];
        let (response, out) = ask(&policy(""), MAIL, ANA, &to, &actions);
        assert_eq!(response.delivery, Delivery::Accept { remove: Vec::new(), add: Vec::new() });
        assert_eq!(
            out,
            "Subject: [found] CONFIDENTIAL: the wall\r\nFrom: Ana\r\nSensitivity: Company-Confidential\r\n\
             X-Found: yes\r\nX-Mailwarden: mark; ref=4XYZ; rules=\"tag mark\"\r\n\r\nHello.\r\n"
        );
        // Once more through the filter, nothing doubles.
        let (_, again) = ask(&policy(""), out.as_bytes(), ANA, &to, &actions);
        assert_eq!(again, out);
    }

    #[test]
    fn rules_that_concern_only_those_who_do_not_get_it_leave_no_mark() {
        let to = ["<bo@beechwood.example>", "<di@beechwood.example>"];
        let (response, out) = ask(&policy(""), MAIL, ANA, &to, &[(Action::Pass, ""), (Action::Hold, "hold")]);
        assert_eq!(response.delivery, Delivery::Accept { remove: vec![1], add: Vec::new() });
        assert_eq!((response.held, response.returned), (vec![1], Vec::new()));
        assert!(!out.contains("X-Mailwarden"), "{out}");
    }

    #[test]
    fn observed_rules_do_nothing() {
        let policy = policy("");
        let message = Message::parse(MAIL, &Limits::default());
        let envelope = envelope(ANA, &["<bo@beechwood.example>"]);
        let mut verdict = verdict(&[(Action::Tag, "tag")]);
        verdict.recipients = vec![Action::Pass];
        for found in &mut verdict.rules {
            found.mode = Mode::Observe;
        }
        let context = Context {
            envelope: &envelope,
            message: &message,
            verdict: &verdict,
            policy: &policy,
            reference: "4XYZ",
            contact: "it@oakfield.example",
        };
        assert!(
            !apply(MAIL, &respond(&context).unwrap().edits).windows(7).any(|window| window == b"[found]")
        );
    }

    #[test]
    fn what_nobody_gets_is_discarded_or_refused() {
        use Action::{Hold, Pass, Reject, Return};
        let policy = policy("");
        type Fate<'a> = (&'a [(Action, &'a str)], Delivery, &'a [usize], &'a [usize]);
        let cases: [Fate<'_>; 6] = [
            (&[(Hold, "hold"), (Return, "return")], Delivery::Discard, &[0], &[1]),
            (
                &[(Reject, "reject"), (Reject, "reject")],
                Delivery::Reject("No.\nNot so.\nTitle of reject (Mail policy, 7)\nIf you have a question, or think that this is a mistake, ask it@oakfield.example. Give the reference 4XYZ.".to_owned()),
                &[],
                &[],
            ),
            (
                &[(Reject, "hold"), (Reject, "hold")],
                Delivery::Reject(
                    "Your message was not delivered.\nTitle of hold (Mail policy, 7)\nIf you have a question, or think that this is a mistake, ask it@oakfield.example. Give the reference 4XYZ."
                        .to_owned(),
                ),
                &[],
                &[],
            ),
            (
                &[(Pass, ""), (Reject, "reject")],
                Delivery::Accept { remove: vec![1], add: Vec::new() },
                &[],
                &[1],
            ),
            (&[(Hold, "hold"), (Reject, "reject")], Delivery::Discard, &[0], &[1]),
            (
                &[(Return, "return"), (Pass, "")],
                Delivery::Accept { remove: vec![0], add: Vec::new() },
                &[],
                &[0],
            ),
        ];
        for (actions, delivery, held, returned) in cases {
            let to = ["<bo@beechwood.example>", "<di@beechwood.example>"];
            let (response, _) = ask(&policy, MAIL, ANA, &to, actions);
            assert_eq!(
                (&response.delivery, &*response.held, &*response.returned),
                (&delivery, held, returned),
                "{actions:?}"
            );
        }
    }

    #[test]
    fn what_no_one_may_answer_is_held() {
        let to = ["<bo@beechwood.example>"];
        let with = |field: &str| [field.as_bytes(), b"\r\n", MAIL].concat();
        let cases = [
            (ANA, with("Auto-Submitted: auto-generated (rule)")),
            (ANA, with("Auto-Submitted: Auto-Replied; x=1")),
            (ANA, with("Precedence: Bulk")),
            (ANA, with("List-Id: <staff.oakfield.example>")),
            ("<>", MAIL.to_vec()),
            ("<someone@elsewhere.example>", MAIL.to_vec()),
        ];
        for (sender, raw) in cases {
            let (response, _) = ask(&policy(""), &raw, sender, &to, &[(Action::Return, "return")]);
            assert_eq!(
                (response.held, response.returned),
                (vec![0], Vec::new()),
                "{sender} {}",
                raw.escape_ascii()
            );
        }
        for field in ["Auto-Submitted: no", "Precedence: first-class", "X: y"] {
            let (response, _) = ask(&policy(""), &with(field), ANA, &to, &[(Action::Return, "return")]);
            assert_eq!((response.held, response.returned), (Vec::new(), vec![0]), "{field}");
        }
    }

    #[test]
    fn a_disclaimer_goes_by_school_and_direction() {
        let policy = policy(STANDARD);
        let out = |sender: &str, to: &[&str]| {
            let actions = vec![(Action::Pass, ""); to.len()];
            ask(&policy, MAIL, sender, to, &actions).1
        };
        let words = |out: &str| ["The trust", "The school", "From outside"].map(|words| out.contains(words));
        assert_eq!(words(&out(ANA, &["<bo@beechwood.example>"])), [false, true, false]);
        assert_eq!(words(&out("<di@hillside.example>", &["<bo@beechwood.example>"])), [true, false, false]);
        assert_eq!(words(&out(ANA, &["<di@hillside.example>"])), [false; 3]);
        assert_eq!(
            words(&out(ANA, &["<di@hillside.example>", "<bo@beechwood.example>"])),
            [false, true, false]
        );
        assert_eq!(words(&out("<bo@beechwood.example>", &[ANA])), [false, false, true]);
        assert_eq!(
            words(&out("<bo@beechwood.example>", &["<cy@elsewhere.example>"])),
            [false; 3],
            "forwarded"
        );
        let held = [(Action::Pass, ""), (Action::Hold, "hold")];
        let to = ["<di@hillside.example>", "<bo@beechwood.example>"];
        assert_eq!(words(&ask(&policy, MAIL, ANA, &to, &held).1), [false; 3], "the outsider does not get it");
    }

    #[test]
    fn mail_that_cannot_take_it_meets_the_fallback() {
        let picture = b"MIME-Version: 1.0\r\nContent-Type: image/png\r\nSubject: x\r\n\r\nPNG\r\n";
        let disclaimer = |fallback: &str| {
            policy(&format!(
                "[[disclaimer]]\nid = \"a\"\nfallback = \"{fallback}\"\ntext = \"Some words.\"\n"
            ))
        };
        let to = ["<bo@beechwood.example>", "<di@beechwood.example>"];
        let pass = [(Action::Pass, ""), (Action::Pass, "")];
        let (response, out) = ask(&disclaimer("skip"), picture, ANA, &to, &pass);
        assert_eq!(
            (response.delivery, out.as_bytes()),
            (Delivery::Accept { remove: Vec::new(), add: Vec::new() }, &picture[..])
        );
        let (_, out) = ask(&disclaimer("wrap"), picture, ANA, &to, &pass);
        assert!(
            out.contains("Some words.") && out.contains("Content-Type: image/png\r\n\r\nPNG\r\n"),
            "{out}"
        );
        let (response, _) = ask(&disclaimer("reject"), picture, ANA, &to, &pass);
        assert!(matches!(&response.delivery, Delivery::Reject(text) if text.contains("it has no text")));
        // With a recipient for whom it is held, a refusal would say too much: those who would get it are told of.
        let mixed = [(Action::Pass, ""), (Action::Hold, "hold")];
        let (response, _) = ask(&disclaimer("reject"), picture, ANA, &to, &mixed);
        assert_eq!(
            (response.delivery, response.held, response.returned),
            (Delivery::Discard, vec![1], vec![0])
        );
        assert_eq!(response.edits, Edits::default());
        let report = b"Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\r\nBounced.\r\n--b--\r\n";
        let (response, _) = ask(&disclaimer("reject"), report, ANA, &to, &pass);
        assert_eq!(response.delivery, Delivery::Accept { remove: Vec::new(), add: Vec::new() });
    }

    #[test]
    fn what_a_person_let_go_is_marked_and_stopped_by_nothing() {
        let reject = "[[disclaimer]]\nid = \"a\"\nfallback = \"reject\"\ntext = \"Some words.\"\n";
        let to = ["<bo@beechwood.example>", "<di@beechwood.example>"];
        let actions = [(Action::Reject, "reject"), (Action::Hold, "hold"), (Action::Tag, "tag")];
        for (raw, words) in [
            (MAIL, "Some words."),
            (b"MIME-Version: 1.0\r\nContent-Type: image/png\r\nSubject: x\r\n\r\nPNG\r\n", "\r\n\r\nPNG\r\n"),
        ] {
            let policy = policy(reject);
            let (envelope, mut verdict) = (envelope(ANA, &to), verdict(&actions));
            verdict.recipients.truncate(2);
            for found in &mut verdict.rules {
                found.recipients = vec![0, 1];
            }
            let response = let_go(&Context {
                envelope: &envelope,
                message: &Message::parse(raw, &Limits::default()),
                verdict: &verdict,
                policy: &policy,
                reference: "4XYZ",
                contact: "it@oakfield.example",
            })
            .unwrap();
            assert_eq!(response.delivery, Delivery::Accept { remove: Vec::new(), add: Vec::new() });
            assert_eq!((response.held, response.returned, response.advises), (vec![], vec![], vec![]));
            let out = String::from_utf8(apply(raw, &response.edits)).unwrap();
            assert!(out.contains(words) && out.contains("Subject: [found] "), "{out}");
            assert!(out.contains("X-Mailwarden: tag; ref=4XYZ; rules=\"tag\"\r\n"), "{out}");
        }
    }

    #[test]
    fn receipts_go_to_people_of_ours() {
        let out = |raw: &[u8], from: &str| {
            ask(&policy(""), raw, from, &["<bo@beechwood.example>"], &[(Action::Mark, "receipt")]).1
        };
        let asked = "Disposition-Notification-To: <ana@oakfield.example>\r\n";
        assert!(out(MAIL, ANA).contains(asked));
        for (from, field) in [
            ("<cy@elsewhere.example>", ""),
            ("<>", ""),
            (ANA, "List-Id: <staff.oakfield.example>\r\n"),
            (ANA, "Precedence: bulk\r\n"),
            (ANA, "Auto-Submitted: auto-generated\r\n"),
        ] {
            let raw = [field.as_bytes(), MAIL].concat();
            let out = out(&raw, from);
            assert!(
                !out.contains("Disposition-Notification-To") && out.contains("X-Mailwarden: mark"),
                "{from} {field}"
            );
        }
    }

    #[test]
    fn a_verdict_that_does_not_fit_is_an_error() {
        let policy = policy("");
        let message = Message::parse(MAIL, &Limits::default());
        let envelope = envelope(ANA, &["<bo@beechwood.example>"]);
        for (verdict, error) in [
            (verdict(&[]), RespondError::Recipients { verdict: 0, envelope: 1 }),
            (verdict(&[(Action::Tag, "gone")]), RespondError::UnknownRule(RuleId("gone".to_owned()))),
        ] {
            let context = Context {
                envelope: &envelope,
                message: &message,
                verdict: &verdict,
                policy: &policy,
                reference: "4XYZ",
                contact: "it@oakfield.example",
            };
            assert_eq!(respond(&context), Err(error));
        }
    }
}
