//! Lists of addresses as header fields write them (RFC 5322 §3.4): who is named there. Never says who gets the message.

use super::{Address, Message, decode_words};

/// Most mailboxes that are read out of one header: more than any program shows.
const MOST: usize = 10_000;

/// Somebody whom an address field names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The name beside the address, decoded; empty where there is none.
    pub name: String,
    /// The address.
    pub address: Address,
}

impl Message<'_> {
    /// Whom the fields of that name list, groups included.
    pub fn mailboxes(&self, field: &str) -> Vec<Mailbox> {
        let mut all = Vec::new();
        for field in self.fields(field) {
            read(field.value, &mut all);
        }
        all
    }
}

/// What is gathered of one mailbox.
#[derive(Default)]
struct Open {
    text: Vec<u8>,
    comment: Vec<u8>,
    address: Option<Vec<u8>>,
}

fn read(value: &[u8], to: &mut Vec<Mailbox>) {
    let mut open = Open::default();
    let (mut quoted, mut angled, mut depth, mut escaped) = (false, false, 0_usize, false);
    for byte in value.iter().copied() {
        let plain = !quoted && depth == 0;
        match byte {
            _ if escaped => escaped = false,
            b'\\' if !plain => {
                escaped = true;
                continue;
            }
            b'"' if depth == 0 => {
                quoted = !quoted;
                if !angled {
                    continue;
                }
            }
            b'(' if !quoted => depth += 1,
            b')' if depth > 0 => depth -= 1,
            b'<' if plain => {
                angled = true;
                open.address = Some(Vec::new());
                continue;
            }
            b'>' if plain => angled = false,
            b',' | b';' if plain && !angled => {
                open.close(to);
                continue;
            }
            // What stands before was the name of a group.
            b':' if plain && !angled => {
                open = Open::default();
                continue;
            }
            _ => {}
        }
        match &mut open.address {
            Some(address) if angled && depth == 0 => address.push(byte),
            _ if depth > 0 && byte != b'(' => open.comment.push(byte),
            _ if depth == 0 && byte != b')' && byte != b'>' => open.text.push(byte),
            _ => {}
        }
    }
    open.close(to);
}

impl Open {
    /// Ends a mailbox, where it has an address.
    fn close(&mut self, to: &mut Vec<Mailbox>) {
        let Self { text, comment, address } = std::mem::take(self);
        let (name, address) = match address {
            Some(address) => (text, address),
            None => (comment, text),
        };
        let squeezed: Vec<u8> = address.into_iter().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let Some(address) = Address::parse(&squeezed) else { return };
        if !address.domain().is_empty() && to.len() < MOST {
            to.push(Mailbox { name: decode_words(&name).text.into_owned(), address });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    fn listed(value: &str) -> Vec<String> {
        let raw = format!("To: {value}\r\n\r\n");
        let message = Message::parse(raw.as_bytes(), &Limits::default());
        message.mailboxes("to").iter().map(|one| format!("{}|{}", one.name, one.address)).collect()
    }

    #[test]
    fn lists_of_addresses_are_read_as_people_write_them() {
        for (value, wanted) in [
            ("a@one.example", "|a@one.example"),
            ("Jo Hart <Jo@One.example>, b@two.example", "Jo Hart|jo@one.example |b@two.example"),
            ("\"Hart, Jo\" <jo@one.example>", "Hart, Jo|jo@one.example"),
            ("\"Jo \\\"H\\\" Hart\" <jo@one.example>", "Jo \"H\" Hart|jo@one.example"),
            ("jo@one.example (Jo Hart)", "Jo Hart|jo@one.example"),
            ("=?utf-8?q?Zo=C3=AB_M?=\r\n <zoe@one.example>", "Zoë M|zoe@one.example"),
            (
                "Staff: a@one.example, b@one.example;, c@two.example",
                "|a@one.example |b@one.example |c@two.example",
            ),
            ("undisclosed-recipients:;", ""),
            ("Jo <>, nobody, <a@one.example", "|a@one.example"),
            (",,;<<a@one.example>>", "|a@one.example"),
            ("Jo (the, head) Hart <jo@one.example>", "Jo  Hart|jo@one.example"),
        ] {
            assert_eq!(listed(value).join(" "), wanted, "{value}");
        }
    }

    #[test]
    fn there_is_an_end_to_it() {
        assert_eq!(listed(&"a@b.example,".repeat(20_000)).len(), MOST);
    }
}
