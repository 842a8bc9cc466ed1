//! Markings of confidentiality in a subject and in header fields. Finds them; never says whether they should be there.

mod label;
mod subject;

pub use label::{Label, is_label_field, label};
pub use subject::{in_subject, is_reply};
