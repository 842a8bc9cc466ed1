//! What mailwarden asks of an MTA, cut down to what that MTA offers. Bits and numbers; no state, no I/O.

use super::command::Offer;
use super::frame;

/// The versions of the protocol that are spoken.
pub const VERSIONS: std::ops::RangeInclusive<u32> = 2..=6;

/// What a filter may ask for (`SMFIF_*`).
mod action {
    pub const ADD_HEADERS: u32 = 1 << 0;
    pub const CHANGE_BODY: u32 = 1 << 1;
    pub const ADD_RECIPIENTS: u32 = 1 << 2;
    pub const DELETE_RECIPIENTS: u32 = 1 << 3;
    pub const CHANGE_HEADERS: u32 = 1 << 4;
    pub const SET_MACROS: u32 = 1 << 8;
}

/// Which commands the MTA leaves out, and which replies it does without (`SMFIP_*`).
mod step {
    pub const NO_HELO: u32 = 1 << 1;
    pub const NO_END_OF_HEADER: u32 = 1 << 6;
    pub const NO_REPLY_HEADER: u32 = 1 << 7;
    pub const NO_UNKNOWN: u32 = 1 << 8;
    pub const NO_DATA: u32 = 1 << 9;
    pub const NO_REPLY_CONNECT: u32 = 1 << 12;
    pub const NO_REPLY_HELO: u32 = 1 << 13;
    pub const NO_REPLY_MAIL: u32 = 1 << 14;
    pub const NO_REPLY_RECIPIENT: u32 = 1 << 15;
    pub const NO_REPLY_DATA: u32 = 1 << 16;
    pub const NO_REPLY_UNKNOWN: u32 = 1 << 17;
    pub const NO_REPLY_END_OF_HEADER: u32 = 1 << 18;
    pub const NO_REPLY_BODY: u32 = 1 << 19;
    pub const LEADING_SPACE: u32 = 1 << 20;
}

const WANTED_ACTIONS: u32 = action::ADD_HEADERS
    | action::CHANGE_BODY
    | action::ADD_RECIPIENTS
    | action::DELETE_RECIPIENTS
    | action::CHANGE_HEADERS
    | action::SET_MACROS;

const WANTED_STEPS: u32 = step::NO_HELO
    | step::NO_DATA
    | step::NO_END_OF_HEADER
    | step::NO_UNKNOWN
    | step::LEADING_SPACE
    | step::NO_REPLY_CONNECT
    | step::NO_REPLY_HELO
    | step::NO_REPLY_MAIL
    | step::NO_REPLY_RECIPIENT
    | step::NO_REPLY_DATA
    | step::NO_REPLY_UNKNOWN
    | step::NO_REPLY_HEADER
    | step::NO_REPLY_END_OF_HEADER
    | step::NO_REPLY_BODY;

/// The macros that are asked for, by stage (`SMFIM_*`: connect, HELO, MAIL, RCPT, DATA, end of message, end of header).
///
/// Only two are used: each further one costs the MTA and the wire time on every message. The client's name and address
/// come with CONNECT and the paths with MAIL and RCPT anyway, and for `{mail_addr}` and `{rcpt_addr}` Postfix has to ask
/// another process. A stage without a list, or with an empty one, gets the MTA's own, which Postfix sends even with
/// commands that it was told to leave out, and the last one's with each header field. So these stages ask for a macro
/// that nobody defines.
const MACROS: &[u8] = b"\
    \x00\x00\x00\x00{none}\0\
    \x00\x00\x00\x01{none}\0\
    \x00\x00\x00\x02{auth_authen}\0\
    \x00\x00\x00\x03{none}\0\
    \x00\x00\x00\x04{none}\0\
    \x00\x00\x00\x05i\0\
    \x00\x00\x00\x06{none}\0";

/// A change to a message or its envelope that an MTA may or may not offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ability {
    /// Adding header fields.
    AddHeaders,
    /// Changing and removing header fields.
    ChangeHeaders,
    /// Replacing the body.
    ChangeBody,
    /// Adding recipients.
    AddRecipients,
    /// Removing recipients.
    DeleteRecipients,
}

/// A command that the MTA may be told to expect no reply to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// CONNECT.
    Connect,
    /// HELO.
    Hello,
    /// MAIL.
    Mail,
    /// RCPT.
    Recipient,
    /// DATA.
    Data,
    /// A header field.
    Header,
    /// The header's end.
    EndOfHeader,
    /// A piece of the body.
    Body,
    /// An SMTP command that the MTA does not know.
    Unknown,
}

/// What both sides agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Agreement {
    version: u32,
    actions: u32,
    steps: u32,
}

/// An offer that cannot be taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the MTA speaks milter protocol version {0}; versions 2 to 6 are supported")]
pub struct VersionError(pub u32);

impl Agreement {
    /// Takes of an offer what mailwarden wants.
    ///
    /// # Errors
    /// When the version is older than 2.
    pub fn from_offer(offer: Offer) -> Result<Self, VersionError> {
        if offer.version < *VERSIONS.start() {
            return Err(VersionError(offer.version));
        }
        Ok(Self {
            version: offer.version.min(*VERSIONS.end()),
            actions: offer.actions & WANTED_ACTIONS,
            steps: offer.steps & WANTED_STEPS,
        })
    }

