//! The door: everything that changes the store goes through here, and everything that listens to
//! it.
//!
//! - [`Engine::execute`] puts a command in its lane and answers after its batch was committed.
//! - The writer is one task with one connection: it takes the write lock, then what has queued,
//!   loads, runs the pure batch, saves, commits, answers.
//! - Reads take one snapshot each and never settle.
//! - The feed tails the log once and wakes whoever listens.
//! - [`Engine::look_ahead`] keeps what is due soon in memory, [`Engine::settle_near`] turns it into
//!   settle commands once it is; the scheduler calls them. [`Engine::settle_due`] does so with what
//!   the store has.

mod clock;
mod config;
mod credentials;
mod directory;
mod engine;
mod failure;
mod feed;
mod freezes;
mod horizon;
mod lanes;
mod offline;
mod query;
mod sweep;
mod token;
mod transaction;
mod writer;

pub use clock::{Clock, ManualClock};
pub use config::EngineConfig;
pub use countersign_store::{
    CrFilter, CrStates, EntryFilter, StoreConfig, StoreError, TaskFilter, VerifyError, VerifyReport,
};
pub use engine::{Engine, OpenError};
pub use failure::Failure;
pub use feed::{
    Conditions, LogMessage, LogStart, Mark, MarkKind, SignalFilter, SignalMessage, StatusFilter,
    StatusMessage, Subscription,
};
pub use freezes::{FreezeFilter, Impact, ScheduleOf};
pub use offline::{migrate, verify};
pub use query::{CrView, HeadView, Page, Standing};
pub use token::{ResumeToken, StoreTag};
