//! SMTP to the MTA on this machine, byte for byte (RFC 5321). Never retries, and never decides what a reply means.
//!
//! It is our own because the exact bytes are the point. lettre 0.11's `send_raw` ends every message with CRLF "." CRLF
//! even where it ends in CRLF already, which adds an empty line; it leaves a dot after a bare LF as it is, which an MTA
//! that takes LF for a line end reads as the end of the message; it gives up the message where one of its recipients
//! is refused; and its addresses are text, while envelopes are bytes.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(30);
/// RFC 5321 §4.5.3.2: five minutes for a command, three for a block of data, ten for the last word.
const COMMAND: Duration = Duration::from_secs(5 * 60);
const BLOCK: Duration = Duration::from_secs(3 * 60);
const LAST: Duration = Duration::from_secs(10 * 60);
/// Longest reply that is read, all its lines together.
const REPLY_BYTES: u64 = 16 << 10;
/// Bytes of a message that are read at once.
const PIECE: usize = 64 << 10;

/// Why a submission broke off. No reply stands behind it.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// Nobody answers there.
    #[error(
        "could not connect to the mail server at {server}: {source}; check that it runs, and `[outgoing] smtp`"
    )]
    Connect {
        /// Where.
        server: String,
        /// Why.
        source: io::Error,
    },
    /// The connection broke, or a wait was over.
    #[error("the connection to the mail server broke {during}: {source}")]
    Connection {
        /// When, such as "after RCPT".
        during: &'static str,
        /// Why.
        source: io::Error,
    },
    /// What came is no SMTP reply.
    #[error("the mail server answered {during} with something that is no SMTP reply")]
    NoReply {
        /// When.
        during: &'static str,
    },
    /// The mail server does not take mail now, or from us.
    #[error("the mail server said {0}")]
    Unwilling(Reply),
    /// The message's file is not as it was written.
    #[error("the kept message {0} on the disk; restore the store's folder `content` from a backup")]
    Content(String),
}

/// What an SMTP server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The reply code.
    pub code: u16,
    /// The text of all its lines, of at most 500 characters.
    pub text: String,
}

impl Reply {
    /// Whether the command was carried out (2yz), or the server waits for more (3yz).
    pub const fn is_positive(&self) -> bool {
        self.code >= 200 && self.code < 400
    }

    /// Whether it is a refusal for good (5yz); all else that is not positive may be tried again (RFC 5321 §4.2.1).
    pub const fn is_permanent(&self) -> bool {
        self.code >= 500 && self.code < 600
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.code, self.text)
    }
}

/// What an envelope needs of the server, where the server offers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope8Bit {
    /// The content has bytes beyond ASCII (RFC 6152).
    pub content: bool,
    /// An address has UTF-8 beyond ASCII (RFC 6531).
    pub addresses: bool,
}

/// A message to send: a header field to put before it, and its file.
#[derive(Debug, Clone, Copy)]
pub struct Data<'a> {
    /// A whole header field, line end included.
    pub first: &'a [u8],
    /// Where the content lies.
    pub content: &'a Path,
    /// SHA-256 of the content.
    pub digest: &'a [u8; 32],
}

/// A connection to an SMTP server that has greeted us.
#[derive(Debug)]
pub struct Session {
    stream: BufReader<TcpStream>,
    eight_bit: bool,
    utf8: bool,
}

