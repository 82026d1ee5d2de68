//! The change request: what people decide on.
//!
//! ```text
//! PENDING → APPROVED | REJECTED | EXPIRED | WITHDRAWN
//! APPROVED → PENDING | REJECTED | EXPIRED
//! ```
//!
//! A [`Case`] is a change request with its tasks and its frozen resultant policy: everything that a
//! decision looks at. Each verb has a file; [`settle`] is the only place where time, and the number
//! of approvals that count, change anything: it clears, holds and closes tasks, and it approves and
//! ends change requests.

mod apply;
mod approve;
mod case;
mod closing;
mod create;
mod decision;
mod eligibility;
mod event;
mod quorum;
mod reject;
mod revoke;
mod sentence;
mod settle;
mod sharing;
mod state;

pub use apply::apply;
pub use approve::{Approve, approve};
pub use case::Case;
pub use create::{CreateTask, create};
pub use decision::{Decision, Verdict};
pub use eligibility::{Eligibility, eligibility};
pub use event::CrEvent;
pub use quorum::{Deficit, GroupDeficit, deficit};
pub use reject::{Reject, reject};
pub use revoke::{Revoke, revoke};
pub use sentence::{approvers_phrase, sentence};
pub use settle::{Recheck, Step, settle};
pub use sharing::{TASKS_LIMIT, may_join, sharing_key};
pub use state::{ChangeRequest, CrContent, CrState, ExpiryCause};
