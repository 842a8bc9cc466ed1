//! Rules that can never match, found before they are loaded. Points at the contradiction; changes nothing.

use std::ops::Range;

use super::Direction;
use super::fault::{Fault, Source};
use super::raw::{RawRule, RawWhen};

/// Refuses conditions that contradict themselves or each other.
pub(super) fn contradictions(rule: &RawRule, source: &Source, faults: &mut Vec<Fault>) {
    let when = &rule.when.value;
    ranges(when, source, faults);
    if let Some(unless) = &rule.unless {
        ranges(&unless.value, source, faults);
    }
    if when.direction.as_ref().is_some_and(|written| written.value.is_empty()) {
        return;
    }
    let Some((possible, span)) = directions(when) else { return };
    if possible.is_empty() {
        let fault = Fault::new(source, span, "no direction is left, so the rule can never match");
        faults.push(fault.help("name at least one of inbound, outbound and internal, the same everywhere"));
        return;
    }
    let cancelled = rule.unless.as_ref().and_then(|unless| unless.value.direction.as_ref());
    if let Some(cancelled) = cancelled
        && possible.iter().all(|direction| cancelled.value.contains(direction))
    {
        let message = "`unless` cancels every direction of `if`, so the rule can never match";
        let fault = Fault::new(source, cancelled.span.clone(), message);
        faults.push(fault.help("leave one of the directions of `if` out of `unless`"));
    }
    let only = |direction: Direction| possible.iter().all(|other| *other == direction);
    let sender_school = when.sender.as_ref().filter(|party| party.value.school.is_some());
    if let Some(party) = sender_school.filter(|_| only(Direction::Inbound)) {
        let message = "inbound mail comes from no school, so the rule can never match";
        let fault = Fault::new(source, party.span.clone(), message);
        faults.push(fault.help("test the recipient's school"));
    }
    let recipient_school = when.recipient.as_ref().filter(|party| party.value.school.is_some());
    if let Some(party) = recipient_school.filter(|_| only(Direction::Outbound)) {
        let message = "outbound mail goes to no school, so the rule can never match";
        let fault = Fault::new(source, party.span.clone(), message);
        faults.push(fault.help("test the sender's school"));
    }
}

/// The directions that a table leaves, with the place that says so last.
fn directions(when: &RawWhen) -> Option<(Vec<Direction>, Range<usize>)> {
    let own = when.direction.as_ref().map(|written| (written.value.clone(), written.span.clone()));
    let nested = when.all.iter().flat_map(|all| &all.value).filter_map(|group| directions(&group.value));
    own.into_iter().chain(nested).reduce(|(left, _), (right, span)| {
        (left.into_iter().filter(|direction| right.contains(direction)).collect(), span)
    })
}

/// Ranges whose end lies before their start, empty lists of choices, in this table and those within.
fn ranges(when: &RawWhen, source: &Source, faults: &mut Vec<Fault>) {
    let mut refuse = |span: &Range<usize>, message: &str, help: &str| {
        faults.push(Fault::new(source, span.clone(), message).help(help));
    };
    if let Some(raw) = &when.recipients {
        let (at_least, at_most) = (raw.value.at_least, raw.value.at_most);
        range(at_least, at_most, &raw.span, &mut refuse);
    }
    let sizes = [when.size.as_ref(), when.attachment.as_ref().and_then(|raw| raw.value.size.as_ref())];
    for raw in sizes.into_iter().flatten() {
        range(raw.value.at_least, raw.value.at_most, &raw.span, &mut refuse);
    }
    if let Some(raw) = when.attachment.as_ref().and_then(|raw| raw.value.count.as_ref()) {
        range(raw.value.at_least, raw.value.at_most, &raw.span, &mut refuse);
    }
    let choices = [
        when.direction.as_ref().map(|raw| (raw.value.is_empty(), &raw.span)),
        when.doubt.as_ref().map(|raw| (raw.value.is_empty(), &raw.span)),
        when.apart.as_ref().map(|raw| (raw.value.is_empty(), &raw.span)),
        when.coverage.as_ref().map(|raw| (raw.value.is_empty(), &raw.span)),
        when.origin.as_ref().map(|raw| (raw.value.is_empty(), &raw.span)),
        when.protection.as_ref().map(|raw| (raw.value.is_empty(), &raw.span)),
    ];
    for (_, span) in choices.into_iter().flatten().filter(|(empty, _)| *empty) {
        refuse(span, "an empty list of choices can never hold", "add a value, or delete the key");
    }
    let within = [&when.any, &when.all].into_iter().flatten().flat_map(|groups| &groups.value);
    for group in within.chain(when.not.as_deref()) {
        ranges(&group.value, source, faults);
    }
}

fn range<T: PartialOrd>(
    at_least: Option<T>,
    at_most: Option<T>,
    span: &Range<usize>,
    refuse: &mut impl FnMut(&Range<usize>, &str, &str),
) {
    match (at_least, at_most) {
        (None, None) => refuse(span, "the table sets no limit", "add `at-least` or `at-most`"),
        (Some(least), Some(most)) if least > most => {
            refuse(span, "`at-least` is more than `at-most`, so this can never hold", "swap the two");
        }
        _ => {}
    }
}
