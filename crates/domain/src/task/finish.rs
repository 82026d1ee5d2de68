//! The outcome of a started task is reported (P6).

use super::{Outcome, Task, TaskEvent, TaskState};
use crate::access::{Principal, Role};
use crate::ids::{ClaimId, TaskId};
use crate::refusal::Refusal;

/// The report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishTask {
    /// The task.
    pub task: TaskId,
    /// The claim its start was granted to.
    pub claim: ClaimId,
    /// How it came out.
    pub outcome: Outcome,
    /// What is said about it.
    pub comment: String,
}

/// Decides a report. `None` repeats an earlier one.
pub fn finish(
    task: &Task,
    report: &FinishTask,
    caller: &Principal,
) -> Result<Option<TaskEvent>, Refusal> {
    let orchestrates = caller.has(Role::Orchestrator);
    if !orchestrates && !task.is_for(caller) {
        return Err(Refusal::task_not_found(&report.task));
    }
    let (start, earlier) = match &task.state {
        TaskState::Running { start } => (start, None),
        TaskState::Finished { start, outcome, .. } => (start, Some(*outcome)),
        TaskState::Paused { .. } | TaskState::Cleared { .. } | TaskState::Terminated { .. } => {
            let found = task.state.name();
            return Err(Refusal::NotRunning {
                task: report.task.clone(),
                found,
            });
        }
    };
    let holds_it = start.claim == report.claim && (orchestrates || start.runner == caller.person);
    if !holds_it {
        return Err(Refusal::ClaimTaken {
            task: report.task.clone(),
        });
    }
    match earlier {
        None => Ok(Some(TaskEvent::Finished {
            outcome: report.outcome,
            comment: report.comment.clone(),
        })),
        Some(outcome) if outcome == report.outcome => Ok(None),
        Some(_) => {
            let found = task.state.name();
            Err(Refusal::OutcomeDiffers {
                task: report.task.clone(),
                found,
            })
        }
    }
}
