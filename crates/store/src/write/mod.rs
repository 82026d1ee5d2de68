//! The write transaction.
//!
//! A [`Writer`] owns one connection and nothing else uses it. [`Writer::begin`] opens a transaction
//! and takes the write lock in a statement of its own, so everything read after it is what the
//! writer before has committed. A transaction that is dropped, or whose calls fail, takes its
//! connection with it: the next one gets a new one.

mod load;
mod save;
mod transaction;
mod writer;

pub use load::Loaded;
pub use transaction::WriteTransaction;
pub use writer::Writer;
