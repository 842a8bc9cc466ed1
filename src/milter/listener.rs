//! Where the MTA connects: Unix and TCP addresses and their listeners. It never reads what comes in.

use std::fmt;
use std::fs::{self, Permissions};
use std::io;
use std::net;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net as unix;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use rustix::net::SocketFlags;

/// Where to listen, as Postfix's `smtpd_milters` writes it: `unix:/path`, `inet:host:port`; also `tcp:host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// A Unix socket at that path.
    Unix(PathBuf),
    /// TCP, as `host:port`, an IPv6 host in brackets.
    Tcp(String),
}

/// An address that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// It isn't written as an address.
    #[error("cannot read listen address `{0}`: write unix:/path/to/socket or inet:127.0.0.1:8891")]
    Address(String),
    /// Another process answers there.
    #[error("cannot listen on {0}: another process listens there; stop it or choose another address")]
    Taken(ListenAddress),
    /// A file that is no socket has that name.
    #[error("cannot listen on {0}: a file that is no socket has that name; remove it or choose another path")]
    NoSocket(ListenAddress),
    /// The folder that it would lie in does not exist.
    #[error(
        "cannot listen on {0}: its folder does not exist; make it, so that mailwarden's user may write there and Postfix's enter"
    )]
    NoFolder(ListenAddress),
    /// The socket cannot be opened.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// Which.
        address: ListenAddress,
        /// Why.
        source: io::Error,
    },
}

impl FromStr for ListenAddress {
    type Err = ListenError;

    fn from_str(text: &str) -> Result<Self, ListenError> {
        let parsed = match text.split_once(':') {
            Some(("unix" | "local", path)) if path.starts_with('/') => Some(Self::Unix(PathBuf::from(path))),
            Some(("inet" | "inet6" | "tcp", rest)) => rest
                .rsplit_once(':')
                .filter(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
                .map(|_| Self::Tcp(rest.to_owned())),
            _ => None,
        };
        parsed.ok_or_else(|| ListenError::Address(text.to_owned()))
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(address) => write!(f, "inet:{address}"),
        }
    }
}

/// An open listener. Dropping it removes its Unix socket, if that is still its own.
#[derive(Debug)]
pub struct Listener {
    address: ListenAddress,
    socket: Listening,
    /// Device and inode of the Unix socket.
    file: Option<(u64, u64)>,
}

#[derive(Debug)]
enum Listening {
    Unix(unix::UnixListener),
    Tcp(net::TcpListener),
}

/// A connection of the MTA; reading and writing never block.
#[derive(Debug)]
pub(super) enum Socket {
    Unix(unix::UnixStream),
    Tcp(net::TcpStream),
}

impl Listener {
    /// Opens the listener; connections wait in its queue until it is served. `mode` is the Unix socket's file mode,
    /// such as `0o660`; as the process's umask has it where `None`. A Unix socket that nobody listens on any more is
    /// replaced.
    ///
    /// # Errors
    /// When the address is taken or may not be used.
    pub fn bind(address: &ListenAddress, mode: Option<u32>) -> Result<Self, ListenError> {
        let error = |source| ListenError::Bind { address: address.clone(), source };
        match address {
            ListenAddress::Unix(path) => {
                remove_stale(path, address)?;
                let socket = unix::UnixListener::bind(path).map_err(|source| match source.kind() {
                    io::ErrorKind::NotFound => ListenError::NoFolder(address.clone()),
                    _ => error(source),
                })?;
                let file = fs::symlink_metadata(path).map(|data| (data.dev(), data.ino())).map_err(error)?;
                let listener =
                    Self { address: address.clone(), socket: Listening::Unix(socket), file: Some(file) };
                if let Some(mode) = mode {
                    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(error)?;
                }
                Ok(listener)
            }
            ListenAddress::Tcp(text) => {
                let socket = net::TcpListener::bind(text).map_err(|source| match source.kind() {
                    io::ErrorKind::AddrInUse => ListenError::Taken(address.clone()),
                    _ => error(source),
                })?;
                let address = ListenAddress::Tcp(socket.local_addr().map_err(error)?.to_string());
                Ok(Self { address, socket: Listening::Tcp(socket), file: None })
            }
        }
    }

    /// Where it listens; with the port that the system chose where 0 was asked for.
    pub fn address(&self) -> &ListenAddress {
        &self.address
    }

    /// From now on [`Listener::accept`] fails with `WouldBlock` where nobody waits.
    pub(super) fn set_nonblocking(&self) -> io::Result<()> {
        match &self.socket {
            Listening::Unix(socket) => socket.set_nonblocking(true),
            Listening::Tcp(socket) => socket.set_nonblocking(true),
        }
    }

