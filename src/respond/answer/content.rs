//! What an answer says, as blocks that every form is made of: what happened, why, what to do, what is on record, whom to ask.

use super::found::{Found, found};
use super::markdown::{Block, read};
use super::tried::is_for;
use super::{AnswerContext, Confirmation, Outcome, html};
use crate::message::Address;
use crate::policy::{Language, Override, Phrases, Rule, Told, filled, is_safeguarding, named_of};
use crate::respond::mark::shown_subject;
use crate::respond::plan::{Context, RespondError, enforced};
use crate::verdict::RuleMatch;

/// A list of recipients that a person reads has no more lines than this.
pub(super) const MOST_LISTED: usize = 20;

/// What a sender is told, before it takes a form.
pub(super) struct Account {
    pub(super) language: Language,
    /// What stands in front of the original's subject.
    pub(super) lead: String,
    /// What happened, in a few words.
    pub(super) title: String,
    pub(super) blocks: Vec<Block>,
}

/// A rule that led to it.
pub(super) struct Reason<'a> {
    pub(super) found: &'a RuleMatch,
    pub(super) title: &'a str,
    clause: Option<&'a str>,
    guidance: Option<&'a str>,
}

impl Account {
    pub(super) fn of(context: &AnswerContext<'_>) -> Result<Self, RespondError> {
        let sender = context.envelope.sender.as_ref();
        let language = context.policy.organisation().language_of(sender);
        let rules = reasons(context)?.into_iter();
        let (reasons, later) = rules.partition(|reason| context.is_due_to(reason.found));
        let writer = Writer {
            context,
            phrases: context.policy.guidance().phrases(&language),
            language: &language,
            reasons,
            later,
        };
        let (title, lead) = match context.outcome {
            Outcome::Returned => (&writer.phrases.not_delivered, &writer.phrases.subject_returned),
            Outcome::Held => (&writer.phrases.waiting, &writer.phrases.subject_held),
            Outcome::Delivered => (&writer.phrases.delivered, &writer.phrases.subject_delivered),
            Outcome::Tried => (&writer.phrases.tried, &writer.phrases.subject_tried),
        };
        let (title, lead) = (title.clone(), lead.clone());
        let mut blocks = vec![Block::heading(1, &title)];
        blocks.extend(match context.outcome {
            Outcome::Tried => writer.what_would_happen(),
            _ => writer.what_happened(),
        });
        blocks.extend(writer.why());
        blocks.extend(writer.what_was_found());
        blocks.extend(writer.guidance());
        blocks.extend(context.confirmation.as_ref().map(|how| writer.confirmation(how)).unwrap_or_default());
        if context.outcome == Outcome::Tried {
            blocks.extend(writer.what_would_follow());
        }
        blocks.extend(writer.whom_to_ask());
        if context.outcome != Outcome::Tried {
            blocks.extend(writer.record());
        }
        Ok(Self { language, lead, title, blocks })
    }

    /// The HTML form, a whole page.
    pub(super) fn page(&self) -> String {
        let language = if self.language.tag() == "en" { "en-GB" } else { self.language.tag() };
        html::page(&self.blocks, language, &self.title)
    }
}

/// The rules that acted for those whom it concerns, whether they led to it or not.
fn reasons<'a>(context: &AnswerContext<'a>) -> Result<Vec<Reason<'a>>, RespondError> {
    let AnswerContext { envelope, message, verdict, policy, reference, recipients, contact, .. } = *context;
    let rules = enforced(&Context { envelope, message, verdict, policy, reference, contact }, recipients)?;
    let told = |rule: &Rule| !is_safeguarding(&rule.category);
    let reason = rules.into_iter().filter(|(_, rule)| told(rule)).map(|(found, rule)| Reason {
        found,
        title: &rule.title,
        clause: rule.clause.as_deref(),
        guidance: rule.then.guidance.as_deref(),
    });
    Ok(reason.collect())
}

impl AnswerContext<'_> {
    /// Whether what happened is due to a rule that matched.
    pub(super) fn is_due_to(&self, found: &RuleMatch) -> bool {
        match self.outcome {
            Outcome::Tried => self.recipients.iter().any(|index| is_for(self, found, *index)),
            Outcome::Delivered => found.action.delivers(),
            Outcome::Returned | Outcome::Held => !found.action.delivers(),
        }
    }
}

