//! What a rule says of answers, checked: its replies at the SMTP door, what the sender may do, whether they are told.

use std::ops::Range;

use super::located::Located;
use super::raw::{RawThen, YesNo};
use super::rule::{Override, is_safeguarding};
use super::rule_compile::RuleCompiler;
use crate::verdict::Action;

/// What a rule says of answers.
pub(super) struct Answering {
    pub(super) may_override: Override,
    pub(super) tells_sender: bool,
    pub(super) advises: bool,
}

impl RuleCompiler<'_> {
    pub(super) fn answering(&mut self, raw: &RawThen) -> Answering {
        let action = raw.action.value;
        let may_override = raw.may_override.as_ref().map_or(Override::Never, |written| written.value);
        if let Some(written) = &raw.may_override
            && written.value != Override::Never
        {
            self.check_override(written, action);
        }
        let safeguarding = is_safeguarding(&self.raw.category.value);
        let told = raw.notify_sender.as_ref();
        if let Some(written) = told
            && matches!(action, Action::Return | Action::Reject)
        {
            self.fault(&written.span, format!("`notify-sender` has no effect on the action \"{action}\""))
                .say("who has mail returned or refused is always told; delete it");
        }
        if let Some(written) = told.filter(|written| safeguarding && written.value == YesNo::Yes) {
            self.fault(
                &written.span,
                "the sender of a message that a rule on safeguarding noticed is never told",
            )
            .say("delete `notify-sender`, or give the rule another category");
        }
        let advises = action.delivers() && told.is_some_and(|written| written.value == YesNo::Yes);
        if let Some(written) = told.filter(|_| advises && raw.guidance.is_none()) {
            self.fault(&written.span, "a rule that advises its sender needs a guidance")
                .say("add `guidance = \"…\"`, the name of a file in guidance/: it is what the sender reads");
        }
        let tells_sender = !safeguarding && told.is_none_or(|written| written.value == YesNo::Yes);
        Answering { may_override, tells_sender, advises: advises && !safeguarding }
    }

    fn check_override(&mut self, written: &Located<Override>, action: Action) {
        let name = written.value.name();
        if !matches!(action, Action::Hold | Action::Return) {
            self.fault(&written.span, format!("`override` has no effect on the action \"{action}\""))
                .say("only what is held or returned is kept, so that it can still be sent; delete it");
            return;
        }
        if is_safeguarding(&self.raw.category.value) {
            self.fault(&written.span, "nobody confirms a message that is held for safeguarding")
                .say("delete `override`, or give the rule another category");
            return;
        }
        let category = &self.raw.category.value;
        let Some(organisation) = self.organisation() else { return };
        let approved = |school: Option<&str>| !organisation.answers.approvers(school, category).is_empty();
        let schools = self.raw.school.as_deref().unwrap_or(&[]);
        let everywhere = match schools {
            [] => approved(None) && organisation.schools.iter().all(|school| approved(Some(&school.id))),
            named => named.iter().all(|school| approved(Some(&school.value))),
        };
        if written.value == Override::Request && !everywhere {
            let message =
                format!("`override = \"{name}\"`, and nobody is named who decides on \"{category}\"");
            self.fault(&written.span, message)
                .say("add an [[approver]] with `addresses` to organisation.toml; without `school`, for all of them");
        }
    }

    pub(super) fn check_reply(&mut self, raw: &RawThen, span: &Range<usize>) {
        let action = raw.action.value;
        if action == Action::Reject && raw.reply.is_none() {
            self.fault(span, "a rule that rejects mail needs a reply").say(
                "add `reply = \"…\"`: it is what the sender's mail program shows, so say what to do instead",
            );
        }
        for (key, reply) in [("reply", &raw.reply), ("reply-outside", &raw.reply_outside)] {
            let Some(reply) = reply else { continue };
            if action != Action::Reject {
                self.fault(&reply.span, format!("`{key}` has no effect on the action \"{action}\""))
                    .say("only \"reject\" speaks at the SMTP door; use `guidance`");
                continue;
            }
            let text = reply.value.trim();
            if text.is_empty() || text.chars().any(|c| c.is_control() && c != '\n') {
                self.fault(&reply.span, "the reply is empty or has control characters")
                    .say("write one or more lines of text");
            }
        }
    }
}
