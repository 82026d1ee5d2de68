//! Faults under load: servers that are killed or stopped, callers that go away, storms.
//!
//! Every test proves that its fault was active, and prints the seed that replays its choices.
//! Committed but not acknowledged is legal; acknowledged but missing is the only failure.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that meets the unexpected shall fail there, and figures are printed"
)]

#[path = "../support/process.rs"]
mod process;

#[path = "../support/certificates.rs"]
mod certificates;

mod away;
mod batches;
mod commits;
mod crowd;
mod freezes;
mod hostile;
mod idle;
mod killed;
mod lagging;
mod load;
mod million;
mod opening;
mod paused;
mod storm;
mod streams;
mod transport;