    /// Appends the answer to the offer.
    pub fn write(&self, out: &mut Vec<u8>) {
        let macros = if self.actions & action::SET_MACROS != 0 { MACROS } else { &[] };
        let numbers = [self.version, self.actions, self.steps].map(u32::to_be_bytes);
        frame::write(out, b'O', &[numbers.as_flattened(), macros]);
    }

    /// Whether the MTA waits for a reply to that command.
    pub const fn expects_reply(&self, event: Event) -> bool {
        let flag = match event {
            Event::Connect => step::NO_REPLY_CONNECT,
            Event::Hello => step::NO_REPLY_HELO,
            Event::Mail => step::NO_REPLY_MAIL,
            Event::Recipient => step::NO_REPLY_RECIPIENT,
            Event::Data => step::NO_REPLY_DATA,
            Event::Header => step::NO_REPLY_HEADER,
            Event::EndOfHeader => step::NO_REPLY_END_OF_HEADER,
            Event::Body => step::NO_REPLY_BODY,
            Event::Unknown => step::NO_REPLY_UNKNOWN,
        };
        self.steps & flag == 0
    }

    /// Whether the MTA can do that.
    pub const fn allows(&self, ability: Ability) -> bool {
        let flag = match ability {
            Ability::AddHeaders => action::ADD_HEADERS,
            Ability::ChangeHeaders => action::CHANGE_HEADERS,
            Ability::ChangeBody => action::CHANGE_BODY,
            Ability::AddRecipients => action::ADD_RECIPIENTS,
            Ability::DeleteRecipients => action::DELETE_RECIPIENTS,
        };
        self.actions & flag != 0
    }

    /// Whether header values come and go with the space after the colon. Where not, the MTA eats one space, and adds
    /// one to each value that it is given.
    pub const fn keeps_leading_space(&self) -> bool {
        self.steps & step::LEADING_SPACE != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [Event; 9] = [
        Event::Connect,
        Event::Hello,
        Event::Mail,
        Event::Recipient,
        Event::Data,
        Event::Header,
        Event::EndOfHeader,
        Event::Body,
        Event::Unknown,
    ];

    fn agree(version: u32, actions: u32, steps: u32) -> Agreement {
        Agreement::from_offer(Offer { version, actions, steps }).unwrap()
    }

    fn written(agreement: Agreement) -> Vec<u8> {
        let mut out = Vec::new();
        agreement.write(&mut out);
        out
    }

    #[test]
    fn never_asks_for_what_is_not_offered() {
        for bit in 0..32 {
            for version in 2..=7 {
                let agreement = agree(version, !(1 << bit), !(1 << bit));
                assert_eq!(agreement.actions & 1 << bit, 0);
                assert_eq!(agreement.steps & 1 << bit, 0);
                assert!(agreement.version <= version);
            }
        }
    }

    #[test]
    fn version_6_leaves_out_all_that_is_unused_and_names_its_macros() {
        // What Postfix 3.7 offers with milter_protocol = 6.
        let agreement = agree(6, 0x1ff, 0x1f_ffff);
        assert!(EVENTS.iter().all(|&event| !agreement.expects_reply(event)));
        assert!(agreement.keeps_leading_space());
        let mut expected = b"\0\0\0\x5cO\0\0\0\x06\0\0\x01\x1f\0\x1f\xf3\xc2".to_vec();
        expected.extend_from_slice(b"\0\0\0\0{none}\0\0\0\0\x01{none}\0\0\0\0\x02{auth_authen}\0");
        expected.extend_from_slice(b"\0\0\0\x03{none}\0\0\0\0\x04{none}\0\0\0\0\x05i\0\0\0\0\x06{none}\0");
        assert_eq!(written(agreement), expected);
    }

    #[test]
    fn older_versions_get_every_reply_and_no_macro_list() {
        // Postfix's masks for milter_protocol = 2, 3, 4.
        for (version, steps, left_out) in [(2, 0x7f, 0x42), (3, 0x17f, 0x142), (4, 0x37f, 0x342)] {
            let agreement = agree(version, 0x3f, steps);
            assert!(EVENTS.iter().all(|&event| agreement.expects_reply(event)), "version {version}");
            assert!(!agreement.keeps_leading_space());
            let mut expected = b"\0\0\0\x0dO".to_vec();
            for number in [version, 0x1f, left_out] {
                expected.extend_from_slice(&u32::to_be_bytes(number));
            }
            assert_eq!(written(agreement), expected, "version {version}");
        }
    }

    #[test]
    fn a_newer_version_is_answered_with_6_and_version_1_refused() {
        assert_eq!(agree(7, 0, 0).version, 6);
        for version in [0, 1] {
            let offer = Offer { version, actions: 0x1ff, steps: 0x7f };
            assert_eq!(Agreement::from_offer(offer), Err(VersionError(version)));
        }
    }
}
