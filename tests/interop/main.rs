//! Foreign clients against the real program: what the proto files promise is all they know.
//!
//! - `python`: a gRPC client in Python plays every story of the gate, and runs real commands.
//! - `node`: one in JavaScript, on another gRPC, plays those where a client can go wrong.
//! - `conformance`: the program plays its own cases against itself, as orchestrator authors do.
//! - `buf_curl`: a whole approval from the command line, through both versions of reflection.
//! - `demo`: the program tells its whole story, as whoever tries it first sees it.
//! - `identity`: only the right people, by an identity provider, TLS and client certificates.
//! - `postgres_tls`: a PostgreSQL server that has to prove who it is.
//! - `readme`: what the README and the page about security print is true, command by command.
//! - `token`: API tokens from the command line, at the store itself and at a server.
//! - `zones`: Python reads the calendar too, at every change of every time zone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that meets the unexpected shall fail there"
)]

#[path = "../support/process.rs"]
#[allow(dead_code, reason = "other targets need more of it")]
mod process;

mod buf_curl;
mod conformance;
mod control;
mod demo;
mod identity;
mod node;
mod postgres_tls;
mod python;
mod readme;
mod scenario;
mod token;
mod tool;
mod zones;