impl Session {
    /// Connects and says EHLO. `hello` is this machine's name.
    ///
    /// # Errors
    /// Where nobody answers, or the server does not take mail.
    pub async fn open(server: &str, hello: &str) -> Result<Self, SubmitError> {
        let failed = |source| SubmitError::Connect { server: server.to_owned(), source };
        let stream = timeout(CONNECT, TcpStream::connect(server))
            .await
            .map_err(|_| failed(late()))?
            .map_err(failed)?;
        // Commands wait for replies: nothing is won by collecting small segments.
        stream.set_nodelay(true).map_err(failed)?;
        let mut session = Self { stream: BufReader::new(stream), eight_bit: false, utf8: false };
        let greeting = session.reply("at the greeting", COMMAND).await?;
        if !greeting.is_positive() {
            return Err(SubmitError::Unwilling(greeting));
        }
        let hello = session.command(format!("EHLO {hello}").as_bytes(), "after EHLO").await?;
        if !hello.is_positive() {
            return Err(SubmitError::Unwilling(hello));
        }
        let offers = |name: &str| hello.text.split(' ').any(|word| word.eq_ignore_ascii_case(name));
        session.eight_bit = offers("8BITMIME");
        session.utf8 = offers("SMTPUTF8");
        Ok(session)
    }

    /// MAIL FROM. `sender` as an envelope has it; `None` is the null sender.
    ///
    /// # Errors
    /// Where the connection breaks.
    pub async fn mail(&mut self, sender: Option<&[u8]>, needs: Envelope8Bit) -> Result<Reply, SubmitError> {
        let Some(path) = path(sender.unwrap_or(b"<>")) else { return Ok(unsendable()) };
        let mut line = [b"MAIL FROM:", path.as_slice()].concat();
        if needs.content && self.eight_bit {
            line.extend_from_slice(b" BODY=8BITMIME");
        }
        if needs.addresses && self.utf8 {
            line.extend_from_slice(b" SMTPUTF8");
        }
        self.command(&line, "after MAIL").await
    }

    /// RCPT TO.
    ///
    /// # Errors
    /// Where the connection breaks.
    pub async fn rcpt(&mut self, recipient: &[u8]) -> Result<Reply, SubmitError> {
        let Some(path) = path(recipient) else { return Ok(unsendable()) };
        self.command(&[b"RCPT TO:", path.as_slice()].concat(), "after RCPT").await
    }

    /// DATA and the message. After `Err` with [`SubmitError::Connection`] nobody knows what became of it; any other
    /// error says that the server has not got all of it.
    ///
    /// # Errors
    /// Where the connection breaks, or the file is not what the digest says: then the last line is never sent.
    pub async fn data(&mut self, data: &Data<'_>) -> Result<Reply, SubmitError> {
        let ready = self.command(b"DATA", "after DATA").await?;
        if ready.code != 354 {
            // RFC 5321 §4.3.2: nothing else but a failure is foreseen; one that pretends success is none.
            return Ok(if ready.is_positive() { Reply { code: 451, text: ready.text } } else { ready });
        }
        let path = data.content.to_owned();
        let mut file = open(path).await?;
        let mut encoder = Encoder::default();
        let mut hash = Sha256::new();
        let mut out = Vec::with_capacity(PIECE + PIECE / 8);
        encoder.encode(data.first, &mut out);
        loop {
            let (given_back, piece) = read(file).await?;
            file = given_back;
            hash.update(&piece);
            encoder.encode(&piece, &mut out);
            if piece.is_empty() {
                break;
            }
            self.write(&out, "in the message").await?;
            out.clear();
        }
        if hash.finalize().as_slice() != data.digest {
            return Err(SubmitError::Content("is not what was written there: it has changed".to_owned()));
        }
        encoder.finish(&mut out);
        self.write(&out, "at the end of the message").await?;
        self.reply("after the message", LAST).await
    }

    /// RSET, before another envelope.
    ///
    /// # Errors
    /// Where the connection breaks.
    pub async fn reset(&mut self) -> Result<Reply, SubmitError> {
        self.command(b"RSET", "after RSET").await
    }

    /// Says goodbye; whether that is heard does not matter.
    pub async fn quit(mut self) {
        let _ = self.write(b"QUIT\r\n", "after QUIT").await;
    }

    async fn command(&mut self, line: &[u8], during: &'static str) -> Result<Reply, SubmitError> {
        self.write(&[line, b"\r\n"].concat(), during).await?;
        self.reply(during, COMMAND).await
    }

