//! Properties against a naive second implementation: matching, quorum, warnings, the edges of the
//! state machines, and the chain.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "the helpers of tests fail loudly"
)]

#[path = "../harness/mod.rs"]
mod harness;

mod ages;
mod chain;
mod edges;
mod grants;
mod matching;
mod oracle;
mod places;
mod punctual;
mod quorum;
mod starts;
mod tokens;
mod world;

use proptest::test_runner::{Config, FileFailurePersistence};

/// Seeds of failures are kept beside the test and run first.
fn cases(cases: u32) -> Config {
    Config {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("seeds"))),
        ..Config::default()
    }
}
