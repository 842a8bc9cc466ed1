//! What a label may be: a category of the policy, a rule, or a group of such. Knows names and rules; sees no message.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use crate::policy::Policy;
use crate::verdict::RuleId;

/// The sub-folder whose messages bear no label.
pub const ORDINARY: &str = "ordinary";

/// A label, as an index into [`Labels::all`].
pub type Label = usize;

/// What kind of thing a label names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A category of the policy: all rules of it.
    Category,
    /// One rule.
    Rule,
    /// What a labelled set calls by one name, and the policy by several.
    Group,
}

/// What a label stands for.
#[derive(Debug)]
pub struct Meaning {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// The names that a group was declared with.
    pub of: Vec<String>,
    /// The rules of which any finds it, as indices into the policy's.
    rules: BTreeSet<usize>,
    /// The narrower labels, which it covers: whoever bears one of those bears this one too.
    narrower: BTreeSet<Label>,
}

/// How a message's label stands to the label that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bears {
    /// It says nothing of it: what is found is a false alarm.
    No,
    /// It is broader or overlaps, and doesn't tell.
    Perhaps,
    /// It is the same, or narrower.
    Yes,
}

/// Why a group cannot be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum GroupError {
    /// Its name cannot be a label.
    #[error("\"{0}\" cannot name a group; use lower-case letters, digits and hyphens")]
    Name(String),
    /// Its name is taken.
    #[error("\"{0}\" is a name already; choose another for the group")]
    Taken(String),
    /// It was declared before, and otherwise.
    #[error("group \"{0}\" is declared twice with different members; declare it once")]
    Twice(String),
    /// It is made of nothing.
    #[error("group \"{0}\" has no members; name categories, rules or earlier groups")]
    Empty(String),
    /// A member is unknown.
    #[error("{0}")]
    Unknown(#[from] UnknownLabel),
}

/// A name that is no label.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown label \"{name}\"; {}", remedy(.known))]
pub struct UnknownLabel {
    /// The name.
    pub name: String,
    known: Vec<String>,
}

fn remedy(known: &[String]) -> String {
    format!("use a category, rule or group of these: {}; or declare it with --group", known.join(", "))
}

/// All labels that there are.
#[derive(Debug)]
pub struct Labels {
    all: Vec<Meaning>,
    by_name: HashMap<String, Label>,
}

impl Labels {
    /// The categories and rules of a policy. Where a rule bears a category's name, the name means the category.
    pub fn of(policy: &Policy) -> Self {
        Self::new(policy.rules().iter().map(|rule| (&rule.id, rule.category.as_str())))
    }

    fn new<'r>(rules: impl Iterator<Item = (&'r RuleId, &'r str)>) -> Self {
        let mut labels = Self { all: Vec::new(), by_name: HashMap::new() };
        let mut categories: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut ids = Vec::new();
        for (index, (id, category)) in rules.enumerate() {
            categories.entry(category).or_default().push(index);
            ids.push(id);
        }
        for (index, id) in ids.iter().enumerate().filter(|(_, id)| !categories.contains_key(id.0.as_str())) {
            labels.add(&id.0, Kind::Rule, Vec::new(), BTreeSet::from([index]), BTreeSet::new());
        }
        for (category, rules) in categories {
            let narrower = rules.iter().filter_map(|rule| ids.get(*rule)).filter_map(|id| labels.find(&id.0));
            let narrower = narrower.collect();
            labels.add(category, Kind::Category, Vec::new(), rules.into_iter().collect(), narrower);
        }
        labels
    }

    /// Declares a group; again the same is nothing new.
    pub fn declare(&mut self, name: &str, members: &[String]) -> Result<(), GroupError> {
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || !name.bytes().all(letter) {
            return Err(GroupError::Name(name.to_owned()));
        }
        let of: Vec<String> = BTreeSet::from_iter(members).into_iter().cloned().collect();
        match self.find(name).and_then(|label| self.all.get(label)) {
            Some(known) if known.kind == Kind::Group && known.of == of => return Ok(()),
            Some(known) if known.kind == Kind::Group => return Err(GroupError::Twice(name.to_owned())),
            Some(_) => return Err(GroupError::Taken(name.to_owned())),
            None if name == ORDINARY => return Err(GroupError::Taken(name.to_owned())),
            None if of.is_empty() => return Err(GroupError::Empty(name.to_owned())),
            None => {}
        }
        let (mut rules, mut narrower) = (BTreeSet::new(), BTreeSet::new());
        for member in &of {
            let label = self.named(member)?;
            narrower.insert(label);
            if let Some(meaning) = self.all.get(label) {
                rules.extend(&meaning.rules);
                narrower.extend(&meaning.narrower);
            }
        }
        self.add(name, Kind::Group, of, rules, narrower);
        Ok(())
    }

    /// The label of that name.
    pub fn named(&self, name: &str) -> Result<Label, UnknownLabel> {
        self.find(name).ok_or_else(|| {
            let mut known: Vec<String> =
                self.all.iter().filter(|one| one.kind != Kind::Rule).map(|one| one.name.clone()).collect();
            known.sort();
            UnknownLabel { name: name.to_owned(), known }
        })
    }

    /// All labels, each with what it stands for.
    pub fn all(&self) -> &[Meaning] {
        &self.all
    }

    /// Whether a message with these labels bears the label that is measured.
    pub fn bears(&self, labels: &[Label], measured: Label) -> Bears {
        let Some(meaning) = self.all.get(measured) else { return Bears::No };
        let one = |label: &Label| {
            if *label == measured || meaning.narrower.contains(label) {
                return Bears::Yes;
            }
            let overlaps = self.all.get(*label).is_some_and(|one| !one.rules.is_disjoint(&meaning.rules));
            if overlaps { Bears::Perhaps } else { Bears::No }
        };
        labels.iter().map(one).max().unwrap_or(Bears::No)
    }

    fn find(&self, name: &str) -> Option<Label> {
        self.by_name.get(name).copied()
    }

    fn add(
        &mut self,
        name: &str,
        kind: Kind,
        of: Vec<String>,
        rules: BTreeSet<usize>,
        narrower: BTreeSet<Label>,
    ) {
        self.by_name.insert(name.to_owned(), self.all.len());
        self.all.push(Meaning { name: name.to_owned(), kind, of, rules, narrower });
    }
}