    async fn write(&mut self, bytes: &[u8], during: &'static str) -> Result<(), SubmitError> {
        let failed = |source| SubmitError::Connection { during, source };
        timeout(BLOCK, self.stream.get_mut().write_all(bytes))
            .await
            .map_err(|_| failed(late()))?
            .map_err(failed)
    }

    async fn reply(&mut self, during: &'static str, wait: Duration) -> Result<Reply, SubmitError> {
        timeout(wait, self.read_reply(during))
            .await
            .unwrap_or_else(|_| Err(SubmitError::Connection { during, source: late() }))
    }

    /// RFC 5321 §4.2: lines with a code and "-", then one with the code and a space or nothing.
    async fn read_reply(&mut self, during: &'static str) -> Result<Reply, SubmitError> {
        let (mut left, mut text) = (REPLY_BYTES, String::new());
        loop {
            let mut line = Vec::new();
            let read = (&mut self.stream).take(left).read_until(b'\n', &mut line).await;
            let read = read.map_err(|source| SubmitError::Connection { during, source })?;
            left = left.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
            if !line.ends_with(b"\n") {
                let source = io::Error::from(io::ErrorKind::UnexpectedEof);
                return Err(if left == 0 {
                    SubmitError::NoReply { during }
                } else {
                    SubmitError::Connection { during, source }
                });
            }
            let line = String::from_utf8_lossy(&line);
            let (code, rest) =
                line.trim_ascii_end().split_at_checked(3).ok_or(SubmitError::NoReply { during })?;
            let code = code.parse::<u16>().ok().filter(|code| (200..600).contains(code));
            let code = code.ok_or(SubmitError::NoReply { during })?;
            let more = rest.starts_with('-');
            text.push_str(rest.get(1..).unwrap_or(""));
            if !more {
                let text = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect();
                return Ok(Reply { code, text });
            }
            text.push(' ');
        }
    }
}

/// Turns a message into what goes over the wire (RFC 5321 §4.5.2): dots doubled at the start of a line, a last line
/// that ends. A bare LF becomes CRLF, as SMTP has no way to carry it (§2.3.8) and MTAs disagree on what it means.
#[derive(Debug, Default)]
struct Encoder {
    last: Option<u8>,
}

impl Encoder {
    fn encode(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if line.first() == Some(&b'.') && matches!(self.last, None | Some(b'\n')) {
                out.push(b'.');
            }
            match line.strip_suffix(b"\n") {
                Some(rest) => {
                    out.extend_from_slice(rest);
                    if rest.last().copied().or(self.last) != Some(b'\r') {
                        out.push(b'\r');
                    }
                    out.push(b'\n');
                }
                None => out.extend_from_slice(line),
            }
            self.last = line.last().copied();
        }
    }

    fn finish(self, out: &mut Vec<u8>) {
        if self.last.is_some_and(|last| last != b'\n') {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b".\r\n");
    }
}

/// An address as a command has it, in angle brackets. `None` where it would end the command: a control character
/// can stand in no address, and must not become a command of its own.
fn path(raw: &[u8]) -> Option<Vec<u8>> {
    let trimmed = raw.trim_ascii();
    if trimmed.iter().any(u8::is_ascii_control) {
        return None;
    }
    let bare = trimmed.strip_prefix(b"<").and_then(|rest| rest.strip_suffix(b">")).unwrap_or(trimmed);
    Some([b"<", bare, b">"].concat())
}

fn unsendable() -> Reply {
    Reply {
        code: 553,
        text: "the address has a control character and was not offered to the mail server".to_owned(),
    }
}

fn late() -> io::Error {
    io::Error::from(io::ErrorKind::TimedOut)
}

async fn open(path: std::path::PathBuf) -> Result<File, SubmitError> {
    on_disk(tokio::task::spawn_blocking(move || File::open(path)).await)
}

