//! Recipients who may not be meant: a domain with a slip in it, the sender's own other address, an outsider in a reply.
//! Compares addresses and names; never decides what follows.

mod conversation;
mod look_alike;
mod own;

pub use conversation::participants;
pub use look_alike::KnownDomains;
pub use own::{OwnNames, is_own};
