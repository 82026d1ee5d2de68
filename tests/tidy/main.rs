//! Style is a test: what a review would have to repeat is checked here, on the files as they are.
//!
//! Each module holds one kind of rule as a function from text to complaints, a test that runs it on
//! the tree, and a test that feeds it a bad sample, so that no rule passes because it looks at
//! nothing.
//!
//! - `abuse`: every bypass that was found elsewhere is tried, and the table of them is true.
//! - `arrows`: which crate may depend on which.
//! - `pure`: the rules of the gate are built without a runtime, a database or a network.
//! - `files`: lengths, whitespace, leftovers.
//! - `functions`: the length of functions.
//! - `rule_map`: every rule of the rule book has tests, and the map of them is up to date.
//! - `words`: nothing that is only true where the code was written.
//! - `writer`: one door to the write transaction, one place for SQL.
//! - `tree`: reads the files for the others.

mod abuse;
mod arrows;
mod files;
mod functions;
mod pure;
mod rule_map;
mod tree;
mod words;
mod writer;
