//! Tells systemd that the service is ready or stopping (sd_notify(3)). Does nothing where systemd did not start it.

use std::os::unix::net::UnixDatagram;

/// What is told.
#[derive(Debug, Clone, Copy)]
pub enum State {
    /// The sockets are open and the policy is loaded.
    Ready,
    /// Messages in progress are being finished.
    Stopping,
}

/// Tells it, where `NOTIFY_SOCKET` names a socket.
pub fn announce(state: State) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let text: &[u8] = match state {
        State::Ready => b"READY=1",
        State::Stopping => b"STOPPING=1",
    };
    // A service manager that does not listen is no reason to filter no mail.
    let _ = UnixDatagram::unbound().and_then(|socket| socket.send_to(text, path));
}
