//! Why a task may not start yet, for machines and for people.

use super::{Task, TaskState, WaitingFor};
use crate::Instant;
use crate::change_request::{Deficit, approvers_phrase};

/// One reason why a task may not start yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blocker {
    /// Approvals are missing.
    Approval(Deficit),
    /// The window has not opened.
    Window {
        /// When it does.
        opens_at: Instant,
    },
    /// Nothing is missing any more; the next settling clears the task.
    Settling,
}

impl Blocker {
    /// The reason as it stands behind "blocked by change request CR-42: …".
    pub fn phrase(&self) -> String {
        match self {
            Self::Approval(deficit) => {
                format!(
                    "requires approval from {}",
                    approvers_phrase(deficit.missing)
                )
            }
            Self::Window { opens_at } => format!("its window opens at {opens_at}"),
            Self::Settling => "nothing is missing any more, it is about to be cleared".to_owned(),
        }
    }
}

/// All reasons why a task may not start at `now`, the approval first. Empty unless it is paused.
pub fn blockers(task: &Task, deficit: &Deficit, now: Instant) -> Vec<Blocker> {
    let waiting_for = match task.state {
        TaskState::Paused { waiting_for } => waiting_for,
        TaskState::Cleared { .. }
        | TaskState::Running { .. }
        | TaskState::Finished { .. }
        | TaskState::Terminated { .. } => return Vec::new(),
    };
    let mut found = Vec::new();
    if waiting_for == WaitingFor::Approval && deficit.missing > 0 {
        found.push(Blocker::Approval(deficit.clone()));
    }
    if let Some(opens_at) = task.content.spec.window.start.filter(|&start| start > now) {
        found.push(Blocker::Window { opens_at });
    }
    if found.is_empty() {
        found.push(Blocker::Settling);
    }
    found
}
