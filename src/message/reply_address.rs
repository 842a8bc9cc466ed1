//! An address whose tag holds a code, such as `confirm+K7QF…@oakfield.example`. It knows no code.

use super::Address;

/// An address that takes replies, with a tag or without one (RFC 5233).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyAddress {
    local: String,
    domain: String,
}

/// How a recipient stands to such an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressed<'a> {
    /// It is the address itself.
    Plain,
    /// It is the address with that tag, in lower case.
    Tagged(&'a str),
}

/// What stands between address and tag; Postfix's `recipient_delimiter` must be the same.
const SEPARATOR: char = '+';

impl ReplyAddress {
    /// Reads an address without a tag; `None` where it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let address = Address::parse(text.as_bytes())?;
        let odd =
            |c: char| c.is_whitespace() || c.is_control() || "<>,;:\"()[]\\".contains(c) || c == SEPARATOR;
        let (local, domain) = (address.local().to_owned(), address.domain().to_owned());
        // With a tag of 33 characters it stays within 64 octets (RFC 5321 §4.5.3.1.1).
        let whole = !local.is_empty() && !domain.is_empty() && local.len() <= 31 && !text.contains(odd);
        whole.then_some(Self { local, domain })
    }

    /// The address with a tag.
    pub fn tagged(&self, tag: &str) -> String {
        format!("{}{SEPARATOR}{}@{}", self.local, tag.to_lowercase(), self.domain)
    }

    /// Whether a recipient is this address, and with which tag.
    pub fn addressed<'a>(&self, recipient: &'a Address) -> Option<Addressed<'a>> {
        if recipient.domain() != self.domain {
            return None;
        }
        let rest = recipient.local().strip_prefix(self.local.as_str())?;
        match rest.strip_prefix(SEPARATOR) {
            Some(tag) => Some(Addressed::Tagged(tag)),
            None => rest.is_empty().then_some(Addressed::Plain),
        }
    }
}

impl std::fmt::Display for ReplyAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients_are_known_with_and_without_a_tag() {
        let address = ReplyAddress::parse("Confirm@oakfield.example").unwrap();
        let told = |text: &str| {
            Address::parse(text.as_bytes()).and_then(|to| address.addressed(&to).map(|a| format!("{a:?}")))
        };
        assert_eq!(told("<confirm@Oakfield.example>").as_deref(), Some("Plain"));
        assert_eq!(told("<confirm+K7@oakfield.example>").as_deref(), Some("Tagged(\"k7\")"));
        for other in
            ["<confirmed@oakfield.example>", "<confirm@beechwood.example>", "<x+confirm@oakfield.example>"]
        {
            assert_eq!(told(other), None, "{other}");
        }
        assert_eq!(address.tagged("K7"), "confirm+k7@oakfield.example");
        for bad in ["confirm", "a+b@oakfield.example", "A <a@oakfield.example>", "@oakfield.example"] {
            assert!(ReplyAddress::parse(bad).is_none(), "{bad}");
        }
    }
}
