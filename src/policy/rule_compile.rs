//! One rule, from what was written to what is used: its frame, its action and its examples. Conditions are in `when`.

use std::ops::Range;

use super::compile::Build;
use super::example::Example;
use super::fault::{Fault, Source, Warning};
use super::lint;
use super::located::Located;
use super::organisation::{Organisation, bad_id, is_id, unknown};
use super::raw::{Expect, RawRule, RawThen};
use super::rule::{Receipt, Rule, Then, ThenHeader};
use crate::message::Address;
use crate::verdict::{Action, RuleId};

/// Fields that carry the message or that mailwarden keeps for itself. A rule cannot add them.
const RESERVED_FIELDS: [&str; 16] = [
    "from",
    "to",
    "cc",
    "bcc",
    "sender",
    "reply-to",
    "date",
    "subject",
    "message-id",
    "in-reply-to",
    "references",
    "received",
    "return-path",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
];

/// Compiles one rule.
pub(super) struct RuleCompiler<'b> {
    pub(super) build: &'b mut Build,
    pub(super) source: &'b Source,
    pub(super) raw: &'b RawRule,
}

impl<'b> RuleCompiler<'b> {
    pub(super) fn new(build: &'b mut Build, source: &'b Source, raw: &'b RawRule) -> Self {
        Self { build, source, raw }
    }

    pub(super) fn compile(mut self, span: Range<usize>) -> Rule {
        let raw = self.raw;
        for (name, what) in [(&raw.id, "rule"), (&raw.category, "category")] {
            if !is_id(&name.value) {
                let fault = bad_id(self.source, name, what);
                self.build.faults.push(fault);
            }
        }
        if raw.title.value.trim().is_empty() {
            self.fault(&raw.title.span, "the rule has no title").say("say in a few words what it finds");
        }
        self.check_dates();
        let schools = self.schools(raw.school.as_deref().unwrap_or(&[]));
        if raw.when.value.is_empty() {
            self.fault(&raw.when.span, "the rule has no condition, so it would match every message")
                .say("add one to `if`; to mean every message, write `direction` with all three directions");
        }
        let when = self.group(&raw.when.value);
        let unless = raw.unless.as_ref().map(|unless| {
            if unless.value.is_empty() {
                self.fault(&unless.span, "`unless` has no condition").say("add one, or delete the table");
            }
            self.group(&unless.value)
        });
        lint::contradictions(raw, self.source, &mut self.build.faults);
        let then = self.then(&raw.then.value, &raw.then.span);
        let examples = self.examples(&span);
        Rule {
            id: RuleId(raw.id.value.clone()),
            title: raw.title.value.clone(),
            clause: raw.clause.clone(),
            category: raw.category.value.clone(),
            severity: raw.severity,
            mode: raw.mode,
            schools,
            from: raw.from.as_ref().map(|day| day.value.0),
            until: raw.until.as_ref().map(|day| day.value.0),
            then,
            file: self.source.name().to_owned(),
            when,
            unless: unless.unwrap_or_default(),
            examples,
            place: raw.category.span.clone(),
        }
    }

