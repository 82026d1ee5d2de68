//! Policies: which tasks they match, what they ask for, and what several of them merge into.
//!
//! A [`Policy`] says who must approve what. [`Scope::matches`] decides whether a task falls under
//! it, [`merge`] makes all that match into one [`ResultantPolicy`], which is frozen into the change
//! request. [`warnings`] names what is allowed but worth a second look.

mod draft;
mod merge;
mod scope;
mod warn;

pub use draft::{Approvers, Policy, PolicyDraft, PolicyField};
pub use merge::{Approver, MatchedPolicy, ResultantApprover, ResultantPolicy, TeamRef, merge};
pub use scope::{Scope, ScopeSide};
pub use warn::{Warning, change_request_warnings, policy_warnings};
