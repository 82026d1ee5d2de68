//! The behaviour of the gate as data: cases that anybody can read, run against any server.
//!
//! A case says which policies and teams are given, who calls what and when, and what they must be
//! answered. It names the rules it shows. The cases themselves stand in `tests/cases/`, one file
//! per topic, and travel in the program; `docs/conformance.md` tells how to write one.
//!
//! - [`read`] turns a file into cases and refuses what no server could be asked: unknown fields,
//!   methods, rules, variables. [`bundled`] are the cases of this release.
//! - [`Player`] plays a case against a server. Each case lives in a namespace of its own: what it
//!   calls `web` is sent as `<run>-<case>-web`, and an answer is read back the same way. So cases
//!   run beside each other, again and again, on a store that others use.
//! - [`Clock`] is whose time it is: [`RealClock`] waits, a test's own clock is driven.
//! - [`Callers`] says which credential each caller of the cases uses.

mod bundled;
mod callers;
mod calling;
mod case;
mod check;
mod cleanup;
mod clock;
mod codec;
mod compare;
mod look;
mod names;
mod play;
mod read;
mod rules;
mod schema;
mod spell;
mod target;
mod variables;
mod verdict;

pub use bundled::bundled;
pub use callers::{CALLERS, CallerRole, Callers, CallersError};
pub use case::Case;
pub use clock::{Clock, RealClock};
pub use play::{Options, Player};
pub use read::{BadCase, read};
pub use target::{Target, TargetError};
pub use verdict::{Failure, Verdict};