    /// Starts a fault at a place of this rule's file.
    pub(super) fn fault(&mut self, span: &Range<usize>, message: impl Into<String>) -> Pending<'_> {
        Pending {
            fault: Some(Fault::new(self.source, span.clone(), message)),
            faults: &mut self.build.faults,
        }
    }

    pub(super) fn rule_id(&self) -> &str {
        &self.raw.id.value
    }

    pub(super) fn organisation(&self) -> Option<&Organisation> {
        self.build.organisation.as_ref()
    }

    /// The ids of schools, those that there are.
    fn schools(&mut self, written: &[Located<String>]) -> Vec<String> {
        self.school_indices(written);
        written.iter().map(|school| school.value.clone()).collect()
    }

    /// The schools that somebody may belong to, as indices; `*` stands for each of them, those of examples too.
    pub(super) fn schools_meant(&mut self, written: &[Located<String>]) -> Vec<usize> {
        if written.iter().any(|school| school.value == "*") {
            let organisation = self.build.examples_organisation();
            return organisation
                .map_or_else(Vec::new, |organisation| (0..organisation.schools.len()).collect());
        }
        self.school_indices(written)
    }

    fn school_indices(&mut self, written: &[Located<String>]) -> Vec<usize> {
        let Some(organisation) = &self.build.organisation else { return Vec::new() };
        let ids: Vec<&str> = organisation.schools.iter().map(|school| school.id.as_str()).collect();
        let mut indices = Vec::new();
        for school in written {
            match ids.iter().position(|id| *id == school.value) {
                Some(index) => indices.push(index),
                None => {
                    let otherwise = "add a [[school]] to organisation.toml";
                    self.build.faults.push(unknown(self.source, school, "school", &ids, otherwise));
                }
            }
        }
        indices
    }

    fn check_dates(&mut self) {
        let (Some(from), Some(until)) = (&self.raw.from, &self.raw.until) else { return };
        if from.value > until.value {
            let span = until.span.clone();
            self.fault(&span, "the rule ends before it begins, so it can never match")
                .say("swap `from` and `until`");
        }
    }

    fn then(&mut self, raw: &RawThen, span: &Range<usize>) -> Then {
        let action = raw.action.value;
        self.check_guidance(raw.guidance.as_ref());
        if action == Action::Return && raw.guidance.is_none() {
            self.fault(span, "a rule that returns mail needs a guidance")
                .say("add `guidance = \"…\"`, the name of a file in guidance/: it is what the sender reads");
        }
        self.check_reply(raw, span);
        let edits = matches!(action, Action::Tag | Action::Mark);
        if action == Action::Mark
            && raw.subject_prefix.is_none()
            && raw.headers.is_none()
            && raw.receipt.is_none()
        {
            self.fault(span, "the rule marks mail, but not with what")
                .say("add `subject-prefix`, `headers` or `receipt`");
        }
        for key in [
            raw.subject_prefix.as_ref().map(|key| ("subject-prefix", key.span.clone())),
            raw.headers.as_ref().map(|key| ("headers", key.span.clone())),
            raw.receipt.as_ref().map(|key| ("receipt", key.span.clone())),
        ] {
            if let (Some((key, span)), false) = (key, edits) {
                self.fault(&span, format!("`{key}` has no effect on the action \"{action}\""))
                    .say("use it with \"tag\" or \"mark\", or delete it");
            }
        }
        if let Some(prefix) = &raw.subject_prefix
            && (prefix.value.trim().is_empty() || prefix.value.chars().any(char::is_control))
        {
            self.fault(&prefix.span, "the subject prefix is empty or has control characters")
                .say("write a short text, such as \"CONFIDENTIAL: \"");
        }
        let answering = self.answering(raw);
        Then {
            action,
            may_override: answering.may_override,
            tells_sender: answering.tells_sender,
            advises: answering.advises,
            guidance: raw.guidance.as_ref().map(|name| name.value.clone()),
            reply: raw.reply.as_ref().map(|reply| reply.value.clone()),
            reply_outside: raw.reply_outside.as_ref().map(|reply| reply.value.clone()),
            subject_prefix: raw.subject_prefix.as_ref().map(|prefix| prefix.value.clone()),
            receipt: raw.receipt.as_ref().map_or(Receipt::AsItIs, |_| Receipt::Request),
            headers: self.headers(raw),
            copy_to: self.copy_to(raw.copy_to.as_deref().unwrap_or(&[]), action),
        }
    }

    fn check_guidance(&mut self, guidance: Option<&Located<String>>) {
        let Some(name) = guidance else { return };
        if self.build.guidance.has(&name.value) {
            self.build.used_guidance.insert(name.value.clone());
            return;
        }
        let known: Vec<&str> = self.build.guidance.names().collect();
        let otherwise = format!("add guidance/{}.md", name.value);
        self.build.faults.push(unknown(self.source, name, "guidance", &known, &otherwise));
    }

    fn headers(&mut self, raw: &RawThen) -> Vec<ThenHeader> {
        let Some(written) = &raw.headers else { return Vec::new() };
        let mut headers = Vec::new();
        for (name, Located { span, value }) in &written.value {
            let lower = name.to_ascii_lowercase();
            // RFC 5322 §3.6.8: printable US-ASCII except the colon.
            let well_formed = !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && b != b':');
            if !well_formed {
                self.fault(span, format!("\"{name}\" cannot be the name of a header field"))
                    .say("use letters, digits and hyphens, such as X-School-Confidential");
            } else if RESERVED_FIELDS.contains(&lower.as_str()) || lower.starts_with("x-mailwarden") {
                self.fault(span, format!("a rule cannot add the header field \"{name}\""))
                    .say("choose a name of your own that begins with X-");
            }
            if value.chars().any(char::is_control) {
                self.fault(span, "the value of the header field has control characters")
                    .say("write it on one line");
            }
            headers.push(ThenHeader { name: name.clone(), value: value.clone() });
        }
        headers
    }

    fn copy_to(&mut self, written: &[Located<String>], action: Action) -> Vec<String> {
        if let Some(first) = written.first()
            && !action.delivers()
        {
            self.fault(&first.span, format!("`copy-to` has no effect on the action \"{action}\""))
                .say("a copy goes with mail that is delivered: use it with \"pass\", \"tag\" or \"mark\", or delete it");
        }
        for address in written {
            let parsed = Address::parse(address.value.as_bytes());
            let bad = |c: char| c.is_whitespace() || c.is_control() || "<>,;\"".contains(c);
            let usable = parsed
                .is_some_and(|parsed| !parsed.domain().is_empty() && !parsed.local().is_empty())
                && !address.value.contains(bad);
            if !usable {
                self.fault(&address.span, format!("\"{}\" is no address", address.value))
                    .say("write one address, such as \"dsl@oakfield.example\"");
            }
        }
        written.iter().map(|address| address.value.clone()).collect()
    }

    fn examples(&mut self, span: &Range<usize>) -> Vec<Example> {
        let raw = self.raw;
        for (expect, what) in [(Expect::Match, "matches"), (Expect::NoMatch, "does not match")] {
            if !raw.example.iter().any(|example| example.value.expect == expect) {
                let message = format!("the rule has no example that it {what}");
                let fault = Fault::new(self.source, span.clone(), message);
                let help = format!("add a [[rule.example]] with expect = \"{}\"", expect.name());
                self.build.warnings.push(Warning(fault.help(help)));
            }
        }
        let school = raw.school.as_ref().and_then(|schools| schools.first());
        let Some(organisation) = self.build.examples_organisation() else { return Vec::new() };
        let made = raw.example.iter().map(|example| {
            Example::new(
                example,
                organisation,
                school.map(|school| school.value.as_str()),
                raw.from.as_ref().map(|day| day.value.0),
                raw.until.as_ref().map(|day| day.value.0),
                self.source,
            )
        });
        let made: Vec<_> = made.collect();
        let mut examples = Vec::new();
        for example in made {
            match example {
                Ok(example) => examples.push(example),
                Err(fault) => self.build.faults.push(*fault),
            }
        }
        examples
    }
}

/// A fault that still lacks its help.
pub(super) struct Pending<'f> {
    fault: Option<Fault>,
    faults: &'f mut Vec<Fault>,
}

impl Pending<'_> {
    pub(super) fn say(mut self, help: impl Into<String>) {
        self.fault = self.fault.take().map(|fault| fault.help(help));
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.faults.extend(self.fault.take());
    }
}
