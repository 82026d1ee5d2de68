//! The feed: tails the log once, and wakes whoever listens.
//!
//! Status and signals are level-triggered: an entry only marks what it touches as newer, and the
//! subscriber is given the present state. The log is edge-triggered: every entry, once, in order. A
//! wake-up carries no data, and a subscriber registers for it before it reads, so none is lost.
//!
//! - `tail` reads the log, checks that it goes on without a gap, and gives out what is new. Where
//!   the log has gone back it drops all caches and ends all streams.
//! - `hub` finds the subscribers of a change request; each has a `slot`, which holds a bounded part
//!   of what it has not read yet.
//! - `session` is the life of one stream of states: a `snapshot`, a mark, then what is newer than
//!   what it has `told`. `status` and `signals` say what it follows and how it is shown.
//! - `log` is the life of one stream of entries; at the head it is served from `recent`.
//! - `position` checks resume tokens.

mod conditions;
mod hub;
mod log;
mod position;
mod recent;
mod session;
mod shared;
mod signals;
mod slot;
mod snapshot;
mod status;
mod tail;
mod told;

pub use conditions::Conditions;
pub use log::{LogMessage, LogStart};
pub use shared::{Mark, MarkKind, Subscription};
pub use signals::{SignalFilter, SignalMessage};
pub use status::{StatusFilter, StatusMessage};

pub(crate) use hub::Hub;
pub(crate) use log::watch_log;
pub(crate) use position::{caught_up, head_at, position};
pub(crate) use recent::Recent;
pub(crate) use shared::{Shared, read_failed, turns};
pub(crate) use signals::watch_signals;
pub(crate) use status::watch_status;
pub(crate) use tail::{run as run_tail, seen};

/// How many change requests or tasks one stream may begin with.
pub(crate) const STREAM_LIMIT: usize = 10_000;