/// The next piece of a file; empty at its end.
async fn read(mut file: File) -> Result<(File, Vec<u8>), SubmitError> {
    let work = move || {
        let mut piece = Vec::with_capacity(PIECE);
        let limit = u64::try_from(PIECE).unwrap_or(u64::MAX);
        (&mut file).take(limit).read_to_end(&mut piece).map(|_| (file, piece))
    };
    on_disk(tokio::task::spawn_blocking(work).await)
}

fn on_disk<T>(result: Result<io::Result<T>, tokio::task::JoinError>) -> Result<T, SubmitError> {
    match result {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(SubmitError::Content(format!("cannot be read: {error}"))),
        Err(_) => Err(SubmitError::Content("cannot be read: mailwarden is ending".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn encoded(pieces: &[&[u8]]) -> Vec<u8> {
        let mut encoder = Encoder::default();
        let mut out = Vec::new();
        for piece in pieces {
            encoder.encode(piece, &mut out);
        }
        encoder.finish(&mut out);
        out
    }

    #[test]
    fn dots_are_doubled_and_the_last_line_ends_once() {
        for (content, wire) in [
            (&b""[..], &b".\r\n"[..]),
            (b"one\r\n", b"one\r\n.\r\n"),
            (b"one", b"one\r\n.\r\n"),
            (b"one\r\n\r\n", b"one\r\n\r\n.\r\n"),
            (b".\r\n..\r\na.b\r\n", b"..\r\n...\r\na.b\r\n.\r\n"),
            (b"a\n.\nQUIT\n", b"a\r\n..\r\nQUIT\r\n.\r\n"),
            (b"a\r.\r\n\0\xff\r\n", b"a\r.\r\n\0\xff\r\n.\r\n"),
            (b"a\r", b"a\r\r\n.\r\n"),
        ] {
            assert_eq!(encoded(&[content]), wire, "{content:?}");
        }
    }

    #[test]
    fn no_address_becomes_a_command() {
        assert_eq!(path(b"<a@oakfield.example>").unwrap(), b"<a@oakfield.example>");
        assert_eq!(path(b" b@oakfield.example ").unwrap(), b"<b@oakfield.example>");
        assert_eq!(path(b"<>").unwrap(), b"<>");
        assert_eq!(path(b"<\xe9@oakfield.example>").unwrap(), b"<\xe9@oakfield.example>");
        for raw in [&b"<a@oakfield.example>\r\nDATA"[..], b"a\nb", b"a\0b"] {
            assert_eq!(path(raw), None);
        }
    }

    proptest! {
        #[test]
        fn the_receiver_reads_what_was_kept(body in proptest::collection::vec(proptest::sample::select(b"a.\r\n\0\xff".to_vec()), 0..60), at in any::<proptest::sample::Index>()) {
            let (first, second) = body.split_at(at.index(body.len() + 1));
            let wire = encoded(&[first, second]);
            prop_assert_eq!(&wire, &encoded(&[&body]));
            // The end is at the end alone, whoever takes a bare LF for a line end included.
            let inner = &wire[..wire.len() - 3];
            prop_assert!(inner.is_empty() || inner.ends_with(b"\r\n"));
            let lines: Vec<&[u8]> = inner.split_inclusive(|byte| *byte == b'\n').collect();
            prop_assert!(lines.iter().all(|line| !line.strip_suffix(b"\n").unwrap().trim_ascii_end().eq(b".") || line.starts_with(b"..")));
            let unstuffed: Vec<u8> = lines.iter().flat_map(|line| line.strip_prefix(b".").unwrap_or(line).to_vec()).collect();
            let text: Vec<u8> = body.iter().enumerate().flat_map(|(i, byte)| match byte {
                b'\n' if i == 0 || body[i - 1] != b'\r' => vec![b'\r', b'\n'],
                other => vec![*other],
            }).collect();
            let ended = if text.is_empty() || text.ends_with(b"\n") { text } else { [text.as_slice(), b"\r\n"].concat() };
            prop_assert_eq!(unstuffed, ended);
        }
    }
}
