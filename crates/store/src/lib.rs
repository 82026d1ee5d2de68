//! The store: the log and the rows, on SQLite or on PostgreSQL.
//!
//! - [`Store`] opens it and reads: single statements, each one snapshot.
//! - [`Writer`] and [`WriteTransaction`] write, one transaction at a time under the write lock.
//! - [`Store::verify`] proves the rows from the log, and the log from its hashes.
//!
//! Rows are turned back into the domain's types in `rows`; all SQL stands in `sql`.

mod cache;
mod call;
mod config;
mod error;
mod filter;
mod listen;
mod open;
mod read;
mod rows;
mod sql;
mod store;
#[doc(hidden)]
pub mod testing;
mod verify;
mod write;

pub use config::StoreConfig;
pub use error::{CommitError, StoreError, UnreadableRow};
pub use filter::{CrFilter, CrStates, EntryFilter, TaskFilter, WatchFilter};
pub use listen::HeadListener;
pub use read::HeldTasks;
pub use store::Store;
pub use verify::{VerifyError, VerifyReport};
pub use write::{Loaded, WriteTransaction, Writer};
