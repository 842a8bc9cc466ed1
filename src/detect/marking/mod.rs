//! Markings of confidentiality in a subject and in header fields. Finds them; never says whether they should be there.

mod label;
mod subject;

pub use label::{Label, label};
pub use subject::{in_subject, is_reply};
