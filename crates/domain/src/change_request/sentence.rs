//! The one line for an orchestrator's log (C5).

use super::{Case, CrState, Deficit, ExpiryCause};
use crate::Instant;
use crate::freeze::Outlook;
use crate::ids::CrPrefix;
use crate::task::{Blocker, Outcome, Task, TaskState, TerminationReason, blockers};

/// "1 approver", "2 approvers".
pub fn approvers_phrase(count: u32) -> String {
    if count == 1 {
        "1 approver".to_owned()
    } else {
        format!("{count} approvers")
    }
}

/// Where a task stands, in one line that names its kind, its change request and what is missing.
pub fn sentence(
    task: &Task,
    case: &Case,
    deficit: &Deficit,
    outlook: &Outlook,
    prefix: &CrPrefix,
    now: Instant,
) -> String {
    let kind = task.content.spec.kind;
    let number = prefix.format(task.change_request());
    match &task.state {
        TaskState::Paused { .. } => {
            let found = blockers(task, deficit, outlook, now);
            let phrases: Vec<String> = found.iter().map(Blocker::phrase).collect();
            format!(
                "{kind} blocked by change request {number}: {}",
                phrases.join("; ")
            )
        }
        TaskState::Cleared { .. } if case.resultant.policies.is_empty() => {
            format!("{kind} may start under change request {number}: no policy matched")
        }
        TaskState::Cleared { .. } => {
            format!("{kind} may start: change request {number} is approved")
        }
        TaskState::Running { start } => {
            format!(
                "{kind} running under change request {number} since {}",
                start.at
            )
        }
        TaskState::Finished {
            outcome: Outcome::Succeeded,
            ..
        } => {
            format!("{kind} succeeded under change request {number}")
        }
        TaskState::Finished {
            outcome: Outcome::Failed,
            ..
        } => {
            format!("{kind} failed under change request {number}")
        }
        TaskState::Terminated { reason, .. } => {
            let reason = match reason {
                TerminationReason::Rejected => "it was rejected",
                TerminationReason::WindowClosed => "its window closed",
                TerminationReason::Withdrawn => "it was withdrawn",
                TerminationReason::Expired => expired(case),
            };
            format!("{kind} terminated by change request {number}: {reason}")
        }
    }
}

/// Which time to live has passed for a task that expired.
fn expired(case: &Case) -> &'static str {
    match case.change_request.state {
        CrState::Expired {
            cause: ExpiryCause::ApprovalTtl,
            ..
        } => "its approvals did not come in time",
        CrState::Expired {
            cause: ExpiryCause::ExecutionTtl,
            ..
        } => "it did not start in time after its approval",
        CrState::Expired {
            cause: ExpiryCause::WindowClosed,
            ..
        }
        | CrState::Pending { .. }
        | CrState::Approved { .. }
        | CrState::Rejected { .. }
        | CrState::Withdrawn { .. } => "its time has passed",
    }
}
