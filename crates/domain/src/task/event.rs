//! What the log says happened to a task.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Outcome, TaskContent, TerminationReason, WaitingFor};
use crate::calendar::Period;
use crate::ids::{ArtifactDigest, ClaimId};
use crate::person::Person;

/// One thing that happened to one task; holds all that [`super::apply`] needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskEvent {
    /// The task came into being, waiting for approval.
    Created {
        /// The frozen text.
        content: Arc<TaskContent>,
        /// The period it is bound to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        period: Option<Period>,
    },
    /// Its period closed before it started, and it is bound to another one.
    Bound {
        /// To which.
        period: Period,
    },
    /// The task may start: its permit has this number.
    Cleared {
        /// The number.
        generation: u64,
    },
    /// The task waits, and for what.
    Held {
        /// For what.
        waiting_for: WaitingFor,
    },
    /// A start was granted.
    Started {
        /// To this claim.
        claim: ClaimId,
        /// Of this generation.
        generation: u64,
        /// By this runner.
        runner: Person,
        /// For this artifact.
        artifact_digest: Option<ArtifactDigest>,
    },
    /// The outcome was reported.
    Finished {
        /// How it came out.
        outcome: Outcome,
        /// What was said about it.
        comment: String,
    },
    /// The task ended without a start.
    Terminated {
        /// Why.
        reason: TerminationReason,
        /// What was said about it.
        comment: String,
    },
}

impl TaskEvent {
    /// The event's name in the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "task.created",
            Self::Bound { .. } => "task.bound",
            Self::Cleared { .. } => "task.cleared",
            Self::Held { .. } => "task.held",
            Self::Started { .. } => "task.started",
            Self::Finished { .. } => "task.finished",
            Self::Terminated { .. } => "task.terminated",
        }
    }
}
