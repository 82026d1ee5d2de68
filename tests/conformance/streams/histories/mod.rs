//! Random histories: whoever was cut, after whichever message, and went on with the newest token
//! ends exactly where one ends who was never cut, and where the rows are.
//!
//! Each history has a project, runners and tasks of its own, so that thousands of them share one
//! store; the histories of a group take their steps together, and time moves for all of them.
//! `COUNTERSIGN_TEST_SEED` replays a run, and `COUNTERSIGN_TEST_HISTORIES` says how many to play.

mod acting;
mod entries;
mod listening;
mod pairs;
mod playing;