pub(super) struct Writer<'a> {
    pub(super) context: &'a AnswerContext<'a>,
    pub(super) phrases: &'a Phrases,
    language: &'a Language,
    pub(super) reasons: Vec<Reason<'a>>,
    /// Rules that it is not due to: a trial says of them that what they ask for would come later.
    pub(super) later: Vec<Reason<'a>>,
}

impl<'a> Writer<'a> {
    fn what_happened(&self) -> Vec<Block> {
        let to = match self.context.outcome {
            Outcome::Returned => &self.phrases.not_delivered_to,
            Outcome::Held => &self.phrases.waiting_for,
            Outcome::Delivered | Outcome::Tried => &self.phrases.delivered_to,
        };
        let named = self.recipients();
        let mut blocks = vec![Block::plain(to.as_str()), self.listed(&named)];
        let subject = shown_subject(self.context.message);
        if !subject.is_empty() {
            blocks.push(Block::plain(filled(&self.phrases.subject, &[("subject", &subject)])));
        }
        if named.len() < self.context.envelope.recipients.len() {
            blocks.push(Block::plain(self.phrases.others.as_str()));
        }
        match self.context.outcome {
            Outcome::Returned => blocks.push(Block::plain(self.phrases.attached.as_str())),
            Outcome::Delivered => blocks.push(Block::plain(self.phrases.delivered_only.as_str())),
            Outcome::Held | Outcome::Tried => {}
        }
        blocks
    }

    pub(super) fn listed(&self, named: &[&str]) -> Block {
        let mut items: Vec<String> = named.iter().take(MOST_LISTED).map(|to| (*to).to_owned()).collect();
        let unlisted = named.len().saturating_sub(MOST_LISTED);
        if unlisted > 0 {
            items.push(filled(&self.phrases.more, &[("number", &unlisted.to_string())]));
        }
        Block::list(items)
    }

    fn why(&self) -> Vec<Block> {
        // A trial said already that nothing speaks against it.
        if self.context.outcome == Outcome::Tried && self.reasons.is_empty() {
            return Vec::new();
        }
        let organisation = [("organisation", self.context.policy.organisation().name.as_str())];
        let mut blocks = vec![Block::heading(2, self.phrases.why.as_str())];
        let phrase = match self.reasons.len() {
            _ if self.context.outcome == Outcome::Tried => &self.phrases.tried_rules,
            0 if self.is_undisclaimed() => &self.phrases.no_disclaimer,
            0 => &self.phrases.no_rule,
            1 if self.context.outcome == Outcome::Delivered => &self.phrases.noticed_by,
            _ if self.context.outcome == Outcome::Delivered => &self.phrases.noticed_by_several,
            1 => &self.phrases.one_rule,
            _ => &self.phrases.several_rules,
        };
        blocks.push(Block::plain(filled(phrase, &organisation)));
        if !self.reasons.is_empty() {
            blocks.push(Block::list(self.reasons.iter().map(Reason::named).collect()));
        }
        blocks
    }

    /// Whether it was stopped because it cannot carry the disclaimer: the rules would have delivered it.
    fn is_undisclaimed(&self) -> bool {
        let actions = &self.context.verdict.recipients;
        self.context.recipients.iter().any(|index| actions.get(*index).is_some_and(|one| one.delivers()))
    }

    fn what_was_found(&self) -> Vec<Block> {
        let Found { lines, masked } = found(self.context, self.phrases);
        if lines.is_empty() {
            return Vec::new();
        }
        let mut blocks = vec![Block::heading(2, self.phrases.found.as_str()), Block::list(lines)];
        if masked {
            blocks.push(Block::plain(self.phrases.masked.as_str()));
        }
        blocks
    }

