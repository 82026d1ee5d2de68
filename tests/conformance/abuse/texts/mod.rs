//! What cannot be seen is refused in every name and text, and what is only unusual is not.
//!
//! - [`created`]: the names of whatever is created.
//! - [`named`], [`listed`]: the names that whatever exists is asked for by.
//! - [`paragraphs`]: comments and descriptions, which may have lines.
//! - [`tried`]: the characters, and the tests.

mod created;
mod listed;
mod named;
mod paragraphs;
mod tried;

use super::call::Call;

/// A field by the name that refusals give it, and the call that has a text in it.
type Field = (&'static str, fn(&str) -> Call);
