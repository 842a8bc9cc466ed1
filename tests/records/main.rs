//! Held mail end to end, without Postfix: a store on the disk, the outbox's worker, and a mail server made up here
//! that asks the gate as Postfix does.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may panic: that is how it fails"
)]

mod crash;
mod keep;
mod notices;
mod passes;
mod release;
mod school;
mod sink;
