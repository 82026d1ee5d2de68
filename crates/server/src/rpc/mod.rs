//! The services: one folder each, one file per verb.
//!
//! A verb is a function from the gate, the caller and the request to the answer: it converts, asks
//! the engine, converts. `service` in each folder only says which verb serves which method, and
//! [`gate`] runs verbs so that a caller who goes away cancels nothing.

pub(crate) mod access;
pub(crate) mod change_request;
pub(crate) mod freeze;
pub(crate) mod gate;
pub(crate) mod log;
pub(crate) mod policy;
pub(crate) mod runner;
pub(crate) mod team;
