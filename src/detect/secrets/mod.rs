//! Passwords, keys and links that open something, in a text. Finds them; never tries one, and keeps no word.

mod key;
mod link;

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::extract::told_passwords;

/// What a secret is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SecretKind {
    /// A password, passphrase or PIN that a phrase tells, such as "the password is …".
    Password,
    /// A private key: PEM, OpenSSH, PuTTY, OpenPGP, age.
    PrivateKey,
    /// A key for a service's programming interface, known by how it begins, or a signed token (JWT).
    ApiKey,
    /// A link that carries its own permission: a token or a signature in its address.
    SignedLink,
    /// A link to a file or folder that is shared with whoever has it, in the form of a known service.
    ShareLink,
    /// An invitation to a group or a class, in the form of a known service.
    InviteLink,
}

impl SecretKind {
    /// All kinds, in the order in which they are documented.
    pub const ALL: [Self; 6] =
        [Self::Password, Self::PrivateKey, Self::ApiKey, Self::SignedLink, Self::ShareLink, Self::InviteLink];

    /// The kind's name as rules and findings write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::PrivateKey => "private-key",
            Self::ApiKey => "api-key",
            Self::SignedLink => "signed-link",
            Self::ShareLink => "share-link",
            Self::InviteLink => "invite-link",
        }
    }
}

/// A secret and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// What it is.
    pub kind: SecretKind,
    /// Its bytes in the text; of a private key the line that begins it.
    pub span: Range<usize>,
}

/// The secrets in a text, in the order of their places.
pub fn find(text: &str) -> Vec<Secret> {
    let mut found: Vec<Secret> =
        told_passwords(text).into_iter().map(|span| Secret { kind: SecretKind::Password, span }).collect();
    key::find(text, &mut found);
    link::find(text, &mut found);
    found.sort_by_key(|secret| secret.span.start);
    // A key or a link that a phrase calls a password is told once.
    found.dedup_by(|next, one| next.span.start < one.span.end);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made up here, so that no scanner of repositories takes a fixture for a leak.
    fn filled_in(text: &str) -> String {
        let letters = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0";
        (8..=40).rev().fold(text.replace("\\n", "\n"), |text, length| {
            let capitals = letters[..length].to_uppercase();
            text.replace(&format!("{{{length}}}"), &letters[..length])
                .replace(&format!("{{A{length}}}"), &capitals)
        })
    }

    #[test]
    fn keys_and_links_are_told_as_the_table_says() {
        let mut kinds = [0; SecretKind::ALL.len() + 1];
        for line in include_str!("../../../fixtures/secrets/keys-and-links.txt").lines() {
            let Some((wanted, text)) = line.split_once('|').filter(|_| !line.starts_with('#')) else {
                continue;
            };
            let text = filled_in(text.trim());
            let found: Vec<&str> = find(&text).iter().map(|secret| secret.kind.name()).collect();
            assert_eq!(found, wanted.split_whitespace().collect::<Vec<_>>(), "{text}");
            let kind = SecretKind::ALL.iter().position(|kind| found.contains(&kind.name()));
            kinds[kind.unwrap_or(SecretKind::ALL.len())] += 1;
        }
        assert!(kinds[1..].iter().all(|count| *count >= 3), "{kinds:?}");
    }

    #[test]
    fn a_secret_stands_where_it_is_said_to() {
        let text = filled_in("Naïve: the password is Heron-27, or https://f.example/?token={20}.");
        let found: Vec<&str> = find(&text).into_iter().map(|secret| &text[secret.span]).collect();
        assert_eq!(found, ["Heron-27", &filled_in("https://f.example/?token={20}")]);
    }
}
