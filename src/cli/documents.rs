//! `schema`, `man`, `completions`: what is made from the types and the arguments. Reads nothing.

use std::io::{self, Write};

use clap::CommandFactory;

use super::arguments::{Arguments, Completions, Man, Schema, SchemaOf};
use super::{CliError, Ended};
use crate::config::Config;
use crate::policy::Policy;

/// Prints a JSON Schema.
pub fn schema(options: &Schema) -> Result<Ended, CliError> {
    let schema = match options.what {
        SchemaOf::Config => Config::schema(),
        SchemaOf::Rules => Policy::schema(),
        SchemaOf::Organisation => Policy::organisation_schema(),
        SchemaOf::Disclaimers => Policy::disclaimers_schema(),
        SchemaOf::ExamplePeople => Policy::example_people_schema(),
    };
    let text = serde_json::to_string_pretty(&schema).map_err(|error| CliError::Failed(error.to_string()))?;
    writeln!(io::stdout(), "{text}").map_err(CliError::io("standard output"))?;
    Ok(Ended::Well)
}

/// Prints a manual page in roff.
pub fn man(options: &Man) -> Result<Ended, CliError> {
    let mut program = Arguments::command();
    program.build();
    let command = match &options.command {
        None => program,
        Some(name) => program.find_subcommand(name).cloned().ok_or_else(|| {
            CliError::Usage(format!("there is no command \"{name}\"; `mailwarden --help` lists them"))
        })?,
    };
    clap_mangen::Man::new(command).render(&mut io::stdout()).map_err(CliError::io("standard output"))?;
    Ok(Ended::Well)
}

/// Prints a shell's completions.
pub fn completions(options: &Completions) -> Result<Ended, CliError> {
    // The generator panics where it cannot write: `mailwarden completions bash | head`.
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Arguments::command(), "mailwarden", &mut script);
    io::stdout().write_all(&script).map_err(CliError::io("standard output"))?;
    Ok(Ended::Well)
}
