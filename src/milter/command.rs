//! The MTA's commands: a frame's bytes into a typed command that borrows from them. It knows no state.

use super::frame::{End, Frame};

/// A command of the MTA. Texts are the bytes as they came, without the NUL that ends each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command<'x> {
    /// `SMFIC_OPTNEG`: what the MTA can do.
    Negotiate(Offer),
    /// `SMFIC_MACRO`: macros for the command that follows.
    Macros(Macros<'x>),
    /// `SMFIC_CONNECT`: an SMTP client is there.
    Connect(Connection<'x>),
    /// `SMFIC_HELO`.
    Hello,
    /// `SMFIC_MAIL`: a message begins.
    Mail {
        /// The reverse path, usually with its brackets.
        path: &'x [u8],
    },
    /// `SMFIC_RCPT`.
    Recipient {
        /// The forward path, usually with its brackets.
        path: &'x [u8],
    },
    /// `SMFIC_DATA`.
    Data,
    /// `SMFIC_HEADER`: one header field.
    Header {
        /// Its name.
        name: &'x [u8],
        /// What follows the colon, folds as line feeds.
        value: &'x [u8],
    },
    /// `SMFIC_EOH`.
    EndOfHeader,
    /// `SMFIC_BODY`: a piece of the body; a reply is due once it has ended.
    Body(&'x [u8], End),
    /// `SMFIC_BODYEOB`: the message is complete; some MTAs send the last piece of the body with it.
    EndOfMessage(&'x [u8]),
    /// `SMFIC_ABORT`: the message is given up.
    Abort,
    /// `SMFIC_QUIT`.
    Quit,
    /// `SMFIC_QUIT_NC`: the SMTP client has gone, another will follow on this connection.
    QuitForAnother,
    /// `SMFIC_UNKNOWN`: an SMTP command that the MTA does not know.
    UnknownSmtp,
}

/// What the MTA offers when it opens a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// The highest protocol version that it speaks.
    pub version: u32,
    /// What a filter may ask for (`SMFIF_*`).
    pub actions: u32,
    /// Which commands it can leave out and replies it can do without (`SMFIP_*`).
    pub steps: u32,
}

/// Macro names and values, unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Macros<'x> {
    /// The letter of the command that they belong to.
    pub stage: u8,
    pairs: &'x [u8],
}

impl<'x> Macros<'x> {
    /// Names and values. A name without a value ends it.
    pub fn pairs(self) -> impl Iterator<Item = (&'x [u8], &'x [u8])> {
        let mut rest = self.pairs;
        std::iter::from_fn(move || {
            let (name, after) = text(rest)?;
            let (value, after) = text(after)?;
            rest = after;
            Some((name, value))
        })
    }
}

/// How an SMTP client reached the MTA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection<'x> {
    /// The client's name, or its address in brackets.
    pub name: &'x [u8],
    /// Over what it came.
    pub family: Family,
    /// Its port; 0 where there is none.
    pub port: u16,
    /// Its address as text; empty where there is none.
    pub address: &'x [u8],
}

/// Over what an SMTP client reached the MTA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// It cannot be told.
    Unknown,
    /// A Unix socket or a pipe.
    Unix,
    /// IPv4.
    Inet,
    /// IPv6.
    Inet6,
}

/// A frame that is no command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// No command has this code.
    #[error("a command with the unknown code {0:#04x}")]
    Code(u8),
    /// The command's arguments are cut short.
    #[error("a command `{command}` whose {argument} is missing")]
    Short {
        /// The command's letter.
        command: char,
        /// Which argument.
        argument: &'static str,
    },
}

impl<'x> Command<'x> {
    /// Reads a frame as a command. What follows the known arguments is ignored.
    ///
    /// # Errors
    /// When the code is unknown or an argument is missing.
    pub fn parse(frame: Frame<'x>) -> Result<Self, CommandError> {
        let payload = frame.payload;
        let short =
            |argument: &'static str| CommandError::Short { command: char::from(frame.code), argument };
        Ok(match frame.code {
            b'O' => Self::Negotiate(offer(payload).ok_or_else(|| short("offer"))?),
            b'D' => {
                let (&stage, pairs) = payload.split_first().ok_or_else(|| short("stage"))?;
                Self::Macros(Macros { stage, pairs })
            }
            b'C' => Self::Connect(connection(payload).ok_or_else(|| short("connection"))?),
            b'H' => Self::Hello,
            b'M' => Self::Mail { path: text(payload).ok_or_else(|| short("path"))?.0 },
            b'R' => Self::Recipient { path: text(payload).ok_or_else(|| short("path"))?.0 },
            b'T' => Self::Data,
            b'L' => {
                let (name, rest) = text(payload).ok_or_else(|| short("name"))?;
                Self::Header { name, value: text(rest).ok_or_else(|| short("value"))?.0 }
            }
            b'N' => Self::EndOfHeader,
            b'B' => Self::Body(payload, frame.end),
            b'E' => Self::EndOfMessage(payload),
            b'A' => Self::Abort,
            b'Q' => Self::Quit,
            b'K' => Self::QuitForAnother,
            b'U' => Self::UnknownSmtp,
            code => return Err(CommandError::Code(code)),
        })
    }

