//! Settling: brings a change request and its tasks to an instant.
//!
//! It is asked for one step at a time until there is none, before and after every decision. Ends
//! come first, in the order of their due instants, so that a late settling gives the reasons of a
//! punctual one (T4); then the approvals that count; then holds and clears, which reflect only now.
//! A quorum that a decision has just lost comes even before the ends: what is pending again has no
//! approval whose time to live could pass.

use super::eligibility::still_stands;
use super::quorum::missing;
use super::{Case, CrEvent, CrState, ExpiryCause};
use crate::Instant;
use crate::directory::Directory;
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

/// When approvals that count are checked again, where a policy asks for that (D9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recheck {
    /// When there are enough of them.
    AtThreshold,
    /// Then, and now, because a start is about to be decided on a settled change request.
    AtStart,
}

/// The next step that brings a case to `now`, or `None` once it is settled.
pub fn settle(case: &Case, directory: &Directory, recheck: Recheck, now: Instant) -> Option<Step> {
    end_without_tasks(case)
        .or_else(|| end_with_change_request(case))
        .or_else(|| lapse_at_start(case, directory, recheck))
        .or_else(|| lose_quorum(case))
        .or_else(|| end_by_time(case, now))
        .or_else(|| lapse_at_threshold(case, directory))
        .or_else(|| reach_quorum(case))
        .or_else(|| hold_or_clear(case, now))
}

/// A pending change request whose last waiting task has gone ends with it (T2); how that task ended
/// says how. One whose tasks had all started or ended before an approval was taken back is ended by
/// that will.
fn end_without_tasks(case: &Case) -> Option<Step> {
    let pending = matches!(case.change_request.state, CrState::Pending { .. });
    if !pending || case.has_open_tasks() {
        return None;
    }
    let last = case.tasks.values().max_by_key(|task| task.stamp.sequence)?;
    if case.change_request.stamp.sequence > last.stamp.sequence {
        return Some(on_change_request(case, CrEvent::Withdrawn, None));
    }
    let end = last.content.spec.window.end;
    let event = match &last.state {
        TaskState::Terminated {
            reason: TerminationReason::WindowClosed,
            ..
        } => expired(ExpiryCause::WindowClosed, end),
        TaskState::Terminated {
            reason: TerminationReason::Expired,
            ..
        } => expired(ExpiryCause::ApprovalTtl, None),
        TaskState::Terminated {
            reason: TerminationReason::Withdrawn | TerminationReason::Rejected,
            ..
        }
        | TaskState::Paused { .. }
        | TaskState::Cleared { .. }
        | TaskState::Running { .. }
        | TaskState::Finished { .. } => CrEvent::Withdrawn,
    };
    let by_time = matches!(event, CrEvent::Expired { .. });
    Some(on_change_request(case, event, end.filter(|_| by_time)))
}

/// The tasks of a change request that expired end with it (W7).
fn end_with_change_request(case: &Case) -> Option<Step> {
    match case.change_request.state {
        CrState::Expired { due_at, .. } => {
            let task = case.open_tasks().next()?;
            Some(terminate(task, TerminationReason::Expired, due_at))
        }
        CrState::Pending { .. }
        | CrState::Approved { .. }
        | CrState::Rejected { .. }
        | CrState::Withdrawn { .. } => None,
    }
}

/// Ends what time has ended first: the waiting or cleared task whose window closed (W2), or all of
/// them with the change request whose time to live has passed (W7). A tie goes to the window (T4).
fn end_by_time(case: &Case, now: Instant) -> Option<Step> {
    let window = case
        .open_tasks()
        .filter_map(|task| Some((task.content.spec.window.end?, task)))
        .filter(|(end, _)| *end <= now)
        .min_by_key(|(end, _)| *end);
    let ttl = case.change_request.due_at().filter(|&end| end <= now);
    match (window, ttl) {
        (Some((end, task)), ttl) if ttl.is_none_or(|ttl| end <= ttl) => {
            Some(terminate(task, TerminationReason::WindowClosed, Some(end)))
        }
        (_, ttl) => ttl.map(|ttl| pass_time_to_live(case, ttl)),
    }
}

/// What the end of a time to live does. An approved change request under which nothing could start
/// any more keeps its state.
fn pass_time_to_live(case: &Case, at: Instant) -> Step {
    let pending = matches!(case.change_request.state, CrState::Pending { .. });
    let event = if pending {
        expired(ExpiryCause::ApprovalTtl, Some(at))
    } else if case.could_start() {
        expired(ExpiryCause::ExecutionTtl, Some(at))
    } else {
        CrEvent::TimeToLivePassed
    };
    on_change_request(case, event, Some(at))
}

fn expired(cause: ExpiryCause, due_at: Option<Instant>) -> CrEvent {
    CrEvent::Expired { cause, due_at }
}

fn on_change_request(case: &Case, event: CrEvent, due_at: Option<Instant>) -> Step {
    Step {
        event: Event::ChangeRequest(case.number(), event),
        due_at,
    }
}

fn terminate(task: &Task, reason: TerminationReason, due_at: Option<Instant>) -> Step {
    let event = TaskEvent::Terminated {
        reason,
        comment: String::new(),
    };
    Step {
        event: Event::Task(task.id().clone(), event),
        due_at,
    }
}

/// Lets approvals lapse when there are enough of them (D9).
fn lapse_at_threshold(case: &Case, directory: &Directory) -> Option<Step> {
    let pending = matches!(case.change_request.state, CrState::Pending { .. });
    let due = pending && case.resultant.recheck_approvers() && missing(case) == 0;
    due.then(|| let_lapse(case, directory)).flatten()
}

/// Lets approvals lapse before a start is decided (D9): all that fail, before any is missed.
fn lapse_at_start(case: &Case, directory: &Directory, recheck: Recheck) -> Option<Step> {
    let approved = matches!(case.change_request.state, CrState::Approved { .. });
    let due = approved && recheck == Recheck::AtStart;
    due.then(|| let_lapse(case, directory)).flatten()
}

/// Lets an approval lapse whose person is no approver any more, where a policy has that checked
/// again.
fn let_lapse(case: &Case, directory: &Directory) -> Option<Step> {
    if !case.resultant.recheck_approvers() || !case.has_open_tasks() {
        return None;
    }
    let mut approvals = case.change_request.approvals();
    let lapsed = approvals.find(|it| !still_stands(&case.resultant, it, directory))?;
    let event = CrEvent::ApprovalLapsed {
        person: lapsed.person.clone(),
    };
    Some(on_change_request(case, event, None))
}

/// Approves a pending change request with enough approvals.
fn reach_quorum(case: &Case) -> Option<Step> {
    let pending = matches!(case.change_request.state, CrState::Pending { .. });
    (pending && missing(case) == 0).then(|| on_change_request(case, CrEvent::QuorumReached, None))
}

/// Puts an approved change request with too few approvals back to pending, while a task could
/// still start (D7).
fn lose_quorum(case: &Case) -> Option<Step> {
    let approved = matches!(case.change_request.state, CrState::Approved { .. });
    let lost = approved && case.could_start() && missing(case) > 0;
    lost.then(|| on_change_request(case, CrEvent::QuorumLost, None))
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
