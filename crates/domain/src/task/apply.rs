//! The one way from a task's state to the next, live and when the log is folded.

use std::sync::Arc;

use super::{Start, Task, TaskEvent, TaskState, WaitingFor};
use crate::calendar::Period;
use crate::log::{IllegalEdge, Stamp};

/// Applies one event. Illegal edges are errors: they can only come from a damaged log (I-02).
pub fn apply(task: Option<&Task>, event: &TaskEvent, stamp: Stamp) -> Result<Task, IllegalEdge> {
    let illegal = || IllegalEdge {
        event: event.name(),
        state: task.map_or("absent", |task| task.state.name()),
        sequence: stamp.sequence,
    };
    if let TaskEvent::Created { content, period } = event {
        if task.is_some() {
            return Err(illegal());
        }
        return Ok(Task {
            content: Arc::clone(content),
            period: *period,
            generation: 0,
            state: TaskState::Paused {
                waiting_for: WaitingFor::Approval,
            },
            stamp,
        });
    }
    let task = task.ok_or_else(illegal)?;
    let (generation, state) = next(task, event, stamp).ok_or_else(illegal)?;
    let period = match event {
        TaskEvent::Bound { period } => Some(*period),
        TaskEvent::Created { .. }
        | TaskEvent::Cleared { .. }
        | TaskEvent::Held { .. }
        | TaskEvent::Started { .. }
        | TaskEvent::Finished { .. }
        | TaskEvent::Terminated { .. } => task.period,
    };
    Ok(Task {
        content: Arc::clone(&task.content),
        period,
        generation,
        state,
        stamp,
    })
}

/// The state after an event, or `None` where the state does not know the event.
fn next(task: &Task, event: &TaskEvent, stamp: Stamp) -> Option<(u64, TaskState)> {
    let generation = task.generation;
    let at = stamp.instant;
    match event {
        TaskEvent::Created { .. } => None,
        TaskEvent::Bound { period } => bound(task, *period).map(|state| (generation, state)),
        TaskEvent::Cleared {
            generation: cleared,
        } => {
            let grows = *cleared == generation + 1;
            (matches!(task.state, TaskState::Paused { .. }) && grows)
                .then_some((*cleared, TaskState::Cleared { since: at }))
        }
        TaskEvent::Held { waiting_for } => {
            let changes = task.state
                != TaskState::Paused {
                    waiting_for: *waiting_for,
                };
            (task.could_start() && changes).then_some((
                generation,
                TaskState::Paused {
                    waiting_for: *waiting_for,
                },
            ))
        }
        TaskEvent::Started {
            claim,
            generation: claimed,
            runner,
            artifact_digest: _,
        } => {
            let cleared = matches!(task.state, TaskState::Cleared { .. });
            (cleared && *claimed == generation).then(|| {
                let start = Start {
                    claim: claim.clone(),
                    generation: *claimed,
                    runner: runner.clone(),
                    at,
                };
                (generation, TaskState::Running { start })
            })
        }
        TaskEvent::Finished { outcome, comment } => match &task.state {
            TaskState::Running { start } => Some((
                generation,
                TaskState::Finished {
                    start: start.clone(),
                    outcome: *outcome,
                    comment: comment.clone(),
                    at,
                },
            )),
            TaskState::Paused { .. }
            | TaskState::Cleared { .. }
            | TaskState::Finished { .. }
            | TaskState::Terminated { .. } => None,
        },
        TaskEvent::Terminated { reason, comment: _ } => task.could_start().then_some((
            generation,
            TaskState::Terminated {
                reason: *reason,
                at,
            },
        )),
    }
}

/// Where a task waits once it is bound to a later period. Whatever it was cleared for has closed;
/// only a settling says that the new one is open.
fn bound(task: &Task, period: Period) -> Option<TaskState> {
    let waiting_for = match task.state {
        TaskState::Paused {
            waiting_for: WaitingFor::Approval,
        } => WaitingFor::Approval,
        TaskState::Paused {
            waiting_for: WaitingFor::Window | WaitingFor::Freeze,
        }
        | TaskState::Cleared { .. } => WaitingFor::Window,
        TaskState::Running { .. } | TaskState::Finished { .. } | TaskState::Terminated { .. } => {
            return None;
        }
    };
    let later = task.period.is_some_and(|bound| bound.end <= period.start);
    later.then_some(TaskState::Paused { waiting_for })
}
