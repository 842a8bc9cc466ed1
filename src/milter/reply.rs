//! Texts for the SMTP client, in a form that every MTA accepts whatever they hold. It chooses no words.

use std::fmt;

/// The lower two numbers of an enhanced status code (RFC 3463 §2); the class follows from the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnhancedCode {
    /// What it is about, such as 7 for policy; at most 999.
    pub subject: u16,
    /// The detail; at most 999.
    pub detail: u16,
}

impl EnhancedCode {
    /// `X.7.1`: delivery not authorised, message refused.
    pub const POLICY: Self = Self { subject: 7, detail: 1 };
    /// `X.3.0`: other mail system trouble.
    pub const SYSTEM: Self = Self { subject: 3, detail: 0 };
    /// `X.3.1`: mail system full.
    pub const SYSTEM_FULL: Self = Self { subject: 3, detail: 1 };
    /// `X.3.4`: message too big.
    pub const TOO_BIG: Self = Self { subject: 3, detail: 4 };
    /// `X.5.3`: too many recipients.
    pub const TOO_MANY_RECIPIENTS: Self = Self { subject: 5, detail: 3 };
}

/// What the sender is told. Any text will do: it is cleaned and cut to what SMTP and the MTA take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyText {
    /// The enhanced code's lower two numbers.
    pub code: EnhancedCode,
    /// The words, several lines if need be, `\n` or `\r\n` between them.
    pub text: String,
}

impl ReplyText {
    /// A reply with that code and text.
    pub fn new(code: EnhancedCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.subject.min(999), self.detail.min(999))
    }
}
