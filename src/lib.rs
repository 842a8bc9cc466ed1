//! mailwarden: a mail filter that Postfix calls on every message.
//!
//! A message's way through the rooms of this house:
//!
//! ```text
//! Postfix ─milter─▶ milter ─▶ message ─▶ extract ─▶ detect ─▶ policy ─▶ verdict
//!                     ▲        parts      texts      hits     rules       │
//!                     └──────── respond ◀── records (durable first) ◀─────┘
//! ```
//!
//! Documents are read in [`worker`]s: processes of their own, behind a sandbox.
//!
//! From [`message`] to [`scan`] nothing is async and nothing touches a file, a socket or a clock: `now` is
//! passed in. `tests/house.rs` holds every room to what it may import; ARCHITECTURE.md says why.

#![cfg_attr(test, allow(clippy::string_slice, reason = "a test may panic: that is how it fails"))]

pub mod cli;
pub mod config;
pub mod detect;
pub mod extract;
pub mod limits;
pub mod message;
pub mod milter;
pub mod notify;
pub mod people;
pub mod policy;
pub mod records;
pub mod respond;
pub mod scan;
pub mod serve;
pub mod slips;
pub mod verdict;
pub mod worker;
