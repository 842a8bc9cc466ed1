//! Held mail end to end, without Postfix: a store on the disk, the outbox's worker, and a mail server made up here
//! that asks the gate as Postfix does.

mod crash;
mod keep;
mod passes;
mod release;
mod school;
mod sink;
