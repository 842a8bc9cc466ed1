//! From a verdict to what is done with the message: edits, reply text, answers. Never opens a file or a socket.

mod answer;
mod automatic;
mod charset;
pub mod disclaimer;
mod edits;
mod fate;
mod header;
mod lines;
mod mark;
mod plan;
mod transfer;

pub use answer::{
    AnswerContext, Cause, Confirmation, Entry, Guided, Letter, LetterContext, NoticeContext, NoticeEntry,
    Occasion, Outcome, Preview, Untold, answer, entry, guided, guided_preview, letter, message_id, notice,
    preview,
};
pub use automatic::is_answerable;
pub use edits::{Edits, HeaderEdit, Splice, apply};
pub use mark::{OWN_FIELD, remove_own};
pub use plan::{Context, Delivery, RespondError, Response, let_go, refusal_text, respond};
