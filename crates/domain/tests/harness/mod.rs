//! A gate in memory, and a small language of steps to drive it with.
//!
//! [`Gate`] does around `batch::run` what the engine and a store do, over maps, and checks after
//! every run everything that must hold. [`Gate::play`] reads steps as text, one a line:
//!
//! ```text
//! 20 ann approve t1 digest=d1 -> Done APPROVED CLEARED gen=1
//! ```
//!
//! At second 20 of the test's time, `ann` approves what holds task `t1`; behind the arrow stand the
//! reply and any facts that must be true afterwards. `time sweep f` does what the engine does when
//! tasks have to be looked at because of freeze `f`. Who else may act, [`access`] says.

#![allow(dead_code, reason = "each test crate uses another part of the harness")]

pub(crate) mod access;
pub(crate) mod check;
pub(crate) mod facts;
pub(crate) mod gate;
pub(crate) mod people;
pub(crate) mod saving;
pub(crate) mod schedule;
pub(crate) mod script;
pub(crate) mod started;
pub(crate) mod store;
pub(crate) mod sweeping;

pub(crate) use gate::Gate;
