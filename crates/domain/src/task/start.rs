//! A runner claims the start of a task (P3 to P5).

use super::{Task, TaskEvent, TaskState};
use crate::access::Principal;
use crate::ids::{ArtifactDigest, ClaimId, FreezeId, TaskId};
use crate::refusal::{NotNow, Refusal};

/// The claim of a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartTask {
    /// The task.
    pub task: TaskId,
    /// The generation of the permit the runner holds.
    pub generation: u64,
    /// The digest of what it is about to run.
    pub artifact_digest: Option<ArtifactDigest>,
    /// The attempt.
    pub claim: ClaimId,
}

/// Decides a claim on a settled task: the one place where a start is granted. `None` repeats an
/// earlier grant; a repeat says all that the grant was given for, or it is no repeat (I-22, I-45).
/// `clock_behind_micros` says by how much the clock lags where that forbids a start (K2), `freezes`
/// which freezes hold the task.
pub fn start(
    task: &Task,
    claim: &StartTask,
    caller: &Principal,
    clock_behind_micros: Option<i64>,
    freezes: &[FreezeId],
) -> Result<Option<TaskEvent>, Refusal> {
    if !task.is_for(caller) {
        return Err(Refusal::task_not_found(&claim.task));
    }
    let task_id = claim.task.clone();
    match &task.state {
        TaskState::Running { start } => {
            let same = start.claim == claim.claim
                && start.generation == claim.generation
                && start.runner == caller.person;
            if !same {
                return Err(Refusal::ClaimTaken { task: task_id });
            }
            check_digest(task, claim)?;
            Ok(None)
        }
        TaskState::Finished { .. } | TaskState::Terminated { .. } => Err(Refusal::StartNever {
            task: task_id,
            found: task.state.name(),
        }),
        TaskState::Paused { waiting_for } => Err(Refusal::StartNotNow {
            task: task_id,
            cause: NotNow::Held {
                waiting_for: *waiting_for,
                freezes: freezes.to_vec(),
            },
        }),
        TaskState::Cleared { .. } => {
            if claim.generation != task.generation {
                let cause = NotNow::StaleGeneration {
                    named: claim.generation,
                    current: task.generation,
                };
                return Err(Refusal::StartNotNow {
                    task: task_id,
                    cause,
                });
            }
            check_digest(task, claim)?;
            if let Some(by_micros) = clock_behind_micros {
                return Err(Refusal::ClockBehind { by_micros });
            }
            Ok(Some(TaskEvent::Started {
                claim: claim.claim.clone(),
                generation: claim.generation,
                runner: caller.person.clone(),
                artifact_digest: claim.artifact_digest.clone(),
            }))
        }
    }
}

/// What is about to run is what the task was created with (I-06).
fn check_digest(task: &Task, claim: &StartTask) -> Result<(), Refusal> {
    let frozen = task.content.spec.artifact_digest.as_ref();
    let named = claim.artifact_digest.as_ref();
    if named == frozen {
        Ok(())
    } else {
        Err(Refusal::digest_mismatch(named, frozen))
    }
}
