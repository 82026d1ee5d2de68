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

mod bounds;
mod broken;
mod clock;
mod creating;
mod deciding;
mod errors;
mod freezing;
mod living;
mod matching;
mod meeting;
mod merging;
mod previewing;
mod quorums;
mod rechecking;
mod sentences;
mod settling;
mod sharing;
mod starting;
mod sweeping;
mod warning;
mod windows;
