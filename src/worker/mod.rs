//! Readers of documents in processes of their own, behind a sandbox. Decides nothing about a message.
//!
//! Whoever writes a document chooses every byte that its reader sees, so no reader runs in the filter. [`Pool`] keeps
//! a few child processes of the same program; each takes everything from itself that it does not need
//! ([`sandbox::enter`]) before it hears of the first document, and then answers one job after another on its standard
//! input and output. One that dies, hangs or swells costs the document at hand, whose inspection has a gap that rules
//! can test, and is replaced.

mod pool;
mod process;
pub mod sandbox;
mod serve;
mod system_calls;
mod wire;

pub use pool::{Before, Deaths, Pool, Settings, Status};
pub use process::StartError;
pub use sandbox::{Demand, Sandbox};
pub use serve::{read_documents, serve};

/// The hidden command by which the program becomes a worker.
pub const COMMAND: &str = "read-documents";
