//! Where a command's policy, configuration and limits come from. Loads; never judges.

use std::path::{Path, PathBuf};

use miette::{GraphicalReportHandler, GraphicalTheme};

use super::{CliError, colour_wanted, people};
use crate::config::{self, Config, ConfigError};
use crate::limits::Limits;
use crate::people::People;
use crate::policy::{Policy, Sources, counted};
use crate::worker::{Pool, Settings};

/// Where packages put the configuration.
const USUAL_CONFIG: &str = "/etc/mailwarden/mailwarden.toml";

/// What `--config`, `--policy` and `--people` say.
pub struct PolicySource {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--policy`.
    pub policy: Option<PathBuf>,
    /// `--people`.
    pub people: Option<PathBuf>,
}

impl PolicySource {
    /// The configuration.
    pub fn config(&self) -> Result<Config, CliError> {
        Config::load(&self.config_file()).map_err(|error| faults(&error))
    }

    /// The file that the configuration is read from.
    pub fn config_file(&self) -> PathBuf {
        self.config.clone().unwrap_or_else(|| PathBuf::from(USUAL_CONFIG))
    }

    /// A command with the same configuration, whole, for people to copy: with who acts, and a reason to fill in.
    pub fn command(&self, words: &[&str], by: Option<&str>) -> String {
        let mut command = format!("mailwarden {}", words.join(" "));
        if let Some(by) = by {
            command += &format!(" --by {} --why \"…\"", quoted(by));
        }
        if let Some(file) = &self.config {
            command += &format!(" --config {}", quoted(&file.display().to_string()));
        }
        command
    }

    /// The policy's folder: the argument's, else `--policy`, else the configuration's.
    pub fn policy_directory(&self, argument: Option<&Path>) -> Result<PathBuf, CliError> {
        match argument.or(self.policy.as_deref()) {
            Some(directory) => Ok(directory.to_owned()),
            None if self.config.is_none() && !Path::new(USUAL_CONFIG).exists() => {
                Err(CliError::Usage(format!(
                    "no policy: give its folder with --policy, or a configuration with --config ({USUAL_CONFIG} does not exist)"
                )))
            }
            None => Ok(self.config()?.policy_directory),
        }
    }

    /// The ids of the organisation's schools; `None` where no policy is named, or its organisation cannot be read.
    pub fn schools(&self) -> Result<Option<Vec<String>>, CliError> {
        if self.policy.is_none() && self.config.is_none() && !Path::new(USUAL_CONFIG).exists() {
            return Ok(None);
        }
        Ok(read_sources(&self.policy_directory(None)?)?.schools())
    }

    /// The policy, and the workers that read documents for it.
    pub fn policy(&self) -> Result<(Policy, Pool), CliError> {
        let workers = self.workers()?;
        Ok((load_policy(&self.policy_directory(None)?)?, workers))
    }

    /// The roll that messages are judged with: `--people`, else the configuration's. Nobody where neither names one, or none
    /// was imported yet, as with the filter.
    pub fn people(&self) -> Result<People, CliError> {
        let named = self.people.is_some();
        match self.roll_file()? {
            Some(file) if named || file.exists() => Ok(people::load(&file)?.into()),
            _ => Ok(People::default()),
        }
    }

    /// The roll, for whoever asks for it itself.
    pub fn roll(&self) -> Result<People, CliError> {
        let file = self.roll_to_write()?;
        Ok(people::load(&file)?.into())
    }

    /// The roll's file, where it is to be written.
    pub fn roll_to_write(&self) -> Result<PathBuf, CliError> {
        self.roll_file()?.ok_or_else(people::no_roll)
    }

    fn roll_file(&self) -> Result<Option<PathBuf>, CliError> {
        // Who names a policy means that policy, not the machine's own configuration.
        let usual = || self.policy.is_none() && Path::new(USUAL_CONFIG).exists();
        match &self.people {
            Some(file) => Ok(Some(file.clone())),
            None if self.config.is_some() || usual() => Ok(self.config()?.roll),
            None => Ok(None),
        }
    }

    /// The workers that read documents, and the caps in force; none is started before there is a document.
    pub fn workers(&self) -> Result<Pool, CliError> {
        Ok(Pool::new(match &self.config {
            Some(_) => self.config()?.workers,
            None => Settings::own(Limits::default()),
        }))
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-/@+".contains(letter);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// Reads and compiles a policy's folder.
pub fn load_policy(directory: &Path) -> Result<Policy, CliError> {
    Policy::compile(&read_sources(directory)?).map_err(|found| {
        let shown: Vec<String> = found.0.iter().map(|fault| render(fault)).collect();
        CliError::Faults(format!(
            "\n{}{} in {}",
            shown.concat(),
            counted(shown.len(), "fault"),
            directory.display()
        ))
    })
}

/// Reads a policy's folder.
pub fn read_sources(directory: &Path) -> Result<Sources, CliError> {
    config::read_policy(directory).map_err(|error| faults(&error))
}

/// Reads a text that people write, such as a mapping.
pub fn read_written(file: &Path) -> Result<String, CliError> {
    config::read_text(file).map_err(|error| faults(&error))
}

/// A fault with its place, as people read it.
pub fn render(fault: &dyn miette::Diagnostic) -> String {
    let theme = if colour_wanted() { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let mut text = String::new();
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100).without_cause_chain();
    if handler.render_report(&mut text, fault).is_err() {
        return fault.to_string();
    }
    text
}

fn faults(error: &ConfigError) -> CliError {
    match error {
        // A text that is saved in another encoding is as wrong as one with a slip.
        ConfigError::Fault(_) | ConfigError::NotText { .. } => CliError::Faults(render(error)),
        _ => CliError::Failed(render(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_for_people_to_copy_is_whole() {
        let source = |config: Option<&str>| PolicySource {
            config: config.map(PathBuf::from),
            policy: None,
            people: None,
        };
        let words = ["held", "show", "K7QF-2M9P"];
        let usual = source(None).command(&words, Some("j.hart"));
        assert_eq!(usual, "mailwarden held show K7QF-2M9P --by j.hart --why \"…\"");
        let own = source(Some("/etc/mail warden.toml")).command(&words, Some("Jo O'Hart"));
        assert_eq!(
            own,
            "mailwarden held show K7QF-2M9P --by 'Jo O'\\''Hart' --why \"…\" --config '/etc/mail warden.toml'"
        );
    }
}
