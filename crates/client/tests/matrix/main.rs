//! The client under every fault.
//!
//! A small honest gate answers over real HTTP/2, through pipes in memory, so that the clock can be
//! driven: nothing here waits for real. Each cell of a table breaks one thing, once or for ever:
//!
//! | file | what is broken |
//! |---|---|
//! | `codes` | each call answers with each code, with and without its effect; or not in time |
//! | `spoilt` | each answer and signal says something else than it should |
//! | `wire` | HTTP answers of something in between, cut and mangled bodies, at every message |
//! | `bytes` | the connection is cut, or goes silent, at every byte |
//! | `watch` | what a watch tells while its stream is lost, late, forged or resumed |
//! | `honest` | nothing: the positive controls |
//!
//! After each cell the same is asserted: the gate said `Granted` only if the honest gate has
//! granted that very claim and has answered so without a fault; and the fault was really active.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that meets the unexpected shall fail there, and figures are printed"
)]

mod bytes;
mod cell;
mod codes;
mod fault;
mod honest;
mod pipe;
mod script;
mod service;
mod spoilt;
mod watch;
mod wire;
mod world;
