//! From a verdict to what is done with the message: edits, reply text, answers. Never opens a file or a socket.

mod edits;

pub use edits::{Edits, HeaderEdit, Splice};
