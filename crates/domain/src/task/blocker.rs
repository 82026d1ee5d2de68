//! Why a task may not start yet, for machines and for people.

use super::{Task, TaskState, WaitingFor};
use crate::Instant;
use crate::change_request::{Deficit, approvers_phrase};
use crate::freeze::{Hold, Outlook};

/// One reason why a task may not start yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blocker {
    /// Approvals are missing.
    Approval(Deficit),
    /// The window, or the period that the task is bound to, has not opened.
    Window {
        /// When it does.
        opens_at: Instant,
    },
    /// A freeze is in force.
    Freeze(Hold),
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
            Self::Freeze(Hold {
                freeze,
                reason,
                ends_at,
            }) => {
                let until = ends_at.map_or_else(
                    || "until it is lifted".to_owned(),
                    |ends_at| format!("until {ends_at}"),
                );
                format!("freeze {freeze} holds it {until} ({})", one_line(reason))
            }
            Self::Settling => "nothing is missing any more, it is about to be cleared".to_owned(),
        }
    }
}

/// A text for people as it fits into a line: what wraps is cut.
fn one_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// All reasons why a task may not start at `now`: the approval first, then the window, then each
/// freeze. Empty unless it is paused.
pub fn blockers(task: &Task, deficit: &Deficit, outlook: &Outlook, now: Instant) -> Vec<Blocker> {
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
    if let Some(opens_at) = task.bounds().start.filter(|&start| start > now) {
        found.push(Blocker::Window { opens_at });
    }
    found.extend(outlook.holds.iter().cloned().map(Blocker::Freeze));
    if found.is_empty() {
        found.push(Blocker::Settling);
    }
    found
}
