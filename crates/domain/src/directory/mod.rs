//! The directory: all policies and teams at one revision, kept in memory and indexed for matching.
//!
//! Commands that change it are decided here ([`decide`]) and become events; [`Directory::apply`]
//! takes them in one by one, in the order of the log. Every event is one revision.

mod command;
mod decide;
mod event;
mod index;
mod state;
mod team;

pub use command::{DirectoryCommand, EtagGuard};
pub use decide::decide;
pub use event::{PolicyEvent, TeamEvent};
pub use state::{Directory, apply_policy, apply_team};
pub use team::{Team, TeamDraft, TeamField};
