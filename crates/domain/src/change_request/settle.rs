//! Settling: brings a change request and its tasks to an instant.
//!
//! It is asked for one step at a time until there is none, before and after every decision. Ends
//! come first, in the order of their due instants, so that a late settling gives the reasons of a
//! punctual one (T4); then the periods that tasks are bound to; then the approvals that count; then
//! holds and clears, which reflect only now.
//! A quorum that a decision has just lost comes even before the ends: what is pending again has no
//! approval whose time to live could pass.

use super::closing::{Closing, closing};
use super::eligibility::still_stands;
use super::quorum::missing;
use super::{Case, CrEvent, CrState, ExpiryCause};
use crate::Instant;
use crate::calendar::Period;
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

/// The next steps that bring a case to `now`; none once it is settled. More than one at a time are
/// steps of tasks that have nothing to do with each other: a change request may hold a thousand.
pub fn settle(case: &Case, directory: &Directory, recheck: Recheck, now: Instant) -> Vec<Step> {
    let decided = end_without_tasks(case)
        .or_else(|| end_with_change_request(case))
        .or_else(|| lapse_at_start(case, directory, recheck))
        .or_else(|| lose_quorum(case));
    let by_time = || some(end_by_time(case, now)).or_else(|| some(bind_anew(case, now)));
    let by_quorum = || lapse_at_threshold(case, directory).or_else(|| reach_quorum(case));
    one(decided)
        .or_else(by_time)
        .or_else(|| one(by_quorum()))
        .unwrap_or_else(|| hold_or_clear(case, directory, now))
}

fn one(step: Option<Step>) -> Option<Vec<Step>> {
    step.map(|step| vec![step])
}

fn some(steps: Vec<Step>) -> Option<Vec<Step>> {
    (!steps.is_empty()).then_some(steps)
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
    let end = last.bounds().end;
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

/// Ends what time has ended, in the order of the due instants: waiting and cleared tasks whose
/// window closed (W2, W4), up to the instant at which the time to live of their change request
/// passed; then all of them with that (W7). A tie goes to the window (T4).
fn end_by_time(case: &Case, now: Instant) -> Vec<Step> {
    let ttl = case.change_request.due_at().filter(|&end| end <= now);
    let closed = case
        .open_tasks()
        .filter_map(|task| match closing(task, &case.resultant, now)? {
            Closing::Ends { last, at } => Some((at, task, last)),
            Closing::Binds(_) => None,
        });
    let mut closed: Vec<_> = closed
        .filter(|(at, ..)| ttl.is_none_or(|ttl| *at <= ttl))
        .collect();
    closed.sort_by_key(|(at, ..)| *at);
    if closed.is_empty() {
        return ttl
            .map(|ttl| pass_time_to_live(case, ttl))
            .into_iter()
            .collect();
    }
    let steps = closed.into_iter().flat_map(|(at, task, last)| {
        let end = terminate(task, TerminationReason::WindowClosed, Some(at));
        last.map(|period| bind(task, period))
            .into_iter()
            .chain([end])
    });
    steps.collect()
}

/// Binds tasks whose period closed to the next one (W4).
fn bind_anew(case: &Case, now: Instant) -> Vec<Step> {
    let anew = case
        .open_tasks()
        .filter_map(|task| match closing(task, &case.resultant, now)? {
            Closing::Binds(period) => Some(bind(task, period)),
            Closing::Ends { .. } => None,
        });
    anew.collect()
}

fn bind(task: &Task, period: Period) -> Step {
    Step {
        event: Event::Task(task.id().clone(), TaskEvent::Bound { period }),
        due_at: task.bounds().end,
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

/// Puts every task that could start where it belongs now (W2, W6, F2, P1). The one place that
/// clears.
fn hold_or_clear(case: &Case, directory: &Directory, now: Instant) -> Vec<Step> {
    let approved = matches!(case.change_request.state, CrState::Approved { .. });
    let steps = case.open_tasks().filter_map(|task| {
        let belongs = if approved {
            waits_for(task, directory, now)
        } else {
            Some(WaitingFor::Approval)
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
        Some(Step {
            event: Event::Task(task.id().clone(), event),
            due_at: turned_at(task, belongs, directory, now),
        })
    });
    steps.collect()
}

/// What a task under an approved change request waits for; `None`: it may start (W6).
fn waits_for(task: &Task, directory: &Directory, now: Instant) -> Option<WaitingFor> {
    let spec = &task.content.spec;
    if !task.bounds().has_opened(now) {
        Some(WaitingFor::Window)
    } else if directory.freezes_on(spec, now).next().is_some() {
        Some(WaitingFor::Freeze)
    } else {
        None
    }
}

/// The instant at which time turned a task to what it waits for now, where time did: its bounds
/// opened, or a freeze began. When a freeze ended, whoever settles because of that knows.
fn turned_at(
    task: &Task,
    belongs: Option<WaitingFor>,
    directory: &Directory,
    now: Instant,
) -> Option<Instant> {
    let waited_for_window = matches!(
        task.state,
        TaskState::Paused {
            waiting_for: WaitingFor::Window
        }
    );
    match (belongs, &task.state) {
        (None | Some(WaitingFor::Freeze), _) if waited_for_window => task.bounds().start,
        (Some(WaitingFor::Freeze), TaskState::Cleared { since }) => {
            let holding = directory.freezes_on(&task.content.spec, now);
            let began = holding.filter_map(|freeze| {
                let period = freeze.in_force(now)?;
                Some(period.start.max(freeze.changed.instant))
            });
            began.min().map(|began| began.max(*since))
        }
        (
            None | Some(WaitingFor::Approval | WaitingFor::Window | WaitingFor::Freeze),
            TaskState::Paused { .. }
            | TaskState::Cleared { .. }
            | TaskState::Running { .. }
            | TaskState::Finished { .. }
            | TaskState::Terminated { .. },
        ) => None,
    }
}