    /// The command's name in the protocol, for logs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Negotiate(_) => "OPTNEG",
            Self::Macros(_) => "MACRO",
            Self::Connect(_) => "CONNECT",
            Self::Hello => "HELO",
            Self::Mail { .. } => "MAIL",
            Self::Recipient { .. } => "RCPT",
            Self::Data => "DATA",
            Self::Header { .. } => "HEADER",
            Self::EndOfHeader => "EOH",
            Self::Body(..) => "BODY",
            Self::EndOfMessage(_) => "BODYEOB",
            Self::Abort => "ABORT",
            Self::Quit => "QUIT",
            Self::QuitForAnother => "QUIT_NC",
            Self::UnknownSmtp => "UNKNOWN",
        }
    }
}

/// The bytes up to the next NUL, and what follows it. `None` where no NUL is left.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|&byte| byte == 0)?;
    Some((bytes.get(..end)?, bytes.get(end + 1..)?))
}

fn offer(payload: &[u8]) -> Option<Offer> {
    let (version, rest) = payload.split_first_chunk::<4>()?;
    let (actions, rest) = rest.split_first_chunk::<4>()?;
    let (steps, _) = rest.split_first_chunk::<4>()?;
    Some(Offer {
        version: u32::from_be_bytes(*version),
        actions: u32::from_be_bytes(*actions),
        steps: u32::from_be_bytes(*steps),
    })
}

fn connection(payload: &[u8]) -> Option<Connection<'_>> {
    let (name, rest) = text(payload)?;
    let (&family, rest) = rest.split_first()?;
    let family = match family {
        b'4' => Family::Inet,
        b'6' => Family::Inet6,
        b'L' => Family::Unix,
        _ => return Some(Connection { name, family: Family::Unknown, port: 0, address: b"" }),
    };
    let (port, rest) = rest.split_first_chunk::<2>()?;
    Some(Connection { name, family, port: u16::from_be_bytes(*port), address: text(rest)?.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop, prop_assert, proptest};

    fn parse(code: u8, payload: &[u8]) -> Result<Command<'_>, CommandError> {
        Command::parse(Frame { code, payload, end: End::Complete })
    }

    #[test]
    fn commands_read_as_the_protocol_has_them() {
        let offer = Offer { version: 6, actions: 0x1ff, steps: 0x1f_ffff };
        let inet = Connection {
            name: b"mail.oakfield.example",
            family: Family::Inet,
            port: 2_525,
            address: b"192.0.2.1",
        };
        let unknown = Connection { name: b"x", family: Family::Unknown, port: 0, address: b"" };
        let cases: &[(u8, &[u8], Command<'_>)] = &[
            (b'O', b"\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff", Command::Negotiate(offer)),
            (b'O', b"\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xffmore", Command::Negotiate(offer)),
            (b'C', b"mail.oakfield.example\x004\x09\xdd192.0.2.1\0", Command::Connect(inet)),
            (b'C', b"x\0U", Command::Connect(unknown)),
            (b'H', b"client\0", Command::Hello),
            (b'M', b"<head@oakfield.example>\0SIZE=9\0", Command::Mail { path: b"<head@oakfield.example>" }),
            (b'M', b"<>\0", Command::Mail { path: b"<>" }),
            (b'R', b"<a@b.example>\0", Command::Recipient { path: b"<a@b.example>" }),
            (b'T', b"", Command::Data),
            (b'L', b"Subject\0 hi\n there\0", Command::Header { name: b"Subject", value: b" hi\n there" }),
            (b'L', b"X-Empty\0\0", Command::Header { name: b"X-Empty", value: b"" }),
            (b'N', b"", Command::EndOfHeader),
            (b'B', b"a\0b", Command::Body(b"a\0b", End::Complete)),
            (b'E', b"", Command::EndOfMessage(b"")),
            (b'A', b"", Command::Abort),
            (b'Q', b"", Command::Quit),
            (b'K', b"", Command::QuitForAnother),
            (b'U', b"FOO\0", Command::UnknownSmtp),
        ];
        for (code, payload, expected) in cases {
            assert_eq!(parse(*code, payload), Ok(*expected), "{}", char::from(*code));
        }
    }

    #[test]
    fn commands_cut_short_say_what_is_missing() {
        for (code, payload, argument) in [
            (b'O', &b"\0\0\0\x06\0\0\x01\xff\0\x1f\xff"[..], "offer"),
            (b'D', b"", "stage"),
            (b'C', b"name", "connection"),
            (b'C', b"name\0", "connection"),
            (b'C', b"name\x004\0", "connection"),
            (b'C', b"name\x004\0\x19192.0.2.1", "connection"),
            (b'M', b"", "path"),
            (b'R', b"<a@b.example>", "path"),
            (b'L', b"Subject", "name"),
            (b'L', b"Subject\0value", "value"),
        ] {
            let expected = CommandError::Short { command: char::from(code), argument };
            assert_eq!(parse(code, payload), Err(expected));
        }
        assert_eq!(parse(b'?', b""), Err(CommandError::Code(b'?')));
    }

    #[test]
    fn macros_come_in_pairs_and_an_odd_one_ends_them() {
        let Ok(Command::Macros(macros)) = parse(b'D', b"Mi\x004dHx\0{auth_authen}\0\0j\0no end") else {
            panic!()
        };
        assert_eq!(macros.stage, b'M');
        let pairs: Vec<_> = macros.pairs().collect();
        assert_eq!(pairs, [(&b"i"[..], &b"4dHx"[..]), (b"{auth_authen}", b"")]);
    }

    proptest! {
        #[test]
        fn random_payloads_never_panic(code in any::<u8>(), payload in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(Command::Macros(macros)) = parse(code, &payload) {
                prop_assert!(macros.pairs().count() <= payload.len());
            }
        }
    }
}
