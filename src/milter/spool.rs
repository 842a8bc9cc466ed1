//! Keeps messages while they come in: small ones in memory, the rest in unlinked files. It never reads mail.

use std::sync::Arc;

/// A whole message: the header as it came, a blank line, the body; lines end with CRLF. Clones share the bytes.
#[derive(Debug, Clone)]
pub struct Spooled {
    inner: Arc<Held>,
}

#[derive(Debug)]
struct Held {
    bytes: Vec<u8>,
    body_start: usize,
}

impl Spooled {
    /// A message that did not come over a connection, for tests and tools. `body_start` is where its body begins.
    pub fn from_bytes(bytes: Vec<u8>, body_start: usize) -> Self {
        Self { inner: Arc::new(Held { body_start: body_start.min(bytes.len()), bytes }) }
    }

    /// The whole message.
    pub fn bytes(&self) -> &[u8] {
        &self.inner.bytes
    }

    /// Where the body begins: after the blank line.
    pub fn body_start(&self) -> usize {
        self.inner.body_start
    }
}
