//! The feed: tails the log once, and wakes whoever listens.
//!
//! Status and signals are level-triggered: an entry only marks what it touches as newer, and the
//! subscriber is given the present state. The log is edge-triggered: every entry, once, in order. A
//! wake-up carries no data, and a subscriber registers for it before it reads, so none is lost.

mod hub;
mod log;
mod position;
mod session;
mod shared;
mod signals;
mod status;
mod tail;

pub use log::{LogMessage, LogStart};
pub use shared::{Mark, MarkKind, Subscription};
pub use signals::{SignalFilter, SignalMessage};
pub use status::{StatusFilter, StatusMessage};

pub(crate) use hub::Hub;
pub(crate) use log::watch_log;
pub(crate) use position::{caught_up, entry_at, position};
pub(crate) use shared::{Shared, read_failed};
pub(crate) use signals::watch_signals;
pub(crate) use status::watch_status;
pub(crate) use tail::{run as run_tail, seen};

/// How many change requests or tasks one stream may begin with.
pub(crate) const STREAM_LIMIT: usize = 10_000;
