//! Keys: private ones by the lines that begin them, those of services by their prefixes. Never looks at entropy alone.

use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::AhoCorasick;

use super::{Secret, SecretKind};

/// What stands in a key of a service behind its prefix.
#[derive(Clone, Copy)]
enum Letters {
    /// Capitals and digits.
    Capitals,
    /// Letters and digits.
    Alphanumeric,
    /// Also hyphens, underscores and full stops.
    Wide,
}

/// Beginnings of services' keys: GitHub, GitLab, AWS, Google, Slack, Stripe, OpenAI, Anthropic, SendGrid, npm, Hugging Face,
/// DigitalOcean, Shopify, PyPI, Azure's and others' signed tokens (RFC 7519), and the fewest letters that follow.
const SERVICES: [(&str, Letters, usize); 28] = [
    ("AKIA", Letters::Capitals, 16),
    ("ASIA", Letters::Capitals, 16),
    ("AIza", Letters::Wide, 35),
    ("ya29.", Letters::Wide, 30),
    ("ghp_", Letters::Alphanumeric, 36),
    ("gho_", Letters::Alphanumeric, 36),
    ("ghu_", Letters::Alphanumeric, 36),
    ("ghs_", Letters::Alphanumeric, 36),
    ("ghr_", Letters::Alphanumeric, 36),
    ("github_pat_", Letters::Wide, 22),
    ("glpat-", Letters::Wide, 20),
    ("xoxb-", Letters::Wide, 20),
    ("xoxp-", Letters::Wide, 20),
    ("xoxa-", Letters::Wide, 20),
    ("xoxr-", Letters::Wide, 20),
    ("xoxs-", Letters::Wide, 20),
    ("sk_live_", Letters::Alphanumeric, 20),
    ("rk_live_", Letters::Alphanumeric, 20),
    ("sk-ant-", Letters::Wide, 30),
    ("sk-proj-", Letters::Wide, 30),
    ("SG.", Letters::Wide, 60),
    ("npm_", Letters::Alphanumeric, 36),
    ("hf_", Letters::Alphanumeric, 30),
    ("dop_v1_", Letters::Alphanumeric, 40),
    ("shpat_", Letters::Alphanumeric, 30),
    ("pypi-AgEI", Letters::Wide, 40),
    ("eyJ", Letters::Wide, 50),
    ("AGE-SECRET-KEY-1", Letters::Capitals, 50),
];
/// Beginnings of private keys: PEM (RFC 7468) and OpenPGP's armour (RFC 9580 §6.2); SSH's (RFC 4716) and PuTTY's.
const PRIVATE: [&str; 3] =
    ["-----BEGIN ", "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----", "PuTTY-User-Key-File-"];
/// How far behind its first line a key's own letters begin: some keys have a header first.
const WITHIN: usize = 600;
/// Longest first line of a private key.
const LINE: usize = 200;
/// Letters in a row that no text has and each key does.
const RUN: usize = 40;

/// Adds the keys in a text.
pub(super) fn find(text: &str, found: &mut Vec<Secret>) {
    // What was looked at already is not looked at again, so that the work is that of one pass.
    let mut seen = 0;
    for hit in search().into_iter().flat_map(|search| search.find_iter(text)) {
        if hit.start() < seen {
            continue;
        }
        let secret = match SERVICES.get(hit.pattern().as_usize()) {
            Some((prefix, letters, least)) => {
                let run = run(text, hit.end(), *letters);
                seen = run.end;
                service(text, hit.start()..hit.end(), run, prefix, *least)
            }
            None => private(text, hit.start()),
        };
        found.extend(secret);
    }
}

/// What finds the beginnings; it can always be built, since they are known here.
fn search() -> Option<&'static AhoCorasick> {
    static SEARCH: OnceLock<Option<AhoCorasick>> = OnceLock::new();
    let beginnings = || SERVICES.iter().map(|(prefix, ..)| *prefix).chain(PRIVATE);
    SEARCH.get_or_init(|| AhoCorasick::new(beginnings()).ok()).as_ref()
}

/// The letters of a key from there on.
fn run(text: &str, start: usize, letters: Letters) -> Range<usize> {
    let belongs = |byte: &u8| match letters {
        Letters::Capitals => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
        Letters::Alphanumeric => byte.is_ascii_alphanumeric(),
        Letters::Wide => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'),
    };
    let rest = text.get(start..).unwrap_or_default();
    start..start + rest.bytes().take_while(|byte| belongs(byte)).count()
}

fn service(text: &str, prefix: Range<usize>, run: Range<usize>, name: &str, least: usize) -> Option<Secret> {
    let before = text.get(..prefix.start)?.bytes().next_back();
    if before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return None;
    }
    let value = text.get(run)?.trim_end_matches(['.', '-', '_']);
    let is_mixed = value.bytes().any(|byte| byte.is_ascii_digit())
        && value.bytes().any(|byte| byte.is_ascii_alphabetic());
    // A signed token has three parts, the first two of which are JSON.
    let is_token = name != "eyJ" || (value.matches('.').count() == 2 && value.contains(".eyJ"));
    let kind = if name.starts_with("AGE") { SecretKind::PrivateKey } else { SecretKind::ApiKey };
    (value.len() >= least && is_mixed && is_token)
        .then(|| Secret { kind, span: prefix.start..prefix.end + value.len() })
}

/// A private key whose first line begins there: the line says so, and a key's letters follow it.
fn private(text: &str, start: usize) -> Option<Secret> {
    let line_end = up_to(text, start, LINE);
    let line = text.get(start..line_end)?.split(['\r', '\n']).next()?;
    let is_private = line.contains("PRIVATE KEY") || line.starts_with("PuTTY-User-Key-File-");
    let near = text.get(start + line.len()..up_to(text, start + line.len(), WITHIN))?;
    let mut run = 0_usize;
    let has_letters = near.bytes().any(|byte| {
        run = if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=') { run + 1 } else { 0 };
        run >= RUN
    });
    (is_private && has_letters)
        .then(|| Secret { kind: SecretKind::PrivateKey, span: start..start + line.trim_end().len() })
}

/// The end of a stretch of at most so many bytes from there.
fn up_to(text: &str, start: usize, most: usize) -> usize {
    let end = start.saturating_add(most).min(text.len());
    (start..=end).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(start)
}
