//! The store on a SQLite file and on PostgreSQL, driven as the engine drives it.
//!
//! Each test runs on both where it means something on both; the last segment of its name says on
//! which.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking, helpers of tests too"
)]

mod broken;
mod directory;
mod due;
mod eight;
mod freezes;
mod gate;
mod list_change_requests;
mod list_tasks;
mod open_tasks;
mod paused;
mod place;
mod requests;
mod roundtrip;
mod sample;
mod setup;
mod tampered_log;
mod tampered_rows;
mod tampering;
mod tokens;
mod verify;
mod wake;
