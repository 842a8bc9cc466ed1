//! Where Postfix delivers to: an LMTP server (RFC 2033) that keeps each message, byte for byte, and its envelope.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use super::Watched;

/// A message that was delivered: once, to these recipients.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The envelope sender; empty for the null sender.
    pub sender: String,
    pub recipients: Vec<String>,
    pub message: Vec<u8>,
}

impl Delivery {
    /// The message as text, for tests of what people read.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.message).into_owned()
    }
}

/// The mailbox of the whole world. Recipients at bounce.example are refused, so that Postfix returns the mail.
pub struct Sink {
    pub port: u16,
    deliveries: Arc<Watched<Delivery>>,
}

impl Sink {
    /// Listens, until the process ends.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let deliveries = Arc::new(Watched::default());
        let shelf = Arc::clone(&deliveries);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shelf = Arc::clone(&shelf);
                // A session that Postfix ends early is no concern of the tests: it delivers again.
                thread::spawn(move || session(&stream, &shelf));
            }
        });
        Self { port, deliveries }
    }

    /// Waits for the next message to that recipient and takes it out.
    pub fn take(&self, recipient: &str) -> Delivery {
        self.deliveries.wait(&format!("mail to {recipient}"), |shelf| {
            let at =
                shelf.iter().position(|delivery| delivery.recipients.iter().any(|to| to == recipient))?;
            Some(shelf.remove(at))
        })
    }

    /// Waits until `seek` finds what it wants among what was delivered.
    pub fn wait<R>(&self, what: &str, seek: impl FnMut(&mut Vec<Delivery>) -> Option<R>) -> R {
        self.deliveries.wait(what, seek)
    }

    /// Looks at what was delivered so far and not taken out.
    pub fn look<R>(&self, seek: impl FnOnce(&mut Vec<Delivery>) -> R) -> R {
        self.deliveries.look(seek)
    }

    /// How many messages lie here for that recipient now.
    pub fn count(&self, recipient: &str) -> usize {
        self.deliveries.look(|shelf| {
            shelf.iter().filter(|delivery| delivery.recipients.iter().any(|to| to == recipient)).count()
        })
    }
}

fn session(stream: &TcpStream, shelf: &Watched<Delivery>) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    writer.write_all(b"220 sink LMTP\r\n")?;
    let mut sender = String::new();
    let mut recipients: Vec<String> = Vec::new();
    loop {
        let mut line = Vec::new();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        let verb = line.split([' ', ':']).next().unwrap_or("").to_uppercase();
        match verb.as_str() {
            "LHLO" => writer.write_all(b"250-sink\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 PIPELINING\r\n")?,
            "MAIL" => {
                sender = path(&line);
                writer.write_all(b"250 ok\r\n")?;
            }
            "RCPT" if path(&line).ends_with("@bounce.example") => {
                writer.write_all(b"550 5.1.1 nobody\r\n")?
            }
            "RCPT" => {
                recipients.push(path(&line));
                writer.write_all(b"250 ok\r\n")?;
            }
            "DATA" if recipients.is_empty() => writer.write_all(b"503 no recipients\r\n")?,
            "DATA" => {
                writer.write_all(b"354 go on\r\n")?;
                let message = read_message(&mut reader)?;
                let answers = b"250 ok\r\n".repeat(recipients.len());
                let delivery =
                    Delivery { sender: sender.clone(), recipients: std::mem::take(&mut recipients), message };
                shelf.push(delivery);
                writer.write_all(&answers)?;
            }
            "QUIT" => return writer.write_all(b"221 bye\r\n"),
            _ => {
                recipients.clear();
                writer.write_all(b"250 ok\r\n")?;
            }
        }
    }
}

/// The address between the angle brackets.
fn path(line: &str) -> String {
    line.split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map_or_else(String::new, |(path, _)| path.to_owned())
}

fn read_message(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut message = Vec::new();
    loop {
        let start = message.len();
        if reader.read_until(b'\n', &mut message)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if message[start..] == *b".\r\n" {
            message.truncate(start);
            return Ok(message);
        }
        if message[start..].starts_with(b".") {
            message.remove(start);
        }
    }
}
