//! The control socket: `reload`, `status` and `flush`, one line of JSON each way. Never carries message content.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

use super::ServeError;
use super::state::Filter;

/// Longest request, in bytes.
const REQUEST_BYTES: u64 = 1024;

/// Longest answer, in bytes.
const ANSWER_BYTES: u64 = 1 << 20;

/// How long a client may take to ask, and the filter to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// What may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Take up the changed policy and roll.
    Reload,
    /// Say how you are.
    Status,
    /// Send what waits in the outbox now.
    Flush,
}

/// Asks the running filter.
///
/// # Errors
/// When nothing listens there, or it does not answer within a minute.
pub fn ask(socket: &Path, request: Request) -> io::Result<Value> {
    let mut stream = std::os::unix::net::UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    writeln!(stream, "{}", serde_json::to_string(&request)?)?;
    let mut line = String::new();
    BufReader::new(stream.take(ANSWER_BYTES)).read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

/// Opens the socket, for its owner alone. A socket that a dead filter left is replaced; a live one is not.
pub(super) fn bind(socket: &Path) -> Result<UnixListener, ServeError> {
    let failed = |source| ServeError::Control { path: socket.display().to_string(), source };
    if std::os::unix::net::UnixStream::connect(socket).is_ok() {
        return Err(failed(io::ErrorKind::AddrInUse.into()));
    }
    remove(socket);
    if let Some(folder) = socket.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let listener = UnixListener::bind(socket).map_err(failed)?;
    fs::set_permissions(socket, fs::Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(listener)
}

/// Removes the socket's file, where there is one.
pub(super) fn remove(socket: &Path) {
    let _ = fs::remove_file(socket);
}

/// Answers until the filter stops.
pub(super) async fn serve(listener: UnixListener, filter: Arc<Filter>, mut stopped: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                let filter = Arc::clone(&filter);
                tokio::spawn(async move { tokio::time::timeout(PATIENCE, answer(stream, filter)).await });
            },
            _ = stopped.changed() => return,
        }
    }
}

async fn answer(stream: UnixStream, filter: Arc<Filter>) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    tokio::io::BufReader::new(reader.take(REQUEST_BYTES)).read_line(&mut line).await?;
    let answer = match serde_json::from_str(&line) {
        Ok(Request::Reload) => match filter.reload().await {
            Ok(text) => {
                tracing::info!("{text}");
                json!({ "ok": true, "text": text })
            }
            Err(text) => {
                tracing::error!("{text}");
                json!({ "ok": false, "text": text })
            }
        },
        Ok(Request::Status) => filter.status().await,
        Ok(Request::Flush) => {
            filter.notices.notify_one();
            filter.outbox.notify_one();
            json!({ "ok": true, "text": "the outbox was woken" })
        }
        Err(_) => json!({ "ok": false, "text": "not a request: ask \"reload\", \"status\" or \"flush\"" }),
    };
    writer.write_all(format!("{answer}\n").as_bytes()).await
}
