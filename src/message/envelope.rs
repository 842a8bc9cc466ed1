//! Who sends a message to whom, as SMTP says it (RFC 5321 §2.3.1), and how it came. Never what its header claims.

use std::fmt;
use std::net::IpAddr;

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
    raw: Vec<u8>,
    folded: String,
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
        let folded = String::from_utf8_lossy(inner).to_lowercase();
        let at = folded.rfind('@');
        Some(Self { raw: raw.to_vec(), folded, at })
    }

    /// The bytes as they came, brackets included.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The address in lower case, without brackets: for comparing and for the record.
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// What stands before the last `@`, in lower case.
    pub fn local(&self) -> &str {
        self.at.and_then(|at| self.folded.get(..at)).unwrap_or(&self.folded)
    }

    /// What stands after the last `@`, in lower case; empty where there is none.
    pub fn domain(&self) -> &str {
        self.at.and_then(|at| self.folded.get(at + 1..)).unwrap_or("")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.folded)
    }
}

impl Serialize for Address {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.folded)
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
