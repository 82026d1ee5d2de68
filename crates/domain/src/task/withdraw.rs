//! A task that has not started is no longer wanted (P7).

use super::{Task, TaskEvent, TaskState, TerminationReason};
use crate::access::{Principal, Role};
use crate::ids::TaskId;
use crate::refusal::Refusal;

/// The withdrawal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithdrawTask {
    /// The task.
    pub task: TaskId,
    /// Why.
    pub comment: String,
}

/// Decides a withdrawal on a settled task. `None` repeats an earlier one.
pub fn withdraw(
    task: &Task,
    command: &WithdrawTask,
    caller: &Principal,
) -> Result<Option<TaskEvent>, Refusal> {
    let creator = task
        .content
        .spec
        .creator
        .as_ref()
        .map(|creator| &creator.person);
    if !caller.has(Role::Orchestrator) && creator != Some(&caller.person) {
        return Err(Refusal::NotTheCreator {
            task: command.task.clone(),
        });
    }
    match &task.state {
        TaskState::Paused { .. } | TaskState::Cleared { .. } => Ok(Some(TaskEvent::Terminated {
            reason: TerminationReason::Withdrawn,
            comment: command.comment.clone(),
        })),
        TaskState::Terminated {
            reason: TerminationReason::Withdrawn,
            ..
        } => Ok(None),
        TaskState::Terminated {
            reason:
                TerminationReason::Rejected
                | TerminationReason::WindowClosed
                | TerminationReason::Expired,
            ..
        }
        | TaskState::Running { .. }
        | TaskState::Finished { .. } => Err(Refusal::NotWithdrawable {
            task: command.task.clone(),
            found: task.state.name(),
        }),
    }
}
