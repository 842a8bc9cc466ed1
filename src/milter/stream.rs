//! A connection's socket: reads what is there, writes what fits, waits by way of its slot. It knows no protocol.

use std::io::{self, Read, Write};
use std::rc::Rc;
use std::task::Poll;

use super::listener::Socket;
use super::reactor::Slot;

/// A connection of the MTA.
pub(super) struct Stream {
    socket: Socket,
    slot: Rc<Slot>,
}

impl Stream {
    /// A connection that is served in this slot.
    pub(super) fn new(socket: Socket, slot: Rc<Slot>) -> Self {
        Self { socket, slot }
    }

    /// Where it is served.
    pub(super) fn slot(&self) -> &Slot {
        &self.slot
    }

    /// From now on the slot is polled when something comes in.
    pub(super) fn watch(&self) -> io::Result<()> {
        self.slot.watch(&self.socket)
    }

    /// Reads what is there; pending while nothing is.
    pub(super) fn poll_read(&self, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.slot.poll_read(buffer.len(), || self.read(buffer))
    }

    /// Over TCP what is read is acknowledged at once: the MTA sends several small packets before it wants an answer, and
    /// with Nagle's algorithm on its side each waits for the acknowledgement of the one before, which the kernel would else
    /// put off for 40 ms.
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match &self.socket {
            Socket::Unix(stream) => (&mut &*stream).read(buffer),
            Socket::Tcp(stream) => {
                let read = (&mut &*stream).read(buffer);
                if matches!(read, Ok(1..)) {
                    // It saves time only: without it the connection still works.
                    let _ = rustix::net::sockopt::set_tcp_quickack(stream, true);
                }
                read
            }
        }
    }

    /// Writes what fits, or fails with `WouldBlock`.
    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match &self.socket {
            Socket::Unix(stream) => (&mut &*stream).write(bytes),
            Socket::Tcp(stream) => (&mut &*stream).write(bytes),
        }
    }

    /// Waits until the MTA has taken enough of what was sent, at most so many ticks; whether it has. This is rare: only new bodies
    /// are that long.
    pub(super) async fn writable(&self, ticks: u64) -> io::Result<bool> {
        self.slot.writable(&self.socket, ticks).await
    }
}
