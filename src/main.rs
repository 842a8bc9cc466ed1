//! The program: calls the command line and turns its outcome into an exit code. It decides nothing.

use std::process::ExitCode;

fn main() -> ExitCode {
    mailwarden::cli::run()
}
