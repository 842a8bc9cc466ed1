//! Tables of conditions, compiled: names resolved, patterns and globs checked, limits that nothing can reach refused.

use globset::{GlobSet, GlobSetBuilder};

use super::address::glob;
use super::condition::{AttachmentTest, Condition, HeaderTest, NearTest, PartyId, PatternTest, Test, Zones};
use super::located::Located;
use super::organisation::{address_set, unknown};
use super::party::Party;
use super::raw::{
    InOut, Presence, RawAttachment, RawHeader, RawNear, RawOrigin, RawParty, RawPattern, RawSchedule,
    RawSize, RawWhen, YesNo,
};
use super::rule_compile::RuleCompiler;
use crate::detect::pattern::{PatternId, PatternIndex};
use crate::message::Origin;
use crate::verdict::Zone;

const DEFAULT_ZONES: [Zone; 2] = [Zone::Subject, Zone::Body];
const DEFAULT_WITHIN: usize = 300;
pub(super) const MOST_WITHIN: usize = 10_000;

impl RuleCompiler<'_> {
    /// Compiles a table; its conditions come out with the cheap ones first.
    pub(super) fn group(&mut self, when: &RawWhen) -> Vec<Condition> {
        let mut tests = Vec::new();
        tests.extend(when.direction.as_ref().map(|raw| Test::Direction(raw.value.clone())));
        if let Some(raw) = &when.sender {
            tests.push(Test::Sender(self.party(raw)));
        }
        if let Some(raw) = &when.recipient {
            tests.push(Test::Recipient(self.party(raw)));
        }
        if let Some(raw) = &when.doubt {
            tests.push(self.doubt(raw));
        }
        tests.extend(when.from_name.map(Test::FromName));
        tests.extend(when.apart.as_ref().map(|raw| self.apart(raw)));
        if let Some(raw) = &when.recipients {
            tests.push(self.recipients(raw));
        }
        if let Some(raw) = &when.header {
            tests.push(self.header(raw));
        }
        tests.extend(when.marking.as_ref().map(|raw| Test::Marking(self.marking(raw))));
        tests.extend(when.receipt.map(Test::Receipt));
        let near = when.near.as_ref().and_then(|raw| self.near(raw, when));
        if let Some(raw) = &when.words {
            tests.extend(self.words(&raw.value, near));
        }
        if let Some(raw) = &when.pattern {
            tests.extend(self.pattern(&raw.value, near));
        }
        tests.extend(when.identifiers.as_ref().map(|raw| self.identifiers(&raw.value, near)));
        tests.extend(when.confidentiality.as_ref().map(|raw| self.confidentiality(raw)));
        if let Some(raw) = &when.names {
            tests.push(self.names(raw, near));
        }
        tests.extend(when.secrets.as_ref().map(|raw| Test::Secrets(self.secrets(raw))));
        if let Some(raw) = &when.attachment {
            tests.push(self.attachment(raw));
        }
        tests.extend(when.coverage.as_ref().map(|raw| Test::Coverage(raw.value.clone())));
        if let Some(raw) = &when.schedule {
            tests.push(self.schedule(raw));
        }
        tests.extend(when.authenticated.map(Test::Authenticated));
        tests.extend(when.origin.as_ref().map(|raw| Test::Origin(origins(&raw.value))));
        tests.extend(when.size.as_ref().map(|raw| {
            let (at_least, at_most) = size_range(&raw.value);
            Test::Size { at_least, at_most }
        }));
        tests.extend(when.protection.as_ref().map(|raw| Test::Protection(raw.value.clone())));
        tests.extend(when.any.as_ref().map(|raw| Test::Any(self.groups(raw, "any"))));
        tests.extend(when.all.as_ref().map(|raw| Test::All(self.groups(raw, "all"))));
        tests.extend(when.not.as_ref().map(|raw| {
            self.check_not_empty(raw);
            Test::Not(self.group(&raw.value))
        }));
        let mut conditions: Vec<Condition> = tests
            .into_iter()
            .map(|test| Condition { per_recipient: test.is_per_recipient(), test })
            .collect();
        conditions.sort_by_key(|condition| condition.test.cost());
        conditions
    }

    fn groups(&mut self, raw: &Located<Vec<Located<RawWhen>>>, key: &str) -> Vec<Vec<Condition>> {
        if raw.value.is_empty() {
            self.fault(&raw.span, format!("`{key}` has no table of conditions"))
                .say(format!("write {key} = [{{ … }}, {{ … }}]"));
        }
        for group in &raw.value {
            self.check_not_empty(group);
        }
        raw.value.iter().map(|group| self.group(&group.value)).collect()
    }

    fn check_not_empty(&mut self, group: &Located<RawWhen>) {
        if group.value.is_empty() {
            self.fault(&group.span, "the table has no condition").say("add one, or delete the table");
        }
    }

    pub(super) fn party(&mut self, raw: &Located<RawParty>) -> PartyId {
        let key = party_key(&raw.value);
        if let Some(known) = self.build.party_ids.get(&key) {
            return *known;
        }
        let RawParty { address, domain, group, school, role } = &raw.value;
        if [address, domain, group, school].iter().all(|key| key.is_none()) && role.is_none() {
            self.fault(&raw.span, "the table names nobody")
                .say("add `address`, `domain`, `group`, `school` or `role`");
        }
        let lists = [address, domain, group, school].into_iter().flatten().map(Vec::len);
        for length in lists.chain(role.as_ref().map(Vec::len)) {
            if length == 0 {
                self.fault(&raw.span, "an empty list names nobody, so the condition can never hold")
                    .say("add a name to it, or delete the key");
            }
        }
        for entry in address.iter().flatten().filter(|entry| !is_address(&entry.value)) {
            self.fault(&entry.span, format!("\"{}\" is no address", entry.value))
                .say("write a whole domain under `domain`; an address has an @ within");
        }
        for entry in domain.iter().flatten().filter(|entry| is_address(&entry.value)) {
            self.fault(&entry.span, format!("\"{}\" is no domain", entry.value))
                .say("write an address under `address`");
        }
        self.check_groups(group.as_deref().unwrap_or(&[]));
        let schools = school.as_ref().map(|schools| self.schools_meant(schools));
        let faults = &mut self.build.faults;
        let set = |entries: &Option<Vec<Located<String>>>, faults: &mut Vec<_>| {
            entries
                .as_ref()
                .map(|entries| address_set(&entries.iter().collect::<Vec<_>>(), self.source, faults))
        };
        let party = Party {
            addresses: set(address, faults),
            domains: set(domain, faults),
            groups: group.as_ref().map(|names| names.iter().map(|name| name.value.clone()).collect()),
            schools,
            roles: role.clone(),
        };
        let id = PartyId(self.build.parties.len());
        self.build.parties.push(party);
        self.build.party_ids.insert(key, id);
        id
    }

    fn check_groups(&mut self, names: &[Located<String>]) {
        let Some(organisation) = &self.build.organisation else { return };
        let known: Vec<&str> = organisation.group_names().collect();
        for name in names.iter().filter(|name| !known.contains(&name.value.as_str())) {
            let otherwise = "add it to [groups] in organisation.toml";
            self.build.faults.push(unknown(self.source, name, "group", &known, otherwise));
        }
    }

    fn header(&mut self, raw: &Located<RawHeader>) -> Test {
        let RawHeader { name, is, contains, matches } = &raw.value;
        let well_formed =
            !name.value.is_empty() && name.value.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
        if !well_formed {
            self.fault(&name.span, format!("\"{}\" cannot be the name of a header field", name.value))
                .say("write the name without the colon, such as \"X-Priority\"");
        }
        let tests_value = contains.is_some() || matches.is_some();
        if *is == Some(Presence::Absent) && tests_value {
            self.fault(&raw.span, "an absent field has no value, so the condition can never hold")
                .say("delete `contains` and `matches`, or write is = \"present\"");
        }
        if is.is_none() && !tests_value {
            self.fault(&raw.span, "the condition says nothing of the header field")
                .say("add is = \"present\", is = \"absent\", `contains` or `matches`");
        }
        for text in contains.iter().flatten().filter(|text| text.value.is_empty()) {
            self.fault(&text.span, "every value contains the empty text").say("write what it must contain");
        }
        let pattern = matches.as_ref().filter(|pattern| self.check_pattern(pattern));
        let matches =
            pattern.and_then(|pattern| PatternIndex::new(std::slice::from_ref(&pattern.value)).ok());
        Test::Header(HeaderTest {
            name: name.value.to_ascii_lowercase(),
            is: is.unwrap_or(Presence::Present),
            contains: contains.iter().flatten().map(|text| text.value.to_lowercase()).collect(),
            matches: matches.map(Box::new),
        })
    }

    pub(super) fn zones(&mut self, raw: Option<&Located<Vec<Zone>>>) -> Zones {
        let Some(raw) = raw else { return Zones::of(&DEFAULT_ZONES) };
        if raw.value.is_empty() {
            self.fault(&raw.span, "`in` names no zone, so nothing is looked at")
                .say("delete the key to look at subject and body");
        }
        Zones::of(&raw.value)
    }

    fn pattern(&mut self, raw: &RawPattern, near: Option<NearTest>) -> Option<Test> {
        let zones = self.zones(raw.zones.as_ref());
        if let Some(count) = raw.at_least.as_ref().filter(|count| count.value == 0) {
            self.fault(&count.span, "`at-least` must be 1 or more").say("delete it, or raise it");
        }
        if !self.check_pattern(&raw.matches) {
            return None;
        }
        let patterns = &mut self.build.patterns;
        let index = patterns.iter().position(|known| *known == raw.matches.value).unwrap_or_else(|| {
            patterns.push(raw.matches.value.clone());
            patterns.len() - 1
        });
        self.build.pattern_zones = self.build.pattern_zones.with(zones);
        if near.is_some() {
            self.build.word_zones = self.build.word_zones.with(zones);
        }
        Some(Test::Pattern(PatternTest {
            pattern: PatternId(u16::try_from(index).unwrap_or(u16::MAX)),
            name: raw.name.as_ref().map_or_else(|| self.rule_id().to_owned(), |name| name.value.clone()),
            zones,
            at_least: raw.at_least.as_ref().map_or(1, |count| count.value),
            near,
        }))
    }

    fn check_pattern(&mut self, pattern: &Located<String>) -> bool {
        let Err(error) = PatternIndex::check(&pattern.value) else { return true };
        self.fault(&pattern.span, error.to_string())
            .say("see docs/rules.md for the syntax; single quotation marks save doubling each backslash");
        false
    }

    fn near(&mut self, raw: &Located<RawNear>, when: &RawWhen) -> Option<NearTest> {
        let other = when.identifiers.is_some() || when.names.is_some();
        if when.words.is_none() && when.pattern.is_none() && !other {
            self.fault(&raw.span, "`near` stands alone: near what?")
                .say("add `words`, `pattern`, `identifiers` or `names` to the same table");
        }
        let within = raw.value.within.as_ref().map_or(DEFAULT_WITHIN, |within| within.value);
        if let Some(written) = &raw.value.within
            && (within == 0 || within > MOST_WITHIN)
        {
            self.fault(&written.span, format!("`within` must be 1 to {MOST_WITHIN} characters"))
                .say("300 characters are about three sentences");
        }
        let list = self.build.list(self.source, &raw.value.list)?;
        Some(NearTest { list, within: within.min(MOST_WITHIN) })
    }

    fn attachment(&mut self, raw: &Located<RawAttachment>) -> Test {
        let RawAttachment { name, content_type, kind, protection, fact, coverage, inside, size, count } =
            &raw.value;
        let empty = [
            name.as_ref().is_some_and(Vec::is_empty),
            content_type.as_ref().is_some_and(Vec::is_empty),
            kind.as_ref().is_some_and(Vec::is_empty),
            protection.as_ref().is_some_and(Vec::is_empty),
            fact.as_ref().is_some_and(Vec::is_empty),
            coverage.as_ref().is_some_and(Vec::is_empty),
        ];
        if empty.contains(&true) {
            self.fault(&raw.span, "an empty list names no attachment, so the condition can never hold")
                .say("add a name to it, or delete the key");
        }
        if content_type.is_some() && *inside == Some(YesNo::Yes) {
            self.fault(
                &raw.span,
                "a file inside another has no declared type, so the condition can never hold",
            )
            .say("test its `kind` in place of its `type`");
        }
        let count = count.as_ref().map_or((1, usize::MAX), |count| {
            (count.value.at_least.unwrap_or(0), count.value.at_most.unwrap_or(usize::MAX))
        });
        Test::Attachment(AttachmentTest {
            names: name.as_ref().map(|globs| self.globs(globs)),
            types: content_type.as_ref().map(|globs| self.globs(globs)),
            kinds: kind.as_ref().map(|kinds| kinds.iter().flat_map(|kinds| kinds.0.clone()).collect()),
            protections: protection.clone(),
            facts: fact.clone(),
            gaps: coverage.clone(),
            inside: *inside,
            size: size.as_ref().map(|size| size_range(&size.value)),
            count,
        })
    }

    fn globs(&mut self, written: &[Located<String>]) -> GlobSet {
        let mut set = GlobSetBuilder::new();
        for pattern in written {
            match glob(&pattern.value) {
                Ok(glob) if !pattern.value.is_empty() => _ = set.add(glob),
                _ => self
                    .fault(&pattern.span, format!("\"{}\" is no usable glob", pattern.value))
                    .say("write a name with * for any letters and ? for one, such as \"*.exe\""),
            }
        }
        set.build().unwrap_or_default()
    }

    fn schedule(&mut self, raw: &Located<RawSchedule>) -> Test {
        let RawSchedule { hours, term, days } = &raw.value;
        if hours.is_none() && term.is_none() && days.is_none() {
            self.fault(&raw.span, "the schedule says nothing").say("add `hours`, `term` or `days`");
        }
        if let Some(days) = days.as_ref().filter(|days| days.value.is_empty()) {
            self.fault(&days.span, "no day is named, so the condition can never hold").say("add a day");
        }
        let calendars = self.organisation().map(|organisation| {
            let own = organisation.schools.iter().filter_map(|school| school.calendar.as_ref());
            let mut all = std::iter::once(&organisation.calendar).chain(own);
            let has_hours = all.clone().any(super::calendar::Calendar::has_hours);
            (has_hours, all.any(|calendar| !calendar.terms.is_empty()))
        });
        if let Some((has_hours, has_terms)) = calendars {
            if hours.is_some() && !has_hours {
                self.fault(&raw.span, "the organisation has no working hours")
                    .say("add [calendar.hours] to organisation.toml");
            }
            if term.is_some() && !has_terms {
                self.fault(&raw.span, "the organisation has no terms")
                    .say("add a [[calendar.term]] to organisation.toml");
            }
        }
        let days = days.as_ref().map(|days| days.value.clone());
        let (hours, term): (Option<InOut>, Option<InOut>) = (*hours, *term);
        Test::Schedule { hours, term, days }
    }
}

fn size_range(raw: &RawSize) -> (u64, u64) {
    (raw.at_least.map_or(0, |size| size.0), raw.at_most.map_or(u64::MAX, |size| size.0))
}

fn origins(raw: &[RawOrigin]) -> Vec<Origin> {
    raw.iter()
        .map(|origin| match origin {
            RawOrigin::Smtp => Origin::Smtp,
            RawOrigin::Local => Origin::Local,
        })
        .collect()
}

fn is_address(entry: &str) -> bool {
    entry == "<>" || entry.strip_prefix('@').unwrap_or(entry).contains('@')
}

/// Two parties with the same key are the same.
fn party_key(raw: &RawParty) -> Vec<String> {
    let mut key = Vec::new();
    for (name, list) in
        [("address", &raw.address), ("domain", &raw.domain), ("group", &raw.group), ("school", &raw.school)]
    {
        if let Some(list) = list {
            key.push(format!("{name}\n"));
            key.extend(list.iter().map(|entry| entry.value.to_lowercase()));
        }
    }
    if let Some(roles) = &raw.role {
        key.push("role\n".to_owned());
        key.extend(roles.iter().map(ToString::to_string));
    }
    key
}
