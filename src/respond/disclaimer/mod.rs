//! The disclaimer (D1): put into a message's own parts, or around the message. It changes no byte that it need not.

mod html;
mod markup;
mod part;
mod target;
mod text;
mod words;
mod wrap;

pub use target::Barrier;

use super::Edits;
use crate::message::Message;
use crate::policy::Disclaimer;

/// What became of the wish to put a disclaimer into a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Insertion {
    /// These edits put it in.
    Edits(Edits),
    /// It stands there already, in this mail or in the mail that it quotes.
    Present,
    /// The message cannot take it; the policy's fallback holds.
    Barred(Barrier),
}

/// Puts the disclaimer into the first displayed text part and the first displayed HTML part, each of them once for a
/// whole thread.
pub fn insert(message: &Message<'_>, disclaimer: &Disclaimer) -> Insertion {
    match edits(message, disclaimer) {
        Ok(edits) if edits.is_empty() => Insertion::Present,
        Ok(edits) => Insertion::Edits(edits),
        Err(barrier) => Insertion::Barred(barrier),
    }
}

/// Makes the message a multipart of the disclaimer and of what it was, unchanged. `token` goes into the boundary: one
/// that the sender cannot foresee, such as the reference. `None` where the message must stay on top to be understood.
pub fn wrap(message: &Message<'_>, disclaimer: &Disclaimer, barrier: Barrier, token: &str) -> Option<Edits> {
    let on_top = matches!(barrier, Barrier::Partial | Barrier::Report);
    (!on_top).then(|| wrap::edits(message, disclaimer, token))
}

fn edits(message: &Message<'_>, disclaimer: &Disclaimer) -> Result<Edits, Barrier> {
    let targets = target::targets(message)?;
    let wanted = part::Wanted::new(disclaimer);
    let mut all = Edits::default();
    for part in [targets.text, targets.html].into_iter().flatten() {
        all.extend(part::edits(message, part, &wanted)?);
    }
    Ok(all)
}
