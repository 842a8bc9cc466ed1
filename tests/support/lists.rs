//! Where the mail lies that `scripts/install-mail` fetched, which is never committed. Fetches nothing.

use std::path::PathBuf;

/// The folder: the one that `MAILWARDEN_MAIL` names, or `target/mail`.
pub fn lists() -> PathBuf {
    let folder =
        std::env::var_os("MAILWARDEN_MAIL").map_or_else(|| PathBuf::from("target/mail"), PathBuf::from);
    assert!(folder.join("easy-ham-1").is_dir(), "no mail in {}; `make corpus` fetches it", folder.display());
    folder
}
