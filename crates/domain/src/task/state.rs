//! The states of a task. A variant owns the facts of its state.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{TaskContent, Window};
use crate::Instant;
use crate::access::Principal;
use crate::calendar::Period;
use crate::ids::{ClaimId, CrNumber, TaskId};
use crate::log::Stamp;
use crate::person::Person;

/// What a paused task waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitingFor {
    /// For its change request to be approved.
    Approval,
    /// For its window or its period to open.
    Window,
    /// For the freezes that match it to end.
    Freeze,
}

impl WaitingFor {
    /// The name in columns.
    pub fn name(self) -> &'static str {
        match self {
            Self::Approval => "approval",
            Self::Window => "window",
            Self::Freeze => "freeze",
        }
    }
}

/// Why a task ended without having started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TerminationReason {
    /// Its change request was rejected (D5).
    Rejected,
    /// Its window closed (W2), or its period did and no other one followed (W4).
    WindowClosed,
    /// It was withdrawn (P7).
    Withdrawn,
    /// It waited for longer than a time to live allows (W7).
    Expired,
}

/// How a started task came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It did what it was to do.
    Succeeded,
    /// It did not.
    Failed,
}

/// The grant of a start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The claim it was granted to.
    pub claim: ClaimId,
    /// The generation that was claimed.
    pub generation: u64,
    /// Who claimed it.
    pub runner: Person,
    /// When it was granted.
    pub at: Instant,
}

/// Where a task stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// Waits; signals HOLD.
    Paused {
        /// For what.
        waiting_for: WaitingFor,
    },
    /// May start; signals PROCEED.
    Cleared {
        /// Since when.
        since: Instant,
    },
    /// A start was granted.
    Running {
        /// To whom.
        start: Start,
    },
    /// Ended after a start.
    Finished {
        /// The start.
        start: Start,
        /// How it came out.
        outcome: Outcome,
        /// What was said about it.
        comment: String,
        /// When it was reported.
        at: Instant,
    },
    /// Ended without a start; signals TERMINATE.
    Terminated {
        /// Why.
        reason: TerminationReason,
        /// When.
        at: Instant,
    },
}

impl TaskState {
    /// The state's name in columns and messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Paused { .. } => "PAUSED",
            Self::Cleared { .. } => "CLEARED",
            Self::Running { .. } => "RUNNING",
            Self::Finished {
                outcome: Outcome::Succeeded,
                ..
            } => "SUCCEEDED",
            Self::Finished {
                outcome: Outcome::Failed,
                ..
            } => "FAILED",
            Self::Terminated { .. } => "TERMINATED",
        }
    }
}

/// A task: what was said of it, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The frozen text.
    pub content: Arc<TaskContent>,
    /// The period of its policies' windows that it is bound to, cut to its own window; `None` where
    /// no policy has windows (W4).
    pub period: Option<Period>,
    /// How often it has been cleared: the number of its newest permit.
    pub generation: u64,
    /// Where it stands.
    pub state: TaskState,
    /// Its newest entry in the log.
    pub stamp: Stamp,
}

impl Task {
    /// The orchestrator's id.
    pub fn id(&self) -> &TaskId {
        &self.content.spec.id
    }

    /// The change request that holds it.
    pub fn change_request(&self) -> CrNumber {
        self.content.change_request
    }

    /// When it may start, as far as time decides: in its period where it is bound to one, else in
    /// its own window (W6).
    pub fn bounds(&self) -> Window {
        self.period
            .map_or(self.content.spec.window, |period| Window {
                start: Some(period.start),
                end: Some(period.end),
            })
    }

    /// Whether it names the runner that a caller speaks for.
    pub fn names(&self, caller: &Principal) -> bool {
        let runner = self.content.spec.runner.as_ref();
        runner.is_some() && runner == caller.runner.as_ref()
    }

    /// Whether a caller may act on it as a runner: it names that runner, or none (P5).
    pub fn is_for(&self, caller: &Principal) -> bool {
        self.content.spec.runner.is_none() || self.names(caller)
    }

    /// Whether it could still start: waiting or cleared (D12).
    pub fn could_start(&self) -> bool {
        match self.state {
            TaskState::Paused { .. } | TaskState::Cleared { .. } => true,
            TaskState::Running { .. }
            | TaskState::Finished { .. }
            | TaskState::Terminated { .. } => false,
        }
    }

    /// Whether nothing can happen to it any more.
    pub fn has_ended(&self) -> bool {
        match self.state {
            TaskState::Finished { .. } | TaskState::Terminated { .. } => true,
            TaskState::Paused { .. } | TaskState::Cleared { .. } | TaskState::Running { .. } => {
                false
            }
        }
    }

    /// The start that was granted, if one was.
    pub fn start(&self) -> Option<&Start> {
        match &self.state {
            TaskState::Running { start } | TaskState::Finished { start, .. } => Some(start),
            TaskState::Paused { .. } | TaskState::Cleared { .. } | TaskState::Terminated { .. } => {
                None
            }
        }
    }

    /// The next instant at which time alone changes the task. It must be exact: a task that is due
    /// but does not change would be due for ever. Freezes are not among it: each has a due instant
    /// of its own, at which the tasks it concerns are settled.
    pub fn due_at(&self) -> Option<Instant> {
        let bounds = self.bounds();
        match self.state {
            TaskState::Paused {
                waiting_for: WaitingFor::Window,
            } => bounds.start.or(bounds.end),
            TaskState::Paused {
                waiting_for: WaitingFor::Approval | WaitingFor::Freeze,
            }
            | TaskState::Cleared { .. } => bounds.end,
            TaskState::Running { .. }
            | TaskState::Finished { .. }
            | TaskState::Terminated { .. } => None,
        }
    }
}
