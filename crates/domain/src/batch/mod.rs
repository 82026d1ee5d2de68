//! Many commands against a working set in memory, as one transaction will write them.
//!
//! `run(working set, commands, now) → (entries, rows, answers)` is pure: the engine loads, runs,
//! saves and commits; simulation drives the same function over a map. Each command sees what
//! earlier ones did, and a row is written once, in its last form.

mod answer;
mod command;
mod create;
mod directory;
mod run;
mod session;
mod working_set;

pub use answer::{Answer, Reply};
pub use command::{Action, Command, Wanted};
pub use run::{Outcome, run};
pub use working_set::{
    Changes, Context, KnownRequest, ResultantRow, Settings, WorkingSet, part_of_person,
    part_of_policy, part_of_team,
};
