//! What stands in texts: terms of word lists and patterns, with their places. Finds; never judges.

mod blocks;
mod choice;
mod contraction;
mod disguise;
mod filter;
mod fold;
pub mod identifiers;
mod inflect;
mod list;
pub mod marking;
pub mod names;
pub mod pattern;
pub mod recipients;
pub mod secrets;
mod sweep;
pub mod switches;
mod trie;
pub mod words;
