//! Links that open something for whoever has them: tokens, signatures, shares, invitations. Never follows one.

use memchr::memmem;

use super::{Secret, SecretKind};

/// Longest address that is looked at, in bytes.
const LONGEST: usize = 2_048;
/// Keys of an address whose value is a permission, in lower case.
const KEYS: [&str; 33] = [
    "access_token",
    "accesstoken",
    "api-key",
    "api_key",
    "apikey",
    "auth",
    "auth_token",
    "authkey",
    "client_secret",
    "confirmation_token",
    "id_token",
    "invitation_token",
    "invite_token",
    "jwt",
    "login_token",
    "magic",
    "otp",
    "password_reset_token",
    "refresh_token",
    "reset",
    "reset_password_token",
    "reset_token",
    "resettoken",
    "secret",
    "session",
    "sesskey",
    "sig",
    "signature",
    "ticket",
    "token",
    "wstoken",
    "x-amz-signature",
    "x-goog-signature",
];
/// Fewest letters of a permission: shorter values are counters and flags.
const SHORTEST: usize = 12;
/// Words of an address behind which a permission stands as a part of the path.
const STEPS: [&str; 7] =
    ["reset", "reset-password", "password-reset", "invite", "invitation", "activate", "magic-link"];

/// Adds the links in a text that are secrets.
pub(super) fn find(text: &str, found: &mut Vec<Secret>) {
    // A link within a link is not looked at by itself, so that the work is that of one pass.
    let mut seen = 0;
    for at in memmem::find_iter(text.as_bytes(), b"://") {
        if at < seen {
            continue;
        }
        let scheme = text.get(..at).unwrap_or_default();
        let Some(scheme) = ["https", "http"].into_iter().find(|name| {
            scheme
                .len()
                .checked_sub(name.len())
                .and_then(|from| scheme.get(from..))
                .is_some_and(|end| end.eq_ignore_ascii_case(name))
        }) else {
            continue;
        };
        let rest = text.get(at + 3..).unwrap_or_default();
        let stops = |letter: char| letter.is_whitespace() || "<>\"'”’]}|".contains(letter);
        let length = rest.find(stops).unwrap_or(rest.len());
        seen = at + 3 + length;
        let Some(address) = rest.get(..length).filter(|_| length <= LONGEST) else { continue };
        let address = address.trim_end_matches(['.', ',', ';', ')', '!', '?']);
        if let Some(kind) = kind(address) {
            found.push(Secret { kind, span: at - scheme.len()..at + 3 + address.len() });
        }
    }
}

/// What an address, without its scheme, opens; none where it opens nothing by itself.
fn kind(address: &str) -> Option<SecretKind> {
    let (place, query) = address.split_once(['?', '#']).unwrap_or((address, ""));
    let (host, path) = place.split_once('/').unwrap_or((place, ""));
    let (host, lower) = (host.to_ascii_lowercase(), path.to_ascii_lowercase());
    // Each reader of a newsletter gets such a link of his own; it opens nothing but the way out.
    if ["unsubscribe", "optout", "opt-out"].iter().any(|word| lower.contains(word) || host.contains(word)) {
        return None;
    }
    if is_invitation(&host, &lower, query) {
        return Some(SecretKind::InviteLink);
    }
    if is_share(&host, path, query) {
        return Some(SecretKind::ShareLink);
    }
    (has_permission(query) || has_step(path)).then_some(SecretKind::SignedLink)
}

fn is_of(host: &str, domain: &str) -> bool {
    host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

fn is_invitation(host: &str, path: &str, query: &str) -> bool {
    let has_more = |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.len() >= 5);
    host == "discord.gg" && path.len() >= 5
        || is_of(host, "discord.com") && has_more("invite/")
        || host == "chat.whatsapp.com" && path.len() >= 15
        || host == "t.me" && (has_more("joinchat/") || has_more("+"))
        || host == "join.slack.com" && path.contains("shared_invite/")
        || host == "classroom.google.com" && query.contains("cjc=")
}

fn is_share(host: &str, path: &str, query: &str) -> bool {
    let has_more = |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.len() >= 10);
    // SharePoint and OneDrive: `:w:` and the like say what is shared; `/r/` links give nobody a permission.
    let sharepoint =
        path.strip_prefix(':').and_then(|rest| rest.split_once(":/")).is_some_and(|(what, rest)| {
            what.len() == 1 && ["s/", "g/", "t/", "f/"].iter().any(|form| rest.starts_with(form))
        });
    host == "1drv.ms" && path.len() >= 10
        || is_of(host, "onedrive.live.com") && query.contains("authkey=")
        || is_of(host, "sharepoint.com") && sharepoint
        || is_of(host, "dropbox.com") && (has_more("s/") || has_more("sh/") || has_more("scl/"))
        || host == "we.tl" && path.len() >= 5
        || is_of(host, "wetransfer.com") && has_more("downloads/")
        || (host == "drive.google.com" || host == "docs.google.com")
            && (query.contains("usp=sharing") || query.contains("resourcekey="))
}

/// Whether the query, or what stands behind the number sign, has a permission.
fn has_permission(query: &str) -> bool {
    query
        .split(['&', ';', '?', '#'])
        .filter_map(|pair| pair.split_once('='))
        .any(|(key, value)| KEYS.iter().any(|known| key.eq_ignore_ascii_case(known)) && is_random(value))
}

/// Whether the path ends in a permission, behind a word that says what it permits.
fn has_step(path: &str) -> bool {
    let mut steps = path.trim_end_matches('/').rsplit('/');
    let last = steps.next().unwrap_or_default();
    last.len() >= 20
        && is_random(last)
        && steps.any(|step| STEPS.iter().any(|known| step.eq_ignore_ascii_case(known)))
}

/// Whether a value was drawn, not written: long, letters and digits among each other.
fn is_random(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    value.len() >= SHORTEST && digits >= 2 && letters >= 2
}
