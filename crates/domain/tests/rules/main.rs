//! The rules of the gate, each shown by name: `d5_…` shows rule D5.
//!
//! What only the server decides (roles of methods, shapes of fields) is not here.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail loudly"
)]

#[path = "../harness/mod.rs"]
mod harness;

mod alike;
mod bounds;
mod broken;
mod clock;
mod creating;
mod credentials;
mod deciding;
mod errors;
mod freezing;
mod living;
mod logging_in;
mod matching;
mod meeting;
mod merging;
mod previewing;
mod quorums;
mod reaching;
mod rechecking;
mod sentences;
mod settling;
mod sharing;
mod starting;
mod sweeping;
mod tokens;
mod warning;
mod windows;
