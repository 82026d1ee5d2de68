//! Reading, outside the write transaction.
//!
//! A read is one statement, hence one snapshot, and shows what the log says: it settles nothing. It
//! comes from the primary.

mod cases;
mod directory;
mod lists;
mod log;
mod open_tasks;

pub use lists::HeldTasks;
pub(crate) use log::entries;
