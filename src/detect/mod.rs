//! What stands in texts: terms of word lists and patterns, with their places. Finds; never judges.

mod filter;
mod fold;
mod list;
pub mod pattern;
mod sweep;
mod trie;
pub mod words;
