//! What stands in texts: terms of word lists and patterns, with their places. Finds; never judges.

pub mod pattern;
pub mod words;