    /// Each guidance text once. Its `outcome` tells it whether anything was done.
    fn guidance(&self) -> Vec<Block> {
        let mut names: Vec<&str> = Vec::new();
        let mut blocks = Vec::new();
        for reason in &self.reasons {
            let Some(name) = reason.guidance.filter(|name| !names.contains(name)) else { continue };
            names.push(name);
            let text = self.context.policy.guidance().text(name, self.language, &self.told(reason));
            blocks.extend(text.map(|text| read(&text, 2)).unwrap_or_default());
        }
        blocks
    }

    fn told(&self, reason: &'a Reason<'_>) -> Told<'a> {
        let organisation = self.context.policy.organisation();
        let sender = self.context.envelope.sender.as_ref();
        let school = sender.and_then(|sender| organisation.school_of(sender));
        let recipients = self.recipients();
        Told {
            organisation: &organisation.name,
            school: school.map_or(&organisation.name, |school| &school.name),
            reference: self.context.reference,
            contact: self.context.contact,
            recipient_count: recipients.len(),
            recipients,
            title: reason.title,
            clause: reason.clause.unwrap_or_default(),
            outcome: self.context.outcome.name(),
            happened: match self.context.outcome {
                Outcome::Returned => &self.phrases.not_delivered,
                Outcome::Held => &self.phrases.waiting,
                Outcome::Delivered => &self.phrases.delivered,
                Outcome::Tried => &self.phrases.tried,
            },
            may_override: self.context.confirmation.map_or(Override::Never, |how| how.may).name(),
            kept_for: organisation.answers.kept_for.as_deref().unwrap_or_default(),
            seen_by: organisation.answers.seen_by.as_deref().unwrap_or_default(),
            emergency: organisation.emergency_of(sender).iter().map(String::as_str).collect(),
            reply_to: organisation.help_reply_to(sender).map_or("", Address::folded),
        }
    }

    fn confirmation(&self, how: &Confirmation<'_>) -> Vec<Block> {
        let what = match how.may {
            Override::Justify => &self.phrases.justify,
            Override::Request => &self.phrases.request,
            Override::Never => return Vec::new(),
        };
        let until = self.phrases.moment(how.until);
        vec![
            Block::heading(2, self.phrases.confirm.as_str()),
            Block::plain(filled(what, &[("send", named_of(&self.phrases.send_words))])),
            Block::plain(filled(&self.phrases.once, &[("until", &until)])),
            Block::plain(filled(&self.phrases.code, &[("address", how.address), ("code", how.code)])),
        ]
    }

    fn whom_to_ask(&self) -> Vec<Block> {
        let values = [("contact", self.context.contact), ("reference", self.context.reference)];
        let ask = match self.context.outcome {
            Outcome::Tried => &self.phrases.tried_ask,
            Outcome::Returned | Outcome::Held | Outcome::Delivered => &self.phrases.ask,
        };
        vec![Block::heading(2, self.phrases.questions.as_str()), Block::plain(filled(ask, &values))]
    }

    fn record(&self) -> Vec<Block> {
        let organisation = self.context.policy.organisation();
        if self.context.outcome == Outcome::Delivered {
            return vec![
                Block::heading(2, self.phrases.recorded.as_str()),
                Block::plain(self.phrases.record_of_advice.as_str()),
            ];
        }
        let answers = &organisation.answers;
        let kept = match &answers.kept_for {
            Some(time) => filled(&self.phrases.kept, &[("time", time)]),
            None => filled(&self.phrases.kept_open, &[("organisation", &organisation.name)]),
        };
        let seen = match &answers.seen_by {
            Some(people) => filled(&self.phrases.seen, &[("people", people)]),
            None => self.phrases.seen_open.clone(),
        };
        vec![
            Block::heading(2, self.phrases.recorded.as_str()),
            Block::plain(format!("{} {kept} {seen}", self.phrases.record)),
        ]
    }

    fn recipients(&self) -> Vec<&'a str> {
        let envelope = self.context.envelope;
        self.context
            .recipients
            .iter()
            .filter_map(|index| envelope.recipients.get(*index))
            .map(Address::folded)
            .collect()
    }
}

impl Reason<'_> {
    pub(super) fn named(&self) -> String {
        match self.clause {
            Some(clause) => format!("{} ({clause})", self.title),
            None => self.title.to_owned(),
        }
    }
}
