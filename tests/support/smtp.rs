//! An SMTP client that can misbehave: pipelining, raw bytes, dropped connections, XCLIENT. RFC 5321.

use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A connection to an SMTP server.
pub struct Smtp {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub code: u16,
    /// The lines' texts, joined by line feeds.
    pub text: String,
}

impl Reply {
    /// The queue id in Postfix's `250 2.0.0 Ok: queued as …`.
    pub fn queue_id(&self) -> &str {
        self.text
            .split_once("queued as ")
            .map(|(_, rest)| rest.trim())
            .filter(|_| self.code == 250)
            .unwrap_or_else(|| panic!("not taken: {self}"))
    }

    /// This reply, which must have that code.
    pub fn expect_code(self, code: u16) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.text)
    }
}

impl Smtp {
    /// Connects, is greeted, and says EHLO.
    pub fn connect(port: u16) -> Self {
        let writer = TcpStream::connect(("127.0.0.1", port)).unwrap();
        writer.set_nodelay(true).unwrap();
        writer.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        let reader = BufReader::new(writer.try_clone().unwrap());
        let mut smtp = Self { reader, writer };
        smtp.reply().expect_code(220);
        smtp.command("EHLO client.oakfield.example").expect_code(250);
        smtp
    }

    /// Becomes another client, such as `ADDR=203.0.113.7 LOGIN=head`, and is greeted anew.
    pub fn xclient(mut self, attributes: &str) -> Self {
        self.command(&format!("XCLIENT {attributes}")).expect_code(220);
        self.command("EHLO client.oakfield.example").expect_code(250);
        self
    }

    /// Sends a line and reads the answer.
    pub fn command(&mut self, line: &str) -> Reply {
        self.write(format!("{line}\r\n").as_bytes());
        self.reply()
    }

    /// Sends bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).unwrap();
    }

    /// Reads an answer of one or several lines.
    pub fn reply(&mut self) -> Reply {
        let mut lines = Vec::new();
        loop {
            let mut line = Vec::new();
            self.reader.read_until(b'\n', &mut line).unwrap();
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            assert!(line.len() >= 3, "the server closed the connection after {lines:?}");
            let code = line[..3].parse().unwrap();
            lines.push(line.get(4..).unwrap_or("").to_owned());
            if line.as_bytes().get(3) != Some(&b'-') {
                return Reply { code, text: lines.join("\n") };
            }
        }
    }

    /// MAIL, RCPT and DATA in one go (RFC 2920), each of which must be taken.
    pub fn envelope(&mut self, from: &str, to: &[&str]) {
        let mut commands = format!("MAIL FROM:<{from}> BODY=8BITMIME\r\n");
        for recipient in to {
            commands.push_str(&format!("RCPT TO:<{recipient}>\r\n"));
        }
        commands.push_str("DATA\r\n");
        self.write(commands.as_bytes());
        self.reply().expect_code(250);
        for _ in to {
            self.reply().expect_code(250);
        }
        self.reply().expect_code(354);
    }

    /// Sends a message; returns the answer to its end.
    pub fn send(&mut self, from: &str, to: &[&str], message: &[u8]) -> Reply {
        self.envelope(from, to);
        self.write(&stuffed(message));
        self.write(b".\r\n");
        self.reply()
    }

    /// Sends a message like [`Self::send`], but bears a refusal at every step and returns the first.
    pub fn try_send(&mut self, from: &str, to: &[&str], message: &[u8]) -> Reply {
        let mut commands = vec![format!("MAIL FROM:<{from}>")];
        commands.extend(to.iter().map(|recipient| format!("RCPT TO:<{recipient}>")));
        commands.push("DATA".to_owned());
        for command in commands {
            let reply = self.command(&command);
            if reply.code >= 400 {
                return reply;
            }
        }
        self.write(&stuffed(message));
        self.write(b".\r\n");
        self.reply()
    }
}

/// A message with its leading dots doubled (RFC 5321 §4.5.2) and a line end at its end.
fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(message.len() + 2);
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            bytes.push(b'.');
        }
        bytes.extend_from_slice(line);
    }
    if !bytes.ends_with(b"\r\n") {
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}
