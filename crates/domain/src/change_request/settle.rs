//! Settling: brings a change request and its tasks to an instant.
//!
//! It is asked for one step at a time until there is none, before and after every decision. Ends
//! come first, in the order of their due instants, so that a late settling gives the reasons of a
//! punctual one (T4); then the approvals that count; then holds and clears, which reflect only now.

use super::quorum::missing;
use super::{Case, CrEvent, CrState, ExpiryCause};
use crate::Instant;
use crate::log::Event;
use crate::task::{Task, TaskEvent, TaskState, TerminationReason, WaitingFor};

/// One step of settling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What happens.
    pub event: Event,
    /// The instant at which time made it due; `None` where a decision did.
    pub due_at: Option<Instant>,
}

/// The next step that brings a case to `now`, or `None` once it is settled.
pub fn settle(case: &Case, now: Instant) -> Option<Step> {
    close_window(case, now)
        .or_else(|| end_without_tasks(case))
        .or_else(|| count_approvals(case))
        .or_else(|| hold_or_clear(case, now))
}

/// Ends the waiting or cleared task whose window closed first (W2).
fn close_window(case: &Case, now: Instant) -> Option<Step> {
    let closed = |task: &Task| task.content.spec.window.end.filter(|&end| end <= now);
    let (end, task) = case
        .open_tasks()
        .filter_map(|task| closed(task).map(|end| (end, task)))
        .min_by_key(|(end, _)| *end)?;
    let event = TaskEvent::Terminated {
        reason: TerminationReason::WindowClosed,
        comment: String::new(),
    };
    Some(Step {
        event: Event::Task(task.id().clone(), event),
        due_at: Some(end),
    })
}

/// A pending change request whose last waiting task has gone ends with it (T2); how that task ended
/// says how.
fn end_without_tasks(case: &Case) -> Option<Step> {
    let pending = matches!(case.change_request.state, CrState::Pending { .. });
    if !pending || case.could_start() {
        return None;
    }
    let last = case.tasks.values().max_by_key(|task| task.stamp.sequence)?;
    let event = match &last.state {
        TaskState::Terminated {
            reason: TerminationReason::WindowClosed,
            ..
        } => CrEvent::Expired {
            cause: ExpiryCause::WindowClosed,
        },
        TaskState::Terminated {
            reason: TerminationReason::Withdrawn | TerminationReason::Rejected,
            ..
        } => CrEvent::Withdrawn,
        TaskState::Paused { .. }
        | TaskState::Cleared { .. }
        | TaskState::Running { .. }
        | TaskState::Finished { .. } => return None,
    };
    let by_time = matches!(event, CrEvent::Expired { .. });
    let due_at = last.content.spec.window.end.filter(|_| by_time);
    Some(Step {
        event: Event::ChangeRequest(case.number(), event),
        due_at,
    })
}

/// Approves a pending change request with enough approvals, and puts an approved one with too few
/// back to pending; the latter only while a task could still start (D7).
fn count_approvals(case: &Case) -> Option<Step> {
    let enough = missing(case) == 0;
    let event = match case.change_request.state {
        CrState::Pending { .. } if enough => CrEvent::QuorumReached,
        CrState::Approved { .. } if !enough && case.could_start() => CrEvent::QuorumLost,
        CrState::Pending { .. }
        | CrState::Approved { .. }
        | CrState::Rejected { .. }
        | CrState::Expired { .. }
        | CrState::Withdrawn { .. } => return None,
    };
    Some(Step {
        event: Event::ChangeRequest(case.number(), event),
        due_at: None,
    })
}

/// Puts every task that could start where it belongs now (W2, W6, P1). The one place that clears.
fn hold_or_clear(case: &Case, now: Instant) -> Option<Step> {
    let approved = matches!(case.change_request.state, CrState::Approved { .. });
    case.open_tasks().find_map(|task| {
        let window = task.content.spec.window;
        let belongs = match (approved, window.has_opened(now)) {
            (false, _) => Some(WaitingFor::Approval),
            (true, false) => Some(WaitingFor::Window),
            (true, true) => None,
        };
        let event = match (&task.state, belongs) {
            (TaskState::Paused { waiting_for }, Some(belongs)) if *waiting_for == belongs => {
                return None;
            }
            (TaskState::Paused { .. } | TaskState::Cleared { .. }, Some(waiting_for)) => {
                TaskEvent::Held { waiting_for }
            }
            (TaskState::Paused { .. }, None) => TaskEvent::Cleared {
                generation: task.generation + 1,
            },
            (TaskState::Cleared { .. }, None)
            | (
                TaskState::Running { .. }
                | TaskState::Finished { .. }
                | TaskState::Terminated { .. },
                _,
            ) => return None,
        };
        let opened_by_time = matches!(
            task.state,
            TaskState::Paused {
                waiting_for: WaitingFor::Window
            }
        ) && belongs.is_none();
        let due_at = window.start.filter(|_| opened_by_time);
        Some(Step {
            event: Event::Task(task.id().clone(), event),
            due_at,
        })
    })
}
