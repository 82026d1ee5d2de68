//! Policies: which tasks they match, what they ask for, and what several of them merge into.
//!
//! A [`Policy`] says who must approve what. [`Scope::matches`] decides whether a task falls under
//! it, and its [`Terms`] what it says beyond who and how many. [`merge`] makes all that match into
//! one [`ResultantPolicy`], which is frozen into the change request. [`Places`] are what only a
//! policy's own approvers can fill, a [`ChangeWindow`] is when tasks may start. [`Warning`] names
//! what is allowed but worth a second look.

mod draft;
mod merge;
mod places;
mod schedule_warn;
mod scope;
mod terms;
mod warn;
mod window;

pub use draft::{Approvers, Policy, PolicyDraft, PolicyField};
pub use merge::{Approver, MatchedPolicy, ResultantApprover, ResultantPolicy, TeamRef, merge};
pub(crate) use places::{Groups, Places, bits};
pub use schedule_warn::{freeze_warnings, window_warnings};
pub(crate) use scope::scopes_may_overlap;
pub use scope::{Scope, ScopeSide};
pub use terms::{Quorum, Sharing, Terms, TimeToLive};
pub use warn::{Cure, Warning, change_request_warnings, confusable_warnings, policy_warnings};
pub use window::{Bound, ChangeWindow, NoPeriod, OnClose, WINDOWS_LIMIT, calendar_of};
