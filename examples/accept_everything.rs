//! Mailwarden's milter adapter with a gate that accepts every message: for measuring the adapter alone.
//!
//! `accept_everything unix:/path | inet:host:port`

use std::process::ExitCode;
use std::sync::Arc;

use mailwarden::limits::Limits;
use mailwarden::milter::{Gate, ListenAddress, Listener, Outcome, Transaction, serve};

struct AcceptEverything;

impl Gate for AcceptEverything {
    async fn judge(&self, _: Transaction) -> Outcome {
        Outcome::accept()
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address: ListenAddress = arguments.next().ok_or("no listen address is given")?.parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = Listener::bind(&address, Some(0o666))?;
        let (_stop, shutdown) = tokio::sync::watch::channel(false);
        let limits = Arc::new(Limits::default());
        serve(vec![listener], Arc::new(AcceptEverything), limits, std::env::temp_dir(), shutdown).await?;
        Ok(())
    })
}
