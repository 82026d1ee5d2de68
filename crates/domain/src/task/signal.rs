//! What a runner is told (P1, P2).

use super::{Task, TaskState};
use crate::Instant;

/// What a runner is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Do not start; wait.
    Hold,
    /// Claim the start.
    Proceed,
    /// Never start; stop waiting.
    Terminate,
}

/// What comes with PROCEED.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permit {
    /// The fencing number to name in a start.
    pub generation: u64,
    /// When the permit ends, as far as is known; advice, because only a start decides.
    pub valid_until: Option<Instant>,
}

/// The signal of a task; running tasks and those that ended after a start have none.
pub fn signal(task: &Task) -> Option<Signal> {
    match task.state {
        TaskState::Paused { .. } => Some(Signal::Hold),
        TaskState::Cleared { .. } => Some(Signal::Proceed),
        TaskState::Terminated { .. } => Some(Signal::Terminate),
        TaskState::Running { .. } | TaskState::Finished { .. } => None,
    }
}

/// The permit of a cleared task; `expires_at` says when its change request does, `next_freeze` when
/// the next freeze begins. It ends with whatever comes first.
pub fn permit(
    task: &Task,
    expires_at: Option<Instant>,
    next_freeze: Option<Instant>,
) -> Option<Permit> {
    let ends = [task.bounds().end, expires_at, next_freeze];
    match task.state {
        TaskState::Cleared { .. } => Some(Permit {
            generation: task.generation,
            valid_until: ends.into_iter().flatten().min(),
        }),
        TaskState::Paused { .. }
        | TaskState::Running { .. }
        | TaskState::Finished { .. }
        | TaskState::Terminated { .. } => None,
    }
}
