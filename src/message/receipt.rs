//! Requests for a receipt in a message's header. Reads field names and whether they say anything; sends no receipt.

use super::Message;

/// The fields by which mail programs ask that the reading of a message be confirmed, in lower case. First the standard's
/// (RFC 8098 §2.1); then what Netscape, Outlook, Pegasus Mail and older programs write. Requests for a notice of delivery
/// alone (RFC 3461, `Generate-Delivery-Report`) are none.
pub const RECEIPT_FIELDS: [&str; 8] = [
    "disposition-notification-to",
    "return-receipt-to",
    "read-receipt-to",
    "return-receipt-requested",
    "x-confirm-reading-to",
    "x-read-receipt-to",
    "confirm-reading-to",
    "x-pmrqc",
];

impl Message<'_> {
    /// The names of the fields that ask for a receipt, of [`RECEIPT_FIELDS`]. A field without a value asks nobody.
    pub fn receipt_requests(&self) -> impl Iterator<Item = &'static str> {
        let asked = self.header.iter().filter(|field| !field.value.trim_ascii().is_empty());
        asked.filter_map(|field| RECEIPT_FIELDS.into_iter().find(|name| field.is_named(name)))
    }
}

#[cfg(test)]
mod tests {
    use crate::limits::Limits;
    use crate::message::Message;

    #[test]
    fn receipts_are_asked_for_in_several_ways() {
        for (header, wanted) in [
            ("Disposition-Notification-To: Jo <jo@oakfield.example>", "disposition-notification-to"),
            ("disposition-notification-to:jo@oakfield.example", "disposition-notification-to"),
            ("Return-Receipt-To: jo@oakfield.example", "return-receipt-to"),
            ("Read-Receipt-To: jo@oakfield.example", "read-receipt-to"),
            ("X-Confirm-Reading-To: jo@oakfield.example", "x-confirm-reading-to"),
            ("X-pmrqc: 1", "x-pmrqc"),
            ("Disposition-Notification-To: ", ""),
            ("Disposition-Notification-Options: signed-receipt-protocol=optional,pkcs7-signature", ""),
            ("Generate-Delivery-Report: yes", ""),
            ("Subject: Disposition-Notification-To", ""),
        ] {
            let raw = format!("From: jo@oakfield.example\r\n{header}\r\n\r\nHello.\r\n");
            let message = Message::parse(raw.as_bytes(), &Limits::default());
            assert_eq!(message.receipt_requests().next().unwrap_or_default(), wanted, "{header}");
        }
    }
}
