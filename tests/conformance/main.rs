//! One suite, two stores: every rule over real gRPC, on SQLite files and on PostgreSQL.
//!
//! Each test starts a server of its own on a store of its own, with a clock that the test drives.
//! When it ends, the store is verified: the chain of the log, and every row against its entries.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that meets the unexpected shall fail there, and says what it measured"
)]

#[macro_use]
mod gate;
mod abuse;
mod access;
mod bad_input;
mod cases;
mod replicas;
mod rules;
mod streams;
