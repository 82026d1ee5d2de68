//! The rule map: which tests show which rule of the rule book.
//!
//! `docs/rules.md` is the one list of rules. A test says in its name which rules it shows,
//! `d5_d6_what_it_shows`, and a conformance case says so in its `rules`. From both,
//! `docs/rule-map.md` is generated; it is checked in, so that whoever reads the rule book finds
//! the proof beside it.
//!
//! - `number`: how rules are numbered.
//! - `book`: reads the rule book.
//! - `source`: finds the tests of a source file.
//! - `cases`: finds the conformance cases of a YAML file.
//! - `shown`: everything in the tree that shows a rule.
//! - `coverage`: a rule without a test on both stores is a promise nobody keeps.
//! - `named`: a rule that the code or the API names can be looked up.
//! - `page`: the map itself.

mod book;
mod cases;
mod coverage;
mod named;
mod number;
mod page;
mod shown;
mod source;
