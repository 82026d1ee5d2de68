//! The pure rules of the gate: what it decides, and why.
//!
//! Nothing here does IO, reads a clock, or draws a random number: time, ids and stored state are
//! arguments. Each room holds one concept:
//!
//! - [`text`], [`ids`], [`instant`], [`person`]: validated values that everything else is made of.
//! - [`confusable`]: texts that a person may take for each other.
//! - [`access`]: who is calling, and what their grant covers.
//! - [`calendar`]: local time, recurrences, and when something is open.
//! - [`policy`], [`freeze`], [`directory`]: policies, freezes and teams, matching and merging.
//! - [`task`], [`change_request`]: the two state machines, each with `decide` and `apply`.
//! - [`preview`]: what a schedule does next.
//! - [`batch`]: runs many commands against a working set in memory.
//! - [`log`]: entries, the hash chain, and the fold that proves rows from entries.
//! - [`refusal`]: every way in which a command can be refused.
//! - [`invariants`]: what must always hold, as named functions.

pub mod access;
pub mod batch;
pub mod calendar;
pub mod change_request;
pub mod confusable;
mod derived;
pub mod directory;
pub mod freeze;
pub mod ids;
pub mod instant;
pub mod invariants;
pub mod log;
pub mod person;
pub mod policy;
pub mod preview;
pub mod refusal;
pub mod rows;
pub mod task;
pub mod text;

pub use instant::Instant;
pub use refusal::Refusal;
