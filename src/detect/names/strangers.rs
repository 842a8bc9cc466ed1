//! People who are not on the roll, by what their names look like: first names, titles, and what they are to somebody. Guesses.

use super::NameHit;
use super::block::Block;

/// Appends names of strangers; `from` is the first of the block's hits.
pub(super) fn find(_block: &Block<'_>, _from: usize, _hits: &mut Vec<NameHit>) {}
