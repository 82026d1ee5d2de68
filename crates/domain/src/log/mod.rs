//! The log: what happened, in one order, each entry chained to the one before.
//!
//! `hash = SHA-256(version, sequence, instant, previous hash, SHA-256(stored body))`. The body is
//! text and is hashed as the very bytes that are stored. [`Head`] is what the newest entry says
//! about the store. [`Fold`] rebuilds every row from the entries alone.

mod aggregate;
mod body;
mod chain;
mod fold;
mod head;

pub use aggregate::AggregateKey;
pub use body::{Body, Cause, Event, RequestMark, StoreEvent};
pub use chain::{ChainError, Entry, Hash, append, check_link, digest_of, sha256_hex};
pub use fold::{Fold, FoldError, FoldedRow};
pub use head::{FORMAT, Head, Stamp};

/// An event that its aggregate's state does not know: the log is damaged, or the code is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {sequence}: event {event} is illegal in state {state}")]
pub struct IllegalEdge {
    /// The event.
    pub event: &'static str,
    /// The state it met.
    pub state: &'static str,
    /// The entry.
    pub sequence: u64,
}
