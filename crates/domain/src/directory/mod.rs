//! The directory: all policies, teams, freezes and API tokens at one revision, kept in memory and
//! indexed for matching.
//!
//! Commands that change it are decided here ([`decide`]) and become events; [`Directory::apply`]
//! takes them in one by one, in the order of the log. Every event is one revision.

mod check;
mod command;
mod decide;
mod event;
mod index;
mod reach;
mod state;
mod team;

pub(crate) use check::{check_etag, check_scopes};
pub use command::{DirectoryCommand, EtagGuard};
pub use decide::decide;
pub use event::{PolicyEvent, TeamEvent};
pub use state::{Directory, apply_policy, apply_team};
pub use team::{Team, TeamDraft, TeamField};
