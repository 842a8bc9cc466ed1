//! End to end: real Postfix, the built mailwarden, mail in by SMTP and `sendmail`, mail out by LMTP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may panic: that is how it fails"
)]

#[path = "../support/mod.rs"]
mod support;

mod actions;
mod advice;
mod apart;
mod baseline;
mod confidential;
mod confirm;
mod corrected;
mod documents;
mod first_mail;
mod flood;
mod held;
mod kills;
mod loops;
mod monitoring;
mod notices;
mod out_of_hours;
mod own_address;
mod released;
mod run;
mod shapes;
mod trial;
mod under_load;
