//! Stored rows back into what they were written from.
//!
//! What was validated when it was written is not validated again, but nothing is guessed: a row
//! that is not what this build knows is an error that names table, column and row.

mod cases;
mod directory;
mod entry;
mod reader;

pub(crate) use cases::{CaseParts, known_resultants, tasks};
pub(crate) use directory::directory;
pub(crate) use entry::{entry, head};
pub(crate) use reader::RowReader;