impl Meaning {
    /// Whether that rule's match finds it.
    pub fn found_by(&self, rule: usize) -> bool {
        self.rules.contains(&rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Labels {
        let rules = [
            ("swearing", "swearing"),
            ("double-meanings", "swearing"),
            ("racism", "discrimination"),
            ("sexism", "discrimination"),
            ("betting", "gambling"),
        ];
        let ids: Vec<RuleId> = rules.iter().map(|(id, _)| RuleId((*id).to_owned())).collect();
        let mut labels = Labels::new(ids.iter().zip(rules.iter().map(|(_, category)| *category)));
        let members = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        labels.declare("hateful", &members(&["discrimination"])).unwrap();
        labels.declare("coarse", &members(&["discrimination", "swearing"])).unwrap();
        labels.declare("misuse", &members(&["coarse", "gambling"])).unwrap();
        labels
    }

    #[test]
    fn who_bears_what() {
        let labels = labels();
        for (borne, measured, wanted) in [
            ("swearing", "swearing", Bears::Yes),
            ("double-meanings", "swearing", Bears::Yes),
            ("swearing", "double-meanings", Bears::Perhaps),
            ("racism", "sexism", Bears::No),
            ("racism", "coarse", Bears::Yes),
            ("racism", "misuse", Bears::Yes),
            ("coarse", "misuse", Bears::Yes),
            ("coarse", "discrimination", Bears::Perhaps),
            ("coarse", "gambling", Bears::No),
            ("misuse", "betting", Bears::Perhaps),
            // Neither of two groups lists the other, so one doesn't tell of the other, though they share rules.
            ("hateful", "coarse", Bears::Perhaps),
        ] {
            let found = labels.bears(&[labels.named(borne).unwrap()], labels.named(measured).unwrap());
            assert_eq!(found, wanted, "{borne} for {measured}");
        }
        let both = [labels.named("gambling").unwrap(), labels.named("coarse").unwrap()];
        assert_eq!(labels.bears(&both, labels.named("swearing").unwrap()), Bears::Perhaps);
        assert_eq!(labels.bears(&[], labels.named("swearing").unwrap()), Bears::No);
    }

    #[test]
    fn a_group_that_cannot_be_is_refused() {
        let mut labels = labels();
        let mut declare = |name: &str, members: &[&str]| {
            labels.declare(name, &members.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
        };
        assert!(matches!(declare("new", &["swaering"]), Err(GroupError::Unknown(_))));
        assert_eq!(declare("new", &[]), Err(GroupError::Empty("new".to_owned())));
        for taken in ["gambling", "betting", "ordinary"] {
            assert_eq!(declare(taken, &["swearing"]), Err(GroupError::Taken(taken.to_owned())));
        }
        assert_eq!(declare("coarse", &["swearing", "discrimination"]), Ok(()), "the same again");
        assert_eq!(declare("coarse", &["swearing"]), Err(GroupError::Twice("coarse".to_owned())));
        assert_eq!(declare("Coarse words", &["swearing"]), Err(GroupError::Name("Coarse words".to_owned())));
    }
}
