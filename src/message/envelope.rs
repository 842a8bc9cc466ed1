//! Who sends a message to whom, as SMTP says it (RFC 5321 §2.3.1), and how it came. Never what its header claims.

use std::fmt;
use std::net::IpAddr;
use std::ops::Range;

use serde::Serialize;

/// The MTA's name for a message, such as Postfix's `4dHxyz0Qz9z1B`. Names it in logs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct QueueId(pub String);

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// An envelope address: the bytes as they came, to be given back to the MTA, and a form for comparing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// The bytes as they came, where `text` is not the same: most addresses are written as they are compared.
    raw: Option<Box<[u8]>>,
    text: String,
    /// Where in `text` the address is, in lower case and without brackets.
    folded: Range<usize>,
    /// Where in the address its last `@` is.
    at: Option<usize>,
}

impl Address {
    /// Takes an address as the MTA gives it, with or without angle brackets. `None` for the null path `<>`.
    pub fn parse(raw: &[u8]) -> Option<Self> {
        let trimmed = raw.trim_ascii();
        let inner = trimmed.strip_prefix(b"<").and_then(|rest| rest.strip_suffix(b">")).unwrap_or(trimmed);
        if inner.is_empty() {
            return None;
        }
        let start = raw.len() - raw.trim_ascii_start().len() + usize::from(inner.len() < trimmed.len());
        let is_folded = raw.iter().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
        let (raw, text, folded) = match std::str::from_utf8(raw) {
            Ok(text) if is_folded => (None, text.to_owned(), start..start + inner.len()),
            _ => {
                let text = String::from_utf8_lossy(inner).to_lowercase();
                let whole = 0..text.len();
                (Some(raw.into()), text, whole)
            }
        };
        let at = text.get(folded.clone()).and_then(|folded| folded.rfind('@'));
        Some(Self { raw, text, folded, at })
    }

    /// The bytes as they came, brackets included.
    pub fn raw(&self) -> &[u8] {
        self.raw.as_deref().unwrap_or(self.text.as_bytes())
    }

    /// The address in lower case, without brackets: for comparing and for the record.
    pub fn folded(&self) -> &str {
        self.text.get(self.folded.clone()).unwrap_or_default()
    }

    /// What stands before the last `@`, in lower case.
    pub fn local(&self) -> &str {
        self.at.and_then(|at| self.folded().get(..at)).unwrap_or(self.folded())
    }

    /// What stands after the last `@`, in lower case; empty where there is none.
    pub fn domain(&self) -> &str {
        self.at.and_then(|at| self.folded().get(at + 1..)).unwrap_or("")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.folded())
    }
}

impl Serialize for Address {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.folded())
    }
}

/// How a message reached the MTA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Over SMTP.
    Smtp,
    /// By the `sendmail` command or another way inside the MTA's machine.
    Local,
}

/// The SMTP client that brought a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Client {
    /// Its address, where it came over IP.
    pub address: Option<IpAddr>,
    /// The name that the MTA found for it.
    pub name: String,
}

/// A message's envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Envelope {
    /// The MTA's name for the message, once it has one.
    pub queue_id: Option<QueueId>,
    /// How it came.
    pub origin: Origin,
    /// Who brought it.
    pub client: Option<Client>,
    /// The login that the client proved, where it did (`{auth_authen}`).
    pub authenticated: Option<String>,
    /// The reverse path; `None` is the null sender of bounces and notices (RFC 5321 §4.5.5).
    pub sender: Option<Address>,
    /// The forward paths, in their order.
    pub recipients: Vec<Address>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_its_bytes_and_is_compared_in_lower_case() {
        let cases: [(&[u8], &str, &str, &str); 7] = [
            (b"<office@oakfield.example>", "office@oakfield.example", "office", "oakfield.example"),
            (b"office@oakfield.example", "office@oakfield.example", "office", "oakfield.example"),
            (b" \t<office@oakfield.example> ", "office@oakfield.example", "office", "oakfield.example"),
            (b"<Office@OAKFIELD.example>", "office@oakfield.example", "office", "oakfield.example"),
            (b"<\"a@b\"@oakfield.example>", "\"a@b\"@oakfield.example", "\"a@b\"", "oakfield.example"),
            ("<Zoë@oakfield.example>".as_bytes(), "zoë@oakfield.example", "zoë", "oakfield.example"),
            (b"<postmaster>", "postmaster", "postmaster", ""),
        ];
        for (raw, folded, local, domain) in cases {
            let address = Address::parse(raw).unwrap();
            assert_eq!((address.raw(), address.folded()), (raw, folded));
            assert_eq!((address.local(), address.domain()), (local, domain), "{folded}");
        }
        let broken = Address::parse(b"<a\xff@oakfield.example>").unwrap();
        assert_eq!(
            (broken.raw(), broken.domain()),
            (b"<a\xff@oakfield.example>".as_slice(), "oakfield.example")
        );
        assert_eq!((Address::parse(b"<>"), Address::parse(b" ")), (None, None));
        assert_ne!(Address::parse(b"<a@oakfield.example>"), Address::parse(b"a@oakfield.example"));
    }
}
