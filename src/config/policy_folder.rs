//! Reads a policy's folder into memory. Never judges what it reads: `policy` does.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{ConfigError, read_text};
use crate::policy::Sources;

/// Deeper folders than this are not the policy's.
const DEPTH: usize = 8;

/// The endings of the files that make a policy; editors' backups and the like are passed over.
const ENDINGS: [&str; 3] = ["toml", "txt", "md"];

/// Reads every rule file, list and text below a folder. Names that start with a dot are passed over.
///
/// # Errors
/// When the folder or one of its files cannot be read: half a policy is none.
pub fn read_policy(directory: &Path) -> Result<Sources, ConfigError> {
    let mut files = BTreeMap::new();
    read_folder(directory, "", 0, &mut files)?;
    Ok(Sources { files })
}

fn read_folder(
    folder: &Path,
    prefix: &str,
    depth: usize,
    files: &mut BTreeMap<String, String>,
) -> Result<(), ConfigError> {
    let failed = |source| ConfigError::Read { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let Some(name) =
            path.file_name().and_then(|name| name.to_str()).filter(|name| !name.starts_with('.'))
        else {
            continue;
        };
        let relative = format!("{prefix}{name}");
        if path.is_dir() {
            if depth < DEPTH {
                read_folder(&path, &format!("{relative}/"), depth + 1, files)?;
            }
        } else if path
            .extension()
            .and_then(|ending| ending.to_str())
            .is_some_and(|ending| ENDINGS.contains(&ending))
        {
            files.insert(relative, read_text(&path)?);
        }
    }
    Ok(())
}