    /// The next connection.
    pub(super) fn accept(&self) -> io::Result<Socket> {
        // The standard library's accept would take a further system call to make the socket non-blocking.
        let accepted = rustix::net::accept_with(self, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC)
            .map_err(io::Error::from)?;
        match &self.socket {
            Listening::Unix(_) => Ok(Socket::Unix(accepted.into())),
            Listening::Tcp(_) => {
                let stream = net::TcpStream::from(accepted);
                stream.set_nodelay(true)?;
                Ok(Socket::Tcp(stream))
            }
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            Listening::Unix(socket) => socket.as_fd(),
            Listening::Tcp(socket) => socket.as_fd(),
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Unix(stream) => stream.as_fd(),
            Self::Tcp(stream) => stream.as_fd(),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let (ListenAddress::Unix(path), Some(file)) = (&self.address, self.file)
            && fs::symlink_metadata(path).is_ok_and(|data| (data.dev(), data.ino()) == file)
        {
            let _ = fs::remove_file(path);
        }
    }
}

/// Removes a socket that nobody listens on.
fn remove_stale(path: &Path, address: &ListenAddress) -> Result<(), ListenError> {
    let Ok(data) = fs::symlink_metadata(path) else { return Ok(()) };
    if !data.file_type().is_socket() {
        return Err(ListenError::NoSocket(address.clone()));
    }
    match unix::UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|source| ListenError::Bind { address: address.clone(), source })
        }
        _ => Err(ListenError::Taken(address.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_as_postfix_writes_them() {
        let unix = |path: &str| Some(ListenAddress::Unix(path.into()));
        let tcp = |text: &str| Some(ListenAddress::Tcp(text.into()));
        for (text, expected) in [
            ("unix:/run/mailwarden/milter.sock", unix("/run/mailwarden/milter.sock")),
            ("local:/run/m.sock", unix("/run/m.sock")),
            ("inet:127.0.0.1:8891", tcp("127.0.0.1:8891")),
            ("tcp:localhost:8891", tcp("localhost:8891")),
            ("inet6:[::1]:8891", tcp("[::1]:8891")),
            ("unix:relative", None),
            ("unix:", None),
            ("inet:8891", None),
            ("inet::8891", None),
            ("inet:127.0.0.1:65536", None),
            ("inet:127.0.0.1:", None),
            ("127.0.0.1:8891", None),
            ("", None),
        ] {
            assert_eq!(text.parse::<ListenAddress>().ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_unix_socket_has_its_mode_and_goes_with_its_listener() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("milter.sock");
        let address = ListenAddress::Unix(path.clone());
        let listener = Listener::bind(&address, Some(0o660)).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
        assert!(matches!(Listener::bind(&address, None), Err(ListenError::Taken(_))));
        assert!(path.exists(), "the failed attempt removed the socket that is in use");
        drop(listener);
        assert!(!path.exists());
    }

    #[test]
    fn a_stale_socket_is_replaced_and_other_files_are_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("milter.sock");
        let address = ListenAddress::Unix(path.clone());
        drop(unix::UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        drop(Listener::bind(&address, None).unwrap());
        fs::write(&path, "precious").unwrap();
        assert!(matches!(Listener::bind(&address, None), Err(ListenError::NoSocket(_))));
        assert_eq!(fs::read(&path).unwrap(), b"precious");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named_as_the_cause() {
        let folder = tempfile::tempdir().unwrap();
        let address = ListenAddress::Unix(folder.path().join("none/milter.sock"));
        let error = Listener::bind(&address, None).unwrap_err();
        assert!(error.to_string().contains("its folder does not exist"), "{error}");
    }

    #[test]
    fn a_listener_leaves_a_successors_socket_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("milter.sock");
        let address = ListenAddress::Unix(path.clone());
        let first = Listener::bind(&address, None).unwrap();
        fs::rename(&path, folder.path().join("aside")).unwrap();
        let _second = Listener::bind(&address, None).unwrap();
        drop(first);
        assert!(path.exists());
    }

    #[test]
    fn tcp_port_0_becomes_a_real_port() {
        let listener = Listener::bind(&ListenAddress::Tcp("127.0.0.1:0".into()), None).unwrap();
        let ListenAddress::Tcp(text) = listener.address() else { panic!() };
        assert!(text.starts_with("127.0.0.1:") && !text.ends_with(":0"), "{text}");
        assert!(matches!(Listener::bind(listener.address(), None), Err(ListenError::Taken(_))));
    }
}
